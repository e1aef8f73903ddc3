"""Big tables: wall, CPU and memory of Vesto between its controls, all from the same rounds."""
import shutil

import controls
import scale
from data import FOUR, TABLES
from lines import Line, ratios

VESTO = {"vesto 1 zstd": (1, "zstd"), "vesto 1 gzip": (1, "gzip"),
         "vesto 2 zstd": (2, "zstd"), "vesto 2 gzip": (2, "gzip")}
CODEC_CLI = {"zstd": "zstd -1", "gzip": "igzip -1"}
FILES = {"expert": "*_*", "psql": "whole"}  # of a rival, in its folder
CPU_BARS = {"zstd": (0.75, 0.60), "gzip": (0.80, 0.65)}
# What a measure needs of a round.
NEEDS = {
    "wall": ("vesto 1 zstd", "vesto 1 gzip"),
    "select": ("plain",),
    "expert": ("vesto 2 zstd", "vesto 2 gzip", "expert zstd", "expert gzip"),
    "cpu": ("vesto 1 zstd", "vesto 1 gzip", "vesto 2 zstd", "vesto 2 gzip", "psql zstd",
            "psql gzip"),
    "memory": ("vesto 2 zstd", "vesto 2 gzip"),
}
# Of the tables beside lineitem: fewer, since each run is also loaded and proved.
SMOKE_TABLES = ("lineitem", "hits")
BRIEF = ("vesto 1 zstd", "vesto 2 gzip", "expert gzip", "psql zstd", "psql gzip", "plain")
ORDER = ("vesto 1 zstd", "vesto 1 gzip", "vesto 2 zstd", "expert zstd", "vesto 2 gzip",
         "expert gzip", "psql zstd", "psql gzip", "plain")


class Ground:
    """One table and a world for each way to run Vesto on it."""

    def __init__(self, bench, table, contestants):
        self.bench, self.table = bench, table
        self.rows = bench.rows(TABLES[table])
        first = bench.house.world()
        first.source(bench.HASH)
        TABLES[table].make(first, self.rows)
        self.folder = bench.scratch / table
        self.folder.mkdir()
        self.worlds = {}
        for name in contestants:
            if name in VESTO:
                readers, codec = VESTO[name]
                world = bench.house.world(readers, codec, first.database)
                world.table(f"public.{table}", "replace").write_config(**world.staging)
                self.worlds[name] = world
        self.world = next(iter(self.worlds.values()), None)
        if self.world is None:
            self.world = bench.house.world(1, "zstd", first.database)
            self.world.table(f"public.{table}", "replace").write_config(**self.world.staging)
        self.select = controls.Select(self.world)

    def play(self, name):
        if name in VESTO:
            return self.bench.house.run(self.worlds[name], tables=[self.table])
        kind, _, codec = name.partition(" ")
        if kind == "expert":
            return controls.expert(self.world, self.select, codec, self.folder)
        if kind == "psql":
            return controls.psql_into_file(self.world, self.select, codec, self.folder)
        return controls.plain_to_dev_null(self.world, self.select)

    def warm(self, contestants):
        """A turn of each: caches, the first load. And the rivals move the very same bytes."""
        self.control()
        printed = None
        for name in contestants:
            result = self.play(name)
            kind, _, codec = name.partition(" ")
            if name in VESTO:
                printed = result.bytes_read
            elif kind in FILES and printed is not None:
                moved = controls.raw_bytes(codec, self.folder, FILES[kind])
                if moved != printed:
                    raise SystemExit(f"{self.table}: {name} moved {moved} bytes, Vesto {printed}")

    def control(self):
        return controls.to_dev_null(self.world, self.select).wall_s

    def close(self):
        for world in self.worlds.values():
            self.bench.house.drop(world)
        shutil.rmtree(self.folder)


def play_rounds(bench, table, wanted):
    """[{contestant: (what came of it, control before, control after)}]"""
    contestants = [name for name in ORDER if name in wanted]
    ground = Ground(bench, table, contestants)
    rounds = []
    try:
        ground.warm(contestants)
        for pair in range(bench.pairs):
            played, before = {}, ground.control()
            for name in contestants:
                result = ground.play(name)
                after = ground.control() if ends_block(name, contestants) else None
                played[name] = [result, before, after]
                before = after if after is not None else before
            close_blocks(played, contestants)
            rounds.append(played)
            bench.say(f"{table}, pair {pair + 1} of {bench.pairs}: " +
                      ", ".join(f"{name} {seconds(played[name][0]):.2f} s" for name in contestants))
    finally:
        ground.close()
    return rounds


def ends_block(name, contestants):
    """A control follows: after each run of one reader, the block of two readers, the last."""
    following = contestants[contestants.index(name) + 1:]
    return not following or name.startswith("vesto 1") or \
        following[0].startswith("psql") and not name.startswith("psql")


def close_blocks(played, contestants):
    after = None
    for name in reversed(contestants):
        after = played[name][2] if played[name][2] is not None else after
        played[name][2] = after


def seconds(result):
    return getattr(result, "staged_s", 0) or (result.cost if hasattr(result, "cost")
                                              else result).wall_s


def around(*names):
    """The controls before the first and after the last of them."""
    return lambda r: (r[names[0]][1], r[names[-1]][2])


def lines_of(table, rounds, measures):
    out = []
    names = rounds[0].keys()
    read = max((r[name][0].bytes_read for r in rounds for name in names if name in VESTO),
               default=0)

    def add(measure, case, above, below, control, must=None, aim=None):
        values, quiet = ratios(rounds, above, below, control)
        out.append(Line(measure, f"{table}, {case}", values, quiet, must, aim))

    for name in names:
        if name not in VESTO:
            continue
        readers, codec = VESTO[name]
        if "wall" in measures and readers == 1:
            add("wall", f"1 reader, {codec} / COPY of the same SELECT TO '/dev/null'",
                lambda r, n=name: r[n][0].staged_s,
                lambda r, n=name: (r[n][1] + r[n][2]) / 2, around(name), 1.15, 1.05)
        rival = f"expert {codec}"
        if "expert" in measures and readers == 2 and rival in names:
            add("expert", f"2 readers, {codec} / 2 psql, {CODEC_CLI[codec]}, curl",
                lambda r, n=name: r[n][0].staged_s, lambda r, e=rival: r[e][0].wall_s,
                around(name, rival), 1.00, 0.85)
        rival = f"psql {codec}"
        if "cpu" in measures and rival in names:
            add("cpu", f"{readers} reader{'s' * (readers > 1)}, {codec} / psql | "
                f"{CODEC_CLI[codec]}", lambda r, n=name: r[n][0].staged_cpu_s,
                lambda r, e=rival: r[e][0].cpu_s, around(name, rival), *CPU_BARS[codec])
            out.append(Line("cpu", f"{table}, {readers} reader{'s' * (readers > 1)}, {codec}: "
                            "CPU seconds per GB of CSV",
                            [r[name][0].staged_cpu_s / r[name][0].bytes_read * 1e9
                             for r in rounds], unit="s/GB"))
        if "memory" in measures and readers == 2:
            out.append(Line("memory", f"{table}, 2 readers, {codec}",
                            [max(r[name][0].cost.peak_mib for r in rounds)], None, 128, 48,
                            "MiB", "the most of all runs"))
    for name in names:
        kind, _, codec = name.partition(" ")
        if "cpu" in measures and kind == "psql" and read:
            out.append(Line("cpu", f"{table}, psql | {CODEC_CLI[codec]}: CPU seconds per GB of CSV",
                            [r[name][0].cpu_s / read * 1e9 for r in rounds], unit="s/GB"))
    if "wall" in measures:
        out.append(Line("wall", f"{table}: that COPY TO '/dev/null' itself",
                        [seconds for r in rounds for _, *both in r.values() for seconds in both],
                        unit="s"))
    if "select" in measures and "plain" in names:
        add("select", "the SELECT that Vesto sends / plain COPY of the table",
            lambda r: (r["plain"][1] + r["plain"][2]) / 2, lambda r: r["plain"][0].wall_s,
            around("plain"), *(
                (1.05, 1.00) if table in ("lineitem", "taxi") else (None, None)))
    return out


def measure(bench, measures):
    """The lines of those of NEEDS that are in `measures`."""
    measures = [name for name in NEEDS if name in measures]
    if not measures:
        return []
    out = []
    for table in bench.big_tables(SMOKE_TABLES if bench.smoke else FOUR):
        wanted = {name for m in measures for name in NEEDS[m]}
        if table != "lineitem":
            wanted &= set(BRIEF)
        if not wanted:
            continue
        rounds = play_rounds(bench, table, wanted)
        if table == "lineitem":
            bench.facts.update(scale.facts_of(rounds))
        out += lines_of(table, rounds, measures)
    return out
