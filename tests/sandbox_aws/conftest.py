"""A sandbox with a world of its own: a customer's account, an operator's, Google and EKS."""
import json
import pathlib
import urllib.parse
import urllib.request

import pytest

WORLD = pathlib.Path(__file__).parent / "world.toml"


class Cloud:
    def __init__(self, sandbox):
        self.sandbox = sandbox
        self.endpoints = sandbox.endpoints
        self.aws = self.endpoints["aws"]

    def client(self, service, key=None, secret=None, token=None, region="eu-west-1"):
        import boto3
        from botocore.config import Config
        return boto3.client(
            service, endpoint_url=self.aws["url"], region_name=region,
            verify=self.endpoints["ca_file"], aws_access_key_id=key or "unused",
            aws_secret_access_key=secret or "unused", aws_session_token=token,
            config=Config(retries={"total_max_attempts": 1}, connect_timeout=10, read_timeout=30))

    def as_keys(self, service, credentials, **options):
        return self.client(service, credentials["AccessKeyId"], credentials["SecretAccessKey"],
                           credentials["SessionToken"], **options)

    def google_token(self, audience="vesto-acme-7f3a"):
        query = urllib.parse.urlencode({"audience": audience, "format": "full"})
        request = urllib.request.Request(
            f"http://{self.endpoints['google']['metadata_host']}/computeMetadata/v1/instance/"
            f"service-accounts/default/identity?{query}", headers={"Metadata-Flavor": "Google"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.read().decode()

    def assume(self, role="vesto", token=None, **more):
        return self.client("sts").assume_role_with_web_identity(
            RoleArn=f"arn:aws:iam::123456789012:role/{role}", RoleSessionName="judge",
            WebIdentityToken=token or self.google_token(), **more)

    def control(self, path, body):
        request = urllib.request.Request(
            self.endpoints["control"]["url"] + path, data=json.dumps(body).encode(), method="POST",
            headers={"Authorization": "Bearer " + self.endpoints["control"]["token"]})
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status


@pytest.fixture(scope="module")
def cloud(start_sandbox, request):
    made = Cloud(start_sandbox("cloud-" + request.module.__name__, "--world", WORLD))
    yield made
    made.control("/v1/clock", {"offset_ms": 0})


@pytest.fixture(scope="session")
def serverless_cloud(start_sandbox):
    """The same world, whose workgroup the listener is."""
    return Cloud(start_sandbox("serverless-cloud", "--kind", "serverless", "--world", WORLD))


@pytest.fixture
def operator(cloud):
    """A user of another account, who may assume one role with an external id."""
    return cloud.client("sts", "AKIAVESTOOPERATOR001", "operatorSecretoperatorSecretoperator/+01")
