"""A bucket that encrypts with a KMS key by itself, which the configuration does not name. The kit's
policy has no right to that key, and putting it again would take away what somebody has added: the
report names the setting and its line. What it says is done, and the next report's fix is the policy."""
import json

import pytest

from kit_world import (ACCOUNT, BUCKET, COPY_ROLE, KMS_KEY, REGION, ROLE, KitWorld, bad_checks,
                       by_id)

ENCRYPTED = (f'[[bucket]]\nname = "{BUCKET}"\naccount = "{ACCOUNT}"\nregion = "{REGION}"\n'
             f'kms_key = "{KMS_KEY}"\n')
LINE = f'kms_key_arn = "{KMS_KEY}"'


@pytest.fixture
def world():
    made = []

    def make(**options):
        made.append(KitWorld(more_world=ENCRYPTED, **options))
        return made[-1].apply()

    yield make
    for one in made:
        one.close()


def is_the_line(check):
    assert check["fix"] == {"who": "you", "kind": "toml", "snippet": LINE}, check
    assert "staging.kms_key_arn" in check["error"]["hint"]
    assert "[destination.acme.staging]" in check["error"]["hint"]


def by_hand(world, role, *actions):
    """A person has given the right to the key, in a policy of its own."""
    world.boto("iam").put_role_policy(
        RoleName=role.rsplit("/", 1)[1], PolicyName="by-hand", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Action": list(actions), "Resource": KMS_KEY}]}))


def test_the_line_then_the_policy_then_green(world):
    made = world()
    done = made.vesto("destination", "test", "acme", "--json", "--wait", "60s")
    check = by_id(json.loads(done.stdout))["s3.put"]
    assert check["error"]["code"] == "S3-KMS"
    is_the_line(check)
    assert check["attempts"] == 1, "nothing that is waited for mends the configuration"
    made.write_config(staging=check["fix"]["snippet"])
    report = made.report()
    check = by_id(report)["s3.put"]
    assert (check["error"]["code"], check["fix"]["kind"]) == ("S3-KMS", "shell")
    assert "kms:GenerateDataKey" in check["fix"]["snippet"]
    made.fix(check["fix"])
    report = made.report()
    assert report["ok"] and bad_checks(report) == {}


def test_copy_where_the_role_has_the_right_by_hand(world):
    """The keys of COPY are narrowed to what the configuration names."""
    made = world()
    by_hand(made, ROLE, "kms:GenerateDataKey", "kms:Decrypt")
    report = made.report()
    assert bad_checks(report) == {"redshift.copy": "RS-COPY-S3-403"}
    is_the_line(by_id(report)["redshift.copy"])
    made.write_config(staging=LINE)
    assert bad_checks(made.report()) == {}


def test_a_run_names_the_setting_as_well(world, postgres):
    made = world(postgres=postgres)
    made.make_source(20)

    def failed():
        done = made.vesto("run", "shop", "--json")
        assert done.returncode != 0, done.stdout
        error = json.loads(done.stdout.splitlines()[-1])["error"]
        assert "staging.kms_key_arn" in error["hint"], error
        return error["code"]

    assert failed() == "S3-KMS"
    by_hand(made, ROLE, "kms:GenerateDataKey", "kms:Decrypt")
    assert failed() == "RS-COPY-S3-403"


def test_copy_by_a_role_of_the_warehouse(world):
    made = world(copy="attached_role")
    by_hand(made, ROLE, "kms:GenerateDataKey", "kms:Decrypt")
    report = made.report()
    assert bad_checks(report) == {"redshift.copy": "RS-COPY-S3-403"}
    is_the_line(by_id(report)["redshift.copy"])
    made.write_config(staging=LINE)
    check = by_id(made.report())["redshift.copy"]
    assert COPY_ROLE.rsplit("/", 1)[1] in check["fix"]["snippet"]
    made.fix(check["fix"])
    assert bad_checks(made.report()) == {}


def test_a_deny_is_not_a_matter_of_the_configuration(world):
    made = world()
    made.boto("iam").put_role_policy(
        RoleName=ROLE.rsplit("/", 1)[1], PolicyName="guard", PolicyDocument=json.dumps({
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}]}))
    check = by_id(made.report("--only", "s3.*"))["s3.put"]
    assert check["error"]["code"] == "S3-KMS" and check["fix"]["kind"] != "toml"
    assert "A policy of this identity denies it" in check["error"]["hint"]


def test_the_key_is_hidden_where_names_are(world):
    made = world()
    done = made.vesto("destination", "test", "acme", "--json", "--wait", "0s", "--redact")
    assert KMS_KEY.rsplit("/", 1)[1] not in done.stdout and ACCOUNT not in done.stdout
    check = by_id(json.loads(done.stdout))["s3.put"]
    assert check["error"]["code"] == "S3-KMS" and check["fix"]["kind"] == "toml"
