"""The extended query protocol, message by message."""

import struct

import psycopg2
import pytest

from wire_client import WireClient, columns, error_fields, kinds, rows, state, tags


@pytest.fixture
def wire(running_sandbox):
    client = WireClient(running_sandbox).login()
    yield client
    client.close()


@pytest.fixture
def table(wire, schema):
    name = f"{schema}.t"
    assert tags(wire.run(f"create table {name} (id int, name varchar(20), amt decimal(12,2),"
                         " s super, b varbyte(10))")) == ["CREATE TABLE"]
    return name


def test_parse_bind_describe_execute(wire, table):
    wire.parse(f"insert into {table} (id, name) values ($1, $2)", oids=(21, 705))
    wire.bind((7, "seven"))
    wire.describe("P")
    wire.execute()
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "12nCZ"
    assert tags(messages) == ["INSERT 0 1"]
    assert state(messages) == ("I", None)
    wire.parse(f"select id, name from {table} where id = $1 and name like $2", oids=(21, 0))
    wire.describe("S")
    wire.bind((7, "sev%"))
    wire.execute()
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "1tT2DCZ"
    assert columns(messages) == [("id", 23, 0), ("name", 1043, 0)]
    assert rows(messages) == [[b"7", b"seven"]]


def test_binary_parameters_and_results(wire, table):
    wire.parse(f"insert into {table} (id, amt) values ($1, $2)", oids=(23, 701))
    wire.bind((struct.pack("!i", 5), struct.pack("!d", 1.25)), formats=(1, 1))
    wire.execute()
    wire.sync()
    assert tags(wire.read_until_ready()) == ["INSERT 0 1"]
    wire.parse(f"select id, amt::float8 as f, true as t from {table}")
    wire.bind(result_formats=(1,))
    wire.describe("P")
    wire.execute()
    wire.sync()
    messages = wire.read_until_ready()
    assert [c[2] for c in columns(messages)] == [1, 1, 1]
    assert rows(messages) == [[struct.pack("!i", 5), struct.pack("!d", 1.25), b"\x01"]]


@pytest.mark.parametrize("result_format", [0, 1])
def test_super_and_varbyte_have_redshift_types(wire, table, result_format):
    wire.run(f"insert into {table} (s, b) values (json_parse('{{\"a\": [1, \"x y\"]}}'), from_hex('0aff'))")
    wire.parse(f"select s, b from {table}")
    wire.bind(result_formats=(result_format,))
    wire.describe("P")
    wire.execute()
    wire.sync()
    messages = wire.read_until_ready()
    assert [c[1] for c in columns(messages)] == [4000, 6551]
    assert rows(messages) == [[b'{"a":[1,"x y"]}', b"\x0a\xff" if result_format else b"0aff"]]


def test_portal_with_a_row_limit(wire):
    wire.run("begin")
    wire.parse("select 1 as n union all select 2 union all select 3")
    wire.bind(portal="p")
    wire.execute("p", 2)
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "12DDsZ"
    assert state(messages) == ("T", None)
    wire.execute("p", 2)
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "DCZ"
    assert rows(messages) == [[b"3"]]
    wire.run("commit")
    wire.execute("p")
    wire.sync()
    assert state(wire.read_until_ready()) == ("I", "34000")


def test_execute_with_max_rows_one_for_statements_without_rows(wire, table):
    for sql, tag in (("begin", "BEGIN"), (f"insert into {table}(id) values (1)", "INSERT 0 1"),
                     ("set query_group to 'x'", "SET"), ("commit", "COMMIT")):
        wire.parse(sql)
        wire.bind()
        wire.describe("P")
        wire.execute(max_rows=1)
        wire.sync()
        messages = wire.read_until_ready()
        assert kinds(messages) == "12nCZ"
        assert tags(messages) == [tag]


def test_empty_queries(wire):
    for sql in ("", ";", "  -- nothing\n"):
        wire.parse(sql)
        wire.bind()
        wire.describe("P")
        wire.execute()
        wire.sync()
        assert kinds(wire.read_until_ready()) == "12nIZ"
        assert kinds(wire.run(sql)) == "IZ"


def test_flush_flushes_and_two_syncs_give_two_answers(wire):
    wire.parse("select 1", name="s1")
    wire.flush()
    assert wire.read() == ("1", b"")
    wire.describe("S", "s1")
    wire.flush()
    assert wire.read()[0] == "t"
    assert wire.read()[0] == "T"
    wire.sync()
    assert wire.read_until_ready()[-1][1] == b"I"
    wire.bind(name="s1")
    wire.flush()
    assert wire.read() == ("2", b"")
    wire.execute()
    wire.flush()
    assert wire.read()[0] == "D"
    assert wire.read()[0] == "C"
    wire.sync()
    assert kinds(wire.read_until_ready()) == "Z"
    wire.close_target("S", "s1")
    wire.flush()
    assert wire.read() == ("3", b"")
    wire.sync()
    wire.read_until_ready()
    # The name is free again, and gone.
    wire.bind(name="s1")
    wire.sync()
    assert state(wire.read_until_ready()) == ("I", "26000")
    wire.parse("select 2", name="s1")
    wire.bind(name="s1")
    wire.execute()
    wire.sync()
    assert rows(wire.read_until_ready()) == [[b"2"]]


def test_after_an_error_everything_is_skipped_to_sync(wire, table):
    wire.parse(f"insert into {table}(id) values (1)")
    wire.bind()
    wire.execute()
    wire.parse("select * from nowhere_at_all")
    wire.bind()
    wire.execute()
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "12CEZ"
    assert state(messages) == ("I", "42P01")
    # What stood before the error in the same implicit transaction is gone with it.
    assert rows(wire.run(f"select count(*) from {table}"))[0] == [b"0"]


def test_the_unnamed_statement_survives_our_own_statements(wire, table):
    wire.parse(f"insert into {table}(id) values ($1)")
    wire.sync()
    wire.read_until_ready()
    for value in (1, 2, 3):
        wire.bind((value,))
        wire.execute()
        wire.sync()
        assert tags(wire.read_until_ready()) == ["INSERT 0 1"]
    assert rows(wire.run(f"select count(*) from {table}"))[0] == [b"3"]


def test_transaction_by_parse(wire, table, running_sandbox):
    def run(sql):
        wire.parse(sql)
        wire.bind()
        wire.execute()
        wire.sync()
        return wire.read_until_ready()
    assert state(run("begin transaction")) == ("T", None)
    assert state(run(f"insert into {table}(id) values (1)")) == ("T", None)
    assert state(run("select 1/0")) == ("E", "22012")
    assert state(run("select 1")) == ("E", "25P02")
    assert state(run("rollback")) == ("I", None)
    assert rows(run(f"select count(*) from {table}"))[0] == [b"0"]


def test_several_commands_in_one_parse_are_refused(wire):
    wire.parse("select 1; select 2")
    wire.sync()
    messages = wire.read_until_ready()
    assert error_fields(messages[0][1])["M"] == \
        "cannot insert multiple commands into a prepared statement"
    assert state(messages) == ("I", "42601")


def test_wrong_number_of_parameters(wire):
    wire.parse("select $1::int")
    wire.bind((1, 2))
    wire.sync()
    assert state(wire.read_until_ready()) == ("I", "08P01")
    wire.parse("begin")
    wire.bind((1,))
    wire.sync()
    assert state(wire.read_until_ready()) == ("I", "08P01")


def test_ddl_copy_and_show_by_parse(wire, schema):
    for sql, expected in ((f"create table {schema}.x (a int) diststyle key distkey(a)", "12C"),
                          ("show query_group", "12DC"), (f"truncate {schema}.x", "12C"),
                          (f"lock {schema}.x", "12C"), (f"drop table {schema}.x", "12C")):
        wire.parse(sql)
        wire.bind()
        wire.execute()
        wire.sync()
        messages = wire.read_until_ready()
        assert kinds(messages) == expected + "Z", error_fields(messages[-2][1])
    wire.parse("show query_group")
    wire.describe("S")
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "1tTZ"
    assert columns(messages) == [("query_group", 25, 0)]


def test_named_cursor_of_psycopg2(connect, schema):
    connection = connect(autocommit=False)
    cursor = connection.cursor("nc")
    cursor.itersize = 2
    cursor.execute("select 1 as n union all select 2 union all select 3 order by 1")
    assert [row[0] for row in cursor] == [1, 2, 3]
    connection.commit()


@pytest.mark.parametrize("kind,body", [
    ("P", b""), ("P", b"\0"), ("P", b"\0select 1\0\xff\xff"), ("B", b"\0\0\0"),
    ("B", b"\0\0\0\0\0\x01\x7f\xff\xff\xff"), ("D", b""), ("D", b"X\0"), ("E", b"\0"),
    ("C", b"S"), ("Q", b"select 1"), ("z", b""), ("F", b"\0\0\0\x01"),
])
def test_malformed_messages_end_the_session_and_nothing_else(wire, running_sandbox, kind, body):
    wire.send(kind, body)
    wire.sync()
    with pytest.raises((ConnectionError, AssertionError)):
        while True:
            got, text = wire.read()
            assert got != "E" or error_fields(text)["S"] != "FATAL"
    running_sandbox.connect().close()


def test_a_length_beyond_the_bound_is_refused(wire):
    wire.socket.sendall(b"Q" + struct.pack("!i", 2**31 - 1))
    kind, body = wire.read()
    assert kind == "E" and error_fields(body)["S"] == "FATAL"


def test_statement_too_large(wire):
    messages = wire.run("select '" + "x" * (17 * 1024 * 1024) + "'")
    assert state(messages) == ("I", "42601")
    assert error_fields(messages[0][1])["M"].startswith("Statement is too large. Statement Size: ")


def test_psycopg2_sees_nothing_of_the_wrapping(connect):
    connection = connect(autocommit=False)
    cursor = connection.cursor()
    cursor.execute("select 1")
    assert connection.status == psycopg2.extensions.STATUS_BEGIN
    connection.rollback()
    assert connection.notices == []


def test_a_declared_cursor_can_be_described(wire):
    wire.run("begin")
    wire.run('declare "nc" cursor for select 1 as n')
    wire.describe("P", "nc")
    wire.sync()
    messages = wire.read_until_ready()
    assert kinds(messages) == "TZ"
    assert columns(messages) == [("n", 23, 0)]
    wire.run("commit")
    wire.describe("P", "nc")
    wire.sync()
    assert state(wire.read_until_ready()) == ("I", "34000")
