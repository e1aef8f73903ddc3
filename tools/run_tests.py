#!/usr/bin/env python3
"""Builds and runs the tests, says how long each step took, and ends with one line:
N passed, N failed, N skipped.

  tools/run_tests.py               what `make test` runs: FIRST, then LANES beside each other
  tools/run_tests.py --soak        the long suites
  tools/run_tests.py --only NAME   one step (for work on it); see FIRST and LANES
"""
import argparse
import itertools
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as ElementTree

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
VENV = ROOT / ".venv"
DEBIAN_PYTHON = os.environ.get("PYTHON", "/usr/bin/python3")


class Tally:
    def __init__(self, passed=0, failed=0, skipped=0):
        self.passed, self.failed, self.skipped = passed, failed, skipped

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def run(command, **more):
    return subprocess.run([str(part) for part in command], cwd=ROOT, **more)


def build(preset, *targets):
    result = run(["tools/build.sh", preset, *targets])
    return Tally(failed=0 if result.returncode == 0 else 1)


def one_command(*command):
    """A step that passes or fails as a whole."""
    ok = run(command).returncode == 0
    return Tally(passed=int(ok), failed=int(not ok))


def gtests(preset, names=None, environment=None):
    tally = Tally()
    folder = BUILD / preset / "tests" / "unit"
    suites = sorted(p for p in folder.rglob("*_test") if p.is_file() and os.access(p, os.X_OK))
    if names:
        suites = [p for p in suites if p.name in names]
    if not suites:
        print(f"no unit tests were built in {folder}")
        return Tally(failed=1)
    for suite in suites:
        report = suite.with_suffix(".json")
        report.unlink(missing_ok=True)
        with open(suite.with_suffix(".log"), "w", encoding="utf-8") as log:
            try:
                code = subprocess.run(
                    [str(suite), f"--gtest_output=json:{report}"], cwd=ROOT, stdout=log,
                    stderr=subprocess.STDOUT, timeout=600,
                    env={**os.environ, **(environment or {})}, check=False).returncode
            except subprocess.TimeoutExpired:
                code = -1
        here = Tally()
        if report.exists():
            data = json.loads(report.read_text())
            for group in data["testsuites"]:
                for case in group["testsuite"]:
                    if case["result"] == "SKIPPED" or case["status"] == "NOTRUN":
                        here.skipped += 1
                    elif case.get("failures"):
                        here.failed += 1
                    else:
                        here.passed += 1
        if code != 0 and here.failed == 0:
            here.failed += 1  # a crash or a sanitizer's finding
        if here.failed:
            text = suite.with_suffix(".log").read_text(errors="replace")
            print(f"--- {preset} {suite.name} failed (exit {code}):\n{text[-6000:]}")
        tally.add(here)
    return tally


def missing(python, modules):
    """Those of `modules` that this Python has not."""
    code = ("import importlib.util, sys; "
            "print(*(name for name in sys.argv[1:] if not importlib.util.find_spec(name)))")
    return run([python, "-c", code, *modules], stdout=subprocess.PIPE, text=True,
               check=True).stdout.split()


def pytest(paths, name, timeout_s=2400, environment=None, needs=()):
    """`needs`: modules without which no test of these paths could begin."""
    python = VENV / "bin" / "python"
    python = python if python.exists() else DEBIAN_PYTHON
    absent = missing(python, needs)
    if absent:
        print(f"skipped: {', '.join(paths)} without {', '.join(absent)} (tests/requirements.txt)")
        return Tally(skipped=1)
    report = BUILD / f"pytest-{name}.xml"
    report.unlink(missing_ok=True)
    command = [python, "-m", "pytest", "-q", "-rs", "-p", "no:cacheprovider",
               f"--junitxml={report}", *paths]
    try:
        code = run(command, timeout=timeout_s, env={**os.environ, **(environment or {})}).returncode
    except subprocess.TimeoutExpired:
        print(f"pytest {name}: no end after {timeout_s} s")
        return Tally(failed=1)
    if not report.exists():
        return Tally(failed=1)
    tally = Tally()
    for suite in ElementTree.parse(report).getroot().iter("testsuite"):
        bad = int(suite.get("failures", 0)) + int(suite.get("errors", 0))
        skipped = int(suite.get("skipped", 0))
        tally.add(Tally(int(suite.get("tests", 0)) - bad - skipped, bad, skipped))
    return judged(tally, code)


def judged(tally, code):
    """What pytest's exit code adds: 5 is what it ends with where all modules were skipped, and also
    where it found no test at all."""
    empty = not (tally.passed or tally.failed or tally.skipped)
    if empty or (code not in (0, 5) and tally.failed == 0):
        print(f"pytest ended with {code} and {tally}: that counts as a failure")
        tally.failed += 1
    return tally


def make_venv():
    """Other people's clients, from tests/requirements.txt. Not reachable: they are skipped."""
    wanted = (ROOT / "tests" / "requirements.txt").read_text()
    stamp = VENV / "requirements.txt"
    if stamp.exists() and stamp.read_text() == wanted:
        return Tally()
    if run([DEBIAN_PYTHON, "-m", "venv", "--clear", "--system-site-packages", VENV]).returncode:
        return Tally(failed=1)
    installed = run([VENV / "bin" / "pip", "install", "-q", "--disable-pip-version-check",
                     "--timeout", "20", "--retries", "2", "-r", "tests/requirements.txt"],
                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if installed.returncode == 0:
        stamp.write_text(wanted)
    else:
        print("not all of tests/requirements.txt could be installed: tests by other people's Python "
              "clients are skipped.", *installed.stderr.strip().splitlines()[-1:])
    return Tally()


def fuzz(seconds):
    """One test a target; it fails with the path of the input that it has found."""
    results = BUILD / "fuzz" / "results"
    results.unlink(missing_ok=True)
    # A fixed seed and number of runs: what passed passes again; new inputs are for `make fuzz`.
    code = run(["tools/fuzz.sh", seconds],
               env={**os.environ, "FUZZ_SEED": "1", "FUZZ_RUNS": "20000"}).returncode
    lines = results.read_text().splitlines() if results.exists() else []
    tally = Tally(sum(line.startswith("ok ") for line in lines),
                  sum(line.startswith("failed ") for line in lines))
    if code != 0 and tally.failed == 0 or not lines:
        tally.failed += 1  # it did not build
    return tally


def end_to_end():
    """Begins a new list of what Vesto emits, which the SQL judges read afterwards."""
    (BUILD / "emitted.jsonl").unlink(missing_ok=True)
    return pytest(["tests/e2e"], "e2e", 3000)


# What runs outside the unit tests is the release build; the units run under the sanitizers.
PROGRAMS = ["vesto", "vesto-sandbox", "vesto-sandbox-s3", "s3_probe", "oidc_probe", "guard_bench",
            "empty_main", "hot_path"]

FIRST = [
    ("rooms", lambda: one_command(DEBIAN_PYTHON, "tools/rooms.py")),
    ("format", lambda: one_command("tools/check_format.sh")),
    ("these gates", lambda: pytest(["tests/gates"], "gates")),
    ("python clients", make_venv),
    ("build release", lambda: build("release", *PROGRAMS)),
    ("build dev (ASan, UBSan)", lambda: build("dev")),
    ("build tsan", lambda: build("tsan", "tsan_tests")),
    ("instructions of the hot path", lambda: pytest(["tests/hot_path"], "hot-path")),
    # It looks for what sandboxes leave behind in /tmp, where no others may come and go meanwhile.
    ("sandbox, judged by drivers", lambda: pytest(["tests/sandbox"], "sandbox")),
]
# Most tests wait for a server half of their time: two lanes keep two CPUs busy.
LANES = {
    "end to end": [
        ("end to end", end_to_end),
        ("each row of the diagnosis table", lambda: pytest(["tests/diagnosis"], "diagnosis")),
        ("SQL, judged by its parsers", lambda: pytest(["tests/sql_judges"], "sql")),
        ("the benchmark, with a few rows", lambda: pytest(["tests/bench"], "bench")),
    ],
    "the rest": [
        ("unit tests (ASan, UBSan)", lambda: gtests("dev")),
        ("unit tests (TSan)", lambda: gtests("tsan")),
        ("S3, judged by its clients",
         lambda: pytest(["tests/sandbox_s3", "tests/foreign_s3"], "s3")),
        ("tokens, judged by PyJWT and botocore", lambda: pytest(["tests/sandbox_oidc"], "oidc")),
        ("STS, Redshift's API and policies, judged by AWS's clients",
         lambda: pytest(["tests/sandbox_aws"], "aws", needs=("boto3", "hcl2"))),
        ("set-ups: the kit, other guides, faults",
         lambda: pytest(["tests/setup"], "setup", 3000, needs=("boto3",))),
        ("command line", lambda: pytest(["tests/cli"], "cli")),
        ("docs, run as they stand", lambda: pytest(["tests/docs"], "docs")),
        ("COPY, read a second time", lambda: pytest(["tests/differential"], "differential")),
        ("fuzz, 10 s each", lambda: fuzz("10")),
    ],
}
SOAK = [
    ("build release", lambda: build("release", *PROGRAMS)),
    ("build dev (ASan, UBSan)", lambda: build("dev", "vesto")),
    ("end to end, long", lambda: pytest(["tests/e2e"], "soak", 6 * 3600,
                                        {"VESTO_SOAK": "1"})),
    ("COPY, read a second time, long", lambda: pytest(["tests/differential"], "differential", 3600,
                                                      {"VESTO_SOAK": "1"})),
]


def run_steps(steps):
    """(what came of them, whether all builds worked); behind a build that failed nothing runs."""
    total = Tally()
    for name, step in steps:
        print(f"== {name}", flush=True)
        start = time.monotonic()
        tally = step()
        total.add(tally)
        print(f"== {name}: {tally}, {time.monotonic() - start:.0f} s", flush=True)
        if tally.failed and name.startswith("build"):
            return total, False
    return total, True


def lane_result(lane):
    return BUILD / f"lane-{lane.replace(' ', '-')}.json"


def run_lane(lane):
    """What the process of a lane does."""
    tally, _ = run_steps(LANES[lane])
    lane_result(lane).write_text(json.dumps(vars(tally)))
    return tally


def watch_lane(lane, tallies):
    """Starts a lane as a process of its own and prints what it prints, each line with its name."""
    lane_result(lane).unlink(missing_ok=True)
    with subprocess.Popen([sys.executable, __file__, "--lane", lane], cwd=ROOT,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          errors="replace") as process:
        for line in process.stdout:
            print(f"[{lane}] {line}", end="", flush=True)
    if lane_result(lane).exists():
        tallies.append(Tally(**json.loads(lane_result(lane).read_text())))
    else:
        print(f"[{lane}] ended with {process.returncode} and without a result")
        tallies.append(Tally(failed=1))


def run_lanes():
    tallies = []
    threads = [threading.Thread(target=watch_lane, args=(lane, tallies)) for lane in LANES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def run_all():
    total, built = run_steps(FIRST)
    if built:
        total.add(run_lanes())
    return total


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--soak", action="store_true")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--lane", choices=LANES, help="its steps alone")
    options = parser.parse_args()
    BUILD.mkdir(exist_ok=True)
    if options.only:
        known = SOAK if options.soak else [*FIRST, *itertools.chain(*LANES.values())]
        total, _ = run_steps([(name, step) for name, step in known if name in options.only])
    elif options.lane:
        total = run_lane(options.lane)
    else:
        total = run_steps(SOAK)[0] if options.soak else run_all()
    print(total)
    (BUILD / "tally").write_text(f"{total}\n")
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
