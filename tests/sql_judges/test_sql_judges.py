"""Every statement that Vesto emits is Redshift SQL in the eyes of two parsers that nobody here
wrote: those that the end-to-end tests have left (tests/emitted.py), and those of a broad set of
syncs that is read along on the wire, the session's own questions included."""
import contextlib
import json

import pytest

import emitted
import judges
from wire_tap import WireTap

from test_types import TYPES

HOSTILE = [
    'quote"s', "apo'strophe", "semi;colon", "back\\slash", "new\nline", "--dash", "/*star*/",
    "{{SECRET:copy_secret}}", "ünï 漢 🙂", "tab\there", "select", "a' OR '1'='1", '"); DROP TABLE t;',
    "$1", "%s", "$$x$$", " blank ",
]

# What a session asks before it works, and what it reads of the catalogue: not kept in the store.
NOT_KEPT = ("SELECT pg_backend_pid()", "SELECT MAX(start", "SELECT SYSDATE",
            "SELECT current_user, current_database()", "SELECT pg_terminate_backend")


def quoted(name):
    return '"' + name.replace('"', '""') + '"'


def run_broadly(world, **config):
    """Each kind of load: first, upsert, replace, wider, more columns, full refresh, refused."""
    hostile = ", ".join(f"{quoted(name)} text" for name in HOSTILE)
    values = ", ".join("'" + name.replace("'", "''") + "'" for name in HOSTILE)
    world.source(TYPES)
    world.source(f"CREATE TABLE hostile (id int PRIMARY KEY, {hostile});"
                 f"INSERT INTO hostile VALUES (1, {values});"
                 "CREATE TABLE pair (a text, b int, c varchar(30), v text, PRIMARY KEY (a, b, c));"
                 "INSERT INTO pair VALUES ('x', 1, 'y', 'z'), ('x ', 1, 'y', 'z');"
                 "CREATE TABLE log (id bigint PRIMARY KEY, at timestamptz NOT NULL DEFAULT now(),"
                 " v text); INSERT INTO log (id, v) SELECT i, 'v' FROM generate_series(1, 20) i;"
                 "CREATE TABLE whole (id int PRIMARY KEY, v text);"
                 "INSERT INTO whole VALUES (1, 'a');"
                 "CREATE TABLE keyless (k text, v int); INSERT INTO keyless VALUES ('a', 1)")
    for name in HOSTILE:
        world.source(f"CREATE TABLE {quoted(name)} (id int PRIMARY KEY, {quoted(name)} text);"
                     f"INSERT INTO {quoted(name)} VALUES (1, 'v')")
        world.table("public." + quoted(name), target=name)
    world.table("public.every").table("public.hostile").table("public.pair")
    world.table("public.log", cursor="at", lookback="1s")
    world.table("public.whole", mode="replace").table("public.keyless", key=["k"])
    world.write_config(**config)
    runs = [world.run(), world.run()]
    world.source("ALTER TABLE whole ADD COLUMN more numeric(12,3);"
                 "ALTER TABLE pair ADD COLUMN w int;"
                 "INSERT INTO pair VALUES ('q', 2, 'z', repeat('wide ', 2000), 5);"
                 "INSERT INTO log (id, v) VALUES (21, 'x'); UPDATE hostile SET id = 2")
    runs += [world.run(), world.run("--full-refresh")]
    world.source("INSERT INTO keyless VALUES ('a', 2), (NULL, 3)")
    runs.append(world.run())
    return runs


@pytest.fixture(scope="module")
def broad(postgres, warehouse):
    """(statements seen on the wire, statements kept in the store)"""
    from world import World
    world = World(postgres, warehouse)
    with contextlib.closing(world), WireTap(warehouse) as tap:
        runs = run_broadly(world, redshift_port=tap.port)
        kept = list(emitted.statements_of(world.folder))
        for code, finished, errors in runs[:4]:
            assert code == 0, f"exit {code}: {finished} {errors}"
        return list(tap.statements), kept


def test_statements_of_all_tests_are_redshift_sql(broad):
    sent, _ = broad
    left = emitted.load()
    chosen, seen = [], set()
    for sql, test in [(s, "the broad set") for s in sent] + [(e["sql"], e["test"]) for e in left]:
        shown = emitted.features(sql)
        if not shown <= seen:
            seen |= shown
            chosen.append((sql, test))
    assert len(chosen) > 50
    wrong = [f"{test}: {complaint}\n  {sql[:400]}"
             for sql, test in chosen for complaint in judges.complaints(sql)]
    print(f"{len(chosen)} distinct statements, {len(left)} of them left by other tests")
    assert wrong == [], "\n".join(wrong[:20])


def test_every_exception_is_still_needed():
    examples = {("sqlglot", "LOCK TABLE"): 'LOCK TABLE "s"."t"',
                ("sqlglot", "DECLARE _vesto_parity CURSOR FOR"):
                    "DECLARE _vesto_parity CURSOR FOR SELECT 1",
                ("sqlglot", "FETCH FORWARD"): "FETCH FORWARD 7 FROM _vesto_parity",
                ("sqlglot", "CLOSE _vesto_parity"): "CLOSE _vesto_parity"}
    assert set(examples) == set(judges.EXCEPTIONS)
    for (judge, words), sql in examples.items():
        assert judges.exception_for(judge, sql) == words
        ask = {"sqlglot": judges.ask_sqlglot, "sqlfluff": judges.ask_sqlfluff}[judge]
        assert ask(sql) is not None, f"{judge} knows {words} by now: take the exception out"


BROKEN = [
    "COPY \"t\" (\"a\") FORM 's3://b/k' CSV",
    'SELECT 1; DROP TABLE "t"',
    'INSERT INTO "t" ("a") SELECT "a" FROM',
    'CREATE TABLE "t" ("a" INTEGER,) DISTSTYLE EVEN',
    'VACUUM FULL "t" TO 99 PERCENT',
    'DELETE FROM "t" WHERE "a" = \'it\'s\'',
    'ALTER TABLE "t" ADD COLUMN "a" VARCHAR(10', 'CREATE TABLE "t"" ("a" INTEGER)',
]


@pytest.mark.parametrize("sql", BROKEN)
def test_the_judges_refuse_what_is_broken(sql):
    assert judges.complaints(sql) != []


def test_what_is_kept_is_what_was_sent(broad, warehouse):
    """`vesto show --sql` and the judges' file rest on the store: it must not leave out a kind of
    statement, nor hold a secret."""
    sent, kept = broad
    secret = warehouse.endpoints["aws"]["secret_access_key"]
    sent = [sql.replace(f"'{secret}'", "'{{SECRET:copy_secret}}'") for sql in sent]
    kept_shapes = set().union(*(emitted.features(sql) for sql in kept))
    missing = {sql for sql in sent
               if not sql.startswith(NOT_KEPT) and not emitted.features(sql) <= kept_shapes}
    assert missing == set()
    assert any(sql.startswith(NOT_KEPT[0]) for sql in sent), f"{NOT_KEPT[0]} is not sent any more"
    assert sum(sql.startswith("COPY ") for sql in sent) == sum(k.startswith("COPY ") for k in kept)


def test_no_secret_is_kept(broad, warehouse):
    sent, kept = broad
    secret = warehouse.endpoints["aws"]["secret_access_key"]
    assert any(secret in sql for sql in sent)  # else this test shows nothing
    assert not any(secret in sql or warehouse.endpoints["redshift"]["password"] in sql
                   for sql in kept)


def test_the_plan_is_redshift_sql(world):
    """`vesto sync plan --sql` prints what a person pastes."""
    import subprocess
    world.source("CREATE TABLE a (id int PRIMARY KEY, v text, \"o'd\\d\" text);"
                 "CREATE TABLE b (x text, y int, v numeric, PRIMARY KEY (x, y))")
    world.table("public.a").table("public.b", mode="replace").write_config()
    done = subprocess.run(world.command("sync", "plan", "shop", "--json"), capture_output=True,
                          text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    statements = json.loads(done.stdout)["sql"]
    ours = [sql for sql in statements if not sql.startswith("-- in the source:")]
    assert any(sql.startswith("COPY ") for sql in ours)
    assert [c for sql in ours for c in judges.complaints(sql.replace("(...)", "(1)"))] == []
