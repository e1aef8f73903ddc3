"""Every type of this version, and what stops by name."""
import pytest

TYPES = """
CREATE TABLE every (
  id int PRIMARY KEY, b boolean, s smallint, i integer, l bigint,
  n numeric(38,10), n19 numeric(19,4), loose numeric, f real, d double precision,
  t text, v varchar(40), c char(10), day date, ts timestamp, tz timestamptz, tm time,
  u uuid, j json, jb jsonb, raw bytea);
INSERT INTO every VALUES
 (1, true, -32768, -2147483648, -9223372036854775808, -9999999999999999999999999999.9999999999,
  -999999999999999.9999, 3.14000, 1.17549435e-38, 2.2250738585072014e-308, '', '', '', '0001-01-01',
  '0001-01-01 00:00:00', '0001-01-01 00:00:00+00', '00:00:00', '00000000-0000-0000-0000-000000000000',
  '{}', '{}', NULL),
 (2, false, 32767, 2147483647, 9223372036854775807, 9999999999999999999999999999.9999999999,
  999999999999999.9999, 1e30, 3.4028235e38, 1.7976931348623157e308, E'tab\\there "quotes", commas\\nand\\r\\nlines \\\\ \\\\N',
  'ünïcödé 漢字 🙂', 'ends   ', '9999-12-31', '9999-12-31 23:59:59.999999',
  '9999-12-31 23:59:59.999999+00', '23:59:59.999999', 'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '{"a": [1, 2.50, "x\\u00e9"], "b": null}', '{"k": "va\\"l", "deep": {"er": [true, false]}}',
  '\\x00ff41deadbeef'),
 (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
  NULL, NULL, NULL, NULL),
 (4, true, 0, 0, 0, 0, 0, 0, 0.1, 0.1, '   leading and trailing   ', 'NULL', '\\N', '2024-02-29',
  '2024-02-29 12:34:56.5', '2024-06-15 12:00:00+02', '12:00:00.5',
  'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '[]', '"text"', '\\x20'),
 (5, true, 1, 1, 1, 1, 1, -0.000001, 'NaN'::text::real * 0 + 1, 1, 'NaN Infinity 44 BC', 'null', 'x',
  '1970-01-01', '1970-01-01', '1970-01-01', '01:02:03', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a12',
  '[1,2,3]', '[1, 2, 3]', '\\x0a0d22');
""".replace("'NaN'::text::real * 0 + 1", "1.5")


def test_every_type(world):
    world.source(TYPES)
    world.table("public.every").write_config()
    world.must_run()
    world.assert_equal(("public.every", ["id"]), rows=5)
    world.source("UPDATE every SET t = t || 'x', raw = raw || '\\x01'")
    world.must_run()
    world.assert_equal(("public.every", ["id"]), rows=5)
    world.assert_nothing_left()


BAD = [
    ("float8", "'NaN'"), ("float8", "'Infinity'"), ("real", "'-Infinity'"),
    ("numeric(10,2)", "'NaN'"), ("date", "'infinity'"), ("date", "'0044-03-15 BC'"),
    ("timestamp", "'20000-01-01'"), ("timestamptz", "'-infinity'"),
    ("bytea", "''::bytea"), ("text", "repeat('x', 65536)"), ("varchar(40000)", "repeat('漢', 30000)"),
]


@pytest.mark.parametrize("kind,value", BAD)
def test_a_value_that_redshift_cannot_hold_stops_its_stream_by_name(one_world, kind, value):
    world = one_world
    world.source(f"CREATE TABLE bad (id int PRIMARY KEY, x {kind});"
                 f"INSERT INTO bad VALUES (1, NULL), (7, {value});"
                 "CREATE TABLE good (id int PRIMARY KEY); INSERT INTO good VALUES (1), (2)")
    world.table("public.bad").table("public.good").write_config()
    code, finished, _ = world.run()
    assert code == 6 and finished["state"] == "partial"
    bad = next(t for t in finished["table_results"] if t["table"] == "public.bad")
    assert bad["error"]["code"] in ("SRC-VALUE", "SRC-ROW-TOO-LARGE")
    assert "x" in bad["error"]["message"] and "7" in bad["error"]["message"]
    world.assert_equal(("public.good", ["id"]), rows=2)
    world.source("DELETE FROM bad WHERE id = 7")
    world.must_run()
    world.assert_equal(("public.bad", ["id"]), rows=1)
    world.assert_nothing_left()


def test_texts_that_grow_widen_the_column(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'short')")
    world.table("public.t").write_config()
    world.must_run()
    world.source("INSERT INTO t VALUES (2, repeat('x', 5000)), (3, repeat('漢', 20000))")
    world.must_run()
    world.assert_equal(("public.t", ["id"]), rows=3)


def test_keys_that_differ_by_trailing_blanks_alone(one_world):
    world = one_world
    world.source("CREATE TABLE t (k text PRIMARY KEY, v int);"
                 "INSERT INTO t VALUES ('a', 1), ('a ', 2), ('a  ', 3), ('b', 4)")
    world.table("public.t").write_config()
    world.must_run()
    world.assert_equal(("public.t", ["k"]), rows=4)
    world.source("UPDATE t SET v = v * 10")
    world.must_run()
    world.assert_equal(("public.t", ["k"]), rows=4)


def test_odd_names(one_world):
    world = one_world
    world.source('CREATE TABLE "Odd Näme" ("Id" int PRIMARY KEY, "select" text, "a""b" text, '
                 '"ünïcödé" int, "with space" text);'
                 """INSERT INTO "Odd Näme" VALUES (1, 'x', 'y', 2, 'z')""")
    world.table("public.Odd Näme", key=["Id"]).write_config()
    world.must_run()
    world.assert_equal(("public.Odd Näme", ["Id"]), rows=1)


def test_an_unknown_type_is_refused_by_name(one_world):
    world = one_world
    world.source("CREATE TABLE t (id int PRIMARY KEY, p point); INSERT INTO t VALUES (1, '(1,2)')")
    world.table("public.t").write_config()
    code, finished, _ = world.run()
    assert code == 4
    error = finished["table_results"][0]["error"]
    assert error["code"] == "PG-TYPE" and "p" in error["message"] and "point" in error["message"]
    world.tables[0][2]["exclude"] = ["p"]
    world.write_config()
    world.must_run()
    assert world.sandbox.query(f"SELECT * FROM {world.schema}.t") == [(1,)]
