"""2,000 hostile CSV files through the sandbox's COPY and through a second reading of Redshift's
rules (reading.py): the same rows, the same rejects.

VESTO_DIFF_FILES: more files (`make soak`); VESTO_DIFF_SEED: others. A difference prints the case's
seed: VESTO_DIFF_SEED=<it> VESTO_DIFF_FILES=1 runs that one alone.
"""
import collections
import os

import generator
import reading
import through_copy

FILES = int(os.environ.get("VESTO_DIFF_FILES",
                           "50000" if os.environ.get("VESTO_SOAK") else "2000"))
FIRST_SEED = int(os.environ.get("VESTO_DIFF_SEED", "0"))
MAX_SHOWN = 10


def read_case(case):
    """(rows of all files, {(file, line): faults})"""
    rows, rejects = [], {}
    for number, data in enumerate(case.files):
        loaded, refused = reading.read_file(data, case.columns, case.options)
        rows += loaded
        rejects.update({(number, line): faults for line, faults in refused})
    return rows, rejects


def compare_rejects(case, want, got, whole):
    """What differs, as texts. whole: the COPY has read all files to their end."""
    out = []
    seen = {}
    for number, line, column, code, reason in got:
        faults = want.get((number, line))
        if (number, line) in seen:
            out.append(f"file {number} line {line} is rejected twice")
        seen[(number, line)] = code
        if faults is None:
            out.append(f"file {number} line {line}: only COPY rejects it: {column} {code} {reason}")
        elif (column, code) not in faults:
            out.append(f"file {number} line {line}: COPY says {column} {code} {reason}, "
                       f"the reading {sorted(faults, key=str)}")
    if whole:
        out += [f"file {number} line {line}: only the reading rejects it: {sorted(faults, key=str)}"
                for (number, line), faults in want.items() if (number, line) not in seen]
    return out


def compare(case, outcome):
    rows, rejects = read_case(case)
    limit = max(case.max_error, 1)
    if len(rejects) >= limit:
        out = compare_rejects(case, rejects, outcome.rejects, whole=False)
        if outcome.error is None or "Load into table 't' failed" not in outcome.error:
            out.append(f"{len(rejects)} rejects, MAXERROR {case.max_error}: no failure, but "
                       f"{outcome.error}")
        if len(outcome.rejects) != limit:
            out.append(f"{len(outcome.rejects)} rejects are told, MAXERROR {case.max_error}")
        if outcome.rows:
            out.append("a COPY that failed has left rows")
        return out
    if outcome.error is not None:
        return [f"COPY failed: {outcome.error}"]
    out = compare_rejects(case, rejects, outcome.rejects, whole=True)
    ours, theirs = collections.Counter(rows), collections.Counter(outcome.rows)
    if ours != theirs:
        out.append(f"rows: only the reading has {list((ours - theirs).items())[:2]}, "
                   f"only COPY has {list((theirs - ours).items())[:2]}")
    return out


class Tally:
    """What the files showed: a differential over nothing proves nothing."""

    def __init__(self):
        self.counts = collections.Counter()

    def add(self, case, outcome):
        self.counts["files"] += len(case.files)
        self.counts["rows"] += len(outcome.rows)
        self.counts["rejects"] += len(outcome.rejects)
        self.counts["failed"] += outcome.error is not None
        self.counts.update(f"code {reject[3]}" for reject in outcome.rejects)
        self.counts.update(f"type {column.type}" for column in case.columns)
        self.counts[f"compression {case.compression}"] += 1
        options = case.options
        for name, value in vars(options).items():
            if value != getattr(reading.Options(), name):
                self.counts[f"option {name}"] += 1

    def lacks(self):
        wanted = {"rows": 4000, "rejects": 3000, "failed": 20}
        wanted.update({f"type {name}": 20 for name in reading.READERS})
        wanted.update({f"option {name}": 20 for name in vars(reading.Options())})
        wanted.update({f"compression {name}": 20 for name in ("", "gzip", "zstd")})
        wanted.update({f"code {code}": 5 for code in (1202, 1204, 1205, 1206, 1207, 1208, 1209,
            1210,
                                                      1211, 1213, 1214, 1218, 1219, 1220, 1224)})
        return {name: self.counts[name] for name, least in wanted.items()
                if self.counts[name] < least}


def show(case):
    columns = ", ".join(through_copy.column_sql(c) for c in case.columns)
    changed = {k: v for k, v in vars(case.options).items() if v != getattr(reading.Options(), k)}
    return f"seed {case.seed}: ({columns}) {changed} {case.compression} MAXERROR {case.max_error}"


def test_the_sandbox_and_a_second_reading_agree(running_sandbox):
    s3 = through_copy.KeptOpen(running_sandbox.endpoints)
    connection = through_copy.connect(running_sandbox.dsn())
    tally = Tally()
    differences = []
    try:
        seed = FIRST_SEED
        while tally.counts["files"] < FILES and len(differences) < MAX_SHOWN:
            case = generator.case(seed)
            outcome = through_copy.run_case(case, connection, s3)
            tally.add(case, outcome)
            found = compare(case, outcome)
            if found:
                differences.append("\n  ".join([show(case), *found[:5]]))
            seed += 1
    finally:
        connection.close()
    print(dict(tally.counts))
    assert differences == [], "\n".join(differences)
    if FILES >= 2000:
        assert tally.lacks() == {}


def test_the_comparison_sees_differences():
    """A value, a row, a line, a column and a code that differ are each seen."""
    case = next(c for c in map(generator.case, range(100))
                if c.max_error == 100000 and len(read_case(c)[0]) > 3 and len(read_case(c)[1]) > 2)
    rows, rejects = read_case(case)
    told = [(number, line, *sorted(faults, key=str)[0], "reason")
            for (number, line), faults in rejects.items()]
    good = through_copy.Outcome(rows, told, None)
    assert compare(case, good) == []
    number, line, column, code, reason = told[0]
    for wrong in ([*told[1:]], [*told, (number, line + 10000, column, code, reason)],
                  [(number, line, "other", code, reason), *told[1:]],
                  [(number, line, column, 1, reason), *told[1:]], [*told, told[0]]):
        assert compare(case, through_copy.Outcome(rows, wrong, None)) != []
    for wrong in (rows[1:], [*rows, rows[0]], [("x",) * len(rows[0]), *rows[1:]]):
        assert compare(case, through_copy.Outcome(wrong, told, None)) != []
    assert compare(case, through_copy.Outcome(rows, told, "a failure")) != []
