"""Random tables, rows, edits, changes of schema and faults: after each run the warehouse holds what
the source holds, under the map of docs/types.md, and each row that is not there is among the
rejected ones. One seed is one story; the same seed tells the same one.

  VESTO_PROPERTY_SEEDS=17 or 100-199    these seeds alone (or: pytest -k seed17-)
  VESTO_PROPERTY_FLAGS=-append,-rewrite  what may not be drawn (property_tables.FLAGS)
"""
import contextlib
import json
import os
import random
import subprocess

import psycopg2
import pytest

import parity
from property_model import TableModel, read_source, rejected_differences
from property_tables import FLAGS, Table
from property_types import SETUP
from world import NOTHING_LEFT, Sandbox, World, nothing_left

LEVELS = ("snapshot", "serializable")
LOAD = "^(LOCK|UPDATE|CREATE|ALTER|COPY|DELETE|INSERT)"
# (where, what, how often, which of them). Those that a run does not get over end it, and the next
# one has no fault.
FAULTS = [
    ("s3.put", {"status": 503, "code": "SlowDown"}, ".*", (1, 1000)),
    ("s3.put", {"status": 500, "code": "InternalError"}, ".*", (1, 2)),
    ("s3.put", {"status": 403, "code": "AccessDenied"}, ".*", (1000,)),
    ("s3.put", {"cut_after_bytes": 20}, ".*", (1,)),
    ("s3.put", {"drop": "before"}, ".*", (1,)),
    ("s3.put", {"drop": "after"}, ".*", (1,)),
    ("s3.delete", {"status": 503, "code": "SlowDown"}, ".*", (1,)),
    ("s3.list", {"cut_after_bytes": 60}, ".*", (1,)),
    ("copy.object", {"missing": True}, ".*", (1,)),
    ("copy.object", {"half": True}, "csv", (1,)),
    ("pg.connect", {"drop": "during"}, ".*", (1,)),
    ("pg.statement", {"error": "1023"}, LOAD, (1, 2)),
    ("pg.statement", {"error": "Disk Full"}, "^COPY", (1,)),
    ("pg.statement", {"drop": "during"}, LOAD, (1, 2)),
    ("pg.commit", {"drop": "before"}, ".*", (1,)),
    ("pg.commit", {"drop": "during"}, ".*", (1,)),
    ("pg.commit", {"drop": "after"}, ".*", (1,)),
]


def seeds():
    text = os.environ.get("VESTO_PROPERTY_SEEDS")
    if not text:
        return range(1, (500 if os.environ.get("VESTO_SOAK") else 60) + 1)
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def flags():
    chosen = [word for word in os.environ.get("VESTO_PROPERTY_FLAGS", "").split(",") if word]
    assert {word.lstrip("-") for word in chosen} <= set(FLAGS), f"known flags: {sorted(FLAGS)}"
    return {name: (default or name in chosen) and "-" + name not in chosen
            for name, default in FLAGS.items()}


class Story:
    """What happened, for people: with it a finding can be told without the seed."""

    def __init__(self, seed, level):
        self.lines = [f"seed {seed}, {level}"]

    def add(self, line, table=None):
        self.lines.append(f"{f'[{table}] ' if table else ''}{line}")

    def of(self, tables):
        """Without what happened to tables that are as they should be."""
        return "\n".join(line[:600] for line in self.lines if not tables or not line.startswith("[")
                         or any(line.startswith(f"[{table}]") for table in tables))


class Source:
    """The connection that makes and edits tables."""

    def __init__(self, dsn, story):
        self.connection = psycopg2.connect(dsn)
        self.connection.autocommit = True
        self.story = story

    def execute(self, table, sql, values=()):
        """True where a row was changed. Only %s:: is a placeholder; names may hold a %."""
        with self.connection.cursor() as cursor:
            text = cursor.mogrify(sql.replace("%", "%%").replace("%%s::", "%s::"),
                                  tuple(values) or None).decode() if values else sql
            cursor.execute(text)
            self.story.add(text, table)
            return cursor.rowcount != 0


class Play:
    def __init__(self, seed, level, postgres, sandbox, database):
        self.r = random.Random(f"{seed} {level}")
        self.story = Story(seed, level)
        self.schema = f"p{seed}_{level[:2]}"
        self.sandbox = sandbox
        self.world = World(postgres, sandbox, schema=self.schema, database=database)
        self.source = Source(postgres.dsn(database), self.story)
        self.source.execute(None, f"CREATE SCHEMA {self.schema}")
        drawn = flags()
        self.tables = [Table(self.r, self.source, self.schema, n + 1, drawn)
                       for n in range(self.r.choice([1, 2, 2, 3, 4]))]
        for table in self.tables:
            table.create()
        self.models = [TableModel(table) for table in self.tables]
        self.left = parity.connect(postgres.dsn(database))

    def close(self):
        self.sandbox.clear_faults()
        self.left.close()
        with contextlib.closing(self.source.connection):
            self.source.execute(None, f"DROP SCHEMA {self.schema} CASCADE")
        self.sandbox.query(f"DROP SCHEMA IF EXISTS {self.schema} CASCADE")
        self.world.close()

    def configure(self):
        self.world.tables.clear()
        for table in self.tables:
            name = f"{self.schema}.{parity.quote(table.own_name)}"
            mode = table.mode.split("_")[0]
            settings = table.settings()
            self.world.table(name, mode=mode, **settings)
            self.story.add(f"configuration: name = {name}, mode = {mode}, {settings}",
                           table.own_name)
        self.world.write_config()

    def tell(self):
        for number in range(self.r.choice([2, 2, 3])):
            if number > 0:
                for table in self.tables:
                    table.edit()
                    if self.r.random() < 0.5:
                        table.change()
                        table.edit()
            self.configure()
            self.wait_for_the_last_second()
            runs = self.runs(number)
            self.check(runs)
        left = nothing_left(self.sandbox)
        assert left == NOTHING_LEFT, f"left behind: {left}\n{self.story.of([])}"

    def wait_for_the_last_second(self):
        """cursor_is_immutable leaves the newest rows to the next run; the model has no such end."""
        for table in self.tables:
            while table.mode == "append_immutable" and table.newest_is_young():
                self.source.connection.cursor().execute("SELECT pg_sleep(0.05)")

    def runs(self, number):
        """The runs up to the first that succeeds: two at most, the second without a fault."""
        runs = []
        if number % 2 == 1:
            on, then, match, counts = self.r.choice(FAULTS)
            fault = dict(match=match, nth=self.r.choice([1, 1, 2, 4]), count=self.r.choice(counts))
            self.sandbox.fault(on, then, **fault)
            self.story.add(f"fault: {on} {then} {fault}")
        while True:
            code, finished, errors = self.world.run()
            self.story.add(f"vesto run: exit {code} {errors if not finished else ''}")
            for result in (finished or {}).get("table_results", []):
                told = {k: result[k] for k in ("state", "full", "rows", "error") if k in result}
                self.story.add(json.dumps(told, ensure_ascii=False), self.own_name(result["table"]))
            self.sandbox.clear_faults()
            if finished:
                runs.append(finished)
            faulty = number % 2 == 1 and len(runs) <= 1
            if code == 0:
                return runs
            assert faulty and code in (4, 5, 6) and finished, \
                f"exit {code} {errors}\n{self.story.of([])}"

    def check(self, runs):
        kept = self.rejected(runs)
        right = parity.connect(self.sandbox.dsn())
        with contextlib.closing(right):
            self.compare(runs, kept, right)

    def compare(self, runs, kept, right):
        found = {}
        for table, model in zip(self.tables, self.models):
            read, rejected, nulled = model.advance(read_source(self.left, table))
            differences = model.differences(right, self.schema)
            mine = [row for row in kept if self.own_name(row["table"]) == table.own_name]
            differences += rejected_differences(rejected, mine, len(runs) == 1)
            if len(runs) == 1:
                differences += self.counts(table, runs[0], read, len(rejected), nulled)
            if differences:
                found[table.own_name] = differences
        text = "\n".join(f"{name}: {line}" for name, lines in found.items() for line in lines[:10])
        assert not found, f"{text}\n{self.story.of(list(found))}"

    @staticmethod
    def own_name(stream):
        """Without the schema, and without the quotes that a dot asks for."""
        return stream.partition(".")[2].strip('"')

    def counts(self, table, finished, read, rejected, nulled):
        (result,) = [t for t in finished["table_results"]
                     if self.own_name(t["table"]) == table.own_name]
        if result["state"] == "unchanged":
            return []
        counted = (result["rows"]["read"], result["rows"]["rejected"],
                   result.get("nulled_values", 0))
        if counted == (read, rejected, nulled):
            return []
        return [f"read, rejected, set to NULL: {(read, rejected, nulled)} wanted, {counted} told"]

    def rejected(self, runs):
        if not any(run["rows"]["rejected"] for run in runs):
            return []
        done = subprocess.run(
            self.world.command("sync", "rejected", "shop", "--limit", "10000", "--json"),
            text=True, capture_output=True, timeout=60, check=True)
        ids = {run["run"] for run in runs}
        return [row for row in json.loads(done.stdout)["rows"] if row["run"] in ids]


@pytest.fixture(scope="module")
def stage(postgres):
    """(source server, {level: sandbox}, database): shared, since starting them is what costs."""
    database = f"property_{os.getpid()}"
    with contextlib.closing(psycopg2.connect(postgres.dsn())) as connection:
        connection.autocommit = True
        connection.cursor().execute(f"CREATE DATABASE {database}")
    with psycopg2.connect(postgres.dsn(database)) as connection:
        connection.cursor().execute(SETUP)
    connection.close()
    sandboxes = {level: Sandbox(level, extra=("--no-sync",)).start() for level in LEVELS}
    yield postgres, sandboxes, database
    for sandbox in sandboxes.values():
        sandbox.stop()


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", seeds(), ids=lambda seed: f"seed{seed}")
def test_the_warehouse_holds_what_the_source_holds(stage, seed, level):
    postgres, sandboxes, database = stage
    with contextlib.closing(Play(seed, level, postgres, sandboxes[level], database)) as play:
        play.tell()
