"""vesto help CHECK: every check of every kind of set-up is explained, and what is said is so."""
import ast
import importlib.util
import json
import re
import sys
from unittest import mock

from conftest import CONFIG, ROOT, destination

# With the destination and the source of conftest every way to be set up that a graph knows.
MORE = (destination("serverless", "by_google") + destination("attached_role", "by_role") +
        re.sub(r"(?m)^(role_arn|external_id) = .*\n", "", destination("attached_role", "by_chain"))) + """
[source.socket]
kind = "postgres"
host = "/run/postgresql"
database = "shop"
user = "reader"
[source.encrypted]
kind = "postgres"
host = "127.0.0.1"
database = "shop"
user = "reader"
sslmode = "verify-full"
[source.tunnel]
kind = "postgres"
host = "127.0.0.1"
database = "shop"
user = "reader"
sslmode = "require"
[source.tunnel.ssh]
host = "b"
user = "u"
"""
LISTS = [("doctor",), *(("destination", "test", name)
                        for name in ("rs", "by_google", "by_role", "by_chain")),
         *(("source", "test", name) for name in ("pg", "socket", "encrypted", "tunnel"))]


def explained(vesto, check):
    done = vesto("help", check, "--json")
    assert done.returncode == 0, (check, done.stderr)
    return json.loads(done.stdout)


def listed(vesto):
    """Every check of these set-ups, with all that it needs in any of them."""
    vesto.configure()
    vesto.write("vesto.toml", CONFIG.format(port=1) + MORE)
    needs = {}
    for line in LISTS:
        done = vesto(*line, "--list", "--json")
        assert done.returncode == 0, (line, done.stderr)
        for check in json.loads(done.stdout)["checks"]:
            needs.setdefault(check["id"], set()).update(check["needs"])
    return needs


def test_every_check_is_explained(vesto):
    needs = listed(vesto)
    assert len(needs) > 40
    for check, needed in needs.items():
        told = explained(vesto, check)
        assert told["schema"] == "vesto.check_help/1" and told["asks"]
        assert needed == set(told["needs"]), (check, needed, told["needs"])
    overview = json.loads(vesto("help", "--json").stdout)
    assert set(needs) == set(overview["checks"])
    text = vesto("help").stdout
    assert all(re.search(rf"\b{re.escape(check)}\b", text) for check in overview["checks"])


def test_codes_and_parts_are_real(vesto):
    overview = json.loads(vesto("help", "--json").stdout)
    part_ids = vesto("destination", "kit", "--help").stdout
    for check in overview["checks"]:
        told = explained(vesto, check)
        assert told["codes"], check
        assert set(told["codes"]) <= set(overview["error_codes"]), check
        assert set(told["needs"]) <= set(overview["checks"]), check
        assert all(re.search(rf"\b{part}\b", part_ids) for part in told["kit"]), check


def test_what_the_proof_saw_is_told(vesto):
    """Codes that a piece taken away gave stand with their checks, and so does the part it is of."""
    rows = 0
    for line in (ROOT / "docs" / "setup-proof.md").read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) < 6 or not re.fullmatch(r"[A-Z0-9]+(-[A-Z0-9]+)+", cells[4]) or "," in cells[3]:
            continue
        told = explained(vesto, cells[3])
        assert cells[4] in told["codes"], line
        rows += 1
    assert rows > 20


def rows_of_the_diagnosis():
    """Its table alone: what provokes the rows is not needed here."""
    path = ROOT / "tests" / "diagnosis" / "rows.py"
    spec = importlib.util.spec_from_file_location("rows_of_the_diagnosis", path)
    module = importlib.util.module_from_spec(spec)
    others = {name: mock.MagicMock() for name in ("bench", "fakes", "network_faults")}
    with mock.patch.dict(sys.modules, {**others, spec.name: module}):
        spec.loader.exec_module(module)
    return {(check, row.code) for row in module.ROWS if row.check for check in row.check.split("|")}


def faults_of_set_ups():
    out = set()
    tree = ast.parse((ROOT / "tests" / "setup" / "faults.py").read_text())
    for call in (one for one in ast.walk(tree) if isinstance(one, ast.Call)):
        if getattr(call.func, "id", "") == "fault" and len(call.args) == 2:
            for check, codes in ast.literal_eval(call.args[1]).items():
                out |= {(check, code) for code in codes.split("|")}
    return out


def test_what_other_tests_provoke_is_told(vesto):
    """Every check and code of the diagnosis table and of the faults of set-ups."""
    rows, faults = rows_of_the_diagnosis(), faults_of_set_ups()
    assert len(rows) > 50 and len(faults) > 20
    checks = {check for check, _ in rows | faults}
    told = {check: explained(vesto, check)["codes"] for check in checks}
    assert not [pair for pair in sorted(rows | faults) if pair[1] not in told[pair[0]]]
    assert "S3-VERSIONED" in told["s3.put"] and "S3-VERSIONED" not in told["s3.bucket"]


def test_as_text(vesto):
    text = vesto("help", "redshift.temp").stdout
    assert "Red with: RS-PRIV-TEMP" in text and "vesto destination kit NAME --part sql" in text
    assert "vesto destination test NAME --only redshift.temp" in text
    wrong = vesto("help", "redshift.tmep")
    assert wrong.returncode == 2 and 'did you mean "redshift.temp"?' in wrong.stderr
