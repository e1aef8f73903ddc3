#include "cli/environment.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/strings.h"
#include "cli/terminal.h"

namespace vesto::cli {

std::optional<bool> truth_of(const std::string& value) {
  const std::string lower = to_lower_ascii(value);
  for (const char* word : {"true", "on", "yes", "enable", "t", "y", "+"}) {
    if (lower == word) return true;
  }
  for (const char* word : {"false", "off", "no", "disable", "f", "n", "-"}) {
    if (lower == word) return false;
  }
  const std::optional<int64_t> number = parse_int(lower);
  if (number) return *number > 0;
  return std::nullopt;
}

std::string wrong_environment() {
  for (const char* name :
       {"VESTO_JSON", "VESTO_QUIET", "VESTO_VERBOSE", "VESTO_NO_COLOR", "VESTO_NO_PROGRESS"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0' || truth_of(value)) continue;
    return fmt::format("the variable {} is \"{}\"; it takes true or false", name,
                       printable(cut_utf8(value, 100), false));
  }
  return "";
}

}  // namespace vesto::cli
