"""Debian's rclone against the sandbox's S3."""

import hashlib
import json
import shutil
import ssl
import subprocess
import urllib.request

import pytest

if shutil.which("rclone") is None:
    pytest.skip("rclone is not installed", allow_module_level=True)


@pytest.fixture
def rclone(server, client_environment):
    # ACLs are disabled in the bucket, as in every new one; rclone would send "private" by itself.
    options = ["--s3-provider", "Other", "--s3-env-auth", "--s3-endpoint", server.e["url"],
               "--s3-region", server.e["region"], "--s3-force-path-style",
               "--s3-acl", "bucket-owner-full-control", "--retries", "1", "--low-level-retries", "1",
               "--config", "/dev/null"]
    if server.e["ca_file"]:
        options += ["--ca-cert", server.e["ca_file"]]

    def run(*words, fails=False, more=()):
        done = subprocess.run(["rclone", *map(str, words), *options, *more],
                              env=client_environment, capture_output=True, timeout=180)
        assert (done.returncode != 0) == fails, (done.stdout + done.stderr).decode()
        return done.stderr.decode() if fails else done.stdout
    return run


@pytest.fixture
def root(server, prefix):
    return f":s3:{server.e['bucket']}/{prefix}"


def test_copy_and_check(rclone, root, tmp_path):
    source = tmp_path / "source"
    (source / "sub dir").mkdir(parents=True)
    for name in ("a.txt", "sub dir/b+ü.txt", "sub dir/(c).txt"):
        (source / name).write_text("body of " + name)
    rclone("copy", source, root)
    rclone("check", source, root)
    names = {entry["Path"] for entry in json.loads(rclone("lsjson", "-R", "--files-only", root))}
    assert names == {"a.txt", "sub dir/b+ü.txt", "sub dir/(c).txt"}
    assert rclone("cat", root + "sub dir/b+ü.txt").decode() == "body of sub dir/b+ü.txt"
    rclone("moveto", root + "a.txt", root + "moved.txt")  # copy within the server, then delete
    assert rclone("cat", root + "moved.txt") == b"body of a.txt"
    rclone("purge", root)
    assert json.loads(rclone("lsjson", "-R", root)) == []


def test_large_in_one_piece_and_in_parts(rclone, root, large_file, tmp_path):
    expected = hashlib.sha256(large_file.read_bytes()).hexdigest()
    for name, more in (("whole", ()), ("parts", ("--s3-upload-cutoff", "64M", "--s3-chunk-size",
                                                 "8M"))):
        rclone("copyto", large_file, root + name, more=more)
        rclone("copyto", root + name, tmp_path / name, more=("--multi-thread-streams", "4",
                                                             "--multi-thread-cutoff", "10M"))
        assert hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() == expected
        (tmp_path / name).unlink()
    part = rclone("cat", "--offset", "1000000", "--count", "10", root + "parts")
    assert part == large_file.read_bytes()[1000000:1000010]
    rclone("purge", root)


def test_lists_of_2500_keys_and_delete_many(rclone, root, server, tmp_path):
    source = tmp_path / "many"
    source.mkdir()
    for n in range(2500):
        (source / f"{n:05}").write_bytes(b"")
    before = server.left()["objects"]
    rclone("copy", source, root, more=("--transfers", "16", "--checkers", "16",
                                       "--s3-no-check-bucket", "--no-traverse"))
    assert server.left()["objects"] == before + 2500
    names = rclone("lsf", root).decode().split()
    assert names == sorted(f"{n:05}" for n in range(2500))
    rclone("delete", root, more=("--checkers", "16"))
    assert server.left()["objects"] == before


def test_presigned(rclone, root, server, tmp_path):
    (tmp_path / "f").write_text("text")
    rclone("copyto", tmp_path / "f", root + "a b")
    url = rclone("link", "--expire", "5m", root + "a b").decode().strip()
    context = ssl.create_default_context(cafile=server.e["ca_file"]) if server.e["ca_file"] else None
    with urllib.request.urlopen(url, timeout=30, context=context) as answer:
        assert answer.read() == b"text"


def test_refusals(rclone, root, tmp_path):
    (tmp_path / "f").write_text("text")
    assert "AccessControlListNotSupported" in rclone(
        "copyto", tmp_path / "f", root + "f", fails=True, more=("--s3-acl", "public-read"))
    assert "InvalidAccessKeyId" in rclone(
        "lsf", root, fails=True, more=("--s3-env-auth=false", "--s3-access-key-id", "AKIAOTHER",
                                       "--s3-secret-access-key", "x"))
    assert "SignatureDoesNotMatch" in rclone(
        "lsf", root, fails=True, more=("--s3-secret-access-key", "x", "--s3-env-auth=false",
                                       "--s3-access-key-id", access_key(rclone)))


def access_key(rclone):
    """The right key id, of which only the secret will be wrong."""
    environment = next(cell.cell_contents for cell in rclone.__closure__
                       if isinstance(cell.cell_contents, dict))
    return environment["AWS_ACCESS_KEY_ID"]
