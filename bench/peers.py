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
import contextlib
import dataclasses
import datetime
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "bench"))

from data import HASH, TABLES  # noqa: E402
from house import RELEASE, Differs, House  # noqa: E402
from peer_tools import PEERS, NotInstalled, Place  # noqa: E402
from timing import Failed, of_tree, timed  # noqa: E402

PAGE = ROOT / "docs" / "performance-peers.md"
LINEITEM = TABLES["lineitem"]
MANY, FEW, LONG_S = 7, 3, 60  # rounds, and how long a run takes that is given few

# The tools give columns other types: exact numbers as floats, whole ones as decimals.
SUMS = [("l_quantity", "round({}::numeric(38,2), 2)"),
        ("l_extendedprice", "round({}::numeric(38,2), 2)"),
        ("l_partkey", "{}::numeric(38,0)"), ("l_comment", "0")]

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


class VestoFailed(SystemExit):
    """Vesto's own run did not end well, or did not deliver what the source holds: no figure beside
    it is worth anything, whichever tool's turn it was."""


@contextlib.contextmanager
def run_folder():
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-peer-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


class Bench:
    def __init__(self, house, world, options):
        self.house, self.world, self.options = house, world, options

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
        """One timed and proved run, into an empty table, as the tools have it."""
        try:
            return self.house.run(self.world, "--full-refresh", tables=[name], replaces=[name])
        except (Failed, Differs, psycopg2.Error) as error:
            raise VestoFailed(f"Vesto's own run: {error}") from error

    def peer(self, peer, name, rows=None):
        """One run of the tool into a target that is not there yet. Differs where it does not hold
        the source's rows."""
        self.world.sandbox.query(f'DROP SCHEMA IF EXISTS "{peer.schema()}" CASCADE')
        with run_folder() as folder:
            place = Place(self.world, folder)
            peer.prepare(place, name)
            command, environment, stdin = peer.command(place, name)
            cost = timed(command, environment, of_tree, stdin, folder)
        if peer.stage_only:
            if rows is not None and peer.rows_counted(cost.out) != rows:
                raise Differs(f"{peer.name} wrote {peer.rows_counted(cost.out)} rows of {rows}")
        elif rows is not None:
            self.house.assert_sums(self.world, name, peer.target(name), SUMS)
        self.house.settle(self.world, [])  # its rows are written out, as those of Vesto are
        return cost

    def compare(self, peer):
        rows = self.options.slow_rows if peer.slow else self.options.rows
        name = self.table(rows)
        self.choose(name)
        self.vesto(name)  # warms the source; the target is made
        pairs = []
        wanted = self.options.rounds or MANY
        while len(pairs) < wanted:
            if len(pairs) % 2 == 0:  # neither always follows the other
                mine, other = self.vesto(name), self.peer(peer, name, rows)
            else:
                other, mine = self.peer(peer, name, rows), self.vesto(name)
            pairs.append((mine, other))
            if other.wall_s >= LONG_S and not self.options.rounds:
                wanted = FEW
            print(f"{peer.name}, round {len(pairs)}: {other.wall_s:.1f} s, CPU {other.cpu_s:.1f} "
                  f"s, {other.peak_mib:.0f} MiB; vesto {mine.cost.wall_s:.2f} s, CPU "
                  f"{mine.cost.cpu_s:.2f} s, {mine.cost.peak_mib:.0f} MiB", flush=True)
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
            raise (VestoFailed if peer is None else Differs)(f"{target} has other rows")
        return [AWKWARD_KINDS[a[0]] for a, b in zip(here, there)
                if any(x != y for x, y in zip(a[1:], b[1:]))]


def spread(values, digits=1):
    return (f"{statistics.median(values):.{digits}f} "
            f"[{min(values):.{digits}f}-{max(values):.{digits}f}]")


def row_of(peer, rows, pairs):
    """`pairs`: (a Run of Vesto, a Cost of the tool)."""
    # Of Vesto what the tool does, too: a tool that ends at the stage is held against that part.
    mine = [dataclasses.replace(a.cost, wall_s=a.staged_s, cpu_s=a.staged_cpu_s)
            if peer.stage_only else a.cost for a, _ in pairs]
    theirs = [b for _, b in pairs]
    wall = [b.wall_s / a.wall_s for a, b in zip(mine, theirs)]
    cpu = [b.cpu_s / a.cpu_s for a, b in zip(mine, theirs)]
    memory = [b.peak_mib / a.peak_mib for a, b in zip(mine, theirs)]
    bar = "-" if not peer.bar else (
        f">= {peer.bar}: {'met' if statistics.median(cpu) >= peer.bar else 'not met'}")

    def figures(costs, digits):
        return (f"{statistics.median(cost.wall_s for cost in costs):.{digits}f} / "
                f"{statistics.median(cost.cpu_s for cost in costs):.{digits}f} / "
                f"{statistics.median(cost.peak_mib for cost in costs):.0f}")

    return (f"| {peer.name} | {rows:,} | {len(pairs)} | {spread(wall)} | {spread(cpu)} | "
            f"{bar} | {spread(memory)} | {figures(theirs, 1)} | {figures(mine, 2)} |")


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
    with run_folder() as folder:
        command, _, stdin = peer.command(Place(world, folder), "TABLE")
    words = [pathlib.Path(part).name if part.startswith("/") else part for part in command]
    return " ".join(words) + (f" < {stdin.name}" if stdin else "")


def page(arguments, table, not_run, told, commit):
    lines = [
        "# Vesto beside other tools", "",
        f"Written by `bench/peers.py{arguments}` (`make bench-peers`) on "
        f"{datetime.date.today()}, {commit}; {machine()}.", "",
        "Ratios are tool / Vesto in the same round: median [range]. The rows are lineitem-like "
        "(16 columns, about 147 bytes a row of CSV), from a PostgreSQL 15 to the sandbox, all on "
        "this machine over TCP on loopback. Wall and CPU are of the whole run, of Vesto's until "
        "staged where the tool ends there; CPU is of the tool's processes, not of the source's and "
        "the sandbox's; memory is the peak of all its processes together. Each loads into an empty "
        "table; who is first changes from round to round. After each run and its proof the "
        "sandbox's PostgreSQL writes all out, which is not timed. Redshift itself was not "
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
    options = parser.parse_args()
    if options.write and options.only:
        parser.error("the page has all tools: --write does not go with --only")
    return options


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
    """Lines of the table, what was not run, what each does. VestoFailed ends all of it."""
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
        except Differs as error:
            print(f"{peer.name}: {error}", file=sys.stderr)
            not_run.append(f"{peer.name}: it delivered other rows than the source holds")
        except (Failed, psycopg2.Error) as error:
            print(f"{peer.name}: {error}", file=sys.stderr)
            not_run.append(f"{peer.name}: its run failed here")
    for line in not_run:
        print("not run:", line)
    return table, not_run, told


def main():
    options = parse()
    with House("2GB") as house:
        world = house.world(readers=None, compression=None)
        world.source(HASH)
        world.source(AWKWARD)
        commit = said_by(RELEASE, "version") + ", commit " + said_by(
            "git", "-C", ROOT, "rev-parse", "--short", "HEAD")
        table, not_run, told = run(Bench(house, world, options), options)
        if options.write:
            arguments = " ".join(["", *sys.argv[1:]])
            PAGE.write_text(page(arguments, table, not_run, told, commit))
    return 1 if not_run or not table else 0


if __name__ == "__main__":
    sys.exit(main())
