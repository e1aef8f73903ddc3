#!/usr/bin/env python3
"""Asks a real Redshift and S3 what docs/unverified.md leaves open, and shows the answers beside the
sandbox's. See that page for the settings, which come from the environment.

  tools/verify_live.py                    all probes (what `make verify-live` runs)
  tools/verify_live.py --only 1 --only 12 some of them
  tools/verify_live.py --sandbox FILE     a sandbox that runs already, by its endpoints.json
  tools/verify_live.py --json FILE        writes the answers there as well
  tools/verify_live.py --write-docs       makes docs/unverified.md from the probe files
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import psycopg2

from live import document, leftovers, probes, report, settings
from live.runner import Runner

ROOT = pathlib.Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs" / "unverified.md"
# The bounds of a run, seconds; with leftovers.CLEAN_UP_S less than ten minutes.
START_S, SANDBOX_S, LIVE_S, ALL_S = 60, 90, 330, 500


class Stopped(Exception):
    """A signal asks the run to end."""


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM)


def on_signal(number, _frame):
    for each in SIGNALS:
        signal.signal(each, signal.SIG_IGN)  # the clean-up is not stopped
    raise Stopped(number)


def start_sandbox(clean_up, level, serverless):
    """A sandbox of the run's own, of the live warehouse's kind: the path of its endpoints.json."""
    given = pathlib.Path(os.environ.get("VESTO_BUILD_DIR", "build/release"))
    binary = ROOT / given / "sandbox" / "vesto-sandbox"
    if not binary.exists():
        raise OSError(f"{binary.relative_to(ROOT)} is not built")
    folder = tempfile.mkdtemp(prefix="vesto-verify-")
    clean_up.tell("remove", folder)
    os.chmod(folder, 0o755)  # its database may run as another user
    with open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(
            [binary, "--data", f"{folder}/data", "--port-redshift", "0", "--port-aws", "0",
             "--no-sync", "--isolation", level, "--kind",
             "serverless" if serverless else "provisioned"],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True)
    clean_up.tell("stop", process.pid)
    file = pathlib.Path(folder) / "data" / "endpoints.json"
    end = time.monotonic() + START_S
    while not file.exists():
        if process.poll() is not None or time.monotonic() > end:
            raise OSError("the sandbox does not start: "
                          + pathlib.Path(f"{folder}/log").read_text(errors="replace")[-500:])
        time.sleep(0.02)
    return file


def isolation_of(target):
    """snapshot or serializable, as the database says."""
    connection = leftovers.connect(target)
    cursor = connection.cursor()
    text = ""
    for view, column, name in (("svv_redshift_databases", "database_isolation_level",
                                "database_name"),
                               ("stv_db_isolation_level", "isolation_level", "db_name")):
        try:
            cursor.execute(f"SELECT {column} FROM {view} WHERE TRIM({name}) = current_database()")
            text = (cursor.fetchone() or ("",))[0].lower()
            break
        except psycopg2.Error:
            continue
    connection.close()
    return "serializable" if "serial" in text else "snapshot"


def sweep(target, redact):
    """What runs left behind that were killed together with their clean-up."""
    for name in leftovers.find_dead(target):
        print(redact(f"{target.name}: removing what the dead run {name} left"))
        for fault in leftovers.drop(target, name):
            print(redact(f"left behind: {fault}"), file=sys.stderr)


def ask(target, name, redact, clean_up, chosen, limit_s):
    """Makes the schema and runs the probes: {number: (answer, trouble)}."""
    connection = leftovers.connect(target, name)
    clean_up.tell("pid", target.name, connection.get_backend_pid())
    cursor = connection.cursor()
    cursor.execute("SET statement_timeout TO 30000")
    cursor.execute(f"CREATE SCHEMA {name}")
    connection.close()

    def progress(count, total):
        if count % 10 == 0 or count == total:
            print(f"{target.name}: {count} of {total} probes", flush=True)

    runner = Runner(target, name, redact, clean_up.tell)
    answers = runner.all(chosen, time.monotonic() + limit_s, progress)
    if runner.s3.versioned:
        print(f"{target.name}: the bucket keeps versions; those of {target.prefix}{name}/ stay "
              "until its lifecycle rule removes them")
    return answers


def run(options, areas, live):
    """The whole run; returns the exit code."""
    chosen = [p for _, found in areas for p in found
              if not options.only or p.number in options.only]
    asked = [p for p in chosen if p.automatic()]
    name = leftovers.new_name()
    clean_up = leftovers.CleanUp(name)
    redact, lines = settings.Redactor(live), []
    try:
        for number in SIGNALS:
            signal.signal(number, on_signal)
        signal.alarm(ALL_S)
        clean_up.tell("live")
        sweep(live, redact)
        level = isolation_of(live)
        file = options.sandbox or start_sandbox(clean_up, level, live.serverless())
        sandbox = settings.from_sandbox(file)
        same = (sandbox.host, sandbox.port) == (live.host, live.port)
        if options.sandbox and not same:
            clean_up.tell("sandbox", file)  # one of the run's own goes as a whole
        redact = settings.Redactor(live, sandbox)
        print(f"run {name}, {level} isolation, {len(asked)} probes", flush=True)
        answers = ask(live, name, redact, clean_up, asked, LIVE_S)
        there = answers if same else ask(sandbox, name, redact, clean_up, asked, SANDBOX_S)
        lines = report.lines_of(chosen, there, answers, level)
        code = 0 if all(line.verdict == report.AS_CHOSEN for line in lines
                        if line.probe.automatic()) else 1
        print(redact(report.table(lines)))
        print(report.summary(lines))
        if options.json:
            write_json(options.json, lines, level, redact)
    except Stopped as stopped:
        print("stopped", file=sys.stderr)
        code = 128 + stopped.args[0]
    except (OSError, psycopg2.Error, ValueError) as error:
        print(redact(f"cannot go on: {type(error).__name__}: {error}"), file=sys.stderr)
        code = 1
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    sys.stdout.flush()
    if not clean_up.end():
        print("something could not be removed", file=sys.stderr)
        code = 3
    return code


def write_json(path, lines, level, redact):
    data = [{"number": line.probe.number, "question": line.probe.question,
             "choice": line.probe.choice, "sandbox": redact(line.sandbox),
             "live": redact(line.live), "verdict": line.verdict, "change": line.change}
            for line in lines]
    pathlib.Path(path).write_text(json.dumps({"isolation": level, "probes": data}, indent=1))


def main():
    parser = argparse.ArgumentParser(description="Asks a live Redshift what is not known.")
    parser.add_argument("--only", action="append", type=int, default=[], metavar="NUMBER")
    parser.add_argument("--sandbox", metavar="FILE")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--write-docs", action="store_true")
    options = parser.parse_args()
    areas = probes.read()
    if options.write_docs:
        DOCS.write_text(document.render(areas), encoding="utf-8")
        return 0
    live, problems = settings.from_environment()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 2 if problems else run(options, areas, live)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # not to wait for threads whose server never answered
