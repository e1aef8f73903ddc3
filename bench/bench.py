#!/usr/bin/env python3
"""Vesto and its controls, interleaved in one run, medians and
ranges, parity checked on every timed run. Redshift itself is no part of it: the sandbox stands in.

  bench/bench.py [--rows 2000000] [--pairs 7]

Machines differ by a factor of two and so do quiet and busy hours: only the ratios are worth citing.
"""
import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from world import RELEASE, PrivatePostgres, Sandbox, World  # noqa: E402

LINEITEM = """
CREATE FUNCTION h(i bigint, k int) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE AS
$$ SELECT abs(hashint8(i * 31 + k))::bigint $$;
CREATE TABLE lineitem AS SELECT i AS id, (i/4+1)::bigint l_orderkey, (h(i,1)%%200000+1)::int l_partkey,
 (h(i,2)%%10000+1)::int l_suppkey, (h(i,3)%%50+1)::numeric(15,2) l_quantity,
 ((h(i,4)%%10000000)/100.0+900)::numeric(15,2) l_extendedprice, ((h(i,5)%%11)/100.0)::numeric(15,2) l_discount,
 substr('RAN',(h(i,7)%%3+1)::int,1)::varchar(1) l_returnflag,
 date '1992-01-01'+(h(i,9)%%2500)::int l_shipdate, date '1992-01-01'+(h(i,10)%%2500)::int l_commitdate,
 (array['DELIVER IN PERSON','COLLECT COD','NONE','TAKE BACK RETURN'])[h(i,12)%%4+1]::varchar(25) l_shipinstruct,
 (array['REG AIR','AIR','RAIL','SHIP','TRUCK','MAIL','FOB'])[h(i,13)%%7+1]::varchar(10) l_shipmode,
 md5(i::text)::varchar(44) l_comment
FROM generate_series(0::bigint, %s::bigint - 1) i;
ALTER TABLE lineitem ADD PRIMARY KEY (id);
"""


def timed(command, **more):
    """(wall seconds, CPU seconds of the command and its children, peak KiB, stdout)."""
    start = time.monotonic()
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **more)
    out = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - start
    if os.waitstatus_to_exitcode(status) != 0:
        raise SystemExit(f"failed: {command}")
    return wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, out


def source_statements(world):
    """The SELECTs that Vesto sends, as `sync plan --sql` prints them."""
    out = subprocess.run(world.command("sync", "plan", "shop", "--sql"), text=True, check=True,
                         capture_output=True).stdout
    found = re.findall(r"^-- in the source: (COPY .*?);?$", out, re.M)
    if not found:
        raise SystemExit(f"no statement of the source in: {out[:500]}")
    return found


def to_dev_null(statements, world):
    sql = ";".join(re.sub(r" TO STDOUT", " TO '/dev/null'", s, count=1) for s in statements)
    return timed(["psql", "-qX", world.postgres.dsn(world.database), "-c", sql])


def psql_zstd(statements, world, folder):
    """What an expert types: each statement through psql and zstd -1 into a file."""
    script = " && ".join(f"psql -qX '{world.postgres.dsn(world.database)}' -c \"$S{i}\" | "
                         f"zstd -q -1 -f -o {folder}/part{i}.zst" for i in range(len(statements)))
    environment = {**os.environ, **{f"S{i}": s for i, s in enumerate(statements)}}
    return timed(["bash", "-o", "pipefail", "-c", script], env=environment)


def staged_seconds(out):
    """From the start of the run until its last stream was staged."""
    for line in out.splitlines():
        event = json.loads(line)
        if event["type"] == "run.finished":
            return event["staged_ms"] / 1000
    raise SystemExit("the run did not finish")


def vesto_run(world):
    before = world.sandbox.calls()
    wall, cpu, peak_kib, out = timed(world.command("run", "shop", "--json", "--full-refresh"),
                                     stderr=subprocess.DEVNULL)
    after = world.sandbox.calls()
    delta = {k: after[k] - before.get(k, 0) for k in after if after[k] != before.get(k, 0)}
    world.assert_equal(("public.lineitem", ["id"]))
    return wall, cpu, peak_kib, staged_seconds(out), delta


def spread(values, digits=2):
    return (f"{statistics.median(values):.{digits}f} "
            f"[{min(values):.{digits}f}-{max(values):.{digits}f}]")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--pairs", type=int, default=7)
    options = parser.parse_args()
    with PrivatePostgres(settings={"shared_buffers": "2GB"}) as postgres:
        sandbox = Sandbox("snapshot").start()
        world = World(postgres, sandbox)
        try:
            world.source(LINEITEM, options.rows)
            world.source("ANALYZE lineitem")
            world.table("public.lineitem").write_config()
            world.must_run()
            statements = source_statements(world)
            walls, cpus, controls = [], [], []
            peak_kib, delta = 0, {}
            for pair in range(options.pairs):
                null_wall, _, _, _ = to_dev_null(statements, world)
                wall, cpu, peak, staged, delta = vesto_run(world)
                shell_wall, shell_cpu, _, _ = psql_zstd(statements, world, world.folder)
                peak_kib = max(peak_kib, peak)
                walls.append(staged / null_wall)
                cpus.append(cpu / shell_cpu)
                controls.append(null_wall)
                print(f"pair {pair + 1}: COPY to /dev/null {null_wall:.2f} s; vesto staged after "
                      f"{staged:.2f} s, whole run {wall:.2f} s, CPU {cpu:.2f} s; "
                      f"psql | zstd -1 {shell_wall:.2f} s, CPU {shell_cpu:.2f} s", flush=True)
            statements_sent = sum(v for k, v in delta.items() if k.startswith("statement."))
            commits = delta.get("statement.commit", 0)
            print(f"{options.rows:,} rows, {options.pairs} pairs, median [range]:")
            print(f"  wall until staged, {2} readers / server-side COPY of the same SELECT: "
                  f"{spread(walls)}")
            print(f"  CPU of the whole run / CPU of psql | zstd -1: {spread(cpus)}")
            print(f"  peak memory: {peak_kib / 1024:.0f} MiB")
            print(f"  statements a run (1 table): {statements_sent}, of them commits: {commits}")
            starts = [timed([str(RELEASE), "version"])[0] * 1000 for _ in range(21)]
            print(f"  process start (vesto version): {spread(starts, 0)} ms")
            print("  parity: every value of every timed run equal")
        finally:
            sandbox.stop()
            world.close()


if __name__ == "__main__":
    main()
