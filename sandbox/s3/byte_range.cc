#include "sandbox/s3/byte_range.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto::sandbox {

RangeAnswer read_range(std::string_view header, uint64_t size_bytes) {
  const RangeAnswer whole{RangeKind::kWhole, 0, size_bytes};
  constexpr std::string_view kUnit = "bytes=";
  if (header.substr(0, kUnit.size()) != kUnit) return whole;
  const std::string_view text = trim(header.substr(kUnit.size()));
  const size_t dash = text.find('-');
  if (dash == std::string_view::npos || text.find(',') != std::string_view::npos) return whole;
  const std::string_view from = text.substr(0, dash);
  const std::string_view to = text.substr(dash + 1);
  const auto first = parse_int(from);
  const auto last = parse_int(to);
  if ((!from.empty() && (!first || *first < 0)) || (!to.empty() && (!last || *last < 0))) {
    return whole;
  }
  const RangeAnswer nothing{RangeKind::kUnsatisfiable, 0, 0};
  if (from.empty()) {
    if (to.empty()) return whole;
    const uint64_t length = std::min(static_cast<uint64_t>(*last), size_bytes);
    if (length == 0) return nothing;
    return {RangeKind::kPart, size_bytes - length, length};
  }
  const auto begin = static_cast<uint64_t>(*first);
  if (!to.empty() && *last < *first) return whole;
  if (begin >= size_bytes) return nothing;
  const uint64_t end =
      to.empty() ? size_bytes - 1 : std::min(static_cast<uint64_t>(*last), size_bytes - 1);
  return {RangeKind::kPart, begin, end - begin + 1};
}

}  // namespace vesto::sandbox
