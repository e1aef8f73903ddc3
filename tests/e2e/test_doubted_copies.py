"""What the local store knows of the warehouse is not believed where a load may have been committed
that it does not know of. An append window makes it seen: a row that the warehouse alone has."""
import contextlib
import signal
import sqlite3

import pytest

from world import wait_until

TABLE = ("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, v text);"
         "INSERT INTO t SELECT i, '2026-01-01', 'x' FROM generate_series(1, 5) i")
MOST_S = 30


@pytest.fixture
def window(one_world):
    """A window of five rows that is known by its hash: the next run finds nothing new."""
    world = one_world
    world.source(TABLE)
    world.table("public.t", mode="append", cursor="at", lookback="1d").write_config()
    for _ in range(3):
        last = world.must_run()
    assert last["state"] == "skipped"
    return world


def commit_unheard(world):
    """A run that is still looking for what became of its COMMIT, which was done: row 99 is there."""
    world.source("INSERT INTO t VALUES (99, '2026-01-01', 'y')")
    # Time to shut the door between the login and the COMMIT.
    world.sandbox.fault("pg.statement", {"delay_ms": 4000}, match="^COPY", count=1)
    world.sandbox.fault("pg.commit", {"drop": "after"}, count=1)
    with contextlib.closing(world.sandbox.connect()) as watching:
        before = world.sandbox.calls().get("pg.connect", 0)
        run = world.popen()
        wait_until(lambda: world.sandbox.calls().get("pg.connect", 0) > before)
        world.sandbox.fault("pg.connect", {"drop": "before"}, count=100_000)
        wait_until(lambda: delivered(world, watching))
    return run


def delivered(world, connection):
    with connection.cursor() as cursor:
        cursor.execute(f'SELECT count(*) FROM "{world.schema}".t WHERE id = 99')
        return cursor.fetchone()[0] == 1


def back_to_what_it_was(world):
    world.sandbox.clear_faults()
    world.source("DELETE FROM t WHERE id = 99")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=5)
    assert world.must_run()["state"] == "skipped"
    world.assert_nothing_left()


def test_a_run_that_ended_in_order_without_an_answer_to_its_commit(window):
    run = commit_unheard(window)
    run.send_signal(signal.SIGTERM)
    run.communicate(timeout=MOST_S)
    assert run.returncode != 0
    back_to_what_it_was(window)


def test_a_run_that_died_there_and_one_that_failed_early_behind_it(window):
    """The second one ends the first one's record, before anybody has asked the warehouse."""
    run = commit_unheard(window)
    run.kill()
    run.communicate(timeout=MOST_S)
    window.sandbox.clear_faults()
    window.write_config(source_port=1)
    assert window.run()[0] != 0
    window.write_config()
    back_to_what_it_was(window)


def test_a_clock_that_was_ahead_makes_nothing_last_longer(window):
    with sqlite3.connect(window.folder / "data" / "vesto.db") as store:
        store.execute("UPDATE stream_copy SET seen_ms = seen_ms + ?", (400 * 86_400_000,))
    before = window.sandbox.calls().get("pg.connect", 0)
    assert window.must_run()["rows"]["rejected"] == 0
    assert window.sandbox.calls().get("pg.connect", 0) > before  # it was asked
    window.must_run()
    before = window.sandbox.calls().get("pg.connect", 0)
    assert window.must_run()["state"] == "skipped"
    assert window.sandbox.calls().get("pg.connect", 0) == before


def test_a_load_that_was_refused_leaves_what_is_known(window):
    """Nothing was committed, and the warehouse said so: the other window is not loaded again."""
    world = window
    world.source("CREATE TABLE u (id int PRIMARY KEY, at timestamptz NOT NULL, v text);"
                 "INSERT INTO u VALUES (1, '2026-01-01', 'a')")
    world.table("public.u", mode="append", cursor="at", lookback="1d").write_config()
    for _ in range(3):
        world.must_run()
    world.source("INSERT INTO u VALUES (2, '2026-01-01', 'b')")
    world.sandbox.fault("copy.object", {"error": "internal"}, count=1)
    code, finished, _ = world.run()
    tables = {table["table"]: table["state"] for table in finished["table_results"]}
    assert code != 0 and tables.get("public.t", "unchanged") == "unchanged", finished
    world.sandbox.clear_faults()
    tables = {table["table"]: table["state"] for table in world.must_run()["table_results"]}
    assert tables == {"public.t": "unchanged", "public.u": "succeeded"}, tables
    world.assert_equal(("public.t", ["id"]), ("public.u", ["id"]))
