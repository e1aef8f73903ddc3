"""The AWS command line from PyPI against the sandbox's S3."""

import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import pytest

pytest.importorskip("awscli")
AWS = [sys.executable, "-m", "awscli"]


@pytest.fixture
def aws(server, client_environment):
    environment = {**client_environment, "AWS_ENDPOINT_URL": server.e["url"]}
    if server.e["ca_file"]:
        environment["AWS_CA_BUNDLE"] = server.e["ca_file"]

    def run(*words, fails=False):
        done = subprocess.run([*AWS, *map(str, words)], env=environment, capture_output=True,
                              text=True, timeout=120)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout
    return run


def test_copy_list_remove(aws, server, prefix, tmp_path, large_file):
    root = f"s3://{server.e['bucket']}/{prefix}"
    (tmp_path / "dir" / "sub").mkdir(parents=True)
    (tmp_path / "dir" / "a b.txt").write_text("hello")
    (tmp_path / "dir" / "sub" / "ü.txt").write_text("there")
    aws("s3", "cp", "--recursive", tmp_path / "dir", root)
    listing = aws("s3", "ls", "--recursive", root)
    assert "a b.txt" in listing and "sub/ü.txt" in listing
    assert "PRE sub/" in aws("s3", "ls", root)
    aws("s3", "cp", large_file, root + "large")  # multipart
    aws("s3", "cp", root + "large", tmp_path / "back")  # ranges
    assert (tmp_path / "back").read_bytes() == large_file.read_bytes()
    aws("s3", "sync", root, tmp_path / "copy", "--exclude", "large")
    assert (tmp_path / "copy" / "sub" / "ü.txt").read_text() == "there"
    aws("s3", "cp", root + "a b.txt", root + "copied")  # within the server
    assert aws("s3", "cp", root + "copied", "-") == "hello"
    aws("s3", "rm", "--recursive", root)
    listed = aws("s3api", "list-objects-v2", "--bucket", server.e["bucket"], "--prefix", prefix)
    assert not listed.strip() or "Contents" not in json.loads(listed)


def test_api_calls(aws, server, prefix, tmp_path):
    bucket = server.e["bucket"]
    body = tmp_path / "body"
    body.write_bytes(bytes(range(256)) * 100)
    for algorithm in ("SHA256", "CRC32C", "CRC64NVME"):
        put = json.loads(aws("s3api", "put-object", "--bucket", bucket, "--key", prefix + "k",
                             "--body", body, "--checksum-algorithm", algorithm))
        assert put["Checksum" + algorithm]
        aws("s3api", "get-object", "--bucket", bucket, "--key", prefix + "k", "--checksum-mode",
            "ENABLED", tmp_path / "out")
        assert (tmp_path / "out").read_bytes() == body.read_bytes()
    aws("s3api", "get-object", "--bucket", bucket, "--key", prefix + "k", "--range", "bytes=1-3",
        tmp_path / "out")
    assert (tmp_path / "out").read_bytes() == b"\x01\x02\x03"
    deleted = aws("s3api", "delete-objects", "--bucket", bucket, "--delete",
                  json.dumps({"Objects": [{"Key": prefix + "k"}], "Quiet": False}))
    assert json.loads(deleted)["Deleted"] == [{"Key": prefix + "k"}]


def test_presigned(aws, server, prefix, tmp_path):
    import ssl
    (tmp_path / "f").write_text("text")
    where = f"s3://{server.e['bucket']}/{prefix}f"
    aws("s3", "cp", tmp_path / "f", where)
    context = ssl.create_default_context(cafile=server.e["ca_file"]) if server.e["ca_file"] else None
    # By itself it still presigns with version 2, which newer buckets refuse.
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(aws("s3", "presign", where).strip(), timeout=30, context=context)
    assert caught.value.code == 400 and b"Please use AWS4-HMAC-SHA256" in caught.value.read()
    aws("configure", "set", "default.s3.signature_version", "s3v4")
    url = aws("s3", "presign", where).strip()
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:
        assert answer.read() == b"text"


def test_refusals(aws, server, prefix, tmp_path):
    (tmp_path / "f").write_text("text")
    where = f"s3://{server.e['bucket']}/{prefix}f"
    error = aws("s3", "cp", tmp_path / "f", where, "--acl", "public-read", fails=True)
    assert "(AccessControlListNotSupported)" in error and "does not allow ACLs" in error
    assert "(404)" in aws("s3", "cp", where, pathlib.Path(tmp_path / "g"), fails=True)
    assert "(NoSuchBucket)" in aws("s3", "ls", "s3://no-such-bucket/", fails=True)
