"""Every type, value by value, and what stops by name."""
import json
import subprocess

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


# What the side door carries (NaN in floats, BC dates ...) and what is rejected: test_rejected.py.
BAD = [
    ("numeric(10,2)", "'NaN'"), ("date", "'infinity'"), ("timestamptz", "'-infinity'"),
    ("text", "repeat('x', 65536)"), ("varchar(40000)", "repeat('漢', 30000)"),
    ("text[]", "ARRAY[repeat('x', 65536)]"), ("int4multirange", "repeat_ranges()"),
]
MANY_RANGES = """CREATE FUNCTION repeat_ranges() RETURNS int4multirange LANGUAGE sql AS
 'SELECT range_agg(int4range(i * 2, i * 2 + 1)) FROM generate_series(1, 10000) i'; """


@pytest.mark.parametrize("kind,value", BAD)
def test_a_value_that_redshift_cannot_hold_stops_its_stream_by_name(one_world, kind, value):
    world = one_world
    world.source(MANY_RANGES + f"CREATE TABLE bad (id int PRIMARY KEY, x {kind});"
                 f"INSERT INTO bad VALUES (1, NULL), (7, {value});"
                 "CREATE TABLE good (id int PRIMARY KEY); INSERT INTO good VALUES (1), (2)")
    world.table("public.bad", on_unrepresentable={"x": "stop"}).table("public.good").write_config()
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


# Hostile text in every type that can hold text: what breaks readers of CSV, NULL markers that are
# not ours, bytes that look like ends.
HOSTILE = ["", " ", "NULL", "null", r"\N", r"\\N", r"\.", "a,b", 'a "quoted" b', '"', "''", "it's",
           "line\nfeed", "cr\rhere", "cr\r\nlf", "tab\there", "\x01", "\x7f", "back\\slash", "\\",
           "emoji 🙂👩‍👩‍👧", "ünïcödé 漢字", "\U0010ffff", "\ufeffbom", "  blanks  ", "NaN", "Infinity",
           "0044-03-15 BC", "20000-01-01", "{}", "[]", "%s $1 ${x}", "-- ; DROP TABLE x"]

SETUP = r"""
CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext;
CREATE EXTENSION IF NOT EXISTS ltree; CREATE EXTENSION IF NOT EXISTS cube;
CREATE TYPE mood AS ENUM ('', 'sad', 'it''s "ok", \N', 'ünïcödé 🙂');
CREATE TYPE pair AS (a int, "B c" text, n numeric, f float8[]);
CREATE TYPE textspan AS RANGE (subtype = text);
CREATE DOMAIN price AS numeric(10,2); CREATE DOMAIN tags AS text[]; CREATE DOMAIN feeling AS mood;
CREATE DOMAIN deep AS price;
"""

# type -> values besides NULL, as SQL.
VALUES = {
    "oid": ["0", "4294967295"],
    "xid": ["'0'::xid", "'4294967295'::xid"],
    "cid": ["'0'::cid", "'4294967295'::cid"],
    "xid8": ["'0'", "'18446744073709551615'"],
    "tid": ["'(0,0)'", "'(4294967295,65535)'"],
    "pg_lsn": ["'0/0'", "'FFFFFFFF/FFFFFFFF'"],
    "numeric(40,2)": ["0", "99999999999999999999999999999999999999.99", "-0.01", "'NaN'"],
    "numeric(5,-2)": ["0", "9999900", "-9999900"],
    "numeric(2,5)": ["0", "0.00099", "-0.00099"],
    "numeric(38,37)": ["0", "9.9999999999999999999999999999999999999"],
    "numeric(2,40)": ["0", "0.0000000000000000000000000000000000000099"],
    "numeric": ["0", "'NaN'", "'-Infinity'", "1e-300",
                "-12345678901234567890123456789012345678901.5"],
    "money": ["0", "'-92233720368547758.08'", "'92233720368547758.07'", "'1,234.50'"],
    "interval": ["'0'", "'-178000000 years'", "'178000000 years'", "'2147483647 days'",
                 "'-1 year 2 mons -3 days 04:05:06.789'", "'1 day -00:00:00.000001'"],
    "time": ["'00:00'", "'24:00:00'", "'23:59:59.999999'"],
    "timetz": ["'00:00+00'", "'12:34:56.789+05:30'", "'10:34:56.789+03:30'",
               "'24:00:00-15:59:59'", "'23:59:59.999999+15:59'"],
    "name": ["''", "repeat('x', 63)", "'it''s \"x\"'"],
    '"char"': ["''", "'a'", "'\"'", "'\\'", "','"],
    "inet": ["'0.0.0.0'", "'192.168.0.1/24'", "'::'", "'::ffff:255.255.255.255'",
             "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127'"],
    "cidr": ["'0.0.0.0/0'", "'10.0.0.0/8'", "'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128'"],
    "macaddr": ["'08:00:2b:01:02:03'"],
    "macaddr8": ["'08:00:2b:01:02:03:04:05'"],
    "bit(3)": ["B'000'", "B'101'"],
    "varbit": ["B''", "B'1'", "repeat('10', 5000)::varbit"],
    "varbit(9)": ["B''", "B'111111111'"],
    "xml": ["'<a b=\"1\">x &amp; y</a>'", "'<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>'", "''"],
    "tsvector": ["''", "to_tsvector('simple', 'it''s a \"fat\" cat, \\ x')"],
    "tsquery": ["''", "'fat & (rat | !cat:*)'::tsquery"],
    "jsonpath": ["'$.a[*] ? (@ > 1)'"],
    "point": ["'(0,0)'", "'(-1.7976931348623157e+308,2.2250738585072014e-308)'", "'(NaN,Infinity)'"],
    "line": ["'{1,-1,0}'", "'{-1.2345678901234567e+100,1,2.345678901234567e-100}'"],
    "lseg": ["'[(0,0),(1.5,-2)]'"],
    "box": ["'(1,1),(0,0)'"],
    "path": ["'[(0,0),(1,1)]'", "'((0,0),(1,1),(2,0))'"],
    "polygon": ["'((0,0),(1,1),(2,0))'"],
    "circle": ["'<(0,0),1.5>'"],
    "pg_snapshot": ["'10:20:10,14,15'"],
    "txid_snapshot": ["'10:20:10,14,15'"],
    "regclass": ["'pg_class'"],
    "regtype": ["'int'", "'mood'"],
    "regprocedure": ["'substr(text,int,int)'"],
    "int2vector": ["'1 2 3'"],
    "oidvector": ["''", "'1 4294967295'"],
    "int4range": ["'empty'", "'[1,5)'", "'(,)'"],
    "numrange": ["'[1.50,2.500]'"],
    "tstzrange": ["'[2026-01-01 00:00+02,infinity)'", "'(,2026-01-01]'"],
    "daterange": ["'[2026-01-01,2026-02-01)'"],
    "int4multirange": ["'{}'", "'{[1,3),[5,7)}'"],
    "int[]": ["'{}'", "'{1,NULL,-2147483648}'", "'{{1,2},{3,4}}'", "'[0:1]={7,8}'"],
    "bigint[]": ["'{9223372036854775807,-9223372036854775808}'"],
    "bool[]": ["'{t,f,NULL}'"],
    "numeric[]": ["'{NaN,1.50,-Infinity,123456789012345678901234567890123456789012345.678}'"],
    "numeric(12,2)[]": ["'{0,-9999999999.99,NULL}'"],
    "real[]": ["'{0,1.5,3.4028235e38}'"],
    "float8[]": ["'{NaN,Infinity,-Infinity,1e300,0.1}'"],
    "date[]": ["'{0001-01-01,9999-12-31,infinity,\"0044-03-15 BC\"}'"],
    "timestamptz[]": ["'{2026-01-01 00:00:00.123456+02}'"],
    "interval[]": ["'{1 day}'"],
    "bytea[]": ["ARRAY['\\x00ff'::bytea, '']"],
    "jsonb[]": ["ARRAY['{\"a\": 1}'::jsonb, 'null', '\"x\"']"],
    "uuid[]": ["'{a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}'"],
    "mood[]": ["'{sad,NULL}'"],
    "pair[]": ["ARRAY[ROW(1,'x',2.50,'{1}')::pair, NULL]"],
    "mood": ["'sad'", "''", "'it''s \"ok\", \\N'", "'ünïcödé 🙂'"],
    "feeling": ["'sad'", "''"],
    "price": ["0", "-99999999.99"],
    "deep": ["99999999.99"],
    "pair": ["ROW(NULL,NULL,NULL,NULL)", "ROW(1,'it''s \"x\", y',-12.50,'{NaN,1}')"],
    "hstore": ["''", "'a=>1, \"b c\"=>NULL, \"q\\\"\"=>\"x,y\"'"],
    "ltree": ["''", "'Top.Science.Astronomy'"],
    "cube": ["'(1,2),(3,4)'"],
    "uuid": ["'00000000-0000-0000-0000-000000000000'"],
}
# type -> how a hostile text becomes a value of it.
TEXTS = {
    "text": "%s", "varchar(60)": "%s", "citext": "%s", "text[]": "ARRAY[%s, NULL, 'x']",
    "varchar(60)[]": "ARRAY[[%s], ['y']]", "tags": "ARRAY[%s]", "json": "to_json(%s::text)",
    "jsonb": "jsonb_build_object(%s::text, %s::text)", "pair": "ROW(1, %s, 0.5, NULL)",
    "hstore": "hstore(%s::text, %s::text)", "textspan": "textspan(%s, NULL)",
    "citext[]": "ARRAY[%s::citext]",
}


def literal(text):
    return "E'" + "".join(f"\\U{ord(c):08x}" for c in text) + "'"


def test_every_type_of_postgresql_value_by_value(one_world):
    """One table of all types: what is read by the map of docs/types.md equals what arrived."""
    world = one_world
    world.source(SETUP)
    types = list(dict.fromkeys([*VALUES, *TEXTS]))
    columns = {kind: f"c{number}" for number, kind in enumerate(types)}
    world.source("CREATE TABLE zoo (id int PRIMARY KEY, v int, "
                 + ", ".join(f"{name} {kind}" for kind, name in columns.items()) + ")")
    rows = [("v", "NULL")]  # NULL in all of them
    rows += [(columns[kind], value) for kind, values in VALUES.items() for value in values]
    for text in HOSTILE:
        rows.append((", ".join(columns[kind] for kind in TEXTS),
                     ", ".join(form.replace("%s", literal(text)) for form in TEXTS.values())))
    world.source("; ".join(f"INSERT INTO zoo (id, {names}) VALUES ({number}, {values})"
                           for number, (names, values) in enumerate(rows)))
    world.table("public.zoo").write_config()
    world.must_run()
    world.assert_equal(("public.zoo", ["id"]), rows=len(rows))
    # Once more as an update of every row: through the staging table.
    world.source("UPDATE zoo SET v = 7")
    assert world.must_run()["rows"]["updated"] == len(rows)
    world.assert_equal(("public.zoo", ["id"]), rows=len(rows))
    world.assert_nothing_left()


ARRIVES = [
    ("interval", "'1 year 2 mons 3 days 04:05:06.789'", "P1Y2M3DT4H5M6.789S"),
    ("timetz", "'12:34:56.789+05:30'", "12:34:56.789+05:30"),
    ("inet", "'192.168.0.1'", "192.168.0.1/32"),
    ("int[]", "'[0:1]={7,NULL}'", "[7,null]"),
    ("float8[]", "'{NaN,1.5}'", '["NaN",1.5]'),
    ("numeric[]", "'{1.50}'", '["1.50"]'),
    ("numeric(5,2)[]", "'{1.5}'", "[1.50]"),
    ("money", "'$1,234.50'", "1234.50"),
    ("xid8", "'18446744073709551615'", "18446744073709551615"),
    ("varbit", "B'101'", "101"),
    ("int4range", "'[1,4]'", "[1,5)"),
]


def test_what_arrives_literally(one_world):
    """Without the reader of tools/parity.py: the documented texts, as the destination prints them."""
    world = one_world
    columns = ", ".join(f"c{i} {kind}" for i, (kind, _, _) in enumerate(ARRIVES))
    world.source(f"CREATE TABLE t (id int PRIMARY KEY, {columns}); INSERT INTO t VALUES (1, "
                 + ", ".join(value for _, value, _ in ARRIVES) + ")")
    world.table("public.t").write_config()
    world.must_run()
    names = ", ".join(f"c{i}" for i in range(len(ARRIVES)))
    row = world.sandbox.query(f"SELECT {names} FROM {world.schema}.t")[0]
    for value, (kind, _, wanted) in zip(row, ARRIVES):
        if kind.endswith("[]"):
            value, wanted = json.loads(value), json.loads(wanted)
        else:
            value = str(value)
        assert value == wanted, kind


KEYS = [("mood", "'sad'", "'ünïcödé 🙂'"), ("inet", "'10.0.0.1'", "'10.0.0.1/24'"),
        ("timetz", "'12:00+02'", "'10:00+00'"), ("bit(3)", "B'101'", "B'111'"),
        ("xid8", "'1'", "'18446744073709551615'"), ("money", "1", "-1"), ("name", "'x'", "'x '")]


@pytest.mark.parametrize("kind,one,other", KEYS)
def test_keys_of_other_types(one_world, kind, one, other):
    world = one_world
    world.source(SETUP + f"CREATE TABLE t (k {kind} PRIMARY KEY, v int);"
                 f"INSERT INTO t VALUES ({one}, 1), ({other}, 2)")
    world.table("public.t").write_config()
    world.must_run()
    world.assert_equal(("public.t", ["k"]), rows=2)
    world.source("UPDATE t SET v = v * 10")
    world.must_run()
    world.assert_equal(("public.t", ["k"]), rows=2)


def test_an_unknown_type_arrives_as_text_and_is_named(one_world):
    world = one_world
    world.source(SETUP + "CREATE TABLE t (id int PRIMARY KEY, p ltree);"
                 "INSERT INTO t VALUES (1, 'a.b')")
    world.table("public.t").write_config()
    done = subprocess.run(world.command("sync", "plan", "shop"), text=True, capture_output=True,
                          timeout=60)
    assert "column p: the type ltree is delivered as its text" in " ".join(done.stdout.split()), done
    world.must_run()
    assert world.sandbox.query(f"SELECT * FROM {world.schema}.t") == [(1, "a.b")]


def test_a_quoted_name_finds_its_position(one_world):
    """However a name is written, its second run reads the window alone."""
    world = one_world
    world.source('CREATE TABLE "Orders" (id int PRIMARY KEY, at timestamptz NOT NULL);'
                 """INSERT INTO "Orders" SELECT i, now() - i * interval '1 day' """
                 "FROM generate_series(0, 9) i")
    quoted = 'public."Orders"'
    world.table(quoted, cursor="at", lookback="0s").write_config()
    assert world.must_run()["rows"]["read"] == 10
    for name in (quoted, "public.Orders", '"public"."Orders"'):
        world.tables = [(name, "upsert", {"cursor": "at", "lookback": "0s"})]
        world.write_config()
        finished = world.must_run("--table", quoted)
        assert finished["table_results"][0]["full"] is False, name
        assert finished["rows"]["read"] <= 2, name
    world.assert_equal(("public.Orders", ["id"]), rows=10)


def test_a_table_of_one_text_column(world):
    """An empty text alone in its row: the line must not be empty."""
    world.source("CREATE TABLE o (v text); INSERT INTO o VALUES (''), (NULL), ('x'), (' '), (E'a\\nb'), "
                 "('\"'), ('NaN');"
                 "CREATE TABLE c (v char(4)); INSERT INTO c VALUES (''), (NULL), ('ab');"
                 "CREATE TABLE k (v text PRIMARY KEY); INSERT INTO k VALUES (''), ('z')")
    world.table("public.o", mode="replace").table("public.c", mode="replace").table("public.k")
    world.write_config()
    world.must_run()
    for table in ("o", "c", "k"):
        want = sorted(world.source(f"SELECT v::text FROM {table}"), key=str)
        assert sorted(world.sandbox.query(f"SELECT v FROM {world.schema}.{table}"), key=str) == want
    world.must_run()
