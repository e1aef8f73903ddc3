"""Login: TLS and md5 are a must, start-up parameters, what the server says about itself."""

import socket
import ssl
import struct

import psycopg2
import pytest

from wire_client import ServerError, WireClient, error_fields


def refused(running_sandbox, **changes):
    with pytest.raises(psycopg2.OperationalError) as caught:
        running_sandbox.connect(**changes)
    return str(caught.value)


def test_tls_is_required(running_sandbox):
    assert "no pg_hba.conf entry" in refused(running_sandbox, sslmode="disable")


def test_the_certificate_is_checked_against_the_ca(running_sandbox, tmp_path):
    running_sandbox.connect(sslmode="verify-full").close()
    with pytest.raises(ssl.SSLCertVerificationError):
        redshift = running_sandbox.endpoints["redshift"]
        plain = socket.create_connection(("localhost", redshift["port"]), 10)
        plain.sendall(struct.pack("!ii", 8, 80877103))
        assert plain.recv(1) == b"S"
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_bytes_before_the_handshake_are_refused(running_sandbox):
    with WireClient(running_sandbox, tls=False) as client:
        client.socket.sendall(struct.pack("!ii", 8, 80877103) + b"Q\0\0\0\x0eselect 1\0")
        assert client.socket.recv(1) == b"S"
        # The session is ended: what came in the clear is never read as if it were protected.
        assert client.socket.recv(1) == b""


@pytest.mark.parametrize("user", ["vesto_load", "nobody_of_that_name", "rdsdb", "pg_monitor"])
def test_wrong_password(running_sandbox, user):
    text = refused(running_sandbox, user=user, password="wrong")
    assert f'password authentication failed for user "{user}"' in text


def test_wrong_password_has_its_sqlstate(running_sandbox):
    with WireClient(running_sandbox) as client:
        with pytest.raises(ServerError) as caught:
            client.login(password="wrong")
    assert caught.value.fields["C"] == "28000"
    assert caught.value.fields["S"] == "FATAL"
    assert "V" not in caught.value.fields


def test_missing_database(running_sandbox):
    with WireClient(running_sandbox) as client:
        with pytest.raises(ServerError) as caught:
            client.login(database="nix")
    assert caught.value.fields["C"] == "3D000"


def test_what_the_server_reports(running_sandbox):
    with WireClient(running_sandbox) as client:
        client.login(application_name="probe")
        told = client.parameters
    assert told["server_version"] == "8.0.2"
    assert told["server_protocol_version"] == "0"
    assert told["datestyle"] == "ISO, MDY"
    assert told["client_encoding"] == "UTF8"
    assert told["server_encoding"] == "UNICODE"
    assert told["application_name"] == "probe"
    assert told["is_superuser"] == "off"
    assert told["session_id"] == str(client.pid)
    for absent in ("standard_conforming_strings", "show_discovery", "IntervalStyle", "DateStyle"):
        assert absent not in told
    connection = running_sandbox.connect()
    assert connection.server_version == 80002
    connection.close()


def test_start_up_parameters_of_drivers_are_swallowed(running_sandbox):
    with WireClient(running_sandbox) as client:
        client.login(client_protocol_version="2", driver_version="Redshift Python Driver 2.2.0",
                     os_version="Linux", driver_discovery_version="1", plugin_name="x",
                     client_encoding="'utf-8'")


@pytest.mark.parametrize("name", ["standard_conforming_strings", "IntervalStyle", "session_replication_role",
                                  "ssl_renegotiation_limit", "vesto.last_copy_count"])
@pytest.mark.parametrize("inside_options", [False, True])
def test_unknown_start_up_parameters_are_refused(running_sandbox, name, inside_options):
    words = {"options": f"-c {name}=on"} if inside_options else {name: "on"}
    with WireClient(running_sandbox) as client:
        with pytest.raises(ServerError) as caught:
            client.login(**words)
    assert caught.value.fields["C"] == "42704"
    assert caught.value.fields["M"] == f'unrecognized configuration parameter "{name}"'


def test_options_set_the_session(running_sandbox):
    with running_sandbox.connect(options="-csearch_path=Abc,public -c statement_timeout=1234") as c:
        cursor = c.cursor()
        cursor.execute("show search_path")
        assert cursor.fetchone()[0].replace(" ", "") == "abc,public"
        cursor.execute("show statement_timeout")
        assert cursor.fetchone() == ("1234ms",)
        cursor.execute("reset all")
        cursor.execute("show search_path")
        assert cursor.fetchone()[0].replace(" ", "") == "abc,public"


def test_gss_is_declined_and_tls_then_works(running_sandbox):
    with WireClient(running_sandbox, tls=False) as client:
        client.socket.sendall(struct.pack("!ii", 8, 80877104))
        assert client.socket.recv(1) == b"N"
        client.socket.sendall(struct.pack("!ii", 8, 80877103))
        assert client.socket.recv(1) == b"S"


@pytest.mark.parametrize("packet", [
    struct.pack("!i", 3), struct.pack("!i", -1), struct.pack("!i", 2**31 - 1),
    struct.pack("!ii", 8, 196608), struct.pack("!ii", 9, 196608) + b"x",
    struct.pack("!ii", 8, 131072), struct.pack("!iii", 12, 80877102, 1), b"GET / HTTP/1.1\r\n\r\n",
])
def test_malformed_start_up_packets_end_the_connection(running_sandbox, packet):
    with WireClient(running_sandbox, tls=False) as client:
        client.socket.sendall(packet)
        client.socket.shutdown(socket.SHUT_WR)
        answer = b""
        while part := client.socket.recv(65536):
            answer += part
        if answer:
            assert answer[:1] == b"E"
            assert error_fields(answer[5:])["S"] == "FATAL"
    running_sandbox.connect().close()


def test_two_start_up_packets_of_garbage_after_login_do_no_harm(running_sandbox):
    with WireClient(running_sandbox) as client:
        client.login()
        client.socket.sendall(b"\x00\xff\xff\xff\xff garbage")
        with pytest.raises((ConnectionError, ServerError)):
            while True:
                kind, body = client.read()
                if kind == "E":
                    raise ServerError(body)
    running_sandbox.connect().close()
