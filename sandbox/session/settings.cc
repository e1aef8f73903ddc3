#include "sandbox/session/settings.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

using Default = std::pair<std::string_view, std::string_view>;

// Those whose default is true or false take nothing else.
constexpr std::array kDefaults = {
    Default{"analyze_threshold_percent", "10"},
    Default{"auto_analyze", "true"},
    Default{"describe_field_name_in_uppercase", "off"},
    Default{"downcase_delimited_identifier", "on"},
    Default{"enable_case_sensitive_identifier", "false"},
    Default{"enable_case_sensitive_super_attribute", "false"},
    Default{"enable_large_strings_opt_in", "off"},
    Default{"enable_numeric_rounding", "false"},
    Default{"enable_result_cache_for_session", "on"},
    Default{"enable_vacuum_boost", "false"},
    Default{"error_on_nondeterministic_update", "false"},
    Default{"json_parse_truncate_strings", "off"},
    Default{"json_serialization_enable", "false"},
    Default{"json_serialization_parse_nested_strings", "false"},
    Default{"max_concurrency_scaling_clusters", "1"},
    Default{"max_cursor_result_set_size", "default"},
    Default{"mv_enable_aqmv_for_session", "true"},
    Default{"navigate_super_null_on_error", "on"},
    Default{"parse_super_null_on_error", "off"},
    Default{"pg_federation_repeatable_read", "true"},
    Default{"query_group", "default"},
    Default{"r_varchar_max", "65535"},
    Default{"spectrum_enable_pseudo_columns", "true"},
    Default{"spectrum_query_maxerror", "-1"},
    Default{"stored_proc_log_min_messages", "LOG"},
    Default{"use_fips_ssl", "false"},
    Default{"wlm_query_slot_count", "1"},
};

constexpr std::array<std::string_view, 8> kBackendNames = {
    "all",         "application_name",      "datestyle",         "extra_float_digits",
    "search_path", "session_authorization", "statement_timeout", "timezone"};
constexpr std::array<std::string_view, 11> kFixedNames = {"client_encoding",
                                                          "default_transaction_isolation",
                                                          "integer_datetimes",
                                                          "is_superuser",
                                                          "server_encoding",
                                                          "server_version",
                                                          "session_characteristics",
                                                          "transaction",
                                                          "transaction_isolation",
                                                          "lc_collate",
                                                          "lc_ctype"};

template <size_t N>
bool contains(const std::array<std::string_view, N>& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

bool is_switch(std::string_view value) {
  return value == "true" || value == "false" || value == "on" || value == "off";
}

SqlError unknown(std::string_view name) {
  return {"42704", "unrecognized configuration parameter \"" + std::string(name) + "\""};
}

std::string_view default_of(std::string_view name) {
  for (const Default& entry : kDefaults) {
    if (entry.first == name) return entry.second;
  }
  return {};
}

}  // namespace

SettingHome setting_home(std::string_view name) {
  if (contains(kBackendNames, name)) return SettingHome::kBackend;
  if (contains(kFixedNames, name)) return SettingHome::kFixed;
  const auto known = [&](const Default& entry) { return entry.first == name; };
  return std::any_of(kDefaults.begin(), kDefaults.end(), known) ? SettingHome::kSession
                                                                : SettingHome::kUnknown;
}

RedshiftSettings::RedshiftSettings() { reset_all(); }

void RedshiftSettings::reset_all() {
  for (const Default& entry : kDefaults) values_[std::string(entry.first)] = entry.second;
}

SqlStatus RedshiftSettings::set(std::string_view name, const std::optional<std::string>& value) {
  const auto found = values_.find(name);
  if (found == values_.end()) return unknown(name);
  const std::string_view fallback = default_of(name);
  if (!value) {
    found->second = fallback;
    return Unit{};
  }
  if (is_switch(fallback)) {
    const std::string given = to_lower_ascii(*value);
    const bool yes = given == "true" || given == "on" || given == "1" || given == "yes";
    const bool no = given == "false" || given == "off" || given == "0" || given == "no";
    if (!yes && !no && given != "default") {
      return SqlError{"22023", "parameter \"" + std::string(name) + "\" requires a Boolean value"};
    }
    const bool worded = fallback == "true" || fallback == "false";
    found->second = given == "default" ? std::string(fallback)
                    : yes              ? (worded ? "true" : "on")
                                       : (worded ? "false" : "off");
    return Unit{};
  }
  found->second =
      to_lower_ascii(*value) == "default" && name != "query_group" ? std::string(fallback) : *value;
  return Unit{};
}

SqlResult<std::string> RedshiftSettings::show(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return unknown(name);
  return found->second;
}

bool RedshiftSettings::is_on(std::string_view name) const {
  const auto found = values_.find(name);
  return found != values_.end() && (found->second == "on" || found->second == "true");
}

}  // namespace vesto::sandbox
