"""What the tests of `vesto destination test` have in common."""
import contextlib
import json

import psycopg2


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


def taken(world, cursor, table):
    """The table belongs to the admin from now on."""
    cursor.execute("SELECT current_user")
    (somebody,), = cursor.fetchall()
    cursor.execute(f'ALTER TABLE "{world.schema}"."{table}" OWNER TO "{somebody}"')


def owner_check(world):
    report, checks = report_of(world, "--only", "redshift.owner")
    return report["ok"], checks["redshift.owner"]


def place_of(world, table, sync="shop"):
    """The setting that names the table, as errors tell it."""
    lines = (world.folder / "vesto.toml").read_text().splitlines()
    line = lines.index(f'name = "{table}"')  # the line of its [[sync.NAME.table]], counted from 1
    return f"sync.{sync}, table {table} ({world.folder / 'vesto.toml'}:{line})"
