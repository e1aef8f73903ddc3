"""Memory where rows are large: values of 1 MB, and 1,500 columns."""
from data import TABLES
from lines import Line

CASES = {"blobs": "values of 1 MB (bytea)", "wide": "1,500 columns"}


def measure(bench, measures):
    if "memory" not in measures:
        return []
    out = []
    for table, words in CASES.items():
        if bench.tables and table not in bench.tables:
            continue
        world = bench.house.world(2, "zstd")
        rows = bench.rows(TABLES[table])
        TABLES[table].make(world, rows)
        world.table(f"public.{table}", "replace").write_config(**world.staging)
        peaks = [bench.house.run(world, tables=[table]).cost.peak_mib
                 for _ in range(min(3, bench.pairs))]
        bench.house.drop(world)
        bench.say(f"{table}: {max(peaks):.0f} MiB")
        out.append(Line("memory", f"{words}, {rows:,} rows, 2 readers, zstd", [max(peaks)], None,
                        128, 48, "MiB", "the most of all runs", len(peaks)))
    return out
