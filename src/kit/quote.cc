#include "kit/quote.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace vesto::kit {

namespace {

bool means_nothing_to_sh(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

}  // namespace

std::string sh_quote(std::string_view value) {
  if (!value.empty() && std::all_of(value.begin(), value.end(), means_nothing_to_sh)) {
    return std::string(value);
  }
  std::string out = "'";
  for (const char c : value) {
    if (c == '\'') {
      out += "'\\''";
    } else if (c != '\0') {
      out += c;
    }
  }
  return out + "'";
}

std::string sh_flag(std::string_view name, std::string_view value) {
  return fmt::format(" {}{}{}", name, value.starts_with('-') ? "=" : " ", sh_quote(value));
}

std::string hcl_quote(std::string_view value) {
  std::string out = "\"";
  for (size_t i = 0; i < value.size(); ++i) {
    const char c = value[i];
    const auto byte = static_cast<unsigned char>(c);
    const bool opens = (c == '$' || c == '%') && i + 1 < value.size() && value[i + 1] == '{';
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7F || opens) {
      out += fmt::format("\\u{:04x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string hcl_heredoc_json(std::string_view json) {
  std::string out;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    const char next = i + 1 < json.size() ? json[i + 1] : ' ';
    if ((c == '$' || c == '%') && next == c) {
      out += fmt::format("\\u{:04x}", c);  // "$${" is what an escape looks like
    } else if ((c == '$' || c == '%') && next == '{') {
      out += c;
      out += c;
    } else {
      out += c;
    }
  }
  return out;
}

std::string commented(std::string_view mark, std::string_view text) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  std::string out;
  for (const std::string& line : split(text, '\n')) {
    out += std::string(trim(std::string(mark) + printable(line, false))) + "\n";
  }
  return out;
}

}  // namespace vesto::kit
