#!/usr/bin/env python3
"""Vesto beside other tools that load Redshift: the same rows, the same machine and minute, the same
sandbox. Redshift itself is no part of it.

  bench/peers.py [--rows 6000000] [--slow-rows 1000000] [--rounds N] [--only NAME] [--write]

For each tool rounds of (Vesto, tool): wall, CPU seconds with all children, and peak memory of all
processes, each as a ratio to Vesto in that round; medians of 7 rounds, or of 3 where a run takes a
minute or more. A round whose rows are not all there fails. --write puts the table into
docs/performance-peers.md. The tools come from PyPI into build/peers, outside git.
"""
import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from data import HASH, TABLES  # noqa: E402
from peer_tools import PEERS, NotInstalled, Place  # noqa: E402
from world import RELEASE, PrivatePostgres, Sandbox, World  # noqa: E402

PAGE = ROOT / "docs" / "performance-peers.md"
RUN_TIMEOUT_S = 3600
LINEITEM = TABLES["lineitem"]
MANY, FEW, LONG_S = 7, 3, 60  # rounds, and how long a run takes that is given few

SUMS = ("SELECT count(*), round(sum(l_quantity)::numeric(38,2), 2), "
        "round(sum(l_extendedprice)::numeric(38,2), 2), sum(l_partkey)::numeric(38,0), "
        "count(l_comment) FROM {table}")

# Values that loaders are known to change. Nothing in it makes any of the tools stop.
AWKWARD = """CREATE TABLE awkward (id int PRIMARY KEY, text_value text, number numeric(20,4),
 moment timestamp, real_value float8);
INSERT INTO awkward VALUES (1,'',1,NULL,NULL),(2,'  ',1,NULL,NULL),
 (3,'ends with blanks  ',1,NULL,NULL),
 (4,NULL,NULL,NULL,NULL),(5,'NULL',1,NULL,NULL),
 (6,E'back\\\\slash and \\\\N',1,NULL,NULL),
 (7,E'a "quote", a comma and\\na line',1,NULL,NULL),(8,'日本語 ü',1,NULL,NULL),
 (9,'digits',9007199254740993.1234,NULL,NULL),(10,'time',1,'2026-11-23 01:02:03.000004',NULL),
 (11,'float',1,NULL,0.1::float8+0.2::float8),(12,E'\\\\N',1,NULL,NULL)"""
AWKWARD_KINDS = {1: "an empty text", 2: "a text of blanks", 3: "blanks at a text's end", 4: "NULL",
                 5: "the text NULL", 6: "backslashes", 7: "quotes and line ends",
                 8: "other scripts", 9: "a decimal of 20 digits", 10: "microseconds",
                 11: "a float's last digit", 12: "the text \\N"}


class Figures:
    def __init__(self, wall_s, cpu_s, peak_bytes, out):
        self.wall_s, self.cpu_s, self.peak_bytes, self.out = wall_s, cpu_s, peak_bytes, out


def memory_of(pid):
    """Resident bytes now and at most of one process. 0 where it is gone, or is a copy of this
    program yet: between fork and exec its memory is ours (and so is ru_maxrss for good)."""
    here = pathlib.Path(f"/proc/{pid}")
    if (here / "cmdline").read_bytes() == pathlib.Path("/proc/self/cmdline").read_bytes():
        return 0, 0
    words = dict(line.split(":", 1) for line in (here / "status").read_text().splitlines())
    return tuple(int(words.get(key, "0 kB").split()[0]) * 1024 for key in ("VmRSS", "VmHWM"))


def memory_of_tree(pid):
    """Resident bytes of the process and its descendants together, or the most that one of them
    ever had, if that is more."""
    together, largest, todo = 0, 0, [pid]
    while todo:
        one = todo.pop()
        try:
            now, most = memory_of(one)
            together, largest = together + now, max(largest, most)
            for task in pathlib.Path(f"/proc/{one}/task").iterdir():
                todo += [int(child) for child in (task / "children").read_text().split()]
        except (OSError, ValueError):
            continue  # it ended meanwhile
    return max(together, largest)


def measure(command, environment, stdin_path, folder):
    """Runs a command; its memory is looked at every 20 ms."""
    peak = [0]
    ended = threading.Event()
    with open(stdin_path or os.devnull, "rb") as stdin, \
            open(folder / "out", "w+", encoding="utf-8") as out, \
            open(folder / "err", "w+", encoding="utf-8") as err:
        start = time.monotonic()
        process = subprocess.Popen([str(part) for part in command], stdin=stdin, stdout=out,
                                   stderr=err, env=environment, cwd=folder)

        def watch():
            while not ended.wait(0.02):
                peak[0] = max(peak[0], memory_of_tree(process.pid))
                if time.monotonic() - start > RUN_TIMEOUT_S:
                    process.kill()

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
        except BaseException:  # this program was interrupted
            process.kill()
            raise
        finally:
            wall_s = time.monotonic() - start
            ended.set()
            watcher.join()
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        if process.returncode != 0:
            raise RuntimeError(f"exit {process.returncode}: {(out.read() + err.read())[-1500:]}")
        return Figures(wall_s, usage.ru_utime + usage.ru_stime, peak[0], out.read())


class Bench:
    def __init__(self, world, options):
        self.world, self.options = world, options

    def table(self, rows):
        """The name of the source's table of so many rows, made once; a sync of that name."""
        name = f"lineitem_{rows}"
        if not self.world.source("SELECT to_regclass(%s)", name)[0][0]:
            LINEITEM.make(self.world, rows, name)
        return name

    def choose(self, name):
        self.world.tables = []
        self.world.table(f"public.{name}").write_config()

    def vesto(self, name):
        folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-peer-"))
        try:
            figures = measure(self.world.command("run", "shop", "--json", "--full-refresh"),
                              dict(os.environ), None, folder)
        finally:
            shutil.rmtree(folder)
        for line in figures.out.splitlines():
            event = json.loads(line)
            if event["type"] == "run.finished":
                figures.staged_s = event["staged_ms"] / 1000
        self.check_sums(name, f"{self.world.schema}.{name}")
        return figures

    def check_sums(self, name, target):
        there = self.world.sandbox.query(SUMS.format(table=target))
        here = self.world.source(SUMS.format(table=name))
        if [list(map(float, row)) for row in there] != [list(map(float, row)) for row in here]:
            raise RuntimeError(f"{target} is not {name}: {there} and not {here}")

    def peer(self, peer, name, rows=None):
        """One run of the tool into a target that is not there yet."""
        self.world.sandbox.query(f'DROP SCHEMA IF EXISTS "{peer.schema()}" CASCADE')
        folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-peer-"))
        try:
            place = Place(self.world, folder)
            peer.prepare(place, name)
            figures = measure(*peer.command(place, name), folder)
        finally:
            shutil.rmtree(folder)
        if peer.stage_only:
            if rows is not None and peer.rows_counted(figures.out) != rows:
                raise RuntimeError(f"{peer.name} wrote {peer.rows_counted(figures.out)} rows")
        elif rows is not None:
            self.check_sums(name, peer.target(name))
        return figures

    def compare(self, peer):
        rows = self.options.slow_rows if peer.slow else self.options.rows
        name = self.table(rows)
        self.choose(name)
        self.vesto(name)  # warms the source; the target is made
        pairs = []
        wanted = self.options.rounds or MANY
        while len(pairs) < wanted:
            mine = self.vesto(name)
            other = self.peer(peer, name, rows)
            pairs.append((mine, other))
            if other.wall_s >= LONG_S and not self.options.rounds:
                wanted = FEW
            print(f"{peer.name}, round {len(pairs)}: {other.wall_s:.1f} s, CPU {other.cpu_s:.1f} "
                  f"s, {other.peak_bytes / 2**20:.0f} MiB; vesto {mine.wall_s:.2f} s, CPU "
                  f"{mine.cpu_s:.2f} s, {mine.peak_bytes / 2**20:.0f} MiB", flush=True)
        self.world.assert_equal((f"public.{name}", list(LINEITEM.key)))
        return rows, pairs

    def changed_values(self, peer):
        """Which awkward values arrive as others, in words."""
        if peer is None:
            self.choose("awkward")
            self.world.must_run("--full-refresh")
            target = f"{self.world.schema}.awkward"
        else:
            self.peer(peer, "awkward")
            target = peer.target("awkward")
        columns = "text_value, number, moment, real_value > 0.3::float8"
        here = self.world.source(f"SELECT id, {columns} FROM awkward ORDER BY id")
        there = self.world.sandbox.query(f"SELECT id, {columns} FROM {target} ORDER BY id")
        if [row[0] for row in here] != [int(row[0]) for row in there]:
            raise RuntimeError(f"{target} has other rows")
        return [AWKWARD_KINDS[a[0]] for a, b in zip(here, there)
                if any(x != y for x, y in zip(a[1:], b[1:]))]


def spread(values, digits=1):
    return (f"{statistics.median(values):.{digits}f} "
            f"[{min(values):.{digits}f}-{max(values):.{digits}f}]")


def median(pairs, which, attribute):
    return statistics.median(getattr(pair[which], attribute) for pair in pairs)


def row_of(peer, rows, pairs):
    wall_of_vesto = "staged_s" if peer.stage_only else "wall_s"
    wall = [b.wall_s / getattr(a, wall_of_vesto) for a, b in pairs]
    cpu = [b.cpu_s / a.cpu_s for a, b in pairs]
    memory = [b.peak_bytes / a.peak_bytes for a, b in pairs]
    bar = "-" if not peer.bar else (
        f">= {peer.bar}: {'met' if statistics.median(cpu) >= peer.bar else 'not met'}")
    return (f"| {peer.name} | {rows:,} | {len(pairs)} | {spread(wall)} | {spread(cpu)} | "
            f"{bar} | {spread(memory)} | {median(pairs, 1, 'wall_s'):.1f} / "
            f"{median(pairs, 1, 'cpu_s'):.1f} / {median(pairs, 1, 'peak_bytes') / 2**20:.0f} | "
            f"{median(pairs, 0, wall_of_vesto):.2f} / {median(pairs, 0, 'cpu_s'):.2f} / "
            f"{median(pairs, 0, 'peak_bytes') / 2**20:.0f} |")


def machine():
    model = next((line.split(":")[1].strip() for line in
                  pathlib.Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())
    load = os.getloadavg()[0]
    return f"{os.cpu_count()} x {model}; load average {load:.1f} at the end"


def version_of(peer):
    return ", ".join(one.replace("==", " ") for one in peer.requirements
                     if one.split("=")[0].split("[")[0] in ("sling", "dlt", "pyarrow", "SQLAlchemy",
                                                           "pipelinewise-target-redshift"))


def shown_command(peer, world):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-peer-"))
    try:
        command, _, stdin = peer.command(Place(world, folder), "TABLE")
    finally:
        shutil.rmtree(folder)
    words = [pathlib.Path(part).name if part.startswith("/") else part for part in command]
    return " ".join(words) + (f" < {stdin.name}" if stdin else "")


def page(arguments, table, not_run, told, commit):
    lines = [
        "# Vesto beside other tools", "",
        f"Written by `bench/peers.py{arguments}` (`make bench-peers`) on "
        f"{datetime.date.today()}, {commit}; {machine()}.", "",
        "Ratios are tool / Vesto in the same round: median [range]. The rows are lineitem-like "
        "(16 columns, about 147 bytes a row of CSV), from a PostgreSQL 15 to the sandbox, all on "
        "this machine over TCP on loopback. Wall is of the whole run, of Vesto's until staged "
        "where the tool ends there; CPU is of the tool's processes, not of the source's and the "
        "sandbox's; memory is the peak of all its processes together. Redshift itself was not "
        "part of this. Vesto runs as it comes, with its guards and its one transaction.", "",
        "| tool | rows | rounds | wall | CPU | bar for CPU | memory | tool: wall s / CPU s / MiB | "
        "Vesto: wall s / CPU s / MiB |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |", *table, ""]
    if not_run:
        lines += ["Not run:", "", *(f"- {line}" for line in not_run), ""]
    lines += ["## What each does", "",
              "Values that arrive changed: of one table with " +
              ", ".join(AWKWARD_KINDS.values()) + ", those that differ from the source after the "
              "tool's run.", "", *told]
    return "\n".join(lines).rstrip() + "\n"


def said_by(*command):
    """The first line that a command prints."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          check=True)
    return done.stdout.splitlines()[0]


def parse():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--rows", type=int, default=6_000_000)
    parser.add_argument("--slow-rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, help="7, or 3 of a minute or more")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


def tell(peer, bench):
    changed = ", ".join(bench.changed_values(peer)) or "none" if not (
        peer and peer.stage_only) else "not compared"
    if peer is None:
        return ("- **Vesto**: whole job, one transaction with the position in it (exactly once), "
                f"guards on, staged objects deleted. Values that arrive changed: {changed}.")
    return (f"- **{peer.name}** ({version_of(peer)}). {peer.does} Values that arrive changed: "
            f"{changed}. Set: {peer.settings}. Command: "
            f"`{shown_command(peer, bench.world)}`")


def run(bench, options):
    """Lines of the table, what was not run, what each does."""
    table, not_run, told = [], [], [tell(None, bench)]
    for peer in PEERS:
        if options.only and peer.name not in options.only:
            continue
        try:
            peer.install()
            told.append(tell(peer, bench))
            print(told[-1], flush=True)
            table.append(row_of(peer, *bench.compare(peer)))
            print(table[-1], flush=True)
        except NotInstalled as error:
            not_run.append(f"{peer.name}: did not install here ({error})")
        except (RuntimeError, psycopg2.Error) as error:
            print(f"{peer.name}: {error}", file=sys.stderr)
            not_run.append(f"{peer.name}: its run failed here")
    for line in not_run:
        print("not run:", line)
    return table, not_run, told


def main():
    options = parse()
    with PrivatePostgres(settings={"shared_buffers": "2GB"}) as postgres:
        sandbox = Sandbox("snapshot").start()
        world = World(postgres, sandbox)
        try:
            world.source(HASH)
            world.source(AWKWARD)
            commit = said_by(RELEASE, "version") + ", commit " + said_by(
                "git", "-C", ROOT, "rev-parse", "--short", "HEAD")
            table, not_run, told = run(Bench(world, options), options)
            if options.write:
                arguments = " ".join(["", *sys.argv[1:]])
                PAGE.write_text(page(arguments, table, not_run, told, commit))
        finally:
            sandbox.stop()
            world.close()
    return 1 if not_run or not table else 0


if __name__ == "__main__":
    sys.exit(main())
