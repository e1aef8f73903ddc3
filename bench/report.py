"""What a run of the benchmark found, on the screen and between the marks of docs/performance.md.

  bench/report.py    takes no measure: the page's tables that are older than the method say so
"""
import dataclasses
import datetime
import os
import pathlib
import re
import subprocess

import method
import scale
from data import FOUR
from house import vesto_version
from lines import spread

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "performance.md"
# Each with the words that stand over its table.
MEASURES = {
    "wall": "Wall: one reader until staged, beside the server alone",
    "select": "What the casts cost: the SELECT that Vesto sends beside a plain COPY",
    "expert": "Wall: two readers until staged, beside an expert's two pipelines",
    "cpu": "CPU until staged, guards on, beside psql and a compressor",
    "guards": "CPU of the guards",
    "memory": "Peak memory",
    "statements": "Statements and commits",
    "connections": "A sync with nothing new",
    "tiny": "Many tiny tables",
    "start": "Starts",
    "change": "One row in a hundred has changed",
    "sandbox": "The sandbox itself",
}


@dataclasses.dataclass
class Result:
    lines: list
    command: str
    seconds: float
    facts: dict  # for scale.py
    failed: list = dataclasses.field(default_factory=list)  # (measures, what was not measured)


def first_line(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "not there"
    return (done.stdout or done.stderr or "no answer").strip().splitlines()[0]


def machine():
    model = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    zstd = re.search(r"v([0-9.]+)", first_line("zstd", "--version"))
    return (f"{os.cpu_count()} CPUs ({model.group(1) if model else 'unknown'}), "
            f"{int(memory.group(1)) / (1 << 20):.0f} GiB, "
            f"{first_line('psql', '--version')}, {vesto_version()}, "
            f"zstd {zstd.group(1) if zstd else 'of unknown version'}, "
            f"{first_line('igzip', '--version')}")


def unit(line, text):
    return f"{text} {line.unit}".strip()


def cells(line):
    quiet = ""
    if line.quiet is not None:
        quiet = f"{spread(line.quiet)} ({len(line.quiet)})" if line.quiet else "none"
    bars = ["" if bar is None else f"{bar:g}" for bar in (line.must, line.aim)]
    return [line.case + (f" ({line.note})" if line.note else ""),
            unit(line, spread(line.values)), quiet, *bars, line.verdict()]


HEAD = ["what", "median [range]", "quiet pairs", "must be at most", "aim", ""]


def row(texts):
    return "| " + " | ".join(text.replace("|", "\\|") for text in texts) + " |"


OTHERS = "the others"


def table_of(text):
    """Of a row of the page, or the case of a line: which of the four tables it tells of."""
    case = text.removeprefix("| ")
    return next((name for name in FOUR if case.startswith((f"{name},", f"{name}:"))), OTHERS)


@dataclasses.dataclass
class Part:
    """What the page says of one table by one measure."""
    rows: list
    stamp: str


def parts_of(text):
    """{table: Part} of what stands between two marks."""
    body = text.split("\n\n" + method.HEAD)[0]
    stamps = {name: stamp for names, stamp in method.stamps(body) for name in names or
              (*FOUR, OTHERS)}
    parts = {}
    for line in (one for one in body.split("\n")[2:] if one.startswith("| ")):
        name = table_of(line)
        parts.setdefault(name, Part([], stamps.get(name, ""))).rows.append(line)
    return parts


def page_text(parts):
    """The table, and below it each stamp, with the names of its rows where there are several."""
    named = [(name, parts[name]) for name in (*FOUR, OTHERS) if name in parts]
    stamps = {}
    for name, part in named:
        stamps.setdefault(part.stamp, []).append(name)
    rows = [row(HEAD), row(["---"] * len(HEAD)), *(line for _, part in named for line in part.rows)]
    below = [stamp if len(stamps) == 1 else f"{', '.join(names)}: {stamp}"
             for stamp, names in stamps.items()]
    return "\n\n".join(["\n".join(rows), *below])


def of(result, measure):
    return [line for line in result.lines if line.measure == measure]


def as_text(result):
    parts = []
    for measure, words in MEASURES.items():
        if of(result, measure):
            parts.append(f"\n{words} (--only {measure})")
            parts += ["  " + "; ".join(f"{head}: {cell}" if head else cell for head, cell in
                                       zip(["", *HEAD[1:]], cells(line)) if cell)
                      for line in of(result, measure)]
    parts.append(f"\n{result.command}: {result.seconds:.0f} s; parity of every timed run")
    return "\n".join(parts)


def rounds_text(lines):
    """'7 rounds', or '3 to 7 rounds' where lines differ."""
    low, high = min(line.rounds for line in lines), max(line.rounds for line in lines)
    return f"{low} to {high} rounds" if low != high else f"{low} round{'s' * (low != 1)}"


def failures(result, measure):
    """' Failed, and not in it: hits.', or nothing. Why it did is no matter of the page."""
    what = [words for measures, words in result.failed if measure in measures]
    return f" **Failed, and not in it: {'; '.join(what)}.**" if what else ""


def stamp(result, measure):
    """What made it, and when that began: method.py reads it."""
    began = (datetime.datetime.now(datetime.timezone.utc) -
             datetime.timedelta(seconds=result.seconds))
    rounds = f"{rounds_text(of(result, measure))}, " if of(result, measure) else ""
    return (f"`{result.command}`, {began:%Y-%m-%d %H:%M} UTC, {rounds}"
            f"{result.seconds / 60:.0f} minutes; "
            f"load of the last 15 minutes {os.getloadavg()[2]:.1f}."
            f"{failures(result, measure)}")


def marks(page, name):
    begin, end = f"<!-- bench: {name} -->", f"<!-- end: {name} -->"
    if begin not in page or end not in page:
        raise SystemExit(f"{PAGE} has no marks {begin} {end}")
    return begin, end


def must_be_writable():
    """What write() needs, asked for before an hour of work and not after it."""
    machine()
    for name in (*MEASURES, "scale", "machine", "before"):
        marks(PAGE.read_text(), name)


def put(page, name, text):
    """The page with `text` between the marks of that name."""
    begin, end = marks(page, name)
    head, rest = page.split(begin, 1)
    return f"{head}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}"


def between(page, name):
    begin, end = marks(page, name)
    return page.split(begin, 1)[1].split(end, 1)[0].strip("\n")


def with_notes(page):
    """The page, of whose tables those that are older than the method say so, and the head too."""
    old = []
    for name in (*MEASURES, "scale"):
        text = between(page, name)
        page = put(page, name, method.with_note(name, text))
        old += [name] if method.is_old(name, text) else []
    return put(page, "before", method.overview(old))


def not_new(result):
    """The tables of the page that write() leaves as they are."""
    old = [f"the table of `{measure}`" for measure in MEASURES if not of(result, measure)]
    return old + ([] if scale.is_complete(result.facts) else ["the tables of Scale on paper"])


def write(result):
    """Replaces the rows of each table that a measure was taken of; the others stay as they are,
    with the stamp that they have."""
    page = PAGE.read_text()
    for measure in MEASURES:
        new, made_by = {}, stamp(result, measure)
        for line in of(result, measure):
            new.setdefault(table_of(line.case), Part([], made_by)).rows.append(row(cells(line)))
        if new:
            page = put(page, measure, page_text(parts_of(between(page, measure)) | new))
    if scale.is_complete(result.facts):
        page = put(page, "scale", f"{scale.text(result.facts)}\n\n{stamp(result, 'scale')}")
    text = with_notes(put(page, "machine", f"The last of them ran on {machine()}."))
    fresh = PAGE.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(PAGE)


if __name__ == "__main__":
    PAGE.write_text(with_notes(PAGE.read_text()))
