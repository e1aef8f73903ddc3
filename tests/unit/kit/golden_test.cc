// The whole kit of four destinations, as it was read and found right. After a change that is meant:
// VESTO_WRITE_GOLDEN=1 build/dev/tests/unit/kit/kit_test, and read the difference.
#include <cstdlib>
#include <fstream>
#include <sstream>

#include "base/strings.h"
#include "tests/unit/kit/samples.h"

namespace vesto {
namespace {

std::string whole(const Kit& kit) {
  std::string out;
  for (const KitPart& part : kit.parts) {
    out += "=== " + part.id + " | " + part.title + " | " + part.who + " | " + part.kind +
           " | missing " + join(part.missing, " ") + " | checks " + join(part.checks, " ") + "\n" +
           part.text;
  }
  return out;
}

void expect_golden(const std::string& name, const Kit& kit) {
  const std::string path = std::string(VESTO_TEST_DATA) + "/" + name + ".txt";
  if (std::getenv("VESTO_WRITE_GOLDEN") != nullptr) {  // NOLINT(concurrency-mt-unsafe)
    std::ofstream(path) << whole(kit);
    GTEST_SKIP() << "wrote " << path;
  }
  std::ifstream file(path);
  ASSERT_TRUE(file) << path;
  std::stringstream wanted;
  wanted << file.rdbuf();
  EXPECT_EQ(whole(kit), wanted.str());
}

TEST(KitGolden, ProvisionedWithGoogle) {
  expect_golden("provisioned_google", make_kit(destination_from(kProvisioned), full_facts()));
}

TEST(KitGolden, ServerlessWithGoogleThroughATunnelWithNothingKnown) {
  expect_golden("serverless_google", make_kit(destination_from(kServerless), {}));
}

TEST(KitGolden, ProvisionedWithAnAccessKeyInChina) {
  expect_golden("access_key", make_kit(destination_from(kAccessKey), china_facts()));
}

TEST(KitGolden, ServerlessWithAnAttachedRoleAndASchemaMadeBeforehand) {
  expect_golden("attached_role", make_kit(destination_from(kAttachedRole), full_facts()));
}

}  // namespace
}  // namespace vesto
