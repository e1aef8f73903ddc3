"""The one listener stands for one warehouse of the world: what is good for another opens nothing."""
import contextlib
import pathlib
import subprocess

import psycopg2
import pytest

pytest.importorskip("boto3")
from botocore.exceptions import ClientError  # noqa: E402
from conftest import WORLD, Cloud  # noqa: E402
from sandbox_process import binary  # noqa: E402

LOADER = ("AKIAVESTOLOADER00001", "loaderSecretloaderSecretloaderSecret/+01")
STRANGER = ("AKIAVESTOSTRANGER001", "strangerSecretstrangerSecretstranger/+01")
# A cluster of the same name in an account of somebody else, with a role of its own attached.
MORE = """
[[account]]
id = "888888888888"
  [[account.user]]
  name = "stranger"
  access_keys = [{ id = "AKIAVESTOSTRANGER001", secret = "strangerSecretstrangerSecretstranger/+01" }]
  policies = ['''{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}''']
  [[account.role]]
  name = "copy-stranger"
  trust = '''{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
    "Principal": {"Service": "redshift.amazonaws.com"}}]}'''
[[cluster]]
id = "examplecluster"
account = "888888888888"
region = "eu-west-1"
copy_roles = ["arn:aws:iam::888888888888:role/copy-stranger"]
"""


@pytest.fixture(scope="module")
def two_clusters(start_sandbox, tmp_path_factory):
    world = tmp_path_factory.mktemp("two") / "world.toml"
    world.write_text(WORLD.read_text() + MORE)
    return Cloud(start_sandbox("two-clusters", "--world", world, "--warehouse",
                               "123456789012/examplecluster"))


def try_login(cloud, user, password, **more):
    redshift = cloud.endpoints["redshift"]
    with contextlib.closing(psycopg2.connect(
            host="localhost", port=redshift["port"], dbname="dev", user=user, password=password,
            sslmode="verify-full", sslrootcert=cloud.endpoints["ca_file"], **more)) as connection:
        cursor = connection.cursor()
        cursor.execute("select current_user")
        return cursor.fetchone()[0].strip()


def test_a_login_of_another_accounts_cluster_opens_nothing(two_clusters):
    """The stranger may do all, with a cluster of the same name: its logins are wrong passwords."""
    own = two_clusters.client("redshift", *LOADER)
    other = two_clusters.client("redshift", *STRANGER)
    for redshift, opens in ((own, True), (other, False)):
        answer = redshift.get_cluster_credentials(
            DbUser="vesto_load", ClusterIdentifier="examplecluster", AutoCreate=False)
        assert answer["DbUser"] == "IAM:vesto_load"
        if opens:
            assert try_login(two_clusters, answer["DbUser"], answer["DbPassword"]) == "vesto_load"
            continue
        with pytest.raises(psycopg2.OperationalError,
                           match='password authentication failed for user "IAM:vesto_load"'):
            try_login(two_clusters, answer["DbUser"], answer["DbPassword"])
    answer = other.get_cluster_credentials_with_iam(ClusterIdentifier="examplecluster")
    with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
        try_login(two_clusters, answer["DbUser"], answer["DbPassword"])


def test_a_workgroups_login_does_not_open_the_cluster(two_clusters, serverless_cloud):
    """And the other way round. The workgroup's own opens it, by either API."""
    for cloud, workgroup in ((two_clusters, False), (serverless_cloud, True)):
        redshift = cloud.client("redshift", *LOADER)
        serverless = cloud.client("redshift-serverless", *LOADER)
        answer = serverless.get_credentials(workgroupName="analytics")
        logins = [(answer["dbUser"], answer["dbPassword"], workgroup)]
        for name, good in (("redshift-serverless-analytics", workgroup),
                           ("examplecluster", not workgroup)):
            answer = redshift.get_cluster_credentials(DbUser="vesto_load", ClusterIdentifier=name)
            logins.append((answer["DbUser"], answer["DbPassword"], good))
        for user, password, good in logins:
            if good:
                assert try_login(cloud, user, password)
                continue
            with pytest.raises(psycopg2.OperationalError, match="password authentication failed"):
                try_login(cloud, user, password)


def test_only_the_one_warehouse_is_described_with_the_listeners_address(two_clusters):
    port = two_clusters.endpoints["redshift"]["port"]
    own = two_clusters.client("redshift", *LOADER)
    with pytest.raises(ClientError, match="AccessDenied"):
        own.describe_clusters()
    other = two_clusters.client("redshift", *STRANGER)
    shown = other.describe_clusters()["Clusters"]
    assert [each["Endpoint"]["Address"] for each in shown] == \
        ["examplecluster.888888888888.eu-west-1.redshift.invalid"]
    assert shown[0]["Endpoint"]["Port"] != port
    for name in ("nocluster", "redshift-serverless-analytics"):
        with pytest.raises(ClientError) as error:
            other.describe_clusters(ClusterIdentifier=name)
        assert error.value.response["Error"] == {
            "Type": "Sender", "Code": "ClusterNotFound", "Message": f"Cluster {name} not found."}
    role = two_clusters.as_keys("redshift", two_clusters.assume()["Credentials"])
    shown = role.describe_clusters(ClusterIdentifier="examplecluster")["Clusters"]
    assert shown[0]["Endpoint"] == {"Address": "localhost", "Port": port}


def test_the_roles_of_another_cluster_are_not_attached(two_clusters):
    connection = two_clusters.sandbox.connect()
    try:
        cursor = connection.cursor()
        cursor.execute("create table copied (a int)")
        two_clusters.client("s3", *LOADER).put_object(
            Bucket="vesto-demo", Key="vesto/copied.csv", Body=b"1\n")
        statement = "copy copied from 's3://vesto-demo/vesto/copied.csv' iam_role '{}' csv"
        with pytest.raises(psycopg2.Error, match="is not authorized to assume IAM Role"):
            cursor.execute(statement.format("arn:aws:iam::888888888888:role/copy-stranger"))
        cursor.execute(statement.format("arn:aws:iam::123456789012:role/copy"))
        cursor.execute("select a from copied")
        assert cursor.fetchall() == [(1,)]
        cursor.execute("drop table copied")
    finally:
        connection.close()


@pytest.mark.parametrize("arguments,said", [
    ([], "--warehouse must say which cluster of the world this one is: "
         "123456789012/eu-west-1/examplecluster, 888888888888/eu-west-1/examplecluster"),
    (["--warehouse", "examplecluster"], "--warehouse must say which cluster"),
    (["--warehouse", "analytics"], "--warehouse analytics: the world has no such cluster"),
    (["--kind", "serverless", "--warehouse", "examplecluster"], "the world has no such workgroup"),
])
def test_in_doubt_it_does_not_start(tmp_path, arguments, said):
    world = tmp_path / "world.toml"
    world.write_text(WORLD.read_text() + MORE)
    done = subprocess.run(
        [str(binary()), "--data", str(tmp_path / "data"), "--port-redshift", "0", "--port-aws",
         "0", "--no-sync", "--world", str(world), *arguments],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert said in done.stderr
    assert not pathlib.Path(tmp_path / "data" / "endpoints.json").exists()
