// One answer of AWS, one code of the catalogue: the texts are those that AWS sends.
#include "aws/aws_errors.h"

#include "tests/unit/aws/query_support.h"

namespace vesto {
namespace {

using testing_support::has;
using testing_support::query_fault;

const std::string kRole = "arn:aws:iam::123456789012:role/transfer";
const std::string kSession = "arn:aws:sts::111122223333:assumed-role/transfer/vesto";

HttpResponse response(int status, std::string body,
                      std::map<std::string, std::string> headers = {}) {
  HttpResponse out;
  out.status = status;
  out.body = std::move(body);
  out.headers = std::move(headers);
  return out;
}

AwsCall sts_call(const std::string& action = "AssumeRole") {
  return {.action = "sts:" + action,
          .who = "AKIDEXAMPLE",
          .what = kRole,
          .region = "eu-west-1",
          .now_ms = 1'708'192'210'000};  // 2024-02-17T17:50:10Z
}

AwsCall cluster_call() {
  return {.service = AwsService::kRedshift,
          .action = "redshift:GetClusterCredentials",
          .who = "AKIDEXAMPLE",
          .what = "shop",
          .region = "eu-west-1",
          .db_user = "etl",
          .database = "dev"};
}

AwsCall workgroup_call() {
  return {.service = AwsService::kRedshiftServerless,
          .action = "redshift-serverless:GetCredentials",
          .what = "shop-wg",
          .region = "eu-west-1"};
}

Error query_error(const AwsCall& call, int status, const std::string& code,
                  const std::string& message) {
  return aws_error(call, response(status, query_fault(code, message)));
}

Error json_error(const AwsCall& call, int status, const std::string& type,
                 const std::string& message) {
  return aws_error(
      call, response(status, "{\"__type\":\"" + type + "\",\"message\":\"" + message + "\"}"));
}

struct CodeCase {
  const char* action;
  int status;
  const char* aws_code;
  const char* message;
  ErrorCode code;
  const char* hint_part;
};

constexpr CodeCase kStsCases[] = {
    {"AssumeRole", 403, "AccessDenied", "Not authorized to perform sts:AssumeRole",
     ErrorCode::kAwsAssumeDenied, "AKIDEXAMPLE in the trust policy of arn:aws:iam"},
    {"AssumeRoleWithWebIdentity", 403, "AccessDenied",
     "Not authorized to perform sts:AssumeRoleWithWebIdentity", ErrorCode::kAwsAssumeDenied,
     "arn:aws:iam::123456789012:role/transfer must allow sts:AssumeRoleWithWebIdentity"},
    {"AssumeRole", 403, "AccessDenied", "Roles may not be assumed by root accounts.",
     ErrorCode::kAwsAssumeDenied, "trust policy"},
    {"AssumeRoleWithWebIdentity", 400, "InvalidIdentityToken",
     "No OpenIDConnect provider found in your account for https://x", ErrorCode::kAwsToken,
     "issuer"},
    {"AssumeRoleWithWebIdentity", 400, "InvalidIdentityToken", "Incorrect token audience",
     ErrorCode::kAwsToken, "Delete the IAM identity provider for accounts.google.com"},
    {"AssumeRoleWithWebIdentity", 400, "ExpiredTokenException",
     "Token expired: current date/time 1753382758 must be before the expiration date/time "
     "1753089571",
     ErrorCode::kAwsToken, "has expired"},
    {"AssumeRoleWithWebIdentity", 403, "IDPRejectedClaim", "x responded with HTTP/1.1 400",
     ErrorCode::kAwsToken, ""},
    {"AssumeRoleWithWebIdentity", 400, "IDPCommunicationError", "x", ErrorCode::kAwsServer,
     "issuer"},
    {"AssumeRole", 403, "InvalidClientTokenId",
     "The security token included in the request is invalid.", ErrorCode::kAwsKey, ""},
    {"AssumeRole", 400, "ExpiredTokenException",
     "The security token included in the request is expired", ErrorCode::kAwsKey,
     "session token has expired"},
    {"GetCallerIdentity", 403, "ExpiredToken",
     "The security token included in the request is expired", ErrorCode::kAwsKey,
     "session token has expired"},
    {"GetCallerIdentity", 403, "SignatureDoesNotMatch",
     "The request signature we calculated does not match the signature you provided.",
     ErrorCode::kAwsKey, "secret does not belong"},
    {"GetCallerIdentity", 403, "SignatureDoesNotMatch",
     "Credential should be scoped to a valid region, not 'us-west-1'.", ErrorCode::kAwsKey,
     "another region"},
    {"GetCallerIdentity", 400, "IncompleteSignature", "'x' not a valid key=value pair",
     ErrorCode::kAwsKey, ""},
    {"AssumeRole", 400, "ValidationError",
     "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
     ErrorCode::kAwsSts, "maximum session duration"},
    {"AssumeRole", 400, "ValidationError",
     "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
     "chaining.",
     ErrorCode::kAwsSts, "one hour"},
    {"AssumeRole", 400, "ValidationError", "Request ARN is invalid", ErrorCode::kAwsSts,
     "is not the ARN of a role"},
    {"AssumeRole", 400, "MalformedPolicyDocument", "Syntax errors in policy.", ErrorCode::kAwsSts,
     ""},
    {"AssumeRole", 400, "PackedPolicyTooLarge", "Packed policy consumes 118% of allotted space",
     ErrorCode::kAwsSts, ""},
    {"AssumeRole", 403, "RegionDisabledException",
     "STS is not activated in this region for account:123456789012.", ErrorCode::kAwsSts,
     "eu-west-1"},
    {"AssumeRole", 400, "Throttling", "Rate exceeded", ErrorCode::kAwsServer, ""},
    {"AssumeRole", 500, "SomethingNew", "x", ErrorCode::kAwsServer, ""},
    {"AssumeRole", 400, "SomethingNew", "x", ErrorCode::kAwsSts, ""},
};

TEST(AwsErrors, Sts) {
  for (const CodeCase& c : kStsCases) {
    const Error error = query_error(sts_call(c.action), c.status, c.aws_code, c.message);
    EXPECT_EQ(error.code(), c.code) << c.aws_code << ": " << c.message;
    EXPECT_TRUE(has(error.hint(), c.hint_part)) << c.aws_code << ": " << error.hint();
    EXPECT_EQ(error.upstream().code, std::to_string(c.status) + " " + c.aws_code);
    EXPECT_EQ(error.upstream().text, c.message);
    EXPECT_EQ(error.upstream().request_id, "REQ-1");
    EXPECT_EQ(error.upstream().system, "aws");
  }
}

TEST(AwsErrors, AssumeDeniedSaysWhoAndWhat) {
  AwsCall call = sts_call();
  call.external_id = "ext-1";
  const Error error = query_error(
      call, 403, "AccessDenied",
      "User: " + kSession + " is not authorized to perform: sts:AssumeRole on resource: " + kRole);
  EXPECT_TRUE(has(error.hint(), "Allow sts:AssumeRole to " + kSession + " in the trust policy of " +
                                    kRole + ", with sts:ExternalId \"ext-1\""))
      << error.hint();
}

TEST(AwsErrors, ClockSkewSaysHowFar) {
  const std::string behind =
      "Signature expired: 20240217T171323Z is now earlier than 20240217T173539Z "
      "(20240217T175039Z - 15 min.)";
  AwsCall call = sts_call();
  call.now_ms = 1'708'190'003'000;  // 17:13:23
  Error error = query_error(call, 403, "SignatureDoesNotMatch", behind);
  EXPECT_EQ(error.code(), ErrorCode::kSysClockSkew);
  EXPECT_TRUE(has(error.message(), "clock is 37m 16s behind AWS's")) << error.message();
  call.now_ms = 1'708'195'839'000;
  error = query_error(call, 403, "SignatureDoesNotMatch",
                      "Signature not yet current: 20240217T185039Z is still later than "
                      "20240217T180539Z (20240217T175039Z + 15 min.)");
  EXPECT_EQ(error.code(), ErrorCode::kSysClockSkew);
  EXPECT_TRUE(has(error.message(), "1h 0m ahead of AWS's")) << error.message();
  // The header's time wins; without any the text stays general.
  error = aws_error(call, response(403, query_fault("SignatureDoesNotMatch", "Signature expired"),
                                   {{"date", "Sat, 17 Feb 2024 17:50:39 GMT"}}));
  EXPECT_TRUE(has(error.message(), "1h 0m ahead")) << error.message();
  error = query_error(call, 403, "SignatureDoesNotMatch", "Signature expired: (20240217");
  EXPECT_EQ(error.code(), ErrorCode::kSysClockSkew);
  error = json_error(workgroup_call(), 400, "InvalidSignatureException", behind);
  EXPECT_EQ(error.code(), ErrorCode::kSysClockSkew);
}

TEST(AwsErrors, RedshiftDeniedNamesActionAndArn) {
  const std::string arn = "arn:aws:redshift:eu-west-1:111122223333:dbuser:shop/etl";
  const std::string text = "User: " + kSession +
                           " is not authorized to perform: redshift:GetClusterCredentials on "
                           "resource: " +
                           arn +
                           " because no identity-based policy allows the "
                           "redshift:GetClusterCredentials action";
  Error error = query_error(cluster_call(), 403, "AccessDenied", text);
  EXPECT_EQ(error.code(), ErrorCode::kRsCredDenied);
  EXPECT_TRUE(
      has(error.hint(), "Allow redshift:GetClusterCredentials on " + arn + " to " + kSession + "."))
      << error.hint();
  EXPECT_FALSE(has(error.hint(), "another account"));
  AwsCall call = cluster_call();
  call.account = "123456789012";
  error = query_error(call, 403, "AccessDenied", text);
  EXPECT_TRUE(has(error.hint(), "of account 111122223333, the warehouse is in 123456789012"))
      << error.hint();
  call.account = "111122223333";
  EXPECT_FALSE(has(query_error(call, 403, "AccessDenied", text).hint(), "another account"));
}

TEST(AwsErrors, RedshiftDeniedByADenyIsNotToBeAllowed) {
  const Error error = query_error(
      cluster_call(), 403, "AccessDenied",
      "User: " + kSession +
          " is not authorized to perform: redshift:GetClusterCredentials on resource: "
          "arn:aws:redshift:eu-west-1:111122223333:dbuser:shop/etl with an explicit deny in an "
          "identity-based policy");
  EXPECT_EQ(error.code(), ErrorCode::kRsCredDenied);
  EXPECT_FALSE(has(error.hint(), "Allow ")) << error.hint();
  EXPECT_TRUE(has(error.hint(), "\"Effect\": \"Deny\"")) << error.hint();
}

TEST(AwsErrors, RedshiftDeniedWithoutAnArnBuildsIt) {
  Error error = query_error(cluster_call(), 403, "AccessDenied", "Access Denied");
  EXPECT_TRUE(has(error.hint(),
                  "arn:aws:redshift:eu-west-1:ACCOUNT:dbuser:shop/etl and "
                  "arn:aws:redshift:eu-west-1:ACCOUNT:dbname:shop/dev"))
      << error.hint();
  AwsCall call = workgroup_call();
  call.region = "cn-north-1";
  call.account = "123456789012";
  error = json_error(call, 400, "AccessDeniedException", "no");
  EXPECT_EQ(error.code(), ErrorCode::kRsCredDenied);
  EXPECT_TRUE(
      has(error.hint(), "arn:aws-cn:redshift-serverless:cn-north-1:123456789012:workgroup/ID"))
      << error.hint();
  error = query_error(cluster_call(), 400, "UnsupportedOperation", "x");
  EXPECT_EQ(error.code(), ErrorCode::kRsApi);
  EXPECT_TRUE(has(error.hint(), "leave db_user out")) << error.hint();
}

TEST(AwsErrors, NotFoundOrTheOtherKind) {
  EXPECT_EQ(query_error(cluster_call(), 404, "ClusterNotFound", "Cluster shop not found.").code(),
            ErrorCode::kRsClusterNotFound);
  EXPECT_EQ(json_error(workgroup_call(), 400, "ns#ResourceNotFoundException:more",
                       "Serverless workgroup shop-wg not found. ")
                .code(),
            ErrorCode::kRsClusterNotFound);
  AwsCall call = cluster_call();
  call.host = "shop.123456789012.eu-west-1.redshift-serverless.amazonaws.com";
  Error error = query_error(call, 404, "ClusterNotFound", "x");
  EXPECT_EQ(error.code(), ErrorCode::kRsCredKind);
  EXPECT_TRUE(has(error.hint(), "kind = \"redshift-serverless\"")) << error.hint();
  call.host = "shop.abc.eu-west-1.redshift.amazonaws.com";
  EXPECT_EQ(query_error(call, 404, "ClusterNotFound", "x").code(), ErrorCode::kRsClusterNotFound);
  // Names that no cluster can have.
  for (const char* name : {"1shop", "shop--wg", "shop-"}) {
    call.host = "";
    call.what = name;
    EXPECT_EQ(query_error(call, 404, "ClusterNotFound", "x").code(), ErrorCode::kRsCredKind)
        << name;
  }
  call = workgroup_call();
  call.host = "shop.abc.eu-west-1.redshift.amazonaws.com";
  error = json_error(call, 400, "ResourceNotFoundException", "x");
  EXPECT_EQ(error.code(), ErrorCode::kRsCredKind);
  EXPECT_TRUE(has(error.hint(), "kind = \"redshift\"")) << error.hint();
}

TEST(AwsErrors, RedshiftKeysAndFaults) {
  const AwsCall wg = workgroup_call();
  EXPECT_EQ(json_error(wg, 400, "UnrecognizedClientException", "x").code(), ErrorCode::kAwsKey);
  EXPECT_EQ(json_error(wg, 400, "ExpiredTokenException", "x").code(), ErrorCode::kAwsKey);
  EXPECT_EQ(json_error(wg, 400, "ValidationException", "x").code(), ErrorCode::kCfgValue);
  EXPECT_EQ(json_error(wg, 400, "ThrottlingException", "x").code(), ErrorCode::kAwsServer);
  EXPECT_EQ(json_error(wg, 500, "Whatever", "x").code(), ErrorCode::kAwsServer);
}

// No advice about rights where rights are not the matter.
TEST(AwsErrors, AnUnknownRefusalOfRedshiftIsNoDenial) {
  for (const int status : {400, 402, 403, 404, 409}) {
    const Error error = query_error(cluster_call(), status, "InvalidClusterState", "It is paused.");
    EXPECT_EQ(error.code(), ErrorCode::kRsApi) << status;
    EXPECT_TRUE(has(error.message(), "InvalidClusterState: It is paused.")) << error.message();
    EXPECT_FALSE(has(error.hint(), "Allow ")) << error.hint();
    EXPECT_EQ(error.upstream().text, "It is paused.");
  }
  EXPECT_EQ(json_error(workgroup_call(), 400, "ConflictException", "x").code(), ErrorCode::kRsApi);
  for (const char* code : {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}) {
    EXPECT_EQ(query_error(cluster_call(), 400, code, "x").code(), ErrorCode::kRsCredDenied) << code;
  }
}

TEST(AwsErrors, JsonCodeFromHeaderAndMessageInCapitals) {
  const Error error =
      aws_error(workgroup_call(), response(400, "{\"Message\":\"said\"}",
                                           {{"x-amzn-errortype", "AccessDeniedException:http://x"},
                                            {"x-amzn-requestid", "REQ-2"}}));
  EXPECT_EQ(error.code(), ErrorCode::kRsCredDenied);
  EXPECT_EQ(error.upstream().text, "said");
  EXPECT_EQ(error.upstream().request_id, "REQ-2");
}

TEST(AwsErrors, WithoutAFaultOfAws) {
  EXPECT_EQ(aws_error(sts_call(), response(502, "<html>")).code(), ErrorCode::kAwsServer);
  EXPECT_EQ(aws_error(sts_call(), response(429, "")).code(), ErrorCode::kAwsServer);
  EXPECT_EQ(aws_error(sts_call(), response(403, "<html>")).code(), ErrorCode::kAwsAnswer);
  EXPECT_EQ(aws_error(sts_call(), response(301, "")).code(), ErrorCode::kAwsAnswer);
  EXPECT_EQ(aws_error(workgroup_call(), response(400, "[1]")).code(), ErrorCode::kAwsAnswer);
}

// The role and what it trusts are not at fault: whose policy it is, and of which account.
TEST(AwsErrors, ARoleThatNoAllowLetsAssume) {
  struct Case {
    const char* why;
    const char* hint_part;
  };
  const std::string lacks = " allows the sts:AssumeRole action";
  const Case cases[] = {
      {"because no permissions boundary",
       "The permissions boundary of arn:aws:iam::999999999999:user/vesto (account 999999999999) "
       "does not allow sts:AssumeRole on arn:aws:iam::123456789012:role/transfer"},
      {"because no service control policy",
       "A service control policy over account 999999999999, which is that of arn:aws:iam::9999"},
      {"because no resource control policy",
       "A resource control policy over account 123456789012, which is that of arn:aws:iam::1234"},
      {"because no session policy", "The session policy of arn:aws:iam::999999999999:user/vesto"},
      {"because no VPC endpoint policy", "The policy of the VPC endpoint for STS"},
      {"with an explicit deny in an identity-based policy",
       "A policy of arn:aws:iam::999999999999:user/vesto (account 999999999999) itself denies"},
      {"with an explicit deny in a service control policy",
       "A service control policy over account 999999999999"},
      {"with an explicit deny in a role trust policy",
       "The trust policy of arn:aws:iam::123456789012:role/transfer (account 123456789012) itself "
       "denies"},
      {"with an explicit deny", "AWS does not say which"},
  };
  for (const Case& c : cases) {
    const bool none = std::string_view(c.why).starts_with("because");
    const std::string text =
        "User: arn:aws:iam::999999999999:user/vesto is not authorized to perform: sts:AssumeRole "
        "on resource: arn:aws:iam::123456789012:role/transfer " +
        std::string(c.why) + (none ? lacks : "");
    const Error error = query_error(sts_call(), 403, "AccessDenied", text);
    EXPECT_EQ(error.code(), ErrorCode::kAwsAssumeDenied);
    EXPECT_TRUE(has(error.hint(), c.hint_part)) << error.hint();
    EXPECT_FALSE(has(error.hint(), "in the trust policy of")) << error.hint();
    EXPECT_FALSE(has(error.hint(), "ten minutes")) << error.hint();
  }
  const std::string own =
      "User: u is not authorized to perform: sts:AssumeRole because no "
      "identity-based policy" +
      lacks;
  EXPECT_TRUE(has(query_error(sts_call(), 403, "AccessDenied", own).hint(), "in the trust policy"));
}

TEST(DeniedTexts, TolerantOfForms) {
  const auto quoted = parse_denied_text(
      "User: " + kSession +
      " is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::b/k\" because no "
      "identity-based policy allows the s3:PutObject action");
  ASSERT_TRUE(quoted);
  EXPECT_EQ(quoted->who, kSession);
  EXPECT_EQ(quoted->action, "s3:PutObject");
  EXPECT_EQ(quoted->resource, "arn:aws:s3:::b/k");
  EXPECT_EQ(quoted->why, "because no identity-based policy allows the s3:PutObject action");
  const auto short_form = parse_denied_text(
      "User: u is not\n authorized to perform sts:AssumeRole with an explicit deny");
  ASSERT_TRUE(short_form);
  EXPECT_EQ(short_form->resource, "");
  EXPECT_EQ(short_form->why, "with an explicit deny");
  const auto this_one = parse_denied_text(
      "x User: u is not authorized to perform: kms:Decrypt on this resource because it is gone");
  ASSERT_TRUE(this_one);
  EXPECT_EQ(this_one->resource, "");
  EXPECT_EQ(this_one->why, "because it is gone");
  for (const char* other : {"", "Access Denied", "User:", "User: u is not authorized",
                            "User: u is not authorized to perform: nothing"}) {
    EXPECT_FALSE(parse_denied_text(other)) << other;
  }
}

}  // namespace
}  // namespace vesto
