"""Kill -9 at each named step, and at random moments; one normal run then repairs everything."""
import os
import random
import signal
import time

import pytest
from world import DEV, RELEASE

POINTS = ["run.after_lease", "plan.after_snapshot", "extract.after_chunk", "stage.after_journal",
          "stage.after_put", "stage.before_manifest", "stage.after_manifest", "prepare.after_ddl",
          "load.after_begin", "load.after_lock", "load.after_fence", "load.after_copy",
          "load.after_merge", "load.before_commit", "load.after_commit", "run.after_commit",
          "run.after_copies", "cleanup.after_delete", "run.before_end"]
TABLES = [("public.a", ["id"]), ("public.b", ["id"]), ("public.r", ["id"])]


def fill(world):
    for name in "abr":
        world.source(f"CREATE TABLE {name} (id bigint PRIMARY KEY, v text, n bigint NOT NULL);"
                     f"INSERT INTO {name} SELECT i, 'v' || i, i FROM generate_series(1, 2000) i")
    world.table("public.a", cursor="n", lookback=0).table("public.b")
    world.table("public.r", mode="replace").write_config()


def change(world, round_number):
    """The cursor column only ever grows, as a cursor must."""
    base = 10_000 * (round_number + 1)
    world.source("UPDATE a SET v = 'changed', n = top.n + 1 FROM (SELECT max(n) AS n FROM a) AS top "
                 "WHERE id % 10 = 3;"
                 f"INSERT INTO a SELECT {base} + i, 'new', top.n + i "
                 "FROM generate_series(1, 20) i, (SELECT max(n) AS n FROM a) AS top;"
                 f"UPDATE b SET v = 'r{round_number}' WHERE id % 7 = 1;"
                 f"DELETE FROM r WHERE id % 13 = {round_number % 13}")


@pytest.mark.parametrize("first_load", [True, False], ids=["first", "later"])
@pytest.mark.parametrize("point", POINTS)
def test_kill_at(world, point, first_load):
    fill(world)
    if not first_load:
        world.must_run()
        change(world, 1)
        world.source("ALTER TABLE b ADD COLUMN extra int DEFAULT 5")  # so that prepare has DDL
    code, _, errors = world.run(binary=DEV, environment={"VESTO_KILL_AT": point})
    assert code == -signal.SIGKILL, f"the point was not reached: exit {code} {errors}"
    world.must_run()
    world.assert_equal(*TABLES)
    world.assert_nothing_left()


def test_kill_at_random_moments(world):
    rounds = int(os.environ.get("VESTO_KILL_ROUNDS", "200" if os.environ.get("VESTO_SOAK") else "20"))
    fill(world)
    start = time.monotonic()
    world.must_run()
    length_s = time.monotonic() - start
    seed = int(os.environ.get("VESTO_SEED", "20261122"))
    generator = random.Random(seed)
    killed = 0
    for round_number in range(rounds):
        change(world, round_number + 2)
        process = world.popen(binary=RELEASE)
        time.sleep(generator.uniform(0, length_s * 1.2))  # the moment is what is tested
        if process.poll() is None:
            process.kill()
            killed += 1
        process.communicate(timeout=60)
        world.must_run()
        world.assert_equal(*TABLES)
        world.assert_nothing_left()
    assert killed > rounds // 4, f"only {killed} of {rounds} runs were killed (seed {seed})"
