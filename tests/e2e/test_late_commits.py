"""Rows that are committed while a full copy runs arrive exactly once."""
import subprocess

import psycopg2
from world import DEV, wait_stopped
import signal


def test_row_committed_during_the_full_copy(world):
    world.source("CREATE TABLE t (id bigint PRIMARY KEY, n bigint NOT NULL, v text);"
                 "INSERT INTO t SELECT i, i, 'first' FROM generate_series(1, 1000) i")
    world.table("public.t", cursor="n", lookback=0).write_config()
    process = world.popen(binary=DEV, environment={"VESTO_STOP_AT": "plan.after_snapshot"})
    try:
        wait_stopped(process)
        world.source("INSERT INTO t SELECT i, i, 'during' FROM generate_series(1001, 1010) i;"
                     "UPDATE t SET v = 'during', n = 1011 WHERE id = 5")
    finally:
        process.send_signal(signal.SIGCONT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    count = world.sandbox.query(f"SELECT count(*) FROM {world.schema}.t")[0][0]
    assert count == 1000
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=1010)


def test_row_committed_late_by_a_long_transaction(world):
    """Its cursor value is older than the position; the oldest open transaction bounds the window."""
    world.source("CREATE TABLE t (id bigint PRIMARY KEY, changed timestamptz NOT NULL DEFAULT now());"
                 "INSERT INTO t (id) SELECT i FROM generate_series(1, 100) i")
    world.table("public.t", cursor="changed", lookback="0s").write_config()
    slow = psycopg2.connect(world.postgres.dsn(world.database))
    slow.cursor().execute("INSERT INTO t (id) VALUES (1000)")
    world.source("INSERT INTO t (id) VALUES (101)")
    world.must_run()
    world.source("INSERT INTO t (id) VALUES (102)")
    world.must_run()
    slow.commit()
    slow.close()
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=103)
