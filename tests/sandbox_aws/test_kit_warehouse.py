"""From an account without a warehouse to a destination that is ready: the kit's parts "warehouse" and
"copy-role" with the others, run by awscli as they stand, and the test that waits meanwhile."""
import json
import os
import pathlib
import socket
import subprocess
import time

import psycopg2
import pytest

pytest.importorskip("boto3")
from aws_server import awscli_folder  # noqa: E402
from conftest import Cloud  # noqa: E402
from kit_process import part  # noqa: E402
from sandbox_process import ROOT  # noqa: E402

DEV = ROOT / os.environ.get("VESTO_DEV_DIR", "build/dev") / "src" / "cli" / "vesto"
WORLD = pathlib.Path(__file__).parent / "world_empty.toml"
ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
ACCOUNT = "arn:aws:iam::123456789012:role/"
CREATING_MS = 300_000

CONFIG = """version = 1
[server]
public_egress = ["127.0.0.1"]
[destination.acme]
kind = "{kind}"
endpoint = "localhost:{port}/dev"
tls_ca_file = "{ca}"
schema = "kit"
create_schema = true
[destination.acme.auth]
method = "iam_role"
warehouse = "shop"
region = "eu-west-1"
role_arn = "{account}kit-sync"
audience = "vesto-kit-1a2b"
copy_role_arn = "{copy_role}"
sts_endpoint = "{url}"
redshift_endpoint = "{url}"
[destination.acme.staging]
bucket = "kit-staging"
region = "eu-west-1"
endpoint = "{url}"
tls_ca_file = "{ca}"
"""


def free_port():
    """One that RA3 and Serverless take."""
    for port in range(8191, 8216):
        with socket.socket() as tried:
            try:
                tried.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise RuntimeError("no port from 8191 to 8215 is free")


class Account:
    """A sandbox without a warehouse, and the folder of somebody who sets one up."""

    def __init__(self, sandbox, kind, folder):
        self.cloud, self.kind, self.folder = Cloud(sandbox), kind, folder
        self.port = sandbox.endpoints["redshift"]["port"]
        google = {"GCE_METADATA_HOST": self.cloud.endpoints["google"]["metadata_host"]}
        self.vesto = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "HOME": str(folder),
                      "ASAN_OPTIONS": "detect_leaks=0", "AWS_EC2_METADATA_DISABLED": "true",
                      "AWS_CA_BUNDLE": self.cloud.endpoints["ca_file"],
                      "VESTO_CLOCK_OFFSET_FILE": str(folder / "clock"), **google}
        self.shell = {
            "PATH": f"{awscli_folder()}:{os.environ['PATH']}",
            "HOME": str(folder), "AWS_ENDPOINT_URL": self.cloud.aws["url"],
            "AWS_CA_BUNDLE": self.cloud.endpoints["ca_file"], "AWS_PAGER": "",
            "AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1]}

    def config(self, copy_role=ACCOUNT + "kit-copy"):
        return CONFIG.format(kind=self.kind, port=self.port, ca=self.cloud.endpoints["ca_file"],
                             url=self.cloud.aws["url"], account=ACCOUNT, copy_role=copy_role)

    def text(self, name, **options):
        return part(self.folder, self.config(**options), name, environment=self.vesto)

    def run(self, name, **options):
        done = subprocess.run(["sh", "-s"], input=self.text(name, **options), env=self.shell,
                              timeout=300, text=True, cwd=self.folder, capture_output=True,
                              check=False)
        assert done.returncode == 0, done.stderr
        return done

    def client(self, service):
        return self.cloud.client(service, *ADMIN)

    def told(self):
        """What AWS says of the warehouse: the cluster, or the workgroup."""
        if self.kind == "redshift":
            return self.client("redshift").describe_clusters(ClusterIdentifier="shop")["Clusters"][0]
        return self.client("redshift-serverless").get_workgroup(workgroupName="shop")["workgroup"]

    def secret(self):
        if self.kind == "redshift":
            arn = self.told()["MasterPasswordSecretArn"]
        else:
            space = self.client("redshift-serverless").get_namespace(namespaceName="shop")
            arn = space["namespace"]["adminPasswordSecretArn"]
        value = self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
        return json.loads(value)

    def login(self, **changes):
        secret = self.secret()
        words = {"host": "localhost", "port": self.port, "dbname": "dev", "connect_timeout": 3,
                 "user": secret["username"], "password": secret["password"],
                 "sslmode": "verify-full", "sslrootcert": self.cloud.endpoints["ca_file"]}
        connection = psycopg2.connect(**{**words, **changes})
        connection.autocommit = True
        return connection

    def roles(self):
        if self.kind == "redshift":
            told = self.told()
            return ([role["IamRoleArn"] for role in told["IamRoles"]],
                    told.get("DefaultIamRoleArn"))
        told = self.client("redshift-serverless").get_namespace(namespaceName="shop")["namespace"]
        return [role.split("iamRoleArn=", 1)[1][:-1] for role in told["iamRoles"]], \
            told.get("defaultIamRoleArn")

    def status(self):
        told = self.told()
        if self.kind == "redshift":
            return told["ClusterStatus"], told.get("Endpoint", {}).get("Port")
        return told["status"].lower(), told.get("endpoint", {}).get("port")

    def test(self, *more):
        """The build that a test may move the clock of: it must go with AWS's."""
        return subprocess.Popen(
            [str(DEV), "destination", "test", "acme", "--json", *more],
            cwd=self.folder, env=self.vesto, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True)

    def move(self, ms):
        (self.folder / "clock.new").write_text(str(ms))
        (self.folder / "clock.new").replace(self.folder / "clock")
        self.cloud.control("/v1/clock", {"offset_ms": ms})


def report_of(process):
    out, errors = process.communicate(timeout=120)
    report = json.loads(out)
    return report, {check["id"]: check for check in report["checks"]}, errors


@pytest.fixture(params=["redshift", "redshift-serverless"], scope="module")
def account(start_sandbox, tmp_path_factory, request):
    kind = "provisioned" if request.param == "redshift" else "serverless"
    sandbox = start_sandbox("empty-" + kind, "--kind", kind, "--world", WORLD, port=free_port())
    return Account(sandbox, request.param, tmp_path_factory.mktemp("kit-" + kind))


def test_from_nothing_to_ready(account):
    assert "user" not in account.cloud.endpoints["redshift"]
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", account.port), 3)
    said = account.run("warehouse")
    assert said.stderr == "" and said.stdout.lower().startswith("state: creating\nit has no endpoint")
    assert account.status() == ("creating", None)
    with pytest.raises(psycopg2.OperationalError, match="refused"):
        account.login()
    for name in ("bucket", "role", "network"):
        assert account.run(name).stderr == ""
    _, checks, _ = report_of(account.test("--only", "redshift.status", "--wait", "0s"))
    assert checks["redshift.status"]["status"] == "failed"
    assert "creating" in checks["redshift.status"]["evidence"][0]["value"]
    waiting = account.test("--only", "redshift.status", "--wait", "60s")

    def asked():
        return account.cloud.sandbox.control("GET", "/v1/calls").get("aws.redshift", 0)

    before, end = asked(), time.monotonic() + 30
    while asked() <= before:
        assert waiting.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    account.move(CREATING_MS)
    report, checks, _ = report_of(waiting)
    assert report["ok"] and checks["redshift.status"]["status"] == "passed", report
    assert account.status() == ("available", account.port)


def test_its_admin_is_a_superuser_and_the_rest_of_the_kit_makes_it_ready(account):
    assert account.status()[0] == "available"
    with account.login() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT usename, usesuper FROM pg_user WHERE usename = current_user")
        assert cursor.fetchall() == [("awsuser", True)]
        for statement in account.text("sql").split(";\n"):
            if any(not line.startswith("--") for line in statement.splitlines() if line.strip()):
                cursor.execute(statement)
    connection.close()
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        account.login(password="Wrong0password")
    report, checks, _ = report_of(account.test("--wait", "0s"))
    failed = {name: one["error"]["code"] for name, one in checks.items()
              if one["status"] == "failed"}
    # The role for COPY is all that is missing.
    assert list(failed) == ["redshift.copy"], report
    assert account.roles() == ([], None)
    assert account.run("copy-role").stderr == ""
    assert account.roles() == ([ACCOUNT + "kit-copy"], None)
    report, checks, _ = report_of(account.test("--wait", "0s"))
    assert report["ok"] and checks["redshift.readback"]["status"] == "passed", report


ODD = [("/kit,a=b/x+y@z_-./", "kit-odd+=,.@-_"), ("/", "kit-iamRoleArn=x,"), ("/", "kit-plain")]


def test_roles_that_are_attached_already_stay(account):
    """Whatever IAM lets names and paths hold: UpdateNamespace replaces the whole list."""
    iam = account.client("iam")
    trust = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "sts:AssumeRole",
         "Principal": {"Service": "redshift.amazonaws.com"}}]})
    theirs = [iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=trust)
              ["Role"]["Arn"] for path, name in ODD]
    ours = [ACCOUNT + "kit-copy"]
    attach(account, theirs)
    for _ in range(2):
        assert account.run("copy-role").stderr == ""
        attached, default = account.roles()
        assert sorted(attached) == sorted(theirs + ours) and default is None
    attach(account, [ACCOUNT + "kit-copy"], gone=theirs)
    for _, name in ODD:
        iam.delete_role(RoleName=name)


def attach(account, roles, gone=()):
    if account.kind == "redshift":
        account.client("redshift").modify_cluster_iam_roles(
            ClusterIdentifier="shop", AddIamRoles=roles, RemoveIamRoles=list(gone))
    else:
        account.client("redshift-serverless").update_namespace(
            namespaceName="shop", iamRoles=roles)


def test_who_is_let_in(account):
    """The security group and public access, as AWS's calls set them."""
    def open_to(public):
        if account.kind == "redshift":
            account.client("redshift").modify_cluster(
                ClusterIdentifier="shop", PubliclyAccessible=public)
        else:
            account.client("redshift-serverless").update_workgroup(
                workgroupName="shop", publiclyAccessible=public)

    account.login().close()
    open_to(False)
    with pytest.raises(psycopg2.OperationalError, match="timeout expired|timed out"):
        account.login()
    open_to(True)
    account.login().close()
