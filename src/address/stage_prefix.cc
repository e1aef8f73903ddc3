#include "address/stage_prefix.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxPrefixBytes = 512;

bool is_plain(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '=' || c == '-';
}

}  // namespace

std::string_view stage_prefix_fault(std::string_view prefix) {
  if (prefix.empty()) return "";
  if (prefix.size() > kMaxPrefixBytes) return "is longer than 512 bytes";
  std::string_view bare = prefix;
  if (bare.ends_with('/')) bare.remove_suffix(1);
  for (const std::string& segment : split(bare, '/')) {
    if (segment.empty()) return "may not begin with / or hold //";
    if (segment == "." || segment == "..") return "has a segment . or ..";
    if (!std::all_of(segment.begin(), segment.end(), is_plain)) {
      return "may hold only letters, digits and . _ = - /";
    }
  }
  return "";
}

}  // namespace vesto
