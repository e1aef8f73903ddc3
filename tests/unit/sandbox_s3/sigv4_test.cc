// The published test vectors of AWS Signature Version 4.
#include "sandbox/s3/sigv4.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/strings.h"

namespace vesto::sandbox {
namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Case {
  std::string method = "GET";
  std::string path = "/";
  std::string query;
  Headers headers;
  std::string payload_hash = sha256_hex("");
};

constexpr const char* kSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

std::string canonical_request(const Case& c) {
  std::vector<std::string> names;
  for (const auto& header : c.headers) {
    if (names.empty() || names.back() != header.first) names.push_back(header.first);
  }
  return c.method + "\n" + *canonical_path(c.path) + "\n" +
         *canonical_query(c.query, "X-Amz-Signature") + "\n" + canonical_headers(c.headers, names) +
         "\n" + join(names, ";") + "\n" + c.payload_hash;
}

std::string signature(const Case& c, std::string_view secret, std::string_view time,
                      const SigningScope& scope) {
  return sign_hex(signing_key(secret, scope), string_to_sign(time, scope, canonical_request(c)));
}

// ---- AWS's own suite: service "service", us-east-1 -----------------------------------------

const SigningScope kSuite{"20150830", "us-east-1", "service"};
constexpr const char* kSuiteTime = "20150830T123600Z";
const Headers kSuiteHeaders = {{"host", "example.amazonaws.com"}, {"x-amz-date", kSuiteTime}};

std::string suite(const Case& c) { return signature(c, kSecret, kSuiteTime, kSuite); }

TEST(SigV4Suite, SigningKeyAndCanonicalRequest) {
  EXPECT_EQ(to_hex(signing_key(kSecret, kSuite)),
            "938127b5336810ddb6a5d6af445fcac9e371f9ed418ed386b022aed82901be75");
  EXPECT_EQ(sha256_hex(canonical_request({"GET", "/", "", kSuiteHeaders})),
            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
}

TEST(SigV4Suite, Signatures) {
  EXPECT_EQ(suite({"GET", "/", "", kSuiteHeaders}),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  EXPECT_EQ(suite({"POST", "/", "", kSuiteHeaders}),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  EXPECT_EQ(suite({"GET", "/", "Param2=value2&Param1=value1", kSuiteHeaders}),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  EXPECT_EQ(suite({"GET", "/", "Param-3=Value3&Param=Value2&%E1%88%B4=Value1", kSuiteHeaders}),
            "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac");
  EXPECT_EQ(suite({"GET", "/\xE1\x88\xB4", "", kSuiteHeaders}),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
  EXPECT_EQ(suite({"GET", "/example space/", "", kSuiteHeaders}),
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
}

TEST(SigV4Suite, HeaderForms) {
  EXPECT_EQ(suite({"GET",
                   "/",
                   "",
                   {{"host", "example.amazonaws.com"},
                    {"my-header1", " value1"},
                    {"my-header2", " \"a   b   c\""},
                    {"x-amz-date", kSuiteTime}}}),
            "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
  EXPECT_EQ(suite({"GET",
                   "/",
                   "",
                   {{"host", "example.amazonaws.com"},
                    {"my-header1", "value2"},
                    {"my-header1", "value2"},
                    {"my-header1", "value1"},
                    {"x-amz-date", kSuiteTime}}}),
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
  EXPECT_EQ(suite({"GET",
                   "/",
                   "",
                   {{"host", "example.amazonaws.com"},
                    {"x-amz-date", kSuiteTime},
                    {"x-amz-security-token",
                     "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267"}}}),
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
  EXPECT_EQ(suite({"POST",
                   "/",
                   "",
                   {{"content-length", "13"},
                    {"content-type", "application/x-www-form-urlencoded"},
                    {"host", "example.amazonaws.com"},
                    {"x-amz-content-sha256", sha256_hex("Param1=value1")},
                    {"x-amz-date", kSuiteTime}},
                   sha256_hex("Param1=value1")}),
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

TEST(SigV4Suite, Presigned) {
  const std::string query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIDEXAMPLE%2F20150830%2Fus-east-1%2F"
      "service%2Faws4_request&X-Amz-Date=20150830T123600Z&X-Amz-SignedHeaders=host&"
      "X-Amz-Expires=3600&X-Amz-Signature=0000";
  EXPECT_EQ(suite({"GET", "/", query, {{"host", "example.amazonaws.com"}}}),
            "e93c787ed7f371d5c6b165c1b38ede9550f4dce4144713e844b25b7192d3865d");
}

// ---- Examples of the S3 documentation -------------------------------------------------------

const SigningScope kDocs{"20130524", "us-east-1", "s3"};
constexpr const char* kDocsTime = "20130524T000000Z";
constexpr const char* kDocsSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
constexpr const char* kDocsHost = "examplebucket.s3.amazonaws.com";

std::string docs(const Case& c) { return signature(c, kDocsSecret, kDocsTime, kDocs); }

TEST(SigV4S3Examples, HeaderForm) {
  const std::string empty = sha256_hex("");
  EXPECT_EQ(to_hex(signing_key(kDocsSecret, kDocs)),
            "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378");
  EXPECT_EQ(docs({"GET",
                  "/test.txt",
                  "",
                  {{"host", kDocsHost},
                   {"range", "bytes=0-9"},
                   {"x-amz-content-sha256", empty},
                   {"x-amz-date", kDocsTime}}}),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  const std::string body = sha256_hex("Welcome to Amazon S3.");
  EXPECT_EQ(docs({"PUT",
                  "/test%24file.text",
                  "",
                  {{"date", "Fri, 24 May 2013 00:00:00 GMT"},
                   {"host", kDocsHost},
                   {"x-amz-content-sha256", body},
                   {"x-amz-date", kDocsTime},
                   {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                  body}),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  const Headers plain = {
      {"host", kDocsHost}, {"x-amz-content-sha256", empty}, {"x-amz-date", kDocsTime}};
  EXPECT_EQ(docs({"GET", "/", "lifecycle", plain}),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(docs({"GET", "/", "max-keys=2&prefix=J", plain}),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(SigV4S3Examples, Presigned) {
  const std::string query =
      "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2F"
      "us-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&"
      "X-Amz-SignedHeaders=host";
  EXPECT_EQ(docs({"GET", "/test.txt", query, {{"host", kDocsHost}}, "UNSIGNED-PAYLOAD"}),
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(SigV4S3Examples, ChunkChain) {
  const std::string kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const Case put{"PUT",
                 "/examplebucket/chunkObject.txt",
                 "",
                 {{"content-encoding", "aws-chunked"},
                  {"content-length", "66824"},
                  {"host", "s3.amazonaws.com"},
                  {"x-amz-content-sha256", kind},
                  {"x-amz-date", kDocsTime},
                  {"x-amz-decoded-content-length", "66560"},
                  {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                 kind};
  const std::string seed = docs(put);
  EXPECT_EQ(seed, "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
  const std::string key = signing_key(kDocsSecret, kDocs);
  const auto next = [&](const std::string& previous, const std::string& data) {
    return sign_hex(key, chunk_string_to_sign(kDocsTime, kDocs, previous, sha256_hex(data)));
  };
  const std::string first = next(seed, std::string(65536, 'a'));
  EXPECT_EQ(first, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
  const std::string second = next(first, std::string(1024, 'a'));
  EXPECT_EQ(second, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
  const std::string last = next(second, "");
  EXPECT_EQ(last, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
  const std::string trailer = sha256_hex("first:1st\nsecond:2nd\nthird:3rd\n");
  EXPECT_EQ(sign_hex(key, trailer_string_to_sign(kDocsTime, kDocs, last, trailer)),
            "df5735bd9f3295cd9386572292562fefc93ba94e80a0a1ddcbd652c4e0a75e6c");
}

// ---- Requests like Vesto's own, cross-checked with botocore ----------------------------------

const SigningScope kOwn{"20260102", "eu-west-1", "s3"};
constexpr const char* kOwnTime = "20260102T030405Z";
constexpr const char* kOwnHost = "stage-bucket.s3.eu-west-1.amazonaws.com";
constexpr const char* kOwnToken = "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMSJH";

TEST(SigV4Own, PutListUploads) {
  const std::string empty = sha256_hex("");
  const auto own = [](const Case& c) { return signature(c, kSecret, kOwnTime, kOwn); };
  EXPECT_EQ(own({"PUT",
                 "/sync/run%3D42/part-000%2B1%20a.csv.gz",
                 "",
                 {{"content-type", "application/gzip"},
                  {"host", kOwnHost},
                  {"x-amz-checksum-crc32c", "wdBDMA=="},
                  {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"},
                  {"x-amz-date", kOwnTime},
                  {"x-amz-security-token", kOwnToken}},
                 "UNSIGNED-PAYLOAD"}),
            "aeb9ae9119ca93cf459ff7125682578ba58ac87d41f585d4b3e3b7f9fa4c548d");
  const Headers plain = {{"host", kOwnHost},
                         {"x-amz-content-sha256", empty},
                         {"x-amz-date", kOwnTime},
                         {"x-amz-security-token", kOwnToken}};
  EXPECT_EQ(own({"GET", "/",
                 "continuation-token=1ueGcxLPRx1Tr%2FXYExHnhbYLgveDs2J%2Fwm36Hy4vbOwM%3D&"
                 "list-type=2&max-keys=1000&prefix=sync%2Frun%3D42%2F",
                 plain}),
            "90c63c710175b2ccc7924190eb135fb0c64624dcf4a7f863e59a05505d49fd98");
  EXPECT_EQ(own({"POST", "/sync/a.bin", "uploads", plain}),
            "4eaaca900222d91faf4e81ba37850e6bd2d198642d1835089281e3997e258896");
}

TEST(SigV4Canonical, RefusesBadEscapes) {
  EXPECT_FALSE(canonical_path("/a%2").has_value());
  EXPECT_FALSE(canonical_path("/a%zz").has_value());
  EXPECT_FALSE(canonical_query("a=%", "").has_value());
  EXPECT_EQ(canonical_path("/a//b/../c").value_or(""), "/a//b/../c");  // nothing is normalised
  EXPECT_EQ(canonical_query("b=2&a&b=1", "").value_or(""), "a=&b=1&b=2");
}

}  // namespace
}  // namespace vesto::sandbox
