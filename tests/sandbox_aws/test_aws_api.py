"""STS, Redshift's APIs and S3 under IAM, judged by boto3, awscli and AWS's own Redshift driver."""
import json
import os
import pathlib
import subprocess
import sys

import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402

ROLE = "arn:aws:iam::123456789012:role/vesto"
WORKGROUP = ("arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/"
             "0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b")


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["Error"]["Code"], answer["Error"].get("Message", ""), \
        answer["ResponseMetadata"]["HTTPStatusCode"]


def test_a_google_token_becomes_the_role(cloud):
    answer = cloud.assume(DurationSeconds=900)
    assert answer["AssumedRoleUser"]["Arn"] == \
        "arn:aws:sts::123456789012:assumed-role/vesto/judge"
    assert answer["SubjectFromWebIdentityToken"] == cloud.endpoints["google"]["subject"]
    assert answer["Audience"] == "vesto-acme-7f3a"
    who = cloud.as_keys("sts", answer["Credentials"]).get_caller_identity()
    assert who["Account"] == "123456789012"
    assert who["Arn"] == answer["AssumedRoleUser"]["Arn"]


def test_the_confused_deputy_is_refused(cloud):
    """Tenant A's role with tenant B's audience; and no difference to a role that is not there."""
    for role, audience in (("vesto", "vesto-other-11aa"), ("nobody", "vesto-acme-7f3a")):
        code, text, status = refused(cloud.assume, role=role, token=cloud.google_token(audience))
        assert (code, status) == ("AccessDenied", 403)
        assert text == "Not authorized to perform sts:AssumeRoleWithWebIdentity"


def test_a_trust_policy_with_the_subject_alone_takes_any_audience(cloud):
    for audience in ("vesto-acme-7f3a", "vesto-other-11aa"):
        assert cloud.assume(role="vesto-loose", token=cloud.google_token(audience))


def test_a_pod_of_the_cluster_becomes_its_role(cloud):
    token = pathlib.Path(cloud.endpoints["eks"]["token_file"]).read_text()
    assert cloud.assume(role="vesto-eks", token=token)["Audience"] == "sts.amazonaws.com"
    code, _, _ = refused(cloud.assume, role="vesto", token=token)
    assert code == "AccessDenied"


def test_tokens_that_are_none(cloud):
    token = cloud.google_token()
    head, claims, signature = token.split(".")
    for bad in ("x.y.z", f"{head}.{claims}.", f"{head}.{claims}.{signature[:-4]}AAAA"):
        code, _, status = refused(cloud.assume, token=bad)
        assert (code, status) == ("InvalidIdentityToken", 400), bad
    cloud.control("/v1/clock", {"offset_ms": 2 * 3600 * 1000})
    try:
        code, text, status = refused(cloud.assume, token=token)
    finally:
        cloud.control("/v1/clock", {"offset_ms": 0})
    assert (code, status) == ("ExpiredTokenException", 400)
    assert text.startswith("Token expired: current date/time ")


def test_what_sts_says_of_bad_parameters(cloud):
    code, text, _ = refused(cloud.assume, DurationSeconds=7200)
    assert (code, text) == ("ValidationError", "The requested DurationSeconds exceeds the "
                            "MaxSessionDuration set for this role.")
    sts = cloud.client("sts")
    code, text, _ = refused(sts.assume_role_with_web_identity, RoleArn=ROLE,
                            RoleSessionName="a b", WebIdentityToken=cloud.google_token())
    assert code == "ValidationError"
    assert "at 'roleSessionName' failed to satisfy constraint" in text
    code, _, _ = refused(cloud.assume, Policy="{")
    assert code == "MalformedPolicyDocument"


def test_an_external_id_is_demanded(operator):
    role = "arn:aws:iam::123456789012:role/vesto-ext"
    answer = operator.assume_role(RoleArn=role, RoleSessionName="judge", ExternalId="acme-42")
    assert answer["Credentials"]["SessionToken"]
    for more in ({}, {"ExternalId": "acme-43"}):
        code, text, status = refused(operator.assume_role, RoleArn=role, RoleSessionName="judge",
                                     **more)
        assert (code, status) == ("AccessDenied", 403)
        assert "is not authorized to perform: sts:AssumeRole on resource: " + role in text


def test_signatures(cloud):
    sts = cloud.client("sts", "AKIAVESTOLOADER00001", "wrong")
    assert refused(sts.get_caller_identity)[0] == "SignatureDoesNotMatch"
    assert refused(cloud.client("sts", "AKIANOBODY0000000000", "x").get_caller_identity)[::2] == \
        ("InvalidClientTokenId", 403)
    serverless = cloud.client("redshift-serverless", "AKIANOBODY0000000000", "x")
    assert refused(serverless.get_workgroup, workgroupName="analytics")[::2] == \
        ("UnrecognizedClientException", 400)
    credentials = cloud.assume(DurationSeconds=900)["Credentials"]
    cloud.control("/v1/clock", {"offset_ms": 1000 * 1000})
    try:
        code, text, _ = refused(cloud.as_keys("sts", credentials).get_caller_identity)
    finally:
        cloud.control("/v1/clock", {"offset_ms": 0})
    assert (code, text) == ("ExpiredToken",
                            "The security token included in the request is expired")


def test_a_clock_that_is_wrong(cloud):
    """Of keys that do not expire: the signature's own time is judged, with 15 minutes."""
    sts = cloud.client("sts", "AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")
    assert sts.get_caller_identity()["Arn"] == "arn:aws:iam::123456789012:user/loader"
    for offset_s, said in ((16 * 60, "Signature expired: "), (-16 * 60, "Signature not yet current")):
        cloud.control("/v1/clock", {"offset_ms": offset_s * 1000})
        try:
            code, text, _ = refused(sts.get_caller_identity)
        finally:
            cloud.control("/v1/clock", {"offset_ms": 0})
        assert code == "SignatureDoesNotMatch" and text.startswith(said) and "15 min.)" in text


def test_cluster_credentials(cloud):
    redshift = cloud.as_keys("redshift", cloud.assume()["Credentials"])
    answer = redshift.get_cluster_credentials(
        DbUser="vesto_load", DbName="dev", ClusterIdentifier="examplecluster", AutoCreate=False,
        DurationSeconds=900)
    assert answer["DbUser"] == "IAM:vesto_load"
    login(cloud, answer["DbUser"], answer["DbPassword"], "vesto_load")
    answer = redshift.get_cluster_credentials_with_iam(ClusterIdentifier="examplecluster",
                                                       DbName="dev")
    assert answer["DbUser"] == "IAMR:vesto"
    login(cloud, "IAMR:vesto", answer["DbPassword"], "IAMR:vesto")
    clusters = redshift.describe_clusters(ClusterIdentifier="examplecluster")["Clusters"]
    assert clusters[0]["ClusterStatus"] == "available"
    assert clusters[0]["IamRoles"][0]["IamRoleArn"] == "arn:aws:iam::123456789012:role/copy"


def test_denials_of_redshift_name_the_callers_arn(cloud):
    redshift = cloud.as_keys("redshift", cloud.assume()["Credentials"])
    for user, name, resource in (
            ("other", "dev", "dbuser:examplecluster/other"),
            ("vesto_load", "prod", "dbname:examplecluster/prod")):
        code, text, status = refused(redshift.get_cluster_credentials, DbUser=user, DbName=name,
                                     ClusterIdentifier="examplecluster")
        assert (code, status) == ("AccessDenied", 403)
        assert text == (
            "User: arn:aws:sts::123456789012:assumed-role/vesto/judge is not authorized to "
            "perform: redshift:GetClusterCredentials on resource: "
            f"arn:aws:redshift:eu-west-1:123456789012:{resource} because no identity-based "
            "policy allows the redshift:GetClusterCredentials action")
    loader = cloud.client("redshift", "AKIAVESTOLOADER00001",
                          "loaderSecretloaderSecretloaderSecret/+01")
    assert refused(loader.get_cluster_credentials, DbUser="x", ClusterIdentifier="nocluster") == \
        ("ClusterNotFound", "Cluster nocluster not found.", 404)


@pytest.mark.parametrize("user", ["PUBLIC", "public", "Public", "table", "SELECT", "aes256"])
def test_no_password_for_everybody_or_a_reserved_word(cloud, user):
    loader = cloud.client("redshift", "AKIAVESTOLOADER00001",
                          "loaderSecretloaderSecretloaderSecret/+01")
    code, text, status = refused(loader.get_cluster_credentials, DbUser=user, AutoCreate=True,
                                 ClusterIdentifier="examplecluster")
    assert (code, status) == ("InvalidParameterValue", 400) and text.endswith(user)
    # A word that only begins like one is a name.
    assert loader.get_cluster_credentials(DbUser="public_1",
                                          ClusterIdentifier="examplecluster")["DbPassword"]


def test_serverless_credentials(serverless_cloud):
    cloud = serverless_cloud
    serverless = cloud.as_keys("redshift-serverless", cloud.assume()["Credentials"])
    answer = serverless.get_credentials(workgroupName="analytics", dbName="dev",
                                        durationSeconds=900)
    assert answer["dbUser"] == "IAMR:vesto"
    login(cloud, answer["dbUser"], answer["dbPassword"], "IAMR:vesto")
    workgroup = serverless.get_workgroup(workgroupName="analytics")["workgroup"]
    assert (workgroup["workgroupArn"], workgroup["status"]) == (WORKGROUP, "AVAILABLE")
    assert refused(serverless.get_credentials, workgroupName="examplecluster") == \
        ("ResourceNotFoundException", "Serverless workgroup examplecluster not found. ", 400)


def login(cloud, user, password, becomes):
    import psycopg2
    redshift = cloud.endpoints["redshift"]
    connection = psycopg2.connect(host="localhost", port=redshift["port"], dbname="dev", user=user,
                                  password=password, sslmode="verify-full",
                                  sslrootcert=cloud.endpoints["ca_file"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("select current_user")
            assert cursor.fetchone()[0].strip() == becomes
    finally:
        connection.close()


def test_a_login_ends_with_its_time_and_a_session_does_not(cloud):
    import psycopg2
    redshift = cloud.as_keys("redshift", cloud.assume()["Credentials"])
    answer = redshift.get_cluster_credentials(DbUser="vesto_load", DbName="dev",
                                              ClusterIdentifier="examplecluster")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        login(cloud, answer["DbUser"], answer["DbPassword"] + "x", "")
    cloud.control("/v1/clock", {"offset_ms": 901 * 1000})
    try:
        with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
            login(cloud, answer["DbUser"], answer["DbPassword"], "")
    finally:
        cloud.control("/v1/clock", {"offset_ms": 0})
    login(cloud, answer["DbUser"], answer["DbPassword"], "vesto_load")


def test_a_user_that_is_not_there_is_found_out_at_the_login(cloud):
    import psycopg2
    loader = cloud.client("redshift", "AKIAVESTOLOADER00001",
                          "loaderSecretloaderSecretloaderSecret/+01")
    answer = loader.get_cluster_credentials(DbUser="ghost", ClusterIdentifier="examplecluster")
    with pytest.raises(psycopg2.OperationalError, match='user "IAM:ghost" does not exist'):
        login(cloud, answer["DbUser"], answer["DbPassword"], "")


def test_s3_under_the_roles_policy(cloud):
    credentials = cloud.assume()["Credentials"]
    s3 = cloud.as_keys("s3", credentials)
    s3.put_object(Bucket="vesto-demo", Key="vesto/a", Body=b"x")
    assert s3.get_object(Bucket="vesto-demo", Key="vesto/a")["Body"].read() == b"x"
    assert s3.list_objects_v2(Bucket="vesto-demo", Prefix="vesto/a")["KeyCount"] == 1
    code, text, status = refused(s3.put_object, Bucket="vesto-demo", Key="other/a", Body=b"x")
    assert (code, status) == ("AccessDenied", 403)
    assert text == ('User: arn:aws:sts::123456789012:assumed-role/vesto/judge is not authorized to '
                    'perform: s3:PutObject on resource: "arn:aws:s3:::vesto-demo/other/a" because '
                    'no identity-based policy allows the s3:PutObject action')
    assert refused(s3.list_objects_v2, Bucket="vesto-demo", Prefix="other/")[0] == "AccessDenied"
    s3.delete_object(Bucket="vesto-demo", Key="vesto/a")


def test_a_session_policy_narrows_the_keys(cloud):
    policy = json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject",
         "Resource": "arn:aws:s3:::vesto-demo/vesto/run1/*"}]})
    wide = cloud.as_keys("s3", cloud.assume()["Credentials"])
    wide.put_object(Bucket="vesto-demo", Key="vesto/run1/a", Body=b"1")
    wide.put_object(Bucket="vesto-demo", Key="vesto/run2/a", Body=b"2")
    narrow = cloud.as_keys("s3", cloud.assume(Policy=policy)["Credentials"])
    assert narrow.get_object(Bucket="vesto-demo", Key="vesto/run1/a")["Body"].read() == b"1"
    for call, arguments in ((narrow.get_object, {"Key": "vesto/run2/a"}),
                            (narrow.put_object, {"Key": "vesto/run1/b", "Body": b""}),
                            (narrow.delete_object, {"Key": "vesto/run1/a"})):
        code, text, _ = refused(call, Bucket="vesto-demo", **arguments)
        assert code == "AccessDenied" and "because no session policy allows" in text
    # Without the right to list, what is not there is not told.
    assert refused(narrow.get_object, Bucket="vesto-demo", Key="vesto/run1/no")[0] == "AccessDenied"
    for key in ("vesto/run1/a", "vesto/run2/a"):
        wide.delete_object(Bucket="vesto-demo", Key=key)


def test_a_change_of_policy_takes_its_time(cloud):
    role = "arn:aws:iam::123456789012:role/vesto-loose"
    policy = {"Version": "2012-10-17", "Statement": [
        {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}]}
    s3 = cloud.as_keys("s3", cloud.assume(role="vesto-loose")["Credentials"])
    cloud.control("/v1/propagation", {"ms": 300_000})
    try:
        cloud.control("/v1/iam", {"put_role_policy": {"role": role, "name": "no", "policy": policy}})
        assert s3.list_objects_v2(Bucket="vesto-demo")["KeyCount"] == 0
        cloud.control("/v1/clock", {"offset_ms": 301_000})
        code, text, _ = refused(s3.list_objects_v2, Bucket="vesto-demo")
        assert code == "AccessDenied" and text.endswith("with an explicit deny in an "
                                                        "identity-based policy")
    finally:
        cloud.control("/v1/propagation", {"ms": 0})
        cloud.control("/v1/clock", {"offset_ms": 0})
        cloud.control("/v1/iam", {"delete_role_policy": {"role": role, "name": "no"}})


def test_awscli(cloud, tmp_path):
    token = tmp_path / "token"
    token.write_text(cloud.google_token())
    environment = {**os.environ, "AWS_ENDPOINT_URL": cloud.aws["url"], "AWS_DEFAULT_REGION": "eu-west-1",
                   "AWS_CA_BUNDLE": cloud.endpoints["ca_file"], "AWS_ROLE_ARN": ROLE,
                   "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_SESSION_NAME": "cli",
                   "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(tmp_path)}
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        environment.pop(name, None)
    aws = pathlib.Path(sys.executable).with_name("aws")

    def run(*arguments):
        done = subprocess.run([str(aws), *arguments, "--output", "json"], env=environment,
                              capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout else None

    assert run("sts", "get-caller-identity")["Arn"].endswith("assumed-role/vesto/cli")
    answer = run("redshift", "get-cluster-credentials", "--db-user", "vesto_load", "--db-name",
                 "dev", "--cluster-identifier", "examplecluster")
    assert answer["DbUser"] == "IAM:vesto_load"
    answer = run("redshift-serverless", "get-credentials", "--workgroup-name", "analytics")
    assert answer["dbUser"] == "IAMR:vesto"


@pytest.mark.parametrize("serverless", [False, True])
def test_aws_own_driver_logs_in_with_iam(cloud, serverless_cloud, serverless, monkeypatch):
    cloud = serverless_cloud if serverless else cloud
    redshift_connector = pytest.importorskip("redshift_connector")
    credentials = cloud.assume()["Credentials"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", cloud.aws["url"])
    monkeypatch.setenv("AWS_CA_BUNDLE", cloud.endpoints["ca_file"])
    monkeypatch.setenv("SSL_CERT_FILE", cloud.endpoints["ca_file"])
    more = {"is_serverless": True, "serverless_work_group": "analytics"} if serverless else \
        {"cluster_identifier": "examplecluster", "db_user": "vesto_load"}
    connection = redshift_connector.connect(
        iam=True, host="localhost", port=cloud.endpoints["redshift"]["port"], database="dev",
        region="eu-west-1", access_key_id=credentials["AccessKeyId"],
        secret_access_key=credentials["SecretAccessKey"],
        session_token=credentials["SessionToken"], ssl=True, sslmode="verify-ca", **more)
    try:
        cursor = connection.cursor()
        cursor.execute("select current_user")
        assert cursor.fetchone()[0].strip() == ("IAMR:vesto" if serverless else "vesto_load")
    finally:
        connection.close()
