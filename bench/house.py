"""What every measure stands on: a source, a sandbox, timed commands, and the proof that what a
timed run delivered is what the source holds."""
import dataclasses
import datetime
import json
import os
import pathlib
import re
import sys
import time

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from timing import Cost, of_process, timed  # noqa: E402
from world import RELEASE, PrivatePostgres, Sandbox, World  # noqa: E402

BUILD = RELEASE.parent.parent.parent
RUN_LIMIT_S = 900  # of Vesto: the longest one takes half a minute
SQL_LIMIT = "600s"  # of a statement of the proof
# Those that Vesto's own sessions set and that say what is printed.
SESSION = ("-c datestyle=ISO,YMD -c timezone=UTC -c intervalstyle=iso_8601 -c bytea_output=hex "
           "-c extra_float_digits=1")


class Differs(SystemExit):
    """What was delivered is not what the source holds."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of Vesto."""
    cost: Cost
    staged_s: float  # from the start of the process until the last table was staged
    staged_cpu_s: float
    bytes_read: int
    bytes_staged: int
    rows: int
    rejected: int
    calls: dict  # of the sandbox, during the run


def finished_event(out):
    for line in out.splitlines():
        event = json.loads(line)
        if event["type"] == "run.finished":
            return event
    raise SystemExit("the run did not finish")


# What two PostgreSQL servers print of one value is the same text, so their hashes are the same;
# the types of Redshift that the sandbox makes of them print alike once they are cast so.
CHEAP = {"int2": "hashint8extended({}::bigint, 7)", "int4": "hashint8extended({}::bigint, 7)",
         "int8": "hashint8extended({}, 7)", "numeric": "hash_numeric_extended({}, 7)",
         "date": "hashint8extended(({} - date '2000-01-01')::bigint, 7)",
         "timestamp": "timestamp_hash_extended({}, 7)",
         "float8": "hashfloat8extended({}, 7)", "bool": "hashint8extended({}::int::bigint, 7)"}
AS_TEXT = "hashtextextended({}::text, 7)"
AS_JSON = "hashtextextended({}::text::jsonb::text, 7)"


def sums_sql(relation, columns):
    """Rows, and of each column the number of values and the sum of their hashes."""
    parts = []
    for name, form in columns:
        quoted = '"' + name + '"'
        parts.append(f"count({quoted})::text || ' ' || coalesce(sum({form.format(quoted)}), 0)")
    return f"SELECT count(*), array[{', '.join(parts)}] FROM {relation}"


# Two sums a column, and a row of PostgreSQL's own has at most 1,664.
COLUMNS_AT_ONCE = 500


def take_sums(cursor, relation, columns):
    """(rows, [the sums of each column, as text])"""
    rows, out = 0, []
    for start in range(0, len(columns), COLUMNS_AT_ONCE):
        cursor.execute(sums_sql(relation, columns[start:start + COLUMNS_AT_ONCE]))
        rows, some = cursor.fetchone()
        out += some
    return rows, out


def must_match(what, names, wanted, got):
    """Of take_sums(). Differs if a count or the sums of a column do; else the number of rows."""
    if got != wanted:
        other = [name for name, a, b in zip(names, wanted[1], got[1]) if a != b]
        raise Differs(f"{what} DIFFERS: {wanted[0]} rows in the source, {got[0]} delivered; "
                      f"columns: {other[:10]}")
    return wanted[0]


def column_types(cursor, relation):
    cursor.execute("SELECT attname, t.typname, t.typcategory FROM pg_attribute a "
                   "JOIN pg_type t ON t.oid = atttypid WHERE attrelid = %s::regclass "
                   "AND attnum > 0 AND NOT attisdropped ORDER BY attnum", (relation,))
    return cursor.fetchall()


def forms_of(types):
    """[(column, form)] from the types of the source."""
    out = []
    for name, kind, category in types:
        if kind in ("json", "jsonb"):
            form = AS_JSON
        elif category == "A":
            form = "hashtextextended(to_jsonb({})::text, 7)"
        elif kind == "bytea":
            form = "hashtextextended(encode({}, 'hex'), 7)"
        else:
            form = CHEAP.get(kind, AS_TEXT)
        out.append((name, form))
    return out


class House:
    """One source, one sandbox; worlds (a database and a configuration each) on top."""

    def __init__(self, shared_buffers="4GB"):
        self.postgres = PrivatePostgres(settings={
            "shared_buffers": shared_buffers, "work_mem": "64MB", "max_wal_size": "8GB",
            "autovacuum": "off"})
        self.sandbox = Sandbox("snapshot")
        self.worlds = []
        self.sums = {}  # of tables of the source, which only some measures change
        self.links = {}  # for the proofs: one a database, without a transaction

    def __enter__(self):
        self.postgres.start()
        self.sandbox.start()
        self.quieten()
        return self

    def __exit__(self, *exc):
        for link in self.links.values():
            link.close()
        for world in self.worlds:
            world.close()
        self.sandbox.stop()
        self.postgres.stop(mode="immediate")

    def quieten(self):
        """The sandbox's PostgreSQL does nothing by itself: what a run has loaded is written and
        analyzed by settle(), not during the turn of whoever comes next."""
        cursor = self.cursor(self.inner_dsn())
        cursor.execute("ALTER SYSTEM SET autovacuum = off")
        cursor.execute("SELECT pg_reload_conf()")

    def empty(self, world, tables):
        """The targets, where they are there: else a run that replaces them pays for the rows of the
        one before."""
        cursor = self.cursor(self.inner_dsn())
        for table in tables:
            target = f'"{world.schema}"."{table}"'
            cursor.execute("SELECT to_regclass(%s)", (target,))
            if cursor.fetchone()[0]:
                cursor.execute(f"TRUNCATE {target}")

    def settle(self, world, tables):
        cursor = self.cursor(self.inner_dsn())
        for table in tables:
            cursor.execute(f'ANALYZE "{world.schema}"."{table}"')
        cursor.execute("CHECKPOINT")

    def recover(self, worlds):
        """After a failure: no link is inside a transaction, and what is not among `worlds` goes."""
        for link in self.links.values():
            link.close()
        self.links.clear()
        if self.sandbox.process.poll() is not None:
            self.sandbox.start()
            self.quieten()
        for world in [one for one in self.worlds if one not in worlds]:
            self.drop(world)

    def world(self, readers=2, compression="zstd"):
        """write_config(**world.staging) makes its configuration. None: as Vesto comes."""
        world = World(self.postgres, self.sandbox)
        world.limits = f"[limits]\nreaders = {readers}\n" if readers else ""
        world.staging = {"compression": compression} if compression else {}
        self.worlds.append(world)
        return world

    def cpu_s(self):
        """CPU so far of the source and of the sandbox: and of what they waited for."""
        def of(pid):
            stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            return sum(map(int, stat[11:15])) / os.sysconf("SC_CLK_TCK")

        def postmaster(folder):
            return int((folder / "postmaster.pid").read_text().split()[0])

        return {"source": of(postmaster(self.postgres.folder / "data")),
                "sandbox": of(self.sandbox.process.pid),
                "the sandbox's PostgreSQL": of(postmaster(self.sandbox.folder / "pg"))}

    # --- proof ---
    def cursor(self, dsn):
        """Of a connection that stays; both servers print and hash alike."""
        if dsn not in self.links:
            link = self.links[dsn] = psycopg2.connect(dsn)
            link.autocommit = True
            link.cursor().execute("SET timezone TO 'UTC'; SET extra_float_digits TO 1; "
                                  f"SET search_path TO pg_catalog; "
                                  f"SET statement_timeout TO '{SQL_LIMIT}'")
        return self.links[dsn].cursor()

    def source_sums(self, world, table):
        key = (world.database, table)
        if key not in self.sums:
            cursor = self.cursor(self.postgres.dsn(world.database))
            types = column_types(cursor, f"public.{table}")
            self.sums[key] = types, take_sums(cursor, f"public.{table}", forms_of(types))
        return self.sums[key]

    def forget(self, world, table):
        self.sums.pop((world.database, table), None)

    def inner_dsn(self):
        """The sandbox's own PostgreSQL, as its superuser."""
        socket = (self.sandbox.folder / "pg.socket").read_text().strip()
        return f"host={socket} user=rdsdb dbname=dev"

    def drop(self, world):
        """What it has delivered goes, and its configuration; its source database stays."""
        self.sandbox.query(f'DROP SCHEMA IF EXISTS "{world.schema}" CASCADE')
        world.close()
        self.worlds.remove(world)

    def delivered_sums(self, world, table, types):
        """Read in the sandbox's own PostgreSQL: Redshift has no hash that PostgreSQL knows too."""
        cursor = self.cursor(self.inner_dsn())
        relation = f'"{world.schema}"."{table}"'
        # Arrays arrive as JSON.
        forms = [(name, AS_JSON if "to_jsonb" in form else form) for name, form in forms_of(types)]
        return take_sums(cursor, relation, forms)

    def assert_equal(self, world, table):
        """Differs if a count or the sum of a column's hashes does."""
        types, wanted = self.source_sums(world, table)
        got = self.delivered_sums(world, table, types)
        return must_match(table, [name for name, _, _ in types], wanted, got)

    def assert_all_but(self, world, table, key, rejected):
        """All rows but so many arrived, and those that did are what the source holds."""
        rows = self.source_sums(world, table)[1][0]
        inner = self.cursor(self.inner_dsn())
        inner.execute(f'SELECT array_agg("{key}") FROM "{world.schema}"."{table}"')
        keys = inner.fetchone()[0] or []
        if len(keys) != rows - rejected:
            raise Differs(f"{table} DIFFERS: {rows} rows in the source, {rejected} rejected, "
                          f"{len(keys)} delivered")
        cursor = self.cursor(self.postgres.dsn(world.database))
        types = column_types(cursor, f"public.{table}")
        relation = cursor.mogrify(f'(SELECT * FROM public.{table} WHERE "{key}" = '
                                  "ANY (%s::bigint[])) t", (keys,)).decode()
        wanted = take_sums(cursor, relation, forms_of(types))
        got = self.delivered_sums(world, table, types)
        return must_match(table, [name for name, _, _ in types], wanted, got)

    def assert_sums(self, world, table, target, columns):
        """The same of `target`, which another tool made with types of its own: by forms that both
        types have."""
        wanted = take_sums(self.cursor(self.postgres.dsn(world.database)), f"public.{table}",
                           columns)
        got = take_sums(self.cursor(self.inner_dsn()), target, columns)
        return must_match(target, [name for name, _ in columns], wanted, got)

    # --- Vesto ---
    def run(self, world, *arguments, tables=(), replaces=()):
        """One timed run; then each of `tables` is proved to have arrived. The targets `replaces` are
        emptied before. None of that is timed."""
        self.empty(world, replaces)
        before = self.sandbox.calls()
        spawned_s = time.time()
        cost = timed(world.command("run", "shop", "--json", *arguments), watch=of_process,
                     limit_s=RUN_LIMIT_S)
        after = self.sandbox.calls()
        for table in tables:
            self.assert_equal(world, table)
        self.settle(world, tables)
        event = finished_event(cost.out)
        # A run with nothing new stages nothing; any other that does not say when is no figure.
        if event["rows"]["read"] and not event.get("staged_ms"):
            raise SystemExit(f"the run does not say when it had staged: {event}")
        return Run(
            cost, started_s(event) + event.get("staged_ms", 0) / 1000 - spawned_s,
            event.get("staged_cpu_ms", 0) / 1000, event["bytes"]["read"],
            event["bytes"]["staged"], event["rows"]["read"], event["rows"]["rejected"],
            {k: after[k] - before.get(k, 0) for k in after if after[k] != before.get(k, 0)})


def started_s(event):
    """By the machine's clock, since 1970."""
    return datetime.datetime.fromisoformat(event["started_at"].replace("Z", "+00:00")).timestamp()


def statements(world):
    """The COPY statements that Vesto sends to the source, as `sync plan --sql` prints them."""
    out = world.output("sync", "plan", "shop", "--sql")
    found = re.findall(r"^-- in the source: (COPY .*?);?$", out, re.M)
    if not found:
        raise SystemExit(f"no statement of the source in: {out[:500]}")
    return found


def vesto_version(*_):
    return timed([str(RELEASE), "version"]).out.strip().splitlines()[0]
