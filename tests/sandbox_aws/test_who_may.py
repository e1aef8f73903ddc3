"""Who is asked for and by what name: managed session policies, principals that are not there, the
names of GetClusterCredentials, and what COPY says of a role that it may not take."""
import json
import urllib.error

import pytest

pytest.importorskip("boto3")
psycopg2 = pytest.importorskip("psycopg2")
from botocore.exceptions import ClientError  # noqa: E402

READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    return error.value.response["Error"]["Code"], error.value.response["Error"]["Message"]


def test_a_managed_session_policy_narrows(cloud):
    plain = cloud.as_keys("s3", cloud.assume()["Credentials"])
    plain.put_object(Bucket="vesto-demo", Key="vesto/managed", Body=b"1")
    answer = cloud.assume(PolicyArns=[{"arn": READ_ONLY}])
    assert 0 < answer["PackedPolicySize"] <= 100
    narrow = cloud.as_keys("s3", answer["Credentials"])
    assert narrow.get_object(Bucket="vesto-demo", Key="vesto/managed")["Body"].read() == b"1"
    code, text = refused(narrow.put_object, Bucket="vesto-demo", Key="vesto/managed", Body=b"2")
    assert code == "AccessDenied"
    assert text.endswith("because no session policy allows the s3:PutObject action")
    # What the role itself may not do, no session policy gives.
    assert refused(narrow.get_object, Bucket="vesto-demo", Key="other/x")[0] == "AccessDenied"


def test_managed_session_policies_that_are_not_there(cloud):
    for arn in ("arn:aws:iam::aws:policy/NoSuchPolicy", "arn:aws:iam::123456789012:policy/none"):
        assert refused(cloud.assume, PolicyArns=[{"arn": arn}]) == \
            ("ValidationError", f"Policy {arn} does not exist or is not attachable.")
    code, text = refused(cloud.assume, PolicyArns=[{"arn": READ_ONLY}] * 11)
    assert (code, text) == (
        "ValidationError", "1 validation error detected: Value '[...]' at 'policyArns' failed to "
        "satisfy constraint: Member must have length less than or equal to 10")


@pytest.mark.parametrize("names,said", [
    ({"DbName": "select"}, "The database name is not valid: select"),
    ({"DbName": "User"}, "The database name is not valid: User"),
    ({"DbName": "1dev"}, "The database name is not valid: 1dev"),
    ({"DbName": "a:b"}, "The database name is not valid: a:b"),
    ({"DbUser": "table"}, "The database user name is not valid: table"),
    ({"DbUser": "PUBLIC"}, "The database user name is not valid: PUBLIC"),
    ({"DbUser": "a/b"}, "The database user name is not valid: a/b"),
])
def test_names_that_are_none(cloud, names, said):
    redshift = cloud.client("redshift", *LOADER)
    arguments = {"ClusterIdentifier": "examplecluster", "DbUser": "vesto_load", "DbName": "dev"}
    assert refused(redshift.get_cluster_credentials, **{**arguments, **names}) == \
        ("InvalidParameterValue", said)


@pytest.mark.parametrize("which,warehouse", [("cloud", "examplecluster"),
                                             ("serverless_cloud", "analytics")])
def test_copy_names_the_warehouse_that_may_not_take_the_role(request, which, warehouse):
    here = request.getfixturevalue(which)
    connection = here.sandbox.connect()
    try:
        cursor = connection.cursor()
        cursor.execute("create table refused_role (a int)")
        role = "arn:aws:iam::123456789012:role/vesto"
        with pytest.raises(psycopg2.Error) as error:
            cursor.execute(f"copy refused_role from 's3://vesto-demo/vesto/x' iam_role '{role}'")
        text = str(error.value)
        if which == "cloud":
            assert f"User arn:aws:redshift:eu-west-1:123456789012:dbuser:{warehouse}/" in text
            assert f"is not authorized to assume IAM Role {role}" in text
        else:
            assert f"Not authorized to get credentials of role {role}" in text
    finally:
        connection.close()


def test_a_trust_in_somebody_who_is_not_there(cloud):
    trust = {"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"AWS": "arn:aws:iam::123456789012:role/nobody"}}]}
    with pytest.raises(urllib.error.HTTPError) as error:
        cloud.control("/v1/iam", {"put_role_trust": {
            "role": "arn:aws:iam::123456789012:role/copy", "policy": trust}})
    said = error.value.read().decode()
    assert "MalformedPolicyDocument" in said
    assert json.dumps('"AWS":"arn:aws:iam::123456789012:role/nobody"')[1:-1] in said \
        or '"AWS":"arn:aws:iam::123456789012:role/nobody"' in said
