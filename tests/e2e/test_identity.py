"""Every way to log in, by the real binary: who Vesto is towards AWS, what it logs in with, what COPY
reads with. The sandbox evaluates every policy (tests/sandbox_aws/world.toml)."""
import contextlib
import itertools
import json
import os
import pathlib
import time

import psycopg2
import pytest

from world import NOTHING_LEFT, ROOT, Sandbox, World, nothing_left

WORLD = ROOT / "tests" / "sandbox_aws" / "world.toml"
ACCOUNT = "arn:aws:iam::123456789012:role/"
KINDS = ["provisioned", "serverless"]
IDENTITIES = ["metadata", "key_file", "token_file", "eks", "profile", "external_id", "static_keys"]
# Those with a role that a cluster can know by itself: GetClusterCredentialsWithIAM, no db_user. The
# login is IAMR:<role>, so grants name that one. A static key logs in by user and password here.
WITHOUT_DB_USER = ["metadata", "eks", "profile", "external_id"]
COPIES = ["session_keys", "static_keys", "attached_role"]
SCHEMAS = ["schema", "no_schema"]
# Roles that log in as themselves: IAMR:<role>.
ROLES = ["vesto", "vesto-eks", "vesto-ext"]
TOOK_S = []  # of each cell that is valid


@pytest.fixture(scope="module")
def clouds():
    """A sandbox of each kind, with users for the roles, as an administrator makes them."""
    started = {}

    def of(kind):
        if kind not in started:
            sandbox = Sandbox(extra=["--kind", kind, "--world", str(WORLD)]).start()
            started[kind] = sandbox
            for role in ROLES:
                admin(sandbox, f'CREATE USER "IAMR:{role}" PASSWORD DISABLE')
                admin(sandbox, f'GRANT CREATE, TEMPORARY ON DATABASE dev TO "IAMR:{role}"')
        return started[kind]

    yield of
    for sandbox in started.values():
        sandbox.stop()


def admin(sandbox, sql):
    with contextlib.closing(psycopg2.connect(sandbox.dsn(admin=True))) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else None


class Cell:
    """One way to be somebody: the configuration and the environment of a run."""

    def __init__(self, world, sandbox, kind, identity, copy, user="db_user"):
        self.world, self.sandbox, self.kind = world, sandbox, kind
        self.environment = {"AWS_CA_BUNDLE": sandbox.endpoints["ca_file"],
                            "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(world.folder)}
        self.lines = []
        self.role = None
        getattr(self, identity)()
        if copy == "attached_role":
            self.lines.append(f'copy_role_arn = "{ACCOUNT}copy"')
        else:
            self.lines.append(f'copy = "{copy}"')
        if identity == "static_keys":
            self.lines += ['method = "password"',
                           f'user = "{sandbox.endpoints["redshift"]["user"]}"',
                           'password = { file = "redshift.pw" }']
            self.login = sandbox.endpoints["redshift"]["user"]
        else:
            self.temporary_login(user)
        world.read_as_admin = True
        world.kind = "redshift" if kind == "provisioned" else "redshift-serverless"
        world.auth = "\n".join(self.lines)

    def temporary_login(self, user):
        url = self.sandbox.endpoints["aws"]["url"]
        name = "examplecluster" if self.kind == "provisioned" else "analytics"
        self.lines += [f'warehouse = "{name}"', 'region = "eu-west-1"',
                       f'sts_endpoint = "{url}"', f'redshift_endpoint = "{url}"']
        self.login = f"IAMR:{self.role}"
        if self.kind == "provisioned" and user:
            self.login = self.sandbox.endpoints["redshift"]["user"]
            self.lines.append(f'db_user = "{self.login}"')

    def google(self, text):
        self.role = "vesto"
        self.world.identity = "[identity.google]\n" + text
        self.lines += [f'role_arn = "{ACCOUNT}vesto"', 'audience = "vesto-acme-7f3a"']

    def metadata(self):
        google = self.sandbox.endpoints["google"]
        self.environment["GCE_METADATA_HOST"] = google["metadata_host"]
        self.google('source = "metadata"\n')

    def key_file(self):
        google, ca_file = self.sandbox.endpoints["google"], self.sandbox.endpoints["ca_file"]
        self.google(f'source = "key_file"\nkey = {{ file = "{google["key_file"]}" }}\n'
                    f'tls_ca_file = "{ca_file}"\n')

    def token_file(self):
        (self.world.folder / "token").write_text(google_token(self.sandbox, "vesto-acme-7f3a"))
        self.google('source = "token_file"\ntoken_file = "token"\n')

    def eks(self):
        self.role = "vesto-eks"
        self.environment |= {
            "AWS_WEB_IDENTITY_TOKEN_FILE": self.sandbox.endpoints["eks"]["token_file"],
            "AWS_ROLE_ARN": ACCOUNT + "vesto-eks"}
        self.lines.append('identity = "aws"')

    def profile(self):
        self.role = "vesto-ext"
        (self.world.folder / ".aws").mkdir(exist_ok=True)
        (self.world.folder / ".aws" / "credentials").write_text(
            "[base]\naws_access_key_id = AKIAVESTOOPERATOR001\n"
            "aws_secret_access_key = operatorSecretoperatorSecretoperator/+01\n")
        (self.world.folder / ".aws" / "config").write_text(
            f"[profile acme]\nrole_arn = {ACCOUNT}vesto-ext\nsource_profile = base\n"
            "external_id = acme-42\nregion = eu-west-1\n")
        self.lines += ['identity = "aws"', 'profile = "acme"']

    def external_id(self):
        self.role = "vesto-ext"
        (self.world.folder / "operator.key").write_text("operatorSecretoperatorSecretoperator/+01")
        self.lines += ['access_key_id = "AKIAVESTOOPERATOR001"',
                       'secret_access_key = { file = "operator.key" }',
                       f'role_arn = "{ACCOUNT}vesto-ext"', 'external_id = "acme-42"']

    def static_keys(self):
        self.lines += ['access_key_id = "AKIAVESTOLOADER00001"',
                       'secret_access_key = { file = "aws.key" }']


def google_token(sandbox, audience):
    import urllib.request
    request = urllib.request.Request(
        f"http://{sandbox.endpoints['google']['metadata_host']}/computeMetadata/v1/instance/"
        f"service-accounts/default/identity?audience={audience}&format=full",
        headers={"Metadata-Flavor": "Google"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


@pytest.fixture
def make_world(postgres):
    made = []

    def make(sandbox):
        made.append(World(postgres, sandbox))
        return made[-1]

    yield make
    for world in made:
        world.close()


def why_invalid(identity, copy):
    """None: a valid cell; else what `config check` says."""
    if copy == "static_keys" and identity == "external_id":
        return "copy = \"static_keys\" would be the keys of role_arn"
    if copy == "static_keys" and identity != "static_keys":
        return "copy = \"static_keys\" needs a long-lived access key"
    if copy == "session_keys" and identity == "static_keys":
        return "copy = \"session_keys\" needs a role"
    return None


def tables(world):
    for name in ("orders", "items"):
        world.source(f"CREATE TABLE {name} (id int PRIMARY KEY, note text); INSERT INTO {name} "
                     f"SELECT i, 'row ' || i FROM generate_series(1, 25) i")
        world.table(f"public.{name}")


@pytest.mark.parametrize("kind,identity,copy,schema",
                         list(itertools.product(KINDS, IDENTITIES, COPIES, SCHEMAS)))
def test_cell(clouds, make_world, kind, identity, copy, schema):
    sandbox = clouds(kind)
    one_cell(sandbox, make_world(sandbox), kind, identity, copy, schema, "db_user")


@pytest.mark.parametrize("identity,copy,schema",
                         list(itertools.product(WITHOUT_DB_USER, COPIES, SCHEMAS)))
def test_cell_of_a_cluster_without_db_user(clouds, make_world, identity, copy, schema):
    """Valid: session keys and an attached role; no static keys, since each of these has a role."""
    sandbox = clouds("provisioned")
    logins = sandbox.calls().get("aws.redshift", 0)
    cell = one_cell(sandbox, make_world(sandbox), "provisioned", identity, copy, schema, "")
    assert cell.login == f"IAMR:{cell.role}"
    if why_invalid(identity, copy):
        assert sandbox.calls().get("aws.redshift", 0) == logins
        return
    assert sandbox.calls()["aws.redshift"] > logins
    # The tables are the role's own, so it was the role that logged in.
    owners = admin(sandbox, "SELECT DISTINCT tableowner FROM pg_tables WHERE tablename IN "
                            f"('orders', 'items') AND schemaname = '{cell.world.schema}'")
    assert owners == [(cell.login,)]


def test_a_login_that_no_grant_names_may_do_nothing(clouds, make_world):
    """Without db_user the rights of the database user of another cell are of no use."""
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "metadata", "session_keys", user="")
    tables(world)
    world.create_schema = False
    admin(sandbox, f'CREATE SCHEMA "{world.schema}"')
    admin(sandbox, f'GRANT ALL ON SCHEMA "{world.schema}" TO '
                   f'"{sandbox.endpoints["redshift"]["user"]}"')
    world.write_config()
    code, finished, errors = world.run(environment=cell.environment)
    said = errors + json.dumps(finished)
    assert code != 0 and "RS-PRIV" in said and "IAMR:vesto" in said, said
    assert nothing_left(sandbox) == NOTHING_LEFT


def one_cell(sandbox, world, kind, identity, copy, schema, user):
    cell = Cell(world, sandbox, kind, identity, copy, user=user)
    tables(world)
    if schema == "schema":
        world.create_schema = False
        admin(sandbox, f'CREATE SCHEMA "{world.schema}"')
        admin(sandbox, f'GRANT ALL ON SCHEMA "{world.schema}" TO "{cell.login}"')
    world.write_config()
    reason = why_invalid(identity, copy)
    begin = time.monotonic()
    code, finished, errors = world.run(environment=cell.environment)
    took_s = time.monotonic() - begin
    if reason:
        assert code == 3 and reason in errors, errors
        return cell
    assert code == 0, errors
    assert finished["rows"]["copied"] == 50
    TOOK_S.append(took_s)
    world.assert_equal(("public.orders", ["id"]), ("public.items", ["id"]), rows=50)
    assert nothing_left(sandbox) == NOTHING_LEFT
    assert world.journal_rows() == 0
    copies = [sql for sql in kept_sql(world, cell) if sql.startswith("COPY")]
    assert len(copies) == 2
    for sql in copies:
        assert ("IAM_ROLE" in sql) == (copy == "attached_role")
        assert ("SESSION_TOKEN" in sql) == (copy == "session_keys")
    return cell


def test_a_cell_takes_three_seconds_at_most():
    """The middle one, since a machine may have something else to do for a moment."""
    if not TOOK_S:
        pytest.skip("no cell ran before")
    assert sorted(TOOK_S)[len(TOOK_S) // 2] < 3, sorted(TOOK_S)


def kept_sql(world, cell):
    import subprocess
    done = subprocess.run(world.command("history", "shop", "--json"), text=True,
                          capture_output=True, timeout=60, env={**os.environ, **cell.environment})
    run = json.loads(done.stdout)["runs"][0]["run"]
    done = subprocess.run(world.command("show", run, "--sql"), text=True, capture_output=True,
                          timeout=60, env={**os.environ, **cell.environment})
    assert done.returncode == 0, done.stderr
    return [line.strip() for line in done.stdout.splitlines()]


def test_the_longest_prefix_that_copys_keys_can_be_narrowed_to(clouds, make_world):
    """What `config check` takes, STS takes; one byte more is refused before anything is read."""
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "external_id", "session_keys")
    tables(world)
    world.write_config(prefix="vesto/" + "p" * 500)
    code, _, errors = world.run(environment=cell.environment)
    assert code == 3 and "staging.prefix has 506 bytes" in errors, errors
    fits = int(errors.split("Shorten prefix to ")[1].split()[0])
    calls = sandbox.calls()
    world.write_config(prefix=("vesto/" + "p" * 500)[:fits + 1])
    code, _, errors = world.run(environment=cell.environment)
    assert code == 3 and f"staging.prefix has {fits + 1} bytes" in errors, errors
    assert sandbox.calls() == calls
    world.write_config(prefix=("vesto/" + "p" * 500)[:fits])
    code, finished, errors = world.run(environment=cell.environment)
    assert code == 0 and finished["rows"]["copied"] == 50, errors
    assert nothing_left(sandbox) == NOTHING_LEFT


def test_a_long_lived_key_of_the_chain_stands_in_no_statement(clouds, make_world):
    """The environment's own key may stage files; COPY is not given it unasked."""
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "static_keys", "static_keys")
    world.auth = "\n".join(['identity = "aws"', 'method = "password"',
                            f'user = "{cell.login}"', 'password = { file = "redshift.pw" }'])
    tables(world)
    world.write_config()
    keys = {"AWS_ACCESS_KEY_ID": "AKIAVESTOLOADER00001",
            "AWS_SECRET_ACCESS_KEY": sandbox.endpoints["aws"]["secret_access_key"]}
    code, finished, errors = world.run(environment={**cell.environment, **keys})
    said = errors + json.dumps(finished)
    assert code != 0 and "AWS-NO-CREDENTIALS" in said and "long-lived" in said, said
    world.auth += f'\ncopy_role_arn = "{ACCOUNT}copy"'
    world.write_config()
    assert world.run(environment={**cell.environment, **keys})[0] == 0
    assert nothing_left(sandbox) == NOTHING_LEFT


def test_a_bundle_of_the_environment_verifies_all_of_aws(clouds, make_world):
    """AWS_CA_BUNDLE, as the other programs of AWS take it: S3 too, unless staging names a file."""
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "external_id", "session_keys")
    tables(world)
    world.write_config()
    config = world.folder / "vesto.toml"
    line = f'tls_ca_file = "{sandbox.endpoints["ca_file"]}"\n'
    before, staging = config.read_text().split("[destination.rs.staging]")
    assert line in staging
    config.write_text(before + "[destination.rs.staging]" + staging.replace(line, ""))
    assert world.run(environment=cell.environment)[0] == 0
    world.assert_equal(("public.orders", ["id"]), ("public.items", ["id"]), rows=50)
    without = {**cell.environment}
    del without["AWS_CA_BUNDLE"]
    code, finished, errors = world.run(environment=without)
    assert code != 0 and "NET-TLS-CA" in errors + json.dumps(finished), errors


OTHER_CAS = "/etc/ssl/certs/ca-certificates.crt"


def told_of_a_ca(world, environment, check):
    """The hint of a check that meets an unknown CA."""
    import subprocess
    done = subprocess.run(
        world.command("destination", "test", "rs", "--json", "--wait", "0s", "--only", check),
        text=True, capture_output=True, timeout=60, env={**os.environ, **environment})
    result = {one["id"]: one for one in json.loads(done.stdout)["checks"]}[check]
    assert result["error"]["code"] == "NET-TLS-CA", result
    return result["error"]["hint"]


def test_an_unknown_ca_is_told_what_names_it_for_that_server(clouds, make_world):
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "external_id", "session_keys")
    tables(world)
    world.write_config()
    # STS takes no setting, and no SSL_CERT_FILE either.
    without = {**cell.environment, "SSL_CERT_FILE": sandbox.endpoints["ca_file"]}
    del without["AWS_CA_BUNDLE"]
    hint = told_of_a_ca(world, without, "aws.key")
    assert "environment variable AWS_CA_BUNDLE" in hint and "tls_ca_file" not in hint, hint
    code, finished, errors = world.run(environment=without)
    assert code != 0 and hint in errors + json.dumps(finished), errors
    # S3 takes its own setting before the variable.
    config = world.folder / "vesto.toml"
    before, staging = config.read_text().split("[destination.rs.staging]")
    config.write_text(before + "[destination.rs.staging]" +
                      staging.replace(sandbox.endpoints["ca_file"], OTHER_CAS))
    hint = told_of_a_ca(world, cell.environment, "s3.bucket")
    assert "tls_ca_file in the destination's section staging" in hint, hint
    # The warehouse has one of its own, too.
    world.write_config()
    before, behind = config.read_text().split("[destination.rs]")
    config.write_text(before + "[destination.rs]" +
                      behind.replace(sandbox.endpoints["ca_file"], OTHER_CAS, 1))
    hint = told_of_a_ca(world, cell.environment, "net.tls")
    assert "tls_ca_file in the section of this server" in hint and "AWS" not in hint, hint


def test_an_unknown_ca_of_googles_is_told_its_setting(clouds, make_world):
    sandbox = clouds("provisioned")
    world = make_world(sandbox)
    cell = Cell(world, sandbox, "provisioned", "key_file", "session_keys")
    world.identity = world.identity.replace(sandbox.endpoints["ca_file"], OTHER_CAS)
    tables(world)
    world.write_config()
    hint = told_of_a_ca(world, cell.environment, "gcp.token")
    assert "tls_ca_file in the section identity.google" in hint and "AWS" not in hint, hint
