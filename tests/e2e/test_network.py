"""Servers that cannot be reached: each fault has a code of its own, and a check and a run say the
same. NET-TLS-INTERCEPTED needs a name of AWS's, so it needs another /etc/hosts and root."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
import urllib.parse

import pytest
from network import Sshd, TcpProxy, free_port
from network_faults import (Certificates, NetworkLink, Server, error_message, full_queue,
                            mute_resolver, resets, says, says_nothing, tls, web, with_file,
                            with_hosts)
from world import RUN_TIMEOUT_S, Sandbox, World

SOAK = bool(os.environ.get("VESTO_SOAK"))
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"),
                               reason="namespaces need root")


@pytest.fixture(scope="module")
def certificates():
    with Certificates() as one:
        yield one


@pytest.fixture(scope="module")
def another_ca():
    with Certificates("another CA") as one:
        yield one


def fill(world):
    world.source("CREATE TABLE a (id bigint PRIMARY KEY); INSERT INTO a VALUES (1)")
    return world.table("public.a", mode="replace")


def rewrite(world, changes):
    """The configuration with each of these texts, which stand there once, replaced."""
    file = world.folder / "vesto.toml"
    text = file.read_text()
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file.write_text(text)


def point_destination(world, host, port, bundle=None):
    """The endpoint goes there, and nothing else does."""
    world.write_config(redshift_port=port)
    r = world.sandbox.endpoints["redshift"]
    ca = f"tls_ca_file = \"{world.sandbox.endpoints['ca_file']}\"\nschema"
    rewrite(world, {
        f"\"{r['host']}:{port}/{r['database']}\"": f"\"{host}:{port}/{r['database']}\"",
        ca: f'tls_ca_file = "{bundle}"\nschema' if bundle else ca})


def point_source(world, host, port, bundle=None):
    world.write_config()
    verified = 'sslmode = "verify-full"\n' + (f'tls_ca_file = "{bundle}"\n' if bundle else "")
    rewrite(world, {
        f'host = "127.0.0.1"\nport = {world.postgres.port}\n': f'host = "{host}"\nport = {port}\n',
        'sslmode = "disable"\n': verified})


POINT = {"destination": point_destination, "source": point_source}
NAMES = {"destination": "rs", "source": "pg"}


@contextlib.contextmanager
def facing(world, kind, handle, host="localhost", bundle=None):
    """The world's destination or source is a server that does this."""
    with Server(handle) as server:
        POINT[kind](fill(world), host, server.port, bundle)
        yield server


@contextlib.contextmanager
def own_world(postgres):
    """A sandbox of its own, for what changes it for everybody; and a world at it."""
    sandbox = Sandbox()
    sandbox.start()
    world = World(postgres, sandbox)
    try:
        yield world
    finally:
        world.close()
        sandbox.stop()


def failing_check(world, kind, command=None):
    """The failing `KIND test NAME --json`: the error, the checks of the way, the exit code."""
    done = world.check(kind, "--json", wrap=command)
    report = json.loads(done.stdout)
    failed = [c for c in report["checks"] if c["status"] == "failed"]
    assert len(failed) == 1 and done.returncode != 0, report
    for check in report["checks"]:  # what needs the way, directly or not, and nothing else
        assert (check["status"] == "not_run") == ("masked_by" in check), check
        assert check.get("masked_by", failed[0]["id"]) == failed[0]["id"], check
    way = [c for c in report["checks"] if c["group"] == "network"]
    return failed[0]["error"], way or report["checks"], done.returncode


def run_code(world, command=None):
    arguments = world.command("run", "shop", "--json")
    done = subprocess.run(command(arguments) if command else arguments, text=True,
                          capture_output=True, timeout=RUN_TIMEOUT_S)
    finished = [json.loads(line) for line in done.stdout.splitlines()][-1]
    assert finished["type"] == "run.finished" and finished["state"] == "failed", finished
    return finished["error"]["code"]


def assert_same(world, kind, code, step=None, run_too=True):
    """The check says `code`, at this step; so does a run."""
    error, checks, _ = failing_check(world, kind)
    assert error["code"] == code, error
    assert error["hint"] and error["message"]
    at = [c["id"] for c in checks if c["status"] == "failed"][0]
    if step:
        assert at == step
    # The steps before it passed, each with its time; those behind it were not run.
    order = [c["id"] for c in checks]
    for check in checks[:order.index(at)]:
        assert check["status"] == "passed" and check["duration_ms"] >= 0, check
    assert all(c["status"] == "not_run" for c in checks[order.index(at) + 1:])
    if run_too:
        assert run_code(world) == code
    return error


@pytest.mark.parametrize("kind", ["destination", "source"])
def test_a_host_that_nobody_knows(one_world, kind):
    POINT[kind](fill(one_world), "no-such-host.invalid", 5439)
    error = assert_same(one_world, kind, "NET-DNS", "net.dns")
    assert "no-such-host.invalid" in error["message"]
    told = one_world.check(kind).stdout
    assert "Who must act: you." in told and "administers" not in told, told


@pytest.mark.parametrize("kind", ["destination", "source"])
def test_a_port_that_nobody_listens_at(one_world, kind):
    port = free_port()
    POINT[kind](fill(one_world), "localhost", port)
    error = assert_same(one_world, kind, "NET-REFUSED", "net.tcp")
    assert str(port) in error["message"]
    setting = {"destination": "endpoint", "source": "host"}[kind]
    where = next(text for text in error["where"] if setting in text)
    assert re.fullmatch(rf"{kind}\.\w+\.{setting} \(.+\.toml:[1-9][0-9]*\)", where), error


SERVERS = {  # what listens there: its code, and the step that fails
    "resets": (resets, "NET-RESET", None),
    "web server": (web, "NET-WRONG-PORT", "net.tls"),
    "silence": (says_nothing, "NET-TIMEOUT", "net.tls"),
}


@pytest.mark.parametrize("kind", ["destination", "source"])
@pytest.mark.parametrize("name", SERVERS)
def test_a_server_that_is_no_database(one_world, kind, name):
    handle, code, step = SERVERS[name]
    with facing(one_world, kind, handle):
        # A run gives a silent server a minute to let it in.
        assert_same(one_world, kind, code, step, run_too=SOAK or name != "silence")


@pytest.mark.parametrize("kind", ["destination", "source"])
def test_the_port_of_an_ssh_server(one_world, kind):
    with Sshd() as sshd:
        POINT[kind](fill(one_world), "localhost", sshd.port)
        error = assert_same(one_world, kind, "NET-WRONG-PORT", "net.tls")
        assert "SSH" in error["message"]


@pytest.mark.parametrize("kind,code", [("destination", "RS-TLS-OFF"), ("source", "PG-TLS-OFF")])
def test_a_server_without_encryption(one_world, kind, code):
    """No login is tried in clear: nothing but the question for TLS is ever sent."""
    seen = []

    def listening(one, ending):
        first = one.recv(8)
        one.sendall(b"N")
        seen.append(first + one.recv(1000))

    with facing(one_world, kind, listening):
        assert_same(one_world, kind, code, "net.tls")
    assert seen and set(seen) == {b"\0\0\0\x08\x04\xd2\x16\x2f"}, seen


@pytest.mark.parametrize("kind,code", [("destination", "RS-CONN-LIMIT"), ("source", "PG-CONNECT")])
def test_a_server_that_is_full_before_it_speaks_of_encryption(one_world, kind, code):
    """It says why, and that is what people read; not that it has no TLS."""
    with facing(one_world, kind, says(error_message("53300", "too many clients already"))):
        error = assert_same(one_world, kind, code, "net.tls", run_too=kind == "source")
    assert "too many clients already (53300)" in error["message"], error
    assert "other sessions" in error["hint"]


CERTIFICATES = {  # how it is made, and the code
    "expired": ({"begin": "20200101000000Z", "end": "20210101000000Z"}, "NET-TLS-EXPIRED"),
    "not yet valid": ({"begin": "20900101000000Z"}, "NET-TLS-NOT-YET"),
    "another name": ({"name": "other.example"}, "NET-TLS-NAME"),
}


@pytest.mark.parametrize("kind", ["destination", "source"])
@pytest.mark.parametrize("fault", CERTIFICATES)
def test_a_certificate_that_is_not_good(one_world, certificates, kind, fault):
    made, code = CERTIFICATES[fault]
    with facing(one_world, kind, tls(certificates.make(**made)), bundle=certificates.bundle):
        assert_same(one_world, kind, code, "net.tls")


@pytest.mark.parametrize("kind", ["destination", "source"])
def test_an_intermediate_certificate_that_has_expired(one_world, certificates, kind):
    """The server's own is good: the message names the one that is not, and its date."""
    chain = certificates.make_below("20200101000000Z", "20210203000000Z")
    with facing(one_world, kind, tls(chain), bundle=certificates.bundle):
        error = assert_same(one_world, kind, "NET-TLS-EXPIRED", "net.tls")
    assert "an intermediate CA" in error["message"] and "2021-02-03" in error["message"], error


@pytest.mark.parametrize("kind", ["destination", "source"])
def test_a_certificate_of_a_ca_that_is_not_trusted(one_world, certificates, another_ca, kind):
    with facing(one_world, kind, tls(certificates.make()), bundle=another_ca.bundle) as server:
        assert_same(one_world, kind, "NET-TLS-CA", "net.tls")
        POINT[kind](one_world, "localhost", server.port)  # the system's bundle, or the sandbox's CA
        assert failing_check(one_world, kind)[0]["code"] == "NET-TLS-CA"


def test_the_same_server_with_a_good_certificate_fails_behind_it(one_world, certificates):
    """So that the tests above fail for the reason they name."""
    with facing(one_world, "destination", tls(certificates.make()), bundle=certificates.bundle):
        _, checks, _ = failing_check(one_world, "destination")
    assert [c["id"] for c in checks if c["status"] == "passed"] == ["net.dns", "net.tcp",
                                                                     "net.tls"]
    assert all(c["duration_ms"] >= 0 for c in checks[:3])


@ROOT_ONLY
def test_tls_that_somebody_in_between_opens(one_world, certificates):
    """A certificate for a name of AWS's own, made by an inspecting proxy's CA."""
    host = "shop.abc123.eu-west-1.redshift.amazonaws.com"

    def elsewhere(command):
        return with_hosts(command, {host: "127.0.0.1", "localhost": "127.0.0.1"}, one_world.folder)

    with facing(one_world, "destination", tls(certificates.make(name=host)), host=host):
        error, checks, _ = failing_check(one_world, "destination", elsewhere)
        assert error["code"] == "NET-TLS-INTERCEPTED", error
        assert run_code(one_world, elsewhere) == "NET-TLS-INTERCEPTED"


@pytest.fixture(scope="module")
def fenced(postgres):
    """A world at a warehouse whose security group can be changed."""
    with own_world(postgres) as world:
        yield world


def test_a_security_group_without_us(fenced):
    fenced.server = '[server]\npublic_egress = ["203.0.113.7/32"]'
    fill(fenced).write_config()
    fenced.must_run()
    fenced.sandbox.control("POST", "/v1/security-group", {"allow_from": ["127.0.0.9/32"]})
    began = time.monotonic()
    error = assert_same(fenced, "destination", "NET-TIMEOUT", "net.tcp")
    # Ten seconds of the check; the run's twenty, and five to find out why. Not once more.
    assert time.monotonic() - began < 60
    assert "203.0.113.7/32 (public_egress)" in error["hint"], error
    assert f"port {fenced.sandbox.endpoints['redshift']['port']}" in error["hint"]
    fenced.sandbox.control("POST", "/v1/security-group", {"allow_from": None})
    fenced.must_run()


def addresses_of(command, name):
    """In the order in which they are dialled."""
    lines = subprocess.run(command(["getent", "ahosts", name]), check=True, text=True, timeout=30,
                           capture_output=True).stdout.splitlines()
    return list(dict.fromkeys(line.split()[0] for line in lines))


@ROOT_ONLY
@pytest.mark.parametrize("kind", ["destination", "source"])
def test_a_name_whose_first_address_is_dead(one_world, kind):
    """As a warehouse in three zones of which one is gone: the living address is found, and a whole
    run goes through. The dead ones drop everything, so nobody says that they are."""
    fill(one_world).write_config()
    source, warehouse = one_world.postgres.port, one_world.sandbox.endpoints["redshift"]
    behind, name = {"destination": (warehouse["port"], warehouse["host"]),
                    "source": (source, "several.example")}[kind]
    dead, living = ["127.0.0.1", "127.0.0.2"], "127.0.0.9"  # the resolver sorts the nearest first

    def elsewhere(command):
        hosts = {"localhost": "127.0.0.1", name: [*dead, living]}
        return with_hosts(command, hosts, one_world.folder)

    assert addresses_of(elsewhere, name)[0] in dead
    listener = socket.create_server((living, 0), backlog=50)
    with TcpProxy(behind, listener=listener) as way, full_queue(dead[0], way.port), \
            full_queue(dead[1], way.port):
        if kind == "destination":
            point_destination(one_world, name, way.port)
        else:
            rewrite(one_world, {f'host = "127.0.0.1"\nport = {source}\n':
                                f'host = "{name}"\nport = {way.port}\n'})
        began = time.monotonic()
        done = subprocess.run(elsewhere(one_world.command("run", "shop", "--json")), text=True,
                              capture_output=True, timeout=RUN_TIMEOUT_S)
        took = time.monotonic() - began
        if kind == "destination":
            report = json.loads(one_world.check("destination", "--json", wrap=elsewhere).stdout)
            tcp = next(c for c in report["checks"] if c["id"] == "net.tcp")
            assert report["ok"] and {"name": "address", "value": living} in tcp["evidence"], report
    assert done.returncode == 0, done.stdout + done.stderr
    assert took < 30 and way.connections > 0, took


@ROOT_ONLY
def test_a_private_address_is_let_in_by_what_it_sees_of_us(one_world):
    """This machine has a card in that network: its security group never sees our public address."""
    point_destination(fill(one_world), "10.9.9.9", 5439)
    script = ("ip link set lo up; ip link add va type veth peer name vb; ip link set vb up; "
              "ip addr add 10.9.9.1/24 dev va; ip link set va up; "
              'ip neigh add 10.9.9.9 lladdr 02:00:00:00:00:09 dev va; exec "$@"')
    rewrite(one_world, {"version = 1\n": 'version = 1\n[server]\npublic_egress = ["203.0.113.7"]\n'})
    report = json.loads(one_world.check(
        "destination", "--json", "--only", "net.tcp",
        wrap=lambda command: ["unshare", "--net", "sh", "-c", script, "sh", *command]).stdout)
    tcp = next(check for check in report["checks"] if check["id"] == "net.tcp")
    assert tcp["error"]["code"] == "NET-TIMEOUT", tcp
    assert tcp["error"]["cause"]["name"] == "private-address", tcp
    assert "from 10.9.9.1 (this machine's)" in tcp["error"]["hint"], tcp
    assert "--cidr 10.9.9.1/32" in tcp["fix"]["snippet"], tcp
    assert "203.0.113.7" not in tcp["fix"]["snippet"] + tcp["error"]["hint"], tcp


@ROOT_ONLY
def test_a_resolver_that_does_not_answer(one_world):
    """The check ends within its time; a run ends when it is told to."""
    point_destination(fill(one_world), "wh.example", 5439)
    config = "nameserver 127.0.0.53\noptions timeout:30 attempts:5\n"

    def elsewhere(command):
        return with_file(command, "/etc/resolv.conf", config, one_world.folder)

    with mute_resolver("127.0.0.53"):
        began = time.monotonic()
        error, checks, _ = failing_check(one_world, "destination", elsewhere)
        took = time.monotonic() - began
        assert error["code"] == "NET-RESOLVER" and "resolver gave no answer" in error["message"], error
        assert checks[0]["id"] == "net.dns" and checks[0]["status"] == "failed"
        assert 9 < took < 25, took
        process = subprocess.Popen(elsewhere(one_world.command("run", "shop", "--json")), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(3)
        assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        out, errors = process.communicate(timeout=60)
        assert time.monotonic() - began < 10, errors
    assert json.loads(out.splitlines()[-1])["error"]["code"] == "RUN-INTERRUPTED", out


def test_what_a_source_test_says_to_people(one_world):
    port = free_port()
    point_source(fill(one_world), "localhost", port)
    done = one_world.check("source")
    assert done.stderr == "" and done.returncode == 5
    lines = done.stdout.split("Network\n")[1].splitlines()
    assert ["Host name is known" in lines[0], "NET-REFUSED" in lines[1],
            "Error NET-REFUSED" in lines[2]] == [True, True, True], lines
    assert "  In: source.pg.host (" in done.stdout, done.stdout
    assert 'Login works                           not run: needs "Port is open"' in done.stdout
    assert done.stdout.endswith("pg is not ready. Then again: vesto source test pg\n")


def test_a_source_whose_way_is_free_and_whose_password_is_not(one_world):
    fill(one_world).write_config()
    (one_world.folder / "source.pw").write_text("wrong")
    done = one_world.check("source", "--json")
    report = json.loads(done.stdout)
    assert report["schema"] == "vesto.check_report/1" and not report["ok"]
    assert report["target"] == {"kind": "source", "name": "pg"}
    status = {c["id"]: c["status"] for c in report["checks"]}
    assert [i for i in status if status[i] == "passed"] == \
        ["config.valid", "secret.readable", "net.dns", "net.tcp"]  # no TLS is asked for
    assert [(c["id"], c["error"]["code"]) for c in report["checks"]
            if c["status"] == "failed"] == [("source.login", "PG-LOGIN")]


@contextlib.contextmanager
def beyond_a_cable(world, way):
    """The warehouse ("direct") or the SSH server before it ("tunnel") at the other end of a cable;
    source and S3 here. Gives the cable and what makes a command run at this end of it."""
    with contextlib.ExitStack() as all_of_it:
        fill(world).write_config()
        sshd = all_of_it.enter_context(Sshd()) if way == "tunnel" else None
        if sshd:
            world.through(sshd, "destination")
        link = all_of_it.enter_context(NetworkLink())

        def bring(where, address, port, to):
            listener = link.listener(where, address, port)
            all_of_it.enter_context(TcpProxy(to, listener=listener))

        redshift = world.sandbox.endpoints["redshift"]["port"]
        aws = urllib.parse.urlsplit(world.sandbox.endpoints["aws"]["url"]).port
        bring(link.here, "127.0.0.1", world.postgres.port, world.postgres.port)
        bring(link.here, "127.0.0.1", aws, aws)
        if sshd:
            bring(link.there, link.THERE, sshd.port, sshd.port)
            rewrite(world, {f'host = "127.0.0.1"\nport = {sshd.port}\n':
                            f'host = "{link.THERE}"\nport = {sshd.port}\n'})
            hosts = {"localhost": "127.0.0.1"}
        else:
            bring(link.there, link.THERE, redshift, redshift)
            hosts = {"localhost": link.THERE}  # curl has its own opinion of this name: S3 is here
        yield link, lambda command: link.command(with_hosts(command, hosts, world.folder))


def start_a_copy(world, wrap, delay_ms):
    """A run in the middle of a COPY that takes so long."""
    world.sandbox.fault("copy.object", {"delay_ms": delay_ms}, nth=1, count=1)
    before = world.sandbox.calls().get("copy.object", 0)
    process = subprocess.Popen(wrap(world.command("run", "shop", "--json")), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    end = time.monotonic() + 60
    while world.sandbox.calls().get("copy.object", 0) == before:
        assert process.poll() is None and time.monotonic() < end, process.communicate()
        time.sleep(0.05)
    return process


needs_link = pytest.mark.skipif(not NetworkLink.can_make(),
                                reason="network namespaces cannot be made here")


@needs_link
@pytest.mark.parametrize("way,longest_s", [("direct", 30), ("tunnel", 15)])
def test_keepalives_are_armed_while_a_copy_runs(one_world, way, longest_s):
    """What keeps a firewall from forgetting us: the system's own timers, as ss shows them."""
    with beyond_a_cable(one_world, way) as (link, wrap):
        process = start_a_copy(one_world, wrap, 5000)
        time.sleep(1)
        timers = [re.search(r"timer:\(keepalive,(?:(\d+)sec|(\d+)min|\S*ms)", line)
                  for line in link.timers()]
        out, errors = process.communicate(timeout=60)
        assert process.returncode == 0, (out, errors)
    assert timers and all(timers), "a connection without keepalives"
    assert all(not t[2] and int(t[1] or 0) <= longest_s for t in timers), timers


@needs_link
@pytest.mark.skipif(not SOAK, reason="the real limits take minutes: make soak")
@pytest.mark.parametrize("how", ["pull", "swallow"])
@pytest.mark.parametrize("way", ["direct", "tunnel"])
def test_a_link_that_dies_in_copy_ends_the_run_within_two_minutes(postgres, way, how):
    with own_world(postgres) as world, beyond_a_cable(world, way) as (link, wrap):
        process = start_a_copy(world, wrap, 600_000)
        began = time.monotonic()
        getattr(link, how)()
        out, errors = process.communicate(timeout=300)
        took = time.monotonic() - began
    finished = json.loads(out.splitlines()[-1])
    print(f"{way}, {how}: {took:.0f} s, {finished['error']['code']}")
    assert finished["state"] == "failed"
    silent = {"direct": {"NET-TIMEOUT", "NET-UNREACHABLE"}, "tunnel": {"SSH-CONNECT"}}
    assert finished["error"]["code"] in silent[way], finished
    assert 20 < took < 120, errors
