"""vesto destination test: the graph of checks against the sandbox. What fails says so with its code,
all that does not need it goes on, the fix of the report makes it green, and nothing is left behind."""
import contextlib
import json
import os
import signal
import subprocess
import time

import psycopg2
import pytest
from check_reports import admin, ready, report_of
from world import NOTHING_LEFT, RELEASE, nothing_left, wait_until

LOAD = ["redshift.copy", "redshift.readback", "redshift.merge"]


def test_all_is_well(one_world):
    report, checks = report_of(ready(one_world))
    assert report["ok"], report
    assert set(report["counts"]) == {"passed", "warning", "failed", "skipped", "not_run"}
    # The sandbox's usual user may do everything in its bucket.
    assert [c["error"]["code"] for c in checks.values() if c["status"] == "warning"] == ["S3-WIDE"]
    assert {"value": "5 of 5", "name": "rows"} in checks["redshift.copy"]["evidence"]
    assert {"name": "values", "value": "40"} in checks["redshift.readback"]["evidence"]
    assert list(checks)[-1] == "clean_up"
    one_world.assert_nothing_left()
    text = one_world.check("destination").stdout
    assert "rs is ready." in text and "Values come back unchanged" in text
    # The schema is still the first run's to make.
    assert one_world.sandbox.query("SELECT count(*) FROM pg_namespace WHERE nspname = %s",
                                   one_world.schema) == [(0,)]


def test_after_a_run_the_schema_is_there(one_world):
    ready(one_world).must_run()
    report, checks = report_of(one_world)
    assert report["ok"], report
    assert {"name": "owner", "value": one_world.sandbox.endpoints["redshift"]["user"]} in \
        checks["redshift.schema"]["evidence"]
    one_world.assert_nothing_left()


def test_list_only_and_an_unknown_check(one_world):
    ready(one_world)
    listed = json.loads(one_world.check("destination", "--list", "--json").stdout)["checks"]
    assert [c["id"] for c in listed][:4] == ["config.valid", "secret.readable", "host.store",
                                          "net.dns"] and listed[-1]["id"] == "clean_up"
    _, checks = report_of(one_world, "--only", "s3.list")
    assert list(checks) == ["config.valid", "secret.readable", "host.store", "host.clock",
                            "aws.key", "s3.bucket", "s3.put", "s3.list", "clean_up"]
    one_world.assert_nothing_left()
    done = one_world.check("destination", "--only", "s3.lists")
    assert done.returncode == 2 and "s3.lists" in done.stderr


RIGHTS = {  # taken away: the check that fails, its code, what it masks
    "TEMPORARY": ("redshift.temp", "RS-PRIV-TEMP", ["redshift.merge"]),
    "CREATE": ("redshift.schema", "RS-PRIV-CREATE", ["redshift.table", "redshift.owner"] + LOAD),
}


@pytest.mark.parametrize("right", RIGHTS)
def test_a_right_of_the_database_that_is_missing(one_world, right):
    """The fix is the report's; this test knows none."""
    world = ready(one_world)
    failing, code, masked = RIGHTS[right]
    user, database = (world.sandbox.endpoints["redshift"][k] for k in ("user", "database"))
    with admin(world.sandbox) as cursor:
        cursor.execute(f'REVOKE {right} ON DATABASE "{database}" FROM "{user}", PUBLIC')
        try:
            report, checks = report_of(world)
            assert [c["id"] for c in checks.values() if c["status"] == "failed"] == [failing], report
            assert checks[failing]["error"]["code"] == code
            assert checks[failing]["fix"]["who"] == "redshift_admin"
            assert [c for c in checks if checks[c].get("masked_by") == failing] == masked
            assert checks["s3.delete"]["status"] == "passed"
            cursor.execute(checks[failing]["fix"]["snippet"])
            assert report_of(world)[0]["ok"]
        finally:
            cursor.execute(f'GRANT {right} ON DATABASE "{database}" TO "{user}"')
            if right == "TEMPORARY":
                cursor.execute(f'GRANT TEMPORARY ON DATABASE "{database}" TO PUBLIC')
    world.assert_nothing_left()


@pytest.mark.parametrize("used, status", [(80, "passed"), (81, "warning"), (100, "warning")])
def test_a_warehouse_that_is_nearly_full(one_world, used, status):
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]

    def capacity():
        report, checks = report_of(world, "--only", "redshift.capacity")
        assert report["ok"]
        return checks["redshift.capacity"]

    world.sandbox.control("POST", "/v1/warehouse",
                          {"status": "available", "disk_used_percent": used})
    with admin(world.sandbox) as cursor:
        try:
            seen = capacity()
            assert seen["status"] == "skipped" and "may not see it" in seen["reason"]
            cursor.execute(f'ALTER USER "{user}" CREATEUSER')
            seen = capacity()
            assert seen["status"] == status, seen
            assert {"name": "disk_used_percent", "value": str(used)} in seen["evidence"]
            if status == "warning":
                assert seen["error"]["code"] == "RS-DISK-LOW"
        finally:
            cursor.execute(f'ALTER USER "{user}" NOCREATEUSER')
            world.sandbox.control("POST", "/v1/warehouse", {"status": "available"})


def test_a_superuser_is_warned_of_and_loses_nothing(one_world):
    """The user may be a person's, or the only superuser that there is: nothing is to be pasted."""
    world = ready(one_world)
    with admin(world.sandbox) as cursor:
        user = world.sandbox.endpoints["redshift"]["user"]
        cursor.execute(f'ALTER USER "{user}" CREATEUSER')
        try:
            report, checks = report_of(world)
        finally:
            cursor.execute(f'ALTER USER "{user}" NOCREATEUSER')
    warned = checks["redshift.superuser"]
    assert report["ok"] and warned["status"] == "warning", warned
    assert warned["error"]["code"] == "RS-SUPERUSER" and not warned.get("fix"), warned


def test_a_statement_that_takes_too_long_spoils_no_other_check(one_world):
    world = ready(one_world)
    world.sandbox.fault("pg.statement", {"delay_ms": 11_500}, match="^CREATE TEMP TABLE", nth=1,
                        count=1)
    report, checks = report_of(world)
    assert {id: c["error"]["code"] for id, c in checks.items() if c["status"] == "failed"} == \
        {"redshift.temp": "RS-TIMEOUT"}, report
    assert {id: c["masked_by"] for id, c in checks.items() if c["status"] == "not_run"} == \
        {"redshift.merge": "redshift.temp"}, report
    assert report_of(world)[0]["ok"]


def test_a_copy_that_nobody_answers(one_world):
    """As of a warehouse without a way to S3, which asks there until somebody ends it."""
    world = ready(one_world)
    world.sandbox.fault("copy.object", {"delay_ms": 75_000}, nth=1, count=1)
    copy = report_of(world, "--only", "redshift.copy")[1]["redshift.copy"]
    assert copy["error"]["code"] == "RS-TIMEOUT", copy
    hint = copy["error"]["hint"]
    assert 0 < hint.index("no way to S3") < hint.index("overloaded"), hint
    assert "EnhancedVpcRouting" in hint and copy["duration_ms"] < 65_000, copy
    # The COPY goes on in the warehouse, but not its session, which made the schema: the next test
    # would wait for that.
    table = report_of(world, "--only", "redshift.table")[1]["redshift.table"]
    assert table["status"] == "passed", table
    wait_until(lambda: nothing_left(world.sandbox) == NOTHING_LEFT)


CHANGED_ON_THE_WAY = """
CREATE FUNCTION other_value() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN NEW.{column} := {value}; RETURN NEW; END $$;
CREATE FUNCTION watch_probe() RETURNS event_trigger LANGUAGE plpgsql AS $$
DECLARE made record;
BEGIN
  FOR made IN SELECT * FROM pg_event_trigger_ddl_commands() LOOP
    IF made.object_identity LIKE '%{table}%' THEN
      EXECUTE 'CREATE TRIGGER other BEFORE INSERT ON ' || made.object_identity ||
              ' FOR EACH ROW WHEN (NEW.id = 4) EXECUTE FUNCTION other_value()';
    END IF;
  END LOOP;
END $$;
CREATE EVENT TRIGGER watch_probe ON ddl_command_end WHEN TAG IN ('CREATE TABLE')
  EXECUTE FUNCTION watch_probe()"""


@pytest.mark.parametrize("table, column, value, failing, masked", [
    ("_vesto_check_", "a_number", "7", "redshift.readback", {"redshift.merge"}),
    ("_vesto_stage_", "a_text", "'other'", "redshift.merge", set())])
def test_a_value_that_changes_in_the_warehouse_is_seen(one_world, table, column, value, failing,
                                                       masked):
    """Behind the back of the sandbox, in its PostgreSQL: no client of Redshift could do it."""
    world = ready(one_world)
    socket = (world.sandbox.folder / "pg.socket").read_text().strip()
    with contextlib.closing(psycopg2.connect(f"host={socket} user=rdsdb dbname=dev")) as link:
        link.autocommit = True
        cursor = link.cursor()
        cursor.execute(CHANGED_ON_THE_WAY.format(table=table, column=column, value=value))
        try:
            report, checks = report_of(world)
        finally:
            cursor.execute("DROP EVENT TRIGGER watch_probe; DROP FUNCTION watch_probe(); "
                           "DROP FUNCTION other_value()")
    assert {id: c["error"]["code"] for id, c in checks.items() if c["status"] == "failed"} == \
        {failing: "ENC-MISMATCH"}, report
    assert {id for id, c in checks.items() if c["status"] == "not_run"} == masked
    assert report_of(world)[0]["ok"]


def test_two_faults_at_once_stand_in_one_report(one_world):
    world = ready(one_world)
    world.write_config(bucket="no-such-bucket-here")
    (world.folder / "redshift.pw").write_text("wrong")
    report, checks = report_of(world)
    failed = {c["id"]: c["error"]["code"] for c in report["checks"] if c["status"] == "failed"}
    assert failed == {"redshift.login": "RS-LOGIN-PASSWORD", "s3.bucket": "S3-NO-BUCKET"}, report
    assert {c.get("masked_by") for c in checks.values()} == {None, "redshift.login", "s3.bucket"}
    text = world.check("destination").stdout
    assert "rs is not ready" in text and "wrong" not in text


def test_a_bucket_that_is_not_there_and_no_region(one_world):
    """Asked in the first region that comes to mind, which is not the sandbox's."""
    world = ready(one_world)
    world.write_config(bucket="no-such-bucket-here")
    config = (world.folder / "vesto.toml").read_text()
    region = f'region = "{world.sandbox.endpoints["aws"]["region"]}"\n'
    assert config.count(region) == 1
    (world.folder / "vesto.toml").write_text(config.replace(region, ""))
    _, checks = report_of(world)
    assert checks["s3.bucket"]["error"]["code"] == "S3-NO-BUCKET", checks["s3.bucket"]
    code, finished, errors = world.run()
    assert code != 0 and "S3-NO-BUCKET" in json.dumps(finished) + errors, finished
    # And where it is there, its region is found.
    world.write_config()
    (world.folder / "vesto.toml").write_text(
        (world.folder / "vesto.toml").read_text().replace(region, ""))
    report, _ = report_of(world)
    assert report["ok"], report
    world.must_run()


@pytest.mark.parametrize("moment", ["s3.put", "copy.object", "s3.delete"])
def test_what_a_killed_test_left_the_next_one_removes(one_world, moment):
    world = ready(one_world)
    world.sandbox.fault(moment, {"delay_ms": 3000}, nth=2 if moment == "s3.put" else 1, count=1)
    before = world.sandbox.calls().get(moment, 0)
    process = subprocess.Popen(world.command("destination", "test", "rs", "--wait", "0s",
                                             binary=RELEASE), stdout=subprocess.DEVNULL,
                               env={**os.environ, "AWS_ENDPOINT_URL_STS":
                                    world.sandbox.endpoints["aws"]["url"]})
    end = time.monotonic() + 30
    while world.sandbox.calls().get(moment, 0) < before + (2 if moment == "s3.put" else 1):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    world.sandbox.clear_faults()
    assert world.sandbox.control("GET", "/v1/left")["objects"] > 0
    time.sleep(3.5)  # what was under way ends
    report, _ = report_of(world)
    assert report["ok"], report
    world.assert_nothing_left()


def test_ctrl_c_cleans_up_and_says_so(one_world):
    world = ready(one_world)
    world.sandbox.fault("copy.object", {"delay_ms": 3000}, nth=1, count=1)
    before = world.sandbox.calls().get("copy.object", 0)
    process = subprocess.Popen(world.command("destination", "test", "rs", "--json"), text=True,
                               stdout=subprocess.PIPE,
                               env={**os.environ, "AWS_ENDPOINT_URL_STS":
                                    world.sandbox.endpoints["aws"]["url"]})
    end = time.monotonic() + 30
    while world.sandbox.calls().get("copy.object", 0) == before:
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    report = json.loads(out)
    assert process.returncode == 130 and report["ok"] is False
    world.sandbox.clear_faults()
    world.assert_nothing_left()




@pytest.mark.parametrize("section, check, code", [("[destination.rs]", "net.tls", "NET-TLS-CA"),
                                                  ("[destination.rs.staging]", "secret.readable",
                                                   "CFG-VALUE")])
def test_a_pipe_in_the_place_of_a_ca_bundle_is_not_waited_for(one_world, section, check, code):
    """Nobody writes into it."""
    world = ready(one_world)
    os.mkfifo(world.folder / "ca")
    before, at, after = (world.folder / "vesto.toml").read_text().partition(section)
    line = f'tls_ca_file = "{world.sandbox.endpoints["ca_file"]}"'
    assert line in after
    (world.folder / "vesto.toml").write_text(
        before + at + after.replace(line, 'tls_ca_file = "ca"', 1))
    _, checks = report_of(world, "--only", "net.tls")
    one = checks[check]
    assert one["status"] == "failed" and one["error"]["code"] == code, one
    assert one["duration_ms"] < 5000
