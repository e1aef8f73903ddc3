"""vesto destination test: the graph of checks against the sandbox. What fails says so with its code,
all that does not need it goes on, the fix of the report makes it green, and nothing is left behind."""
import contextlib
import json
import os
import re
import signal
import subprocess
import time

import psycopg2
import pytest
from world import RELEASE

LOAD = ["redshift.copy", "redshift.readback", "redshift.merge"]


def report_of(world, *arguments):
    done = world.check("destination", "--json", *arguments)
    report = json.loads(done.stdout)
    assert report["ok"] == (done.returncode == 0), report
    counts = {}
    for check in report["checks"]:
        counts[check["status"]] = counts.get(check["status"], 0) + 1
    assert counts == {k: v for k, v in report["counts"].items() if v}, report["counts"]
    return report, {c["id"]: c for c in report["checks"]}


def ready(world):
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text)")
    world.table("public.a").write_config()
    return world


@contextlib.contextmanager
def admin(sandbox):
    connection = psycopg2.connect(sandbox.dsn(admin=True))
    connection.autocommit = True
    try:
        yield connection.cursor()
    finally:
        connection.close()


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


def test_a_table_of_another_user(one_world):
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute("SELECT current_user")
        (somebody,), = cursor.fetchall()
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; GRANT ALL ON SCHEMA "{world.schema}" TO '
                       f'"{user}"; CREATE TABLE "{world.schema}"."a" (id bigint)')
        _, checks = report_of(world)
        assert checks["redshift.owner"]["error"]["code"] == "RS-OWNER"
        assert "a (" + somebody + "; no SELECT, INSERT, DELETE)" in \
            checks["redshift.owner"]["error"]["message"]
        # Vesto has not filled it: it is taken from nobody unasked.
        assert "fix" not in checks["redshift.owner"]
        assert "adopt = true" in checks["redshift.owner"]["error"]["hint"]
        world.tables.clear()
        world.table("public.a", adopt=True).write_config()
        _, checks = report_of(world)
        cursor.execute(checks["redshift.owner"]["fix"]["snippet"])
        cursor.execute("SELECT tableowner FROM pg_tables WHERE schemaname = %s", (world.schema,))
        assert cursor.fetchall() == [(user,)]
        assert report_of(world)[0]["ok"]
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def taken(world, cursor, table):
    """The table belongs to the admin from now on."""
    cursor.execute("SELECT current_user")
    (somebody,), = cursor.fetchall()
    cursor.execute(f'ALTER TABLE "{world.schema}"."{table}" OWNER TO "{somebody}"')


def owner_check(world):
    report, checks = report_of(world, "--only", "redshift.owner")
    return report["ok"], checks["redshift.owner"]


def altered(world, check):
    """The tables whose owner the fix changes as it is pasted, sorted."""
    return sorted(re.match(rf'ALTER TABLE "{world.schema}"\."([^"]*)" OWNER TO ', line)[1]
                  for line in check["fix"]["snippet"].splitlines() if not line.startswith("--"))


def state_table(world, cursor):
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tablename LIKE %s",
                   (world.schema, "_vesto_state_%"))
    (table,), = cursor.fetchall()
    return table


def fixes_applied(world, cursor):
    """Round after round, until one has nothing to paste; the tables that each handed over."""
    rounds = []
    for _ in range(5):
        _, check = owner_check(world)
        if not check.get("fix") or not altered(world, check):
            return rounds, check
        rounds.append(altered(world, check))
        cursor.execute(check["fix"]["snippet"])
    raise AssertionError((rounds, check))


def test_a_table_of_another_user_that_may_be_filled(one_world):
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    assert world.run()[0] == 0
    with admin(world.sandbox) as cursor:
        taken(world, cursor, "a")
        cursor.execute(f'GRANT SELECT, INSERT ON "{world.schema}"."a" TO "{user}"')
        ok, check = owner_check(world)
        assert not ok and "(" in check["error"]["message"]
        assert "no DELETE)" in check["error"]["message"]
        cursor.execute(f'GRANT DELETE ON "{world.schema}"."a" TO "{user}"')
        ok, check = owner_check(world)
        assert ok and (check["status"], check["error"]["code"]) == ("warning", "RS-OWNER")
        world.source("INSERT INTO a VALUES (1, 'new')")
        assert world.run()[0] == 0
        # What the warning says comes true.
        world.source("ALTER TABLE a ADD COLUMN more text; INSERT INTO a VALUES (2, 'x', 'y')")
        code, finished, _ = world.run()
        assert code != 0 and "RS-OWNER" in json.dumps(finished)
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        assert world.run()[0] == 0


def test_a_table_of_somebody_else_beside_one_of_vestos_own(one_world):
    """Only what Vesto made is in the fix, also where the sync has filled another target before."""
    world = ready(one_world)
    assert world.run()[0] == 0
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE TABLE "{world.schema}"."b" (id bigint)')
        cursor.execute(f'GRANT SELECT, INSERT, DELETE ON "{world.schema}"."b" TO "{user}"')
        taken(world, cursor, "_vesto_rejected")
        world.tables.clear()
        world.table("public.a", target="b").write_config()
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER"
        line, = check["fix"]["snippet"].splitlines()
        assert "_vesto_rejected" in line
        assert "has not filled b (" in check["error"]["hint"], check
        cursor.execute(line)
        ok, check = owner_check(world)
        assert ok and check["status"] == "warning" and "fix" not in check, check
        assert "has not filled b (" in check["error"]["hint"]
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_table_of_another_destinations(one_world):
    """Two destinations with a login each cannot share a schema: that is said before one is robbed."""
    world = ready(one_world)
    world.must_run()
    first = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        as_second_user(world, cursor)
        text = (world.folder / "vesto.toml").read_text()
        head, rest = text.split("[destination.rs]")
        body = rest.split("[sync.shop]")[0].replace("destination.rs", "destination.old")
        body = body.replace(f'user = "{SECOND}"', f'user = "{first}"', 1)
        (world.folder / "vesto.toml").write_text(head + "[destination.old]" + body +
                                                 "[destination.rs]" + rest)
        _, check = owner_check(world)
        assert "_vesto_loads is the destination old's" in check["error"]["hint"], check
        assert "schema of its own" in check["error"]["hint"]
        # What both need is the other's until somebody decides.
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [[state_table(world, cursor)], ["a"]]
        lines = check["fix"]["snippet"].splitlines()
        assert sorted(line.split('"."')[1].split('"')[0] for line in lines) == \
            ["_vesto_loads", "_vesto_rejected", "_vesto_sync_status"]
        assert all(line.startswith('-- ALTER TABLE "') for line in lines), lines
        text = (world.folder / "vesto.toml").read_text()
        own = f'schema = "{world.schema}"'
        at = text.index("[destination.rs]")
        (world.folder / "vesto.toml").write_text(
            text[:at] + text[at:].replace(own, f'schema = "{world.schema}_own"', 1))
        assert owner_check(world)[1]["status"] == "passed"
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


@pytest.mark.parametrize("right", ["INSERT", "DELETE", "SELECT"])
def test_a_right_that_was_revoked_from_the_owner(one_world, right):
    world = ready(one_world)
    world.must_run()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'REVOKE {right} ON "{world.schema}"."a" FROM "{user}"')
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-PRIV", check
        assert f"a ({user}; no {right})" in check["error"]["message"]
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        world.source("INSERT INTO a VALUES (7, 'seven')")
        assert world.run()[0] == 0
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_rows_that_no_sync_delivered(one_world):
    """A run stops at them: so the test says it, of tables of the login's own too."""
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; GRANT ALL ON SCHEMA "{world.schema}" TO '
                       f'"{user}"; CREATE TABLE "{world.schema}"."a" (id bigint, v varchar(300)); '
                       f'ALTER TABLE "{world.schema}"."a" OWNER TO "{user}"')
        assert owner_check(world)[1]["status"] == "passed"
        cursor.execute(f'INSERT INTO "{world.schema}"."a" VALUES (77, \'theirs\')')
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-TABLE-FOREIGN", check
        assert f"of {world.schema} hold rows" in check["error"]["message"]
        assert check["error"]["message"].endswith(": a") and "adopt = true" in check["error"]["hint"]
        code, finished, _ = world.run()
        assert code != 0 and "RS-TABLE-FOREIGN" in json.dumps(finished)
        cursor.execute(f'DELETE FROM "{world.schema}"."a"')
        assert owner_check(world)[1]["status"] == "passed"
        assert world.run()[0] == 0
        # From here on the rows are its own.
        assert owner_check(world)[1]["status"] == "passed"
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


SECOND = "vesto_second"


def as_second_user(world, cursor):
    """The destination logs in as another user from now on, with the grants of the kit."""
    cursor.execute("SELECT 1 FROM pg_user WHERE usename = %s", (SECOND,))
    if not cursor.fetchone():
        password = world.sandbox.endpoints["redshift"]["password"]
        cursor.execute(f"CREATE USER {SECOND} PASSWORD %s", (password,))
        cursor.execute(f'GRANT CREATE, TEMPORARY ON DATABASE '
                       f'"{world.sandbox.endpoints["redshift"]["database"]}" TO {SECOND}')
    cursor.execute(f'GRANT ALL ON SCHEMA "{world.schema}" TO {SECOND}')
    first = world.sandbox.endpoints["redshift"]["user"]
    text = (world.folder / "vesto.toml").read_text()
    before, after = text.split("[destination.rs.auth]")
    assert f'user = "{first}"' in after
    after = after.replace(f'user = "{first}"', f'user = "{SECOND}"', 1)
    (world.folder / "vesto.toml").write_text(before + "[destination.rs.auth]" + after)


def test_another_identity_of_a_live_destination(one_world):
    """What the first user made is handed over by the fixes: Vesto's own tables and its view, and with
    the state what was filled. A target that never was is somebody's."""
    world = ready(one_world)
    world.must_run()
    world.source("CREATE TABLE b (id bigint PRIMARY KEY); CREATE TABLE c (id bigint PRIMARY KEY)")
    world.table("public.b").table("public.c", adopt=True).write_config()
    with admin(world.sandbox) as cursor:
        for table in ("b", "c"):
            cursor.execute(f'CREATE TABLE "{world.schema}"."{table}" (id bigint)')
        as_second_user(world, cursor)
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER"
        assert "run the test again" in check["error"]["hint"], check
        own = ["_vesto_loads", "_vesto_rejected", state_table(world, cursor), "_vesto_sync_status",
               "c"]
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [own, ["a"]]
        assert not check.get("fix") and "has not filled b (" in check["error"]["hint"], check
        text = (world.folder / "vesto.toml").read_text()
        assert 'name = "public.b"' in text
        (world.folder / "vesto.toml").write_text(
            text.replace('name = "public.b"', 'name = "public.b"\nadopt = true'))
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [["b"]] and check["status"] == "passed", check
        world.source("INSERT INTO a VALUES (7, 'seven')")
        assert world.run()[0] == 0
        cursor.execute(f"SET SESSION AUTHORIZATION {SECOND}")
        cursor.execute(f'SELECT count(*) FROM "{world.schema}"._vesto_sync_status')
        assert cursor.fetchone()[0] == 3
        cursor.execute("RESET SESSION AUTHORIZATION")
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_state_that_its_owner_cannot_read(one_world):
    """It is opened first: what was filled is known by it alone."""
    world = ready(one_world)
    world.must_run()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'REVOKE SELECT ON "{world.schema}"."{state_table(world, cursor)}" '
                       f'FROM "{user}"')
        taken(world, cursor, "a")
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-PRIV", check
        cursor.execute(check["fix"]["snippet"])
        rounds, check = fixes_applied(world, cursor)
        assert rounds == [["a"]] and check["status"] == "passed", check
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_the_fix_says_how_many_tables_are_left(one_world):
    """It is repeated until nothing is left."""
    world = one_world
    for number in range(1003):
        world.table(f"public.t{number}", adopt=True)
    world.write_config()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"')
        for first in range(0, 1003, 500):
            cursor.execute(";".join(f'CREATE TABLE "{world.schema}".t{n} (i int)'
                                    for n in range(first, min(first + 500, 1003))))
        _, check = owner_check(world)
        lines = check["fix"]["snippet"].splitlines()
        assert len(lines) == 1001
        assert lines[-1] == "-- 3 more tables: run the test again for their lines."
        cursor.execute(check["fix"]["snippet"])
        ok, check = owner_check(world)
        assert not ok and len(check["fix"]["snippet"].splitlines()) == 3
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        for first in range(0, 1003, 500):
            cursor.execute("DROP TABLE " + ",".join(f'"{world.schema}".t{n}'
                                                    for n in range(first, min(first + 500, 1003))))
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_a_table_of_another_user_that_a_pattern_stands_for(one_world):
    world = one_world
    world.source("CREATE TABLE order_a (id bigint PRIMARY KEY); "
                 'CREATE TABLE "Order_b" (id bigint PRIMARY KEY)')
    world.table("public.order_*").table("public.Order_*").write_config()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"; '
                       f'CREATE TABLE "{world.schema}"."order_c" (id bigint); '
                       f'CREATE TABLE "{world.schema}"."reports" (id bigint)')
        # Nobody knows yet whether the source has it.
        ok, check = owner_check(world)
        assert ok and (check["status"], check["error"]["code"]) == ("warning", "RS-OWNER")
        assert "order_c (" in check["error"]["message"] and "fix" not in check
        assert "reports" not in json.dumps(check)
        assert world.run()[0] == 0
        taken(world, cursor, "order_a")
        taken(world, cursor, "order_b")
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER"
        assert "order_c" not in json.dumps(check)
        world.source("INSERT INTO order_a VALUES (1)")
        code, finished, _ = world.run()
        assert code != 0 and "RS-PRIV" in json.dumps(finished)
        cursor.execute(check["fix"]["snippet"])
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s AND tableowner = %s "
                       "AND tablename LIKE 'order%%' ORDER BY 1", (world.schema, user))
        assert cursor.fetchall() == [("order_a",), ("order_b",)]
        assert owner_check(world)[0]
        assert world.run()[0] == 0
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_what_a_pattern_leaves_to_an_entry_of_its_own(one_world):
    """Such a table goes into its own target, as in a run: one of the name that the pattern would give
    is a person's, and is not handed over."""
    world = one_world
    world.source("CREATE TABLE orders (id bigint PRIMARY KEY); INSERT INTO orders VALUES (1); "
                 "CREATE TABLE items (id bigint PRIMARY KEY)")
    world.table("public.*").table('public."orders"', target="shop_orders").write_config()
    world.must_run()
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE TABLE "{world.schema}"."orders" (id bigint)')
        # No run touches it, so there is nothing to say.
        ok, check = owner_check(world)
        assert ok and check["status"] == "passed", check
        for table in ("items", "shop_orders"):
            taken(world, cursor, table)
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-OWNER", check
        assert altered(world, check) == ["items", "shop_orders"]
        assert " orders" not in json.dumps(check["error"]), check
        assert world.run()[0] != 0
        cursor.execute(check["fix"]["snippet"])
        assert owner_check(world)[1]["status"] == "passed"
        world.must_run()
        # Without that entry the pattern stands for it; what was delivered went elsewhere.
        world.tables.clear()
        world.table("public.*").write_config()
        ok, check = owner_check(world)
        assert "orders (" in check["error"]["message"] and "fix" not in check, check
        assert "if Vesto made them" in check["error"]["hint"]
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


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


def test_a_view_of_a_targets_name(one_world):
    """A run says the same; whose the view is does not matter."""
    world = ready(one_world)
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; GRANT ALL ON SCHEMA "{world.schema}" TO '
                       f'"{user}"; CREATE VIEW "{world.schema}"."a" AS SELECT 1 AS id')
        ok, check = owner_check(world)
        assert not ok and check["error"]["code"] == "RS-TABLE-DIFFERS", check
        assert f"table {world.schema}.a: there is a view" in check["error"]["message"]
        assert "another target" in check["error"]["hint"] and "rename" in check["error"]["hint"]
        cursor.execute(f'ALTER TABLE "{world.schema}"."a" OWNER TO "{user}"')
        assert owner_check(world)[1]["error"] == check["error"]
        code, finished, _ = world.run()
        assert code != 0 and check["error"]["message"] in json.dumps(finished), finished
        assert "another target" in json.dumps(finished)
        # Vesto's own names can be given to nothing else.
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE; CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"; '
                       f'CREATE VIEW "{world.schema}"._vesto_loads AS SELECT 1 AS id')
        ok, check = owner_check(world)
        assert not ok and "_vesto_loads: there is a view" in check["error"]["message"]
        code, finished, _ = world.run()
        assert code != 0 and "RS-TABLE-DIFFERS" in json.dumps(finished), finished
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


def test_what_was_not_looked_at_is_not_passed(one_world):
    """More tables of others than are looked at, which a pattern may stand for."""
    world = one_world
    world.source("CREATE TABLE order_a (id bigint PRIMARY KEY)")
    world.table("public.order_*").write_config()
    user = world.sandbox.endpoints["redshift"]["user"]
    with admin(world.sandbox) as cursor:
        cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                       f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"')
        for first in range(0, 5001, 500):
            cursor.execute(";".join(f'CREATE TABLE "{world.schema}".z{n} (i int)'
                                    for n in range(first, min(first + 500, 5001))))
        ok, check = owner_check(world)
        assert check["status"] == "skipped" and "first 5000 tables" in check["reason"], check
        cursor.execute(f'DROP TABLE "{world.schema}".z0')
        assert owner_check(world)[1]["status"] == "passed"
        for first in range(1, 5001, 500):
            cursor.execute("DROP TABLE " + ",".join(f'"{world.schema}".z{n}'
                                                    for n in range(first, min(first + 500, 5001))))
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')
