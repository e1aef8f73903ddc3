// Texts of refusals, hostile documents, moments.
#include <gtest/gtest.h>

#include "sandbox/iam/evaluate.h"

namespace vesto::sandbox {
namespace {

std::string refusal(std::string_view json, PolicyKind kind = PolicyKind::kIdentity) {
  auto parsed = parse_policy(json, kind);
  return parsed.ok() ? "taken" : parsed.error().text;
}

TEST(PolicyText, AsIamWordsIt) {
  EXPECT_EQ(refusal("{"), "The policy is not in the valid JSON format.");
  EXPECT_EQ(refusal(""), "The policy is not in the valid JSON format.");
  EXPECT_EQ(refusal("\"text\""), "The policy is not in the valid JSON format.");
  EXPECT_EQ(refusal("{}"), "Syntax errors in policy.");
  EXPECT_EQ(refusal(R"({"Statement": {"Effect": "Allow", "Action": "x", "Resource": "*"}})"),
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.");
  EXPECT_EQ(refusal(R"({"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "b"}})"),
            "Resource b must be in ARN format or \"*\".");
  EXPECT_EQ(refusal(R"({"Statement": {"Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": "*", "Resource": "*"}})",
                    PolicyKind::kTrust),
            "Has prohibited field Resource");
  EXPECT_EQ(refusal(R"({"Statement": [{"Sid": "a", "Effect": "Allow", "Action": "*",
            "Resource": "*"}, {"Sid": "a", "Effect": "Allow", "Action": "*", "Resource": "*"}]})"),
            "Statement IDs (SID) in a single policy must be unique.");
}

TEST(PolicyText, SaysWhereForTheWriter) {
  auto parsed = parse_policy(
      R"({"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"},
          {"Effect": "Allow", "Action": "*", "Resource": "*",
           "Condition": {"StringEqual": {"a:b": "c"}}}]})",
      PolicyKind::kIdentity);
  ASSERT_FALSE(parsed.ok());
  EXPECT_EQ(parsed.error().detail, "statement 2: unknown operator StringEqual");
}

TEST(PolicyLimits, DepthSizeAndBytes) {
  EXPECT_EQ(refusal(std::string(5000, '[')), "The policy is not in the valid JSON format.");
  EXPECT_EQ(refusal("{\"a\":" + std::string(30, '[') + std::string(30, ']') + "}"),
            "The policy is not in the valid JSON format.");
  EXPECT_EQ(refusal(std::string(10'241, 'x')), "Maximum policy size of 10240 bytes exceeded");
  EXPECT_EQ(refusal("{\"Version\": \"\xff\xfe\"}"), "The policy is not in the valid JSON format.");
  EXPECT_EQ(refusal(std::string(2049, ' '), PolicyKind::kSession),
            "Maximum policy size of 2048 bytes exceeded");
  // Every beginning of a document is refused, none crashes.
  const std::string whole =
      R"({"Version": "2012-10-17", "Statement": [{"Sid": "a", "Effect": "Allow", "Action": ["s3:*"],
 "Resource": "*", "Condition": {"ForAnyValue:StringLike": {"aws:TagKeys": ["${aws:username}"]}}}]})";
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_NE(refusal(whole.substr(0, size)), "taken") << size;
  }
  EXPECT_EQ(refusal(whole), "taken");
}

TEST(Pattern, CannotBeMadeSlow) {
  std::string pattern;
  for (int i = 0; i < 2000; ++i) pattern += "*a";
  const auto made = make_pattern(pattern, {}, false, true);
  ASSERT_TRUE(made.has_value());
  EXPECT_FALSE(matches(*made, std::string(1900, 'a') + "b"));
}

TEST(Pattern, OpenVariableIsText) {
  const auto made = make_pattern("a${b", {}, true, true);
  ASSERT_TRUE(made.has_value());
  EXPECT_TRUE(matches(*made, "a${b"));
}

TEST(Moment, FormsOfIso8601) {
  EXPECT_EQ(parse_moment_ms("1970-01-02"), 86'400'000);
  EXPECT_EQ(parse_moment_ms("1970-01-01T01:00:00+01:00"), 0);
  EXPECT_EQ(parse_moment_ms("1970-01-01T00:00:01.5Z"), 1500);
  EXPECT_EQ(parse_moment_ms("1970-01-01T00:01Z"), 60'000);
  EXPECT_EQ(parse_moment_ms("12"), 12'000);
  for (const char* bad :
       {"", "1970-13-01", "1970-02-30", "1970-01-01T", "1970-01-01T25:00:00Z",
        "1970-01-01T00:00:00", "1970-01-01T00:00:00Zx", "-5", "soon", "99999999999999999999"}) {
    EXPECT_FALSE(parse_moment_ms(bad).has_value()) << bad;
  }
}

class DenialText : public testing::Test {
 protected:
  DenialText() {
    request_.principal.kind = IamPrincipal::Kind::kRoleSession;
    request_.principal.account = "111122223333";
    request_.principal.arn = "arn:aws:sts::111122223333:assumed-role/loader/run1";
  }
  AccessRequest request_ = {.principal = {},
                            .action = "redshift:GetClusterCredentials",
                            .resource = "arn:aws:redshift:us-east-1:111122223333:dbuser:wh/u",
                            .resource_account = "",
                            .context = {}};
};

TEST_F(DenialText, GeneralForm) {
  EXPECT_EQ(denial_text(DenialStyle::kGeneric, request_, {.kind = PolicyKind::kIdentity}),
            "User: arn:aws:sts::111122223333:assumed-role/loader/run1 is not authorized to "
            "perform: redshift:GetClusterCredentials on resource: "
            "arn:aws:redshift:us-east-1:111122223333:dbuser:wh/u because no identity-based policy "
            "allows the redshift:GetClusterCredentials action");
  const std::string denied = denial_text(DenialStyle::kGeneric, request_,
                                         {.explicit_deny = true, .kind = PolicyKind::kIdentity});
  EXPECT_TRUE(denied.ends_with("dbuser:wh/u with an explicit deny in an identity-based policy"))
      << denied;
  const std::string session =
      denial_text(DenialStyle::kGeneric, request_, {.kind = PolicyKind::kSession});
  EXPECT_TRUE(session.ends_with(
      " because no session policy allows the redshift:GetClusterCredentials action"))
      << session;
  const std::string boundary = denial_text(DenialStyle::kGeneric, request_,
                                           {.explicit_deny = true, .kind = PolicyKind::kBoundary});
  EXPECT_TRUE(boundary.ends_with(" with an explicit deny in a permissions boundary")) << boundary;
}

TEST_F(DenialText, S3Form) {
  request_.action = "s3:PutObject";
  request_.resource = "arn:aws:s3:::stage/a b";
  EXPECT_EQ(denial_text(DenialStyle::kS3, request_,
                        {.explicit_deny = true, .kind = PolicyKind::kResource}),
            "User: arn:aws:sts::111122223333:assumed-role/loader/run1 is not authorized to "
            "perform: s3:PutObject on resource: \"arn:aws:s3:::stage/a b\" with an explicit deny "
            "in a resource-based policy");
  EXPECT_EQ(denial_text(DenialStyle::kS3, request_, {.other_account = true}), "Access Denied");
  request_.principal = {};
  EXPECT_EQ(denial_text(DenialStyle::kS3, request_, {}), "Access Denied");
}

TEST_F(DenialText, KmsForm) {
  request_.action = "kms:Decrypt";
  request_.resource = "arn:aws:kms:us-east-1:111122223333:key/k";
  const std::string session =
      denial_text(DenialStyle::kS3, request_, {.kind = PolicyKind::kSession});
  EXPECT_TRUE(
      session.ends_with("perform: kms:Decrypt on resource: "
                        "arn:aws:kms:us-east-1:111122223333:key/k because no session "
                        "policy allows the kms:Decrypt action"))
      << session;
  const std::string other = denial_text(DenialStyle::kS3, request_, {.other_account = true});
  EXPECT_NE(other.find("on this resource because the resource does not exist in this Region"),
            std::string::npos)
      << other;
}

}  // namespace
}  // namespace vesto::sandbox
