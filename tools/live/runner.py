"""Runs the probes against one target and turns what comes back into one line of text each."""
import base64
import gzip
import hashlib
import os
import queue
import re
import socket
import threading
import time

import psycopg2

from live import wire
from live.leftovers import connect
from live.s3 import S3, code_of, parse_xml

WORKERS = 4
WAITS_S = 1.5  # a statement in the background that has not ended by then waits
DETAIL_S = 15  # how long the load error views may take to show a row
STOP_S = 25  # longer than one S3 request may last
MAX_ANSWER_CHARS = 600


class NotRun(Exception):
    """The probe could not ask its question: the answer says nothing about the doubt."""


def shown(value):
    if value is None:
        return "NULL"
    return bytes(value).hex() if isinstance(value, memoryview) else str(value)


def error_text(error):
    """SQLSTATE and first line; the code of a DETAIL block where there is one."""
    diag = error.diag
    if diag.sqlstate is None:
        return "connection lost"
    detail = re.search(r"code:\s+(\d+)", diag.message_detail or "")
    code = f" ({detail.group(1)})" if detail else ""
    return f"{diag.sqlstate}{code} {diag.message_primary or ''}"


class Session:
    """A connection of a probe; a statement can run in the background."""

    def __init__(self, run):
        self.run = run
        self.connection = run.connect()
        self.thread = self.result = None
        self.last_tag = ""

    def execute(self, sql):
        """Rows, tag or error as text; never raises for what the server says."""
        cursor = self.connection.cursor()
        try:
            cursor.execute(sql)
        except psycopg2.Error as error:
            return "ERROR " + error_text(error)
        self.last_tag = cursor.statusmessage or ""
        if cursor.description is None:
            return self.last_tag or "done"
        rows = ["|".join(shown(v) for v in row) for row in cursor.fetchmany(200)]
        return "; ".join(rows) if rows else "no rows"

    def start(self, sql):
        def work():
            self.result = self.execute(sql)
        self.result, self.thread = None, threading.Thread(target=work, daemon=True)
        self.thread.start()
        self.thread.join(WAITS_S)
        return "waits" if self.thread.is_alive() else self.result

    def join(self):
        self.thread.join(self.run.left_s())
        return "still waits" if self.thread.is_alive() else self.result


class ProbeRun:
    """One probe on one target, with sessions and a bound of its own."""

    def __init__(self, runner, probe):
        self.runner, self.probe, self.target = runner, probe, runner.target
        self.end = time.monotonic() + probe.timeout_s
        self.sessions, self.connections, self.tables = {}, [], 0
        self.guard = threading.Lock()
        self.over = False

    def left_s(self):
        return max(0.0, self.end - time.monotonic())

    def connect(self):
        if self.runner.stopping.is_set():
            raise NotRun("stopped")
        connection = connect(self.target, self.runner.name)
        self.runner.told(connection.get_backend_pid())
        with self.guard:
            self.connections.append(connection)
        cursor = connection.cursor()
        cursor.execute(f"SET statement_timeout TO {int(self.probe.timeout_s * 1000)}")
        return connection

    def session(self, name="a"):
        if name not in self.sessions:
            self.sessions[name] = Session(self)
        return self.sessions[name]

    def fill(self, sql):
        words = {"s": self.runner.name, "url": self.url(""),
                 "auth": self.target.authorization(), "keys": self.target.keys(),
                 "region": self.target.region}
        if "{pid}" in sql:
            words["pid"] = str(self.session().connection.get_backend_pid())
        return re.sub(r"\{(\w+)\}", lambda m: words.get(m.group(1), m.group(0)), sql)

    def key(self, name):
        return f"{self.target.prefix}{self.runner.name}/{self.probe.number}/{name}"

    def url(self, name):
        return f"s3://{self.target.bucket}/{self.key(name)}"

    def answer(self):
        """The answer as one line."""
        for sql in self.probe.setup:
            result = self.session().execute(self.fill(sql))
            if result.startswith("ERROR"):
                raise NotRun(f"could not be set up: {result}")
        parts = []
        for step in self.probe.steps:
            result = self.step(step)
            lost = re.search("ERROR (connection lost|57014.*)", result)
            if lost and not step.get("may_end"):
                raise NotRun(lost.group(1))
            if not step.get("quiet"):
                parts.append(result)
            elif result.startswith("ERROR"):
                raise NotRun(f"could not be set up: {result}")
        text = self.target_free(" / ".join(parts))
        return text if len(text) <= MAX_ANSWER_CHARS else text[:MAX_ANSWER_CHARS] + "..."

    def target_free(self, text):
        """Without names that differ from run to run."""
        text = self.runner.redact(text).replace(self.key(""), "PREFIX/")
        return " ".join(text.replace(self.runner.name, "SCHEMA").split())

    def step(self, step):
        if "copy" in step:
            return self.copy(step)
        if "load" in step:
            return self.load(self.session(step.get("session", "a")), self.fill(step["load"]))
        if "s3" in step:
            return self.request(step["s3"])
        if "wire" in step:
            return wire.QUESTIONS[step["wire"]](self.target)
        if "join" in step:
            return self.session(step["join"]).join()
        if "end_session" in step:
            victim = self.session(step["end_session"]).connection.get_backend_pid()
            return self.session(step["session"]).execute(f"SELECT pg_terminate_backend({victim})")
        session = self.session(step.get("session", "a"))
        sql = self.fill(step["sql"])
        result = session.start(sql) if step.get("background") else session.execute(sql)
        end = time.monotonic() + min(DETAIL_S, self.left_s() - 1)
        while step.get("until_rows") and result == "no rows" and time.monotonic() < end:
            time.sleep(0.5)  # a system view that lags behind can only be asked again
            result = session.execute(sql)
        if step.get("tag") and not result.startswith("ERROR"):
            return session.last_tag
        return result

    # COPY

    def copy(self, step):
        """Puts objects, makes a table, loads it, and shows its rows or the refusal."""
        copy = step["copy"]
        self.tables += 1
        table = f"{self.runner.name}.c{self.probe.number}_{self.tables}"
        folder = f"{self.tables}/"
        for name, body in files_of(copy):
            self.runner.s3.put(self.key(folder + name), body)
        source = self.url(folder)
        options = self.fill(copy.get("options", "CSV"))
        if "manifest" in copy:
            text = copy["manifest"].replace("{folder}", self.url(folder))
            self.runner.s3.put(self.key(folder + "manifest"), text.encode())
            source, options = source + "manifest", options + " MANIFEST"
        session = self.session(step.get("session", "a"))
        made = session.execute(f"CREATE TABLE {table} ({copy['columns']}) DISTSTYLE EVEN")
        if made.startswith("ERROR"):
            return "no table: " + made
        wanted = " (" + copy["list"] + ")" if "list" in copy else ""
        loaded = self.load(session, f"COPY {table}{wanted} FROM '{source}' "
                                    f"{self.target.authorization()} {options} REGION "
                                    f"'{self.target.region}' COMPUPDATE OFF STATUPDATE OFF")
        if not loaded.startswith("loads"):
            return loaded
        rows = session.execute(self.fill(copy.get("select", "SELECT * FROM {t} ORDER BY 1"))
                               .replace("{t}", table))
        return f"loads {rows}"

    def load(self, session, sql):
        result = session.execute(sql)
        if not result.startswith("ERROR"):
            return "loads"
        if "Load into table" not in result:
            return "refused " + result[6:]
        code = self.load_error(session)
        return f"row refused {code}"

    def load_error(self, session):
        """Code and reason of the session's last load; the views lag behind on live servers."""
        query = session.execute("SELECT pg_last_copy_id()")
        if not query.isdigit():
            return "without a query id"
        views = ("SELECT error_code, TRIM(error_message) FROM sys_load_error_detail"
                 f" WHERE query_id = {query} ORDER BY line_number LIMIT 1",
                 "SELECT err_code, TRIM(err_reason) FROM stl_load_errors"
                 f" WHERE query = {query} ORDER BY line_number LIMIT 1")
        end = time.monotonic() + min(DETAIL_S, self.left_s())
        while True:
            for view in views:
                row = session.execute(view)
                if not row.startswith("ERROR") and row != "no rows":
                    return row.replace("|", " ", 1)
            if time.monotonic() > end:
                return "without a row in the views"
            time.sleep(0.5)  # the view is what is waited for; it can only be asked

    # S3

    def request(self, words):
        body = words.get("text", "").replace("{prefix}", self.key("")).encode()
        query = words.get("query", "").replace("{prefix}", self.key("").replace("/", "%2F"))
        raw = words.get("raw_query")
        raw = raw.replace("{prefix}", self.key("").replace("/", "%2F")) if raw else None
        key = self.key(words["key"]) if "key" in words else ""
        sent = dict(words.get("headers", {}))
        if sent.get("content-md5") == "auto":
            sent["content-md5"] = base64.b64encode(hashlib.md5(body).digest()).decode()
        status, headers, answer = self.runner.s3.request(words["method"], key, query, body, sent,
                                                         words.get("wrong", ()), raw)
        show = words.get("show", "")
        if status >= 300 and not words.get("always"):
            return f"{status} {code_of(answer)}".strip()
        if show == "body":
            return f"{status} {answer[:200].decode(errors='replace')}"
        if show == "size":
            return f"{status} {len(answer)} bytes"
        if show == "keys":
            keys = [e.findtext("Key").rpartition("/")[2] for e in
                    parse_xml(answer).findall("Contents")]
            return f"{status} {', '.join(keys) or 'no keys'}"
        if show:
            return f"{status} {headers.get(show, 'absent')}"
        return str(status)

    def close(self):
        """Ends the sessions, also those that wait in a statement of another thread."""
        with self.guard:
            connections, self.connections = self.connections, []
        for connection in connections:
            try:
                stream = socket.socket(fileno=os.dup(connection.fileno()))
                stream.shutdown(socket.SHUT_RDWR)
                stream.close()
            except (OSError, psycopg2.Error):
                pass
            try:
                connection.close()
            except psycopg2.Error:
                pass


def files_of(copy):
    """(name, bytes) of the objects of a copy step."""
    if "files" in copy:
        return [(f["name"], body_of(f)) for f in copy["files"]]
    return [("1", body_of(copy))]


def body_of(entry):
    if "hex" in entry:
        return bytes.fromhex(entry["hex"])
    if "repeat" in entry:
        r = entry["repeat"]
        return (r.get("before", "") + r["text"] * r["times"] + r.get("after", "")).encode()
    pack, text = entry.get("pack"), entry.get("text", "")
    if pack == "gzip":  # one member for each text
        members = text if isinstance(text, list) else [text]
        return b"".join(gzip.compress(m.encode(), mtime=0) for m in members)
    return text.encode()


class Runner:
    """All probes against one target, a few at a time."""

    def __init__(self, target, name, redact, tell, level=""):
        self.target, self.name, self.redact = target, name, redact
        self.tell, self.level = tell, level
        self.stopping = threading.Event()
        self.s3 = S3(target, self.stopping)
        self.running, self.threads, self.guard = set(), [], threading.Lock()

    def stop(self):
        """Ends what still runs and waits for it, so that nothing is made after the clean-up."""
        self.stopping.set()
        with self.guard:
            running = list(self.running)
        for run in running:
            run.close()
        end = time.monotonic() + STOP_S
        for thread in self.threads:
            thread.join(max(0.0, end - time.monotonic()))

    def told(self, pid):
        self.tell("pid", self.target.name, pid)

    def one(self, probe):
        run = ProbeRun(self, probe)
        with self.guard:
            self.running.add(run)
        timer = threading.Timer(probe.timeout_s + 5, run.close)
        timer.daemon = True
        timer.start()
        try:
            answer = run.answer()
            return (answer, "") if run.left_s() > 0 else ("", "no answer in time")
        except NotRun as error:
            return "", run.target_free(str(error))
        except (OSError, psycopg2.Error, ValueError) as error:
            late = " (no answer in time)" if run.left_s() <= 0 else ""
            return "", run.target_free(f"{type(error).__name__}: {error}{late}")
        finally:
            timer.cancel()
            run.close()
            with self.guard:
                self.running.discard(run)

    def all(self, probes, end, progress):
        """{number: (answer, trouble)}; what has not ended at `end` (monotonic) is trouble."""
        results = {p.number: ("", "not reached in time") for p in probes}
        todo, done = queue.SimpleQueue(), queue.SimpleQueue()
        for probe in sorted(probes, key=lambda p: -p.timeout_s):
            todo.put(probe)

        def work():
            while time.monotonic() < end and not self.stopping.is_set():
                try:
                    probe = todo.get_nowait()
                except queue.Empty:
                    return
                done.put((probe.number, self.one(probe)))

        try:
            for _ in range(WORKERS):
                self.threads.append(threading.Thread(target=work, daemon=True))
                self.threads[-1].start()
            for count in range(len(probes)):
                try:
                    number, result = done.get(timeout=max(0.01, end - time.monotonic()))
                except queue.Empty:
                    break
                results[number] = result
                progress(count + 1, len(probes))
        finally:
            self.stop()
        return results
