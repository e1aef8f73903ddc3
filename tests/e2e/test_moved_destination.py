"""A sync that is pointed at another schema starts there from nothing: what this machine keeps of the
old destination says nothing of the new one, also where only some tables came through at first. What
it keeps of this one is believed for a day."""
import json
import sqlite3

from world import DEV

TABLES = ("a", "b")


def delivered(world):
    for table in TABLES:
        world.source(f"CREATE TABLE {table} (id int, v int, at timestamptz NOT NULL);"
                     f"INSERT INTO {table} SELECT i, i, '2026-01-01'::timestamptz + i * interval '1 hour'"
                     f" FROM generate_series(1, 400) i")
        world.table(f"public.{table}", cursor="at", lookback="1s", key=["id"])
    world.write_config()
    world.must_run()


def prepared(world):
    delivered(world)
    world.schema += "x"
    world.write_config()


def rows(world, table):
    return world.sandbox.query(f'SELECT count(*) FROM "{world.schema}"."{table}"')[0][0]


def test_a_table_that_failed_at_first_is_copied_whole(one_world):
    world = one_world
    prepared(world)
    world.source("INSERT INTO b VALUES (7, 7, '2026-01-05')")  # a key that stands twice
    code, _, _ = world.run()
    assert code == 6 and rows(world, "a") == 400
    world.source("DELETE FROM b WHERE id = 7 AND at = '2026-01-05';"
                 "INSERT INTO b VALUES (1000, 1, '2026-12-01')")
    world.must_run()
    assert rows(world, "b") == 401
    world.assert_equal(("public.a", ["id"]), ("public.b", ["id"]))


def test_a_table_that_was_not_asked_for_is_not_called_unchanged(one_world):
    world = one_world
    prepared(world)
    code, _, _ = world.run("--table", "public.a")
    assert code == 0
    world.must_run()
    assert rows(world, "b") == 400


def test_somebodys_table_of_that_name_is_not_ours(one_world):
    world = one_world
    prepared(world)
    world.sandbox.query(f'CREATE SCHEMA IF NOT EXISTS "{world.schema}"')
    world.sandbox.query(f'CREATE TABLE "{world.schema}"."b" (id int, v int, at timestamptz)')
    world.sandbox.query(f"INSERT INTO \"{world.schema}\".\"b\" VALUES (1, -1, '2020-01-01')")
    for _ in range(3):
        code, finished, _ = world.run()
        assert code != 0
        errors = {t["table"]: (t.get("error") or {}).get("code") for t in finished["table_results"]}
        assert errors["public.b"] == "RS-TABLE-FOREIGN"
        assert rows(world, "b") == 1


def test_a_schema_that_was_dropped_is_filled_again_after_a_killed_run(one_world):
    world = one_world
    delivered(world)
    world.sandbox.query(f'DROP SCHEMA "{world.schema}" CASCADE')
    code, _, _ = world.run(binary=DEV, environment={"VESTO_KILL_AT": "plan.after_snapshot"})
    assert code == -9
    code, _, _ = world.run("--table", "public.a")
    assert code == 0
    world.must_run()
    assert rows(world, "b") == 400


def run_costs(world):
    """(exit code, run.finished, connections to the warehouse)."""
    before = world.sandbox.calls().get("pg.connect", 0)
    code, finished, _ = world.run()
    return code, finished, world.sandbox.calls().get("pg.connect", 0) - before


def status(world):
    done = world.vesto("status", "--json")
    return done.returncode, json.loads(done.stdout)["syncs"][0]


def test_a_table_that_was_dropped_by_hand_is_found_after_a_day(one_world):
    """A sync with nothing new opens no connection. Once a day it asks all the same, also where it
    reads no row at all, and from then on until the table is there again."""
    world = one_world
    for table in TABLES:
        world.source(f"CREATE TABLE {table} (id int PRIMARY KEY, at timestamptz NOT NULL);"
                     f"INSERT INTO {table} SELECT i, now() - interval '1 day' "
                     f"FROM generate_series(1, 400) i")
        world.table(f"public.{table}", mode="append", cursor="at", cursor_is_immutable=True)
    world.write_config().must_run()
    world.must_run()
    world.sandbox.query(f'DROP TABLE "{world.schema}"."b"')
    code, finished, connections = run_costs(world)
    assert (code, finished["state"], connections) == (0, "skipped", 0), finished
    assert finished["rows"]["read"] == 0
    code, sync = status(world)
    assert (code, sync["health"]) == (0, "healthy")
    # Whoever wants to know now asks for the plan.
    planned = world.vesto("sync", "plan", "shop")
    assert planned.returncode == 6 and "is gone" in planned.stdout, planned.stdout
    assert sync["warehouse_seen_at"] == finished["warehouse_seen_at"] < finished["started_at"]

    with sqlite3.connect(world.folder / "data" / "vesto.db") as store:
        store.execute("UPDATE stream_copy SET seen_ms = seen_ms - 86400001")
    for _ in range(2):
        code, finished, connections = run_costs(world)
        assert code == 6 and connections == 1, finished
        tables = {t["table"]: t for t in finished["table_results"]}
        assert tables["public.a"]["state"] == "unchanged"
        assert tables["public.b"]["error"]["code"] == "RS-TABLE-DIFFERS"
        assert "--full-refresh" in tables["public.b"]["error"]["hint"]
        assert "warehouse_seen_at" not in finished
    assert status(world)[0] == 4
    assert world.run("--table", "public.b", "--full-refresh")[0] == 0
    world.must_run()
    assert run_costs(world)[2] == 0
    assert rows(world, "b") == 400
