#!/usr/bin/env python3
"""The proof: reads both sides and compares every value of every row. Shares no code with Vesto.

  tools/parity.py --source DSN --destination DSN public.orders=shop.orders:id ...

One server-side cursor a side, both ordered by the key; values are compared as Python objects under
the map of docs/types.md. Ends with 0 when all is equal, with 1 at the first 10 differences of a
table. Counts are never taken as proof.
"""
import argparse
import datetime
import decimal
import hashlib
import json
import re
import struct
import sys

import psycopg2
import psycopg2.extensions as extensions

BATCH_ROWS = 20_000
MAX_DIFFERENCES = 10
SUPER_OID = 4000
VARBYTE_OID = 6551
NAMES = {16: "bool", 17: "bytea", 20: "int", 21: "int", 23: "int", 25: "text", 114: "json",
         700: "float4", 701: "float8", 1042: "char", 1043: "text", 1082: "date", 1083: "time",
         1114: "timestamp", 1184: "timestamptz", 1700: "numeric", 3802: "json",
         SUPER_OID: "json", VARBYTE_OID: "bytea"}


def quote(name):
    return '"' + name.replace('"', '""') + '"'


def qualified(name):
    return ".".join(quote(part) for part in name.split(".", 1))


FOLD = {ord(c): c.lower() for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}
SYSTEM_COLUMNS = {"oid", "tableoid", "xmin", "cmin", "xmax", "cmax", "ctid", "insertxid",
                  "deletexid"}
MADE = re.compile(r"~[0-9a-f]+\Z|~~[g-z]{20}\Z")


def fold(name):
    return name.translate(FOLD)


def made_name(name, ambiguous=False):
    """The name in Redshift by docs/names.md."""
    folded = out = fold(name)
    if ambiguous or MADE.search(folded):
        letters = [c for c in name if c.isascii() and c.isalpha()]
        out += f"~{sum(1 << i for i, c in enumerate(letters) if c.isupper()):x}"
    if len(out.encode()) <= 127:
        return out
    head = folded.encode()[:105].decode(errors="ignore")
    digest = hashlib.sha256(name.encode()).digest()
    return head + "~~" + "".join("ghijklmnopqrstuvwxyz"[byte % 20] for byte in digest[:20])


def column_names(names):
    """{name in the source: name in Redshift} of the columns of one table."""
    folded = [fold(name) for name in names]
    return {name: made_name(name, fold(name) in SYSTEM_COLUMNS or
                            folded.count(fold(name)) > 1 and name != fold(name))
            for name in names}


WHOLE = {"oid", "xid", "cid", "xid8"}


def source_form(connection, oid, typmod, name):
    """(expression, kind) by which a source column is read, for types that are not in NAMES."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT typname, typtype, typcategory = 'A' AND typlen = -1 AND oid NOT IN "
                       "(22, 30), typelem FROM pg_type WHERE oid = %s", (oid,))
        type_name, kind, array, element = cursor.fetchone()
    column = quote(name)
    if array:
        # numeric without a precision up to 38: strings, digit by digit.
        loose = element == 1700 and (typmod < 4 or not 1 <= (typmod - 4) >> 16 <= 38)
        return (f"to_json({column}{'::text[]' if loose else ''})::text", "json")
    if kind == "c" or type_name == "hstore":
        return f"to_json({column})::text", "json"
    if type_name == "money":
        return f"{column}::numeric", "numeric"
    if type_name in WHOLE:
        return f"{column}::text::numeric", "numeric"
    return f"{column}::text", "text"  # all others: enums, ranges, inet ... and what nobody knows


def connect(dsn):
    """Dates, times and binary stay text: Python's own types cannot hold all of their values."""
    connection = psycopg2.connect(dsn)
    raw = extensions.new_type((17, 114, 1082, 1083, 1114, 1184, 3802, SUPER_OID, VARBYTE_OID),
                              "RAW", lambda value, cursor: value)
    extensions.register_type(raw, connection)
    with connection.cursor() as cursor:
        cursor.execute("SET timezone TO 'UTC'")
        cursor.execute("SET extra_float_digits TO 2")  # all digits of a float
        if connection.server_version > 90000:  # the source; Redshift says 80002
            cursor.execute("SET intervalstyle TO 'iso_8601'; SET search_path TO ''")
    connection.commit()
    return connection


def canonical(kind, value):
    """A value as a Python object that is equal on both sides exactly when the value is."""
    if value is None:
        return None
    if kind == "json":
        return json.loads(value, parse_float=decimal.Decimal, parse_int=decimal.Decimal)
    if kind == "bytea":
        return bytes.fromhex(value[2:] if value.startswith("\\x") else value)
    if kind == "char":
        return value.rstrip(" ")
    if kind == "float4":
        return struct.pack("<f", value)
    if kind == "float8":
        return "NaN" if value != value else value
    if kind in ("timestamp", "timestamptz") and not value.endswith("BC") and value[4] == "-":
        text = value[:-3] + "+00:00" if kind == "timestamptz" else value
        day, _, clock = text.partition(" ")
        zone = "+00:00" if clock.endswith("+00:00") else ""
        clock = clock[:-6] if zone else clock
        head, _, fraction = clock.partition(".")
        return datetime.datetime.fromisoformat(f"{day} {head}.{fraction:0<6}{zone}")
    if kind == "time":
        head, _, fraction = value.partition(".")
        return f"{head}.{fraction:0<6}"
    return value


def same(source_kind, destination_kind, a, b):
    if a is None or b is None:
        return a is None and b is None
    if source_kind == "numeric" and destination_kind == "text":
        return format(a, "f") == b
    if (source_kind, destination_kind) == ("numeric", "int"):
        return a == b
    return canonical(source_kind, a) == canonical(destination_kind, b)


def columns_of(connection, table):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {qualified(table)} LIMIT 0")
        return [(c.name, NAMES.get(c.type_code, "other")) for c in cursor.description]


def forms_of(connection, table):
    """(name, kind, expression) of each column of the source."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {qualified(table)} LIMIT 0")
        columns = [(c.name, c.type_code) for c in cursor.description]
        cursor.execute("SELECT attname, CASE WHEN typtype = 'd' THEN typtypmod ELSE atttypmod END "
                       "FROM pg_attribute JOIN pg_type t ON t.oid = atttypid WHERE attnum > 0 AND "
                       "attrelid = %s::regclass", (qualified(table),))
        typmods = dict(cursor.fetchall())
    out = []
    for name, oid in columns:
        if oid in NAMES:
            out.append((name, NAMES[oid], quote(name)))
        else:
            expression, kind = source_form(connection, oid, typmods[name], name)
            out.append((name, kind, expression))
    return out


def open_cursor(connection, name, table, columns, order):
    cursor = connection.cursor(name=name)
    cursor.itersize = BATCH_ROWS
    cursor.execute(f"SELECT {', '.join(columns)} FROM {qualified(table)} "
                   f"ORDER BY {order}")
    return cursor


def order_by(keys, kinds, forms, collate):
    parts = []
    for key in keys:
        if kinds[key] in ("text", "char"):
            parts.append(f"rtrim({forms[key]}){collate}, octet_length({forms[key]})")
        else:
            parts.append(forms[key])
    return ", ".join(parts)


def compare_table(source, destination, source_table, destination_table, keys, exclude=()):
    """Returns (rows, values, differences)."""
    forms = [c for c in forms_of(source, source_table) if c[0] not in exclude]
    source_columns = [(name, kind) for name, kind, _ in forms]
    source_forms = {name: expression for name, _, expression in forms}
    destination_kinds = dict(columns_of(destination, destination_table))
    called = column_names([name for name, _ in source_columns])
    missing = [n for n, _ in source_columns if called[n] not in destination_kinds]
    if missing:
        return 0, 0, [f"{destination_table} lacks the columns {missing}"]
    names = [n for n, _ in source_columns]
    kinds = [(k, destination_kinds[called[n]]) for n, k in source_columns]
    text_keys = dict(source_columns)
    left = open_cursor(source, "left_side", source_table, [source_forms[n] for n in names],
                       order_by(keys, text_keys, source_forms, ' COLLATE "C"'))
    plain_names = {called[n]: quote(called[n]) for n in names}
    right = open_cursor(destination, "right_side", destination_table, list(plain_names.values()),
                        order_by([called[k] for k in keys], destination_kinds, plain_names, ""))
    # Kinds whose Python objects are equal exactly when the values are need no closer look.
    plain = all(a == b and a in ("bool", "int", "text", "date", "float8") or
                (a, b) in (("numeric", "numeric"), ("timestamp", "timestamp"),
                           ("timestamptz", "timestamptz")) for a, b in kinds)
    rows = 0
    differences = []
    while len(differences) < MAX_DIFFERENCES:
        a_rows = left.fetchmany(BATCH_ROWS)
        b_rows = right.fetchmany(BATCH_ROWS)
        if not a_rows and not b_rows:
            break
        for index in range(max(len(a_rows), len(b_rows))):
            a = a_rows[index] if index < len(a_rows) else None
            b = b_rows[index] if index < len(b_rows) else None
            if a is None or b is None:
                side = "destination" if a is None else "source"
                differences.append(f"row {rows + 1}: only in the {side}: {(a or b)!r:.200}")
                break
            rows += 1
            if plain and a == b:
                continue
            for (source_kind, destination_kind), name, x, y in zip(kinds, names, a, b):
                if not same(source_kind, destination_kind, x, y):
                    differences.append(f"row {rows}, column {name}: source {x!r:.200}, "
                                       f"destination {y!r:.200}")
        if len(a_rows) != len(b_rows):
            break
    left.close()
    right.close()
    source.rollback()
    destination.rollback()
    return rows, rows * len(names), differences[:MAX_DIFFERENCES]


def compare(source_dsn, destination_dsn, tables):
    """tables: (source table, destination table, [key, ...]). Returns (rows, values, differences)."""
    source, destination = connect(source_dsn), connect(destination_dsn)
    rows = values = 0
    differences = []
    try:
        for source_table, destination_table, keys in tables:
            r, v, d = compare_table(source, destination, source_table, destination_table, keys)
            rows, values = rows + r, values + v
            differences += [f"{source_table}: {text}" for text in d]
    finally:
        source.close()
        destination.close()
    return rows, values, differences


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--source", required=True)
    parser.add_argument("--destination", required=True)
    parser.add_argument("table", nargs="+", help="SOURCE=DESTINATION:KEY[,KEY]")
    options = parser.parse_args()
    tables = []
    for text in options.table:
        names, _, keys = text.rpartition(":")
        source_table, _, destination_table = names.partition("=")
        tables.append((source_table, destination_table, keys.split(",")))
    rows, values, differences = compare(options.source, options.destination, tables)
    for text in differences:
        print(text)
    print(f"{rows:,} rows, {values:,} values compared one by one: "
          f"{'DIFFERENT' if differences else 'equal'}")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
