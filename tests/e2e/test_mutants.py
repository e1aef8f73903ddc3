"""What no other test would notice: see tools/mutants.toml."""
import re
import signal
import subprocess
import tomllib

import pytest

from world import DEV, RELEASE, ROOT, wait_stopped

MUTANTS = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text())["mutant"]


@pytest.mark.parametrize("mutant", MUTANTS, ids=[one["name"] for one in MUTANTS])
def test_what_a_mutant_changes_is_there(mutant):
    """make mutants can take hours: that its list is still true is known before."""
    assert (ROOT / mutant["file"]).read_text().count(mutant["text"]) == 1


def test_the_null_marker_is_new_in_each_run(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, NULL)")
    world.table("public.t").write_config()
    markers = set()
    for _ in range(3):
        finished = world.must_run()
        shown = subprocess.run(world.command("show", finished["run"], "--sql"), text=True,
                               capture_output=True, timeout=60, check=True).stdout
        found = re.findall(r"NULL AS '([a-z0-9]{12,})'", shown)
        assert found, shown
        markers.update(found)
    assert len(markers) == 3
    world.assert_equal(("public.t", ["id"]), rows=1)


def test_the_fence_of_the_plan_counts(one_world):
    """Two installations of one sync: the one that read first must not commit its old rows after
    the other, although its lease (in its own store) still holds."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, 1)")
    world.table("public.t", mode="replace").write_config()
    world.must_run()
    slow = world.popen(binary=DEV, data=world.folder / "other",
                       environment={"VESTO_STOP_AT": "extract.after_chunk"})
    try:
        wait_stopped(slow)
        world.source("UPDATE t SET v = 2")
        world.must_run()
    finally:
        slow.send_signal(signal.SIGCONT)
    slow.communicate(timeout=120)
    world.assert_equal(("public.t", ["id"]), rows=1)
