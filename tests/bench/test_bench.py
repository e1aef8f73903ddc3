"""The benchmark runs, with a few rows of each measure, and says no where it must."""
import pathlib
import subprocess
import sys
import time
import types

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import bench as program  # noqa: E402
import method  # noqa: E402
import peers  # noqa: E402
import profile_run  # noqa: E402
import report  # noqa: E402
import scale  # noqa: E402
from house import Differs, House, Run, finished_event  # noqa: E402
from lines import Line, is_quiet, ratios, spread  # noqa: E402
from measures import fixed, throughput  # noqa: E402
from timing import Cost, Failed, of_process, of_tree, timed  # noqa: E402


def test_every_measure_runs():
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "bench" / "bench.py"), "--smoke"],
                          text=True, capture_output=True, timeout=240)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    for name, words in report.MEASURES.items():
        assert f"{words} (--only {name})" in done.stdout


def test_a_changed_value_is_seen():
    """A timed run that delivers anything else than what the source holds is no run."""
    with House("128MB") as house:
        world = house.world()
        world.source("CREATE TABLE t (id int PRIMARY KEY, v text, n numeric(12,2), j jsonb, "
                     "u uuid, f float8, b bytea, a int[], at timestamptz); "
                     "INSERT INTO t SELECT i, nullif('v' || i, 'v2'), i * 1.25, "
                     "jsonb_build_object('b', i, 'a', ARRAY['x', NULL]), md5(i::text)::uuid, "
                     "i / 7.0, sha256(i::text::bytea), ARRAY[i, 2], now() "
                     "FROM generate_series(1, 9) i")
        world.table("public.t").write_config(**world.staging)
        house.run(world, tables=["t"])
        for change, column in (("v = 'w' WHERE id = 3", "v"), ("v = '' WHERE id = 2", "v"),
                               ("n = n + 0.01 WHERE id = 4", "n"),
                               ("at = at + interval '1 ms' WHERE id = 5", "at")):
            world.sandbox.query(f"UPDATE {world.schema}.t SET {change}")
            with pytest.raises(SystemExit, match=rf"t DIFFERS: 9 .*'{column}'"):
                house.assert_equal(world, "t")
            house.run(world, "--full-refresh", tables=["t"])
        # What another tool made, with types of its own.
        other = f"{world.schema}.other"
        forms = [("n", "round({}::numeric(38,2), 2)"), ("v", "0")]
        world.sandbox.query(f"CREATE TABLE {other} AS SELECT id, v, n::float8 AS n "
                            f"FROM {world.schema}.t")
        assert house.assert_sums(world, "t", other, forms) == 9
        world.sandbox.query(f"UPDATE {other} SET n = n + 0.01 WHERE id = 4")
        with pytest.raises(Differs, match=r"9 rows in the source, 9 delivered; columns: \['n'\]"):
            house.assert_sums(world, "t", other, forms)
        world.sandbox.query(f"DELETE FROM {world.schema}.t WHERE id = 9")
        with pytest.raises(SystemExit, match="9 rows in the source, 8 delivered"):
            house.assert_equal(world, "t")


def test_what_follows_a_run_is_not_disturbed_by_it():
    """The sandbox's PostgreSQL does nothing by itself, and a target is emptied before its run."""
    with House("128MB") as house:
        inner = house.cursor(house.inner_dsn())
        end, shown = time.monotonic() + 10, None
        while shown != ("off",) and time.monotonic() < end:  # a server takes a moment to hear it
            inner.execute("SHOW autovacuum")
            shown = inner.fetchone()
        assert shown == ("off",)
        world = house.world()
        world.source("CREATE TABLE t (id int PRIMARY KEY, f float8); "
                     "INSERT INTO t SELECT i, i FROM generate_series(1, 90) i")
        world.table("public.t", "replace").write_config(**world.staging)
        house.run(world, tables=["t"], replaces=["t"])

        def deleted(**how):
            return finished_event(house.run(world, tables=["t"], **how).cost.out)["rows"]["deleted"]

        assert deleted() == 90
        assert deleted(replaces=["t"]) == 0
        inner.execute(f"SELECT reltuples FROM pg_class WHERE oid = '{world.schema}.t'::regclass")
        assert inner.fetchone() == (90.0,)  # analyzed

        # Some may be missing, and those that are there are right.
        world.sandbox.query(f"DELETE FROM {world.schema}.t WHERE id > 80")
        assert house.assert_all_but(world, "t", "id", 10) == 80
        with pytest.raises(Differs, match="90 rows in the source, 9 rejected, 80 delivered"):
            house.assert_all_but(world, "t", "id", 9)
        world.sandbox.query(f"UPDATE {world.schema}.t SET f = 0 WHERE id = 7")
        with pytest.raises(Differs, match=r"columns: \['f'\]"):
            house.assert_all_but(world, "t", "id", 10)


def bench_of(house, **options):
    told = types.SimpleNamespace(**{"smoke": False, "quick": False, "pairs": 2, "tables": [],
                                    "full": False, "scale": 1.0, "only": [], **options})
    return program.Bench(told, house, None)


def test_the_rest_goes_on_after_a_failure(capsys):
    with House("128MB") as house:
        bench, kept = bench_of(house), house.world()
        with bench.part(["wall", "cpu"], "hits"):
            house.world()
            house.cursor(house.inner_dsn()).execute("BEGIN; SELECT 1 / 0")
        assert bench.failed == [(["cpu", "wall"], "hits")]
        assert "FAILED: hits (cpu, wall): DivisionByZero" in capsys.readouterr().out
        assert house.worlds == [kept] and not house.links
        with bench.part(["tiny"], "tiny"):
            house.sandbox.process.kill()
            house.sandbox.process.wait()
            raise Failed("gone")
        assert len(bench.failed) == 2
        world = house.world()
        world.source("CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)")
        world.table("public.t").write_config(**world.staging)
        assert house.run(world, tables=["t"]).rows == 1
        with pytest.raises(KeyboardInterrupt), bench.part([], "x"):
            raise KeyboardInterrupt


def test_what_fails_as_a_whole_is_missing_from_its_own_measures_alone(monkeypatch):
    def fails(_, measures):
        raise Failed(measures)

    line = Line("tiny", "x", [1.0])
    monkeypatch.setattr(program, "MODULES", [
        types.SimpleNamespace(__name__="measures.big", MEASURES=("wall", "cpu"), measure=fails),
        types.SimpleNamespace(__name__="measures.none", MEASURES=("guards",), measure=fails),
        types.SimpleNamespace(__name__="measures.small", MEASURES=("tiny", "start"),
                              measure=lambda *_: [line])])
    bench = bench_of(NoHouse())
    assert program.measure_all(bench, ["tiny", "wall", "cpu"]) == [line]
    assert bench.failed == [(["cpu", "wall"], "big")]


def test_every_measure_has_a_module():
    modules = [{*module.MEASURES} for module in program.MODULES]
    assert set.union(*modules) == set(report.MEASURES)
    assert {*fixed.MEASURES} == set.union(*fixed.PARTS.values())


class NoHouse:
    worlds = []

    def recover(self, worlds):
        pass


class FakeGround:
    """In the place of throughput.Ground: each turn and each control takes a second more than the
    one before; the turn number `failing` fails."""
    failing = -1

    def __init__(self, *_):
        self.select = types.SimpleNamespace(select="SELECT 1")
        self.clock_s = self.turns = 0

    def warm(self, contestants):
        pass

    def play(self, name):
        self.turns += 1
        if self.turns == self.failing:
            raise Failed(name)
        return Cost(self.control(), 1, 1)

    def control(self):
        self.clock_s += 1
        return self.clock_s

    def close(self):
        pass


@pytest.mark.parametrize("failing, rounds, failed", [(-1, 2, []), (
    11, 2, [(["wall"], "hits, round 2")])])
def test_a_round_that_fails_is_played_again(monkeypatch, failing, rounds, failed):
    monkeypatch.setattr(throughput, "Ground", FakeGround)
    monkeypatch.setattr(FakeGround, "failing", failing)
    bench = bench_of(NoHouse())
    played, _ = throughput.play_rounds(bench, "hits", set(throughput.BRIEF), ["wall"])
    assert (len(played), bench.failed) == (rounds, failed)


def test_every_other_round_is_played_backwards():
    one, two = (throughput.play_round(FakeGround(), throughput.turns(list(throughput.ORDER), number))
                for number in (0, 1))
    assert list(one) == list(throughput.ORDER) and list(two) == list(throughput.ORDER)[::-1]
    # A control around each of the first four, the two readers with their rivals, and the rest.
    around = throughput.around("vesto 2 gzip", "expert zstd", "expert gzip")
    assert around(one) == (9, 14) and around(two) == (5, 10)
    assert throughput.around("vesto 1 zstd")(one) == (3, 5)
    assert throughput.around("vesto 1 zstd")(two) == (14, 16)
    assert throughput.around("vesto 1 zstd", "psql zstd")(two) == (1, 16)


def run_of(wall_s):
    cost = Cost(wall_s * 2, 9.0, 50.0)
    return Run(cost, wall_s, 4.0, 1000, 300, 10, 0, {})


def test_the_default_codec_beside_the_better_of_the_experts():
    played = {"vesto 2 gzip": [run_of(3.0), 1, 1], "expert zstd": [Cost(2.0, 1, 1), 1, 1],
              "expert gzip": [Cost(4.0, 1, 1), 1, 1]}
    lines = throughput.Lines("t", [played], False)
    lines.expert()
    own, best = lines.out
    assert own.values == [0.75] and best.values == [1.5] and best.verdict() == "NOT MET"


@pytest.mark.parametrize("stage_only, cpu", [(True, "2.0 [2.0-2.0]"), (False, "0.9 [0.9-0.9]")])
def test_a_tool_that_ends_at_the_stage_is_held_against_that_part(stage_only, cpu):
    peer = types.SimpleNamespace(name="tool", stage_only=stage_only, bar=0)
    cells = peers.row_of(peer, 10, [(run_of(3.0), Cost(6.0, 8.0, 100.0))]).split(" | ")
    assert cells[4] == cpu
    assert cells[3] == ("2.0 [2.0-2.0]" if stage_only else "1.0 [1.0-1.0]")


@pytest.mark.parametrize("command, words", [
    (("bench.py", "--write", "--tables", "hits,blobs"), "of single tables is of lineitem"),
    (("bench.py", "--write", "--smoke"), "a few rows"),
    (("peers.py", "--write", "--only", "sling"), "does not go with --only")])
def test_a_page_that_would_lack_rows_is_not_written(command, words):
    done = subprocess.run(["/usr/bin/python3", str(ROOT / "bench" / command[0]), *command[1:]],
                          text=True, capture_output=True, timeout=60)
    assert done.returncode == 2 and words in done.stderr


REPORT = """# Samples: 8
 50.00%;read;libisal.so.2.0.30;[.] deflate;-      -
 20.00%;read;libzstd.so.1.5.4;[.] 0x000000000003dde0;-      -
 10.00%;upload;libzstd.so.1.5.4;[.] 0x000000000003dcce;-      -
 19.60%;upload;[kernel.kallsyms];[k] copy_to_iter;-      -
 0.40%;vesto;vesto;[.] vesto::plan(int, char);-      -
"""


def test_a_profile_by_thread_library_and_function():
    found = profile_run.samples(REPORT)
    text = profile_run.tables(found)
    for row in ("| `read`: receive, guard, compress, hash | 70.0 % |", "| libzstd | 30.0 % |",
                "| `upload`: kernel | 19.6 % |", "| `(no symbols)` (libzstd) | 30.0 % |",
                "| `deflate` (libisal) | 50.0 % |"):
        assert row in text
    assert "plan" not in text  # too little
    assert found[-1] == (0.4, "vesto", "vesto", "vesto::plan(int, char)")
    with pytest.raises(SystemExit, match="perf told nothing"):
        profile_run.samples("# Samples: 0\n")


def test_no_module_here_hides_one_of_the_standard_library():
    """bench/ is first on the path of its programs, and so of all that they import."""
    here = {path.stem for path in (ROOT / "bench").iterdir()
            if path.is_dir() or path.suffix == ".py"}
    assert not here & set(sys.stdlib_module_names)


def python(code):
    return ["/usr/bin/python3", "-c", code]


def test_a_command_that_says_much_is_heard():
    cost = timed(python("import sys; sys.stderr.write('e' * (1 << 20)); print('done')"), limit_s=30)
    assert cost.out == "done\n" and cost.peak_mib == 0
    with pytest.raises(Failed, match=r"failed with 3: .*: out(e{2000})$"):
        timed(python("import sys; print('out', end='', flush=True); "
                     "sys.stderr.write('e' * (1 << 20)); sys.exit(3)"), limit_s=30)


def test_a_command_that_does_not_end_is_ended_with_its_children():
    start = time.monotonic()
    with pytest.raises(Failed, match="not done in 0.5 s"):
        timed(["sh", "-c", "sleep 60 & sleep 60"], limit_s=0.5)
    assert time.monotonic() - start < 5


def test_memory_of_a_process_and_of_its_tree():
    child = "b = bytearray(96 << 20); import time; time.sleep(0.3)"
    parent = python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])")
    assert timed(python(child), watch=of_process).peak_mib > 96
    assert timed(parent, watch=of_process).peak_mib < 90
    assert timed(parent, watch=of_tree).peak_mib > 96


def test_ratios_and_quiet_pairs():
    rounds = [(3.0, 2.0, 1.00, 1.04), (4.0, 2.0, 1.00, 1.06)]
    every, quiet = ratios(rounds, lambda r: r[0], lambda r: r[1], lambda r: r[2:])
    assert (every, quiet) == ([1.5, 2.0], [1.5])
    assert ratios(rounds, lambda r: r[0], lambda r: r[1])[1] is None
    assert is_quiet(1.05, 1.0) and not is_quiet(1.0, 1.051)
    assert spread([1.0, 1.236, 3.0]) == "1.24 [1.00-3.00]"
    assert spread([128]) == "128" and spread([16, 17.0, 17]) == "17 [16-17]"


@pytest.mark.parametrize("value, verdict", [(1.05, "aim met"), (1.06, "met"), (1.15, "met"),
                                            (1.151, "NOT MET")])
def test_verdicts(value, verdict):
    assert Line("wall", "x", [value], None, 1.15, 1.05).verdict() == verdict


def page_of(tmp_path, monkeypatch, **tables):
    """In the place of docs/performance.md."""
    page = tmp_path / "performance.md"
    page.write_text("head\n" + "".join(
        f"<!-- bench: {name} -->\n{tables.get(name, '')}\n<!-- end: {name} -->\n"
        for name in ("machine", *report.MEASURES, "scale", "before")))
    monkeypatch.setattr(report, "PAGE", page)
    return page


def test_only_the_table_between_the_marks_is_replaced(tmp_path, monkeypatch):
    page = page_of(tmp_path, monkeypatch, wall="old", cpu="kept")
    lines = [Line("wall", "a | b", [1.2], [], 1.15, 1.05, rounds=3)]
    result = report.Result(lines, "bench/bench.py --only wall", 60, {},
                           [(["cpu", "wall"], "taxi"), (["cpu"], "hits")])
    report.write(result)
    assert report.not_new(result)[0] == "the table of `select`"
    assert "the table of `wall`" not in report.not_new(result)
    assert report.not_new(result)[-1] == "the tables of Scale on paper"
    text = page.read_text()
    assert "**Failed, and not in it: taxi.**\n" in text
    assert "old" not in text and "\nkept\n" in text
    assert "| a \\| b | 1.20 | none | 1.15 | 1.05 | NOT MET |" in text
    assert "`bench/bench.py --only wall`, " in text and " 3 rounds, 1 minutes; " in text
    assert "The last of them ran on " in text
    assert text.startswith("head\n<!-- bench: machine -->\n") and text.endswith("<!-- end: before -->\n")


def test_a_table_that_is_older_than_the_method_says_so_until_it_is_measured_anew(
        tmp_path, monkeypatch):
    monkeypatch.setattr(method, "CHANGES", (
        ("2020-01-02 10:30", ("wall", "cpu", "scale"), "all ran twice"),
        ("2020-01-02 10:30", ("cpu",), "nobody looked"),
        ("2020-01-03 00:00", ("guards",), "the least of nine")))
    page = page_of(tmp_path, monkeypatch, wall="| a |\n\n`x`, 2020-01-02, 7 rounds",
                   cpu="`x`, 2020-01-02 10:29 UTC, 7 rounds", tiny="`x`, 2020-01-01, 7 rounds",
                   guards="`x`, 2020-01-03 00:00 UTC, 7 rounds", scale="`x`, 2020-01-01, 2 minutes")
    result = report.Result([Line("start", "x", [1.2])], "x", 60, {})
    report.write(result)
    noted = page.read_text()
    assert report.between(noted, "wall") == (
        f"| a |\n\n`x`, 2020-01-02, 7 rounds\n\n{method.HEAD}all ran twice.")
    assert report.between(noted, "cpu").endswith(f"\n\n{method.HEAD}all ran twice; nobody looked.")
    assert report.between(noted, "scale").endswith(f"\n\n{method.HEAD}all ran twice.")
    assert report.between(noted, "before").startswith(
        "**Made before the method changed:** `wall`, `cpu`, Scale on paper (")
    for name in ("tiny", "guards", "start"):
        assert method.HEAD not in report.between(noted, name)
    assert report.with_notes(noted) == noted
    report.write(report.Result([Line(name, "x", [1.2]) for name in ("wall", "cpu")], "x", 60, FACTS))
    new = page.read_text()
    assert new.count(method.HEAD) == 0 and "All tables were made by the method" in new


def test_the_rows_of_one_table_are_replaced_and_the_others_keep_their_stamp(tmp_path, monkeypatch):
    monkeypatch.setattr(method, "CHANGES", (("2020-01-02 10:30", ("wall",), "all ran twice"),))

    def measured(*cases):
        return report.Result([Line("wall", case, [1.2]) for case in cases], "y", 60, {})

    first = ("lineitem, a | b", "hits, a", "hits, b", "500 tables")
    page = page_of(tmp_path, monkeypatch, wall="\n".join(
        ["| what |", "| --- |", *(f"| {case} | 9 |" for case in first)]) +
        "\n\n`x`, 2020-01-02, 7 rounds")
    report.write(measured("hits, b", "hits, c"))
    table, *below = report.between(page.read_text(), "wall").split("\n\n")
    kept = [line for line in table.split("\n")[2:] if line.endswith("| 9 |")]
    assert kept == ["| lineitem, a | b | 9 |", "| 500 tables | 9 |"]
    assert [line.split(" | ")[0] for line in table.split("\n")[2:]] == [
        "| lineitem, a", "| hits, b", "| hits, c", "| 500 tables"]
    assert below[0] == "lineitem, the others: `x`, 2020-01-02, 7 rounds"
    assert below[1].startswith("hits: `y`, ")
    assert below[2:] == [f"{method.HEAD}(lineitem, the others) all ran twice."]
    assert "changed:** `wall` (" in report.between(page.read_text(), "before")

    report.write(measured("lineitem, a", "500 tables"))
    text = report.between(page.read_text(), "wall")
    assert "| 9 |" not in text and text.count("`y`, ") == 1 and "\n\n`y`, " in text
    assert "All tables were made by the method" in page.read_text()


def test_the_page_says_which_of_its_tables_are_older_than_the_method():
    """After a change of CHANGES bench/report.py writes it."""
    text = report.PAGE.read_text()
    assert report.with_notes(text) == text
    assert {name for _, names, _ in method.CHANGES for name in names} <= {*report.MEASURES, "scale"}
    for name in (*report.MEASURES, "scale"):
        assert method.STAMP.search(report.between(text, name)), name


FACTS = {"source_s_per_gb": 8, "cpu_s_per_gb": 4, "staged_share": 0.25, "object_bytes": 7.5e6,
         "peak_mib": 100.4, "table_s": 0.036, "table_statements": 7, "tables": 500,
         "tables_peak_mib": 45.2}


def test_scale_on_paper():
    rows = {name: rest for name, *rest in scale.rows_of(FACTS)}
    assert rows["the source prints it, one reader"] == ["13 min", "2.2 h"]
    assert rows["CPU of Vesto until staged"] == ["7 min", "67 min"]
    assert rows["that over 1 Gb/s"] == ["4 min", "35 min"]
    assert rows["objects, as many rows of the journal and PUTs"] == ["3,333", "33,333"]
    text = scale.text(FACTS)
    assert "1.5 TB of such rows" in text and "6 min and 70,000 statements" in text
    assert "The 500 held 45 MiB at the most." in text
    assert scale.is_complete(FACTS) and not scale.is_complete({"table_s": 1})


def test_a_page_without_marks_is_refused(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    page.write_text("nothing here\n")
    monkeypatch.setattr(report, "PAGE", page)
    with pytest.raises(SystemExit, match="no marks"):
        report.write(report.Result([Line("wall", "x", [1.0])], "x", 1, {}))
    with pytest.raises(SystemExit, match="no marks"):
        report.must_be_writable()
    assert page.read_text() == "nothing here\n"


def test_each_measure_tells_its_own_rounds():
    assert report.rounds_text([Line("wall", "x", [1.0] * 7)]) == "7 rounds"
    assert report.rounds_text([Line("guards", "x", [1.0])]) == "1 round"
    assert report.rounds_text([Line("memory", "x", [90.0], rounds=7),
                               Line("memory", "y", [90.0], rounds=3)]) == "3 to 7 rounds"


def test_lineitem_has_every_contestant():
    every = set(throughput.ORDER)
    assert throughput.wanted_of("lineitem", list(throughput.NEEDS)) == every
    assert throughput.wanted_of("hits", list(throughput.NEEDS)) == set(throughput.BRIEF)


class Turn:
    """In the place of peers.Bench: only how a turn ends."""

    def __init__(self, error):
        self.error, self.world = error, None

    def changed_values(self, peer):
        if peer:
            raise self.error
        return []


@pytest.mark.parametrize("error, words", [
    (Differs("t DIFFERS"), "it delivered other rows than the source holds"),
    (Failed("failed with 1"), "its run failed here")])
def test_a_tool_that_fails_is_told_as_such(monkeypatch, error, words):
    tool = types.SimpleNamespace(name="tool", stage_only=False, install=lambda: None)
    monkeypatch.setattr(peers, "PEERS", [tool])
    table, not_run, _ = peers.run(Turn(error), types.SimpleNamespace(only=[]))
    assert (table, not_run) == ([], [f"tool: {words}"])


@pytest.mark.parametrize("error", [Differs("t DIFFERS"), Failed("failed with 1")])
def test_a_fault_of_vesto_itself_ends_the_comparison(monkeypatch, error):
    """It is no fault of the tool whose turn it was."""
    def run(*_, **__):
        raise error
    bench = peers.Bench(types.SimpleNamespace(run=run), None, None)
    with pytest.raises(peers.VestoFailed, match=f"Vesto's own run: {error}"):
        bench.vesto("t")
    tool = types.SimpleNamespace(name="tool", stage_only=False, install=lambda: None)
    monkeypatch.setattr(peers, "PEERS", [tool])
    with pytest.raises(peers.VestoFailed):
        peers.run(Turn(peers.VestoFailed("x")), types.SimpleNamespace(only=[]))


@pytest.mark.parametrize("stage_only", [False, True])
def test_a_tools_turn_leaves_no_work_to_the_next(monkeypatch, stage_only):
    """As after a run of Vesto, its rows are written out once they are proved."""
    done = []
    house = types.SimpleNamespace(assert_sums=lambda *_: done.append("proved"),
                                  settle=lambda _, tables: done.append(("settled", *tables)))
    world = types.SimpleNamespace(sandbox=types.SimpleNamespace(query=lambda _: None))
    tool = types.SimpleNamespace(
        name="tool", stage_only=stage_only, schema=lambda: "s", target=lambda name: f"s.{name}",
        prepare=lambda *_: None, command=lambda *_: ([], {}, None),
        rows_counted=lambda _: done.append("proved") or 9)

    def one_run(*_):
        done.append("ran")
        return Cost(1, 1, 1)

    monkeypatch.setattr(peers, "timed", one_run)
    monkeypatch.setattr(peers, "Place", lambda *_: None)
    peers.Bench(house, world, None).peer(tool, "t", 9)
    assert done == ["ran", "proved", ("settled",)]
