"""A run that is stopped leaves no statement running: at the warehouse and at the source, directly
and through a tunnel. PostgreSQL does not look at its client while it waits for a lock or sleeps, so
what ends there was cancelled."""
import contextlib
import json
import os
import signal
import subprocess
import time
import urllib.parse

import pytest
from network import Sshd, TcpProxy
from network_faults import CANCEL_HEAD, SSL_REQUEST
from world import DEV

ENDS_WITHIN_S = 15
EXIT_CODES = {signal.SIGINT: 130, signal.SIGTERM: 143}
WAYS = ["direct", "tunnel"]


@pytest.fixture(scope="module")
def sshd():
    with Sshd() as one:
        yield one


def fill(world, rows=500):
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text, n bigint NOT NULL);"
                 f"INSERT INTO a SELECT i, 'x', i FROM generate_series(1, {rows}) i")
    return world.table("public.a", cursor="n", lookback=0)


def use_way(world, way, sshd, kind):
    if way == "tunnel":
        world.through(sshd, kind)


def through_proxy(world, way, sshd, proxy):
    """The warehouse by this proxy, which an SSH server may stand before."""
    if way == "tunnel":
        world.ssh["destination"] = (
            f'host = "127.0.0.1"\nport = {sshd.port}\nuser = "{sshd.user}"\n'
            f'host_key = "{sshd.fingerprint}"\n')
    world.write_config(redshift_port=proxy.port)
    if way == "tunnel":
        sshd.authorize(world.output("ssh-key", "destination.rs"))


def assert_cancelled(proxy):
    """One request to cancel went to the warehouse; in clear went its 16 bytes alone."""
    cancels = [bytes(c) for c in proxy.sent if bytes(c[:8]) == CANCEL_HEAD]
    assert [len(c) for c in cancels] == [16], cancels
    for sent in proxy.sent:
        if bytes(sent[:8]) != CANCEL_HEAD:
            assert bytes(sent[:8]) == SSL_REQUEST and sent[8] == 0x16, bytes(sent[:20])


def wait_for(holds, process, what):
    end = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < end, what
        time.sleep(0.02)


def stop(process, number):
    began = time.monotonic()
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == EXIT_CODES[number], (out, errors)
    assert time.monotonic() - began < ENDS_WITHIN_S
    return out


def eventually(holds, what, limit_s=5):
    end = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@contextlib.contextmanager
def locked(world, table):
    """Somebody else holds the table; its readers and writers wait."""
    with contextlib.closing(world.sandbox.connect()) as holder:
        cursor = holder.cursor()
        cursor.execute("BEGIN")
        cursor.execute(f'LOCK TABLE {world.schema}."{table}"')
        yield
        cursor.execute("ROLLBACK")


def lock_is_waited_for(world):
    return world.sandbox.query("SELECT count(*) FROM pg_locks WHERE NOT granted") != [(0,)]


@pytest.mark.parametrize("moment", ["first", "s3.put", "copy.object"])
def test_while_s3_takes_requests_and_never_answers(one_world, moment):
    """What the run cannot remove within its few seconds is the next run's."""
    world = one_world
    fill(world)
    url = urllib.parse.urlsplit(world.sandbox.endpoints["aws"]["url"])
    with TcpProxy(url.port) as proxy:
        world.write_config(endpoint=f"{url.scheme}://{url.hostname}:{proxy.port}")
        if moment == "first":
            proxy.freeze()
            process = world.popen()
            wait_for(lambda: proxy.connections > 0, process, "no request")
        else:
            world.sandbox.fault(moment, {"delay_ms": 5000}, nth=1, count=1)
            before = world.sandbox.calls().get(moment, 0)
            process = world.popen()
            wait_for(lambda: world.sandbox.calls().get(moment, 0) > before, process, moment)
            proxy.freeze()
        out = stop(process, signal.SIGINT)
        assert json.loads(out.splitlines()[-1])["state"] != "succeeded"
    world.sandbox.clear_faults()
    world.write_config()
    world.must_run()
    world.assert_equal(("public.a", ["id"]), rows=500)
    world.assert_nothing_left()


@pytest.mark.parametrize("number", EXIT_CODES, ids=lambda n: n.name)
@pytest.mark.parametrize("way", WAYS)
def test_in_the_merge(one_world, sshd, way, number):
    world = one_world
    fill(world).write_config()
    world.must_run()
    with TcpProxy(world.sandbox.endpoints["redshift"]["port"], capture=True) as proxy:
        world.source("UPDATE a SET v = 'y', n = n + 1000 WHERE id < 100")
        through_proxy(world, way, sshd, proxy)
        with locked(world, "a"):
            process = world.popen()
            wait_for(lambda: lock_is_waited_for(world), process, "no statement waits for the lock")
            stop(process, number)
            # The lock is still held: what waited for it is gone because it was told.
            eventually(lambda: not lock_is_waited_for(world), "the statement still waits")
        assert_cancelled(proxy)
    world.ssh.clear()
    world.write_config()
    world.must_run()
    world.assert_equal(("public.a", ["id"]), rows=500)
    world.assert_nothing_left()


@pytest.mark.parametrize("way", WAYS)
def test_in_copy(one_world, sshd, way):
    world = one_world
    with TcpProxy(world.sandbox.endpoints["redshift"]["port"], capture=True) as proxy:
        through_proxy(fill(world), way, sshd, proxy)
        world.sandbox.fault("copy.object", {"delay_ms": 3000}, nth=1, count=1)
        before = world.sandbox.calls().get("copy.object", 0)
        process = world.popen()
        wait_for(lambda: world.sandbox.calls().get("copy.object", 0) > before, process, "no COPY")
        out = stop(process, signal.SIGINT)
        assert json.loads(out.splitlines()[-1])["state"] != "succeeded"
        assert_cancelled(proxy)
        assert world.sandbox.left(deadline_s=10)["sessions"] == 0
        world.must_run()
    world.assert_equal(("public.a", ["id"]), rows=500)
    world.assert_nothing_left()


@pytest.mark.parametrize("number", EXIT_CODES, ids=lambda n: n.name)
def test_in_the_copy_of_a_destination_test(one_world, number):
    """That the connection was cut for it is no fault of the warehouse."""
    world = one_world
    fill(world).write_config()
    world.sandbox.fault("copy.object", {"delay_ms": 3000}, nth=1, count=1)
    before = world.sandbox.calls().get("copy.object", 0)
    sts = {**os.environ, "AWS_ENDPOINT_URL_STS": world.sandbox.endpoints["aws"]["url"]}
    process = subprocess.Popen(world.command("destination", "test", "rs", "--wait", "0s", "--json"),
                               text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=sts)
    wait_for(lambda: world.sandbox.calls().get("copy.object", 0) > before, process, "no COPY")
    report = json.loads(stop(process, number))
    assert report["interrupted"] and not report["ok"], report
    codes = {one["error"]["code"] for one in report["checks"] if one["status"] == "failed"}
    assert codes == {"RUN-INTERRUPTED"}, report
    world.assert_nothing_left()


def sleeping_at_source(world):
    return world.source("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' "
                        "AND datname = current_database()")[0][0]


@pytest.mark.parametrize("number", EXIT_CODES, ids=lambda n: n.name)
@pytest.mark.parametrize("way", WAYS)
def test_in_a_read_of_the_source(one_world, sshd, way, number):
    world = one_world
    world.source("CREATE TABLE a (id bigint PRIMARY KEY); INSERT INTO a VALUES (1);"
                 "CREATE VIEW slow AS SELECT id FROM a, pg_sleep(600)")
    world.table("public.slow", mode="replace", key=["id"]).write_config()
    use_way(world, way, sshd, "source")
    process = world.popen()
    wait_for(lambda: sleeping_at_source(world), process, "nobody sleeps")
    stop(process, number)
    eventually(lambda: sleeping_at_source(world) == 0, "the statement goes on at the source")
    world.assert_nothing_left()


@pytest.mark.parametrize("way", WAYS)
def test_in_parity_at_the_source(one_world, sshd, way):
    """Parity reads the source twice: the second time it is slow."""
    world = one_world
    world.source("CREATE TABLE a (id bigint PRIMARY KEY, v text); INSERT INTO a VALUES (1, 'x');"
                 "CREATE TABLE pace (s float8); INSERT INTO pace VALUES (0);"
                 "CREATE VIEW slow AS SELECT id, v FROM a, (SELECT pg_sleep(s) FROM pace) p")
    world.table("public.slow", key=["id"]).write_config()
    use_way(world, way, sshd, "source")
    world.must_run()
    world.source("UPDATE pace SET s = 600")
    process = subprocess.Popen(world.command("sync", "parity", "shop", "--json"), text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    wait_for(lambda: sleeping_at_source(world), process, "nobody sleeps")
    stop(process, signal.SIGINT)
    eventually(lambda: sleeping_at_source(world) == 0, "the statement goes on at the source")
    world.assert_nothing_left()


@pytest.mark.parametrize("way", WAYS)
def test_in_parity_at_the_warehouse(one_world, sshd, way):
    world = one_world
    fill(world).write_config()
    use_way(world, way, sshd, "destination")
    world.must_run()
    with locked(world, "a"):
        process = subprocess.Popen(world.command("sync", "parity", "shop", "--json"), text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        wait_for(lambda: lock_is_waited_for(world), process, "nobody waits for the lock")
        stop(process, signal.SIGINT)
        eventually(lambda: not lock_is_waited_for(world), "the statement still waits")
    world.assert_nothing_left()


def test_a_cancel_that_does_not_get_through_is_made_good_by_the_next_run(one_world):
    """The link dies, then the run is stopped: it ends in time, but its session lives on with its
    locks. The next run ends that session and goes on."""
    world = one_world
    with TcpProxy(world.sandbox.endpoints["redshift"]["port"]) as proxy:
        fill(world).write_config(redshift_port=proxy.port)
        world.must_run()
        world.source("UPDATE a SET v = 'y', n = n + 1000 WHERE id < 100")
        with locked(world, "a"):
            process = world.popen()
            wait_for(lambda: lock_is_waited_for(world), process, "no statement waits")
            proxy.freeze()
            stop(process, signal.SIGINT)
            assert lock_is_waited_for(world), "something got through a dead link"
        # It got its lock, and nobody is there to tell it what to do next.
        time.sleep(1)
        assert world.sandbox.control("GET", "/v1/left")["sessions"] == 1
        proxy.move_on()
        # Sixty seconds for the lock, before a session is ended, are shortened; both are the run's.
        world.must_run(binary=DEV, environment={"VESTO_TEST_LOCK_WAIT_MS": "2000"})
        world.assert_equal(("public.a", ["id"]), rows=500)
        world.assert_nothing_left()
