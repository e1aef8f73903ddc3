"""vesto sync parity: what is equal is told to be equal, and each change behind Vesto's back in the
warehouse is found and named by key and column. The changes are made by another client."""
import json
import signal
import subprocess
import time

import pytest

from test_rejected import BAD, ZOO
from test_types import HOSTILE, SETUP, TEXTS, TYPES, VALUES, literal

# A run without a cursor delivers every row anew, and so mends what was changed: these have one whose
# window holds the last row alone.
CURSOR = {"cursor": "at", "lookback": "0s"}
TABLE = """
CREATE TABLE t (id int PRIMARY KEY, s text, n numeric(12,4), ts timestamp, tz timestamptz, d date,
  f float8, r real, j jsonb, b bytea, o boolean, u uuid, at timestamptz NOT NULL);
INSERT INTO t SELECT i, 'row ' || i, i * 1.0001, timestamp '2026-01-01' + i * interval '1 s',
  timestamptz '2026-01-01 00:00+00' + i * interval '1 us', date '2026-01-01' + i, i / 3.0, i / 7.0,
  jsonb_build_object('a', i, 'b', ARRAY[1.50, NULL]), decode(lpad(to_hex(i), 4, '0'), 'hex'),
  i % 2 = 0, md5(i::text)::uuid, timestamptz '2020-01-01 00:00+00' + i * interval '1 day'
  FROM generate_series(1, 50) i;
"""


def parity(world, *arguments, binary=None):
    """(exit code, the JSON document, stderr)"""
    done = subprocess.run(world.command("sync", "parity", "shop", "--json", *arguments,
                                        binary=binary),
                          text=True, capture_output=True, timeout=120)
    assert done.stdout.count("\n") == 1, done
    return done.returncode, json.loads(done.stdout), done.stderr


def parity_text(world, *arguments):
    done = subprocess.run(world.command("sync", "parity", "shop", *arguments), text=True,
                          capture_output=True, timeout=120)
    return done.returncode, done.stdout


def table_of(found, name="public.t"):
    return next(table for table in found["tables"] if table["table"] == name)


def differences(found, name="public.t"):
    return {(one["kind"], one["key"].get("id"), tuple(one["columns"]))
            for one in table_of(found, name)["listed"]}


def assert_equal(found, rows, name="public.t"):
    table = table_of(found, name)
    assert table["state"] == "equal", table
    assert table["differences"]["total"] == 0 and table["listed"] == []
    assert table["rows"]["source"] == rows


def behind(world, *statements):
    for statement in statements:
        world.sandbox.query(statement.replace(" T ", f' "{world.schema}".t ', 1))


@pytest.fixture
def delivered(one_world):
    one_world.source(TABLE)
    one_world.table("public.t", **CURSOR).write_config()
    one_world.must_run()
    return one_world


def test_what_is_equal_is_equal_under_both_isolation_levels(world):
    world.source(TYPES + TABLE)
    world.table("public.every").table("public.t", **CURSOR).write_config()
    code, found, errors = parity(world)  # it delivers first
    assert code == 0 and found["state"] == "equal", (found, errors)
    assert_equal(found, 5, "public.every")
    assert_equal(found, 50)
    world.assert_equal(("public.every", ["id"]), ("public.t", ["id"]))
    behind(world, "UPDATE T SET s = 'other' WHERE id = 3")
    code, found, _ = parity(world)
    assert code == 6 and found["state"] == "different"
    assert found["tables"][0]["state"] == "equal"
    assert differences(found) == {("differs", "3", ("s",))}
    world.assert_nothing_left()


def test_the_zoo_of_all_types_raises_no_alarm(one_world):
    world = one_world
    world.source(SETUP)
    types = list(dict.fromkeys([*VALUES, *TEXTS]))
    columns = {kind: f"c{number}" for number, kind in enumerate(types)}
    world.source("CREATE TABLE zoo (id int PRIMARY KEY, "
                 + ", ".join(f"{name} {kind}" for kind, name in columns.items()) + ")")
    rows = [("c0", "NULL")]
    rows += [(columns[kind], value) for kind, values in VALUES.items() for value in values]
    for text in HOSTILE:
        rows.append((", ".join(columns[kind] for kind in TEXTS),
                     ", ".join(form.replace("%s", literal(text)) for form in TEXTS.values())))
    world.source("; ".join(f"INSERT INTO zoo (id, {names}) VALUES ({number}, {values})"
                           for number, (names, values) in enumerate(rows)))
    world.table("public.zoo").write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert_equal(found, len(rows), "public.zoo")
    assert table_of(found, "public.zoo")["rows"]["compared"] == len(rows)
    world.assert_nothing_left()


CHANGES = [
    ("UPDATE T SET s = 'row 7x' WHERE id = 7", "s"),
    ("UPDATE T SET s = s || ' ' WHERE id = 7", "s"),
    ("UPDATE T SET s = NULL WHERE id = 7", "s"),
    ("UPDATE T SET n = n + 0.0001 WHERE id = 7", "n"),
    ("UPDATE T SET ts = DATEADD(microsecond, 1, ts) WHERE id = 7", "ts"),
    ("UPDATE T SET tz = DATEADD(microsecond, 1, tz) WHERE id = 7", "tz"),
    ("UPDATE T SET d = DATEADD(day, 1, d) WHERE id = 7", "d"),
    ("UPDATE T SET f = 2.333333333333334 WHERE id = 7", "f"),  # the last digit
    ("UPDATE T SET r = 1.0000001 WHERE id = 7", "r"),
    ("UPDATE T SET j = JSON_PARSE('{\"a\":7,\"b\":[1.51,null]}') WHERE id = 7", "j"),
    ("UPDATE T SET b = FROM_HEX('0008') WHERE id = 7", "b"),
    ("UPDATE T SET o = NOT o WHERE id = 7", "o"),
    ("UPDATE T SET u = '00000000-0000-0000-0000-000000000000' WHERE id = 7", "u"),
]


def test_each_changed_value_is_named_by_key_and_column(delivered):
    world = delivered
    for number, (statement, _) in enumerate(CHANGES):
        behind(world, statement.replace("id = 7", f"id = {number + 1}"))
    code, found, _ = parity(world)
    assert code == 6
    assert differences(found) == {("differs", str(number + 1), (column,))
                                  for number, (_, column) in enumerate(CHANGES)}
    table = table_of(found)
    assert table["differences"]["differs"] == len(CHANGES) and table["sums"]["equal"] is False
    assert {"s", "n", "ts", "tz", "d", "o", "u"} == set(table["sums"]["unlike"])


def test_an_empty_text_is_not_null(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, s text, at timestamptz NOT NULL);"
                 "INSERT INTO t VALUES (1, NULL, '2020-01-01'), (2, '', '2020-01-02'), "
                 "(3, 'x', '2020-01-03')")
    world.table("public.t", **CURSOR).write_config()
    world.must_run()
    behind(world, "UPDATE T SET s = '' WHERE id = 1", "UPDATE T SET s = NULL WHERE id = 2")
    code, found, _ = parity(world)
    assert code == 6 and differences(found) == {("differs", "1", ("s",)), ("differs", "2", ("s",))}


def test_values_that_change_places_have_equal_sums_and_are_found(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, n int, at timestamptz NOT NULL);"
                 "INSERT INTO t VALUES (1, 10, '2020-01-01'), (2, 20, '2020-01-02'), "
                 "(3, 30, '2020-01-03')")
    world.table("public.t", **CURSOR).write_config()
    code, found, _ = parity(world)
    assert code == 0 and table_of(found)["streamed"] is False  # sums and hashes are enough
    behind(world, "UPDATE T SET n = 30 - n WHERE id IN (1, 2)")
    code, found, _ = parity(world)
    table = table_of(found)
    assert code == 6 and table["sums"] == {"equal": False, "unlike": []}
    assert differences(found) == {("differs", "1", ("n",)), ("differs", "2", ("n",))}


def test_rows_that_are_missing_added_or_doubled(delivered):
    world = delivered
    behind(world, "DELETE FROM T WHERE id = 1", "INSERT INTO T (id, s, at) VALUES (1000, 'alien', '2020-01-01')",
           "INSERT INTO T SELECT * FROM \"%s\".t WHERE id = 5" % world.schema)
    code, found, _ = parity(world)
    assert code == 6
    assert differences(found) == {("missing", "1", ()), ("only_in_warehouse", "1000", ()),
                                  ("twice", "5", ())}
    code, text = parity_text(world)
    assert code == 6 and "NOT EQUAL" in text and '{"id":"1000"}' in text
    assert "--full-refresh" in text and "--repair" in text and "alien" not in text


def test_values_are_in_no_output_and_no_kept_statement(delivered):
    world = delivered
    behind(world, "UPDATE T SET s = 'secretly changed' WHERE id = 9")
    _, found, _ = parity(world)
    assert "secretly" not in json.dumps(found)
    shown = subprocess.run(world.command("show", found["run"], "--sql"), text=True,
                           capture_output=True, timeout=60, check=True).stdout
    assert "DECLARE" in shown and "row 9" not in shown and "secretly" not in shown


def test_rejected_rows_and_policies_are_no_differences(one_world):
    world = one_world
    world.source(ZOO + BAD)
    world.table("public.zoo", on_unrepresentable={"d": "null"}).write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    table = table_of(found, "public.zoo")
    assert table["rows"] == {"source": 10, "warehouse": 6, "compared": 6, "rejected": 4}
    assert table["nulled_values"] == 2 and table["differences"]["total"] == 0
    # An older version of a row stays where the row is rejected now.
    world.source("UPDATE zoo SET n = 'NaN' WHERE id = 1")
    code, found, _ = parity(world)
    assert code == 0 and table_of(found, "public.zoo")["rows"]["rejected"] == 5
    # A difference beside them is still one.
    world.sandbox.query(f'UPDATE "{world.schema}".zoo SET f8 = 1 WHERE id = 2')
    code, found, _ = parity(world)
    assert code == 0, "a run without a cursor delivers all rows anew, and so mends them"
    world.assert_nothing_left()


def with_cursor(world, rows=200, **settings):
    """A table whose later runs read nothing old, so that what is changed behind stays changed."""
    world.source("CREATE TABLE t (id int PRIMARY KEY, at timestamptz NOT NULL, s text, f float8);"
                 "INSERT INTO t SELECT i, timestamptz '2020-01-01 00:00+00' + i * interval '1 day',"
                 f" 'row ' || i, i / 3.0 FROM generate_series(1, {rows}) i")
    world.table("public.t", **CURSOR, **settings).write_config()
    world.must_run()


def test_a_run_with_a_cursor_leaves_differences_and_repair_mends_them(world):
    with_cursor(world)
    behind(world, "UPDATE T SET s = 'x' WHERE id IN (3, 4)", "DELETE FROM T WHERE id = 5",
           f'INSERT INTO T SELECT * FROM "{world.schema}".t WHERE id = 6')
    code, found, _ = parity(world)
    assert code == 6
    assert differences(found) == {("differs", "3", ("s",)), ("differs", "4", ("s",)),
                                  ("missing", "5", ()), ("twice", "6", ())}
    code, found, errors = parity(world, "--repair")
    # A merge would find both rows of a doubled key and stop: that one is left.
    assert code == 6, (found, errors)
    assert found["repair"]["keys"] == 3 and found["repair"]["state"] == "succeeded"
    assert differences(found) == {("twice", "6", ())}
    behind(world, 'DELETE FROM T WHERE id = 6')
    code, found, errors = parity(world, "--repair")
    assert code == 0, (found, errors)
    assert found["state"] == "equal"
    assert_equal(found, 200)
    world.assert_equal(("public.t", ["id"]), rows=200)
    # Positions stayed where they were: the next run reads its window alone.
    assert world.must_run()["rows"]["read"] <= 2
    world.assert_nothing_left()


def test_repair_leaves_rows_that_only_the_warehouse_has(one_world):
    world = one_world
    with_cursor(world)
    world.source("DELETE FROM t WHERE id = 10")
    behind(world, "UPDATE T SET f = 0 WHERE id = 11")
    code, found, _ = parity(world, "--repair")
    assert code == 6 and found["repair"]["keys"] == 1
    assert differences(found) == {("only_in_warehouse", "10", ())}
    code, found, _ = parity(world, "--repair")  # nothing to mend: no second run
    assert code == 6 and "repair" not in found


@pytest.mark.parametrize("kind", ["table", "view"])
def test_buckets_find_what_one_read_finds(one_world, kind):
    """Far more rows than one bucket may hold. Of a view the size is not known before: the first
    bucket is too large, and is cut in two and in two again."""
    world = one_world
    world.limits = "[limits]\nmemory_mib = 64\nreaders = 1\n"
    world.source("CREATE TABLE r (a text, b bigint, at timestamptz NOT NULL, s text, f float8, "
                 "PRIMARY KEY (a, b)); INSERT INTO r SELECT 'ten ' || i % 3, i, timestamptz "
                 "'2020-01-01 00:00+00' + i * interval '1 s', repeat(md5(i::text), 60), i "
                 "FROM generate_series(1, 18000) i; CREATE VIEW v AS SELECT * FROM r")
    name = {"table": "public.r", "view": "public.v"}[kind]
    world.table(name, target="t", key=["a", "b"], **CURSOR).write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert table_of(found, name)["rows"]["compared"] == 18000
    shown = subprocess.run(world.command("show", found["run"], "--sql"), text=True,
                           capture_output=True, timeout=60, check=True).stdout
    buckets = {line.split("DECLARE")[1] for line in shown.splitlines() if "MOD(STRTOL" in line}
    assert len(buckets) >= 4
    behind(world, "UPDATE T SET f = f + 1 WHERE b % 1000 = 0", "DELETE FROM T WHERE b = 77")
    code, found, _ = parity(world, "--repair")
    # 17 and the one that is missing: the last row is in the window, so the run has mended it.
    assert found["repair"]["keys"] == 18 and code == 0
    assert table_of(found, name)["state"] == "equal"


def test_hostile_names_and_keys(one_world):
    world = one_world
    names = ['a"b', "it's", "{{SECRET:x}}", "c0", "--", "ünï"]
    columns = ", ".join('"' + name.replace('"', '""') + '" text' for name in names)
    world.source(f'CREATE TABLE "odd ) TO STDOUT" (k text PRIMARY KEY, f float8, {columns})')
    for text in HOSTILE:
        if text:
            world.source(f'INSERT INTO "odd ) TO STDOUT" (k, f) VALUES ({literal(text)}, 1)')
    world.table('public."odd ) TO STDOUT"', target="t", mode="upsert").write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert found["tables"][0]["rows"]["compared"] == len(HOSTILE) - 1
    # Each key finds its way through --repair.
    world.source('ALTER TABLE "odd ) TO STDOUT" ADD at timestamptz NOT NULL DEFAULT \'2020-01-01\'')
    world.source('UPDATE "odd ) TO STDOUT" SET at = \'2020-02-01\' WHERE k = \'NaN\'')
    world.tables = [('public."odd ) TO STDOUT"', "upsert", {"target": "t", **CURSOR})]
    world.write_config()
    world.must_run()
    behind(world, "UPDATE T SET f = 2")
    code, found, errors = parity(world, "--repair")
    assert code == 0, (found, errors)
    assert found["repair"]["keys"] == len(HOSTILE) - 2
    world.assert_nothing_left()


def test_what_a_filter_leaves_out_is_not_compared(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, kind text, f float8);"
                 "INSERT INTO t SELECT i, CASE WHEN i % 2 = 0 THEN 'even' END, i "
                 "FROM generate_series(1, 100) i")
    world.table("public.t", filter="kind = 'even' -- )").write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert_equal(found, 50)


def test_a_query_is_compared(one_world):
    world = one_world
    world.source("CREATE TABLE r (id int PRIMARY KEY, f float8);"
                 "INSERT INTO r SELECT i, i FROM generate_series(1, 100) i")
    world.table("halves", query="SELECT id, f / 2 AS half FROM public.r WHERE id > 10 -- all",
                key=["id"]).write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert_equal(found, 90, "halves")


def test_partitions_and_other_types_of_keys(one_world):
    world = one_world
    world.source("CREATE TABLE t (d date, n numeric(10,2), z timestamptz, f float8, "
                 "PRIMARY KEY (d, n, z)) PARTITION BY RANGE (d);"
                 "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2020-02-01');"
                 "CREATE TABLE t2 PARTITION OF t DEFAULT;"
                 "INSERT INTO t SELECT date '2020-01-01' + i, i / 3.0, "
                 "timestamptz '2020-01-01 00:00:00.5+00' + i * interval '1 us', i "
                 "FROM generate_series(0, 999) i;"
                 "INSERT INTO t VALUES ('0044-03-15 BC', 0, '0044-03-15 00:00+00 BC', 1), "
                 "('20000-01-01', 0, '20000-01-01', 1)")
    world.table("public.t").write_config()
    code, found, errors = parity(world, "--sample")
    assert code == 0, (found, errors)
    assert 20 < table_of(found)["rows"]["compared"] < 150
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert_equal(found, 1002)
    assert table_of(found)["sums"]["equal"] is True  # BC and far years too


def test_ctrl_c_ends_a_comparison(one_world):
    world = one_world
    with_cursor(world)
    world.sandbox.fault("pg.statement", {"delay_ms": 6000}, match="FETCH", nth=1, count=1)
    before = world.sandbox.calls().get("statement.fetch", 0)
    process = subprocess.Popen(world.command("sync", "parity", "shop", "--json"), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while world.sandbox.calls().get("statement.fetch", 0) == before:
        assert time.monotonic() < end and process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=15)
    world.sandbox.clear_faults()
    assert process.returncode == 130, (out, errors)
    assert json.loads(out)["state"] == "failed"
    assert parity(world)[0] == 0
    world.assert_nothing_left()


def test_a_sample(one_world):
    world = one_world
    with_cursor(world, rows=2000)
    code, found, _ = parity(world, "--sample")
    table = table_of(found)
    assert code == 0 and table["sampled_one_in"] == 16
    assert 60 < table["rows"]["compared"] < 250 and table["rows"]["source"] == 2000
    # The sums see all rows of a column that has one; of floats only the sample is looked at.
    behind(world, "UPDATE T SET f = f + 1 WHERE id > 0")
    code, found, _ = parity(world, "--sample")
    assert code == 6
    assert 60 < table_of(found)["differences"]["differs"] < 250
    assert table_of(found)["sums"]["equal"] is True
    code, text = parity_text(world, "--sample")
    assert "one row in 16" in text


def test_a_sample_whose_sums_differ_is_not_called_equal(one_world):
    world = one_world
    with_cursor(world, rows=100)
    behind(world, *(f"UPDATE T SET s = 'x' WHERE id = {number}" for number in range(1, 2)))
    code, found, _ = parity(world, "--sample")
    assert code == 6 and table_of(found)["sums"]["unlike"] == ["s"]


def test_without_a_key_rows_are_counted(one_world):
    world = one_world
    world.source("CREATE TABLE t (s text, f float8);"
                 "INSERT INTO t SELECT 'row ' || i % 10, i % 10 FROM generate_series(1, 100) i")
    world.table("public.t", mode="replace").write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    table = table_of(found)
    assert table["state"] == "equal" and table["rows"]["compared"] == 100


def test_append_without_a_key(one_world):
    world = one_world
    world.source("CREATE TABLE t (at timestamptz NOT NULL, s text, f float8);"
                 "INSERT INTO t SELECT timestamptz '2020-01-01 00:00+00' + i * interval '1 day',"
                 "'row ' || i, i FROM generate_series(1, 100) i")
    world.table("public.t", mode="append", **CURSOR).write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    behind(world, "UPDATE T SET f = 0 WHERE s = 'row 3'", "DELETE FROM T WHERE s = 'row 4'")
    code, found, _ = parity(world)
    assert code == 6
    counted = table_of(found)["differences"]
    assert counted["missing"] == 2 and counted["only_in_warehouse"] == 1


def test_a_table_that_fails_is_not_compared(one_world):
    world = one_world
    world.source(TABLE + "CREATE TABLE bad (id int PRIMARY KEY, n numeric(5,2));"
                 "INSERT INTO bad VALUES (1, 'NaN')")
    world.table("public.t").table("public.bad", on_unrepresentable={"n": "stop"}).write_config()
    code, found, _ = parity(world)
    assert code == 6
    assert_equal(found, 50)
    bad = table_of(found, "public.bad")
    assert bad["state"] == "not_compared" and bad["error"]["code"] == "SRC-VALUE"
    code, found, _ = parity(world, "--table", "public.t")
    assert code == 0 and [table["table"] for table in found["tables"]] == ["public.t"]


def test_a_target_of_other_types_is_compared_value_by_value(one_world):
    """Sums are not possible there: a table of somebody else, taken over."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, n numeric(12,2));"
                 "INSERT INTO t VALUES (1, 1.5), (2, -3)")
    world.sandbox.query(f'CREATE SCHEMA IF NOT EXISTS "{world.schema}"')
    world.sandbox.query(f'CREATE TABLE "{world.schema}".t (id BIGINT, n DECIMAL(20,6))')
    world.table("public.t", adopt=True).write_config()
    code, found, errors = parity(world)
    assert code == 0, (found, errors)
    assert_equal(found, 2)


def test_an_unknown_table_and_a_warehouse_that_is_gone(one_world):
    world = one_world
    world.source(TABLE)
    world.table("public.t").write_config()
    code, found, _ = parity(world, "--table", "public.none")
    assert code == 3 and found["error"]["code"] == "CFG-NO-OBJECT"
    world.write_config(redshift_port=1)
    code, found, _ = parity(world)
    assert code == 5 and found["state"] == "failed" and found["error"]["code"] == "NET-REFUSED"


def test_the_warehouse_breaks_off_in_the_middle(one_world):
    world = one_world
    with_cursor(world)
    world.sandbox.fault("pg.statement", {"drop": "during"}, match="FETCH", nth=1, count=1)
    code, found, _ = parity(world)
    table = table_of(found)
    assert code in (4, 5) and table["state"] == "not_compared", found
    world.sandbox.clear_faults()
    code, _, _ = parity(world)
    assert code == 0
    world.assert_nothing_left()
