// Multipart uploads by their wire, and aws-chunked bodies.
#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/strings.h"
#include "s3_fixture.h"

namespace vesto::sandbox {
namespace {

class S3MultipartTest : public S3Fixture {
 protected:
  Answer post(const std::string& target, const std::string& body,
              const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    return ask({"POST", target, headers, body, "", "localhost"});
  }
  std::string create(const std::vector<std::pair<std::string, std::string>>& headers = {}) {
    const Answer answer = post("/bucket/big?uploads", "", headers);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.element("UploadId");
  }
  static std::string list_of(const std::vector<std::string>& etags) {
    std::string body = "<CompleteMultipartUpload>";
    for (size_t i = 0; i < etags.size(); ++i) {
      body += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" + etags[i] +
              "</ETag></Part>";
    }
    return body + "</CompleteMultipartUpload>";
  }
};

TEST_F(S3MultipartTest, WholeWay) {
  const std::string id = create({{"content-type", "text/csv"}});
  const std::string target = "/bucket/big?uploadId=" + id;
  const std::string first(5U << 20U, 'a');
  const Answer one = put(target + "&partNumber=1", first);
  EXPECT_EQ(one.status, 200);
  const Answer two = put(target + "&partNumber=2", "end");
  const Answer parts = get(target);
  EXPECT_EQ(parts.element("Size"), std::to_string(first.size()));
  EXPECT_EQ(parts.element("ETag"), replace_all(one.header("etag"), "\"", "&quot;"));
  const Answer paged = get(target + "&max-parts=1");
  EXPECT_EQ(paged.element("NextPartNumberMarker"), "1");
  EXPECT_EQ(get(target + "&part-number-marker=1").element("Size"), "3");
  EXPECT_EQ(get("/bucket?uploads").element("UploadId"), id);
  EXPECT_EQ(get("/bucket/big").status, 404);
  const Answer done = post(target, list_of({one.header("etag"), two.header("etag")}));
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(done.element("ETag").substr(38), "-2&quot;");
  const Answer got = get("/bucket/big");
  EXPECT_EQ(got.body, first + "end");
  EXPECT_EQ(got.header("content-type"), "text/csv");
  EXPECT_EQ(get("/bucket?uploads").element("UploadId"), "");
}

TEST_F(S3MultipartTest, Refusals) {
  const std::string id = create();
  const std::string target = "/bucket/big?uploadId=" + id;
  EXPECT_EQ(put(target + "&partNumber=0", "x").element("Code"), "InvalidArgument");
  EXPECT_EQ(put(target + "&partNumber=10001", "x").element("Code"), "InvalidArgument");
  EXPECT_EQ(put(target, "x").element("Code"), "InvalidArgument");
  EXPECT_EQ(put("/bucket/big?uploadId=no&partNumber=1", "x").element("Code"), "NoSuchUpload");
  EXPECT_EQ(post(target, "<x/>").element("Code"), "MalformedXML");
  const std::string one = put(target + "&partNumber=1", "x").header("etag");
  const std::string two = put(target + "&partNumber=2", "y").header("etag");
  EXPECT_EQ(post(target, list_of({one, two})).element("Code"), "EntityTooSmall");
  EXPECT_EQ(post(target, list_of({two})).element("Code"), "InvalidPart");
  EXPECT_EQ(ask({"DELETE", target, {}, "", "", "localhost"}).status, 204);
  EXPECT_EQ(ask({"DELETE", target, {}, "", "", "localhost"}).element("Code"), "NoSuchUpload");
  EXPECT_EQ(get(target).element("Code"), "NoSuchUpload");
  EXPECT_EQ(store_->open_upload_count(), 0U);
}

TEST_F(S3MultipartTest, ChecksumsOfTheUpload) {
  const std::string id = create({{"x-amz-checksum-algorithm", "CRC32"}});
  const std::string target = "/bucket/big?uploadId=" + id;
  EXPECT_EQ(put(target + "&partNumber=1", "hello world").element("Code"), "InvalidRequest");
  const Answer part =
      put(target + "&partNumber=1", "hello world", {{"x-amz-checksum-crc32", "DUoRhQ=="}});
  EXPECT_EQ(part.header("x-amz-checksum-crc32"), "DUoRhQ==");
  const Answer done = post(target, list_of({part.header("etag")}));
  EXPECT_EQ(done.element("ChecksumType"), "COMPOSITE");
  EXPECT_EQ(done.element("ChecksumCRC32").substr(8), "-1");
  EXPECT_EQ(
      post("/bucket/big?uploads", "", {{"x-amz-checksum-algorithm", "CRC16"}}).element("Code"),
      "InvalidRequest");
}

TEST_F(S3MultipartTest, ConditionAtTheEnd) {
  put("/bucket/big", "there");
  const std::string id = create();
  const std::string target = "/bucket/big?uploadId=" + id;
  const std::string etag = put(target + "&partNumber=1", "x").header("etag");
  EXPECT_EQ(post(target, list_of({etag}), {{"if-none-match", "*"}}).status, 412);
  EXPECT_EQ(get("/bucket/big").body, "there");
  EXPECT_EQ(post(target, list_of({etag})).status, 200);
}

TEST_F(S3MultipartTest, AwsChunkedWithATrailer) {
  const Call call{"PUT",
                  "/bucket/k",
                  {{"content-encoding", "gzip,aws-chunked"},
                   {"x-amz-decoded-content-length", "11"},
                   {"x-amz-trailer", "x-amz-checksum-crc32c"}},
                  "b\r\nhello world\r\n0\r\nx-amz-checksum-crc32c:yZRlqg==\r\n\r\n",
                  "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
                  "localhost"};
  EXPECT_EQ(ask(call).status, 200);
  const Answer got = get("/bucket/k", {{"x-amz-checksum-mode", "ENABLED"}});
  EXPECT_EQ(got.body, "hello world");
  EXPECT_EQ(got.header("content-encoding"), "gzip");
  EXPECT_EQ(got.header("x-amz-checksum-crc32c"), "yZRlqg==");
  Call wrong = call;
  wrong.body = replace_all(call.body, "yZRlqg==", "yZRlqA==");
  EXPECT_EQ(ask(wrong).element("Code"), "BadDigest");
}

TEST_F(S3MultipartTest, TransferCodingNeedsADecodedLength) {
  std::string bytes =
      signed_request(signer_, {"PUT", "/bucket/k", {}, "", "UNSIGNED-PAYLOAD", "localhost"});
  bytes = replace_all(bytes, "content-length: 0", "transfer-encoding: chunked");
  const Answer answer = ask_raw(bytes + "1\r\nx\r\n0\r\n\r\n");
  EXPECT_EQ(answer.status, 411);
  EXPECT_EQ(answer.element("Code"), "MissingContentLength");
}

}  // namespace
}  // namespace vesto::sandbox
