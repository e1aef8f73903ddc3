"""Memory where rows are large: values of 1 MB, and 1,500 columns; and where every row leaves the
stream because COPY cannot take it."""
from data import TABLES
from lines import Line

MEASURES = ("memory",)
CASES = {"blobs": "values of 1 MB (bytea)", "wide": "1,500 columns",
         "diverted": "rows with a NaN, of which the side door takes what it has room for"}


def one_run(bench, world, table):
    if table != "diverted":
        return bench.house.run(world, tables=[table], replaces=[table])
    # What the side door has no place for is rejected.
    run = bench.house.run(world, replaces=[table])
    bench.house.assert_all_but(world, table, "id", run.rejected)
    bench.house.settle(world, [table])
    return run


def case(bench, table, words):
    world, rows = bench.house.world(2, "zstd"), bench.rows(TABLES[table])
    TABLES[table].make(world, rows)
    if table == "diverted":
        world.max_rejected_rows = min(rows, 50_000)  # the most that the setting takes
    world.table(f"public.{table}", "replace").write_config(**world.staging)
    runs = [one_run(bench, world, table) for _ in range(bench.pairs)]
    bench.house.drop(world)
    peak, rejected = max(run.cost.peak_mib for run in runs), max(run.rejected for run in runs)
    bench.say(f"{table}: {peak:.0f} MiB, {rejected:,} rows rejected")
    if rejected:
        words += f", but for {rejected:,} that are rejected"
    return Line("memory", f"{words}, {rows:,} rows, 2 readers, zstd", [peak], None, 128, 48, "MiB",
                "the most of all runs", len(runs))


def measure(bench, measures):
    if "memory" not in measures:
        return []
    out = []
    for table, words in CASES.items():
        if not bench.tables or table in bench.tables:
            with bench.part(["memory"], table):
                out.append(case(bench, table, words))
    return out
