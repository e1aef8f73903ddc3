#include <gtest/gtest.h>

#include "base/strings.h"
#include "oidc_fixture.h"

namespace vesto::sandbox {
namespace {

std::string with_key(const std::string& entry) { return R"({"keys":[)" + entry + "]}"; }

// The one entry of key_one()'s set.
std::string entry() {
  const std::string jwks = key_one().jwks();
  const size_t begin = jwks.find('[') + 1;
  return jwks.substr(begin, jwks.rfind(']') - begin);
}

TEST(JwkSet, TakesRsaAndPassesOverTheRest) {
  const auto set = JwkSet::parse(R"({"keys":[)" + entry() +
                                 R"(,{"kty":"EC","kid":"e","crv":"P-256","x":"AA","y":"AA"},)"
                                 R"({"kty":"RSA","use":"enc","kid":"f","n":"!","e":"AQAB"},)"
                                 R"({"kty":"RSA","n":"!","e":"AQAB"},7,"x",null,{}]})");
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(set->size(), 1U);
  EXPECT_TRUE(set->contains("one"));
  EXPECT_FALSE(set->contains("f"));
  EXPECT_EQ(JwkSet::parse(R"({"keys":[]})")->size(), 0U);
}

TEST(JwkSet, RefusesWrongKeys) {
  const std::string modulus = entry().substr(entry().find("\"n\":\"") + 5, 342);
  const auto rsa = [&](const std::string& n, const std::string& e) {
    return with_key(R"({"kty":"RSA","kid":"k","n":")" + n + R"(","e":")" + e + "\"}");
  };
  EXPECT_TRUE(JwkSet::parse(rsa(modulus, "AQAB")).ok());
  const std::string small = base64url("\xc1" + std::string(127, '\x55'));
  const std::string large = base64url("\xc1" + std::string(1024, '\x55'));
  for (const std::string& text :
       {std::string(),
        std::string("[]"),
        std::string("{}"),
        std::string(R"({"keys":{}})"),
        std::string(R"({"keys":[],"keys":[]})"),
        rsa("", "AQAB"),
        rsa("AA", "AQAB"),
        rsa(small, "AQAB"),
        rsa(large, "AQAB"),
        rsa(modulus + "=", "AQAB"),
        rsa(modulus, ""),
        rsa(modulus, "AQ"),
        rsa(modulus, "BA"),
        rsa(modulus, "AAEAAQ"),
        rsa(modulus, base64url(std::string(9, '\x55'))),
        rsa("A" + modulus, "AQAB"),
        with_key(R"({"kty":"RSA","kid":"k","e":"AQAB"})"),
        with_key(R"({"kty":"RSA","kid":1,"n":"AQ","e":"AQAB"})"),
        with_key(R"({"kty":"RSA","kid":"","n":")" + modulus + R"(","e":"AQAB"})"),
        with_key(R"({"kty":"RSA","kid":"k","alg":1,"n":")" + modulus + R"(","e":"AQAB"})"),
        with_key(R"({"kty":"RSA","kid":"k","d":"AQ","n":")" + modulus + R"(","e":"AQAB"})"),
        with_key(entry() + "," + entry()),
        std::string(kMaxJwksBytes + 1, ' ')}) {
    EXPECT_FALSE(JwkSet::parse(text).ok()) << text.substr(0, 200);
  }
  std::string many = "1";
  for (size_t i = 0; i < kMaxJwks; ++i) many += ",1";
  EXPECT_FALSE(JwkSet::parse(with_key(many)).ok());
}

TEST(JwkSet, Pem) {
  JwkSet set;
  EXPECT_TRUE(set.add_pem("k", key_one().public_pem()));
  EXPECT_FALSE(set.add_pem("k", key_two().public_pem()));
  EXPECT_FALSE(set.add_pem("", key_two().public_pem()));
  EXPECT_FALSE(set.add_pem("l", ""));
  EXPECT_FALSE(set.add_pem("l", key_one().private_pem()));
  EXPECT_EQ(set.size(), 1U);
}

}  // namespace
}  // namespace vesto::sandbox
