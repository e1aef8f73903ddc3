"""How a fault is made. Each function gives a `provoke`: called with an Attempt (one configuration of
its own), it is a context manager in which that fault stands."""
import contextlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests" / "e2e"), str(ROOT / "tests"), str(ROOT / "tools")]

from fakes import AwsProxy, FakeRedshift, NameServer, s3_error  # noqa: E402
from network import free_port  # noqa: E402
from network_faults import (Certificates, Server, error_message, full_queue,  # noqa: E402
                            mute_resolver, says_nothing, web, with_file)
from test_identity import WORLD, Cell, admin, tables  # noqa: E402
from world import RELEASE, RUN_TIMEOUT_S, Sandbox, World  # noqa: E402

# What a cell of tests/e2e/test_identity.py is: warehouse, identity, how COPY reads, its user.
KINDS = {"keys": ("provisioned", "static_keys", "static_keys", "db_user"),
         "role": ("provisioned", "external_id", "session_keys", "db_user"),
         "google": ("provisioned", "metadata", "session_keys", ""),
         "key_file": ("provisioned", "key_file", "session_keys", ""),
         "serverless": ("serverless", "metadata", "session_keys", "")}


class Bench:
    """Sandboxes, and for each kind of login one source with its configuration; begun when asked."""

    def __init__(self, postgres):
        self.postgres, self.sandboxes, self.cells = postgres, {}, {}
        self.opened = contextlib.ExitStack()
        self.certificates = self.opened.enter_context(Certificates())
        self.another_ca = self.opened.enter_context(Certificates("another CA"))

    def close(self):
        self.opened.close()

    def sandbox(self, kind):
        if kind not in self.sandboxes:
            one = Sandbox(extra=["--kind", kind, "--world", str(WORLD)]).start()
            self.opened.callback(one.stop)
            admin(one, 'CREATE USER "IAMR:vesto" PASSWORD DISABLE')
            admin(one, 'GRANT CREATE, TEMPORARY ON DATABASE dev TO "IAMR:vesto"')
            self.sandboxes[kind] = one
        return self.sandboxes[kind]

    def cell(self, name):
        if name not in self.cells:
            warehouse, identity, copy, user = KINDS[name]
            sandbox = self.sandbox(warehouse)
            world = World(self.postgres, sandbox)
            self.opened.callback(world.close)
            cell = Cell(world, sandbox, warehouse, identity, copy, user)
            if identity == "static_keys":
                world.auth += f'\nsts_endpoint = "{sandbox.endpoints["aws"]["url"]}"'
            world.source("CREATE TABLE a (id int PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x')")
            world.table("public.a").write_config()
            self.cells[name] = cell
        return self.cells[name]

    @contextlib.contextmanager
    def attempt(self, kind):
        cell = self.cell(kind)
        folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-row-"))
        try:
            shutil.copytree(cell.world.folder, folder, dirs_exist_ok=True)
            yield Attempt(self, cell, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)


class Attempt:
    """One configuration, and what vesto says with it."""

    def __init__(self, bench, cell, folder):
        self.bench, self.cell, self.sandbox = bench, cell, cell.sandbox
        self.file, self.folder = folder / "vesto.toml", folder
        self.environment = {**os.environ, **cell.environment, "HOME": str(folder)}
        self.wrap = lambda command: command

    def change(self, old, new):
        text = self.file.read_text()
        assert text.count(old) == 1, f"{text.count(old)} times: {old}"
        self.file.write_text(text.replace(old, new))

    def point(self, host, port, bundle=None):
        """The warehouse is there, with a certificate of this CA."""
        r = self.sandbox.endpoints["redshift"]
        host = f"[{host}]" if ":" in host else host
        self.change(f"\"{r['host']}:{r['port']}/{r['database']}\"",
                    f"\"{host}:{port}/{r['database']}\"")
        if bundle:
            ca = f"tls_ca_file = \"{self.sandbox.endpoints['ca_file']}\"\nschema"
            self.change(ca, f'tls_ca_file = "{bundle}"\nschema')

    def staging(self, url, bundle=None):
        """S3 is there."""
        aws, ca = self.sandbox.endpoints["aws"], self.sandbox.endpoints["ca_file"]
        self.change(f'\nendpoint = "{aws["url"]}"\ntls_ca_file = "{ca}"',
                    f'\nendpoint = "{url}"\n' + (f'tls_ca_file = "{bundle}"' if bundle else ""))

    def vesto(self, *arguments):
        command = [str(RELEASE), "--config", str(self.file), "--data", str(self.folder / "data"),
                   *arguments]
        return subprocess.run(self.wrap(command), text=True, capture_output=True,
                              timeout=RUN_TIMEOUT_S, env=self.environment)

    def check(self, only):
        """(code, cause) of everything that failed or warned, by check."""
        done = self.vesto("destination", "test", "rs", "--json", "--wait", "0s",
                          *[word for one in only.split("|") if only for word in ("--only", one)])
        assert done.stdout.startswith('{"schema"'), (done.returncode, done.stdout, done.stderr)
        return {c["id"]: c["error"] for c in json.loads(done.stdout)["checks"] if "error" in c}

    def run(self):
        """Every error of a run that must not succeed."""
        done = self.vesto("run", "shop", "--json")
        events = [json.loads(line) for line in done.stdout.splitlines()]
        assert events[-1]["type"] == "run.finished" and done.returncode != 0, events[-1]
        self.exit_code = done.returncode
        return list(errors_in(events))


def errors_in(data):
    for value in data.values() if isinstance(data, dict) else data:
        if isinstance(value, (dict, list)):
            yield from errors_in(value)
    if isinstance(data, dict) and "code" in data and "blame" in data:
        yield data


def provoke(function):
    """function(attempt, ...) -> context manager becomes function(...) -> provoke."""
    made = contextlib.contextmanager(function)

    def with_arguments(*arguments, **named):
        return lambda attempt: made(attempt, *arguments, **named)
    return with_arguments


# --- the configuration ---
@provoke
def config(attempt, old, new):
    attempt.change(old, new)
    yield


@provoke
def user_file(attempt, name, text):
    (attempt.folder / name).write_text(text)
    yield


# --- the way to the warehouse ---
@provoke
def endpoint(attempt, host, port):
    attempt.point(host, port or free_port())
    yield


@provoke
def silent_port(attempt):
    port = free_port()
    attempt.point("127.0.0.1", port)
    with full_queue("127.0.0.1", port):
        yield


@provoke
def name_server(attempt, name, mute=False):
    address = "127.0.0.63" if mute else "127.0.0.62"
    attempt.point(name, 5439)
    resolv = f"nameserver {address}\noptions timeout:1 attempts:1\n"
    attempt.wrap = lambda command: with_file(command, "/etc/resolv.conf", resolv, attempt.folder)
    with mute_resolver(address) if mute else NameServer(address):
        yield


@provoke
def namespace(attempt, address):
    """In a network of its own with one card, behind which nobody is: what goes there is gone."""
    attempt.point(address, 5439)
    script = ("ip link set lo up; ip link add va type veth peer name vb; ip link set vb up; "
              "ip addr add 10.9.9.1/24 dev va; ip link set va up; "
              'ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:09 dev va; exec "$@"')
    attempt.wrap = lambda command: ["unshare", "--net", "sh", "-c", script, "sh", *command]
    yield


@provoke
def serving(attempt, handle):
    with Server(handle) as server:
        attempt.point("localhost", server.port)
        yield


@provoke
def other_certificate(attempt, trusted=True, bundle=None, **made):
    certificates = attempt.bench.certificates
    ca = bundle or (certificates if trusted else attempt.bench.another_ca).bundle
    with FakeRedshift(certificates.make(**made)) as server:
        attempt.point("localhost", server.port, ca)
        yield


@provoke
def login_says(attempt, state, text=None):
    """The login is answered so: a SQLSTATE and a text, or bytes."""
    said = state if text is None else error_message(state, text)
    with redshift(attempt, login=said):
        yield


@provoke
def redshift_says(attempt, errors=None, rows=None):
    with redshift(attempt, errors=errors, rows=rows):
        yield


@contextlib.contextmanager
def redshift(attempt, **says):
    certificates = attempt.bench.certificates
    with FakeRedshift(certificates.make(), **says) as server:
        attempt.point("localhost", server.port, certificates.bundle)
        yield


# --- the sandbox ---
@provoke
def fault(attempt, on, then, match=None):
    more = {"match": match} if match else {}
    attempt.sandbox.fault(on, then, count=1_000_000, **more)
    try:
        yield
    finally:
        attempt.sandbox.clear_faults()


def copy_says(text):
    return fault("pg.statement", {"error": text}, "^ *COPY")


@provoke
def google_fault(attempt, on, then):
    """on None: no metadata server at all."""
    if on is None:
        attempt.environment["GCE_METADATA_HOST"] = f"127.0.0.1:{free_port()}"
        yield
        return
    with fault(on, then)(attempt):
        yield


@provoke
def status_is(attempt, status):
    attempt.change("create_schema = true\n", 'create_schema = true\nwait_for_warehouse = "0s"\n')
    attempt.sandbox.control("POST", "/v1/warehouse", {"status": status})
    try:
        yield
    finally:
        attempt.sandbox.control("POST", "/v1/warehouse", {"status": "available"})


@provoke
def no_schema(attempt):
    attempt.change(f'schema = "{attempt.cell.world.schema}"', 'schema = "of_nobody"')
    attempt.change("create_schema = true", "create_schema = false")
    yield


@provoke
def table_differs(attempt):
    world = attempt.cell.world
    schema = f"{world.schema}_other"
    attempt.change(f'schema = "{world.schema}"', f'schema = "{schema}"')
    attempt.sandbox.query(f'CREATE SCHEMA "{schema}"')
    attempt.sandbox.query(f'CREATE TABLE "{schema}".a (id integer NOT NULL, v date)')
    try:
        yield
    finally:
        attempt.sandbox.query(f'DROP SCHEMA "{schema}" CASCADE')


# --- AWS ---
@provoke
def aws(attempt, rules):
    with behind_proxy(attempt, rules):
        yield


def s3_says(operation, status, code, text, more=""):
    return aws({"s3." + operation: (status, s3_error(code, text, more))})


@contextlib.contextmanager
def behind_proxy(attempt, rules):
    url = attempt.sandbox.endpoints["aws"]["url"]
    with AwsProxy(url, attempt.sandbox.endpoints["ca_file"], rules) as proxy:
        attempt.staging(proxy.url)
        attempt.file.write_text(attempt.file.read_text().replace(f'"{url}"', f'"{proxy.url}"'))
        yield proxy


@provoke
def cold(attempt):
    """AWS says that the warehouse is not public, and its port is silent."""
    def private(status, body, headers):
        assert b"<PubliclyAccessible>" in body
        return status, body.replace(b"<PubliclyAccessible>true", b"<PubliclyAccessible>false"), headers

    port = free_port()
    with behind_proxy(attempt, {"DescribeClusters": private}), full_queue("127.0.0.1", port):
        attempt.point("127.0.0.1", port)
        yield


@provoke
def other_kind(attempt, fault_of):
    """S3's address, wrong in one way."""
    port = free_port()
    with contextlib.ExitStack() as opened:
        if fault_of == "untrusted":
            pair = attempt.bench.certificates.make()
            port = opened.enter_context(HttpsServer(pair)).port
            attempt.staging(f"https://localhost:{port}", attempt.bench.another_ca.bundle)
        elif fault_of == "unknown":
            attempt.staging("https://s3.no-such-host.invalid")
        elif fault_of == "plain":
            port = opened.enter_context(Server(web)).port
            attempt.staging(f"https://localhost:{port}")
        else:
            if fault_of == "silent":
                opened.enter_context(full_queue("127.0.0.1", port))
            attempt.staging(f"https://127.0.0.1:{port}")
        yield


class HttpsServer(Server):
    """Speaks TLS from the first byte."""

    def __init__(self, certificate):
        import ssl
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)

        def handle(one, _):
            with context.wrap_socket(one, server_side=True) as inside:
                inside.recv(1)
        super().__init__(handle)
