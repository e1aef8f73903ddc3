// The S3 endpoint by its wire: operations, refusals, ranges, conditions, lists.
#include <gtest/gtest.h>

#include "base/clock.h"
#include "base/hash.h"
#include "s3_fixture.h"
#include "sandbox/s3/checksum.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {
namespace {

class S3ServerTest : public S3Fixture {};

std::string md5_header(const std::string& body) {
  const auto sum = make_checksum("md5");
  sum->update(body);
  return base64_encode(sum->finish());
}

TEST_F(S3ServerTest, PutGetHeadDelete) {
  const Answer put_answer =
      put("/bucket/a/b%20c", "hello", {{"content-type", "text/csv"}, {"x-amz-meta-who", "me"}});
  EXPECT_EQ(put_answer.status, 200);
  EXPECT_EQ(put_answer.header("etag"), "\"5d41402abc4b2a76b9719d911017c592\"");
  EXPECT_EQ(put_answer.header("x-amz-request-id").size(), 16U);
  EXPECT_NE(put_answer.header("x-amz-id-2"), "");
  const Answer got = get("/bucket/a/b%20c");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "hello");
  EXPECT_EQ(got.header("content-type"), "text/csv");
  EXPECT_EQ(got.header("x-amz-meta-who"), "me");
  EXPECT_EQ(got.header("server"), "AmazonS3");
  EXPECT_EQ(got.header("x-amz-checksum-crc64nvme"), "");
  EXPECT_NE(get("/bucket/a/b%20c", {{"x-amz-checksum-mode", "ENABLED"}})
                .header("x-amz-checksum-crc64nvme"),
            "");
  const Answer head = ask({"HEAD", "/bucket/a/b%20c", {}, "", "", "localhost"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("content-length"), "5");
  EXPECT_EQ(ask({"DELETE", "/bucket/a/b%20c", {}, "", "", "localhost"}).status, 204);
  EXPECT_EQ(ask({"DELETE", "/bucket/a/b%20c", {}, "", "", "localhost"}).status, 204);
  const Answer gone = get("/bucket/a/b%20c");
  EXPECT_EQ(gone.status, 404);
  EXPECT_EQ(gone.element("Code"), "NoSuchKey");
  EXPECT_EQ(gone.element("Message"), "The specified key does not exist.");
  EXPECT_EQ(gone.element("Key"), "a/b c");
  EXPECT_EQ(gone.element("Resource"), "/bucket/a/b c");
  EXPECT_EQ(gone.element("RequestId"), gone.header("x-amz-request-id"));
}

TEST_F(S3ServerTest, KeysAreNotNormalised) {
  for (const char* key : {"/bucket//a", "/bucket/a/../b", "/bucket/./a", "/bucket/a%2F%2Fb",
                          "/bucket/a+b", "/bucket/%C3%BC"}) {
    EXPECT_EQ(put(key, key).status, 200) << key;
  }
  for (const char* key : {"/bucket//a", "/bucket/a/../b", "/bucket/./a", "/bucket/a//b",
                          "/bucket/a%2Bb", "/bucket/%c3%bc"}) {
    EXPECT_EQ(get(key).status, 200) << key;
  }
  EXPECT_EQ(get("/bucket/a%2Bb").body, "/bucket/a+b");
  EXPECT_EQ(get("/bucket/b").status, 404);
  EXPECT_EQ(put("/bucket/" + std::string(1024, 'k'), "").status, 200);
  EXPECT_EQ(put("/bucket/" + std::string(1025, 'k'), "").element("Code"), "KeyTooLongError");
  EXPECT_EQ(put("/bucket/%FF", "").element("Code"), "InvalidURI");
}

TEST_F(S3ServerTest, VirtualHostStyle) {
  Call call{"PUT", "/k", {}, "virtual", "", "bucket.s3.localhost:1234"};
  EXPECT_EQ(ask(call).status, 200);
  EXPECT_EQ(get("/bucket/k").body, "virtual");
  call = {"GET", "/bucket/k", {}, "", "", "s3.localhost"};
  EXPECT_EQ(ask(call).body, "virtual");
  call = {"GET", "/k", {}, "", "", "bucket.s3.eu-west-1.localhost"};
  EXPECT_EQ(ask(call).body, "virtual");
  call = {"GET", "/bucket/k", {}, "", "", "127.0.0.1:9000"};
  EXPECT_EQ(ask(call).body, "virtual");
}

TEST_F(S3ServerTest, RefusesForgedRequests) {
  put("/bucket/k", "secret text");
  const auto code = [&](const Signer& signer) {
    const Answer answer = ask(signer, {"GET", "/bucket/k", {}, "", "", "localhost"});
    EXPECT_EQ(answer.body.find("secret text"), std::string::npos);
    return std::to_string(answer.status) + " " + answer.element("Code");
  };
  Signer signer = signer_;
  signer.secret = "wrong";
  EXPECT_EQ(code(signer), "403 SignatureDoesNotMatch");
  signer = signer_;
  signer.id = "AKIDOTHER";
  EXPECT_EQ(code(signer), "403 InvalidAccessKeyId");
  signer = signer_;
  signer.time_ms = system_clock().wall_ms() - 3'600'000;
  EXPECT_EQ(code(signer), "403 RequestTimeTooSkewed");
  signer = signer_;
  signer.region = "us-east-1";
  EXPECT_EQ(code(signer), "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(code({"ASIATEMP", "other", "", "eu-west-1", 0}), "403 InvalidAccessKeyId");
  EXPECT_EQ(code({"ASIATEMP", "other", "no", "eu-west-1", 0}), "400 InvalidToken");
  const Answer temporary = ask(Signer{"ASIATEMP", "other", "token", "eu-west-1", 0},
                               {"GET", "/bucket/k", {}, "", "", "localhost"});
  EXPECT_EQ(temporary.body, "secret text");
  const Answer anonymous = ask_raw("GET /bucket/k HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_EQ(anonymous.status, 403);
  EXPECT_EQ(anonymous.element("Code"), "AccessDenied");
  EXPECT_EQ(anonymous.element("Message"), "Access Denied");
}

TEST_F(S3ServerTest, ATamperedBodyIsNotStored) {
  put("/bucket/k", "before");
  std::string bytes = signed_request(signer_, {"PUT", "/bucket/k", {}, "hello", "", "localhost"});
  bytes.replace(bytes.size() - 5, 5, "hellO");
  const Answer answer = ask_raw(bytes);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(answer.element("Code"), "XAmzContentSHA256Mismatch");
  EXPECT_EQ(answer.element("ClientComputedContentSHA256"), sha256_hex("hello"));
  EXPECT_EQ(get("/bucket/k").body, "before");
  const Answer sum = put("/bucket/k", "hello", {{"x-amz-checksum-crc32c", "AAAAAA=="}});
  EXPECT_EQ(sum.element("Code"), "BadDigest");
  EXPECT_EQ(get("/bucket/k").body, "before");
  const Answer good = put("/bucket/k", "hello world", {{"x-amz-checksum-crc32c", "yZRlqg=="}});
  EXPECT_EQ(good.header("x-amz-checksum-crc32c"), "yZRlqg==");
}

TEST_F(S3ServerTest, AnUploadThatEndsEarlyIsNotStored) {
  const std::string bytes =
      signed_request(signer_, {"PUT", "/bucket/k", {}, std::string(1000, 'x'), "", "localhost"});
  RawClient client(server_->port());
  client.send(bytes.substr(0, bytes.size() - 1));
  client.end_sending();
  EXPECT_EQ(client.receive().element("Code"), "IncompleteBody");
  EXPECT_EQ(get("/bucket/k").status, 404);
}

TEST_F(S3ServerTest, Ranges) {
  put("/bucket/k", "0123456789");
  const auto range = [&](const std::string& text) { return get("/bucket/k", {{"range", text}}); };
  const Answer part = range("bytes=2-4");
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "234");
  EXPECT_EQ(part.header("content-range"), "bytes 2-4/10");
  EXPECT_EQ(range("bytes=7-").body, "789");
  EXPECT_EQ(range("bytes=-2").body, "89");
  EXPECT_EQ(range("bytes=5-100").body, "56789");
  EXPECT_EQ(range("nonsense").body, "0123456789");
  const Answer beyond = range("bytes=10-");
  EXPECT_EQ(beyond.status, 416);
  EXPECT_EQ(beyond.element("Code"), "InvalidRange");
  EXPECT_EQ(beyond.element("ActualObjectSize"), "10");
  const Answer head = ask({"HEAD", "/bucket/k", {{"range", "bytes=0-0"}}, "", "", "localhost"});
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.header("content-length"), "1");
}

TEST_F(S3ServerTest, ReadConditions) {
  const std::string etag = put("/bucket/k", "x").header("etag");
  const std::string modified = get("/bucket/k").header("last-modified");
  const auto status = [&](const std::string& name, const std::string& value) {
    return get("/bucket/k", {{name, value}}).status;
  };
  EXPECT_EQ(status("if-match", etag), 200);
  EXPECT_EQ(status("if-match", "\"0\", *"), 200);
  EXPECT_EQ(status("if-match", "\"0\""), 412);
  EXPECT_EQ(status("if-none-match", etag), 304);
  EXPECT_EQ(status("if-none-match", "\"0\""), 200);
  EXPECT_EQ(status("if-modified-since", modified), 304);
  EXPECT_EQ(status("if-modified-since", "Fri, 24 May 2013 00:00:00 GMT"), 200);
  EXPECT_EQ(status("if-unmodified-since", modified), 200);
  EXPECT_EQ(status("if-unmodified-since", "Fri, 24 May 2013 00:00:00 GMT"), 412);
  EXPECT_EQ(status("if-modified-since", "yesterday"), 200);
}

TEST_F(S3ServerTest, WriteConditions) {
  EXPECT_EQ(put("/bucket/k", "1", {{"if-none-match", "*"}}).status, 200);
  const Answer second = put("/bucket/k", "2", {{"if-none-match", "*"}});
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(second.element("Code"), "PreconditionFailed");
  EXPECT_EQ(second.element("Condition"), "If-None-Match");
  EXPECT_EQ(get("/bucket/k").body, "1");
  const std::string etag = get("/bucket/k").header("etag");
  EXPECT_EQ(put("/bucket/k", "3", {{"if-match", etag}}).status, 200);
  EXPECT_EQ(put("/bucket/k", "4", {{"if-match", etag}}).status, 412);
  EXPECT_EQ(put("/bucket/k", "5", {{"if-none-match", etag}}).status, 501);
}

TEST_F(S3ServerTest, HeadersThatAreRefused) {
  const auto code = [&](const std::string& name, const std::string& value) {
    return put("/bucket/k", "x", {{name, value}}).element("Code");
  };
  EXPECT_EQ(code("x-amz-acl", "private"), "AccessControlListNotSupported");
  EXPECT_EQ(code("x-amz-grant-read", "id=1"), "AccessControlListNotSupported");
  EXPECT_EQ(code("x-amz-acl", "bucket-owner-full-control"), "");
  EXPECT_EQ(code("x-amz-tagging", "a=b"), "NotImplemented");
  EXPECT_EQ(code("x-amz-server-side-encryption", "aws:kms"), "NotImplemented");
  EXPECT_EQ(code("x-amz-server-side-encryption-customer-key", "k"), "NotImplemented");
  EXPECT_EQ(code("x-amz-storage-class", "GLACIER"), "InvalidStorageClass");
  EXPECT_EQ(code("x-amz-meta-a", std::string(2100, 'a')), "MetadataTooLarge");
  EXPECT_EQ(ask({"PUT", "/bucket/k?acl", {}, "", "", "localhost"}).element("Code"),
            "AccessControlListNotSupported");
  EXPECT_EQ(get("/bucket?website").element("Code"), "NotImplemented");
  EXPECT_EQ(get("/bucket?policy").element("Code"), "NoSuchBucketPolicy");
}

TEST_F(S3ServerTest, Lists) {
  for (const char* key : {"a", "b/1", "b/2", "c%20d", "%C3%BC"})
    put(std::string("/bucket/") + key, "");
  const Answer all = get("/bucket?list-type=2");
  EXPECT_EQ(all.element("KeyCount"), "5");
  EXPECT_EQ(all.element("IsTruncated"), "false");
  EXPECT_EQ(all.element("Name"), "bucket");
  const Answer page = get("/bucket?list-type=2&max-keys=2");
  EXPECT_EQ(page.element("IsTruncated"), "true");
  EXPECT_EQ(page.element("Key"), "a");
  const std::string token = page.element("NextContinuationToken");
  ASSERT_NE(token, "");
  const Answer rest = get("/bucket?list-type=2&continuation-token=" + percent_encode(token, false));
  EXPECT_EQ(rest.element("Key"), "b/2");
  EXPECT_EQ(rest.element("KeyCount"), "3");
  EXPECT_EQ(get("/bucket?list-type=2&start-after=b/2").element("Key"), "c d");
  const Answer folders = get("/bucket?list-type=2&delimiter=/&encoding-type=url");
  EXPECT_EQ(folders.element("CommonPrefixes"), "<Prefix>b/</Prefix>");
  EXPECT_NE(folders.body.find("<Key>%C3%BC</Key>"), std::string::npos);
  EXPECT_NE(folders.body.find("<Key>c%20d</Key>"), std::string::npos);
  EXPECT_EQ(get("/bucket?list-type=2&max-keys=x").element("Code"), "InvalidArgument");
  EXPECT_EQ(get("/bucket?list-type=2&continuation-token=!").element("Code"), "InvalidArgument");
  EXPECT_EQ(get("/none?list-type=2").element("Code"), "NoSuchBucket");
}

TEST_F(S3ServerTest, ListsOfTheFirstVersion) {
  for (const char* key : {"a", "b/1", "b/2", "c"}) put(std::string("/bucket/") + key, "");
  EXPECT_EQ(get("/bucket?marker=a").element("Key"), "b/1");
  const Answer page = get("/bucket?delimiter=/&max-keys=2");
  EXPECT_EQ(page.element("NextMarker"), "b/");
  const Answer next = get("/bucket?delimiter=/&marker=b/");
  EXPECT_EQ(next.element("Key"), "c");
  EXPECT_EQ(next.element("CommonPrefixes"), "");
  EXPECT_EQ(get("/bucket?max-keys=1").element("NextMarker"), "");
}

TEST_F(S3ServerTest, DeleteObjects) {
  for (const char* key : {"a", "b"}) put(std::string("/bucket/") + key, "");
  const std::string body =
      "<Delete><Object><Key>a</Key></Object><Object><Key>none</Key></Object></Delete>";
  const Call call{"POST", "/bucket?delete", {{"content-md5", md5_header(body)}}, body,
                  "",     "localhost"};
  const Answer done = ask(call);
  EXPECT_EQ(done.status, 200);
  EXPECT_NE(done.body.find("<Deleted><Key>a</Key></Deleted><Deleted><Key>none</Key></Deleted>"),
            std::string::npos);
  EXPECT_EQ(store_->object_count(), 1U);
  Call without = call;
  without.headers.clear();
  EXPECT_EQ(ask(without).element("Code"), "InvalidRequest");
  Call wrong = call;
  wrong.headers[0].second = md5_header("x");
  EXPECT_EQ(ask(wrong).element("Code"), "BadDigest");
}

TEST_F(S3ServerTest, Buckets) {
  const Answer head = ask({"HEAD", "/bucket", {}, "", "", "localhost"});
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.header("x-amz-bucket-region"), "eu-west-1");
  EXPECT_EQ(ask({"HEAD", "/none", {}, "", "", "localhost"}).status, 404);
  EXPECT_NE(get("/bucket?location").body.find("<LocationConstraint>eu-west-1<"), std::string::npos);
  EXPECT_NE(get("/").body.find("<Name>bucket</Name>"), std::string::npos);
  const std::string here =
      "<CreateBucketConfiguration><LocationConstraint>eu-west-1</LocationConstraint>"
      "</CreateBucketConfiguration>";
  EXPECT_EQ(put("/second", here).status, 200);
  EXPECT_EQ(put("/second", here).element("Code"), "BucketAlreadyOwnedByYou");
  EXPECT_EQ(put("/third", "").element("Code"), "IllegalLocationConstraintException");
  EXPECT_EQ(put("/X", here).element("Code"), "InvalidBucketName");
  EXPECT_EQ(ask({"DELETE", "/second", {}, "", "", "localhost"}).status, 204);
}

TEST_F(S3ServerTest, WrongRegionIsTold) {
  // Known even where the caller may not ask: the header is in every such answer.
  Signer signer = signer_;
  signer.region = "us-east-1";
  const Answer head = ask(signer, {"HEAD", "/bucket", {}, "", "", "localhost"});
  EXPECT_EQ(head.status, 400);
  EXPECT_EQ(head.header("x-amz-bucket-region"), "eu-west-1");
  const Answer moved = ask(signer, {"GET", "/k", {}, "", "", "bucket.s3.us-east-1.localhost"});
  EXPECT_EQ(moved.status, 301);
  EXPECT_EQ(moved.element("Code"), "PermanentRedirect");
  EXPECT_EQ(moved.element("Endpoint"), "bucket.s3-eu-west-1.amazonaws.com");
  EXPECT_EQ(moved.header("x-amz-bucket-region"), "eu-west-1");
}

TEST_F(S3ServerTest, ABucketThatIsNotThereIsInNoRegion) {
  Signer signer = signer_;
  signer.region = "us-east-1";
  const auto code = [&](const Call& call) {
    const Answer answer = ask(signer, call);
    return std::to_string(answer.status) + " " + answer.element("Code");
  };
  const Answer head = ask(signer, {"HEAD", "/none", {}, "", "", "localhost"});
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.header("x-amz-bucket-region"), "");
  EXPECT_EQ(code({"GET", "/none?list-type=2", {}, "", "", "localhost"}), "404 NoSuchBucket");
  EXPECT_EQ(code({"GET", "/none/k", {}, "", "", "localhost"}), "404 NoSuchBucket");
  EXPECT_EQ(code({"DELETE", "/none/k", {}, "", "", "localhost"}), "404 NoSuchBucket");
  EXPECT_EQ(code({"PUT", "/none/k", {}, "x", "", "localhost"}), "404 NoSuchBucket");
  EXPECT_EQ(code({"GET", "/k", {}, "", "", "none.s3.us-east-1.localhost"}), "404 NoSuchBucket");
  // An endpoint with a region takes signatures for its own, buckets or not; one that is made is
  // made in the endpoint's.
  EXPECT_EQ(code({"GET", "/k", {}, "", "", "none.s3.eu-west-1.localhost"}),
            "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(code({"PUT", "/none", {}, "", "", "localhost"}), "400 AuthorizationHeaderMalformed");
  EXPECT_EQ(code({"GET", "/", {}, "", "", "localhost"}), "400 AuthorizationHeaderMalformed");
  for (const char* region : {"", "x", "us-east", "US-EAST-1", "us--1", "us-east-1/"}) {
    signer.region = region;
    EXPECT_EQ(ask(signer, {"GET", "/none/k", {}, "", "", "localhost"}).status, 400) << region;
  }
  signer.region = "us-east-1";
  signer.secret = "wrong";
  EXPECT_EQ(code({"GET", "/none/k", {}, "", "", "localhost"}), "403 SignatureDoesNotMatch");
}

TEST_F(S3ServerTest, KeysThatXmlCannotHold) {
  put("/bucket/a%01b", "");
  EXPECT_NE(get("/bucket?list-type=2&encoding-type=url").body.find("<Key>a%01b</Key>"),
            std::string::npos);
  // As S3 does it: a reference that readers of XML 1.0 refuse.
  EXPECT_NE(get("/bucket?list-type=2").body.find("<Key>a&#x1;b</Key>"), std::string::npos);
  // And it takes none: neither the byte itself nor a reference to it.
  const auto remove = [&](const std::string& key) {
    const std::string body = "<Delete><Object><Key>" + key + "</Key></Object></Delete>";
    return ask({"POST",
                "/bucket?delete",
                {{"content-md5", md5_header(body)}},
                body,
                "",
                "localhost"})
        .element("Code");
  };
  for (const char* key :
       {"a\x01"
        "b",
        "a&#x1;b", "a&#1;b", "a&#x;b", "a&#xd800;b", "a&#xffff;b", "a&#99999999999;b", "a&#x1"}) {
    EXPECT_EQ(remove(key), "MalformedXML") << key;
  }
  EXPECT_EQ(store_->object_count(), 1U);
  put("/bucket/a%0Ab", "");
  EXPECT_EQ(remove("a&#xA;b"), "");
  EXPECT_EQ(store_->object_count(), 1U);
}

TEST_F(S3ServerTest, Copy) {
  put("/bucket/a%2Bb", "body", {{"content-type", "text/csv"}});
  const auto copy = [&](const std::string& source, const std::string& target) {
    return put(target, "", {{"x-amz-copy-source", source}});
  };
  EXPECT_EQ(copy("/bucket/a%2Bb", "/bucket/copy").status, 200);
  EXPECT_EQ(get("/bucket/copy").body, "body");
  EXPECT_EQ(get("/bucket/copy").header("content-type"), "text/csv");
  EXPECT_EQ(copy("bucket/none", "/bucket/copy").element("Code"), "NoSuchKey");
  EXPECT_EQ(copy("bucket/copy", "/bucket/copy").element("Code"), "InvalidRequest");
  EXPECT_EQ(copy("bucket", "/bucket/copy").element("Code"), "InvalidArgument");
}

TEST_F(S3ServerTest, UnknownMethodsAndResources) {
  EXPECT_EQ(ask({"PATCH", "/bucket/k", {}, "", "", "localhost"}).status, 405);
  EXPECT_EQ(ask({"DELETE", "/", {}, "", "", "localhost"}).status, 405);
  EXPECT_EQ(ask({"POST", "/bucket/k", {}, "", "", "localhost"}).status, 501);
  EXPECT_EQ(get("/bucket/k?versionId=abc").status, 400);
  EXPECT_EQ(get("/bucket/k?versions").status, 501);
}

}  // namespace
}  // namespace vesto::sandbox
