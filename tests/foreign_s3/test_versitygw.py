"""versitygw (https://github.com/versity/versitygw), the strictest judge: it also checks the hash of
the payload, the clock and the region of the signature. Run by `make test-versitygw`, which builds it
and names it in VERSITYGW.
"""

import json
import os
import socket
import subprocess
import time

import pytest

boto3 = pytest.importorskip("boto3")

from s3_judge import Judge  # noqa: E402
from s3_probe import Probe  # noqa: E402

REGION = "eu-west-1"
KEY, SECRET = "versityadmin0000", "a+secret/with=odd&characters"


def free_port():
    """A port that is free now; versitygw does not tell which one it took itself."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until_it_listens(server, port, limit_s=30):
    end = time.monotonic() + limit_s
    while server.poll() is None and time.monotonic() < end:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError("versitygw did not start")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory):
    folder = tmp_path_factory.mktemp("versitygw")
    port = free_port()
    server = subprocess.Popen(
        [
            os.environ["VERSITYGW"],
            "--port", f"127.0.0.1:{port}",
            "--region", REGION,
            "--access", KEY,
            "--secret", SECRET,
            "--keep-alive",
            "--quiet",
            "posix", str(folder),
        ],
        stdout=subprocess.DEVNULL,
    )
    wait_until_it_listens(server, port)
    yield f"http://127.0.0.1:{port}"
    server.terminate()
    server.wait(timeout=30)


@pytest.fixture(scope="module")
def s3(gateway):
    client = boto3.client(
        "s3",
        endpoint_url=gateway,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
    )
    where = {"LocationConstraint": REGION}
    client.create_bucket(Bucket="stage", CreateBucketConfiguration=where)
    return client


@pytest.fixture(scope="module")
def options(gateway, s3):
    return {
        "endpoint": gateway,
        "region": REGION,
        "path_style": True,
        "bucket": "stage",
        "access_key_id": KEY,
        "secret_access_key": SECRET,
    }


class TestVersitygw(Judge):
    unknown_key = ("S3-REFUSED", "404 XAdminUserNotFound")  # a code of its own

    def test_damaged_body_is_refused(self, probe, s3, options):
        answer = probe.bad("put", key="damaged", size=1000, tamper=True)
        assert answer["code"] == "S3-SERVER"  # it is sent again: the next may arrive whole
        assert answer["upstream"].endswith("XAmzContentSHA256Mismatch")
        assert probe.good("head", key="damaged")["size"] is None

    @pytest.mark.parametrize("offset_ms", [-3_600_000, 3_600_000])
    def test_wrong_clock(self, options, offset_ms):
        with Probe(**{**options, "clock_offset_ms": offset_ms}) as probe:
            answer = probe.bad("put", key="late", size=1)
            assert answer["code"] == "SYS-CLOCK-SKEW"

    def test_wrong_region(self, options):
        """The gateway's refusal names its region, and the request is signed for that one."""
        with Probe(**{**options, "region": "us-west-2"}) as probe:
            probe.good("put", key="elsewhere", size=1)
            assert probe.good("head", key="elsewhere")["size"] == 1

    def test_policy_that_denies(self, options, s3):
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:ListBucket",
                    "Resource": "arn:aws:s3:::stage",
                }
            ],
        }
        s3.put_bucket_policy(Bucket="stage", Policy=json.dumps(policy))
        try:
            with Probe(**options) as probe:
                probe.good("put", key="root/may", size=1)
        finally:
            s3.delete_bucket_policy(Bucket="stage")
