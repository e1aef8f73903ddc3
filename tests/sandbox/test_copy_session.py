"""COPY through a session: what is loaded, what is left of a failure, what is logged."""

import threading
import time

import psycopg2
import pytest

from s3_small import SmallS3


@pytest.fixture(scope="module")
def s3(sandbox):
    return SmallS3(sandbox)


@pytest.fixture
def cursor(connect, schema):
    cursor = connect().cursor()
    cursor.execute(f"create table {schema}.t (id int not null, name varchar(5))")
    cursor.execute(f"set search_path to {schema}")
    return cursor


def put(s3, schema, body, name="1.csv"):
    s3.put(f"{schema}/{name}", body)
    return f"from '{s3.url(schema)}/' {s3.credentials()} csv"


def error_of(cursor, sql):
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(sql)
    return caught.value


def test_load_and_its_notice(cursor, s3, schema):
    source = put(s3, schema, b'1,ab\n2,"c,d"\n3,\n')
    cursor.execute(f"copy t {source}")
    assert cursor.statusmessage == "COPY"
    assert [n.strip() for n in cursor.connection.notices] == [
        "INFO:  Load into table 't' completed, 3 record(s) loaded successfully."]
    cursor.execute("select pg_last_copy_count()")
    assert cursor.fetchone() == (3,)
    cursor.execute("select * from t order by id")
    assert cursor.fetchall() == [(1, "ab"), (2, "c,d"), (3, "")]
    cursor.execute("select status, loaded_rows, table_name from sys_load_history"
                   " order by query_id desc limit 1")
    assert cursor.fetchone() == ("completed", 3, "t")


def test_a_failed_copy_leaves_nothing_but_its_errors(cursor, s3, schema):
    source = put(s3, schema, b"1,ab\n2,toolong\n")
    cursor.execute("begin")
    error = error_of(cursor, f"copy t {source}")
    assert error.pgcode == "XX000"
    assert error.diag.message_primary == (
        "Load into table 't' failed.  Check 'stl_load_errors' system table for details.")
    assert error_of(cursor, "select * from stl_load_errors").pgcode == "25P02"
    cursor.execute("rollback")
    cursor.execute("select count(*) from t")
    assert cursor.fetchone() == (0,)
    cursor.execute("select pg_last_copy_id(), pg_last_copy_count()")
    query, count = cursor.fetchone()
    assert count == 0
    cursor.execute("select trim(colname), line_number, err_code, trim(raw_field_value),"
                   " trim(filename) from stl_load_errors where query = %s", (query,))
    assert cursor.fetchall() == [("name", 2, 1204, "toolong", s3.url(f"{schema}/1.csv"))]
    cursor.execute("select trim(column_name), line_number, error_code, trim(error_message)"
                   " from sys_load_error_detail where query_id = %s", (query,))
    assert cursor.fetchall() == [("name", 2, 1204, "String length exceeds DDL length")]


def test_load_errors_are_the_users_own(cursor, s3, schema, running_sandbox):
    source = put(s3, schema, b"x,y\n")
    error_of(cursor, f"copy t {source}")
    admin = running_sandbox.connect(admin=True)
    other = admin.cursor()
    other.execute("select count(*) from stl_load_errors")
    assert other.fetchone() == (0,)
    admin.close()


def test_copy_rolls_back_with_its_transaction(cursor, s3, schema):
    source = put(s3, schema, b"1,ab\n")
    cursor.execute("begin")
    cursor.execute(f"copy t {source}")
    cursor.execute("rollback")
    cursor.execute("select count(*) from t")
    assert cursor.fetchone() == (0,)


def test_copy_into_a_temporary_table_and_a_column_list(cursor, s3, schema):
    source = put(s3, schema, b"abc,7\n")
    cursor.execute("create temp table stage (id bigint, name varchar(10), extra int)")
    cursor.execute(f"copy stage (name, id) {source}")
    cursor.execute("select * from stage")
    assert cursor.fetchall() == [(7, "abc", None)]


def test_errors_before_loading(cursor, s3, schema, running_sandbox):
    source = put(s3, schema, b"1,ab\n")
    assert error_of(cursor, f"copy nix {source}").diag.message_primary == \
        "Cannot COPY into nonexistent table nix"
    assert error_of(cursor, f"copy t (id, nix) {source}").pgcode == "42703"
    admin = running_sandbox.connect(admin=True)
    other = admin.cursor()
    other.execute("create schema if not exists locked")
    other.execute("create table if not exists locked.t (id int, name varchar(5))")
    other.execute("grant usage on schema locked to public")
    error = error_of(cursor, f"copy locked.t {source}")
    assert error.pgcode == "42501" and "permission denied for relation t" in str(error)
    admin.close()


def test_null_into_not_null(cursor, s3, schema):
    source = put(s3, schema, b"@,ab\n")
    error = error_of(cursor, f"copy t {source} null as '@'")
    assert "Load into table 't' failed" in str(error)


def test_a_large_load(cursor, s3, schema):
    lines = 200_000
    source = put(s3, schema, b"".join(b"%d,abcde\n" % i for i in range(lines)))
    cursor.execute(f"copy t {source}")
    cursor.execute("select count(*), sum(id::bigint), count(distinct id) from t")
    assert cursor.fetchone() == (lines, lines * (lines - 1) // 2, lines)


def test_terminated_while_copying(running_sandbox, s3, schema, connect, cursor):
    source = put(s3, schema, b"1,ab\n")
    victim = running_sandbox.connect()
    running_sandbox.fault("copy.object", {"delay_ms": 1500}, match=schema)
    result = []

    def load():
        try:
            victim.cursor().execute(f"copy {schema}.t {source}")
            result.append(None)
        except psycopg2.Error as error:
            result.append(type(error))
    thread = threading.Thread(target=load)
    thread.start()
    pid = victim.get_backend_pid()
    end = time.monotonic() + 5
    while True:
        cursor.execute("select status from stv_recents where pid = %s", (pid,))
        if (cursor.fetchone() or ("",))[0].strip() == "Running":
            break
        assert time.monotonic() < end
    cursor.execute("select pg_terminate_backend(%s)", (pid,))
    thread.join(15)
    running_sandbox.clear_faults()
    assert result and result[0] is not None
    assert victim.closed
    cursor.execute("select count(*) from t")
    assert cursor.fetchone() == (0,)
