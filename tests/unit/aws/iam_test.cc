// A role's trust policy: how it is read from IAM, and whether it says whose Google identity it
// takes.
#include "aws/iam.h"

#include <gtest/gtest.h>

#include "aws/endpoints.h"
#include "tests/unit/aws/query_support.h"

namespace vesto {
namespace {

std::string policy(const std::string& statements) {
  return R"({"Version": "2012-10-17", "Statement": )" + statements + "}";
}

std::string google(const std::string& condition) {
  return R"({"Effect": "Allow", "Principal": {"Federated": "accounts.google.com"},
    "Action": "sts:AssumeRoleWithWebIdentity", "Condition": )" +
         condition + "}";
}

constexpr const char* kBoth =
    R"({"StringEquals": {"accounts.google.com:sub": "1", "accounts.google.com:oaud": "a"}})";
constexpr const char* kAudienceAlone = R"({"StringEquals": {"accounts.google.com:oaud": "a"}})";

TEST(GoogleTrust, TheSubIsTested) {
  for (const char* condition :
       {kBoth, R"({"StringEquals": {"Accounts.Google.com:SUB": ["1", "2"]}})",
        R"({"stringequalsifexists": {"accounts.google.com:sub": "1"}})",
        R"({"StringLike": {"accounts.google.com:sub": "1"}})",
        R"({"ForAnyValue:StringEquals": {"accounts.google.com:sub": "1"}})",
        // The application or account that the token was given to.
        R"({"StringEquals": {"accounts.google.com:aud": "4711"}})"}) {
    EXPECT_EQ(google_trust(policy("[" + google(condition) + "]")), GoogleTrust::kOurs) << condition;
  }
  EXPECT_EQ(google_trust(policy(google(kBoth))), GoogleTrust::kOurs);
}

TEST(GoogleTrust, WithoutItAnybodyIsLetIn) {
  for (const char* condition :
       {kAudienceAlone, "{}", "null", "[]", R"({"StringEquals": "accounts.google.com:sub"})",
        R"({"StringLike": {"accounts.google.com:sub": "1*"}})",
        R"({"ForAllValues:StringEquals": {"accounts.google.com:sub": "1"}})",
        R"({"StringLike": {"accounts.google.com:aud": "*"}})",
        R"({"StringLike": {"accounts.google.com:sub": ["1", "?"]}})",
        R"({"StringNotEquals": {"accounts.google.com:sub": "1"}})",
        R"({"StringEquals": {"accounts.google.com:sub": []}})",
        R"({"Null": {"accounts.google.com:sub": "false"}})"}) {
    EXPECT_EQ(google_trust(policy("[" + google(condition) + "]")), GoogleTrust::kAnybody)
        << condition;
  }
  // One statement that does is enough.
  EXPECT_EQ(google_trust(policy("[" + google(kBoth) + "," + google(kAudienceAlone) + "]")),
            GoogleTrust::kAnybody);
  EXPECT_EQ(google_trust(policy(R"([{"Effect": "Allow", "Principal": "*", "Action": "sts:*"}])")),
            GoogleTrust::kAnybody);
}

TEST(GoogleTrust, OthersAndNonsenseSayNothing) {
  for (const std::string& text :
       {std::string(), std::string("{}"), std::string("[]"), std::string("{\"Statement\": 7}"),
        std::string(100'000, '['), policy("[1, null, \"x\", {}]"),
        policy(R"([{"Effect": "Deny", "Principal": "*", "Action": "*"}])"),
        policy(R"([{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}])"),
        policy(R"([{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}])")}) {
    EXPECT_EQ(google_trust(text), GoogleTrust::kUnclear) << text.substr(0, 200);
  }
}

TEST(Iam, HasOneEndpointForAPartition) {
  EXPECT_EQ(aws_endpoint(AwsService::kIam, "eu-west-1", {.fips = true}),
            "https://iam.amazonaws.com");
  EXPECT_EQ(aws_endpoint(AwsService::kIam, "cn-northwest-1", {}),
            "https://iam.cn-north-1.amazonaws.com.cn");
  EXPECT_EQ(aws_endpoint(AwsService::kIam, "us-gov-east-1", {}),
            "https://iam.us-gov.amazonaws.com");
}

class IamTest : public testing_support::QueryTest {
 protected:
  Result<std::string> ask() {
    return read_role_trust({.region = "eu-west-1", .endpoint = "https://localhost:1"}, "acme-sync",
                           as_, clock_, transport(), {});
  }
};

std::string role_answer(const std::string& document) {
  return "<GetRoleResponse "
         "xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetRoleResult><Role>"
         "<RoleName>acme-sync</RoleName><AssumeRolePolicyDocument>" +
         document + "</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>";
}

TEST_F(IamTest, ReadsTheEncodedPolicy) {
  script_.answer(200, role_answer("%7B%22Statement%22%3A%5B%5D%7D"));
  const auto trust = ask();
  ASSERT_TRUE(trust.ok()) << trust.error().to_string();
  EXPECT_EQ(*trust, R"({"Statement":[]})");
  EXPECT_EQ(script_.sent.at(0).body, "Action=GetRole&Version=2010-05-08&RoleName=acme-sync");
  EXPECT_TRUE(testing_support::has(script_.sent.at(0).headers.at("authorization"),
                                   "/us-east-1/iam/aws4_request"));
}

TEST_F(IamTest, AnswersThatAreNone) {
  for (const std::string& body : {role_answer("%7"), role_answer(""), std::string("<html/>"),
                                  role_answer(std::string(70'000, 'x'))}) {
    for (int i = 0; i < 3; ++i) script_.answer(200, body);
    const auto trust = ask();
    ASSERT_FALSE(trust.ok());
    EXPECT_EQ(trust.error().name(), "AWS-ANSWER") << trust.error().to_string();
    script_.answers.clear();
  }
  script_.answer(403, testing_support::query_fault("AccessDenied", "no"));
  EXPECT_EQ(ask().error().name(), "RS-CRED-DENIED");
}

}  // namespace
}  // namespace vesto
