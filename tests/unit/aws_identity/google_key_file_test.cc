// The service account's key: what is signed is checked with OpenSSL's public half.
#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "aws/google_token.h"
#include "base/strings.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using namespace testing_support;  // NOLINT(google-build-using-namespace)

std::string pem_of(EVP_PKEY* key, const char* pass_phrase = nullptr) {
  BIO* bio = BIO_new(BIO_s_mem());
  const EVP_CIPHER* cipher = pass_phrase == nullptr ? nullptr : EVP_aes_256_cbc();
  const int size = pass_phrase == nullptr ? 0 : static_cast<int>(std::strlen(pass_phrase));
  EXPECT_EQ(PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, pass_phrase, size, nullptr, nullptr),
            1);
  char* data = nullptr;
  const long length = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<size_t>(length));
  BIO_free(bio);
  return text;
}

// Made once: a key of 2,048 bits takes a while.
EVP_PKEY* rsa_key() {
  static EVP_PKEY* const kKey = EVP_RSA_gen(2048);
  return kKey;
}

nlohmann::json key_file() {
  return {{"type", "service_account"},
          {"client_email", "etl@p.iam.gserviceaccount.com"},
          {"private_key_id", "0123abcd"},
          {"private_key", pem_of(rsa_key())},
          {"token_uri", "https://oauth2.googleapis.com/token"}};
}

bool verifies(const std::string& text, const std::string& signature) {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, rsa_key());
  const int good = EVP_DigestVerify(
      context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
      reinterpret_cast<const unsigned char*>(text.data()), text.size());
  EVP_MD_CTX_free(context);
  return good == 1;
}

class KeyFileTest : public IdentityTest {
 protected:
  Result<std::unique_ptr<IdTokenSource>> make(const std::string& json,
                                              const std::string& token_uri = "") {
    return make_key_file_tokens(Secret(json), token_uri, clock_,
                                std::make_unique<ScriptedHttp>(script_));
  }
  std::unique_ptr<IdTokenSource> source() { return std::move(make(key_file().dump())).value(); }
  void answer_token(const std::string& jwt) {
    script_.answer(200, nlohmann::json{{"id_token", jwt}}.dump());
  }
};

TEST_F(KeyFileTest, SignsWhatGoogleAsksFor) {
  const std::string jwt = google_jwt("vesto-1", kNowS + 3600);
  answer_token(jwt);
  const auto token = source()->get("vesto-1", {});
  ASSERT_TRUE(token.ok()) << token.error().to_string();
  EXPECT_EQ(token->jwt.reveal(), jwt);

  const SentRequest& sent = script_.sent.at(0);
  EXPECT_EQ(sent.method, "POST");
  EXPECT_EQ(sent.url, "https://oauth2.googleapis.com/token");
  EXPECT_EQ(sent.headers.at("Content-Type"), "application/x-www-form-urlencoded");
  const std::string lead =
      "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
  ASSERT_TRUE(sent.body.starts_with(lead));
  const std::vector<std::string> parts = split(sent.body.substr(lead.size()), '.');
  ASSERT_EQ(parts.size(), 3U);
  EXPECT_TRUE(verifies(parts[0] + "." + parts[1], base64url_decode(parts[2]).value()));
  EXPECT_FALSE(verifies(parts[0] + "." + parts[1] + "x", base64url_decode(parts[2]).value()));
  EXPECT_EQ(nlohmann::json::parse(base64url_decode(parts[0]).value()),
            (nlohmann::json{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "0123abcd"}}));
  EXPECT_EQ(nlohmann::json::parse(base64url_decode(parts[1]).value()),
            (nlohmann::json{{"iss", "etl@p.iam.gserviceaccount.com"},
                            {"aud", "https://oauth2.googleapis.com/token"},
                            {"iat", kNowS},
                            {"exp", kNowS + 3600},
                            {"target_audience", "vesto-1"}}));
}

TEST_F(KeyFileTest, TokenUriOfTheFileAndOfTheCaller) {
  auto file = key_file();
  file["token_uri"] = "http://127.0.0.1:9/token";
  answer_token(google_jwt("a", kNowS + 3600));
  ASSERT_TRUE((*make(file.dump()))->get("a", {}).ok());
  EXPECT_EQ(script_.sent.at(0).url, "http://127.0.0.1:9/token");
  answer_token(google_jwt("a", kNowS + 3600));
  ASSERT_TRUE((*make(file.dump(), "https://localhost:8/t"))->get("a", {}).ok());
  EXPECT_EQ(script_.sent.at(1).url, "https://localhost:8/t");
  for (const char* bad : {"http://example.com/token", "ftp://a/b", "x", "https://", "https://u@h/t",
                          "https://h/t t", "https://h/t\r\nx"}) {
    file["token_uri"] = bad;
    EXPECT_EQ(code_of(make(file.dump())), ErrorCode::kGcpToken) << bad;
  }
}

TEST_F(KeyFileTest, KeepsTheToken) {
  const auto tokens = source();
  answer_token(google_jwt("a", kNowS + 3600));
  ASSERT_TRUE(tokens->get("a", {}).ok());
  ASSERT_TRUE(tokens->get("a", {}).ok());
  EXPECT_EQ(script_.sent.size(), 1U);
}

TEST_F(KeyFileTest, BadFiles) {
  const std::string pem = pem_of(rsa_key());
  EVP_PKEY* ec_key = EVP_EC_gen("P-256");
  EVP_PKEY* small_key = EVP_RSA_gen(1024);
  const auto with = [](const char* name, const nlohmann::json& value) {
    auto file = key_file();
    file[name] = value;
    return file.dump();
  };
  const std::string files[] = {
      "",
      "[]",
      "{",
      "\"x\"",
      std::string(70'000, ' ') + "{}",
      with("type", "authorized_user"),
      with("type", 7),
      with("client_email", ""),
      with("client_email", nullptr),
      with("private_key_id", 5),
      with("private_key", ""),
      with("private_key", "-----BEGIN"),
      with("private_key", pem.substr(0, pem.size() / 2)),
      with("private_key", pem_of(ec_key)),
      with("private_key", pem_of(small_key)),
      with("private_key", pem_of(rsa_key(), "a pass phrase")),  // and nobody is asked for it
      with("token_uri", "no url")};
  EVP_PKEY_free(ec_key);
  EVP_PKEY_free(small_key);
  for (const std::string& file : files) {
    const auto made = make(file);
    ASSERT_EQ(code_of(made), ErrorCode::kGcpToken) << file.substr(0, 60);
    EXPECT_EQ(all_of(made.error()).find("BEGIN"), std::string::npos);
  }
  EXPECT_NE(make(files[5]).error().message().find("authorized_user"), std::string::npos);
}

// Somebody who puts the file together by hand pastes into the wrong place.
TEST_F(KeyFileTest, ALineOfTheKeyInAnotherFieldIsNotShown) {
  const std::string pem = pem_of(rsa_key());
  const std::string line = split(pem, '\n').at(2);
  ASSERT_GE(line.size(), 60U);
  for (const char* name : {"type", "token_uri"}) {
    for (const std::string& value : {line, pem, line.substr(0, 30)}) {
      auto file = key_file();
      file[name] = value;
      const auto made = make(file.dump());
      ASSERT_EQ(code_of(made), ErrorCode::kGcpToken) << name;
      EXPECT_EQ(all_of(made.error()).find(line.substr(0, 12)), std::string::npos)
          << all_of(made.error());
    }
  }
}

TEST_F(KeyFileTest, ACutAssertionInARefusalIsNotShown) {
  const auto tokens = source();
  script_.answer(400, R"({"error":"invalid_grant","error_description":"x"})");
  ASSERT_FALSE(tokens->get("a", {}).ok());
  const std::string sent = script_.sent.at(0).body;
  const std::string assertion = sent.substr(sent.find("assertion=") + 10);
  for (const std::string& piece :
       {assertion.substr(0, 100), assertion.substr(40), assertion.substr(assertion.size() - 90)}) {
    script_.answer(400, nlohmann::json{{"error", "invalid_grant"},
                                       {"error_description", "Bad assertion: " + piece}}
                            .dump());
    const auto refused = tokens->get("a", {});
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(all_of(refused.error()).find(piece.substr(20, 24)), std::string::npos)
        << all_of(refused.error());
    EXPECT_NE(refused.error().message().find("Bad assertion"), std::string::npos);
  }
}

TEST_F(KeyFileTest, RefusalsSayWhy) {
  struct Case {
    std::string text, hint;
  };
  const Case cases[] = {{"Invalid JWT Signature.", "deleted"},
                        {"Invalid JWT: Token must be a short-lived token (60 minutes) and in a "
                         "reasonable timeframe.",
                         "clock"},
                        {"Invalid grant: account not found", "disabled"},
                        {"Something else", "The usual reasons"}};
  for (const Case& c : cases) {
    script_.answer(
        400, nlohmann::json{{"error", "invalid_grant"}, {"error_description", c.text}}.dump());
    const auto token = source()->get("a", {});
    ASSERT_EQ(code_of(token), ErrorCode::kGcpToken);
    EXPECT_NE(token.error().message().find(c.text), std::string::npos);
    EXPECT_NE(token.error().hint().find(c.hint), std::string::npos) << token.error().hint();
    EXPECT_EQ(token.error().upstream().code, "400 invalid_grant");
  }
  script_.answer(400, R"({"error":"invalid_grant"})", {{"date", "Sun, 22 Nov 2026 01:00:00 GMT"}});
  EXPECT_NE(source()->get("a", {}).error().hint().find("ahead of Google's"), std::string::npos);
  EXPECT_EQ(script_.sent.size(), 5U);
}

TEST_F(KeyFileTest, TheAssertionIsNowhere) {
  const auto tokens = source();
  script_.answer(400, R"({"error":"invalid_grant","error_description":"x"})");
  const auto plain = tokens->get("a", {});
  ASSERT_FALSE(plain.ok());
  const std::string sent = script_.sent.at(0).body;
  const std::string assertion = sent.substr(sent.find("assertion=") + 10);
  // The clock stands still, so the next assertion is the same one; an echo of it is blanked.
  script_.answer(
      400, nlohmann::json{{"error", assertion}, {"error_description", "x " + assertion}}.dump());
  const auto echoed = tokens->get("a", {});
  ASSERT_FALSE(echoed.ok());
  EXPECT_EQ(all_of(echoed.error()).find(assertion.substr(0, 60)), std::string::npos)
      << all_of(echoed.error());
}

TEST_F(KeyFileTest, PassingFaultsAndOddAnswers) {
  script_.answer(503);
  script_.fail(ErrorCode::kNetReset);
  answer_token(google_jwt("a", kNowS + 3600));
  EXPECT_TRUE(source()->get("a", {}).ok());
  for (int i = 0; i < 3; ++i) script_.fail(ErrorCode::kNetTimeout);
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kNetTimeout);
  EXPECT_EQ(script_.sent.size(), 6U);
  for (const char* body : {"", "<html>", "[]", "{}", R"({"id_token":5})", R"({"id_token":"x"})"}) {
    script_.answer(200, body);
    EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kGcpToken) << body;
  }
  script_.answer(302, "<html>");
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kGcpToken);
  script_.fail(ErrorCode::kNetTlsCa);
  EXPECT_EQ(code_of(source()->get("a", {})), ErrorCode::kNetTlsCa);
}

}  // namespace
}  // namespace vesto
