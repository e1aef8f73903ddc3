"""Servers that are not what was expected, certificates of each kind, and links that die. Loopback
or namespaces of this process alone; everything ends with its `with`."""
import contextlib
import ctypes
import os
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import threading

SSL_REQUEST = struct.pack("!II", 8, 80877103)
CANCEL_HEAD = struct.pack("!II", 16, 80877102)


class Server:
    """Gives each connection to `handle(socket)` in a thread; a socket is closed afterwards."""

    def __init__(self, handle):
        self.handle = handle

    def __enter__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self.listener.getsockname()[1]
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                one, _ = self.listener.accept()
                one.settimeout(60)
                threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one):
        with contextlib.suppress(OSError), one:
            self.handle(one, self.ending)


def resets(one, _):
    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def says_nothing(_, ending):
    ending.wait(120)


def says(answer):
    """Answers the question for TLS by these bytes."""
    def handle(one, _):
        one.recv(8)
        one.sendall(answer)
        one.recv(1000)
    return handle


def error_message(sqlstate, text):
    """PostgreSQL's ErrorResponse."""
    fields = f"SFATAL\0C{sqlstate}\0M{text}\0\0".encode()
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


@contextlib.contextmanager
def full_queue(address, port):
    """A listener that drops what comes, as a security group does: its queue is full."""
    with contextlib.ExitStack() as opened:
        listener = opened.enter_context(socket.socket())
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(8):
            one = opened.enter_context(socket.socket())
            one.settimeout(0.2)
            try:
                one.connect((address, port))
            except TimeoutError:
                yield
                return
        raise AssertionError("the queue does not fill")


@contextlib.contextmanager
def mute_resolver(address):
    """A name server that takes questions and answers none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((address, 53))
        yield


def web(one, _):
    one.recv(100)
    one.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")


def tls(certificate):
    """Speaks TLS after PostgreSQL's question, with these files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def handle(one, _):
        if one.recv(8) != SSL_REQUEST:
            return
        one.sendall(b"S")
        with context.wrap_socket(one, server_side=True) as inside:
            inside.recv(1)
    return handle


class Certificates:
    """A CA of its own, and what it gives out. make() gives the files of certificate and key."""

    CONFIG = """[ca]
default_ca = ca
[ca]
dir = {folder}
database = {folder}/index
new_certs_dir = {folder}
certificate = {folder}/ca.pem
private_key = {folder}/ca.key
rand_serial = yes
default_md = sha256
policy = any
copy_extensions = copy
unique_subject = no
[any]
commonName = supplied
"""

    def __init__(self, name="a CA of the tests"):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-ca-"))
        (self.folder / "index").touch()
        (self.folder / "ca.cnf").write_text(self.CONFIG.format(folder=self.folder))
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                     "-nodes", "-days", "3650", "-subj", f"/CN={name}", "-keyout", "ca.key",
                     "-out", "ca.pem")
        self.bundle = self.folder / "ca.pem"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def make(self, name="localhost", begin="20200101000000Z", end="20991231235959Z"):
        stem = f"{name}-{begin}-{end}"
        self.ask(stem, "server", f"subjectAltName=DNS:{name}")
        self.sign(stem, begin, end)
        return str(self.folder / f"{stem}.pem"), str(self.folder / f"{stem}.key")

    def make_below(self, begin, end, name="localhost"):
        """A good certificate of an intermediate CA that is valid from then to then. The file holds
        both, as a server sends them."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", "/CN=an intermediate CA",
                     "-addext", "basicConstraints=critical,CA:TRUE", "-keyout", "middle.key", "-out", "middle.csr")
        self.sign("middle", begin, end)
        self.ask("below", "server", f"subjectAltName=DNS:{name}")
        self.openssl("x509", "-req", "-in", "below.csr", "-CA", "middle.pem",
                     "-CAkey", "middle.key", "-CAcreateserial", "-days", "30", "-copy_extensions", "copy",
                     "-out", "below.pem")
        both = self.folder / "both.pem"
        both.write_text((self.folder / "below.pem").read_text() +
                        (self.folder / "middle.pem").read_text())
        return str(both), str(self.folder / "below.key")

    def ask(self, stem, name, extension):
        """A key of its own, and the request for a certificate of it."""
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                     "-subj", f"/CN={name}", "-addext", extension,
                     "-keyout", f"{stem}.key", "-out", f"{stem}.csr")

    def sign(self, stem, begin, end):
        self.openssl("ca", "-batch", "-notext", "-config", "ca.cnf", "-startdate", begin,
                     "-enddate", end, "-in", f"{stem}.csr", "-out", f"{stem}.pem")


def with_file(command, path, text, folder):
    """The command in a mount namespace of its own, where `path` reads like this. Root only."""
    file = pathlib.Path(folder) / pathlib.Path(path).name
    file.write_text(text)
    script = 'mount --bind "$0" "$1" && shift && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, str(file), path,
            *command]


def with_hosts(command, hosts, folder):
    """The command with another /etc/hosts: a name has one address, or several."""
    lines = [f"{address} {name}\n" for name, found in hosts.items()
             for address in ([found] if isinstance(found, str) else found)]
    return with_file(command, "/etc/hosts", "".join(lines), folder)


class NetworkLink:
    """Two network namespaces, here and there, with a cable between them. They are this process's
    own and go with it. Root only: see can_make()."""

    HERE, THERE = "198.18.0.1", "198.18.0.2"
    NEW_NETWORK = 0x40000000  # CLONE_NEWNET

    @staticmethod
    def can_make():
        if os.geteuid() != 0 or not shutil.which("ip") or not shutil.which("nsenter"):
            return False
        return subprocess.run(["unshare", "--net", "--mount", "true"], timeout=30, check=False,
                              stderr=subprocess.DEVNULL).returncode == 0

    def __enter__(self):
        self.here, self.there = self._namespace(), self._namespace()
        self.ip(self.here, "link", "add", "va", "type", "veth", "peer", "name", "vb", "netns",
                self.path(self.there))
        for where, device, address in ((self.here, "va", self.HERE), (self.there, "vb", self.THERE)):
            self.ip(where, "link", "set", device, "addrgenmode", "none")
            self.ip(where, "addr", "add", f"{address}/30", "dev", device)
            self.ip(where, "link", "set", device, "up")
            self.ip(where, "link", "set", "lo", "up")
        return self

    def __exit__(self, *_):
        os.close(self.here)
        os.close(self.there)

    def listener(self, where, address, port=0):
        """A listening socket in that namespace; it stays there, whoever uses it."""
        def make():
            self._check(self._libc().setns(where, self.NEW_NETWORK))
            return socket.create_server((address, port), backlog=50)
        return self._in_thread(make)

    def command(self, command):
        """The command as it runs here."""
        return ["nsenter", f"--net={self.path(self.here)}", *command]

    def pull(self):
        self.ip(self.there, "link", "set", "vb", "down")

    def swallow(self):
        """What is sent arrives, and no answer comes back."""
        self.ip(self.there, "route", "add", "blackhole", f"{self.HERE}/32")

    def timers(self):
        """ss's lines of the connections that leave here: state, addresses, timer."""
        told = subprocess.run(self.command(["ss", "-Htno"]), check=True, text=True, timeout=30,
                              capture_output=True).stdout
        return [line for line in told.splitlines() if f"{self.THERE}:" in line]

    def ip(self, where, *arguments):
        subprocess.run(["nsenter", f"--net={self.path(where)}", "ip", *arguments], check=True,
                       timeout=30, capture_output=True)

    @staticmethod
    def path(where):
        return f"/proc/{os.getpid()}/fd/{where}"

    @staticmethod
    def _libc():
        return ctypes.CDLL(None, use_errno=True)

    @staticmethod
    def _check(answer):
        if answer != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

    def _namespace(self):
        def make():
            self._check(self._libc().unshare(self.NEW_NETWORK))
            return os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        return self._in_thread(make)

    @staticmethod
    def _in_thread(make):
        """A namespace is a thread's own: the thread that changes it ends at once."""
        made = []
        thread = threading.Thread(target=lambda: made.append(make()))
        thread.start()
        thread.join(30)
        assert made, "no namespace"
        return made[0]
