"""Vesto's S3 client against the sandbox's own endpoint: in clear, with TLS, by virtual host, and
with faults on demand. boto3 reads what was written.
"""

import json
import os
import subprocess
import urllib.request

import pytest

boto3 = pytest.importorskip("boto3")

from s3_judge import Judge  # noqa: E402
from s3_probe import ROOT, Probe, body  # noqa: E402


def endpoint_binary():
    """VESTO_SANDBOX_S3, or the newest that a build made."""
    named = os.environ.get("VESTO_SANDBOX_S3")
    if named:
        return named
    built = sorted(
        ROOT.glob("build/*/sandbox/s3/vesto-sandbox-s3"), key=lambda p: p.stat().st_mtime
    )
    if not built:
        raise FileNotFoundError("vesto-sandbox-s3 is not built: cmake --build --preset dev")
    return str(built[-1])


@pytest.fixture(scope="module", params=["plain", "tls"])
def endpoint(request, tmp_path_factory):
    folder = str(tmp_path_factory.mktemp("s3") / request.param)
    command = [endpoint_binary(), folder] + (["--plain"] if request.param == "plain" else [])
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield json.loads(server.stdout.readline())
    server.stdin.close()
    assert server.wait(timeout=30) == 0


@pytest.fixture(scope="module")
def s3(endpoint):
    return boto3.client(
        "s3",
        endpoint_url=endpoint["url"],
        region_name=endpoint["region"],
        aws_access_key_id=endpoint["access_key_id"],
        aws_secret_access_key=endpoint["secret_access_key"],
        verify=endpoint["ca_file"] or None,
    )


@pytest.fixture(scope="module")
def options(endpoint):
    return {
        "endpoint": endpoint["url"],
        "region": endpoint["region"],
        "path_style": True,
        "bucket": endpoint["bucket"],
        "access_key_id": endpoint["access_key_id"],
        "secret_access_key": endpoint["secret_access_key"],
        "tls_ca_file": endpoint["ca_file"],
    }


@pytest.fixture
def fault(endpoint):
    """fault(on=..., then=...): one fault; taken away after the test."""

    def control(method, path, value=None):
        request = urllib.request.Request(
            endpoint["control"]["url"] + path,
            method=method,
            data=None if value is None else json.dumps(value).encode(),
            headers={"Authorization": "Bearer " + endpoint["control"]["token"]},
        )
        return urllib.request.urlopen(request).read()

    yield lambda **value: control("POST", "/v1/faults", value)
    control("DELETE", "/v1/faults")


class TestSandboxS3(Judge):
    def test_region_is_found(self, options, endpoint):
        with Probe(**{**options, "region": ""}) as probe:
            assert probe.good("region")["region"] == endpoint["region"]

    def test_virtual_host(self, options, endpoint):
        there = endpoint["url"].replace("//localhost", "//s3.localhost")
        with Probe(**{**options, "endpoint": there, "path_style": False}) as probe:
            probe.good("put", key="virtual/host", size=5)
        with Probe(**options) as probe:
            assert probe.good("head", key="virtual/host")["size"] == 5

    def test_damaged_body_is_refused(self, probe):
        answer = probe.bad("put", key="damaged", size=1000, tamper=True)
        assert answer["upstream"].endswith("XAmzContentSHA256Mismatch")
        assert probe.good("head", key="damaged")["size"] is None

    @pytest.mark.parametrize("offset_ms", [-3_600_000, 3_600_000])
    def test_wrong_clock(self, options, offset_ms):
        with Probe(**{**options, "clock_offset_ms": offset_ms}) as probe:
            answer = probe.bad("put", key="late", size=1)
            assert answer["code"] == "SYS-CLOCK-SKEW"
            side = "behind" if offset_ms < 0 else "ahead of"
            assert f"1h 0m {side}" in answer["message"] or f"59m 59s {side}" in answer["message"]

    def test_wrong_region(self, options, endpoint):
        with Probe(**{**options, "region": "us-west-2"}) as probe:
            assert probe.good("region")["region"] == endpoint["region"]
        with Probe(**{**options, "region": "us-west-2"}) as probe:
            probe.good("put", key="elsewhere", size=1)
            assert probe.good("head", key="elsewhere")["size"] == 1

    @pytest.mark.parametrize(
        "then",
        [
            {"status": 500, "code": "InternalError"},
            {"status": 503, "code": "SlowDown"},
            {"drop": "before"},
            {"drop": "after"},
            {"cut_after_bytes": 60},
        ],
    )
    @pytest.mark.parametrize("kind", ["put", "list", "delete", "head"])
    def test_what_passes_is_repeated(self, probe, s3, options, fault, kind, then):
        key = "faults/x"
        s3.put_object(Bucket=options["bucket"], Key=key, Body=body(20_000, 1))
        fault(on=f"s3.{kind}", nth=1, count=1, then=then)
        if kind == "put":
            probe.good("put", key=key, size=30_000, seed=9)
            stored = s3.get_object(Bucket=options["bucket"], Key=key)["Body"].read()
            assert stored == body(30_000, 9)
        elif kind == "list":
            assert [o["key"] for o in probe.good("list", prefix="faults/")["objects"]] == [key]
        elif kind == "delete":
            probe.good("remove_many", keys=[key])
            assert probe.good("list", prefix="faults/")["objects"] == []
        else:
            assert probe.good("head", key=key)["size"] == 20_000

    def test_denied_is_not_repeated(self, probe, fault):
        fault(on="s3.put", nth=1, count=1, then={"status": 403, "code": "AccessDenied"})
        answer = probe.bad("put", key="denied", size=1)
        assert answer["code"] == "S3-DENIED"
        probe.good("put", key="denied", size=1)

    def test_what_does_not_pass_is_given_up(self, probe, fault):
        fault(on="s3.put", nth=1, count=50, then={"status": 503, "code": "SlowDown"})
        assert probe.bad("put", key="slow", size=1)["code"] == "S3-SLOW"


def test_unknown_ca(tmp_path):
    command = [endpoint_binary(), str(tmp_path / "s3")]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    endpoint = json.loads(server.stdout.readline())
    with Probe(
        endpoint=endpoint["url"],
        region=endpoint["region"],
        path_style=True,
        bucket=endpoint["bucket"],
        access_key_id=endpoint["access_key_id"],
        secret_access_key=endpoint["secret_access_key"],
    ) as probe:
        assert probe.bad("put", key="x", size=1)["code"] == "NET-TLS-CA"
    server.stdin.close()
    assert server.wait(timeout=30) == 0
