"""CPU of the guards over the bytes that the source sends, alone and beside the compressor."""
import json

from data import FOUR, TABLES
from house import BUILD
from lines import Line
from timing import timed

MEASURES = ("guards",)
PASSES = 9
MAX_ROWS = 1_000_000  # guard_bench stops at 256 MiB all the same


def measure(bench, measures):
    if "guards" not in measures:
        return []
    out = []
    for table in bench.big_tables(FOUR):
        with bench.part(["guards"], table):
            out += lines_of(bench, table)
    return out


def lines_of(bench, table):
    world = bench.house.world()
    world.source(bench.HASH)
    TABLES[table].make(world, min(MAX_ROWS, bench.rows(TABLES[table])))
    password = bench.scratch / "guards.pw"
    password.write_text(world.postgres.password)
    said = json.loads(timed([str(BUILD / "bench" / "guard_bench"), str(world.postgres.port),
                             world.database, world.postgres.user, str(password), f"public.{table}",
                             str(1 if bench.smoke else PASSES)]).out)
    bench.house.drop(world)
    gigabytes = said["bytes"] / 1e9
    return [Line("guards", f"{table}: the guards alone",
                 [ns / 1e9 / gigabytes for ns in said["guards_ns"]], None, 0.3, 0.1, "s/GB",
                 f"{said['rows_parsed']:,} of {said['rows']:,} rows taken apart"),
            Line("guards", f"{table}: zstd with them less zstd without",
                 [(with_ns - without_ns) / 1e9 / gigabytes for with_ns, without_ns in
                  zip(said["both_ns"], said["compress_ns"])], unit="s/GB")]
