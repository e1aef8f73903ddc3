"""Tables of the warehouse that have to change, or must not: how they are made, columns whose type
changes, and what stands in the way of it, named with the way out."""
import re
import subprocess
import threading
import time

import pytest

from world import DEV

ROWS = ("CREATE TABLE t (id int PRIMARY KEY, note varchar(10), v int, n bigint NOT NULL);"
        "INSERT INTO t SELECT i, 'note ' || i % 10, i, i FROM generate_series(1, 200) i;"
        "CREATE TABLE other (id int PRIMARY KEY, n bigint NOT NULL);"
        "INSERT INTO other SELECT i, i FROM generate_series(1, 50) i")


def start(world, **settings):
    world.source(ROWS)
    world.table("public.t", cursor="n", lookback=0, **settings)
    world.table("public.other", cursor="n", lookback=0).write_config()
    world.must_run()
    return world


def columns(world, table="t"):
    """By name, in their order: type, distribution key, place among the sort keys, encoding."""
    rows = world.sandbox.query(
        "SELECT a.attname, format_type(a.atttypid, a.atttypmod), a.attisdistkey, a.attsortkeyord, "
        "format_encoding(a.attencodingtype::int) FROM pg_attribute a "
        "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
        "WHERE n.nspname = %s AND c.relname = %s AND a.attnum > 0 AND NOT a.attisdropped "
        "ORDER BY a.attnum", world.schema, table)
    return {row[0]: row[1:] for row in rows}


def failed_run(world, code):
    """One table fails with `code`, the other is delivered all the same."""
    world.source("INSERT INTO other SELECT max(id) + 1, max(n) + 1 FROM other")
    exit_code, finished, errors = world.run()
    assert exit_code == 6, f"{finished} {errors}"
    by_name = {table["table"]: table for table in finished["table_results"]}
    assert by_name["public.t"]["error"]["code"] == code, by_name
    assert by_name["public.other"]["state"] == "succeeded"
    world.assert_equal(("public.other", ["id"]))
    return by_name["public.t"]["error"]


def planned(world):
    return subprocess.run(world.command("sync", "plan", "shop"), text=True, capture_output=True,
                          timeout=120).stdout


def read(finished, table="public.t"):
    return [t["rows"]["read"] for t in finished["table_results"] if t["table"] == table][0]


def retype(world, column, kind, value):
    """Somebody gives a column of the target another type. (The same change in the source would have
    all rows read again, and so hide what the cast made of them.)"""
    table = f"{world.schema}.t"
    world.sandbox.query(f"ALTER TABLE {table} ADD COLUMN other {kind}")
    world.sandbox.query(f"UPDATE {table} SET other = {value}")
    world.sandbox.query(f"ALTER TABLE {table} DROP COLUMN {column}")
    world.sandbox.query(f"ALTER TABLE {table} RENAME COLUMN other TO {column}")


def test_keys_and_encodings_are_those_of_the_configuration_and_stay(one_world):
    """replace empties the table and fills it: it never drops it, nor what hangs on it."""
    world = one_world
    world.source(ROWS)
    world.table("public.t", mode="replace", distkey="note", sortkey=["n", "id"],
                encode={"v": "raw", "note": "zstd"}).write_config()
    world.must_run()
    made = columns(world)
    assert made["note"][1:] == (True, 0, "zstd"), made
    assert (made["n"][2], made["id"][2], made["v"][2]) == (1, 2, 0), made
    assert made["v"][3] == "none"  # as Redshift's catalogue calls raw
    world.sandbox.query(f"CREATE VIEW {world.schema}.daily AS "
                        f"SELECT id, note FROM {world.schema}.t")
    world.sandbox.query(f"GRANT SELECT ON {world.schema}.t TO PUBLIC")
    grants = ("SELECT relacl::varchar FROM pg_class c JOIN pg_namespace n ON n.oid = "
              "c.relnamespace WHERE n.nspname = %s AND relname = 't'")
    before = world.sandbox.query(grants, world.schema)
    assert "=r/" in before[0][0]
    world.source("DELETE FROM t WHERE id <= 50; UPDATE t SET note = 'x' WHERE id = 51")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=150)
    assert columns(world) == made
    assert world.sandbox.query(grants, world.schema) == before
    assert world.sandbox.query(f"SELECT count(*) FROM {world.schema}.daily") == [(150,)]


def test_a_key_that_redshift_has_not(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, doc jsonb); INSERT INTO t VALUES (1, '{}')")
    world.table("public.t", sortkey=["doc"]).write_config()
    code, finished, _ = world.run()
    error = finished.get("error") or finished["table_results"][0]["error"]
    assert code != 0 and error["code"] == "CFG-VALUE" and "doc" in error["message"], finished


def test_a_column_is_made_anew(one_world):
    """All rows keep their values, also those that are not read again."""
    world = start(one_world, on_type_change="rewrite")
    retype(world, "v", "VARCHAR(40)", "v::varchar")
    retype(world, "n", "VARCHAR(40)", "n::varchar")
    world.source("INSERT INTO t VALUES (201, '', 5, 201)")
    assert "make v anew with its values cast, character varying(40) -> INTEGER" in planned(world)
    finished = world.must_run()
    assert read(finished) < 5
    told = " ".join(finished["warnings"])
    for column, kind in (("v", "INTEGER"), ("n", "BIGINT")):
        assert f"column {column} of {world.schema}.t was made anew as {kind}" in told, told
    assert "end of the table" in told
    world.assert_equal(("public.t", ["id"]), rows=201)
    assert list(columns(world)) == ["id", "note", "v", "n"]
    assert (columns(world)["v"][0], columns(world)["n"][0]) == ("integer", "bigint")
    # The source itself changes its type.
    world.source("ALTER TABLE t ALTER COLUMN v TYPE text; UPDATE t SET v = 'x' WHERE id = 7")
    assert "v anew with its values cast, integer -> VARCHAR(65535)" in planned(world)
    assert "made anew as VARCHAR(65535)" in " ".join(world.must_run()["warnings"])
    world.assert_equal(("public.t", ["id"]), rows=201)
    assert list(columns(world))[-1] == "v"
    world.source("UPDATE t SET n = n + 1000, v = 'changed' WHERE id = 7")
    assert "made anew" not in " ".join(world.must_run()["warnings"])
    world.assert_equal(("public.t", ["id"]), rows=201)
    world.assert_nothing_left()


def test_a_value_that_cannot_be_cast(one_world):
    """The target is what it was, and the way out is named."""
    world = start(one_world, on_type_change="rewrite")
    retype(world, "v", "VARCHAR(40)", "'seven'")
    world.source("INSERT INTO t VALUES (201, '', 5, 201)")
    before = columns(world)
    error = failed_run(world, "RS-TABLE-DIFFERS")
    assert "cannot be cast" in error["message"] and "invalid input syntax" in error["message"]
    assert columns(world) == before
    line = re.search(r"DROP TABLE \S+;", error["hint"]).group()
    world.sandbox.query(line)
    world.must_run("--full-refresh", "--table", "public.t")
    world.assert_equal(("public.t", ["id"]), rows=201)


def test_a_text_that_does_not_fit_is_not_cut(one_world):
    """CAST to VARCHAR(n) would cut it without a word."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v varchar(1), n bigint NOT NULL);"
                 "INSERT INTO t VALUES (1, '1', 1)")
    world.table("public.t", cursor="n", lookback=0, on_type_change="rewrite").write_config()
    world.must_run()
    retype(world, "v", "INTEGER", "12345")
    world.source("INSERT INTO t VALUES (2, '2', 2)")
    _, finished, _ = world.run()
    error = finished["table_results"][0]["error"]
    assert error["code"] == "RS-TABLE-DIFFERS" and "too long" in error["message"], error
    assert world.sandbox.query(f"SELECT v FROM {world.schema}.t") == [(12345,)]


@pytest.mark.parametrize("nth", [1, 2, 3])
def test_killed_while_a_column_is_made_anew(one_world, nth):
    """After the UPDATE, before COMMIT and after it: the next run ends with the same table."""
    world = start(one_world, on_type_change="rewrite")
    retype(world, "v", "VARCHAR(40)", "v::varchar")
    world.source("INSERT INTO t VALUES (201, '', 5, 201)")
    before = columns(world)
    code, _, _ = world.run(binary=DEV, environment={"VESTO_KILL_AT": f"prepare.after_ddl#{nth}"})
    assert code == -9
    assert columns(world)["v"][0] == ("integer" if nth == 3 else before["v"][0])
    world.must_run()
    assert columns(world)["v"][0] == "integer" and len(columns(world)) == 4
    world.assert_equal(("public.t", ["id"]), rows=201)
    world.assert_nothing_left()


def test_a_type_change_stops_unless_it_is_allowed(one_world):
    world = start(one_world)
    world.source("ALTER TABLE t ALTER COLUMN v TYPE text; INSERT INTO t VALUES (201, '', 'x', 201)")
    error = failed_run(world, "RS-TABLE-DIFFERS")
    assert 'on_type_change = "rewrite"' in error["hint"], error


def test_a_view_that_blocks_is_named_and_left_alone(one_world):
    world = start(one_world, on_type_change="rewrite")
    schema = world.schema
    world.sandbox.query(f"CREATE VIEW {schema}.daily AS SELECT note FROM {schema}.t")
    world.sandbox.query(f"CREATE VIEW {schema}.late AS SELECT note FROM {schema}.t "
                        "WITH NO SCHEMA BINDING")
    world.source("ALTER TABLE t ALTER COLUMN note TYPE varchar(100);"
                 "INSERT INTO t VALUES (201, repeat('x', 100), 1, 201)")
    error = failed_run(world, "RS-VIEW-DEP")
    assert f"view {schema}.daily is bound to it" in error["message"], error
    assert "late" not in error["message"]
    assert "RS-VIEW-DEP" in planned(world)
    # The same for a column that has to be made anew.
    world.source("ALTER TABLE t ALTER COLUMN note TYPE int USING 5")
    assert f"{schema}.daily" in failed_run(world, "RS-VIEW-DEP")["message"]
    assert world.sandbox.query(f"SELECT count(*) FROM {schema}.daily") == [(200,)]
    world.source("ALTER TABLE t ALTER COLUMN note TYPE varchar(100)")
    world.sandbox.query(f"DROP VIEW {schema}.daily")
    world.must_run("--full-refresh")
    world.assert_equal(("public.t", ["id"]), ("public.other", ["id"]))
    world.sandbox.query(f"SELECT count(*) FROM {schema}.late")


def test_a_column_that_redshift_made_a_key(one_world):
    """As its automatic table optimization does, behind our back."""
    world = start(one_world)
    schema, length = world.schema, 10
    for promote in (["SORTKEY (note)"], ["DISTKEY note"], ["SORTKEY (note, id)", "DISTKEY note"]):
        for what in promote:
            world.sandbox.query(f"ALTER TABLE {schema}.t ALTER {what}")
        length += 1
        world.source(f"ALTER TABLE t ALTER COLUMN note TYPE varchar({length});"
                     f"INSERT INTO t SELECT max(id) + 1, repeat('x', {length}), 1, max(n) + 1 "
                     "FROM t")
        error = failed_run(world, "RS-KEY-COLUMN")
        assert "column note" in error["message"], error
        assert "RS-KEY-COLUMN" in planned(world)
        lines = re.findall(r"ALTER TABLE [^;]+;", error["hint"])
        assert len(lines) == len(promote), error
        for line in lines:
            world.sandbox.query(line)
        world.must_run()
        world.assert_equal(("public.t", ["id"]), ("public.other", ["id"]))


def test_keys_that_occur_twice_are_named(one_world):
    world = one_world
    world.source("CREATE TABLE t (a int, b text, n bigint NOT NULL);"
                 "INSERT INTO t VALUES (7, 'x', 1), (7, 'x', 2), (8, 'y', 3)")
    world.table("public.t", key=["a", "b"], cursor="n", lookback=0).write_config()
    _, finished, _ = world.run()
    error = finished["table_results"][0]["error"]
    assert error["code"] == "SRC-DUPLICATE-KEY"
    assert '1 keys occur more than once in what was read: {"a":"7","b":"x"}' in error["message"]


def test_a_row_that_copy_refuses_is_named_by_its_key(one_world):
    """Somebody makes the column narrower after Vesto has looked at it: no guard can know."""
    world = one_world
    world.source("CREATE TABLE t (code text PRIMARY KEY, note text)")
    world.table("public.t").write_config()
    world.must_run()
    world.source("INSERT INTO t SELECT 'k' || i, E'a\\nb' FROM generate_series(1, 500) i;"
                 "INSERT INTO t VALUES ('the \"one\"', E'a\\n' || repeat('secret', 10))")
    before = world.sandbox.calls().get("statement.lock", 0)
    world.sandbox.fault("pg.statement", {"delay_ms": 5000}, match="^LOCK TABLE", nth=1)
    result = []
    runner = threading.Thread(target=lambda: result.append(world.run()))
    runner.start()
    end = time.monotonic() + 60
    while world.sandbox.calls().get("statement.lock", 0) == before:
        assert runner.is_alive() and time.monotonic() < end
        time.sleep(0.02)
    world.sandbox.query(f"ALTER TABLE {world.schema}.t ALTER COLUMN note TYPE VARCHAR(20)")
    runner.join(120)
    _, finished, errors = result[0]
    error = finished["table_results"][0]["error"]
    assert error["code"] == "RS-COPY-DATA", error
    assert 'row {"code":"the \\"one\\""}, column note: a value of 62 bytes' in error["message"], \
        error
    assert "secret" not in str(finished) + errors
    world.sandbox.clear_faults()
    world.must_run()
    world.assert_equal(("public.t", ["code"]), rows=501)
    world.assert_nothing_left()
