#include "redshift/fill_secrets.h"

#include "base/strings.h"
#include "redshift/sql.h"

namespace vesto {

namespace {

constexpr std::string_view kOpen = "{{SECRET:";
constexpr std::string_view kClose = "}}";

// End of the literal or quoted identifier that begins at `start`: one past its closing quote, or
// the text's end. In a literal a backslash escapes the next byte.
size_t end_of_quoted(std::string_view sql, size_t start) {
  const char quote = sql[start];
  size_t i = start + 1;
  while (i < sql.size()) {
    if (quote == '\'' && sql[i] == '\\') {
      i += 2;
    } else if (sql[i] != quote) {
      ++i;
    } else if (i + 1 < sql.size() && sql[i + 1] == quote) {
      i += 2;
    } else {
      return i + 1;
    }
  }
  return sql.size();
}

bool takes_secret(std::string_view before) {
  before = trim(before);
  const size_t blank = before.find_last_of(" \t\r\n");
  const std::string_view word = blank == std::string_view::npos ? before : before.substr(blank + 1);
  return word == "SECRET_ACCESS_KEY" || word == "SESSION_TOKEN";
}

}  // namespace

Result<std::string> fill_secrets(std::string_view sql,
                                 const std::map<std::string, Secret>& secrets) {
  std::string out;
  // All at once: what a growing text leaves behind is not wiped. A literal at most doubles a value.
  size_t room = sql.size() + 128;
  for (const auto& [name, secret] : secrets) room += 2 * secret.reveal().size() + 2;
  out.reserve(room);
  size_t i = 0;
  while (i < sql.size()) {
    if (sql[i] != '\'' && sql[i] != '"') {
      out += sql[i++];
      continue;
    }
    const size_t end = end_of_quoted(sql, i);
    const std::string_view token = sql.substr(i, end - i);
    const bool placeholder =
        token.size() > 2 + kOpen.size() + kClose.size() && token.substr(1, kOpen.size()) == kOpen &&
        token.substr(token.size() - 1 - kClose.size()) == "}}'" && takes_secret(sql.substr(0, i));
    if (placeholder) {
      const std::string name(
          token.substr(1 + kOpen.size(), token.size() - 2 - kOpen.size() - kClose.size()));
      const auto secret = secrets.find(name);
      if (secret == secrets.end()) {
        return Error(ErrorCode::kInternal, "no secret named " + name + " was given");
      }
      const WipedString literal(sql::literal(secret->second.reveal()));
      out += literal.text;
    } else {
      out += token;
    }
    i = end;
  }
  if (out.find('\0') != std::string::npos) {
    return Error(ErrorCode::kInternal, "a statement holds a NUL byte");
  }
  return out;
}

}  // namespace vesto
