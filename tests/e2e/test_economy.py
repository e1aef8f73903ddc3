"""What a run costs the warehouse: parsed statements, commits, connections. The bounds are those that
stand in docs/performance.md; BEGIN and COMMIT are not counted as statements."""
import json
import threading

import pytest

TABLE = ("CREATE TABLE {0} (id bigint PRIMARY KEY, v text, at timestamptz NOT NULL DEFAULT now());"
         "INSERT INTO {0} (id, v) VALUES (1, 'a'), (2, 'b')")
CHANGE = "UPDATE {0} SET v = v || 'x', at = now() WHERE id = 1"


def cost(world, *arguments):
    """(parsed statements, BEGINs, commits, connections) of one run."""
    before = world.sandbox.calls()
    finished = world.must_run(*arguments)
    after = world.sandbox.calls()
    spent = {name: count - before.get(name, 0) for name, count in after.items()}
    control = spent.get("statement.begin", 0), spent.get("statement.commit", 0)
    parsed = sum(count for name, count in spent.items() if name.startswith("statement."))
    return finished, parsed - sum(control), control, spent.get("pg.connect", 0)


@pytest.fixture
def many(one_world):
    def make(count, **settings):
        one_world.names = [f"t{i}" for i in range(count)]
        one_world.source(";".join(TABLE.format(name) for name in one_world.names))
        for name in one_world.names:
            one_world.table(f"public.{name}", cursor="at", lookback="0s", **settings)
        one_world.write_config().must_run()
        change(one_world)
        one_world.must_run()  # the first window: its rows were not known as a window yet
        return one_world
    return make


def change(world):
    world.source(";".join(CHANGE.format(name) for name in world.names))


def equal(world):
    world.assert_equal(*((f"public.{name}", ["id"]) for name in world.names))
    world.assert_nothing_left()


# Of the run: greeting, catalogue, two SET, LOCK, fence, the stages' keys, positions, history.
# Of a table that is merged: CREATE TEMP TABLE, COPY, DELETE, INSERT.
def test_one_changed_table(many):
    world = many(1)
    change(world)
    finished, parsed, control, connections = cost(world)
    assert finished["state"] == "succeeded"
    assert (parsed, control, connections) == (9 + 4, (1, 1), 1)
    equal(world)


def test_many_changed_tables_share_one_transaction(many):
    world = many(12)
    change(world)
    finished, parsed, control, connections = cost(world)
    # How many rows that is depends on what else is open in the source: a window may reach back.
    assert finished["tables"]["succeeded"] == 12 and finished["rows"]["copied"] >= 12
    assert (parsed, control, connections) == (9 + 4 * 12, (1, 1), 1)
    assert parsed / 12 <= 5
    equal(world)


# The stages' keys are not looked at: a table that is replaced has none.
def test_a_replaced_table_costs_two(many):
    world = many(3)
    finished, parsed, control, connections = cost(world, "--full-refresh")
    assert finished["state"] == "succeeded"
    assert (parsed, control, connections) == (8 + 2 * 3, (1, 1), 1)
    equal(world)


def test_nothing_new_opens_no_connection(many):
    world = many(3)
    world.must_run()  # the window begins where the last one ended, and so is another
    finished, parsed, control, connections = cost(world)
    assert finished["state"] == "skipped"
    assert (parsed, control, connections) == (0, (0, 0), 0)


# Positions of one source say nothing of another: the warehouse's own word is asked for.
def test_another_source_is_noticed_before_anything_is_loaded(many):
    world = many(1)
    other = type(world)(world.postgres, world.sandbox)
    other.source(TABLE.format("t0"))
    world.database = other.database
    world.write_config()
    before = world.sandbox.calls().get("statement.copy", 0)
    code, finished, _ = world.run()
    assert code != 0
    assert finished["error"]["code"] == "RS-STATE-FOREIGN"
    assert world.sandbox.calls().get("statement.copy", 0) == before
    other.close()


# Another machine delivered meanwhile: its fence is found by the UPDATE alone, and the run plans anew.
def test_a_fence_that_was_moved_elsewhere(many, tmp_path):
    world = many(1)
    world.source("UPDATE t0 SET v = 'elsewhere', at = now()")
    world.must_run(data=tmp_path / "other")
    change(world)
    finished = world.must_run()
    assert finished["state"] == "succeeded"
    equal(world)


def test_a_fence_that_never_stands_still(many):
    """Another writer between each plan and its load: nothing is loaded, and the run says so."""
    world = many(1)
    rows = f"SELECT id, v FROM {world.schema}.t0 ORDER BY id"
    before = world.sandbox.query(rows)
    change(world)
    (state,), = world.sandbox.query("SELECT tablename FROM pg_tables WHERE schemaname = %s AND "
                                    "tablename LIKE '%%vesto_state%%'", world.schema)
    ended = threading.Event()

    def move():
        for number in range(100_000):
            if ended.is_set():
                return
            world.sandbox.query(f"UPDATE {world.schema}.{state} SET load_id = 'elsewhere{number}'"
                                " WHERE stream = '*'")

    mover = threading.Thread(target=move)
    mover.start()
    try:
        code, finished, _ = world.run()
    finally:
        ended.set()
        mover.join()
    assert code == 4 and finished["error"]["code"] == "RUN-FENCED", finished
    assert world.sandbox.query(rows) == before
    world.must_run()
    equal(world)


def test_a_table_that_was_not_come_to_is_counted(many):
    """Which one is behind is not said to be fresh: the run has brought the other one alone."""
    world = many(2)
    world.must_run()  # the window of what "many" has changed
    assert world.must_run()["tables"]["unchanged"] == 2
    world.source(CHANGE.format("t1"))
    (world.folder / "redshift.pw").write_text("another")
    code, finished, _ = world.run()
    assert code != 0 and finished["error"]["code"] == "RS-LOGIN-PASSWORD"
    assert finished["tables"] == {"total": 2, "succeeded": 0, "unchanged": 1, "failed": 0, "not_run": 1}
    assert [(t["table"], t["state"]) for t in finished["table_results"]] == [
        ("public.t0", "unchanged"), ("public.t1", "not_run")]
    shown = world.vesto("show", finished["run"]).stdout
    assert "1 of 2 tables (1 not run)" in shown and "data of 1 table as of " in shown, shown
    (sync,) = json.loads(world.vesto("status", "--json").stdout)["syncs"]
    tables = {t["table"]: t["data_as_of"] for t in sync["tables"]}
    assert tables["public.t1"] < tables["public.t0"] == finished["data_as_of"]
