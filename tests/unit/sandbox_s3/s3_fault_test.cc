// Faults as an S3 client meets them.
#include <gtest/gtest.h>

#include "s3_fixture.h"

namespace vesto::sandbox {
namespace {

class S3FaultTest : public S3Fixture {};

TEST_F(S3FaultTest, StatusAndCode) {
  fault(R"({"on": "s3.put", "nth": 2, "then": {"status": 503}})");
  EXPECT_EQ(put("/bucket/1", "x").status, 200);
  const Answer second = put("/bucket/2", "x");
  EXPECT_EQ(second.status, 503);
  EXPECT_EQ(second.element("Code"), "SlowDown");
  EXPECT_EQ(second.element("Message"), "Please reduce your request rate.");
  EXPECT_EQ(put("/bucket/3", "x").status, 200);
  EXPECT_EQ(get("/bucket/2").status, 404);
  fault(R"({"on": "s3.get", "then": {"status": 400, "code": "ExpiredToken"}})");
  EXPECT_EQ(get("/bucket/1").element("Code"), "ExpiredToken");
  EXPECT_EQ(get("/bucket/1").status, 200);
  EXPECT_EQ(faults_->counts().at("s3.put"), 3U);
}

TEST_F(S3FaultTest, MatchesTheKey) {
  fault(R"({"on": "s3.put", "match": "\\.gz$", "then": {"status": 500}})");
  EXPECT_EQ(put("/bucket/a.csv", "x").status, 200);
  EXPECT_EQ(put("/bucket/a.gz", "x").element("Code"), "InternalError");
}

TEST_F(S3FaultTest, AnUploadIsCut) {
  fault(R"({"on": "s3.put", "then": {"cut_after_bytes": 1000}})");
  EXPECT_EQ(put("/bucket/k", std::string(100000, 'x')).status, 0);
  EXPECT_EQ(get("/bucket/k").status, 404);
  EXPECT_EQ(put("/bucket/k", "x").status, 200);
}

TEST_F(S3FaultTest, AnAnswerIsTruncated) {
  put("/bucket/k", "x");
  fault(R"({"on": "s3.list", "then": {"cut_after_bytes": 100}})");
  const Answer list = get("/bucket?list-type=2");
  EXPECT_EQ(list.status, 200);
  EXPECT_EQ(list.body.size(), 100U);
  EXPECT_FALSE(list.whole);
  fault(R"({"on": "s3.get", "then": {"cut_after_bytes": 0}})");
  const Answer got = get("/bucket/k");
  EXPECT_EQ(got.status, 200);
  EXPECT_EQ(got.body, "");
  EXPECT_FALSE(got.whole);
}

TEST_F(S3FaultTest, Drops) {
  fault(R"({"on": "s3.put", "then": {"drop": "before"}})");
  EXPECT_EQ(put("/bucket/before", "x").status, 0);
  EXPECT_EQ(get("/bucket/before").status, 404);
  for (const char* when : {"during", "after"}) {
    fault(std::string(R"({"on": "s3.put", "match": ")") + when + R"(", "then": {"drop": ")" + when +
          R"("}})");
    EXPECT_EQ(put(std::string("/bucket/") + when, "x").status, 0) << when;
    EXPECT_EQ(get(std::string("/bucket/") + when).status, 200) << when;
  }
  fault(R"({"on": "s3.delete", "then": {"drop": "after"}})");
  EXPECT_EQ(ask({"DELETE", "/bucket/after", {}, "", "", "localhost"}).status, 0);
  EXPECT_EQ(get("/bucket/after").status, 404);
}

TEST_F(S3FaultTest, DeleteManyNamesItsKeys) {
  fault(R"({"on": "s3.delete", "match": "^second$|\nsecond", "then": {"status": 503}})");
  put("/bucket/second", "x");
  const std::string body =
      "<Delete><Object><Key>first</Key></Object><Object><Key>second</Key></Object></Delete>";
  Call call{"POST", "/bucket?delete", {{"x-amz-checksum-crc32", ""}}, body, "", "localhost"};
  const auto sum = make_checksum("crc32");
  sum->update(body);
  call.headers[0].second = base64_encode(sum->finish());
  EXPECT_EQ(ask(call).status, 503);
  EXPECT_EQ(ask(call).status, 200);
}

TEST_F(S3FaultTest, ADelayEndsWithTheServer) {
  fault(R"({"on": "s3.head", "then": {"delay_ms": 3600000}})");
  RawClient client(server_->port());
  client.send(signed_request(signer_, {"HEAD", "/bucket", {}, "", "", "localhost"}));
  while (faults_->counts().count("s3.head") == 0) {
    std::this_thread::yield();
  }
  server_->stop();
  EXPECT_TRUE(client.receive(true).status == 0 || client.at_end());
}

TEST_F(S3FaultTest, HeadAnswersCarryNoDocument) {
  fault(R"({"on": "s3.head", "then": {"status": 503}})");
  const Answer head = ask({"HEAD", "/bucket/k", {}, "", "", "localhost"});
  EXPECT_EQ(head.status, 503);
  EXPECT_EQ(head.header("content-length"), "0");
}

}  // namespace
}  // namespace vesto::sandbox
