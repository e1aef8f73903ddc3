"""Kill -9 at every check of `vesto destination test`, and where a check has something open: the next
test finds and removes what was left, and is green."""
import json
import signal
import subprocess

import pytest

from test_identity import Cell, clouds, make_world  # noqa: F401
from world import DEV, RELEASE, RUN_TIMEOUT_S

# Within a check, where something of the test stands in the bucket or the warehouse. The visits: the
# first and the last object that is put or removed.
OPEN = ["check.object_put", "check.object_put#3", "check.temp_made", "check.table_open",
        "check.load_open", "check.object_removed"]


class Killed:
    """A destination whose tests are killed. With a role, so that every check is there."""

    def __init__(self, clouds, make_world):  # noqa: F811
        self.sandbox = clouds("provisioned")
        self.world = make_world(self.sandbox)
        cell = Cell(self.world, self.sandbox, "provisioned", "metadata", "session_keys")
        self.environment = {**cell.environment, "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8",
                            "ASAN_OPTIONS": "detect_leaks=0"}
        self.world.source("CREATE TABLE a (id bigint PRIMARY KEY)")
        self.world.table("public.a").write_config()

    def run(self, *arguments, binary=RELEASE, **environment):
        return subprocess.run(
            self.world.command("destination", "test", "rs", "--wait", "0s", "--json", *arguments,
                               binary=binary),
            text=True, capture_output=True, timeout=RUN_TIMEOUT_S,
            env={**self.environment, **environment})

    def kill(self, point):
        done = self.run(binary=DEV, VESTO_KILL_AT=point)
        assert done.returncode == -signal.SIGKILL, f"{point} was not reached: {done.stdout[-2000:]}"

    def checks(self):
        return [one["id"] for one in json.loads(self.run("--list", binary=DEV).stdout)["checks"]]

    def objects(self):
        return self.sandbox.control("GET", "/v1/left")["objects"]

    def next_is_green(self):
        done = self.run()
        report = json.loads(done.stdout)
        assert done.returncode == 0 and report["ok"], report
        assert {one["status"] for one in report["checks"]} <= {"passed", "skipped"}, report
        # Nothing in the bucket and the warehouse, and no schema: the test made none.
        self.world.assert_nothing_left()
        assert self.world.sandbox.query("SELECT count(*) FROM pg_namespace WHERE nspname = %s",
                                        self.world.schema) == [(0,)]
        end = {one["id"]: one for one in report["checks"]}["clean_up"]
        return {one["name"]: one["value"] for one in end["evidence"]}


@pytest.fixture
def killed(clouds, make_world):  # noqa: F811
    return Killed(clouds, make_world)


def test_before_and_behind_every_check(killed):
    """Behind a check is before the next one."""
    ids = killed.checks()
    assert ids[-1] == "clean_up" and len(ids) >= 20, ids
    own = int(killed.next_is_green()["objects_removed"])
    assert own > 0
    for one in ids:
        killed.kill("check.before:" + one if one == "clean_up" else "check.after:" + one)
        left = killed.objects()
        assert (left > 0) == (ids.index(one) >= ids.index("s3.put")), (one, left)
        removed = int(killed.next_is_green()["objects_removed"])
        assert removed == own + left, (one, own, left, removed)


def test_when_it_had_cleaned_up(killed):
    killed.kill("check.after:clean_up")
    assert killed.objects() == 0
    killed.next_is_green()


@pytest.mark.parametrize("point", OPEN)
def test_with_something_open(killed, point):
    own = int(killed.next_is_green()["objects_removed"])
    killed.kill(point)
    left = killed.objects()
    assert int(killed.next_is_green()["objects_removed"]) == own + left
    if point.startswith("check.object_put"):
        assert left == int((point + "#1").split("#")[1])


def test_several_that_were_killed_are_removed_at_once(killed):
    own = int(killed.next_is_green()["objects_removed"])
    left = []
    for point in ("check.object_put", "check.load_open", "check.after:s3.delete"):
        killed.kill(point)
        left.append(killed.objects())
    assert left == sorted(set(left)), left
    assert int(killed.next_is_green()["objects_removed"]) == own + left[-1]
