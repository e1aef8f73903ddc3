#include "sandbox/iam/condition_keys.h"

#include <gtest/gtest.h>

#include "sandbox/iam/iam.h"

namespace vesto::sandbox {
namespace {

std::string value(const RequestContext& context, std::string_view key) {
  const auto* found = context.find(key);
  if (found == nullptr) return "(missing)";
  return found->size() == 1 ? found->front() : "(not one)";
}

std::string with_key(const std::string& key) {
  return R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*",
    "Resource": "*"}, {"Effect": "Deny", "Action": "s3:*", "Resource": "*",
    "Condition": {"StringEquals": {")" +
         key + R"(": "x"}}}]})";
}

TEST(ConditionKeys, OriginSaysHowACallCameIn) {
  const RequestContext context = origin_context({.source_ip = "127.0.0.9",
                                                 .secure_transport = true,
                                                 .region = "eu-west-1",
                                                 .user_agent = "judge/1"});
  EXPECT_EQ(value(context, "aws:SourceIp"), "127.0.0.9");
  EXPECT_EQ(value(context, "aws:SecureTransport"), "true");
  EXPECT_EQ(value(context, "aws:RequestedRegion"), "eu-west-1");
  EXPECT_EQ(value(context, "aws:UserAgent"), "judge/1");
  EXPECT_EQ(value(context, "aws:ViaAWSService"), "false");
  const RequestContext bare = origin_context({});
  EXPECT_EQ(value(bare, "aws:SecureTransport"), "false");
  EXPECT_EQ(value(bare, "aws:SourceIp"), "(missing)");
  EXPECT_EQ(value(bare, "aws:UserAgent"), "(missing)");
}

TEST(ConditionKeys, S3SeesListedParametersAndHeadersAlone) {
  RequestContext context;
  add_s3_request(false, {{"prefix", "in/"}, {"x-amz-acl", "no header"}},
                 {{"x-amz-server-side-encryption", "AES256"},
                  {"x-amz-security-token", "t"},
                  {"prefix", "no parameter"}},
                 context);
  EXPECT_EQ(value(context, "s3:prefix"), "in/");
  EXPECT_EQ(value(context, "s3:x-amz-server-side-encryption"), "AES256");
  EXPECT_EQ(value(context, "s3:x-amz-acl"), "(missing)");
  EXPECT_EQ(value(context, "s3:x-amz-security-token"), "(missing)");
  EXPECT_EQ(value(context, "s3:authType"), "REST-HEADER");
  EXPECT_EQ(value(context, "s3:x-amz-content-sha256"), "(missing)");
  add_s3_request(true, {}, {}, context);
  EXPECT_EQ(value(context, "s3:authType"), "REST-QUERY-STRING");
  EXPECT_EQ(value(context, "s3:x-amz-content-sha256"), "UNSIGNED-PAYLOAD");
}

// What the code supplies must be in the list, or no policy could use it.
TEST(ConditionKeys, EverySuppliedKeyIsListed) {
  for (const char* key : {"aws:sourceip",
                          "aws:securetransport",
                          "aws:requestedregion",
                          "aws:useragent",
                          "aws:viaawsservice",
                          "aws:resourceaccount",
                          "aws:principaltag/team",
                          "aws:currenttime",
                          "s3:signatureversion",
                          "s3:authtype",
                          "s3:prefix",
                          "s3:x-amz-acl",
                          "s3:resourceaccount",
                          "s3:x-amz-server-side-encryption-aws-kms-key-id",
                          "sts:externalid",
                          "aws:requesttag/a/b",
                          "aws:tagkeys",
                          "redshift:dbuser",
                          "kms:viaservice",
                          "accounts.google.com:oaud",
                          "oidc.eks.eu-west-1.amazonaws.com/id/01:sub"}) {
    EXPECT_TRUE(is_supplied(key, PolicyKind::kIdentity)) << key;
  }
}

TEST(ConditionKeys, OthersAreNot) {
  for (const char* key : {"aws:sourcevpce", "aws:multifactorauthpresent", "aws:principalorgid",
                          "aws:sourcei", "aws:sourceipx", "aws:principaltag/", "aws:principaltag",
                          "s3:", "s3:x-amz-security-token", "s3:signatureage", "accounts:sub",
                          "accounts.google.com:amr", "issuer.example/x:oaud", "", ":", "x"}) {
    EXPECT_FALSE(is_supplied(key, PolicyKind::kIdentity)) << key;
  }
}

TEST(ConditionKeys, APolicySeesItsOwnServiceOnly) {
  EXPECT_TRUE(is_supplied("s3:authtype", PolicyKind::kResource));
  EXPECT_FALSE(is_supplied("sts:externalid", PolicyKind::kResource));
  EXPECT_FALSE(is_supplied("redshift:dbuser", PolicyKind::kResource));
  EXPECT_FALSE(is_supplied("s3:prefix", PolicyKind::kTrust));
  EXPECT_TRUE(is_supplied("sts:externalid", PolicyKind::kTrust));
  EXPECT_TRUE(is_supplied("kms:viaservice", PolicyKind::kKey));
  EXPECT_FALSE(is_supplied("s3:x-amz-acl", PolicyKind::kKey));
  EXPECT_TRUE(is_supplied("aws:sourceip", PolicyKind::kTrust));
}

TEST(ConditionKeys, AWorkingPolicyNamesTheKeyThatCannotWork) {
  EXPECT_TRUE(parse_working_policy(with_key("AWS:SourceIP"), PolicyKind::kIdentity).ok());
  const auto refused = parse_working_policy(with_key("aws:SourceVpce"), PolicyKind::kIdentity);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("aws:sourcevpce"), std::string::npos);
  EXPECT_NE(refused.error().detail.find("statement 2"), std::string::npos);
  // The evaluator itself takes any key: its cases bring their own context.
  EXPECT_TRUE(parse_policy(with_key("aws:SourceVpce"), PolicyKind::kIdentity).ok());
  EXPECT_FALSE(parse_working_policy("{", PolicyKind::kIdentity).ok());
}

TEST(ConditionKeys, VariablesAreKeysToo) {
  const auto parse = [](const std::string& name, const std::string& version = "2012-10-17") {
    return parse_working_policy(R"({"Version": ")" + version + R"(", "Statement": {"Effect": "Deny",
      "Action": "s3:*", "Resource": "arn:aws:s3:::stage/)" +
                                    name + R"("}})",
                                PolicyKind::kIdentity);
  };
  EXPECT_TRUE(parse("${aws:username}/${aws:PrincipalTag/team, 'none'}/${*}").ok());
  EXPECT_TRUE(parse("${aws:SourceVpc").ok());
  EXPECT_TRUE(parse("${aws:SourceVpc}", "2008-10-17").ok());
  const auto refused = parse("${aws:username}/${ aws:SourceVpc , 'none'}");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().text.find("aws:sourcevpc to"), std::string::npos);
}

TEST(ConditionKeys, AWorldWithSuchAKeyIsRefused) {
  const std::string world =
      "[[account]]\nid = \"111122223333\"\n  [[account.user]]\n"
      "  name = \"ann\"\n  policies = ['''" +
      with_key("aws:SourceVpc") + "''']\n";
  const auto refused = parse_world(world, "w");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().find("aws:sourcevpc"), std::string::npos) << refused.error();
  EXPECT_NE(refused.error().find("w:5"), std::string::npos) << refused.error();
}

}  // namespace
}  // namespace vesto::sandbox
