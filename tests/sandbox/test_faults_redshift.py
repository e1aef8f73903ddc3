"""Faults on demand at the Redshift end: each does what it says, once, and is counted."""

import time

import psycopg2
import pytest


@pytest.fixture
def faults(running_sandbox):
    running_sandbox.clear_faults()
    yield running_sandbox
    running_sandbox.clear_faults()


@pytest.fixture
def table(connect, schema):
    connect().cursor().execute(f"create table {schema}.t (x int)")
    return f"{schema}.t"


def count(connect, table):
    cursor = connect().cursor()
    cursor.execute(f"select count(*) from {table}")
    return cursor.fetchone()[0]


def test_connect(faults):
    faults.fault("pg.connect", {"drop": "before"})
    with pytest.raises(psycopg2.OperationalError):
        faults.connect()
    faults.connect().close()
    faults.fault("pg.connect", {"error": "the cluster is being patched"}, nth=2)
    faults.connect().close()
    with pytest.raises(psycopg2.OperationalError, match="the cluster is being patched"):
        faults.connect()
    faults.connect().close()


@pytest.mark.parametrize("drop,expected", [("before", 0), ("during", 0), ("after", 0)])
def test_dropped_in_a_statement_of_a_transaction(faults, connect, table, drop, expected):
    connection = faults.connect()
    cursor = connection.cursor()
    faults.fault("pg.statement", {"drop": drop}, match="insert into")
    cursor.execute("begin")
    with pytest.raises(psycopg2.OperationalError):
        cursor.execute(f"insert into {table} values (1)")
    assert connection.closed
    assert count(connect, table) == expected


def settled(connect, table, expected, limit_s=5):
    """Waits until the table holds so many rows."""
    end = time.monotonic() + limit_s
    while count(connect, table) != expected:
        assert time.monotonic() < end, f"{count(connect, table)} rows, expected {expected}"
        time.sleep(0.02)


@pytest.mark.parametrize("drop,expected", [("before", 0), ("during", 1), ("after", 1)])
def test_dropped_in_commit(faults, connect, table, drop, expected):
    connection = faults.connect()
    cursor = connection.cursor()
    cursor.execute("begin")
    cursor.execute(f"insert into {table} values (1)")
    faults.fault("pg.commit", {"drop": drop})
    with pytest.raises(psycopg2.OperationalError):
        cursor.execute("commit")
    assert connection.closed
    if drop == "during":
        # The COMMIT still stands in the queue: a plain read races with it, LOCK waits for it.
        assert count(connect, table) == 0
        reader = connect().cursor()
        reader.execute("begin")
        reader.execute(f"lock {table}")
        reader.execute(f"select count(*) from {table}")
        assert reader.fetchone() == (1,)
        reader.execute("commit")
    settled(connect, table, expected)


@pytest.mark.parametrize("error,code,text", [
    ("1023", "XX000", "1023"), ("1018", "XX000", "1018"), ("Disk Full", "XX000", "Disk Full"),
    ("40P01", "40P01", "deadlock detected"), ("any other text", "XX000", "any other text")])
def test_errors_by_name(faults, connect, table, error, code, text):
    cursor = connect().cursor()
    faults.fault("pg.statement", {"error": error}, match="^insert")
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(f"insert into {table} values (1)")
    assert caught.value.pgcode == code
    assert caught.value.diag.message_primary == text
    cursor.execute(f"insert into {table} values (1)")
    assert count(connect, table) == 1


def test_conflict_at_commit_rolls_back(faults, connect, table):
    cursor = connect().cursor()
    faults.fault("pg.commit", {"error": "1023"})
    cursor.execute("begin")
    cursor.execute(f"insert into {table} values (1)")
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute("commit")
    assert caught.value.diag.message_primary == "1023"
    cursor.execute("rollback")
    assert count(connect, table) == 0


def test_full_disk(faults, connect, table):
    cursor = connect().cursor()
    faults.fault("disk", {"error": "Disk Full"})
    with pytest.raises(psycopg2.Error, match="Disk Full"):
        cursor.execute(f"insert into {table} values (1)")
    cursor.execute(f"insert into {table} values (1)")
    assert count(connect, table) == 1


def test_delay(faults, connect, table):
    cursor = connect().cursor()
    faults.fault("pg.statement", {"delay_ms": 400}, match="^select 7")
    begin = time.monotonic()
    cursor.execute("select 7")
    assert time.monotonic() - begin >= 0.4


def test_extended_protocol_meets_them_too(faults):
    from wire_client import WireClient, state
    with WireClient(faults) as client:
        client.login()
        faults.fault("pg.statement", {"error": "1023"}, match="select 8")
        client.parse("select 8 as n where $1 = 1", oids=(23,))
        client.bind((1,))
        client.execute()
        client.sync()
        assert state(client.read_until_ready()) == ("I", "XX000")


def test_statements_are_counted_by_class(faults, connect, table):
    before = faults.control("GET", "/v1/calls")
    cursor = connect().cursor()
    cursor.execute("begin")
    cursor.execute(f"insert into {table} values (1)")
    cursor.execute(f"insert into {table} values (2)")
    cursor.execute("commit")
    after = faults.control("GET", "/v1/calls")
    for name, more in (("statement.begin", 1), ("statement.insert", 2), ("statement.commit", 1),
                       ("pg.connect", 1), ("pg.commit", 1)):
        assert after[name] - before.get(name, 0) == more, name
