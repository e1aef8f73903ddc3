"""What refuses an AssumeRole that no statement of the role could allow: it is named, with whose it is, and not
waited for."""
import json

import pytest

from kit_world import ACCOUNT, ROLE, by_id
from others import account, put_trust, trust_of

INSIDE = f"arn:aws:iam::{ACCOUNT}:user/inside"


@pytest.fixture
def inside(worlds):
    """A user of the role's own account assumes it: within one account AWS says which policy refuses."""
    world = worlds(identity="assume_role")
    iam, ours = world.boto("iam"), trust_of(world)
    iam.create_user(UserName="inside")
    key = iam.create_access_key(UserName="inside")["AccessKey"]
    names = {"aws.id": key["AccessKeyId"], "aws.key": key["SecretAccessKey"]}
    kept = {name: (world.folder / name).read_text() for name in names}
    for name, text in names.items():
        (world.folder / name).write_text(text)
    put_trust(world, [{**ours[0], "Principal": {"AWS": INSIDE}}])
    yield world
    for name, text in kept.items():
        (world.folder / name).write_text(text)
    put_trust(world, ours)
    iam.delete_access_key(UserName="inside", AccessKeyId=key["AccessKeyId"])
    iam.delete_user(UserName="inside")


def refused_at_once(world):
    """aws.assume_role: waited for, it would take longer than this test may."""
    done = world.vesto("destination", "test", "acme", "--json", "--wait", "10m", "--only",
                       "aws.assume_role")
    check = by_id(json.loads(done.stdout))["aws.assume_role"]
    assert check["error"]["code"] == "AWS-ASSUME-DENIED" and check["attempts"] == 1, check
    assert (check["fix"]["kind"], check["fix"]["snippet"]) == ("text", ""), check
    assert check["fix"]["who"] == "aws_admin", check
    assert "role_arn" not in check["error"]["hint"] and "external_id" not in check["error"]["hint"]
    return check["error"]["hint"]


def test_a_deny_that_no_role_helps_against_is_not_waited_for(inside):
    """The role's script would change nothing: whose policy it is is told."""
    iam, trusts = inside.boto("iam"), trust_of(inside)
    iam.put_user_policy(UserName="inside", PolicyName="guard", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}]}))
    try:
        hint = refused_at_once(inside)
    finally:
        iam.delete_user_policy(UserName="inside", PolicyName="guard")
    assert f"A policy of {INSIDE} (account {ACCOUNT}) itself denies" in hint
    assert by_id(inside.report("--only", "aws.*"))["aws.assume_role"]["status"] == "passed"
    put_trust(inside, [*trusts, {**account(INSIDE), "Effect": "Deny"}])
    hint = refused_at_once(inside)
    assert f"The trust policy of {ROLE} (account {ACCOUNT}) itself denies" in hint
