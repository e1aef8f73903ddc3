"""destination endpoint, destination list, destination show: nothing is dialled."""
import json
import subprocess

import pytest
from conftest import CONFIG, SECRETS, VESTO

CLUSTER = "shop.abc123.eu-west-1.redshift.amazonaws.com"

UNDERSTOOD = f"""\
Understood: cluster shop in eu-west-1, host {CLUSTER}, port 5439, database dev
  kind       provisioned cluster (redshift)
  host       {CLUSTER}
  port       5439
  database   dev
  region     eu-west-1
  account    not known
  cluster    shop
Notes
  A password or key was left out, with its user: they go into auth. Whoever has seen this text knows it.
In vesto.toml
  kind = "redshift"
  endpoint = "{CLUSTER}:5439/dev"
"""

ASKED = """\
Understood: warehouse of unknown kind, host wh.example.com, port 5439, database not known
  kind       not known
  host       wh.example.com
  port       5439 (usual)
  database   not known
  region     not known
  account    not known
  warehouse  not known
To be asked
  Which database? A new warehouse has one that is called dev.
  Is it a provisioned cluster (redshift) or a Serverless workgroup (redshift-serverless)?
  In which AWS region is it?
  What is the cluster's identifier, or the workgroup's name?
"""


def from_stdin(vesto, text, *more):
    return subprocess.run([str(VESTO), "destination", "endpoint", "-", *more], cwd=vesto.folder,
                          input=text, capture_output=True, timeout=60, env=vesto.environment,
                          check=False)


def test_what_a_pasted_endpoint_means(vesto):
    text = f"jdbc:redshift://{CLUSTER}:5439/dev?user=u&password=hunter2"
    done = vesto("destination", "endpoint", text)
    assert (done.returncode, done.stderr, done.stdout) == (0, "", UNDERSTOOD)
    assert from_stdin(vesto, f" {text}\n".encode()).stdout.decode() == UNDERSTOOD


def test_what_must_be_asked(vesto):
    done = vesto("destination", "endpoint", "wh.example.com")
    assert (done.returncode, done.stderr, done.stdout) == (0, "", ASKED)


def test_endpoint_as_json(vesto):
    done = vesto("destination", "endpoint", f"redshift://u:hunter2@{CLUSTER}", "--json")
    data = json.loads(done.stdout)
    assert done.returncode == 0 and "hunter2" not in done.stdout
    assert data == {
        "schema": "vesto.destination-endpoint/1",
        "understood": f"cluster shop in eu-west-1, host {CLUSTER}, port 5439, database not known",
        "kind": "redshift", "host": CLUSTER, "port": 5439, "port_given": False, "database": "",
        "vpc_endpoint": False, "account": "", "region": "eu-west-1", "warehouse": "shop",
        "asks": [{"setting": "database",
                  "question": "Which database? A new warehouse has one that is called dev."}],
        "notes": ["A password or key was left out, with its user: they go into auth. Whoever has "
                  "seen this text knows it."]}


def test_words_without_quotes_are_one_text(vesto):
    done = vesto("destination", "endpoint", f"host={CLUSTER}", "port=5440", "dbname=dev", "--json")
    data = json.loads(done.stdout)
    assert (data["host"], data["port"], data["database"]) == (CLUSTER, 5440, "dev")


@pytest.mark.parametrize("text, words", [
    (f"{CLUSTER}:0/dev", "the port must be a number from 1 to 65535"),
    ("shop.abc123.eu-west-1.rds.amazonaws.com:5432/hunter2", "Amazon RDS or Aurora"),
    ("redshift://u:p/hunter2@h/dev", "an @ stands behind the host"),
    ("", "it is empty"),
])
def test_what_is_no_endpoint(vesto, text, words):
    done = vesto("destination", "endpoint", text)
    assert done.returncode == 3
    assert done.stdout == "" and words in done.stderr and "hunter2" not in done.stderr
    assert done.stderr.startswith("Error CFG-VALUE: ")
    data = json.loads(vesto("destination", "endpoint", text, "--json").stdout)
    assert data["error"]["code"] == "CFG-VALUE"


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"\x00" * 100, b"a" * 70_000, b""])
def test_hostile_stdin(vesto, data):
    done = from_stdin(vesto, data)
    assert done.returncode == 3 and done.stdout == b"" and b"CFG-VALUE" in done.stderr


def test_text_is_needed(vesto):
    done = vesto("destination", "endpoint")
    assert done.returncode == 2 and "TEXT is required" in done.stderr
    assert vesto("destination").stderr.startswith(
        "Error USAGE: vesto destination needs one of: endpoint, list, show, test, kit, add, "
        "remove.")


def test_list(vesto):
    vesto.configure()
    done = vesto("destination", "list")
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout == (
        "DESTINATION  KIND      HOST       PORT  DATABASE  SCHEMA  STAGING\n"
        "rs           redshift  localhost  1     dev       shop    s3://staging/vesto/\n")
    data = json.loads(vesto("destination", "list", "--json").stdout)
    assert data["schema"] == "vesto.destination-list/1"
    assert data["destinations"] == [{
        "name": "rs", "kind": "redshift", "host": "localhost", "port": 1, "port_given": True,
        "database": "dev", "vpc_endpoint": False, "account": "", "target_schema": "shop",
        "staging": "s3://staging/vesto/"}]


def test_show(vesto):
    """Also without a secret: none is read."""
    vesto.configure()
    (vesto.folder / "sk").unlink()
    done = vesto("destination", "show", "rs", environment={"VESTO_TEST_PASSWORD": ""})
    assert done.returncode == 0 and done.stderr == ""
    assert done.stdout == """\
rs: cluster, host localhost, port 1, database dev
  kind       provisioned cluster (redshift)
  host       localhost
  port       1
  database   dev
  schema     shop
  region     not known
  account    not known
  cluster    not known
  login      by password, user loader
  identity   access_key
  COPY       static_keys
  staging    s3://staging/vesto/, region eu-west-1, at http://127.0.0.1:1
"""
    shown = vesto("destination", "show", "rs", "--json").stdout
    data = json.loads(shown)
    assert data["login"] == {"method": "password", "user": "loader", "db_user": ""}
    assert data["staging"]["bucket"] == "staging" and data["copy"] == "static_keys"
    for secret in SECRETS.values():
        assert secret not in shown + done.stdout


def test_show_of_a_pasted_endpoint(vesto):
    vesto.configure()
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text.replace(
        '"localhost:1/dev"',
        f"'jdbc:redshift:iam://{CLUSTER}:15439/dev?ssl=true&loginTimeout=3'"))
    assert vesto("config", "check").stdout.endswith("no problems found.\n")
    data = json.loads(vesto("destination", "show", "rs", "--json").stdout)
    assert (data["host"], data["port"], data["region"], data["warehouse"]) == (
        CLUSTER, 15439, "eu-west-1", "shop")
    assert len(data["notes"]) == 2


def test_show_knows_the_account_by_the_role(vesto):
    """A temporary login is given only by the warehouse's own account; a password says nothing of it."""
    vesto.write("vesto.toml", f"""version = 1
[destination.rs]
kind = "redshift"
endpoint = "{CLUSTER}:5439/dev"
schema = "shop"
[destination.rs.staging]
bucket = "stage"
[destination.rs.auth]
role_arn = "arn:aws:iam::123456789012:role/loader"
audience = "vesto-rs"
""")
    shown = vesto("destination", "show", "rs")
    assert "  account    123456789012\n" in shown.stdout, shown.stderr
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text + 'method = "password"\nuser = "u"\npassword = { env = "P" }\n')
    assert "  account    not known\n" in vesto("destination", "show", "rs").stdout


def test_show_of_one_that_is_not_there(vesto):
    vesto.configure()
    done = vesto("destination", "show", "rz")
    assert done.returncode == 3 and done.stdout == ""
    assert "CFG-NO-OBJECT" in done.stderr and '"rs"' in done.stderr


def test_a_password_in_the_endpoint_of_a_file(vesto):
    vesto.configure()
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text.replace("localhost:1/dev", "u:hunter2@localhost:1/dev"))
    for line in (["config", "check"], ["config", "show"], ["destination", "show", "rs"]):
        done = vesto(*line)
        assert done.returncode == 3 and "CFG-SECRET-PLAIN" in done.stderr
        assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_redact_before_there_is_a_report(vesto, more):
    """An error that ends a test before its first check goes into the ticket, too."""
    text = CONFIG.format(port=1).replace("destination.rs", "destination.acmewarehouse").replace(
        '"rs"', '"acmewarehouse"').replace("localhost:1/dev", "shopcluster.example.com:1/acmedata")
    names = ("acmewarehous", "shopcluster", "acmedata", "public.orders", str(vesto.folder))
    for broken, code in ((text, "CFG-NO-OBJECT"),
                         (text.replace('schema = "shop"', 'schema = "shop"\nbukcet = "x"'), "CFG-"),
                         (text.replace("version = 1", "version = 1\n[destination.acmewarehouse2\n"), "CFG-SYNTAX")):
        vesto.write("vesto.toml", broken)
        for command in (("destination", "test", "acmewarehous"), ("source", "test", "acmewarehous")):
            done = vesto(*command, "--redact", *more)
            assert done.returncode == 3 and code in done.stdout + done.stderr, done.stderr
            for name in names:
                assert name not in done.stdout + done.stderr, (name, done.stdout, done.stderr)
    assert "acmewarehous" in vesto("destination", "test", "acmewarehous").stderr
