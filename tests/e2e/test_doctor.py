"""vesto doctor: this machine, the configuration, every destination and source in one go."""
import contextlib
import fcntl
import hashlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import threading
import time

from network_faults import Server
from s3_small import SmallS3
from world import RUN_TIMEOUT_S


def ready(world):
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text)")
    world.table("public.a").write_config()
    return world


def sts_of(world):
    return {**os.environ, "AWS_ENDPOINT_URL_STS": world.sandbox.endpoints["aws"]["url"]}


def doctor(world, *arguments):
    return subprocess.run(world.command("doctor", *arguments), text=True, capture_output=True,
                          timeout=RUN_TIMEOUT_S, env=sts_of(world))


def reports_of(world, *arguments):
    done = doctor(world, "--json", *arguments)
    whole = json.loads(done.stdout)
    assert whole["schema"] == "vesto.doctor/1"
    assert whole["ok"] == (done.returncode == 0), whole
    assert whole["ok"] == all(r["ok"] for r in whole["reports"])
    return whole, {r["target"]["name"]: r for r in whole["reports"]}


def statuses(report):
    return {c["id"]: c["status"] for c in report["checks"]}


def test_all_is_well(one_world):
    whole, reports = reports_of(ready(one_world))
    assert whole["ok"], whole
    assert list(reports) == ["host", "rs", "pg"]
    assert [reports[n]["target"]["kind"] for n in reports] == ["host", "destination", "source"]
    assert set(statuses(reports["host"]).values()) == {"passed"}, reports["host"]
    assert list(statuses(reports["rs"]))[-1] == "clean_up"
    one_world.assert_nothing_left()
    done = doctor(one_world)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout
    assert lines[0].startswith("Host ") and " free" in lines[0] and "secrets open" in lines[0]
    assert "store whole (schema 2)" in lines[0]  # the first test made it
    assert lines[1].startswith("Config ") and "vesto.toml" in lines[1]
    assert lines[2].startswith("rs ") and lines[-2].startswith("pg ")
    assert lines[-1].startswith("No problems found"), lines


def test_what_is_wrong_opens_up_and_the_others_go_on(one_world):
    world = ready(one_world)
    world.write_config(bucket="no-such-bucket-here")
    world.source("DROP TABLE a")
    whole, reports = reports_of(world)
    assert not whole["ok"]
    bad = {n: [c["error"]["code"] for c in r["checks"] if c["status"] == "failed"]
           for n, r in reports.items()}
    assert bad == {"host": [], "rs": ["S3-NO-BUCKET"], "pg": ["PG-NO-TABLE"]}
    done = doctor(world)
    assert done.returncode == 4
    assert "Error S3-NO-BUCKET" in done.stdout and "Error PG-NO-TABLE" in done.stdout
    last = done.stdout.splitlines()[-1]
    assert last.startswith("2 problems in ") and "rs: S3-NO-BUCKET; pg: PG-NO-TABLE" in last


def test_a_secret_that_is_gone_stops_its_target_alone(one_world):
    world = ready(one_world)
    (world.folder / "aws.key").unlink()
    _, reports = reports_of(world)
    assert statuses(reports["host"])["secret.readable"] == "failed"
    assert {c.get("masked_by") for c in reports["rs"]["checks"]} == {None, "secret.readable"}
    assert statuses(reports["rs"])["host.store"] == "passed"
    assert reports["pg"]["ok"]
    # It is one problem, that of the host, though the destination misses it as well.
    last = doctor(world).stdout.splitlines()[-1]
    assert last.startswith("1 problem in ") and ": host: " in last and "rs: " not in last, last


def test_a_configuration_that_is_not_good(one_world):
    world = ready(one_world)
    with open(world.folder / "vesto.toml", "a") as file:
        file.write("[destination.rs2]\nkinds = 1\n")
    whole, reports = reports_of(world)
    assert list(reports) == ["host"] and not whole["ok"]
    host = {c["id"]: c for c in reports["host"]["checks"]}
    assert host["config.valid"]["status"] == "failed"
    assert "vesto.toml:" in host["config.valid"]["error"]["message"]
    assert host["secret.readable"]["masked_by"] == "config.valid"
    assert host["host.disk"]["status"] == "passed"
    assert doctor(world).returncode == 3


def test_only_list_strict_and_an_unknown_check(one_world):
    world = ready(one_world)
    _, reports = reports_of(world, "source.login", "host.*")
    assert {n: list(statuses(r)) for n, r in reports.items()} == {
        "host": ["host.disk", "host.store"],
        "rs": ["host.lock", "config.valid", "secret.readable", "host.store", "host.clock",
               "clean_up"],
        "pg": ["config.valid", "secret.readable", "net.dns", "net.tcp", "source.login"]}
    done = doctor(world, "s3.lists")
    assert done.returncode == 2 and "s3.lists" in done.stderr
    listed = [c["id"] for c in json.loads(doctor(world, "--list", "--json").stdout)["checks"]]
    assert len(listed) == len(set(listed))
    assert {"host.disk", "host.lock", "source.login", "s3.put"} <= set(listed)
    _, reports = reports_of(world, "host.lock")
    assert list(reports) == ["rs"] and statuses(reports["rs"])["host.lock"] == "passed"
    # The sandbox's usual user may do everything in its bucket: a warning.
    assert doctor(world, "s3.list_narrow").returncode == 0
    assert doctor(world, "--only", "s3.list_narrow", "--strict").returncode == 8


def test_a_store_that_is_damaged(one_world):
    world = ready(one_world)
    assert doctor(world, "s3.put").returncode == 0  # makes the store
    path = world.folder / "data" / "vesto.db"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("PRAGMA journal_mode = DELETE")
        root = db.execute("SELECT rootpage FROM sqlite_master WHERE name = 'run'").fetchone()[0]
        size = db.execute("PRAGMA page_size").fetchone()[0]
    with open(path, "r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * size)
    _, reports = reports_of(world, "host.store")
    check = {c["id"]: c for c in reports["host"]["checks"]}["host.store"]
    assert check["error"]["code"] == "SYS-STORE" and check["status"] == "failed", check


def id_of(name):
    """Of a sync, or of what stages objects as one does."""
    return hashlib.sha256(name.encode()).hexdigest()[:8]


@contextlib.contextmanager
def being_tested(world, destination):
    folder = world.folder / "data"
    folder.mkdir(mode=0o700, exist_ok=True)
    with open(folder / f"check-{id_of('destination test ' + destination)}.lock", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def test_another_test_that_runs_is_said_and_is_no_failure(one_world):
    world = ready(one_world)
    with being_tested(world, "rs"):
        _, reports = reports_of(world)
        refused = world.check("destination", "--only", "config.valid")
    check, = reports["rs"]["checks"]
    assert (check["status"], check["id"]) == ("skipped", "host.lock"), check
    assert check["reason"] == "destination rs is being tested just now"
    assert all(r["ok"] for r in reports.values())
    assert "RUN-BUSY" in refused.stderr and "is being tested just now" in refused.stderr


def test_tests_of_several_are_not_waited_for(one_world):
    world = ready(one_world)
    added = world.vesto("destination", "add", "two", "--from", str(world.folder / "vesto.toml"),
                        "--schema", world.schema + "_two")
    assert added.returncode == 0, added.stderr
    with being_tested(world, "rs"), being_tested(world, "two"):
        begun = time.monotonic()
        _, reports = reports_of(world, "config.valid")
        assert time.monotonic() - begun < 8
    assert [statuses(reports[n]) for n in ("rs", "two")] == [{"host.lock": "skipped"}] * 2


def test_a_test_of_another_destination_keeps_nobody_waiting(one_world):
    world = ready(one_world)
    added = world.vesto("destination", "add", "two", "--from", str(world.folder / "vesto.toml"),
                        "--schema", world.schema + "_two")
    assert added.returncode == 0, added.stderr
    world.sandbox.fault("s3.put", {"status": 403, "code": "AccessDenied"}, match=".*", nth=1,
                        count=99)
    before = world.sandbox.calls().get("s3.put", 0)
    other = subprocess.Popen(world.command("destination", "test", "two", "--only", "s3.put",
                                           "--wait", "10m"),
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             env=sts_of(world))
    try:
        end = time.monotonic() + 30
        while world.sandbox.calls().get("s3.put", 0) == before:
            assert other.poll() is None and time.monotonic() < end
            time.sleep(0.02)
        done = world.check("destination", "--only", "config.valid")
        assert other.poll() is None, "it did not run meanwhile"
        assert done.returncode == 0, done.stdout + done.stderr
    finally:
        other.send_signal(signal.SIGINT)
        other.wait(30)
        world.sandbox.clear_faults()


def objects_removed(world):
    report = json.loads(world.check("destination", "--json", "--only", "s3.list").stdout)
    (end,) = (c for c in report["checks"] if c["id"] == "clean_up")
    (count,) = (e["value"] for e in end["evidence"] if e["name"] == "objects_removed")
    return int(count)


def test_what_a_test_left_where_all_of_them_lay_is_removed(one_world):
    world = ready(one_world)
    own = objects_removed(world)
    with sqlite3.connect(world.folder / "data" / "vesto.db") as db:
        (installation,), = db.execute("SELECT value FROM meta WHERE name = 'installation'")
    SmallS3(world.sandbox.endpoints).put(
        f"vesto/{installation}/{id_of('destination test')}/"
        "run_01ARZ3NDEKTSV4RRFFQ69G5FAV/0001/00001.csv.gz", b"x")
    assert objects_removed(world) == own + 1
    world.assert_nothing_left()


def test_ctrl_c(one_world):
    world = ready(one_world)
    world.sandbox.fault("copy.object", {"delay_ms": 5000}, nth=1, count=1)
    before = world.sandbox.calls().get("copy.object", 0)
    process = subprocess.Popen(world.command("doctor", "--json"), text=True, stdout=subprocess.PIPE,
                               env=sts_of(world))
    end = time.monotonic() + 30
    while world.sandbox.calls().get("copy.object", 0) == before:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    whole = json.loads(out)
    assert process.returncode == 130 and whole["ok"] is False
    assert [r["target"]["name"] for r in whole["reports"]] == ["host", "rs"]  # pg was not begun
    world.sandbox.clear_faults()
    world.assert_nothing_left()


def locks_on_tables(world):
    """And what else a client holds of the source: its sessions."""
    (locks,), = world.source("SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation "
                             "WHERE c.relname = 'a' AND l.pid <> pg_backend_pid()")
    (sessions,), = world.source("SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                                "AND datname = current_database()")
    return locks, sessions


def test_a_source_is_let_go_before_the_next_one_is_tested(one_world):
    world = ready(one_world)
    reached = threading.Event()

    def silent(_, ending):
        reached.set()
        ending.wait(120)

    with Server(silent) as second:
        with open(world.folder / "vesto.toml", "a") as file:
            file.write(f"""
[source.silent]
kind = "postgres"
host = "127.0.0.1"
port = {second.port}
database = "db"
user = "u"
sslmode = "disable"
""")
        process = subprocess.Popen(world.command("doctor", "source.tables"), env=sts_of(world),
                                   stdout=subprocess.DEVNULL)
        try:
            assert reached.wait(60)
            end = time.monotonic() + 5  # a session takes a moment to go at the server
            while locks_on_tables(world) != (0, 0) and time.monotonic() < end:
                time.sleep(0.05)
            assert process.poll() is None, "it did not wait for the second source"
            assert locks_on_tables(world) == (0, 0)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def test_many_destinations_need_no_more_open_files_than_one(one_world):
    world = ready(one_world)
    path = world.folder / "vesto.toml"
    text = path.read_text()
    one = text[text.index("[destination.rs]"):text.index("[sync.")]
    with open(path, "a") as file:
        for number in range(40):
            name = f"more{number}"
            file.write(one.replace("destination.rs", "destination." + name)
                       .replace(f'"{world.schema}"', f'"{world.schema}_{number}"'))
    done = subprocess.run(
        world.command("doctor", "host.store", "--json"), text=True, capture_output=True,
        timeout=RUN_TIMEOUT_S, env=sts_of(world),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64)))
    reports = json.loads(done.stdout)["reports"]
    bad = {r["target"]["name"]: c["error"]["code"] for r in reports for c in r["checks"]
           if c["status"] == "failed"}
    assert bad == {} and len(reports) == 42 and done.returncode == 0, bad
