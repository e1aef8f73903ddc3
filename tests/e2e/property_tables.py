"""Random tables for the property test: how they are made, and edited between runs. All is drawn
from one generator, so that a seed tells the same story each time."""
import psycopg2

from parity import fold, quote
from property_types import (CAN_BE_BAD, KEYS, READDED, REWRITTEN, SORTABLE, TEXT_POLICY,
                            VALUES, WIDER)

NUMBER = "row no"  # which row an edit is about; never delivered
NAMES = ["a", "Val", "select", "order", "my column", "a.b", 'q"q', "it's", "über", "🙂", "oid",
         "x~1", "NULL", "Amount", "updatedAt", "_x", "$y", "per%cent", "back\\slash", "q" * 55]

# What may be drawn; VESTO_PROPERTY_FLAGS=-append takes one away.
FLAGS = {"append": True, "append_immutable": True, "add_and_backfill": True, "rewrite": True,
         "drop_and_add": True}


class Column:
    def __init__(self, name, sql_type, nullable=True, policy=None):
        self.name, self.type, self.nullable, self.policy = name, sql_type, nullable, policy


class Table:
    def __init__(self, r, source, schema, number, flags):
        self.r, self.source, self.flags = r, source, flags
        self.schema = schema
        self.own_name = r.choice(["t", "T", "Orders ", "a.b", "sélect", "x~1"]) + str(number)
        self.name = f"{schema}.{self.own_name}"
        self.sql_name = f"{quote(schema)}.{quote(self.own_name)}"
        self.count = self.tick = 0
        self.live = []  # numbers of the rows there are
        self.names = 0
        self.used = set()
        self.choose_mode()
        self.columns = self.choose_key() + self.choose_cursor()
        self.columns += [self.new_column() for _ in range(r.randrange(1, 8))]
        if r.random() < 0.15:  # names that one fold makes alike, from the beginning
            for name in ("Twin", "twin", "TWIN"):
                self.columns.append(Column(name, r.choice(["text", "integer"])))
        r.shuffle(self.columns)

    # --- how it is made ---
    def choose_mode(self):
        modes = ["upsert"] * 3 + ["upsert_cursor"] * 4 + ["replace"] * 2
        modes += ["append"] * 2 * self.flags["append"]
        modes += ["append_immutable"] * 2 * self.flags["append_immutable"]
        self.mode = self.r.choice(modes)

    def choose_key(self):
        """None for append and for some of replace; the others have one of one or two columns."""
        self.key, self.primary = [], True
        keyless = self.mode.startswith("append") or self.mode == "replace" and self.r.random() < 0.5
        if keyless:
            return []
        self.primary = self.r.random() < 0.75
        kinds = [t for t in KEYS if t != "boolean"]
        chosen = [self.r.choice(kinds)]
        if self.r.random() < 0.35:
            chosen.append(self.r.choice(list(KEYS)))
        out = [Column(self.new_name("Key"), kind, nullable=not self.primary) for kind in chosen]
        self.key = [c.name for c in out]
        return out

    def choose_cursor(self):
        self.cursor = None
        if self.mode in ("upsert", "replace"):
            return []
        kind = "timestamptz" if self.mode == "append_immutable" else self.r.choice(
            ["bigint", "timestamptz", "integer"])
        nullable = self.mode != "append_immutable" and self.r.random() < 0.4
        self.cursor = Column(self.new_name("Cursor"), kind, nullable)
        return [self.cursor]

    def new_name(self, base=None):
        """Never one that was used before, whatever its case: the target keeps all its columns."""
        while True:
            self.names += 1
            name = base or self.r.choice(NAMES)
            if fold(name) in self.used or self.r.random() < 0.5:
                name += str(self.names)
            if fold(name) not in self.used:
                self.used.add(fold(name))
                return name

    def new_column(self, name=None, sql_type=None):
        sql_type = sql_type or self.r.choice(list(VALUES))
        policy = None
        if sql_type in CAN_BE_BAD and self.r.random() < 0.5:
            policy = self.r.choice(["reject", "null"] + ["text"] * (sql_type in TEXT_POLICY))
        return Column(name or self.new_name(), sql_type, policy=policy)

    def create(self):
        parts = [f"{quote(NUMBER)} bigint NOT NULL"]
        for c in self.columns:
            parts.append(f"{quote(c.name)} {c.type}{'' if c.nullable else ' NOT NULL'}")
        if self.key:
            parts.append(f"{'PRIMARY KEY' if self.primary else 'UNIQUE'} "
                         f"({', '.join(quote(k) for k in self.key)})")
        self.run(f"CREATE TABLE {self.sql_name} ({', '.join(parts)})")
        self.insert(self.r.choice([0, 1, 3, 10, 25]))

    # --- what the configuration says ---
    def settings(self):
        out = {"exclude": [NUMBER]}
        if self.mode == "upsert_cursor" or self.cursor:
            out["cursor"] = self.cursor.name
            if self.mode != "append_immutable":
                out["lookback"] = "0s" if self.cursor.type == "timestamptz" else 0
            else:
                out["cursor_is_immutable"] = True
        if self.key and (not self.primary or self.r.random() < 0.3):
            out["key"] = self.key
        policies = {c.name: c.policy for c in self.columns if c.policy}
        if policies:
            out["on_unrepresentable"] = policies
        if self.flags["add_and_backfill"]:
            out["on_new_column"] = self.on_new_column
        if self.flags["rewrite"]:
            out["on_type_change"] = "rewrite"
        return out

    @property
    def on_new_column(self):
        backfill = self.flags["add_and_backfill"] and not self.only_grows
        return "add_and_backfill" if backfill and len(self.own_name) % 2 else "add"

    @property
    def only_grows(self):
        """append refuses to read all rows a second time, so nothing may ask for that."""
        return self.mode.startswith("append")

    # --- edits ---
    def run(self, sql, values=()):
        """True if it was done; a key that is taken already is no fault of anybody."""
        try:
            return self.source.execute(self.own_name, sql, values)
        except psycopg2.errors.UniqueViolation:
            return False

    def value(self, column, moved=False):
        """(SQL, parameter) of a new value."""
        if column is self.cursor:
            self.tick += 1
            if self.mode == "append_immutable":
                return "clock_timestamp()", None
            if column.nullable and self.r.random() < 0.15 and not (self.only_grows and moved):
                return "NULL", None
            if column.type == "timestamptz":
                return f"timestamptz '2020-01-01 00:00:00.5+00' + {self.tick} * interval '1 s'", None
            return str(self.tick), None
        in_key = column.name in self.key
        if column.nullable and self.r.random() < (0.05 if in_key else 0.2):
            return "NULL", None
        text = (KEYS if in_key else VALUES)[column.type](self.r)
        return f"%s::{column.type}", text

    def insert(self, rows):
        for _ in range(rows):
            values = [self.value(c) for c in self.columns]
            self.count += 1
            names = ", ".join(quote(c.name) for c in self.columns)
            done = self.run(
                f"INSERT INTO {self.sql_name} ({quote(NUMBER)}, {names}) VALUES ({self.count}, "
                f"{', '.join(sql for sql, _ in values)})", [v for _, v in values if v is not None])
            if done:
                self.live.append(self.count)

    def update(self, columns):
        row = self.r.choice(self.live)
        if self.cursor and self.cursor not in columns:
            columns = columns + [self.cursor]
        values = [(c, *self.value(c, moved=True)) for c in columns]
        self.run(f"UPDATE {self.sql_name} SET "
                 f"{', '.join(f'{quote(c.name)} = {sql}' for c, sql, _ in values)} "
                 f"WHERE {quote(NUMBER)} = {row}", [v for _, _, v in values if v is not None])

    def delete(self):
        row = self.r.choice(self.live)
        self.live.remove(row)
        self.run(f"DELETE FROM {self.sql_name} WHERE {quote(NUMBER)} = {row}")

    def newest_is_young(self):
        with self.source.connection.cursor() as cursor:
            cursor.execute(f"SELECT max({quote(self.cursor.name)}) > clock_timestamp() - "
                           f"interval '1200 ms' FROM {self.sql_name}")
            return cursor.fetchone()[0]

    def free_columns(self):
        return [c for c in self.columns if c is not self.cursor and c.name not in self.key]

    def edit(self):
        r = self.r
        for _ in range(r.choice([0, 1, 3, 8])):
            kind = r.choice(["insert", "insert", "update", "update", "delete", "key"])
            if self.mode == "append_immutable" or kind == "insert" or not self.live:
                self.insert(r.randrange(1, 4))
            elif kind == "update":
                self.update(r.sample(self.free_columns(), min(len(self.free_columns()), 2)))
            elif kind == "delete" and not self.only_grows:
                self.delete()
            elif self.key:
                keys = [c for c in self.columns if c.name in self.key]
                self.update([r.choice(keys)])

    # --- changes of its schema ---
    def change(self):
        kinds = ["add", "add", "add_default", "drop", "rename", "widen"]
        kinds += ["rewrite"] * self.flags["rewrite"]
        kinds += ["drop_and_add"] * self.flags["drop_and_add"]
        if self.only_grows:
            kinds = ["add", "add_default", "drop", "rename"]
        getattr(self, self.r.choice(kinds))()

    def alter(self, text, values=()):
        self.run(f"ALTER TABLE {self.sql_name} {text}", values)

    def add(self, column=None, default=False):
        column = column or self.new_column()
        clause, values = "", ()
        if default:
            clause, values = f" DEFAULT %s::{column.type}", (VALUES[column.type](self.r),)
        self.alter(f"ADD COLUMN {quote(column.name)} {column.type}{clause}", values)
        self.columns.append(column)

    def add_default(self):
        self.add(default=True)

    def droppable(self):
        free = self.free_columns()
        return self.r.choice(free) if len(free) > 1 else None

    def drop(self):
        column = self.droppable()
        if column:
            self.alter(f"DROP COLUMN {quote(column.name)}")
            self.columns.remove(column)
        return column

    def rename(self):
        column = self.droppable()
        if column:
            name = self.new_name()
            self.alter(f"RENAME COLUMN {quote(column.name)} TO {quote(name)}")
            column.name = name

    def widen(self, table=None):
        table = table or WIDER
        fitting = [c for c in self.free_columns() if c.type in table and c.policy != "text"]
        if table is REWRITTEN and not self.sorted_by_key():
            return  # it may be the sort key, which nobody can rewrite
        if fitting:
            column = self.r.choice(fitting)
            wider = self.r.choice(table[column.type])
            self.alter(f"ALTER COLUMN {quote(column.name)} TYPE {wider} USING "
                       f"{self.narrowed(column, wider)}")
            column.type = wider

    @staticmethod
    def narrowed(column, wider):
        """Where the source's type grows smaller, its values do too: the target's need not."""
        name = quote(column.name)
        return f"({name} % 30000)::{wider}" if wider in ("smallint",) or column.type == "bigint" \
            else f"{name}::{wider}"

    def rewrite(self):
        self.widen(REWRITTEN)

    def sorted_by_key(self):
        return any(c.name in self.key and c.type in SORTABLE for c in self.columns)

    def drop_and_add(self):
        fitting = [c for c in self.free_columns() if c.type in READDED and c.policy != "text"]
        if len(self.free_columns()) > 1 and fitting:
            column = self.r.choice(fitting)
            may_rewrite = self.flags["rewrite"] and self.sorted_by_key()
            choice = [t for t in READDED[column.type]
                      if t == column.type or may_rewrite or t in ("text", "varchar")]
            self.alter(f"DROP COLUMN {quote(column.name)}")
            self.columns.remove(column)
            self.add(self.new_column(column.name, self.r.choice(choice)), self.r.random() < 0.5)
