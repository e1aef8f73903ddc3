"""What any S3 server must agree to about Vesto's client. A class of tests, mixed in by each judge.

A judge gives: options (for the probe), s3 (a boto3 client, which reads what the probe wrote).
"""

import hashlib

import pytest

from s3_probe import Probe, body

# Keys that an encoder gets wrong: what is signed, sent, listed and deleted must be one and the same.
ODD_KEYS = [
    "plain.csv.gz",
    "a/b/c/0001/00001.csv.gz",
    "run=42/part-000+1 a.csv.gz",
    "percent%20and%2F",
    "ümlaut/ሴ.csv",
    "q?u=e&r#y;,:@$!*'()",
    "less<than>&amp;\"quote\"",
    "tilde~under_score",
]


class Judge:
    # How this server refuses a key that it does not know: our code, and what it said.
    unknown_key = ("AWS-KEY", "403 InvalidAccessKeyId")

    @pytest.fixture
    def probe(self, options):
        with Probe(**options) as probe:
            yield probe

    @pytest.mark.parametrize("size", [0, 1, 1000, 65_536, 9_000_000])
    def test_what_is_put_is_there(self, probe, s3, options, size):
        key = f"put/{size}"
        answer = probe.good("put", key=key, size=size, seed=3)
        stored = s3.get_object(Bucket=options["bucket"], Key=key)
        assert stored["Body"].read() == body(size, 3)
        assert answer["etag"] == stored["ETag"]
        assert answer["etag"].strip('"') == hashlib.md5(body(size, 3)).hexdigest()
        assert probe.good("head", key=key)["size"] == size

    def test_put_overwrites(self, probe, s3, options):
        probe.good("put", key="over", size=10, seed=1)
        probe.good("put", key="over", size=20, seed=2)
        assert s3.get_object(Bucket=options["bucket"], Key="over")["Body"].read() == body(20, 2)

    @pytest.mark.parametrize("key", ODD_KEYS)
    def test_odd_keys(self, probe, s3, options, key):
        name = "odd/" + key
        probe.good("put", key=name, size=7)
        assert s3.head_object(Bucket=options["bucket"], Key=name)["ContentLength"] == 7
        listed = probe.good("list", prefix="odd/")
        assert [entry["key"] for entry in listed["objects"]] == [name]
        probe.good("remove_many", keys=[name])
        assert probe.good("head", key=name)["size"] is None

    def test_head_and_remove_of_nothing(self, probe):
        assert probe.good("head", key="never/there")["size"] is None
        probe.good("remove", key="never/there")
        probe.good("remove_many", keys=["never/there", "nor/this"])

    def test_remove_takes_one(self, probe, s3, options):
        probe.good("put", key="one/a", size=1)
        probe.good("put", key="one/b", size=1)
        probe.good("remove", key="one/a")
        listed = s3.list_objects_v2(Bucket=options["bucket"], Prefix="one/")
        assert [entry["Key"] for entry in listed["Contents"]] == ["one/b"]

    def test_lists_go_over_pages_and_deletes_take_them(self, probe, s3, options):
        names = [f"many/{i:05}" for i in range(1_100)]
        for name in names:
            s3.put_object(Bucket=options["bucket"], Key=name, Body=b"")
        s3.put_object(Bucket=options["bucket"], Key="many-others", Body=b"x")
        listed = probe.good("list", prefix="many/")
        assert [entry["key"] for entry in listed["objects"]] == names
        assert listed["pages"] == 2
        assert all(entry["modified_ms"] > 1_600_000_000_000 for entry in listed["objects"])
        probe.good("remove_many", keys=names[:1000])
        probe.good("remove_many", keys=names[1000:])
        assert probe.good("list", prefix="many/")["objects"] == []
        assert probe.good("head", key="many-others")["size"] == 1

    def test_list_of_nothing(self, probe):
        assert probe.good("list", prefix="there/is/nothing/")["objects"] == []

    def test_wrong_secret(self, options):
        with Probe(**{**options, "secret_access_key": "not the secret at all"}) as probe:
            for do in ("put", "remove"):
                answer = probe.bad(do, key="x", size=1)
                assert answer["code"] == "AWS-KEY"
                assert answer["upstream"] == "403 SignatureDoesNotMatch"
            assert probe.bad("list", prefix="")["code"] == "AWS-KEY"
            assert probe.bad("remove_many", keys=["x"])["code"] == "AWS-KEY"
            assert probe.bad("head", key="x")["code"] == "S3-DENIED"  # HEAD has no body to tell

    def test_unknown_key(self, options):
        with Probe(**{**options, "access_key_id": "AKIAUNKNOWNUNKNOWN00"}) as probe:
            answer = probe.bad("put", key="x", size=1)
            assert (answer["code"], answer["upstream"]) == self.unknown_key

    def test_no_such_bucket(self, options):
        with Probe(**{**options, "bucket": "there-is-no-such-bucket"}) as probe:
            assert probe.bad("put", key="x", size=1)["code"] == "S3-NO-BUCKET"
            assert probe.bad("list", prefix="")["code"] == "S3-NO-BUCKET"
