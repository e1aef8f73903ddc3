"""The sandbox's COPY beside the COPY FROM of the PostgreSQL that stands behind it. Not Redshift's
speed, and no part of what Vesto promises: how long tests wait."""
import contextlib
import pathlib
import time

import psycopg2

import controls
from data import TABLES
from lines import Line
from s3_small import SmallS3

MEASURES = ("sandbox",)
MIB = 1024


def peak_mib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / MIB
    raise SystemExit(f"no VmHWM of process {pid}")


def clock(cursor, sql):
    start = time.monotonic()
    cursor.execute(sql)
    return time.monotonic() - start


def upload(bench, world, select, table):
    """The rows as one file that PostgreSQL may read, and as objects of Vesto's own size."""
    folder = bench.scratch / "copy"
    folder.mkdir()
    folder.chmod(0o755)
    controls.shell(f'psql -qX "$DSN" -c "$SQL" > {folder}/rows.csv && cd {folder} && '
                   f"split -n l/8 rows.csv part. && zstd -q -1 --rm part.*", world,
                   SQL=select.whole())
    s3 = SmallS3(world.sandbox.endpoints)
    for part in sorted(folder.glob("part.*")):
        s3.put(f"bench/{table}/{part.name}", part.read_bytes())
    return folder / "rows.csv", s3


def measure(bench, measures):
    if "sandbox" not in measures:
        return []
    out = []
    with bench.part(["sandbox"], "its COPY"):
        out += pairs(bench)
    return out


def pairs(bench):
    table, sandbox = "lineitem", bench.house.sandbox
    rows = min(2_000_000, bench.rows(TABLES[table]))
    world = bench.house.world(1, "zstd")
    world.source(bench.HASH)
    TABLES[table].make(world, rows)
    world.table(f"public.{table}", "replace").write_config(**world.staging)
    bench.house.run(world, tables=[table])
    select = controls.Select(world)
    marker = select.options.split("NULL '")[1].split("'")[0]
    file, s3 = upload(bench, world, select, table)
    target, walls = f"{world.schema}.copied", []
    sandbox.query(f"CREATE TABLE {target} (LIKE {world.schema}.{table})")
    pathlib.Path(f"/proc/{sandbox.process.pid}/clear_refs").write_text("5")  # VmHWM begins anew
    with contextlib.closing(psycopg2.connect(bench.house.inner_dsn())) as inner, \
            contextlib.closing(sandbox.connect()) as outer:
        inner.autocommit = True
        own, through = inner.cursor(), outer.cursor()
        own.execute(f"CREATE TABLE public.copied (LIKE {world.schema}.{table})")
        for pair in range(bench.pairs):
            own.execute("TRUNCATE public.copied")
            through.execute(f"DROP TABLE {target}")
            through.execute(f"CREATE TABLE {target} (LIKE {world.schema}.{table})")
            plain = clock(own, f"COPY public.copied FROM '{file}' (FORMAT csv, NULL '{marker}')")
            copied = clock(through, f"COPY {target} FROM '{s3.url(f'bench/{table}/')}' "
                           f"{s3.credentials()} FORMAT CSV ZSTD NULL AS '{marker}'")
            walls.append((copied, plain))
            bench.say(f"sandbox COPY, pair {pair + 1}: {copied:.2f} s, PostgreSQL {plain:.2f} s")
            through.execute(f"SELECT count(*) FROM {target}")
            if through.fetchone()[0] != rows:
                raise SystemExit("the sandbox's COPY lost rows")
        own.execute("DROP TABLE public.copied")
    peak = peak_mib(sandbox.process.pid)
    bench.house.drop(world)
    return [Line("sandbox", f"COPY of {rows:,} rows / PostgreSQL's COPY FROM",
                 [a / b for a, b in walls], None, 3, 2),
            Line("sandbox", "its memory meanwhile", [peak], None, 256, 256, "MiB",
                 rounds=len(walls))]
