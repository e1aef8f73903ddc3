"""boto3 against the sandbox's S3. Here botocore signs by itself, in Python; in test_awscli.py AWS's
C library does (it is taken where the package awscrt is installed)."""

import datetime
import hashlib
import io
import os
import socket
import time
import urllib.error
import urllib.request

import pytest

os.environ["BOTO_DISABLE_CRT"] = "true"  # read at import
boto3 = pytest.importorskip("boto3")

from botocore.config import Config  # noqa: E402
from botocore.exceptions import (ClientError, ConnectionClosedError,  # noqa: E402
                                 EndpointConnectionError, HTTPClientError,
                                 ResponseStreamingError, SSLError)

CUT = (ConnectionClosedError, EndpointConnectionError, HTTPClientError, SSLError)


def make_client(server, attempts=1, url=None, **changes):
    e = server.e
    style = changes.pop("addressing_style", "auto")
    options = {"endpoint_url": url or e["url"], "region_name": e["region"],
               "aws_access_key_id": e["access_key_id"],
               "aws_secret_access_key": e["secret_access_key"],
               "verify": e["ca_file"] or None}
    options.update(changes)
    return boto3.client("s3", config=Config(
        retries={"total_max_attempts": attempts, "mode": "standard"}, signature_version="s3v4",
        s3={"addressing_style": style}), **options)


@pytest.fixture
def s3(server):
    return make_client(server)


@pytest.fixture
def bucket(server):
    return server.e["bucket"]


def code_of(call, **arguments):
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPHeaders"]["x-amz-request-id"]
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]


def opener(server):
    import ssl
    context = ssl.create_default_context(cafile=server.e["ca_file"]) if server.e["ca_file"] else None
    return lambda request: urllib.request.urlopen(request, timeout=30, context=context)


KEYS = ["simple", "with space", "a+b&c=d?e#f", "ünïcødé/日本", "(par)'quote\"*!~", "a//b/../c/./d",
        "%41%2F", "back\\slash", "tab\tnew\nline", "x" * 900]


@pytest.mark.parametrize("key", KEYS)
def test_any_key(s3, bucket, prefix, key):
    body = ("body of " + key).encode()
    put = s3.put_object(Bucket=bucket, Key=prefix + key, Body=body, ContentType="text/plain",
                        Metadata={"who": "me", "two": "a b"})
    assert put["ChecksumCRC32"]
    got = s3.get_object(Bucket=bucket, Key=prefix + key)
    assert got["Body"].read() == body
    assert got["ContentType"] == "text/plain" and got["Metadata"] == {"who": "me", "two": "a b"}
    head = s3.head_object(Bucket=bucket, Key=prefix + key, ChecksumMode="ENABLED")
    assert head["ContentLength"] == len(body) and head["ETag"] == put["ETag"]
    assert head["ChecksumCRC32"] == put["ChecksumCRC32"]
    assert abs(head["LastModified"] - datetime.datetime.now(datetime.timezone.utc)
               ) < datetime.timedelta(minutes=5)
    listed = s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]
    assert [o["Key"] for o in listed] == [prefix + key] and listed[0]["Size"] == len(body)
    s3.delete_object(Bucket=bucket, Key=prefix + key)
    assert code_of(s3.get_object, Bucket=bucket, Key=prefix + key) == (404, "NoSuchKey")
    assert code_of(s3.head_object, Bucket=bucket, Key=prefix + key) == (404, "404")


@pytest.mark.parametrize("algorithm", ["CRC32", "SHA1", "SHA256"])
def test_checksums(s3, bucket, prefix, algorithm):
    put = s3.put_object(Bucket=bucket, Key=prefix + "k", Body=b"123456789",
                        ChecksumAlgorithm=algorithm)
    assert put["Checksum" + algorithm]
    assert s3.get_object(Bucket=bucket, Key=prefix + "k")["Body"].read() == b"123456789"
    wrong = {"ChecksumSHA256": hashlib.sha256(b"other").digest().hex()[:43] + "="}
    assert code_of(s3.put_object, Bucket=bucket, Key=prefix + "k", Body=b"1", **wrong)[0] == 400


def test_multipart_and_ranges(s3, bucket, prefix, large_file):
    data = large_file.read_bytes()
    key = prefix + "large"
    s3.upload_file(str(large_file), bucket, key)
    assert s3.head_object(Bucket=bucket, Key=key)["ETag"].endswith('-9"')  # 8 MiB parts
    whole = io.BytesIO()
    s3.download_fileobj(bucket, key, whole)
    assert whole.getvalue() == data
    for text, expected in [("bytes=0-9", data[:10]), ("bytes=1000000-1000004", data[1000000:1000005]),
                           ("bytes=-7", data[-7:]), (f"bytes={len(data) - 1}-", data[-1:])]:
        got = s3.get_object(Bucket=bucket, Key=key, Range=text)
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206 and got["Body"].read() == expected
    assert code_of(s3.get_object, Bucket=bucket, Key=key, Range=f"bytes={len(data)}-") == (
        416, "InvalidRange")
    s3.put_object(Bucket=bucket, Key=key, Body=data)  # the same in one request
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == data
    s3.delete_object(Bucket=bucket, Key=key)


def test_multipart_by_hand(s3, bucket, prefix, server):
    key = prefix + "mp"
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key, ContentType="text/csv")["UploadId"]
    name = {"Bucket": bucket, "Key": key, "UploadId": upload}
    first = s3.upload_part(**name, PartNumber=1, Body=b"a" * (5 << 20))
    small = s3.upload_part(**name, PartNumber=2, Body=b"b")
    last = s3.upload_part(**name, PartNumber=3, Body=b"c")
    assert [p["Size"] for p in s3.list_parts(**name)["Parts"]] == [5 << 20, 1, 1]
    assert upload in [u["UploadId"] for u in
                      s3.list_multipart_uploads(Bucket=bucket, Prefix=prefix)["Uploads"]]
    parts = [{"PartNumber": n, "ETag": p["ETag"]} for n, p in ((1, first), (2, small), (3, last))]
    assert code_of(s3.complete_multipart_upload, **name,
                   MultipartUpload={"Parts": parts}) == (400, "EntityTooSmall")
    done = s3.complete_multipart_upload(**name, MultipartUpload={"Parts": [parts[0], parts[2]]})
    assert done["ETag"].endswith('-2"')
    got = s3.get_object(Bucket=bucket, Key=key)
    assert got["Body"].read() == b"a" * (5 << 20) + b"c" and got["ContentType"] == "text/csv"
    upload = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    assert server.left()["uploads"] == 1
    s3.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload)
    assert server.left()["uploads"] == 0
    assert code_of(s3.list_parts, Bucket=bucket, Key=key, UploadId=upload) == (404, "NoSuchUpload")


def test_lists_of_many_keys_and_delete_many(s3, bucket, prefix):
    keys = [f"{prefix}{n % 5}/{n:05}" for n in range(1200)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    for version in ("list_objects_v2", "list_objects"):
        pages = list(s3.get_paginator(version).paginate(Bucket=bucket, Prefix=prefix))
        assert len(pages) == 2
        assert [o["Key"] for page in pages for o in page["Contents"]] == sorted(keys)
        pages = s3.get_paginator(version).paginate(
            Bucket=bucket, Prefix=prefix, Delimiter="/", PaginationConfig={"PageSize": 2})
        assert [p["Prefix"] for page in pages for p in page.get("CommonPrefixes", [])] == [
            f"{prefix}{n}/" for n in range(5)]
    after = s3.list_objects_v2(Bucket=bucket, Prefix=prefix, StartAfter=f"{prefix}4/01194")
    assert [o["Key"] for o in after["Contents"]] == [f"{prefix}4/01199"]
    for at in range(0, len(keys), 1000):
        deleted = s3.delete_objects(Bucket=bucket, Delete={
            "Objects": [{"Key": key} for key in keys[at:at + 1000]]})
        assert "Errors" not in deleted and len(deleted["Deleted"]) == len(keys[at:at + 1000])
    assert s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 0
    many = [{"Key": str(n)} for n in range(1001)]
    assert code_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": many}) == (400,
                                                                                "MalformedXML")


def test_presigned(server, s3, bucket, prefix):
    urlopen = opener(server)
    where = {"Bucket": bucket, "Key": prefix + "a b"}
    put = s3.generate_presigned_url("put_object", Params=where, ExpiresIn=300)
    with urlopen(urllib.request.Request(put, data=b"hello", method="PUT")) as answer:
        assert answer.status == 200
    get = s3.generate_presigned_url(
        "get_object", Params={**where, "ResponseContentType": "text/x"}, ExpiresIn=300)
    with urlopen(get) as answer:
        assert answer.read() == b"hello" and answer.headers["Content-Type"] == "text/x"
    for broken in (get.replace("a%20b", "a%20c"), get.replace("Expires=300", "Expires=301")):
        with pytest.raises(urllib.error.HTTPError) as caught:
            urlopen(broken)
        assert caught.value.code == 403 and b"SignatureDoesNotMatch" in caught.value.read()
    past = s3.generate_presigned_url("get_object", Params=where, ExpiresIn=1)
    end = time.monotonic() + 10
    while True:  # it has expired once the server's clock shows the next second
        try:
            with urlopen(past) as answer:
                answer.read()
        except urllib.error.HTTPError as error:
            assert error.code == 403 and b"Request has expired" in error.read()
            break
        assert time.monotonic() < end


def test_virtual_host_style(server, bucket, prefix, monkeypatch):
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *rest, **more: real(
        "127.0.0.1" if str(host).endswith("s3.localhost") else host, *rest, **more))
    url = server.e["url"].replace("localhost", "s3.localhost")
    s3 = make_client(server, url=url, addressing_style="virtual")
    s3.put_object(Bucket=bucket, Key=prefix + "v h", Body=b"virtual")
    assert s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["KeyCount"] == 1
    assert make_client(server).get_object(Bucket=bucket, Key=prefix + "v h")["Body"].read() == (
        b"virtual")


def test_conditions(s3, bucket, prefix):
    where = {"Bucket": bucket, "Key": prefix + "k"}
    etag = s3.put_object(**where, Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, **where, Body=b"2", IfNoneMatch="*") == (412, "PreconditionFailed")
    s3.put_object(**where, Body=b"2", IfMatch=etag)
    assert code_of(s3.put_object, **where, Body=b"3", IfMatch=etag) == (412, "PreconditionFailed")
    assert code_of(s3.get_object, **where, IfMatch=etag) == (412, "PreconditionFailed")
    etag = s3.head_object(**where)["ETag"]
    assert code_of(s3.get_object, **where, IfNoneMatch=etag) == (304, "304")
    assert s3.get_object(**where)["Body"].read() == b"2"


def test_copy(s3, bucket, prefix):
    s3.put_object(Bucket=bucket, Key=prefix + "a+b ü", Body=b"x", Metadata={"m": "1"})
    s3.copy_object(Bucket=bucket, Key=prefix + "to",
                   CopySource={"Bucket": bucket, "Key": prefix + "a+b ü"})
    got = s3.get_object(Bucket=bucket, Key=prefix + "to")
    assert got["Body"].read() == b"x" and got["Metadata"] == {"m": "1"}


def test_buckets(s3, server, bucket):
    assert bucket in [b["Name"] for b in s3.list_buckets()["Buckets"]]
    head = s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPHeaders"]
    assert head["x-amz-bucket-region"] == server.e["region"]
    assert s3.get_bucket_location(Bucket=bucket)["LocationConstraint"] == server.e["region"]
    here = {"CreateBucketConfiguration": {"LocationConstraint": server.e["region"]}}
    s3.create_bucket(Bucket="second-bucket", **here)
    assert code_of(s3.create_bucket, Bucket="second-bucket", **here) == (
        409, "BucketAlreadyOwnedByYou")
    s3.delete_bucket(Bucket="second-bucket")
    assert code_of(s3.head_bucket, Bucket="second-bucket") == (404, "404")
    assert code_of(s3.list_objects_v2, Bucket="second-bucket") == (404, "NoSuchBucket")


def test_refusals(server, bucket, prefix):
    get = {"Bucket": bucket, "Key": prefix + "k"}
    make_client(server).put_object(**get, Body=b"x")
    for changes, expected in [
            ({"aws_secret_access_key": "wrong"}, (403, "SignatureDoesNotMatch")),
            ({"aws_access_key_id": "AKIAOTHER"}, (403, "InvalidAccessKeyId")),
            ({"aws_session_token": "token"}, (400, "InvalidToken"))]:
        assert code_of(make_client(server, **changes).get_object, **get) == expected
    # The client learns the right region from the refusal and repeats.
    assert make_client(server, attempts=3, region_name="us-east-1").get_object(**get)["Body"].read()
    assert code_of(make_client(server).put_object, **get, Body=b"x", ACL="public-read") == (
        400, "AccessControlListNotSupported")
    assert code_of(make_client(server).put_object, **get, Body=b"x", Tagging="a=b") == (
        501, "NotImplemented")


def test_skewed_clock(server, bucket, monkeypatch):
    import botocore.auth
    s3 = make_client(server)

    def late(*_, **__):
        now = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
        return now.replace(tzinfo=None)

    monkeypatch.setattr(botocore.auth, "get_current_datetime", late)
    assert code_of(s3.list_objects_v2, Bucket=bucket) == (403, "RequestTimeTooSkewed")


def test_faults(server, bucket, prefix):
    where = {"Bucket": bucket, "Key": prefix + "k"}
    once = make_client(server)
    server.fault("s3.put", {"status": 503, "code": "SlowDown"}, match=prefix)
    assert code_of(once.put_object, **where, Body=b"x") == (503, "SlowDown")
    server.fault("s3.put", {"status": 500}, match=prefix, count=2)
    make_client(server, attempts=4).put_object(**where, Body=b"x")  # repeated by the client
    server.fault("s3.put", {"cut_after_bytes": 65536}, match=prefix)
    with pytest.raises(CUT):
        once.put_object(**where, Body=b"x" * 5_000_000)
    assert once.get_object(**where)["Body"].read() == b"x"
    server.fault("s3.get", {"cut_after_bytes": 1000}, match=prefix)
    once.put_object(**where, Body=b"y" * 100_000)
    with pytest.raises(Exception) as caught:
        once.get_object(**where)["Body"].read()
    assert isinstance(caught.value, (ResponseStreamingError, HTTPClientError)) or (
        "IncompleteRead" in type(caught.value).__name__ + str(caught.value))
    server.fault("s3.delete", {"drop": "after"}, match=prefix)
    with pytest.raises(CUT):
        once.delete_object(**where)
    assert code_of(once.get_object, **where) == (404, "NoSuchKey")
    assert server.control("GET", "/v1/calls")["s3.put"] >= 5


def test_objects_outlive_a_kill(tmp_path):
    from s3_process import S3Process
    process = S3Process(tmp_path / "data")
    try:
        s3 = make_client(process)
        s3.put_object(Bucket=process.e["bucket"], Key="k", Body=b"body", Metadata={"a": "b"})
        upload = s3.create_multipart_upload(Bucket=process.e["bucket"], Key="mp")["UploadId"]
        part = s3.upload_part(Bucket=process.e["bucket"], Key="mp", UploadId=upload, PartNumber=1,
                              Body=b"part")
        keys = process.e["access_key_id"], process.e["secret_access_key"]
        process.kill()
        process.start()
        assert keys == (process.e["access_key_id"], process.e["secret_access_key"])
        s3 = make_client(process)
        got = s3.get_object(Bucket=process.e["bucket"], Key="k")
        assert got["Body"].read() == b"body" and got["Metadata"] == {"a": "b"}
        s3.complete_multipart_upload(Bucket=process.e["bucket"], Key="mp", UploadId=upload,
                                     MultipartUpload={"Parts": [{"PartNumber": 1,
                                                                 "ETag": part["ETag"]}]})
        assert s3.get_object(Bucket=process.e["bucket"], Key="mp")["Body"].read() == b"part"
        assert process.left() == {"objects": 2, "uploads": 0, "tables": 0, "sessions": 0}
    finally:
        process.stop()
