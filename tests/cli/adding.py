"""What the tests of destination add and remove share."""
import os
import pathlib
import pty
import select
import subprocess
import time
import tomllib

from conftest import VESTO

ACCOUNT = "123456789012"
WORKGROUP = f"analytics.{ACCOUNT}.eu-west-1.redshift-serverless.amazonaws.com"
CLUSTER = "shop.abc123.eu-west-1.redshift.amazonaws.com"
BY_KEY = ("--user", "loader", "--password-env", "PW", "--access-key-id", "AKIAEXAMPLE",
          "--secret-access-key-file", "sk")


def add(vesto, name, *arguments, **more):
    return vesto("destination", "add", name, *arguments, **more)


def by_password(name="acme", **other):
    given = {"endpoint": f"{CLUSTER}:5439/dev", "bucket": f"stage-{name.lower()}",
             "schema": "shop", **other}
    return [word for key, value in given.items() for word in ("--" + key, value)] + list(BY_KEY)


def destinations(vesto, file="vesto.toml"):
    return tomllib.loads((vesto.folder / file).read_text())["destination"]


class Terminal:
    """A dialogue: waits for each question, then answers. Bounded: 30 s for each."""

    def __init__(self, vesto, *arguments):
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen([str(VESTO), *arguments], cwd=vesto.folder, stdin=theirs,
                                        stdout=theirs, stderr=theirs, env=vesto.environment,
                                        start_new_session=True)
        os.close(theirs)
        self.text, self.seen = "", 0

    def read(self, wait_s):
        if not select.select([self.ours], [], [], wait_s)[0]:
            return False
        try:
            some = os.read(self.ours, 65536)
        except OSError:
            return False
        self.text += some.decode(errors="replace").replace("\r\n", "\n")
        return bool(some)

    def expect(self, text):
        end = time.monotonic() + 30
        while text not in self.text[self.seen:]:
            more = self.read(max(0, end - time.monotonic()))
            assert more, f"no {text!r} in:\n{self.text[self.seen:]}"
        self.seen = self.text.index(text, self.seen) + len(text)

    def answer(self, question, text):
        self.expect(question)
        os.write(self.ours, (text + "\n").encode())

    def end(self):
        while self.read(30):
            pass
        self.process.wait(30)
        os.close(self.ours)
        return self.process.returncode


def no_secret(vesto, secret):
    for path in pathlib.Path(vesto.folder).rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path
