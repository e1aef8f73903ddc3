#!/usr/bin/python3
"""The demo: a real PostgreSQL database, delivered into a local Redshift, changed, delivered again,
and proven equal value by value.

  tools/demo.py             all of it; both servers stay up to look around
  tools/demo.py --prove     the proof alone, against what is still running
  tools/demo.py --stop      ends what the demo started
  VESTO_DEMO_ORDERS=100000  a smaller one
"""
import argparse
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import urllib.request

import psycopg2

import parity
from private_postgres import PrivatePostgres

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = pathlib.Path(os.environ.get("VESTO_DEMO_DATA", ROOT / "demo-data"))
BIN = ROOT / os.environ.get("VESTO_BUILD_DIR", "build/release")
VESTO = BIN / "src" / "cli" / "vesto"
SANDBOX = BIN / "sandbox" / "vesto-sandbox"


def wanted_orders():
    """VESTO_DEMO_ORDERS. With fewer there would be no order to add."""
    text = os.environ.get("VESTO_DEMO_ORDERS", "2000000")
    least, most = 4_000, 1_000_000_000
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= most:
        sys.exit(f"VESTO_DEMO_ORDERS is {text!r}; it takes a number from {least:,} to {most:,}, "
                 "written without commas")
    return int(text)


ORDERS = 0 if "--stop" in sys.argv else wanted_orders()
CUSTOMERS = max(1, ORDERS // 100)
TABLES = [("public.customers", "shop.customers", ["id"]), ("public.orders", "shop.orders", ["id"])]

SCHEMA = """
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, email varchar(120),
  country char(2), balance numeric(12,2), active boolean, created_at timestamp, profile jsonb);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text,
  amount numeric(12,2), quantity integer, placed_on date, updated_at timestamptz, note text);
"""
FILL_CUSTOMERS = """
INSERT INTO customers SELECT i, 'Customer ' || i, 'c' || i || '@example.com',
  (ARRAY['DE','FR','GB','US'])[1 + i % 4], (i * 37 % 100000) / 100.0, i % 3 <> 0,
  timestamp '2024-01-01' + i * interval '1 minute',
  jsonb_build_object('tier', i % 5, 'tags', jsonb_build_array('a' || i % 7, 'b'))
FROM generate_series(1, %s::bigint) AS i"""
FILL_ORDERS = """
INSERT INTO orders SELECT i, 1 + i %% %s, (ARRAY['new','paid','shipped','returned'])[1 + i %% 4],
  (i * 7919 %% 1000000) / 100.0, 1 + i %% 9, date '2024-01-01' + (i %% 600)::int,
  timestamptz '2026-01-01 00:00:00+00' + i * interval '1 second',
  CASE WHEN i %% 10 = 0 THEN NULL WHEN i %% 11 = 0 THEN ''
       WHEN i %% 13 = 0 THEN 'said "yes", then' || chr(10) || 'left' ELSE 'note ' || i END
FROM generate_series(1, %s::bigint) AS i"""


def say(number, text, start):
    print(f"{number}/6 {text:<72} {time.monotonic() - start:6.0f} s", flush=True)


def source_of(state):
    return PrivatePostgres(state["source_folder"], state["source_port"], state["source_password"])


def redshift_dsn(endpoints):
    r = endpoints["redshift"]
    return (f"host={r['host']} port={r['port']} dbname={r['database']} user={r['user']} "
            f"password={r['password']} sslmode=verify-full sslrootcert={endpoints['ca_file']}")


def psql_line(endpoints):
    """A line to paste that holds no password: it stands in a file that psql reads."""
    r = endpoints["redshift"]
    fields = (r["host"], str(r["port"]), r["database"], r["user"], r["password"])
    line = ":".join(field.replace("\\", "\\\\").replace(":", "\\:") for field in fields)
    path = DATA / "pgpass"
    path.touch(mode=0o600)
    path.write_text(line + "\n")
    return (f"PGPASSFILE={path} psql \"host={r['host']} port={r['port']} dbname={r['database']} "
            f"user={r['user']} sslmode=verify-full sslrootcert={endpoints['ca_file']}\" "
            "-c 'select * from shop.orders limit 5'")


def wait_for_sandbox(process, folder, deadline_s=60):
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if (folder / "endpoints.json").exists():
            return json.loads((folder / "endpoints.json").read_text())
        if process.poll() is not None:
            break
        time.sleep(0.05)
    raise SystemExit(f"the sandbox did not start; see {DATA / 'sandbox.log'}")


def start_servers():
    DATA.mkdir(mode=0o700)
    source = PrivatePostgres().start()
    folder = DATA / "sandbox"
    folder.mkdir(mode=0o755)
    with open(DATA / "sandbox.log", "w", encoding="utf-8") as log:
        process = subprocess.Popen(
            [SANDBOX, "--data", folder, "--port-redshift", "0", "--port-aws", "0"],
            stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True)
    state = {"source_folder": str(source.folder), "source_port": source.port,
             "source_password": source.password, "sandbox_pid": process.pid}
    (DATA / "state.json").write_text(json.dumps(state))
    return source, state, wait_for_sandbox(process, folder)


def write_config(source, endpoints):
    def secret(name, value):
        path = DATA / name
        path.touch(mode=0o600)
        path.write_text(value)
        return f'{{ file = "{name}" }}'

    r, aws = endpoints["redshift"], endpoints["aws"]
    (DATA / "vesto.toml").write_text(f"""version = 1

[source.shop]
kind     = "postgres"
host     = "127.0.0.1"
port     = {source.port}
database = "shop"
user     = "{source.user}"
password = {secret("source.pw", source.password)}
sslmode  = "disable"                # both ends are this machine

[destination.demo]
kind          = "redshift"
endpoint      = "{r['host']}:{r['port']}/{r['database']}"
tls_ca_file   = "{endpoints['ca_file']}"
schema        = "shop"
create_schema = true

[destination.demo.auth]
method            = "password"
user              = "{r['user']}"
password          = {secret("redshift.pw", r['password'])}
access_key_id     = "{aws['access_key_id']}"
secret_access_key = {secret("aws.key", aws['secret_access_key'])}

[destination.demo.staging]
bucket      = "{aws['bucket']}"
prefix      = "vesto/"
region      = "{aws['region']}"
endpoint    = "{aws['url']}"
tls_ca_file = "{endpoints['ca_file']}"

[sync.shop]
source      = "shop"
destination = "demo"

[[sync.shop.table]]
name     = "public.customers"
mode     = "upsert"
cursor   = "created_at"
lookback = "1s"

[[sync.shop.table]]
name     = "public.orders"
mode     = "upsert"
cursor   = "updated_at"
lookback = "1s"
""")


def vesto(*arguments):
    command = [str(VESTO), "--config", str(DATA / "vesto.toml"), *arguments]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}")


def left_behind(endpoints, deadline_s=10):
    """What is left; a session that was closed a moment ago may take one to go."""
    end = time.monotonic() + deadline_s
    while True:
        left = ask_what_is_left(endpoints)
        if not left["sessions"] or time.monotonic() > end:
            return left
        time.sleep(0.05)


def ask_what_is_left(endpoints):
    control = endpoints["control"]
    request = urllib.request.Request(control["url"] + "/v1/left",
                                     headers={"Authorization": "Bearer " + control["token"]})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def prove(source, endpoints):
    rows, values, differences = parity.compare(source.dsn("shop"), redshift_dsn(endpoints), TABLES)
    for text in differences:
        print(f"    {text}")
    left = left_behind(endpoints)
    verdict = "DIFFERENT" if differences else "equal"
    print(f"6/6 proof: {rows:,} rows, {values / 1e6:.1f} M values compared one by one: {verdict}.\n"
          f"    Left behind: {left['objects']} objects, {left['uploads']} uploads, "
          f"{left['tables']} tables, {left['sessions']} sessions.")
    clean = not any(left[name] for name in ("objects", "uploads", "tables", "sessions"))
    return not differences and clean


def fill(source):
    connection = psycopg2.connect(source.dsn())
    connection.autocommit = True
    connection.cursor().execute("CREATE DATABASE shop")
    connection.close()
    with psycopg2.connect(source.dsn("shop")) as connection:
        cursor = connection.cursor()
        cursor.execute(SCHEMA)
        cursor.execute(FILL_CUSTOMERS.replace(" % ", " %% "), (CUSTOMERS,))
        cursor.execute(FILL_ORDERS, (CUSTOMERS, ORDERS))
    connection.autocommit = True
    connection.cursor().execute("ANALYZE")
    connection.close()


def change(source):
    changed, added = ORDERS // 100, ORDERS // 4000
    with psycopg2.connect(source.dsn("shop")) as connection:
        cursor = connection.cursor()
        cursor.execute("UPDATE orders SET status = 'changed', amount = amount + 1, "
                       "updated_at = timestamptz '2026-06-01 00:00:00+00' + id * interval '1 ms' "
                       "WHERE id %% 100 = 7", ())
        cursor.execute("INSERT INTO orders SELECT i, 1 + i %% %s, 'new', 1.5, 1, "
                       "date '2026-06-01', timestamptz '2026-06-02 00:00:00+00', 'added' "
                       "FROM generate_series(%s::bigint, %s::bigint) AS i",
                       (CUSTOMERS, ORDERS + 1, ORDERS + added))
    connection.close()
    return changed, added


def play():
    if DATA.exists():
        stop()
    start = time.monotonic()
    source, _, endpoints = start_servers()
    say(1, "starting a PostgreSQL (source) and a local Redshift (sandbox) ...", start)
    start = time.monotonic()
    fill(source)
    write_config(source, endpoints)
    say(2, f"{ORDERS:,} orders and {CUSTOMERS:,} customers generated", start)
    print("3/6 vesto run shop", flush=True)
    vesto("run", "shop")
    start = time.monotonic()
    changed, added = change(source)
    say(4, f"{changed:,} orders changed, {added:,} added", start)
    print("5/6 vesto run shop", flush=True)
    vesto("run", "shop")
    proven = prove(source, endpoints)
    print(f"Look around: {psql_line(endpoints)}\n"
          f"             {os.path.relpath(VESTO, ROOT)} --config {DATA.name}/vesto.toml status\n"
          "Prove again: make demo-prove\n"
          "Stop:        make demo-stop")
    return proven


def stop():
    state_file = DATA / "state.json"
    if state_file.exists():
        state = json.loads(state_file.read_text())
        pid = state["sandbox_pid"]
        command = pathlib.Path(f"/proc/{pid}/cmdline")
        if command.exists() and b"vesto-sandbox" in command.read_bytes():
            os.kill(pid, signal.SIGTERM)
            for _ in range(300):
                if not command.exists() or not command.read_bytes():
                    break
                time.sleep(0.1)
        source_of(state).stop()
    shutil.rmtree(DATA, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--prove", action="store_true")
    parser.add_argument("--stop", action="store_true")
    options = parser.parse_args()
    if options.stop:
        stop()
        return 0
    if options.prove:
        if not (DATA / "sandbox" / "endpoints.json").exists():
            sys.exit("no demo is running; start it with: make demo")
        state = json.loads((DATA / "state.json").read_text())
        endpoints = json.loads((DATA / "sandbox" / "endpoints.json").read_text())
        return 0 if prove(source_of(state), endpoints) else 1
    return 0 if play() else 1


if __name__ == "__main__":
    sys.exit(main())
