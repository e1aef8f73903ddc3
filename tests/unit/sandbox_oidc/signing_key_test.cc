#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>

#include "oidc_fixture.h"

namespace vesto::sandbox {
namespace {

TEST(SigningKey, OutlivesARestart) {
  const ScratchDir dir;
  const std::string file = dir.path() + "/key.pem";
  const auto made = SigningKey::load_or_make(file, "");
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->kid().size(), 40U);
  struct stat status {};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  const auto again = SigningKey::load_or_make(file, "");
  ASSERT_TRUE(again.ok());
  EXPECT_EQ(again->jwks(), made->jwks());
  EXPECT_EQ(again->kid(), made->kid());
  const std::string token = made->sign(R"({"iss":"a","sub":"b","aud":"c","exp":1})");
  EXPECT_TRUE(verify_jwt(token, *JwkSet::parse(again->jwks())).ok());
  EXPECT_EQ(made->private_pem().rfind("-----BEGIN PRIVATE KEY-----\n", 0), 0U);
}

TEST(SigningKey, LeavesWhatIsNoKey) {
  const ScratchDir dir;
  const std::string file = dir.path() + "/key.pem";
  for (const std::string& text :
       {std::string(), std::string("no key"), key_one().public_pem(), std::string(70000, 'x'),
        std::string("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMAA=\n-----END ENCRYPTED PRIVATE "
                    "KEY-----\n")}) {
    std::ofstream(file, std::ios::trunc) << text;
    EXPECT_FALSE(SigningKey::load_or_make(file, "k").ok());
    std::ifstream in(file);
    EXPECT_EQ(std::string(std::istreambuf_iterator<char>(in), {}), text);
  }
  EXPECT_FALSE(SigningKey::load_or_make(dir.path() + "/none/key.pem", "k").ok());
}

TEST(SigningKey, HeaderOfTheToken) {
  const std::string typed = key_one().sign("{}");
  const std::string bare = key_one().sign("{}", false);
  EXPECT_EQ(*read_base64url(typed.substr(0, typed.find('.'))),
            R"({"alg":"RS256","kid":"one","typ":"JWT"})");
  EXPECT_EQ(*read_base64url(bare.substr(0, bare.find('.'))), R"({"alg":"RS256","kid":"one"})");
}

}  // namespace
}  // namespace vesto::sandbox
