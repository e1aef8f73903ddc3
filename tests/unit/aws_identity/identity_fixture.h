// What the tests of identities share: an environment that is a map, files of their own, tokens.
#ifndef VESTO_TESTS_UNIT_AWS_IDENTITY_IDENTITY_FIXTURE_H_
#define VESTO_TESTS_UNIT_AWS_IDENTITY_IDENTITY_FIXTURE_H_

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "aws/credentials.h"
#include "base/base64.h"
#include "tests/support/scripted_http.h"

namespace vesto::testing_support {

constexpr int64_t kNowMs = 1'795'310'816'000;  // InstantClock's: 2026-11-22T01:26:56Z
constexpr int64_t kNowS = kNowMs / 1000;

class IdentityTest : public testing::Test {
 protected:
  IdentityTest() {
    char path[] = "/tmp/vesto-identity-XXXXXX";
    EXPECT_NE(mkdtemp(path), nullptr);
    dir_ = path;
    values_["HOME"] = dir_;
  }
  ~IdentityTest() override { std::filesystem::remove_all(dir_); }

  Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = values_.find(std::string(name));
      if (found == values_.end()) return std::nullopt;
      return found->second;
    };
  }
  std::string write(const std::string& name, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(dir_) / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  std::string dir_;
  std::map<std::string, std::string> values_;
  HttpScript script_;
  InstantClock clock_;
};

// A JWT without a meaning in its signature.
inline std::string make_jwt(const std::string& claims,
                            const std::string& header = R"({"alg":"RS256"})") {
  return base64url_encode(header) + "." + base64url_encode(claims) + "." +
         base64url_encode("the signature");
}

inline std::string google_jwt(const std::string& audience, int64_t expires_at_s,
                              const std::string& more = "") {
  return make_jwt(R"({"iss":"https://accounts.google.com","sub":"112233445566778899001",)"
                  R"("azp":"112233445566778899001","aud":")" +
                  audience + R"(","exp":)" + std::to_string(expires_at_s) + more + "}");
}

// The error as a person and a log see it.
inline std::string all_of(const Error& error) {
  return error.to_string() + "\n" + error.hint() + "\n" + error.upstream().code + "\n" +
         error.upstream().text;
}

template <typename T>
ErrorCode code_of(const Result<T>& result) {
  return result.ok() ? ErrorCode::kUsage : result.error().code();
}

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_UNIT_AWS_IDENTITY_IDENTITY_FIXTURE_H_
