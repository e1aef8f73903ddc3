"""Kill -9 at every check of `vesto destination test`, and where a check has something open: the next
test finds and removes what was left, and is green."""
import contextlib
import json
import signal
import sqlite3
import subprocess

import pytest

from test_doctor import being_tested, id_of
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

    def run(self, *arguments, binary=RELEASE, name="rs", **environment):
        return subprocess.run(
            self.world.command("destination", "test", name, "--wait", "0s", "--json", *arguments,
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

    def next_is_green(self, name="rs"):
        done = self.run(name=name)
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


OLD, NEW = "vesto/old/", "vesto/new/"


def killed_below(killed, prefix):
    """How many objects of a killed test lie below the prefix, and how many a test puts."""
    own = int(killed.next_is_green()["objects_removed"])
    killed.world.write_config(prefix=prefix)
    killed.kill("check.after:s3.put")
    left = killed.objects()
    assert left == 3 == killed.world.journal_rows()
    return own, left


def may_remove_below(killed, prefix):
    """Everybody but for the deletes below a prefix; "": all."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteObject",
                 "Resource": f"arn:aws:s3:::vesto-demo/{prefix or 'nothing/'}*"}
    killed.sandbox.control("POST", "/v1/iam", {"put_bucket_policy": {
        "bucket": "vesto-demo", "policy": {"Version": "2012-10-17", "Statement": [statement]}}})


def journal(killed, sql, *values):
    with contextlib.closing(sqlite3.connect(killed.world.folder / "data" / "vesto.db")) as store:
        with store:
            return store.execute(sql, values).fetchall()


def named(killed, name="rs"):
    """The objects that the next test names as left behind; it fails in nothing."""
    report = json.loads(killed.run(name=name).stdout)
    end = {one["id"]: one for one in report["checks"]}["clean_up"]
    assert report["ok"], report
    if end["status"] == "passed":
        return []
    assert (end["status"], end["error"]["code"]) == ("warning", "CLEAN-LEFT"), end
    lines = end["fix"]["snippet"].splitlines()
    assert all(line.split()[-1] in end["error"]["message"] for line in lines), end
    return [line.removeprefix("aws s3 rm s3://") for line in lines]


def test_below_a_prefix_that_was_changed_since(killed):
    own, left = killed_below(killed, OLD)
    killed.world.write_config(prefix=NEW)
    assert int(killed.next_is_green()["objects_removed"]) == own + left


def test_below_a_former_prefix_that_it_may_not_touch(killed):
    own, left = killed_below(killed, OLD)
    killed.world.write_config(prefix=NEW)
    may_remove_below(killed, OLD)
    try:
        names = named(killed)
        assert len(names) == left and all(one.startswith("vesto-demo/" + OLD) for one in names)
        assert killed.objects() == left and killed.world.journal_rows() == left
    finally:
        may_remove_below(killed, "")
    assert int(killed.next_is_green()["objects_removed"]) == own + left


def test_below_a_former_prefix_that_another_destination_has_now(killed):
    """They stay this one's: the other's tests know nothing of them, as both may run at once."""
    own, left = killed_below(killed, OLD)
    killed.world.write_config(prefix=NEW)
    config = killed.world.folder / "vesto.toml"
    text = config.read_text()
    head, here = text.split("[destination.rs]", 1)
    here, syncs = here.split("[sync.", 1)
    there = ("[destination.rs]" + here).replace("[destination.rs", "[destination.other").replace(
        NEW, OLD)
    config.write_text(head + "[destination.rs]" + here + there + "[sync." + syncs)
    report = json.loads(killed.run(name="other").stdout)
    assert report["ok"] and killed.objects() == left == killed.world.journal_rows()
    may_remove_below(killed, OLD)
    try:
        assert len(named(killed)) == left
    finally:
        may_remove_below(killed, "")
    assert int(killed.next_is_green()["objects_removed"]) == own + left


def test_in_a_bucket_that_it_has_no_more(killed):
    """It is named for a week, and then once more."""
    _, left = killed_below(killed, OLD)
    journal(killed, "UPDATE object SET bucket = 'former'")
    for _ in range(2):
        names = named(killed)
        assert len(names) == left and all(one.startswith("former/" + OLD) for one in names)
    journal(killed, "UPDATE object SET run = 'run_01J7X00000' || substr(run, 15)")
    assert len(named(killed)) == left
    killed.next_is_green()


def end_of(killed, *arguments):
    report = json.loads(killed.run(*arguments).stdout)
    return {one["id"]: one for one in report["checks"]}["clean_up"]


def test_what_was_not_looked_at_is_not_called_clean(killed):
    """By --only, or because the bucket cannot be reached."""
    killed.kill("check.after:s3.put")
    left = killed.objects()
    assert left > 0
    # The store tells what lies there.
    end = end_of(killed, "--only", "host.store")
    assert (end["status"], end["error"]["code"]) == ("warning", "CLEAN-LEFT"), end
    assert end["error"]["message"].count("s3://vesto-demo/") == left, end
    # Neither the store nor the bucket.
    end = end_of(killed, "--only", "net.tcp")
    assert (end["status"], end["reason"]) == ("skipped", "the bucket was not looked at"), end
    good = killed.sandbox.endpoints["aws"]["url"]
    killed.world.write_config(endpoint="http://127.0.0.1:9")
    end = end_of(killed, "--only", "host.store,s3.bucket")
    assert (end["status"], end["error"]["code"]) == ("warning", "CLEAN-LEFT"), end
    killed.world.write_config(endpoint=good)
    killed.next_is_green()
    killed.world.write_config(endpoint="http://127.0.0.1:9")
    end = end_of(killed, "--only", "s3.bucket")
    assert (end["status"], end["reason"]) == ("skipped", "the bucket was not looked at"), end


def rename(killed, name):
    config = killed.world.folder / "vesto.toml"
    config.write_text(config.read_text().replace("[destination.rs", f"[destination.{name}").replace(
        'destination = "rs"', f'destination = "{name}"'))


def test_under_a_name_that_it_has_no_more(killed):
    own, left = killed_below(killed, OLD)
    rename(killed, "renamed")
    # As long as somebody tests it under the old name, by another configuration, they are his.
    with being_tested(killed.world, "rs"):
        report = json.loads(killed.run(name="renamed").stdout)
        assert report["ok"] and killed.objects() == left == killed.world.journal_rows()
    # What a sync has staged has no such lock, whatever became of its run's record.
    journal(killed, "INSERT INTO object SELECT bucket, replace(key, ?, ?), run, stream, part, rows, "
            "raw_bytes, size_bytes, sha256, state FROM object LIMIT 1",
            id_of("destination test rs"), id_of("gone"))
    assert named(killed, "renamed") == [] and killed.objects() == 0
    assert killed.world.journal_rows() == 1
    journal(killed, "DELETE FROM object")
    assert int(killed.next_is_green("renamed")["objects_removed"]) == own


def test_under_a_former_name_where_it_may_not_touch_them(killed):
    own, left = killed_below(killed, OLD)
    killed.world.write_config(prefix=NEW)
    rename(killed, "renamed")
    may_remove_below(killed, OLD)
    try:
        names = named(killed, "renamed")
        assert len(names) == left and all(one.startswith("vesto-demo/" + OLD) for one in names)
    finally:
        may_remove_below(killed, "")
    assert int(killed.next_is_green("renamed")["objects_removed"]) == own + left


def test_under_a_former_name_in_a_bucket_that_it_has_no_more(killed):
    _, left = killed_below(killed, OLD)
    rename(killed, "renamed")
    journal(killed, "UPDATE object SET bucket = 'former'")
    names = named(killed, "renamed")
    assert len(names) == left and all(one.startswith("former/" + OLD) for one in names)
    journal(killed, "DELETE FROM object")
