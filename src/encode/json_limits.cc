#include "encode/json_limits.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

std::string too_many(std::string_view what, size_t found, size_t limit) {
  return fmt::format("{} {} ({} at most)", what, format_count(static_cast<int64_t>(found)),
                     format_count(static_cast<int64_t>(limit)));
}

struct StringEnd {
  size_t offset = 0;  // behind the closing quote
  size_t bytes = 0;   // of the string once its escapes are undone (an upper bound)
  bool has_nul = false;
};

// `at` is the offset behind the opening quote.
StringEnd end_of_string(std::string_view json, size_t at) {
  StringEnd end;
  while (at < json.size() && json[at] != '"') {
    if (json[at] != '\\') {
      ++at;
      ++end.bytes;
      continue;
    }
    const bool by_number = at + 1 < json.size() && json[at + 1] == 'u';
    if (by_number && json.substr(at + 2, 4) == "0000") end.has_nul = true;
    at += by_number ? 6 : 2;
    end.bytes += by_number ? 3 : 1;  // a code unit is at most three bytes of UTF-8
  }
  end.offset = std::min(at + 1, json.size());
  return end;
}

bool in_mantissa(char c) { return (c >= '0' && c <= '9') || c == '.'; }

struct NumberEnd {
  size_t offset = 0;
  size_t digits = 0;  // of the mantissa
};

NumberEnd end_of_number(std::string_view json, size_t at) {
  NumberEnd end;
  while (at < json.size() && in_mantissa(json[at])) {
    if (json[at] != '.') ++end.digits;
    ++at;
  }
  end.offset = at;
  return end;
}

}  // namespace

bool may_hold_long_number(std::string_view bytes, size_t digits) {
  for (size_t at = digits; at < bytes.size(); at += digits + 1) {
    if (!in_mantissa(bytes[at])) continue;
    size_t first = at;
    while (first > 0 && in_mantissa(bytes[first - 1])) --first;
    size_t last = at;
    while (last < bytes.size() && in_mantissa(bytes[last])) ++last;
    if (last - first > digits) return true;
  }
  return false;
}

std::string exceeds_super(std::string_view json, const SuperLimits& limits) {
  if (json.size() > limits.value_bytes) {
    return too_many("a JSON value of bytes", json.size(), limits.value_bytes);
  }
  size_t depth = 0;
  for (size_t at = 0; at < json.size();) {
    const char c = json[at];
    if (c == '"') {
      const StringEnd end = end_of_string(json, at + 1);
      if (end.has_nul) return "the character \\u0000 in a JSON string";
      if (end.bytes > limits.string_bytes) {
        return too_many("a JSON string of bytes", end.bytes, limits.string_bytes);
      }
      at = end.offset;
      continue;
    }
    if (c >= '0' && c <= '9') {
      const NumberEnd end = end_of_number(json, at);
      if (end.digits > limits.number_digits) {
        return too_many("a JSON number of digits", end.digits, limits.number_digits);
      }
      at = end.offset;
      continue;
    }
    if (c == '{' || c == '[') {
      if (++depth > limits.depth) return too_many("a JSON nesting of levels", depth, limits.depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
    ++at;
  }
  return "";
}

}  // namespace vesto
