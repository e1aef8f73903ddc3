"""All secrets of many runs, looked for wherever Vesto writes: stdout, stderr, its files, the command
lines and environments of what it starts. Nothing but sealed bytes may hold one."""
import base64
import json
import os
import pathlib
import stat
import subprocess
import threading
import urllib.parse

import pytest

from test_identity import Cell, clouds, make_world, tables  # noqa: F401
from world import RUN_TIMEOUT_S

PASSWORDS = ["p'A55\"w0rd @[]/?#+ &:%\\ of acme", "correct horse battery staple"]
# The files that hold the secrets, as their owner put them there.
OWN_FILES = {"source.pw", "redshift.pw", "aws.key", "token", "operator.key", "give-keys",
             ".aws/credentials", "vesto.key"}


def forms(secret):
    """How a secret may stand in a text."""
    out = {secret, urllib.parse.quote(secret, safe=""), urllib.parse.quote(secret),
           urllib.parse.quote_plus(secret), secret.replace("'", "''"), secret.replace('"', '""'),
           json.dumps(secret)[1:-1], secret.replace("\\", "\\\\"),
           base64.b64encode(secret.encode()).decode(), secret.encode().hex()}
    if secret.count(".") == 2 and secret.startswith("eyJ"):
        # A token's head says only how it is signed, and is the same in all.
        _, payload, signature = secret.split(".")
        out |= {payload[:40], signature[:20]}
    elif len(secret) >= 100:
        out |= {secret[:20], secret[-20:]}
    return {form.encode() for form in out}


def every_secret(sandbox, world):
    r = sandbox.endpoints
    secrets = {*sandbox.control("GET", "/v1/secrets")["secrets"], world.postgres.password,
               r["redshift"]["password"], r["aws"]["secret_access_key"]}
    key = json.loads(pathlib.Path(r["google"]["key_file"]).read_text())["private_key"]
    secrets |= {line for line in key.splitlines() if len(line) == 64}
    return {secret.strip() for secret in secrets if secret}


def found_in(secrets, places):
    """[(where, the first characters of the secret)]; places: {name: bytes}."""
    needles = [(form, secret) for secret in secrets for form in forms(secret) if len(form) > 5]
    return [(where, secret[:6] + "...", len(secret)) for where, data in places.items()
            for form, secret in needles if form in data]


def written(world):
    """Every file in the world's folder that is not a secret's own."""
    out = {}
    for path in sorted(world.folder.rglob("*")):
        name = str(path.relative_to(world.folder))
        if path.is_file() and not path.is_symlink() and name not in OWN_FILES:
            out[name] = path.read_bytes()
    return out


class Watch(threading.Thread):
    """Samples /proc: the command line of a process and all below it, the environment of those."""

    def __init__(self, pid, own):
        super().__init__(daemon=True)
        self.pid, self.own = pid, own  # own: our environment, which is the user's matter
        self.seen, self.children, self.ended = {}, 0, threading.Event()

    def below(self):
        parents = {}
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    text = pathlib.Path(f"/proc/{entry}/stat").read_text()
                    parents[int(entry)] = int(text.rsplit(")", 1)[1].split()[1])
                except (OSError, IndexError):
                    pass
        family = {self.pid}
        while True:
            more = {pid for pid, parent in parents.items() if parent in family} - family
            if not more:
                return family
            family |= more

    def sample(self):
        for pid in self.below():
            for what in ("cmdline", "environ") if pid != self.pid else ("cmdline",):
                try:
                    data = pathlib.Path(f"/proc/{pid}/{what}").read_bytes()
                except OSError:
                    continue
                self.children += pid != self.pid
                lines = set(data.split(b"\0")) - self.own
                place = f"/proc/{pid}/{what}"
                self.seen[place] = self.seen.get(place, b"") + b"\n".join(sorted(lines))

    def run(self):
        while not self.ended.wait(0.01):
            self.sample()


class Session:
    """Commands of one installation, all that they say kept."""

    def __init__(self, world, cell, flags=("-v",)):
        self.world, self.cell, self.flags = world, cell, flags
        self.environment = {**os.environ, **cell.environment}
        self.said, self.children, self.codes = {}, 0, []

    def __call__(self, *arguments, text=None):
        process = subprocess.Popen(
            self.world.command(*arguments), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.environment)
        watch = Watch(process.pid, {f"{k}={v}".encode() for k, v in self.environment.items()})
        watch.start()
        try:
            out, err = process.communicate(text, timeout=RUN_TIMEOUT_S)
        finally:
            process.kill()
            watch.ended.set()
            watch.join(10)
        name = f"{len(self.codes)} {' '.join(arguments)}"
        self.said |= {name + " stdout": out, name + " stderr": err}
        self.said |= {f"{name} {place}": data for place, data in watch.seen.items()}
        self.children += watch.children
        self.codes.append(process.returncode)
        return process.returncode, out, err

    def everything(self):
        """A run, and every command that shows something of it."""
        code = self(*self.flags, "run", "shop")[0]
        self(*self.flags, "run", "shop", "--json")
        _, out, _ = self("history", "shop", "--json")
        for run in [entry["run"] for entry in json.loads(out)["runs"]][:4]:
            for what in ("--sql", "--files", "--tables"):
                self("show", run, what)
            self("show", run, "--json")
        for arguments in (["status"], ["status", "--json"], ["history", "shop"], ["config", "show"],
                          ["config", "show", "--json"], ["config", "check"], ["secret", "list"],
                          ["sync", "plan", "shop"], ["sync", "plan", "shop", "--sql"],
                          ["identity", "show", "rs"], ["identity", "show", "rs", "--json"]):
            self(*self.flags, *arguments)
        return code

    def leaks(self, secrets):
        return found_in(secrets, {**self.said, **written(self.world)})

    def assert_no_leaks(self, sandbox):
        secrets = every_secret(sandbox, self.world)
        assert len(secrets) > 5
        # Written and shown: the search has something to look at.
        assert any(b"COPY" in data for name, data in self.said.items() if "--sql" in name) or \
            self.codes[0] != 0
        assert self.leaks(secrets) == []


def test_the_search_finds_what_is_there():
    token = "IQoJ" + "aZ3/+=" * 60
    jwt = "eyJhbGciOiJSUzI1NiJ9." + "eyJpc3MiOiJ4In0" * 5 + "." + "Q_-8" * 80
    for secret in (*PASSWORDS, token, jwt):
        for form in forms(secret):
            assert found_in({secret}, {"here": b"before " + form + b" after"})
    assert found_in({token}, {"cut": token[:30].encode()})
    assert found_in({jwt}, {"cut": jwt[:-10].encode()})
    assert found_in({token, jwt, *PASSWORDS}, {"here": b"eyJhbGciOiJSUzI1NiJ9 acme"}) == []


def credential_process(world):
    """Keys from a program of the user's."""
    program = world.folder / "give-keys"
    program.write_text("#!/bin/sh\nsleep 0.3\ncat <<'.'\n" + json.dumps({
        "Version": 1, "AccessKeyId": "AKIAVESTOOPERATOR001",
        "SecretAccessKey": "operatorSecretoperatorSecretoperator/+01"}) + "\n.\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (world.folder / ".aws" / "config").write_text(
        f"[profile base2]\ncredential_process = {program}\n[profile acme]\nsource_profile = base2\n"
        "role_arn = arn:aws:iam::123456789012:role/vesto-ext\n"
        "external_id = acme-42\nregion = eu-west-1\n")


SOAK = bool(os.environ.get("VESTO_SOAK"))  # all ways; else one of each kind
WAYS = [("provisioned", "metadata", "session_keys", "db_user"),
        ("provisioned", "metadata", "attached_role", ""),
        ("provisioned", "key_file", "session_keys", "db_user"),
        ("provisioned", "token_file", "session_keys", ""),
        ("provisioned", "eks", "session_keys", "db_user"),
        ("provisioned", "profile", "session_keys", "db_user"),
        ("provisioned", "credential_process", "session_keys", "db_user"),
        ("provisioned", "external_id", "session_keys", "db_user"),
        ("provisioned", "static_keys", "static_keys", ""),
        ("serverless", "metadata", "session_keys", ""),
        ("serverless", "external_id", "session_keys", ""),
        ("serverless", "static_keys", "static_keys", "")]


def start(clouds, make_world, kind, identity, copy, user, log_format="json"):  # noqa: F811
    sandbox = clouds(kind)
    world = make_world(sandbox)
    program = identity == "credential_process"
    cell = Cell(world, sandbox, kind, "profile" if program else identity, copy, user=user)
    if program:
        credential_process(world)
    tables(world)
    world.limits = f'[log]\nlevel = "debug"\nformat = "{log_format}"\n'
    world.write_config()
    return sandbox, Session(world, cell)


@pytest.mark.parametrize("kind,identity,copy,user",
                         WAYS if SOAK else [WAYS[0], WAYS[4], WAYS[6], WAYS[9]])
def test_runs_that_succeed(clouds, make_world, kind, identity, copy, user):  # noqa: F811
    sandbox, session = start(clouds, make_world, kind, identity, copy, user)
    assert session.everything() == 0, session.said
    assert session.children > 0 or identity != "credential_process"
    session.assert_no_leaks(sandbox)


FAULTS = {
    "s3 denies": ("s3.put", {"status": 403, "code": "AccessDenied"}, None),
    "s3 repeats the token": ("s3.put", {"status": 403, "code": "EchoedSecrets"}, None),
    "s3 breaks, repeating it": ("s3.put", {"status": 500, "code": "EchoedSecrets"}, None),
    "s3 says expired": ("s3.put", {"status": 400, "code": "ExpiredToken"}, None),
    "s3 says expired to a delete": ("s3.delete", {"status": 400, "code": "ExpiredToken"}, None),
    "s3 cuts": ("s3.put", {"drop": "during"}, None),
    "sts denies": ("aws.sts", {"status": 403, "code": "AccessDenied"}, None),
    "sts says expired": ("aws.sts", {"status": 400, "code": "ExpiredTokenException"}, None),
    "sts repeats the request": ("aws.sts", {"status": 400, "code": "EchoedSecrets"}, None),
    "sts breaks, repeating it": ("aws.sts", {"status": 500, "code": "EchoedSecrets"}, None),
    "redshift's api denies": ("aws.redshift", {"status": 403, "code": "AccessDenied"}, None),
    "redshift's api repeats": ("aws.redshift", {"status": 400, "code": "EchoedSecrets"}, None),
    "redshift's api: expired": ("aws.redshift", {"status": 400, "code": "ExpiredToken"}, None),
    "a login is refused": ("pg.connect", {"error": "password authentication failed: {subject}"},
                           None),
    "copy is refused with its text": ("pg.statement", {"error": "no COPY: {subject}"}, "^COPY"),
    "copy fails on s3, with its text": ("pg.statement", {"error": (
        "S3ServiceException:Access Denied,Status 403,Error AccessDenied {subject}")}, "^COPY"),
    "copy is a conflict, with its text": ("pg.statement", {"error": "1023"}, "^COPY"),
    "copy's file is denied": ("copy.object", {"status": 403, "code": "AccessDenied"}, None),
    "google breaks": ("google.metadata", {"status": 500}, None),
    "google denies": ("google.metadata", {"status": 403}, None),
    "google refuses a grant": ("google.token", {"status": 400}, None)}
TROUBLED = [("provisioned", "metadata", "session_keys", "db_user"),
            ("provisioned", "key_file", "session_keys", ""),
            ("serverless", "external_id", "session_keys", ""),
            ("provisioned", "static_keys", "static_keys", "")]


@pytest.mark.parametrize("kind,identity,copy,user", TROUBLED if SOAK else TROUBLED[:1])
def test_runs_that_fail(clouds, make_world, kind, identity, copy, user):  # noqa: F811
    sandbox, session = start(clouds, make_world, kind, identity, copy, user, log_format="text")
    codes = {}
    try:
        for name, (on, then, match) in FAULTS.items():
            # Once only, then always: what is repeated silently, and what ends the run.
            for count in (1, 1000):
                sandbox.clear_faults()
                sandbox.fault(on, then, count=count, **({"match": match} if match else {}))
                codes[name, count] = session(*session.flags, "run", "shop", "--json")[0]
        sandbox.clear_faults()
        session.everything()
    finally:
        sandbox.clear_faults()
    assert codes["copy is refused with its text", 1000] != 0
    assert codes["s3 repeats the token", 1000] != 0
    session.assert_no_leaks(sandbox)


def test_keys_that_expire_once_are_renewed_silently(clouds, make_world):  # noqa: F811
    """S3 and Redshift's API say that the keys have ended: new ones are got, and nobody hears it."""
    sandbox, session = start(clouds, make_world, "provisioned", "metadata", "session_keys",
                             "db_user")
    session.world.limits = ""
    session.world.write_config()
    try:
        for on in ("s3.put", "s3.delete", "s3.list", "aws.redshift"):
            sandbox.clear_faults()
            before = sandbox.calls().get("aws.sts", 0)
            sandbox.fault(on, {"status": 400, "code": "ExpiredToken"})
            session.world.source("UPDATE orders SET note = note || '.'")
            code, out, err = session("run", "shop", "--json")
            assert (code, err) == (0, b""), err
            assert b"\"warnings\":[]" in out and b"run.warning" not in out
            print(on, sandbox.calls()["aws.sts"] - before)
    finally:
        sandbox.clear_faults()


@pytest.mark.parametrize("password", PASSWORDS)
def test_secrets_in_the_sealed_store(clouds, make_world, password):  # noqa: F811
    """Nothing but sealed bytes."""
    sandbox, session = start(clouds, make_world, "provisioned", "static_keys", "static_keys", "")
    world = session.world
    for name in ("source.pw", "redshift.pw", "aws.key"):
        code, _, err = session("secret", "set", name, text=(world.folder / name).read_bytes())
        assert code == 0, err
        (world.folder / name).unlink()
    assert session("secret", "set", "other", text=password.encode())[0] == 0
    text = (world.folder / "vesto.toml").read_text()
    (world.folder / "vesto.toml").write_text(text.replace("{ file = ", "{ secret = "))
    assert session.everything() == 0, session.said
    assert session("secret", "rotate-key")[0] == 0
    assert session("run", "shop")[0] == 0
    secrets = every_secret(sandbox, world) | {password}
    assert session.leaks(secrets) == []
    assert any(name.startswith("data/") for name in written(world))
