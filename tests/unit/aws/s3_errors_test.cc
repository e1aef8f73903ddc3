#include "aws/s3_errors.h"

#include <gtest/gtest.h>

#include "base/redact.h"
#include "base/time_text.h"

namespace vesto {
namespace {

S3Call put_call() {
  return {.action = "s3:PutObject",
          .bucket = "stage",
          .key = "vesto/x",
          .region = "eu-west-1",
          .now_ms = 1'795'310'816'000};
}

HttpResponse answer(int status, std::string body, std::map<std::string, std::string> headers = {}) {
  HttpResponse response;
  response.status = status;
  response.body = std::move(body);
  response.headers = std::move(headers);
  return response;
}

std::string xml(const std::string& code, const std::string& message, const std::string& more = "") {
  return "<Error><Code>" + code + "</Code><Message>" + message + "</Message>" + more + "</Error>";
}

TEST(S3Errors, AHintNamesThePrefixAndNotTheObject) {
  const HttpResponse response = answer(403, xml("AccessDenied", "Access Denied"));
  const auto hint = [&](std::string_view key) {
    return s3_error({.action = "s3:PutObject", .bucket = "b", .key = key, .region = "eu-west-1"},
                    response)
        .hint();
  };
  EXPECT_EQ(hint("vesto/inst/sync/run/0001/1.csv.gz"),
            "Allow s3:PutObject on arn:aws:s3:::b/vesto/*.");
  EXPECT_EQ(hint("a/b/inst/sync/run/0001/manifest"), "Allow s3:PutObject on arn:aws:s3:::b/a/b/*.");
  EXPECT_EQ(hint("inst/sync/run/0001/manifest"), "Allow s3:PutObject on arn:aws:s3:::b/*.");
  EXPECT_EQ(hint("vesto/x"), "Allow s3:PutObject on arn:aws:s3:::b/vesto/x.");
}

TEST(S3Errors, CodesOfTheCatalogue) {
  struct Case {
    int status;
    const char* s3_code;
    ErrorCode code;
  };
  const Case cases[] = {
      {403, "AccessDenied", ErrorCode::kS3Denied},
      {403, "AllAccessDisabled", ErrorCode::kS3Denied},
      {403, "SomethingNew", ErrorCode::kS3Denied},
      {400, "KMS.DisabledException", ErrorCode::kS3Kms},
      {404, "NoSuchBucket", ErrorCode::kS3NoBucket},
      {403, "InvalidAccessKeyId", ErrorCode::kAwsKey},
      {403, "SignatureDoesNotMatch", ErrorCode::kAwsKey},
      {400, "ExpiredToken", ErrorCode::kAwsKey},
      {400, "InvalidToken", ErrorCode::kAwsKey},
      {400, "AuthorizationHeaderMalformed", ErrorCode::kAwsKey},
      {403, "RequestTimeTooSkewed", ErrorCode::kSysClockSkew},
      {503, "SlowDown", ErrorCode::kS3Slow},
      {503, "ServiceUnavailable", ErrorCode::kS3Slow},
      {503, "SomethingNew", ErrorCode::kS3Slow},
      {500, "InternalError", ErrorCode::kS3Server},
      {502, "SomethingNew", ErrorCode::kS3Server},
      {400, "RequestTimeout", ErrorCode::kS3Server},
      {400, "BadDigest", ErrorCode::kS3Server},
      {400, "XAmzContentSHA256Mismatch", ErrorCode::kS3Server},
      {409, "OperationAborted", ErrorCode::kS3Server},
      {307, "TemporaryRedirect", ErrorCode::kS3Server},
      {301, "PermanentRedirect", ErrorCode::kS3Region},
      {400, "KeyTooLongError", ErrorCode::kS3Refused},
      {412, "PreconditionFailed", ErrorCode::kS3Refused},
  };
  for (const Case& c : cases) {
    const Error error = s3_error(put_call(), answer(c.status, xml(c.s3_code, "m")));
    EXPECT_EQ(error.code(), c.code) << c.s3_code;
    EXPECT_EQ(error.upstream().code, std::to_string(c.status) + " " + c.s3_code);
    EXPECT_EQ(error.upstream().system, "s3");
  }
}

TEST(S3Errors, WithoutABodyTheStatusSpeaks) {
  const std::pair<int, ErrorCode> cases[] = {
      {403, ErrorCode::kS3Denied}, {401, ErrorCode::kS3Denied},  {404, ErrorCode::kS3NoBucket},
      {503, ErrorCode::kS3Slow},   {429, ErrorCode::kS3Slow},    {500, ErrorCode::kS3Server},
      {301, ErrorCode::kS3Region}, {400, ErrorCode::kS3Refused},
  };
  for (const auto& [status, code] : cases) {
    EXPECT_EQ(s3_error(put_call(), answer(status, "")).code(), code) << status;
  }
}

TEST(S3Errors, PageOfAProxyIsNotS3) {
  EXPECT_EQ(s3_error(put_call(), answer(403, "<html>blocked</html>")).code(), ErrorCode::kS3Answer);
  EXPECT_EQ(s3_error(put_call(), answer(407, "authenticate")).code(), ErrorCode::kS3Answer);
  EXPECT_EQ(s3_error(put_call(), answer(502, "<html>bad gateway</html>")).code(),
            ErrorCode::kS3Server);
}

TEST(S3Errors, DeniedNamesTheRight) {
  const Error plain = s3_error(put_call(), answer(403, xml("AccessDenied", "Access Denied")));
  EXPECT_EQ(plain.hint(), "Allow s3:PutObject on arn:aws:s3:::stage/vesto/x.");
  const Error explicit_deny = s3_error(
      put_call(),
      answer(403, xml("AccessDenied",
                      "User: arn:aws:iam::1:user/u is not authorized to perform: s3:PutObject on "
                      "resource: \"arn:aws:s3:::stage/vesto/x\" with an explicit deny in a "
                      "resource-based policy")));
  EXPECT_NE(explicit_deny.hint().find("denies it explicitly"), std::string::npos);
  EXPECT_NE(explicit_deny.message().find("arn:aws:iam::1:user/u"), std::string::npos);
  const Error kms = s3_error(
      put_call(), answer(403, xml("AccessDenied",
                                  "User: u is not authorized to perform: kms:GenerateDataKey on "
                                  "resource: arn:aws:kms:eu-west-1:1:key/k because no session "
                                  "policy allows the kms:GenerateDataKey action")));
  EXPECT_NE(kms.hint().find("kms:GenerateDataKey"), std::string::npos);
  S3Call china = put_call();
  china.region = "cn-north-1";
  china.key = "";
  EXPECT_EQ(s3_error(china, answer(403, xml("AccessDenied", ""))).hint(),
            "Allow s3:PutObject on arn:aws-cn:s3:::stage.");
}

TEST(S3Errors, SkewSaysHowMuch) {
  const Error behind = s3_error(put_call(), answer(403, xml("RequestTimeTooSkewed", "m"),
                                                   {{"date", "Sun, 22 Nov 2026 02:26:56 GMT"}}));
  EXPECT_EQ(behind.message(), "this machine's clock is 1h 0m behind S3's");
  const Error ahead = s3_error(put_call(), answer(403, xml("RequestTimeTooSkewed", "m"),
                                                  {{"date", "Sun, 22 Nov 2026 00:26:56 GMT"}}));
  EXPECT_EQ(ahead.message(), "this machine's clock is 1h 0m ahead of S3's");
  const Error unknown = s3_error(put_call(), answer(403, xml("RequestTimeTooSkewed", "m")));
  EXPECT_NE(unknown.message().find("more than 15 minutes"), std::string::npos);
}

TEST(S3Errors, RegionOfAHostileAnswerIsNotPasted) {
  const Error error = s3_error(put_call(), answer(400, xml("AuthorizationHeaderMalformed", "m",
                                                           "<Region>x\"\n[evil]</Region>")));
  EXPECT_EQ(error.code(), ErrorCode::kS3Region);
  EXPECT_EQ(error.hint().find("evil"), std::string::npos);
  EXPECT_EQ(error.message().find("evil"), std::string::npos);
}

TEST(S3Errors, TokenOfTheAnswerNeverShows) {
  // The token of somebody else, so redact() does not know it.
  const Error error =
      s3_error(put_call(), answer(400, xml("ExpiredToken", "The provided token has expired.",
                                           "<Token-0>SECRETSESSIONTOKEN</Token-0>")));
  EXPECT_EQ(error.to_string().find("SECRETSESSIONTOKEN"), std::string::npos);
  EXPECT_EQ(error.upstream().text.find("SECRETSESSIONTOKEN"), std::string::npos);
}

TEST(S3Errors, RequestIdFromBodyOrHeader) {
  EXPECT_EQ(s3_error(put_call(), answer(403, xml("AccessDenied", "m", "<RequestId>B</RequestId>"),
                                        {{"x-amz-request-id", "H"}}))
                .upstream()
                .request_id,
            "B");
  EXPECT_EQ(
      s3_error(put_call(), answer(403, "", {{"x-amz-request-id", "H"}})).upstream().request_id,
      "H");
}

TEST(HttpDate, Parses) {
  EXPECT_EQ(parse_http_date("Thu, 01 Jan 1970 00:00:01 GMT"), 1000);
  EXPECT_EQ(parse_http_date("Fri, 24 May 2013 00:00:00 GMT"), 1369353600'000);
  for (const char* bad : {"", "Fri, 24 May 2013 00:00:00 CET", "Fri, 24 Mai 2013 00:00:00 GMT",
                          "Fri, 32 May 2013 00:00:00 GMT", "Fri, 24 May 2013 25:00:00 GMT",
                          "Fri, 31 Feb 2013 00:00:00 GMT", "2013-05-24T00:00:00Z"}) {
    EXPECT_FALSE(parse_http_date(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace vesto
