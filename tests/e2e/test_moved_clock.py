"""Three hours pass during one sync, with credentials of fifteen minutes everywhere. The clock can be
moved in test builds alone."""
import calendar
import json
import os
import subprocess
import threading
import time

import pytest

from test_identity import Cell, clouds, make_world  # noqa: F401
from world import DEV, NOTHING_LEFT, RELEASE, RUN_TIMEOUT_S, nothing_left

VARIABLE = "VESTO_CLOCK_OFFSET_FILE"
TABLES = 20
STEP_S = 240  # AWS takes no signature that is five minutes old
PAUSE_S = 0.1  # the product looks at the file every 50 ms
TOTAL_STEPS = 45  # three hours
# At most so many fall into each phase; the load takes what is left. The call whose count shows that
# a phase goes on.
STEPS = {"extract and stage": 10, "prepare": 10, "load": TOTAL_STEPS}
SEEN = {"extract and stage": "s3.put", "prepare": "pg.statement", "load": "copy.object"}


class Mover(threading.Thread):
    """Moves the product's clock and the sandbox's together, a step whenever the run has gone on."""

    def __init__(self, sandbox, file):
        super().__init__(daemon=True)
        self.sandbox, self.file = sandbox, file
        self.steps = dict.fromkeys(STEPS, 0)
        self.ended = threading.Event()
        self.begin = sandbox.calls()

    def counts(self):
        calls = self.sandbox.calls()
        return {phase: calls.get(kind, 0) - self.begin.get(kind, 0) for phase, kind in SEEN.items()}

    def move(self, offset_s):
        waiting = self.file.with_suffix(".new")
        waiting.write_text(str(offset_s * 1000))
        os.replace(waiting, self.file)
        self.sandbox.control("POST", "/v1/clock", {"offset_ms": offset_s * 1000})

    def run(self):
        before = self.counts()
        while not self.ended.wait(PAUSE_S) and sum(self.steps.values()) < TOTAL_STEPS:
            now = self.counts()
            for phase, most in STEPS.items():
                # A COPY reads two objects: two steps are less than its keys last.
                if now[phase] > before[phase] and self.steps[phase] < most:
                    self.steps[phase] += 1
                    self.move(sum(self.steps.values()) * STEP_S)
                    break
            before = now


def slow(sandbox):
    """Every phase takes its time, so that the steps fall into all of them."""
    sandbox.fault("s3.put", {"delay_ms": 500}, count=1000)
    sandbox.fault("copy.object", {"delay_ms": 150}, count=1000)
    sandbox.fault("pg.statement", {"delay_ms": 120}, match="^(CREATE|COPY|INSERT)", count=1000)


WAYS = [("provisioned", "metadata", "db_user"), ("serverless", "eks", ""),
        ("provisioned", "external_id", ""), ("serverless", "metadata", ""),
        ("provisioned", "key_file", "db_user")]


# All of them in make soak.
@pytest.mark.parametrize("kind,identity,user", WAYS if os.environ.get("VESTO_SOAK") else WAYS[:2])
def test_three_hours_with_keys_of_fifteen_minutes(clouds, make_world, kind, identity,  # noqa: F811
                                                  user):
    sandbox = clouds(kind)
    world = make_world(sandbox)
    cell = Cell(world, sandbox, kind, identity, "session_keys", user=user)
    if "role_arn" in world.auth:  # AWS's chain has its own hour
        world.auth += '\nsession_duration = "15m"'
    for number in range(TABLES):
        world.source(f"CREATE TABLE t{number} (id int PRIMARY KEY, note text); INSERT INTO t{number}"
                     f" SELECT i, 'row ' || i FROM generate_series(1, 200) i")
        world.table(f"public.t{number}")
    world.write_config()
    slow(sandbox)
    file = world.folder / "clock"
    file.write_text("0")
    calls = sandbox.calls()
    mover = Mover(sandbox, file)
    mover.start()
    try:
        done = subprocess.run(
            world.command("run", "shop", "--json", binary=DEV), text=True, capture_output=True,
            timeout=RUN_TIMEOUT_S, env={**os.environ, **cell.environment, VARIABLE: str(file)})
        steps_at_end = dict(mover.steps)
    finally:
        mover.ended.set()
        mover.join(30)
        sandbox.clear_faults()
        sandbox.control("POST", "/v1/clock", {"offset_ms": 0})
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    assert events[-1]["rows"]["copied"] == 200 * TABLES
    # Nothing that anybody would see: no warning, nothing repeated, no word on stderr.
    assert done.stderr == ""
    assert {event["type"] for event in events} <= {"run.started", "run.progress", "table.finished",
                                                   "run.finished"}
    assert events[-1]["warnings"] == [] and "repeat" not in done.stdout
    # All three hours passed while it ran, in each phase its part of them.
    assert sum(steps_at_end.values()) == TOTAL_STEPS, steps_at_end
    assert min(steps_at_end.values()) >= 3, steps_at_end
    new = {name: count - calls.get(name, 0) for name, count in sandbox.calls().items()}
    print({name: new[name] for name in new if name.startswith("aws")})
    # Keys of 15 minutes that are used for 11 of them, and COPY's own, new for nearly every COPY.
    # AWS's chain asks for an hour, whatever session_duration says of a role_arn.
    assert new["aws.sts"] >= (4 if identity == "eks" else 15), new
    world.assert_equal(*[(f"public.t{n}", ["id"]) for n in range(TABLES)], rows=200 * TABLES)
    assert nothing_left(sandbox) == NOTHING_LEFT
    assert world.journal_rows() == 0


class Jump(threading.Thread):
    """Moves both clocks once, while a COPY reads: more than the keys of fifteen minutes last."""

    SECONDS = 1000

    def __init__(self, sandbox, file, times=1):
        super().__init__(daemon=True)
        self.mover = Mover(sandbox, file)
        self.sandbox, self.times, self.jumps = sandbox, times, 0
        self.ended = threading.Event()

    def run(self):
        seen = self.sandbox.calls().get("copy.object", 0)
        while self.jumps < self.times and not self.ended.wait(0.02):
            now = self.sandbox.calls().get("copy.object", 0)
            if now > seen:
                self.jumps += 1
                self.mover.move(self.jumps * self.SECONDS)
                # What this COPY still reads is not taken for the next one.
                self.ended.wait(1.5)
                now = self.sandbox.calls().get("copy.object", 0)
            seen = now


@pytest.mark.parametrize("identity,copy,times,ending", [
    ("metadata", "session_keys", 1, "repeated"), ("external_id", "session_keys", 1, "repeated"),
    ("metadata", "session_keys", 50, "too short")])
def test_keys_that_end_during_a_copy(clouds, make_world, identity, copy, times,  # noqa: F811
                                     ending):
    """One new attempt with new keys; where those end too, the error says that, and no rights are
    asked for."""
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", identity, copy)
    world.auth += '\nsession_duration = "15m"'
    world.source("CREATE TABLE t (id int PRIMARY KEY, note text); INSERT INTO t "
                 "SELECT i, 'row ' || i FROM generate_series(1, 200) i")
    world.table("public.t").write_config()
    sandbox.fault("copy.object", {"delay_ms": 1000}, count=1000)
    file = world.folder / "clock"
    file.write_text("0")
    jump = Jump(sandbox, file, times)
    jump.start()
    try:
        done = subprocess.run(
            world.command("run", "shop", "--json", binary=DEV), text=True, capture_output=True,
            timeout=RUN_TIMEOUT_S, env={**os.environ, **cell.environment, VARIABLE: str(file)})
    finally:
        jump.ended.set()
        jump.join(30)
        sandbox.clear_faults()
        sandbox.control("POST", "/v1/clock", {"offset_ms": 0})
    said = done.stdout + done.stderr
    finished = json.loads(done.stdout.splitlines()[-1])
    assert jump.jumps >= (1 if ending == "repeated" else 2), said
    if ending == "repeated":
        assert done.returncode == 0, said
        assert finished["rows"]["copied"] == 200
        world.assert_equal(("public.t", ["id"]), rows=200)
        assert "RS-COPY-S3-403" not in said
    else:
        assert done.returncode != 0 and "RS-COPY-EXPIRED" in said, said
        assert "s3:GetObject" not in said and "session_duration" in said, said
        assert jump.jumps == 2, "a third attempt was made"
    assert nothing_left(sandbox) == NOTHING_LEFT


def test_without_the_moves_it_would_take_few_keys(clouds, make_world):  # noqa: F811
    """What the figures above are to be held against."""
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "metadata", "session_keys")
    world.auth += '\nsession_duration = "15m"'
    world.source("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    world.table("public.t").write_config()
    calls = sandbox.calls()
    world.must_run(environment=cell.environment)
    assert sandbox.calls()["aws.sts"] - calls.get("aws.sts", 0) <= 3


def moved_years(world, binary, environment):
    """By how many years the time of run.started is off."""
    done = subprocess.run(world.command("run", "shop", "--json", binary=binary), text=True,
                          capture_output=True, timeout=RUN_TIMEOUT_S,
                          env={**os.environ, **environment})
    stamp = json.loads(done.stdout.splitlines()[0])["time"]
    assert json.loads(done.stdout.splitlines()[0])["type"] == "run.started"
    then = calendar.timegm(time.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S"))
    return round((then - time.time()) / (365 * 86_400)), done


def is_release(binary):
    """Kill points and this door come together."""
    return b"VESTO_KILL_AT" not in binary.read_bytes()


def test_the_release_binary_has_no_such_door(clouds, make_world):  # noqa: F811
    assert VARIABLE.encode() in DEV.read_bytes()
    if not is_release(RELEASE):
        pytest.skip("VESTO_BUILD_DIR is no release build")
    assert VARIABLE.encode() not in RELEASE.read_bytes()
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    world.read_as_admin = True
    cell = Cell(world, sandbox, "provisioned", "static_keys", "static_keys")
    world.source("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
    world.table("public.t").write_config()
    file = world.folder / "clock"
    file.write_text(str(365 * 86_400_000))
    years, done = moved_years(world, RELEASE, {**cell.environment, VARIABLE: str(file)})
    assert done.returncode == 0 and years == 0, done.stderr
    assert moved_years(world, DEV, {**cell.environment, VARIABLE: str(file)})[0] == 1


@pytest.mark.parametrize("text,years", [
    ("31536000000", 1), (" -31536000000\n", -1), ("", 0), ("x", 0), ("9" * 18, 0), ("9" * 40, 0),
    ("1e9", 0), (None, 0)])
def test_what_the_file_may_hold(clouds, make_world, text, years):  # noqa: F811
    """A number of milliseconds within ten years; with anything else nothing is moved."""
    world = make_world(clouds("provisioned"))
    world.source("CREATE TABLE t (id int PRIMARY KEY)")
    world.table("public.t").write_config()
    file = world.folder / "clock"
    if text is not None:
        file.write_text(text)
    assert moved_years(world, DEV, {VARIABLE: str(file)})[0] == years
