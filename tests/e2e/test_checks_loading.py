"""vesto destination test while a sync loads: the load holds the lock of its state table, for as long
as it takes."""
import contextlib
import json
import time

import psycopg2
import pytest


@contextlib.contextmanager
def loading(world):
    """As the load transaction does: the state's lock is held until the end."""
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text)")
    world.table("public.a").write_config()
    world.must_run()
    connection = psycopg2.connect(world.sandbox.dsn(admin=True))
    try:
        cursor = connection.cursor()
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = %s AND "
                       "tablename LIKE %s", (world.schema, "_vesto_state_%"))
        (table,), = cursor.fetchall()
        connection.commit()
        cursor.execute(f'LOCK TABLE "{world.schema}"."{table}"')
        yield connection
    finally:
        connection.close()


def owner_of(report):
    return {c["id"]: c for c in report["checks"]}["redshift.owner"]


@pytest.mark.parametrize("command", ["destination", "doctor"])
def test_a_sync_that_loads_is_no_failure(one_world, command):
    world = one_world
    with loading(world) as connection:
        from_s = time.monotonic()
        done = (world.check("destination", "--json", "--only", "redshift.owner")
                if command == "destination" else
                world.vesto("doctor", "--json", "--only", "redshift.owner",
                            environment={"AWS_ENDPOINT_URL_STS":
                                         world.sandbox.endpoints["aws"]["url"]}))
        assert time.monotonic() - from_s < 9, "the lock was waited for"
        report = json.loads(done.stdout)
        if command == "doctor":
            report, = (r for r in report["reports"] if r["target"]["kind"] == "destination")
        check = owner_of(report)
        assert check["status"] == "skipped" and done.returncode == 0, check
        assert "sync shop is loading just now" in check["reason"], check
        assert "not looked at" in check["reason"], check
        connection.rollback()
    assert owner_of(json.loads(world.check("destination", "--json").stdout))["status"] == "passed"
    world.assert_nothing_left()


def test_a_failure_says_what_was_not_looked_at(one_world):
    world = one_world
    with loading(world) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_user")
        (somebody,), = cursor.fetchall()
        other = psycopg2.connect(world.sandbox.dsn(admin=True))
        other.autocommit = True
        other.cursor().execute(f'ALTER TABLE "{world.schema}"."a" OWNER TO "{somebody}"')
        other.close()
        done = world.check("destination", "--json", "--only", "redshift.owner")
        check = owner_of(json.loads(done.stdout))
        assert (check["status"], check["error"]["code"]) == ("failed", "RS-OWNER"), check
        (left_out,) = (e["value"] for e in check["evidence"] if e["name"] == "left_out")
        assert "is loading just now" in left_out
        connection.rollback()
