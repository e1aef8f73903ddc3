// Claims, the metadata server and the token file.
#include "aws/google_token.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "aws/google_parts.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

TEST(Base64Url, BothWays) {
  for (const std::string& bytes : {std::string(), std::string("f"), std::string("fo"),
                                   std::string("foo"), std::string("\0\xff\xfb\x01", 4)}) {
    EXPECT_EQ(base64url_decode(base64url_encode(bytes)), bytes);
  }
  EXPECT_EQ(base64url_encode("\xfb\xff"), "-_8");
  for (const char* bad : {"Zg==", "Zg ", "Z", "Zh", "Zm9", "Z+", "Z/", "Zg\n", "\xc3\xa4"}) {
    EXPECT_FALSE(base64url_decode(bad)) << bad;
  }
}

TEST(TokenClaims, AreRead) {
  const auto claims = parse_token_claims(
      Secret(google_jwt("aud-1", 1'800'000'000, R"(,"email":"a@b","x":[1,{"y":2}])")));
  ASSERT_TRUE(claims.ok()) << claims.error().to_string();
  EXPECT_EQ(claims->issuer, "https://accounts.google.com");
  EXPECT_EQ(claims->subject, "112233445566778899001");
  EXPECT_EQ(claims->audience, "aud-1");
  EXPECT_EQ(claims->authorized_party, "112233445566778899001");
  EXPECT_EQ(claims->email, "a@b");
  EXPECT_EQ(claims->expires_at_s, 1'800'000'000);
  EXPECT_EQ(parse_token_claims(Secret(make_jwt(R"({"exp":5,"aud":["one"]})")))->audience, "one");
}

TEST(TokenClaims, HostileTokens) {
  const std::string deep =
      R"({"exp":5,"a":)" + std::string(5000, '[') + std::string(5000, ']') + "}";
  const std::string good = google_jwt("a", 5);
  const std::string tokens[] = {"",
                                ".",
                                "..",
                                "...",
                                "a.b.c",
                                "<html>no</html>",
                                good + ".x",
                                good + "=",
                                " " + good,
                                good.substr(0, good.rfind('.') + 1),
                                good.substr(0, good.rfind('.')),
                                make_jwt(R"({"exp":5)"),
                                make_jwt("[1]"),
                                make_jwt("5"),
                                make_jwt(R"({"exp":5})", "[]"),
                                make_jwt(R"({"aud":"a"})"),
                                make_jwt(R"({"exp":"5"})"),
                                make_jwt(R"({"exp":5.5})"),
                                make_jwt(R"({"exp":1e9})"),
                                make_jwt(R"({"exp":-1})"),
                                make_jwt(R"({"exp":0})"),
                                make_jwt(R"({"exp":9223372036854775807})"),
                                make_jwt(R"({"exp":18446744073709551615})"),
                                make_jwt(R"({"exp":99999999999999999999999999})"),
                                make_jwt(R"({"exp":5,"aud":7})"),
                                make_jwt(R"({"exp":5,"aud":["a","b"]})"),
                                make_jwt(R"({"exp":5,"sub":{}})"),
                                make_jwt("{\"exp\":5,\"sub\":\"\xff\"}"),
                                make_jwt(deep),
                                make_jwt(R"({"exp":5,"a":")" + std::string(20'000, 'x') + "\"}")};
  for (const std::string& token : tokens) {
    const auto claims = parse_token_claims(Secret(token));
    EXPECT_EQ(code_of(claims), ErrorCode::kGcpToken) << token.substr(0, 200);
    if (claims.ok() || token.size() < 8) continue;
    EXPECT_EQ(all_of(claims.error()).find(token), std::string::npos);
  }
}

class MetadataTest : public IdentityTest {
 protected:
  std::unique_ptr<IdTokenSource> source(const std::string& account = "default") {
    return make_metadata_tokens(account, clock_, std::make_unique<ScriptedHttp>(script_),
                                environment());
  }
  void answer_token(const std::string& jwt) {
    script_.answer(200, jwt + "\n", {{"metadata-flavor", "Google"}});
  }
};

TEST_F(MetadataTest, AsksAsGoogleSays) {
  const std::string jwt = google_jwt("vesto/a b?&=1", kNowS + 3600);
  answer_token(jwt);
  const auto token = source()->get("vesto/a b?&=1", {});
  ASSERT_TRUE(token.ok()) << token.error().to_string();
  EXPECT_EQ(token->jwt.reveal(), jwt);
  EXPECT_EQ(token->claims.audience, "vesto/a b?&=1");
  EXPECT_EQ(script_.sent.at(0).method, "GET");
  EXPECT_EQ(script_.sent.at(0).url,
            "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/"
            "identity?audience=vesto%2Fa%20b%3F%26%3D1&format=full");
  EXPECT_EQ(script_.sent.at(0).headers,
            (std::map<std::string, std::string>{{"Metadata-Flavor", "Google"}}));
}

TEST_F(MetadataTest, HostAndAccountCanBeSet) {
  values_["GCE_METADATA_HOST"] = "127.0.0.1:8080";
  answer_token(google_jwt("a", kNowS + 3600));
  ASSERT_TRUE(source("etl@p.iam.gserviceaccount.com")->get("a", {}).ok());
  EXPECT_TRUE(script_.sent.at(0).url.starts_with(
      "http://127.0.0.1:8080/computeMetadata/v1/instance/service-accounts/"
      "etl@p.iam.gserviceaccount.com/identity?"));
  for (const char* host : {"a/b", "a b", "user@host", "http://x", "a:b"}) {
    values_["GCE_METADATA_HOST"] = host;
    EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kCfgValue) << host;
  }
  values_.erase("GCE_METADATA_HOST");
  for (const char* account : {"", "..", "a/../b", "a@b/c", "a@b?c", "a b@c", "a@b\r\n"}) {
    EXPECT_EQ(code_of(source(account)->get("a", {})), ErrorCode::kCfgValue) << account;
  }
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(MetadataTest, TimeoutOfTheEnvironmentAndNoProxy) {
  EXPECT_EQ(metadata_http_options(environment()).request_timeout_ms, 3000);
  EXPECT_TRUE(metadata_http_options(environment()).no_proxy);
  values_["GCE_METADATA_TIMEOUT"] = "7";
  EXPECT_EQ(metadata_http_options(environment()).connect_timeout_ms, 7000);
  for (const char* bad : {"0", "-1", "x", "1.5", "99999999999999999999"}) {
    values_["GCE_METADATA_TIMEOUT"] = bad;
    const auto token = source()->get("a", {});
    EXPECT_EQ(code_of(token), ErrorCode::kCfgValue) << bad;
    EXPECT_NE(token.error().message().find("GCE_METADATA_TIMEOUT"), std::string::npos);
  }
}

TEST_F(MetadataTest, PassingFaultsAreRepeatedFiveTimes) {
  script_.answer(503);
  script_.fail(ErrorCode::kNetTimeout);
  script_.fail(ErrorCode::kNetRefused);
  script_.answer(500);
  answer_token(google_jwt("a", kNowS + 3600));
  EXPECT_TRUE(source()->get("a", {}).ok());
  EXPECT_EQ(script_.sent.size(), 5U);

  for (int i = 0; i < 6; ++i) script_.answer(503, "busy");
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kGcpToken);
  EXPECT_EQ(script_.sent.size(), 10U);
}

TEST_F(MetadataTest, NoServer) {
  script_.fail(ErrorCode::kNetDns);
  const auto token = source()->get("a", {});
  ASSERT_EQ(code_of(token), ErrorCode::kGcpToken);
  EXPECT_EQ(script_.sent.size(), 1U);
  EXPECT_NE(token.error().hint().find("key file"), std::string::npos);
  script_.fail(ErrorCode::kRunInterrupted);
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kRunInterrupted);
}

TEST_F(MetadataTest, StopEndsTheRepetition) {
  std::stop_source stop;
  stop.request_stop();
  script_.answer(503);
  EXPECT_EQ(code_of(source()->get("a", stop.get_token())), ErrorCode::kRunInterrupted);
}

TEST_F(MetadataTest, WhatGkeSaysIsPassedOn) {
  const Secret secret("hunter2hunter2");
  script_.answer(404,
                 "Your Kubernetes service account (ns/sa) is not annotated with a target "
                 "\x1b[2Jhunter2hunter2 " +
                     std::string(5000, 'x'));
  const auto token = source()->get("a", {});
  ASSERT_EQ(code_of(token), ErrorCode::kGcpToken);
  const std::string text = all_of(token.error());
  EXPECT_NE(text.find("(ns/sa) is not annotated"), std::string::npos);
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_LE(token.error().upstream().text.size(), 1010U);
  EXPECT_NE(token.error().hint().find("iam.gke.io/gcp-service-account"), std::string::npos);
  EXPECT_EQ(script_.sent.size(), 1U);
  script_.answer(404, "not found");
  EXPECT_NE(source()->get("a", {}).error().hint().find("Attach a service account"),
            std::string::npos);
}

TEST_F(MetadataTest, OthersInItsPlace) {
  script_.answer(200, google_jwt("a", kNowS + 3600));
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kGcpToken);
  answer_token("<html>log in</html>");
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kGcpToken);
  answer_token(google_jwt("another", kNowS + 3600));
  const auto token = source()->get("a", {});
  ASSERT_EQ(code_of(token), ErrorCode::kGcpToken);
  EXPECT_NE(token.error().message().find("\"another\""), std::string::npos);
  EXPECT_NE(token.error().message().find("\"a\""), std::string::npos);
}

TEST_F(MetadataTest, KeepsATokenPerAudience) {
  const auto tokens = source();
  answer_token(google_jwt("a", kNowS + 3600));
  answer_token(google_jwt("b", kNowS + 3600));
  ASSERT_TRUE(tokens->get("a", {}).ok());
  ASSERT_TRUE(tokens->get("b", {}).ok());
  EXPECT_EQ(tokens->get("a", {})->claims.audience, "a");
  EXPECT_EQ(script_.sent.size(), 2U);

  clock_.sleep_ms(50 * 60'000 + 1, {});  // 10 minutes are left of "a": asked anew, old one given
  for (int i = 0; i < 5; ++i) script_.answer(503);
  EXPECT_TRUE(tokens->get("a", {}).ok());
  EXPECT_EQ(script_.sent.size(), 7U);
  clock_.sleep_ms(6 * 60'000, {});  // too little is left
  for (int i = 0; i < 5; ++i) script_.answer(503);
  EXPECT_EQ(code_of(tokens->get("a", {})), ErrorCode::kGcpToken);
  answer_token(google_jwt("a", kNowS + 7200));
  EXPECT_EQ(tokens->get("a", {})->claims.expires_at_s, kNowS + 7200);
}

TEST_F(MetadataTest, ShortLivesAreRefused) {
  answer_token(google_jwt("a", kNowS + 299));
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kGcpToken);
  answer_token(google_jwt("a", kNowS + 300));
  EXPECT_TRUE(source()->get("a", {}).ok());
  EXPECT_EQ(code_of(source()->get("", {})), ErrorCode::kGcpToken);
}

class TokenFileTest : public IdentityTest {};

TEST_F(TokenFileTest, IsReadAtEachCall) {
  const std::string path = write("token", google_jwt("a", kNowS + 3600) + "\n");
  const auto tokens = make_token_file(path, clock_);
  ASSERT_TRUE(tokens->get("a", {}).ok());
  EXPECT_FALSE(tokens->get("a", {})->jwt.reveal().ends_with("\n"));
  write("token", google_jwt("b", kNowS + 3600) + "\r\n");
  EXPECT_TRUE(tokens->get("b", {}).ok());
  const auto other = tokens->get("a", {});
  ASSERT_EQ(code_of(other), ErrorCode::kGcpToken);
  EXPECT_NE(other.error().message().find("\"b\""), std::string::npos);
  EXPECT_NE(other.error().message().find("sub 112233445566778899001"), std::string::npos);
  EXPECT_EQ(all_of(other.error()).find(google_jwt("b", kNowS + 3600)), std::string::npos);
}

TEST_F(TokenFileTest, ExpiredSaysSinceWhen) {
  const std::string path = write("token", google_jwt("a", kNowS - 60));
  const auto token = make_token_file(path, clock_)->get("a", {});
  ASSERT_EQ(code_of(token), ErrorCode::kGcpToken);
  EXPECT_NE(token.error().message().find("since 2026-11-22T01:25:56Z"), std::string::npos)
      << token.error().message();
}

TEST_F(TokenFileTest, BadFiles) {
  const auto code = [&](const std::string& path) {
    return code_of(make_token_file(path, clock_)->get("a", {}));
  };
  EXPECT_EQ(code(dir_ + "/none"), ErrorCode::kCfgSecretMissing);
  EXPECT_EQ(code(dir_), ErrorCode::kCfgSecretMissing);
  EXPECT_EQ(code(write("empty", "\n")), ErrorCode::kGcpToken);
  EXPECT_EQ(code(write("long", std::string(20'001, 'a'))), ErrorCode::kCfgSecretMissing);
  EXPECT_EQ(code(write("binary", std::string("\0\1\2", 3))), ErrorCode::kGcpToken);
  EXPECT_EQ(code("/dev/null"), ErrorCode::kGcpToken);
  const std::string pipe = dir_ + "/pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_EQ(code(pipe), ErrorCode::kCfgSecretMissing);  // and does not wait for a writer
}

}  // namespace
}  // namespace vesto
