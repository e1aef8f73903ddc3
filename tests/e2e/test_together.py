"""Two runs, zombies, two installations, readers who must never see half a load."""
import os
import pathlib
import signal
import sqlite3
import subprocess
import threading
import time

import psycopg2
import pytest
from world import DEV, World, wait_stopped

TABLES = [("public.a", ["id"]), ("public.b", ["id"])]

# A minute is the real limit of both; the tests need not wait for it.
SHORT = {"VESTO_TEST_LEASE_TTL_MS": "2000", "VESTO_TEST_LOCK_WAIT_MS": "2000"}


def fill(world):
    for name in "ab":
        world.source(f"CREATE TABLE {name} (id bigint PRIMARY KEY, amount bigint NOT NULL);"
                     f"INSERT INTO {name} SELECT i, 10 FROM generate_series(1, 500) i")
        world.table(f"public.{name}")
    world.write_config()


def test_two_runs_started_together(world):
    fill(world)
    world.must_run()
    world.source("UPDATE a SET amount = 11")
    stopped = world.popen(binary=DEV, environment={"VESTO_STOP_AT": "plan.after_snapshot"})
    try:
        wait_stopped(stopped)
        code, finished, errors = world.run()
        assert code == 7 and "RUN-BUSY" in errors
        assert str(stopped.pid) in errors
    finally:
        stopped.send_signal(signal.SIGCONT)
    out, errors = stopped.communicate(timeout=120)
    assert stopped.returncode == 0, errors
    world.assert_equal(*TABLES)
    world.assert_nothing_left()


def start_zombie(world, point):
    """A run that has stopped at the point. If the stop fell into a write to the store, its lock is
    held too, and a successor could only wait: then once more, from the beginning."""
    for _ in range(5):
        zombie = world.popen(binary=DEV, environment={**SHORT, "VESTO_STOP_AT": point})
        wait_stopped(zombie)
        store = sqlite3.connect(world.folder / "data" / "vesto.db", timeout=0.5)
        try:
            store.execute("BEGIN IMMEDIATE")
            store.rollback()
            return zombie
        except sqlite3.OperationalError:
            zombie.kill()
            zombie.communicate(timeout=60)
        finally:
            store.close()
    raise AssertionError("the store was locked at each stop")


@pytest.mark.parametrize("point", ["extract.after_chunk", "load.after_begin", "load.before_commit"])
def test_a_zombie_that_wakes_cannot_commit(world, point):
    """A stopped run is taken over after its lease; awake again, it must not touch the tables."""
    world.limits = "[limits]\nreaders = 1"
    fill(world)
    world.must_run()
    world.source("UPDATE a SET amount = amount + 1; UPDATE b SET amount = amount - 1")
    zombie = start_zombie(world, point)
    try:
        world.source("UPDATE a SET amount = amount + 5; UPDATE b SET amount = amount - 5")
        code, end = 7, time.monotonic() + 60
        while code == 7 and time.monotonic() < end:  # until the lease has run out
            code, finished, errors = world.run(binary=DEV, environment=SHORT)
        assert code == 0, errors
        world.assert_equal(*TABLES)
    finally:
        zombie.send_signal(signal.SIGCONT)
    zombie.communicate(timeout=120)
    assert zombie.returncode != 0
    world.assert_equal(*TABLES)
    world.must_run()
    world.assert_equal(*TABLES)
    world.assert_nothing_left()


def test_two_installations_share_one_bucket(postgres, sandbox):
    """Each removes its own objects only, also when it sweeps after a death."""
    one, two = World(postgres, sandbox), World(postgres, sandbox)
    try:
        fill(one)
        fill(two)
        code, _, _ = one.run(binary=DEV, environment={"VESTO_KILL_AT": "stage.after_manifest"})
        assert code == -signal.SIGKILL
        kept = sandbox.control("GET", "/v1/left")["objects"]
        assert kept > 0
        code, _, _ = two.run(binary=DEV, environment={"VESTO_KILL_AT": "load.after_copy"})
        assert code == -signal.SIGKILL
        two.must_run()
        two.assert_equal(*TABLES)
        assert two.journal_rows() == 0
        assert sandbox.control("GET", "/v1/left")["objects"] == kept
        one.must_run()
        one.assert_equal(*TABLES)
        one.assert_nothing_left()
    finally:
        one.close()
        two.close()


def test_two_installations_of_one_sync_never_both_commit(postgres, sandbox):
    """The same sync from two data directories: the fence sees to it that each load rests on the
    one before; both end in order or one says that another writer is there."""
    world = World(postgres, sandbox)
    try:
        fill(world)
        world.must_run()
        for round_number in range(4):
            world.source(f"UPDATE a SET amount = {round_number}; UPDATE b SET amount = -{round_number}")
            processes = [world.popen(data=world.folder / f"data{i}") for i in range(2)]
            codes = []
            for process in processes:
                _, errors = process.communicate(timeout=180)
                codes.append(process.returncode)
                assert process.returncode in (0, 4, 5), errors
            assert 0 in codes
            world.assert_equal(*TABLES)
    finally:
        world.close()


def test_a_poller_never_sees_half_a_load(world):
    """Sums of two tables must agree before, during and after the commits: 1,000 looks at least."""
    fill(world)
    world.must_run()
    total = 500 * 10 * 2
    ended = threading.Event()
    seen = {"looks": 0, "bad": []}

    def poll():
        connection = world.sandbox.connect()
        cursor = connection.cursor()
        while not ended.is_set() or seen["looks"] < 1000:
            try:
                cursor.execute(f"SELECT (SELECT sum(amount) FROM {world.schema}.a) + "
                               f"(SELECT sum(amount) FROM {world.schema}.b)")
                value = cursor.fetchone()[0]
            except psycopg2.errors.InternalError as error:
                assert "1023" in str(error)  # what a reader may meet under SERIALIZABLE
                continue
            seen["looks"] += 1
            if value != total:
                seen["bad"].append(value)
        connection.close()

    poller = threading.Thread(target=poll)
    poller.start()
    try:
        for round_number in range(1, 6):
            world.source(f"UPDATE a SET amount = amount + {round_number} WHERE id <= 250;"
                         f"UPDATE b SET amount = amount - {round_number} WHERE id <= 250")
            world.must_run()
    finally:
        ended.set()
        poller.join(120)
    assert seen["looks"] >= 1000 and seen["bad"] == []
    world.assert_equal(*TABLES)
