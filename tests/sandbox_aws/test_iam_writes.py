"""IAM's writes, reads and deletes as a set-up needs them, judged by boto3 and awscli."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402

ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")
ACCOUNT = "arn:aws:iam::123456789012"
SUBJECT = "112233445566778899001"


def trust(audience="vesto-new-1a2b"):
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity",
        "Principal": {"Federated": "accounts.google.com"},
        "Condition": {"StringEquals": {"accounts.google.com:sub": SUBJECT,
                                       "accounts.google.com:oaud": audience}}}]}


def s3_policy(action="s3:PutObject", prefix="vesto"):
    return {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": action,
        "Resource": f"arn:aws:s3:::vesto-demo/{prefix}/*"}]}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return (answer["Error"]["Code"], answer["Error"]["Message"],
            answer["ResponseMetadata"]["HTTPStatusCode"])


@pytest.fixture
def iam(cloud):
    return cloud.client("iam", *ADMIN)


@pytest.fixture
def clean(cloud, iam):
    """Takes away what the test made, so that names may be used again."""
    before = {role["RoleName"] for role in iam.list_roles()["Roles"]}
    yield
    cloud.control("/v1/propagation", {"ms": 0})
    cloud.control("/v1/clock", {"offset_ms": 0})
    for role in iam.list_roles()["Roles"]:
        name = role["RoleName"]
        if name in before:
            continue
        for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
            iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            iam.delete_role_policy(RoleName=name, PolicyName=policy)
        iam.delete_role(RoleName=name)
    for user in iam.list_users()["Users"]:
        name = user["UserName"]
        if name in ("loader", "admin"):
            continue
        for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
        for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
            iam.delete_user_policy(UserName=name, PolicyName=policy)
        for policy in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
            iam.detach_user_policy(UserName=name, PolicyArn=policy["PolicyArn"])
        iam.delete_user(UserName=name)
    for policy in iam.list_policies(Scope="Local")["Policies"]:
        for version in iam.list_policy_versions(PolicyArn=policy["Arn"])["Versions"]:
            if not version["IsDefaultVersion"]:
                iam.delete_policy_version(PolicyArn=policy["Arn"], VersionId=version["VersionId"])
        iam.delete_policy(PolicyArn=policy["Arn"])


def assumed(cloud, role, audience="vesto-new-1a2b"):
    return cloud.assume(role=role, token=cloud.google_token(audience))["Credentials"]


def test_a_role_with_a_managed_policy(cloud, iam, clean):
    made = iam.create_role(RoleName="vesto-new-role", Path="/data/",
                           AssumeRolePolicyDocument=json.dumps(trust()),
                           Description="loads", Tags=[{"Key": "team", "Value": "data"}])["Role"]
    assert made["Arn"] == f"{ACCOUNT}:role/data/vesto-new-role"
    assert made["RoleId"].startswith("AROA")
    assert made["AssumeRolePolicyDocument"] == trust()
    assert made["MaxSessionDuration"] == 3600
    got = iam.get_role(RoleName="vesto-new-role")["Role"]
    assert (got["Arn"], got["CreateDate"], got["Description"], got["Tags"]) == \
        (made["Arn"], made["CreateDate"], "loads", [{"Key": "team", "Value": "data"}])
    policy = iam.create_policy(PolicyName="vesto-new-policy",
                               PolicyDocument=json.dumps(s3_policy()))["Policy"]
    assert (policy["Arn"], policy["DefaultVersionId"], policy["AttachmentCount"]) == \
        (f"{ACCOUNT}:policy/vesto-new-policy", "v1", 0)
    role = assumed(cloud, "data/vesto-new-role")
    s3 = cloud.as_keys("s3", role)
    put = {"Bucket": "vesto-demo", "Key": "vesto/new", "Body": b"1"}
    assert refused(s3.put_object, **put)[0] == "AccessDenied"
    iam.attach_role_policy(RoleName="vesto-new-role", PolicyArn=policy["Arn"])
    s3.put_object(**put)
    assert iam.list_attached_role_policies(RoleName="vesto-new-role")["AttachedPolicies"] == \
        [{"PolicyName": "vesto-new-policy", "PolicyArn": policy["Arn"]}]
    assert iam.get_policy(PolicyArn=policy["Arn"])["Policy"]["AttachmentCount"] == 1
    version = iam.get_policy_version(PolicyArn=policy["Arn"], VersionId="v1")["PolicyVersion"]
    assert version["Document"] == s3_policy()
    assert refused(iam.delete_role, RoleName="vesto-new-role") == \
        ("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409)
    assert refused(iam.delete_policy, PolicyArn=policy["Arn"]) == \
        ("DeleteConflict", "Cannot delete a policy attached to entities.", 409)
    iam.detach_role_policy(RoleName="vesto-new-role", PolicyArn=policy["Arn"])
    assert refused(s3.put_object, **put)[0] == "AccessDenied"
    iam.delete_policy(PolicyArn=policy["Arn"])
    iam.delete_role(RoleName="vesto-new-role")
    assert refused(iam.get_role, RoleName="vesto-new-role") == \
        ("NoSuchEntity", "The role with name vesto-new-role cannot be found.", 404)
    assert refused(cloud.assume, role="data/vesto-new-role",
                   token=cloud.google_token("vesto-new-1a2b"))[0] == "AccessDenied"


def test_versions_of_a_policy(cloud, iam, clean):
    iam.create_role(RoleName="versioned", AssumeRolePolicyDocument=json.dumps(trust()))
    arn = iam.create_policy(PolicyName="many",
                            PolicyDocument=json.dumps(s3_policy("s3:GetObject")))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="versioned", PolicyArn=arn)
    s3 = cloud.as_keys("s3", assumed(cloud, "versioned"))
    put = {"Bucket": "vesto-demo", "Key": "vesto/new", "Body": b"1"}
    second = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(s3_policy()))
    assert (second["PolicyVersion"]["VersionId"], second["PolicyVersion"]["IsDefaultVersion"]) == \
        ("v2", False)
    assert refused(s3.put_object, **put)[0] == "AccessDenied"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    s3.put_object(**put)
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == \
        ("DeleteConflict", "Cannot delete the default version of a policy.", 409)
    for _ in range(3):
        iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(s3_policy()),
                                  SetAsDefault=True)
    code, text, _ = refused(iam.create_policy_version, PolicyArn=arn,
                            PolicyDocument=json.dumps(s3_policy()))
    assert code == "LimitExceeded" and text.startswith("A managed policy can have up to 5 versions")
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    shown = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [one["VersionId"] for one in shown] == ["v5", "v4", "v3", "v2"]
    assert [one["IsDefaultVersion"] for one in shown] == [True, False, False, False]
    assert refused(iam.get_policy_version, PolicyArn=arn, VersionId="v1")[0] == "NoSuchEntity"


def test_inline_policies_and_a_new_trust(cloud, iam, clean):
    iam.create_role(RoleName="inline", AssumeRolePolicyDocument=json.dumps(trust("vesto-old")))
    token = cloud.google_token("vesto-new-1a2b")
    assert refused(cloud.assume, role="inline", token=token)[0] == "AccessDenied"
    iam.update_assume_role_policy(RoleName="inline", PolicyDocument=json.dumps(trust()))
    s3 = cloud.as_keys("s3", assumed(cloud, "inline"))
    iam.put_role_policy(RoleName="inline", PolicyName="put",
                        PolicyDocument=json.dumps(s3_policy()))
    s3.put_object(Bucket="vesto-demo", Key="vesto/new", Body=b"1")
    got = iam.get_role_policy(RoleName="inline", PolicyName="put")
    assert got["PolicyDocument"] == s3_policy()
    assert iam.list_role_policies(RoleName="inline")["PolicyNames"] == ["put"]
    assert refused(iam.delete_role, RoleName="inline") == \
        ("DeleteConflict", "Cannot delete entity, must delete policies first.", 409)
    iam.delete_role_policy(RoleName="inline", PolicyName="put")
    assert refused(s3.put_object, Bucket="vesto-demo", Key="vesto/new", Body=b"1")[0] == \
        "AccessDenied"
    iam.update_role(RoleName="inline", MaxSessionDuration=7200)
    assert iam.get_role(RoleName="inline")["Role"]["MaxSessionDuration"] == 7200
    assert cloud.assume(role="inline", token=token, DurationSeconds=7200)


def test_a_user_with_keys(cloud, iam, clean):
    made = iam.create_user(UserName="vesto-keys")["User"]
    assert made["Arn"] == f"{ACCOUNT}:user/vesto-keys"
    iam.put_user_policy(UserName="vesto-keys", PolicyName="s3",
                        PolicyDocument=json.dumps(s3_policy()))
    key = iam.create_access_key(UserName="vesto-keys")["AccessKey"]
    assert key["Status"] == "Active" and len(key["SecretAccessKey"]) == 40
    pair = (key["AccessKeyId"], key["SecretAccessKey"])
    assert cloud.client("sts", *pair).get_caller_identity()["Arn"] == made["Arn"]
    cloud.client("s3", *pair).put_object(Bucket="vesto-demo", Key="vesto/keys", Body=b"1")
    iam.create_access_key(UserName="vesto-keys")
    assert refused(iam.create_access_key, UserName="vesto-keys") == \
        ("LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2", 409)
    assert refused(iam.delete_user, UserName="vesto-keys") == \
        ("DeleteConflict", "Cannot delete entity, must delete access keys first.", 409)
    iam.delete_access_key(UserName="vesto-keys", AccessKeyId=pair[0])
    assert refused(cloud.client("sts", *pair).get_caller_identity)[0] == "InvalidClientTokenId"
    assert refused(iam.delete_access_key, UserName="vesto-keys", AccessKeyId=pair[0]) == \
        ("NoSuchEntity", f"The Access Key with id {pair[0]} cannot be found.", 404)
    assert iam.get_user()["User"]["UserName"] == "admin"


def test_changes_are_read_at_once_and_work_later(cloud, iam, clean):
    minutes = 7 * 60 * 1000
    cloud.control("/v1/propagation", {"ms": minutes})
    iam.create_role(RoleName="slow", AssumeRolePolicyDocument=json.dumps(trust()))
    iam.put_role_policy(RoleName="slow", PolicyName="put", PolicyDocument=json.dumps(s3_policy()))
    iam.create_user(UserName="slow-user")
    key = iam.create_access_key(UserName="slow-user")["AccessKey"]
    assert iam.get_role_policy(RoleName="slow", PolicyName="put")["PolicyName"] == "put"
    assert len(iam.list_access_keys(UserName="slow-user")["AccessKeyMetadata"]) == 1
    token = cloud.google_token("vesto-new-1a2b")
    assert refused(cloud.assume, role="slow", token=token)[0] == "AccessDenied"
    sts = cloud.client("sts", key["AccessKeyId"], key["SecretAccessKey"])
    assert refused(sts.get_caller_identity)[0] == "InvalidClientTokenId"
    cloud.control("/v1/clock", {"offset_ms": minutes + 1000})
    # The judges sign with their own clock, so the tolerance of 15 minutes is what they live on.
    assert sts.get_caller_identity()["Arn"] == f"{ACCOUNT}:user/slow-user"
    s3 = cloud.as_keys("s3", assumed(cloud, "slow"))
    s3.put_object(Bucket="vesto-demo", Key="vesto/slow", Body=b"1")


def bad_calls():
    good = json.dumps(s3_policy())
    gone = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": f"{ACCOUNT}:role/gone"}}]}
    return [
        ("create_role", {"RoleName": "vesto", "AssumeRolePolicyDocument": json.dumps(trust())},
         "EntityAlreadyExists", "Role with name vesto already exists."),
        ("create_role", {"RoleName": "VESTO", "AssumeRolePolicyDocument": json.dumps(trust())},
         "EntityAlreadyExists", "Role with name VESTO already exists."),
        ("create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": json.dumps(trust())},
         "ValidationError", "The specified value for roleName is invalid. It must contain only "
         "alphanumeric characters and/or the following: +=,.@_-"),
        ("create_role", {"RoleName": "x", "AssumeRolePolicyDocument": "{"},
         "MalformedPolicyDocument", "The policy is not in the valid JSON format."),
        ("create_role", {"RoleName": "x", "AssumeRolePolicyDocument": json.dumps(gone)},
         "MalformedPolicyDocument",
         f'Invalid principal in policy: "AWS":"{ACCOUNT}:role/gone"'),
        ("create_role", {"RoleName": "x", "AssumeRolePolicyDocument": good},
         "MalformedPolicyDocument", "Has prohibited field Resource"),
        ("create_role", {"RoleName": "x", "AssumeRolePolicyDocument": json.dumps(trust()),
                         "PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
         "ValidationError", "PermissionsBoundary is not known to this sandbox"),
        ("create_role", {"RoleName": "x", "MaxSessionDuration": 43201,
                         "AssumeRolePolicyDocument": json.dumps(trust())},
         "ValidationError", "1 validation error detected: Value '43201' at 'maxSessionDuration' "
         "failed to satisfy constraint: Member must have value less than or equal to 43200"),
        ("create_role", {"RoleName": "x",
                         "AssumeRolePolicyDocument": json.dumps(trust("a" * 2100))},
         "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"),
        ("update_assume_role_policy", {"RoleName": "none", "PolicyDocument": json.dumps(trust())},
         "NoSuchEntity", "The role with name none cannot be found."),
        ("attach_role_policy", {"RoleName": "vesto", "PolicyArn": f"{ACCOUNT}:policy/none"},
         "NoSuchEntity", f"Policy {ACCOUNT}:policy/none does not exist or is not attachable."),
        ("detach_role_policy", {"RoleName": "vesto", "PolicyArn": f"{ACCOUNT}:policy/none"},
         "NoSuchEntity", f"Policy {ACCOUNT}:policy/none was not found."),
        ("put_role_policy", {"RoleName": "vesto", "PolicyName": "n", "PolicyDocument": "{}"},
         "MalformedPolicyDocument", "Syntax errors in policy."),
        ("get_role_policy", {"RoleName": "vesto", "PolicyName": "none"},
         "NoSuchEntity", "The role policy with name none cannot be found."),
        ("delete_role_policy", {"RoleName": "vesto", "PolicyName": "none"},
         "NoSuchEntity", "The role policy with name none cannot be found."),
        ("put_user_policy", {"UserName": "loader", "PolicyName": "n", "PolicyDocument":
                             json.dumps(s3_policy(prefix="p" * 2048))},
         "LimitExceeded", "Maximum policy size of 2048 bytes exceeded for user loader"),
        ("create_user", {"UserName": "loader"},
         "EntityAlreadyExists", "User with name loader already exists."),
        ("delete_user", {"UserName": "none"},
         "NoSuchEntity", "The user with name none cannot be found."),
        ("create_policy", {"PolicyName": "x", "PolicyDocument":
                           json.dumps(s3_policy(prefix="p" * 6144))},
         "LimitExceeded", "Cannot exceed quota for PolicySize: 6144"),
        ("get_policy", {"PolicyArn": f"{ACCOUNT}:policy/none"},
         "NoSuchEntity", f"Policy {ACCOUNT}:policy/none was not found."),
        ("get_policy", {"PolicyArn": "arn:aws:iam::999999999999:policy/none"},
         "AccessDenied", f"User: {ACCOUNT}:user/admin is not authorized to perform: iam:GetPolicy "
         "on resource: arn:aws:iam::999999999999:policy/none"),
        ("create_policy_version", {"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess",
                                   "PolicyDocument": good},
         "AccessDenied", "Cannot change a policy of AWS."),
        ("list_roles", {"MaxItems": 5, "Marker": "x"}, "ValidationError", "Invalid Marker."),
        ("list_groups", {}, "InvalidAction",
         "Could not find operation ListGroups for version 2010-05-08"),
    ]


@pytest.mark.parametrize("call,arguments,code,said", bad_calls())
def test_what_iam_says_of_what_it_refuses(cloud, iam, call, arguments, code, said):
    before = cloud.client("iam", *ADMIN).list_roles()["Roles"]
    assert refused(getattr(iam, call), **arguments)[:2] == (code, said)
    assert iam.list_roles()["Roles"] == before


def test_every_call_needs_its_right(cloud):
    iam = cloud.client("iam", *LOADER)
    who = f"User: {ACCOUNT}:user/loader is not authorized to perform: "
    role = {"RoleName": "vesto"}
    user = {"UserName": "loader"}
    policy = {"PolicyArn": f"{ACCOUNT}:policy/x"}
    calls = {
        "create_role": {**role, "AssumeRolePolicyDocument": json.dumps(trust())},
        "get_role": role, "list_roles": {}, "delete_role": role, "update_role": role,
        "update_assume_role_policy": {**role, "PolicyDocument": json.dumps(trust())},
        "put_role_policy": {**role, "PolicyName": "n", "PolicyDocument": json.dumps(s3_policy())},
        "get_role_policy": {**role, "PolicyName": "n"}, "list_role_policies": role,
        "delete_role_policy": {**role, "PolicyName": "n"},
        "attach_role_policy": {**role, **policy}, "detach_role_policy": {**role, **policy},
        "list_attached_role_policies": role,
        "create_user": {"UserName": "x"}, "get_user": user, "list_users": {}, "delete_user": user,
        "create_access_key": user, "list_access_keys": user,
        "delete_access_key": {**user, "AccessKeyId": LOADER[0]},
        "put_user_policy": {**user, "PolicyName": "n", "PolicyDocument": json.dumps(s3_policy())},
        "get_user_policy": {**user, "PolicyName": "n"}, "list_user_policies": user,
        "delete_user_policy": {**user, "PolicyName": "n"},
        "attach_user_policy": {**user, **policy}, "detach_user_policy": {**user, **policy},
        "list_attached_user_policies": user,
        "create_policy": {"PolicyName": "x", "PolicyDocument": json.dumps(s3_policy())},
        "get_policy": policy, "list_policies": {"Scope": "Local"}, "delete_policy": policy,
        "create_policy_version": {**policy, "PolicyDocument": json.dumps(s3_policy())},
        "get_policy_version": {**policy, "VersionId": "v1"}, "list_policy_versions": policy,
        "set_default_policy_version": {**policy, "VersionId": "v1"},
        "delete_policy_version": {**policy, "VersionId": "v1"},
    }
    for call, arguments in calls.items():
        code, text, status = refused(getattr(iam, call), **arguments)
        action = "iam:" + "".join(part.capitalize() for part in call.split("_"))
        assert (code, status) == ("AccessDenied", 403), call
        assert text.startswith(who + action + " on resource: arn:aws:iam::123456789012:"), text
        assert text.endswith(f"because no identity-based policy allows the {action} action"), text


def test_a_right_on_some_roles(cloud, iam, clean):
    iam.create_user(UserName="narrow")
    iam.put_user_policy(UserName="narrow", PolicyName="roles", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "iam:CreateRole",
             "Resource": f"{ACCOUNT}:role/vesto-*"},
            {"Effect": "Allow", "Action": "iam:AttachRolePolicy", "Resource": "*",
             "Condition": {"ArnEquals": {"iam:PolicyARN":
                           "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"}}}]}))
    key = iam.create_access_key(UserName="narrow")["AccessKey"]
    narrow = cloud.client("iam", key["AccessKeyId"], key["SecretAccessKey"])
    narrow.create_role(RoleName="vesto-narrow", AssumeRolePolicyDocument=json.dumps(trust()))
    assert refused(narrow.create_role, RoleName="other",
                   AssumeRolePolicyDocument=json.dumps(trust()))[0] == "AccessDenied"
    narrow.attach_role_policy(RoleName="vesto-narrow",
                              PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    assert refused(narrow.attach_role_policy, RoleName="vesto-narrow",
                   PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")[0] == "AccessDenied"


def test_lists_come_in_pages(iam):
    names = [role["RoleName"] for role in iam.list_roles()["Roles"]]
    assert len(names) >= 5 and names == sorted(names)
    pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2}))
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == names
    assert [len(page["Roles"]) for page in pages][:-1] == [2] * (len(pages) - 1)


def test_awscli_runs_a_set_up(cloud, iam, clean, tmp_path):
    (tmp_path / "trust.json").write_text(json.dumps(trust(), indent=2))
    (tmp_path / "policy.json").write_text(json.dumps(s3_policy(), indent=2))
    script = """set -eu
aws iam create-role --role-name vesto-cli-role --assume-role-policy-document file://trust.json
aws iam create-policy --policy-name vesto-cli-policy --policy-document file://policy.json
aws iam attach-role-policy --role-name vesto-cli-role \\
  --policy-arn arn:aws:iam::123456789012:policy/vesto-cli-policy
aws iam wait role-exists --role-name vesto-cli-role
aws iam put-role-policy --role-name vesto-cli-role --policy-name more \\
  --policy-document file://policy.json
aws iam update-assume-role-policy --role-name vesto-cli-role --policy-document file://trust.json
aws iam create-user --user-name vesto-cli-user
aws iam create-access-key --user-name vesto-cli-user --query AccessKey.AccessKeyId --output text
aws iam get-role --role-name vesto-cli-role --query Role.Arn --output text
"""
    environment = {
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path), "AWS_ENDPOINT_URL": cloud.aws["url"],
        "AWS_CA_BUNDLE": cloud.endpoints["ca_file"], "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1], "AWS_PAGER": ""}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, timeout=180,
                          capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"{ACCOUNT}:role/vesto-cli-role"
    s3 = cloud.as_keys("s3", assumed(cloud, "vesto-cli-role"))
    s3.put_object(Bucket="vesto-demo", Key="vesto/cli", Body=b"1")


def test_secrets_of_new_keys_are_known_as_secrets(cloud, iam, clean):
    import urllib.request
    iam.create_user(UserName="secretive")
    key = iam.create_access_key(UserName="secretive")["AccessKey"]
    iam.delete_access_key(UserName="secretive", AccessKeyId=key["AccessKeyId"])
    control = cloud.endpoints["control"]
    request = urllib.request.Request(control["url"] + "/v1/secrets",
                                     headers={"Authorization": "Bearer " + control["token"]})
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert key["SecretAccessKey"] in json.load(answer)["secrets"]
