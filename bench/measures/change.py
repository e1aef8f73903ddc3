"""1 % of a big table has changed: an upsert by an indexed cursor beside the full copy."""
from data import TABLES
from lines import Line


def measure(bench, measures):
    if "change" not in measures:
        return []
    table, rows = "changes", bench.rows(TABLES["lineitem"])
    world = bench.house.world(2, "zstd")
    world.source(bench.HASH)
    TABLES["lineitem"].make(world, rows, table,
                            ", timestamptz '2024-01-01 00:00+00' + i * interval '1 s' changed_at")
    world.source(f"CREATE INDEX ON {table} (changed_at)")
    world.table(f"public.{table}", cursor="changed_at", lookback="0s").write_config(**world.staging)
    bench.house.run(world, tables=[table])
    walls, moved, full = [], [], None
    for pair in range(bench.pairs):
        if full is None or not bench.brief or pair % 2 == 0:
            full = bench.house.run(world, "--full-refresh", tables=[table])
        world.source(f"UPDATE {table} SET l_quantity = l_quantity + 1, "
                     "changed_at = clock_timestamp() WHERE l_linenumber = 1 + %s %% 4 "
                     "AND l_orderkey %% 25 = %s", pair, pair % 25)
        world.source(f"ANALYZE {table}")  # as autovacuum does, which the benchmark has off
        bench.house.forget(world, table)
        part = bench.house.run(world, tables=[table])
        walls.append((part.cost.wall_s, full.cost.wall_s))
        moved.append(part.rows)
        bench.say(f"1 % changed, pair {pair + 1}: {part.rows:,} rows {part.cost.wall_s:.2f} s, "
                  f"all {full.cost.wall_s:.2f} s")
    bench.house.drop(world)
    fulls = list(dict.fromkeys(b for _, b in walls))
    return [Line("change", f"1 % of {rows:,} rows changed / full copy, both until committed",
                 [a / b for a, b in walls], None, 0.05, 0.03),
            Line("change", "rows that it read", moved, unit="rows"),
            Line("change", "1 % changed", [a for a, _ in walls], unit="s"),
            Line("change", "full copy", fulls, unit="s")]
