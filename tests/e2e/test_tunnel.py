"""Syncs through an SSH tunnel: a real sshd, the real binary, source and destination alike."""
import calendar
import json
import os
import random
import re
import signal
import subprocess
import time

import pytest
from network import Sshd, TcpProxy
from world import DEV, World, wait_stopped

TABLE = ("public.orders", ["id"])
CUT_BYTES = 300_000  # a first run of 3,000 rows carries more than that


@pytest.fixture(scope="module")
def sshd():
    with Sshd() as one:
        yield one


def fill(world, rows=2000):
    world.source(
        "CREATE TABLE orders (id bigint PRIMARY KEY, note text, n bigint NOT NULL);"
        f"INSERT INTO orders SELECT i, repeat('x', 100) || i, i FROM generate_series(1, {rows}) i")
    world.table("public.orders", cursor="n", lookback=0)


@pytest.mark.parametrize("kinds", [("source",), ("destination",), ("source", "destination")],
                         ids="+".join)
def test_a_sync_through_a_tunnel_ends_equal(one_world, sshd, kinds):
    fill(one_world)
    one_world.through(sshd, *kinds)
    one_world.must_run()
    one_world.assert_equal(TABLE, rows=2000)
    one_world.source("UPDATE orders SET note = 'changed', n = n + 10000 WHERE id % 7 = 0")
    one_world.must_run()
    one_world.assert_equal(TABLE)
    one_world.assert_nothing_left()


def test_the_line_for_authorized_keys_allows_this_forwarding_alone(one_world, sshd):
    fill(one_world, 1)
    one_world.server = '[server]\npublic_egress = ["127.0.0.1", "203.0.113.7/32"]'
    one_world.through(sshd, "destination")
    line = one_world.output("ssh-key", "destination.rs")
    redshift = one_world.sandbox.endpoints["redshift"]
    options, kind, blob, comment = line.split()
    assert kind == "ssh-ed25519" and comment == "vesto-destination-rs" and len(blob) == 68
    assert options == (f'restrict,port-forwarding,permitopen="{redshift["host"]}:{redshift["port"]}"'
                       ',from="127.0.0.1,203.0.113.7/32"')
    assert one_world.output("ssh-key", "destination.rs") == line, "the key is made once"
    other = one_world.output("ssh-key", "destination.rs", "--new")
    assert other.split()[2] != blob


def test_two_that_make_the_key_at_one_time_show_the_same_line(one_world, sshd):
    """The first has found no key and holds the lock of the secrets; the second has found none
    either and waits for it."""
    fill(one_world, 1)
    one_world.ssh["destination"] = (f'host = "127.0.0.1"\nport = {sshd.port}\n'
                                    f'user = "{sshd.user}"\nhost_key = "{sshd.fingerprint}"\n')
    one_world.write_config()
    command = one_world.command("ssh-key", "destination.rs", "--json", binary=DEV)
    stop = {**os.environ, "VESTO_STOP_AT": "secret.after_lock"}
    both = [subprocess.Popen(command, env=stop, text=True, stdout=subprocess.PIPE)]
    try:
        wait_stopped(both[0])
        both.append(subprocess.Popen(command, text=True, stdout=subprocess.PIPE))
        time.sleep(2)
        assert both[1].poll() is None, "the second did not wait for the first"
    finally:
        both[0].send_signal(signal.SIGCONT)
        shown = [json.loads(one.communicate(timeout=60)[0]) for one in both]
    assert shown[0]["line"] == shown[1]["line"]
    assert [one["made"] for one in shown] == [True, False]
    assert one_world.output("ssh-key", "destination.rs").rstrip("\n") == shown[0]["line"]


def test_steps_of_destination_test(one_world, sshd):
    fill(one_world, 1)
    one_world.through(sshd, "destination")
    report = json.loads(one_world.check("destination", "--json").stdout)
    assert report["ok"], report
    checks = {c["id"]: c for c in report["checks"]}
    way = [one for one in checks if one.split(".")[0] in ("ssh", "net")]
    assert way == ["ssh.connect", "ssh.host_key", "ssh.login", "ssh.forward", "net.tls"]
    assert list(checks)[3] == "ssh.connect"  # behind what this machine itself needs
    (key,) = checks["ssh.host_key"]["evidence"]
    assert key["name"] == "fingerprint" and key["value"].split() == [sshd.fingerprint,
                                                                     "(ssh-ed25519)"]
    assert checks["redshift.login"]["status"] == "passed"


def failing_test(world):
    done = world.check("destination", "--json")
    failed = [c for c in json.loads(done.stdout)["checks"] if c["status"] == "failed"]
    assert len(failed) == 1 and done.returncode != 0
    return failed[0]["error"], done


def run_code(world):
    code, finished, errors = world.run()
    assert code != 0, finished
    return finished["error"]["code"]


def test_a_key_that_is_not_authorized(one_world, sshd):
    fill(one_world, 1)
    one_world.through(sshd, "destination")
    line = one_world.output("ssh-key", "destination.rs")
    sshd.authorize("")
    error, _ = failing_test(one_world)
    assert error["code"] == "SSH-AUTH"
    assert line.split()[2] in error["hint"], "the hint shows the line to add"
    assert run_code(one_world) == "SSH-AUTH", "a run says the same as a check"


def test_a_host_key_that_changed_is_refused_before_anything_is_sent(one_world):
    with Sshd() as sshd:
        fill(one_world, 1)
        one_world.through(sshd, "destination")
        one_world.must_run()
        before = sshd.fingerprint
        sshd.stop()
        sshd.make_host_key()
        (sshd.folder / "log").write_text("")
        sshd.start()
        error, _ = failing_test(one_world)
        assert error["code"] == "SSH-HOSTKEY-CHANGED"
        assert sshd.fingerprint in error["message"] and before in error["message"]
        assert run_code(one_world) == "SSH-HOSTKEY-CHANGED"
        assert "Accepted" not in sshd.log() and "publickey" not in sshd.log()


@pytest.mark.parametrize("kind", ["destination", "source"])
def test_a_host_key_that_is_not_approved_yet(one_world, sshd, kind):
    fill(one_world, 1)
    one_world.through(sshd, kind)
    line = f'host_key = "{sshd.fingerprint}"'
    approved = one_world.ssh[kind]
    one_world.ssh[kind] = approved.replace(line + "\n", "")
    one_world.write_config()
    (check,) = [c for c in json.loads(one_world.check(kind, "--json").stdout)["checks"]
                if c["status"] == "failed"]
    assert (check["error"]["code"], check["error"]["blame"]) == ("SSH-HOSTKEY-NEW", "config")
    assert sshd.fingerprint in check["error"]["message"]
    assert check["fix"] == {"who": "you", "kind": "toml", "snippet": line}
    assert line not in one_world.ssh[kind] and line in approved


def test_forwarding_that_is_forbidden(one_world):
    with Sshd(AllowTcpForwarding="no") as sshd:
        fill(one_world, 1)
        one_world.through(sshd, "destination")
        assert failing_test(one_world)[0]["code"] == "SSH-FORWARD"
        assert run_code(one_world) == "SSH-FORWARD"


def test_a_line_for_another_port_is_no_way_through(one_world, sshd):
    fill(one_world, 1)
    one_world.through(sshd, "destination")
    line = one_world.output("ssh-key", "destination.rs")
    port = one_world.sandbox.endpoints["redshift"]["port"]
    sshd.authorize(line.replace(f":{port}\"", f":{port + 1}\""))
    assert failing_test(one_world)[0]["code"] == "SSH-FORWARD"


def test_an_ssh_server_that_is_not_there(one_world):
    with Sshd() as sshd:
        fill(one_world, 1)
        one_world.through(sshd, "destination")
        sshd.stop()
        assert failing_test(one_world)[0]["code"] == "SSH-CONNECT"
        assert run_code(one_world) == "SSH-CONNECT"


def test_the_certificate_is_verified_through_the_tunnel_too(one_world, sshd):
    """Another CA: the tunnel changes nothing about who the warehouse has to be."""
    fill(one_world, 1)
    one_world.through(sshd, "destination")
    config = (one_world.folder / "vesto.toml").read_text()
    ca = one_world.sandbox.endpoints["ca_file"]
    (one_world.folder / "vesto.toml").write_text(config.replace(
        f'tls_ca_file = "{ca}"\nschema', 'tls_ca_file = "/etc/ssl/certs/ca-certificates.crt"\nschema'))
    assert failing_test(one_world)[0]["code"] == "NET-TLS-CA"


def test_an_operators_own_encrypted_key(one_world, sshd):
    fill(one_world, 1)
    key = one_world.folder / "own_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "pass phrase", "-f", str(key)],
                   check=True, timeout=30)
    (one_world.folder / "own_pass").write_text("pass phrase")
    one_world.ssh["destination"] = (
        f'host = "127.0.0.1"\nport = {sshd.port}\nuser = "{sshd.user}"\n'
        f'host_key = "{sshd.fingerprint}"\nkey = {{ file = "own_key" }}\n'
        'passphrase = { file = "own_pass" }\n')
    one_world.write_config()
    sshd.authorize(one_world.output("ssh-key", "destination.rs"))
    one_world.must_run()
    one_world.assert_equal(TABLE, rows=1)
    (one_world.folder / "own_pass").write_text("wrong")
    done = one_world.check("destination")
    assert "SSH-KEY" in done.stderr + done.stdout


def test_delay_and_seeded_stalls_end_equal(one_world, sshd):
    fill(one_world, 3000)
    with TcpProxy(sshd.port, delay_s=0.01, stalls=(7, 0.02, 0.2)) as proxy:
        one_world.through(sshd, "source", "destination", port=proxy.port)
        one_world.must_run()
        one_world.assert_equal(TABLE, rows=3000)
        assert proxy.connections >= 2
    one_world.assert_nothing_left()


@pytest.mark.parametrize("seed", range(20))
def test_the_tunnel_cut_at_a_seeded_moment(postgres, one_sandbox, sshd, seed):
    """Whatever was under way: the run heals or fails loudly, and the next one ends equal."""
    world = World(postgres, one_sandbox)
    try:
        fill(world, 3000)
        with TcpProxy(sshd.port) as proxy:
            world.through(sshd, "source", "destination", port=proxy.port)
            assert world.check("destination").returncode == 0
            proxy.cut_at_bytes = proxy.carried_bytes + random.Random(seed).randrange(2000, CUT_BYTES)
            first = world.run()
            assert proxy.cut_at_bytes is None, "the run ended before the cut"
            if first[0] != 0:
                assert first[1]["error"]["code"].startswith("SSH-"), first
            world.must_run()
        world.assert_equal(TABLE, rows=3000)
        world.assert_nothing_left()
    finally:
        one_sandbox.clear_faults()
        world.close()


@pytest.mark.parametrize("kind, point, rows", [("source", "extract.after_chunk", 150_000),
                                               ("destination", "load.after_begin", 3000)])
@pytest.mark.parametrize("comes_back", [True, False])
def test_a_bastion_that_restarts_amid_a_statement_is_told(one_world, kind, point, rows, comes_back):
    """The run stops within the COPY of the source, or in the transaction at the warehouse, while
    the SSH server ends; it finds the connection gone when it goes on."""
    with Sshd() as sshd:
        fill(one_world, rows)
        one_world.limits = "[limits]\nreaders = 1"
        one_world.through(sshd, kind)
        run = one_world.popen(binary=DEV, environment={"VESTO_STOP_AT": point})
        try:
            wait_stopped(run)
            sshd.stop()
            if comes_back:
                sshd.start()
        finally:
            run.send_signal(signal.SIGCONT)
            out, errors = run.communicate(timeout=120)
        finished = json.loads(out.splitlines()[-1])
        if kind == "destination" and comes_back:
            assert run.returncode == 0, errors  # the transaction is sent again
        else:
            # The source's COPY is not begun again in one run; the warehouse's session is, in vain.
            error = finished["error"]
            assert run.returncode == 5
            assert error["code"] == ("SSH-LOST" if kind == "source" else "SSH-CONNECT"), error
            assert f"127.0.0.1:{sshd.port}" in error["message"]
            assert error["retry"] == "backoff" and error["blame"] == "network"
            assert error["upstream"]["system"] in ("ssh", "os") and error["upstream"]["text"]
        if not comes_back:
            sshd.start()
        if run.returncode != 0:
            one_world.must_run()
        one_world.assert_equal(TABLE, rows=rows)
        one_world.assert_nothing_left()


def test_status_says_that_a_lost_commit_is_looked_for(one_world):
    """The SSH server is gone at COMMIT and stays away: what the run does, and since when, is read
    from another terminal."""
    with Sshd() as sshd:
        fill(one_world, 3)
        one_world.through(sshd, "destination")
        run = one_world.popen(binary=DEV, environment={"VESTO_STOP_AT": "load.before_commit"})
        try:
            wait_stopped(run)
            sshd.stop()
            run.send_signal(signal.SIGCONT)
            deadline = time.monotonic() + 60
            text = ""
            while "COMMIT" not in text and run.poll() is None and time.monotonic() < deadline:
                text = one_world.vesto("status").stdout
            assert re.search(r"since \d\d:\d\d:\d\dZ: the answer to COMMIT was lost", text), text
            told = json.loads(one_world.vesto("status", "--json").stdout)["syncs"][0]["running"]
            assert told["step"] == "wait_for_warehouse", told
            assert "COMMIT" in told["waiting"]["reason"] and told["waiting"]["limit_ms"] > 0, told
            since = calendar.timegm(time.strptime(told["waiting"]["since"][:19], "%Y-%m-%dT%H:%M:%S"))
            assert 0 <= time.time() - since < 60, told
            history = one_world.vesto("history", "shop", "--json").stdout
            assert run.poll() is not None or '"state":"running"' in history.replace(" ", ""), history
        finally:
            run.send_signal(signal.SIGCONT)
            sshd.start()
            out, errors = run.communicate(timeout=120)
        assert run.returncode == 0, errors  # not done, so the transaction was sent again
        assert "COMMIT" not in one_world.vesto("status").stdout
        one_world.assert_equal(TABLE, rows=3)
        one_world.assert_nothing_left()


def test_no_secret_crosses_in_clear(one_world, sshd):
    """What a listener between us and the warehouse, and between us and the bastion, gets to see."""
    fill(one_world, 500)
    redshift = one_world.sandbox.endpoints["redshift"]
    aws = one_world.sandbox.endpoints["aws"]
    secrets = [redshift["password"], aws["secret_access_key"], one_world.postgres.password]
    with TcpProxy(redshift["port"], capture=True) as direct:
        one_world.write_config(redshift_port=direct.port)
        one_world.must_run()
        assert len(direct.seen) > 10_000
        for secret in secrets:
            assert secret.encode() not in bytes(direct.seen)
        assert b"COPY" not in bytes(direct.seen)
    with TcpProxy(sshd.port, capture=True) as bastion:
        one_world.through(sshd, "source", "destination", port=bastion.port)
        one_world.must_run()
        assert len(bastion.seen) > 10_000
        for secret in [*secrets, "orders", "COPY", redshift["user"]]:
            assert secret.encode() not in bytes(bastion.seen)
