"""Nothing is left behind: the names of a run, the process that cleans up after it, and the search
for what runs left that could not even do that.

A process of its own is forked before anything is made. It does nothing but wait for the end of the
run, which closes a pipe whatever way it ends (kill -9 too), and then ends the run's sessions, drops
its schema and empties its prefix. Where that process has been killed as well, or the machine has
stopped, the next run finds the names: they carry the time, the machine and the process.
"""
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import signal
import sys
import time

import psycopg2

from live import settings
from live.s3 import S3

MARK = "vesto_verify_"
OLD_S = 20 * 60  # no run lasts that long
CLEAN_UP_S = 60
NAME = re.compile(MARK + r"([0-9a-f]{8})_([0-9a-f]{8})_([0-9]{1,10})_[0-9a-f]{6}")


def machine():
    """Eight hex digits of this machine since it was started."""
    try:
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        space = os.readlink("/proc/self/ns/pid")
    except OSError:
        return "0" * 8
    return hashlib.sha256((boot + space).encode()).hexdigest()[:8]


def new_name():
    return f"{MARK}{int(time.time()):08x}_{machine()}_{os.getpid()}_{secrets.token_hex(3)}"


def is_dead(name, now=None):
    """Whether the run of that name has ended for sure."""
    found = NAME.fullmatch(name)
    if not found:
        return False  # not a name of ours: never touched
    if (time.time() if now is None else now) - int(found.group(1), 16) > OLD_S:
        return True
    if found.group(2) != machine() or found.group(2) == "0" * 8:
        return False
    return not pathlib.Path(f"/proc/{int(found.group(3))}").exists()


def connect(target, name="", timeout_s=10):
    """A session, in autocommit. `timeout_s` is of the connecting."""
    connection = psycopg2.connect(
        host=target.host, port=target.port, dbname=target.database, user=target.user,
        password=target.password, sslmode="verify-full", sslrootcert=target.ca_file,
        gssencmode="disable", connect_timeout=timeout_s, application_name=name or "vesto_verify",
        keepalives_idle=5, keepalives_interval=5, keepalives_count=3, tcp_user_timeout=30000)
    connection.autocommit = True
    return connection


def empty(target, prefix, faults):
    try:
        s3 = S3(target)
        for key, upload in s3.uploads(prefix):
            s3.abort(key, upload)
        for key in s3.list(prefix)[0]:
            s3.delete(key)
    except OSError as error:
        faults.append(f"{target.name}: objects below {prefix}: {error}")


def drop(target, name, pids=()):
    """Ends the sessions, drops the schema, empties the prefix. Returns what could not be done."""
    faults, prefix = [], f"{target.prefix}{name}/"
    empty(target, prefix, [])
    try:
        connection = connect(target)
        cursor = connection.cursor()
        cursor.execute("SET statement_timeout TO 20000")
        for pid in pids:
            try:
                cursor.execute("SELECT pg_terminate_backend(%s)", (pid,))
            except psycopg2.Error:
                pass  # it has ended by itself
        cursor.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        connection.close()
    except psycopg2.Error as error:
        faults.append(f"{target.name}: schema {name}: {' '.join(str(error).split())}")
    empty(target, prefix, faults)  # once more: an upload that was on its way may have landed
    return faults


def find_dead(target):
    """The names of runs that have ended and left a schema or objects."""
    connection = connect(target)
    cursor = connection.cursor()
    cursor.execute("SET statement_timeout TO 20000")
    cursor.execute("SELECT n.nspname FROM pg_namespace n, pg_user u WHERE u.usesysid = n.nspowner"
                   f" AND u.usename = current_user AND n.nspname LIKE '{MARK}%'")
    names = {row[0] for row in cursor.fetchall()}
    connection.close()
    folders = S3(target).list(target.prefix + MARK, "/")[1]
    names |= {p[len(target.prefix):].rstrip("/") for p in folders}
    return sorted(n for n in names if is_dead(n))


class CleanUp:
    """The process that waits for the end of the run. Make it before threads and connections."""

    def __init__(self, name):
        read_end, self.pipe = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            code = 1
            try:
                os.close(self.pipe)
                os.setsid()  # a Ctrl-C, or a kill of the group, is not for it
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    signal.signal(number, signal.SIG_IGN)
                with os.fdopen(read_end, encoding="utf-8") as pipe:
                    lines = [line.rstrip("\n").partition(" ")[::2] for line in pipe]
                signal.alarm(CLEAN_UP_S)  # the bound of all that follows
                code = clean_after(name, lines)
            finally:
                os._exit(code)
        os.close(read_end)

    def tell(self, *words):
        """What there will be to clean up, before it is made: live; sandbox FILE; pid TARGET N;
        stop PID; remove DIR. One write a line, so threads do not mix."""
        os.write(self.pipe, (" ".join(str(w) for w in words) + "\n").encode())

    def end(self):
        """The run is over: waits for the cleaning and returns whether nothing is left."""
        os.close(self.pipe)
        _, status = os.waitpid(self.pid, 0)
        return os.waitstatus_to_exitcode(status) == 0


def clean_after(name, lines):
    """Does what the lines of the run ask for; 0 where nothing is left."""
    targets, faults = {}, []
    for word, rest in lines:
        if word == "live":
            targets["live"] = settings.from_environment()[0]
        elif word == "sandbox":
            targets["sandbox"] = settings.from_sandbox(rest)
    redact = settings.Redactor(*targets.values())
    for key, target in targets.items():
        pids = [int(rest.split()[1]) for word, rest in lines
                if word == "pid" and rest.split()[0] == key]
        faults += drop(target, name, pids)
    for word, rest in lines:
        if word == "stop":
            stop(int(rest))
        elif word == "remove":
            shutil.rmtree(rest, ignore_errors=True)
    for fault in faults:
        print(redact(f"left behind: {fault}"), file=sys.stderr, flush=True)
    return 1 if faults else 0


def stop(pid, limit_s=15):
    """Ends a sandbox that the run started and waits until it has gone."""
    try:
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + limit_s
        while time.monotonic() < end:
            os.kill(pid, 0)
            if pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").split()[2] == "Z":
                return
            time.sleep(0.05)
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass  # it has gone
