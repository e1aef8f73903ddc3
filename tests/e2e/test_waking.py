"""A warehouse that is not there at this moment: paused, resumed, resized, restarted, waking up. It
is waited for within a bound, the reason is shown, and it is no failure. The sandbox plays the
warehouse (POST /v1/warehouse) and tells its status to roles that may ask."""
import contextlib
import json
import os
import signal
import subprocess
import threading
import time

import pytest

from test_identity import Cell, admin, clouds, make_world, tables  # noqa: F401
from world import NOTHING_LEFT, nothing_left, wait_until

TABLES = [("public.orders", ["id"]), ("public.items", ["id"])]


class Sleeper:
    """A world with its identity, and the warehouse's state."""

    def __init__(self, sandbox, world, kind, identity, wait):
        self.sandbox, self.world = sandbox, world
        copy = "static_keys" if identity == "static_keys" else "session_keys"
        cell = Cell(world, sandbox, kind, identity, copy, user="")
        self.environment = {**os.environ, **cell.environment}
        tables(world)
        world.write_config()
        config = world.folder / "vesto.toml"
        config.write_text(config.read_text().replace(
            "create_schema = true\n", f'create_schema = true\nwait_for_warehouse = "{wait}"\n'))

    def state(self, status, **more):
        self.sandbox.control("POST", "/v1/warehouse", {"status": status, **more})

    def vesto(self, *arguments):
        return subprocess.run(self.world.command(*arguments), text=True, capture_output=True,
                              timeout=120, env=self.environment)

    def start(self, command=("run", "shop", "--json")):
        return subprocess.Popen(self.world.command(*command), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=self.environment)

    def run(self):
        """(exit code, reasons that were shown, the last event, seconds)."""
        from_s = time.monotonic()
        done = self.vesto("run", "shop", "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, reasons(events), events[-1], time.monotonic() - from_s

    def change(self):
        self.world.source("UPDATE orders SET note = 'changed' WHERE id % 3 = 0; "
                          "INSERT INTO items SELECT i, 'new' FROM generate_series(26, 40) i")

    def assert_delivered(self):
        self.world.assert_equal(*TABLES)
        assert nothing_left(self.sandbox) == NOTHING_LEFT
        assert self.world.journal_rows() == 0

    def source_transactions(self):
        """Open ones of Vesto: each holds back VACUUM."""
        return self.world.source("SELECT count(*) FROM pg_stat_activity WHERE datname = "
                                 "current_database() AND pid <> pg_backend_pid() AND "
                                 "backend_xmin IS NOT NULL")[0][0]


def reasons(events):
    """What run.waiting said, in order; None: the wait is over."""
    return [event.get("reason") for event in events if event["type"] == "run.waiting"]


@pytest.fixture
def sleeper(clouds, make_world):  # noqa: F811
    made = []

    def make(kind="provisioned", identity="metadata", wait="60s"):
        made.append(Sleeper(clouds(kind), make_world(clouds(kind)), kind, identity, wait))
        return made[-1]

    yield make
    for each in made:
        each.state("available")
        each.sandbox.clear_faults()


@contextlib.contextmanager
def running(sleeper):  # noqa: F811
    """The run, and its events as they come."""
    process, events = sleeper.start(), []

    def read():
        for line in process.stdout:
            events.append(json.loads(line))

    reader = threading.Thread(target=read)
    reader.start()
    try:
        yield process, events
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(30)
        reader.join(30)


STATES = [("resuming", "the cluster is being resumed"), ("rebooting", "the cluster is restarted"),
          ("maintenance", "the cluster is under maintenance"), ("paused", "the cluster is paused")]


@pytest.mark.parametrize("status, reason", STATES, ids=[each[0] for each in STATES])
def test_what_comes_back_is_waited_for(sleeper, status, reason):
    at = sleeper()
    at.state(status, after_ms=3000)
    code, said, last, took_s = at.run()
    assert (code, said) == (0, [reason, None]), last
    assert 3 < took_s < 30
    at.assert_delivered()


def test_while_it_waits(sleeper):
    """Status says so, the source's snapshot is not open yet, and the sync is held."""
    at = sleeper()
    at.state("resuming")
    with running(at) as (process, events):
        wait_until(lambda: reasons(events))
        assert at.source_transactions() == 0
        status = at.vesto("status")
        assert "waiting for the warehouse" in status.stdout, status.stdout
        assert at.vesto("run", "shop").returncode == 7
        wait_until(lambda: any("waiting" in event for event in events
                               if event["type"] == "run.progress"))
        at.state("available")
        assert process.wait(60) == 0
    assert reasons(events) == ["the cluster is being resumed", None]
    at.assert_delivered()
    assert "waiting" not in at.vesto("status").stdout


def test_a_later_run_ends_its_snapshot_and_waits_without_it(sleeper):
    """It knows its position, so it reads first. What is staged waits for the warehouse."""
    at = sleeper()
    assert at.run()[0] == 0
    at.change()
    at.state("resuming")
    with running(at) as (process, events):
        wait_until(lambda: reasons(events))
        wait_until(lambda: at.source_transactions() == 0)
        at.state("available")
        assert process.wait(60) == 0
    at.assert_delivered()


def test_a_comparison_knows_first_that_the_warehouse_is_there(sleeper):
    """It needs the snapshot until the warehouse has been read."""
    at = sleeper()
    assert at.run()[0] == 0
    at.change()
    at.state("resuming")
    process = at.start(("sync", "parity", "shop", "--json"))
    try:
        wait_until(lambda: "waiting for the warehouse" in at.vesto("status").stdout)
        assert at.source_transactions() == 0
        at.state("available")
        out, errors = process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait(10)
    assert process.returncode == 0, errors + out
    at.assert_delivered()


def test_the_reason_is_on_the_screen(sleeper):
    at = sleeper()
    at.state("resuming", after_ms=2000)
    done = at.vesto("run", "shop")
    assert done.returncode == 0, done.stderr
    lines = [line.split(": ", 1)[1] for line in done.stderr.splitlines() if "warehouse" in line]
    assert lines == ["waiting for the warehouse: the cluster is being resumed (0.0 s of 1m 0s)",
                     "the warehouse is not waited for any more"]


def test_the_bound_is_over(sleeper):
    at = sleeper(wait="2s")
    assert at.run()[0] == 0
    at.change()
    at.state("paused")
    code, said, last, took_s = at.run()
    assert (code, said) == (5, ["the cluster is paused", None])
    assert last["error"]["code"] == "RS-PAUSED", last
    assert "--cluster-identifier examplecluster" in last["error"]["hint"]
    assert "it was waited for 2." in last["error"]["message"]
    assert took_s > 2
    assert nothing_left(at.sandbox) == NOTHING_LEFT
    status = at.vesto("status")
    assert status.returncode == 5
    assert "retrying" in status.stdout and "needs action" not in status.stdout, status.stdout
    at.state("rebooting")
    code, said, last, _ = at.run()
    assert (code, last["error"]["code"]) == (5, "RS-WAKING"), last
    at.state("available")
    assert at.run()[0] == 0
    at.assert_delivered()


def test_without_a_wait_the_reason_is_said_at_once(sleeper):
    at = sleeper(wait="0s")
    at.state("paused")
    code, said, last, _ = at.run()
    assert (code, said, last["error"]["code"]) == (5, [], "RS-PAUSED")


def test_a_plan_does_not_wait(sleeper):
    at = sleeper(wait="15m")
    at.state("paused")
    from_s = time.monotonic()
    done = at.vesto("sync", "plan", "shop")
    assert time.monotonic() - from_s < 30
    assert done.returncode == 5 and "RS-PAUSED" in done.stderr + done.stdout


def test_a_role_that_may_not_ask_sees_the_refusal_itself(sleeper):
    at = sleeper(identity="external_id", wait="15m")
    at.state("resuming")
    code, said, last, _ = at.run()
    assert (code, said, last["error"]["code"]) == (5, [], "NET-REFUSED"), last


@pytest.mark.parametrize("identity", ["static_keys", "external_id"])
def test_a_server_that_starts_up_is_waited_for_by_anybody(sleeper, identity):
    at = sleeper(identity=identity)
    at.state("rebooting", door="starting", after_ms=3000)
    code, said, last, _ = at.run()
    assert (code, said) == (0, ["the warehouse starts up", None]), last
    at.assert_delivered()


def test_a_resize_in_the_load_transaction(sleeper):
    """Writes are refused for longer than a lost connection would be put up with."""
    at = sleeper()
    assert at.run()[0] == 0
    at.change()
    at.state("resizing", after_ms=20_000)
    code, said, last, took_s = at.run()
    assert (code, said) == (0, ["the cluster is being resized and takes no writes", None]), last
    assert took_s > 20
    at.assert_delivered()
    sql = at.vesto("show", last["run"], "--sql").stdout.splitlines()
    assert sum(line.strip().startswith("BEGIN") for line in sql) > 1
    assert sum(line.strip().startswith("COMMIT") for line in sql) == 1


def test_a_resize_that_does_not_end(sleeper):
    at = sleeper(wait="3s")
    assert at.run()[0] == 0
    before = admin(at.sandbox, f"SELECT count(*) FROM {at.world.schema}.items")
    at.change()
    at.state("resizing")
    code, said, last, _ = at.run()
    assert (code, last["error"]["code"]) == (5, "RS-WAKING"), last
    assert "takes no writes" in last["error"]["message"]
    assert admin(at.sandbox, f"SELECT count(*) FROM {at.world.schema}.items") == before
    assert nothing_left(at.sandbox) == NOTHING_LEFT
    at.state("available")
    assert at.run()[0] == 0
    at.assert_delivered()


# By a user with a password nobody can ask AWS; that the warehouse was there a moment ago says it.
@pytest.mark.parametrize("identity", ["metadata", "static_keys"])
@pytest.mark.parametrize("on", ["COPY", "COMMIT"])
def test_maintenance_cuts_the_load(sleeper, identity, on):
    at = sleeper(identity=identity)
    assert at.run()[0] == 0
    at.change()
    more = {"match": "^COPY"} if on == "COPY" else {}
    at.sandbox.fault("pg.statement" if on == "COPY" else "pg.commit", {"delay_ms": 3000}, count=1,
                     **more)
    with running(at) as (process, events):
        wait_until(lambda: at.sandbox.control("GET", "/v1/left")["objects"])
        time.sleep(1)
        at.state("maintenance", after_ms=15_000)
        assert process.wait(90) == 0, process.stderr.read()
    assert reasons(events)[-1] is None
    assert len(reasons(events)) >= 2
    at.assert_delivered()


def test_a_cold_start_is_no_wait_at_all(sleeper):
    at = sleeper(kind="serverless", wait="0s")
    at.state("available", cold_start_ms=5000)
    code, said, last, took_s = at.run()
    assert (code, said) == (0, []), last
    assert took_s > 5
    at.assert_delivered()


@pytest.mark.parametrize("how, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_the_wait(sleeper, how, code):
    at = sleeper(wait="2h")
    at.state("paused")
    with running(at) as (process, events):
        wait_until(lambda: reasons(events))
        time.sleep(0.5)
        from_s = time.monotonic()
        process.send_signal(how)
        assert process.wait(30) == code
        assert time.monotonic() - from_s < 3
    assert events[-1]["error"]["code"] == "RUN-INTERRUPTED"
    at.state("available")
    assert at.run()[0] == 0
    at.assert_delivered()


def test_the_destinations_status_is_shown(sleeper):
    at = sleeper()

    def test():
        done = at.vesto("destination", "test", "rs", "--wait", "0s", "--json")
        report = json.loads(done.stdout)
        return done.returncode, report["ok"], {c["id"]: c for c in report["checks"]}

    code, ok, checks = test()
    assert (code, ok) == (0, True)
    assert checks["redshift.status"]["evidence"][0] == {"name": "status", "value": "available"}
    at.state("paused")
    code, ok, checks = test()
    assert (code, ok) == (5, False)
    asked = [one for one in checks if checks[one]["group"] != "config"]
    assert asked[0] == "redshift.status"  # before the way, which a warehouse that is away lacks
    assert checks["redshift.status"]["error"]["code"] == "RS-PAUSED"
    assert checks["net.tcp"]["masked_by"] == "redshift.status"
    text = at.vesto("destination", "test", "rs", "--wait", "0s").stdout
    assert "RS-PAUSED" in text
    assert "resume-cluster --cluster-identifier examplecluster --region " in text
    at.state("resuming")
    assert "Not ready: the cluster is being resumed." in at.vesto("identity", "show", "rs").stdout
    at.state("modifying")
    code, ok, checks = test()
    assert (code, ok) == (0, True)
    assert checks["redshift.status"]["evidence"][0]["value"] == \
        "modifying; the cluster is being changed"


@pytest.mark.parametrize("identity", ["static_keys", "external_id"])
def test_a_server_that_starts_up_has_the_same_code_in_a_check_and_in_a_run(sleeper, identity):
    at = sleeper(identity=identity, wait="0s")
    at.state("rebooting", door="starting")
    done = at.vesto("destination", "test", "rs", "--wait", "0s", "--json")
    failed = [c for c in json.loads(done.stdout)["checks"] if c["status"] == "failed"]
    assert [(c["id"], c["error"]["code"]) for c in failed] == [("redshift.login", "RS-WAKING")]
    code, _, last, _ = at.run()
    assert (done.returncode, code, last["error"]["code"]) == (5, 5, "RS-WAKING"), last


def test_the_status_of_a_login_by_password_is_not_asked(sleeper):
    at = sleeper(identity="static_keys")
    before = at.sandbox.calls().get("aws.redshift", 0)
    done = at.vesto("destination", "test", "rs", "--wait", "0s", "--json")
    assert done.returncode == 0, done.stdout
    assert "redshift.status" not in done.stdout
    assert at.sandbox.calls().get("aws.redshift", 0) == before


@pytest.mark.parametrize("value, fits", [("0s", True), ("2h", True), ("121m", False),
                                         ("soon", False)])
def test_the_settings_bounds(sleeper, value, fits):
    at = sleeper(wait=value)
    done = at.vesto("config", "check")
    assert (done.returncode == 0) == fits, done.stderr + done.stdout
    if not fits:
        assert "wait_for_warehouse" in done.stderr + done.stdout
