// Vectors: AWS's own test suite (aws-c-auth, aws4_testsuite), the worked examples of the S3 API
// reference, and requests of this project that were cross-checked against botocore.
#include "aws/sigv4.h"

#include <gtest/gtest.h>

#include "base/hash.h"

namespace vesto {
namespace {

const std::string kEmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
constexpr const char* kSuiteSecret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

SigV4Key suite_key(const std::string& region = "us-east-1",
                   const std::string& service = "service") {
  return {.access_key_id = "AKIDEXAMPLE",
          .secret_access_key = Secret(kSuiteSecret),
          .region = region,
          .service = service};
}

std::string signature_of(const SigV4Request& request, const SigV4Key& key) {
  const std::string header = sigv4_authorization(request, key);
  return header.substr(header.rfind('=') + 1);
}

// The suite's request: host and date, an empty body.
SigV4Request suite_request(const std::string& method, const std::string& path, NameValues query,
                           NameValues more = {}) {
  SigV4Request request{.method = method,
                       .path = path,
                       .query = std::move(query),
                       .headers = std::move(more),
                       .payload_hash = kEmptyHash};
  request.headers.emplace_back("Host", "example.amazonaws.com");
  request.headers.emplace_back("X-Amz-Date", "20150830T123600Z");
  return request;
}

TEST(SigV4Suite, GetVanilla) {
  const SigV4Request request = suite_request("GET", "/", {});
  EXPECT_EQ(sha256_hex(canonical_request(request)),
            "bb579772317eb040ac9ed261061d46c1f17a8133879d6129b6e1c25292927e63");
  EXPECT_EQ(sigv4_authorization(request, suite_key()),
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
            "SignedHeaders=host;x-amz-date, "
            "Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

TEST(SigV4Suite, QueryIsSorted) {
  EXPECT_EQ(signature_of(suite_request("GET", "/", {{"Param2", "value2"}, {"Param1", "value1"}}),
                         suite_key()),
            "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  EXPECT_EQ(
      signature_of(
          suite_request("GET", "/",
                        {{"Param-3", "Value3"}, {"Param", "Value2"}, {"\xe1\x88\xb4", "Value1"}}),
          suite_key()),
      "371d3713e185cc334048618a97f809c9ffe339c62934c032af5a0e595648fcac");
}

TEST(SigV4Suite, EncodedPaths) {
  EXPECT_EQ(signature_of(suite_request("GET", "/%E1%88%B4", {}), suite_key()),
            "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
  EXPECT_EQ(signature_of(suite_request("GET", "/example%20space/", {}), suite_key()),
            "652487583200325589f1fba4c7e578f72c47cb61beeca81406b39ddec1366741");
}

TEST(SigV4Suite, HeaderValuesAreTrimmedAndCollapsed) {
  EXPECT_EQ(
      signature_of(suite_request("GET", "/", {},
                                 {{"My-Header1", " value1"}, {"My-Header2", " \"a   b   c\""}}),
                   suite_key()),
      "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

TEST(SigV4Suite, HeadersOfOneNameAreJoinedInOrder) {
  EXPECT_EQ(signature_of(
                suite_request(
                    "GET", "/", {},
                    {{"My-Header1", "value2"}, {"My-Header1", "value2"}, {"My-Header1", "value1"}}),
                suite_key()),
            "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea");
}

TEST(SigV4Suite, SessionTokenIsSigned) {
  EXPECT_EQ(signature_of(suite_request("GET", "/", {},
                                       {{"X-Amz-Security-Token",
                                         "6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73"
                                         "ebf194267"}}),
                         suite_key()),
            "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8");
}

TEST(SigV4Suite, Post) {
  EXPECT_EQ(signature_of(suite_request("POST", "/", {}), suite_key()),
            "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
}

TEST(SigV4Suite, PostForm) {
  const std::string hash = sha256_hex("Param1=value1");
  SigV4Request request = suite_request("POST", "/", {},
                                       {{"Content-Type", "application/x-www-form-urlencoded"},
                                        {"Content-Length", "13"},
                                        {"x-amz-content-sha256", hash}});
  request.payload_hash = hash;
  EXPECT_EQ(signature_of(request, suite_key()),
            "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b");
}

TEST(SigV4Suite, AnotherSecretGivesAnotherSignature) {
  SigV4Key key = suite_key();
  key.secret_access_key = Secret("another secret");
  EXPECT_NE(signature_of(suite_request("GET", "/", {}), key),
            "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
}

SigV4Key documentation_key() {
  return {.access_key_id = "AKIAIOSFODNN7EXAMPLE",
          .secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
          .region = "us-east-1",
          .service = "s3"};
}

SigV4Request documentation_request(const std::string& method, const std::string& path,
                                   NameValues query, const std::string& hash,
                                   NameValues more = {}) {
  SigV4Request request{.method = method,
                       .path = path,
                       .query = std::move(query),
                       .headers = std::move(more),
                       .payload_hash = hash};
  request.headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
  request.headers.emplace_back("x-amz-date", "20130524T000000Z");
  request.headers.emplace_back("x-amz-content-sha256", hash);
  return request;
}

TEST(SigV4Documentation, S3Examples) {
  EXPECT_EQ(signature_of(
                documentation_request("GET", "/test.txt", {}, kEmptyHash, {{"Range", "bytes=0-9"}}),
                documentation_key()),
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
  EXPECT_EQ(signature_of(documentation_request("PUT", "/test%24file.text", {},
                                               sha256_hex("Welcome to Amazon S3."),
                                               {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                                                {"x-amz-storage-class", "REDUCED_REDUNDANCY"}}),
                         documentation_key()),
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
  EXPECT_EQ(signature_of(documentation_request("GET", "/", {{"lifecycle", ""}}, kEmptyHash),
                         documentation_key()),
            "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");
  EXPECT_EQ(signature_of(
                documentation_request("GET", "/", {{"max-keys", "2"}, {"prefix", "J"}}, kEmptyHash),
                documentation_key()),
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

// The first request of an upload in signed chunks: it signs a marker in the place of a hash.
TEST(SigV4Documentation, SeedOfAChunkedUpload) {
  const std::string hash = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
  const SigV4Request request{.method = "PUT",
                             .path = "/examplebucket/chunkObject.txt",
                             .headers = {{"host", "s3.amazonaws.com"},
                                         {"x-amz-date", "20130524T000000Z"},
                                         {"x-amz-storage-class", "REDUCED_REDUNDANCY"},
                                         {"x-amz-content-sha256", hash},
                                         {"content-encoding", "aws-chunked"},
                                         {"x-amz-decoded-content-length", "66560"},
                                         {"content-length", "66824"}},
                             .payload_hash = hash};
  EXPECT_EQ(signature_of(request, documentation_key()),
            "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9");
}

SigV4Request project_request(const std::string& method, const std::string& host,
                             const std::string& path, NameValues query, const std::string& hash,
                             NameValues more) {
  SigV4Request request{.method = method,
                       .path = path,
                       .query = std::move(query),
                       .headers = std::move(more),
                       .payload_hash = hash};
  request.headers.emplace_back("host", host);
  request.headers.emplace_back("x-amz-date", "20260102T030405Z");
  request.headers.emplace_back("x-amz-security-token",
                               "IQoJb3JpZ2luX2VjEXAMPLETOKEN//////////wEaCXVzLWVhc3QtMSJH");
  return request;
}

TEST(SigV4Project, StsForm) {
  const SigV4Request request =
      project_request("POST", "sts.us-east-1.amazonaws.com", "/", {},
                      sha256_hex("Action=GetCallerIdentity&Version=2011-06-15"),
                      {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}});
  EXPECT_EQ(sha256_hex(canonical_request(request)),
            "b8bfd796b269f872a40cf33575afd932ed2983a33b0ced393d25551c5c2fed25");
  EXPECT_EQ(signature_of(request, suite_key("us-east-1", "sts")),
            "29f51a4625d88ecf3fc224cd3c1dbf34312a6127ea8cd5e3fa0a3c28214dee45");
}

TEST(SigV4Project, RedshiftForm) {
  const SigV4Request request = project_request(
      "POST", "redshift.us-west-2.amazonaws.com", "/", {},
      sha256_hex("Action=GetClusterCredentials&Version=2012-12-01&ClusterIdentifier=examplecluster&"
                 "DbUser=sync_user&DbName=dev&AutoCreate=false&DurationSeconds=3600"),
      {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}});
  EXPECT_EQ(sha256_hex(canonical_request(request)),
            "fc3aadc6401391bedf6cb8227a09ea93233a2757fa2d31e62de378dedb33ebd5");
  EXPECT_EQ(signature_of(request, suite_key("us-west-2", "redshift")),
            "363e35ce2b85defb3e55478458c8efd4bfaf0f7a4418bbb77a930b6590641d90");
}

TEST(SigV4Project, ServerlessJson) {
  const SigV4Request request = project_request(
      "POST", "redshift-serverless.us-east-1.amazonaws.com", "/", {},
      sha256_hex(R"({"workgroupName":"default-workgroup","dbName":"dev","durationSeconds":3600})"),
      {{"content-type", "application/x-amz-json-1.1"},
       {"x-amz-target", "RedshiftServerless.GetCredentials"}});
  EXPECT_EQ(sha256_hex(canonical_request(request)),
            "7d41c4d0edb0c6f84730df07a76412a5da5479c838290618f622f29083150068");
  EXPECT_EQ(signature_of(request, suite_key("us-east-1", "redshift-serverless")),
            "1fe678dc58b50c249503179a3af6b975f5312107b5c5deca4dceb2e929d36550");
}

TEST(SigV4Project, S3PutListAndUploads) {
  const std::string host = "stage-bucket.s3.eu-west-1.amazonaws.com";
  const SigV4Key key = suite_key("eu-west-1", "s3");
  const SigV4Request put =
      project_request("PUT", host, "/sync/run%3D42/part-000%2B1%20a.csv.gz", {}, "UNSIGNED-PAYLOAD",
                      {{"content-type", "application/gzip"},
                       {"x-amz-checksum-crc32c", "wdBDMA=="},
                       {"x-amz-content-sha256", "UNSIGNED-PAYLOAD"}});
  EXPECT_EQ(sha256_hex(canonical_request(put)),
            "967dcf3860ec0680dbe5014a8c00ba8227eaa825304aba30801eafe5ba6ac226");
  EXPECT_EQ(signature_of(put, key),
            "aeb9ae9119ca93cf459ff7125682578ba58ac87d41f585d4b3e3b7f9fa4c548d");
  const SigV4Request list =
      project_request("GET", host, "/",
                      {{"list-type", "2"},
                       {"prefix", "sync/run=42/"},
                       {"max-keys", "1000"},
                       {"continuation-token", "1ueGcxLPRx1Tr/XYExHnhbYLgveDs2J/wm36Hy4vbOwM="}},
                      kEmptyHash, {{"x-amz-content-sha256", kEmptyHash}});
  EXPECT_EQ(sha256_hex(canonical_request(list)),
            "30d0d4b1c624b3d52f12339cf3b25bcac90c9b19895e3a9bec2617ea0716057a");
  EXPECT_EQ(signature_of(list, key),
            "90c63c710175b2ccc7924190eb135fb0c64624dcf4a7f863e59a05505d49fd98");
  const SigV4Request uploads = project_request("POST", host, "/sync/a.bin", {{"uploads", ""}},
                                               kEmptyHash, {{"x-amz-content-sha256", kEmptyHash}});
  EXPECT_EQ(sha256_hex(canonical_request(uploads)),
            "6f57adef39eb3b735d012820f15cba8ad00094ec750bdf0e85281a45372f359a");
  EXPECT_EQ(signature_of(uploads, key),
            "4eaaca900222d91faf4e81ba37850e6bd2d198642d1835089281e3997e258896");
}

TEST(SigV4, Time) {
  EXPECT_EQ(amz_date(0), "19700101T000000Z");
  EXPECT_EQ(amz_date(1369353600'999), "20130524T000000Z");
}

TEST(SigV4, QueryEncodingCoversReservedCharacters) {
  EXPECT_EQ(canonical_query({{"b", "a/b c+d=e&f~"}, {"a", ""}, {"a", "0"}}),
            "a=&a=0&b=a%2Fb%20c%2Bd%3De%26f~");
  EXPECT_EQ(canonical_query({}), "");
}

}  // namespace
}  // namespace vesto
