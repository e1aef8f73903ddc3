"""Big tables: wall, CPU and memory of Vesto between its controls, all from the same rounds."""
import shutil

import controls
import scale
from data import FOUR, TABLES
from house import Run
from lines import Line, ratios

VESTO = {"vesto 1 zstd": (1, "zstd"), "vesto 1 gzip": (1, "gzip"),
         "vesto 2 zstd": (2, "zstd"), "vesto 2 gzip": (2, "gzip")}
CODEC_CLI = {"zstd": "zstd -1", "gzip": "igzip -1"}
DEFAULT_CODEC = "gzip"  # docs/settings.md
FILES = {"expert": "*_*", "psql": "whole"}  # of a rival, in its folder
# Against which the server's COPY to nobody is held too, for what a client and its work cost it.
PLAIN = {"read": controls.read_to_dev_null, "beside": controls.to_dev_null_beside_work,
         "plain": controls.plain_to_dev_null}
PLAIN_WORDS = {"read": "psql that throws the rows away",
               "beside": "that COPY while zstd works on something else"}
CPU_BARS = {"zstd": (0.75, 0.60), "gzip": (0.80, 0.65)}
# What a measure needs of a round.
NEEDS = {
    "wall": ("vesto 1 zstd", "vesto 1 gzip", "read", "beside"),
    "select": ("plain",),
    "expert": ("vesto 2 zstd", "vesto 2 gzip", "expert zstd", "expert gzip"),
    "cpu": ("vesto 1 zstd", "vesto 1 gzip", "vesto 2 zstd", "vesto 2 gzip", "psql zstd",
            "psql gzip"),
    "memory": ("vesto 2 zstd", "vesto 2 gzip"),
}
MEASURES = tuple(NEEDS)
# Of the tables beside lineitem: fewer, since each run is also loaded and proved.
SMOKE_TABLES = ("lineitem", "hits")
BRIEF = ("vesto 1 zstd", "read", "beside", "vesto 2 gzip", "expert zstd", "expert gzip", "psql zstd", "psql gzip",
         "plain")
# Of every even round; the odd ones play it backwards, so that nobody always follows the same one.
ORDER = ("read", "vesto 1 zstd", "vesto 1 gzip", "beside", "vesto 2 zstd", "expert zstd", "vesto 2 gzip",
         "expert gzip", "psql zstd", "psql gzip", "plain")


class Ground:
    """One table, and one sync of it, whose readers and codec change from run to run."""

    def __init__(self, bench, table):
        self.bench, self.table = bench, table
        self.world = bench.house.world()
        self.world.source(bench.HASH)
        TABLES[table].make(self.world, bench.rows(TABLES[table]))
        self.world.table(f"public.{table}", "replace").write_config(**self.world.staging)
        self.folder = bench.scratch / table
        self.folder.mkdir()
        self.select = controls.Select(self.world)

    def play(self, name):
        if name in VESTO:
            readers, codec = VESTO[name]
            self.world.limits = f"[limits]\nreaders = {readers}\n"
            self.world.write_config(compression=codec)
            return self.bench.house.run(self.world, tables=[self.table], replaces=[self.table])
        kind, _, codec = name.partition(" ")
        if kind == "expert":
            return controls.expert(self.world, self.select, codec, self.folder)
        if kind == "psql":
            return controls.psql_into_file(self.world, self.select, codec, self.folder)
        return PLAIN[kind](self.world, self.select)

    def warm(self, contestants):
        """Caches, the first load, all files' pages. And the rivals move the very same bytes."""
        self.control()
        printed = None
        for name in sorted(contestants, key=lambda one: one not in VESTO):
            if name in VESTO and printed is not None:
                continue
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
        self.bench.house.drop(self.world)
        shutil.rmtree(self.folder)


def play_rounds(bench, table, wanted, measures):
    """[{contestant: [what came of it, control before, control after]}], in the order in which they
    played, and if the table has casts. A round that fails is told and left out; another is played
    in its place once."""
    contestants = [name for name in ORDER if name in wanted]
    ground = Ground(bench, table)
    rounds = []
    try:
        ground.warm(contestants)
        for number in range(bench.pairs + 1):
            if len(rounds) == bench.pairs:
                break
            with bench.part(measures, f"{table}, round {number + 1}"):
                played = play_round(ground, turns(contestants, number))
                rounds.append(played)
                bench.say(f"{table}, pair {len(rounds)} of {bench.pairs}: " + ", ".join(
                    f"{name} {seconds(result):.2f} s" for name, (result, _, _) in played.items()))
    finally:
        ground.close()
    return rounds, "::" in ground.select.select


def turns(contestants, number):
    return contestants if number % 2 == 0 else contestants[::-1]


def play_round(ground, contestants):
    played, before = {}, ground.control()
    for name in contestants:
        result = ground.play(name)
        after = ground.control() if ends_block(name, contestants) else None
        played[name] = [result, before, after]
        before = after if after is not None else before
    close_blocks(played)
    return played


def block_of(name):
    """Each run of one reader by itself, those of two and their rivals, and the rest."""
    if name.startswith("vesto 1") or name in PLAIN_WORDS:
        return name
    return "two readers" if name.startswith(("vesto 2", "expert")) else "rest"


def ends_block(name, contestants):
    """A control follows."""
    following = contestants[contestants.index(name) + 1:]
    return not following or block_of(following[0]) != block_of(name)


def close_blocks(played):
    """Inside a block the control after each is the one at its end."""
    after = None
    for name in reversed(played):
        after = played[name][2] if played[name][2] is not None else after
        played[name][2] = after


def seconds(result):
    return result.staged_s if isinstance(result, Run) else result.wall_s


def around(*names):
    """The controls before the first and after the last of them, as they played."""
    def controls_of(played):
        order = [name for name in played if name in names]
        return played[order[0]][1], played[order[-1]][2]
    return controls_of


class Lines:
    """The lines of one table's rounds."""

    def __init__(self, table, rounds, has_casts):
        self.table, self.rounds, self.has_casts = table, rounds, has_casts
        self.names = [name for name in ORDER if name in rounds[0]]
        self.vesto = [name for name in self.names if name in VESTO]
        self.out = []

    def add(self, measure, case, above, below, control, bars=(None, None)):
        values, quiet = ratios(self.rounds, above, below, control)
        self.out.append(Line(measure, f"{self.table}, {case}", values, quiet, *bars))

    def figures(self, measure, case, figure, unit):
        values = [value for r in self.rounds for value in figure(r)]
        self.out.append(Line(measure, f"{self.table}, {case}", values, unit=unit,
                             rounds=len(self.rounds)))

    def wall(self):
        for name in self.vesto:
            readers, codec = VESTO[name]
            if readers == 1:
                self.add("wall", f"1 reader, {codec} / COPY of the same SELECT TO '/dev/null'",
                         lambda r, n=name: r[n][0].staged_s, lambda r, n=name: control_s(r[n]),
                         around(name), (1.15, 1.05))
        if {"vesto 1 zstd", "read"} <= set(self.names):
            self.add("wall", "1 reader, zstd / psql that throws the rows away",
                     lambda r: r["vesto 1 zstd"][0].staged_s, lambda r: r["read"][0].wall_s,
                     around("vesto 1 zstd", "read"))
        for name in (one for one in self.names if one in PLAIN_WORDS):
            self.add("wall", f"{PLAIN_WORDS[name]} / the same",
                     lambda r, n=name: r[n][0].wall_s, lambda r, n=name: control_s(r[n]),
                     around(name))
        self.figures("wall", "that COPY TO '/dev/null' itself",
                     lambda r: {second for _, *both in r.values() for second in both}, "s")

    def select(self):
        if "plain" in self.names:
            self.add("select", "casts in it" if self.has_casts else "no casts",
                     lambda r: control_s(r["plain"]), lambda r: r["plain"][0].wall_s,
                     around("plain"), (None, None) if self.has_casts else (1.05, 1.00))

    def expert(self):
        for name in self.vesto:
            readers, codec = VESTO[name]
            rival = f"expert {codec}"
            if readers == 2 and rival in self.names:
                self.add("expert", f"2 readers, {codec} / 2 psql, {CODEC_CLI[codec]}, curl",
                         lambda r, n=name: r[n][0].staged_s,
                         lambda r, e=rival: r[e][0].wall_s, around(name, rival), (1.00, 0.85))
        self.expert_at_best()

    def expert_at_best(self):
        """An expert takes whichever codec is the faster; Vesto's user the one that it comes with."""
        name, rivals = f"vesto 2 {DEFAULT_CODEC}", [f"expert {codec}" for codec in CODEC_CLI]
        if {name, *rivals} <= set(self.names):
            self.add("expert", f"2 readers, {DEFAULT_CODEC} as it comes / the faster of the "
                     "expert's two in that round", lambda r: r[name][0].staged_s,
                     lambda r: min(r[rival][0].wall_s for rival in rivals),
                     around(name, *rivals), (1.00, 0.85))

    def cpu(self):
        for name in self.vesto:
            readers, codec = VESTO[name]
            words = f"{readers} reader{'s' * (readers > 1)}, {codec}"
            rival = f"psql {codec}"
            if rival in self.names:
                self.add("cpu", f"{words} / psql | {CODEC_CLI[codec]}",
                         lambda r, n=name: r[n][0].staged_cpu_s,
                         lambda r, e=rival: r[e][0].cpu_s, around(name, rival), CPU_BARS[codec])
            self.figures("cpu", f"{words}, per GB of CSV", lambda r, n=name: [
                r[n][0].staged_cpu_s / r[n][0].bytes_read * 1e9], "s/GB")
        for codec in CODEC_CLI:
            if f"psql {codec}" in self.names and self.vesto:
                self.figures("cpu", f"psql | {CODEC_CLI[codec]}, per GB of CSV",
                             lambda r, rival=f"psql {codec}": [
                                 r[rival][0].cpu_s / r[self.vesto[0]][0].bytes_read * 1e9], "s/GB")

    def memory(self):
        for name in self.vesto:
            readers, codec = VESTO[name]
            if readers == 2:
                peak = max(r[name][0].cost.peak_mib for r in self.rounds)
                self.out.append(Line("memory", f"{self.table}, 2 readers, {codec}", [peak], None,
                                     128, 48, "MiB", "the most of all runs", len(self.rounds)))


def control_s(played):
    """The mean of the control before it and the one after it."""
    return (played[1] + played[2]) / 2


def wanted_of(table, measures):
    """The contestants."""
    wanted = {name for measure in measures for name in NEEDS[measure]}
    return wanted if table == "lineitem" else wanted & set(BRIEF)


def measure(bench, measures):
    """The lines of those of NEEDS that are in `measures`."""
    measures = [name for name in NEEDS if name in measures]
    if not measures:
        return []
    out = []
    for table in bench.big_tables(SMOKE_TABLES if bench.smoke else FOUR):
        wanted = wanted_of(table, measures)
        if not wanted:
            continue
        with bench.part(measures, table):
            rounds, has_casts = play_rounds(bench, table, wanted, measures)
            if rounds:
                out += lines_of(bench, table, rounds, has_casts, measures)
    return out


def lines_of(bench, table, rounds, has_casts, measures):
    if table == "lineitem":
        bench.facts.update(scale.facts_of(rounds))
    lines = Lines(table, rounds, has_casts)
    for name in measures:
        getattr(lines, name)()
    return lines.out
