"""A policy of the name that the kit puts stands already: what it allows to others, or denies, is told, and
asked about."""
import json

import pytest

from kit_world import BUCKET, OPERATORS_ADMIN, ROLE, bad_checks
from others import POLICY, ROLE_NAME, policy_of


def test_a_policy_of_another_whose_statement_stands_in_no_list(worlds):
    world = worlds()
    iam, before = world.boto("iam"), policy_of(world)
    theirs = {"Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::elsewhere/vesto/*"}}
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(theirs))
    try:
        said = world.aws(world.kit("role"), code=1).stderr
        assert "The policy that stands is for elsewhere/vesto/*." in said
        assert policy_of(world) == theirs
    finally:
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(before))


def test_a_deny_in_the_policy_stops_before_the_first_change(worlds):
    """It may be the one statement, which stands in no list."""
    world = worlds()
    iam, s3, before = world.boto("iam"), world.boto("s3"), policy_of(world)
    denies = {"Version": "2012-10-17", "Statement": {
        "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}}
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(denies))
    s3.delete_bucket_lifecycle(Bucket=BUCKET)  # which the script's first step would mend
    try:
        said = world.aws(world.kit("script"), code=1).stderr
        assert "would not be kept" in said and "NEW_POLICY=yes" in said
        assert policy_of(world) == denies
        with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycle"):
            s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)
        world.aws("NEW_POLICY=yes\n" + world.kit("script"))
        assert policy_of(world) == before
        assert bad_checks(world.report("--only", "s3.lifecycle")) == {}
    finally:
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(before))


def test_what_a_person_has_put_into_the_policy_is_told(worlds):
    world = worlds()
    iam, before = world.boto("iam"), policy_of(world)
    by_hand = {"Sid": "ByHand", "Effect": "Allow", "Action": "kms:Decrypt", "Resource": "*"}
    for more in by_hand, {**by_hand, "Effect": "Deny"}:
        mixed = {**before, "Statement": [*before["Statement"], more]}
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY,
                            PolicyDocument=json.dumps(mixed))
        role = world.kit("role")
        if more is not by_hand:
            said = world.aws(role, code=1).stderr
            assert policy_of(world) == mixed and "NEW_POLICY=yes" in said
            role = "NEW_POLICY=yes\n" + role
        said = world.aws(role).stderr
        shown, _ = json.JSONDecoder().raw_decode(said[said.index("["):])
        assert shown == [more] and "is not kept" in said
        assert policy_of(world) == before


def test_a_policy_that_may_not_be_read_is_not_replaced(worlds):
    world = worlds()
    iam = world.boto("iam")
    others = json.dumps(policy_of(world)).replace(BUCKET, "elsewhere-stage")
    name = {"RoleName": ROLE_NAME, "PolicyName": POLICY}
    ours = json.dumps(policy_of(world))
    iam.create_user(UserName="blind")
    iam.put_user_policy(UserName="blind", PolicyName="blind", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Effect": "Deny", "Action": "iam:GetRolePolicy", "Resource": "*"}]}))
    key = iam.create_access_key(UserName="blind")["AccessKey"]
    iam.put_role_policy(**name, PolicyDocument=others)
    try:
        said = world.aws(world.kit("role"), code=1,
                         who=(key["AccessKeyId"], key["SecretAccessKey"])).stderr
        assert "(AccessDenied)" in said and "GetRolePolicy" in said
        assert policy_of(world) == json.loads(others)
    finally:
        iam.put_role_policy(**name, PolicyDocument=ours)
        iam.delete_access_key(UserName="blind", AccessKeyId=key["AccessKeyId"])
        iam.delete_user_policy(UserName="blind", PolicyName="blind")
        iam.delete_user(UserName="blind")


def test_a_key_that_assumes_the_role_of_another_vesto(worlds):
    world = worlds(identity="assume_role")

    def policy():
        return world.boto("iam", OPERATORS_ADMIN).get_user_policy(
            UserName="vesto", PolicyName=POLICY)["PolicyDocument"]

    before = policy()
    assert before["Statement"][0]["Resource"] == ROLE
    try:
        world.write_config(auth=world.auth().replace(ROLE, ROLE + "-second"))
        key = world.kit("key")
        said = world.aws(key, who=OPERATORS_ADMIN, code=1).stderr
        assert f"The policy that stands allows to assume {ROLE}." in said
        assert "Where another Vesto has a destination of this name" in said
        assert policy() == before
        world.aws("NEW_ROLE=yes\n" + key, who=OPERATORS_ADMIN)
        assert policy()["Statement"][0]["Resource"] == ROLE + "-second"
    finally:
        world.write_config()
        world.boto("iam", OPERATORS_ADMIN).put_user_policy(
            UserName="vesto", PolicyName=POLICY, PolicyDocument=json.dumps(before))
    world.aws(world.kit("key"), who=OPERATORS_ADMIN)
    assert policy() == before
