"""destination add and destination remove: flags, the dialogue on a terminal, drafts, hostile values,
kills. Nothing is dialled."""
import json
import os
import pathlib
import stat
import subprocess
import tomllib

import pytest
from adding import (ACCOUNT, BY_KEY, CLUSTER, WORKGROUP, Terminal, add, by_password,
                    destinations)
from conftest import VESTO, destination


def no_secret(vesto, secret):
    for path in pathlib.Path(vesto.folder).rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_by_flags_into_a_new_file(vesto):
    done = add(vesto, "acme", "--endpoint", f"jdbc:redshift://{WORKGROUP}:5439/dev?user=a&password=hunter2",
               "--bucket", "s3://acme-stage/in/vesto", "--schema", "Shop_Raw")
    assert done.returncode == 0, done.stderr
    assert "hunter2" not in done.stdout + done.stderr
    own = destinations(vesto)["acme"]
    audience = own["auth"].pop("audience")
    assert audience.startswith("vesto-acme-") and len(audience) == 15
    assert own == {
        "kind": "redshift-serverless", "endpoint": f"{WORKGROUP}:5439/dev", "schema": "shop_raw",
        "create_schema": True,
        "auth": {"role_arn": f"arn:aws:iam::{ACCOUNT}:role/vesto-acme-role"},
        "staging": {"bucket": "acme-stage", "prefix": "in/vesto/"}}
    assert stat.S_IMODE((vesto.folder / "vesto.toml").stat().st_mode) == 0o600
    assert "workgroup analytics" in done.stdout
    for part in ("script", "sql", "network", "message"):
        assert f"vesto destination kit acme --part {part}\n" in done.stdout
    assert vesto("config", "check").returncode == 0
    assert vesto("destination", "kit", "acme", "--part", "sql", "--offline").returncode == 0
    assert os.listdir(vesto.folder) == ["vesto.toml"]


def test_a_role_that_is_assumed_gets_an_external_id(vesto):
    """Each its own, as the audience is; unless somebody says that the role asks for none."""
    given = ("--endpoint", f"{WORKGROUP}:5439/dev", "--bucket", "stage", "--schema", "s", "--identity",
             "aws")
    for name, more in (("a", ()), ("b", ()), ("c", ("--external-id", "theirs")),
                       ("d", ("--external-id", "none"))):
        assert add(vesto, name, *given, "--prefix", name, *more).returncode == 0
    made = {name: one["auth"].get("external_id") for name, one in destinations(vesto).items()}
    assert made["a"].startswith("vesto-a-") and len(made["a"]) == 12
    assert made["b"].startswith("vesto-b-")
    assert (made["c"], made["d"]) == ("theirs", None)
    add(vesto, "e", *given, "--external-id", "none", "--draft")
    assert add(vesto, "e").returncode == 0
    assert "external_id" not in destinations(vesto)["e"]["auth"]


def test_as_json(vesto):
    done = add(vesto, "acme", *by_password(), "--json", "--bucket-region", "us-east-1")
    data = json.loads(done.stdout)
    assert (done.returncode, data["schema"], data["draft"]) == (0, "vesto.destination-add/1", False)
    assert (data["file"], data["line"], data["report"], data["missing"]) == ("vesto.toml", 3, None, [])
    assert data["settings"]["auth.password"] == {"env": "PW"}
    assert data["settings"]["staging.prefix"] == "vesto/"
    assert {"script", "sql"} <= {one["part"] for one in data["kit"]}
    assert any("us-east-1" in note for note in data["notes"])


def test_all_that_is_missing_is_named_at_once(vesto):
    for arguments, flags in (
            ((), ["--endpoint", "--database", "--kind", "--region", "--warehouse", "--role-arn",
                  "--bucket", "--schema"]),
            (("--endpoint", "wh.example.com", "--user", "u"),
             ["--database", "--kind", "--password-secret", "--access-key-id",
              "--secret-access-key-secret", "--bucket", "--schema"]),
            (("--endpoint", f"{CLUSTER}/dev", "--identity", "access_key", "--ssh-port", "2222",
              "--copy", "attached_role", "--bucket", "stage", "--schema", "s"),
             ["--ssh-host", "--ssh-user", "--access-key-id", "--secret-access-key-secret",
              "--copy-role-arn"])):
        done = add(vesto, "acme", *arguments)
        assert done.returncode == 3 and "CFG-MISSING" in done.stderr
        named = [word.strip("(,") for word in done.stderr.split("missing: ")[1].split("\n")[0].split()
                 if word.startswith("--")]
        assert [flag for flag in named if flag not in ("--account", "--identity")] == flags, done.stderr
    assert os.listdir(vesto.folder) == []


CUSTOM = ("--host", "wh.example.com:5440", "--database", "dev", "--kind", "redshift", "--region",
          "EU-West-1", "--warehouse", "Shop", "--account", "1234-5678-9012", "--bucket",
          "https://eu-west-1.console.aws.amazon.com/s3/buckets/stage?region=eu-west-1&prefix=a%2Fb",
          "--schema", "s", "--create-schema", "no", "--db-user", "vesto")


def test_host_and_identity_are_separate(vesto):
    assert add(vesto, "acme", *CUSTOM).returncode == 0
    own = destinations(vesto)["acme"]
    assert own["endpoint"] == "wh.example.com:5440/dev" and own["create_schema"] is False
    assert (own["auth"]["region"], own["auth"]["warehouse"]) == ("eu-west-1", "shop")
    assert own["auth"]["role_arn"] == f"arn:aws:iam::{ACCOUNT}:role/vesto-acme-role"
    assert own["staging"] == {"bucket": "stage", "prefix": "a/b/", "region": "eu-west-1"}


def test_a_tunnel_shows_our_key_at_once(vesto):
    done = add(vesto, "Acme", *by_password("Acme"), "--ssh-host", "bastion.example", "--ssh-user", "vesto")
    assert done.returncode == 0, done.stderr
    line = vesto("ssh-key", "destination.Acme").stdout
    assert line.startswith("restrict,port-forwarding") and line in done.stdout
    assert f'permitopen="{CLUSTER}:5439"' in line
    assert "--part authorized-keys" in done.stdout


def test_from_a_file_and_flags_win(vesto):
    vesto.write("in/acme.toml", f"""[destination.other]
kind = "redshift"
endpoint = "{CLUSTER}:5439/dev"
schema = "one"
tls_ca_file = "ca.pem"
[destination.other.auth]
user = "u"
password = {{ file = "pw" }}
access_key_id = "AKIAEXAMPLE"
secret_access_key = {{ env = "SK" }}
[destination.other.staging]
bucket = "stage"
endpoint = "http://127.0.0.1:1"
""")
    done = add(vesto, "acme", "--from", "in/acme.toml", "--schema", "two")
    assert done.returncode == 0, done.stderr
    assert "Note: in/acme.toml holds no section [destination.acme]; taken from it: [destination.other]" in done.stdout
    own = destinations(vesto)["acme"]
    assert own["schema"] == "two" and own["staging"]["endpoint"] == "http://127.0.0.1:1"
    # Paths count from the file in which they stand.
    assert own["tls_ca_file"] == str(vesto.folder / "in" / "ca.pem")
    assert own["auth"]["password"] == {"file": str(vesto.folder / "in" / "pw")}
    vesto.write("plain.toml", '[destination.b]\nkind = "redshift"\n[destination.b.auth]\npassword = "hunter2"\n')
    done = add(vesto, "b", "--from", "plain.toml", "--draft")
    assert done.returncode == 3 and "CFG-SECRET-PLAIN" in done.stderr and "hunter2" not in done.stderr
    assert not (vesto.folder / ".vesto").exists()


@pytest.mark.parametrize("secret", ["wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
                                    "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY"])
def test_a_secret_in_the_place_of_the_id_is_neither_kept_nor_shown(vesto, secret):
    key = ("--identity", "access_key", "--secret-access-key-env", "SK", "--access-key-id", secret)
    vesto.write("in.toml", f'[destination.acme]\nkind = "redshift"\n[destination.acme.auth]\n'
                f'access_key_id = "{secret}"\n')
    for given in ((*key, "--draft"), key, ("--from", "in.toml", "--draft")):
        done = add(vesto, "acme", "--endpoint", CLUSTER, "--database", "dev", *given)
        assert done.returncode == 3 and "CFG-SECRET-PLAIN" in done.stderr
        assert secret not in done.stdout + done.stderr
        assert not (vesto.folder / ".vesto").exists() and not (vesto.folder / "vesto.toml").exists()


def test_a_name_that_is_there(vesto):
    vesto.configure()
    before = (vesto.folder / "vesto.toml").read_bytes()
    done = add(vesto, "rs", *by_password())
    assert done.returncode == 3 and "CFG-DUPLICATE" in done.stderr and "vesto.toml:10" in done.stderr
    assert (vesto.folder / "vesto.toml").read_bytes() == before


WRONG = [("--kind", "snowflake"), ("--region", "europe"), ("--account", "123"), ("--host", "a b/c"),
         ("--role-arn", "arn:aws:iam::1:role/x"), ("--bucket", "My_Bucket"), ("--bucket", "https://x.y/z"),
         ("--prefix", "//"), ("--kms-key-arn", "alias/x"),
         ("--kms-key-arn", "arn:aws:kms:eu-west-1:123456789012:alias/x"),
         ("--schema", "pg_x"), ("--schema", "x" * 128),
         ("--create-schema", "maybe"), ("--ssh-port", "0"), ("--ssh-host-key", "SHA256:x"),
         ("--identity", "azure"), ("--copy", "magic"), ("--password-secret", "pA55 word"),
         ("--copy-role-arn", "x"), ("--endpoint", "http://"), ("--warehouse", "a b"),
         ("--kind", "redshift-serverless")]
HOSTILE = ["a\nb", 'a"\n[destination.evil]\nkind = "x"\n#', "\x1b[31m", "", "x" * 100_000, "a\x7fb"]


def test_wrong_and_hostile_values(vesto):
    vesto.write("vesto.toml", "version = 1\n# end")
    for flag, value in WRONG + [("--user", one) for one in HOSTILE] + [
            ("--schema", HOSTILE[1]), ("--database", HOSTILE[1]), ("--audience", HOSTILE[0])]:
        given = by_password()
        if flag == "--password-secret":  # in the place of the other flag of this setting
            at = given.index("--password-env")
            given[at:at + 2] = [flag, value]
        elif flag in given:
            given[given.index(flag) + 1] = value
        else:
            given += [flag, value]
        done = add(vesto, "acme", *given)
        assert done.returncode == 3, (flag, value[:50], done.stdout, done.stderr)
        assert flag in done.stderr and len(done.stderr) < 2000, (flag, done.stderr)
        assert "\x1b" not in done.stderr and "pA55" not in done.stderr
    assert (vesto.folder / "vesto.toml").read_text() == "version = 1\n# end"
    assert os.listdir(vesto.folder) == ["vesto.toml"]


@pytest.mark.parametrize("text", ['"quoted" \\ # \'x\'', "🦊 über", "{ secret = \"x\" }"])
def test_odd_values_arrive_as_they_are(vesto, text):
    given = by_password()
    given[given.index("--user") + 1] = text
    done = add(vesto, "acme", *given)
    assert done.returncode == 0, done.stderr
    assert destinations(vesto)["acme"]["auth"]["user"] == text.strip()


FROM = """[destination.acme]
endpoint = "{endpoint}"
schema = "shop"
[destination.acme.auth]
user = "loader"
password = {{ env = "PW" }}
access_key_id = "AKIAEXAMPLE"
secret_access_key = {{ file = "sk" }}
{auth}
[destination.acme.staging]
{staging}
"""


def from_file(vesto, *flags, endpoint=f"{CLUSTER}:5439/dev", auth="", staging='bucket = "stage-acme"'):
    vesto.write("in.toml", FROM.format(endpoint=endpoint, auth=auth, staging=staging))
    return add(vesto, "acme", "--from", "in.toml", *flags)


def test_a_bucket_in_a_file_is_understood_as_the_flag_is(vesto):
    for text in ("s3://stage-acme/in/vesto", "arn:aws:s3:::stage-acme/in/vesto/",
                 "https://s3.console.aws.amazon.com/s3/buckets/stage-acme?region=eu-west-1&prefix=in/vesto/"):
        done = from_file(vesto, staging=f'bucket = "{text}"')
        assert done.returncode == 0, done.stderr
        staging = destinations(vesto)["acme"]["staging"]
        assert (staging["bucket"], staging["prefix"]) == ("stage-acme", "in/vesto/"), text
        assert staging.get("region") == ("eu-west-1" if "region=" in text else None)
        assert vesto("destination", "remove", "acme", "--yes").returncode == 0
    done = from_file(vesto, staging='bucket = "s3://stage-acme/in/"\nprefix = "other/"')
    assert done.returncode == 3 and "in.toml:12:" in done.stderr, done.stderr
    assert 'staging.prefix is "other/", but staging.bucket tells "in/"' in done.stderr


@pytest.mark.parametrize("given,said", [
    ({"staging": 'bucket = "NO BUCKET"'}, "in.toml:11:10: staging.bucket: "),
    ({"endpoint": "http://"}, "in.toml:2:12: endpoint: "),
    ({"staging": 'bucket = "stage"\nformat = "brotli"'}, "in.toml:12:"),
    ({"auth": 'identity = "somebody"'}, "in.toml:9:"),
    ({"auth": 'roll_arn = "x"'}, "in.toml:9:"),
    ({"auth": 'region = "us-east-1"'}, "in.toml:9:10: the region is said to be us-east-1")])
def test_what_is_wrong_in_a_file_is_named_with_its_line(vesto, given, said):
    done = from_file(vesto, **given)
    assert done.returncode == 3 and said in done.stderr, done.stderr
    assert not (vesto.folder / "vesto.toml").exists()


def test_a_flag_that_is_wrong_is_not_said_to_stand_in_the_file(vesto):
    done = from_file(vesto, "--identity", "google", "--role-arn", "arn:aws:iam::1:role/x")
    assert done.returncode == 3 and "in.toml" not in done.stderr, done.stderr


def test_what_is_missing_in_a_file(vesto):
    vesto.write("in.toml", '[destination.acme]\nschema = "shop"\n')
    done = add(vesto, "acme", "--from", "in.toml")
    assert done.returncode == 3 and "write them into in.toml" in done.stderr


def test_an_mebibyte_from_a_file(vesto):
    vesto.write("big.toml", "[destination.acme]\nkind = \"" + "x" * (1 << 20) + "\"\n")
    done = add(vesto, "acme", "--from", "big.toml", *by_password())
    assert done.returncode in (0, 3) and len(done.stderr) < 4000
    vesto.write("bad.toml", "[destination.acme\n")
    assert add(vesto, "acme2", "--from", "bad.toml").returncode == 3


def test_a_word_is_no_endpoint(vesto):
    given = by_password()
    for word in ("what", "Help"):
        given[given.index("--endpoint") + 1] = word
        done = add(vesto, "acme", *given)
        assert done.returncode == 3 and f'--endpoint: "{word.lower()}" is no endpoint' in done.stderr, done.stderr
    for host in ("localhost:5439/dev", "wh:5439/dev"):
        given[given.index("--endpoint") + 1] = host
        assert add(vesto, host.split(":", maxsplit=1)[0], *given, "--kind", "redshift").returncode == 0


@pytest.mark.parametrize("name", ["", "a b", "a.b", "a]\nb", "../a", "x" * 65])
def test_names(vesto, name):
    done = add(vesto, name, *by_password())
    assert done.returncode == 2 and os.listdir(vesto.folder) == []


# --- remove ---

def test_two_flags_of_one_setting(vesto):
    done = add(vesto, "acme", *by_password(), "--password-secret", "acme/password")
    assert done.returncode == 2
    assert "--password-env" in done.stderr and "--password-secret" in done.stderr


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

def test_dialogue_by_a_role(vesto):
    vesto.write("vesto.toml", 'version = 1\n[server]\npublic_egress = ["203.0.113.7/32"]\n')
    t = Terminal(vesto, "destination", "add", "acme")
    t.answer("Endpoint", f"redshift://{WORKGROUP}")
    t.expect(f"Understood: workgroup analytics of account {ACCOUNT} in eu-west-1, host {WORKGROUP}")
    t.answer("Database [dev]:", "")
    t.answer("(direct, ssh) [direct]:", "")
    t.expect("203.0.113.7/32")
    t.answer("[role]:", "")
    t.answer("[google]:", "")
    t.answer(f"[arn:aws:iam::{ACCOUNT}:role/vesto-acme-role]:", "arn:aws:iam::nonsense")
    t.expect("is no ARN of a role")
    t.answer("for the usual one", "")
    t.answer("Audience of the trust policy [vesto-acme-", "")
    t.answer("Bucket", "s3://acme-stage")
    t.answer("Prefix [vesto/]:", "")
    t.answer("region", "")
    t.answer("KMS", "")
    t.answer("Schema of the target tables:", "Raw")
    t.expect("Understood: raw.")
    t.answer("May Vesto make it [yes]:", "no")
    t.answer("Run the test now? [Y/n]:", "n")
    assert t.end() == 0, t.text
    own = destinations(vesto)["acme"]
    assert own["schema"] == "raw" and own["create_schema"] is False
    assert own["auth"]["role_arn"].endswith("vesto-acme-role") and own["staging"]["prefix"] == "vesto/"
    assert t.text.index("Warehouse\n") < t.text.index("Network\n") < t.text.index("Identity\n")
    assert not list((vesto.folder / ".vesto" / "drafts").glob("*.toml"))


def test_dialogue_left_and_taken_up(vesto):
    t = Terminal(vesto, "destination", "add", "acme", "--endpoint", f"{CLUSTER}:5439/dev", "--user", "loader")
    t.answer("(direct, ssh) [direct]:", "ssh")
    t.answer("SSH server:", "bastion.example")
    t.answer("Its port [22]:", "")
    t.answer("User there:", "vesto")
    t.answer("Fingerprint", "")
    t.expect("restrict,port-forwarding")
    t.answer("Value of acme/password", "pA55-w0rd 'x'")
    t.answer("Once more:", "pA55-w0rd 'x'")
    t.expect("Sealed as acme/password.")
    t.answer("[access_key]:", "later")
    assert t.end() == 0 and "A draft of acme is kept." in t.text, t.text
    assert "pA55" not in t.text
    no_secret(vesto, "pA55-w0rd")
    t = Terminal(vesto, "destination", "add", "acme", "--no-test")
    t.expect("Going on with the draft of acme.")
    t.answer("Fingerprint", "")
    t.answer("[access_key]:", "")
    t.answer("Access key id (none: the kit makes one):", "AKIAEXAMPLE")
    t.answer("Value of acme/secret-access-key", "s3cr3t-key")
    t.answer("Once more:", "s3cr3t-key")
    t.answer("role to assume (empty: none):", "")
    t.answer("Bucket", "stage")
    t.answer("Prefix", "p")
    t.answer("region", "eu-west-1")
    t.answer("KMS", "")
    t.answer("Schema of", "shop")
    t.answer("May Vesto", "")
    assert t.end() == 0, t.text
    own = destinations(vesto)["acme"]
    assert own["auth"]["password"] == {"secret": "acme/password"}
    assert own["ssh"] == {"host": "bastion.example", "port": 22, "user": "vesto"}
    assert vesto("config", "check").returncode == 0


def test_who_has_no_access_key_yet_has_the_kit_that_makes_it(vesto):
    t = Terminal(vesto, "destination", "add", "acme", "--endpoint", f"{CLUSTER}:5439/dev", "--user",
                 "loader", "--password-env", "PG_PASSWORD", "--bucket", "stage", "--prefix", "p",
                 "--bucket-region", "eu-west-1", "--schema", "shop", "--create-schema", "yes")
    t.answer("[access_key]:", "")
    t.answer("Access key id (none: the kit makes one):", "none")
    t.answer("role to assume (empty: none):", "")
    t.answer("KMS", "")
    t.expect("vesto destination kit acme --part script")
    assert t.end() == 0 and "A draft of acme is kept" in t.text, t.text
    assert "iam create-access-key" in vesto("destination", "kit", "acme", "--part", "script").stdout
    t = Terminal(vesto, "destination", "add", "acme", "--no-test")
    t.answer("Access key id", "AKIAIOSFODNN7EXAMPLE")
    t.answer("Value of acme/secret-access-key", "s3cr3t-key")
    t.answer("Once more:", "s3cr3t-key")
    t.answer("role to assume", "")
    t.answer("KMS", "")
    assert t.end() == 0, t.text
    assert destinations(vesto)["acme"]["auth"]["access_key_id"] == "AKIAIOSFODNN7EXAMPLE"


def test_ctrl_d_and_five_wrong_answers(vesto):
    t = Terminal(vesto, "destination", "add", "acme")
    t.expect("Endpoint")
    os.write(t.ours, b"\x04")
    assert t.end() == 0 and "draft" in t.text
    t = Terminal(vesto, "destination", "add", "acme")
    for _ in range(5):
        t.answer("Endpoint", "http://")
    assert t.end() == 3 and "CFG-VALUE" in t.text and "What is known is kept" in t.text
    assert " draft " in vesto("destination", "list").stdout


def test_remove_asks(vesto):
    add(vesto, "acme", *by_password())
    t = Terminal(vesto, "destination", "remove", "acme")
    t.answer("[y/N]:", "")
    assert t.end() == 0 and "acme" in destinations(vesto)
    t = Terminal(vesto, "destination", "remove", "acme")
    t.answer("[y/N]:", "y")
    assert t.end() == 0
    assert (vesto.folder / "vesto.toml").read_text() == "version = 1\n"
