"""Every check has its time, whatever the other side does: a server that answers a byte at a time is
not waited for longer than one that is silent."""
import pathlib
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
