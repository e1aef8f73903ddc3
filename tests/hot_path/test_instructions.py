"""A guard against regress: how many instructions the product's code takes for each row and byte on
the way from the source's socket to the PUT, counted by callgrind, since times are too noisy for a
test. Two counts of the same code differ by less than 0.01 % (those that read the socket by up to
3 %: what waits there at each read is not the same twice).

bounds.json holds what was counted and what may be, 10 % more. After a change that is worth it:

  tools/build.sh release hot_path && VESTO_WRITE_BOUNDS=1 pytest tests/hot_path

Valgrind shows programs a processor with AVX2 and without AVX-512 and SHA instructions. So libraries
take their AVX2 ways (SHA-256 costs several times what it does outside), the same on every machine
that has AVX2: the counts guard this code, they do not tell times. Bytes are those of the CSV.
"""
import functools
import json
import os
import pathlib
import subprocess

import pytest

from callgrind import Counts
from canned import SHAPES, CannedServer, rows_of

HERE = pathlib.Path(__file__).resolve().parent
BUILD = HERE.parent.parent / os.environ.get("VESTO_BUILD_DIR", "build/release")
PROGRAM = BUILD / "tests" / "tools" / "hot_path"
BOUNDS = HERE / "bounds.json"
CSV_BYTES = 6 << 20  # more than one chunk, so that one is used again
CASES = [(shape, codec) for shape in SHAPES for codec in ("zstd", "gzip")]

# libc copies blocks of any size by one instruction that counts once a byte, so that a chunk that is
# copied once more is seen; with its own limit it would take vectors for those of some MiB.
COPIES = {"GLIBC_TUNABLES": "glibc.cpu.x86_non_temporal_threshold=0x40000000"}

pytestmark = pytest.mark.skipif("avx2" not in pathlib.Path("/proc/cpuinfo").read_text(),
                                reason="the bounds are those of a processor with AVX2")


@functools.cache
def rows(shape):
    return rows_of(shape, CSV_BYTES)


def count(folder, shape, codec):
    """Instructions by measure, for one pass of that shape's rows."""
    server = CannedServer(folder, rows(shape))
    try:
        done = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/counts", PROGRAM,
             folder, shape, codec], text=True, capture_output=True, timeout=300,
            env={**os.environ, **COPIES})
    finally:
        server.close()
    assert done.returncode == 0, done.stderr
    size = sum(map(len, rows(shape)))
    seen = json.loads(done.stdout)
    assert (seen["rows"], seen["bytes"]) == (len(rows(shape)), size)
    counts = Counts(folder / "counts.1", "pump(")
    below = {name: sum(n for called, n in counts.below.items() if name in called)
             for name in ("Reader::read(", "Guard::check(", "PartWriter::")}
    library = {name: sum(n for file, n in counts.by_object.items() if file.startswith(name))
               for name in ("hot_path", "libc.so", "libpq.", "libzstd.", "libisal.", "libcrypto.")}
    compressor = library["libzstd."] + library["libisal."]
    return {
        "receive, per row": below["Reader::read("] / len(rows(shape)),
        "guards, per byte": below["Guard::check("] / size,
        "compress, hash and cut parts, per byte": below["PartWriter::"] / size,
        "our own code, per row": library["hot_path"] / len(rows(shape)),
        "our own code, per byte": library["hot_path"] / size,
        "libc, per byte": library["libc.so"] / size,
        "libpq, per row": library["libpq."] / len(rows(shape)),
        "compressor's library, per byte": compressor / size,
        "hash's library, per byte": library["libcrypto."] / size,
        "everything, per byte": counts.total / size,
    }


def case_name(shape, codec):
    return f"{shape}, {codec}"


def write_bounds(name, measured):
    bounds = json.loads(BOUNDS.read_text()) if BOUNDS.exists() else {}
    bounds[name] = {measure: {"counted": round(value, 3), "bound": round(value * 1.1, 3)}
                    for measure, value in measured.items()}
    BOUNDS.write_text(json.dumps(bounds, indent=1) + "\n")


@pytest.mark.parametrize("shape, codec", CASES)
def test_instructions_stay_within_their_bounds(tmp_path, shape, codec):
    measured = count(tmp_path, shape, codec)
    name = case_name(shape, codec)
    if os.environ.get("VESTO_WRITE_BOUNDS"):
        write_bounds(name, measured)
    bounds = json.loads(BOUNDS.read_text())[name]
    assert measured.keys() == bounds.keys()
    assert all(value > 0 for value in measured.values()), f"something was not counted: {measured}"
    too_many = [f"{measure}: {value:.3f}, counted before {bounds[measure]['counted']}, at most "
                f"{bounds[measure]['bound']}"
                for measure, value in measured.items() if value > bounds[measure]["bound"]]
    assert not too_many, "\n".join(too_many)


def test_bounds_are_ten_percent_above_what_was_counted():
    bounds = json.loads(BOUNDS.read_text())
    assert sorted(bounds) == sorted(case_name(*case) for case in CASES)
    for case in bounds.values():
        for measure, one in case.items():
            assert one["counted"] > 0 and one["bound"] <= one["counted"] * 1.1 + 0.001, measure


def test_two_counts_of_the_same_rows_are_alike(tmp_path):
    counts = []
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        counts.append(count(tmp_path / name, "wide", "gzip"))
    for measure, value in counts[0].items():
        # How much waits in the socket at each read is not the same twice.
        alike = 0.005 if measure.startswith(("guards", "compress", "hash")) else 0.05
        assert counts[1][measure] == pytest.approx(value, rel=alike), measure
