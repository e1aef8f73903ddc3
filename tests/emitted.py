"""Keeps what Vesto sends to Redshift, so that judges can read every kind of statement once.

A test of the end-to-end suite hands its installation's stores over when it ends (World.close). Of
each statement the *features* are taken: its skeleton with names, texts and numbers left out, and
every kind of item in its lists. A statement is kept, whole and as it was sent, if it shows a
feature that no earlier one has shown; so the file stays small however many runs there were.
"""
import json
import os
import pathlib
import re
import sqlite3

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / os.environ.get("VESTO_EMITTED", "build/emitted.jsonl")

TOKEN = re.compile(r"""
    (?P<text>'(?:[^'\\]|''|\\.)*')
  | (?P<name>"(?:[^"]|"")*")
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<word>[A-Za-z_][A-Za-z_0-9]*)
  | (?P<blank>\s+)
  | (?P<other>.)""", re.VERBOSE | re.DOTALL)


def traits(text):
    """What a name or a literal holds that a parser may stumble over."""
    found = [label for label, pattern in (
        ("q", "'"), ("d", '"'), ("b", r"\\"), ("n", r"[\r\n]"), ("c", r"[\x00-\x09\x0b-\x1f]"),
        ("u", r"[^\x00-\x7f]"), ("-", "--"), ("*", r"/\*"), (";", ";"), ("{", r"[{}]"))
        if re.search(pattern, text)]
    return "".join(found)


def tokens(sql):
    """The statement's words, with what differs from run to run left out."""
    for match in TOKEN.finditer(sql):
        kind, text = match.lastgroup, match.group()
        if kind == "text":
            yield "'" + traits(text[1:-1].replace("''", "'").replace("\\\\", "\\"))
        elif kind == "name":
            yield '"' + traits(text[1:-1].replace('""', '"'))
        elif kind == "number":
            yield "0"
        elif kind == "word":
            yield text.upper()
        elif kind == "other":
            yield text


def items_of(words):
    """[(word or list of items)]: what stands in brackets, as the set of its items."""
    out, items, depth_items = [], [], []
    for word in words:
        if word == "(":
            depth_items.append((out, items))
            out, items = [], []
        elif word == ")" and depth_items:
            items.append(" ".join(out))
            inner = sorted(set(items))
            out, items = depth_items.pop()
            out.append("(" + " , ".join(inner) + ")")
        elif word == "," and depth_items:
            items.append(" ".join(out))
            out = []
        else:
            out.append(word)
    while depth_items:  # a bracket that nobody closed
        outer, items_outer = depth_items.pop()
        outer.extend(out)
        out, items = outer, items_outer
    return out


def features(sql):
    """What the statement shows: its skeleton, and each item of its lists within it."""
    parts = items_of(tokens(sql))
    skeleton = re.sub(r"(\S+ = \S+)( AND \1)+", r"\1",
                      " ".join("(..)" if p.startswith("(") else p for p in parts))
    found = {skeleton}
    for part in parts:
        if part.startswith("("):
            found.update(skeleton[:40] + " | " + item for item in part[1:-1].split(" , "))
    return found


def load(path=FILE):
    """[{"sql", "test"}], or nothing if no test has written yet."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line]


class Emitted:
    """The file, and what it shows already. One for a process; lines are appended whole."""

    def __init__(self, path=FILE):
        self.path = path
        self.seen = set()
        for entry in load(path):
            self.seen |= features(entry["sql"])

    def add(self, statements, test):
        fresh = []
        for sql in statements:
            shown = features(sql)
            if not shown <= self.seen:
                self.seen |= shown
                fresh.append(json.dumps({"sql": sql, "test": test}) + "\n")
        if fresh:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8") as file:
                file.write("".join(fresh))


def statements_of(folder):
    """The statements that the local stores under `folder` have kept (`vesto show RUN --sql`)."""
    for store in sorted(pathlib.Path(folder).rglob("vesto.db")):
        connection = sqlite3.connect(f"file:{store}?mode=ro", uri=True, timeout=20)
        try:
            yield from (row[0] for row in connection.execute("SELECT text FROM run_sql"))
        except sqlite3.Error:
            pass  # a store that a test has broken on purpose, or one without runs
        finally:
            connection.close()


_emitted = []


def collect(folder):
    """Keeps what the runs under `folder` sent. Called when a test's world closes."""
    if not _emitted:
        _emitted.append(Emitted())
    test = os.environ.get("PYTEST_CURRENT_TEST", "").split(" ")[0]
    _emitted[0].add(statements_of(folder), test)
