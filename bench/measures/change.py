"""1 % of a big table has changed: an upsert by an indexed cursor beside the full copy."""
import time

from data import TABLES
from lines import Line

MEASURES = ("change",)


def delete_alone_s(bench, world, table):
    """What the merge's DELETE of as many rows costs the sandbox's PostgreSQL with nothing of Vesto or
    of the sandbox around it. Rolled back."""
    cursor = bench.house.cursor(bench.house.inner_dsn())
    target = f'"{world.schema}"."{table}"'
    cursor.execute("BEGIN")
    cursor.execute(f"CREATE TEMP TABLE s AS SELECT l_orderkey, l_linenumber FROM {target} "
                   "WHERE l_linenumber = 1 AND l_orderkey % 25 = 1")
    start = time.monotonic()
    cursor.execute(f"DELETE FROM {target} t USING s WHERE t.l_orderkey = s.l_orderkey "
                   "AND t.l_linenumber = s.l_linenumber")
    spent_s = time.monotonic() - start
    cursor.execute("ROLLBACK")
    return spent_s


def measure(bench, measures):
    if "change" not in measures:
        return []
    out = []
    with bench.part(["change"], "1 % changed"):
        out += pairs(bench)
    return out


def pairs(bench):
    table, rows = "changes", bench.rows(TABLES["lineitem"])
    world = bench.house.world(2, "zstd")
    world.source(bench.HASH)
    TABLES["lineitem"].make(world, rows, table,
                            ", timestamptz '2024-01-01 00:00+00' + i * interval '1 s' changed_at")
    world.source(f"CREATE INDEX ON {table} (changed_at)")
    world.table(f"public.{table}", cursor="changed_at", lookback="0s").write_config(**world.staging)
    bench.house.run(world, tables=[table])
    walls, staged, deletes, moved = [], [], [], []
    for pair in range(bench.pairs):
        full = bench.house.run(world, "--full-refresh", tables=[table], replaces=[table])
        world.source(f"UPDATE {table} SET l_quantity = l_quantity + 1, "
                     "changed_at = clock_timestamp() WHERE l_linenumber = 1 + %s %% 4 "
                     "AND l_orderkey %% 25 = %s", pair, pair % 25)
        world.source(f"ANALYZE {table}")  # as autovacuum does, which the benchmark has off
        bench.house.forget(world, table)
        part = bench.house.run(world, tables=[table])
        walls.append((part.cost.wall_s, full.cost.wall_s))
        staged.append(part.staged_s / full.staged_s)
        deletes.append(delete_alone_s(bench, world, table))
        moved.append(part.rows)
        bench.say(f"1 % changed, pair {pair + 1}: {part.rows:,} rows {part.cost.wall_s:.2f} s, "
                  f"all {full.cost.wall_s:.2f} s")
    bench.house.drop(world)
    return [Line("change", f"1 % of {rows:,} rows changed / full copy into an empty table, "
                 "both until committed",
                 [a / b for a, b in walls], None, 0.05, 0.03),
            Line("change", "the same, until staged", staged),
            Line("change", "rows that it read", moved, unit="rows"),
            Line("change", "1 % changed", [a for a, _ in walls], unit="s"),
            Line("change", "DELETE of as many, by hand in the sandbox's PostgreSQL", deletes,
                 unit="s"),
            Line("change", "full copy, into an empty table", [b for _, b in walls], unit="s")]
