"""vesto help CHECK: every check of every kind of set-up is explained, and what is said is so."""
import json
import re

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


def test_as_text(vesto):
    text = vesto("help", "redshift.temp").stdout
    assert "Red with: RS-PRIV-TEMP" in text and "vesto destination kit NAME --part sql" in text
    assert "vesto destination test NAME --only redshift.temp" in text
    wrong = vesto("help", "redshift.tmep")
    assert wrong.returncode == 2 and 'did you mean "redshift.temp"?' in wrong.stderr
