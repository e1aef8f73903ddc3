// The session's settings that PostgreSQL does not know: Redshift's own names, with their defaults.
// Thread rule: one session's thread.
#ifndef VESTO_SANDBOX_SESSION_SETTINGS_H_
#define VESTO_SANDBOX_SESSION_SETTINGS_H_

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

// Who keeps a setting.
enum class SettingHome {
  kSession,  // RedshiftSettings
  kBackend,  // PostgreSQL, under the same name
  kFixed,    // may be read, and set to what it is; nothing is done
  kUnknown,  // 42704
};
SettingHome setting_home(std::string_view name);

class RedshiftSettings {
 public:
  RedshiftSettings();
  // `value` nothing: back to the default. Errors: 42704 for a name that Redshift does not have,
  // 22023 for a value that is none of true/false where one is wanted.
  SqlStatus set(std::string_view name, const std::optional<std::string>& value);
  SqlResult<std::string> show(std::string_view name) const;
  void reset_all();
  [[nodiscard]] bool knows(std::string_view name) const { return values_.contains(name); }
  [[nodiscard]] bool is_on(std::string_view name) const;
  [[nodiscard]] const std::map<std::string, std::string, std::less<>>& all() const {
    return values_;
  }

 private:
  std::map<std::string, std::string, std::less<>> values_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_SETTINGS_H_
