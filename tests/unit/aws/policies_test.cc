#include "aws/policies.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "aws/aws_errors.h"

namespace vesto {
namespace {

std::string session(const std::string& bucket, const std::string& prefix,
                    const std::string& key = "") {
  const auto policy = copy_session_policy("aws", bucket, prefix, key);
  return policy.ok() ? *policy : std::string(policy.error().name());
}

TEST(SessionPolicy, ReadsAndListsOnePrefix) {
  EXPECT_EQ(session("stage-bucket", "vesto/run-7/"),
            R"({"Version":"2012-10-17","Statement":[)"
            R"({"Effect":"Allow","Action":"s3:GetObject",)"
            R"("Resource":"arn:aws:s3:::stage-bucket/vesto/run-7/*"},)"
            R"({"Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws:s3:::stage-bucket",)"
            R"("Condition":{"StringLike":{"s3:prefix":"vesto/run-7/*"}}}]})");
}

TEST(SessionPolicy, KeyAndPartition) {
  const auto policy =
      copy_session_policy("aws-cn", "b", "p/", "arn:aws-cn:kms:cn-north-1:123456789012:key/1-2");
  ASSERT_TRUE(policy.ok());
  const auto json = nlohmann::json::parse(*policy);
  EXPECT_EQ(json["Statement"][0]["Resource"], "arn:aws-cn:s3:::b/p/*");
  EXPECT_EQ(json["Statement"][2]["Action"], "kms:Decrypt");
  EXPECT_EQ(json["Statement"][2]["Resource"], "arn:aws-cn:kms:cn-north-1:123456789012:key/1-2");
}

TEST(SessionPolicy, WildcardsAndVariablesAreLiteral) {
  const auto json = nlohmann::json::parse(session("b", "a*b?c$d/${aws:username}/"));
  EXPECT_EQ(json["Statement"][0]["Resource"],
            "arn:aws:s3:::b/a${*}b${?}c${$}d/${$}{aws:username}/*");
  EXPECT_EQ(json["Statement"][1]["Condition"]["StringLike"]["s3:prefix"],
            "a${*}b${?}c${$}d/${$}{aws:username}/*");
}

TEST(SessionPolicy, OnlyCharactersThatStsTakes) {
  const std::string policy = session("b", "\xE6\x97\xA5\"\\/");
  for (const char c : policy) EXPECT_TRUE(c >= ' ' && c < 127);
  EXPECT_EQ(nlohmann::json::parse(policy)["Statement"][0]["Resource"],
            "arn:aws:s3:::b/\xE6\x97\xA5\"\\/*");
}

// STS takes U+0020 to U+00FF as they are: one character each, where an escape would be six.
TEST(SessionPolicy, Latin1StandsAsItIs) {
  const std::string prefix = "caf\xC3\xA9/\xC2\xA0\xC3\xBF/";
  const std::string policy = session("b", prefix);
  EXPECT_NE(policy.find("arn:aws:s3:::b/" + prefix + "*"), std::string::npos) << policy;
  EXPECT_EQ(policy.find("\\u"), std::string::npos) << policy;
  // Just below (a control character) and above stay escapes; and an escape that somebody wrote
  // himself is text.
  const std::string others = "\xC2\x9F\xC4\x80\xE6\x97\xA5/\\u00e9\\\xC3\xA9\x7F/";
  const std::string escaped = session("b", others);
  EXPECT_NE(escaped.find("\\u009f\\u0100\\u65e5/\\\\u00e9\\\\\xC3\xA9\\u007f/"), std::string::npos)
      << escaped;
  EXPECT_EQ(nlohmann::json::parse(escaped)["Statement"][0]["Resource"],
            "arn:aws:s3:::b/" + others + "*");
}

// AWS's own: 1,690 characters filled 157 % of the packed form; 2,048 characters are the most at
// all.
TEST(SessionPolicy, NoLongerThanStsTakes) {
  const size_t bare = session("b", "p").size() - 2;  // the prefix stands in it twice
  const size_t most = (1076 - bare) / 2;
  EXPECT_EQ(session("b", std::string(most, 'p')).size(), 1076 - (bare % 2));
  const auto over = copy_session_policy("aws", "b", std::string(most + 1, 'p'), "");
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code(), ErrorCode::kCfgValue);
  EXPECT_NE(over.error().message().find("AWS takes about 1,076 in packed form"), std::string::npos)
      << over.error().message();
  const auto far = copy_session_policy("aws", "b", std::string(1000, 'p'), "");
  ASSERT_FALSE(far.ok());
  EXPECT_NE(far.error().message().find("AWS takes 2,048"), std::string::npos);
  // Characters are counted, not bytes.
  std::string accents;
  for (size_t i = 0; i < most; ++i) accents += "\xC3\xA9";
  EXPECT_NE(session("b", accents), "CFG-VALUE");
}

TEST(SessionPolicy, RefusesWhatWouldAllowTooMuchOrNothing) {
  EXPECT_EQ(session("b", ""), "CFG-VALUE");
  EXPECT_EQ(session("", "p/"), "CFG-VALUE");
  EXPECT_EQ(session("b", "\xff/"), "CFG-VALUE");
  EXPECT_FALSE(copy_session_policy("aws-xx", "b", "p/", "").ok());
  for (const char* bad :
       {"arn:aws:kms:eu-west-1:123456789012:alias/x", "1234", "*",
        "arn:aws:kms:eu-west-1:123456789012:key/*", "arn:aws:s3:eu-west-1:123456789012:key/1"}) {
    EXPECT_EQ(session("b", "p/", bad), "CFG-VALUE") << bad;
  }
}

TEST(TrustPolicy, Google) {
  EXPECT_EQ(trust_policy_google("112233445566778899001", "vesto-abc"), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "Federated": "accounts.google.com"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "accounts.google.com:sub": "112233445566778899001",
          "accounts.google.com:oaud": "vesto-abc"
        }
      }
    }
  ]
})");
}

TEST(TrustPolicy, Account) {
  EXPECT_EQ(trust_policy_account("arn:aws:iam::123456789012:role/vesto", "ext-1"), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::123456789012:role/vesto"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "ext-1"
        }
      }
    }
  ]
})");
  EXPECT_EQ(trust_policy_account("arn:x", "").find("Condition"), std::string::npos);
  EXPECT_NE(trust_policy_account("arn:x", "a${b}").find("a${$}{b}"), std::string::npos);
}

TEST(PermissionPolicy, BucketLoginAndKey) {
  const auto json = nlohmann::json::parse(
      permission_policy({.partition = "aws-cn",
                         .bucket = "b",
                         .prefix = "v*/",
                         .kms_key_arn = "arn:aws-cn:kms:cn-north-1:123456789012:key/1",
                         .login_action = "redshift:GetClusterCredentials",
                         .login_resources = {"arn:1", "arn:2"}}));
  const auto& statements = json["Statement"];
  ASSERT_EQ(statements.size(), 4);
  EXPECT_EQ(statements[0]["Resource"], "arn:aws-cn:s3:::b");
  EXPECT_EQ(statements[0]["Condition"]["StringLike"]["s3:prefix"], "v${*}/*");
  EXPECT_EQ(statements[1]["Resource"], "arn:aws-cn:s3:::b/v${*}/*");
  EXPECT_EQ(statements[1]["Action"].size(), 3);
  EXPECT_EQ(statements[2]["Action"][0], "kms:GenerateDataKey");
  EXPECT_EQ(statements[3]["Resource"], (nlohmann::json{"arn:1", "arn:2"}));
}

TEST(PermissionPolicy, WholeBucketWithoutLogin) {
  const auto json = nlohmann::json::parse(permission_policy({.partition = "aws", .bucket = "b"}));
  ASSERT_EQ(json["Statement"].size(), 2);
  EXPECT_FALSE(json["Statement"][0].contains("Condition"));
  EXPECT_EQ(json["Statement"][1]["Resource"], "arn:aws:s3:::b/*");
}

}  // namespace
}  // namespace vesto
