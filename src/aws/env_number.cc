#include "aws/env_number.h"

#include <fmt/format.h>

#include "aws/json_answer.h"
#include "base/strings.h"

namespace vesto {

Result<int64_t> env_number(const Environment& environment, std::string_view name, int64_t otherwise,
                           int64_t least, int64_t most) {
  const std::string text = env_text(environment, name);
  if (text.empty()) return otherwise;
  const auto value = parse_int(text);
  if (value && *value >= least && *value <= most) return *value;
  return Error(ErrorCode::kCfgValue, fmt::format("{} is \"{}\", not a whole number of {} to {}",
                                                 name, outside_text(text, 100), least, most));
}

std::string env_text(const Environment& environment, std::string_view name) {
  return environment ? environment(name).value_or("") : "";
}

bool env_is_true(const Environment& environment, std::string_view name) {
  return to_lower_ascii(trim(env_text(environment, name))) == "true";
}

}  // namespace vesto
