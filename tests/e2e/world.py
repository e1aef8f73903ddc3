"""A source, a sandbox and a configuration for end-to-end tests: real processes, real files."""
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))

import emitted  # noqa: E402
import parity  # noqa: E402
from private_postgres import PrivatePostgres  # noqa: E402

# Kill points are compiled into the dev build alone; the release binary is tested as users get it.
DEV = ROOT / os.environ.get("VESTO_DEV_DIR", "build/dev") / "src" / "cli" / "vesto"
RELEASE = ROOT / os.environ.get("VESTO_BUILD_DIR", "build/release") / "src" / "cli" / "vesto"
SANDBOX = (ROOT / os.environ.get("VESTO_BUILD_DIR", "build/release") / "sandbox" / "vesto-sandbox")
RUN_TIMEOUT_S = 180


class Sandbox:
    """A vesto-sandbox process. Bounded: stop() ends it, and start() waits at most a minute."""

    def __init__(self, isolation="snapshot", folder=None, extra=()):
        self.folder = pathlib.Path(folder or tempfile.mkdtemp(prefix="vesto-sandbox-"))
        self.folder.chmod(0o755)
        self.command = [str(SANDBOX), "--data", str(self.folder), "--port-redshift", "0",
                        "--port-aws", "0", "--isolation", isolation, *extra]
        self.process = None
        self.endpoints = None

    def start(self):
        (self.folder / "endpoints.json").unlink(missing_ok=True)
        with open(self.folder / "sandbox.log", "ab") as log:
            self.process = subprocess.Popen(self.command, stdout=log, stderr=subprocess.STDOUT,
                                            stdin=subprocess.DEVNULL)
        end = time.monotonic() + 60
        while not (self.folder / "endpoints.json").exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError((self.folder / "sandbox.log").read_text()[-3000:])
            time.sleep(0.02)
        self.endpoints = json.loads((self.folder / "endpoints.json").read_text())
        return self

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)

    def dsn(self, admin=False):
        r = self.endpoints["redshift"]
        who = r["admin"] if admin else r
        return (f"host={r['host']} port={r['port']} dbname={r['database']} user={who['user']} "
                f"password={who['password']} sslmode=verify-full "
                f"sslrootcert={self.endpoints['ca_file']}")

    def connect(self):
        connection = psycopg2.connect(self.dsn())
        connection.autocommit = True
        return connection

    def query(self, sql, *arguments):
        with contextlib.closing(self.connect()) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, arguments or None)
            return cursor.fetchall() if cursor.description else None

    def control(self, method, path, body=None):
        control = self.endpoints["control"]
        request = urllib.request.Request(
            control["url"] + path, method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Authorization": "Bearer " + control["token"]})
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read()!r}") from error
        return json.loads(text) if text.strip() else None

    def fault(self, on, then, **more):
        self.control("POST", "/v1/faults", {"on": on, "then": then, **more})

    def clear_faults(self):
        self.control("DELETE", "/v1/faults")

    def calls(self):
        return self.control("GET", "/v1/calls")

    def left(self, deadline_s=20):
        """What is left behind; sessions of a killed client take a moment to go."""
        end = time.monotonic() + deadline_s
        while True:
            left = self.control("GET", "/v1/left")
            if not any(left[k] for k in ("objects", "uploads", "tables", "sessions")):
                return left
            if time.monotonic() > end:
                return left
            time.sleep(0.05)


NOTHING_LEFT = {"objects": 0, "uploads": 0, "tables": 0, "sessions": 0}


def wait_until(condition, deadline_s=60):
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def nothing_left(sandbox):
    left = sandbox.left()
    return {k: left[k] for k in NOTHING_LEFT}


def toml_text(value):
    """JSON's form of a value, which TOML reads alike but for surrogate pairs, DEL and objects."""
    if isinstance(value, dict):
        members = (f"{toml_text(key)} = {toml_text(one)}" for key, one in value.items())
        return "{ " + ", ".join(members) + " }"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def password_auth(sandbox):
    """A user with a password, and an access key."""
    return f"""method = "password"
user = "{sandbox.endpoints['redshift']['user']}"
password = {{ file = "redshift.pw" }}
access_key_id = "{sandbox.endpoints['aws']['access_key_id']}"
secret_access_key = {{ file = "aws.key" }}"""


def source_login(postgres):
    return f'user = "{postgres.user}"\npassword = {{ file = "source.pw" }}'


class World:
    """One source database, one destination schema, one installation (data directory)."""

    counter = 0

    def __init__(self, postgres, sandbox, schema=None, database=None):
        World.counter += 1
        self.postgres, self.sandbox = postgres, sandbox
        self.schema = schema or f"t{os.getpid()}_{World.counter}"
        self.database = database or f"src_{os.getpid()}_{World.counter}"
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-world-"))
        self.tables = []
        self.limits = ""
        self.max_rejected_rows = None
        self.kind, self.create_schema = "redshift", True
        self.auth = None  # [destination.rs.auth], line by line; None: user, password and access key
        self.identity = ""  # [identity.google]
        self.source_login = None  # user and password of the source, as lines; None: the owner's
        self.ssh = {}  # "source" or "destination": the lines of its section ssh
        self.server = ""  # [server]
        self.read_as_admin = False  # the target belongs to somebody else than vesto_load
        if database is None:
            connection = psycopg2.connect(postgres.dsn())
            connection.autocommit = True
            connection.cursor().execute(f'CREATE DATABASE "{self.database}"')
            connection.close()

    def close(self):
        emitted.collect(self.folder)  # for tests/sql_judges
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- source ---
    def source(self, sql, *arguments):
        with psycopg2.connect(self.postgres.dsn(self.database)) as connection:
            cursor = connection.cursor()
            cursor.execute(sql, arguments or None)
            rows = cursor.fetchall() if cursor.description else None
        connection.close()
        return rows

    # --- configuration ---
    def table(self, name, mode="upsert", **settings):
        self.tables.append((name, mode, settings))
        return self

    def write_config(self, sync="shop", **staging):
        r, aws = self.sandbox.endpoints["redshift"], self.sandbox.endpoints["aws"]
        for name, value in (("source.pw", self.postgres.password), ("redshift.pw", r["password"]),
                            ("aws.key", aws["secret_access_key"])):
            (self.folder / name).write_text(value)
        text = f"""version = 1
{self.limits}
{self.server}
{self.identity}
[source.pg]
kind = "postgres"
host = "127.0.0.1"
port = {staging.pop("source_port", self.postgres.port)}
database = "{self.database}"
{self.source_login or source_login(self.postgres)}
sslmode = "disable"
{self.ssh_section("source", "pg")}
[destination.rs]
kind = "{self.kind}"
endpoint = "{r['host']}:{staging.pop("redshift_port", r['port'])}/{r['database']}"
tls_ca_file = "{self.sandbox.endpoints['ca_file']}"
schema = "{self.schema}"
create_schema = {str(self.create_schema).lower()}
{self.ssh_section("destination", "rs")}
[destination.rs.auth]
{self.auth or password_auth(self.sandbox)}
[destination.rs.staging]
bucket = "{staging.pop("bucket", aws['bucket'])}"
prefix = "{staging.pop("prefix", "vesto/")}"
region = "{staging.pop("region", aws['region'])}"
endpoint = "{staging.pop("endpoint", aws['url'])}"
tls_ca_file = "{self.sandbox.endpoints['ca_file']}"
"""
        for key, value in staging.items():
            text += f"{key} = {toml_text(value)}\n"
        text += f'[sync.{sync}]\nsource = "pg"\ndestination = "rs"\n'
        if self.max_rejected_rows is not None:
            text += f"max_rejected_rows = {self.max_rejected_rows}\n"
        for name, mode, settings in self.tables:
            text += f'[[sync.{sync}.table]]\nname = {toml_text(name)}\nmode = "{mode}"\n'
            for key, value in settings.items():
                text += f"{key} = {toml_text(value)}\n"
        (self.folder / "vesto.toml").write_text(text)
        return self

    def ssh_section(self, kind, name):
        return f"[{kind}.{name}.ssh]\n{self.ssh[kind]}" if kind in self.ssh else ""

    def through(self, sshd, *kinds, port=None):
        """Source or destination through this sshd (or a proxy before it); the keys are made and
        authorized by vesto's own command."""
        for kind in kinds:
            self.ssh[kind] = (f'host = "127.0.0.1"\nport = {port or sshd.port}\n'
                              f'user = "{sshd.user}"\nhost_key = "{sshd.fingerprint}"\n')
        self.write_config()
        names = {"source": "source.pg", "destination": "destination.rs"}
        sshd.authorize("\n".join(self.output("ssh-key", names[kind]) for kind in kinds))
        return self

    def vesto(self, *arguments, environment=None):
        return subprocess.run(self.command(*arguments), text=True, capture_output=True,
                              timeout=RUN_TIMEOUT_S, env={**os.environ, **(environment or {})})

    def output(self, *arguments):
        done = self.vesto(*arguments)
        assert done.returncode == 0, f"{arguments}: exit {done.returncode}: {done.stderr}"
        return done.stdout

    def check(self, kind, *arguments, wrap=None):
        """vesto KIND test of this world's destination or source, AWS's STS being the sandbox."""
        name = {"destination": "rs", "source": "pg"}[kind]
        wait = ("--wait", "0s") if kind == "destination" else ()
        command = self.command(kind, "test", name, *wait, *arguments)
        sts = {"AWS_ENDPOINT_URL_STS": self.sandbox.endpoints["aws"]["url"]}
        return subprocess.run(wrap(command) if wrap else command, text=True, capture_output=True,
                              timeout=RUN_TIMEOUT_S, env={**os.environ, **sts})

    # --- runs ---
    def command(self, *arguments, binary=None, data=None):
        return [str(binary or RELEASE), "--config", str(self.folder / "vesto.toml"),
                "--data", str(data or self.folder / "data"), *arguments]

    def run(self, *arguments, binary=None, environment=None, data=None, sync="shop"):
        """vesto run SYNC --json: (exit code, the run.finished line or None, stderr)."""
        done = subprocess.run(
            self.command("run", sync, "--json", *arguments, binary=binary, data=data), text=True,
            capture_output=True, timeout=RUN_TIMEOUT_S, env={**os.environ, **(environment or {})})
        finished = None
        for line in done.stdout.splitlines():
            event = json.loads(line)
            if event["type"] == "run.finished":
                finished = event
        return done.returncode, finished, done.stderr

    def must_run(self, *arguments, **more):
        code, finished, errors = self.run(*arguments, **more)
        assert code == 0, f"exit {code}: {finished} {errors}"
        return finished

    def popen(self, *arguments, binary=None, environment=None, sync="shop", data=None):
        return subprocess.Popen(
            self.command("run", sync, "--json", *arguments, binary=binary, data=data), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env={**os.environ, **(environment or {})})

    # --- what shows it ---
    def differences(self, *tables):
        """tables: (source table, key columns)."""
        pairs = [(name, f"{self.schema}.{parity.made_name(name.split('.', 1)[1])}", keys)
                 for name, keys in tables]
        rows, _, differences = parity.compare(self.postgres.dsn(self.database),
                                              self.sandbox.dsn(self.read_as_admin), pairs)
        return rows, differences

    def assert_equal(self, *tables, rows=None):
        seen, differences = self.differences(*tables)
        assert differences == []
        if rows is not None:
            assert seen == rows

    def journal_rows(self, data=None):
        import sqlite3
        path = (data or self.folder / "data") / "vesto.db"
        connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
        try:
            return connection.execute("SELECT count(*) FROM object").fetchone()[0]
        finally:
            connection.close()

    def assert_nothing_left(self):
        assert nothing_left(self.sandbox) == NOTHING_LEFT
        assert self.journal_rows() == 0


def wait_stopped(process, deadline_s=60):
    """Waits until the process has stopped itself (SIGSTOP)."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        state = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        if state == "T":
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    raise AssertionError("the process did not stop at the point")
