#include "sandbox/oidc/jwt.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>

#include "base/hash.h"
#include "oidc_fixture.h"

namespace vesto::sandbox {
namespace {

constexpr const char* kClaims =
    R"({"iss":"https://accounts.google.com","sub":"1","aud":"vesto","azp":"2","email":"a@b",)"
    R"("iat":100,"exp":3700,"nbf":90})";

JwkSet keys_of(const SigningKey& key) { return *JwkSet::parse(key.jwks()); }

JwtFault fault_of(const std::string& token) {
  const auto result = verify_jwt(token, keys_of(key_one()));
  EXPECT_FALSE(result.ok());
  return result.ok() ? JwtFault::kNoKey : result.error().fault;
}

// A token of any header, signed by OpenSSL without the code under test.
std::string sign_by_hand(const std::string& header, const std::string& claims,
                         const EVP_MD* digest) {
  const std::string pem = key_one().private_pem();
  BIO* bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* key = PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  const std::string signed_part = base64url(header) + "." + base64url(claims);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  std::string signature(256, '\0');
  size_t size = signature.size();
  EXPECT_EQ(EVP_DigestSignInit(context, nullptr, digest, nullptr, key), 1);
  EXPECT_EQ(EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(signed_part.data()),
                           signed_part.size()),
            1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
  BIO_free(bio);
  return signed_part + "." + base64url(signature);
}

TEST(Jwt, SignedTokensHold) {
  const std::string token = key_one().sign(kClaims);
  const auto claims = verify_jwt(token, keys_of(key_one()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->issuer, "https://accounts.google.com");
  EXPECT_EQ(claims->subject, "1");
  EXPECT_EQ(claims->audience, "vesto");
  EXPECT_EQ(claims->authorized_party, "2");
  EXPECT_EQ(claims->email, "a@b");
  EXPECT_TRUE(claims->has_audience && claims->has_issued && claims->has_expiry);
  EXPECT_EQ(claims->issued_s, 100);
  EXPECT_EQ(claims->expires_s, 3700);
  EXPECT_EQ(claims->not_before_s, 90);
  EXPECT_EQ(read_jwt(token)->issuer, claims->issuer);
}

TEST(Jwt, OtherDigestsOfOpenSsl) {
  for (const auto& [name, digest] : {std::pair<std::string, const EVP_MD*>{"RS256", EVP_sha256()},
                                     {"RS384", EVP_sha384()},
                                     {"RS512", EVP_sha512()}}) {
    const std::string header = R"({"alg":")" + name + R"(","kid":"one"})";
    JwkSet keys;
    ASSERT_TRUE(keys.add_pem("one", key_one().public_pem()));
    EXPECT_TRUE(verify_jwt(sign_by_hand(header, kClaims, digest), keys).ok()) << name;
    // The name of one algorithm over the signature of another.
    const EVP_MD* other = digest == EVP_sha256() ? EVP_sha512() : EVP_sha256();
    EXPECT_FALSE(verify_jwt(sign_by_hand(header, kClaims, other), keys).ok()) << name;
  }
  // A key that says RS256 is for RS256 alone.
  EXPECT_EQ(fault_of(sign_by_hand(R"({"alg":"RS512","kid":"one"})", kClaims, EVP_sha512())),
            JwtFault::kBadSignature);
}

TEST(Jwt, ChangedTokensFail) {
  const std::string token = key_one().sign(kClaims);
  const JwkSet keys = keys_of(key_one());
  for (size_t i = 0; i < token.size(); ++i) {
    std::string changed = token;
    changed[i] = token[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(verify_jwt(changed, keys).ok()) << i;
  }
  for (size_t size = 0; size < token.size(); ++size) {
    EXPECT_FALSE(verify_jwt(token.substr(0, size), keys).ok()) << size;
  }
  const std::string other = key_one().sign(R"({"iss":"x","sub":"1","aud":"v","exp":1})");
  EXPECT_EQ(fault_of(other.substr(0, other.rfind('.')) + token.substr(token.rfind('.'))),
            JwtFault::kBadSignature);
}

TEST(Jwt, AnotherKey) {
  EXPECT_EQ(fault_of(key_two().sign(kClaims)), JwtFault::kNoKey);
  JwkSet keys;
  ASSERT_TRUE(keys.add_pem("two", key_one().public_pem()));
  EXPECT_EQ(verify_jwt(key_two().sign(kClaims), keys).error().fault, JwtFault::kBadSignature);
  EXPECT_EQ(fault_of(sign_by_hand(R"({"alg":"RS256"})", kClaims, EVP_sha256())), JwtFault::kNoKey);
  EXPECT_EQ(verify_jwt(key_one().sign(kClaims), JwkSet()).error().fault, JwtFault::kNoKey);
}

TEST(Jwt, NoneAndHmac) {
  const std::string unsigned_part =
      base64url(R"({"alg":"none","kid":"one"})") + "." + base64url(kClaims) + ".";
  EXPECT_EQ(fault_of(unsigned_part), JwtFault::kBadSignature);
  EXPECT_EQ(fault_of(unsigned_part + "AAAA"), JwtFault::kBadSignature);
  for (const char* name : {"None", "NONE", "rs256", "", "ES256", "PS256", "EdDSA"}) {
    const std::string header = std::string(R"({"alg":")") + name + R"(","kid":"one"})";
    EXPECT_EQ(fault_of(sign_by_hand(header, kClaims, EVP_sha256())), JwtFault::kBadSignature);
  }
  // HMAC with the public key, which anyone has, as the secret.
  const std::string part =
      base64url(R"({"alg":"HS256","typ":"JWT","kid":"one"})") + "." + base64url(kClaims);
  for (const std::string& secret : {key_one().public_pem(), key_one().jwks()}) {
    EXPECT_EQ(fault_of(part + "." + base64url(hmac_sha256(secret, part))), JwtFault::kBadSignature);
  }
}

TEST(Jwt, DoubledNames) {
  EXPECT_EQ(fault_of(key_one().sign(R"({"iss":"a","sub":"1","sub":"2","aud":"v","exp":1})")),
            JwtFault::kMalformed);
  EXPECT_EQ(
      fault_of(key_one().sign(R"({"iss":"a","sub":"1","aud":"v","exp":1,"x":{"y":1,"y":1}})")),
      JwtFault::kMalformed);
  EXPECT_EQ(
      fault_of(sign_by_hand(R"({"alg":"none","alg":"RS256","kid":"one"})", kClaims, EVP_sha256())),
      JwtFault::kMalformed);
  // The same name in different objects is no doubling.
  EXPECT_TRUE(
      verify_jwt(
          key_one().sign(
              R"({"iss":"a","sub":"1","aud":"v","exp":1,"x":{"sub":1},"y":[{"x":1},{"x":1}]})"),
          keys_of(key_one()))
          .ok());
}

TEST(Jwt, Audiences) {
  const auto claims = verify_jwt(key_one().sign(R"({"iss":"a","sub":"1","aud":["only"],"exp":1})"),
                                 keys_of(key_one()));
  ASSERT_TRUE(claims.ok());
  EXPECT_EQ(claims->audience, "only");
  for (const char* audience : {R"(["a","b"])", "[]", "[1]", "1", "null", "{}", "[[\"a\"]]"}) {
    const std::string text = std::string(R"({"iss":"a","sub":"1","exp":1,"aud":)") + audience + "}";
    EXPECT_EQ(fault_of(key_one().sign(text)), JwtFault::kMalformed) << audience;
  }
}

TEST(Jwt, Times) {
  for (const char* time : {"1.0", "1e3", "-1", "\"1\"", "null", "true", "18446744073709551615",
                           "9223372036854775808", "1e400", "[1]"}) {
    for (const char* name : {"exp", "iat", "nbf"}) {
      const std::string text =
          std::string(R"({"iss":"a","sub":"1","aud":"v",")") + name + "\":" + time + "}";
      EXPECT_EQ(fault_of(key_one().sign(text)), JwtFault::kMalformed) << text;
    }
  }
}

TEST(Jwt, MissingClaims) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"sub":"1","aud":"v","exp":1})", "iss"},
      {R"({"iss":"a","aud":"v","exp":1})", "sub"},
      {R"({"iss":"a","sub":"1","exp":1})", "aud"},
      {R"({"iss":"a","sub":"1","aud":"v"})", "exp"}};
  for (const auto& [text, name] : cases) {
    const auto result = verify_jwt(key_one().sign(text), keys_of(key_one()));
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.error().fault, JwtFault::kMissingClaim);
    EXPECT_EQ(result.error().detail, name);
    EXPECT_TRUE(check_signature(key_one().sign(text), keys_of(key_one())).ok());
  }
}

TEST(Jwt, WhatIsNoToken) {
  const std::string good = key_one().sign(kClaims);
  const std::string deep = "{\"a\":" + std::string(6000, '[') + std::string(6000, ']') + "}";
  for (const std::string& text :
       {std::string(),
        std::string("."),
        std::string(".."),
        std::string("a.b"),
        std::string("a.b.c"),
        good + ".",
        good + "=",
        good + "\n",
        " " + good,
        "." + good,
        good + "." + good,
        std::string(kMaxJwtBytes + 1, 'a'),
        std::string(kMaxJwtBytes, '.'),
        std::string("\0.\0.\0", 5),
        key_one().sign("[]"),
        key_one().sign(""),
        key_one().sign("{\"iss\":\"\xff\"}"),
        key_one().sign("{} {}"),
        key_one().sign(R"({"iss":1})"),
        key_one().sign(deep),
        key_one().sign(R"({"email":["a"]})"),
        sign_by_hand("[]", kClaims, EVP_sha256()),
        sign_by_hand(R"({"alg":1,"kid":"one"})", kClaims, EVP_sha256()),
        sign_by_hand(R"({"alg":"RS256","kid":1})", kClaims, EVP_sha256()),
        sign_by_hand(R"({"alg":"RS256","kid":"one","crit":["b64"],"b64":false})", kClaims,
                     EVP_sha256())}) {
    EXPECT_EQ(fault_of(text), JwtFault::kMalformed) << text.substr(0, 60);
    EXPECT_FALSE(read_jwt(text).has_value());
  }
}

TEST(Base64Url, Strict) {
  for (size_t size = 0; size < 70; ++size) {
    const std::string bytes = random_bytes(size);
    const std::string text = base64url(bytes);
    EXPECT_EQ(read_base64url(text).value_or("?"), bytes);
    EXPECT_EQ(text.find_first_of("=+/"), std::string::npos);
  }
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url("f"), "Zg");
  for (const char* bad : {"A", "AAAAA", "Zg==", "Zh", "Zm9=", "+___", "/___", "A A", "AB"}) {
    EXPECT_FALSE(read_base64url(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace vesto::sandbox
