// The S3 client against scripted answers: what it sends, what it repeats, what it gives up on.
#include "aws/s3_client.h"

#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/strings.h"
#include "tests/support/scripted_http.h"

namespace vesto {
namespace {

using testing_support::HttpScript;
using testing_support::InstantClock;
using testing_support::ScriptedHttp;
using testing_support::SentRequest;

std::string error_xml(const std::string& code, const std::string& more = "") {
  return "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>said S3</Message>" +
         more + "<RequestId>REQ1</RequestId></Error>";
}

const std::string kEmptyList =
    "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>";

class S3ClientTest : public testing::Test {
 protected:
  std::unique_ptr<S3> client(std::function<void(S3Options*)> change = nullptr) {
    S3Options options;
    options.region = "eu-west-1";
    options.bucket = "stage-bucket";
    options.credentials.access_key_id = "AKIDEXAMPLE";
    options.credentials.secret_access_key = Secret("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    if (change) change(&options);
    return make_s3_client_on(std::move(options), clock_, std::make_unique<ScriptedHttp>(script_));
  }
  void good_put() { script_.answer(200, "", {{"etag", "\"e\""}}); }

  // One put against the scripted answers; its error code, or kUsage if it went well.
  ErrorCode put_error() {
    const auto result = client()->put("k", "body", {});
    return result.ok() ? ErrorCode::kUsage : result.error().code();
  }

  HttpScript script_;
  InstantClock clock_;
};

TEST_F(S3ClientTest, PutSendsHashLengthAndSignature) {
  good_put();
  const auto result = client()->put("a b/c+d.csv.gz", "body", {});
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  EXPECT_EQ(result->etag, "\"e\"");
  EXPECT_FALSE(result->versioned);
  const SentRequest& sent = script_.sent.at(0);
  EXPECT_EQ(sent.method, "PUT");
  EXPECT_EQ(sent.url, "https://stage-bucket.s3.eu-west-1.amazonaws.com/a%20b/c%2Bd.csv.gz");
  EXPECT_EQ(sent.body, "body");
  EXPECT_EQ(sent.headers.at("x-amz-content-sha256"), sha256_hex("body"));
  EXPECT_EQ(sent.headers.at("x-amz-date"), "20261122T012656Z");
  EXPECT_TRUE(sent.headers.at("authorization")
                  .starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/s3/"
                               "aws4_request, SignedHeaders=content-type;host;"
                               "x-amz-content-sha256;x-amz-date, Signature="));
  EXPECT_EQ(sent.headers.count("x-amz-security-token"), 0U);
  EXPECT_EQ(sent.headers.count("x-amz-acl"), 0U);
}

// An object may look like anything, also like an error.
TEST_F(S3ClientTest, GetGivesTheBytesAsTheyAre) {
  const std::string body = error_xml("AccessDenied") + std::string("\0\xff", 2);
  script_.answer(200, body);
  const auto got = client()->get_object("a b/1.csv.gz", body.size(), {});
  ASSERT_TRUE(got.ok()) << got.error().to_string();
  EXPECT_EQ(*got, body);
  EXPECT_EQ(script_.sent.at(0).method, "GET");
  EXPECT_EQ(script_.sent.at(0).url,
            "https://stage-bucket.s3.eu-west-1.amazonaws.com/a%20b/1.csv.gz");
}

TEST_F(S3ClientTest, GetIsBoundedAndNotRepeatedForIt) {
  script_.answer(200, std::string(11, 'x'));
  const auto got = client()->get_object("k", 10, {});
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(got.error().code(), ErrorCode::kS3Refused);
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(S3ClientTest, GetIsRepeatedAndSaysWhatS3Says) {
  script_.answer(503, error_xml("SlowDown"));
  script_.answer(200, "x");
  const auto got = client()->get_object("k", 10, {});
  ASSERT_TRUE(got.ok()) << got.error().to_string();
  script_.answer(403, error_xml("AccessDenied"));
  const auto denied = client()->get_object("k", 10, {});
  ASSERT_FALSE(denied.ok());
  EXPECT_EQ(denied.error().code(), ErrorCode::kS3Denied);
  script_.answer(404, error_xml("NoSuchKey"));
  EXPECT_EQ(client()->get_object("k", 10, {}).error().code(), ErrorCode::kS3Refused);
}

TEST_F(S3ClientTest, PutTakesAHashThatIsKnown) {
  good_put();
  ASSERT_TRUE(client()->put_hashed("k", "body", sha256("other"), {}).ok());
  EXPECT_EQ(script_.sent.at(0).headers.at("x-amz-content-sha256"), sha256_hex("other"));
}

TEST_F(S3ClientTest, SessionTokenIsSentAndSigned) {
  good_put();
  ASSERT_TRUE(client([](S3Options* o) { o->credentials.session_token = Secret("TOKENTOKEN"); })
                  ->put("k", "", {})
                  .ok());
  EXPECT_EQ(script_.sent.at(0).headers.at("x-amz-security-token"), "TOKENTOKEN");
  EXPECT_NE(script_.sent.at(0).headers.at("authorization").find(";x-amz-security-token"),
            std::string::npos);
}

// The environment puts another endpoint in AWS's place, or another variant of it.
TEST_F(S3ClientTest, EndpointOfTheEnvironment) {
  std::map<std::string, std::string> variables;
  const Environment environment = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(std::string(name));
    if (found == variables.end()) return std::nullopt;
    return found->second;
  };
  const auto url = [&](const std::string& bucket) -> std::string {
    good_put();
    S3Options options;
    options.region = "eu-west-1";
    options.bucket = bucket;
    const auto s3 = make_s3_client_on(std::move(options), clock_,
                                      std::make_unique<ScriptedHttp>(script_), environment);
    const auto result = s3->put("k", "", {});
    if (result.ok()) return script_.sent.back().url;
    script_.answers.clear();
    return std::string(result.error().name());
  };
  variables["AWS_USE_DUALSTACK_ENDPOINT"] = "true";
  EXPECT_EQ(url("b-1"), "https://b-1.s3.dualstack.eu-west-1.amazonaws.com/k");
  EXPECT_EQ(url("with.dot"), "https://s3.dualstack.eu-west-1.amazonaws.com/with.dot/k");
  variables["AWS_USE_FIPS_ENDPOINT"] = "true";
  EXPECT_EQ(url("b-1"), "https://b-1.s3-fips.dualstack.eu-west-1.amazonaws.com/k");
  variables["AWS_ENDPOINT_URL"] = "http://localhost:9000";
  EXPECT_EQ(url("b-1"), "http://b-1.localhost:9000/k");
  variables["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9001";
  EXPECT_EQ(url("b-1"), "http://127.0.0.1:9001/b-1/k");
  variables["AWS_ENDPOINT_URL_S3"] = "nonsense";
  EXPECT_EQ(url("b-1"), "CFG-VALUE");
  variables["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true";
  EXPECT_EQ(url("b-1"), "https://b-1.s3-fips.dualstack.eu-west-1.amazonaws.com/k");
}

TEST_F(S3ClientTest, Addressing) {
  struct Case {
    std::string endpoint, bucket, region;
    bool path_style;
    std::string url;
  };
  const Case cases[] = {
      {"", "b-1", "us-east-1", false, "https://b-1.s3.us-east-1.amazonaws.com/k"},
      {"", "b-1", "us-east-1", true, "https://s3.us-east-1.amazonaws.com/b-1/k"},
      {"", "with.dot", "eu-west-1", false, "https://s3.eu-west-1.amazonaws.com/with.dot/k"},
      {"", "b-1", "cn-north-1", false, "https://b-1.s3.cn-north-1.amazonaws.com.cn/k"},
      {"", "b-1", "eusc-de-east-1", false, "https://b-1.s3.eusc-de-east-1.amazonaws.eu/k"},
      {"http://localhost:9000", "b-1", "r", false, "http://b-1.localhost:9000/k"},
      {"https://localhost:9000/", "b-1", "r", true, "https://localhost:9000/b-1/k"},
      {"http://127.0.0.1:9000", "b-1", "r", false, "http://127.0.0.1:9000/b-1/k"},
      {"http://[::1]:9000", "b-1", "r", false, "http://[::1]:9000/b-1/k"},
      {"https://host:443", "b-1", "r", true, "https://host/b-1/k"},
  };
  for (const Case& c : cases) {
    good_put();
    const auto result = client([&](S3Options* o) {
                          o->endpoint = c.endpoint;
                          o->bucket = c.bucket;
                          o->region = c.region;
                          o->path_style = c.path_style;
                        })->put("k", "", {});
    ASSERT_TRUE(result.ok()) << c.url << ": " << result.error().to_string();
    EXPECT_EQ(script_.sent.back().url, c.url);
  }
}

TEST_F(S3ClientTest, BadSettingsAreToldBeforeAnythingIsSent) {
  for (const char* endpoint :
       {"localhost:9000", "ftp://h", "https://", "https://h/path", "https://u:p@h", "https://h:0",
        "https://h:99999", "https://h:", "https://h?x", "https://a b"}) {
    const auto result = client([&](S3Options* o) { o->endpoint = endpoint; })->put("k", "", {});
    ASSERT_FALSE(result.ok()) << endpoint;
    EXPECT_EQ(result.error().code(), ErrorCode::kCfgValue) << endpoint;
  }
  for (const char* bucket : {"", "ab", "with/slash", "with space", "a?b", "a\nb"}) {
    const auto result = client([&](S3Options* o) { o->bucket = bucket; })->put("k", "", {});
    ASSERT_FALSE(result.ok()) << bucket;
    EXPECT_EQ(result.error().code(), ErrorCode::kCfgValue) << bucket;
  }
  const auto region = client([](S3Options* o) { o->region = "evil.com/"; })->put("k", "", {});
  EXPECT_EQ(region.error().code(), ErrorCode::kCfgValue);
  EXPECT_FALSE(client()->put("", "", {}).ok());
  EXPECT_FALSE(client()->remove("", {}).ok());
  EXPECT_FALSE(client()->head(std::string(1025, 'k'), {}).ok());
  EXPECT_FALSE(client()->remove_many({"a", ""}, {}).ok());
  EXPECT_FALSE(client()->remove_many(std::vector<std::string>(1001, "k"), {}).ok());
  EXPECT_TRUE(client()->remove_many({}, {}).ok());
  EXPECT_TRUE(script_.sent.empty());
}

TEST_F(S3ClientTest, ListSendsPrefixAndToken) {
  script_.answer(200, kEmptyList);
  script_.answer(200, kEmptyList);
  const auto s3 = client();
  ASSERT_TRUE(s3->list("a/b=c/", "", {}).ok());
  ASSERT_TRUE(s3->list("a/", "t+/=", {}).ok());
  EXPECT_TRUE(
      script_.sent.at(0).url.ends_with("/?encoding-type=url&list-type=2&prefix=a%2Fb%3Dc%2F"));
  EXPECT_TRUE(script_.sent.at(1).url.ends_with(
      "/?continuation-token=t%2B%2F%3D&encoding-type=url&list-type=2&prefix=a%2F"));
}

TEST_F(S3ClientTest, RemoveManySendsMd5) {
  script_.answer(200, "<DeleteResult/>");
  ASSERT_TRUE(client()->remove_many({"a", "b"}, {}).ok());
  const SentRequest& sent = script_.sent.at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_TRUE(sent.url.ends_with("amazonaws.com/?delete="));
  EXPECT_EQ(sent.headers.at("content-md5").size(), 24U);
  EXPECT_NE(sent.headers.at("authorization").find("SignedHeaders=content-md5;content-type;host"),
            std::string::npos);
  EXPECT_NE(sent.body.find("<Key>a</Key>"), std::string::npos);
}

TEST_F(S3ClientTest, RemoveManyTellsWhatStayed) {
  script_.answer(200,
                 "<DeleteResult><Error><Key>a</Key><Code>AccessDenied</Code>"
                 "<Message>no</Message></Error></DeleteResult>");
  const auto status = client()->remove_many({"a", "b"}, {});
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code(), ErrorCode::kS3Denied);
  EXPECT_NE(status.error().hint().find("s3:DeleteObject on arn:aws:s3:::stage-bucket/a"),
            std::string::npos);
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(S3ClientTest, RemoveManyRepeatsWhatMayPass) {
  script_.answer(200,
                 "<DeleteResult><Error><Key>a</Key><Code>InternalError</Code></Error>"
                 "</DeleteResult>");
  script_.answer(200, "<DeleteResult/>");
  EXPECT_TRUE(client()->remove_many({"a", "b"}, {}).ok());
  EXPECT_EQ(script_.sent.size(), 2U);
}

TEST_F(S3ClientTest, HeadTellsSizeOrNothing) {
  script_.answer(200, "", {{"content-length", "123"}});
  script_.answer(404);
  script_.answer(403);
  const auto s3 = client();
  EXPECT_EQ(**s3->head("k", {}), 123U);
  EXPECT_FALSE(s3->head("k", {})->has_value());
  EXPECT_EQ(s3->head("k", {}).error().code(), ErrorCode::kS3Denied);
}

TEST_F(S3ClientTest, VersionedBucketShowsItself) {
  script_.answer(200, "", {{"etag", "\"e\""}, {"x-amz-version-id", "v1"}});
  EXPECT_TRUE(client()->put("k", "", {})->versioned);
  script_.answer(200, "", {{"etag", "\"e\""}, {"x-amz-version-id", "null"}});
  EXPECT_FALSE(client()->put("k", "", {})->versioned);  // versioning is suspended
}

TEST_F(S3ClientTest, RepeatsWhatPassesAndThenSucceeds) {
  script_.answer(503, error_xml("SlowDown"));
  script_.answer(500, error_xml("InternalError"));
  script_.fail(ErrorCode::kNetReset);
  script_.answer(200, error_xml("InternalError"));  // an error inside a 200
  good_put();
  const auto result = client()->put("k", "body", {});
  ASSERT_TRUE(result.ok()) << result.error().to_string();
  ASSERT_EQ(script_.sent.size(), 5U);
  for (const SentRequest& sent : script_.sent) EXPECT_EQ(sent.body, "body");
  ASSERT_EQ(clock_.slept().size(), 4U);
  EXPECT_GE(clock_.slept()[3], clock_.slept()[0]);
  // Signed anew each time: the clock went on.
  EXPECT_NE(script_.sent[0].headers.at("authorization"),
            script_.sent[4].headers.at("authorization"));
}

TEST_F(S3ClientTest, RepetitionIsBounded) {
  for (int i = 0; i < 20; ++i) script_.answer(503, error_xml("SlowDown"));
  EXPECT_EQ(put_error(), ErrorCode::kS3Slow);
  EXPECT_EQ(script_.sent.size(), 5U);
}

TEST_F(S3ClientTest, WhatCannotPassIsNotRepeated) {
  const std::pair<std::string, ErrorCode> cases[] = {
      {"AccessDenied", ErrorCode::kS3Denied},
      {"NoSuchBucket", ErrorCode::kS3NoBucket},
      {"InvalidAccessKeyId", ErrorCode::kAwsKey},
      {"SignatureDoesNotMatch", ErrorCode::kAwsKey},
      {"RequestTimeTooSkewed", ErrorCode::kSysClockSkew},
      {"InvalidBucketName", ErrorCode::kS3Refused},
  };
  for (const auto& [code, expected] : cases) {
    script_.sent.clear();
    script_.answer(400, error_xml(code));
    EXPECT_EQ(put_error(), expected) << code;
    EXPECT_EQ(script_.sent.size(), 1U) << code;
  }
}

TEST_F(S3ClientTest, CutListIsAskedForAgain) {
  script_.answer(200, "<ListBucketResult><Contents><Key>a");
  script_.answer(200, kEmptyList);
  EXPECT_TRUE(client()->list("", "", {}).ok());
  EXPECT_EQ(script_.sent.size(), 2U);
}

TEST_F(S3ClientTest, ProxyPageIsNoSuccess) {
  for (int i = 0; i < 5; ++i) script_.answer(200, "<html>please log in</html>");
  EXPECT_EQ(put_error(), ErrorCode::kS3Answer);
}

TEST_F(S3ClientTest, EndlessAnswerIsRefused) {
  HttpResponse large;
  large.status = 200;
  large.too_large = true;
  for (int i = 0; i < 5; ++i) script_.answers.emplace_back(large);
  EXPECT_EQ(client()->list("", "", {}).error().code(), ErrorCode::kS3Answer);
}

TEST_F(S3ClientTest, StopEndsTheRepetition) {
  std::stop_source source;
  source.request_stop();
  script_.answer(503, error_xml("SlowDown"));
  script_.answer(503, error_xml("SlowDown"));
  const auto result = client()->put("k", "", source.get_token());
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kRunInterrupted);
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(S3ClientTest, RegionIsFoundOnceAndSignedWith) {
  script_.answer(403, "", {{"x-amz-bucket-region", "ap-south-1"}});  // told even with a 403
  good_put();
  good_put();
  const auto s3 = client([](S3Options* o) { o->region = ""; });
  ASSERT_TRUE(s3->put("k", "", {}).ok());
  ASSERT_TRUE(s3->put("k", "", {}).ok());
  EXPECT_EQ(*s3->region({}), "ap-south-1");
  ASSERT_EQ(script_.sent.size(), 3U);
  EXPECT_EQ(script_.sent[0].method, "HEAD");
  EXPECT_EQ(script_.sent[0].url, "https://stage-bucket.s3.us-east-1.amazonaws.com/");
  EXPECT_EQ(script_.sent[1].url, "https://stage-bucket.s3.ap-south-1.amazonaws.com/k");
  EXPECT_NE(script_.sent[1].headers.at("authorization").find("/ap-south-1/s3/"), std::string::npos);
}

TEST_F(S3ClientTest, RegionThatIsNotToldOrNoRegion) {
  const auto no_region = [](S3Options* o) { o->region = ""; };
  script_.answer(404);
  EXPECT_EQ(client(no_region)->region({}).error().code(), ErrorCode::kS3NoBucket);
  for (int i = 0; i < 5; ++i) script_.answer(200);
  EXPECT_EQ(client(no_region)->region({}).error().code(), ErrorCode::kS3Answer);
  script_.answer(200, "", {{"x-amz-bucket-region", "evil.com/#"}});
  for (int i = 0; i < 4; ++i) script_.answer(200);
  EXPECT_FALSE(client(no_region)->region({}).ok());
  // A server of one's own without regions.
  script_.answers.clear();
  script_.answer(200);
  const auto own = client([](S3Options* o) {
    o->region = "";
    o->endpoint = "http://localhost:1";
  });
  EXPECT_EQ(*own->region({}), "us-east-1");
}

TEST_F(S3ClientTest, WrongRegionIsCorrectedForEveryClient) {
  const auto known = std::make_shared<BucketRegion>();
  const auto share = [&](S3Options* o) { o->found_region = known; };
  script_.answer(301, error_xml("PermanentRedirect"), {{"x-amz-bucket-region", "us-west-2"}});
  good_put();
  good_put();
  ASSERT_TRUE(client(share)->put("k", "body", {}).ok());
  ASSERT_TRUE(client(share)->put("k", "body", {}).ok());
  ASSERT_EQ(script_.sent.size(), 3U);
  EXPECT_EQ(script_.sent[0].url, "https://stage-bucket.s3.eu-west-1.amazonaws.com/k");
  for (const size_t i : {1, 2}) {
    EXPECT_EQ(script_.sent[i].url, "https://stage-bucket.s3.us-west-2.amazonaws.com/k");
    EXPECT_EQ(script_.sent[i].body, "body");
    EXPECT_NE(script_.sent[i].headers.at("authorization").find("/us-west-2/s3/"),
              std::string::npos);
  }
  EXPECT_EQ(*client(share)->region({}), "us-west-2");
}

TEST_F(S3ClientTest, WrongRegionIsCorrectedInEveryFormOfTheAnswer) {
  script_.answer(400, error_xml("AuthorizationHeaderMalformed", "<Region>us-west-2</Region>"));
  good_put();
  EXPECT_EQ(put_error(), ErrorCode::kUsage);
  script_.answer(400, "", {{"x-amz-bucket-region", "us-west-2"}});  // HEAD
  script_.answer(404);
  const auto size = client()->head("k", {});
  ASSERT_TRUE(size.ok()) << size.error().to_string();
  EXPECT_EQ(*size, std::nullopt);
  // Asked for, as a run does first: the given one is asked in its own region.
  script_.answer(301, "", {{"x-amz-bucket-region", "us-west-2"}});
  EXPECT_EQ(*client()->region({}), "us-west-2");
  EXPECT_EQ(script_.sent.back().url, "https://stage-bucket.s3.eu-west-1.amazonaws.com/");
}

TEST_F(S3ClientTest, RegionsThatDoNotAgreeEnd) {
  for (const char* region : {"us-west-2", "us-west-1", "us-west-2"}) {
    script_.answer(301, error_xml("PermanentRedirect"), {{"x-amz-bucket-region", region}});
  }
  const auto result = client()->put("k", "", {});
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code(), ErrorCode::kS3Region);
  EXPECT_NE(result.error().hint().find("\"us-west-2\""), std::string::npos);
  EXPECT_EQ(script_.sent.size(), 3U);
}

TEST_F(S3ClientTest, RedirectThatNamesNothingUsable) {
  script_.answer(301, error_xml("PermanentRedirect"), {{"x-amz-bucket-region", "evil.com/#"}});
  EXPECT_EQ(put_error(), ErrorCode::kS3Region);
  script_.answer(301, error_xml("PermanentRedirect"));
  EXPECT_EQ(put_error(), ErrorCode::kS3Region);
  script_.answer(301, error_xml("PermanentRedirect"), {{"x-amz-bucket-region", "eu-west-1"}});
  EXPECT_EQ(put_error(), ErrorCode::kS3Region);
  EXPECT_EQ(script_.sent.size(), 3U);
}

TEST_F(S3ClientTest, GivenRegionStandsWhereS3DoesNotSay) {
  script_.answer(403);
  EXPECT_EQ(*client()->region({}), "eu-west-1");
  script_.answer(200);
  EXPECT_EQ(*client()->region({}), "eu-west-1");
  script_.answer(404);
  EXPECT_EQ(client()->region({}).error().code(), ErrorCode::kS3NoBucket);
}

// Gives KEY1, KEY2, ...; a new one after each that was forgotten.
class CountedKeys final : public CredentialSource {
 public:
  Result<AwsCredentials> get(int64_t, const std::stop_token&) override {
    return AwsCredentials{.access_key_id = "KEY" + std::to_string(number_),
                          .secret_access_key = Secret("a-secret"),
                          .session_token = Secret("a-token"),
                          .expires_at_ms = 0};
  }
  bool forget(const AwsCredentials& used) override {
    if (used.access_key_id == "KEY" + std::to_string(number_)) ++number_;
    return true;
  }
  [[nodiscard]] std::string describe() const override { return "numbered keys"; }

 private:
  int number_ = 1;
};

TEST_F(S3ClientTest, ExpiredKeysAreRenewedOnceWithoutAWait) {
  const auto keys = std::make_shared<CountedKeys>();
  const auto with_keys = [&](S3Options* o) { o->credential_source = keys; };
  script_.answer(400, error_xml("ExpiredToken", "<Token-0>a-token</Token-0>"));
  good_put();
  ASSERT_TRUE(client(with_keys)->put("k", "", {}).ok());
  ASSERT_EQ(script_.sent.size(), 2U);
  EXPECT_NE(script_.sent[0].headers.at("authorization").find("=KEY1/"), std::string::npos);
  EXPECT_NE(script_.sent[1].headers.at("authorization").find("=KEY2/"), std::string::npos);
  EXPECT_TRUE(clock_.slept().empty());
  // HEAD's answer has no body that says why.
  script_.answer(400, "");
  script_.answer(200, "", {{"content-length", "7"}});
  const auto size = client(with_keys)->head("k", {});
  ASSERT_TRUE(size.ok()) << size.error().to_string();
  EXPECT_EQ(*size, 7U);
  // Once: a second time is an error.
  script_.answer(400, error_xml("ExpiredToken"));
  script_.answer(400, error_xml("ExpiredToken"));
  const auto refused = client(with_keys)->put("k", "", {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kAwsKey);
}

TEST_F(S3ClientTest, GivenKeysAreNotRenewed) {
  script_.answer(400, error_xml("ExpiredToken"));
  EXPECT_EQ(put_error(), ErrorCode::kAwsKey);
  EXPECT_EQ(script_.sent.size(), 1U);
}

}  // namespace
}  // namespace vesto
