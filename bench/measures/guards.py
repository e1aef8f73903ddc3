"""CPU of the guards over the bytes that the source sends, alone and beside the compressor."""
import json

from data import FOUR, TABLES
from house import BUILD
from lines import Line
from timing import timed

PASSES = 9
MAX_ROWS = 1_000_000  # guard_bench stops at 256 MiB all the same


def measure(bench, measures):
    if "guards" not in measures:
        return []
    program = BUILD / "bench" / "guard_bench"
    if not program.exists():
        bench.say(f"guards: not measured, {program} is not built")
        return []
    out = []
    for table in bench.big_tables(FOUR):
        world = bench.house.world()
        world.source(bench.HASH)
        TABLES[table].make(world, min(MAX_ROWS, bench.rows(TABLES[table])))
        password = bench.scratch / "guards.pw"
        password.write_text(world.postgres.password)
        said = json.loads(timed([str(program), str(world.postgres.port), world.database,
                                 world.postgres.user, str(password), f"public.{table}",
                                 str(1 if bench.smoke else PASSES)]).out)
        bench.house.drop(world)
        gb = said["bytes"] / 1e9
        out.append(Line("guards", f"{table}: the guards alone", [said["guards_ns"] / 1e9 / gb],
                        None, 0.3, 0.1, "s/GB",
                        f"{said['rows_parsed']:,} of {said['rows']:,} rows taken apart"))
        out.append(Line("guards", f"{table}: zstd with them less zstd without",
                        [(said["both_ns"] - said["compress_ns"]) / 1e9 / gb], unit="s/GB"))
    return out
