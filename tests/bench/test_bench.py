"""The benchmark runs, with a few rows of each measure, and says no where it must."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "bench"))

import report  # noqa: E402
import scale  # noqa: E402
from house import House  # noqa: E402
from lines import Line, is_quiet, ratios, spread  # noqa: E402


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
        world.sandbox.query(f"DELETE FROM {world.schema}.t WHERE id = 9")
        with pytest.raises(SystemExit, match="9 rows in the source, 8 delivered"):
            house.assert_equal(world, "t")


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


def test_only_the_table_between_the_marks_is_replaced(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    page.write_text("before\n<!-- bench: machine -->\n<!-- end: machine -->\n<!-- bench: wall -->\nold\n<!-- end: wall -->\nbetween\n"
                    "<!-- bench: cpu -->\nkept\n<!-- end: cpu -->\nafter\n")
    monkeypatch.setattr(report, "PAGE", page)
    line = Line("wall", "a | b", [1.2], [], 1.15, 1.05)
    report.write(report.Result([line], "bench/bench.py --only wall", 60, {}, 7))
    text = page.read_text()
    assert "old" not in text and "\nkept\n" in text
    assert "| a \\| b | 1.20 | none | 1.15 | 1.05 | NOT MET |" in text
    assert "`bench/bench.py --only wall`, " in text and " 7 pairs, 1 minutes; " in text
    assert "The last of them ran on " in text
    assert text.startswith("before\n<!-- bench: machine -->\n") and text.endswith("after\n")


def test_scale_on_paper():
    facts = {"source_s_per_gb": 8, "cpu_s_per_gb": 4, "staged_share": 0.25, "object_bytes": 7.5e6,
             "peak_mib": 100.4, "table_s": 0.036, "table_statements": 7}
    rows = {name: rest for name, *rest in scale.rows_of(facts)}
    assert rows["the source prints it, one reader"] == ["13 min", "2.2 h"]
    assert rows["CPU of Vesto until staged"] == ["7 min", "67 min"]
    assert rows["that over 1 Gb/s"] == ["4 min", "35 min"]
    assert rows["objects, as many rows of the journal and PUTs"] == ["3,333", "33,333"]
    text = scale.text(facts)
    assert "1.5 TB of such rows" in text and "6 min and 70,000 statements" in text
    assert scale.is_complete(facts) and not scale.is_complete({"table_s": 1})


def test_a_page_without_marks_is_refused(tmp_path, monkeypatch):
    page = tmp_path / "performance.md"
    page.write_text("nothing here\n")
    monkeypatch.setattr(report, "PAGE", page)
    with pytest.raises(SystemExit, match="no marks"):
        report.write(report.Result([Line("wall", "x", [1.0])], "x", 1, {}, 1))
    assert page.read_text() == "nothing here\n"
