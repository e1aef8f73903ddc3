#include "config/values.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/strings.h"

namespace vesto {

namespace {

bool digit(char c) { return c >= '0' && c <= '9'; }
bool letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

}  // namespace

std::optional<int64_t> parse_duration_ms(std::string_view text) {
  constexpr std::array<std::pair<std::string_view, int64_t>, 5> kUnits = {
      {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
  constexpr int64_t kLongest = int64_t{400} * 86'400'000;
  const auto first_unit = std::find_if_not(text.begin(), text.end(), digit);
  const auto digits = static_cast<size_t>(first_unit - text.begin());
  const std::optional<int64_t> number = parse_int(text.substr(0, digits));
  if (!number) return std::nullopt;
  for (const auto& [unit, factor] : kUnits) {
    if (text.substr(digits) != unit) continue;
    if (*number > kLongest / factor) return std::nullopt;
    return *number * factor;
  }
  return std::nullopt;
}

bool good_object_name(std::string_view name) {
  constexpr size_t kLongest = 64;
  return !name.empty() && name.size() <= kLongest &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return letter(c) || digit(c) || c == '_' || c == '-'; });
}

bool good_bucket_name(std::string_view name) {
  return name.size() >= 3 && name.size() <= 63 && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || digit(c) || c == '-' || c == '.';
         });
}

}  // namespace vesto
