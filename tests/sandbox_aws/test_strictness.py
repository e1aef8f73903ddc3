"""Session tags, MFA, role paths, KMS keys and regions: refused where AWS refuses."""
import json

import psycopg2
import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402
from conftest import WORLD, Cloud  # noqa: E402

LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")
OPERATOR = ("AKIAVESTOOPERATOR001", "operatorSecretoperatorSecretoperator/+01")
PATHED = "arn:aws:iam::123456789012:role/team/data/pathed"
NEXT = "arn:aws:iam::123456789012:role/next"
UNTAGGED = "arn:aws:iam::123456789012:role/vesto-ext"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
OFF = "arn:aws:kms:eu-west-1:123456789012:key/99999999-2222-3333-4444-555555555555"
FAR = "arn:aws:kms:us-east-1:123456789012:key/77777777-2222-3333-4444-555555555555"
ROLES = """
  [[account.role]]
  name = "pathed"
  path = "/team/data/"
  tags = { team = "of-the-role", kept = "role" }
  trust = '''{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::999999999999:root"}},
    {"Effect": "Allow", "Action": "sts:TagSession", "Principal": {"AWS": "arn:aws:iam::999999999999:root"},
     "Condition": {"StringEquals": {"aws:RequestTag/team": ["red", "blue"]}}}]}'''
  policies = ['''{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"},
    {"Effect": "Allow", "Action": "sts:TagSession", "Resource": "*"},
    {"Effect": "Allow", "Action": "s3:PutObject",
     "Resource": "arn:aws:s3:::vesto-demo/${aws:PrincipalTag/team}/*"}]}''']
  [[account.role]]
  name = "next"
  trust = '''{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"],
     "Principal": {"AWS": "arn:aws:iam::123456789012:role/team/data/pathed"}}]}'''
  policies = ['''{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:PutObject",
     "Resource": "arn:aws:s3:::vesto-demo/${aws:PrincipalTag/team}/*"}]}''']
  [[account.user]]
  name = "keyed"
  access_keys = [{ id = "AKIAVESTOKEYED000001", secret = "keyedSecretkeyedSecretkeyedSecretkeyed1" }]
  policies = ['''{"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": "*"}]}''']
"""
KEYED = ("AKIAVESTOKEYED000001", "keyedSecretkeyedSecretkeyedSecretkeyed1")
MORE = f"""
[[bucket]]
name = "vesto-far"
account = "123456789012"
region = "us-east-1"
[[kms_key]]
arn = "{KEY}"
[[kms_key]]
arn = "{OFF}"
enabled = false
[[kms_key]]
arn = "{FAR}"
"""


@pytest.fixture(scope="module")
def strict(start_sandbox, tmp_path_factory):
    world = tmp_path_factory.mktemp("strict") / "world.toml"
    text = WORLD.read_text().replace('name = "customer"\n', 'name = "customer"\n' + ROLES, 1)
    text = text.replace('"sts:AssumeRole", "Resource": "arn:aws:iam::123456789012:role/vesto-ext"',
                        '["sts:AssumeRole", "sts:TagSession"], "Resource": "*"')
    world.write_text(text + MORE)
    return Cloud(start_sandbox("strict", "--world", world))


@pytest.fixture
def operator(strict):
    return strict.client("sts", *OPERATOR)


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"].get("Message", "")


def tags(**values):
    return [{"Key": key, "Value": value} for key, value in values.items()]


def may_put(cloud, credentials, key):
    try:
        cloud.as_keys("s3", credentials).put_object(Bucket="vesto-demo", Key=key, Body=b"x")
        return True
    except ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDenied"
        return False


def test_a_role_with_a_path_loses_it_in_its_session(strict, operator):
    answer = operator.assume_role(RoleArn=PATHED, RoleSessionName="judge")
    assert answer["AssumedRoleUser"]["Arn"] == \
        "arn:aws:sts::123456789012:assumed-role/pathed/judge"
    assert may_put(strict, answer["Credentials"], "of-the-role/a")
    for wrong in ("role/pathed", "role/team/pathed", "role/data/pathed"):
        code, _ = refused(operator.assume_role, RoleArn="arn:aws:iam::123456789012:" + wrong,
                          RoleSessionName="judge")
        assert code == "AccessDenied"


def test_tags_need_the_right_to_tag(strict, operator):
    assert refused(operator.assume_role, RoleArn=UNTAGGED, RoleSessionName="judge",
                   ExternalId="acme-42", Tags=tags(team="red")) == (
        "AccessDenied", "User: arn:aws:iam::999999999999:user/vesto is not authorized to perform: "
        f"sts:TagSession on resource: {UNTAGGED}")
    code, text = refused(operator.assume_role, RoleArn=PATHED, RoleSessionName="judge",
                         Tags=tags(team="green"))
    assert code == "AccessDenied" and "sts:TagSession" in text
    answer = operator.assume_role(RoleArn=PATHED, RoleSessionName="judge", Tags=tags(team="red"))
    # The session's tag stands over the role's.
    assert may_put(strict, answer["Credentials"], "red/a")
    assert not may_put(strict, answer["Credentials"], "of-the-role/a")


def test_transitive_tags_go_along_and_others_do_not(strict, operator):
    for transitive, may in ((["team"], True), ([], False)):
        first = operator.assume_role(RoleArn=PATHED, RoleSessionName="judge",
                                     Tags=tags(team="blue"), TransitiveTagKeys=transitive)
        sts = strict.as_keys("sts", first["Credentials"])
        second = sts.assume_role(RoleArn=NEXT, RoleSessionName="judge")
        assert may_put(strict, second["Credentials"], "blue/a") == may
        if may:
            code, _ = refused(sts.assume_role, RoleArn=NEXT, RoleSessionName="judge",
                              Tags=tags(Team="red"))
            assert code == "InvalidParameterValue"


@pytest.mark.parametrize("more,code,said", [
    ({"Tags": tags(team="red", TEAM="red")}, "InvalidParameterValue", "Duplicate tag keys"),
    ({"Tags": tags(**{"a;b": "x"})}, "ValidationError", "at 'tags.1.member.key'"),
    ({"Tags": tags(team="x" * 257)}, "ValidationError", "at 'tags.1.member.value'"),
    ({"Tags": tags(**{f"k{i}": "v" for i in range(51)})}, "ValidationError",
     "less than or equal to 50"),
    ({"Tags": tags(team="red"), "TransitiveTagKeys": ["other"]}, "InvalidParameterValue",
     "must be included in the requested tags"),
    ({"SerialNumber": "arn:aws:iam::999999999999:mfa/vesto"}, "AccessDenied", "must provide both"),
    ({"TokenCode": "123456"}, "AccessDenied", "must provide both"),
    ({"SerialNumber": "arn:aws:iam::999999999999:mfa/vesto", "TokenCode": "12345x"},
     "ValidationError", "at 'tokenCode'"),
    ({"SerialNumber": "arn:aws:iam::999999999999:mfa/vesto", "TokenCode": "123456"},
     "AccessDenied", "unable to validate MFA code"),
    ({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}, "ValidationError",
     "does not exist or is not attachable"),
])
def test_parameters_that_are_refused(operator, more, code, said):
    got, text = refused(operator.assume_role, RoleArn=PATHED, RoleSessionName="judge", **more)
    assert got == code and said in text, text


def kms(key=None):
    named = {"SSEKMSKeyId": key} if key else {}
    return {"ServerSideEncryption": "aws:kms", **named}


def put(s3, key, **more):
    return s3.put_object(Bucket="vesto-demo", Key=key, Body=b"1\n", **more)


def test_a_kms_key_needs_its_rights(strict):
    loader, keyed = strict.client("s3", *LOADER), strict.client("s3", *KEYED)
    try:
        for sent in (KEY, KEY.rsplit("/", 1)[1]):
            answer = put(keyed, "vesto/kms", **kms(sent))
            assert (answer["ServerSideEncryption"], answer["SSEKMSKeyId"]) == ("aws:kms", KEY)
        code, text = refused(put, s3=loader, key="vesto/kms2", **kms(KEY))
        assert code == "AccessDenied"
        assert f"is not authorized to perform: kms:GenerateDataKey on resource: {KEY} because" in text
        code, text = refused(loader.get_object, Bucket="vesto-demo", Key="vesto/kms")
        assert code == "AccessDenied" and f"kms:Decrypt on resource: {KEY} because" in text
        shown = keyed.get_object(Bucket="vesto-demo", Key="vesto/kms")
        assert shown["Body"].read() == b"1\n" and shown["SSEKMSKeyId"] == KEY
        # S3's own keys ask for no right.
        for more in ({"ServerSideEncryption": "AES256"}, {}, kms()):
            answer = put(loader, "vesto/plain", **more)
            assert answer["ServerSideEncryption"] == more.get("ServerSideEncryption", "AES256")
            assert loader.get_object(Bucket="vesto-demo", Key="vesto/plain")["Body"].read() == b"1\n"
        assert refused(put, s3=keyed, key="vesto/x", **kms(OFF))[0] == "KMS.DisabledException"
        unknown = KEY.replace("1111", "2222")
        assert refused(put, s3=keyed, key="vesto/x", **kms(unknown))[0] == "KMS.NotFoundException"
        code, text = refused(put, s3=keyed, key="vesto/x", **kms(FAR))
        assert code == "AccessDenied" and "does not exist in this Region" in text
        assert refused(put, s3=keyed, key="vesto/x", ServerSideEncryption="aws:kms:dsse")[0] == \
            "NotImplemented"
        code, _ = refused(loader.create_multipart_upload, Bucket="vesto-demo", Key="vesto/x",
                          **kms(KEY))
        assert code == "AccessDenied"
    finally:
        for key in ("vesto/kms", "vesto/plain"):
            keyed.delete_object(Bucket="vesto-demo", Key=key)


@pytest.fixture
def copy(strict):
    connection = strict.sandbox.connect()
    cursor = connection.cursor()
    cursor.execute("create table strict_copy (a int)")

    def run(bucket, keys, region=None):
        cursor.execute(f"copy strict_copy from 's3://{bucket}/vesto/file' access_key_id '{keys[0]}' "
                       f"secret_access_key '{keys[1]}' csv" + (f" region '{region}'" if region else ""))
        cursor.execute("select count(*) from strict_copy")
        return cursor.fetchone()[0]

    yield run
    cursor.execute("drop table strict_copy")
    connection.close()


def test_copy_needs_the_right_to_decrypt(strict, copy):
    keyed = strict.client("s3", *KEYED)
    put(keyed, "vesto/file", **kms(KEY))
    try:
        with pytest.raises(psycopg2.Error, match="kms:Decrypt|Access Denied|AccessDenied"):
            copy("vesto-demo", LOADER)
        assert copy("vesto-demo", KEYED) == 1
    finally:
        keyed.delete_object(Bucket="vesto-demo", Key="vesto/file")


def test_copy_asks_in_the_buckets_region(strict, copy):
    """The cluster is in eu-west-1: a bucket elsewhere needs REGION, and its own."""
    keyed = strict.client("s3", *KEYED)
    far = strict.client("s3", *KEYED, region="us-east-1")
    put(keyed, "vesto/file")
    far.put_object(Bucket="vesto-far", Key="vesto/file", Body=b"1\n2\n")
    try:
        for bucket, region in (("vesto-demo", "us-east-1"), ("vesto-far", None),
                               ("vesto-far", "eu-west-1")):
            with pytest.raises(psycopg2.Error, match="must be addressed using the specified "
                                                     "endpoint.*Error PermanentRedirect"):
                copy(bucket, KEYED, region)
        assert copy("vesto-far", KEYED, "us-east-1") == 2
        assert copy("vesto-demo", KEYED) == 3
        assert copy("vesto-demo", KEYED, "eu-west-1") == 4
    finally:
        keyed.delete_object(Bucket="vesto-demo", Key="vesto/file")
        far.delete_object(Bucket="vesto-far", Key="vesto/file")


def test_a_deleted_role_is_gone_by_its_whole_name(strict, operator):
    for arn, status in (("arn:aws:iam::123456789012:role/pathed", 400), (NEXT, 204)):
        try:
            assert strict.control("/v1/iam", {"delete_role": {"role": arn}}) == status
        except OSError as error:
            assert error.code == status
            assert "NoSuchEntity" in json.loads(error.read())["error"]
    assert operator.assume_role(RoleArn=PATHED, RoleSessionName="judge")
