"""vesto help CHECK: every check of every kind of set-up is explained, and what is said is so."""
import json
import re

from conftest import CONFIG, ROOT

MORE = """
[destination.g]
kind = "redshift-serverless"
endpoint = "analytics.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439/dev"
schema = "s"
[destination.g.auth]
role_arn = "arn:aws:iam::123456789012:role/x"
audience = "a"
[destination.g.staging]
bucket = "bbb"
prefix = "p/"
[destination.g.ssh]
host = "b"
user = "u"
[destination.a]
kind = "redshift"
endpoint = "shop.abc.eu-west-1.redshift.amazonaws.com:5439/dev"
schema = "a"
[destination.a.auth]
identity = "aws"
[destination.a.staging]
bucket = "aaa"
[source.t]
kind = "postgres"
host = "127.0.0.1"
database = "shop"
user = "reader"
password = { env = "PW" }
[source.t.ssh]
host = "b"
user = "u"
"""


def explained(vesto, check):
    done = vesto("help", check, "--json")
    assert done.returncode == 0, (check, done.stderr)
    return json.loads(done.stdout)


def listed(vesto):
    """Every check of these set-ups, with all that it needs in any of them."""
    vesto.configure()
    vesto.write("vesto.toml", CONFIG.format(port=1) + MORE)
    needs = {}
    for line in (("doctor",), ("destination", "test", "rs"), ("destination", "test", "g"),
                 ("destination", "test", "a"), ("source", "test", "pg"), ("source", "test", "t")):
        for check in json.loads(vesto(*line, "--list", "--json").stdout)["checks"]:
            needs.setdefault(check["id"], set()).update(check["needs"])
    return needs


def test_every_check_is_explained(vesto):
    needs = listed(vesto)
    assert len(needs) > 40
    for check, needed in needs.items():
        told = explained(vesto, check)
        assert told["schema"] == "vesto.check_help/1" and told["asks"]
        assert needed <= set(told["needs"]), (check, needed, told["needs"])
    overview = json.loads(vesto("help", "--json").stdout)
    assert set(needs) <= set(overview["checks"])
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


def test_as_text(vesto):
    text = vesto("help", "redshift.temp").stdout
    assert "Red with: RS-PRIV-TEMP" in text and "vesto destination kit NAME --part sql" in text
    assert "vesto destination test NAME --only redshift.temp" in text
    wrong = vesto("help", "redshift.tmep")
    assert wrong.returncode == 2 and 'did you mean "redshift.temp"?' in wrong.stderr
