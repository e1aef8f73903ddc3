"""Transactions as clients see them, cancelling and ending sessions, settings, strings, names."""

import threading
import time

import psycopg2
import pytest

from wire_client import WireClient, kinds, rows, state, tags


@pytest.fixture
def wire(running_sandbox):
    client = WireClient(running_sandbox).login()
    yield client
    client.close()


def code_of(cursor, sql):
    """SQLSTATE of the error that this gives; nothing: it succeeded."""
    try:
        cursor.execute(sql)
        return None
    except psycopg2.Error as error:
        return error.pgcode


def test_a_string_of_statements_is_one_transaction(wire, schema):
    messages = wire.run(f"create table {schema}.a (x int); insert into {schema}.a values (1);"
                        f" select * from {schema}.a; insert into {schema}.nix values (1)")
    assert tags(messages) == ["CREATE TABLE", "INSERT 0 1", "SELECT 1"]
    assert state(messages) == ("I", "42P01")
    assert state(wire.run(f"select * from {schema}.a")) == ("I", "42P01")
    messages = wire.run(f"begin; create table {schema}.a (x int); commit; select 1; select 1/0")
    assert state(messages) == ("I", "22012")
    assert state(wire.run(f"select * from {schema}.a")) == ("I", None)
    assert state(wire.run("select 1; begin")) == ("T", None)
    assert state(wire.run("select 1/0")) == ("E", "22012")
    assert state(wire.run("select 1; select 2")) == ("E", "25P02")
    messages = wire.run("commit")
    assert (tags(messages), state(messages)) == (["ROLLBACK"], ("I", None))


def test_transaction_words_where_there_is_none(wire):
    for sql, tag in (("commit", "COMMIT"), ("rollback", "ROLLBACK")):
        messages = wire.run(sql)
        assert kinds(messages) == "NCZ" and tags(messages) == [tag]
    wire.run("begin")
    messages = wire.run("begin")
    assert kinds(messages) == "NCZ" and state(messages) == ("T", None)
    wire.run("rollback")


def test_failure_frees_locks_before_the_rollback(running_sandbox, schema):
    a, b = running_sandbox.connect(), running_sandbox.connect()
    ka, kb = a.cursor(), b.cursor()
    ka.execute(f"create table {schema}.t (x int)")
    ka.execute("begin")
    ka.execute(f"insert into {schema}.t values (1)")
    assert code_of(ka, "select 1/0") == "22012"
    kb.execute("set statement_timeout to 5000")
    kb.execute(f"insert into {schema}.t values (2)")
    assert code_of(ka, "select 1") == "25P02"
    ka.execute("rollback")
    ka.execute(f"select x from {schema}.t")
    assert ka.fetchall() == [(2,)]
    a.close()
    b.close()


def test_truncate_commits(wire, schema):
    wire.run(f"create table {schema}.t (x int); create table {schema}.u (x int)")
    wire.run("begin")
    wire.run(f"insert into {schema}.u values (1)")
    assert state(wire.run(f"truncate {schema}.t")) == ("I", None)
    wire.run("rollback")
    assert rows(wire.run(f"select count(*) from {schema}.u")) == [[b"1"]]


@pytest.mark.parametrize("sql,name", [
    ("vacuum", "VACUUM"), ("alter table {0}.t alter column v type varchar(20)",
                           "ALTER TABLE ALTER COLUMN")])
def test_what_cannot_run_in_a_transaction(connect, schema, sql, name):
    cursor = connect().cursor()
    cursor.execute(f"create table {schema}.t (v varchar(10)) diststyle even")
    cursor.execute("begin")
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(sql.format(schema))
    assert caught.value.pgcode == "25001"
    assert f"{name} cannot run inside a transaction block" in str(caught.value)
    cursor.execute("rollback")
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute("select 1; " + sql.format(schema))
    assert f"{name} cannot run inside a multiple commands statement" in str(caught.value)
    cursor.execute(sql.format(schema))


def wait_until(condition, limit_s=10):
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.02)


SLOW = "select count(*) from pg_class a, pg_class b, pg_class c, pg_class d"


def in_background(work):
    result = []
    thread = threading.Thread(target=lambda: result.append(work()))
    thread.start()
    return thread, result


def busy(connect, pid):
    cursor = connect().cursor()

    def check():
        cursor.execute("select status from stv_recents where pid = %s", (pid,))
        row = cursor.fetchone()
        return row is not None and row[0].strip() == "Running"
    return check


def test_cancel_request_of_the_protocol(connect):
    connection = connect()
    cursor = connection.cursor()
    thread, result = in_background(lambda: code_of(cursor, SLOW))
    wait_until(busy(connect, connection.get_backend_pid()))
    connection.cancel()
    thread.join(10)
    assert result == ["57014"]
    cursor.execute("select 1")


def test_pg_cancel_backend_and_cancel(connect):
    connection = connect()
    cursor = connection.cursor()
    cursor.execute("select pg_backend_pid()")
    pid = cursor.fetchone()[0]
    assert pid == connection.get_backend_pid()
    for sql in (f"select pg_cancel_backend({pid})", f"cancel {pid}"):
        thread, result = in_background(lambda: code_of(cursor, SLOW))
        wait_until(busy(connect, pid))
        connect().cursor().execute(sql)
        thread.join(10)
        assert result == ["57014"]


def test_pg_terminate_backend_ends_a_session(running_sandbox, connect):
    for is_busy in (False, True):
        victim = running_sandbox.connect()
        pid = victim.get_backend_pid()
        if is_busy:
            thread, result = in_background(lambda: code_of(victim.cursor(), SLOW))
            wait_until(busy(connect, pid))
        else:
            victim.cursor().execute("begin")
        cursor = connect().cursor()
        cursor.execute("select pg_terminate_backend(%s)", (pid,))
        assert cursor.fetchone() == (True,)
        if is_busy:
            thread.join(10)
            assert result in (["57P01"], [None])
        with pytest.raises(psycopg2.Error):
            victim.cursor().execute("select 1")
        assert victim.closed

        def gone():
            cursor.execute("select count(*) from stv_sessions where process = %s", (pid,))
            return cursor.fetchone() == (0,)
        wait_until(gone)


def test_a_client_that_goes_away_leaves_nothing(running_sandbox, schema):
    connection = running_sandbox.connect()
    cursor = connection.cursor()
    cursor.execute(f"create temp table stage (x int); create table {schema}.t (x int)")
    cursor.execute("begin")
    cursor.execute(f"insert into {schema}.t values (1)")
    before = running_sandbox.left()
    assert before["tables"] >= 1 and before["sessions"] >= 1
    connection.close()
    running_sandbox.wait_left(sessions=before["sessions"] - 1, tables=before["tables"] - 1)


def test_left_counts_staging_and_check_tables(running_sandbox, connect, schema):
    cursor = connect().cursor()
    before = running_sandbox.left()["tables"]
    cursor.execute(f'create table {schema}."_vesto_stage_1" (x int)')
    cursor.execute(f'create table {schema}."_vesto_check_abc" (x int)')
    cursor.execute(f'create table {schema}."xvesto_stage_1" (x int)')
    assert running_sandbox.left()["tables"] == before + 2


def test_statement_timeout_bounds_the_wait_for_a_lock(connect, schema):
    a, b = connect().cursor(), connect().cursor()
    a.execute(f"create table {schema}.t (x int)")
    a.execute("begin")
    a.execute(f"lock {schema}.t")
    b.execute("set statement_timeout to 300")
    for sql in (f"lock {schema}.t", f"insert into {schema}.t values (1)"):
        b.execute("begin")
        with pytest.raises(psycopg2.Error) as caught:
            b.execute(sql)
        assert caught.value.pgcode == "57014"
        assert "canceled on user's request" in str(caught.value)
        b.execute("rollback")


@pytest.mark.parametrize("sql", [
    "set standard_conforming_strings to off", "set session_replication_role to replica",
    "show standard_conforming_strings", "show server_version_num", "set vesto.last_copy_count to 5",
    "set row_security to off", "reset allow_system_table_mods",
    "select set_config('standard_conforming_strings', 'off', false)"])
def test_settings_of_postgresql_are_out_of_reach(connect, sql):
    assert code_of(connect().cursor(), sql) in ("42704", "42883")


def test_settings_of_redshift(connect):
    cursor = connect().cursor()
    for name, value in (("query_group", "loads"), ("enable_result_cache_for_session", "off"),
                        ("wlm_query_slot_count", "3"), ("timezone", "Europe/Madrid")):
        cursor.execute(f"set {name} to '{value}'")
        cursor.execute(f"show {name}")
        assert cursor.fetchone() == (value,)
    cursor.execute("reset all")
    cursor.execute("show query_group")
    assert cursor.fetchone() == ("default",)
    cursor.execute("show timezone")
    assert cursor.fetchone() == ("UTC",)
    assert code_of(cursor, "set enable_result_cache_for_session to 'maybe'") == "22023"


def test_no_way_up(connect):
    cursor = connect().cursor()
    cursor.execute("set session authorization default")
    for sql in ("set session authorization rdsdb", "set role rdsdb", "create extension plpython3u",
                "select * from pg_authid", "copy (select 1) to program 'id'",
                "select pg_read_file('/etc/passwd')", "alter user vesto_load createuser",
                "select rs_set_config('session_authorization', 'rdsdb', false)",
                "select lo_import('/etc/passwd')", "do $$ begin end $$",
                "update pg_catalog.rs_load_errors set session = 1"):
        assert code_of(cursor, sql) is not None, sql


def test_trailing_blanks_do_not_count(connect, schema):
    cursor = connect().cursor()
    cursor.execute(f"create table {schema}.t (v varchar(10))")
    cursor.execute(f"insert into {schema}.t values ('a'), ('a '), ('a  '), ('b')")
    for sql, expected in (("count(*) from {0} where v = 'a'", 3), ("count(distinct v) from {0}", 2),
                          ("count(*) from (select v from {0} group by v) as x", 2),
                          ("count(*) from {0} a join {0} b on a.v = b.v", 10),
                          ("sum(octet_length(v)) from {0}", 7),
                          ("count(*) from {0} where v like 'a'", 1)):
        cursor.execute("select " + sql.format(f"{schema}.t"))
        assert cursor.fetchone() == (expected,), sql


def test_varchar_counts_bytes(connect, schema):
    cursor = connect().cursor()
    cursor.execute(f"create table {schema}.t (v varchar(4), c char(3))")
    cursor.execute(f"insert into {schema}.t(v) values ('éé'), ('ab    ')")
    assert code_of(cursor, f"insert into {schema}.t(v) values ('ééa')") == "22001"
    cursor.execute(f"insert into {schema}.t(v) values ('ééa'::varchar(4))")
    cursor.execute(f"select octet_length(v) from {schema}.t order by 1")
    assert cursor.fetchall() == [(4,), (4,), (4,)]
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(f"insert into {schema}.t(c) values ('é')")
    assert "CHAR string contains invalid ASCII character" in str(caught.value)


def test_long_names_come_back_whole(connect, schema):
    cursor = connect().cursor()
    table, column = "t" + "x" * 126, "c" + "ä" * 60
    cursor.execute(f'create table {schema}.{table} ("{column}" int)')
    cursor.execute(f"select * from {schema}.{table}")
    assert cursor.description[0].name == column
    cursor.execute("select relname from pg_class where relname = %s", (table,))
    assert cursor.fetchall() == [(table,)]
    cursor.execute("select table_name, column_name from svv_all_columns where schema_name = %s",
                   (schema,))
    assert cursor.fetchall() == [(table, column)]
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(f"create table {schema}.{table} (x int)")
    assert caught.value.pgcode == "42P07" and table in str(caught.value)


def test_notices_and_errors_in_redshifts_words(connect, schema):
    connection = connect()
    cursor = connection.cursor()
    cursor.execute(f"create table {schema}.t (x int not null)")
    cursor.execute(f"create table if not exists {schema}.t (x int)")
    cursor.execute(f"drop table if exists {schema}.nix")
    assert [n.strip() for n in connection.notices] == [
        'INFO:  Relation "t" already exists and will be skipped',
        'INFO:  Table "nix" does not exist and will be skipped']
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(f"insert into {schema}.t values (null)")
    assert caught.value.pgcode == "XX000"
    assert caught.value.diag.message_primary == "Cannot insert a NULL value into column x"
    assert "code:      8007" in caught.value.diag.message_detail


def test_the_loaders_catalogue_query(connect, schema):
    cursor = connect().cursor()
    cursor.execute(f"create table {schema}.t (id bigint not null, v varchar(300), s super,"
                   " b varbyte(64), n decimal(20,4)) distkey(id) compound sortkey(v, id)")
    cursor.execute(f"create table {schema}.e (id int) diststyle even")
    cursor.execute("""select a.attname, format_type(a.atttypid, a.atttypmod), a.attisdistkey,
        a.attsortkeyord, c.reldiststyle from pg_class c
        join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
        where n.nspname = %s and c.relname = 't' and a.attnum > 0 order by a.attnum""", (schema,))
    assert cursor.fetchall() == [
        ("id", "bigint", True, 2, 1), ("v", "character varying(300)", False, 1, 1),
        ("s", "super", False, 0, 1), ("b", "binary varying(64)", False, 0, 1),
        ("n", "numeric(20,4)", False, 0, 1)]
    cursor.execute("select reldiststyle from pg_class where oid = %s::regclass", (f"{schema}.e",))
    assert cursor.fetchone() == (0,)


def test_a_key_column_refuses_to_be_widened(connect, schema):
    cursor = connect().cursor()
    cursor.execute(f"create table {schema}.t (a varchar(10), b varchar(10)) diststyle even sortkey(a)")
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(f"alter table {schema}.t alter column a type varchar(20)")
    assert caught.value.diag.message_primary == "found unexpected dependency for column"
    cursor.execute(f"alter table {schema}.t alter column b type varchar(20)")
    with pytest.raises(psycopg2.Error) as caught:
        cursor.execute(f"alter table {schema}.t alter column b type varchar(20)")
    assert caught.value.pgcode == "0A000"
    assert "target column size should be different" in str(caught.value)
