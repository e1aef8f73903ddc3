"""The diagnosis table (rows.py): each fault is provoked and known by its own code and cause, in a
check, and where a run meets it too, in a run."""
import concurrent.futures
import os
import re
import shutil

import pytest

from bench import ROOT
from page import page
from rows import PLANNED, ROWS

MADE = [row for row in ROWS if row.how != "named"]
IS_ROOT = os.geteuid() == 0 and shutil.which("unshare") and shutil.which("ip")


def check_of(bench, row):
    with bench.attempt(row.kind) as attempt, row.provoke(attempt):
        errors = attempt.check(row.check) if row.check else {}
        return errors, attempt.run() if row.run else []


def said(error):
    return error["code"], error.get("cause", {}).get("name", "")


@pytest.fixture(scope="session")
def begun(bench):
    """What waits for ten seconds waits beside all else."""
    slow = [row for row in MADE if row.slow and (IS_ROOT or not row.root)]
    for kind in {row.kind for row in slow}:
        bench.cell(kind)
    with concurrent.futures.ThreadPoolExecutor(len(slow)) as pool:
        yield {row.number: pool.submit(check_of, bench, row) for row in slow}


@pytest.mark.parametrize("row", MADE, ids=[row.number for row in MADE])
def test_it_is_known(bench, begun, row):
    if row.root and not IS_ROOT:
        pytest.skip("namespaces need root")
    errors, of_run = (begun[row.number].result() if row.slow else check_of(bench, row))
    expected = (row.code, row.cause)
    if row.check:
        failed = {check: said(error) for check, error in errors.items()
                  if re.fullmatch(row.check.replace(".", r"\."), check)}
        assert set(failed.values()) == {expected}, {c: (said(e), e) for c, e in errors.items()}
    if row.run:
        assert expected in [said(error) for error in of_run], of_run
    for error in [*errors.values(), *of_run]:
        assert error["hint"] and error["message"], error


def test_what_a_person_must_end_is_not_called_passing(bench):
    """The code alone would be repeated; its cause says that repeating never helps."""
    row = next(row for row in ROWS if row.cause == "google-no-account")
    with bench.attempt(row.kind) as attempt, row.provoke(attempt):
        errors = attempt.run()
        assert {e["retry"] for e in errors if said(e) == (row.code, row.cause)} == {"after_fix"}
        assert attempt.exit_code == 4


def test_the_table_is_whole():
    """Every row of the plan stands here, provoked or with the reason; each answer has a cause of
    its own."""
    numbers = {int(re.match(r"\d+", row.number)[0]) for row in ROWS}
    assert numbers == set(range(1, PLANNED + 1))
    made = {int(re.match(r"\d+", row.number)[0]) for row in MADE}
    assert len(made) >= 85, len(made)
    assert all(row.why for row in ROWS if row.how == "named")
    assert len({row.number for row in ROWS}) == len(ROWS)
    causes = [row.cause for row in MADE]
    assert sorted(causes) == sorted(set(causes)), "one cause for two answers"
    assert sum(row.run for row in MADE) >= 36


def test_the_page_is_up_to_date():
    assert (ROOT / "docs" / "diagnosis.md").read_text() == page(), \
        "make it anew: python3 tests/diagnosis/page.py > docs/diagnosis.md"
