"""Every condition key that the sandbox supplies works both ways, in the services that carry it; a
policy with another one is refused by name."""
import http.client
import json
import ssl
import urllib.error
import urllib.parse

import psycopg2
import pytest

pytest.importorskip("boto3")
from botocore.auth import S3SigV4QueryAuth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from conftest import WORLD, Cloud  # noqa: E402

LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")
OPERATOR = ("AKIAVESTOOPERATOR001", "operatorSecretoperatorSecretoperator/+01")
LOADER_ARN = "arn:aws:iam::123456789012:user/loader"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
WAREHOUSE, SERVICE = "198.51.100.10", "198.51.100.20"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
HARMLESS = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::vesto-demo/public/*"}
KMS_KEY = f'''
[[kms_key]]
arn = "{KEY}"
'''
# A condition that is true of what boto3 sends, and one that is not.
ANY_CALL = {
    "SourceIp": ({"IpAddress": {"aws:SourceIp": "127.0.0.1/32"}},
                 {"IpAddress": {"aws:SourceIp": "127.0.0.2/32"}}),
    "NotSourceIp": ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
                    {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}),
    "SecureTransport": ({"Bool": {"aws:SecureTransport": "true"}},
                        {"Bool": {"aws:SecureTransport": "false"}}),
    "RequestedRegion": ({"StringEquals": {"aws:RequestedRegion": "eu-west-1"}},
                        {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}),
    "ResourceAccount": ({"StringEquals": {"aws:ResourceAccount": "123456789012"}},
                        {"StringNotEquals": {"aws:ResourceAccount": "123456789012"}}),
    "UserAgent": ({"StringLike": {"aws:UserAgent": "Boto3/*"}},
                  {"StringNotLike": {"aws:UserAgent": "Boto3/*"}}),
    "ViaAWSService": ({"Bool": {"aws:ViaAWSService": "false"}},
                      {"Bool": {"aws:ViaAWSService": "true"}}),
    "PrincipalIsAWSService": ({"Bool": {"aws:PrincipalIsAWSService": "false"}},
                              {"Bool": {"aws:PrincipalIsAWSService": "true"}}),
}


def by_key(table):
    return pytest.mark.parametrize("true,untrue", table.values(), ids=table.keys())


@pytest.fixture(scope="module")
def world(start_sandbox, tmp_path_factory):
    path = tmp_path_factory.mktemp("conditions") / "world.toml"
    path.write_text(WORLD.read_text() + KMS_KEY)
    return Cloud(start_sandbox("conditions", "--world", path))


@pytest.fixture
def bucket_policy(world):
    def put(*statements):
        world.control("/v1/iam", {"put_bucket_policy": {
            "bucket": "vesto-demo",
            "policy": {"Version": "2012-10-17", "Statement": list(statements)}}})

    yield put
    put(HARMLESS)


@pytest.fixture
def loader_policy(world):
    def put(*more):
        world.control("/v1/iam", {"put_user_policy": {
            "user": LOADER_ARN, "name": "conditions",
            "policy": {"Version": "2012-10-17", "Statement": [EVERYTHING, *more]}}})

    put()
    yield put
    put()


def deny_bucket(condition, action="s3:PutObject"):
    return {"Effect": "Deny", "Principal": "*", "Action": action,
            "Resource": "arn:aws:s3:::vesto-demo/*", "Condition": condition}


def deny(condition, action):
    return {"Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition}


def denied(call, **arguments):
    try:
        call(**arguments)
        return False
    except ClientError as error:
        assert error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
        return True


def put(s3, **more):
    return s3.put_object(Bucket="vesto-demo", Key="vesto/file", Body=b"1\n", **more)


@by_key(ANY_CALL)
def test_a_bucket_policy(world, bucket_policy, true, untrue):
    s3 = world.client("s3", *LOADER)
    bucket_policy(deny_bucket(true))
    assert denied(put, s3=s3)
    bucket_policy(deny_bucket(untrue))
    assert not denied(put, s3=s3)


@by_key(ANY_CALL)
@pytest.mark.parametrize("service", ["redshift", "redshift-serverless"])
def test_the_warehouse_apis(world, loader_policy, service, true, untrue):
    client = world.client(service, *LOADER)
    if service == "redshift":
        action, call = "redshift:GetClusterCredentials", client.get_cluster_credentials
        arguments = {"DbUser": "vesto_load", "ClusterIdentifier": "examplecluster"}
    else:
        action, call = "redshift-serverless:GetCredentials", client.get_credentials
        arguments = {"workgroupName": "analytics"}
    loader_policy(deny(true, action))
    assert denied(call, **arguments)
    loader_policy(deny(untrue, action))
    assert not denied(call, **arguments)


@by_key(ANY_CALL)
@pytest.mark.parametrize("signed", [True, False])
def test_trust_policies(world, signed, true, untrue):
    """With web identity no signature names a region: it is that of the global endpoint."""
    if signed:
        role, allow = "vesto-ext", {"Effect": "Allow", "Action": "sts:AssumeRole",
                                    "Principal": {"AWS": "arn:aws:iam::999999999999:root"}}
        sts = world.client("sts", *OPERATOR)

        def assume():
            sts.assume_role(RoleArn=f"arn:aws:iam::123456789012:role/{role}",
                            RoleSessionName="judge")
    else:
        role, allow = "vesto-loose", {"Effect": "Allow",
                                      "Action": "sts:AssumeRoleWithWebIdentity",
                                      "Principal": {"Federated": "accounts.google.com"}}
        true, untrue = (json.loads(json.dumps(each).replace("eu-west-1", "us-east-1"))
                        for each in (true, untrue))

        def assume():
            world.assume(role)

    for condition, expected in ((true, True), (untrue, False)):
        statement = {"Effect": "Deny", "Action": allow["Action"], "Principal": "*",
                     "Condition": condition}
        world.control("/v1/iam", {"put_role_trust": {
            "role": f"arn:aws:iam::123456789012:role/{role}",
            "policy": {"Version": "2012-10-17", "Statement": [allow, statement]}}})
        assert denied(assume) == expected, condition


SSE = "s3:x-amz-server-side-encryption"
S3_KEYS = {
    "signatureversion": ({"StringEquals": {"s3:signatureversion": "AWS4-HMAC-SHA256"}},
                         {"StringEquals": {"s3:signatureversion": "AWS"}}, {}),
    "authType": ({"StringEquals": {"s3:authType": "REST-HEADER"}},
                 {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, {}),
    "ResourceAccount": ({"StringEquals": {"s3:ResourceAccount": "123456789012"}},
                        {"StringNotEquals": {"s3:ResourceAccount": "123456789012"}}, {}),
    "no-encryption": ({"Null": {SSE: "true"}}, {"Null": {SSE: "false"}}, {}),
    "encryption": ({"StringEquals": {SSE: "AES256"}}, {"StringNotEquals": {SSE: "AES256"}},
                   {"ServerSideEncryption": "AES256"}),
    "kms-key": ({"StringEquals": {SSE + "-aws-kms-key-id": KEY}},
                {"StringNotEquals": {SSE + "-aws-kms-key-id": KEY}},
                {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}),
    "acl": ({"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            {"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
            {"ACL": "bucket-owner-full-control"}),
    "no-acl": ({"StringNotEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}},
               {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}, {}),
    "storage-class": ({"StringEquals": {"s3:x-amz-storage-class": "STANDARD"}},
                      {"StringNotEquals": {"s3:x-amz-storage-class": "STANDARD"}},
                      {"StorageClass": "STANDARD"}),
    "content": ({"Null": {"s3:x-amz-content-sha256": "false"}},
                {"Null": {"s3:x-amz-content-sha256": "true"}}, {}),
    "if-none-match": ({"StringEquals": {"s3:if-none-match": "*"}},
                      {"Null": {"s3:if-none-match": "true"}}, {"IfNoneMatch": "*"}),
}


@by_key({name: row[:2] for name, row in S3_KEYS.items()})
def test_what_an_s3_request_carries(request, world, bucket_policy, loader_policy, true, untrue):
    name = request.node.callspec.id
    s3 = world.client("s3", *LOADER)
    s3.delete_object(Bucket="vesto-demo", Key="vesto/file")
    bucket_policy(deny_bucket(true))
    assert denied(put, s3=s3, **S3_KEYS[name][2])
    bucket_policy(deny_bucket(untrue))
    assert not denied(put, s3=s3, **S3_KEYS[name][2])


def test_a_listing(world, bucket_policy):
    s3 = world.client("s3", *LOADER)
    statement = {**deny_bucket({"StringNotLike": {"s3:prefix": "vesto/*"}}, "s3:ListBucket"),
                 "Resource": "arn:aws:s3:::vesto-demo"}
    bucket_policy(statement)
    assert denied(s3.list_objects_v2, Bucket="vesto-demo", Prefix="other/")
    assert not denied(s3.list_objects_v2, Bucket="vesto-demo", Prefix="vesto/a")


def test_a_policy_that_demands_encryption_lets_the_parts_through(world, bucket_policy):
    """Only the upload's start can say how it is encrypted."""
    s3 = world.client("s3", *LOADER)
    bucket_policy(deny_bucket({"StringNotEquals": {SSE: "AES256"}}))
    named = {"Bucket": "vesto-demo", "Key": "vesto/parts"}
    assert denied(s3.create_multipart_upload, **named)
    upload = s3.create_multipart_upload(ServerSideEncryption="AES256", **named)["UploadId"]
    part = s3.upload_part(UploadId=upload, PartNumber=1, Body=b"x", **named)
    s3.complete_multipart_upload(UploadId=upload, MultipartUpload={
        "Parts": [{"ETag": part["ETag"], "PartNumber": 1}]}, **named)
    s3.delete_object(**named)


def get_presigned(world, source):
    request = AWSRequest("GET", world.aws["url"] + "/vesto-demo/vesto/file")
    S3SigV4QueryAuth(Credentials(*LOADER), "s3", "eu-west-1").add_auth(request)
    address = urllib.parse.urlsplit(request.url)
    connection = http.client.HTTPSConnection(
        address.hostname, address.port, timeout=10, source_address=(source, 0),
        context=ssl.create_default_context(cafile=world.endpoints["ca_file"]))
    connection.request("GET", f"{address.path}?{address.query}")
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.mark.parametrize("condition,statuses", [
    ({"IpAddress": {"aws:SourceIp": "127.0.0.3"}}, (200, 403)),
    ({"NotIpAddress": {"aws:SourceIp": "127.0.0.3"}}, (403, 200)),
    ({"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}, (403, 403)),
    ({"StringEquals": {"s3:authType": "REST-HEADER"}}, (200, 200)),
    ({"StringEquals": {"s3:x-amz-content-sha256": "UNSIGNED-PAYLOAD"}}, (403, 403)),
    ({"Null": {"aws:UserAgent": "true"}}, (403, 403)),
    ({"StringLike": {"aws:UserAgent": "*"}}, (200, 200)),
])
def test_presigned_requests_and_other_addresses(world, bucket_policy, condition, statuses):
    put(world.client("s3", *LOADER))
    bucket_policy(deny_bucket(condition, "s3:GetObject"))
    assert tuple(get_presigned(world, f"127.0.0.{last}") for last in (2, 3)) == statuses


@pytest.fixture
def copy(world):
    connection = world.sandbox.connect()
    cursor = connection.cursor()
    cursor.execute("create table conditions_copy (a int)")

    def run(how=None):
        how = how or f"access_key_id '{LOADER[0]}' secret_access_key '{LOADER[1]}'"
        try:
            cursor.execute(f"copy conditions_copy from 's3://vesto-demo/vesto/file' {how} csv")
            return True
        except psycopg2.Error as error:
            assert "Denied" in str(error) or "not authorized" in str(error), error
            return False

    yield run
    cursor.execute("drop table conditions_copy")
    connection.close()


@pytest.mark.parametrize("condition,ours,copys", [
    # A bucket for our address alone: what we wrote cannot be loaded.
    ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}, True, False),
    ({"NotIpAddress": {"aws:SourceIp": ["127.0.0.0/8", WAREHOUSE]}}, True, True),
    ({"IpAddress": {"aws:SourceIp": WAREHOUSE}}, True, False),
    # The warehouse comes with keys as anybody else: it is no service that passes something on.
    ({"Bool": {"aws:ViaAWSService": "true"}}, True, True),
    ({"Bool": {"aws:ViaAWSService": "false"}}, False, False),
    ({"Bool": {"aws:SecureTransport": "false"}}, True, True),
    ({"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}, True, True),
    ({"StringNotEquals": {"s3:authType": "REST-HEADER"}}, True, True),
])
def test_copy_comes_from_the_warehouse(world, bucket_policy, copy, condition, ours, copys):
    s3 = world.client("s3", *LOADER)
    put(s3)
    bucket_policy(deny_bucket(condition, "s3:GetObject"))
    assert denied(s3.get_object, Bucket="vesto-demo", Key="vesto/file") != ours
    assert copy() == copys


def test_a_role_of_copy_is_assumed_from_the_warehouse(world, copy):
    put(world.client("s3", *LOADER))
    role = "arn:aws:iam::123456789012:role/copy"
    for address, may in (("127.0.0.1", False), (WAREHOUSE, True)):
        world.control("/v1/iam", {"put_role_trust": {"role": role, "policy": {
            "Version": "2012-10-17", "Statement": [{
                "Effect": "Allow", "Action": "sts:AssumeRole",
                "Principal": {"Service": "redshift.amazonaws.com"},
                "Condition": {"IpAddress": {"aws:SourceIp": address},
                              "Bool": {"aws:PrincipalIsAWSService": "true"}}}]}}})
        assert copy(f"iam_role '{role}'") == may


@by_key({
    "ViaService": ({"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}},
                   {"StringNotEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}),
    "CallerAccount": ({"StringEquals": {"kms:CallerAccount": "123456789012"}},
                      {"StringNotEquals": {"kms:CallerAccount": "123456789012"}}),
    "ViaAWSService": ({"Bool": {"aws:ViaAWSService": "true"}},
                      {"Bool": {"aws:ViaAWSService": "false"}}),
    # A limit to our own addresses shuts KMS to S3.
    "SourceIp": ({"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}},
                 {"NotIpAddress": {"aws:SourceIp": ["127.0.0.0/8", SERVICE]}}),
})
def test_kms_is_asked_by_s3(world, loader_policy, true, untrue):
    s3 = world.client("s3", *LOADER)
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": KEY}
    loader_policy(deny(true, "kms:GenerateDataKey"))
    assert denied(put, s3=s3, **encrypted)
    loader_policy(deny(untrue, "kms:GenerateDataKey"))
    assert not denied(put, s3=s3, **encrypted)


@pytest.mark.parametrize("change,key", [
    ({"put_bucket_policy": {"bucket": "vesto-demo", "policy": [
        deny_bucket({"StringNotEquals": {"aws:SourceVpce": "vpce-1"}})]}}, "aws:sourcevpce"),
    ({"put_bucket_policy": {"bucket": "vesto-demo", "policy": [
        deny_bucket({"StringEquals": {"sts:ExternalId": "x"}})]}}, "sts:externalid"),
    ({"put_user_policy": {"user": LOADER_ARN, "name": "n", "policy": [
        deny({"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}, "s3:*")]}},
     "aws:multifactorauthpresent"),
    ({"put_role_trust": {"role": "arn:aws:iam::123456789012:role/copy", "policy": [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "123456789012"},
         "Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}]}}, "aws:principalorgid"),
])
def test_a_key_that_is_never_supplied_is_refused(world, change, key):
    (name, what), = change.items()
    policy = {"Version": "2012-10-17", "Statement": what["policy"]}
    with pytest.raises(urllib.error.HTTPError) as error:
        world.control("/v1/iam", {name: {**what, "policy": policy}})
    said = json.loads(error.value.read())["error"]
    assert error.value.code == 400 and key in said and "Malformed" in said


def test_a_session_policy_with_such_a_key_is_refused(world):
    policy = {"Version": "2012-10-17", "Statement": [
        deny({"StringEquals": {"aws:SourceVpc": "vpc-1"}}, "s3:*")]}
    with pytest.raises(ClientError) as error:
        world.assume("vesto", Policy=json.dumps(policy))
    assert error.value.response["Error"]["Code"] == "MalformedPolicyDocument"
    assert "aws:sourcevpc" in error.value.response["Error"]["Message"]
