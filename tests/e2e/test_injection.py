"""Nothing that comes from a source or a configuration is ever read as SQL, as a connection string
or as a secret's place: data arrives equal, or an error says clearly what is wrong.

What would have been executed is seen by a canary: a table on each side, the set of tables of the
warehouse, and its settings, all looked at after every run.
"""
import json

import pytest

PAYLOADS = [
    "'; DROP TABLE canary; --", "\\'; DROP TABLE canary; --", "\"; DROP TABLE canary; --",
    "'); DELETE FROM canary; COMMIT; --", "' OR '1'='1", "\\", "\\\\", "x\\", "'", "''", "\\''",
    '"', '""', ";", "--", "/*", "*/", "/* x */", "{{SECRET:copy_secret}}",
    "'{{SECRET:copy_secret}}'", "SECRET_ACCESS_KEY '{{SECRET:copy_secret}}'", "{{", "}}",
    "%s %d %n",
    "$1", "$$x$$", "E'\\x27'", "\n'; DROP TABLE canary; --", "a\r\nb", "\ttab", "\x01\x1b\x7f",
    "ünï 漢字 🙂", "\u202eright to left", "\u00a0", "ʼ ＇ ‘", "NULL", "\\N", "', 'x'), ('y",
    "\\.", "x' ESCAPE_ '", "U&'\\0027'", "&#39;", "a,b;c|d", "${HOME} $(id) `id`",
]
# Names: at most 63 bytes in PostgreSQL, different from each other also in lower case.
NAMES = sorted({p.encode()[:60].decode(errors="ignore").lower() for p in PAYLOADS if p})


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("'", "''") + "'" if "\\" not in text else (
        "E'" + text.replace("\\", "\\\\").replace("'", "''") + "'")


def schemas_of(world):
    """All but the servers' own for temporary tables, which come and go with sessions."""
    return sorted(name for name, in world.sandbox.query("SELECT nspname FROM pg_namespace")
                  if not name.startswith("pg_temp_") and not name.startswith("pg_toast_temp_"))


def expected_tables(world, *more):
    return sorted({"_vesto_loads", "_vesto_rejected", "_vesto_sync_status", "canary", *more})


@pytest.fixture
def canary(one_world):
    """Returns a check to be called after each run: canary(tables that may be there)."""
    world = one_world
    world.source("CREATE TABLE canary (id int PRIMARY KEY); INSERT INTO canary VALUES (1), (2)")
    sql = quoted(world.schema)
    world.sandbox.query(f"CREATE SCHEMA {sql}")
    world.sandbox.query(f"CREATE TABLE {sql}.canary (id int)")
    world.sandbox.query(f"INSERT INTO {sql}.canary VALUES (1), (2), (3)")
    schemas = schemas_of(world)

    def check(*tables):
        assert world.source("SELECT count(*) FROM canary") == [(2,)]
        assert world.sandbox.query(f"SELECT count(*) FROM {sql}.canary") == [(3,)]
        there = world.sandbox.query(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE n.nspname = %s AND c.relkind IN ('r', 'v')", world.schema)
        seen = sorted(name for name, in there if not name.startswith("_vesto_state_"))
        assert seen == expected_tables(world, *tables)
        assert schemas_of(world) == schemas

    return check


def rows_of(world, table, columns, schema=None):
    names = ", ".join(quoted(c) for c in columns)
    return sorted(world.sandbox.query(
        f"SELECT {names} FROM {quoted(schema or world.schema)}.{quoted(table)}"), key=repr)


def source_rows(world, table, columns):
    names = ", ".join(quoted(c) for c in columns)
    return sorted(world.source(f"SELECT {names} FROM {quoted(table)}"), key=repr)


def secrets_of(world):
    return [world.sandbox.endpoints["aws"]["secret_access_key"],
            world.sandbox.endpoints["redshift"]["password"], world.postgres.password]


def test_hostile_values_and_keys(one_world, canary):
    """As values, as text keys of an upsert, as parts of a composite key, in JSON, in every mode."""
    world = one_world
    values = ", ".join(f"({i}, {literal(p)}, {literal(p)}, to_jsonb({literal(p)}::text))"
                       for i, p in enumerate(PAYLOADS))
    for table, key in (("byid", "id"), ("bytext", "k"), ("bypair", "k, v"), ("whole", "id")):
        world.source(f"CREATE TABLE {table} (id int, k text, v text, j jsonb, PRIMARY KEY ({key}));"
                     f"INSERT INTO {table} VALUES {values}")
    world.table("public.byid").table("public.bytext").table("public.bypair")
    world.table("public.whole", mode="replace").write_config()
    for change in ("", "v = v || '''; DROP TABLE canary; --'", "k = '{{SECRET:copy_secret}}' || k"):
        if change:
            for table in ("byid", "bytext", "whole"):
                # A key that changes is a new row for an upsert: only where it is no key.
                if not (change.startswith("k") and table == "bytext"):
                    world.source(f"UPDATE {table} SET {change}")
        finished = world.must_run()
        assert finished["rows"]["read"] == finished["rows"]["copied"] == 4 * len(PAYLOADS)
        canary("byid", "bytext", "bypair", "whole")
        world.assert_equal(("public.byid", ["id"]), ("public.bytext", ["k"]),
                           ("public.bypair", ["k", "v"]), ("public.whole", ["id"]))
    for table in ("byid", "bytext", "bypair", "whole"):
        text = repr(rows_of(world, table, ["id", "k", "v"]))
        assert not any(secret in text for secret in secrets_of(world))
    world.assert_nothing_left()


def test_hostile_columns(one_world, canary):
    """Each payload as a column's name, as a key's too."""
    world = one_world
    columns = ", ".join(f"{quoted(name)} text" for name in NAMES)
    values = ", ".join(literal(name) for name in NAMES)
    key = [NAMES[0], NAMES[len(NAMES) // 2], NAMES[-1]]
    world.source(f"CREATE TABLE wide ({columns}, "
                 f"PRIMARY KEY ({', '.join(quoted(k) for k in key)}));"
                 f"INSERT INTO wide VALUES ({values})")
    world.source(f"CREATE TABLE cur (id int PRIMARY KEY, {quoted(NAMES[1])} timestamptz);"
                 "INSERT INTO cur VALUES (1, '2026-01-01'), (2, '2026-01-02')")
    world.table("public.wide").table("public.cur", cursor=NAMES[1]).write_config()
    world.must_run()
    other = next(n for n in NAMES if n not in key)
    world.source(f"UPDATE wide SET {quoted(other)} = 'changed'; INSERT INTO cur VALUES (3, now())")
    world.must_run()
    canary("wide", "cur")
    assert rows_of(world, "wide", NAMES) == source_rows(world, "wide", NAMES)
    assert len(rows_of(world, "cur", ["id"])) == 3
    # A column of that name that comes later.
    world.source(f"CREATE TABLE later (id int PRIMARY KEY); INSERT INTO later VALUES (1)")
    world.table("public.later").write_config()
    world.must_run()
    for name in NAMES:
        world.source(f"ALTER TABLE later ADD COLUMN {quoted(name)} text DEFAULT 'd'")
    world.must_run()
    canary("wide", "cur", "later")
    assert rows_of(world, "later", ["id", *NAMES]) == source_rows(world, "later", ["id", *NAMES])
    world.assert_nothing_left()


def test_hostile_tables(one_world, canary):
    """Each payload as a table's name, and of its key."""
    world = one_world
    for number, name in enumerate(NAMES):
        world.source(f"CREATE TABLE {quoted(name)} ({quoted(name)} int PRIMARY KEY, v text);"
                     f"INSERT INTO {quoted(name)} VALUES ({number}, {literal(name)})")
        world.table("public." + quoted(name), mode="replace" if number % 3 == 0 else "upsert")
    world.write_config()
    for _ in range(2):
        finished = world.must_run()
        assert finished["tables"]["succeeded"] == len(NAMES)
        canary(*NAMES)
        for name in NAMES:
            assert rows_of(world, name, [name, "v"]) == source_rows(world, name, [name, "v"]), name
    world.assert_nothing_left()


@pytest.mark.parametrize("name", ['x"; DROP SCHEMA public CASCADE; --', "it's", "back\\slash",
                                  "a;b", "/*", "{{SECRET:copy_secret}}", "ünï 漢", "new\nline",
                                  "dot.ted", "--", "%s$1"])
def test_a_hostile_schema(one_world, name):
    world = one_world
    world.schema = name
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')")
    world.table("public.t").write_config()
    settings(world, f'schema = "{name}"', "schema = " + json.dumps(name, ensure_ascii=False))
    try:
        for value in ("x", "y"):
            world.source(f"UPDATE t SET v = '{value}'")
            world.must_run()
            assert rows_of(world, "t", ["id", "v"]) == [(1, value)]
        # Redshift folds names, quoted ones too.
        folded = "".join(c.lower() if c.isascii() else c for c in name)
        assert {folded, "public"} <= set(schemas_of(world))
        world.assert_nothing_left()
    finally:
        world.sandbox.query(f"DROP SCHEMA {quoted(name)} CASCADE")


def settings(world, old, new):
    path = world.folder / "vesto.toml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


@pytest.mark.parametrize("prefix", ["a'b/", 'q"/', "semi;colon/", "back\\\\slash/", "/*/",
                                    "{{SECRET:copy_secret}}/", "ünï 漢/", "sp ace+&=?%2e/", "../../",
                                    "x' CREDENTIALS 'aws_iam_role=arn/"])
def test_a_hostile_prefix(one_world, canary, prefix):
    """The prefix is in a COPY's literal, in the manifest and in every request to S3: it works, or
    the configuration is refused by name."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')")
    world.table("public.t").write_config(prefix=prefix.replace('"', '\\"'))
    code, finished, errors = world.run()
    if code == 0:
        canary("t")
        assert rows_of(world, "t", ["id", "v"]) == [(1, "x")]
        world.assert_nothing_left()
    else:
        assert code == 3 and "prefix" in errors and "CFG-" in errors, errors


@pytest.mark.parametrize("sync", ["a'b", 'a"b', "a;b", "a b", "a\\b", "../x", "{{SECRET:x}}", "a/b",
                                  "ü", "a\nb", ""])
def test_a_hostile_sync_name_is_refused_by_name(one_world, sync):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY)")
    world.table("public.t").write_config()
    settings(world, "sync.shop", "sync." + json.dumps(sync, ensure_ascii=False))
    code, _, errors = world.run(sync="shop")
    assert code == 3 and "cannot be the name of a" in errors, errors


CONNECTION = [
    ('database = "{database}"', 'database = "dbname={database} user=postgres"'),
    ('database = "{database}"', "database = \"postgresql://postgres@127.0.0.1/{database}\""),
    ('database = "{database}"', "database = \"{database}' host='127.0.0.1\""),
    ('host = "127.0.0.1"', 'host = "127.0.0.1 sslmode=disable"'),
    ('host = "127.0.0.1"', 'host = "127.0.0.1/{database}?x="'),
    ('user = "postgres"', 'user = "postgres password=x"'),
    ('endpoint = "localhost:{redshift}/dev"',
    'endpoint = "localhost:{redshift}/dev sslmode=disable"'),
    ('endpoint = "localhost:{redshift}/dev"',
    'endpoint = "localhost:{redshift}/dev?sslmode=disable"'),
    ('endpoint = "localhost:{redshift}/dev"', 'endpoint = "x@localhost:{redshift}/dev"'),
    ('user = "{loader}"', 'user = "{loader} options=-cstatement_timeout=1"'),
    ('user = "{loader}"', "user = \"{loader}' --\""),
    ('bucket = "{bucket}"', 'bucket = "{bucket}/../other"'),
    ('bucket = "{bucket}"', "bucket = \"{bucket}' MANIFEST '\""),
    ('region = "{region}"', "region = \"{region}' IAM_ROLE default '\""),
    ('access_key_id = "{key}"', "access_key_id = \"{key}' SECRET_ACCESS_KEY '\""),
    ('access_key_id = "{key}"', 'access_key_id = "{key}\\r\\nX-Injected: 1"'),
]


@pytest.mark.parametrize("old,new", CONNECTION)
def test_settings_are_no_connection_strings(one_world, canary, old, new):
    """A setting that holds a part of a connection string, a URL or a statement is a value that does
    not exist: an error that somebody must act on, and nothing was written."""
    world = one_world
    endpoints = world.sandbox.endpoints
    world.source("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    world.table("public.t").write_config()
    words = {"database": world.database, "redshift": endpoints["redshift"]["port"],
             "loader": endpoints["redshift"]["user"], "bucket": endpoints["aws"]["bucket"],
             "region": endpoints["aws"]["region"], "key": endpoints["aws"]["access_key_id"]}
    settings(world, old.format(**words), new.format(**words))
    code, finished, errors = world.run()
    assert code in (3, 4, 5), f"exit {code}: {finished} {errors}"
    error = finished.get("error") or finished["table_results"][0]["error"]
    assert error["code"] and not error["code"].startswith("INT-") and error["message"], error
    assert not any(secret in errors for secret in secrets_of(world))
    there = world.sandbox.query("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
                                "c.relnamespace WHERE n.nspname = %s AND c.relname = 't'",
                                world.schema)
    assert there == [] or world.sandbox.query(f"SELECT * FROM {quoted(world.schema)}.t") == []


@pytest.mark.parametrize("setting", ["key", "cursor", "exclude"])
@pytest.mark.parametrize("name", ["id; DROP TABLE canary", 'id" OR "1"="1', "id' --", "(SELECT 1)",
                                  "ctid", "*", "\\"])
def test_settings_that_name_no_column(one_world, canary, setting, name):
    """An expression is not a column: refused by name, nothing is run."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')")
    world.table("public.t", **{setting: name if setting == "cursor" else [name]}).write_config()
    code, finished, errors = world.run()
    assert code in (3, 4), f"exit {code}: {finished} {errors}"
    error = finished.get("error") or finished["table_results"][0]["error"]
    assert not error["code"].startswith("INT-"), error
    # The message shows a name as it shows all: without line breaks, perhaps escaped.
    assert name[:6] in error["message"] or "cursor" in error["message"], error
    assert world.source("SELECT count(*) FROM canary") == [(2,)]


@pytest.mark.parametrize("name", ["public.t; DROP TABLE canary", 'public.t" --',
    "public.(SELECT 1) x",
                                  "pg_catalog.pg_authid; --", "public.t WHERE 1=1", "t", "a.b.c"])
def test_a_table_setting_that_is_no_table(one_world, canary, name):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    world.table(name).write_config()
    code, finished, errors = world.run()
    assert code in (3, 4), f"exit {code}: {finished} {errors}"
    error = finished.get("error") or finished["table_results"][0]["error"]
    assert not error["code"].startswith("INT-"), error
    assert world.source("SELECT count(*) FROM canary") == [(2,)]


def test_hostile_targets(one_world, canary):
    """Each payload as a target's name, where the source's table is harmless."""
    world = one_world
    for number, name in enumerate(NAMES):
        world.source(f"CREATE TABLE t{number} (id int PRIMARY KEY, v text);"
                     f"INSERT INTO t{number} VALUES (1, {literal(name)})")
        world.table(f"public.t{number}", target=name)
    world.write_config()
    world.must_run()
    for number in range(len(NAMES)):
        world.source(f"UPDATE t{number} SET v = v || 'y'")
    world.must_run()
    canary(*NAMES)
    for name in NAMES:
        assert rows_of(world, name, ["id", "v"]) == [(1, name + "y")]
    world.assert_nothing_left()


def test_texts_in_reports_are_whole(one_world):
    """Names with line breaks and control characters do not break --json, nor the terminal."""
    world = one_world
    name = "a\nb\x1b[31m\"'"
    world.source(f"CREATE TABLE {quoted(name)} (id int);"
                 f"INSERT INTO {quoted(name)} VALUES (1)")
    world.table("public." + quoted(name)).write_config()
    code, finished, errors = world.run()
    assert code in (3, 4) and finished is not None
    assert "\x1b" not in errors
    assert finished["table_results"][0]["error"]["code"] == "PG-NO-KEY"
