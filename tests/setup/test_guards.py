"""What keeps nobody from loading, and is warned of: a bucket that is open to everybody, one without a
lifecycle rule, a clock that is off. The fix of the report is run; this test knows none."""
import json
import os
import subprocess

import pytest

from kit_world import BUCKET, ROOT, KitWorld, bad_checks, by_id

DEV = ROOT / os.environ.get("VESTO_DEV_DIR", "build/dev") / "src" / "cli" / "vesto"
ARN = f"arn:aws:s3:::{BUCKET}"


@pytest.fixture(scope="module")
def world():
    with KitWorld() as made:
        yield made.apply()


def policy_for_everybody(world, action):
    world.sandbox.control("POST", "/v1/iam", {"put_bucket_policy": {
        "bucket": BUCKET, "policy": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": action,
             "Resource": [ARN, ARN + "/*"]}]}}})


def everybody_may(world, action):
    world.boto("s3").delete_public_access_block(Bucket=BUCKET)
    policy_for_everybody(world, action)


def mended_by_its_fix(world, report, check):
    """What the report says to run is run; then nothing is seen but what other checks saw."""
    others = {name: code for name, code in bad_checks(report).items() if name != check}
    world.fix(by_id(report)[check]["fix"])
    after = world.report("--only", "s3.*")
    assert after["ok"] and bad_checks(after) == others, bad_checks(after)


# Who lists everything is seen by another check as well, and stays allowed in the owner's account.
@pytest.mark.parametrize("action, seen, besides", [
    ("s3:GetObject", "read", {}), ("s3:ListBucket", "list", {"s3.list_narrow": "S3-WIDE"})])
def test_a_bucket_that_is_open_to_everybody(world, action, seen, besides):
    good = world.report("--only", "s3.*")
    assert bad_checks(good) == {} and by_id(good)["s3.public"]["status"] == "passed"
    everybody_may(world, action)
    report = world.report("--only", "s3.*")
    assert report["ok"] and bad_checks(report) == {"s3.public": "S3-PUBLIC", **besides}
    assert f"everybody may {seen} " in by_id(report)["s3.public"]["error"]["message"]
    mended_by_its_fix(world, report, "s3.public")
    policy_for_everybody(world, "s3:GetBucketLocation")


def policy_for_a_network(world):
    world.boto("s3").delete_public_access_block(Bucket=BUCKET)
    world.sandbox.control("POST", "/v1/iam", {"put_bucket_policy": {
        "bucket": BUCKET, "policy": {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": ARN + "/*",
             "Condition": {"IpAddress": {"aws:SourceIp": ["127.0.0.0/8", "::1/128"]}}}]}}})


def may_ask_for_the_status(world, may):
    """Beside the kit's own policy, which gives no right that a load does not need."""
    iam = world.boto("iam")
    if not may:
        return iam.delete_role_policy(RoleName="vesto-acme-role", PolicyName="look")
    return iam.put_role_policy(RoleName="vesto-acme-role", PolicyName="look", PolicyDocument=json.dumps(
        {"Version": "2012-10-17", "Statement": [
            {"Effect": "Allow", "Action": "s3:GetBucketPolicyStatus", "Resource": ARN}]}))


def test_a_bucket_that_is_open_to_a_network(world):
    """AWS does not call it public; who may not ask AWS is told what it may be."""
    policy_for_a_network(world)
    seen = by_id(world.report("--only", "s3.public"))["s3.public"]
    assert (seen["status"], seen["error"]["code"]) == ("warning", "S3-PUBLIC")
    assert "or everybody in a network that its policy names" in seen["error"]["message"]
    assert "get-bucket-policy-status --region" in seen["error"]["hint"]
    may_ask_for_the_status(world, True)
    seen = by_id(world.report("--only", "s3.public"))["s3.public"]
    assert seen["status"] == "passed" and "not public" in seen["evidence"][0]["value"], seen
    everybody_may(world, "s3:GetObject")
    seen = by_id(world.report("--only", "s3.public"))["s3.public"]
    assert seen["status"] == "warning" and "network" not in seen["error"]["message"]
    may_ask_for_the_status(world, False)
    policy_for_everybody(world, "s3:GetBucketLocation")


def test_a_bucket_that_nobody_cleans_up(world):
    good = world.report("--only", "s3.lifecycle")
    told = {one["name"]: one["value"] for one in by_id(good)["s3.lifecycle"]["evidence"]}
    assert 'rule-id="vesto-acme"' in told["expiration"]
    world.boto("s3").delete_bucket_lifecycle(Bucket=BUCKET)
    report = world.report("--only", "s3.*")
    assert report["ok"] and bad_checks(report) == {"s3.lifecycle": "S3-LIFECYCLE"}
    mended_by_its_fix(world, report, "s3.lifecycle")


def test_a_bucket_that_is_cleaned_up_after_years(world):
    def rules(**days):
        world.boto("s3").put_bucket_lifecycle_configuration(
            Bucket=BUCKET, LifecycleConfiguration={"Rules": [
                {"ID": name, "Status": "Enabled", "Filter": {"Prefix": "vesto/"},
                 "Expiration": {"Days": count}} for name, count in days.items()]})
        return world.report("--only", "s3.lifecycle")

    report = rules(long=3650)
    assert report["ok"] and bad_checks(report) == {"s3.lifecycle": "S3-LIFECYCLE"}
    assert "stay for 3650 days" in by_id(report)["s3.lifecycle"]["error"]["message"]
    # Somebody's rules stay: what is to be added is printed.
    assert '"Days":3' in world.fix(by_id(report)["s3.lifecycle"]["fix"]).stderr.replace(" ", "")
    assert bad_checks(rules(long=3650, short=30)) == {}
    world.boto("s3").delete_bucket_lifecycle(Bucket=BUCKET)
    mended_by_its_fix(world, world.report("--only", "s3.lifecycle"), "s3.lifecycle")


def test_a_bucket_that_keeps_old_versions(world):
    def versioning(status):
        world.boto("s3").put_bucket_versioning(Bucket=BUCKET,
                                               VersioningConfiguration={"Status": status})
        assert world.boto("s3").get_bucket_versioning(Bucket=BUCKET)["Status"] == status
        return world.report("--only", "s3.*")

    report = versioning("Enabled")
    assert report["ok"] and bad_checks(report) == {"s3.put": "S3-VERSIONED"}
    assert "lifecycle rule" in by_id(report)["s3.put"]["error"]["hint"]
    assert bad_checks(versioning("Suspended")) == {}


def test_old_versions_of_somebody_are_not_ended(world):
    """A prefix with nothing but old versions looks empty; the rule would end them for good."""
    s3 = world.boto("s3")

    def versions():
        return s3.list_object_versions(Bucket=BUCKET, Prefix="vesto/").get("Versions", [])

    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=BUCKET, Key="vesto/ledger.csv", Body=b"theirs")
    s3.delete_object(Bucket=BUCKET, Key="vesto/ledger.csv")
    assert not s3.list_objects_v2(Bucket=BUCKET, Prefix="vesto/")["KeyCount"]
    s3.delete_bucket_lifecycle(Bucket=BUCKET)
    check = by_id(world.report("--only", "s3.lifecycle"))["s3.lifecycle"]
    assert "old versions of files" in world.fix(check["fix"]).stderr
    with pytest.raises(s3.exceptions.ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=BUCKET)
    theirs, = (one for one in versions() if one["Key"] == "vesto/ledger.csv")
    s3.delete_object(Bucket=BUCKET, Key=theirs["Key"], VersionId=theirs["VersionId"])
    assert versions()  # what Vesto's own tests have put and removed
    world.fix(check["fix"])
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    assert bad_checks(world.report("--only", "s3.*")) == {}


@pytest.mark.parametrize("off_s, status", [(0, "passed"), (200, "warning"), (-200, "warning"),
                                           (400, "failed"), (-400, "failed")])
def test_a_clock_that_is_off(world, off_s, status):
    moved = world.folder / "clock"
    moved.write_text(str(off_s * 1000))
    done = subprocess.run(
        [str(DEV), *world.command("destination", "test", "acme", "--json", "--wait", "0s",
                                  "--only", "aws.assume_role")[1:]],
        cwd=world.folder, text=True, capture_output=True, timeout=60, check=False,
        env={**world.environment(), "VESTO_CLOCK_OFFSET_FILE": str(moved)})
    checks = by_id(json.loads(done.stdout))
    clock = checks["host.clock"]
    assert clock["status"] == status, clock
    offset, = (int(one["value"].split()[0]) for one in clock["evidence"])
    assert abs(offset - off_s) <= 5
    if status == "passed":
        return
    assert clock["error"]["code"] == "SYS-CLOCK-SKEW"
    assert ("behind" if off_s < 0 else "ahead of") in clock["error"]["message"]
    assert (checks["aws.assume_role"].get("masked_by") == "host.clock") == (status == "failed")


def test_where_s3_does_not_answer_nothing_is_said_of_the_clock(world):
    closed = world.config_text().replace(f'endpoint = "{world.endpoints["aws"]["url"]}"\ntls',
                                         'endpoint = "https://127.0.0.1:1"\ntls')
    (world.folder / "vesto.toml").write_text(closed)
    try:
        clock = by_id(world.report("--only", "host.clock"))["host.clock"]
    finally:
        world.write_config()
    assert clock["status"] == "skipped" and "S3 could not be asked" in clock["reason"]


def test_a_secret_that_lost_a_letter_asks_for_no_new_key():
    """The user and its key are there; only whoever runs Vesto has the secret."""
    with KitWorld(identity="key") as made:
        made.apply()
        secret = made.folder / "aws.key"
        whole = secret.read_text()
        secret.write_text(whole[:-1])
        check = by_id(made.report("--only", "aws.key"))["aws.key"]
        assert check["error"]["code"] == "AWS-KEY" and "fix" not in check, check
        secret.write_text(whole)
        (made.folder / "aws.id").write_text("AKIANOSUCHKEY0000001")
        check = by_id(made.report("--only", "aws.key"))["aws.key"]
        assert check["error"]["code"] == "AWS-KEY" and "create-access-key" in check["fix"]["snippet"]
