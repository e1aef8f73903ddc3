#!/usr/bin/env python3
"""The benchmark: Vesto and its controls interleaved in one run, ratios with their median and range,
and every timed run of Vesto proved to have delivered what the source holds.

  bench/bench.py                              all, as `make bench` runs it
  bench/bench.py --only wall,cpu --tables lineitem --pairs 7
  bench/bench.py --full                       more rows of hits, taxi and events
  bench/bench.py --quick                      a tenth of the rows, three pairs
  bench/bench.py --smoke                      a few rows, one pair: only that it runs
  bench/bench.py --write                      also into docs/performance.md; with --only or --tables
                                              what was not measured stays there as it was

Machines differ by a factor of two and so do quiet and busy hours: only ratios are worth citing.
Redshift itself is no part of it: the sandbox stands in.
"""
import argparse
import contextlib
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import report  # noqa: E402
from data import FOUR, HASH, TABLES  # noqa: E402
from house import BUILD, House  # noqa: E402
from measures import change, fixed, guards, large_rows, sandbox_copy, throughput  # noqa: E402

MODULES = (throughput, large_rows, guards, fixed, change, sandbox_copy)
SMOKE_ROWS = {"lineitem": 3000, "hits": 1000, "taxi": 1000, "events": 500, "blobs": 3, "wide": 20,
              "diverted": 50}


class Bench:
    """What the measures are told."""

    HASH = HASH

    def __init__(self, options, house, scratch):
        self.options, self.house, self.scratch = options, house, scratch
        self.smoke = options.smoke
        self.pairs = 1 if options.smoke else options.pairs or (3 if options.quick else 7)
        self.tables = options.tables
        self.facts = {}  # for scale.py
        self.failed = []  # (measures, what was not measured)

    def rows(self, table):
        if self.smoke:
            return SMOKE_ROWS[table.name]
        rows = table.full_rows if self.options.full and table.full_rows else table.rows
        return max(10, int(rows * (0.1 if self.options.quick else self.options.scale)))

    def big_tables(self, default):
        return [name for name in self.tables if name in FOUR] if self.tables else list(default)

    @contextlib.contextmanager
    def part(self, measures, what):
        """Where what is inside fails, that is told, and the rest of the benchmark goes on."""
        worlds = list(self.house.worlds)
        try:
            yield
        except (Exception, SystemExit) as error:  # pylint: disable=broad-except
            self.failed.append((sorted(measures), what))
            self.say(f"FAILED: {what} ({', '.join(sorted(measures))}): "
                     f"{type(error).__name__}: {error}")
            traceback.print_exc()
            try:
                self.house.recover(worlds)
            except (Exception, SystemExit):  # pylint: disable=broad-except
                traceback.print_exc()

    @staticmethod
    def say(text):
        print(text, flush=True)


def names(text, known):
    wanted = [name for name in text.split(",") if name]
    strange = sorted(set(wanted) - set(known))
    if strange:
        raise argparse.ArgumentTypeError(f"{strange} not in {', '.join(known)}")
    return wanted


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=lambda t: names(t, report.MEASURES), default=[],
                        help=", ".join(report.MEASURES))
    parser.add_argument("--tables", type=lambda t: names(t, TABLES), default=[],
                        help=", ".join(TABLES))
    parser.add_argument("--pairs", type=int, help="at least 7 for figures to be cited")
    parser.add_argument("--scale", type=float, default=1.0, help="of the rows")
    parser.add_argument("--full", action="store_true",
                        help="8 M rows of taxi, 2 M of hits, 1 M of events")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    if options.write and (options.smoke or options.quick):
        parser.error("a few rows tell nothing that is worth writing down")
    if options.write and (options.scale != 1.0 or (options.pairs or 7) < 7):
        parser.error("what is written down has all rows and seven pairs")
    if options.write and set(options.tables) - set(FOUR):
        parser.error(f"what is written down of single tables is of {', '.join(FOUR)}")
    return options


def scratch_folder():
    """In memory where there is such a place: the controls' files are no part of what is timed."""
    memory = pathlib.Path("/dev/shm")
    folder = tempfile.mkdtemp(prefix="vesto-bench-", dir=memory if memory.is_dir() else None)
    pathlib.Path(folder).chmod(0o755)  # PostgreSQL reads a file there
    return pathlib.Path(folder)


def finish(bench, lines, seconds):
    """Prints and writes; whether all that was asked for is there."""
    command = "bench/bench.py " + " ".join(a for a in sys.argv[1:] if a != "--write")
    result = report.Result(lines, command.strip(), seconds, bench.facts, bench.failed)
    print(report.as_text(result), flush=True)
    if bench.options.write:
        report.write(result)
        for name in report.not_new(result):
            print(f"as it was in {report.PAGE.name}: {name}")
    for measures, what in bench.failed:
        print(f"FAILED: {what} ({', '.join(measures)})")
    wanted = set(bench.options.only or report.MEASURES)
    missing = wanted - {line.measure for line in lines}
    if missing and not bench.options.tables:
        print(f"NOT MEASURED: {', '.join(sorted(missing))}")
        return False
    return not bench.failed


def measure_all(bench, wanted):
    """The lines of each module. What fails outside of its own parts is missing from the measures
    that it has, and from no others."""
    lines = []
    for module in MODULES:
        own = [name for name in wanted if name in module.MEASURES]
        if own:
            with bench.part(own, module.__name__.rpartition(".")[2]):
                lines += module.measure(bench, own)
    return lines


def main():
    options = parse()
    wanted = options.only or list(report.MEASURES)
    if options.write:
        report.must_be_writable()
    for program in ("guard_bench", "empty_main"):
        if not (BUILD / "bench" / program).exists():
            raise SystemExit(f"{program} is not built: make bench builds it")
    start, scratch = time.monotonic(), scratch_folder()
    try:
        with House("128MB" if options.smoke else "4GB") as house:
            bench = Bench(options, house, scratch)
            lines = measure_all(bench, wanted)
            complete = finish(bench, lines, time.monotonic() - start)
            bench.say("CPU meanwhile: " + ", ".join(f"{name} {seconds:.0f} s" for name, seconds in
                                                    house.cpu_s().items()))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    if not complete:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
