"""The eleven two-session scenarios under both isolation levels: what waits, what fails, what
commits (docs/ARCHITECTURE.md has the table). Each is driven through the front-end by psycopg2."""

import threading

import psycopg2
import pytest

WAIT_S = 0.3  # how long a statement must stand to count as waiting
END_S = 10


@pytest.fixture(scope="module", params=["serializable", "snapshot"])
def level(request, start_sandbox):
    sandbox = start_sandbox("isolation-" + request.param, "--isolation", request.param)
    sandbox.level = request.param
    yield sandbox
    sandbox.stop()


class Client:
    """A session that runs statements one by one, in the background where asked to."""

    def __init__(self, sandbox):
        self.connection = sandbox.connect(autocommit=True)
        self.cursor = self.connection.cursor()
        self.thread = None
        self.result = None

    def run(self, sql):
        try:
            self.cursor.execute(sql)
            return self.cursor.statusmessage
        except psycopg2.Error as error:
            assert error.pgcode != "40001", "PostgreSQL's own code must not be seen"
            self.detail = error.diag.message_detail
            return "1023" if error.diag.message_primary == "1023" else error.pgcode

    def start(self, sql):
        """Runs it in the background; "waits" if it has not ended in time."""
        def work():
            self.result = self.run(sql)
        self.thread = threading.Thread(target=work)
        self.thread.start()
        self.thread.join(WAIT_S)
        return "waits" if self.thread.is_alive() else self.result

    def join(self):
        self.thread.join(END_S)
        assert not self.thread.is_alive(), "still waiting"
        return self.result

    def commit(self):
        return self.run("commit")


@pytest.fixture
def pair(level):
    made = []

    def connect():
        made.append(Client(level))
        return made[-1]

    admin = connect()
    admin.run("drop schema if exists iso cascade")
    admin.run("create schema iso")
    for table in "tu":
        assert admin.run(f"create table iso.{table} (id int, v int)") == "CREATE TABLE"
        values = ",".join(f"({i},0)" for i in range(1, 101))
        assert admin.run(f"insert into iso.{table} values {values}") == "INSERT 0 100"
    for table in ("loads", "st1", "st2"):
        assert admin.run(f"create table iso.{table} (id int, l varchar(8))") == "CREATE TABLE"
    for table in ("st1", "st2"):
        assert admin.run(f"insert into iso.{table} values (1, 'a')") == "INSERT 0 1"

    def begin(count=2):
        clients = [connect() for _ in range(count)]
        for client in clients:
            assert client.run("begin") == "BEGIN"
        return clients

    yield level.level, begin
    for client in made:
        client.connection.close()


def test_1_insert_insert(pair):
    _, begin = pair
    a, b = begin()
    assert a.run("insert into iso.t values (1000,1)") == "INSERT 0 1"
    assert b.start("insert into iso.t values (1001,1)") == "waits"
    assert a.commit() == "COMMIT"
    assert b.join() == "INSERT 0 1"
    assert b.commit() == "COMMIT"


def test_2_update_same_row(pair):
    _, begin = pair
    a, b = begin()
    assert a.run("update iso.t set v = 1 where id = 1") == "UPDATE 1"
    assert b.start("update iso.t set v = 2 where id = 1") == "waits"
    assert a.commit() == "COMMIT"
    assert b.join() == "1023"
    assert "Serializable isolation violation on table - " in b.detail
    assert b.run("select 1") == "25P02"
    assert b.commit() == "ROLLBACK"


def test_3_update_different_rows(pair):
    level, begin = pair
    a, b = begin()
    assert a.run("update iso.t set v = 1 where id = 1") == "UPDATE 1"
    assert b.start("update iso.t set v = 2 where id = 2") == "waits"
    assert a.commit() == "COMMIT"
    if level == "serializable":
        assert b.join() == "1023"
        assert b.commit() == "ROLLBACK"
    else:
        assert b.join() == "UPDATE 1"
        assert b.commit() == "COMMIT"


def test_4_insert_then_update_both(pair):
    level, begin = pair
    a, b = begin()
    assert a.run("insert into iso.t values (1000,1)") == "INSERT 0 1"
    assert b.start("insert into iso.t values (1001,1)") == "waits"
    if level == "serializable":
        assert a.run("update iso.t set v = 1 where id = 1") == "UPDATE 1"
        assert a.commit() == "COMMIT"
        assert b.join() == "INSERT 0 1"
        assert b.run("update iso.t set v = 2 where id = 2") == "1023"
        assert b.commit() == "ROLLBACK"
        return
    # A waits for B's shared intent, B for A's write phase: one of them is ended.
    a_update = a.run("update iso.t set v = 1 where id = 1")
    b_insert = b.join()
    assert sorted([a_update == "40P01", b_insert == "40P01"]) == [False, True]
    loser, winner = (a, b) if a_update == "40P01" else (b, a)
    assert loser.commit() == "ROLLBACK"
    assert winner.commit() == "COMMIT"


def test_5_readers_are_not_blocked_but_by_lock(pair):
    _, begin = pair
    a, b = begin()
    assert a.run("update iso.t set v = 1") == "UPDATE 100"
    assert b.start("select count(*) from iso.t") == "SELECT 1"
    assert a.commit() == "COMMIT"
    assert b.commit() == "COMMIT"
    a, b = begin()
    assert a.run("lock iso.t") == "LOCK TABLE"
    assert b.start("select count(*) from iso.t") == "waits"
    assert a.commit() == "COMMIT"
    assert b.join() == "SELECT 1"
    assert b.commit() == "COMMIT"


def test_6_create_same_table(pair):
    _, begin = pair
    a, b = begin()
    assert a.run("create table iso.n (i int)") == "CREATE TABLE"
    assert b.start("create table iso.n (i int)") == "waits"
    assert a.commit() == "COMMIT"
    assert b.join() == "42P07"
    assert b.commit() == "ROLLBACK"


def test_7_lock_then_compare_and_set(pair):
    _, begin = pair
    a, b = begin()
    assert a.run("lock iso.st1") == "LOCK TABLE"
    assert b.start("lock iso.st1") == "waits"
    assert a.run("update iso.st1 set l = 'b' where l = 'a'") == "UPDATE 1"
    assert a.commit() == "COMMIT"
    assert b.join() == "LOCK TABLE"
    assert b.run("update iso.st1 set l = 'c' where l = 'a'") == "UPDATE 0"
    assert b.commit() == "COMMIT"


def test_8_any_select_before_lock_spoils_it(pair):
    _, begin = pair
    a, b = begin()
    assert b.run("select pg_backend_pid()") == "SELECT 1"
    assert a.run("lock iso.st1") == "LOCK TABLE"
    assert b.start("lock iso.st1") == "waits"
    assert a.run("update iso.st1 set l = 'b' where l = 'a'") == "UPDATE 1"
    assert a.commit() == "COMMIT"
    assert b.join() == "LOCK TABLE"
    assert b.run("update iso.st1 set l = 'c' where l = 'a'") == "1023"
    assert b.commit() == "ROLLBACK"


def test_8b_lock_inside_a_string_of_statements_spoils_it_too(pair):
    _, begin = pair
    (a,) = begin(1)
    assert a.run("lock iso.st1") == "LOCK TABLE"
    b = begin(1)[0]
    b.run("rollback")
    assert b.start("begin; lock iso.st1") == "waits"
    assert a.run("update iso.st1 set l = 'b' where l = 'a'") == "UPDATE 1"
    assert a.commit() == "COMMIT"
    assert b.join() == "LOCK TABLE"
    assert b.run("update iso.st1 set l = 'c' where l = 'a'") == "1023"
    assert b.commit() == "ROLLBACK"


def test_9_two_loads_blind_insert_into_shared_table(pair):
    _, begin = pair
    a, b = begin()
    for client, state, table in ((a, "st1", "t"), (b, "st2", "u")):
        assert client.run(f"lock iso.{state}") == "LOCK TABLE"
        assert client.run(f"update iso.{state} set l = 'b'") == "UPDATE 1"
        assert client.run(f"delete from iso.{table} where id < 5") == "DELETE 4"
        assert client.run(f"insert into iso.{table} values (2,2)") == "INSERT 0 1"
    assert a.run("insert into iso.loads values (1)") == "INSERT 0 1"
    assert b.start("insert into iso.loads values (2)") == "waits"
    assert a.commit() == "COMMIT"
    assert b.join() == "INSERT 0 1"
    assert b.commit() == "COMMIT"


def test_10_select_then_insert_in_shared_table(pair):
    level, begin = pair
    a, b = begin()
    for client, state in ((a, "st1"), (b, "st2")):
        assert client.run(f"update iso.{state} set l = 'b'") == "UPDATE 1"
        assert client.run("select count(*) from iso.loads") == "SELECT 1"
    assert a.run("insert into iso.loads values (1)") == "INSERT 0 1"
    assert b.start("insert into iso.loads values (2)") == "waits"
    assert a.commit() == "COMMIT"
    outcome = b.join()
    if level == "serializable":
        assert outcome == "1023"
        assert b.commit() == "ROLLBACK"
    else:
        assert outcome == "INSERT 0 1"
        assert b.commit() == "COMMIT"


def test_11_write_skew_over_two_tables(pair):
    level, begin = pair
    a, b = begin()
    assert a.run("select sum(v) from iso.t") == "SELECT 1"
    assert b.run("select sum(v) from iso.u") == "SELECT 1"
    assert a.run("insert into iso.u values (1,1)") == "INSERT 0 1"
    assert b.run("insert into iso.t values (1,1)") == "INSERT 0 1"
    assert a.commit() == "COMMIT"
    assert b.commit() == ("1023" if level == "serializable" else "COMMIT")


def test_temporary_tables_take_no_part(pair):
    _, begin = pair
    a, b = begin()
    for client in (a, b):
        assert client.run("create temp table stage (i int)") == "CREATE TABLE"
        assert client.run("insert into stage values (1)") == "INSERT 0 1"
        assert client.run("delete from stage") == "DELETE 1"
    assert a.commit() == "COMMIT"
    assert b.commit() == "COMMIT"


def test_rollback_of_the_first_lets_the_second_go(pair):
    _, begin = pair
    a, b = begin()
    assert a.run("update iso.t set v = 1 where id = 1") == "UPDATE 1"
    assert b.start("update iso.t set v = 2 where id = 1") == "waits"
    assert a.run("rollback") == "ROLLBACK"
    assert b.join() == "UPDATE 1"
    assert b.commit() == "COMMIT"
