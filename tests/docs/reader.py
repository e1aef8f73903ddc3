"""What the reader of a page has: a machine with vesto, AWS CLI and psql, a PostgreSQL with two
tables, and an AWS account with a warehouse; all of it stand-ins on this machine."""
import json
import pathlib
import re
import shutil
import socket
import sys
import tempfile
import urllib.request

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))

import parity  # noqa: E402
from pages import ROOT  # noqa: E402
from private_postgres import PrivatePostgres  # noqa: E402
from sandbox_process import Sandbox, binary  # noqa: E402
from shell import Shell  # noqa: E402

ORDERS = """
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint NOT NULL, status text,
  amount numeric(12,2), placed_on date, updated_at timestamptz NOT NULL, note text);
INSERT INTO orders SELECT i, 1 + i % 40, (ARRAY['new', 'paid'])[1 + i % 2], i * 1.25,
  date '2026-01-01' + i % 90, timestamptz '2026-01-01 00:00:00+00' + i * interval '1 minute',
  CASE i % 3 WHEN 0 THEN NULL WHEN 1 THEN '' ELSE 'said "yes"' || chr(10) || 'left' END
FROM generate_series(1, 1000) AS i;
CREATE INDEX ON orders (updated_at);
CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL, profile jsonb);
INSERT INTO customers SELECT i, 'Customer ' || i, jsonb_build_object('tier', i % 5)
FROM generate_series(1, 40) AS i;
CREATE TABLE events (at timestamptz NOT NULL, kind text);
INSERT INTO events VALUES ('2026-01-01', 'ping'), ('2026-01-02', 'login');
"""
PASSWORD = 'p@ss/w:rd "#1"'  # of the source's user: any character may stand in it


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def source():
    """A PostgreSQL with the database shop and a user who may read it."""
    postgres = PrivatePostgres().start()
    connection = psycopg2.connect(postgres.dsn())
    connection.autocommit = True
    connection.cursor().execute("CREATE DATABASE shop")
    connection.close()
    with psycopg2.connect(postgres.dsn("shop")) as connection:
        cursor = connection.cursor()
        cursor.execute(ORDERS)
        cursor.execute("CREATE ROLE vesto_read LOGIN PASSWORD %s; GRANT SELECT ON ALL TABLES IN "
                       "SCHEMA public TO vesto_read; GRANT pg_read_all_stats TO vesto_read",
                       (PASSWORD,))
    connection.close()
    return postgres


class Reader:
    """One reader of one page, in an empty folder of their own."""

    def __init__(self, postgres, sandbox=None):
        self.postgres, self.sandbox = postgres, sandbox
        self.home = pathlib.Path(tempfile.mkdtemp(prefix="vesto-reader-"))
        self.home.chmod(0o755)  # a sandbox of the page runs its database as another user
        self.folder = self.home / "empty"
        self.folder.mkdir()
        self.ports = {"5439": free_port(), "9000": free_port()}  # of a sandbox that the page starts
        self.shell = Shell(self.folder, {**self.machine(), **self.account()})

    def close(self):
        self.shell.close()
        shutil.rmtree(self.home, ignore_errors=True)

    # --- what they have ---
    def machine(self):
        """Programs by their names. A sandbox that a page starts gets ports of its own."""
        programs = self.home / "bin"
        programs.mkdir()
        (programs / "vesto").symlink_to(binary("src/cli/vesto"))
        (programs / "vesto-sandbox").write_text(
            f"#!/bin/sh\nexec {binary()} --port-redshift {self.ports['5439']} --port-aws "
            f"{self.ports['9000']} --no-sync \"$@\"\n")
        (programs / "vesto-sandbox").chmod(0o755)
        (programs / "edit").write_text(f"""#!/bin/sh
exec sed -i -e 's/^host .*/host = "127.0.0.1"/' -e 's/^port .*/port = {self.postgres.port}/' \\
  -e 's#^endpoint .*#endpoint = "{self.values().get("ENDPOINT", "")}"#' \\
  -e 's/my-staging-bucket/vesto-demo/' "$@"
""")
        (programs / "edit").chmod(0o755)
        path = [programs, pathlib.Path(sys.executable).parent, "/usr/bin", "/bin", "/usr/sbin"]
        return {"PATH": ":".join(map(str, path)), "HOME": str(self.home), "LC_ALL": "C.UTF-8",
                "ASAN_OPTIONS": "detect_leaks=0", "TERM": "dumb", "EDITOR": "edit"}

    def account(self):
        """AWS and its administrator's login, as AWS CLI, psql and vesto find them."""
        if not self.sandbox:
            return {}
        told = self.sandbox.endpoints
        # By its address: with a name, S3 puts the bucket before it.
        return {"AWS_ENDPOINT_URL": told["aws"]["url"].replace("localhost", "127.0.0.1"),
                "AWS_CA_BUNDLE": told["ca_file"], "SSL_CERT_FILE": told["ca_file"],
                "PGSSLROOTCERT": told["ca_file"], "AWS_PAGER": "",
                "PGPASSWORD": told["redshift"]["admin"]["password"],
                "GCE_METADATA_HOST": told["google"]["metadata_host"],
                "AWS_ACCESS_KEY_ID": told["aws"]["access_key_id"],
                "AWS_SECRET_ACCESS_KEY": told["aws"]["secret_access_key"]}

    def values(self):
        """What the reader puts into a block of values of their own."""
        mine = {"SOURCE_HOST": "127.0.0.1", "SOURCE_PORT": self.postgres.port,
                "SOURCE_DATABASE": "shop", "SOURCE_USER": "vesto_read", "EGRESS": "127.0.0.1/32",
                "SHOP_PASSWORD": PASSWORD, "WORLD": ROOT / "tests/sandbox_aws/world.toml"}
        if self.sandbox:
            told = self.sandbox.endpoints
            redshift = told["redshift"]
            mine |= {"ENDPOINT": f"{redshift['host']}:{redshift['port']}/{redshift['database']}",
                     "ADMIN": f"host={redshift['host']} port={redshift['port']} dbname=dev user="
                              f"{redshift['admin']['user']} sslmode=verify-full",
                     "REDSHIFT_PASSWORD": redshift["password"],
                     "AWS_ACCESS_KEY_ID": told["aws"]["access_key_id"],
                     "AWS_SECRET_ACCESS_KEY": told["aws"]["secret_access_key"]}
        return mine

    # --- what they do ---
    def put_in(self, text):
        """`export NAME=value` lines with the reader's values; a name that is not known stays."""
        mine = self.values()

        def line(found):
            value = str(mine.get(found[2], "")).replace("'", "'\\''")
            return f"{found[1]}{found[2]}='{value}'" if found[2] in mine else found[0]

        return re.sub(r"(export |(?<= ))(\w+)=('[^']*'|[^\s#']+)", line, text)

    def at_own_ports(self, text):
        """Two pages start a sandbox at the usual ports, which may be taken here."""
        if not self.sandbox:
            for usual, own in self.ports.items():
                text = text.replace(f"localhost:{usual}", f"localhost:{own}")
        return text

    def write(self, block):
        """A block that the page has the reader put into a file; the source is theirs."""
        text = re.sub(r'^host .*$', f'host = "127.0.0.1"\nport = {self.postgres.port}',
                      self.at_own_ports(block.text), flags=re.M)
        (self.folder / block.marks["file"]).write_text(text)

    def send(self, block):
        """Calls of the control API of the sandbox that the page has started."""
        control = json.loads((self.folder / "sandbox/endpoints.json").read_text())["control"]
        calls = re.findall(r"(GET|POST|DELETE) (/v1/\S+)(?: (\{.*\}))?", block.text)
        assert calls, block.place
        for method, path, body in calls:
            request = urllib.request.Request(
                control["url"] + path, method=method, data=body.encode() if body else None,
                headers={"Authorization": "Bearer " + control["token"]})
            with urllib.request.urlopen(request, timeout=20) as answer:
                assert answer.status in (200, 204), f"{block.place}: {method} {path}"

    def paste(self, block):
        """A block of the page, as it stands but for the values that the page asks for. Returns
        what it printed."""
        text = self.put_in(block.text) if "values" in block.marks else block.text
        text = self.at_own_ports(text)
        secret = re.search(r"^vesto secret set \S+$", text, re.M)
        return self.shell.run(text, typed=PASSWORD + "\n" if secret else "",
                              expected=int(block.marks.get("exit", "0")))

    def differences(self, *tables):
        """Of public.TABLE in the source and shop.TABLE in the warehouse: (rows, differences)."""
        redshift = self.sandbox.dsn(admin=True)
        dsn = " ".join(f"{word}={value}" for word, value in redshift.items())
        rows, _, found = parity.compare(self.postgres.dsn("shop"), dsn, [
            (f"public.{name}", f"shop.{name}", ["id"]) for name in tables])
        return rows, found
