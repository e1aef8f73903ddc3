"""Every check has its time, whatever the other side does: a server that answers a byte at a time is
not waited for longer than one that is silent."""
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import time

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from kit_world import KitWorld, by_id  # noqa: E402
from network_faults import Server  # noqa: E402

LIMIT_S, GRACE_S = 10, 6  # grace: two programs that start on a busy machine


def drips(one, ending):
    """An answer that never ends: each byte is new, so no link looks dead."""
    one.recv(65536)
    one.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: 60000\r\n\r\n")
    while not ending.wait(0.2):
        one.sendall(b"<")


@pytest.fixture
def world():
    with KitWorld() as made:
        yield made


def test_an_sts_that_drips_is_cut_off(world):
    with Server(drips) as sts:
        own = world.auth()
        assert f'sts_endpoint = "{world.endpoints["aws"]["url"]}"' in own
        world.write_config(auth=own.replace(
            f'sts_endpoint = "{world.endpoints["aws"]["url"]}"',
            f'sts_endpoint = "http://127.0.0.1:{sts.port}"'))
        began_s = time.monotonic()
        report = world.report("--only", "aws.*")
        took_s = time.monotonic() - began_s
    checks = by_id(report)
    role = checks["aws.assume_role"]
    assert role["error"]["code"] == "NET-TIMEOUT", role
    assert "no answer within 10 s" in role["error"]["message"], role
    assert LIMIT_S * 1000 <= role["duration_ms"] < (LIMIT_S + 2) * 1000, role
    assert took_s < LIMIT_S + GRACE_S
    assert {name for name, one in checks.items() if one.get("masked_by") == "aws.assume_role"} == \
        {"aws.trust_bound", "aws.trust_sub"}


@pytest.fixture
def by_password():
    with KitWorld(identity="key") as made:
        for name in ("redshift.pw", "aws.id", "aws.key"):
            (made.folder / name).write_text("x")
        yield made


def timed(world, *arguments):
    began_s = time.monotonic()
    done = world.vesto(*arguments, "--json")
    return json.loads(done.stdout), time.monotonic() - began_s


def of_target(whole, name):
    (report,) = (one for one in whole["reports"] if one["target"]["name"] == name)
    return by_id(report)


def test_a_pipe_in_the_place_of_a_secret_is_refused(by_password):
    """Nobody writes into it: whoever opens it to read waits for ever. And nothing of it is read."""
    world = by_password
    secret = world.folder / "redshift.pw"
    secret.unlink()
    os.mkfifo(secret)
    for arguments in (("destination", "test", "acme", "--wait", "0s"), ("doctor", )):
        whole, took_s = timed(world, *arguments, "--only", "secret.readable")
        one = (of_target(whole, "acme") if "reports" in whole else by_id(whole))["secret.readable"]
        assert one["status"] == "failed" and one["error"]["code"] == "CFG-SECRET-MISSING", one
        assert "is no ordinary file" in one["error"]["message"], one
        assert took_s < GRACE_S


def slow_to_look_through(path):
    """A store whose rows take some 20 s to be looked at, as one of some GB does."""
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("CREATE TABLE slow (n INT CHECK (length(randomblob(30000000 * (n > 0))) > 0))")
        db.executemany("INSERT INTO slow VALUES (?)", [(1,)] * 200)
    db.close()


def test_a_store_that_is_slow_to_look_through_is_cut_off_and_looked_at_once(by_password):
    world = by_password
    assert world.vesto("destination", "test", "acme", "--only", "host.store").returncode == 0
    slow_to_look_through(world.folder / "data" / "vesto.db")
    text = world.config_text()
    second = text[text.index("[destination.acme]"):].replace("destination.acme", "destination.two") \
        .replace('schema = "', 'schema = "two_')
    (world.folder / "vesto.toml").write_text(text + second)
    whole, took_s = timed(world, "doctor", "host.store")
    assert took_s < LIMIT_S + GRACE_S
    for name in ("host", "acme", "two"):
        one = of_target(whole, name)["host.store"]
        assert one["status"] == "skipped" and "within 10 s" in one["reason"], one
    assert whole["ok"]  # that it is large is no fault
