"""Buckets as a set-up makes them: owner, public access block, object ownership, lifecycle rules,
judged by boto3 and awscli."""
import datetime
import json
import os
import pathlib
import subprocess
import sys
import urllib.request

import pytest

boto3 = pytest.importorskip("boto3")
from botocore import UNSIGNED  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402

ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")
OPERATOR = ("AKIAVESTOOPERATOR001", "operatorSecretoperatorSecretoperator/+01")
HERE = {"LocationConstraint": "eu-west-1"}
ALL = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True,
       "RestrictPublicBuckets": True}
RULE = {"ID": "vesto-staging", "Filter": {"Prefix": "vesto/"}, "Status": "Enabled",
        "Expiration": {"Days": 3}, "NoncurrentVersionExpiration": {"NoncurrentDays": 1},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def names(client):
    return [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]


@pytest.fixture
def s3(cloud):
    return cloud.client("s3", *ADMIN)


@pytest.fixture
def bucket(s3):
    s3.create_bucket(Bucket="made-here", CreateBucketConfiguration=HERE)
    yield "made-here"
    for found in s3.list_objects_v2(Bucket="made-here").get("Contents", []):
        s3.delete_object(Bucket="made-here", Key=found["Key"])
    s3.delete_bucket(Bucket="made-here")


def test_a_new_bucket_is_closed_and_its_makers(cloud, s3, bucket):
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == ALL
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == \
        {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == \
        ("NoSuchLifecycleConfiguration", 404)
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    assert bucket in names(s3)
    # Another account's user with all rights of S3 at home does not get in.
    iam = cloud.client("iam", *ADMIN)
    iam.create_user(UserName="made-here-user")
    try:
        cloud.control("/v1/iam", {"put_user_policy": {
            "user": "arn:aws:iam::999999999999:user/vesto", "name": "s3", "policy": {
                "Version": "2012-10-17", "Statement": [
                    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}}})
        stranger = cloud.client("s3", *OPERATOR)
        assert refused(stranger.get_object, Bucket=bucket, Key="a") == ("AccessDenied", 403)
        assert names(stranger) == []
        assert refused(stranger.create_bucket, Bucket=bucket, CreateBucketConfiguration=HERE) == \
            ("BucketAlreadyExists", 409)
        assert refused(s3.create_bucket, Bucket=bucket, CreateBucketConfiguration=HERE) == \
            ("BucketAlreadyOwnedByYou", 409)
    finally:
        iam.delete_user(UserName="made-here-user")
        cloud.control("/v1/iam", {"put_user_policy": {
            "user": "arn:aws:iam::999999999999:user/vesto", "name": "s3", "policy": {
                "Version": "2012-10-17", "Statement": [
                    {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}}})


def test_public_access_block(s3, bucket):
    some = {**ALL, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=some)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == some
    s3.delete_public_access_block(Bucket=bucket)
    assert refused(s3.get_public_access_block, Bucket=bucket) == \
        ("NoSuchPublicAccessBlockConfiguration", 404)
    s3.put_public_access_block(Bucket=bucket,
                               PublicAccessBlockConfiguration={"BlockPublicAcls": True})
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == \
        {"BlockPublicAcls": True, "IgnorePublicAcls": False, "BlockPublicPolicy": False,
         "RestrictPublicBuckets": False}


def test_ownership(s3, bucket):
    for ownership in ("BucketOwnerPreferred", "ObjectWriter", "BucketOwnerEnforced"):
        controls = {"Rules": [{"ObjectOwnership": ownership}]}
        s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=controls)
        assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == controls
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    assert refused(s3.get_bucket_ownership_controls, Bucket=bucket) == \
        ("OwnershipControlsNotFoundError", 404)
    assert refused(s3.put_bucket_ownership_controls, Bucket=bucket, OwnershipControls={
        "Rules": [{"ObjectOwnership": "Nobody"}]}) == ("MalformedXML", 400)
    s3.create_bucket(Bucket="by-header", CreateBucketConfiguration=HERE,
                     ObjectOwnership="ObjectWriter")
    shown = s3.get_bucket_ownership_controls(Bucket="by-header")["OwnershipControls"]
    s3.delete_bucket(Bucket="by-header")
    assert shown == {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}


def test_lifecycle(s3, bucket):
    def put(*rules):
        s3.put_bucket_lifecycle_configuration(Bucket=bucket,
                                              LifecycleConfiguration={"Rules": list(rules)})
    put(RULE, {"ID": "old", "Prefix": "x/", "Status": "Disabled", "Expiration": {"Days": 1}})
    shown = s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    assert shown == [RULE, {"ID": "old", "Prefix": "x/", "Status": "Disabled",
                            "Expiration": {"Days": 1}}]
    for bad, code in (
            ([{**RULE, "Expiration": {"Days": 0}}], "MalformedXML"),
            ([{**RULE, "Status": "On"}], "MalformedXML"),
            ([RULE, RULE], "InvalidArgument"),
            ([{"ID": "none", "Filter": {"Prefix": ""}, "Status": "Enabled"}], "InvalidRequest"),
            ([{**RULE, "ID": "x" * 256}], "InvalidArgument"),
            ([{**RULE, "Prefix": "both/"}], "MalformedXML"),
            ([], "MalformedXML")):
        with pytest.raises(ClientError) as error:
            put(*bad)
        assert error.value.response["Error"]["Code"] == code, bad
    # A refused one changes nothing.
    assert s3.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"] == shown
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert refused(s3.get_bucket_lifecycle_configuration, Bucket=bucket) == \
        ("NoSuchLifecycleConfiguration", 404)


def test_when_an_object_goes_is_told(s3, bucket):
    """The midnight that follows its days, of the rule that comes first; nothing without a rule."""
    rules = [RULE, {**RULE, "ID": "later & longer", "Expiration": {"Days": 4}},
             {**RULE, "ID": "off", "Expiration": {"Days": 1}, "Status": "Disabled"},
             {"ID": "logs", "Filter": {"Prefix": "logs/"}, "Status": "Enabled",
              "Expiration": {"Days": 10}}]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket,
                                          LifecycleConfiguration={"Rules": rules})
    put = s3.put_object(Bucket=bucket, Key="vesto/a", Body=b"1")
    head = s3.head_object(Bucket=bucket, Key="vesto/a")
    day = datetime.timedelta(days=1)
    gone = head["LastModified"] + 3 * day
    midnight = gone.replace(hour=0, minute=0, second=0) + day
    told = f'expiry-date="{midnight:%a, %d %b %Y %H:%M:%S GMT}", rule-id="vesto-staging"'
    assert put["Expiration"] == head["Expiration"] == told
    assert s3.get_object(Bucket=bucket, Key="vesto/a")["Expiration"] == told
    assert "Expiration" not in s3.put_object(Bucket=bucket, Key="vest", Body=b"1")
    rules[0]["Status"] = "Disabled"
    s3.put_bucket_lifecycle_configuration(Bucket=bucket,
                                          LifecycleConfiguration={"Rules": rules})
    assert s3.head_object(Bucket=bucket, Key="vesto/a")["Expiration"] == \
        f'expiry-date="{midnight + day:%a, %d %b %Y %H:%M:%S GMT}", rule-id="later%20%26%20longer"'
    s3.delete_bucket_lifecycle(Bucket=bucket)
    assert "Expiration" not in s3.head_object(Bucket=bucket, Key="vesto/a")


def test_without_a_signature_only_what_is_public(cloud, s3, bucket):
    nobody = boto3.client("s3", endpoint_url=cloud.aws["url"], region_name="eu-west-1",
                          verify=cloud.endpoints["ca_file"],
                          config=Config(signature_version=UNSIGNED,
                                        retries={"total_max_attempts": 1}))
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")

    def seen():
        out = []
        for call, more in ((nobody.list_objects_v2, {}), (nobody.get_object, {"Key": "a"}),
                           (nobody.get_object, {"Key": "none"})):
            try:
                call(Bucket=bucket, **more)
                out.append("answered")
            except ClientError as error:
                out.append(error.response["Error"]["Code"])
        return out

    closed = ["AccessDenied"] * 3
    assert seen() == closed
    arn = f"arn:aws:s3:::{bucket}"

    def allow(*actions):
        cloud.control("/v1/iam", {"put_bucket_policy": {"bucket": bucket, "policy": {
            "Version": "2012-10-17", "Statement": [
                {"Effect": "Allow", "Principal": "*", "Action": list(actions),
                 "Resource": [arn, arn + "/*"]}]}}})

    allow("s3:ListBucket", "s3:GetObject", "s3:PutObject", "s3:GetLifecycleConfiguration")
    assert seen() == closed  # RestrictPublicBuckets stands
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={
        **ALL, "RestrictPublicBuckets": False})
    assert seen() == ["answered", "answered", "NoSuchKey"]
    assert refused(nobody.put_object, Bucket=bucket, Key="b", Body=b"") == ("AccessDenied", 403)
    assert refused(nobody.get_bucket_acl, Bucket=bucket) == ("AccessDenied", 403)
    assert refused(nobody.get_bucket_lifecycle_configuration, Bucket=bucket) == \
        ("AccessDenied", 403)
    assert refused(nobody.list_buckets) == ("AccessDenied", 403)
    allow("s3:GetObject")
    assert seen() == ["AccessDenied", "answered", "AccessDenied"]
    s3.delete_public_access_block(Bucket=bucket)
    assert seen() == ["AccessDenied", "answered", "AccessDenied"]
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=ALL)
    assert seen() == closed


def test_each_call_needs_its_right(cloud, bucket):
    key = cloud.client("s3", *LOADER)
    cases = [
        (key.create_bucket, {"CreateBucketConfiguration": HERE, "Bucket": "another-one"}),
        (key.delete_bucket, {}),
        (key.put_public_access_block, {"PublicAccessBlockConfiguration": ALL}),
        (key.get_public_access_block, {}),
        (key.delete_public_access_block, {}),
        (key.put_bucket_ownership_controls,
         {"OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]}}),
        (key.get_bucket_ownership_controls, {}),
        (key.delete_bucket_ownership_controls, {}),
        (key.put_bucket_lifecycle_configuration, {"LifecycleConfiguration": {"Rules": [RULE]}}),
        (key.get_bucket_lifecycle_configuration, {}),
        (key.delete_bucket_lifecycle, {}),
        (key.put_bucket_policy, {"Policy": policy_of(bucket, {"AWS": "123456789012"})}),
        (key.get_bucket_policy, {}),
        (key.delete_bucket_policy, {}),
    ]
    for call, arguments in cases:
        assert refused(call, **{"Bucket": bucket, **arguments}) == ("AccessDenied", 403), call
    # Each right by its own name: a policy of one allows that call and no other.
    rights = {"s3:PutBucketPublicAccessBlock": (2, 4), "s3:GetBucketPublicAccessBlock": (3,),
              "s3:PutBucketOwnershipControls": (5, 7), "s3:GetBucketOwnershipControls": (6,),
              "s3:PutLifecycleConfiguration": (8, 10), "s3:GetLifecycleConfiguration": (9,),
              "s3:PutBucketPolicy": (11,), "s3:GetBucketPolicy": (12,),
              "s3:DeleteBucketPolicy": (13,)}
    user = "arn:aws:iam::123456789012:user/loader"
    try:
        for right, allowed in rights.items():
            cloud.control("/v1/iam", {"put_user_policy": {"user": user, "name": "one", "policy": {
                "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Action": right,
                    "Resource": f"arn:aws:s3:::{bucket}"}]}}})
            for at in range(2, len(cases)):
                call, arguments = cases[at]
                arguments = {"Bucket": bucket, **arguments}
                if at not in allowed:
                    assert refused(call, **arguments)[0] == "AccessDenied", (right, at)
                    continue
                try:
                    call(**arguments)
                except ClientError as error:
                    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 404, error
    finally:
        cloud.client("iam", *ADMIN).delete_user_policy(UserName="loader", PolicyName="one")


def policy_of(bucket, principal, **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "s3:GetObject", "Principal": principal,
        "Resource": f"arn:aws:s3:::{bucket}/*", **more}]})


def test_policy(cloud, s3, bucket):
    assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    key = cloud.client("s3", *OPERATOR)  # of another account, with no right here
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    iam = {"put_user_policy": {"user": "arn:aws:iam::999999999999:user/vesto", "name": "s3"}}
    says = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    try:
        cloud.control("/v1/iam", {"put_user_policy": {**iam["put_user_policy"], "policy": says}})
        assert refused(key.get_object, Bucket=bucket, Key="a") == ("AccessDenied", 403)
        document = policy_of(bucket, {"AWS": "arn:aws:iam::999999999999:user/vesto"})
        cloud.control("/v1/propagation", {"ms": 60_000})
        s3.put_bucket_policy(Bucket=bucket, Policy=document)
        # Read back at once, as it was put; at work later.
        assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == document
        assert refused(key.get_object, Bucket=bucket, Key="a") == ("AccessDenied", 403)
        cloud.control("/v1/clock", {"offset_ms": 61_000})
        assert key.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
        cloud.control("/v1/clock", {"offset_ms": 0})
        cloud.control("/v1/propagation", {"ms": 0})
        # Who is of another account has nothing to do with the policy itself, whatever it allows.
        everything = json.loads(policy_of(bucket, {"AWS": "999999999999"}))
        everything["Statement"][0].update(
            Action="s3:*", Resource=[f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"])
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(everything))
        for call, arguments in ((key.get_bucket_policy, {}), (key.delete_bucket_policy, {}),
                                (key.put_bucket_policy, {"Policy": document})):
            assert refused(call, Bucket=bucket, **arguments) == ("MethodNotAllowed", 405)
        s3.delete_bucket_policy(Bucket=bucket)
        s3.delete_bucket_policy(Bucket=bucket)  # one that is not there is deleted as well
        assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
        assert refused(key.get_object, Bucket=bucket, Key="a") == ("AccessDenied", 403)
    finally:
        cloud.control("/v1/clock", {"offset_ms": 0})
        cloud.control("/v1/propagation", {"ms": 0})
        says["Statement"][0]["Effect"] = "Deny"
        cloud.control("/v1/iam", {"put_user_policy": {**iam["put_user_policy"], "policy": says}})


def test_a_policy_that_is_none(s3, bucket):
    good = policy_of(bucket, {"AWS": "123456789012"})
    s3.put_bucket_policy(Bucket=bucket, Policy=good)
    for bad in ("", "no JSON", "{}", "[" * 5000, "\x01" + good,
                policy_of("another-bucket", {"AWS": "123456789012"}),
                policy_of(bucket, {"AWS": "arn:aws:iam::123456789012:role/is-not-there"}),
                policy_of(bucket, {"AWS": "123456789012"}, Condition={"Odd": {"a": "b"}}),
                policy_of(bucket, {"AWS": "123456789012"}, Sid="x", Extra=1)):
        code, status = refused(s3.put_bucket_policy, Bucket=bucket, Policy=bad)
        assert (code, status) in (("MalformedPolicy", 400),
                                  ("MissingRequestBodyError", 400)), bad[:80]
    code, status = refused(s3.put_bucket_policy, Bucket=bucket, Policy=good + " " * 21_000)
    assert status == 400, code
    assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == good


def test_a_policy_for_everybody(s3, bucket):
    """Refused while BlockPublicPolicy is on; what narrows it makes it none."""
    everybody = policy_of(bucket, "*")
    def narrowed(condition):
        return policy_of(bucket, {"AWS": "*"}, Condition=condition)
    public = [
        everybody, policy_of(bucket, {"AWS": "*"}),
        narrowed({"IpAddress": {"aws:SourceIp": "0.0.0.0/1"}}),
        narrowed({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "0.0.0.0/0"]}}),
        narrowed({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
        narrowed({"Bool": {"aws:SecureTransport": "true"}}),
        narrowed({"StringLike": {"aws:userid": "AROA*"}}),
        narrowed({"StringEqualsIfExists": {"aws:userid": "AIDAONE"}}),
    ]
    for document in public:
        assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=document) == \
            ("AccessDenied", 403), document
    assert refused(s3.get_bucket_policy, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    for document in (
            narrowed({"IpAddress": {"aws:SourceIp": ["192.0.2.0/24", "198.51.100.7"]}}),
            narrowed({"StringEquals": {"aws:userid": "AIDAONE"}}),
            everybody.replace('"Allow"', '"Deny"').replace("s3:GetObject", "s3:PutObjectAcl"),
            policy_of(bucket, {"AWS": "123456789012"})):
        s3.put_bucket_policy(Bucket=bucket, Policy=document)
    # A block of one's own that says otherwise opens the way.
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={
        **ALL, "BlockPublicPolicy": False})
    for document in public:
        s3.put_bucket_policy(Bucket=bucket, Policy=document)
        assert s3.get_bucket_policy(Bucket=bucket)["Policy"] == document
    s3.delete_bucket_policy(Bucket=bucket)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=everybody)


def test_whether_a_policy_is_public(cloud, s3, bucket):
    def is_public():
        return s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"]
    assert refused(s3.get_bucket_policy_status, Bucket=bucket) == ("NoSuchBucketPolicy", 404)
    s3.delete_public_access_block(Bucket=bucket)
    s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(bucket, "*"))
    assert is_public() is True
    s3.put_bucket_policy(Bucket=bucket, Policy=policy_of(
        bucket, "*", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}))
    assert is_public() is False
    assert refused(cloud.client("s3", *LOADER).get_bucket_policy_status, Bucket=bucket) == \
        ("AccessDenied", 403)
    s3.delete_bucket_policy(Bucket=bucket)


def test_a_bucket_that_is_not_there_whatever_was_signed_for(cloud):
    far = cloud.client("s3", *ADMIN, region="us-east-1")
    for call, arguments in ((far.get_object, {"Key": "a"}), (far.list_objects_v2, {}),
                            (far.get_bucket_policy, {}), (far.delete_bucket_policy, {}),
                            (far.put_bucket_policy, {"Policy": "{}"})):
        assert refused(call, Bucket="not-there-at-all", **arguments) == ("NoSuchBucket", 404)
    assert refused(far.head_bucket, Bucket="not-there-at-all") == ("404", 404)


def test_a_bucket_that_is_not_there(s3):
    for call, arguments in (
            (s3.get_public_access_block, {}), (s3.delete_bucket_lifecycle, {}),
            (s3.put_public_access_block, {"PublicAccessBlockConfiguration": ALL})):
        assert refused(call, Bucket="not-there-at-all", **arguments) == ("NoSuchBucket", 404)


def test_without_a_checksum_it_is_not_taken(cloud, s3, bucket):
    """Presigned, as no client leaves it out by itself."""
    import ssl
    url = s3.generate_presigned_url("put_public_access_block", Params={
        "Bucket": bucket, "PublicAccessBlockConfiguration": ALL})
    body = b"<PublicAccessBlockConfiguration/>"
    request = urllib.request.Request(url, data=body, method="PUT")
    context = ssl.create_default_context(cafile=cloud.endpoints["ca_file"])
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request, timeout=10, context=context)
    assert error.value.code in (400, 403)
    assert b"<Code>" in error.value.read()
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == ALL


def test_awscli_makes_a_staging_bucket(cloud, s3, tmp_path):
    (tmp_path / "rules.json").write_text(__import__("json").dumps({"Rules": [RULE]}))
    script = """set -eu
aws s3api create-bucket --bucket vesto-cli-bucket \\
  --create-bucket-configuration LocationConstraint=eu-west-1
aws s3api put-bucket-ownership-controls --bucket vesto-cli-bucket \\
  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'
aws s3api put-public-access-block --bucket vesto-cli-bucket --public-access-block-configuration \\
  BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,RestrictPublicBuckets=true
aws s3api put-bucket-lifecycle-configuration --bucket vesto-cli-bucket \\
  --lifecycle-configuration file://rules.json
aws s3api wait bucket-exists --bucket vesto-cli-bucket
"""
    environment = {
        "PATH": f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path), "AWS_ENDPOINT_URL": cloud.aws["url"],
        "AWS_CA_BUNDLE": cloud.endpoints["ca_file"], "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": ADMIN[0], "AWS_SECRET_ACCESS_KEY": ADMIN[1], "AWS_PAGER": ""}
    done = subprocess.run(["bash", "-c", script], cwd=tmp_path, env=environment, timeout=120,
                          capture_output=True, text=True, check=False)
    try:
        assert done.returncode == 0, done.stderr
        assert s3.get_bucket_lifecycle_configuration(Bucket="vesto-cli-bucket")["Rules"] == [RULE]
    finally:
        s3.delete_bucket(Bucket="vesto-cli-bucket")


def test_an_owner_outlives_a_restart(start_sandbox, tmp_path):
    from conftest import WORLD, Cloud
    first = Cloud(start_sandbox("owner", "--world", WORLD))
    s3 = first.client("s3", *ADMIN)
    s3.create_bucket(Bucket="kept-bucket", CreateBucketConfiguration=HERE)
    s3.put_bucket_lifecycle_configuration(Bucket="kept-bucket",
                                          LifecycleConfiguration={"Rules": [RULE]})
    first.sandbox.stop()
    first.sandbox.start()
    again = Cloud(first.sandbox)
    s3 = again.client("s3", *ADMIN)
    assert "kept-bucket" in names(s3)
    assert s3.get_bucket_lifecycle_configuration(Bucket="kept-bucket")["Rules"] == [RULE]
