"""Usage, help, version, generated pages."""
import json
import re
import subprocess

import pytest
from conftest import ROOT, VESTO


@pytest.mark.parametrize("arguments, first_line", [
    (["statsu"], 'Error USAGE: "statsu" is not a command; did you mean "status"?'),
    (["run", "x", "--ful-refresh"],
     'Error USAGE: "--ful-refresh" is not a flag of vesto run; did you mean "--full-refresh"?'),
    (["run"], "Error USAGE: SYNC is required."),
    (["config"], "Error USAGE: vesto config needs one of: check, show."),
    (["run", "a", "b"], 'Error USAGE: "b" is one argument too many of vesto run.'),
    (["history", "--limit", "-1"], None),
    (["history", "--limit", "9999999999999999999999"], None),
    (["help", "RS-OWNR"], 'Error USAGE: "RS-OWNR" is neither an error code, a check nor a command; '
                          'did you mean "RS-OWNER"?'),
    (["--config"], None),
    (["-x"], 'Error USAGE: "-x" is not a flag.'),
    (["--config", "status"],
     'Error USAGE: "status" was taken as the value of --config, so there is no command.'),
    (["identity"], "Error USAGE: vesto identity needs one of: show."),
    (["identity", "shwo"],
     'Error USAGE: "shwo" is not a command of vesto identity; did you mean "show"?'),
    (["identity", "show", "a", "b"],
     'Error USAGE: "b" is one argument too many of vesto identity show.'),
    (["run", "x", "--sql"], "Error USAGE: --sql requires --dry-run."),
])
def test_usage_errors(vesto, arguments, first_line):
    done = vesto(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert lines[0].startswith("Error USAGE: ")
    if first_line:
        assert lines[0] == first_line
    assert lines[1].startswith("  Example: vesto ")
    assert lines[2].startswith("  More: vesto ")


def test_help_texts(vesto):
    done = vesto("--help")
    assert done.returncode == 0 and done.stderr == ""
    for word in ("run", "status", "history", "show", "source", "sync", "config", "identity", "init", "help",
                 "version", "--config", "--data", "--json", "--no-color", "--no-progress"):
        assert word in done.stdout
    assert vesto("help").stdout.startswith(done.stdout)
    assert vesto("help", "sync", "plan").stdout == vesto("sync", "plan", "--help").stdout
    assert "Usage: vesto sync plan" in vesto("help", "sync", "plan").stdout


def test_help_of_identity_show(vesto):
    done = vesto("identity", "show", "--help")
    assert done.returncode == 0 and done.stderr == ""
    assert "Usage: vesto identity show" in done.stdout and "DESTINATION" in done.stdout
    assert "what goes into a trust policy" in done.stdout
    assert vesto("help", "identity", "show").stdout == done.stdout
    assert "vesto identity show" in vesto("identity").stderr


def test_identity_of_a_destination_that_is_not_there(vesto):
    vesto.configure()
    done = vesto("identity", "show", "rz")
    assert done.returncode == 3 and done.stdout == ""
    assert "CFG-NO-OBJECT" in done.stderr and '"rs"' in done.stderr
    data = json.loads(vesto("identity", "show", "rz", "--json").stdout)
    assert data["error"]["code"] == "CFG-NO-OBJECT"


def test_error_codes_are_explained(vesto):
    done = vesto("help", "rs-owner")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout.startswith("RS-OWNER  The table belongs to another user\n")
    assert "Causes, the most frequent first:" in done.stdout
    entry = json.loads(vesto("help", "RS-OWNER", "--json").stdout)
    assert entry["code"] == "RS-OWNER" and entry["retry"] == "after_fix" and entry["causes"]


def test_every_code_can_be_looked_up_and_reads_well(vesto):
    text = (ROOT / "src/base/error_catalog.def").read_text()
    codes = re.findall(r'^VESTO_ERROR\(\w+, "([A-Z0-9-]+)"', text, re.M)
    assert len(codes) > 50 and len(set(codes)) == len(codes)
    page = vesto("help", "--all-markdown").stdout
    for code in codes:
        assert f"\n## {code}\n" in page
    # The words of others, by which a cause is recognised, are not ours to choose.
    page = re.sub(r" \([a-z0-9:-]+: .*\)", "", page)
    for word in ("sorry", "invalid", "oops", "something went wrong"):
        assert not re.search(rf"\b{word}\b", page, re.I), word


@pytest.mark.parametrize("flag, page", [("--all-markdown", "errors.md"),
                                        ("--settings-markdown", "settings.md")])
def test_generated_pages_are_up_to_date(vesto, flag, page):
    done = vesto("help", flag)
    assert done.returncode == 0
    assert (ROOT / "docs" / page).read_text() == done.stdout, f"make it: vesto help {flag}"


def test_version(vesto):
    done = vesto("version")
    assert re.fullmatch(r"vesto \d+\.\d+\.\d+\n", done.stdout) and done.returncode == 0
    assert vesto("--version").stdout == done.stdout
    assert json.loads(vesto("version", "--json").stdout)["version"] == done.stdout.split()[1]


def test_a_reader_that_goes_away_is_no_crash(vesto):
    process = vesto.start("help", "--all-markdown")
    process.stdout.close()
    process.stderr.read()
    assert process.wait(30) == 0


@pytest.mark.parametrize("arguments", [["statsu"], ["config"], ["help", "RS-OWNR"], ["show"],
                                       ["run"], ["run", "x", "--sql"], ["--bogus"]])
def test_usage_errors_as_json(vesto, arguments):
    """Who reads stdout as JSON never finds it empty."""
    done = vesto(*arguments, "--json")
    data = json.loads(done.stdout)
    assert done.returncode == 2 and data["error"]["code"] == "USAGE"
    assert data.get("type") == ("run.finished" if arguments[0] == "run" else None)
    assert done.stderr.startswith("Error USAGE: ")


def test_a_variable_that_says_neither_yes_nor_no(vesto):
    done = vesto("version", environment={"VESTO_JSON": "banana"})
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines()[0] == \
        'Error USAGE: the variable VESTO_JSON is "banana"; it takes true or false.'
    for value in ("1", "true", "ON"):
        assert vesto("version", environment={"VESTO_JSON": value}).stdout.startswith("{")
    for value in ("0", "false", ""):
        assert vesto("version", environment={"VESTO_JSON": value}).stdout.startswith("vesto ")


def test_every_json_answer_names_its_schema(vesto):
    assert json.loads(vesto("init", "--json").stdout) == \
        {"schema": "vesto.init/1", "file": "vesto.toml"}
    for command, schema in ((["help"], "help"), (["help", "run"], "help"),
                            (["help", "RS-OWNER"], "error"), (["version"], "version"),
                            (["status"], "status"), (["history"], "history"), ([], "status"),
                            (["config", "show"], "config"),
                            (["config", "check"], "config-check")):
        data = json.loads(vesto(*command, "--json").stdout)
        assert data["schema"] == f"vesto.{schema}/1", command
    assert "run" in json.loads(vesto("help", "--json").stdout)["commands"]


def test_output_that_cannot_be_written(vesto):
    """A full disk behind stdout is an error; a reader that has gone is none."""
    vesto.configure()
    for command in (["status"], ["help"], ["--help"], ["version", "--json"]):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([str(VESTO), *command], cwd=vesto.folder, stdout=full,
                                  stderr=subprocess.PIPE, text=True, env=vesto.environment,
                                  timeout=60)
        assert done.returncode == 3, command
        assert "Error SYS-OUTPUT: the output could not be written: No space left" in done.stderr
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(VESTO), "run", "shop", "--json"], cwd=vesto.folder, stdout=full,
                              stderr=subprocess.PIPE, text=True, env=vesto.environment, timeout=60)
    # The run's own code stays.
    assert done.returncode == 5 and "SYS-OUTPUT" in done.stderr
