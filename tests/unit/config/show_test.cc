#include "config/config.h"
#include "config/keys.h"
#include "tests/unit/config/scratch.h"

namespace vesto {
namespace {

LoadedConfig load_whole() {
  const std::string text = "version = 1\n[limits]\nreaders = 2\n" + std::string(kSource) +
                           "password = { env = \"SHOW_TEST_PASSWORD\" }\n" +
                           std::string(kDestination) + std::string(kSync) +
                           "key = [\"a\", 'say \"x\"', \"del\\u007f\\u0001\"]\n";
  return load_config_text(text, "vesto.toml");
}

TEST(ShowTest, WhatIsShownIsTheSameConfiguration) {
  const LoadedConfig loaded = load_whole();
  ASSERT_TRUE(loaded.issues.empty());
  const std::string shown = config_as_toml(loaded, false);
  const LoadedConfig again = load_config_text(shown, "shown.toml");
  for (const ConfigIssue& issue : again.issues) ADD_FAILURE() << issue_error(issue).to_string();
  EXPECT_EQ(config_as_toml(again, false), shown);
  EXPECT_EQ(again.config.limits.readers, 2);
  EXPECT_EQ(again.config.syncs.at(0).tables.at(0).key.at(1), "say \"x\"");
}

TEST(ShowTest, OriginsAndDefaults) {
  const std::string shown = config_as_toml(load_whole(), true);
  EXPECT_NE(shown.find("readers = 2                                        # vesto.toml:3:11\n"),
            std::string::npos)
      << shown;
  EXPECT_NE(shown.find("memory_mib = 1024                                  # default\n"),
            std::string::npos);
}

TEST(ShowTest, SecretsAreReferences) {
  setenv("SHOW_TEST_PASSWORD", "hunter2", 1);
  const LoadedConfig loaded = load_whole();
  EXPECT_TRUE(resolve_secret(loaded.config.sources.at(0).password, SealedStore("none")).ok());
  const std::string shown = config_as_toml(loaded, true) + config_as_json(loaded);
  EXPECT_EQ(shown.find("hunter2"), std::string::npos);
  EXPECT_NE(shown.find("password = { env = \"SHOW_TEST_PASSWORD\" }"), std::string::npos);
}

TEST(KeysTest, EveryKeyHasAParentADocAndAVersion) {
  for (const KeySpec& key : config_keys()) {
    const std::string_view parent = parent_path(key.path);
    if (!parent.empty()) {
      const std::string_view object =
          parent.ends_with(".*") ? parent.substr(0, parent.size() - 2) : parent;
      EXPECT_TRUE(find_key(parent) != nullptr || find_key(object) != nullptr) << key.path;
    }
    if (key.type == KeyType::kLater) continue;
    EXPECT_FALSE(key.doc.empty()) << key.path;
    EXPECT_TRUE(key.doc.ends_with('.')) << key.path;
    EXPECT_FALSE(key.since.empty()) << key.path;
    EXPECT_FALSE(key.required && !key.fallback.empty()) << key.path;
  }
}

TEST(KeysTest, NoKeyStandsTwice) {
  for (const KeySpec& key : config_keys()) EXPECT_EQ(find_key(key.path), &key) << key.path;
}

}  // namespace
}  // namespace vesto
