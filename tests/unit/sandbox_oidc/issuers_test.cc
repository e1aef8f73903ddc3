#include <sys/stat.h>

#include <fstream>

#include "google_fixture.h"
#include "sandbox/oidc/eks_issuer.h"

namespace vesto::sandbox {
namespace {

using Json = nlohmann::json;

Json claims_of(const std::string& token) {
  const size_t first = token.find('.');
  return Json::parse(*read_base64url(token.substr(first + 1, token.rfind('.') - first - 1)));
}

TEST(GoogleIssuer, FormsOfTokens) {
  const auto claims = [](TokenForm form) {
    return claims_of(google().issuer->id_token(kEmail, "aud \"1\"", form).value());
  };
  const Json metadata = claims(TokenForm::kMetadata);
  EXPECT_EQ(metadata["azp"], kUniqueId);
  EXPECT_EQ(metadata["aud"], "aud \"1\"");
  EXPECT_FALSE(metadata.contains("email") || metadata.contains("google"));
  const Json full = claims(TokenForm::kMetadataFull);
  EXPECT_EQ(full["azp"], kUniqueId);
  EXPECT_EQ(full["email"], kEmail);
  EXPECT_EQ(full["google"]["compute_engine"]["project_id"], "data-prod");
  const Json file = claims(TokenForm::kKeyFile);
  EXPECT_EQ(file["azp"], kEmail);
  EXPECT_EQ(file["sub"], kUniqueId);
  EXPECT_EQ(file["email_verified"], true);
  EXPECT_FALSE(claims(TokenForm::kWithoutAzp).contains("azp"));
  EXPECT_FALSE(google().issuer->id_token("no@one", "a", TokenForm::kMetadata).has_value());
}

TEST(GoogleIssuer, OutlivesARestart) {
  const ScratchDir dir;
  StillClock clock;
  std::string json[2];
  std::string jwks[2];
  for (int i = 0; i < 2; ++i) {
    const auto issuer = std::move(GoogleIssuer::open(dir.path(), clock)).value();
    ASSERT_TRUE(issuer->add_account(kEmail).ok());
    json[i] = issuer->make_key_file(kEmail, "https://localhost:1/token")->json;
    jwks[i] = issuer->jwks();
    EXPECT_EQ(issuer->account(kEmail)->unique_id.size(), 21U);
  }
  EXPECT_EQ(json[0], json[1]);
  EXPECT_EQ(jwks[0], jwks[1]);
  const Json file = Json::parse(json[0]);
  EXPECT_EQ(file["type"], "service_account");
  EXPECT_EQ(file["client_email"], kEmail);
  EXPECT_EQ(file["token_uri"], "https://localhost:1/token");
  EXPECT_EQ(file["private_key_id"].get<std::string>().size(), 40U);
}

TEST(GoogleIssuer, RefusesWrongAccounts) {
  for (const char* email : {"", "a", "@b", "a@", "a@b@c", "a b@c", "A@b", "a@b\n", "../a@b"}) {
    EXPECT_FALSE(google().issuer->add_account(email).ok()) << email;
  }
  EXPECT_FALSE(google().issuer->add_account(kEmail).ok());
  EXPECT_FALSE(google().issuer->add_account("a@b", "123").ok());
  EXPECT_FALSE(google().issuer->add_account("a@b", "12345678901234567890x").ok());
  EXPECT_FALSE(google().issuer->make_key_file("no@one", "").ok());
  EXPECT_FALSE(google().issuer->set_key_disabled("none", true));
}

TEST(GoogleIssuer, KeyFileIsPrivate) {
  const std::string file = google().dir.path() + "/sa.json";
  ASSERT_TRUE(google().issuer->write_key_file(kEmail, "https://localhost:1/token", file).ok());
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_FALSE(google().issuer->write_key_file(kEmail, "", "/nonexistent/sa.json").ok());
}

TEST(EksIssuer, Tokens) {
  const ScratchDir dir;
  StillClock clock;
  const auto issuer = EksIssuer::open(dir.path(), clock);
  ASSERT_TRUE(issuer.ok());
  const std::string file = dir.path() + "/token";
  ASSERT_TRUE(issuer->write_token_file(file, "loading", "vesto").ok());
  std::ifstream in(file);
  const std::string token{std::istreambuf_iterator<char>(in), {}};
  const auto claims = verify_jwt(token, *JwkSet::parse(issuer->jwks()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->issuer, issuer->url());
  EXPECT_EQ(claims->subject, "system:serviceaccount:loading:vesto");
  EXPECT_EQ(claims->audience, "sts.amazonaws.com");
  EXPECT_EQ(claims->expires_s, clock.now_s() + 86400);
  EXPECT_TRUE(claims_of(token)["aud"].is_array());
  EXPECT_EQ(issuer->url().rfind("https://oidc.eks.eu-west-1.amazonaws.com/id/", 0), 0U);
  // The same key after a restart, and another one than Google's.
  EXPECT_TRUE(verify_jwt(token, *JwkSet::parse(EksIssuer::open(dir.path(), clock)->jwks())).ok());
  EXPECT_FALSE(verify_jwt(token, *JwkSet::parse(google().issuer->jwks())).ok());
  for (const char* url : {"http://x", "https://x/", "x"}) {
    EXPECT_FALSE(EksIssuer::open(dir.path(), clock, url).ok()) << url;
  }
}

}  // namespace
}  // namespace vesto::sandbox
