"""The role that COPY reads by is there already, and others have put something else to it."""
import json

import pytest

from kit_world import ACCOUNT, BUCKET, COPY_ROLE, OPERATOR, PREFIX, bad_checks, by_id
from others import COPY_ROLE_NAME, looked_at, more, statement


def test_a_copy_role_that_another_vesto_uses(worlds):
    """Its own role is another one: the one that COPY reads by is shared."""
    world = worlds(copy="attached_role")

    def policy():
        return world.boto("iam").get_role_policy(
            RoleName="vesto-acme-copy-role", PolicyName="vesto-acme-copy-policy")["PolicyDocument"]

    before = policy()
    for old, new in ((f'bucket = "{BUCKET}"', 'bucket = "elsewhere-stage"'),
                     (f'prefix = "{PREFIX}"', 'prefix = "second/"')):
        (world.folder / "vesto.toml").write_text(world.config_text().replace(old, new))
        try:
            said = world.aws(world.kit("copy-role"), code=1).stderr
            assert f"The policy that stands is for {BUCKET}/{PREFIX}*." in said
            assert policy() == before
            world.aws("NEW_BUCKET=yes\n" + world.kit("copy-role"))
            assert policy() != before
        finally:
            world.write_config()
        world.aws("NEW_BUCKET=yes\n" + world.kit("copy-role"))
        assert policy() == before
    world.aws(world.kit("copy-role"))


EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}


@pytest.mark.parametrize("kind", ["provisioned", "serverless"])
def test_a_copy_role_that_does_not_trust_the_warehouse(worlds, kind):
    world = worlds(kind=kind, copy="attached_role")
    iam = world.boto("iam")
    ours, = copy_trust(world)
    assert bad_checks(world.report()) == {}

    def trusts(*statements):
        iam.update_assume_role_policy(RoleName=COPY_ROLE_NAME, PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": statements}))

    def refused():
        check = by_id(world.report())["redshift.copy"]
        assert check["error"]["code"] == "RS-COPY-S3-403"
        return check["fix"]

    mark = iam.get_role(RoleName=COPY_ROLE_NAME)["Role"]["Description"]
    try:
        iam.update_role(RoleName=COPY_ROLE_NAME, Description="another's")
        trusts(EC2)
        said = world.aws(refused()["snippet"], code=1).stderr
        shown = json.loads(said.split("\n", 1)[1])
        assert "Add this statement" in said and shown == ours
        assert copy_trust(world) == [EC2]
        trusts(EC2, shown)
        assert bad_checks(world.report()) == {}
        # The kit's own is given it.
        iam.update_role(RoleName=COPY_ROLE_NAME, Description=mark)
        trusts(EC2)
        assert world.fix(refused()).stderr == "" and copy_trust(world) == [ours, EC2]
        assert bad_checks(world.report()) == {}
        world.aws(world.kit("copy-role"))
        assert copy_trust(world) == [ours, EC2]
        # What a person has put a condition on stays, and is told of.
        narrow = more(ours, StringEquals={"sts:ExternalId": OPERATOR})
        trusts(narrow)
        said = world.fix(refused()).stderr
        assert "under conditions, which stay" in said and OPERATOR in said
        assert copy_trust(world) == [narrow]
    finally:
        iam.update_role(RoleName=COPY_ROLE_NAME, Description=mark)
        trusts(ours)
    assert bad_checks(world.report()) == {}


def copy_trust(world):
    return world.boto("iam").get_role(RoleName=COPY_ROLE_NAME)["Role"][
        "AssumeRolePolicyDocument"]["Statement"]


def test_a_copy_role_that_a_deny_refuses(worlds):
    """No right that the kit gives it helps: the policy that denies is named, and shown."""
    world = worlds(copy="attached_role")
    iam, s3 = world.boto("iam"), world.boto("s3")
    deny = statement("Deny", "s3:GetObject", {"AWS": COPY_ROLE})
    s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(
        {"Version": "2012-10-17", "Statement": [deny]}))
    try:
        check = by_id(world.report())["redshift.copy"]
        assert check["error"]["code"] == "RS-COPY-S3-403"
        assert "The policy of the bucket itself denies it" in check["error"]["hint"]
        assert "s3:GetObject" in check["error"]["hint"]
        assert looked_at(world, check) == [deny]
    finally:
        s3.delete_bucket_policy(Bucket=BUCKET)
    name = {"RoleName": COPY_ROLE_NAME, "PolicyName": "guard"}
    iam.put_role_policy(**name, PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]}))
    try:
        check = by_id(world.report())["redshift.copy"]
        assert "A policy of COPY's role denies it" in check["error"]["hint"]
        assert check["fix"]["kind"] == "text"
    finally:
        iam.delete_role_policy(**name)
    assert bad_checks(world.report()) == {}


def test_a_slip_in_the_copy_roles_arn(worlds):
    world = worlds(copy="attached_role")
    roles = [role["RoleName"] for role in world.boto("iam").list_roles()["Roles"]]
    right = world.auth()
    try:
        world.write_config(auth=right.replace("-copy-role", "-copy-rol"))
        check = by_id(world.report())["redshift.copy"]
        said = world.aws(check["fix"]["snippet"], code=1).stderr
        assert "typo in auth.copy_role_arn" in said
        world.write_config(auth=right.replace(f"{ACCOUNT}:role/vesto-acme-copy-role",
                                              f"{OPERATOR}:role/vesto-acme-copy-role"))
        check = by_id(world.report())["redshift.copy"]
        said = world.aws(check["fix"]["snippet"], code=1).stderr
        assert f"auth.copy_role_arn is of the account {OPERATOR}" in said
        assert roles == [role["RoleName"] for role in world.boto("iam").list_roles()["Roles"]]
    finally:
        world.write_config()
