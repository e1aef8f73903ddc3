"""What a sync costs however few rows there are: statements, connections, tiny tables, starts."""
import statistics

import controls
from house import BUILD, RELEASE
from lines import Line
from timing import timed

TINY_TABLES = 500


def statement_counts(run):
    """(parsed statements but BEGIN and COMMIT, commits)"""
    sent = {k.removeprefix("statement."): v for k, v in run.calls.items()
            if k.startswith("statement.")}
    commits = sent.pop("commit", 0)
    sent.pop("begin", 0)
    return sum(sent.values()), commits


def statements(bench):
    """One table, upsert by a cursor: a run with one new row, then one with nothing new."""
    world = bench.house.world()
    world.source("CREATE TABLE one (id int PRIMARY KEY, v text, at timestamptz NOT NULL); "
                 "CREATE INDEX ON one (at); "
                 "INSERT INTO one SELECT i, 'v' || i, now() - interval '1 day' "
                 "FROM generate_series(1, 1000) i")
    world.table("public.one", cursor="at", lookback="0s").write_config(**world.staging)
    bench.house.run(world, tables=["one"])
    counts, idle = [], []
    for pair in range(bench.pairs):
        world.source("INSERT INTO one VALUES (%s, 'new', clock_timestamp())", 2000 + pair)
        bench.house.forget(world, "one")
        changed = bench.house.run(world, tables=["one"])
        if changed.calls.get("pg.connect", 0) < 1:
            raise SystemExit("the sandbox no longer counts connections as pg.connect")
        counts.append(statement_counts(changed))
        # The window holds the newest row again, so the second run may still look at it.
        bench.house.run(world)
        idle.append(bench.house.run(world, tables=["one"]).calls.get("pg.connect", 0))
    bench.house.drop(world)
    return [Line("statements", "a run of one changed table, upsert", [n for n, _ in counts], None,
                 7, 5, "statements"),
            Line("statements", "its commits", [n for _, n in counts], None, 1, 1, "commits"),
            Line("connections", "to the warehouse, by a sync with nothing new", idle, None, 0, 0,
                 "connections")]


def tiny(bench):
    """One-row tables, all of them changed, until committed."""
    count = 5 if bench.smoke else TINY_TABLES
    world = bench.house.world()
    names = [f"tiny_{i:03}" for i in range(count)]
    world.source("; ".join(f"CREATE TABLE {name} (id int PRIMARY KEY, v text); "
                           f"INSERT INTO {name} VALUES (1, 'first')" for name in names))
    for name in names:
        world.table(f"public.{name}")
    world.write_config(**world.staging)
    bench.house.run(world, tables=names)
    folder = bench.scratch / "tiny"
    folder.mkdir()
    walls, counts, peaks = [], [], []
    for pair in range(bench.pairs):
        world.source("; ".join(f"UPDATE {name} SET v = 'pair {pair}'" for name in names))
        for name in names:
            bench.house.forget(world, name)
        shell = controls.many_psql(world, names, folder)
        run = bench.house.run(world, tables=names)
        walls.append((run.cost.wall_s, shell.wall_s))
        counts.append(statement_counts(run))
        peaks.append(run.cost.peak_mib)
        bench.say(f"{count} tables, pair {pair + 1}: vesto {run.cost.wall_s:.2f} s, "
                  f"psql {shell.wall_s:.2f} s")
    bench.house.drop(world)
    bench.facts["table_s"] = statistics.median(a for a, _ in walls) / count
    bench.facts["tables"], bench.facts["tables_peak_mib"] = count, max(peaks)
    bench.facts["table_statements"] = statistics.median(n for n, _ in counts) / count
    return [Line("tiny", f"{count} one-row tables until committed / {count} psql COPYs into files",
                 [a / b for a, b in walls], None, 2, 1),
            Line("tiny", "the run itself", [a for a, _ in walls], None, unit="s"),
            Line("statements", f"of that run, a table ({count} tables)",
                 [n / count for n, _ in counts], None, 7, 5, "statements"),
            Line("statements", f"commits of that run ({count} tables)", [n for _, n in counts],
                 None, 1, 1, "commits"),
            Line("memory", f"{count} tables of one row, 2 readers, zstd", [max(peaks)], None, 128,
                 48, "MiB", "the most of all runs", len(peaks))]


def start(bench):
    world = bench.house.world()
    world.source("CREATE TABLE one (id int PRIMARY KEY, v text); INSERT INTO one VALUES (1, 'a')")
    world.table("public.one").write_config(**world.staging)
    bench.house.run(world, tables=["one"])
    staged = [bench.house.run(world, tables=["one"]).staged_s * 1000
              for _ in range(bench.pairs)]
    bench.house.drop(world)
    empty = BUILD / "bench" / "empty_main"
    vesto, nothing = [], []
    for _ in range(3 * bench.pairs):
        vesto.append(timed([str(RELEASE), "version"]).wall_s * 1000)
        if empty.exists():
            nothing.append(timed([str(empty)]).wall_s * 1000)
    lines = [Line("start", "one tiny table: process start until everything is staged, the manifest "
                  "too", staged, None, 250, 100, "ms",
                  "the run's own staged_ms: an upper bound of the first byte"),
             Line("start", "vesto version", vesto, None, 30, 15, "ms")]
    if nothing:
        lines.append(Line("start", "an empty main, linked with the same libraries", nothing,
                          unit="ms"))
    return lines


# Each with the measures that it has lines of.
PARTS = {statements: {"statements", "connections"}, tiny: {"tiny", "statements", "memory"},
         start: {"start"}}
MEASURES = tuple(sorted(set.union(*PARTS.values())))


def measure(bench, measures):
    out = []
    for part, has in PARTS.items():
        # Where tables are named, "memory" is theirs.
        wanted = has & (set(measures) - ({"memory"} if bench.tables else set()))
        if wanted:
            with bench.part(wanted, part.__name__):
                out += [line for line in part(bench) if line.measure in wanted]
    return out
