"""A server that answers every COPY with the same rows, in the same pieces."""
import fcntl
import hashlib
import socket
import struct
import termios
import threading
import time

NULL_MARKER = "vesto-null-0123456789abcdef"
WORDS = ("furiously quickly slyly carefully blithely final regular special express ironic pending "
         "unusual even bold silent deposits requests accounts packages foxes theodolites pinto "
         "beans asymptotes dependencies instructions platelets excuses ideas sleep wake haggle")


def numbers(row):
    """Sixteen numbers below 2^32 that depend on the row alone."""
    return struct.unpack("<16I", hashlib.blake2b(row.to_bytes(8, "little")).digest())


def date(n):
    return f"{1992 + n % 7}-{n // 7 % 12 + 1:02}-{n // 84 % 28 + 1:02}"


def lineitem(row):
    n = numbers(row)
    modes = ("REG AIR", "AIR", "RAIL", "SHIP", "TRUCK", "MAIL", "FOB")
    orders = ("DELIVER IN PERSON", "COLLECT COD", "NONE", "TAKE BACK RETURN")
    at = n[13] % 240
    return (f"{row // 4 + 1},{n[0] % 200000 + 1},{n[1] % 10000 + 1},{row % 4 + 1},"
            f"{n[2] % 50 + 1}.00,{n[3] % 100000 + 900}.{n[4] % 100:02},0.{n[5] % 11:02},"
            f"0.{n[6] % 9:02},{'RAN'[n[7] % 3]},{'OF'[n[8] % 2]},{date(n[9])},{date(n[10])},"
            f"{date(n[11])},{orders[n[12] % 4]:25},{modes[n[12] // 4 % 7]:10},"
            f"{WORDS[at:at + n[14] % 34 + 10]}\n")


def wide(row):
    n = numbers(row)
    titles = ('"He said ""buy it"" now"', '"line one\nline two"', "обычный заголовок страницы",
              NULL_MARKER)
    hexed = hashlib.md5(str(n[4] % 100000).encode()).hexdigest()
    return (f"{row},{date(n[0]).replace('199', '202')} {n[1] % 24:02}:{n[2] % 60:02}:"
            f"{n[3] % 60:02}.{n[4] % 1000000:06},{n[5] % 1000000},"
            f"\"https://example{n[6] % 5000}.com/catalog/{hexed}?q={hexed[:n[7] % 20] * 2}"
            f"&utm=ad,{n[8] % 100}\",https://search.example/?text={hexed[:n[9] % 32]},"
            f"{titles[n[10] % 4]},\"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, "
            f"like Gecko) Chrome/{100 + n[11] % 30}.0.0.0 Safari/537.36\",{n[12] % 7},"
            f"{n[12] // 7 % 2},{n[13] % 100000},{n[14] % 100000},{n[13] // 100000 % 10},"
            f"{n[14] // 100000 % 10},{n[15] % 1000 / 7!r}\n")


def json(row):
    n = numbers(row)
    kinds = ("PushEvent", "CreateEvent", "WatchEvent", "PullRequestEvent", "IssuesEvent")
    commits = ", ".join(
        f'{{""sha"": ""{hashlib.md5(f"{row}{g}".encode()).hexdigest()}"", ""message"": ""'
        + f'fix \\""thing\\"" and {g}\\n' * (1 + n[3 + g] % 4) + f'"", ""distinct"": {g}}}'
        for g in range(n[2] % 4))
    return (f"{row},{kinds[n[0] % 5]},{hashlib.md5(str(row).encode()).hexdigest()},"
            f"{date(n[1])} 10:00:00.5,\"{{\"\"id\"\": {n[7] % 100000}, \"\"login\"\": "
            f"\"\"user{n[7] % 100000}\"\"}}\",\"{{\"\"ref\"\": \"\"refs/heads/main\"\", "
            f"\"\"size\"\": {n[8] % 5}, \"\"commits\"\": [{commits}]}}\",t{n[9] % 50}\n")


SHAPES = {"lineitem": lineitem, "wide": wide, "json": json}


def rows_of(shape, size_bytes):
    rows, size = [], 0
    while size < size_bytes:
        rows.append(SHAPES[shape](len(rows)).encode())
        size += len(rows[-1])
    return rows


def message(kind, body=b""):
    return kind + struct.pack("!i", len(body) + 4) + body


class CannedServer:
    """One client, on a Unix socket in `folder`. It is sent 8 KiB at a time, as PostgreSQL does, and
    more only when that is read, so that it reads in the same pieces each time."""
    PIECE_BYTES = 8192
    DEADLINE_S = 120

    def __init__(self, folder, rows):
        self.answer = b"".join(
            [message(b"H", b"\0\0\0"), *(message(b"d", row) for row in rows), message(b"c"),
             message(b"C", f"COPY {len(rows)}\0".encode()), message(b"Z", b"T")])
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(folder / ".s.PGSQL.5432"))
        self.listener.listen(1)
        self.listener.settimeout(self.DEADLINE_S)
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def close(self):
        self.listener.close()
        self.thread.join(10)

    def _serve(self):
        try:
            client, _ = self.listener.accept()
        except OSError:
            return  # closed before anybody came
        client.settimeout(self.DEADLINE_S)
        with client, client.makefile("rb") as words:
            try:
                self._talk(client, words)
            except OSError:
                pass  # the client went away: what it says about that is the test's

    def _talk(self, client, words):
        words.read(struct.unpack("!i", words.read(4))[0] - 4)  # the login: everybody may
        client.sendall(message(b"R", b"\0\0\0\0") + message(b"S", b"client_encoding\0UTF8\0")
                       + message(b"S", b"server_version\0" b"15.0\0") + message(b"Z", b"I"))
        while words.read(1) == b"Q":
            words.read(struct.unpack("!i", words.read(4))[0] - 4)
            for at in range(0, len(self.answer), self.PIECE_BYTES):
                client.sendall(self.answer[at:at + self.PIECE_BYTES])
                self._wait_until_read(client)

    def _wait_until_read(self, client):
        end = time.monotonic() + self.DEADLINE_S
        while struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, b"\0" * 4))[0] > 0:
            if time.monotonic() > end:
                raise OSError("nobody reads")
            time.sleep(0)
