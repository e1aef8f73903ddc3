"""A new user follows the guide by copy and paste, from an empty folder to a green test and a first
sync. What is pasted is taken from the page; nothing is put in but what the page asks for."""
import json
import re
import time

import pytest
from pages import read_page
from shell import shown_in

pytest.importorskip("awscli")

LIMIT_S = 300  # what the guide promises; the test ends there
GOOD = ("passed", "warning")


def turned_green(block):
    """The checks that the page says the block before turns green."""
    return re.findall(r"`([a-z0-9_.]+)`", " ".join(re.findall(
        r"^Turns green: (.+(?:\n.+)*)", block.before, re.M)))


def passed(reader):
    """The checks that pass now."""
    report = json.loads(reader.shell.run("vesto destination test acme --wait 0s --json || true"))
    return {c["id"] for c in report["checks"] if c["status"] in GOOD}


def passed_in(printed, reader):
    """The same, read from a report that the page itself has asked for."""
    listed = json.loads(reader.shell.run("vesto destination test acme --list --json"))["checks"]
    good = re.findall(r"^  [✓!] (.+?)(?:  .*)?$", printed, re.M)
    return {c["id"] for c in listed if c["title"] in good}


def follow(reader, page):
    """Pastes the page. Returns how many checks it said would turn green, all of which did."""
    green, printed, claims = None, "", 0
    for block in read_page(page).blocks:
        claimed = turned_green(block)
        if claimed:
            now = passed(reader)
            for check in claimed:
                assert check not in green, f"{block.place}: {check} was green before"
                assert check in now, f"{block.place}: {check} is not green"
            green, claims = now, claims + len(claimed)
        if "not run" in block.marks or "no warehouse" in block.marks:
            continue
        if block.language == "sh":
            printed = reader.paste(block)
            if printed.startswith("Testing destination"):
                green = passed_in(printed, reader)
        elif block.language == "text":
            missing = shown_in(block.text, printed)
            assert missing is None, f"{block.place}: not shown: {missing}\n{printed}"
    return claims


@pytest.mark.parametrize("page, world", [("docs/guide/redshift.md", "provisioned"),
                                         ("docs/guide/serverless.md", "serverless")])
def test_from_an_empty_folder_to_a_first_sync(reader_of, page, world):
    reader = reader_of(world)
    begin = time.monotonic()
    assert follow(reader, page) >= 15
    assert time.monotonic() - begin < LIMIT_S
    assert reader.differences("orders", "customers") == (1040, [])
    report = json.loads(reader.shell.run("vesto destination test acme --json"))
    assert report["ok"] and report["counts"]["failed"] == 0
    left = reader.sandbox.wait_left(objects=0, tables=0, sessions=0)
    assert left["uploads"] == 0
