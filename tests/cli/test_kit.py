"""destination kit: nothing but the artefact on stdout, what is missing on stderr."""
import base64
import json
import re
import subprocess

import pytest
from conftest import SECRETS, VESTO, destination

CONFIG = ('version = 1\n[server]\npublic_egress = ["203.0.113.7"]\n' + destination("serverless"))
PARTS = ["bucket", "trust-policy", "permission-policy", "role", "sql", "owner",
         "network", "authorized-keys", "script", "terraform", "message"]
# Nobody listens there.
NO_GOOGLE = {"GCE_METADATA_HOST": "127.0.0.1:1"}


@pytest.fixture
def kit(vesto):
    vesto.write("vesto.toml", CONFIG)

    def run(*arguments, environment=None):
        return vesto("destination", "kit", "acme", *arguments, environment=environment)

    run.vesto = vesto
    return run


def test_a_part_alone_is_all_of_stdout(kit):
    done = kit("--part", "sql")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("-- Rights of the user")
    assert '\nGRANT CREATE, TEMPORARY ON DATABASE "dev" TO "IAMR:acme-sync";\n' in done.stdout


def test_the_trust_policy_is_json_and_what_is_missing_is_told(kit):
    done = kit("--part", "trust-policy", environment=NO_GOOGLE)
    assert done.returncode == 0
    conditions = json.loads(done.stdout)["Statement"][0]["Condition"]["StringEquals"]
    assert conditions == {"accounts.google.com:sub": "<<GOOGLE_SUB>>",
                          "accounts.google.com:oaud": "vesto-acme-7f3a"}
    note, missing = done.stderr.splitlines()
    assert note.startswith("Note: Google was asked who we are: GCP-TOKEN: ")
    assert missing.startswith("Missing: <<GOOGLE_SUB>>. ")


def test_offline_asks_nobody(kit):
    done = kit("--part", "trust-policy", "--offline", environment=NO_GOOGLE)
    assert done.returncode == 0
    assert done.stderr.splitlines() == [line for line in done.stderr.splitlines()
                                        if line.startswith("Missing: <<GOOGLE_SUB>>")]


def test_a_note_ends_with_a_whole_word(kit):
    kit.vesto.write("vesto.toml", "version = 1\n" + destination("attached_role").replace(
        'identity = "aws"\n', 'identity = "aws"\nprofile = "nobody"\n'))
    files = {name: "/nowhere" + " fourteen-letter" * 14
             for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE")}
    done = kit("--part", "trust-policy", environment=files)
    note = done.stderr.splitlines()[0]
    assert note.startswith("Note: AWS was asked who we are: "), note
    assert note.endswith(" fourteen-letter ... (cut)") and 300 < len(note) < 400, note


def test_quiet_says_nothing_on_stderr(kit):
    done = kit("--part", "trust-policy", "--offline", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")
    assert "<<GOOGLE_SUB>>" in done.stdout


def test_all_parts_with_titles(kit):
    done = kit("--offline")
    assert done.returncode == 0
    assert re.findall(r"^# Alone: vesto destination kit acme --part (\S+)$", done.stdout,
                      re.MULTILINE) == PARTS
    for part in PARTS:
        assert kit("--offline", "--part", part).stdout in done.stdout


ISSUER = "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE"


def pods_token(folder):
    """As EKS puts it into a pod; nobody looks at its signature here."""
    def part(claims):
        return base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")

    token = folder / "token"
    token.write_text(".".join([part({"alg": "RS256"}), part({
        "iss": "https://" + ISSUER, "sub": "system:serviceaccount:data:vesto",
        "aud": ["sts.amazonaws.com"], "exp": 4102444800}), "c2lnbmF0dXJl"]))
    return str(token)


@pytest.mark.parametrize("role, account", [
    ("arn:aws:iam::999999999999:role/vesto-pods", "999999999999"),
    ("no ARN", "<<POD_ACCOUNT>>"), (None, "<<POD_ACCOUNT>>")])
def test_the_pods_of_eks_trust_a_provider_of_their_own_account(kit, tmp_path, role, account):
    """role_arn is of 123456789012: that is whom they work for."""
    kit.vesto.write("vesto.toml", "version = 1\n" + destination("attached_role"))
    pod = {"AWS_WEB_IDENTITY_TOKEN_FILE": pods_token(tmp_path)}
    if role:
        pod["AWS_ROLE_ARN"] = role
    done = kit("--part", "eks-trust", "--offline", environment=pod)
    assert done.returncode == 0
    statement, = json.loads(done.stdout)["Statement"]
    assert statement["Principal"] == {
        "Federated": f"arn:aws:iam::{account}:oidc-provider/{ISSUER}"}
    assert ("Missing: <<POD_ACCOUNT>>. The AWS account's 12 digits" in done.stderr) == \
        account.startswith("<<")


def test_who_vesto_runs_as_is_of_another_account(kit):
    """Nothing tells offline who that is: the part is there, and for whom is said."""
    kit.vesto.write("vesto.toml", "version = 1\n" + destination("attached_role"))
    row, = [line for line in kit("--list", "--offline").stdout.splitlines()
            if line.startswith("asker ")]
    assert "your own AWS admin, if the role is of another account" in row and "PRINCIPAL_ARN" in row
    done = kit("--part", "asker", "--offline")
    assert '"Action": "sts:AssumeRole"' in done.stdout
    # Nor whether it is a role or a user.
    assert "put-user-policy" in done.stdout and "put-role-policy" in done.stdout
    assert "Missing: <<PRINCIPAL_ARN>>. The ARN of who assumes the role" in done.stderr


def test_a_profile_that_is_named_is_not_the_pods(kit, tmp_path):
    """Vesto asks by that profile alone, whatever token lies there."""
    text = "version = 1\n" + destination("attached_role")
    assert text.count('identity = "aws"\n') == 1
    kit.vesto.write("vesto.toml", text.replace('identity = "aws"\n',
                                               'identity = "aws"\nprofile = "far"\n'))
    done = kit("--part", "eks-trust", "--offline", environment={
        "AWS_WEB_IDENTITY_TOKEN_FILE": pods_token(tmp_path),
        "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/vesto-pods"})
    assert done.returncode == 0 and "<<OIDC_ISSUER>>" in done.stdout
    assert ISSUER not in done.stdout and "999999999999" not in done.stdout


def test_a_warehouse_is_made_where_somebody_asks_for_it(kit):
    """Who has given an endpoint has one."""
    assert "create-workgroup" not in kit("--offline").stdout
    assert "create-workgroup" in kit("--offline", "--part", "warehouse").stdout


def test_the_list_of_parts(kit):
    done = kit("--list", "--offline")
    assert done.returncode == 0
    rows = [line.split() for line in done.stdout.splitlines()]
    assert rows[0] == ["PART", "FOR", "KIND", "WHAT", "MISSING", "TURNS", "GREEN"]
    assert [row[0] for row in rows[1:]] == PARTS
    assert "GOOGLE_SUB" in rows[1 + PARTS.index("role")]
    sql = rows[1 + PARTS.index("sql")]
    assert "-" in sql and sql[-1] == "redshift.table"
    for part in ("sql", "owner", "terraform"):
        assert " Turns green: " in kit("--part", part, "--offline").stdout.splitlines()[1]


def test_as_json(kit):
    done = kit("--json", "--offline")
    data = json.loads(done.stdout)
    assert done.returncode == 0 and data["schema"] == "vesto.kit/1"
    assert data["destination"] == "acme"
    parts = {part["id"]: part for part in data["parts"]}
    assert list(parts) == PARTS
    assert parts["sql"] == {
        "id": "sql", "title": "Rights in the database", "who": "redshift_admin", "kind": "sql",
        "checks": ["redshift.login", "redshift.temp", "redshift.schema", "redshift.table"],
        "missing": [], "text": kit("--part", "sql").stdout,
        "pieces": [{"name": "user", "checks": ["redshift.temp", "redshift.schema"]},
                   {"name": "TEMPORARY on the database", "checks": ["redshift.temp"]},
                   {"name": "CREATE on the database", "checks": ["redshift.schema"]}]}
    assert {one["name"] for one in data["missing"]} == {
        "GOOGLE_SUB", "WORKGROUP_ID", "BASTION_SECURITY_GROUP", "SSH_PUBLIC_KEY_LINE"}
    assert all(one["how"] for one in data["missing"])
    alone = json.loads(kit("--json", "--part", "sql").stdout)
    assert [part["id"] for part in alone["parts"]] == ["sql"] and alone["missing"] == []
    names = json.loads(kit("--json", "--list", "--offline").stdout)["parts"]
    assert [part["id"] for part in names] == PARTS and "text" not in names[0]


def test_the_tunnels_line_is_that_of_ssh_key(kit):
    missing = kit("--part", "authorized-keys")
    assert missing.stdout == "<<SSH_PUBLIC_KEY_LINE>>\n"
    assert "SEC-MISSING" in missing.stderr
    line = kit.vesto("ssh-key", "destination.acme").stdout
    assert line.startswith("restrict,port-forwarding,permitopen=")
    done = kit("--part", "authorized-keys")
    assert (done.stdout, done.stderr) == (line, "")


@pytest.mark.parametrize("part,words", [
    ("truts-policy", 'there is no part "truts-policy"; did you mean "trust-policy"?'),
    ("key", "the part key has no meaning for acme"),
    ("x\x1b[31m", 'there is no part "x\\x1b[31m"'),
])
def test_a_part_that_is_not_there(kit, part, words):
    done = kit("--part", part)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr and "Parts of this destination: bucket" in done.stderr


def test_part_and_list_exclude_each_other(kit):
    done = kit("--part", "sql", "--list")
    assert done.returncode == 2 and done.stdout == ""


def test_a_destination_that_is_not_there(vesto):
    vesto.write("vesto.toml", CONFIG)
    done = vesto("destination", "kit", "acne")
    assert done.returncode == 3 and done.stdout == ""
    assert 'did you mean "acme"?' in done.stderr


def test_the_help_names_every_part(kit):
    shown = kit("--help").stdout
    assert "copy-role" in shown and "terraform" in shown


def test_no_secret_and_tables_of_its_syncs(vesto):
    vesto.configure()
    done = vesto("destination", "kit", "rs", "--offline")
    assert done.returncode == 0
    for secret in SECRETS.values():
        assert secret not in done.stdout + done.stderr
    assert 'ALTER TABLE "shop"."orders" OWNER TO "loader";' in done.stdout
    assert 'ALTER TABLE "shop"."customers" OWNER TO "loader";' in done.stdout
    assert "CREATE USER \"loader\" PASSWORD '<<PASSWORD>>';" in done.stdout
    assert "Missing: <<WAREHOUSE>>. " in done.stderr


@pytest.mark.parametrize("part", ["warehouse", "bucket", "role", "network", "script"])
def test_sh_reads_the_scripts(kit, part):
    script = kit("--part", part, "--offline").stdout
    done = subprocess.run(["sh", "-n"], input=script, text=True, capture_output=True, timeout=60,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_full_disk_is_told(kit):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([str(VESTO), "destination", "kit", "acme", "--offline"],
                              cwd=kit.vesto.folder, stdout=full, stderr=subprocess.PIPE, text=True,
                              env=kit.vesto.environment, timeout=60, check=False)
    assert done.returncode == 3 and "SYS-OUTPUT" in done.stderr
