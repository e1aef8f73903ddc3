#include "sandbox/sql/errors.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto::sandbox {
namespace {

// How much of the text before the bad token is shown. Redshift shows some; how much is not known.
constexpr size_t kContextBytes = 64;

// The start of a context of at most kContextBytes before `offset`, on a character.
size_t context_start(std::string_view text, size_t offset) {
  size_t start = offset > kContextBytes ? offset - kContextBytes : 0;
  while (start < offset && (static_cast<unsigned char>(text[start]) & 0xc0U) == 0x80U) ++start;
  return start;
}

}  // namespace

int character_position(std::string_view text, size_t offset) {
  const auto is_lead = [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; };
  const std::string_view before = text.substr(0, offset);
  return static_cast<int>(std::count_if(before.begin(), before.end(), is_lead)) + 1;
}

SqlError syntax_error(std::string_view text, size_t offset, size_t end) {
  offset = std::min(offset, text.size());
  end = std::min(std::max(end, offset), text.size());
  const std::string_view near = text.substr(offset, end - offset);
  const auto line = std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(offset), '\n');
  const size_t start = context_start(text, offset);
  std::string message = near.empty() ? "syntax error at end of input"
                                     : "syntax error at or near \"" + std::string(near) + "\"";
  message += " in context \"";
  message += trim(text.substr(start, end - start));
  message += "\", at line " + std::to_string(line + 1);
  return {"42601", std::move(message), {}, {}, character_position(text, offset)};
}

SqlError syntax_error(std::string_view text, const Token& token) {
  return syntax_error(text, token.begin, token.end);
}

SqlError command_not_supported(std::string_view statement) {
  return feature_not_supported("SQL command \"" + std::string(cut_utf8(trim(statement), 1024)) +
                               "\" not supported.");
}

SqlError not_in_sandbox(std::string_view what) {
  return feature_not_supported(std::string(what) + " is not supported by the sandbox");
}

SqlError feature_not_supported(std::string message) {
  return make_sql_error("0A000", std::move(message));
}

SqlError make_sql_error(std::string_view sqlstate, std::string message) {
  return {std::string(sqlstate), std::move(message), {}, {}, 0};
}

}  // namespace vesto::sandbox
