"""What users built in the warehouse stays as it is, keys are told apart exactly, bad tables cost the
good ones little, and a wait for the warehouse can be ended."""
import contextlib
import signal
import subprocess
import time

import pytest


def column_types(world, table):
    return dict(world.sandbox.query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0", world.schema, table))


def test_a_narrow_text_column_of_the_user_is_widened_only_for_a_value(world):
    """A value that fits is no reason to alter somebody's table."""
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text, n bigint NOT NULL);"
                 "INSERT INTO a SELECT i, repeat('x', 40), i FROM generate_series(1, 500) i")
    world.sandbox.query(f"CREATE SCHEMA {world.schema}")
    world.sandbox.query(f"CREATE TABLE {world.schema}.a (id BIGINT NOT NULL, v VARCHAR(64), "
                        "n BIGINT)")
    world.table("public.a", cursor="n", lookback=0).write_config()
    world.must_run()
    assert column_types(world, "a")["v"] == "character varying(64)"
    world.assert_equal(("public.a", ["id"]))
    world.source("UPDATE a SET v = repeat('y', 65), n = n + 1000 WHERE id = 7")
    world.must_run()
    assert column_types(world, "a")["v"] == "character varying(1024)"
    world.assert_equal(("public.a", ["id"]))


def test_text_keys_are_declared_and_told_apart_by_case_and_trailing_blanks(world):
    """Whatever the database's own collation is."""
    world.source("CREATE TABLE a (code text PRIMARY KEY, v text, n bigint NOT NULL);"
                 "INSERT INTO a VALUES ('abc', 'one', 1), ('ABC', 'two', 1), ('abc ', 'three', 1)")
    world.table("public.a", cursor="n", lookback=0).write_config()
    run = world.must_run()["run"]
    world.source("UPDATE a SET v = 'changed', n = 2 WHERE code = 'ABC'")
    world.must_run()
    world.assert_equal(("public.a", ["code"]), rows=3)
    shown = subprocess.run(world.command("show", run, "--sql"), capture_output=True, text=True,
                           timeout=60, check=True).stdout
    assert '"code" VARCHAR(4096) COLLATE CASE_SENSITIVE NOT NULL' in shown
    assert '"stream" VARCHAR(600) COLLATE CASE_SENSITIVE NOT NULL' in shown


def test_a_target_that_holds_a_key_twice_is_not_merged_into(world):
    """More rows found than keys: rows that are nobody's would go without a word."""
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text, n bigint NOT NULL);"
                 "INSERT INTO a SELECT i, 'v', i FROM generate_series(1, 10) i")
    world.table("public.a", cursor="n", lookback=0).write_config()
    world.must_run()
    world.sandbox.query(f"INSERT INTO {world.schema}.a VALUES (10, 'mine', 10)")
    world.source("UPDATE a SET v = 'changed', n = n + 100 WHERE id = 10")
    code, finished, _ = world.run()
    assert code != 0 and finished["error"]["code"] == "RUN-PARITY"
    assert world.sandbox.query(f"SELECT count(*) FROM {world.schema}.a") == [(11,)]
    world.sandbox.query(f"DELETE FROM {world.schema}.a WHERE v = 'mine'")
    world.must_run()
    world.assert_equal(("public.a", ["id"]), rows=10)


def test_many_bad_tables_leave_and_the_good_ones_are_committed(world):
    """Half of the tables lose a staged file; the others are loaded a bounded number of times."""
    names = [f"t{i:02}" for i in range(1, 13)]
    for name in names:
        world.source(f"CREATE TABLE {name} (id bigint PRIMARY KEY);"
                     f"INSERT INTO {name} SELECT generate_series(1, 20)")
        world.table(f"public.{name}", mode="replace")
    world.write_config()
    world.sandbox.fault("copy.object", {"missing": True}, match="/00(02|04|06|08|10|12)/", nth=1,
                        count=1000)
    code, finished, _ = world.run()
    world.sandbox.clear_faults()
    assert code == 6, finished
    rows = [world.sandbox.query(f"SELECT count(*) FROM {world.schema}.{name}")[0][0]
            for name in names]
    assert rows == [20, 0] * 6
    world.assert_equal(*[(f"public.{name}", ["id"]) for name in names[::2]], rows=6 * 20)
    world.must_run()
    world.assert_equal(*[(f"public.{name}", ["id"]) for name in names], rows=12 * 20)
    world.assert_nothing_left()


@pytest.mark.parametrize("locked", ["state", "a"])
def test_ctrl_c_ends_a_wait_for_a_lock(world, locked):
    """Somebody holds the table; the run must not sit out its minute, or five of DDL."""
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text, n bigint NOT NULL);"
                 "INSERT INTO a VALUES (1, 'x', 1)")
    world.table("public.a", cursor="n", lookback=0).write_config()
    world.must_run()
    table = "a"
    if locked == "state":
        table = world.sandbox.query(
            "SELECT relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
            "WHERE nspname = %s AND relname LIKE '\\\\_vesto\\\\_state%%'", world.schema)[0][0]
    # Too wide for the column as it was made: the run has DDL to do, which waits for the lock.
    world.source("UPDATE a SET v = repeat('y', 3000), n = 2")
    with contextlib.closing(world.sandbox.connect()) as holder:
        cursor = holder.cursor()
        cursor.execute("BEGIN")
        cursor.execute(f'LOCK TABLE {world.schema}."{table}"')
        process = world.popen()
        end = time.monotonic() + 60
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"
        while world.sandbox.query(waiting) == [(0,)]:
            assert process.poll() is None and time.monotonic() < end, process.stderr.read()
            time.sleep(0.02)
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
        assert process.returncode == 130
        assert time.monotonic() - began < 15
        cursor.execute("ROLLBACK")
    world.must_run()
    world.assert_equal(("public.a", ["id"]), rows=1)
    world.assert_nothing_left()
