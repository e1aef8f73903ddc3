"""Users of every name and password: clear within Redshift's range, md5 for all others, sha256 with
authentication method 13, disabled. Judged by libpq and by AWS's own driver."""
import contextlib
import hashlib
import itertools
import struct

import psycopg2
import pytest

from wire_client import ServerError, WireClient

NUMBER = itertools.count(1)
# What setup pages tell people to avoid, what SQL and connection strings treat specially, and the
# rest of the world.
HOSTILE = ["@", "[", "]", "/", "?", "#", '"', "\\", "+", " ", "&", ":", "'", "%", "`", "$(id)", ";",
           "ü", "e\u0301", "🦊", "\n", "\t"]


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def md5(password, user):
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


def admin(sandbox, sql):
    with contextlib.closing(sandbox.connect(admin=True)) as connection:
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


def create(sandbox, password, name=None, kept=None):
    """kept: what follows PASSWORD; else the password's md5 digest."""
    name = name or f"pw_{next(NUMBER)}"
    admin(sandbox, f"CREATE USER {ident(name)} PASSWORD {kept or literal(md5(password, name))}")
    return name


def login(sandbox, user, password):
    with contextlib.closing(sandbox.connect(user=user, password=password)) as connection:
        cursor = connection.cursor()
        cursor.execute("SELECT current_user")
        if len(user.encode()) <= 63:  # PostgreSQL's own name for the user is shown beyond
            assert cursor.fetchone() == (user,)
        assert connection.get_parameter_status("session_authorization") == user


def refused(sandbox, user, password):
    with pytest.raises(psycopg2.OperationalError) as caught:
        sandbox.connect(user=user, password=password)
    return str(caught.value)


@pytest.mark.parametrize("text", HOSTILE)
def test_any_character_in_user_and_password(running_sandbox, text):
    password = f"Pw{text}1{text}"
    user = create(running_sandbox, password, f"{text}us{text}er{next(NUMBER)}")
    login(running_sandbox, user, password)
    assert "password authentication failed" in refused(running_sandbox, user, password + text)
    # The same digest under another name is another password.
    other = create(running_sandbox, "", kept=literal(md5(password, user)))
    refused(running_sandbox, other, password)


@pytest.mark.parametrize("text", ["'", '"', "\\", "/", "@", " ", "ü", "\x7f", "\n"])
def test_clear_text_out_of_the_range_is_refused(running_sandbox, text):
    for kept in (f"Abcdefg1{text}", f"sha256|Abcdefg1{text}"):
        with pytest.raises(psycopg2.Error) as caught:
            create(running_sandbox, None, kept=literal(kept))
        assert caught.value.pgcode == "22023"
        assert "Abcdefg1" not in str(caught.value)


def test_clear_text_within_the_range(running_sandbox):
    password = "".join(chr(c) for c in range(33, 127) if chr(c) not in "'\"\\/@")
    for part in (password[:64], "1" + password[-63:]):
        user = create(running_sandbox, part, kept=literal(part))
        login(running_sandbox, user, part)


@pytest.mark.parametrize("size", [63, 64, 127])
@pytest.mark.parametrize("kind", ["clear", "md5"])
def test_long_names(running_sandbox, size, kind):
    name = (f"u{next(NUMBER)}ö" + "x@" * 64).encode()[:size].decode()
    assert len(name.encode()) == size
    user = create(running_sandbox, "Password1", name,
                  kept=literal("Password1") if kind == "clear" else None)
    login(running_sandbox, user, "Password1")
    admin(running_sandbox, f"ALTER USER {ident(name)} PASSWORD 'Password2'")
    login(running_sandbox, user, "Password2")
    assert f'user "{name}"' in refused(running_sandbox, user, "Password1")


def test_a_name_is_cut_at_127_bytes(running_sandbox):
    name = f"u{next(NUMBER)}".ljust(128, "y")
    create(running_sandbox, "Password1", name[:127])
    # The client digests the name that it was given: the digest must be of that one.
    refused(running_sandbox, name, "Password1")
    admin(running_sandbox,
          f"ALTER USER {ident(name)} PASSWORD {literal(md5('Password1', name))}")
    with contextlib.closing(running_sandbox.connect(user=name, password="Password1")) as connection:
        assert connection.get_parameter_status("session_authorization") == name[:127]


def test_the_short_form_of_a_long_name_is_nobody(running_sandbox):
    name = f"u{next(NUMBER)}".ljust(100, "z")
    salt = bytes(range(32))
    digest = hashlib.sha256(b"Password1" + salt).hexdigest()
    create(running_sandbox, None, name, literal(f"sha256|{digest}|{salt.hex()}"))
    characters = "abcdefghijklmnopqrstuvwxyz234567"
    bits = int.from_bytes(hashlib.sha256(name.encode()).digest(), "big") >> 146
    tail = "".join(characters[bits >> shift & 31] for shift in range(105, -1, -5))
    with WireClient(running_sandbox) as client, pytest.raises(ServerError) as caught:
        client.login(user=name[:40] + "~" + tail, password="Password1")  # by md5: nobody's
    assert caught.value.fields["C"] == "28000"


def test_a_disabled_password_is_none(running_sandbox):
    user = create(running_sandbox, None, kept="DISABLE")
    for password in ("x", md5("", user), "DISABLE"):
        assert "password authentication failed" in refused(running_sandbox, user, password)
    admin(running_sandbox, f"ALTER USER {user} PASSWORD 'Password1'")
    login(running_sandbox, user, "Password1")
    admin(running_sandbox, f"ALTER USER {user} PASSWORD DISABLE")
    refused(running_sandbox, user, "Password1")


# --- authentication method 13 ---

def sha256_users(sandbox, password):
    salt = hashlib.sha256(password.encode()).digest()
    digest = hashlib.sha256(password.encode() + salt).hexdigest()
    yield create(sandbox, None, kept=literal(f"sha256|{digest}|{salt.hex()}"))
    if password.isalnum():
        yield create(sandbox, None, kept=literal(f"sha256|{password}"))


def test_libpq_does_not_know_method_13(running_sandbox):
    for user in sha256_users(running_sandbox, "Password1"):
        assert "authentication method 13 not supported" in \
            refused(running_sandbox, user, "Password1")
        # Until the password is kept as md5.
        admin(running_sandbox, f"ALTER USER {user} PASSWORD {literal(md5('Password1', user))}")
        login(running_sandbox, user, "Password1")


@pytest.mark.parametrize("password", ["Password1", "Pw 1'\"\\@/", "Pw🦊e\u0301"])
def test_aws_own_driver_logs_in_by_method_13(running_sandbox, monkeypatch, password):
    redshift_connector = pytest.importorskip("redshift_connector")
    redshift = running_sandbox.endpoints["redshift"]
    monkeypatch.setenv("SSL_CERT_FILE", running_sandbox.endpoints["ca_file"])
    for user in sha256_users(running_sandbox, password):
        def connect(given, user=user):
            return redshift_connector.connect(
                host=redshift["host"], port=redshift["port"], database=redshift["database"],
                user=user, password=given, ssl=True, sslmode="verify-ca")
        with contextlib.closing(connect(password)) as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT current_user")
            assert cursor.fetchone()[0] == user
        with pytest.raises(redshift_connector.Error) as caught:
            connect(password + "x")
        assert "password authentication failed" in str(caught.value)


def digest_answer(client, user, answer):
    """Starts a login; answer(salt, nonce) makes the body of the client's message."""
    client.startup(user=user)
    kind, body = client.read()
    assert kind == "R"
    method, algorithm, salt_size = struct.unpack("!iii", body[:12])
    salt, rest = body[12:12 + salt_size], body[12 + salt_size:]
    nonce_size = struct.unpack("!i", rest[:4])[0]
    nonce = rest[4:]
    assert (method, algorithm, salt_size, nonce_size) == (13, 0, 32, len(nonce))
    client.send("d", answer(salt, nonce))
    return client.read()


def sized(*parts):
    return b"".join(struct.pack("!i", len(part)) + part for part in parts)


def test_method_13_on_the_wire(running_sandbox):
    user = next(sha256_users(running_sandbox, "Password1"))
    nonces = set()

    def proof(password=b"Password1", client_nonce=b"1700000000000", extra=b""):
        def make(salt, nonce):
            nonces.add(nonce)
            inner = hashlib.sha256(password + salt).digest()
            return sized(hashlib.sha256(inner + nonce + client_nonce).digest(),
                         client_nonce) + extra
        return make

    def told(answer):
        with WireClient(running_sandbox) as client:
            kind, body = digest_answer(client, user, answer)
        return (kind, ServerError(body).fields["C"]) if kind == "E" else (kind, body)

    assert told(proof()) == ("R", struct.pack("!i", 0))
    assert told(proof(b"Password2")) == ("E", "28000")
    # Yesterday's answer is worth nothing: the nonce is another one each time.
    assert len(nonces) == 2
    for malformed in (b"", b"\0", sized(b""), sized(b"x" * 32), sized(b"", b""),
                      struct.pack("!i", -1) * 2, struct.pack("!i", 2**31 - 1) + b"x",
                      struct.pack("!i", -2**31) + b"x" * 40):
        assert told(lambda salt, nonce, body=malformed: body) == ("E", "08P01")
    assert told(proof(client_nonce=b"")) == ("E", "08P01")
    assert told(proof(extra=b"x")) == ("E", "08P01")
    assert told(lambda salt, nonce: sized(b"x" * 31, b"1")) == ("E", "28000")
    login(running_sandbox, running_sandbox.endpoints["redshift"]["user"],
          running_sandbox.endpoints["redshift"]["password"])


def test_a_digest_lives_as_any_password(start_sandbox):
    """Through RENAME, ROLLBACK, and a new start of the server."""
    sandbox = start_sandbox("passwords")

    def asks(user):
        with WireClient(sandbox) as client:
            client.startup(user=user)
            return struct.unpack("!i", client.read()[1][:4])[0]

    user = next(sha256_users(sandbox, "Password1"))
    admin(sandbox, f"ALTER USER {user} RENAME TO {user}_new")
    assert asks(user + "_new") == 13
    assert asks(user) == 5  # nobody, and it does not show
    with contextlib.closing(sandbox.connect(admin=True, autocommit=False)) as connection:
        cursor = connection.cursor()
        cursor.execute(f"ALTER USER {user}_new PASSWORD 'Password2'")
        connection.rollback()
    assert asks(user + "_new") == 13
    sandbox.stop()
    sandbox.start()
    assert asks(user + "_new") == 13
