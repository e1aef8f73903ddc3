"""The probe files: read strictly, so that no probe is silent because of a spelling mistake.

A file tools/live/probes/<area>.toml holds a title and its probes, each with

  number    never used again, also when the doubt is settled
  question  what is open
  choice    the reading that was chosen, and by whom
  step      what is done, in order; or manual: what a person does where no program can ask
  answer    the answers that would settle it, the first that fits counts: text (the whole answer) or
            like (a regular expression for the whole), for some isolation levels only where it has
            levels; means; chosen = true, or change: what then changes in Vesto
  setup     SQL that must succeed (optional)       timeout_s, note (optional)
  since     the part that it belongs to, where this version has not got what it asks about
  sandbox   like and why, where the sandbox does not answer as chosen (optional; an exception)

A step is one of
  sql          a statement; session ("a" where absent), background (starts it: "waits", or its
               answer), tag (shows its tag), until_rows (asks again until there are some), may_end
               (the session may be gone)
  join         a session, whose background statement is waited for
  end_session  a session, ended by `session` with pg_terminate_backend
  copy         a table of the probe's own, objects, COPY, and the rows: columns, list; text, hex,
               repeat or files, pack; options, manifest; select
  load         a COPY as SQL
  s3           a request of s3.py, with wrong to break it        wire   a question of wire.py
quiet = true leaves a step's answer out, and an error there ends the probe. In SQL, {s} is the run's
schema, {url} the address of the probe's folder, {auth} the authorization, {keys} the same as keys,
{region}, {pid} the process of session a. In S3 queries and bodies {prefix} is the folder.
"""
import dataclasses
import pathlib
import re
import tomllib

FOLDER = pathlib.Path(__file__).resolve().parent / "probes"
FILE_KEYS = {"title", "order", "probe"}
PROBE_KEYS = {"number", "question", "choice", "step", "manual", "answer", "setup", "timeout_s",
              "since", "note", "sandbox"}
STEP_KEYS = {
    "sql": {"sql", "session", "background", "quiet", "tag", "until_rows", "may_end"},
    "join": {"join", "quiet"},
    "end_session": {"end_session", "session"},
    "copy": {"copy", "session", "quiet"},
    "load": {"load", "session", "quiet"},
    "s3": {"s3", "quiet"},
    "wire": {"wire"},
}
COPY_KEYS = {"columns", "text", "hex", "files", "repeat", "options", "pack", "select", "manifest",
             "list"}
S3_KEYS = {"method", "key", "query", "raw_query", "headers", "text", "wrong", "show", "always"}
ANSWER_KEYS = {"text", "like", "means", "chosen", "change", "levels"}
TIMEOUT_S = 40


@dataclasses.dataclass
class Probe:
    area: str
    number: int
    question: str
    choice: str
    steps: list
    manual: str
    answers: list
    setup: list
    timeout_s: int
    since: str
    note: str
    sandbox: dict

    def automatic(self):
        return bool(self.steps)

    def match(self, answer, level):
        """The entry of `answers` that the answer is, or None."""
        for entry in self.answers:
            if entry.get("levels", level) != level:
                continue
            if "text" in entry and " ".join(entry["text"].split()) == answer:
                return entry
            if "like" in entry and re.fullmatch(entry["like"], answer, re.DOTALL):
                return entry
        return None


def check(condition, where, text):
    if not condition:
        raise ValueError(f"{where}: {text}")


def read_step(step, where):
    kind = next((k for k in STEP_KEYS if k in step), None)
    check(kind is not None, where, "a step does nothing")
    check(set(step) <= STEP_KEYS[kind], where, f"unknown words {set(step) - STEP_KEYS[kind]}")
    if kind == "copy":
        check(set(step["copy"]) <= COPY_KEYS, where, f"copy: {set(step['copy']) - COPY_KEYS}")
        check("columns" in step["copy"], where, "copy without columns")
    if kind == "s3":
        check(set(step["s3"]) <= S3_KEYS, where, f"s3: {set(step['s3']) - S3_KEYS}")
    return step


def read_probe(area, data, where):
    check(set(data) <= PROBE_KEYS, where, f"unknown words {set(data) - PROBE_KEYS}")
    for name in ("number", "question", "choice", "answer"):
        check(data.get(name), where, f"no {name}")
    check(bool(data.get("step")) != bool(data.get("manual")), where, "steps or manual, one of them")
    answers = data["answer"]
    for entry in answers:
        check(set(entry) <= ANSWER_KEYS, where, f"answer: {set(entry) - ANSWER_KEYS}")
        check(("text" in entry) + ("like" in entry) == 1 or data.get("manual"), where,
              "an answer is text or like")
        check(entry.get("means"), where, "an answer that means nothing")
        check(bool(entry.get("chosen")) != bool(entry.get("change")), where,
              "an answer is as chosen or says what to change")
        if "like" in entry:
            re.compile(entry["like"])
    check(any(e.get("chosen") for e in answers), where, "no answer is the chosen one")
    check(data.get("manual") or len(answers) > 1, where, "nothing could come out otherwise")
    sandbox = data.get("sandbox", {})
    check(not sandbox or set(sandbox) == {"like", "why"}, where, "sandbox: like and why")
    return Probe(area, data["number"], data["question"], data["choice"],
                 [read_step(s, where) for s in data.get("step", [])], data.get("manual", ""),
                 answers, data.get("setup", []), data.get("timeout_s", TIMEOUT_S),
                 data.get("since", ""), data.get("note", ""), sandbox)


def read(folder=FOLDER):
    """[(title, [Probe])] in the order of the files' `order`. Raises ValueError with the place."""
    areas, seen = [], {}
    for path in sorted(folder.glob("*.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        check(set(data) == FILE_KEYS, path.name, "a file holds title, order and probe")
        found = []
        for entry in data["probe"]:
            where = f"{path.name}, probe {entry.get('number')}"
            probe = read_probe(path.stem, entry, where)
            check(probe.number not in seen, where, f"a number that {seen.get(probe.number)} uses")
            seen[probe.number] = path.name
            found.append(probe)
        areas.append((data["order"], data["title"], found))
    return [(title, found) for _, title, found in sorted(areas, key=lambda a: a[0])]
