"""destination remove: what it takes out of the file, and what it says that others have to take away.
Nothing is dialled."""
import json
import subprocess

import pytest
from adding import ACCOUNT, CLUSTER, WORKGROUP, Terminal, add, by_password, destinations
from conftest import VESTO, destination


def test_what_was_added_is_taken_out_again(vesto):
    vesto.configure()
    before = (vesto.folder / "vesto.toml").read_bytes()
    subprocess.run([str(VESTO), "secret", "set", "acme/password"], cwd=vesto.folder, input=b"pA55-w0rd",
                   env=vesto.environment, check=True, capture_output=True)
    given = by_password()
    at = given.index("--password-env")
    given[at:at + 2] = ["--password-secret", "acme/password"]
    assert add(vesto, "acme", *given).returncode == 0
    assert vesto("destination", "remove", "acme").returncode == 2  # nobody to ask
    done = vesto("destination", "remove", "acme", "--yes")
    assert done.returncode == 0, done.stderr
    assert (vesto.folder / "vesto.toml").read_bytes() == before
    assert "# IAM_USER: whose key it is, vesto-acme where the kit has made it, only if nothing else uses it; rs may, " \
        "so run that destination's kit first: aws iam delete-user-policy --region eu-west-1 " \
        '--user-name "$IAM_USER" --policy-name vesto-acme-policy' in done.stdout
    assert "# only if all that lies there may go: aws s3 rm --region eu-west-1 s3://stage-acme/vesto/ --recursive" in \
        done.stdout
    assert '-- only if nothing else logs in as it; rs may: DROP USER "loader";' in done.stdout
    assert "vesto secret remove acme/password" in done.stdout
    assert add(vesto, "acme", *given).returncode == 0
    data = json.loads(vesto("destination", "remove", "acme", "--yes", "--secrets", "--json").stdout)
    assert data["secrets_removed"] == ["acme/password"] and data["stays"]["redshift"]
    assert "acme/password" not in vesto("secret", "list").stdout


def lines_of(vesto, name, who):
    data = json.loads(vesto("destination", "remove", name, "--yes", "--json").stdout)
    return data["stays"][who]


def test_what_the_kit_granted_is_revoked(vesto):
    """Where the schema was there, the kit granted ALL on it: no user can be dropped before that goes."""
    add(vesto, "made", *by_password("made", schema="shop"))
    add(vesto, "mine", *by_password("mine", schema="Its_Own"), "--create-schema", "no")
    add(vesto, "twin", *by_password("twin", schema="its_own"), "--create-schema", "no")
    assert not any("ON SCHEMA" in line for line in lines_of(vesto, "twin", "redshift")), "the other needs it"
    lines = lines_of(vesto, "mine", "redshift")
    assert lines == ['-- only if nothing else logs in as it; made does: '
                     'REVOKE ALL ON SCHEMA "its_own" FROM "loader";'], "the login is that of made, too"
    lines = lines_of(vesto, "made", "redshift")
    assert [line.split('"')[0] for line in lines] == [
        "-- only if all that is in it may go: DROP SCHEMA ",
        "-- where it had that for Vesto alone: REVOKE ALL ON DATABASE ",
        "-- if nothing else logs in as it: DROP USER "]
    add(vesto, "mine", *by_password("mine", schema="its_own"), "--create-schema", "no")
    assert [line.split(" FROM ")[0] for line in lines_of(vesto, "mine", "redshift")[:2]] == [
        '-- where it had that for Vesto alone: REVOKE ALL ON SCHEMA "its_own"',
        '-- where it had that for Vesto alone: REVOKE ALL ON DATABASE "dev"']


OTHER_CLUSTER = CLUSTER.replace("shop.", "other.")
BY_ROLE = ("--role-arn", f"arn:aws:iam::{ACCOUNT}:role/acme", "--audience", "vesto-acme")


def revoked(vesto, name):
    return [line for line in lines_of(vesto, name, "redshift") if "REVOKE" in line]


def by_role(endpoint, *more):
    return ("--endpoint", endpoint, "--database", "dev", "--bucket", "stage", "--schema", "shop",
            "--identity", "google", *BY_ROLE, *more)


def test_whether_two_names_are_of_one_warehouse(vesto):
    """Nothing is revoked from a login that another destination has or may have there."""
    revoke = 'REVOKE ALL ON DATABASE "dev" FROM '
    of_one = "-- where it had that for Vesto alone: " + revoke  # a user whom somebody has named
    may = "-- only if nothing else logs in as it; beta may: " + revoke
    private = ("10.0.0.7:5439", "--kind", "redshift")
    twin = (CLUSTER, "--db-user", "loader")
    for beta, expected in (
            (by_role(OTHER_CLUSTER), of_one + '"loader"'),
            (by_role(WORKGROUP), of_one + '"loader"'),
            (by_role(*private, "--region", "eu-west-1", "--warehouse", "other", "--db-user",
                     "loader"), of_one + '"loader"'),
            (by_role(*private, "--region", "eu-west-1", "--warehouse", "shop", "--db-user",
                     "loader"), None),
            ((*by_password("beta", endpoint="10.0.0.7:5439/dev"), *private[1:], "--region",
              "eu-west-1", "--warehouse", "shop"), may + '"loader"'),
            (by_role(*private, "--region", "eu-west-1", "--warehouse", "shop", "--db-user",
                     "somebody"), of_one + '"loader"'),
            (by_role(*twin), None)):
        add(vesto, "acme", *by_role(*twin))
        done = add(vesto, "beta", *beta)
        assert done.returncode == 0, done.stderr
        assert revoked(vesto, "acme") == ([expected + ";"] if expected else []), beta
        vesto("destination", "remove", "beta", "--yes")


def test_a_private_address_behind_two_servers_may_be_two_warehouses(vesto):
    def behind(server, name):
        return (*by_password(name, endpoint="10.0.0.7:5439/dev"), "--kind", "redshift",
                "--ssh-host", server, "--ssh-user", "vesto")
    add(vesto, "acme", *behind("bastion.one", "acme"))
    done = add(vesto, "beta", *behind("bastion.two", "beta"))
    assert done.returncode == 0, done.stderr
    assert revoked(vesto, "acme") == [
        '-- only if nothing else logs in as it; beta may: REVOKE ALL ON DATABASE "dev" FROM "loader";']


def test_what_the_kits_own_user_had_is_revoked_at_once(vesto):
    add(vesto, "acme", *by_role(CLUSTER))
    assert revoked(vesto, "acme") == ['REVOKE ALL ON DATABASE "dev" FROM "IAMR:acme";']


def test_whose_login_a_key_gives_is_not_guessed(vesto):
    done = add(vesto, "acme", "--endpoint", CLUSTER, "--database", "dev", "--bucket", "stage",
               "--schema", "shop", "--identity", "access_key", "--access-key-id",
               "AKIAIOSFODNN7EXAMPLE", "--secret-access-key-env", "SK")
    assert done.returncode == 0, done.stderr
    assert revoked(vesto, "acme") == [
        "-- where vesto-acme is the key's own user: REVOKE ALL ON DATABASE \"dev\" FROM "
        '"IAM:vesto-acme";']


def test_a_bucket_that_others_use_is_theirs(vesto):
    for name in ("acme", "beta", "gamma"):
        add(vesto, name, *by_password(name, bucket="stage", prefix=f"{name}/"))
    def last():
        return [line for line in lines_of(vesto, "acme", "aws") if " s3 rm" in line or "s3api" in line]
    assert last() == [
        "# only if all that lies there may go: aws s3 rm --region eu-west-1 s3://stage/acme/ --recursive",
        "# where the bucket stays, and its lifecycle rule vesto-acme is the only one; else that one is to be "
        "taken out of them: aws s3api delete-bucket-lifecycle --region eu-west-1 --bucket stage",
        "# only if nothing else uses it; other prefixes of it are of beta, gamma: aws s3api "
        "delete-bucket --region eu-west-1 --bucket stage"]


def test_a_schema_of_two_lines_does_not_end_its_comment(vesto):
    add(vesto, "acme", *by_password())
    text = (vesto.folder / "vesto.toml").read_text()
    assert text.count('schema = "shop"') == 1
    vesto.write("vesto.toml", text.replace('schema = "shop"', 'schema = "a\\nDROP TABLE t; --"'))
    drop, = (line for line in lines_of(vesto, "acme", "redshift") if "DROP SCHEMA" in line)
    assert all(line.startswith("-- ") for line in drop.split("\n")), drop


AWS = """#!/bin/sh
echo "$*" >>"$LOG"
case $* in
  'iam list-access-keys '*) printf '%s' "$KEYS" ;;
esac
"""


@pytest.mark.parametrize("keys", [["AKIAOTHER"], ["AKIAEXAMPLE", "AKIAOTHER"], []])
def test_the_keys_that_the_user_has_are_deleted(vesto, tmp_path_factory, keys):
    """Whatever the configuration names: IAM removes no user that has a key left."""
    add(vesto, "acme", *by_password())
    # Who else uses the user only a person knows: such lines are comments.
    script = "IAM_USER='the user'\n" + "\n".join(
        line.split(": ", 2)[2] for line in lines_of(vesto, "acme", "aws") if " iam " in line)
    tools = tmp_path_factory.mktemp("bin")
    (tools / "aws").write_text(AWS)
    (tools / "aws").chmod(0o755)
    log = tools / "log"
    subprocess.run(["/bin/sh", "-eu", "-c", script], check=True, timeout=30,
                   env={"PATH": f"{tools}:/usr/bin:/bin", "LOG": str(log),
                        "KEYS": "\t".join(keys) if keys else "None"})
    calls = log.read_text().splitlines()
    user = "--region eu-west-1 --user-name the user"
    assert calls == [
        f"iam delete-user-policy {user} --policy-name vesto-acme-policy",
        f"iam list-access-keys {user} --query AccessKeyMetadata[].AccessKeyId --output text",
        *[f"iam delete-access-key {user} --access-key-id {key}" for key in keys],
        f"iam delete-user {user}"]


def test_the_user_whose_key_assumes_a_role_goes_too(vesto):
    role = f"arn:aws:iam::{ACCOUNT}:role/vesto-acme-role"
    add(vesto, "acme", *by_password(), "--role-arn", role, "--copy", "attached_role",
        "--copy-role-arn", f"arn:aws:iam::{ACCOUNT}:role/reads")
    calls = [line.split(" --region")[0] for line in lines_of(vesto, "acme", "aws")]
    user = "# IAM_USER: whose key it is, vesto-acme where the kit has made it, in the account of that user"
    assert calls == [
        "aws iam delete-role-policy", "# if nothing else uses it: aws iam delete-role",
        user + ": aws iam delete-user-policy",
        user + ", if nothing else uses it: for KEY in $(aws iam list-access-keys",
        user + ", if nothing else uses it: aws iam delete-user",
        "aws iam delete-role-policy",
        "# if nothing else reads by it: aws redshift modify-cluster-iam-roles",
        "# if nothing else uses it: aws iam delete-role",
        "# only if all that lies there may go: aws s3 rm",
        "# where the bucket stays, and its lifecycle rule vesto-acme is the only one; else that one is to be "
        "taken out of them: aws s3api delete-bucket-lifecycle",
        "# if nothing else uses it: aws s3api delete-bucket",
        "# only if nothing else comes by this inbound rule: SECURITY_GROUP=$(aws redshift describe-clusters"]


def test_whoever_runs_a_line_is_told_what_it_names(vesto):
    """Vesto may run as a user of another account, whom nothing here tells."""
    vesto.write("vesto.toml", "version = 1\n" + destination("attached_role"))
    lines = [line for line in lines_of(vesto, "acme", "aws") if "$IAM_USER" in line]
    assert len(lines) == 1
    assert lines[0].startswith("# IAM_USER: whom Vesto runs as, where that is a user of another account, there: "
                               "aws iam delete-user-policy ")


def test_what_only_a_person_takes_away_is_named(vesto):
    """Of an SSH tunnel, and of a default role that the kit has made."""
    add(vesto, "acme", *by_password(), "--copy", "attached_role", "--copy-role-arn", "default")
    text = (vesto.folder / "vesto.toml").read_text()
    vesto.write("vesto.toml", text + '\n[destination.acme.ssh]\nhost = "bastion.example"\nuser = "ec2"\n'
                '\n[server]\npublic_egress = ["203.0.113.7"]\n')
    lines = lines_of(vesto, "acme", "aws")
    assert "# on the SSH server, as ec2@bastion.example: take the line that ends in vesto-destination-acme out " \
        "of ~/.ssh/authorized_keys" in lines
    role = [line for line in lines if line.startswith("# where ROLE is vesto-acme-copy-role")]
    assert "modify-cluster-iam-roles" in role[0] and role[1].endswith("--role-name vesto-acme-copy-role")
    rules = [line for line in lines if "revoke-security-group-ingress" in line]
    assert "--group-id '<<BASTION_SECURITY_GROUP>>' --protocol tcp --port 22 --cidr 203.0.113.7/32" in rules[0]
    assert rules[1].endswith('--group-id "$SECURITY_GROUP" --protocol tcp --port 5439 '
                             "--source-group '<<BASTION_SECURITY_GROUP>>'")
    assert all(line.startswith("# ") for line in (*role, *rules))


def test_the_trust_for_the_pods_goes_with_the_last_one(vesto):
    for name in ("acme", "beta"):
        done = add(vesto, name, "--endpoint", CLUSTER, "--identity", "aws", "--role-arn",
                   f"arn:aws:iam::{ACCOUNT}:role/{name}", "--bucket", f"stage-{name}", "--schema", name,
                   "--database", "dev")
        assert done.returncode == 0, done.stderr
    def named(name):
        return [line for line in lines_of(vesto, name, "aws") if "service account" in line]
    assert named("acme") == []
    assert len(named("beta")) == 1


def test_not_while_a_sync_uses_it(vesto):
    vesto.configure()
    before = (vesto.folder / "vesto.toml").read_bytes()
    done = vesto("destination", "remove", "rs", "--yes")
    assert done.returncode == 3 and "sync.shop (vesto.toml:" in done.stderr
    assert (vesto.folder / "vesto.toml").read_bytes() == before
    assert "CFG-NO-OBJECT" in vesto("destination", "remove", "rz", "--yes").stderr


def test_out_of_the_file_in_which_it_stands(vesto):
    vesto.write("vesto.toml", "version = 1\n")
    add(vesto, "acme", *by_password())
    text = (vesto.folder / "vesto.toml").read_text().removeprefix("version = 1\n\n")
    vesto.write("vesto.toml", "version = 1\n")
    vesto.write("conf.d/x.toml", "# of acme\r\n" + text.replace("\n", "\r\n") + "\r\n# logs\r\n[log]\r\nlevel = \"info\"\r\n")
    done = vesto("destination", "remove", "acme", "--yes")
    assert done.returncode == 0, done.stderr
    assert (vesto.folder / "conf.d" / "x.toml").read_bytes() == b'# logs\r\n[log]\r\nlevel = "info"\r\n'


# --- on a terminal ---



def test_remove_asks(vesto):
    add(vesto, "acme", *by_password())
    t = Terminal(vesto, "destination", "remove", "acme")
    t.answer("[y/N]:", "")
    assert t.end() == 0 and "acme" in destinations(vesto)
    t = Terminal(vesto, "destination", "remove", "acme")
    t.answer("[y/N]:", "y")
    assert t.end() == 0
    assert (vesto.folder / "vesto.toml").read_text() == "version = 1\n"
