#!/usr/bin/env python3
"""Where the CPU of a run goes until everything is staged: by thread role, by library, by function.

  bench/profile_run.py                        lineitem, 2 M rows, one reader, gzip and zstd
  bench/profile_run.py --table hits --rows 500000 --codec zstd --readers 2

It needs perf (Debian's linux-perf) and `make build`. The warehouse refuses COPY meanwhile, so that
the run ends once it has staged. What it prints is Markdown, for docs/performance.md; shares are of all
samples of the process, and functions whose library has no symbols are one.
"""
import argparse
import collections
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

from data import FOUR, HASH, TABLES  # noqa: E402
from house import House, finished_event  # noqa: E402

HERTZ = 1999
MOST_FUNCTIONS = 14
RUN_TIMEOUT_S = 600
LEAST_SHARE = 0.5
# What threads call themselves; one without a name has the program's.
ROLES = {"read": "`read`: receive, guard, compress, hash", "upload": "`upload`: sign, TLS, send",
         "journal": "`journal`: SQLite, fsync", "load": "`load`: the warehouse",
         "lease": "`lease`", "ssh": "`ssh`: tunnels",
         "vesto": "`vesto`: main thread and those without a name"}


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", choices=FOUR, default="lineitem")
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--codec", choices=("gzip", "zstd"), action="append")
    parser.add_argument("--readers", type=int, default=1)
    return parser.parse_args()


def samples(report):
    """[(share of all samples in %, thread, library, function)] of what `perf report` prints:
    "12.34%;read;libisal.so.2;[.] name;-", from whichever column perf adds."""
    found = []
    for line in report.splitlines():
        parts = [part.strip() for part in line.split(";")]
        if len(parts) >= 4 and re.fullmatch(r"[\d.]+%", parts[0]):
            name = re.sub(r"^\[.\] ", "", parts[3])
            if name.startswith("0x"):
                name = "(no symbols)"
            found.append((float(parts[0][:-1]), parts[1], library(parts[2]), name))
    if not found:
        raise SystemExit(f"perf told nothing: {report[:500]}")
    return found


def table(head, shares, most=20):
    total = collections.Counter()
    for share, key in shares:
        total[key] += share
    lines = [f"| {head} | share |", "| --- | --- |"]
    lines += [f"| {key} | {share:.1f} % |" for key, share in total.most_common(most)
              if share >= LEAST_SHARE]
    return "\n".join(lines) + "\n"


def library(name):
    """libcrypto.so.3 -> libcrypto; the kernel is one, whatever its symbols are called."""
    return "kernel" if name.startswith("[") else re.sub(r"(-[\d.]+)?\.so[\d.]*$", "", name)


def profile(world, options, codec):
    world.limits = f"[limits]\nreaders = {options.readers}\n"
    world.write_config(compression=codec)
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf.data"
        # COPY is refused: the exit code says so, and the samples end there.
        done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", str(HERTZ), "-o",
                               data, "--", *world.command("run", "shop", "--json")], text=True,
                              capture_output=True, timeout=RUN_TIMEOUT_S, check=False)
        event = finished_event(done.stdout)
        if event.get("error", {}).get("code") != "RS-DISK-FULL" or not event.get("staged_ms"):
            raise SystemExit(f"the run did not end at its COPY: {event} {done.stderr[-1000:]}")
        return samples(subprocess.run(
            ["perf", "report", "-i", data, "--stdio", "--sort", "comm,dso,symbol", "-F",
             "overhead,comm,dso,symbol", "-t", ";", "--percent-limit", "0"], text=True,
            capture_output=True, timeout=RUN_TIMEOUT_S, check=True).stdout)


def tables(found):
    def role(thread):
        return ROLES.get(thread, f"`{thread}`")
    return "\n".join([
        table("thread", [(share, role(thread)) for share, thread, _, _ in found]),
        table("library", [(share, name) for share, _, name, _ in found]),
        table("thread and library", [(share, f"`{thread}`: {name}") for share, thread, name, _ in
                                     found]),
        table("function", [(share, f"`{function}` ({name})") for share, _, name, function in found],
              MOST_FUNCTIONS)])


def main():
    options = parse()
    if not shutil.which("perf"):
        raise SystemExit("perf is needed: Debian's package linux-perf")
    with House() as house:
        world = house.world(options.readers)
        world.source(HASH)
        TABLES[options.table].make(world, options.rows)
        world.table(f"public.{options.table}", "replace").write_config(**world.staging)
        house.sandbox.fault("pg.statement", {"error": "Disk Full"}, match="^COPY", count=1000)
        for codec in options.codec or ("gzip", "zstd"):
            found = profile(world, options, codec)
            print(f"{options.table}, {options.rows:,} rows, {options.readers} reader"
                  f"{'s' * (options.readers > 1)}, {codec}:\n")
            print(tables(found), flush=True)


if __name__ == "__main__":
    main()
