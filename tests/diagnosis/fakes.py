"""AWS and Redshift as they answer when something is wrong, on the wire: an HTTP proxy before the
sandbox that answers single operations by itself, and a server that speaks Redshift's protocol.
Loopback only; all ends with its `with`."""
import contextlib
import http.client
import http.server
import re
import socket
import ssl
import struct
import threading
import urllib.parse

from network_faults import SSL_REQUEST, Server, error_message


class AwsProxy:
    """Answers what `rules` names and hands all else to the sandbox as it came, Host included, so
    that signatures stay good. rules: operation -> (status, body), (status, body, headers), or a
    function of the sandbox's own (status, body, headers). Operations: an API's action, or
    s3.put s3.get s3.list s3.head s3.delete."""

    def __init__(self, url, ca_file, rules):
        self.target, self.rules = urllib.parse.urlsplit(url), rules
        self.context = ssl.create_default_context(cafile=ca_file)
        self.asked = []

    def __enter__(self):
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                operation = operation_of(self.command, self.path, self.headers, body)
                proxy.asked.append(operation)
                status, text, headers = proxy.reply(operation, self, body)
                self.send_response(status)
                for name, value in headers.items():
                    if name.lower() not in ("date", "server", "transfer-encoding", "connection",
                                            "content-length"):
                        self.send_header(name, value)
                self.send_header("Content-Length", headers.get("Content-Length", "0")
                                 if self.command == "HEAD" else str(len(text)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def reply(self, operation, request, body):
        rule = self.rules.get(operation)
        if rule is not None and not callable(rule):
            status, text, *more = rule
            return status, text.encode(), more[0] if more else {"Content-Type": "application/xml"}
        link = http.client.HTTPSConnection(self.target.hostname, self.target.port, timeout=30,
                                           context=self.context)
        with contextlib.closing(link):
            link.putrequest(request.command, request.path, skip_host=True,
                            skip_accept_encoding=True)
            for name, value in request.headers.items():
                link.putheader(name, value)
            link.endheaders(body)
            answer = link.getresponse()
            got = answer.status, answer.read(), dict(answer.getheaders())
        return rule(*got) if rule else got


def operation_of(method, path, headers, body):
    target = headers.get("X-Amz-Target")
    if target:
        return target.rsplit(".", 1)[1]
    if method == "POST":
        form = urllib.parse.parse_qs(body.decode("latin-1"))
        if "Action" in form:
            return form["Action"][0]
    listing = method == "GET" and "list-type=" in path
    return "s3.list" if listing else "s3." + method.lower()


def query_error(code, text):
    """Of STS and Redshift's API."""
    return ('<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender'
            f"</Type><Code>{code}</Code><Message>{text}</Message></Error><RequestId>r-1</RequestId>"
            "</ErrorResponse>")


def json_error(status, code, text):
    """Of Redshift Serverless."""
    return (status, '{"__type":"%s","message":"%s"}' % (code, text),
            {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": code})


def s3_error(code, text, more=""):
    return (f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{text}'
            f"</Message>{more}<RequestId>R1</RequestId><HostId>H1</HostId></Error>")


class FakeRedshift(Server):
    """Lets everybody in over TLS, or answers the login by `login` (bytes); a statement that a
    pattern of `errors` fits fails by (SQLSTATE, text); others have an answer from `rows` or none."""

    def __init__(self, certificate, login=None, errors=None, rows=None):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.login, self.errors = login, errors or {}
        self.rows = {r"pg_backend_pid": ["42"], r"stv_sessions": ["2026-01-01 00:00:00"],
                     r"current_user, current_database": [
                         "vesto_load", "dev", "PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by "
                         "GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.1234"],
                     r"nspowner": None, r"has_database_privilege": ["t"],
                     r"has_schema_privilege": ["t", "t"], **(rows or {})}
        super().__init__(self.serve)

    def serve(self, one, _):
        if one.recv(8) != SSL_REQUEST:
            return
        one.sendall(b"S")
        with self.context.wrap_socket(one, server_side=True) as link:
            self.talk(link)

    def talk(self, link):
        size = struct.unpack("!I", exactly(link, 4))[0]
        exactly(link, size - 4)
        if self.login:
            link.sendall(self.login)
            link.recv(1000)
            return
        ok = message(b"R", struct.pack("!I", 0)) + message(b"S", b"server_version\x008.0.2\0") + \
            message(b"S", b"client_encoding\0UTF8\0") + message(b"K", struct.pack("!II", 42, 7))
        link.sendall(ok + ready(b"I"))
        state = b"I"
        while True:
            kind, size = struct.unpack("!cI", exactly(link, 5))
            text = exactly(link, size - 4).rstrip(b"\0").decode()
            if kind != b"Q":
                return
            said, state = self.answer(text, state)
            link.sendall(said + ready(state))

    def answer(self, sql, state):
        for pattern, (sqlstate, text) in self.errors.items():
            if re.search(pattern, sql):
                return error_message(sqlstate, text), b"I" if state == b"I" else b"E"
        word = sql.split(None, 1)[0].upper()
        state = {"BEGIN": b"T", "ROLLBACK": b"I", "COMMIT": b"I"}.get(word, state)
        for pattern, row in self.rows.items():
            if re.search(pattern, sql):
                return table(row), state
        if word == "SELECT":
            return table(None), state
        return message(b"C", word.encode() + b"\0"), state


def exactly(link, size):
    out = b""
    while len(out) < size:
        more = link.recv(size - len(out))
        if not more:
            raise OSError("the client has gone")
        out += more
    return out


def message(kind, body):
    return kind + struct.pack("!I", len(body) + 4) + body


def ready(state):
    return message(b"Z", state)


def table(row):
    names = row or ["x"]
    fields = b"".join(b"c%d\0" % i + struct.pack("!IHIhIH", 0, 0, 25, -1, 0xFFFFFFFF, 0)
                      for i in range(len(names)))
    out = message(b"T", struct.pack("!H", len(names)) + fields)
    if row:
        out += message(b"D", struct.pack("!H", len(row)) + b"".join(
            struct.pack("!I", len(value)) + value.encode() for value in row))
    return out + message(b"C", b"SELECT\0")


SHA256_PASSWORD = message(b"R", struct.pack("!I", 13))
CLEAR_PASSWORD = message(b"R", struct.pack("!I", 3))


class NameServer:
    """Knows no name at all: NXDOMAIN for every question, at port 53 of this address. Root only."""

    def __init__(self, address):
        self.address = address

    def __enter__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        self.socket.settimeout(0.2)
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.thread.join(5)
        self.socket.close()

    def serve(self):
        while not self.ending.is_set():
            with contextlib.suppress(TimeoutError):
                asked, client = self.socket.recvfrom(2000)
                # The question again, as an answer of code 3; without the records behind it.
                end = asked.index(b"\0", 12) + 5
                head = asked[:2] + b"\x81\x83" + b"\0\1" + b"\0" * 6
                self.socket.sendto(head + asked[12:end], client)
