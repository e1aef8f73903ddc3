"""--redact: a report for a ticket. No name of the configuration is in it, whatever became of it."""
import contextlib
import json
import re
import subprocess

import psycopg2
import pytest
from test_doctor import doctor
from test_source_checks import reader
from world import RELEASE, password_auth


def ready(world):
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text);"
                 "CREATE TABLE zebra_herds (id bigint PRIMARY KEY)")
    world.table("public.a").table("public.zebra_herds").write_config()
    return world


def names_of(world):
    """What the configuration names, as this test reads it."""
    text = (world.folder / "vesto.toml").read_text()
    names = {world.schema, world.database, str(world.folder), "zebra_herds"}
    for key in ("bucket", "prefix", "host", "user", "database", "access_key_id", "endpoint"):
        names |= {n.strip("/") for n in re.findall(rf'^{key} = "([^"]+)"', text, re.M)}
    redshift = world.sandbox.endpoints["redshift"]
    names |= {redshift["host"], redshift["user"], redshift["database"]}
    assert {n for n in names if len(n) > 2} == names and len(names) >= 8, names
    return names - {"vesto"}  # the program's own name, whoever else has it


def assert_no_names(world, *texts, more=()):
    for text in texts:
        assert text
        for name in names_of(world) | set(more):
            whole = re.compile(r"(?<![A-Za-z0-9_])" + re.escape(name) + r"(?![A-Za-z0-9_])")
            assert not whole.search(text), (name, text)
        for target in ("rs", "pg"):
            assert not re.search(rf"(?<![\w-]){target}(?![\w-])", text), (target, text)
        assert not re.search(r"\b\d{12}\b|\b\d+\.\d+\.\d+\.\d+\b|arn:aws|AKIA|s3://", text), text


def test_a_destination_that_passes_and_one_that_fails(one_world):
    world = ready(one_world)
    done = world.check("destination", "--redact")
    assert done.returncode == 0 and "destination-1 is ready." in done.stdout, done.stdout
    assert_no_names(world, done.stdout)
    report = json.loads(world.check("destination", "--redact", "--json").stdout)
    assert report["redacted"] is True and report["schema"] == "vesto.check_report/1"
    assert report["target"] == {"kind": "destination", "name": "destination-1"}
    assert_no_names(world, json.dumps(report))
    checks = {c["id"]: c for c in report["checks"]}
    seen = {e["name"]: e["value"] for e in checks["s3.bucket"]["evidence"]}
    assert re.fullmatch(r"bucket-\d+", seen["bucket"]) and re.fullmatch(r"[a-z]+-[a-z]+-\d",
                                                                       seen["region"]), seen
    assert {"name": "rows", "value": "5 of 5"} in checks["redshift.copy"]["evidence"]
    # Two faults: the bucket and the password.
    world.write_config(bucket="no-such-bucket-here")
    (world.folder / "redshift.pw").write_text("wrong")
    done = world.check("destination", "--redact")
    assert done.returncode == 4 and "destination-1 is not ready" in done.stdout, done.stdout
    text = world.check("destination", "--redact", "--json").stdout
    codes = [c["error"]["code"] for c in json.loads(text)["checks"] if c["status"] == "failed"]
    assert codes == ["RS-LOGIN-PASSWORD", "S3-NO-BUCKET"]
    assert_no_names(world, done.stdout, text, more=["no-such-bucket-here"])


def test_what_is_waited_for_has_no_names(one_world):
    world = ready(one_world)
    world.sandbox.fault("s3.put", {"status": 403, "code": "AccessDenied"}, match=".*", nth=1,
                        count=99)
    try:
        done = subprocess.run(
            world.command("destination", "test", "rs", "--wait", "1s", "--redact", "--only",
                          "s3.put", binary=RELEASE), text=True, capture_output=True, timeout=60)
    finally:
        world.sandbox.clear_faults()
    assert "waiting up to" in done.stdout and "S3-DENIED" in done.stdout, done.stdout
    assert_no_names(world, done.stdout)


def test_a_source_whose_tables_may_not_be_read(one_world):
    world = ready(one_world)
    done = world.check("source", "--redact")
    assert done.returncode == 0 and "source-1 is ready." in done.stdout, done.stdout
    assert_no_names(world, done.stdout)
    with reader(world) as role:
        world.write_config()
        done = world.check("source", "--redact")
        assert done.returncode == 4 and "PG-PRIV" in done.stdout, done.stdout
        text = world.check("source", "--redact", "--json").stdout
        assert_no_names(world, done.stdout, text, more=[role])


def test_doctor(one_world):
    world = ready(one_world)
    done, data = doctor(world, "--redact"), doctor(world, "--redact", "--json")
    assert done.returncode == 0, done.stdout
    whole = json.loads(data.stdout)
    assert whole["redacted"] is True and all(r["redacted"] for r in whole["reports"])
    kinds = [r["target"]["name"] for r in whole["reports"]]
    assert kinds == ["host", "destination-1", "source-1"]
    assert_no_names(world, done.stdout, data.stdout)
    # One that is not understood has no list of names: they are told from what is written.
    path = world.folder / "vesto.toml"
    path.write_text(path.read_text().replace("create_schema =", "creat_schema ="))
    done = doctor(world, "--redact")
    assert done.returncode == 3 and "CFG-" in done.stdout, (done.returncode, done.stdout)
    assert_no_names(world, done.stdout, doctor(world, "--redact", "--json").stdout)


@pytest.fixture
def two_others(one_world):
    """A cursor of the admin, and two users that the configuration does not name."""
    names = ["jane_doe", "IAM:kim.smith@corp.com"]
    connection = psycopg2.connect(one_world.sandbox.dsn(admin=True))
    connection.autocommit = True
    cursor = connection.cursor()
    for name in names:
        cursor.execute(f'CREATE USER "{name}" PASSWORD DISABLE')
    try:
        yield cursor, names
    finally:
        cursor.execute(f'DROP SCHEMA IF EXISTS "{one_world.schema}" CASCADE')
        for name in names:
            cursor.execute(f'DROP USER "{name}"')
        connection.close()


def redacted(world, check):
    done = world.check("destination", "--redact", "--only", check)
    text = world.check("destination", "--redact", "--json", "--only", check).stdout
    return done.stdout, text, {c["id"]: c for c in json.loads(text)["checks"]}[check]


def test_owners_of_tables(one_world, two_others):
    world, (cursor, names) = ready(one_world), two_others
    user = world.sandbox.endpoints["redshift"]["user"]
    cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                   f'GRANT ALL ON SCHEMA "{world.schema}" TO "{user}"')
    for table, name in zip(("a", "zebra_herds"), names):
        cursor.execute(f'CREATE TABLE "{world.schema}"."{table}" (id bigint);'
                       f'ALTER TABLE "{world.schema}"."{table}" OWNER TO "{name}"')
    text, data, check = redacted(world, "redshift.owner")
    assert_no_names(world, text, data, more=[*names, "kim.smith"])
    rights = r"\(user-\d; no SELECT, INSERT, DELETE\)"
    assert re.search(rf"other users: table-\d {rights}, table-\d {rights}$",
                     check["error"]["message"]), check
    for table in ("a", "zebra_herds"):
        cursor.execute(f'GRANT SELECT, INSERT, DELETE ON "{world.schema}"."{table}" TO "{user}"')
    text, data, check = redacted(world, "redshift.owner")
    assert check["status"] == "warning", check
    assert_no_names(world, text, data, more=[*names, "kim.smith"])
    no_update = r"table-\d \(user-\d; no UPDATE\)"
    assert re.search(rf"columns of others: {no_update}, {no_update}$", check["error"]["message"])


def test_a_sync_that_only_the_warehouse_knows(one_world):
    world = ready(one_world)
    for former in ("herd_mover_77", "orders"):  # the second is a word of our own texts
        world.source("INSERT INTO a VALUES (1, 'one') ON CONFLICT DO NOTHING")
        world.write_config(sync=former).must_run(sync=former)
        world.write_config(sync="shop")
        plain = world.check("destination", "--only", "redshift.owner").stdout
        assert f'the sync "{former}" delivered' in plain, plain
        text, data, check = redacted(world, "redshift.owner")
        assert re.search(r'the sync "sync-\d" delivered .* name "sync-\d" back',
                         check["error"]["hint"]), check
        assert_no_names(world, text, data, more=[former])
        world.sandbox.query(f'DROP SCHEMA "{world.schema}" CASCADE')


@pytest.mark.parametrize("superuser", [False, True])
def test_tables_that_only_a_pattern_stands_for(one_world, superuser):
    world, tables = one_world, ("severance_a", "payroll_x")
    world.source("".join(f"CREATE TABLE {name} (id bigint PRIMARY KEY);" for name in tables))
    world.table("public.*")
    redshift = world.sandbox.endpoints["redshift"]
    if superuser:
        (world.folder / "admin.pw").write_text(redshift["admin"]["password"])
        world.auth = password_auth(world.sandbox).replace(
            f'user = "{redshift["user"]}"', f'user = "{redshift["admin"]["user"]}"').replace(
                "redshift.pw", "admin.pw")
    world.write_config()
    with contextlib.closing(psycopg2.connect(world.sandbox.dsn(admin=superuser))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(f'CREATE SCHEMA "{world.schema}"')
        for name in tables:
            cursor.execute(f'CREATE TABLE "{world.schema}"."{name}" (id int);'
                           f'INSERT INTO "{world.schema}"."{name}" VALUES (1)')
        for source_port in (world.postgres.port, 1):  # without an answer all of the schema may be meant
            world.write_config(source_port=source_port)
            plain = world.check("destination", "--only", "redshift.owner").stdout
            assert all(name in plain for name in tables), plain
            text, data, check = redacted(world, "redshift.owner")
            assert check["error"]["message"].count("table-") == 2, check
            assert_no_names(world, text, data, more=tables)
        cursor.execute(f'DROP SCHEMA "{world.schema}" CASCADE')


@pytest.mark.parametrize("owner", [0, 1])
def test_the_owner_of_the_schema(one_world, two_others, owner):
    world, (cursor, names) = ready(one_world), two_others
    cursor.execute(f'CREATE SCHEMA "{world.schema}"; '
                   f'ALTER SCHEMA "{world.schema}" OWNER TO "{names[owner]}"')
    text, data, check = redacted(world, "redshift.schema")
    assert check["error"]["code"] == "RS-PRIV-SCHEMA", check
    assert re.search(r"in schema schema-\d, which user-\d owns", check["error"]["message"]), check
    assert_no_names(world, text, data, more=[*names, "kim.smith"])
