"""Faults of a set-up, each of them made alone or with others in a KitWorld whose kit was applied.

A fault changes a Plan: what the world is to be like. put() makes the world so and undoes it again.
What each shows when it is the only one stands with it; test_together.py proves that first.
"""
import contextlib
import copy
import json
import subprocess

from kit_world import ACCOUNT, BUCKET, DATABASE, REGION, ROLE, SCHEMA

ROLE_NAME = ROLE.rsplit("/", 1)[1]
KEY_USER_NAME = "vesto-acme"  # of IAM, that the kit makes in key mode
WAREHOUSE_ADDRESS = "198.51.100.10/32"  # from where the sandbox's COPY asks S3
CLOSED_PORT = 1
COPYS = ["redshift.copy"]  # what masks readback and merge


class Plan:
    """What is to be changed, all at once."""

    def __init__(self, world, rights):
        self.world = world
        self.config = world.config_text()
        self.trust, self.policy = copy.deepcopy(rights)
        self.bucket = []  # statements of the bucket's policy
        self.sql = []  # (what is done, what undoes it)
        self.faults = []  # of the sandbox
        self.files = {}  # name -> text

    def replace(self, old, new):
        assert self.config.count(old) >= 1, (old, self.config)
        self.config = self.config.replace(old, new, 1)

    def statement(self, action):
        """That allows `action`, in the permission policy."""
        found, = (one for one in self.policy["Statement"] if action in actions(one))
        return found

    def without(self, action):
        one = self.statement(action)
        one["Action"] = [each for each in actions(one) if each != action]
        if not one["Action"]:
            self.policy["Statement"].remove(one)

    def deny(self, action, **condition):
        self.bucket.append({"Effect": "Deny", "Principal": "*", "Action": action,
                            "Resource": f"arn:aws:s3:::{BUCKET}/*",
                            **({"Condition": condition} if condition else {})})

    def admin(self, do, undo):
        self.sql.append((do, undo))

    @property
    def user(self):
        return f'"{self.world.database_user}"'


def actions(statement):
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


class Fault:
    """group: two of one group would be in each other's way. shows: {check: code}, or several codes
    with | between them, where a wider one may stand for a narrower; that of a check in `warns` is a
    warning. kinds: identities in which it can be made."""

    def __init__(self, group, make, shows, warns=(), kinds=("google", "key")):
        self.name = make.__name__
        self.group, self.make, self.kinds = group, make, kinds
        self.shows = {check: ("warning" if check in warns else "failed", set(code.split("|")))
                      for check, code in shows.items()}


FAULTS = {}


def fault(group, shows, **more):
    def take(make):
        FAULTS[make.__name__] = Fault(group, make, shows, **more)
        return make
    return take


# --- the way ---
@fault("way", {"net.dns": "NET-DNS"})
def unknown_host(plan):
    plan.replace(f'endpoint = "{plan.world.endpoints["redshift"]["host"]}:',
                 'endpoint = "no-such-host.invalid:')


@fault("way", {"net.tcp": "NET-REFUSED"})
def wrong_port(plan):
    plan.replace(f':{plan.world.endpoints["redshift"]["port"]}/', f":{CLOSED_PORT}/")


@fault("ca", {"net.tls": "NET-TLS-CA"})
def foreign_certificate(plan):
    plan.replace(f'tls_ca_file = "{plan.world.endpoints["ca_file"]}"',
                 'tls_ca_file = "foreign.pem"')


# --- who we are ---
@fault("google", {"gcp.token": "GCP-TOKEN"}, kinds=["google"])
def google_is_away(plan):
    plan.faults.append({"on": "google.metadata", "then": {"status": 404}, "count": 1000})


@fault("trust", {"aws.assume_role": "AWS-ASSUME-DENIED"}, kinds=["google"])
def trust_of_another_audience(plan):
    plan.trust["Statement"][0]["Condition"]["StringEquals"]["accounts.google.com:oaud"] = "another"


@fault("trust", {"aws.assume_role": "AWS-ASSUME-DENIED"}, kinds=["google"])
def trust_of_another_subject(plan):
    plan.trust["Statement"][0]["Condition"]["StringEquals"]["accounts.google.com:sub"] = "12345"


@fault("trust", {"aws.trust_bound": "AWS-TRUST-LOOSE"}, warns=["aws.trust_bound"],
       kinds=["google"])
def trust_by_the_subject_alone(plan):
    del plan.trust["Statement"][0]["Condition"]["StringEquals"]["accounts.google.com:oaud"]


@fault("trust", {"aws.assume_role": "AWS-ASSUME-DENIED"}, kinds=["google"])
def role_that_is_not_there(plan):
    plan.replace(ROLE, f"arn:aws:iam::{ACCOUNT}:role/no-such-role")


@fault("key", {"aws.key": "AWS-KEY"}, kinds=["key"])
def wrong_secret_key(plan):
    plan.files["aws.key"] = "x" * 40


@fault("key", {"aws.key": "AWS-KEY"}, kinds=["key"])
def unknown_key_id(plan):
    plan.files["aws.id"] = "AKIANOSUCHKEY0000001"


# --- what AWS lets us do ---
@fault("login", {"redshift.credentials": "RS-CRED-DENIED"}, kinds=["google"])
def no_right_to_a_login(plan):
    plan.without("redshift:GetClusterCredentialsWithIAM")


@fault("login", {"redshift.credentials": "RS-CRED-DENIED"}, kinds=["google"])
def right_to_a_login_elsewhere(plan):
    plan.statement("redshift:GetClusterCredentialsWithIAM")["Resource"] = [
        f"arn:aws:redshift:{REGION}:{ACCOUNT}:dbname:examplecluster/another"]


@fault("s3:PutObject", {"s3.put": "S3-DENIED"})
def may_not_write(plan):
    plan.without("s3:PutObject")


@fault("s3:ListBucket", {"s3.list": "S3-DENIED", "clean_up": "CLEAN-LEFT"})
def may_not_list(plan):
    plan.without("s3:ListBucket")


@fault("s3:ListBucket", {"s3.list_narrow": "S3-WIDE"}, warns=["s3.list_narrow"])
def may_list_all(plan):
    del plan.statement("s3:ListBucket")["Condition"]


@fault("s3:GetObject", {"s3.get": "S3-DENIED", "redshift.copy": "RS-COPY-S3-403"})
def may_not_read(plan):
    plan.without("s3:GetObject")


@fault("s3:DeleteObject", {"s3.delete": "S3-DENIED", "clean_up": "CLEAN-LEFT"})
def may_not_delete(plan):
    plan.without("s3:DeleteObject")


@fault("kms:GenerateDataKey", {"s3.put": "S3-KMS|S3-DENIED"}, kinds=["google"])
def key_may_not_encrypt(plan):
    plan.without("kms:GenerateDataKey")


@fault("kms:Decrypt", {"s3.get": "S3-KMS|S3-DENIED", "redshift.copy": "RS-COPY-S3-403"}, kinds=["google"])
def key_may_not_decrypt(plan):
    plan.without("kms:Decrypt")


# --- the bucket ---
@fault("bucket", {"s3.bucket": "S3-NO-BUCKET"})
def no_such_bucket(plan):
    plan.replace(f'bucket = "{BUCKET}"', 'bucket = "acme-stage-that-nobody-made"')


@fault("bucket", {"s3.bucket": "S3-REGION"}, warns=["s3.bucket"])
def bucket_elsewhere(plan):
    # The last one is the bucket's; another may be the warehouse's.
    before, behind = plan.config.rsplit(f'region = "{REGION}"', 1)
    plan.config = before + 'region = "us-west-2"' + behind


@fault("bucket policy: put", {"s3.put": "S3-DENIED"})
def bucket_takes_nothing(plan):
    plan.deny("s3:PutObject")


@fault("bucket policy: copy", {"redshift.copy": "RS-COPY-S3-403"})
def bucket_refuses_the_warehouse(plan):
    plan.deny("s3:GetObject", IpAddress={"aws:SourceIp": WAREHOUSE_ADDRESS})


# --- the warehouse ---
@fault("temp", {"redshift.temp": "RS-PRIV-TEMP"})
def no_temporary_tables(plan):
    plan.admin(f'REVOKE TEMPORARY ON DATABASE "{DATABASE}" FROM {plan.user}',
               f'GRANT TEMPORARY ON DATABASE "{DATABASE}" TO {plan.user}')


@fault("schema", {"redshift.schema": "RS-PRIV-CREATE"})
def may_not_make_schemas(plan):
    plan.admin(f'REVOKE CREATE ON DATABASE "{DATABASE}" FROM {plan.user}',
               f'GRANT CREATE ON DATABASE "{DATABASE}" TO {plan.user}')


@fault("schema", {"redshift.schema": "RS-NO-SCHEMA"})
def schema_that_nobody_made(plan):
    plan.replace("create_schema = true", "create_schema = false")


@fault("schema", {"redshift.schema": "RS-PRIV-SCHEMA"})
def schema_of_another(plan):
    plan.admin(f'CREATE SCHEMA "{SCHEMA}"', f'DROP SCHEMA "{SCHEMA}" CASCADE')


@fault("schema", {"redshift.owner": "RS-OWNER"})
def table_of_another(plan):
    plan.admin(f'CREATE SCHEMA "{SCHEMA}"; GRANT ALL ON SCHEMA "{SCHEMA}" TO {plan.user}; '
               f'CREATE TABLE "{SCHEMA}"."_vesto_loads" (id bigint)',
               f'DROP SCHEMA "{SCHEMA}" CASCADE')


@fault("disk", {"redshift.copy": "RS-DISK-FULL"})
def no_disk_for_a_copy(plan):
    plan.faults.append({"on": "pg.statement", "match": "^COPY", "then": {"error": "Disk Full"},
                        "count": 1000})


@fault("password", {"redshift.login": "RS-LOGIN-PASSWORD"}, kinds=["key"])
def wrong_password(plan):
    plan.files["redshift.pw"] = "another"


@fault("database", {"redshift.login": "RS-DB-MISSING"}, kinds=["key"])
def no_such_database(plan):
    plan.replace(f'/{DATABASE}"', '/another"')


@fault("limit", {"redshift.login": "RS-CONN-LIMIT|RS-CONNECTION"})
def no_connection_left(plan):
    plan.admin(f"ALTER USER {plan.user} CONNECTION LIMIT 0",
               f"ALTER USER {plan.user} CONNECTION LIMIT UNLIMITED")


class Ground:
    """A world in which the kit was applied, and faults are put into it."""

    def __init__(self, world):
        self.world = world
        self.iam = world.boto("iam")
        self.key = world.identity == "key"
        self.policy_name = (self.iam.list_user_policies(UserName=KEY_USER_NAME) if self.key else
                            self.iam.list_role_policies(RoleName=ROLE_NAME))["PolicyNames"][0]
        self.rights = self.read()
        self.kept = {name: (world.folder / name).read_text()
                     for name in ("redshift.pw", "aws.id", "aws.key")
                     if (world.folder / name).exists()}
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                        "/dev/null", "-out", world.folder / "foreign.pem", "-subj", "/CN=Foreign",
                        "-days", "30"], check=True, capture_output=True, timeout=60)
        self.checks = json.loads(world.vesto("destination", "test", "acme", "--list",
                                             "--json").stdout)["checks"]

    def read(self):
        if self.key:
            return {"Statement": []}, self.iam.get_user_policy(
                UserName=KEY_USER_NAME, PolicyName=self.policy_name)["PolicyDocument"]
        return (self.iam.get_role(RoleName=ROLE_NAME)["Role"]["AssumeRolePolicyDocument"],
                self.iam.get_role_policy(RoleName=ROLE_NAME,
                                         PolicyName=self.policy_name)["PolicyDocument"])

    def change(self, trust, policy):
        if policy != self.rights[1]:
            self.put_policy(policy)
        if trust != self.rights[0]:
            self.iam.update_assume_role_policy(RoleName=ROLE_NAME, PolicyDocument=json.dumps(trust))

    def put_policy(self, policy):
        text = json.dumps(policy)
        if self.key:
            self.iam.put_user_policy(UserName=KEY_USER_NAME, PolicyName=self.policy_name,
                                     PolicyDocument=text)
        else:
            self.iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=self.policy_name,
                                     PolicyDocument=text)

    def set_bucket_policy(self, statements):
        # A bucket's policy cannot be empty here: one that allows nothing.
        nothing = [{"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{BUCKET}/nothing"}]
        self.world.sandbox.control("POST", "/v1/iam", {"put_bucket_policy": {
            "bucket": BUCKET, "policy": {"Version": "2012-10-17",
                                         "Statement": statements or nothing}}})

    @contextlib.contextmanager
    def put(self, faults):
        """The world with these faults; without them afterwards."""
        plan = Plan(self.world, self.rights)
        for one in sorted(faults, key=list(FAULTS.values()).index):
            one.make(plan)
        done = []
        try:
            self.change(plan.trust, plan.policy)
            if plan.bucket:
                self.set_bucket_policy(plan.bucket)
            for do, undo in plan.sql:
                self.world.admin_sql(do)
                done.append(undo)
            for one in plan.faults:
                self.world.sandbox.control("POST", "/v1/faults", one)
            for name, text in plan.files.items():
                (self.world.folder / name).write_text(text)
            (self.world.folder / "vesto.toml").write_text(plan.config)
            yield
        finally:
            self.world.sandbox.clear_faults()
            for undo in reversed(done):
                self.world.admin_sql(undo)
            if plan.bucket:
                self.set_bucket_policy([])
            self.restore(plan)

    def restore(self, plan):
        if plan.policy != self.rights[1]:
            self.put_policy(self.rights[1])
        if plan.trust != self.rights[0]:
            self.iam.update_assume_role_policy(RoleName=ROLE_NAME,
                                               PolicyDocument=json.dumps(self.rights[0]))
        for name, text in self.kept.items():
            if name in plan.files:
                (self.world.folder / name).write_text(text)
        self.world.write_config()

    def report(self):
        """Of one test, with whatever exit code the faults give it."""
        done = self.world.vesto("destination", "test", "acme", "--json", "--wait", "0s")
        report = json.loads(done.stdout)
        assert (done.returncode == 0) == report["ok"], (done.returncode, done.stdout)
        assert done.returncode in (0, 4, 5) and done.stderr == "", (done.returncode, done.stderr)
        return report
