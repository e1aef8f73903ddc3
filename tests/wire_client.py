"""A PostgreSQL wire client that sends exactly what a test says: no driver between."""

import hashlib
import socket
import ssl
import struct


class WireClient:
    def __init__(self, sandbox, tls=True, timeout_s=15):
        redshift = sandbox.endpoints["redshift"]
        self.user, self.password = redshift["user"], redshift["password"]
        self.database = redshift["database"]
        self.socket = socket.create_connection(("localhost", redshift["port"]), timeout_s)
        self.buffer = b""
        self.parameters = {}
        self.pid = self.key = None
        if tls:
            self.socket.sendall(struct.pack("!ii", 8, 80877103))
            assert self.socket.recv(1) == b"S"
            context = ssl.create_default_context(cafile=sandbox.endpoints["ca_file"])
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # Sending.

    def send(self, kind, body=b""):
        self.socket.sendall(kind.encode() + struct.pack("!i", len(body) + 4) + body)

    def startup(self, **parameters):
        words = {"user": self.user, "database": self.database, **parameters}
        body = struct.pack("!i", 196608)
        for name, value in words.items():
            body += name.encode() + b"\0" + value.encode() + b"\0"
        body += b"\0"
        self.socket.sendall(struct.pack("!i", len(body) + 4) + body)

    def login(self, password=None, **parameters):
        """Returns self, or raises ServerError."""
        self.startup(**parameters)
        user = parameters.get("user", self.user)
        while True:
            kind, body = self.read()
            if kind == "E":
                raise ServerError(body)
            if kind == "R":
                code = struct.unpack("!i", body[:4])[0]
                if code == 5:
                    inner = hashlib.md5((password or self.password).encode() + user.encode())
                    outer = hashlib.md5(inner.hexdigest().encode() + body[4:8]).hexdigest()
                    self.send("p", b"md5" + outer.encode() + b"\0")
                else:
                    assert code == 0, f"authentication code {code}"
            elif kind == "S":
                name, value = body.split(b"\0")[:2]
                self.parameters[name.decode()] = value.decode()
            elif kind == "K":
                self.pid, self.key = struct.unpack("!ii", body)
            elif kind == "Z":
                return self

    def query(self, sql):
        self.send("Q", sql.encode() + b"\0")

    def parse(self, sql, name="", oids=()):
        self.send("P", name.encode() + b"\0" + sql.encode() + b"\0" + struct.pack("!h", len(oids))
                  + b"".join(struct.pack("!i", oid) for oid in oids))

    def bind(self, values=(), portal="", name="", formats=(), result_formats=()):
        body = portal.encode() + b"\0" + name.encode() + b"\0"
        body += struct.pack("!h", len(formats)) + b"".join(struct.pack("!h", f) for f in formats)
        body += struct.pack("!h", len(values))
        for value in values:
            if value is None:
                body += struct.pack("!i", -1)
            else:
                raw = value if isinstance(value, bytes) else str(value).encode()
                body += struct.pack("!i", len(raw)) + raw
        body += struct.pack("!h", len(result_formats))
        body += b"".join(struct.pack("!h", f) for f in result_formats)
        self.send("B", body)

    def describe(self, kind="P", name=""):
        self.send("D", kind.encode() + name.encode() + b"\0")

    def execute(self, portal="", max_rows=0):
        self.send("E", portal.encode() + b"\0" + struct.pack("!i", max_rows))

    def close_target(self, kind, name=""):
        self.send("C", kind.encode() + name.encode() + b"\0")

    def sync(self):
        self.send("S")

    def flush(self):
        self.send("H")

    # Receiving.

    def _take(self, size):
        while len(self.buffer) < size:
            part = self.socket.recv(65536)
            if not part:
                raise ConnectionError("the server closed the connection")
            self.buffer += part
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def read(self):
        kind = self._take(1).decode()
        size = struct.unpack("!i", self._take(4))[0]
        return kind, self._take(size - 4)

    def read_until_ready(self):
        """All messages to ReadyForQuery (included); ParameterStatus left out."""
        messages = []
        while True:
            kind, body = self.read()
            if kind == "S":
                continue
            messages.append((kind, body))
            if kind == "Z":
                return messages

    def run(self, sql):
        self.query(sql)
        return self.read_until_ready()


class ServerError(Exception):
    def __init__(self, body):
        self.fields = error_fields(body)
        super().__init__(self.fields.get("M"))


def error_fields(body):
    return {part[:1].decode(): part[1:].decode() for part in body.split(b"\0") if part}


def kinds(messages):
    return "".join(kind for kind, _ in messages)


def tags(messages):
    return [body[:-1].decode() for kind, body in messages if kind == "C"]


def rows(messages):
    """The values of all DataRows, as bytes or None."""
    out = []
    for kind, body in messages:
        if kind != "D":
            continue
        count, at, row = struct.unpack("!h", body[:2])[0], 2, []
        for _ in range(count):
            size = struct.unpack("!i", body[at:at + 4])[0]
            at += 4
            row.append(None if size < 0 else body[at:at + size])
            at += max(size, 0)
        out.append(row)
    return out


def columns(messages):
    """(name, type OID, format) of the first RowDescription."""
    for kind, body in messages:
        if kind != "T":
            continue
        out, at = [], 2
        for _ in range(struct.unpack("!h", body[:2])[0]):
            end = body.index(b"\0", at)
            name = body[at:end].decode()
            _, _, oid, _, _, form = struct.unpack("!ihihih", body[end + 1:end + 19])
            out.append((name, oid, form))
            at = end + 19
        return out
    return None


def state(messages):
    """I, T or E of the last ReadyForQuery; SQLSTATE of the first error beside it."""
    errors = [error_fields(body)["C"] for kind, body in messages if kind == "E"]
    return messages[-1][1].decode(), errors[0] if errors else None
