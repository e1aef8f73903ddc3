"""User and password with any character in either, at the source and at the warehouse, by every kind
of reference; and no password in anything that leaves the program."""
import contextlib
import hashlib
import itertools
import json
import os
import pathlib
import re
import subprocess
import time

import psycopg2
import psycopg2.sql
import pytest

from world import toml_text

NUMBER = itertools.count(1)
# What set-up pages tell people to avoid in a user name or a password.
FORBIDDEN = ["@", "[", "]", "/", "?", "#", '"', "\\", "+", " ", "&", ":"]
SPECIAL = ["'", "%", "=", ";", "`", "$", "{", "}", "|", "~", "\t", "\x7f", "ü", "漢"]
TOGETHER = {
    "all": "@[]/?#\"\\+ &:", "quotes": "'\"''\"\"", "backslashes": "\\'\\\\\"\\n\\",
    "conninfo": "' host='elsewhere' x='", "uri": "postgresql://a:b@c:1/d?x=y",
    "percent": "%40%00%s%", "combining": "e\u0301 u\u0308", "emoji": "🦊👩‍👧",
    "blanks": "  \t inside  ", "newlines": "a\nb\r\nc", "shell": "$(id)`id`;|&",
    "toml": "\"\"\"'''#[x]\n= 1", "secret": "{{SECRET:copy_secret}}",
}
KINDS = ["file", "env", "secret"]


def ident(name):
    return '"' + name.replace('"', '""') + '"'


def literal(text):
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def md5(password, user):
    return "md5" + hashlib.md5((password + user).encode()).hexdigest()


def admin(sandbox, sql):
    with contextlib.closing(psycopg2.connect(sandbox.dsn(admin=True))) as connection:
        connection.autocommit = True
        connection.cursor().execute(sql)


class Logins:
    """A user of the source and one of the warehouse, and the references that name them."""

    def __init__(self, world, text, rs_user=None, rs_password=None, kept=None):
        number = next(NUMBER)
        self.world = world
        # The text at both ends and within; a file's own line end is dropped, so it may end in one.
        self.values = {
            "pg_user": f"{text}pg{number}{text}".encode()[:63].decode(errors="ignore"),
            "pg_password": f"{text}Pg{text}secret{number}{text}",
            "rs_user": rs_user or f"{text}rs{number}{text}",
            "rs_password": rs_password or f"{text}Rs{text}secret{number}{text}"}
        v = self.values
        with contextlib.closing(psycopg2.connect(world.postgres.dsn(world.database))) as connection:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(psycopg2.sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(
                psycopg2.sql.Identifier(v["pg_user"]), psycopg2.sql.Literal(v["pg_password"])))
            cursor.execute("CREATE TABLE one (id int PRIMARY KEY, note text)")
            cursor.execute(psycopg2.sql.SQL("GRANT SELECT ON one TO {}").format(
                psycopg2.sql.Identifier(v["pg_user"])))
        kept = kept or literal(md5(v["rs_password"], v["rs_user"]))
        admin(world.sandbox, f"CREATE USER {ident(v['rs_user'])} PASSWORD {kept}")
        admin(world.sandbox,
              f"GRANT CREATE, TEMPORARY ON DATABASE dev TO {ident(v['rs_user'])}")
        world.table("public.one")
        world.read_as_admin = True
        self.environment = {}
        self.seen = []  # what left the program: bytes

    def refer(self, kind, **changed):
        """Writes the configuration with references of this kind."""
        for name, value in {**self.values, **changed}.items():
            file = self.world.folder / name
            file.write_bytes(value.encode() + b"\n")
            self.environment[f"E_{name.upper()}"] = value
            if kind == "secret":
                self.call("secret", "set", name, "--from-file", str(file))
        target = {"file": str, "env": lambda n: f"E_{n.upper()}", "secret": str}[kind]

        def reference(name):
            return f'{{ {kind} = {toml_text(target(name))} }}'

        aws = self.world.sandbox.endpoints["aws"]
        self.world.source_login = (f'user = {reference("pg_user")}\n'
                                   f'password = {reference("pg_password")}')
        self.world.auth = (f'method = "password"\nuser = {reference("rs_user")}\n'
                           f'password = {reference("rs_password")}\n'
                           f'access_key_id = "{aws["access_key_id"]}"\n'
                           'secret_access_key = { file = "aws.key" }')
        self.world.write_config()

    def call(self, *arguments):
        """A command of the real binary, its command line looked at while it runs."""
        process = subprocess.Popen(
            self.world.command(*arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, **self.environment})
        line = pathlib.Path(f"/proc/{process.pid}/cmdline")
        end = time.monotonic() + 120
        while True:
            with contextlib.suppress(OSError):
                self.seen.append(line.read_bytes())
            try:
                out, errors = process.communicate(timeout=0.05)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > end:
                    process.kill()
                    raise
        self.seen += [out, errors]
        self.out, self.errors = out.decode(), errors.decode()
        return process.returncode

    def run(self):
        code = self.call("run", "shop", "--json")
        events = [json.loads(line) for line in self.out.splitlines()]
        finished = [e for e in events if e["type"] == "run.finished"]
        return code, finished[0] if finished else None

    def nothing_shown(self, *more):
        """No password in what was written; the sealed store and the references' own files aside."""
        data = self.world.folder / "data"
        files = [f for f in data.rglob("*") if f.is_file()]
        assert any(f.name == "vesto.db" for f in files)
        texts = self.seen + [f.read_bytes() for f in files]
        for password in (self.values["pg_password"], self.values["rs_password"], *more):
            for form in {password, json.dumps(password)[1:-1],
                         json.dumps(password, ensure_ascii=False)[1:-1],
                         password.replace("\\", "\\\\").replace("'", "''")}:
                for text in texts:
                    assert form.encode() not in text


def deliver_by_every_kind(world, text, **more):
    logins = Logins(world, text, **more)
    for number, kind in enumerate(KINDS, 1):
        world.source("INSERT INTO one VALUES (%s, %s)", number, kind)
        logins.refer(kind)
        code, finished = logins.run()
        assert code == 0, (kind, finished, logins.errors)
        world.assert_equal(("public.one", ["id"]), rows=number)
    logins.nothing_shown()
    return logins


@pytest.mark.parametrize("text", FORBIDDEN + SPECIAL)
def test_one_character(one_world, text):
    deliver_by_every_kind(one_world, text)


@pytest.mark.parametrize("name", TOGETHER)
def test_together(one_world, name):
    """And a wrong password of the same characters, on either side."""
    text = TOGETHER[name]
    logins = deliver_by_every_kind(one_world, text)
    for side, expected in (("rs", "RS-LOGIN-PASSWORD"), ("pg", "PG-LOGIN")):
        wrong = logins.values[f"{side}_password"] + "x"
        logins.refer("file", **{f"{side}_password": wrong})
        code, finished = logins.run()
        assert code != 0 and expected in json.dumps(finished) + logins.errors, logins.errors
        logins.nothing_shown(wrong)
    one_world.assert_nothing_left()


@pytest.mark.parametrize("character", ["x", "'", "\\", "ü"])
def test_as_long_as_may_be(one_world, character):
    """127 bytes of user name (Redshift's bound), 128 bytes of password."""
    def filled(start, size):
        room = size - len(start)
        width = len(character.encode())
        return start + "y" * (room % width) + character * (room // width)

    user, password = filled(f"u{next(NUMBER)}", 127), filled("Pw", 128)
    assert (len(user.encode()), len(password.encode())) == (127, 128)
    deliver_by_every_kind(one_world, "long", rs_user=user, rs_password=password)


def test_a_file_ends_in_a_line_end_that_is_none_of_the_password(one_world):
    """One newline at the end is the file's; another one before it is the password's."""
    logins = Logins(one_world, "nl", rs_password="Two\nlines\n")
    one_world.source("INSERT INTO one VALUES (1, 'x')")
    logins.refer("file")
    assert (one_world.folder / "rs_password").read_bytes() == b"Two\nlines\n\n"
    assert logins.run()[0] == 0, logins.errors
    (one_world.folder / "rs_password").write_bytes(b"Two\nlines\n")
    code, finished = logins.run()
    assert code != 0 and "RS-LOGIN-PASSWORD" in json.dumps(finished) + logins.errors


# --- authentication method 13 ---

@pytest.mark.parametrize("name", ["etl", "o'b\"rien $(id) \\"])
def test_a_sha256_password_is_named_with_the_way_out(one_world, name):
    user, password = f"{name}{next(NUMBER)}", "Password1 '\"\\$x"
    salt = os.urandom(32)
    digest = hashlib.sha256(password.encode() + salt).hexdigest()
    logins = Logins(one_world, "plain", rs_user=user, rs_password=password,
                    kept=literal(f"sha256|{digest}|{salt.hex()}"))
    one_world.source("INSERT INTO one VALUES (1, 'x')")
    logins.refer("file")
    code, finished = logins.run()
    assert code != 0
    error = finished.get("error") or finished["table_results"][0]["error"]
    assert error["code"] == "RS-LOGIN-DIGEST", error
    redshift = one_world.sandbox.endpoints["redshift"]
    assert f"{redshift['host']}:{redshift['port']}/dev as {user}" in error["message"]
    logins.nothing_shown()
    # The very lines of the hint, by bash and by a superuser.
    statement, line = re.search(r"(ALTER USER .* PASSWORD 'md5)<digits>'; .* digits: (IFS.*)$",
                                error["hint"], re.S).groups()
    done = subprocess.run(["bash", "-c", line], input=password + "\n", text=True,
                          capture_output=True, timeout=20, check=True)
    admin(one_world.sandbox, f"{statement}{done.stdout.strip()}'")
    code, finished = logins.run()
    assert code == 0, (finished, logins.errors)
    one_world.assert_equal(("public.one", ["id"]), rows=1)
