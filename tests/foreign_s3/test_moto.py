"""moto (https://github.com/getmoto/moto) with authentication on judges Vesto's S3 client.

It checks the signature in the header, but neither the payload's hash nor the clock: versitygw does
(make test-versitygw).
"""

import json
import os
import re
import subprocess
import sys
import threading

import pytest

pytest.importorskip("moto")
boto3 = pytest.importorskip("boto3")

from s3_judge import Judge  # noqa: E402
from s3_probe import Probe  # noqa: E402

REGION = "eu-west-1"
ALLOW_ALL = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def start_moto():
    """A moto server of its own, on a port that the system chose."""
    # The first calls need no key: they make the user whose key all later calls need.
    environment = {**os.environ, "INITIAL_NO_AUTH_ACTION_COUNT": "3", "PYTHONUNBUFFERED": "1"}
    server = subprocess.Popen(
        [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
        env=environment,
    )
    for line in server.stderr:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
        if found:
            # Its log must go on being read, or it would wait for us.
            threading.Thread(target=lambda: list(server.stderr), daemon=True).start()
            return server, f"http://127.0.0.1:{found.group(1)}"
    raise RuntimeError("moto did not start")


@pytest.fixture(scope="module")
def moto():
    server, url = start_moto()
    no_key = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    iam = boto3.client("iam", endpoint_url=url, region_name=REGION, **no_key)
    iam.create_user(UserName="loader")
    iam.put_user_policy(UserName="loader", PolicyName="all", PolicyDocument=json.dumps(ALLOW_ALL))
    key = iam.create_access_key(UserName="loader")["AccessKey"]
    yield {"url": url, "id": key["AccessKeyId"], "secret": key["SecretAccessKey"]}
    server.terminate()
    server.wait(timeout=30)


@pytest.fixture(scope="module")
def s3(moto):
    client = boto3.client(
        "s3",
        endpoint_url=moto["url"],
        region_name=REGION,
        aws_access_key_id=moto["id"],
        aws_secret_access_key=moto["secret"],
    )
    where = {"LocationConstraint": REGION}
    client.create_bucket(Bucket="stage", CreateBucketConfiguration=where)
    return client


@pytest.fixture(scope="module")
def options(moto, s3):
    return {
        "endpoint": moto["url"],
        "region": REGION,
        "path_style": True,
        "bucket": "stage",
        "access_key_id": moto["id"],
        "secret_access_key": moto["secret"],
    }


class TestMoto(Judge):
    def test_region_is_found(self, options):
        with Probe(**{**options, "region": ""}) as probe:
            assert probe.good("region")["region"] == REGION
            probe.good("put", key="found", size=1)

    def test_virtual_host(self, options, moto):
        endpoint = moto["url"].replace("127.0.0.1", "s3.localhost")
        with Probe(**{**options, "endpoint": endpoint, "path_style": False}) as probe:
            probe.good("put", key="virtual/host", size=5)
        with Probe(**options) as probe:
            assert probe.good("head", key="virtual/host")["size"] == 5

    def test_policy_that_denies(self, options, s3):
        bucket = options["bucket"]
        deny = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Principal": "*",
                    "Action": "s3:PutObject",
                    "Resource": f"arn:aws:s3:::{bucket}/denied/*",
                }
            ],
        }
        s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(deny))
        try:
            with Probe(**options) as probe:
                answer = probe.bad("put", key="denied/x", size=1)
                assert answer["code"] == "S3-DENIED"
                assert f"Allow s3:PutObject on arn:aws:s3:::{bucket}/denied/x" in answer["hint"]
                probe.good("put", key="allowed/x", size=1)
        finally:
            s3.delete_bucket_policy(Bucket=bucket)

    def test_versioned_bucket_shows_itself(self, options, s3):
        where = {"LocationConstraint": REGION}
        s3.create_bucket(Bucket="versions", CreateBucketConfiguration=where)
        s3.put_bucket_versioning(
            Bucket="versions", VersioningConfiguration={"Status": "Enabled"}
        )
        with Probe(**{**options, "bucket": "versions"}) as probe:
            assert probe.good("put", key="x", size=1)["versioned"] is True
        with Probe(**options) as probe:
            assert probe.good("put", key="x", size=1)["versioned"] is False
