#include <algorithm>

#include "sandbox/iam/toml_section.h"

namespace vesto::sandbox {

namespace {

constexpr int kMaxDepth = 24;

// Where the string that begins at `at` ends; a line end ends a one-line string too.
size_t end_of_string(std::string_view text, size_t at) {
  const char quote = text[at];
  const std::string fence(3, quote);
  const bool block = text.substr(at, 3) == fence;
  at += block ? 3 : 1;
  while (at < text.size()) {
    if (quote == '"' && text[at] == '\\') {
      at += 2;
    } else if (block ? text.substr(at, 3) == fence : text[at] == quote || text[at] == '\n') {
      at += block ? 3 : 1;
      // Up to two more quotes belong to the string before its fence.
      while (block && at < text.size() && text[at] == quote) ++at;
      return at;
    } else {
      ++at;
    }
  }
  return text.size();
}

}  // namespace

std::optional<int> find_deep_toml(std::string_view text) {
  int brackets = 0;
  int dots = 0;
  size_t at = 0;
  while (at < text.size()) {
    const char c = text[at];
    if (c == '"' || c == '\'') {
      at = end_of_string(text, at);
      continue;
    }
    if (c == '#') {
      at = std::min(text.find('\n', at), text.size());
      continue;
    }
    if (c == '.') {
      ++dots;
    } else if (c == '[' || c == '{') {
      ++brackets;
    } else if ((c == ']' || c == '}') && brackets > 0) {
      --brackets;
    }
    // A dotted key ends where something else than a name begins.
    if (c == '=' || c == ',' || c == '\n' || c == '[' || c == '{' || c == ']' || c == '}') dots = 0;
    if (brackets > kMaxDepth || dots > kMaxDepth) {
      return static_cast<int>(
                 std::count(text.begin(), text.begin() + static_cast<long>(at), '\n')) +
             1;
    }
    ++at;
  }
  return std::nullopt;
}

}  // namespace vesto::sandbox
