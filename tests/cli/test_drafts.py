"""Drafts of destinations: kept, shown, taken up, removed; and the way of somebody who has no warehouse
yet. Nothing is dialled."""
import json
import stat
import subprocess

import pytest
from adding import (ACCOUNT, BY_KEY, CLUSTER, WORKGROUP, Terminal, add, by_password, destinations)
from conftest import VESTO


def seal(vesto, name):
    subprocess.run([str(VESTO), "secret", "set", name], cwd=vesto.folder, input=b"pA55-w0rd",
                   env=vesto.environment, check=True, capture_output=True)


def test_a_draft_is_taken_up_again(vesto):
    done = add(vesto, "acme", "--draft", "--endpoint", f"{CLUSTER}:5439", "--bucket", "stage")
    assert done.returncode == 0 and "--schema" in done.stdout
    draft = vesto.folder / ".vesto" / "drafts" / "acme.toml"
    assert stat.S_IMODE(draft.stat().st_mode) == 0o600
    assert not (vesto.folder / "vesto.toml").exists()
    assert " draft " in vesto("destination", "list").stdout
    assert "--schema" in vesto("destination", "kit", "acme").stderr
    for command in (["test", "acme"], ["kit", "acme", "--part", "script"]):
        told = vesto("destination", *command)
        assert told.returncode == 3 and "CFG-DRAFT" in told.stderr and "--schema" in told.stderr
    vesto.write("vesto.toml", "version = 1\n")
    assert "CFG-DRAFT" in vesto("destination", "test", "acme").stderr
    listed = json.loads(vesto("destination", "list", "--json").stdout)
    assert [d["name"] for d in listed["drafts"]] == ["acme"] and "--schema" in listed["drafts"][0]["missing"]
    done = add(vesto, "acme", "--database", "dev", "--schema", "shop", *BY_KEY)
    assert done.returncode == 0 and "Going on with the draft of acme." in done.stderr
    assert not draft.exists() and destinations(vesto)["acme"]["endpoint"] == f"{CLUSTER}:5439/dev"


def test_a_draft_is_removed(vesto):
    add(vesto, "acme", "--draft", "--endpoint", CLUSTER)
    assert vesto("destination", "remove", "acme").returncode == 2
    done = vesto("destination", "remove", "acme", "--yes", "--json")
    assert done.returncode == 0 and json.loads(done.stdout)["draft"] is True
    assert vesto("destination", "list").returncode == 3  # no configuration, no draft


def test_secrets_that_a_draft_names_stay(vesto):
    vesto.configure()
    seal(vesto, "shared/password")
    given = by_password()
    at = given.index("--password-env")
    given[at:at + 2] = ["--password-secret", "shared/password"]
    assert add(vesto, "acme", *given).returncode == 0
    assert vesto("destination", "add", "later", "--draft", "--password-secret",
                 "shared/password").returncode == 0
    assert vesto("destination", "remove", "acme", "--yes", "--secrets").returncode == 0
    assert "shared/password" in vesto("secret", "list").stdout


def test_no_warehouse_yet(vesto):
    """From an empty folder to the script that makes one, and on with its endpoint."""
    done = vesto("destination", "kit", "acme", "--part", "warehouse")
    assert done.returncode == 3
    done = add(vesto, "acme", "--draft", "--kind", "serverless", "--region", "eu-west-1")
    assert done.returncode == 0 and "--endpoint" in done.stdout and "--host" not in done.stdout
    assert "vesto destination kit acme --part warehouse" in done.stdout
    for more in ((), ("--offline",)):
        made = vesto("destination", "kit", "acme", "--part", "warehouse", *more)
        assert made.returncode == 0 and made.stderr == "", made.stderr
    assert made.stdout.startswith("#!/bin/sh\nset -eu\n") and "<<" not in made.stdout
    assert "create-workgroup --region eu-west-1 --workgroup-name vesto-acme " in made.stdout
    assert "Next: vesto destination add acme --endpoint $ENDPOINT" in made.stdout
    assert "# It is publicly accessible" in made.stdout
    assert "secretsmanager get-secret-value --region eu-west-1" in made.stdout
    listed = vesto("destination", "kit", "acme", "--list").stdout
    assert [line.split()[0] for line in listed.splitlines()] == ["PART", "warehouse"]
    for part in ("bucket", "sql", "script"):
        done = vesto("destination", "kit", "acme", "--part", part)
        assert done.returncode == 3 and "CFG-DRAFT" in done.stderr and "--endpoint" in done.stderr
        assert done.stdout == ""
    assert vesto("destination", "kit", "acme", "--part", "nonsense").returncode == 2
    for more, name in (("--warehouse", "other"), ("--database", "lake")):
        assert add(vesto, "other", "--draft", "--kind", "redshift", "--region", "eu-west-1", more,
                   name).returncode == 0
    assert add(vesto, "other", "--draft", "--ssh-host", "h", "--ssh-user", "u").returncode == 0
    made = vesto("destination", "kit", "other", "--part", "warehouse").stdout
    assert "# It is not publicly accessible" in made and " --no-publicly-accessible" in made
    assert "--cluster-identifier other" in made and "$2:$3/lake" in made
    add(vesto, "acme", "--draft", "--bucket", "acme-stage")
    bucket = vesto("destination", "kit", "acme", "--part", "bucket")
    assert bucket.returncode == 0 and "create-bucket --region eu-west-1" in bucket.stdout
    done = add(vesto, "acme", "--endpoint", f"vesto-acme.{ACCOUNT}.eu-west-1.redshift-serverless.amazonaws.com",
               "--schema", "shop", "--database", "dev")
    assert done.returncode == 0, done.stderr
    own = destinations(vesto)["acme"]
    assert own["endpoint"].startswith("vesto-acme.") and own["kind"] == "redshift-serverless"
    assert "auth" in own and "region" not in own["auth"] and "warehouse" not in own["auth"]


def test_a_draft_without_a_region_makes_no_warehouse(vesto):
    add(vesto, "acme", "--draft", "--kind", "redshift")
    done = vesto("destination", "kit", "acme", "--part", "warehouse")
    assert done.returncode == 3 and "CFG-DRAFT" in done.stderr and "--region" in done.stderr


def test_the_dialogue_of_somebody_without_a_warehouse(vesto):
    t = Terminal(vesto, "destination", "add", "Acme_2")
    t.answer("none: there is no warehouse yet", "none")
    t.answer("[redshift-serverless]:", "redshift")
    t.answer("AWS region:", "eu-west-1")
    t.answer("Its name [vesto-acme-2]:", "")
    t.answer("Database [dev]:", "shop")
    t.answer("(direct, ssh) [direct]:", "")
    assert t.end() == 0 and "vesto destination kit Acme_2 --part warehouse" in t.text, t.text
    script = vesto("destination", "kit", "Acme_2", "--part", "warehouse").stdout
    assert "--cluster-identifier vesto-acme-2 " in script and "--db-name shop" in script
    t = Terminal(vesto, "destination", "add", "Acme_2", "--no-test")
    t.expect("Going on with the draft of Acme_2.")
    t.answer("Endpoint", "vesto-acme-2.abc.eu-west-1.redshift.amazonaws.com")
    t.expect("Understood: cluster vesto-acme-2 in eu-west-1")
    t.answer("[role]:", "later")  # the database and the way are known: they are not asked again
    assert t.end() == 0 and "(direct, ssh)" not in t.text
    shown = vesto("destination", "show", "Acme_2").stdout
    assert 'database = "shop"' in shown and "It lacks --role-arn" in shown


def test_a_draft_without_its_key_has_the_kit_that_makes_it(vesto):
    given = ("--endpoint", f"{CLUSTER}:5439/dev", "--identity", "access_key", "--bucket", "stage",
             "--schema", "shop", "--role-arn", f"arn:aws:iam::{ACCOUNT}:role/acme")
    done = add(vesto, "acme", "--draft", *given)
    assert done.returncode == 0 and "vesto destination kit acme --part script" in done.stdout
    for part in ("key", "permission-policy", "trust-policy", "sql", "script", "terraform"):
        made = vesto("destination", "kit", "acme", "--part", part)
        assert made.returncode == 0 and made.stdout, made.stderr
    trust = vesto("destination", "kit", "acme", "--part", "trust-policy").stdout
    assert "ExternalId" in trust and trust == vesto("destination", "kit", "acme", "--part", "trust-policy").stdout
    done = add(vesto, "acme", "--access-key-id", "AKIAEXAMPLE", "--secret-access-key-env", "SK")
    assert done.returncode == 0, done.stderr
    assert destinations(vesto)["acme"]["auth"]["external_id"] in trust


def test_what_a_draft_said_and_the_endpoint_tells_otherwise_is_told(vesto):
    def draft(*more):
        assert add(vesto, "acme", "--draft", "--kind", "redshift", "--region", "us-east-1", *more).returncode == 0
    draft("--warehouse", "vesto-acme")
    done = add(vesto, "acme", "--draft", "--endpoint", f"{CLUSTER}:5439/dev")
    assert done.returncode == 0
    notes = [line for line in done.stdout.splitlines() if line.startswith("Note: ")]
    assert notes == [
        "Note: The region was said to be us-east-1; the endpoint tells eu-west-1, which counts.",
        "Note: The warehouse was said to be vesto-acme; the endpoint tells shop, which counts."]
    # What an endpoint told goes with it, as a person sees who gives another one.
    done = add(vesto, "acme", "--draft", "--endpoint", f"{CLUSTER.replace('shop', 'two')}/dev", "--json")
    assert json.loads(done.stdout)["notes"] == []
    vesto("destination", "remove", "acme", "--yes")
    draft()
    done = add(vesto, "acme", *by_password(), "--json")
    assert any("us-east-1" in note for note in json.loads(done.stdout)["notes"])


def test_a_draft_is_shown(vesto):
    add(vesto, "acme", "--draft", "--endpoint", f"{CLUSTER}:5440/dev", "--password-secret", "acme/password")
    shown = vesto("destination", "show", "acme").stdout
    assert shown.startswith("acme is a draft.\n") and f'host = "{CLUSTER}"' in shown
    assert 'auth.password = { secret = "acme/password" }' in shown and "It lacks --user" in shown
    data = json.loads(vesto("destination", "show", "acme", "--json").stdout)
    assert data["schema"] == "vesto.destination-draft/1" and data["settings"]["endpoint"].endswith(":5440/dev")
    assert "--user" in data["missing"]


@pytest.mark.parametrize("text,said", [("[destination.acme\n", "acme.toml:1"),
                                       ("[draft]\nport = \"x\"\n", "acme.toml:2"),
                                       ("[draft]\n\nport = 70000\n", "acme.toml:3"),
                                       ("[destination.acme]\nendpoint = 5\n", "acme.toml:2")])
def test_a_draft_that_cannot_be_read(vesto, text, said):
    add(vesto, "acme", "--draft", "--kind", "redshift")
    (vesto.folder / ".vesto" / "drafts" / "acme.toml").write_text(text)
    for command in (["show"], ["kit"], ["test"], ["add"]):
        done = vesto("destination", command[0], "acme")
        assert done.returncode == 3 and said in done.stderr, (command, done.stderr)
        assert "vesto destination remove acme" in done.stderr, (command, done.stderr)
    listed = vesto("destination", "list")
    assert listed.returncode == 0 and "cannot be read" in listed.stdout and said in listed.stderr
    draft, = json.loads(vesto("destination", "list", "--json").stdout)["drafts"]
    assert said in draft["error"]["message"]
    assert vesto("destination", "remove", "acme", "--yes").returncode == 0
    assert vesto("destination", "list").returncode == 3


def test_removing_a_draft_names_its_secrets(vesto):
    vesto.configure()
    for name in ("acme/password", "shared/key"):
        seal(vesto, name)
    given = ("--draft", "--password-secret", "acme/password", "--secret-access-key-secret", "shared/key",
             "--access-key-id-secret", "never/set")
    add(vesto, "acme", *given)
    add(vesto, "other", "--draft", "--secret-access-key-secret", "shared/key")
    done = vesto("destination", "remove", "acme", "--yes")
    assert "vesto secret remove acme/password" in done.stdout
    assert "shared/key" not in done.stdout and "never/set" not in done.stdout
    assert "acme/password" in vesto("secret", "list").stdout
    add(vesto, "acme", *given)
    data = json.loads(vesto("destination", "remove", "acme", "--yes", "--secrets", "--json").stdout)
    assert data["secrets_removed"] == ["acme/password"] and data["draft"] is True
    listed = vesto("secret", "list").stdout
    assert "shared/key" in listed and "acme/password" not in listed


def test_a_draft_with_a_tunnel_leaves_no_key(vesto):
    add(vesto, "acme", *by_password(), "--ssh-host", "bastion.example", "--ssh-user", "v")
    assert vesto("destination", "remove", "acme", "--yes").returncode == 0
    add(vesto, "acme", "--draft", "--ssh-host", "bastion.example")
    data = json.loads(vesto("destination", "remove", "acme", "--yes", "--secrets", "--json").stdout)
    assert len(data["secrets_removed"]) == 1
    assert "ssh" not in vesto("secret", "list").stdout


CONTRADICTIONS = [
    ((WORKGROUP, "--region", "us-east-1"), ("us-east-1", "eu-west-1")),
    ((WORKGROUP, "--account", "999999999999"), ("999999999999", ACCOUNT)),
    ((CLUSTER, "--region", "us-east-1"), ("us-east-1", "eu-west-1")),
    ((f"arn:aws:redshift:eu-west-1:{ACCOUNT}:cluster:shop", "--account", "999999999999"),
     ("999999999999", ACCOUNT)),
    ((f"arn:aws:redshift:eu-west-1:{ACCOUNT}:cluster:shop", "--region", "us-east-1"),
     ("us-east-1", "eu-west-1")),
    (("wh.example.com", "--region", "us-east-1", "--host", CLUSTER), ("us-east-1", "eu-west-1")),
]


@pytest.mark.parametrize("given,said", CONTRADICTIONS)
def test_what_contradicts_the_endpoint(vesto, given, said):
    for more in ([], ["--draft"]):
        done = add(vesto, "acme", "--endpoint", *given, *more)
        assert done.returncode == 3 and "CFG-VALUE" in done.stderr
        assert all(value in done.stderr for value in said), done.stderr
    assert not (vesto.folder / ".vesto").exists()
    same = ["--region", "eu-west-1", "--account", ACCOUNT]
    assert add(vesto, "acme", "--endpoint", given[0], *same, "--draft").returncode == 0


def test_what_contradicts_the_endpoint_of_a_file(vesto):
    vesto.write("in.toml", f'[destination.acme]\nendpoint = "{CLUSTER}/dev"\n[destination.acme.auth]\n'
                           'region = "us-east-1"\n')
    done = add(vesto, "acme", "--from", "in.toml")
    assert done.returncode == 3 and "us-east-1" in done.stderr and "eu-west-1" in done.stderr


def test_the_warehouses_name_for_a_login_by_password(vesto):
    """What the kit asks for can be said, whatever the login."""
    given = by_password(endpoint="wh.example.com/dev", kind="redshift")
    assert add(vesto, "acme", *given, "--region", "eu-west-1").returncode == 0
    assert "<<WAREHOUSE>>" in vesto("destination", "kit", "acme", "--part", "warehouse").stdout
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text.replace("[destination.acme.auth]\n",
                                           '[destination.acme.auth]\nwarehouse = "shop"\n'))
    assert vesto("config", "check", "--no-secrets").returncode == 0
    assert "--cluster-identifier shop " in vesto("destination", "kit", "acme", "--part", "warehouse").stdout
    vesto("destination", "remove", "acme", "--yes")
    assert add(vesto, "acme", *given, "--region", "eu-west-1", "--warehouse", "shop").returncode == 0
    assert destinations(vesto)["acme"]["auth"]["warehouse"] == "shop"


ROLE = f"arn:aws:iam::{ACCOUNT}:role/acme"
REST = ("--database", "dev", "--bucket", "stage", "--schema", "shop")
GOOGLE = ("--identity", "google", "--role-arn", ROLE, "--audience", "vesto-acme")


@pytest.mark.parametrize("draft,then,told,settings", [
    # From a cluster to Serverless: there is no named user.
    (("--endpoint", CLUSTER, *GOOGLE, "--db-user", "loader"),
     ("--endpoint", WORKGROUP, "--database", "dev"),
     "Note: auth.db_user (loader) of the draft is left out: Serverless takes no named user, the "
     "login is IAMR:<name of the role>.", {"audience": "vesto-acme"}),
    # The same without an endpoint that tells it.
    (("--kind", "redshift", *GOOGLE, "--db-user", "loader", "--region", "eu-west-1"),
     ("--endpoint", "10.0.0.7:5439", "--kind", "serverless", "--warehouse", "analytics"),
     "auth.db_user (loader)", {"audience": "vesto-acme"}),
    # A draft that never fitted together.
    (("--endpoint", WORKGROUP, *GOOGLE, "--db-user", "loader"), (),
     "auth.db_user (loader)", {"audience": "vesto-acme"}),
    (("--endpoint", CLUSTER, *GOOGLE), ("--identity", "aws", "--profile", "p"),
     "Note: auth.audience (vesto-acme) of the draft is left out: only a Google identity has one.",
     {"identity": "aws", "profile": "p"}),
    (("--endpoint", CLUSTER, *GOOGLE), ("--profile", "p"),
     "Note: auth.identity (google) of the draft is left out: aws is wanted.",
     {"identity": "aws", "profile": "p"}),
    (("--endpoint", CLUSTER, *GOOGLE),
     ("--access-key-id", "AKIAEXAMPLE", "--secret-access-key-file", "sk"),
     "auth.audience (vesto-acme)", {"access_key_id": "AKIAEXAMPLE"}),
    (("--endpoint", CLUSTER, "--identity", "access_key", "--access-key-id", "AKIAEXAMPLE",
      "--secret-access-key-file", "sk", "--role-arn", ROLE, "--external-id", "x-1"),
     ("--identity", "google"),
     "Note: auth.external_id (x-1) of the draft is left out: a Google identity has an audience "
     "instead.", {"identity": "google"}),
    (("--endpoint", CLUSTER, *GOOGLE, "--db-user", "loader"),
     ("--user", "loader2", "--password-env", "PW"),
     "auth.db_user (loader) of the draft is left out: a login by password", {"user": "loader2"}),
    (("--endpoint", CLUSTER, *GOOGLE, "--user", "loader", "--password-env", "PW"),
     ("--db-user", "loader2"), "auth.password of the draft is left out: a temporary login is wanted.",
     {"db_user": "loader2"}),
    (("--endpoint", CLUSTER, *BY_KEY, "--copy", "static_keys"), ("--role-arn", ROLE),
     "auth.copy (static_keys)", {"role_arn": ROLE}),
    (("--endpoint", CLUSTER, *GOOGLE, "--copy", "attached_role", "--copy-role-arn", ROLE),
     ("--copy", "session_keys"), f"auth.copy_role_arn ({ROLE}) of the draft is left out",
     {"copy": "session_keys", "copy_role_arn": None}),
    (("--endpoint", CLUSTER, *GOOGLE, "--copy", "session_keys"), ("--copy-role-arn", ROLE),
     "auth.copy (session_keys) of the draft is left out",
     {"copy": "attached_role", "copy_role_arn": ROLE}),
    (("--endpoint", CLUSTER, *BY_KEY[4:], "--db-user", "loader"),
     ("--endpoint", WORKGROUP, "--database", "dev"),
     "the login is IAM:<name of the user>.", {"access_key_id": "AKIAEXAMPLE"}),
])
def test_a_draft_goes_on_as_somebody_else(vesto, draft, then, told, settings):
    assert add(vesto, "acme", "--draft", *draft, *REST).returncode == 0
    done = add(vesto, "acme", *then)
    assert done.returncode == 0, done.stderr
    assert told in done.stderr and told in done.stdout
    auth = destinations(vesto)["acme"]["auth"]
    assert {key: auth.get(key) for key in settings} == settings
    assert vesto("config", "check", "--no-secrets").returncode == 0


def test_the_name_of_a_warehouse_of_another_kind(vesto):
    """The draft keeps no identifier of a cluster as a workgroup's name; one that is said stays."""
    add(vesto, "acme", "--draft", "--kind", "redshift", "--warehouse", "shop", *GOOGLE)
    done = add(vesto, "acme", "--draft", "--kind", "serverless")
    assert "auth.warehouse (shop) of the draft is left out" in done.stderr, done.stderr
    assert "warehouse =" not in (vesto.folder / ".vesto" / "drafts" / "acme.toml").read_text()
    for then in (["--kind", "serverless", "--warehouse", "shop"], ["--kind", "serverless"],
                 ["--kind", "redshift", "--warehouse", "other"],
                 ["--kind", "serverless", "--warehouse", "shop"]):
        assert add(vesto, "acme", "--draft", *then).returncode == 0
        text = (vesto.folder / ".vesto" / "drafts" / "acme.toml").read_text()
        assert f'warehouse = "{"other" if "other" in then else "shop"}"' in text


def test_what_is_said_now_is_never_passed_over(vesto):
    add(vesto, "acme", "--draft", "--endpoint", CLUSTER, *GOOGLE, *REST)
    done = add(vesto, "acme", "--endpoint", WORKGROUP, "--database", "dev", "--db-user", "loader")
    assert done.returncode == 3 and "db_user has no meaning here" in done.stderr
    assert not (vesto.folder / "vesto.toml").exists()


def test_the_dialogue_says_what_it_leaves_out(vesto):
    add(vesto, "acme", "--draft", "--role-arn", ROLE, "--audience", "vesto-acme", "--db-user", "loader",
        *REST)
    t = Terminal(vesto, "destination", "add", "acme", "--no-test")
    t.answer("Endpoint", WORKGROUP)
    t.expect("auth.db_user (loader) of the draft is left out")
    t.answer("(direct, ssh) [direct]:", "")
    t.answer("[google]:", "aws")
    t.expect("auth.audience (vesto-acme) of the draft is left out")
    t.answer("External id", "")
    t.answer("Prefix", "")
    t.answer("region", "")
    t.answer("KMS", "")
    t.answer("May Vesto make it", "")
    assert t.end() == 0, t.text


def test_config_check_names_the_drafts(vesto):
    vesto.configure()
    for name in ("later", "Acme_2"):
        add(vesto, name, "--draft", "--endpoint", CLUSTER)
    (vesto.folder / ".vesto" / "drafts" / "broken.toml").write_text("no toml")
    (vesto.folder / ".vesto" / "drafts" / "rs.toml").write_text("")  # defined since
    done = vesto("config", "check")
    assert (done.returncode, done.stderr) == (0, "")
    first, broken, last = done.stdout.splitlines()[1:]
    assert [first, last] == [
        f"draft {name}: vesto destination add {name} goes on" for name in ("Acme_2", "later")]
    assert broken.startswith("draft broken cannot be read: ") and "broken.toml:1" in broken
    assert broken.endswith("vesto destination remove broken")
    told = json.loads(vesto("config", "check", "--json").stdout)
    assert told["drafts"] == ["Acme_2", "broken", "later"] and told["unread_drafts"] == ["broken"]
    assert vesto("config", "check", "--quiet").stdout == ""
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text.replace("host =", "hots ="))
    bad = vesto("config", "check")
    assert bad.returncode == 3 and "draft later: " in bad.stdout
