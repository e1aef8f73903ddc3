// One Google with one account and one key, made once for a whole test program.
#ifndef VESTO_TESTS_UNIT_SANDBOX_OIDC_GOOGLE_FIXTURE_H_
#define VESTO_TESTS_UNIT_SANDBOX_OIDC_GOOGLE_FIXTURE_H_

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "oidc_fixture.h"
#include "sandbox/oidc/google_issuer.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

constexpr const char* kEmail = "vesto@data-prod.iam.gserviceaccount.com";
constexpr const char* kUniqueId = "112233445566778899001";

struct Google {
  ScratchDir dir;
  StillClock clock;
  std::unique_ptr<GoogleIssuer> issuer;
  std::unique_ptr<SigningKey> key;  // the account's

  Google() {
    issuer = std::move(GoogleIssuer::open(dir.path(), clock)).value();
    EXPECT_TRUE(issuer->add_account(kEmail, kUniqueId).ok());
    const auto made = issuer->make_key_file(kEmail, "https://localhost:1/token");
    EXPECT_TRUE(made.ok());
    const std::string pem = nlohmann::json::parse(made->json)["private_key"];
    const std::string file = dir.path() + "/account.pem";
    FILE* out = std::fopen(file.c_str(), "w");
    std::fputs(pem.c_str(), out);
    std::fclose(out);
    key = std::make_unique<SigningKey>(*SigningKey::load_or_make(file, made->private_key_id));
  }
};

inline Google& google() {
  static Google instance;
  return instance;
}

// A good assertion's claims; a test changes one.
inline nlohmann::json assertion_claims() {
  const int64_t now_s = google().clock.now_s();
  return {{"iss", kEmail},
          {"aud", "https://oauth2.googleapis.com/token"},
          {"iat", now_s},
          {"exp", now_s + 3600},
          {"target_audience", "vesto-organisation"}};
}

inline std::string grant_form(const std::string& assertion) {
  return "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=" +
         percent_encode(assertion, false);
}

}  // namespace vesto::sandbox

#endif  // VESTO_TESTS_UNIT_SANDBOX_OIDC_GOOGLE_FIXTURE_H_
