"""The zoo: every type of docs/types.md with its extremes, hostile texts and what Redshift cannot
hold, in every mode; values and rows at the limits of size; tables of 1,500 columns. tools/parity.py
reads both sides and compares value by value."""
import datetime
import json
import shutil
import subprocess
import sys

import parity
import pytest
from test_types import HOSTILE, MANY_RANGES, SETUP, TEXTS, VALUES, literal

MODES = {
    "upsert_cursor": ("upsert", {"cursor": "at", "lookback": "1h"}),
    "upsert": ("upsert", {}),
    "replace": ("replace", {}),
    "append": ("append", {"cursor": "at", "lookback": "1h"}),
    "append_immutable": ("append", {"cursor": "at", "cursor_is_immutable": True}),
}
FLOATS = ["0", "'-0'", "'NaN'", "'Infinity'", "'-Infinity'"]
MOMENTS = ["'0001-01-01'", "'9999-12-31 23:59:59.999999'", "'2024-02-29 12:34:56.5'",
           "'0001-12-31 23:59:59.5 BC'", "'4713-01-01 BC'", "'10000-01-01'",
           "'294276-12-31 23:59:59.999999'", "'1969-12-31 23:59:59.999999'"]
# Those of test_types.py, and the ones that it has in another table.
GOOD = {
    **VALUES,
    "boolean": ["true", "false"],
    "smallint": ["-32768", "0", "32767"],
    "integer": ["-2147483648", "0", "2147483647"],
    "bigint": ["-9223372036854775808", "0", "9223372036854775807"],
    "numeric(12,2)": ["0", "-9999999999.99", "9999999999.99"],
    "numeric(19,4)": ["-999999999999999.9999", "999999999999999.9999"],
    "numeric(38,0)": ["-99999999999999999999999999999999999999", "1"],
    "numeric(38,10)": ["9999999999999999999999999999.9999999999", "-0.0000000001"],
    "real": [*FLOATS, "1e-45", "1.1754944e-38", "3.4028235e38", "-3.4028235e38", "0.1"],
    "double precision": [*FLOATS, "4.9e-324", "2.2250738585072014e-308", "0.1",
                         "1.7976931348623157e308", "-1.7976931348623157e308"],
    "date": ["'0001-01-01'", "'9999-12-31'", "'2024-02-29'", "'0001-12-31 BC'", "'4713-01-01 BC'",
             "'10000-01-01'", "'294276-12-31'", "'1969-12-31'"],
    "timestamp": MOMENTS,
    "timestamptz": [text[:-1] + " UTC'" if "BC" not in text else text for text in MOMENTS],
    "text": ["repeat('x', 65535)", "repeat('漢', 21845)"],
    "varchar(60)": ["repeat('🙂', 60)"],
    "char(10)": ["''", "'ends   '", "'  both  '", r"'\N'", "'NULL'", "repeat('🙂', 10)"],
    "bytea": ["''", r"'\x00'", r"'\xff0a0d22275c2c090100'", "convert_to('NaN', 'UTF8')"],
    "json": ["'{}'", "'[]'", "'\"\"'", "'0'", "'true'", "'{\"a\": [1, 2.50, \"é\", null]}'",
             "'[-0.0000000000000000000000000000000000001]'",
             "(repeat('[', 1000) || repeat(']', 1000))::json"],
    "jsonb": ["'{}'", "'[]'", "'\"\"'", "'false'", "to_jsonb(repeat('x', 65535))",
              "'[99999999999999999999999999999999999999, -1.5]'"],
    "smallint[]": ["'{32767,-32768}'", "'{}'"],
    "hstore": ["''", "'a=>1, \"b c\"=>NULL'"],
    "aclitem": ["'postgres=r/postgres'"],
    "refcursor": ["'a cursor'"],
    "regproc": ["'pg_backend_pid'"],
    "datemultirange": ["'{[2026-01-01,2026-02-01)}'"],
}
# What nothing can hold: the column, the value, and a word of the reason.
BAD = [
    ("numeric(12,2)", "'NaN'", "NaN"), ("numeric(38,0)", "'NaN'", "NaN"),
    ("numeric(5,-2)", "'NaN'", "NaN"), ("price", "'NaN'", "NaN"),
    ("date", "'infinity'", "infinity"), ("date", "'-infinity'", "-infinity"),
    ("date", "'294277-01-01'", "294277"), ("date", "'5874897-12-31'", "5874897"),
    ("timestamp", "'infinity'", "infinity"), ("timestamptz", "'-infinity'", "-infinity"),
    ("text", "repeat('x', 65536)", "65,536"), ("text", "repeat('x', 1000000)", "1,000,000"),
    ("text", "repeat('漢', 21846)", "65,538"), ("citext", "repeat('x', 65536)", "65,536"),
    ("int4multirange", "repeat_ranges()", "bytes"),
    ("text[]", "ARRAY[repeat('x', 65536)]", "65,536"),
    ("bytea", "convert_to(repeat('x', 1024001), 'UTF8')", "1,024,001"),
    ("json", "to_json(repeat('y', 65536))", "65,536"), ("json", """'"a\\u0000"'""", "u0000"),
    ("json", "(repeat('[', 1001) || repeat(']', 1001))::json", "1,00"),
    ("jsonb", "to_jsonb(repeat('y', 1000000))", "1,000,000"),
    ("jsonb", "'[1, 123456789012345678901234567890123456789]'", "digits"),
    ("json", "'[0.00000000000000000000000000000000000001]'", "digits"),
    ("hstore", "hstore('k', repeat('x', 65536))", "65,536"),
]
FIRST_BAD = 10_000


class Zoo:
    """The table `zoo` in the source. Rows below FIRST_BAD can be delivered, the others cannot."""

    def __init__(self, world):
        types = list(dict.fromkeys([*GOOD, *TEXTS]))
        self.world = world
        self.columns = {kind: f"c{number}" for number, kind in enumerate(types)}
        world.source(SETUP + MANY_RANGES + "CREATE TABLE zoo (id int PRIMARY KEY, at timestamptz "
                     "NOT NULL DEFAULT clock_timestamp(), v int, "
                     + ", ".join(f"{name} {kind}" for kind, name in self.columns.items()) + ");"
                     f"CREATE VIEW good AS SELECT * FROM zoo WHERE id < {FIRST_BAD}")
        self.good = [("v", "NULL")]  # NULL in all of them
        self.good += [(self.columns[kind], one) for kind, values in GOOD.items() for one in values]
        names = ", ".join(self.columns[kind] for kind in TEXTS)
        self.good += [(names, ", ".join(form.replace("%s", literal(text))
                                        for form in TEXTS.values())) for text in HOSTILE]

    def insert(self, offset):
        """Each value once, with keys of its own."""
        rows = [(offset + number, *row) for number, row in enumerate(self.good)]
        rows += [(FIRST_BAD + offset + number, self.columns[kind], value)
                 for number, (kind, value, _) in enumerate(BAD)]
        self.world.source("; ".join(f"INSERT INTO zoo (id, {names}) VALUES ({number}, {value})"
                                    for number, names, value in rows))

    def rotate(self):
        """Every value goes to another row, and with it each NULL over a value."""
        names = ", ".join(self.columns.values())
        for first, count in ((0, len(self.good)), (FIRST_BAD, len(BAD))):
            self.world.source(
                f"UPDATE zoo SET at = clock_timestamp(), v = 7, ({names}) = (SELECT {names} FROM "
                f"zoo o WHERE o.id = {first} + (zoo.id - {first} + 1) % {count}) "
                f"WHERE zoo.id >= {first} AND zoo.id < {first + count}")


def compare(world, source, target, rows):
    sys.setrecursionlimit(10_000)  # for the reader: JSON of 1,000 levels
    seen, _, differences = parity.compare(
        world.postgres.dsn(world.database), world.sandbox.dsn(),
        [(source, f"{world.schema}.{target}", ["id"])])
    assert differences == [] and seen == rows


def run(world, read, rejected):
    """Runs once, or with an immutable cursor until the rows are old enough; the counts add up.
    Returns the warnings."""
    warnings = []
    seen = {"read": 0, "copied": 0, "rejected": 0}
    tries = 20 if "cursor_is_immutable" in world.tables[0][2] else 1
    while tries > 0 and seen["read"] < read:
        tries -= 1
        finished = world.must_run()
        seen = {name: count + finished["rows"][name] for name, count in seen.items()}
        warnings += finished.get("warnings", [])
    wanted = {"read": read, "copied": read - rejected, "rejected": rejected}
    assert seen == wanted, reasons(world)
    return "\n".join(warnings)


def reasons(world, limit=1000):
    """{key: (column, reason)} of what was rejected."""
    done = subprocess.run(
        world.command("sync", "rejected", "shop", "--json", "--limit", str(limit)), text=True,
        capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return {int(row["key"]["id"]): (row["column"], row["reason"])
            for row in json.loads(done.stdout)["rows"]}


@pytest.mark.parametrize("mode", MODES)
def test_every_type_in_every_mode(one_world, mode):
    world = one_world
    zoo = Zoo(world)
    zoo.insert(0)
    name, settings = MODES[mode]
    world.table("public.zoo", mode=name, **settings).write_config()
    good, bad = len(zoo.good), len(BAD)
    run(world, good + bad, bad)
    compare(world, "public.good", "zoo", good)
    why = reasons(world)
    assert sorted(why) == list(range(FIRST_BAD, FIRST_BAD + bad))
    for number, (kind, _, word) in enumerate(BAD):
        column, reason = why[FIRST_BAD + number]
        assert column == zoo.columns[kind] and word in reason, (kind, reason)
    # Once more with edits: through the staging table, or in place of the window.
    if mode == "append_immutable":
        zoo.insert(1000)
        run(world, good + bad, bad)
        compare(world, "public.good", "zoo", 2 * good)
    else:
        zoo.rotate()
        run(world, good + bad, bad)
        compare(world, "public.good", "zoo", good)
    world.assert_nothing_left()


# A row as COPY sees it, its separators and its LF included, may have this many bytes.
MAX_ROW_BYTES = 4 << 20
PIECES = 64
PIECE_BYTES = 65_000
# id, at and their commas; a comma after each piece; LF
AROUND_BYTES = len("1,2026-01-01 00:00:00+00,") + PIECES + 1
SIZES = [
    ("t", "repeat('x', 1048576)", "1,048,576"), ("t", "repeat('x', 65535)", ""),
    ("b", "decode(repeat('ab', 1024000), 'hex')", ""),
    ("b", "decode(repeat('ab', 1024001), 'hex')", "1,024,001"),
    ("j", "to_jsonb(repeat('y', 1048576))", "1,048,576"),
    # CSV doubles each quote: 66 bytes a string.
    ("j", "(SELECT jsonb_agg(repeat('z', 60)) FROM generate_series(1, 63000))", ""),
    ("j", "(SELECT jsonb_agg(repeat('z', 60)) FROM generate_series(1, 64000))", "4.0 MiB"),
    ("j", "jsonb_build_array(repeat('z', 65535), repeat('é', 32767))", ""),
    ("j", "jsonb_build_object(repeat('n', 65536), 1)", "65,536"),
]


def fill_sizes(world, offset):
    for number, (column, value, _) in enumerate(SIZES):
        world.source(f"INSERT INTO sizes (id, {column}) VALUES ({offset + number}, {value})")


def fill_edge(world, first, at):
    """Three rows: at the limit, and by one byte and by far above it."""
    pieces = ", ".join([f"repeat('p', {PIECE_BYTES})"] * PIECES)
    last = MAX_ROW_BYTES - AROUND_BYTES - PIECES * PIECE_BYTES
    for number, more in enumerate((0, 1, 20_000)):
        world.source(f"INSERT INTO edge VALUES ({first + number}, '{at}', {pieces}, "
                     f"repeat('e', {last + more}))")


@pytest.mark.parametrize("mode", MODES)
def test_sizes_at_their_limits(one_world, mode):
    """Values, and rows of one byte more and less than COPY takes."""
    world = one_world
    columns = ", ".join(f"c{i} text" for i in range(PIECES + 1))
    world.source("CREATE TABLE sizes (id int PRIMARY KEY, at timestamptz NOT NULL DEFAULT "
                 "clock_timestamp(), t text, b bytea, j jsonb);"
                 f"CREATE TABLE edge (id int PRIMARY KEY, at timestamptz NOT NULL, {columns});"
                 + "".join(f"ALTER TABLE edge ALTER c{i} SET STORAGE EXTERNAL;"
                           for i in range(PIECES + 1)))
    good = [number for number, (_, _, reason) in enumerate(SIZES) if not reason]
    world.source("CREATE VIEW good AS SELECT * FROM sizes WHERE id % 100 IN ("
                 + ", ".join(map(str, good)) + ");"
                 "CREATE VIEW edge_good AS SELECT * FROM edge WHERE id IN (1, 4)")
    fill_sizes(world, 100)
    now = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    hour = datetime.timedelta(hours=1)
    fill_edge(world, 1, now - hour)
    name, settings = MODES[mode]
    for table in ("sizes", "edge"):
        world.table(f"public.{table}", mode=name, **settings)
    world.write_config()
    rejected = len(SIZES) - len(good) + 2
    run(world, len(SIZES) + 3, rejected)
    compare(world, "public.good", "sizes", len(good))
    compare(world, "public.edge_good", "edge", 1)
    why = reasons(world)
    for number, (column, _, word) in enumerate(SIZES):
        if word:
            assert why[100 + number][0] == ("" if "MiB" in word else column)
            assert word in why[100 + number][1]
    assert why[2][0] == why[3][0] == "" and "4.0 MiB" in why[2][1] and "4.0 MiB" in why[3][1]
    # Through the staging table, or in place of the window, with a second one of each.
    fill_sizes(world, 200)
    again = mode != "append_immutable"
    run(world, len(SIZES) * (2 if again else 1) + (3 if again else 0),
        (len(SIZES) - len(good)) * (2 if again else 1) + (2 if again else 0))
    compare(world, "public.good", "sizes", 2 * len(good))
    compare(world, "public.edge_good", "edge", 1)
    world.assert_nothing_left()


WIDE = 1500
WIDE_TYPES = ["int", "text", "boolean", "smallint", "date", "numeric(9,2)", "varchar(20)"]
WIDE_VALUES = ["i", "'t' || i", "i % 2 = 0", "i", "date '2024-01-01' + i", "i + 0.25", "NULL"]


@pytest.mark.parametrize("mode", MODES)
def test_1500_columns(one_world, mode):
    """The record of the columns is longer than one VARCHAR: the destination keeps it in pieces."""
    world = one_world
    kinds = [WIDE_TYPES[i % len(WIDE_TYPES)] for i in range(WIDE - 2)]
    names = ", ".join(f"a_column_of_a_wide_table_{i} {kind}" for i, kind in enumerate(kinds))
    values = ", ".join(WIDE_VALUES[i % len(WIDE_VALUES)] for i in range(WIDE - 2))
    insert = "INSERT INTO wide SELECT i, clock_timestamp(), %s FROM generate_series(%d, %d) i"
    world.source(f"CREATE TABLE wide (id int PRIMARY KEY, at timestamptz NOT NULL, {names});"
                 + insert % (values, 1, 10))
    name, settings = MODES[mode]
    world.table("public.wide", mode=name, **settings).write_config()
    run(world, 10, 0)
    compare(world, "public.wide", "wide", 10)
    # Another machine, a column more, and one under a new name.
    shutil.rmtree(world.folder / "data")
    world.source("ALTER TABLE wide ADD one_more text DEFAULT 'more';"
                 "ALTER TABLE wide RENAME a_column_of_a_wide_table_3 TO another_name;"
                 + insert % (values + ", 'more'", 11, 20))
    if mode == "append_immutable":
        told = run(world, 10, 0)
        world.source("CREATE VIEW late AS SELECT * FROM wide WHERE id > 10")
        target = f"{world.schema}.wide"
        assert world.sandbox.query(f"SELECT count(*), count(one_more), count(another_name), "
                                   f"count(a_column_of_a_wide_table_3) FROM {target}") \
            == [(20, 10, 10, 10)]
        world.sandbox.query(f"DELETE FROM {target} WHERE id <= 10")
        compare(world, "public.late", "wide", 10)
    else:
        told = run(world, 20, 0)
        compare(world, "public.wide", "wide", 20)
    assert "column a_column_of_a_wide_table_3 was renamed to another_name" in told
    columns = world.sandbox.query("SELECT count(*) FROM svv_columns WHERE table_schema = %s AND "
                                  "table_name = 'wide'", world.schema)
    assert columns == [(WIDE + 2,)]  # the old name stays
    # The record has been written anew, in all its pieces: nothing is told twice.
    shutil.rmtree(world.folder / "data")
    assert "renamed" not in str(world.must_run())
    world.assert_nothing_left()


# Neither those that PostgreSQL takes for no key, nor those of which equal values are written in
# more than one way (PG-NO-KEY), nor texts that are too long for an index.
NO_KEYS = {"interval", "citext", "numrange", "json", "jsonb", "xml", "xid", "cid", "point", "line",
           "lseg", "box", "path", "polygon", "circle", "jsonpath", "aclitem", "refcursor",
           "pg_snapshot", "txid_snapshot", "int2vector", "hstore", "text"}


def can_be_key(kind):
    return kind not in NO_KEYS and not kind.endswith("[]") and kind not in ("pair", "tags")


def test_every_type_as_a_key(one_world):
    """Each special value finds itself again: no row twice, none lost, all updated. (-0 is 0.)"""
    world = one_world
    world.source(SETUP)
    tables = []
    for kind, values in GOOD.items():
        if not can_be_key(kind):
            continue
        values = [value for value in dict.fromkeys(values) if value != "'-0'"]
        name = f"k{len(tables)}"
        tables.append((name, kind, len(values)))
        world.source(f"CREATE TABLE {name} (k {kind} PRIMARY KEY, v int);"
                     + ";".join(f"INSERT INTO {name} VALUES ({value}, {number})"
                                for number, value in enumerate(values)))
        world.table(f"public.{name}")
    world.write_config()
    rows = sum(count for _, _, count in tables)
    run(world, rows, 0)
    for name, _, _ in tables:
        world.source(f"UPDATE {name} SET v = v + 100")
    run(world, rows, 0)
    for name, kind, count in tables:
        found = world.sandbox.query(f"SELECT v FROM {world.schema}.{name} ORDER BY v")
        assert found == [(100 + number,) for number in range(count)], kind
    world.assert_nothing_left()
