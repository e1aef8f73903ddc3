// Keys of the container's and of the instance's role.
#include <gtest/gtest.h>

#include "aws/container_credentials.h"
#include "aws/imds.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

const std::string kKeys =
    R"({"AccessKeyId":"ASIA1","SecretAccessKey":"s3cr3t-key","Token":"t0ken-t0ken",)"
    R"("Expiration":"2026-11-22T02:26:56Z","AccountId":"123456789012"})";

class ContainerTest : public IdentityTest {
 protected:
  Result<AwsCredentials> ask() {
    ScriptedHttp http(script_);
    return get_container_credentials(environment(), clock_, http, {});
  }
  void full_uri(const std::string& uri) { values_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = uri; }
};

TEST_F(ContainerTest, Ecs) {
  EXPECT_FALSE(has_container_credentials(environment()));
  values_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = "/v2/credentials/x?id=1";
  EXPECT_TRUE(has_container_credentials(environment()));
  script_.answer(200, kKeys);
  const auto keys = ask();
  ASSERT_TRUE(keys.ok()) << keys.error().to_string();
  EXPECT_EQ(keys->access_key_id, "ASIA1");
  EXPECT_EQ(keys->session_token.reveal(), "t0ken-t0ken");
  EXPECT_EQ(keys->expires_at_ms, kNowMs + 3'600'000);
  EXPECT_EQ(script_.sent.at(0).url, "http://169.254.170.2/v2/credentials/x?id=1");
  EXPECT_EQ(script_.sent.at(0).headers,
            (std::map<std::string, std::string>{{"Accept", "application/json"}}));
  EXPECT_EQ(container_http_options().request_timeout_ms, 2000);
  EXPECT_TRUE(container_http_options().no_proxy);
}

TEST_F(ContainerTest, PodIdentityReadsTheTokenEachTime) {
  full_uri("http://169.254.170.23/v1/credentials");
  values_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "not this one";
  values_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("token", "token-1\n");
  script_.answer(500);
  write("token", "token-1");
  script_.answer(200, kKeys);
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(script_.sent.at(1).headers.at("Authorization"), "token-1");
  EXPECT_EQ(clock_.slept(), (std::vector<int64_t>{1000}));
  write("token", "token-2");
  script_.answer(200, kKeys);
  ASSERT_TRUE(ask().ok());
  EXPECT_EQ(script_.sent.at(2).headers.at("Authorization"), "token-2");
}

TEST_F(ContainerTest, HostsThatMayBeAsked) {
  for (const char* uri : {"https://any.example.com/x", "http://localhost:1/x", "http://127.0.0.1/x",
                          "http://127.9.9.9:80/x", "http://[::1]:8/x", "http://169.254.170.2/x",
                          "http://[fd00:ec2::23]/v1/credentials"}) {
    full_uri(uri);
    script_.answer(200, kKeys);
    EXPECT_TRUE(ask().ok()) << uri;
    EXPECT_EQ(script_.sent.back().url, uri);
  }
  const size_t sent = script_.sent.size();
  for (const char* uri :
       {"http://example.com/x", "http://169.254.169.254/x", "http://169.254.170.2.evil.com/x",
        "http://127.0.0.1@evil.com/x", "http://evil.com#@127.0.0.1/", "http://evil.localhost/x",
        "http://169.254.170.2\r\nX: y/", "ftp://127.0.0.1/x", "file:///etc/passwd", "127.0.0.1",
        "http://", "https://"}) {
    full_uri(uri);
    EXPECT_EQ(code_of(ask()), ErrorCode::kCfgValue) << uri;
  }
  for (const char* relative : {"x", ".evil.com/x", "@evil.com/x", "/a b", "/a\r\nX: y"}) {
    values_["AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"] = relative;
    EXPECT_EQ(code_of(ask()), ErrorCode::kCfgValue) << relative;
  }
  EXPECT_EQ(script_.sent.size(), sent);
}

TEST_F(ContainerTest, BadTokens) {
  full_uri("http://127.0.0.1/x");
  values_["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "hunter2\r\nX-Evil: 1";
  EXPECT_EQ(code_of(ask()), ErrorCode::kCfgValue);
  for (const char* text : {"hunter2\r\nX-Evil: 1", "hunter2\n\n", "", "hunter2\r\n"}) {
    values_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = write("token", text);
    const auto keys = ask();
    ASSERT_EQ(code_of(keys), ErrorCode::kCfgValue) << text;
    EXPECT_EQ(all_of(keys.error()).find("hunter2"), std::string::npos);
  }
  values_["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = dir_ + "/none";
  EXPECT_EQ(code_of(ask()), ErrorCode::kCfgSecretMissing);
  EXPECT_TRUE(script_.sent.empty());
}

TEST_F(ContainerTest, OddAnswersAfterThreeTries) {
  full_uri("http://127.0.0.1/x");
  const auto three = [&](int status, const std::string& body) {
    script_.answers.clear();
    for (int i = 0; i < 4; ++i) script_.answer(status, body);
    return ask();
  };
  EXPECT_EQ(code_of(three(200, "<html>")), ErrorCode::kAwsAnswer);
  EXPECT_EQ(script_.sent.size(), 3U);
  EXPECT_EQ(code_of(three(200, "{}")), ErrorCode::kAwsAnswer);
  EXPECT_EQ(code_of(three(200, R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"a b"})")),
            ErrorCode::kAwsAnswer);
  // What would come out of its quotes in a COPY, or out of its header.
  for (const char* id : {"A'B", "A\\\"B", "A\\r\\nX:y", "A B", "A/B", "A,B", "\xC3\x84"}) {
    EXPECT_EQ(code_of(three(200, std::string(R"({"AccessKeyId":")") + id +
                                     R"(","SecretAccessKey":"s","Token":"t"})")),
              ErrorCode::kAwsAnswer)
        << id;
  }
  EXPECT_EQ(code_of(three(200, R"({"AccessKeyId":"A","SecretAccessKey":"s","Token":"t",)"
                               R"("Expiration":"2020-01-01T00:00:00Z"})")),
            ErrorCode::kAwsAnswer);
  EXPECT_EQ(code_of(three(503, "")), ErrorCode::kAwsServer);
  const auto denied = three(403, R"({"code":"AccessDenied","message":"no such id","x":"hunter2"})");
  ASSERT_EQ(code_of(denied), ErrorCode::kAwsNoCredentials);
  EXPECT_NE(denied.error().message().find("403: AccessDenied: no such id"), std::string::npos);
  EXPECT_EQ(all_of(denied.error()).find("hunter2"), std::string::npos);
  script_.answers.clear();
  for (int i = 0; i < 3; ++i) script_.fail(ErrorCode::kNetRefused);
  EXPECT_EQ(code_of(ask()), ErrorCode::kNetRefused);
  script_.fail(ErrorCode::kRunInterrupted);
  EXPECT_EQ(code_of(ask()), ErrorCode::kRunInterrupted);
}

class ImdsTest : public IdentityTest {
 protected:
  Result<AwsCredentials> ask() {
    ScriptedHttp http(script_);
    return get_instance_credentials(environment(), clock_, http, {});
  }
  static std::string keys(const std::string& expires = "2026-11-22T07:00:00Z") {
    return R"({"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"ASIA2",)"
           R"("SecretAccessKey":"s3cr3t-key","Token":"t0ken-t0ken","Expiration":")" +
           expires + "\"}";
  }
};

TEST_F(ImdsTest, Version2) {
  script_.answer(200, "AQAE_token==");
  script_.answer(200, "my-role\n");
  script_.answer(200, keys());
  const auto got = ask();
  ASSERT_TRUE(got.ok()) << got.error().to_string();
  EXPECT_EQ(got->access_key_id, "ASIA2");
  EXPECT_TRUE(got->expires_at_ms);
  const auto& sent = script_.sent;
  EXPECT_EQ(sent.at(0).method, "PUT");
  EXPECT_EQ(sent.at(0).url, "http://169.254.169.254/latest/api/token");
  EXPECT_EQ(sent.at(0).headers.at("x-aws-ec2-metadata-token-ttl-seconds"), "21600");
  EXPECT_EQ(sent.at(1).url, "http://169.254.169.254/latest/meta-data/iam/security-credentials/");
  EXPECT_EQ(sent.at(1).headers.at("x-aws-ec2-metadata-token"), "AQAE_token==");
  EXPECT_EQ(sent.at(2).url,
            "http://169.254.169.254/latest/meta-data/iam/security-credentials/my-role");
  EXPECT_EQ(sent.at(2).headers.at("x-aws-ec2-metadata-token"), "AQAE_token==");
}

TEST_F(ImdsTest, AnIdThatIsNoneIsRefused) {
  std::string bad = keys();
  bad.replace(bad.find("ASIA2"), 5, "AS'--");
  for (int i = 0; i < 6; ++i) {
    script_.answer(200, "AQAE_token==");
    script_.answer(200, "my-role");
    script_.answer(200, bad);
  }
  const auto got = ask();
  ASSERT_FALSE(got.ok());
  EXPECT_EQ(all_of(got.error()).find("AS'--"), std::string::npos) << all_of(got.error());
}

TEST_F(ImdsTest, Version1WhereTheTokenIsRefused) {
  for (const int status : {403, 404, 405}) {
    script_.sent.clear();
    script_.answer(status);
    script_.answer(200, "my-role");
    script_.answer(200, keys());
    ASSERT_TRUE(ask().ok()) << status;
    EXPECT_EQ(script_.sent.at(2).headers.count("x-aws-ec2-metadata-token"), 0U);
    values_["AWS_EC2_METADATA_V1_DISABLED"] = "True";
    script_.answer(status);
    EXPECT_EQ(code_of(ask()), ErrorCode::kAwsNoCredentials);
    EXPECT_EQ(script_.sent.size(), 4U);
    values_.clear();
  }
  script_.answer(400);
  EXPECT_EQ(code_of(ask()), ErrorCode::kAwsNoCredentials);
}

TEST_F(ImdsTest, SettingsOfTheEnvironment) {
  values_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://127.0.0.1:1338/";
  values_["AWS_METADATA_SERVICE_TIMEOUT"] = "5";
  values_["AWS_METADATA_SERVICE_NUM_ATTEMPTS"] = "3";
  EXPECT_EQ(imds_http_options(environment()).request_timeout_ms, 5000);
  EXPECT_TRUE(imds_http_options(environment()).no_proxy);
  script_.fail(ErrorCode::kNetTimeout);
  script_.answer(500);
  script_.answer(200, "tok");
  script_.answer(200, "r");
  script_.answer(200, keys());
  EXPECT_TRUE(ask().ok());
  EXPECT_EQ(script_.sent.at(0).url, "http://127.0.0.1:1338/latest/api/token");
  values_["AWS_METADATA_SERVICE_NUM_ATTEMPTS"] = "x";
  EXPECT_EQ(code_of(ask()), ErrorCode::kCfgValue);
  values_.erase("AWS_METADATA_SERVICE_NUM_ATTEMPTS");
  values_["AWS_EC2_METADATA_SERVICE_ENDPOINT"] = "http://a/b/c";
  EXPECT_EQ(code_of(ask()), ErrorCode::kCfgValue);
  values_.erase("AWS_EC2_METADATA_SERVICE_ENDPOINT");
  values_["AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE"] = "IPv6";
  script_.fail(ErrorCode::kNetTimeout);
  EXPECT_EQ(code_of(ask()), ErrorCode::kAwsNoCredentials);
  EXPECT_EQ(script_.sent.back().url, "http://[fd00:ec2::254]/latest/api/token");
  const size_t sent = script_.sent.size();
  values_["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(code_of(ask()), ErrorCode::kAwsNoCredentials);
  EXPECT_EQ(script_.sent.size(), sent);
}

TEST_F(ImdsTest, NobodyThereHintsAtTheHopLimit) {
  script_.fail(ErrorCode::kNetTimeout);
  const auto none = ask();
  ASSERT_EQ(code_of(none), ErrorCode::kAwsNoCredentials);
  EXPECT_NE(none.error().hint().find("HttpPutResponseHopLimit"), std::string::npos);
  script_.fail(ErrorCode::kRunInterrupted);
  EXPECT_EQ(code_of(ask()), ErrorCode::kRunInterrupted);
}

TEST_F(ImdsTest, HostileAnswers) {
  const std::string html = "<html><body>Log in</body></html>";
  for (const std::string& token : {html, std::string(), std::string("a b"), std::string("a\nb"),
                                   std::string(2000, 'x'), std::string("a\0b", 3)}) {
    script_.answers.clear();
    script_.answer(200, token);
    EXPECT_EQ(code_of(ask()), ErrorCode::kAwsAnswer) << token.substr(0, 50);
  }
  for (const std::string& role : {html, std::string(), std::string("a/../b"), std::string(".."),
                                  std::string("a?b"), std::string(65, 'r')}) {
    script_.answers.clear();
    script_.answer(200, "tok");
    script_.answer(200, role);
    EXPECT_EQ(code_of(ask()), ErrorCode::kAwsAnswer) << role.substr(0, 50);
  }
  const auto with_keys = [&](const std::string& body) {
    script_.answers.clear();
    script_.answer(200, "tok");
    script_.answer(200, "r");
    script_.answer(200, body);
    return ask();
  };
  for (const std::string& body : {html, std::string("[]"), std::string("{}"), keys("soon"),
                                  keys("2026-11-22T01:00:00Z"), std::string(100'000, '{')}) {
    EXPECT_EQ(code_of(with_keys(body)), ErrorCode::kAwsAnswer) << body.substr(0, 50);
  }
  const auto refused = with_keys(R"({"Code":"AssumeRoleUnauthorizedAccess",
      "Message":"EC2 cannot assume the role r.","LastUpdated":"x"})");
  ASSERT_EQ(code_of(refused), ErrorCode::kAwsNoCredentials);
  EXPECT_NE(refused.error().message().find("EC2 cannot assume the role r."), std::string::npos);
  script_.answers.clear();
  script_.answer(200, "tok");
  script_.answer(404);
  EXPECT_NE(ask().error().message().find("has no role"), std::string::npos);
}

}  // namespace
}  // namespace vesto
