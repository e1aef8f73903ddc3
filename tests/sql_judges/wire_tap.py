"""A listener between Vesto and the sandbox that reads along: every statement as it was sent, also
those that Vesto does not keep in its store. It speaks TLS with the sandbox's own certificate."""
import pathlib
import select
import socket
import ssl
import struct
import threading

SSL_REQUEST = 80877103
LONGEST_MESSAGE = 64 << 20


class Statements:
    """Takes a client's bytes and finds the texts of its Query and Parse messages."""

    def __init__(self, found):
        self.found, self.buffer, self.started = found, b"", False

    def feed(self, data):
        self.buffer += data
        while True:
            head = 5 if self.started else 4
            if len(self.buffer) < head:
                return
            size = struct.unpack("!i", self.buffer[head - 4:head])[0] + head - 4
            assert head <= size < LONGEST_MESSAGE
            if len(self.buffer) < size:
                return
            message, self.buffer = self.buffer[:size], self.buffer[size:]
            if not self.started:
                self.started = True
            elif message[:1] == b"Q":
                self.found.append(message[5:-1].decode())
            elif message[:1] == b"P":
                self.found.append(message[5:].split(b"\0")[1].decode())


def exactly(connection, size):
    data = b""
    while len(data) < size:
        more = connection.recv(size - len(data))
        if not more:
            raise ConnectionError("closed in the greeting")
        data += more
    return data


def send_all(connection, data):
    """sendall() for a socket that does not block; 30 s without progress end it."""
    while data:
        try:
            data = data[connection.send(data):]
        except (ssl.SSLWantWriteError, ssl.SSLWantReadError, BlockingIOError):
            if not select.select([], [connection], [], 30)[1]:
                raise ConnectionError("the other side reads nothing") from None


def pump(client, server, statements):
    """One thread for both ways: an SSL object must not be used by two at once."""
    for connection in (client, server):
        connection.setblocking(False)
    while True:
        select.select([client, server], [], [], 1)
        for source, target in ((client, server), (server, client)):
            try:
                while data := source.recv(65536):
                    if source is client:
                        statements.feed(data)
                    send_all(target, data)
                return  # a clean end
            except (ssl.SSLWantReadError, BlockingIOError):
                continue


class WireTap:
    """with WireTap(sandbox) as tap: ... tap.port ... tap.statements"""

    def __init__(self, sandbox):
        self.redshift = sandbox.endpoints["redshift"]
        folder = pathlib.Path(sandbox.endpoints["ca_file"]).parent
        self.as_server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.as_server.load_cert_chain(folder / "server.pem", folder / "server.key")
        self.as_client = ssl.create_default_context(cafile=sandbox.endpoints["ca_file"])
        self.statements = []
        self.open = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]

    def __enter__(self):
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()
        for connection in self.open:
            connection.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return  # closed
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        server = None
        try:
            server = socket.create_connection(("127.0.0.1", self.redshift["port"]), 30)
            client.settimeout(30)
            request = exactly(client, 8)
            assert struct.unpack("!ii", request)[1] == SSL_REQUEST, "Vesto speaks TLS or not at all"
            server.sendall(request)
            assert exactly(server, 1) == b"S"
            client.sendall(b"S")
            client = self.as_server.wrap_socket(client, server_side=True)
            server = self.as_client.wrap_socket(server, server_hostname="localhost")
            self.open += [client, server]
            pump(client, server, Statements(self.statements))
        except OSError:
            pass  # one side has gone: so does the other
        finally:
            client.close()
            if server is not None:
                server.close()
