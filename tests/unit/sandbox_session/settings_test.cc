#include "sandbox/session/settings.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

TEST(Settings, DefaultsSetAndReset) {
  RedshiftSettings settings;
  EXPECT_EQ(*settings.show("query_group"), "default");
  EXPECT_TRUE(settings.set("query_group", "loads").ok());
  EXPECT_EQ(*settings.show("query_group"), "loads");
  EXPECT_TRUE(settings.set("query_group", std::nullopt).ok());
  EXPECT_EQ(*settings.show("query_group"), "default");
}

TEST(Settings, SwitchesTakeOnlySwitches) {
  RedshiftSettings settings;
  EXPECT_TRUE(settings.set("enable_case_sensitive_identifier", "TRUE").ok());
  EXPECT_EQ(*settings.show("enable_case_sensitive_identifier"), "true");
  EXPECT_TRUE(settings.is_on("enable_case_sensitive_identifier"));
  EXPECT_TRUE(settings.set("enable_result_cache_for_session", "0").ok());
  EXPECT_EQ(*settings.show("enable_result_cache_for_session"), "off");
  EXPECT_EQ(settings.set("auto_analyze", "maybe").error().sqlstate, "22023");
  settings.reset_all();
  EXPECT_FALSE(settings.is_on("enable_case_sensitive_identifier"));
}

TEST(Settings, Homes) {
  EXPECT_EQ(setting_home("search_path"), SettingHome::kBackend);
  EXPECT_EQ(setting_home("query_group"), SettingHome::kSession);
  EXPECT_EQ(setting_home("client_encoding"), SettingHome::kFixed);
  for (const char* name : {"standard_conforming_strings", "session_replication_role", "role",
                           "vesto.last_copy_count", "allow_system_table_mods", ""}) {
    EXPECT_EQ(setting_home(name), SettingHome::kUnknown) << name;
  }
  RedshiftSettings settings;
  EXPECT_EQ(settings.show("nix").error().sqlstate, "42704");
  EXPECT_EQ(settings.set("nix", "1").error().sqlstate, "42704");
}

}  // namespace
}  // namespace vesto::sandbox
