"""Starts vesto-sandbox for tests and knows what to connect to.

Every test program that needs a Redshift or an S3 takes it from here, through the fixtures of
conftest.py. The binary is <build dir>/sandbox/vesto-sandbox; the environment variable
VESTO_BUILD_DIR names the build directory (default: build/release of this project).
"""

import json
import os
import pathlib
import signal
import subprocess
import time
import urllib.request

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent


def build_dir():
    given = os.environ.get("VESTO_BUILD_DIR", "build/release")
    return pathlib.Path(given) if os.path.isabs(given) else ROOT / given


def binary(name="sandbox/vesto-sandbox"):
    return build_dir() / name


class Sandbox:
    """One running vesto-sandbox on one data directory."""

    def __init__(self, data, *args, sync=False, port=0):
        self.port = port  # of Redshift; 0: any
        self.data = pathlib.Path(data)
        self.args = [str(a) for a in args]
        if not sync:
            self.args.append("--no-sync")
        self.process = None
        self.endpoints = None

    def start(self, limit_s=60):
        """Starts it and waits for endpoints.json. Returns the seconds that took."""
        assert binary().exists(), f"{binary()} is not built; VESTO_BUILD_DIR names the directory"
        begin = time.monotonic()
        file = self.data / "endpoints.json"
        file.unlink(missing_ok=True)
        self.data.parent.mkdir(parents=True, exist_ok=True)
        with open(f"{self.data}.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(binary()), "--data", str(self.data), "--port-redshift", str(self.port),
                 "--port-aws", "0",
                 *self.args],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        while not file.exists():
            if self.process.poll() is not None:
                raise RuntimeError("vesto-sandbox ended: " + self.log_tail())
            if time.monotonic() - begin > limit_s:
                self.kill()
                raise RuntimeError("vesto-sandbox did not start: " + self.log_tail())
            time.sleep(0.01)
        self.endpoints = json.loads(file.read_text())
        return time.monotonic() - begin

    def log_tail(self):
        return pathlib.Path(f"{self.data}.log").read_text(errors="replace")[-3000:]

    def stop(self, limit_s=60):
        """Asks it to end; returns its exit code."""
        if self.process is None:
            return None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(limit_s)
        self.process = None
        return code

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    # What clients need.

    def dsn(self, admin=False, **changes):
        """libpq keywords; `changes` overrides some."""
        redshift = self.endpoints["redshift"]
        account = redshift["admin"] if admin else redshift
        words = {"host": redshift["host"], "port": redshift["port"],
                 "dbname": redshift["database"], "user": account["user"],
                 "password": account["password"], "sslmode": "verify-full",
                 "sslrootcert": self.endpoints["ca_file"], "connect_timeout": 10}
        words.update(changes)
        return words

    def connect(self, autocommit=True, admin=False, **changes):
        connection = psycopg2.connect(**self.dsn(admin=admin, **changes))
        connection.autocommit = autocommit
        return connection

    def control(self, method, path, body=None):
        """A call of the control API; returns the parsed answer, or None."""
        control = self.endpoints["control"]
        request = urllib.request.Request(
            control["url"] + path, method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "Bearer " + control["token"]})
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def fault(self, on, then, match=None, nth=None, count=None):
        body = {"on": on, "then": then}
        for name, value in (("match", match), ("nth", nth), ("count", count)):
            if value is not None:
                body[name] = value
        self.control("POST", "/v1/faults", body)

    def clear_faults(self):
        self.control("DELETE", "/v1/faults")

    def left(self):
        return self.control("GET", "/v1/left")

    def wait_left(self, limit_s=10, **expected):
        """Waits until the counts of what is left behind are as expected; returns the last ones."""
        end = time.monotonic() + limit_s
        while True:
            left = self.left()
            if all(left[name] == value for name, value in expected.items()):
                return left
            assert time.monotonic() < end, f"left behind: {left}, expected {expected}"
            time.sleep(0.02)
