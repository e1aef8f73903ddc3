"""The table of docs/types.md that says what becomes of special values, held against real runs: what
the destination has, and whether COPY, INSERT (the side door) or nothing brought it.

VESTO_WRITE_DOCS=1 writes the table into the document, for a change that is meant."""
import contextlib
import json
import os
import re
import subprocess

import parity
import psycopg2.extensions as extensions
from world import ROOT

DOCUMENT = ROOT / "docs" / "types.md"
BEGIN, END = "<!-- what arrives -->\n", "<!-- end of what arrives -->"
FLOATS = [("NaN", "'NaN'"), ("Infinity", "'Infinity'"), ("-Infinity", "'-Infinity'"),
          ("-0", "'-0'"), ("NULL", "NULL")]
DATES = [("9999-12-31", None), ("10000-01-01", None), ("294276-12-31", None),
         ("0044-03-15 BC", None), ("4713-01-01 BC", None), ("infinity", None),
         ("-infinity", None), ("NULL", "NULL")]
# type -> (how the document calls the value, the value as SQL; None: the text itself).
VALUES = {
    "real, double precision": [("real", FLOATS), ("double precision", FLOATS)],
    "numeric(12,2)": [("numeric(12,2)", [("NaN", "'NaN'"), ("NULL", "NULL")])],
    "numeric": [("numeric", [("NaN", "'NaN'"), ("Infinity", "'Infinity'"),
                             ("41 digits", "12345678901234567890123456789012345678901")])],
    "date": [("date", [*DATES, ("294277-01-01", None)])],
    "timestamp": [("timestamp", DATES)],
    "timestamptz": [("timestamptz", DATES)],  # the server's zone is UTC
    "time": [("time", [("24:00:00", None)])],
    "text": [("text", [("no bytes", "''"), ("NULL", "NULL"), ("the text NULL", "'NULL'"),
                       (r"the text \N", r"'\N'"), ("CR LF", r"E'\r\n'"), ("0x01", r"E'\x01'"),
                       ("blanks behind", "'a  '"), ("65,535 bytes", "repeat('x', 65535)"),
                       ("65,536 bytes", "repeat('x', 65536)")])],
    "char(10)": [("char(10)", [("'a' and padding", "'a'")])],
    "bytea": [("bytea", [("no bytes", "''"), ("NULL", "NULL"), (r"\x00", r"'\x00'"),
                         ("1,024,000 bytes", "decode(repeat('ab', 1024000), 'hex')"),
                         ("1,024,001 bytes", "decode(repeat('ab', 1024001), 'hex')")])],
    "json, jsonb": [(kind, [
        ("NULL", "NULL"), ("null of JSON", "'null'"), ("an empty string", "'\"\"'"),
        ("a string of 65,536 bytes", f"to_{kind}(repeat('x', 65536))"),
        ("1,001 levels", f"(repeat('[', 1001) || repeat(']', 1001))::{kind}"),
        ("a number of 38 digits", "'12345678901234567890123456789012345678'"),
        ("a number of 39 digits", "'123456789012345678901234567890123456789'")])
        for kind in ("json", "jsonb")],
    "json": [("json", [(r"\u0000", "'\"\\u0000\"'")])],
    "float8[]": [("float8[]", [("{NaN,Infinity}", None), ("{}", None), ("{NULL}", None)])],
    "text[]": [("text[]", [("an element of 65,536 bytes", "ARRAY[repeat('x', 65536)]")])],
}


def cases():
    for shown, kinds in VALUES.items():
        for kind, values in kinds:
            for text, value in values:
                yield shown, text, kind, value if value is not None else f"'{text}'"


def shown_value(shown, value):
    if value is None:
        return "NULL"
    if len(value) > 60:
        return f"{len(value) // (2 if shown == 'bytea' else 1):,} bytes"
    if value == "":
        return "no bytes"
    return "`" + json.dumps(value)[1:-1].replace('\\"', '"').replace("\\\\", "\\") + "`"


def carriers(world, run):
    """{table: COPY or INSERT}, by the statements that the run sent."""
    done = subprocess.run(world.command("show", run, "--sql"), text=True, capture_output=True,
                          timeout=60)
    assert done.returncode == 0, done.stderr
    out = {}
    for verb, table in re.findall(r'(COPY|INSERT INTO) "[^"]+"\."(w\d+)"', done.stdout):
        assert out.setdefault(table, verb.split()[0]) == verb.split()[0]
    return out


def test_what_arrives(one_world):
    world = one_world
    rows = list(cases())
    for number, (_, _, kind, value) in enumerate(rows):
        world.source(f"CREATE TABLE w{number} (id int, x {kind}); "
                     f"INSERT INTO w{number} VALUES (1, {value})")
        world.table(f"public.w{number}", mode="replace")
    world.write_config()
    finished = world.must_run()
    brought = carriers(world, finished["run"])
    rejected = {table["table"].split(".")[1] for table in finished["table_results"]
                if table["rows"]["rejected"]}
    assert not rejected & set(brought)
    lines = {}
    with contextlib.closing(parity.connect(world.sandbox.dsn())) as connection:
        texts = extensions.new_type((700, 701, 1700), "TEXTS", lambda value, cursor: value)
        extensions.register_type(texts, connection)
        cursor = connection.cursor()
        for number, (shown, text, _, _) in enumerate(rows):
            name = f"w{number}"
            cursor.execute(f'SELECT x FROM "{world.schema}"."{name}"')
            found = cursor.fetchall()
            assert len(found) == (0 if name in rejected else 1)
            if not found:
                line = "nothing | rejected"
            else:
                value = found[0][0]
                value = None if value is None else str(value)  # a time is Python's own
                line = f"{shown_value(shown, value)} | {brought[name]}"
            # Types that stand in one line behave alike.
            assert lines.setdefault((shown, text), line) == line, (shown, text)
    table = "| PostgreSQL | value | arrives | by |\n| --- | --- | --- | --- |\n" + "".join(
        f"| {shown} | {text} | {line} |\n" for (shown, text), line in lines.items())
    document = DOCUMENT.read_text()
    head, rest = document.split(BEGIN)
    _, tail = rest.split(END)
    if os.environ.get("VESTO_WRITE_DOCS") == "1":
        DOCUMENT.write_text(head + BEGIN + table + END + tail)
    assert DOCUMENT.read_text() == head + BEGIN + table + END + tail
