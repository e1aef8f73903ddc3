"""An account with a warehouse and nothing of Vesto in it, and people who run the kit there.

KitWorld is a sandbox of its own with a configuration for it. An AWS admin runs the kit's scripts by
awscli, a Redshift admin its SQL by psql, as they stand: nothing else is set up here.

    world = KitWorld(kind="serverless", identity="google")
    world.apply()
    assert world.report()["ok"]
"""
import contextlib
import json
import os
import pathlib
import secrets
import shutil
import subprocess
import sys
import tempfile

import psycopg2

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
sys.path.insert(0, str(ROOT / "tests"))

from aws_server import awscli_folder  # noqa: E402
from bastion import Bastion  # noqa: E402
from kit_account import (  # noqa: E402,F401
    ACCOUNT, ADMIN, AUDIENCE, BUCKET, CLUSTER, COPY_ROLE, DATABASE, EXTERNAL_ID, KEY_USER, KMS_KEY,
    OPERATOR, OPERATORS_ADMIN, OPERATORS_KEY, PODS_ROLE, PREFIX, REGION, ROLE, SCHEMA, UUID, WORKGROUP,
    world_toml)
from sandbox_process import Sandbox, binary  # noqa: E402

LIMIT_S = 180  # of one program
EXITS = (0, 2, 4, 5, 8)  # of a test: well, or whose matter it is


class KitWorld:
    """kind: "provisioned" or "serverless". identity: "google", "key" (IAM user's key and password),
    "assume_role" (the operator's own key, which assumes the customer's role by external id) or
    "aws" (the same by the role of a pod on EKS). tunnel: through an SSH server in the VPC.
    schema: "made" by Vesto or "premade". copy: "session_keys", "attached_role" or "default_role" (the
    attached one that is the warehouse's default). kms: whether
    staged files are encrypted with a key of the customer's. locked: whether PUBLIC has lost the
    right to temporary tables, so that only the kit gives it. named: whether a temporary login is
    for a user that the configuration names."""

    def __init__(self, kind="provisioned", identity="google", schema="made", copy="", kms=False,
                 locked=True, more_world="", postgres=None, named=False, tunnel=False):
        self.kind, self.identity, self.schema, self.copy = kind, identity, schema, copy
        self.kms, self.postgres, self.named = kms, postgres, named
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="vesto-kit-"))
        self.folder.chmod(0o755)
        self.password = "Kit1" + secrets.token_hex(12)
        self.bastion = Bastion(self.folder) if tunnel else None
        (self.folder / "world.toml").write_text(world_toml(
            kind, pods=identity == "aws", bastion=tunnel, more=more_world))
        self.sandbox = Sandbox(self.folder / "sandbox", "--kind", kind, "--world",
                               self.folder / "world.toml", "--warehouse",
                               WORKGROUP if kind == "serverless" else CLUSTER)
        self._source = None
        try:
            self.sandbox.start()
            self.endpoints = self.sandbox.endpoints
            self.allow_from([])
            if locked:
                self.admin_sql(f'REVOKE TEMPORARY ON DATABASE "{DATABASE}" FROM PUBLIC')
            if schema == "premade":
                self.admin_sql(f'CREATE SCHEMA "{SCHEMA}"')
            self.write_config()
            if tunnel:
                assert self.vesto("ssh-key", "destination.acme").returncode == 0
        except BaseException:
            self.close()
            raise

    def close(self):
        if self.bastion:
            self.bastion.close()
        if self.sandbox.process is not None:
            self.sandbox.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # --- the configuration ---
    @property
    def provisioned(self):
        return self.kind == "provisioned"

    @property
    def database_user(self):
        return KEY_USER if self.identity == "key" or self.named else "IAMR:vesto-acme-role"

    def auth(self):
        """[destination.acme.auth], as its owner writes it."""
        url = self.endpoints["aws"]["url"]
        lines = [f'sts_endpoint = "{url}"']
        if self.identity == "key":
            lines += [f'user = "{KEY_USER}"', 'password = { file = "redshift.pw" }']
        else:
            lines += [f'role_arn = "{ROLE}"', f'redshift_endpoint = "{url}"',
                      f'region = "{REGION}"',
                      f'warehouse = "{CLUSTER if self.provisioned else WORKGROUP}"']
        if self.named:
            lines.append(f'db_user = "{KEY_USER}"')
        if self.identity == "google":
            lines.append(f'audience = "{AUDIENCE}"')
        elif self.identity == "aws":
            lines.append('identity = "aws"')
        else:
            lines += ['access_key_id = { file = "aws.id" }',
                      'secret_access_key = { file = "aws.key" }']
        if self.identity in ("assume_role", "aws"):
            lines.append(f'external_id = "{EXTERNAL_ID}"')
        if self.copy in ("attached_role", "default_role"):
            arn = COPY_ROLE if self.copy == "attached_role" else "default"
            lines.append(f'copy_role_arn = "{arn}"')
            if self.identity == "key":  # the warehouse's, which no temporary login names here
                lines += [f'region = "{REGION}"',
                          f'warehouse = "{CLUSTER if self.provisioned else WORKGROUP}"']
        elif self.copy:
            lines.append(f'copy = "{self.copy}"')
        return "\n".join(lines)

    def config_text(self, auth=None, staging="", more=""):
        """vesto.toml; `auth` instead of the usual lines, `staging` and `more` behind theirs."""
        redshift, ca_file = self.endpoints["redshift"], self.endpoints["ca_file"]
        google = '[identity.google]\nsource = "metadata"\n' if self.identity == "google" else ""
        if self.kms:
            staging += f'\nkms_key_arn = "{KMS_KEY}"'
        if self.bastion:
            more += "[destination.acme.ssh]\n" + self.bastion.section()
        return f"""version = 1
[server]
public_egress = ["127.0.0.1"]
{google}
[destination.acme]
kind = "{'redshift' if self.provisioned else 'redshift-serverless'}"
endpoint = "{redshift['host']}:{redshift['port']}/{DATABASE}"
tls_ca_file = "{ca_file}"
schema = "{SCHEMA}"
create_schema = {str(self.schema == "made").lower()}
[destination.acme.auth]
{auth if auth is not None else self.auth()}
[destination.acme.staging]
bucket = "{BUCKET}"
prefix = "{PREFIX}"
region = "{REGION}"
endpoint = "{self.endpoints['aws']['url']}"
tls_ca_file = "{ca_file}"
{staging}
{more}
"""

    def write_config(self, **changes):
        (self.folder / "vesto.toml").write_text(self.config_text(**changes))
        for name, text in (("redshift.pw", self.password),
                           ("aws.id", OPERATORS_KEY[0]), ("aws.key", OPERATORS_KEY[1])):
            if not (self.folder / name).exists() and (name == "redshift.pw" or
                                                      self.identity == "assume_role"):
                self.keep_secret(name, text)
        return self

    def keep_secret(self, name, text):
        """As the docs say: readable for its owner alone."""
        (self.folder / name).touch(mode=0o600)
        (self.folder / name).write_text(text)

    # --- programs ---
    def environment(self):
        """Of vesto: where AWS and Google are."""
        google = {"GCE_METADATA_HOST": self.endpoints["google"]["metadata_host"]}
        pod = {"AWS_ROLE_ARN": f"arn:aws:iam::{OPERATOR}:role/{PODS_ROLE}",
               "AWS_WEB_IDENTITY_TOKEN_FILE": self.endpoints["eks"]["token_file"]}
        return {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                "ASAN_OPTIONS": "detect_leaks=0", "AWS_EC2_METADATA_DISABLED": "true",
                "AWS_ENDPOINT_URL": self.endpoints["aws"]["url"],
                "AWS_CA_BUNDLE": self.endpoints["ca_file"],
                **(google if self.identity == "google" else {}),
                **(pod if self.identity == "aws" else {})}

    def command(self, *arguments):
        return [str(binary("src/cli/vesto")), "--config", str(self.folder / "vesto.toml"),
                "--data", str(self.folder / "data"), *arguments]

    def vesto(self, *arguments, environment=None):
        return subprocess.run(self.command(*arguments), cwd=self.folder, text=True, timeout=LIMIT_S,
                              capture_output=True, check=False,
                              env={**self.environment(), **(environment or {})})

    def kit(self, part):
        """One part's text; it must not say anything on stderr but what is to be filled in."""
        done = self.vesto("destination", "kit", "acme", "--part", part)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def aws(self, script, who=ADMIN, code=0):
        """sh runs it, awscli being the admin; gives what it printed."""
        environment = {
            "PATH": f"{awscli_folder()}:{os.environ['PATH']}",
            "HOME": str(self.folder), "AWS_ENDPOINT_URL": self.endpoints["aws"]["url"],
            "AWS_CA_BUNDLE": self.endpoints["ca_file"], "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_ACCESS_KEY_ID": who[0], "AWS_SECRET_ACCESS_KEY": who[1]}
        done = subprocess.run(["sh", "-s"], input=self.filled(script), env=environment, text=True,
                              timeout=LIMIT_S, cwd=self.folder, capture_output=True, check=False)
        assert done.returncode == code, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    def filled(self, text):
        """What only a person can fill in: the password that stands in the configuration, and the
        security groups of an SSH server, and of a warehouse that Vesto knows by its address alone."""
        text = text.replace("<<PASSWORD>>", self.password)
        for mark, value in (("<<SECURITY_GROUP>>", self.security_group),
                            ("<<BASTION_SECURITY_GROUP>>", self.bastions_group)):
            text = text.replace(mark, value()) if mark in text else text
        return text

    def psql(self, text):
        """psql runs it as the warehouse's admin, from an address that may reach it."""
        words = self.sandbox.dsn(admin=True)
        dsn = " ".join(f"{name}='{value}'" for name, value in words.items())
        with self.reachable():
            done = subprocess.run(["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", dsn],
                                  input=self.filled(text), text=True, timeout=LIMIT_S,
                                  capture_output=True, check=False)
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        return done.stdout

    # --- the warehouse's own people ---
    def security_group(self):
        if self.provisioned:
            found = self.boto("redshift").describe_clusters(ClusterIdentifier=CLUSTER)
            return found["Clusters"][0]["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
        found = self.boto("redshift-serverless").get_workgroup(workgroupName=WORKGROUP)
        return found["workgroup"]["securityGroupIds"][0]

    def bastions_group(self):
        """That of an instance for which nobody has named one."""
        found = self.boto("ec2").describe_security_groups(
            Filters=[{"Name": "group-name", "Values": ["default"]}])
        return found["SecurityGroups"][0]["GroupId"]

    def group(self, group_id):
        return self.boto("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]

    def allowed(self):
        """Whom the warehouse lets in, as EC2 tells it: addresses and groups."""
        rules = self.group(self.security_group())["IpPermissions"]
        return ([block["CidrIp"] for rule in rules for block in rule.get("IpRanges", [])] +
                [pair["GroupId"] for rule in rules for pair in rule.get("UserIdGroupPairs", [])])

    def allow_from(self, addresses):
        self.sandbox.control("POST", "/v1/security-group", {"allow_from": addresses})

    @contextlib.contextmanager
    def reachable(self):
        """The warehouse's admin sits inside of its network; here that is Vesto's address as well,
        so the way is opened for a moment where it is closed."""
        allowed = self.allowed()
        closed = "127.0.0.1/32" not in allowed and not (
            self.bastion and self.bastions_group() in allowed)
        if closed:
            self.allow_from(["127.0.0.1/32"])
        try:
            yield
        finally:
            if closed:
                self.allow_from([])

    def admin_sql(self, sql, *values):
        with self.reachable(), contextlib.closing(self.sandbox.connect(admin=True)) as connection:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else None

    def boto(self, service, who=ADMIN):
        import boto3
        from botocore.config import Config
        return boto3.client(
            service, endpoint_url=self.endpoints["aws"]["url"], region_name=REGION,
            verify=self.endpoints["ca_file"], aws_access_key_id=who[0],
            aws_secret_access_key=who[1],
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30))

    # --- the kit is run ---
    def apply(self, *parts):
        """All that the kit asks of people, or these parts of it."""
        for part in parts or self.parts():
            self.apply_part(part)
        return self

    def parts(self):
        # Of another account's admin. Who the pods are must be known before others trust them.
        pods = ["eks-trust", "asker"] if self.identity == "aws" else []
        key = ["key"] if self.identity == "assume_role" else []
        line = ["authorized-keys"] if self.bastion else []
        return [*pods, "script", *key, "sql", "network", *line]

    def apply_part(self, part):
        text = self.kit(part)
        if part in ("sql", "owner"):
            self.psql(text)
            return
        if part == "authorized-keys":  # as it is told to do with this line
            self.bastion.write([*self.bastion.lines(), *text.splitlines()])
            return
        if part == "eks-trust":
            self.boto("iam", OPERATORS_ADMIN).update_assume_role_policy(
                RoleName=PODS_ROLE, PolicyDocument=text)
            return
        elsewhere = part == "asker" or (part == "key" and self.identity == "assume_role")
        done = self.aws(text, who=OPERATORS_ADMIN if elsewhere else ADMIN)
        if part in ("script", "key") and self.identity == "key":
            self.take_key(done.stdout)

    def take_key(self, printed):
        """The access key that a script printed goes where the configuration looks for it."""
        if '"AccessKey"' not in printed:
            return
        key = json.loads(printed)["AccessKey"]
        self.keep_secret("aws.id", key["AccessKeyId"])
        self.keep_secret("aws.key", key["SecretAccessKey"])

    def fix(self, fix):
        """Does what a check's `fix` says; knows nothing but how its kinds are run."""
        assert fix["kind"] in ("sql", "shell") and fix["snippet"], fix
        if fix["kind"] == "sql":
            return self.psql(fix["snippet"])
        if fix["who"] == "operator":
            return self.aws(fix["snippet"], who=OPERATORS_ADMIN)
        if self.identity in ("assume_role", "aws") and OPERATOR in fix["snippet"]:  # for both admins
            self.aws(fix["snippet"], who=OPERATORS_ADMIN)
        return self.aws(fix["snippet"])

    # --- what Vesto says of it ---
    def report(self, *arguments):
        """The report of `vesto destination test`, as JSON."""
        if self.bastion:
            self.bastion.follow(self.group(self.bastions_group()))
        done = self.vesto("destination", "test", "acme", "--json", "--wait", "0s", *arguments)
        assert done.returncode in EXITS, f"exit {done.returncode}: {done.stdout}{done.stderr}"
        report = json.loads(done.stdout)
        assert report["ok"] == (done.returncode in (0, 8)), report
        return report

    def sync(self, rows=20):
        """A first run from a PostgreSQL table of `rows` rows; gives how many arrived."""
        assert self.postgres is not None, "KitWorld(postgres=...) gives the source"
        self.make_source(rows)
        done = self.vesto("run", "shop", "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return self.admin_sql(f'SELECT count(*) FROM "{SCHEMA}"."orders"')[0][0]

    def make_source(self, rows):
        database = "kit_" + secrets.token_hex(6)
        for name, statements in (
                (None, [f"CREATE DATABASE {database}"]),
                (database, ["CREATE TABLE orders (id bigint PRIMARY KEY, note text)",
                            "INSERT INTO orders SELECT i, 'note ' || i FROM "
                            f"generate_series(1, {rows}) i"])):
            dsn = self.postgres.dsn(name) if name else self.postgres.dsn()
            with contextlib.closing(psycopg2.connect(dsn)) as connection:
                connection.autocommit = True
                for statement in statements:
                    connection.cursor().execute(statement)
        self.keep_secret("source.pw", self.postgres.password)
        self.write_config(more=f"""[source.pg]
kind = "postgres"
host = "127.0.0.1"
port = {self.postgres.port}
database = "{database}"
user = "{self.postgres.user}"
password = {{ file = "source.pw" }}
sslmode = "disable"
[sync.shop]
source = "pg"
destination = "acme"
[[sync.shop.table]]
name = "public.orders"
mode = "upsert"
""")


def by_id(report):
    return {check["id"]: check for check in report["checks"]}


def bad_checks(report):
    """What is neither passed nor skipped nor masked: {id: code}."""
    return {check["id"]: check["error"]["code"] for check in report["checks"]
            if check["status"] in ("failed", "warning")}
