"""What stands between Vesto and a server: a TCP proxy that delays, stalls, cuts and listens in, and
a real sshd. Loopback only; every thread and process ends with its `with`."""
import asyncio
import contextlib
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

SSHD = "/usr/sbin/sshd"
CHUNK_BYTES = 64 << 10
QUEUED_CHUNKS = 64  # in each direction: what the delay may hold back


class TcpProxy:
    """Forwards 127.0.0.1:port to 127.0.0.1:target_port.

    delay_s: each way. stalls: (seed, chance of a chunk, seconds): seeded pauses, like lost packets
    that are sent again. capture: keeps every byte of both ways in `seen`, and of each connection
    what its client sent in `sent`. listener: a bound socket, such as one of another network
    namespace, instead of a port of its own.
    """

    def __init__(self, target_port, delay_s=0.0, stalls=None, capture=False, listener=None):
        self.target_port, self.delay_s, self.capture = target_port, delay_s, capture
        self.listener = listener
        self.sent = []
        self.stalls = stalls
        self.random = random.Random(stalls[0]) if stalls else None
        self.seen = bytearray()
        self.connections = 0
        self.carried_bytes = 0
        self.cut_at_bytes = None  # of carried_bytes: the next cut, once
        self._writers = set()
        self._frozen = None
        self._loop = asyncio.new_event_loop()
        self._server = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(10), "the proxy did not start"
        return self

    def __exit__(self, *_):
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def cut_all(self):
        """Resets every connection."""
        self._call(self._cut())

    def freeze(self):
        """Nothing goes through any more, and nobody is told: a dead link."""
        self._call(self._set_frozen(True))

    def thaw(self):
        self._call(self._set_frozen(False))

    def move_on(self):
        """New connections go through again; those that are frozen stay so for ever."""
        self._call(self._new_connections_thaw())

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    def _serve(self):
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()
        self._loop.close()

    async def _start(self):
        self._frozen = asyncio.Event()
        self._frozen.set()
        where = {"sock": self.listener} if self.listener else {"host": "127.0.0.1", "port": 0}
        self._server = await asyncio.start_server(self._accept, limit=CHUNK_BYTES, **where)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self):
        self._server.close()
        self._frozen.set()
        await self._cut()
        others = [t for t in asyncio.all_tasks() if t is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _cut(self):
        for writer in list(self._writers):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            writer.transport.abort()

    async def _set_frozen(self, frozen):
        if frozen:
            self._frozen.clear()
        else:
            self._frozen.set()

    async def _new_connections_thaw(self):
        self._frozen = asyncio.Event()
        self._frozen.set()

    async def _accept(self, reader, writer):
        self.connections += 1
        frozen, sent = self._frozen, bytearray()
        if self.capture:
            self.sent.append(sent)
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.target_port,
                                                                 limit=CHUNK_BYTES)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, to_writer}
        self._writers |= both
        try:
            await asyncio.gather(self._carry(reader, to_writer, frozen, sent),
                                 self._carry(to_reader, writer, frozen, bytearray()))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            self._writers -= both
            for one in both:
                one.transport.abort()

    async def _carry(self, reader, writer, frozen, copy):
        queue = asyncio.Queue(QUEUED_CHUNKS)
        sender = asyncio.ensure_future(self._send(queue, writer, frozen))
        try:
            while True:
                chunk = await reader.read(CHUNK_BYTES)
                if self.capture:
                    copy += chunk
                await queue.put((self._loop.time() + self.delay_s, chunk))
                if not chunk:
                    break
            await sender
        finally:
            sender.cancel()

    async def _send(self, queue, writer, frozen):
        while True:
            due, chunk = await queue.get()
            if due > self._loop.time():
                await asyncio.sleep(due - self._loop.time())
            await frozen.wait()
            if not chunk:
                writer.write_eof()
                return
            if self.random and self.random.random() < self.stalls[1]:
                await asyncio.sleep(self.stalls[2])
            if self.capture:
                self.seen += chunk
            self.carried_bytes += len(chunk)
            if self.cut_at_bytes is not None and self.carried_bytes >= self.cut_at_bytes:
                self.cut_at_bytes = None
                await self._cut()
                return
            writer.write(chunk)
            await writer.drain()


class Sshd:
    """Debian's sshd as this user, on a port of its own, taking the keys of authorize()."""

    def __init__(self, **settings):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-sshd-"))
        self.folder.chmod(0o700)
        self.settings = settings
        self.process = None
        self.port = free_port()
        self.user = pathlib.Path.home().owner()

    def __enter__(self):
        self.make_host_key()
        self.authorized = self.folder / "authorized_keys"
        self.authorized.touch(mode=0o600)
        return self.start()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_host_key(self):
        key = self.folder / "host_key"
        for path in (key, key.with_suffix(".pub")):
            path.unlink(missing_ok=True)
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True,
                       timeout=30)
        told = subprocess.run(["ssh-keygen", "-lf", str(key) + ".pub"], check=True, text=True,
                              capture_output=True, timeout=30).stdout
        self.fingerprint = told.split()[1]

    def start(self):
        pathlib.Path("/run/sshd").mkdir(exist_ok=True)  # as root it wants one; else it is not asked
        config = {"Port": self.port, "ListenAddress": "127.0.0.1", "HostKey": self.folder / "host_key",
                  "PidFile": self.folder / "pid", "AuthorizedKeysFile": self.authorized,
                  "StrictModes": "no", "UsePAM": "no", "PasswordAuthentication": "no",
                  "KbdInteractiveAuthentication": "no", "PubkeyAuthentication": "yes",
                  "AllowTcpForwarding": "yes", "MaxSessions": 100, "LogLevel": "VERBOSE",
                  **self.settings}
        (self.folder / "sshd_config").write_text(
            "".join(f"{name} {value}\n" for name, value in config.items()))
        self.process = subprocess.Popen(
            [SSHD, "-D", "-f", str(self.folder / "sshd_config"), "-E", str(self.folder / "log")],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True)
        wait_open(self.port)
        return self

    def stop(self):
        """Ends the listener and every session below it."""
        if self.process is None:
            return
        for child in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                child_signal(child, signal.SIGKILL)
        self.process.kill()
        self.process.wait(10)
        self.process = None

    def authorize(self, line):
        self.authorized.write_text(line.rstrip("\n") + "\n")

    def sessions(self):
        """Process ids below the listener."""
        found, below = [], [self.process.pid]
        while below:
            parent = below.pop()
            with contextlib.suppress(OSError):
                for task in pathlib.Path(f"/proc/{parent}/task").iterdir():
                    children = [int(x) for x in (task / "children").read_text().split()]
                    found += children
                    below += children
        return found

    def cut_sessions(self):
        for child in self.sessions():
            with contextlib.suppress(ProcessLookupError):
                child_signal(child, signal.SIGKILL)

    def log(self):
        return (self.folder / "log").read_text()


def child_signal(pid, number):
    import os
    os.kill(pid, number)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_open(port, deadline_s=15):
    end = time.monotonic() + deadline_s
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            assert time.monotonic() < end, f"nobody listens on {port}"
            time.sleep(0.02)
