#include "sandbox/oidc/google_grant.h"

#include "google_fixture.h"

namespace vesto::sandbox {
namespace {

using Json = nlohmann::json;

Result<std::string, GrantProblem> grant(const std::string& form) {
  return exchange_assertion(form, {std::string(kGoogleTokenUrl)}, *google().issuer, google().clock);
}

std::string problem_of(const Json& claims) {
  const auto result = grant(grant_form(google().key->sign(claims.dump())));
  return result.ok() ? "" : result.error().error + ": " + result.error().description;
}

constexpr const char* kBadTimes =
    "invalid_grant: Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
    "reasonable timeframe. Check your iat and exp values in the JWT claim.";

TEST(GoogleGrant, GivesAnIdToken) {
  const auto token = grant(grant_form(google().key->sign(assertion_claims().dump())));
  ASSERT_TRUE(token.ok());
  const auto claims = verify_jwt(*token, *JwkSet::parse(google().issuer->jwks()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->issuer, "https://accounts.google.com");
  EXPECT_EQ(claims->subject, kUniqueId);
  EXPECT_EQ(claims->authorized_party, kEmail);
  EXPECT_EQ(claims->audience, "vesto-organisation");
  EXPECT_EQ(claims->email, kEmail);
  EXPECT_EQ(claims->issued_s, google().clock.now_s());
  EXPECT_EQ(claims->expires_s, google().clock.now_s() + 3600);
}

TEST(GoogleGrant, Times) {
  const int64_t now_s = google().clock.now_s();
  const auto with = [](int64_t issued_s, int64_t expires_s) {
    Json claims = assertion_claims();
    claims["iat"] = issued_s;
    claims["exp"] = expires_s;
    return claims;
  };
  EXPECT_EQ(problem_of(with(now_s - 3599, now_s + 1)), "");
  EXPECT_EQ(problem_of(with(now_s + 60, now_s + 3660)), "");
  EXPECT_EQ(problem_of(with(now_s, now_s + 3601)), kBadTimes);
  EXPECT_EQ(problem_of(with(now_s - 3600, now_s)), kBadTimes);
  EXPECT_EQ(problem_of(with(now_s + 61, now_s + 100)), kBadTimes);
  EXPECT_EQ(problem_of(with(0, INT64_MAX)), kBadTimes);
  EXPECT_EQ(problem_of(with(now_s + 10, now_s + 10)), kBadTimes);
  Json claims = assertion_claims();
  claims.erase("iat");
  EXPECT_EQ(problem_of(claims), "invalid_grant: Invalid JWT: iat (issued at) is not set.");
  claims = assertion_claims();
  claims.erase("exp");
  EXPECT_EQ(problem_of(claims), "invalid_grant: Invalid JWT: exp (expiration time) is not set.");
  claims = assertion_claims();
  claims["iat"] = 1.5;
  EXPECT_EQ(problem_of(claims), "invalid_request: Bad Request");
}

TEST(GoogleGrant, Claims) {
  Json claims = assertion_claims();
  claims["iss"] = "someone@else";
  EXPECT_EQ(problem_of(claims), "invalid_grant: Invalid grant: account not found");
  claims.erase("iss");
  EXPECT_EQ(problem_of(claims), "invalid_grant: Invalid grant: account not found");
  claims = assertion_claims();
  claims["aud"] = "https://oauth2.googleapis.com/token/";
  EXPECT_EQ(problem_of(claims), "invalid_grant: Invalid JWT: Failed audience check.");
  claims.erase("aud");
  EXPECT_EQ(problem_of(claims), "invalid_grant: Invalid JWT: Failed audience check.");
  claims = assertion_claims();
  claims["target_audience"] = "";
  EXPECT_EQ(problem_of(claims),
            "invalid_scope: Invalid OAuth scope or ID token audience provided.");
}

TEST(GoogleGrant, KeysAndAccounts) {
  const std::string claims = assertion_claims().dump();
  const std::string bad = "Invalid JWT Signature.";
  EXPECT_EQ(grant(grant_form(key_two().sign(claims))).error().description, bad);
  // Another key under the account's key id.
  const std::string token = google().key->sign(claims);
  const std::string other = google().issuer->signing_key().sign(claims);
  EXPECT_EQ(grant(grant_form(token.substr(0, token.rfind('.')) + other.substr(other.rfind('.'))))
                .error()
                .description,
            bad);
  const std::string none = base64url(R"({"alg":"none","kid":")" + google().key->kid() + "\"}") +
                           "." + base64url(claims) + ".";
  EXPECT_EQ(grant(grant_form(none)).error().description, bad);
  ASSERT_TRUE(google().issuer->set_key_disabled(google().key->kid(), true));
  EXPECT_EQ(grant(grant_form(token)).error().description, bad);
  ASSERT_TRUE(google().issuer->set_key_disabled(google().key->kid(), false));
  ASSERT_TRUE(google().issuer->set_account_disabled(kEmail, true));
  EXPECT_EQ(grant(grant_form(token)).error().description, "Invalid grant: account not found");
  ASSERT_TRUE(google().issuer->set_account_disabled(kEmail, false));
  EXPECT_TRUE(grant(grant_form(token)).ok());
}

TEST(GoogleGrant, Forms) {
  const std::string good = grant_form(google().key->sign(assertion_claims().dump()));
  EXPECT_EQ(grant("").error().error, "unsupported_grant_type");
  EXPECT_EQ(grant("grant_type=password&assertion=x").error().description,
            "Invalid grant_type: password");
  EXPECT_EQ(grant("grant_type=%1b%0a&assertion=x").error().description.find('\x1b'),
            std::string::npos);
  EXPECT_EQ(grant(good.substr(0, good.find('&'))).error().error, "invalid_request");
  EXPECT_EQ(grant(good + "&assertion=x").error().error, "invalid_request");
  EXPECT_EQ(grant(good + "&grant_type=x").error().error, "unsupported_grant_type");
  EXPECT_EQ(grant(good + "&%zz=1").error().error, "invalid_request");
  EXPECT_EQ(grant(grant_form("")).error().error, "invalid_request");
  EXPECT_EQ(grant(grant_form("a.b.c")).error().error, "invalid_request");
  EXPECT_EQ(grant(grant_form(std::string(30000, '.'))).error().error, "invalid_request");
  EXPECT_EQ(assertion_issuer(good), kEmail);
  EXPECT_EQ(assertion_issuer("assertion=x"), "");
}

}  // namespace
}  // namespace vesto::sandbox
