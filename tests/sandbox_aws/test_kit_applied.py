"""The kit's scripts, run by awscli without a change in an account where nothing of theirs is: what
they make works, and nothing more than it."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402
from aws_server import awscli_folder  # noqa: E402
from kit_process import GOOGLE, KEY, PROVISIONED, SERVERLESS, configuration, part  # noqa: E402

ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
ROLE = "arn:aws:iam::123456789012:role/kit/kit-sync"
UUID = "0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b"


def runner(cloud, folder):
    """run(config, part): runs the part as an AWS admin would; gives what it printed. installed: by
    the `aws` that pip has installed, which takes a second for each call to start."""
    metadata = {"GCE_METADATA_HOST": cloud.endpoints["google"]["metadata_host"]}
    environment = {
        "PATH": f"{awscli_folder()}:{os.environ['PATH']}",
        "HOME": str(folder), "AWS_ENDPOINT_URL": cloud.aws["url"],
        "AWS_CA_BUNDLE": cloud.endpoints["ca_file"], "AWS_PAGER": "",
        "AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1]}

    def run(config, name, code=0, before="", installed=False):
        script = before + "\n" + part(folder, config, name, environment=metadata)
        first = {"PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(["sh", "-s"], input=script, timeout=300, text=True, cwd=folder,
                              env={**environment, **first} if installed else environment,
                              capture_output=True, check=False)
        assert done.returncode == code, done.stderr
        return done

    return run


@pytest.fixture
def setup(cloud, tmp_path):
    yield runner(cloud, tmp_path)
    forget(cloud)


@pytest.fixture
def serverless_setup(serverless_cloud, tmp_path):
    yield runner(serverless_cloud, tmp_path)
    forget(serverless_cloud)


def forget(cloud):
    iam, s3 = cloud.client("iam", *ADMIN), cloud.client("s3", *ADMIN)
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        if not name.startswith("kit"):
            continue
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        if name != "vesto-acme":
            continue
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        iam.delete_user(UserName=name)
    if "kit-staging" in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        for found in s3.list_objects_v2(Bucket="kit-staging").get("Contents", []):
            s3.delete_object(Bucket="kit-staging", Key=found["Key"])
        s3.delete_bucket(Bucket="kit-staging")


def code(call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return "taken"


def keys_of(cloud, audience="vesto-kit-1a2b"):
    return cloud.client("sts").assume_role_with_web_identity(
        RoleArn=ROLE, RoleSessionName="judge",
        WebIdentityToken=cloud.google_token(audience))["Credentials"]


def stages(s3):
    """What is wanted of staging, and what would be too much; all by their codes."""
    here, there = {"Key": "vesto/x"}, {"Key": "other/x"}
    bucket = {"Bucket": "kit-staging"}
    wanted = [code(s3.put_object, **bucket, **here, Body=b"1"),
              code(s3.get_object, **bucket, **here),
              code(s3.list_objects_v2, **bucket, Prefix="vesto/"),
              code(s3.delete_object, **bucket, **here)]
    beyond = [code(s3.put_object, **bucket, **there, Body=b"1"),
              code(s3.get_object, **bucket, **there),
              code(s3.list_objects_v2, **bucket),
              code(s3.delete_object, **bucket, **there),
              code(s3.delete_bucket, **bucket)]
    return set(wanted), set(beyond)


def test_the_whole_script_for_a_cluster(cloud, setup):
    done = setup(configuration(), "script", installed=True)
    assert done.stderr == ""
    s3 = cloud.client("s3", *ADMIN)
    assert all(s3.get_public_access_block(Bucket="kit-staging")[
        "PublicAccessBlockConfiguration"].values())
    assert s3.get_bucket_ownership_controls(Bucket="kit-staging")["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    rule, = s3.get_bucket_lifecycle_configuration(Bucket="kit-staging")["Rules"]
    assert (rule["Filter"], rule["Expiration"], rule["AbortIncompleteMultipartUpload"]) == (
        {"Prefix": "vesto/"}, {"Days": 3}, {"DaysAfterInitiation": 1})
    keys = keys_of(cloud)
    assert stages(cloud.as_keys("s3", keys)) == ({"taken"}, {"AccessDenied"})
    redshift = cloud.as_keys("redshift", keys)
    login = {"ClusterIdentifier": "examplecluster", "DbName": "dev"}
    assert redshift.get_cluster_credentials_with_iam(**login)["DbUser"] == "IAMR:kit-sync"
    assert code(redshift.get_cluster_credentials, DbUser="awsuser", **login) == "AccessDenied"
    assert code(keys_of, cloud=cloud, audience="vesto-another") == "AccessDenied"


def test_for_a_workgroup_whose_uuid_only_aws_knows(serverless_cloud, tmp_path, serverless_setup):
    google = {"GCE_METADATA_HOST": serverless_cloud.endpoints["google"]["metadata_host"]}
    assert UUID not in part(tmp_path, configuration(SERVERLESS), "script", environment=google)
    assert serverless_setup(configuration(SERVERLESS), "script").stderr == ""
    keys = keys_of(serverless_cloud)
    assert stages(serverless_cloud.as_keys("s3", keys)) == ({"taken"}, {"AccessDenied"})
    login = serverless_cloud.as_keys("redshift-serverless", keys).get_credentials(
        workgroupName="analytics", dbName="dev")
    assert login["dbUser"] == "IAMR:kit-sync"
    policy = serverless_cloud.client("iam", *ADMIN).get_role_policy(
        RoleName="kit-sync", PolicyName="vesto-acme-policy")["PolicyDocument"]
    workgroup = f"arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/{UUID}"
    allowed = {str(one["Action"]): one["Resource"] for one in policy["Statement"]}
    assert allowed["redshift-serverless:GetCredentials"] == [workgroup]
    assert allowed["redshift-serverless:GetWorkgroup"] == workgroup


def test_a_second_time_changes_nothing(cloud, setup):
    setup(configuration(), "script")
    iam = cloud.client("iam", *ADMIN)
    before = (iam.get_role(RoleName="kit-sync")["Role"]["AssumeRolePolicyDocument"],
              iam.get_role_policy(RoleName="kit-sync", PolicyName="vesto-acme-policy"))
    done = setup(configuration(), "script")
    assert done.stderr == ""
    after = (iam.get_role(RoleName="kit-sync")["Role"]["AssumeRolePolicyDocument"],
             iam.get_role_policy(RoleName="kit-sync", PolicyName="vesto-acme-policy"))
    assert before[0] == after[0] and before[1]["PolicyDocument"] == after[1]["PolicyDocument"]
    assert iam.get_role(RoleName="kit-sync")["Role"]["Path"] == "/kit/"


def test_lifecycle_rules_that_people_made_stay(cloud, setup):
    s3 = cloud.client("s3", *ADMIN)
    s3.create_bucket(Bucket="kit-staging",
                     CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    theirs = {"ID": "theirs", "Filter": {"Prefix": "logs/"}, "Status": "Enabled",
              "Expiration": {"Days": 90}}
    s3.put_bucket_lifecycle_configuration(Bucket="kit-staging",
                                          LifecycleConfiguration={"Rules": [theirs]})
    done = setup(configuration(), "bucket")
    assert "has lifecycle rules already" in done.stderr
    rules = s3.get_bucket_lifecycle_configuration(Bucket="kit-staging")["Rules"]
    assert [rule["ID"] for rule in rules] == ["theirs"]


def test_files_of_others_get_no_rule(cloud, setup):
    s3 = cloud.client("s3", *ADMIN)
    s3.create_bucket(Bucket="kit-staging",
                     CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="kit-staging", Key="vesto/annual-report.csv", Body=b"theirs")
    assert "add this rule" in setup(configuration(), "bucket").stderr
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket="kit-staging")
    s3.delete_object(Bucket="kit-staging", Key="vesto/annual-report.csv")
    assert setup(configuration(), "bucket").returncode == 0
    assert s3.get_bucket_lifecycle_configuration(Bucket="kit-staging")["Rules"]


OURS = {"ID": "vesto-acme", "Filter": {"Prefix": "vesto/"}, "Status": "Enabled",
        "Expiration": {"Days": 3}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
LOGS = {"ID": "theirs", "Filter": {"Prefix": "logs/"}, "Status": "Enabled",
        "Expiration": {"Days": 90}}


@pytest.fixture
def ruled(cloud, setup):
    """The bucket's part of the kit is run where these rules stand; gives what it says and the rules
    that stand then."""
    s3 = cloud.client("s3", *ADMIN)
    make_bucket(s3)

    def run(*rules, key=None, before=""):
        s3.put_bucket_lifecycle_configuration(Bucket="kit-staging",
                                              LifecycleConfiguration={"Rules": list(rules)})
        if key:
            s3.put_object(Bucket="kit-staging", Key=key, Body=b"1")
        said = setup(configuration(), "bucket", before=before).stderr
        return said, s3.get_bucket_lifecycle_configuration(Bucket="kit-staging")["Rules"]

    return run


@pytest.mark.parametrize("change", [
    {"Status": "Disabled"}, {"Expiration": {"Days": 3650}},
    {"AbortIncompleteMultipartUpload": None}])
def test_our_own_lifecycle_rule_that_does_not_work_is_replaced(ruled, change):
    """Where no files lie below its prefix: else a person may have changed it for their sake."""
    stood = {name: value for name, value in {**OURS, **change}.items() if value is not None}
    said, rules = ruled(stood)
    assert rules == [OURS]
    assert "lifecycle rule vesto-acme did not do its work" in said
    assert shown_in(said)[0] == stood
    said, rules = ruled(stood, key="vesto/archive")
    assert rules == [stood] and "does not do its work, and stays" in said
    assert shown_in(said) == [stood, OURS]
    said, rules = ruled(stood, LOGS, key="vesto/archive", before="NEW_LIFECYCLE=yes")
    assert rules == [OURS, LOGS] and shown_in(said) == [stood]


def shown_in(said):
    """What is printed in JSON."""
    found, at = [], said.find("{")
    while at >= 0:
        value, end = json.JSONDecoder().raw_decode(said[at:])
        found.append(value)
        at = said.find("{", at + end)
    return found


def test_our_own_lifecycle_rule_stays_beside_those_of_others(ruled):
    stood = {**OURS, "Status": "Disabled"}
    said, rules = ruled(stood, LOGS)
    assert rules == [stood, LOGS]
    assert "lifecycle rule vesto-acme does not do its work, and stays" in said
    assert shown_in(said) == [stood, OURS]


@pytest.mark.parametrize("key", [None, "vesto/theirs"])
def test_a_lifecycle_rule_of_our_name_for_another_place_stays(ruled, key):
    """It may be another Vesto's."""
    stood = {**OURS, "Filter": {"Prefix": "elsewhere/"}}
    said, rules = ruled(stood, key=key)
    assert rules == [stood] and "is for another prefix, and stays" in said
    assert shown_in(said) == [stood, OURS]
    assert ruled(stood, key=key, before="NEW_LIFECYCLE=yes")[1] == [OURS]


def test_our_lifecycle_rule_comes_to_those_that_stand(ruled):
    """By itself where these are the kit's for other destinations."""
    theirs = {**OURS, "ID": "vesto-second", "Filter": {"Prefix": "second/"}}
    assert ruled(theirs)[1] == [OURS, theirs]
    here = {**theirs, "Filter": OURS["Filter"], "Expiration": {"Days": 60}}
    for others in [here], [theirs, LOGS]:
        said, rules = ruled(*others)
        assert rules == others and "add this rule to those that stand" in said
        assert shown_in(said) == [OURS]
        assert ruled(*others, before="NEW_LIFECYCLE=yes")[1] == [OURS, *others]


@pytest.mark.parametrize("change", [{}, {"Expiration": {"Days": 30}}])
def test_our_own_lifecycle_rule_that_works_is_not_spoken_of(ruled, change):
    for others in [], [LOGS]:
        said, rules = ruled({**OURS, **change}, *others, key="vesto/file")
        assert rules == [{**OURS, **change}, *others] and "lifecycle" not in said


def make_bucket(s3):
    s3.create_bucket(Bucket="kit-staging",
                     CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})


def test_a_bucket_that_is_there_keeps_its_access_lists(cloud, setup):
    s3 = cloud.client("s3", *ADMIN)
    make_bucket(s3)
    s3.put_bucket_ownership_controls(Bucket="kit-staging", OwnershipControls={
        "Rules": [{"ObjectOwnership": "ObjectWriter"}]})
    open_to_all = {"BlockPublicAcls": False, "IgnorePublicAcls": False,
                   "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    s3.put_public_access_block(Bucket="kit-staging", PublicAccessBlockConfiguration=open_to_all)
    said = setup(configuration(), "bucket").stderr
    assert s3.get_bucket_ownership_controls(Bucket="kit-staging")["OwnershipControls"] == {
        "Rules": [{"ObjectOwnership": "ObjectWriter"}]}
    assert s3.get_public_access_block(Bucket="kit-staging")[
        "PublicAccessBlockConfiguration"] == open_to_all
    assert "aws s3api put-bucket-ownership-controls" in said
    assert "aws s3api put-public-access-block" in said
    rule, = s3.get_bucket_lifecycle_configuration(Bucket="kit-staging")["Rules"]
    assert rule["Filter"] == {"Prefix": "vesto/"}


THEIRS = {"Sid": "Theirs", "Effect": "Allow", "Action": "sts:AssumeRole",
          "Principal": {"AWS": "arn:aws:iam::123456789012:root"}}


def trust_of(iam):
    return iam.get_role(RoleName="kit-sync")["Role"]["AssumeRolePolicyDocument"]


def test_a_role_of_others_keeps_whom_it_trusts(cloud, setup):
    iam = cloud.client("iam", *ADMIN)
    trust = {"Version": "2012-10-17", "Statement": [THEIRS]}
    iam.create_role(RoleName="kit-sync", Path="/kit/", MaxSessionDuration=43200,
                    AssumeRolePolicyDocument=json.dumps(trust))
    stopped = setup(configuration(), "role", code=1)
    assert "Add this statement to its trust policy" in stopped.stderr
    assert trust_of(iam) == trust
    assert iam.list_role_policies(RoleName="kit-sync")["PolicyNames"] == []
    # What was printed is what is to be added; then the script goes through and changes nothing.
    trust["Statement"].append(json.loads(stopped.stderr.splitlines()[1]))
    iam.update_assume_role_policy(RoleName="kit-sync", PolicyDocument=json.dumps(trust))
    longer = configuration(auth=GOOGLE + 'session_duration = "4h"\n')
    assert setup(longer, "role").stderr == ""
    assert trust_of(iam) == trust
    assert iam.get_role(RoleName="kit-sync")["Role"]["MaxSessionDuration"] == 43200
    setup(configuration(), "bucket")
    assert stages(cloud.as_keys("s3", keys_of(cloud))) == ({"taken"}, {"AccessDenied"})


def test_the_kits_own_role_follows_the_configuration(cloud, setup):
    iam = cloud.client("iam", *ADMIN)
    setup(configuration(), "role")
    was = trust_of(iam)["Statement"]
    other = GOOGLE.replace("vesto-kit-1a2b", "vesto-kit-9z")
    longer = configuration(auth=other + 'session_duration = "4h"\n')
    # It may be another installation's, of a destination of the same name.
    asked = setup(longer, "role", code=1).stderr
    assert "another Vesto" in asked and trust_of(iam)["Statement"] == was
    heading, shown = setup(longer, "role", before="NEW_TRUST=yes").stderr.split("\n", 1)
    assert "is replaced" in heading and json.loads(shown) == was
    role = iam.get_role(RoleName="kit-sync")["Role"]
    assert role["MaxSessionDuration"] == 14400
    assert "vesto-kit-9z" in json.dumps(role["AssumeRolePolicyDocument"])
    assert code(keys_of, cloud=cloud) == "AccessDenied"
    # As soon as somebody has added to it, it is theirs as well.
    shared = role["AssumeRolePolicyDocument"]
    shared["Statement"].append(THEIRS)
    iam.update_assume_role_policy(RoleName="kit-sync", PolicyDocument=json.dumps(shared))
    setup(configuration(), "role", code=1)
    assert trust_of(iam) == shared


def test_a_role_of_the_other_kind_of_identity_is_asked_about(cloud, setup):
    """Google's and a key's destinations of one name: the one would lock the other out. That the one logs in by a
    password is asked about before, and agreed to."""
    login = "NEW_WAREHOUSE=yes"
    iam = cloud.client("iam", *ADMIN)
    keyed = configuration(PROVISIONED, KEY + f'role_arn = "{ROLE}"\n')
    setup(keyed, "key")
    for mine, theirs in ((configuration(), keyed), (keyed, configuration())):
        setup(mine, "role", before=f"NEW_TRUST=yes {login}")
        stands = trust_of(iam)
        asked = setup(theirs, "role", before=login, code=1).stderr
        assert "NEW_TRUST=yes" in asked and "another Vesto" in asked, asked
        assert trust_of(iam) == stands
        assert setup(mine, "role").stderr == ""


def test_an_access_key_that_assumes_a_role(cloud, setup):
    config = configuration(PROVISIONED, KEY + f'role_arn = "{ROLE}"\n')
    done = setup(config, "script")
    assert done.stderr == ""
    key = json.loads(done.stdout)["AccessKey"]
    as_user = {"key": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    assert code(cloud.client("s3", **as_user).put_object, Bucket="kit-staging", Key="vesto/x",
                Body=b"1") == "AccessDenied"
    keys = cloud.client("sts", **as_user).assume_role(
        RoleArn=ROLE, RoleSessionName="judge")["Credentials"]
    assert stages(cloud.as_keys("s3", keys)) == ({"taken"}, {"AccessDenied"})


def test_an_access_key(cloud, setup):
    config = configuration(PROVISIONED, KEY)
    setup(config, "bucket")
    key = json.loads(setup(config, "key").stdout)["AccessKey"]
    s3 = cloud.client("s3", key["AccessKeyId"], key["SecretAccessKey"])
    assert stages(s3) == ({"taken"}, {"AccessDenied"})
    again = setup(config, "key")
    assert again.stdout == "" and "has a key already: " + key["AccessKeyId"] in again.stderr
    # What replaces it is said, as lines to paste.
    make, end = (re.search(rf"aws iam {verb}-access-key[^;]*?--user-name [\w-]+", again.stderr)[0]
                 for verb in ("create", "delete"))
    assert make.split()[3:] == end.split()[3:] and "[destination.acme.auth]" in again.stderr


def test_inbound_rules(cloud, setup):
    redshift = cloud.client("redshift", *ADMIN)
    cluster = redshift.describe_clusters(ClusterIdentifier="examplecluster")["Clusters"][0]
    group = cluster["VpcSecurityGroups"][0]["VpcSecurityGroupId"]
    port = cloud.endpoints["redshift"]["port"]
    config = configuration(port=port) + '[server]\npublic_egress = ["203.0.113.7"]\n'
    ec2 = cloud.client("ec2", *ADMIN)

    def addresses(of=group):
        found = ec2.describe_security_groups(GroupIds=[of])["SecurityGroups"][0]
        return [block["CidrIp"] for one in found["IpPermissions"] for block in one["IpRanges"]
                if one.get("FromPort") == port]

    def revoked(done):
        """What it has printed takes away what it has put."""
        line, = re.findall(r"^  (aws ec2 revoke-security-group-ingress .*)$", done.stdout, re.M)
        setup(config, "message", before=line + "\nexit")

    assert "203.0.113.7/32" not in addresses()
    setup(config, "script")
    assert "203.0.113.7/32" not in addresses()
    done = setup(config, "network")
    assert addresses().count("203.0.113.7/32") == 1
    again = setup(config, "network")
    assert addresses().count("203.0.113.7/32") == 1 and "was there" in again.stdout
    revoked(done)
    assert "203.0.113.7/32" not in addresses()
    done = setup(config, "script", before="OPEN_NETWORK=yes")
    assert addresses().count("203.0.113.7/32") == 1
    revoked(done)
    # Another group than the first.
    found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
    other = found["SecurityGroups"][0]["GroupId"]
    assert other != group
    done = setup(config, "network", before=f"INBOUND_GROUP={other}")
    assert addresses(other).count("203.0.113.7/32") == 1 and "203.0.113.7/32" not in addresses()
    revoked(done)
    assert "203.0.113.7/32" not in addresses(other)


OWN_ROLE = """identity = "aws"
role_arn = "arn:aws:iam::123456789012:role/kit/kit-sync"
external_id = "kit-42"
db_user = "kit_load"
"""


def test_the_role_of_pods_on_eks(cloud, setup, tmp_path):
    """The trust policy as the pod's own token fills it in; another service account is refused."""
    token_file = cloud.endpoints["eks"]["token_file"]
    policy = part(tmp_path, configuration(auth=OWN_ROLE), "eks-trust", "--offline",
                  environment={"AWS_WEB_IDENTITY_TOKEN_FILE": token_file,
                               "AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/kit-pods"})
    assert "<<" not in policy
    iam = cloud.client("iam", *ADMIN)
    iam.create_role(RoleName="kit-pods", AssumeRolePolicyDocument=policy)
    token = pathlib.Path(token_file).read_text()
    assert cloud.assume(role="kit-pods", token=token)["Audience"] == "sts.amazonaws.com"
    other = policy.replace("system:serviceaccount:", "system:serviceaccount:another-")
    assert other != policy
    iam.update_assume_role_policy(RoleName="kit-pods", PolicyDocument=other)
    assert code(cloud.assume, role="kit-pods", token=token) == "AccessDenied"
