"""What no client sends: raw, signed calls of IAM, EC2 and S3 with parameters that make no sense. Each
is refused in the service's own form, changes nothing, and the sandbox lives on."""
import hashlib
import ssl
import urllib.error
import urllib.parse
import urllib.request
from xml.etree import ElementTree

import pytest

pytest.importorskip("boto3")
from botocore.auth import S3SigV4Auth, SigV4Auth  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

ADMIN = ("AKIAVESTOADMIN000001", "adminSecretadminSecretadminSecretadmin+1")
VERSIONS = {"iam": "2010-05-08", "ec2": "2016-11-15"}
GROUP = "sg-0123456789abcdef0"
DEEP = "[" * 50_000


def send(cloud, request):
    context = ssl.create_default_context(cafile=cloud.endpoints["ca_file"])
    raw = urllib.request.Request(request.url, data=request.body, method=request.method,
                                 headers=dict(request.headers))
    try:
        with urllib.request.urlopen(raw, timeout=20, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def call(cloud, service, form):
    body = urllib.parse.urlencode({"Version": VERSIONS[service], **form}).encode()
    request = AWSRequest("POST", cloud.aws["url"] + "/", data=body, headers={
        "Content-Type": "application/x-www-form-urlencoded; charset=utf-8"})
    SigV4Auth(Credentials(*ADMIN), service, "us-east-1").add_auth(request)
    return send(cloud, request)


def put(cloud, resource, body):
    request = AWSRequest("PUT", f"{cloud.aws['url']}/vesto-demo?{resource}", data=body, headers={
        "x-amz-content-sha256": hashlib.sha256(body).hexdigest(),
        "x-amz-checksum-sha256": __import__("base64").b64encode(
            hashlib.sha256(body).digest()).decode()})
    S3SigV4Auth(Credentials(*ADMIN), "s3", "eu-west-1").add_auth(request)
    return send(cloud, request)


def code_of(body):
    found = ElementTree.fromstring(body).iter()
    return [element.text for element in found if element.tag.split("}")[-1] == "Code"][0]


FORMS = [
    ("iam", {"Action": "CreateRole"}, "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "\0", "AssumeRolePolicyDocument": "{}"},
     "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "x" * 65}, "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "AssumeRolePolicyDocument": ""},
     "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "AssumeRolePolicyDocument": DEEP},
     "LimitExceeded"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "AssumeRolePolicyDocument": "[" * 2000},
     "MalformedPolicyDocument"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "AssumeRolePolicyDocument": "\xff\xfe"},
     "MalformedPolicyDocument"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "Path": "/../"}, "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "Path": "//"}, "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "MaxSessionDuration": "9" * 40},
     "MalformedInput"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", "MaxSessionDuration": "-1"},
     "ValidationError"),
    ("iam", {"Action": "CreateRole", "RoleName": "x", **{
        f"Tags.member.{i}.Key": str(i) for i in range(1, 52)}}, "ValidationError"),
    ("iam", {"Action": "CreateUser", "UserName": "x", "Tags.member.1.Key": "a",
             "Tags.member.2.Key": "A"}, "InvalidInput"),
    ("iam", {"Action": "GetRole", "RoleName": "<a>&"}, "ValidationError"),
    ("iam", {"Action": "ListRoles", "MaxItems": "0"}, "ValidationError"),
    ("iam", {"Action": "ListRoles", "MaxItems": "x"}, "MalformedInput"),
    ("iam", {"Action": "ListRoles", "Marker": "-1"}, "ValidationError"),
    ("iam", {"Action": "ListRoles", "Marker": "99999999999999999999"}, "ValidationError"),
    ("iam", {"Action": "AttachRolePolicy", "RoleName": "vesto", "PolicyArn": ""}, "NoSuchEntity"),
    ("iam", {"Action": "AttachRolePolicy", "RoleName": "vesto", "PolicyArn": "arn:" * 500},
     "NoSuchEntity"),
    ("iam", {"Action": "GetPolicy", "PolicyArn": ":::::" * 10}, "NoSuchEntity"),
    ("iam", {"Action": "GetPolicy"}, "ValidationError"),
    ("iam", {"Action": "DeleteAccessKey", "UserName": "loader"}, "NoSuchEntity"),
    ("iam", {"Action": "PutRolePolicy", "RoleName": "vesto", "PolicyName": "a/b",
             "PolicyDocument": "{}"}, "ValidationError"),
    ("iam", {"Action": "<x>"}, "InvalidAction"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress"}, "MissingParameter"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": "sg-" + "0" * 900},
     "InvalidGroupId.Malformed"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP,
             "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "x",
             "IpPermissions.1.ToPort": "1"}, "InvalidParameterValue"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP,
             "IpPermissions.1.IpProtocol": "tcp", "IpPermissions.1.FromPort": "1",
             "IpPermissions.1.ToPort": "65536"}, "InvalidParameterValue"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP,
             "IpPermissions.1.IpProtocol": "tcp"}, "InvalidParameterValue"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP, "IpProtocol": "-1",
             "CidrIp": "\0/8"}, "InvalidParameterValue"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP, "IpProtocol": "-1",
             "CidrIp": "10.0.0.0/-1"}, "InvalidParameterValue"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP,
             "IpPermissions.1.IpProtocol": "-1",
             "IpPermissions.1.Ipv6Ranges.1.CidrIpv6": "::/129"}, "InvalidParameterValue"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP,
             "IpPermissions.1.IpProtocol": "-1", "IpPermissions.1.Groups.1.GroupName": "default"},
     "UnknownParameter"),
    ("ec2", {"Action": "AuthorizeSecurityGroupIngress", "GroupId": GROUP, "IpProtocol": "-1",
             "CidrIp": "10.0.0.0/-1", "Foo.Groups.1.UserId": "123456789012"}, "UnknownParameter"),
    ("iam", {"Action": "CreateRole", "RoleName": "\0" * 65}, "ValidationError"),
    ("ec2", {"Action": "DescribeSecurityGroups", "Filter.1.Name": "tag:x",
             "Filter.1.Value.1": "y"}, "InvalidParameterValue"),
]


@pytest.mark.parametrize("service,form,code", FORMS)
def test_forms_that_no_client_sends(cloud, service, form, code):
    before = call(cloud, "iam", {"Action": "ListRoles"})
    status, body = call(cloud, service, form)
    assert 400 <= status < 500, body
    assert code_of(body) == code, body
    after = call(cloud, "iam", {"Action": "ListRoles"})
    assert after[0] == 200 and b"<member>" in after[1]
    assert after[1].split(b"<ResponseMetadata>")[0] == before[1].split(b"<ResponseMetadata>")[0]


@pytest.mark.parametrize("resource", ["publicAccessBlock", "ownershipControls", "lifecycle"])
@pytest.mark.parametrize("body", [
    b"", b"<", b"\xff\xfe\x00", b"<a/>", b"<a>" * 20_000, b"x" * 127_000,
    b"<PublicAccessBlockConfiguration><X/></PublicAccessBlockConfiguration>",
    b"<PublicAccessBlockConfiguration><BlockPublicAcls>yes</BlockPublicAcls>"
    b"</PublicAccessBlockConfiguration>",
    b"<OwnershipControls/>", b"<OwnershipControls><Rule/><Rule/></OwnershipControls>",
    b"<LifecycleConfiguration/>",
    b"<LifecycleConfiguration><Rule><Status>Enabled</Status></Rule></LifecycleConfiguration>",
    b"<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter><And/></Filter>"
    b"<Expiration><Date>2026-01-01</Date></Expiration></Rule></LifecycleConfiguration>",
    b"<!DOCTYPE a [<!ENTITY b 'c'>]><LifecycleConfiguration>&b;</LifecycleConfiguration>",
])
def test_documents_that_are_none(cloud, resource, body):
    s3 = cloud.client("s3", *ADMIN)
    before = s3.get_public_access_block(Bucket="vesto-demo")["PublicAccessBlockConfiguration"]
    status, answer = put(cloud, resource, body)
    assert (status, code_of(answer)) == (400, "MalformedXML"), answer
    shown = s3.get_public_access_block(Bucket="vesto-demo")["PublicAccessBlockConfiguration"]
    assert shown == before == dict.fromkeys(before, True)
