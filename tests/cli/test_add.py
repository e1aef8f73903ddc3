"""destination add: flags, files, hostile values. Nothing is dialled."""
import json
import os
import stat

import pytest
from adding import ACCOUNT, CLUSTER, WORKGROUP, add, by_password, destinations


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


def test_a_network_that_is_hardly_meant_is_told_before_it_stands_in_a_rule(vesto):
    given = ("--endpoint", f"{WORKGROUP}:5439/dev", "--bucket", "stage", "--schema", "s")
    vesto.write("vesto.toml", 'version = 1\n[server]\npublic_egress = ["203.0.113.7"]\n')
    assert "warning" not in add(vesto, "a", *given).stderr
    vesto.write("vesto.toml", 'version = 1\n[server]\npublic_egress = ["0.0.0.0/0"]\n')
    done = add(vesto, "a", *given)
    assert done.returncode == 0 and "0.0.0.0/0 is everybody on the Internet" in done.stderr


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


def test_the_address_that_the_kit_lacks_is_named_with_its_line(vesto):
    line = 'public_egress = ["203.0.113.7/32"]'
    done = add(vesto, "acme", *by_password())
    assert "Note: The kit lacks the address that Vesto dials from (<<EGRESS_ADDRESS>> in network, message). Write it " \
        f"into vesto.toml, below [server]: {line}\n" in done.stdout, done.stdout
    told = json.loads(add(vesto, "beta", *by_password("beta"), "--json").stdout)
    assert any(line in note for note in told["notes"])
    vesto.write("vesto.toml", (vesto.folder / "vesto.toml").read_text() + f"\n[server]\n{line}\n")
    done = add(vesto, "gamma", *by_password("gamma"))
    assert done.returncode == 0 and "EGRESS" not in done.stdout
    assert "<<EGRESS" not in vesto("destination", "kit", "gamma", "--part", "network").stdout


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
                                    "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY",
                                    "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY:",
                                    "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"])
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
