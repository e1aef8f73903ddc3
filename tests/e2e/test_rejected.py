"""Values that COPY cannot carry, and values that Redshift cannot hold: the side door, rejected rows,
and the policies that a person names."""
import csv
import io
import json
import subprocess

ZOO = """
CREATE TABLE zoo (id int PRIMARY KEY, f8 float8, f4 real, n numeric(12,2), d date, ts timestamp,
  tz timestamptz, t text, b bytea, j jsonb);
INSERT INTO zoo (id, f8, f4, n, d, ts, tz, t, b, j) VALUES
  (1, 1.5, 2.5, 3.25, '2024-01-01', '2024-01-01 01:02:03', '2024-01-01 00:00:00+00', 'a', '\\x00ff',
   '{"a": 1}'),
  (2, 'NaN', 'NaN', 1, NULL, NULL, NULL, 'quote '' and \\ back', '\\x01', '[1, "x''y"]'),
  (3, 'Infinity', '-Infinity', 1, '0044-03-15 BC', '0001-12-31 23:59:59.5 BC', NULL, '', NULL, NULL),
  (4, 1, 1, 1, '20000-01-01', '12345-06-07 08:09:10', '20000-02-03 04:05:06+00', NULL, '\\x', '{}');
"""
BAD = """
INSERT INTO zoo (id, n) VALUES (11, 'NaN');
INSERT INTO zoo (id, d) VALUES (12, 'infinity');
INSERT INTO zoo (id, tz) VALUES (13, '-infinity');
INSERT INTO zoo (id, d) VALUES (14, '300000-01-01');
INSERT INTO zoo (id, t) VALUES (15, repeat('x', 70000));
INSERT INTO zoo (id, j) VALUES (16, to_jsonb(repeat('y', 65536)));
"""


def rejected(world, *arguments):
    done = subprocess.run(world.command("sync", "rejected", "shop", *arguments), text=True,
                          capture_output=True, timeout=60, check=True)
    return done.stdout


def delivered(world, columns="id"):
    return world.sandbox.query(f'SELECT {columns} FROM "{world.schema}"."zoo" ORDER BY id')


def test_the_side_door_is_lossless(world):
    world.source(ZOO)
    world.table("public.zoo").write_config()
    finished = world.must_run()
    assert finished["rows"]["read"] == finished["rows"]["copied"] == 4
    assert finished["rows"]["rejected"] == 0
    world.assert_equal(("public.zoo", ["id"]), rows=4)
    # And again by way of the staging table.
    world.source("UPDATE zoo SET f8 = -f8, d = d - 1")
    finished = world.must_run()
    assert finished["rows"]["updated"] == 4
    world.assert_equal(("public.zoo", ["id"]), rows=4)
    world.assert_nothing_left()


def test_the_side_door_alone(one_world):
    """A read whose every row goes by INSERT: there is no file and no COPY."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, f float8); INSERT INTO t SELECT i, 'NaN' "
                 "FROM generate_series(1, 3000) i")
    world.table("public.t", mode="replace").write_config()
    assert world.must_run()["rows"]["copied"] == 3000
    world.assert_equal(("public.t", ["id"]), rows=3000)
    assert world.must_run()["rows"]["deleted"] == 3000
    world.assert_equal(("public.t", ["id"]), rows=3000)
    world.assert_nothing_left()


def test_what_nothing_can_hold_is_rejected_with_its_reason(world):
    world.source(ZOO + BAD)
    world.table("public.zoo").write_config()
    finished = world.must_run()
    assert finished["rows"] | {"inserted": 0} == {"read": 10, "copied": 4, "inserted": 0,
                                                  "updated": 0, "deleted": 0, "rejected": 6}
    assert delivered(world) == [(1,), (2,), (3,), (4,)]
    rows = json.loads(rejected(world, "--json"))["rows"]
    assert {(row["key"]["id"], row["column"]) for row in rows} == {
        ("11", "n"), ("12", "d"), ("13", "tz"), ("14", "d"), ("15", "t"), ("16", "j")}
    by_key = {row["key"]["id"]: row for row in rows}
    assert by_key["11"]["value"] == "NaN" and "DECIMAL(12,2)" in by_key["11"]["reason"]
    assert by_key["15"]["value_bytes"] == 70000 and by_key["15"]["value"] == "x" * 4096
    assert all(row["table"] == "public.zoo" and row["run"] == finished["run"] for row in rows)
    exported = list(csv.DictReader(io.StringIO(rejected(world, "--csv"))))
    assert {row["key"] for row in exported} == {json.dumps({"id": str(k)}, separators=(",", ":"))
                                                for k in range(11, 17)}
    assert "infinity" in rejected(world) and "public.zoo" in rejected(world)
    loads = world.sandbox.query(f'SELECT rows_read, rows_copied, rows_rejected FROM '
                                f'"{world.schema}"."_vesto_loads"')
    assert loads == [(10, 4, 6)]
    # Corrected in the source, they arrive.
    world.source("UPDATE zoo SET n = 0, d = NULL, tz = NULL, t = 'short', j = NULL WHERE id > 10")
    assert world.must_run()["rows"]["rejected"] == 0
    world.assert_equal(("public.zoo", ["id"]), rows=10)
    world.assert_nothing_left()


def test_policies_by_column(one_world):
    world = one_world
    world.source(ZOO + BAD)
    world.table("public.zoo",
                on_unrepresentable={"n": "null", "d": "text", "t": "null"}).write_config()
    finished = world.must_run()
    assert finished["rows"]["rejected"] == 2  # 13 (tz) and 16 (j)
    assert finished["table_results"][0]["nulled_values"] == 2  # 11 (n) and 15 (t)
    assert delivered(world, "id, n, d, t") == [
        (1, 3.25, "2024-01-01", "a"), (2, 1, None, "quote ' and \\ back"),
        (3, 1, "0044-03-15 BC", ""), (4, 1, "20000-01-01", None),
        (11, None, None, None), (12, None, "infinity", None), (14, None, "300000-01-01", None),
        (15, None, None, None)]


def test_stop_and_the_limit_commit_nothing(one_world):
    world = one_world
    world.source(ZOO + BAD)
    world.table("public.zoo", on_unrepresentable={"d": "stop"}).write_config()
    code, finished, _ = world.run()
    assert code == 4
    assert finished["table_results"][0]["error"]["code"] == "SRC-VALUE"
    world.tables.clear()
    world.max_rejected_rows = 5
    world.table("public.zoo").write_config()
    code, finished, _ = world.run()
    assert code == 4
    assert finished["table_results"][0]["error"]["code"] == "SRC-REJECTED-LIMIT"
    assert world.sandbox.query("SELECT count(*) FROM svv_tables WHERE table_schema = %s AND "
                               "table_name = 'zoo'", world.schema) == [(0,)]
    world.max_rejected_rows = 6
    world.write_config()
    assert world.must_run()["rows"]["rejected"] == 6
    world.assert_nothing_left()


def test_null_in_a_key_is_rejected_by_name(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int, v text); INSERT INTO t VALUES (1, 'a'), (NULL, 'b')")
    world.table("public.t", key=["id"]).write_config()
    finished = world.must_run()
    assert finished["rows"]["copied"] == 1 and finished["rows"]["rejected"] == 1
    (row,) = json.loads(rejected(world, "--json"))["rows"]
    assert row["key"] == {"id": None} and row["column"] == "id" and "NULL" in row["reason"]


def test_nothing_rejected_yet(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY)")
    world.table("public.t").write_config()
    assert rejected(world) == "No rejected rows.\n"
    assert json.loads(rejected(world, "--json"))["rows"] == []


def test_a_side_door_larger_than_its_bound_rejects_the_rest(one_world):
    """16 MiB go by INSERT; what comes after follows its column's policy, and is counted."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, f float8, pad text); "
                 "INSERT INTO t SELECT i, 'NaN', repeat('p', 60000) FROM generate_series(1, 300) i")
    world.table("public.t").write_config()
    finished = world.must_run()
    assert finished["rows"]["copied"] + finished["rows"]["rejected"] == 300
    assert 250 <= finished["rows"]["copied"] < 300
    world.assert_nothing_left()


def test_a_row_of_many_megabytes_is_rejected_by_its_key(one_world):
    """It is never fetched: memory stays bounded, and the rest arrives."""
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text); ALTER TABLE t ALTER v SET STORAGE "
                 "EXTERNAL; INSERT INTO t SELECT i, repeat('y', 60000) FROM generate_series(1, 40) i;"
                 "INSERT INTO t VALUES (77, repeat('z', 30000000))")
    world.table("public.t").write_config()
    finished = world.must_run()
    assert finished["rows"]["copied"] == 40 and finished["rows"]["rejected"] == 1
    (row,) = json.loads(rejected(world, "--json"))["rows"]
    assert row["key"] == {"id": "77"} and row["column"] == "" and "4.0 MiB" in row["reason"]


def test_a_table_that_fails_leaves_the_side_door_to_others(one_world):
    """The first table fills it with more than it holds, and then has more rejected rows than it may."""
    world = one_world
    world.source("CREATE TABLE a AS SELECT i::bigint AS id, repeat('x', 60) AS t, 'NaN'::float8 AS f "
                 "FROM generate_series(1, 150000) i; ALTER TABLE a ADD PRIMARY KEY (id);"
                 "CREATE TABLE b (id bigint PRIMARY KEY, f float8);"
                 "INSERT INTO b VALUES (1, 'NaN'), (2, 1.5)")
    world.limits = "[limits]\nreaders = 1\n"
    world.table("public.a").table("public.b").write_config()
    _, finished, _ = world.run()
    assert {(t["table"], t["state"]) for t in finished["table_results"]} == {
        ("public.a", "failed"), ("public.b", "succeeded")}
    assert finished["rows"]["rejected"] == 0
    world.assert_equal(("public.b", ["id"]))


def test_a_policy_puts_no_null_into_a_primary_key(one_world):
    """The row would match nothing, and be there once more after each run."""
    world = one_world
    world.source("CREATE TABLE t (d date PRIMARY KEY, v text); INSERT INTO t VALUES ('infinity', 'x')")
    world.table("public.t", on_unrepresentable={"d": "null"}).write_config()
    code, finished, _ = world.run()
    error = finished["table_results"][0]["error"]
    assert code != 0 and error["code"] == "CFG-VALUE", finished
    assert "d is in the key" in error["message"] and "reject, stop or text" in error["hint"]
    world.tables.clear()
    world.table("public.t", on_unrepresentable={"d": "text"}).write_config()
    world.must_run()
    world.must_run()
    assert world.sandbox.query(f'SELECT d, v FROM "{world.schema}"."t"') == [("infinity", "x")]


def test_rows_for_which_there_was_no_room_come_with_the_next_run(one_world):
    """What another table left of the side door decided: nothing changed in the source, and yet the
    window is not the same."""
    world = one_world
    for table, rows in (("a", 200), ("b", 120)):
        world.source(f"CREATE TABLE {table} (id int PRIMARY KEY, at timestamptz NOT NULL, f float8, "
                     f"pad text); INSERT INTO {table} SELECT i, '2026-01-01', 1, "
                     f"repeat('p', 60000) FROM generate_series(1, {rows}) i")
        world.table(f"public.{table}", cursor="at", lookback="0s")
    world.limits = "[limits]\nreaders = 1\n"
    world.write_config()
    world.must_run()
    for table in ("a", "b"):
        world.source(f"UPDATE {table} SET f = 'NaN', at = '2026-01-02'")
    rows = {t["table"]: t["rows"] for t in world.must_run()["table_results"]}
    assert rows["public.a"]["rejected"] == 0 < rows["public.b"]["rejected"] < 120
    world.source("UPDATE a SET f = 1, at = at + interval '1 s'")
    rows = {t["table"]: t["rows"] for t in world.must_run()["table_results"]}
    assert rows["public.b"]["rejected"] == 0 and rows["public.b"]["copied"] == 120, rows
    world.assert_equal(("public.b", ["id"]), rows=120)


def full_side_door(world, a_settings, b_settings, a_rows=300):
    """Rows of a fill the side door; b's came through it once, as a window that is known."""
    for table, value, rows in (("a", "1", a_rows), ("b", "NaN", 120)):
        world.source(f"CREATE TABLE {table} (id int PRIMARY KEY, at timestamptz NOT NULL, f float8, "
                     f"pad text); INSERT INTO {table} SELECT i, '2026-01-01', '{value}', "
                     f"repeat('p', 60000) FROM generate_series(1, {rows}) i")
    world.table("public.a", **a_settings)
    world.table("public.b", **b_settings)
    world.limits = "[limits]\nreaders = 1\n"
    world.write_config()
    world.must_run()
    world.must_run()  # the first read has no window
    world.source("UPDATE a SET f = 'NaN', at = '2026-01-02'")


def by_table(finished):
    return {t["table"].removeprefix("public."): t for t in finished["table_results"]}


WINDOW = {"cursor": "at", "lookback": "1d"}


def test_a_window_that_was_delivered_loses_nothing_to_a_full_side_door(one_world):
    """Append replaces a window: what the side door brought once would be rejected the next time,
    because another table had the room, though the window itself is unchanged."""
    world = one_world
    full_side_door(world, {"cursor": "at", "lookback": "0s"}, {**WINDOW, "mode": "append"})
    rows = {t["table"]: t["rows"] for t in world.must_run()["table_results"]}
    assert rows["public.a"]["rejected"] > 0 == rows["public.b"]["rejected"], rows
    world.assert_equal(("public.b", ["id"]), rows=120)


def test_no_limit_stops_a_window_that_was_delivered(one_world):
    """More rows of it find no room than may be rejected: all of them stand in the warehouse
    already, and nothing is rejected."""
    world = one_world
    world.max_rejected_rows = 60
    full_side_door(world, WINDOW, WINDOW)
    tables = by_table(world.must_run())
    assert 0 < tables["a"]["rows"]["rejected"] <= 60, tables
    assert tables["b"]["state"] == "unchanged" and tables["b"]["rows"]["rejected"] == 0, tables
    world.assert_equal(("public.b", ["id"]), rows=120)
    # One row more, and it is another window: then the limit holds as for any other.
    world.source("UPDATE a SET at = at + interval '1 s'; INSERT INTO b VALUES (500, '2026-01-01', 1)")
    code, finished, _ = world.run()
    assert code == 6, finished
    error = by_table(finished)["b"]["error"]
    assert error["code"] == "SRC-REJECTED-LIMIT", error
    assert world.sandbox.query(f'SELECT count(*) FROM "{world.schema}"."b"') == [(120,)]
    world.source("UPDATE a SET f = 1, at = at + interval '1 s'")
    world.must_run()
    world.assert_equal(("public.b", ["id"]), rows=121)
    world.assert_nothing_left()


def test_a_window_that_never_finds_room_is_loaded_once(one_world):
    """Another table takes the room in each run: what b has of it stays, and costs nothing more."""
    world = one_world
    full_side_door(world, {"mode": "replace"}, WINDOW, a_rows=200)
    world.source("UPDATE b SET pad = 'q' || pad")
    first = by_table(world.must_run())["b"]
    assert first["state"] == "succeeded" and 0 < first["rows"]["rejected"] < 120, first
    for _ in range(2):
        again = by_table(world.must_run())["b"]
        assert again["state"] == "unchanged", again
        assert again["rows"]["rejected"] == first["rows"]["rejected"], again
    # And when there is room, what was rejected comes.
    world.source("UPDATE a SET f = 1")
    last = by_table(world.must_run())["b"]
    assert last["state"] == "succeeded" and last["rows"]["rejected"] == 0, last
    world.assert_equal(("public.b", ["id"]), rows=120)
    assert by_table(world.must_run())["b"]["state"] == "unchanged"
