"""Whom the warehouse answers: an allow-list of source addresses, as a security group has it."""
import contextlib
import json
import os
import socket
import struct
import time
import urllib.error

import psycopg2
import pytest

from conftest import WORLD, Cloud

SHORT_S = 1.5


def knock(cloud, source, timeout_s=SHORT_S):
    """Asks for TLS from that address: "answers", "times out" (no connection) or "hangs"."""
    with contextlib.closing(socket.socket()) as client:
        client.settimeout(timeout_s)
        client.bind((source, 0))
        try:
            client.connect(("127.0.0.1", cloud.endpoints["redshift"]["port"]))
        except TimeoutError:
            return "times out"
        client.sendall(struct.pack("!II", 8, 80877103))
        try:
            return "answers" if client.recv(1) == b"S" else "strange"
        except TimeoutError:
            return "hangs"


def with_allowed(tmp_path, line):
    world = tmp_path / "world.toml"
    world.write_text(WORLD.read_text().replace('id = "examplecluster"',
                                               'id = "examplecluster"\n' + line))
    return world


@pytest.fixture(scope="module")
def fenced(start_sandbox, tmp_path_factory):
    world = with_allowed(tmp_path_factory.mktemp("fenced"),
                         'allow_from = ["127.0.0.1/32", "127.0.1.0/24"]')
    return Cloud(start_sandbox("fenced", "--world", world))


@pytest.fixture(scope="module")
def unfiltered(start_sandbox, tmp_path_factory):
    world = with_allowed(tmp_path_factory.mktemp("unfiltered"), 'allow_from = ["127.0.0.1"]')
    return Cloud(start_sandbox("unfiltered", "--world", world, "--no-socket-filter"))


def filter_is_there():
    """Whether this system lets us put a filter on a socket: root may."""
    return os.geteuid() == 0


def test_addresses_that_are_not_allowed_time_out(fenced):
    refused = "times out" if filter_is_there() else "hangs"
    assert [knock(fenced, source) for source in ("127.0.0.1", "127.0.0.2", "127.0.1.77",
                                                 "127.0.2.1")] == \
        ["answers", refused, "answers", refused]


def test_a_whole_session_passes_the_filter(fenced):
    """Large packets too: the filter lets them through whole."""
    connection = fenced.sandbox.connect()
    try:
        cursor = connection.cursor()
        text = "x" * 60_000
        for _ in range(20):
            cursor.execute("select %s::varchar(65535), 1", (text,))
            assert cursor.fetchone() == (text, 1)
    finally:
        connection.close()


def test_the_list_changes_while_it_runs(fenced):
    """An open connection lives on, as AWS's tracked connections do."""
    connection = fenced.sandbox.connect()
    try:
        fenced.control("/v1/security-group", {"allow_from": []})
        assert knock(fenced, "127.0.0.1") != "answers"
        cursor = connection.cursor()
        cursor.execute("select 1")
        assert cursor.fetchone() == (1,)
        begin = time.monotonic()
        with pytest.raises(psycopg2.OperationalError, match="timeout expired"):
            fenced.sandbox.connect(connect_timeout=2)
        assert 1.5 < time.monotonic() - begin < 10
        fenced.control("/v1/security-group", {"allow_from": ["127.0.0.2"]})
        assert knock(fenced, "127.0.0.2") == "answers"
        assert knock(fenced, "127.0.0.1") != "answers"
        fenced.control("/v1/security-group", {"allow_from": None})
        assert {knock(fenced, f"127.0.0.{i}") for i in (1, 2, 3)} == {"answers"}
    finally:
        connection.close()
        fenced.control("/v1/security-group", {"allow_from": ["127.0.0.1/32", "127.0.1.0/24"]})


@pytest.mark.parametrize("body,said", [
    ({"allow_from": ["127.0.0.1/33"]}, "no IPv4 address or CIDR block"),
    ({"allow_from": ["::1"]}, "no IPv4 address or CIDR block"),
    ({"allow_from": ["127.0.0.1"] * 61}, "more than 60 blocks"),
    ({"allow_from": "127.0.0.1"}, "is expected"),
    ({"allow_from": [1]}, "is expected"),
    ({}, "is expected"),
    ([], "is expected"),
])
def test_lists_that_are_none(fenced, body, said):
    with pytest.raises(urllib.error.HTTPError) as error:
        fenced.control("/v1/security-group", body)
    assert error.value.code == 400
    assert said in json.loads(error.value.read())["error"]
    assert knock(fenced, "127.0.0.1") == "answers"


def test_without_a_filter_they_hang(unfiltered):
    assert knock(unfiltered, "127.0.0.1") == "answers"
    assert knock(unfiltered, "127.0.0.2") == "hangs"


def test_those_that_hang_are_bounded(unfiltered):
    """The sandbox keeps 64 of them: the oldest are closed. The others are still served."""
    waiting = []
    try:
        for _ in range(66):
            client = socket.socket()
            waiting.append(client)
            client.bind(("127.0.0.3", 0))
            client.settimeout(5)
            client.connect(("127.0.0.1", unfiltered.endpoints["redshift"]["port"]))
        for client in waiting[:2]:
            assert client.recv(1) == b""
        waiting[-1].settimeout(0.5)
        with pytest.raises(TimeoutError):
            waiting[-1].recv(1)
        assert knock(unfiltered, "127.0.0.1") == "answers"
    finally:
        for client in waiting:
            client.close()
