"""Vesto runs as a role that has a path. AWS tells the session's role by its name alone, and IAM takes
no trust policy that names a role which is not there: the kit finds the path, or has it filled in."""
import json

import pytest

from kit_world import ACCOUNT, ADMIN, EXTERNAL_ID, OPERATOR, OPERATORS_ADMIN, REGION, bad_checks, by_id
from others import POLICY, ROLE_NAME, put_trust, trust_of

MARK = "<<PRINCIPAL_PATH>>"


def runs_as(world, admin, account, name, path):
    """From here on vesto has keys of a session of this new role; gives the role's ARN."""
    arn = world.boto("iam", admin).create_role(
        RoleName=name, Path=path, AssumeRolePolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}]}))["Role"]["Arn"]
    assert arn == f"arn:aws:iam::{account}:role{path}{name}"
    keys = world.boto("sts", admin).assume_role(RoleArn=arn, RoleSessionName="host")["Credentials"]
    usual = world.environment()
    world.environment = lambda: {
        **usual, "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["SessionToken"]}
    return arn


def trusts(arn):
    return [{"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole",
             "Condition": {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}}]


def remove_role(world):
    iam = world.boto("iam")
    iam.delete_role_policy(RoleName=ROLE_NAME, PolicyName=POLICY)
    iam.delete_role(RoleName=ROLE_NAME)


def test_the_admin_of_its_account_need_not_know_the_path(kit_world):
    world = kit_world(identity="aws")
    arn = runs_as(world, ADMIN, ACCOUNT, "worker", "/team/data/")
    policy = world.vesto("destination", "kit", "acme", "--part", "trust-policy")
    principal = json.loads(policy.stdout)["Statement"][0]["Principal"]
    assert principal == {"AWS": f"arn:aws:iam::{ACCOUNT}:role{MARK}worker"}
    note, missing = policy.stderr.splitlines()
    assert note == ("Note: AWS does not tell the path of the role worker of account "
                    f"{ACCOUNT}, which Vesto runs as; most roles have none, and then it is /")
    assert missing.startswith(f"Missing: {MARK}. The path of the role")
    script = world.vesto("destination", "kit", "acme", "--part", "script")
    assert (script.stderr, MARK in script.stdout) == ("", False)
    world.apply("script", "sql", "network")
    assert trust_of(world) == trusts(arn)
    assert bad_checks(world.report()) == {}
    assert world.aws(script.stdout).stderr == "" and trust_of(world) == trusts(arn)
    # It is known as our own without the external id, too.
    put_trust(world, [{key: value for key, value in trusts(arn)[0].items() if key != "Condition"}])
    world.fix(by_id(world.report("--only", "aws.*"))["aws.trust_bound"]["fix"])
    assert trust_of(world) == trusts(arn)
    # What the check gives to be run makes the role as well.
    remove_role(world)
    check = by_id(world.report("--only", "aws.*"))["aws.assume_role"]
    assert check["error"]["code"] == "AWS-ASSUME-DENIED"
    world.fix(check["fix"])
    assert trust_of(world) == trusts(arn)
    assert bad_checks(world.report("--only", "aws.*")) == {}


@pytest.mark.parametrize("name, path, known", [
    ("worker", "/team/data/", "; most roles have none, and then it is /"),
    ("worker", "/", "; most roles have none, and then it is /"),
    ("AWSReservedSSO_Data_0123456789abcdef", "/aws-reserved/sso.amazonaws.com/eu-west-1/",
     "; it begins with /aws-reserved/sso.amazonaws.com/"),
])
def test_of_another_account_it_is_filled_in(kit_world, name, path, known):
    world = kit_world(identity="aws")
    arn = runs_as(world, OPERATORS_ADMIN, OPERATOR, name, path)
    done = world.vesto("destination", "kit", "acme", "--part", "script")
    note, missing = done.stderr.splitlines()
    assert note == (f"Note: AWS does not tell the path of the role {name} of account {OPERATOR}, "
                    f"which Vesto runs as{known}")
    assert missing.startswith(f"Missing: {MARK}. ") and "Most roles have none" in missing
    said = world.aws(done.stdout, code=1).stderr
    assert said == f"Fill in {MARK} first: / for a role without a path, as most are.\n"
    # As the help says.
    told = world.aws(f"aws iam get-role --region {REGION} --role-name {name} --query Role.Path --output text",
                     who=OPERATORS_ADMIN).stdout
    assert told == path + "\n"
    script = done.stdout.replace(MARK, path)
    world.apply("asker")
    world.aws(script)
    assert trust_of(world) == trusts(arn)
    world.apply("sql", "network")
    assert bad_checks(world.report()) == {}
    # The statement that stands is ours, whatever is filled in.
    assert world.aws(done.stdout.replace(MARK, "/else/" if path == "/" else "/")).stderr == ""
    assert trust_of(world) == trusts(arn)
    # What the check gives to be run is for the admins of both accounts, and says so by the guard.
    put_trust(world, trusts(f"arn:aws:iam::{ACCOUNT}:root"))
    fix = by_id(world.report("--only", "aws.*"))["aws.assume_role"]["fix"]["snippet"]
    assert f"Fill in {MARK} first: / for" in world.aws(fix, code=1).stderr
    remove_role(world)
    world.aws(fix.replace(MARK, path))
    assert trust_of(world) == trusts(arn)
