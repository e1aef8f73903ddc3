"""`vesto identity show`: who Vesto is towards AWS, what goes into a trust policy, and how to get such
an identity. The sandbox evaluates every policy (tests/sandbox_aws/world.toml)."""
import base64
import json
import os
import re
import socket
import subprocess
import time

import pytest

from test_identity import ACCOUNT, WORLD, Cell, admin
from world import Sandbox, World

SUBJECT = "112233445566778899001"
UUID = "0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b"


@pytest.fixture(scope="module")
def clouds():
    started = {}

    def of(kind):
        if kind not in started:
            started[kind] = Sandbox(extra=["--kind", kind, "--world", str(WORLD)]).start()
        return started[kind]

    yield of
    for sandbox in started.values():
        sandbox.stop()


class Shown:
    def __init__(self, world, environment, *arguments):
        done = subprocess.run(world.command("identity", "show", *arguments), text=True,
                              capture_output=True, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8", **environment})
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        self.json = json.loads(self.out) if "--json" in arguments else None
        # Neither a token (a JWT begins so) nor a key.
        secrets = ["eyJ", "PRIVATE KEY", "SecretoperatorSecret", "SecretloaderSecret",
                   world.sandbox.endpoints["aws"]["secret_access_key"],
                   world.sandbox.endpoints["redshift"]["password"]]
        for secret in secrets:
            assert secret not in self.out + self.err

    def destination(self):
        assert len(self.json["destinations"]) == 1
        return self.json["destinations"][0]

    def policies(self):
        """The JSON documents that stand in the text, as one would paste them."""
        found, decoder, at = [], json.JSONDecoder(), 0
        while (at := self.out.find("\n{\n", at)) >= 0:
            document, at = decoder.raw_decode(self.out, at + 1)
            found.append(document)
        return found


@pytest.fixture
def make(postgres, clouds):
    """make(kind, identity): a way to show it, after `change`s of the configuration."""
    made = []

    def of(kind="provisioned", identity="metadata", copy="session_keys", user="db_user",
           change=lambda text: text, more=""):
        sandbox = clouds(kind)
        world = World(postgres, sandbox)
        made.append(world)
        cell = Cell(world, sandbox, kind, identity, copy, user)
        world.table("public.orders")
        if identity == "static_keys":
            world.auth += f'\nsts_endpoint = "{sandbox.endpoints["aws"]["url"]}"'
        world.auth = change(world.auth)
        world.write_config()
        path = world.folder / "vesto.toml"
        path.write_text(path.read_text() + more)

        def show(*arguments, **environment):
            return Shown(world, {**cell.environment, **environment}, *arguments)

        show.folder = world.folder
        return show

    yield of
    for world in made:
        world.close()


def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def allowing(policy, action):
    """The one statement of this action alone."""
    found, = (one for one in policy["Statement"] if one["Action"] == action)
    return found


def trusted(policy):
    return policy["Statement"][0]["Condition"]["StringEquals"]


@pytest.mark.parametrize("identity", ["metadata", "key_file"])
def test_google_and_a_strict_role(make, identity):
    shown = make(identity=identity)("rs")
    assert shown.code == 0 and shown.err == "", shown.err
    for text in (f"sub         {SUBJECT}", "audience    vesto-acme-7f3a", "min left",
                 "assumed-role/vesto/vesto-rs", "account     123456789012",
                 "✓ the role can be assumed", "✓ the role refuses a token for another audience",
                 "Do not test accounts.google.com:aud", 'Database user "vesto_load"',
                 'CREATE USER "vesto_load" PASSWORD DISABLE;',
                 'GRANT CREATE, TEMPORARY ON DATABASE "dev" TO "vesto_load";'):
        assert text in shown.out, text
    trust, permission = shown.policies()
    assert trusted(trust) == {"accounts.google.com:sub": SUBJECT,
                              "accounts.google.com:oaud": "vesto-acme-7f3a"}
    login = allowing(permission, "redshift:GetClusterCredentials")
    assert login["Resource"] == [
        "arn:aws:redshift:eu-west-1:123456789012:dbuser:examplecluster/vesto_load",
        "arn:aws:redshift:eu-west-1:123456789012:dbname:examplecluster/dev"]
    assert permission["Statement"][0]["Condition"] == {"StringLike": {"s3:prefix": "vesto/*"}}
    assert permission["Statement"][1]["Resource"] == "arn:aws:s3:::vesto-demo/vesto/*"


BARE = """
  [[account.role]]
  name = "bare"
  trust = '''{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "redshift.amazonaws.com"}}]}'''
  policies = []
"""


def filled_in(policy, kind):
    """As somebody fills it in who has asked AWS for the UUID. A role without rights cannot."""
    text = json.dumps(policy)
    assert ("<<WORKGROUP_ID>>" in text) == (kind == "serverless") and "workgroup/*" not in text
    return json.loads(text.replace("<<WORKGROUP_ID>>", UUID))


@pytest.mark.parametrize("kind", ["provisioned", "serverless"])
def test_what_is_printed_is_all_that_is_needed(postgres, tmp_path, kind):
    """A role without any right and without trust, then with what is printed for it: it delivers."""
    mark = "  # The same rights for a pod"
    file = tmp_path / "world.toml"
    file.write_text(WORLD.read_text().replace(mark, BARE + mark, 1))
    sandbox = Sandbox(extra=["--kind", kind, "--world", str(file)]).start()
    world = World(postgres, sandbox)
    try:
        cell = Cell(world, sandbox, kind, "metadata", "session_keys", user=None)
        world.auth = world.auth.replace(ACCOUNT + "vesto", ACCOUNT + "bare")
        world.source("CREATE TABLE orders (id int PRIMARY KEY); INSERT INTO orders VALUES (1), (2)")
        world.table("public.orders")
        world.write_config()
        shown = Shown(world, cell.environment, "rs", "--json")
        assert shown.code == 4 and shown.json["error"]["code"] == "AWS-ASSUME-DENIED"
        to = shown.destination()
        role = ACCOUNT + "bare"
        sandbox.control("POST", "/v1/iam", {"put_role_trust": {
            "role": role, "policy": to["trust_policy"]}})
        assert world.run(environment=cell.environment)[0] == 4
        sandbox.control("POST", "/v1/iam", {"put_role_policy": {
            "role": role, "name": "vesto", "policy": filled_in(to["permission_policy"], kind)}})
        for sql in to["grants"]:
            admin(sandbox, sql)
        world.must_run(environment=cell.environment)
        world.assert_equal(("public.orders", ["id"]), rows=2)
        assert Shown(world, cell.environment, "rs").code == 0
    finally:
        world.close()
        sandbox.stop()


def test_google_and_a_loose_role(make):
    show = make(change=lambda text: text.replace(ACCOUNT + "vesto", ACCOUNT + "vesto-loose"))
    shown = show("rs")
    assert shown.code == 0
    assert "AWS-TRUST-LOOSE: The role trusts other tenants too" in shown.out
    assert "refuses a token" not in shown.out
    assert trusted(shown.policies()[0])["accounts.google.com:oaud"] == "vesto-acme-7f3a"
    as_json = show("rs", "--json")
    assert as_json.code == 0 and as_json.json["error"] is None
    assert [w["code"] for w in as_json.json["warnings"]] == ["AWS-TRUST-LOOSE"]
    assert as_json.destination()["trust_bound"] == {"bound": False, "why": ""}


def test_a_role_that_does_not_take_the_audience(make):
    show = make(change=lambda text: text.replace("vesto-acme-7f3a", "vesto-other-tenant"))
    shown = show("rs")
    assert shown.code == 4
    assert "Error AWS-ASSUME-DENIED" in shown.err
    assert f"accounts.google.com:sub = {SUBJECT}" in shown.err
    assert "accounts.google.com:oaud = vesto-other-tenant" in shown.err
    assert "✕ AWS-ASSUME-DENIED" in shown.out and "can be assumed" not in shown.out
    assert trusted(shown.policies()[0])["accounts.google.com:oaud"] == "vesto-other-tenant"
    as_json = show("rs", "--json")
    assert as_json.code == 4 and as_json.json["error"]["code"] == "AWS-ASSUME-DENIED"
    assert as_json.json["google"]["audience"] == "vesto-other-tenant"
    assert as_json.destination()["self"] is None


def test_a_token_file(make):
    shown = make(identity="token_file")("rs")
    assert shown.code == 0, shown.err
    assert "✓ the role can be assumed" in shown.out
    assert "cannot be tested with a token file" in shown.out


def test_without_a_metadata_server(make):
    begin = time.monotonic()
    show = make()
    host = f"127.0.0.1:{closed_port()}"
    shown = show("rs", GCE_METADATA_HOST=host)
    assert time.monotonic() - begin < 20
    assert shown.code == 4 and "Error GCP-TOKEN: no metadata server of Google" in shown.err
    for text in ("How to get a Google identity", "gcloud iam service-accounts keys create",
                 "iam.gke.io/gcp-service-account", 'source = "token_file"',
                 "The trust policy can be printed once it is known who asks."):
        assert text in shown.out, text
    # What does not depend on it is shown all the same.
    assert len(shown.policies()) == 1
    as_json = show("rs", "--json", GCE_METADATA_HOST=host)
    assert as_json.code == 4 and as_json.json["error"]["code"] == "GCP-TOKEN"
    assert as_json.json["google"]["sub"] is None
    assert as_json.destination()["trust_policy"] is None


def test_a_token_file_that_is_not_there(make):
    show = make(identity="token_file")
    (show.folder / "token").unlink()
    shown = show("rs")
    assert shown.code == 3 and "there is no token file" in shown.err
    assert "How to get a Google identity" in shown.out


def test_claims_of_a_token_cannot_forge_the_output(make):
    show = make(identity="token_file")
    lie = "x\n  ✓ the role can be assumed\n\x1b[31m"
    claims = {"iss": "https://accounts.google.com", "sub": lie, "email": lie, "azp": lie,
              "aud": "vesto-acme-7f3a", "exp": int(time.time()) + 3000}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
             for part in ({"alg": "RS256", "kid": "1"}, claims)]
    (show.folder / "token").write_text(".".join(parts) + ".c2lnbmF0dXJl")
    shown = show("rs")
    assert shown.code == 4 and "Error AWS-TOKEN" in shown.err
    assert "\x1b" not in shown.out + shown.err
    assert "  ✓ the role can be assumed" not in shown.out.splitlines()
    assert trusted(shown.policies()[0])["accounts.google.com:sub"] == lie


def test_long_claims_are_shown_whole_or_marked_as_cut(make):
    show = make(identity="token_file")
    whole, long = "w" * 1500, "l" * 3000
    claims = {"iss": "https://accounts.google.com", "sub": "1", "email": whole, "azp": long,
              "aud": "vesto-acme-7f3a", "exp": int(time.time()) + 3000}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")
             for part in ({"alg": "RS256", "kid": "1"}, claims)]
    (show.folder / "token").write_text(".".join(parts) + ".c2lnbmF0dXJl")
    lines = [line.split() for line in show("rs").out.splitlines()]
    assert ["email", whole] in lines
    assert ["azp", "l" * 2048 + "...", "(cut)"] in lines


@pytest.mark.parametrize("kind", ["provisioned", "serverless"])
def test_access_key_and_external_id(make, kind):
    show = make(kind, "external_id", user=None)
    shown = show()
    assert shown.code == 0, shown.err
    for text in ("keys        access key AKIAVESTOOPERATOR001",
                 "asking      arn:aws:iam::999999999999:user/vesto", "external id acme-42",
                 "assumed-role/vesto-ext/vesto-rs", 'CREATE USER "IAMR:vesto-ext" PASSWORD DISABLE;'):
        assert text in shown.out, text
    trust, permission = shown.policies()
    assert trust["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::999999999999:user/vesto"}
    assert trusted(trust) == {"sts:ExternalId": "acme-42"}
    if kind == "provisioned":
        login = allowing(permission, "redshift:GetClusterCredentialsWithIAM")
        assert login["Resource"] == [
            "arn:aws:redshift:eu-west-1:123456789012:dbname:examplecluster/dev"]
        assert allowing(permission, "redshift:DescribeClusters")["Resource"] == \
            "arn:aws:redshift:eu-west-1:123456789012:cluster:examplecluster"
    else:
        # This role may not ask GetWorkgroup, which alone tells the UUID.
        any_of_them = "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/<<WORKGROUP_ID>>"
        login = allowing(permission, "redshift-serverless:GetCredentials")
        assert login["Resource"] == [any_of_them]
        assert allowing(permission, "redshift-serverless:GetWorkgroup")["Resource"] == any_of_them
        assert "Missing: <<WORKGROUP_ID>>. The workgroup's UUID, not its name: aws " in shown.out


def trust_of_ext(*conditions):
    return {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
         **({"Condition": condition} if condition else {})} for condition in conditions]}


def test_a_trust_policy_that_lets_us_in_without_the_external_id(postgres, tmp_path):
    """It works, and whoever may add a destination can name the role."""
    sandbox = Sandbox(extra=["--kind", "provisioned", "--world", str(WORLD)]).start()
    world = World(postgres, sandbox)
    try:
        cell = Cell(world, sandbox, "provisioned", "external_id", "session_keys", user=None)
        world.table("public.orders")
        world.write_config()
        strict = Shown(world, cell.environment, "rs")
        assert strict.code == 0 and "✓ the role refuses us without the external id" in strict.out
        assert "AWS-TRUST-LOOSE" not in strict.out
        sandbox.control("POST", "/v1/iam", {"put_role_trust": {
            "role": ACCOUNT + "vesto-ext", "policy": trust_of_ext(None)}})
        loose = Shown(world, cell.environment, "rs")
        assert loose.code == 0 and "AWS-TRUST-LOOSE" in loose.out, loose.out
        assert "It took us without the external id" in loose.out
        any_id = {"StringLike": {"sts:ExternalId": "*"}}
        sandbox.control("POST", "/v1/iam", {"put_role_trust": {
            "role": ACCOUNT + "vesto-ext", "policy": trust_of_ext(any_id)}})
        shown = Shown(world, cell.environment, "rs")
        assert "AWS-TRUST-LOOSE" in shown.out and "with another external id" in shown.out
        shown = Shown(world, cell.environment, "rs", "--json")
        assert shown.destination()["trust_bound"]["bound"] is False
        [warning] = shown.json["warnings"]
        assert warning["code"] == "AWS-TRUST-LOOSE" and "sts:ExternalId" in warning["hint"]
    finally:
        world.close()
        sandbox.stop()


# Each takes our own audience, and some that are none of ours.
LOOSE_AUDIENCES = [{"StringLike": {"accounts.google.com:oaud": "vesto-acme-*"}},
                   {"StringLike": {"accounts.google.com:oaud": "*-acme-7f3a"}},
                   {"StringNotEquals": {"accounts.google.com:oaud": "vesto-trust-test"}},
                   {"StringEquals": {"accounts.google.com:oaud": ["vesto-acme-7f3a", "tenant-b"]}}]


@pytest.mark.parametrize("condition", LOOSE_AUDIENCES, ids=str)
def test_a_trust_policy_that_takes_some_other_audiences(postgres, condition):
    sandbox = Sandbox(extra=["--kind", "provisioned", "--world", str(WORLD)]).start()
    world = World(postgres, sandbox)
    try:
        cell = Cell(world, sandbox, "provisioned", "metadata", "session_keys", user=None)
        world.table("public.orders")
        world.write_config()
        # Another destination of this Vesto, whose name the role must not take either.
        config = world.folder / "vesto.toml"
        text = config.read_text()
        start = text.index("[destination.rs]")
        other = text[start:text.index("[sync.")].replace("destination.rs", "destination.b")
        config.write_text(text + other.replace("vesto-acme-7f3a", "tenant-b")
                          .replace(ACCOUNT + "vesto", ACCOUNT + "vesto-loose"))
        sandbox.control("POST", "/v1/iam", {"put_role_trust": {
            "role": ACCOUNT + "vesto", "policy": {"Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
                 "Principal": {"Federated": "accounts.google.com"}, "Condition": condition}]}}})
        shown = Shown(world, cell.environment, "rs")
        assert shown.code == 0 and "AWS-TRUST-LOOSE" in shown.out, shown.out + shown.err
        assert "It took a token for the audience" in shown.out
    finally:
        world.close()
        sandbox.stop()


def test_a_profile_without_keys_is_nobody_elses_identity(make, tmp_path):
    """The environment names a container; the configuration a profile that holds no keys."""
    (tmp_path / "aws").write_text("[profile acme]\nregion = eu-west-1\n")
    shown = make(identity="profile")(
        "rs", AWS_CONFIG_FILE=str(tmp_path / "aws"), AWS_SHARED_CREDENTIALS_FILE="/dev/null",
        AWS_CONTAINER_CREDENTIALS_FULL_URI="http://127.0.0.1:1/")
    assert shown.code != 0 and "the profile acme has no credentials" in shown.err


def test_a_proxys_password_is_not_shown(make):
    """An unescaped slash: curl repeats the whole address."""
    show = make(change=lambda text: re.sub('sts_endpoint = "[^"]*"',
                                           'sts_endpoint = "https://sts.example:1"', text))
    shown = show("rs", HTTPS_PROXY="http://bob:Pr0xy/S3cret@127.0.0.1:9")
    assert "the proxy of the environment cannot be understood" in shown.err
    assert shown.code != 0 and "S3cret" not in shown.out + shown.err


def test_the_warehouse_where_we_may_ask_for_it(make):
    shown = make()("rs")
    assert "warehouse   available, " in shown.out and "publicly accessible" in shown.out
    to = make()("rs", "--json").destination()
    assert to["warehouse"]["status"] == "available" and to["warehouse"]["port"] > 0
    # This role may not.
    denied = make(identity="external_id", user=None)("rs", "--json")
    assert denied.code == 0 and denied.destination()["warehouse"] is None


def test_keys_without_a_role_are_not_narrowed(make):
    shown = make(identity="profile", user=None)("rs")
    assert "COPY reads with the temporary keys themselves (narrowed" in shown.out
    assert "COPY reads with temporary keys, narrowed" in make()("rs").out


def test_another_external_id(make):
    show = make(identity="external_id", change=lambda text: text.replace("acme-42", "acme-43"))
    shown = show("rs", "--json")
    assert shown.code == 4 and shown.json["error"]["code"] == "AWS-ASSUME-DENIED"
    assert trusted(shown.destination()["trust_policy"]) == {"sts:ExternalId": "acme-43"}
    assert shown.destination()["asker"]["account"] == "999999999999"


def test_a_profile_chain(make):
    shown = make(identity="profile", user=None)("rs", "--json")
    assert shown.code == 0, shown.err
    to = shown.destination()
    assert shown.json["google"] is None and "acme" in to["source"]
    assert "assumed-role/vesto-ext/" in to["self"]["arn"]
    assert to["asker"] is None and to["trust_policy"] is None
    assert to["database_user"] == "IAMR:vesto-ext"


def test_serverless_with_the_uuid(make):
    shown = make("serverless")("rs")
    assert shown.code == 0, shown.err
    assert 'Database user "IAMR:vesto": the grants must name it' in shown.out
    assert 'GRANT CREATE, TEMPORARY ON DATABASE "dev" TO "IAMR:vesto";' in shown.out
    login = allowing(shown.policies()[1], "redshift-serverless:GetCredentials")
    assert login["Resource"] == [
        f"arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/{UUID}"]
    assert "workgroup/*" not in shown.out


def test_a_login_by_password(make):
    shown = make(identity="static_keys", copy="static_keys")("rs")
    assert shown.code == 0, shown.err
    for text in ("keys        access key AKIAVESTOLOADER00001",
                 "we are      arn:aws:iam::123456789012:user/loader", "user        vesto_load",
                 "COPY reads with the access key itself."):
        assert text in shown.out, text
    [permission] = shown.policies()
    assert len(permission["Statement"]) == 2 and "redshift" not in json.dumps(permission)


def test_an_access_key_that_is_wrong(make):
    show = make(identity="static_keys", copy="static_keys",
                change=lambda text: text.replace("LOADER00001", "LOADER00002"))
    shown = show("rs", "--json")
    assert shown.code == 4 and shown.json["error"]["code"] == "AWS-KEY"
    assert shown.destination()["self"] is None


def test_a_secret_that_is_missing_is_no_fault_of_google(make):
    own_api = ("warehouse", "redshift_endpoint")
    show = make(user=None, change=lambda text: "\n".join(
        line for line in text.splitlines() if not line.startswith(own_api)) + """
method = "password"
user = "etl"
password = { env = "NOT_SET_AT_ALL" }""")
    shown = show("rs")
    assert shown.code == 3 and "CFG-SECRET-MISSING" in shown.err and "CFG-SECRET" in shown.out
    assert "How to get a Google identity" not in shown.out


def test_json_of_a_google_identity(make):
    shown = make()("--json")
    assert shown.code == 0
    assert shown.json["schema"] == "vesto.identity/1" and shown.json["error"] is None
    google = shown.json["google"]
    assert google["sub"] == SUBJECT and google["issuer"] == "https://accounts.google.com"
    assert 50 <= google["minutes_left"] <= 60 and "@" in google["email"]
    to = shown.destination()
    assert to["name"] == "rs" and to["role_assumed"] is True
    assert to["trust_bound"] == {"bound": True, "why": ""} and shown.json["warnings"] == []
    assert to["self"]["account"] == "123456789012"
    assert to["grants"][0] == 'CREATE USER "vesto_load" PASSWORD DISABLE;'
    assert to["permission_policy"]["Version"] == "2012-10-17"


SECOND = """
[destination.billing]
kind = "redshift"
endpoint = "localhost:1/dev"
schema = "b"
[destination.billing.auth]
user = "etl"
password = { env = "NOT_SET_AT_ALL" }
access_key_id = "AKIAEXAMPLE"
secret_access_key = { env = "NOT_SET_AT_ALL" }
[destination.billing.staging]
bucket = "other"
region = "eu-west-1"
"""


@pytest.mark.parametrize("identity", ["metadata", "key_file", "token_file"])
def test_all_destinations(make, identity):
    """Secrets of the destinations are not needed for it."""
    show = make(identity=identity, more=SECOND)
    shown = show()
    assert shown.code == 0, shown.err
    assert f"sub         {SUBJECT}" in shown.out
    audience = "vesto-acme-7f3a" if identity == "token_file" else "vesto-identity-show"
    assert f"audience    {audience}" in shown.out
    lines = [line for line in shown.out.splitlines() if line.startswith(("rs ", "billing "))]
    assert len(lines) == 2 and ACCOUNT + "vesto" in shown.out
    assert [to["name"] for to in show("--json").json["destinations"]] == ["billing", "rs"]


def test_all_destinations_without_a_metadata_server(make):
    shown = make(more=SECOND)(GCE_METADATA_HOST=f"127.0.0.1:{closed_port()}")
    assert shown.code == 4 and "How to get a Google identity" in shown.out
    assert "billing" in shown.out and "Error GCP-TOKEN" in shown.err


def test_no_destination_uses_google(make):
    show = make(identity="static_keys", copy="static_keys", more=SECOND)
    shown = show(GCE_METADATA_HOST=f"127.0.0.1:{closed_port()}")
    assert shown.code == 0 and "No destination uses Google." in shown.out
    assert show("--json").json["google"] is None


def test_an_unknown_destination(make):
    shown = make(more=SECOND)("biling")
    assert shown.code == 3 and shown.out == ""
    assert "CFG-NO-OBJECT" in shown.err and '"billing"' in shown.err
    secret_missing = make(more=SECOND)("billing")
    assert secret_missing.code == 3 and "CFG-SECRET-MISSING" in secret_missing.err
