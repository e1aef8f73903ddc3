"""Faults of S3, of Redshift, of the disk and of the source: each ends in success after a retry or
in one clear error, and the next run repairs."""
import shutil
import subprocess

import pytest
from world import DEV, RELEASE, World

TABLES = [("public.a", ["id"]), ("public.r", ["id"])]


def fill(world, rows=3000):
    world.source(f"CREATE TABLE a (id bigint PRIMARY KEY, v text, n bigint NOT NULL);"
                 f"INSERT INTO a SELECT i, 'v' || i, i FROM generate_series(1, {rows}) i;"
                 "CREATE TABLE r (id bigint PRIMARY KEY, v text);"
                 f"INSERT INTO r SELECT i, 'r' || i FROM generate_series(1, {rows}) i")
    world.table("public.a", cursor="n", lookback=0).table("public.r", mode="replace")
    world.write_config()


def change(world):
    world.source("UPDATE a SET v = 'x', n = n + 100000 WHERE id % 9 = 1;"
                 "DELETE FROM r WHERE id % 5 = 0")


HEAL = [
    ("s3.put", {"status": 500, "code": "InternalError"}, 1),
    ("s3.put", {"status": 503, "code": "SlowDown"}, 2),
    ("s3.put", {"cut_after_bytes": 20}, 1),
    ("s3.put", {"drop": "before"}, 1),
    ("s3.put", {"drop": "after"}, 1),
    ("s3.delete", {"status": 503, "code": "SlowDown"}, 1),
    ("s3.list", {"cut_after_bytes": 60}, 1),
    ("pg.commit", {"drop": "before"}, 1),
    ("pg.commit", {"drop": "during"}, 1),
    ("pg.commit", {"drop": "after"}, 1),
    ("pg.statement", {"error": "1023"}, 1),
]


@pytest.mark.parametrize("kind,then,count", HEAL,
                         ids=[f"{k}-{'-'.join(map(str, t.values()))}" for k, t, _ in HEAL])
def test_heals_by_itself(world, kind, then, count):
    fill(world)
    world.must_run()
    change(world)
    match = "^DELETE FROM" if kind == "pg.statement" else ".*"
    world.sandbox.fault(kind, then, match=match, nth=1, count=count)
    world.must_run()
    world.assert_equal(*TABLES)
    world.assert_nothing_left()


def test_connection_lost_in_every_statement_of_the_load(world):
    fill(world)
    world.must_run()
    for match in ("^LOCK", "^UPDATE .*_vesto_state", "^CREATE TEMP", "^COPY", "^DELETE", "^INSERT"):
        change(world)
        world.sandbox.fault("pg.statement", {"drop": "during"}, match=match, nth=1, count=1)
        world.must_run()
        world.sandbox.clear_faults()
        world.assert_equal(*TABLES)
    world.assert_nothing_left()


FAIL = [
    ("s3.put", {"status": 403, "code": "AccessDenied"}, "S3-DENIED", 4),
    ("s3.put", {"status": 503, "code": "SlowDown"}, "S3-SLOW", 5),
    ("copy.object", {"missing": True}, "RS-COPY-MISSING", 5),
    ("pg.statement", {"error": "Disk Full"}, "RS-DISK-FULL", 4),
]


@pytest.mark.parametrize("kind,then,code,exit_code", FAIL, ids=[f[2] for f in FAIL])
def test_one_clear_error_then_the_next_run_repairs(world, kind, then, code, exit_code):
    fill(world)
    world.must_run()
    change(world)
    before = world.sandbox.query(f"SELECT count(*), sum(n) FROM {world.schema}.a")
    match = "^COPY" if kind == "pg.statement" else ".*"
    world.sandbox.fault(kind, then, match=match, nth=1, count=1000)
    got, finished, errors = world.run()
    codes = [finished.get("error", {}).get("code")] + [
        t["error"]["code"] for t in finished.get("table_results", []) if "error" in t]
    assert code in codes, (got, finished, errors)
    assert got == exit_code
    assert world.sandbox.query(f"SELECT count(*), sum(n) FROM {world.schema}.a") == before
    world.sandbox.clear_faults()
    world.must_run()
    world.assert_equal(*TABLES)
    world.assert_nothing_left()


def test_half_written_object_is_noticed(world):
    fill(world)
    world.sandbox.fault("copy.object", {"half": True}, match="csv", nth=1, count=1)
    code, finished, _ = world.run()
    assert code != 0 and finished["rows"]["copied"] < 6000
    world.sandbox.clear_faults()
    world.must_run()
    world.assert_equal(*TABLES)
    world.assert_nothing_left()


def test_source_that_goes_away_while_it_is_read(world):
    world.source("CREATE TABLE big (id bigint PRIMARY KEY, v text);"
                 "INSERT INTO big SELECT i, repeat(md5(i::text), 8) FROM generate_series(1, 60000) i")
    world.table("public.big", mode="replace").write_config()
    world.sandbox.fault("s3.put", {"delay_ms": 1500}, match=".*", nth=1, count=1)
    process = world.popen()
    ended = 0
    for _ in range(2000):
        rows = world.source(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE pid <> pg_backend_pid() AND query LIKE 'COPY%%' AND datname = current_database()")
        ended += rows[0][0]
        if ended or process.poll() is not None:
            break
    process.communicate(timeout=120)
    if ended:
        assert process.returncode in (0, 5), process.returncode
    world.sandbox.clear_faults()
    world.must_run()
    world.assert_equal(("public.big", ["id"]), rows=60000)
    world.assert_nothing_left()


def test_a_full_disk_of_the_store(one_world):
    world = one_world
    disk = world.folder / "small"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        pytest.skip("no right to mount a tmpfs here")
    try:
        fill(world)
        filler = disk / "filler"
        world.must_run("--table", "public.r", data=disk)
        filler.write_bytes(b"x" * 10)
        try:
            with open(filler, "ab") as file:
                while True:
                    file.write(b"x" * 1024)
                    file.flush()
        except OSError:
            pass
        code, _, errors = world.run(data=disk)
        assert code == 3 or code == 4, errors
        assert "SYS-DISK" in errors or "SYS-STORE" in errors
        filler.unlink()
        world.must_run(data=disk)
        world.assert_equal(*TABLES)
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=False)


def test_no_secret_in_any_output(one_world):
    world = one_world
    fill(world)
    world.must_run()
    world.sandbox.fault("s3.put", {"status": 403, "code": "AccessDenied"}, match=".*", nth=1, count=99)
    change(world)
    code, finished, errors = world.run("-v")
    assert code != 0
    world.sandbox.clear_faults()
    world.must_run()
    run = subprocess.run(world.command("history", "--json"), capture_output=True, text=True,
                         timeout=60, check=True).stdout
    shown = subprocess.run(world.command("show", finished["run"], "--sql"), capture_output=True,
                           text=True, timeout=60, check=False).stdout
    kept = b"".join(p.read_bytes() for p in (world.folder / "data").rglob("*") if p.is_file())
    endpoints = world.sandbox.endpoints
    for secret in (endpoints["redshift"]["password"], endpoints["aws"]["secret_access_key"],
                   world.postgres.password):
        for text in (errors, str(finished), run, shown):
            assert secret not in text
        assert secret.encode() not in kept
    shutil.rmtree(world.folder / "data")
