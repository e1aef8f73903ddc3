"""The policies and the SQL of other systems' guides, pasted as they stand there with their
placeholders filled: they work with Vesto, and Vesto names what is loose or wrong in them. awscli or
boto3 gives them to AWS, psql to the warehouse."""
import json

import pytest

import seeds
from kit_world import (ACCOUNT, BUCKET, CLUSTER, DATABASE, OPERATOR, OPERATORS_ADMIN, OPERATORS_KEY,
                       REGION, SCHEMA, UUID, WORKGROUP, KitWorld, bad_checks, by_id)

ROLE_NAME, POLICY_NAME, USER_NAME = "transfer-role", "transfer-service-policy", "transfer-service"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/{ROLE_NAME}"
POLICY = f"arn:aws:iam::{ACCOUNT}:policy/{POLICY_NAME}"
SUBJECT, AUDIENCE = "112233445566778899001", "vesto-acme-7f3a"
WRITER = "transfer"  # of the database
REFUSED = 255  # awscli's exit code, of the version in tests/requirements.txt
# The guides ask to avoid these where Redshift takes them; Vesto builds no URL of a password.
PASSWORD = "Aa1[]?#+&:%$!"
LOOSE = {"aws.trust_bound": "AWS-TRUST-LOOSE"}
# All of them: the whole bucket may be listed, and no rule removes what a killed transfer leaves.
WIDE = {"s3.list_narrow": "S3-WIDE", "s3.lifecycle": "S3-LIFECYCLE"}


def filled(text, **values):
    """Placeholders are written as <name> in SQL and trust policies, as NAME in permission policies;
    none is left."""
    for name, value in values.items():
        text = text.replace(f"<{name}>", value).replace(name.upper(), value)
    assert "<" not in text and "_NAME" not in text and "_ID" not in text, text
    return text


def policy(text, **more):
    return filled(text, bucket_name=BUCKET, region_name=REGION, account_id=ACCOUNT, **more)


def provisioned_policy():
    return policy(seeds.ITERABLE_POLICY, cluster_name=CLUSTER, username=WRITER, database_name=DATABASE)


def iterable_trust():
    return filled(seeds.ITERABLE_TRUST, some_service_account_identifier=SUBJECT)


class Guide:
    """A reader of a guide, who pastes: awscli for what the console is told, psql for the SQL."""

    def __init__(self, kind):
        self.world = KitWorld(kind=kind)
        self.world.allow_from(["127.0.0.1/32"])
        self.iam = self.world.boto("iam")
        self.world.boto("s3").create_bucket(
            Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})

    def aws(self, command, code=0):
        return self.world.aws(f"aws --region {REGION} iam {command}", code=code)

    def paste(self, name, text):
        (self.world.folder / name).write_text(text, encoding="utf-8")
        return f"file://{name}"

    def make_policy(self, text, code=0):
        return self.aws(f"create-policy --policy-name {POLICY_NAME} --policy-document "
                        + self.paste("policy.json", text), code)

    def make_role(self, trust, code=0):
        return self.aws(f"create-role --role-name {ROLE_NAME} --assume-role-policy-document "
                        + self.paste("trust.json", trust), code)

    def role(self, trust, policy_text, by_awscli=False):
        """The texts go to AWS as they are; by boto3 where time matters."""
        if by_awscli:
            self.make_policy(policy_text)
            self.make_role(trust)
            self.aws(f"attach-role-policy --role-name {ROLE_NAME} --policy-arn {POLICY}")
            return
        self.iam.create_policy(PolicyName=POLICY_NAME, PolicyDocument=policy_text)
        self.iam.create_role(RoleName=ROLE_NAME, AssumeRolePolicyDocument=trust)
        self.iam.attach_role_policy(RoleName=ROLE_NAME, PolicyArn=POLICY)

    def key(self, policy_text):
        """The guides' other way: a user with an access key."""
        self.iam.create_policy(PolicyName=POLICY_NAME, PolicyDocument=policy_text)
        self.iam.create_user(UserName=USER_NAME)
        self.iam.attach_user_policy(UserName=USER_NAME, PolicyArn=POLICY)
        made = self.iam.create_access_key(UserName=USER_NAME)["AccessKey"]
        self.world.keep_secret("aws.id", made["AccessKeyId"])
        self.world.keep_secret("aws.key", made["SecretAccessKey"])
        self.world.keep_secret("redshift.pw", PASSWORD)
        self.configure(f'user = "{WRITER}"\npassword = {{ file = "redshift.pw" }}\n'
                       'access_key_id = { file = "aws.id" }\n'
                       'secret_access_key = { file = "aws.key" }\n'
                       f'sts_endpoint = "{self.world.endpoints["aws"]["url"]}"')

    def sql(self, *texts, user=WRITER):
        for text in texts:
            for name, value in (("stitch_username", user), ("username", user), ("schema", SCHEMA),
                                ("password", PASSWORD), ("database_name", DATABASE),
                                ("database", DATABASE)):
                text = text.replace(f"<{name}>", value)
            assert "<" not in text, text
            self.world.psql(text)

    def configure(self, auth, create_schema=True):
        text = self.world.config_text(auth=auth)
        (self.world.folder / "vesto.toml").write_text(text.replace(
            "create_schema = true", f"create_schema = {str(create_schema).lower()}"))

    def by_role(self, more, **options):
        url = self.world.endpoints["aws"]["url"]
        name = CLUSTER if self.world.provisioned else WORKGROUP
        self.configure(f'role_arn = "{ROLE}"\nregion = "{REGION}"\nwarehouse = "{name}"\n'
                       f'sts_endpoint = "{url}"\nredshift_endpoint = "{url}"\n{more}', **options)

    def by_google(self, user=WRITER, **options):
        name = f'db_user = "{user}"\n' if self.world.provisioned else ""
        self.by_role(f'audience = "{AUDIENCE}"\n{name}', **options)

    def is_green_but_for(self, warnings):
        report = self.world.report()
        assert report["ok"] and bad_checks(report) == warnings, bad_checks(report)
        self.world.sandbox.wait_left(objects=0, uploads=0, tables=0, sessions=0)

    def fixed(self, check):
        """What the report says of this check is done."""
        self.world.fix(by_id(self.world.report())[check]["fix"])

    def forget(self):
        """All that one guide made."""
        iam = self.iam
        for kind, name in (("role", ROLE_NAME), ("user", USER_NAME)):
            if name not in str(iam.list_roles() if kind == "role" else iam.list_users()):
                continue
            of = {kind.capitalize() + "Name": name}
            for each in getattr(iam, f"list_attached_{kind}_policies")(**of)["AttachedPolicies"]:
                getattr(iam, f"detach_{kind}_policy")(PolicyArn=each["PolicyArn"], **of)
            for each in getattr(iam, f"list_{kind}_policies")(**of)["PolicyNames"]:
                getattr(iam, f"delete_{kind}_policy")(PolicyName=each, **of)
            if kind == "user":
                for each in iam.list_access_keys(**of)["AccessKeyMetadata"]:
                    iam.delete_access_key(AccessKeyId=each["AccessKeyId"], **of)
            getattr(iam, f"delete_{kind}")(**of)
        for each in iam.list_policies(Scope="Local")["Policies"]:
            iam.delete_policy(PolicyArn=each["Arn"])
        self.world.admin_sql(f'DROP SCHEMA IF EXISTS "{SCHEMA}" CASCADE')
        for user, in self.world.admin_sql("SELECT usename FROM pg_user WHERE usename IN (%s, %s)",
                                          WRITER, f"IAMR:{ROLE_NAME}"):
            for where in ("SCHEMA information_schema", "SCHEMA pg_catalog"):
                self.world.admin_sql(f'REVOKE ALL ON ALL TABLES IN {where} FROM "{user}"')
            self.world.admin_sql(f'REVOKE ALL ON DATABASE "{DATABASE}" FROM "{user}"; '
                                 f'DROP USER "{user}"')


@pytest.fixture(scope="module")
def guides():
    made = {}

    def of(kind):
        if kind not in made:
            made[kind] = Guide(kind)
        return made[kind]

    yield of
    for one in made.values():
        one.world.close()


@pytest.fixture
def guide(guides):
    yield guides("provisioned")
    guides("provisioned").forget()


@pytest.fixture
def serverless(guides):
    yield guides("serverless")
    guides("serverless").forget()


def test_iterable_by_role(guide):
    """Its trust tests the subject alone, its policy lists the whole bucket."""
    guide.role(iterable_trust(), provisioned_policy(), by_awscli=True)
    guide.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT)
    guide.by_google()
    guide.is_green_but_for({**LOOSE, **WIDE})
    # The role is not the kit's; what the report says to run leaves nothing loose in its trust.
    guide.fixed("aws.trust_bound")
    guide.is_green_but_for(WIDE)


def test_prequel_by_role(guide):
    """With oaud nothing is loose in the trust; the policy is the same."""
    trust = filled(seeds.PREQUEL_TRUST, some_organization_identifier=AUDIENCE,
                   some_service_account_identifier=SUBJECT)
    guide.role(trust, provisioned_policy())
    guide.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT)
    guide.by_google()
    guide.is_green_but_for(WIDE)


def test_prequel_with_the_organisation_of_another(guide):
    trust = filled(seeds.PREQUEL_TRUST, some_organization_identifier="another",
                   some_service_account_identifier=SUBJECT)
    guide.role(trust, provisioned_policy())
    guide.by_google()
    assert bad_checks(guide.world.report()) == {"aws.assume_role": "AWS-ASSUME-DENIED"}


@pytest.mark.parametrize("grant", [seeds.ITERABLE_GRANT_SCHEMA, seeds.ZUORA_GRANT_SCHEMA])
def test_a_schema_that_is_there_needs_no_create(guide, grant):
    """As both guides say, TEMPORARY must stay: without it the report says so."""
    guide.role(iterable_trust(), provisioned_policy())
    guide.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT)
    guide.world.admin_sql(f'CREATE SCHEMA "{SCHEMA}"')
    guide.sql(grant)
    guide.world.admin_sql(f'REVOKE CREATE ON DATABASE "{DATABASE}" FROM "{WRITER}"')
    guide.by_google(create_schema=False)
    guide.is_green_but_for({**LOOSE, **WIDE})
    guide.world.admin_sql(f'REVOKE TEMPORARY ON DATABASE "{DATABASE}" FROM "{WRITER}"')
    assert bad_checks(guide.world.report()) == {**LOOSE, **WIDE, "redshift.temp": "RS-PRIV-TEMP"}
    guide.fixed("redshift.temp")
    guide.is_green_but_for({**LOOSE, **WIDE})


def test_iterable_by_password_and_key(guide):
    """With characters in the password that its guide asks to avoid."""
    guide.key(provisioned_policy())
    guide.sql(seeds.ITERABLE_USER, seeds.ITERABLE_GRANT)
    guide.is_green_but_for(WIDE)


def test_iterable_serverless(serverless):
    """The workgroup's id, and the name of the user that a role logs in as."""
    serverless.role(iterable_trust(), policy(seeds.ITERABLE_POLICY_SERVERLESS,
                                             workgroup_name_or_id=UUID))
    serverless.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT,
                   user=f'"IAMR:{ROLE_NAME}"')
    serverless.by_google()
    serverless.is_green_but_for({**LOOSE, **WIDE})


def test_iterable_serverless_with_the_workgroups_name(serverless):
    """The guide lets one choose; AWS's ARN has the id. The report says which."""
    serverless.role(iterable_trust(), policy(seeds.ITERABLE_POLICY_SERVERLESS,
                                             workgroup_name_or_id=WORKGROUP))
    serverless.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT,
                   user=f'"IAMR:{ROLE_NAME}"')
    serverless.by_google()
    report = serverless.world.report()
    assert bad_checks(report) == {**LOOSE, **WIDE, "redshift.credentials": "RS-CRED-DENIED"}
    assert UUID in json.dumps(by_id(report)["redshift.credentials"]["error"])


def test_iterable_serverless_with_a_user_of_another_name(serverless):
    """Its guide names no user for Serverless; the login is the role's, and no other's grants."""
    serverless.role(iterable_trust(), policy(seeds.ITERABLE_POLICY_SERVERLESS,
                                             workgroup_name_or_id=UUID))
    serverless.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT)
    serverless.by_google()
    report = serverless.world.report()
    assert bad_checks(report) == {**LOOSE, **WIDE, "redshift.temp": "RS-PRIV-TEMP",
                                  "redshift.schema": "RS-PRIV-CREATE"}
    for check in ("redshift.temp", "redshift.schema"):
        assert f'"IAMR:{ROLE_NAME}"' in by_id(report)[check]["fix"]["snippet"]
        serverless.world.fix(by_id(report)[check]["fix"])
    serverless.is_green_but_for({**LOOSE, **WIDE})


def test_the_policy_of_the_other_kind(serverless):
    """What Iterable's and Zuora's answers call a common cause."""
    serverless.role(iterable_trust(), provisioned_policy())
    serverless.by_google()
    report = serverless.world.report()
    assert bad_checks(report) in ({**LOOSE, **WIDE, "redshift.credentials": code}
                                  for code in ("RS-CRED-DENIED", "RS-CRED-KIND"))
    assert "redshift-serverless:GetCredentials" in json.dumps(by_id(report)["redshift.credentials"])


def test_stitch(guide):
    """It grants no TEMPORARY, which only PUBLIC has by itself."""
    guide.key(provisioned_policy())
    guide.sql(seeds.STITCH_USER, *seeds.STITCH_GRANTS)
    report = guide.world.report()
    assert bad_checks(report) == {**WIDE, "redshift.temp": "RS-PRIV-TEMP"}
    guide.world.admin_sql(f'GRANT TEMPORARY ON DATABASE "{DATABASE}" TO PUBLIC')
    guide.is_green_but_for(WIDE)
    guide.world.admin_sql(f'REVOKE TEMPORARY ON DATABASE "{DATABASE}" FROM PUBLIC')
    guide.fixed("redshift.temp")
    guide.is_green_but_for(WIDE)


def refused(done, words):
    assert "MalformedPolicyDocument" in done.stderr and words in done.stderr, done.stderr


def test_zuora_prints_what_is_no_json(guide):
    """Nothing is made of it. Without its comma the principal is refused; with one that there is, it
    works, and is loose, since it asks for no external id."""
    refused(guide.make_role(seeds.ZUORA_TRUST, code=REFUSED), "")
    with pytest.raises(ValueError):
        json.loads(seeds.ZUORA_TRUST)
    mended = seeds.ZUORA_TRUST.replace('"sts:AssumeRole",', '"sts:AssumeRole"')
    refused(guide.make_role(mended, code=REFUSED), "principal")
    assert ROLE_NAME not in str(guide.iam.list_roles())
    us = f"arn:aws:iam::{OPERATOR}:user/vesto"
    guide.role(mended.replace(f"arn:aws:iam::{ACCOUNT}:sample_role", us), provisioned_policy())
    guide.world.boto("iam", OPERATORS_ADMIN).put_user_policy(
        UserName="vesto", PolicyName="assume", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}]}))
    guide.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT)
    guide.world.keep_secret("operator.key", OPERATORS_KEY[1])
    guide.by_role(f'access_key_id = "{OPERATORS_KEY[0]}"\nexternal_id = "acme-42"\n'
                  'secret_access_key = { file = "operator.key" }\n'
                  f'db_user = "{WRITER}"')
    guide.is_green_but_for({**LOOSE, **WIDE})


def test_a_policy_with_curly_quotes(guide):
    """As one page of Zuora's prints its policy: AWS refuses it; straightened, it works."""
    curly = provisioned_policy()
    for at in range(curly.count('"')):
        curly = curly.replace('"', "\u201c\u201d"[at % 2], 1)
    refused(guide.make_policy(curly, code=REFUSED), "")
    assert guide.iam.list_policies(Scope="Local")["Policies"] == []
    guide.role(iterable_trust(), curly.replace("\u201c", '"').replace("\u201d", '"'))
    guide.sql(seeds.ITERABLE_USER_WITHOUT_PASSWORD, seeds.ITERABLE_GRANT)
    guide.by_google()
    guide.is_green_but_for({**LOOSE, **WIDE})
