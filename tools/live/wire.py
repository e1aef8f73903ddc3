"""Questions that only the bytes of the login answer: no driver between."""
import socket
import ssl
import struct

TIMEOUT_S = 10
SSL_REQUEST = 80877103
GSSENC_REQUEST = 80877104
PROTOCOL_3 = 196608
MAX_MESSAGE_BYTES = 1 << 20


def receive(stream, size):
    data = b""
    while len(data) < size:
        more = stream.recv(size - len(data))
        if not more:
            raise OSError("the server closed the connection")
        data += more
    return data


def read_message(stream):
    kind = receive(stream, 1)
    size = struct.unpack("!i", receive(stream, 4))[0]
    if not 4 <= size <= MAX_MESSAGE_BYTES:
        raise OSError("a message of an impossible size")
    return kind, receive(stream, size - 4)


def secured(target):
    stream = socket.create_connection((target.host, target.port), TIMEOUT_S)
    try:
        stream.sendall(struct.pack("!ii", 8, SSL_REQUEST))
        if receive(stream, 1) != b"S":
            raise OSError("the server refuses TLS")
        context = ssl.create_default_context(cafile=target.ca_file)
        return context.wrap_socket(stream, server_hostname=target.host)
    except BaseException:
        stream.close()
        raise


def gssenc(target):
    """What a GSSENCRequest is answered with."""
    with socket.create_connection((target.host, target.port), TIMEOUT_S) as stream:
        stream.sendall(struct.pack("!ii", 8, GSSENC_REQUEST))
        try:
            answer = stream.recv(1)
        except TimeoutError:
            return "no answer"
    return {b"N": "N", b"G": "G", b"E": "an error", b"": "closed"}.get(answer, "another byte")


def authentication(target):
    """The code with which the server asks this user for a password."""
    with secured(target) as stream:
        words = b"".join(w.encode() + b"\0" for w in ("user", target.user, "database",
                                                      target.database)) + b"\0"
        stream.sendall(struct.pack("!ii", len(words) + 8, PROTOCOL_3) + words)
        for _ in range(5):
            kind, body = read_message(stream)
            if kind == b"R":
                return f"code {struct.unpack('!i', body[:4])[0]}"
            if kind == b"E":
                return "refused"
    return "no request"


QUESTIONS = {"gssenc": gssenc, "authentication": authentication}
