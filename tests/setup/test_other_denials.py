"""Policies of others that decide beside the kit's: of the bucket, of the same role, and the trust of the role
that Vesto's pods run as. The report names them, and never puts a policy that would have no effect."""
import json

import pytest

from kit_world import (BUCKET, OPERATOR, OPERATORS_ADMIN, OPERATORS_KEY, PODS_ROLE, REGION, ROLE, bad_checks,
                       by_id)
from others import BUCKET_ARN, POLICY, ROLE_NAME, account, looked_at, policy_of, statement

# --- the role of Vesto's own pods on EKS ---
FAR = f"arn:aws:iam::{OPERATOR}:role/nobody"


def asked_by(world, *lines, **environment):
    """aws.key, with these lines in [destination.acme.auth]."""
    (world.folder / "profiles").write_text(
        f"[profile far]\nrole_arn = {FAR}\nsource_profile = src\n[profile src]\n"
        f"aws_access_key_id = {OPERATORS_KEY[0]}\naws_secret_access_key = {OPERATORS_KEY[1]}\n"
        f"region = {REGION}\n")
    world.write_config(auth="\n".join([world.auth(), *lines]))
    done = world.vesto("destination", "test", "acme", "--json", "--wait", "0s", "--only", "aws.key",
                       environment={"AWS_CONFIG_FILE": str(world.folder / "profiles"), **environment})
    return by_id(json.loads(done.stdout))["aws.key"]


def test_a_profile_is_no_matter_of_the_pods_role(worlds):
    """A pod's token lies there, and AWS refuses the role of a profile: nothing is wrong with whom the
    pods' own role trusts."""
    world = worlds(identity="aws")
    iam = world.boto("iam", OPERATORS_ADMIN)
    kept = iam.get_role(RoleName=PODS_ROLE)["Role"]["AssumeRolePolicyDocument"]
    try:
        for check in (asked_by(world, 'profile = "far"'), asked_by(world, AWS_PROFILE="far")):
            assert check["error"]["code"] == "AWS-ASSUME-DENIED"
            assert FAR in check["error"]["message"] and "fix" not in check
        # By its token the pod is its role, and then it is that role's matter.
        assert asked_by(world)["status"] == "passed"
        iam.update_assume_role_policy(RoleName=PODS_ROLE, PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [account(f"arn:aws:iam::{OPERATOR}:root")]}))
        check = asked_by(world)
        assert check["error"]["code"] == "AWS-ASSUME-DENIED" and PODS_ROLE in check["fix"]["snippet"]
        assert "fix" not in asked_by(world, AWS_PROFILE="far")
        world.fix(check["fix"])
        assert asked_by(world)["status"] == "passed"
    finally:
        iam.update_assume_role_policy(RoleName=PODS_ROLE, PolicyDocument=json.dumps(kept))
        world.write_config()


# --- the bucket ---
@pytest.fixture
def bucket(worlds):
    """set(*statements) of the bucket's policy, as its owner puts them."""
    world = worlds()
    s3 = world.boto("s3")

    def put(*statements):
        s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(
            {"Version": "2012-10-17", "Statement": statements}))

    yield world, put
    s3.delete_bucket_policy(Bucket=BUCKET)
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={
        name: True for name in ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy",
                                "RestrictPublicBuckets")})


@pytest.mark.parametrize("action, name", [("s3:PutObject", "s3.put"), ("s3:GetObject", "s3.get"),
                                          ("s3:DeleteObject", "s3.delete")])
def test_a_bucket_whose_policy_denies(bucket, action, name):
    world, put = bucket
    put(statement("Deny", action))
    check = by_id(world.report("--only", "s3.*"))[name]
    assert check["error"]["code"] == "S3-DENIED"
    assert "policy of the bucket" in check["error"]["hint"] and action in check["error"]["hint"]
    denying, = looked_at(world, check)
    assert denying["Effect"] == "Deny"


def test_copy_is_refused_by_the_same_deny(bucket):
    world, put = bucket
    put(statement("Deny", "s3:GetObject"))
    checks = by_id(world.report())
    read, copy = checks["s3.get"], checks["redshift.copy"]
    assert copy["error"]["code"] == "RS-COPY-S3-403"
    assert copy["fix"] == read["fix"] and "put-role-policy" not in copy["fix"]["snippet"]
    assert read["error"]["hint"] in copy["error"]["hint"]


@pytest.mark.parametrize("name", ["guard", POLICY])
def test_a_role_with_a_policy_that_denies(worlds, name):
    """AWS names no policy: it may be the kit's own, to which somebody has added a Deny."""
    world = worlds()
    iam = world.boto("iam")
    before = policy_of(world)
    allowed = before["Statement"] if name == POLICY else []
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=name, PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            *allowed, {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}]}))
    try:
        check = by_id(world.report("--only", "s3.*"))["s3.put"]
        hint = check["error"]["hint"]
        assert "A policy of this identity denies it" in hint and f"kit's own ({POLICY})" in hint
        assert "Another policy" not in hint and "bucket policy" not in check["error"]["cause"]["text"]
        assert check["error"]["cause"]["name"] == "put-denied-by-identity"
        assert "put-role-policy" not in check["fix"]["snippet"]
        assert name in world.fix(check["fix"]).stdout
    finally:
        iam.put_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY, PolicyDocument=json.dumps(before))
        if name != POLICY:
            iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=name)


def test_a_bucket_that_refuses_the_warehouse(bucket):
    world, put = bucket
    put(statement("Deny", "s3:GetObject",
                  Condition={"IpAddress": {"aws:SourceIp": "198.51.100.10/32"}}))
    check = by_id(world.report())["redshift.copy"]
    assert check["error"]["code"] == "RS-COPY-S3-403"
    assert "the bucket's own policy refuses the warehouse" in check["error"]["hint"]
    # AWS does not always tell that it is the key: the hint does, where none is named.
    assert "only where staging.kms_key_arn names it" in check["error"]["hint"]
    assert looked_at(world, check)[0]["Condition"]


def test_a_bucket_that_everybody_may_list(bucket):
    world, put = bucket
    world.boto("s3").delete_public_access_block(Bucket=BUCKET)
    put(statement("Allow", "s3:ListBucket", resource=BUCKET_ARN))
    check = by_id(world.report("--only", "s3.list_narrow"))["s3.list_narrow"]
    assert check["error"]["code"] == "S3-WIDE"
    assert "the bucket's own policy lets everybody list it" in check["error"]["message"]
    assert looked_at(world, check)[0]["Principal"] == "*"


def test_what_else_lets_the_bucket_be_listed(bucket):
    """Once the kit's policy stands: a policy of the bucket, another one of the role."""
    world, put = bucket
    iam = world.boto("iam")
    wide = statement("Allow", "s3:ListBucket", {"AWS": ROLE}, BUCKET_ARN)
    put(wide)
    check = by_id(world.report("--only", "s3.list_narrow"))["s3.list_narrow"]
    assert check["error"]["code"] == "S3-WIDE"
    said = world.fix(check["fix"]).stderr
    assert "The bucket has a policy of its own" in said and ROLE in said
    assert "other policies" not in said
    put(statement("Deny", "s3:PutObject", resource=BUCKET_ARN + "/nothing"))
    iam.put_role_policy(RoleName=ROLE_NAME, PolicyName="lister", PolicyDocument=json.dumps({
        "Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": BUCKET_ARN}]}))
    try:
        said = world.fix(by_id(world.report("--only", "s3.list_narrow"))["s3.list_narrow"]["fix"])
        assert "other policies" in said.stderr and "lister" in said.stderr
        assert "The bucket has a policy" not in said.stderr
    finally:
        iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName="lister")
    assert bad_checks(world.report("--only", "s3.*")) == {}
