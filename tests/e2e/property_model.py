"""What must be in the destination, computed from docs/types.md and docs/names.md alone: after each
run, from what the source holds and what was there before."""
import decimal
import json

import parity
from parity import quote
from property_types import by_insert, is_bad

NULL = ("null",)
KEPT_VALUE_BYTES = 4096


class Rejected:
    """A row that must be kept aside: its key, and the columns that may be named as the reason."""

    def __init__(self, key, columns):
        self.key, self.columns = key, columns  # columns: {name: the value's text}

    def fits(self, row):
        if row["key"] != self.key or row["column"] not in self.columns:
            return False
        text = self.columns[row["column"]]
        if text is None:
            return True
        kept = text.encode()[:KEPT_VALUE_BYTES].decode(errors="ignore")
        return row["value"] == kept and row["value_bytes"] == len(text.encode())

    def __repr__(self):
        return f"key {self.key!r:.200}, columns {list(self.columns)}"


class SourceRow:
    def __init__(self, values, texts, kinds):
        self.values, self.texts, self.kinds = values, texts, kinds  # by column name


def read_source(connection, table):
    """All rows as the source holds them now."""
    forms = {name: (kind, expression)
             for name, kind, expression in parity.forms_of(connection, table.name)}
    names = [c.name for c in table.columns]
    loose = {c.name for c in table.columns if c.type == "numeric" and c.name in table.key}
    # As COPY prints it: a boolean's cast to text is another word.
    texts = [f"trim_scale({quote(n)})::text" if n in loose else
             f"left({quote(n)}::text, 1)" if forms[n][0] == "bool" else f"{quote(n)}::text"
             for n in names]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join([forms[n][1] for n in names] + texts)} "
                       f"FROM {parity.qualified(table.name)}")
        rows = cursor.fetchall()
    connection.rollback()
    kinds = {n: forms[n][0] for n in names}
    return [SourceRow(dict(zip(names, row)), dict(zip(names, row[len(names):])), kinds)
            for row in rows]


def read_destination(connection, name):
    """(kinds by column, rows by column)."""
    kinds = dict(parity.columns_of(connection, name))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {parity.qualified(name)}")
        columns = [c.name for c in cursor.description]
        rows = [dict(zip(columns, row)) for row in cursor.fetchall()]
    connection.rollback()
    return kinds, rows


def key_part(value):
    """A key's value as both sides have it: loose numerics are texts in the destination."""
    return value.normalize() if isinstance(value, decimal.Decimal) else value


class TableModel:
    """Of one table: the rows that the destination must hold, and how far they were read."""

    def __init__(self, table):
        self.table = table
        self.keyed = {}      # key -> {column in the destination: what it must hold}
        self.loose = []      # of tables without a key
        self.position = None
        self.columns = None  # delivered names at the last run
        self.known = {}  # at the last run: name in the source -> (its column, type)
        self.required = set()  # a column comes to the target with the first row that is read

    def advance(self, rows):
        """A run has read `rows`. Returns (rows read, rejected, values set to NULL)."""
        table = self.table
        called = parity.column_names([c.name for c in table.columns])
        fresh = self.columns is not None and set(called.values()) - self.columns
        backfill = bool(fresh) and table.on_new_column == "add_and_backfill"
        # Another column of the same name, or of another type: old rows may hold other values now.
        known, self.known = self.known, {c.name: (c, c.type) for c in table.columns}
        altered = any(known.get(name, now) != now for name, now in self.known.items())
        full = self.columns is None or backfill or altered or table.cursor is None
        self.columns = set(called.values())
        read, full = self.window(rows, full)
        if read or not self.required:
            self.required = self.columns
        delivered, rejected, nulled = [], [], 0
        for row in read:
            cells, refusal, nulls = self.cells(row, called)
            if refusal:
                rejected.append(refusal)
            else:
                delivered.append((row, cells))
                nulled += nulls
        self.merge(delivered, full)
        return len(read), rejected, nulled

    def window(self, rows, full):
        """The rows that are read, and whether they are all: cursors go by lookback 0."""
        if self.table.cursor is None:
            return rows, True
        name = self.table.cursor.name
        key = (lambda row: row.values[name]) if self.table.cursor.type != "timestamptz" else \
            (lambda row: row.texts[name] and parity.canonical("timestamptz", row.values[name]))
        known = [key(row) for row in rows if key(row) is not None]
        newest = max(known, default=None)
        start, self.position = self.position, newest
        if full or start is None or newest is None or newest < start:
            self.start = None
            return rows, True
        self.start = start
        if self.table.mode == "append_immutable":
            return [row for row in rows if key(row) > start], False
        return [row for row in rows if key(row) is None or key(row) >= start], False

    def cells(self, row, called):
        table = self.table
        cells, faults, nulled = {}, {}, 0
        for column in table.columns:
            kind, value = row.kinds[column.name], row.values[column.name]
            text = row.texts[column.name]
            name = called[column.name]
            if column.name in table.key and value is None:
                faults[column.name] = None
            elif value is None:
                cells[name] = NULL
            elif column.policy == "text":
                cells[name] = ("text", text)
            elif not is_bad(column.type, kind, value):
                loose = column.name in table.key and column.type == "numeric"
                cells[name] = ("text", text) if loose else ("same", kind, value)
            elif column.policy == "null":
                cells[name] = NULL
                nulled += 1
            else:
                faults[column.name] = text
        if not faults:
            policies = {c.name: c.policy for c in table.columns}
            barred = self.too_long_for_insert(row)
            faults = {name: text for name, text in barred.items() if policies[name] != "null"}
        if not faults:
            cells.update({called[name]: NULL for name in barred})
            return cells, None, nulled + len(barred)
        return None, Rejected({k: row.texts[k] for k in table.key}, faults), 0

    def too_long_for_insert(self, row):
        """A row that INSERT must carry, and that holds a value longer than a literal may be."""
        texts = {c.name: row.texts[c.name] for c in self.table.columns}
        bound = {c.name: 65_537 if row.kinds[c.name] == "bytea" else 65_535
                 for c in self.table.columns}
        if not any(t is not None and len(t.encode()) > bound[n] for n, t in texts.items()):
            return {}
        # Binary is kept as hexadecimal, without PostgreSQL's sign before it.
        return {c.name: texts[c.name].removeprefix("\\x") for c in self.table.columns
                if c.policy != "text" and by_insert(c.type, row.kinds[c.name], texts[c.name])}

    def merge(self, delivered, full):
        table = self.table
        if table.mode == "replace":
            self.keyed, self.loose = {}, []
        elif table.mode == "append":
            name = parity.column_names([c.name for c in table.columns])[table.cursor.name]
            self.loose = [] if full and self.start is None else [
                cells for cells in self.loose if cells[name] != NULL and
                self.value_of(cells[name]) < self.start]
        for row, cells in delivered:
            if table.key:
                key = tuple(key_part(row.values[k]) for k in table.key)
                self.keyed[key] = cells
            else:
                self.loose.append(cells)

    def value_of(self, cell):
        _, kind, value = cell
        return parity.canonical(kind, value) if kind == "timestamptz" else value

    # --- against what is there ---
    def differences(self, connection, schema):
        name = f"{schema}.{parity.made_name(self.table.own_name)}"
        kinds, rows = read_destination(connection, name)
        lacking = self.required - set(kinds)
        if lacking:
            return [f"columns {sorted(lacking)} are missing"]
        return self.keyed_differences(kinds, rows) if self.table.key else \
            self.loose_differences(kinds, rows)

    def keyed_differences(self, kinds, rows):
        called = parity.column_names([c.name for c in self.table.columns])
        columns = [(called[c.name], c.type) for k in self.table.key for c in self.table.columns
                   if c.name == k]
        out, there = [], {}
        for row in rows:
            key = tuple(key_part(decimal.Decimal(row[n])) if t == "numeric" else key_part(row[n])
                        for n, t in columns)
            if key in there:
                out.append(f"key {key!r:.200} is there twice")
            there[key] = row
        out += [f"key {key!r:.200} is missing" for key in self.keyed.keys() - there.keys()]
        out += [f"key {key!r:.200} should not be there" for key in there.keys() - self.keyed.keys()]
        for key in self.keyed.keys() & there.keys():
            for column in kinds:
                wanted = self.keyed[key].get(column, NULL)
                if not holds(wanted, kinds[column], there[key][column]):
                    out.append(f"key {key!r:.200}, column {column}: {wanted!r:.300} wanted, "
                               f"{there[key][column]!r:.200} is there")
        return out

    def loose_differences(self, kinds, rows):
        out, left = [], list(rows)
        for cells in self.loose:
            found = next((row for row in left if all(
                holds(cells.get(c, NULL), kind, row[c]) for c, kind in kinds.items())), None)
            if found is None:
                out.append(f"a row is missing: {cells!r:.500}")
            else:
                left.remove(found)
        return out + [f"a row should not be there: {row!r:.500}" for row in left]


def holds(wanted, kind, value):
    if wanted == NULL or value is None:
        return wanted == NULL and value is None
    if wanted[0] == "text":
        return value == wanted[1]
    if (wanted[1], kind) == ("float4", "float8"):  # a rewritten column: the cast is exact
        kind = "float4"
    return parity.same(wanted[1], kind, wanted[2], value)


def rejected_differences(expected, rows, exactly):
    """expected: Rejected of one table; rows: what `vesto sync rejected` tells of it. A row may fit
    more than one, so they are paired; not exactly: a run that was repeated said some twice."""
    fits = [[n for n, row in enumerate(rows) if one.fits(row)] for one in expected]
    taken = {}  # row -> expected

    def take(index, tried):
        for n in fits[index]:
            if n not in tried:
                tried.add(n)
                if n not in taken or take(taken[n], tried):
                    taken[n] = index
                    return True
        return False

    out = [f"not rejected: {expected[i]!r:.500}" for i in range(len(expected)) if not take(i, set())]
    known = {n for found in fits for n in found}
    return out + [f"rejected, and should not be: {json.dumps(row)[:500]}"
                  for n, row in enumerate(rows)
                  if n not in taken and (exactly or n not in known)]
