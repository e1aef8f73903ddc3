"""Versions of objects in the sandbox's S3, by boto3 and the AWS command line."""

import json

import pytest

pytest.importorskip("awscli")
from test_awscli import aws  # noqa: E402, F401
from test_boto3 import code_of, make_client  # noqa: E402


@pytest.fixture
def s3(server):
    return make_client(server)


@pytest.fixture
def bucket(s3, server, prefix):
    """One of its own: what versioning was on for keeps its versions."""
    name = "versions-" + prefix.strip("/")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={
        "LocationConstraint": server.e["region"]})
    yield name
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=name):
        for one in page.get("Versions", []) + page.get("DeleteMarkers", []):
            s3.delete_object(Bucket=name, Key=one["Key"], VersionId=one["VersionId"])
    s3.delete_bucket(Bucket=name)  # is refused where a version is left


def versioning(s3, bucket, status):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def all_of(s3, bucket, **more):
    """[(key, version, is latest, is a marker)] in the order of the pages."""
    found = []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, **more):
        found += [(one["Key"], one["VersionId"], one["IsLatest"], marker)
                  for name, marker in (("Versions", False), ("DeleteMarkers", True))
                  for one in page.get(name, [])]
    return found


def test_a_bucket_that_never_had_versioning(s3, bucket):
    for key in ("a", "b/c", "ünï/x y"):
        assert "VersionId" not in s3.put_object(Bucket=bucket, Key=key, Body=b"1")
        s3.put_object(Bucket=bucket, Key=key, Body=b"22")
    assert all_of(s3, bucket) == [(key, "null", True, False) for key in ("a", "b/c", "ünï/x y")]
    assert all_of(s3, bucket, Prefix="b/") == [("b/c", "null", True, False)]
    listed = s3.list_object_versions(Bucket=bucket)["Versions"][0]
    assert listed["Size"] == 2 and listed["ETag"] and listed["StorageClass"] == "STANDARD"
    assert s3.get_object(Bucket=bucket, Key="a", VersionId="null")["Body"].read() == b"22"
    assert "DeleteMarker" not in s3.delete_object(Bucket=bucket, Key="a")
    assert [one[0] for one in all_of(s3, bucket)] == ["b/c", "ünï/x y"]


def test_what_versioning_keeps(s3, bucket):
    where = {"Bucket": bucket, "Key": "k"}
    s3.put_object(**where, Body=b"before")
    versioning(s3, bucket, "Enabled")
    first = s3.put_object(**where, Body=b"first")["VersionId"]
    second = s3.put_object(**where, Body=b"second")["VersionId"]
    got = s3.get_object(**where)
    assert got["Body"].read() == b"second" and got["VersionId"] == second
    assert s3.get_object(**where, VersionId=first)["Body"].read() == b"first"
    assert s3.head_object(**where, VersionId="null")["ContentLength"] == 6
    gone = s3.delete_object(**where)
    marker = gone["VersionId"]
    assert gone["DeleteMarker"] is True
    assert all_of(s3, bucket) == [("k", second, False, False), ("k", first, False, False),
                                  ("k", "null", False, False), ("k", marker, True, True)]
    assert code_of(s3.get_object, **where) == (404, "NoSuchKey")
    assert code_of(s3.get_object, **where, VersionId=marker) == (405, "MethodNotAllowed")
    assert code_of(s3.get_object, **where, VersionId="0" * 32) == (404, "NoSuchVersion")
    assert code_of(s3.get_object, **where, VersionId="short") == (400, "InvalidArgument")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    assert code_of(s3.delete_bucket, Bucket=bucket) == (409, "BucketNotEmpty")
    # Without the marker the newest is back; without that the one before it.
    assert s3.delete_object(**where, VersionId=marker)["DeleteMarker"] is True
    assert s3.get_object(**where)["Body"].read() == b"second"
    assert "DeleteMarker" not in s3.delete_object(**where, VersionId=second)
    assert s3.get_object(**where)["Body"].read() == b"first"
    copied = s3.copy_object(Bucket=bucket, Key="c",
                            CopySource={"Bucket": bucket, "Key": "k", "VersionId": "null"})
    assert copied["VersionId"] and s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"before"


def test_where_versioning_is_suspended(s3, bucket):
    where = {"Bucket": bucket, "Key": "k"}
    versioning(s3, bucket, "Enabled")
    kept = s3.put_object(**where, Body=b"kept")["VersionId"]
    versioning(s3, bucket, "Suspended")
    for body in (b"one", b"two"):  # the second takes the place of the first
        s3.put_object(**where, Body=body)
    assert all_of(s3, bucket) == [("k", "null", True, False), ("k", kept, False, False)]
    gone = s3.delete_object(**where)
    assert (gone["DeleteMarker"], gone["VersionId"]) == (True, "null")
    assert all_of(s3, bucket) == [("k", kept, False, False), ("k", "null", True, True)]
    s3.put_object(**where, Body=b"three")
    assert all_of(s3, bucket) == [("k", "null", True, False), ("k", kept, False, False)]


def test_many_are_removed_at_once(s3, bucket):
    versioning(s3, bucket, "Enabled")
    put = [s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"] for key in ("a", "b")]
    done = s3.delete_objects(Bucket=bucket, Delete={"Objects": [
        {"Key": "a", "VersionId": put[0]}, {"Key": "b"}, {"Key": "never"}]})["Deleted"]
    assert "DeleteMarker" not in done[0] and done[0]["VersionId"] == put[0]
    assert [(one["Key"], one["DeleteMarker"]) for one in done[1:]] == [("b", True), ("never", True)]
    assert [one[0] for one in all_of(s3, bucket)] == ["b", "b", "never"]


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_pages(s3, bucket, size):
    versioning(s3, bucket, "Enabled")
    expected = []
    for key in ("a", "dir/x", "dir/y", "z 1", "ü"):
        versions = [s3.put_object(Bucket=bucket, Key=key, Body=b"x")["VersionId"]
                    for _ in range(3)]
        expected += [(key, version) for version in reversed(versions)]
    pages = {"PaginationConfig": {"PageSize": size}}
    assert [one[:2] for one in all_of(s3, bucket, **pages)] == expected
    assert [one[:2] for one in all_of(s3, bucket, Prefix="dir/", **pages)] == expected[3:9]
    seen, prefixes = [], []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Delimiter="/",
                                                                  **pages):
        seen += [(one["Key"], one["VersionId"]) for one in page.get("Versions", [])]
        prefixes += [one["Prefix"] for one in page.get("CommonPrefixes", [])]
    assert seen == expected[:3] + expected[9:] and prefixes == ["dir/"]
    cut = s3.list_object_versions(Bucket=bucket, MaxKeys=size)
    assert cut["IsTruncated"] == (size < 15) and ("NextKeyMarker" in cut) == (size < 15)
    assert code_of(s3.list_object_versions, Bucket=bucket, VersionIdMarker="v") == (
        400, "InvalidArgument")


def test_the_command_line(aws, s3, bucket):  # noqa: F811
    versioning(s3, bucket, "Enabled")
    s3.put_object(Bucket=bucket, Key="dir/k", Body=b"x")
    aws("s3", "rm", f"s3://{bucket}/dir/k")
    assert "dir/k" not in aws("s3", "ls", "--recursive", f"s3://{bucket}")
    told = json.loads(aws("s3api", "list-object-versions", "--bucket", bucket, "--prefix", "dir/"))
    assert [one["IsLatest"] for one in told["Versions"] + told["DeleteMarkers"]] == [False, True]
    one = told["Versions"][0]
    aws("s3api", "get-object", "--bucket", bucket, "--key", "dir/k", "--version-id",
        one["VersionId"], "/dev/null")
    words = aws("s3api", "list-object-versions", "--bucket", bucket, "--prefix", "dir/",
                "--max-keys", 1000, "--query", "[[IsTruncated], Versions[].Key][]", "--output", "text")
    assert words.split() == ["False", "dir/k"]


def test_versions_outlive_a_kill(tmp_path):
    from s3_process import S3Process
    process = S3Process(tmp_path / "data")
    try:
        s3 = make_client(process)
        where = {"Bucket": process.e["bucket"], "Key": "k"}
        s3.put_object(**where, Body=b"null")
        versioning(s3, where["Bucket"], "Enabled")
        for body in (b"one", b"two"):
            s3.put_object(**where, Body=body)
        s3.delete_object(**where)
        before = all_of(s3, where["Bucket"])
        assert len(before) == 4
        process.kill()
        process.start()
        s3 = make_client(process)
        assert all_of(s3, where["Bucket"]) == before
        assert s3.get_object(**where, VersionId=before[1][1])["Body"].read() == b"one"
        s3.delete_object(**where, VersionId=before[3][1])
        assert s3.get_object(**where)["Body"].read() == b"two"
    finally:
        process.stop()
