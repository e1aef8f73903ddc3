"""`sync plan` says what the run would do and what it would fail for: each case is planned, and then
run, so that the two cannot drift apart."""
import contextlib
import json
import re
import subprocess

import psycopg2

ROWS = ("CREATE TABLE t (id int PRIMARY KEY, code varchar(20) NOT NULL, v int, "
        "at timestamptz NOT NULL);"
        "INSERT INTO t SELECT i, 'c' || i, i, '2026-01-01'::timestamptz + i * interval '1 hour' "
        "FROM generate_series(1, 400) i")


def vesto(world, *arguments):
    return subprocess.run(world.command(*arguments), text=True, capture_output=True, timeout=120)


def plan(world, *arguments):
    """(exit code, the text as people see it, the same as data)."""
    told = vesto(world, "sync", "plan", "shop", *arguments)
    data = vesto(world, "sync", "plan", "shop", "--json", *arguments)
    assert told.returncode == data.returncode, told.stdout + data.stdout
    return told.returncode, told.stdout, json.loads(data.stdout)


def start(world, **settings):
    world.source(ROWS)
    world.table("public.t", **settings).write_config()
    return world


def admin(world, sql):
    r = world.sandbox.endpoints["redshift"]
    connection = psycopg2.connect(world.sandbox.dsn(), user=r["admin"]["user"],
                                  password=r["admin"]["password"])
    connection.autocommit = True
    with contextlib.closing(connection):
        connection.cursor().execute(sql)


def test_a_first_plan_names_what_is_made(one_world):
    world = start(one_world)
    code, text, data = plan(world)
    assert code == 0
    assert f"  + create schema {world.schema}\n" in text
    assert "      + create table   4 columns: id INTEGER, code VARCHAR(80), " in text, text
    assert "; distkey id; sortkey id\n" in text
    assert data["creates_schema"] and data["tables"][0]["change"] == "create"
    world.must_run()
    code, text, data = plan(world)
    assert code == 0 and "      = the table stays as it is\n" in text
    assert data["tables"][0]["change"] == "unchanged" and not data["creates_schema"]


def test_new_and_wider_columns_are_named(one_world):
    world = start(one_world)
    world.must_run()
    world.source("ALTER TABLE t ADD COLUMN coupon int, ALTER COLUMN code TYPE varchar(100)")
    code, text, data = plan(world)
    assert code == 0
    assert "~ alter table   widen code VARCHAR(80) -> VARCHAR(400); add column coupon INTEGER" \
        in text, text
    assert data["tables"][0]["change"] == "alter"
    world.must_run()
    assert plan(world)[2]["tables"][0]["change"] == "unchanged"


def same_as_the_run(world, error_code):
    """The plan and the run name the same error for the only table, with the same exit code."""
    code, text, data = plan(world)
    run_code, finished, _ = world.run()
    (table,) = data["tables"]
    assert table["change"] == "blocked" and table["error"]["code"] == error_code, data
    assert finished["table_results"][0]["error"]["code"] == error_code
    assert code == run_code == data["exit_code"] == 4
    assert f"      ! blocked   {error_code} " in text and "      Fix: " in text, text
    assert "The run would fail for 1 of 1 table.\n" in text and "Next:" not in text
    return table["error"]


def test_a_column_of_another_type(one_world):
    world = start(one_world)
    world.must_run()
    world.source("ALTER TABLE t ALTER COLUMN v TYPE bigint")
    error = same_as_the_run(world, "RS-TABLE-DIFFERS")
    # The line to paste, and what then helps.
    assert f'DROP TABLE "{world.schema}"."t";' in error["hint"]
    done = vesto(world, "run", "shop")
    next_line = "Next:  vesto run shop --full-refresh --table public.t\n"
    assert next_line in done.stdout, done.stdout
    world.sandbox.query(f'DROP TABLE "{world.schema}"."t"')
    world.must_run("--full-refresh", "--table", "public.t")
    world.assert_equal(("public.t", ["id"]), rows=400)


def test_a_target_that_was_dropped(one_world):
    world = start(one_world, cursor="at", lookback="1s")
    world.must_run()
    world.sandbox.query(f'DROP TABLE "{world.schema}"."t"')
    world.source("UPDATE t SET at = now() WHERE id = 1")
    assert "is gone" in same_as_the_run(world, "RS-TABLE-DIFFERS")["message"]


def test_a_view_that_holds_a_column(one_world):
    world = start(one_world)
    world.must_run()
    world.sandbox.query(f'CREATE VIEW "{world.schema}"."v" AS SELECT code FROM '
                        f'"{world.schema}"."t"')
    world.source("ALTER TABLE t ALTER COLUMN code TYPE varchar(100)")
    error = same_as_the_run(world, "RS-VIEW-DEP")
    assert f"view {world.schema}.v is bound to it" in error["message"]


def test_a_schema_without_rights(one_world):
    world = start(one_world)
    admin(world, f'CREATE SCHEMA "{world.schema}"')
    code, text, data = plan(world)
    run_code, finished, _ = world.run()
    assert finished["error"]["code"] == data["error"]["code"] == "RS-PRIV-SCHEMA"
    assert code == run_code == 4
    assert "  ! blocked   RS-PRIV-SCHEMA " in text and "The run would fail.\n" in text
    assert f'Fix: GRANT ALL ON SCHEMA "{world.schema}" TO ' in text
    admin(world, re.search(r"GRANT .*;", text).group())
    assert plan(world)[0] == 0
    world.must_run()


def test_one_of_two_tables(one_world):
    """As the run: 6 where some tables fail."""
    world = start(one_world)
    world.source("CREATE TABLE u (id int PRIMARY KEY); INSERT INTO u VALUES (1)")
    world.table("public.u").write_config()
    world.must_run()
    world.source("ALTER TABLE u ALTER COLUMN id TYPE bigint")
    code, text, _ = plan(world)
    assert code == world.run()[0] == 6
    assert "The run would fail for 1 of 2 tables.\n" in text
    # What can be loaded is still printed as SQL.
    done = vesto(world, "sync", "plan", "shop", "--sql")
    assert done.returncode == 6 and "RS-TABLE-DIFFERS" in done.stderr
    assert f'"{world.schema}"."t"' in done.stdout


def test_sql_where_every_table_is_blocked(one_world):
    """No statement would be sent, so none is printed, and what is printed says it."""
    world = start(one_world)
    world.must_run()
    world.source("ALTER TABLE t ALTER COLUMN v TYPE bigint")
    for alter, code in ((None, "RS-TABLE-DIFFERS"), ("ALTER TABLE t RENAME TO u", "PG-NO-TABLE")):
        if alter:
            world.source(alter)
        done = vesto(world, "sync", "plan", "shop", "--sql")
        assert done.returncode != 0 and f"Error {code}" in done.stderr, done.stderr
        lines = done.stdout.splitlines()
        assert [line for line in lines if not line.startswith("-- ")] == []
        assert lines[-1] == "-- nothing would be loaded: every table is blocked"
        # Where the source has no such table, it is not read either.
        assert [line for line in lines if "in the source" in line] == ([] if alter else lines[:-1])
        run_code, finished, _ = world.run()
        assert run_code == done.returncode
        sent = vesto(world, "show", finished["run"], "--sql").stdout
        assert not re.search("^(BEGIN|CREATE|COPY|INSERT|DELETE|LOCK|ALTER)", sent, re.M), sent


def test_sql_names_the_keys_of_the_run(one_world):
    world = start(one_world)
    planned = vesto(world, "sync", "plan", "shop", "--sql").stdout
    run = world.must_run()["run"]
    sent = vesto(world, "show", run, "--sql").stdout
    key = re.compile(r"FROM '(s3://[^']+)'")
    (wanted,), (used,) = set(key.findall(planned)), set(key.findall(sent))
    assert wanted.replace("<run>", run) == used


def test_the_position_as_people_read_it(one_world):
    world = start(one_world, cursor="at", lookback="10m")
    world.must_run()
    _, text, data = plan(world)
    assert re.search(r"^      from at >= 2026-01-\d\d \d\d:\d\d:\d\d\S* \(lookback 10m\)$", text,
                     re.M), text
    assert "{" not in text
    assert data["tables"][0]["from"].startswith("at >= 2026-01-")
    assert json.loads(data["tables"][0]["from_position"])["cursor"] == "at"


def test_what_lookback_alone_must_cover_is_said_once(one_world):
    """Without pg_read_all_stats each run says that rows may be missed, and how to mend it."""
    world = start(one_world, cursor="at", lookback="10m")
    world.source("CREATE TABLE u AS SELECT * FROM t; ALTER TABLE u ADD PRIMARY KEY (id)")
    world.table("public.u", cursor="at", lookback="10m")
    user = f"reader_{world.database}"
    world.source(f"CREATE ROLE {user} LOGIN PASSWORD '{world.postgres.password}';"
                 f"GRANT SELECT ON t, u TO {user}")
    try:
        world.write_config()
        path = world.folder / "vesto.toml"
        path.write_text(path.read_text().replace(f'user = "{world.postgres.user}"\n',
                                                 f'user = "{user}"\n', 1))
        fix = f'GRANT pg_read_all_stats TO "{user}";'
        _, text, data = plan(world)
        assert text.count(fix) == 1 and len(data["warnings"]) == 1
        code, finished, errors = world.run()
        assert code == 0 and errors.count(fix) == 1
        (warning,) = finished["warnings"]
        assert fix in warning
        assert fix in vesto(world, "show", finished["run"]).stdout
        world.source(fix)
        assert world.must_run()["warnings"] == []
    finally:
        world.source(f"DROP OWNED BY {user}; DROP ROLE {user}")
