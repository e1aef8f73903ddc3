// Redshift's lexical rules: a text becomes tokens; nothing is copied.
//
// Differences to PostgreSQL 15: backslash escapes in '...', no E''/B''/X''/N''/U&'' forms (the
// letter is a word of its own), `#name` for temporary tables, digits may touch a word ("4WHEN").
// Pure; any thread. Source: AWS "Literals", "Names and identifiers", "Comments".
#ifndef VESTO_SANDBOX_SQL_TOKEN_H_
#define VESTO_SANDBOX_SQL_TOKEN_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql_error.h"

namespace vesto::sandbox {

enum class TokenKind : uint8_t {
  kWord,    // unquoted name or keyword, also #name
  kQuoted,  // "name"
  kString,  // '...', also several of them with a line break between
  kDollar,  // $tag$...$tag$
  kNumber,
  kParam,     // $1
  kOperator,  // + <> || ::
  kPunct,     // ( ) [ ] , ; . :
  kEnd,
};

struct Token {
  uint32_t begin = 0;  // byte offsets in the text
  uint32_t end = 0;
  TokenKind kind = TokenKind::kEnd;
};

// The whole text as tokens, with one kEnd at the end. `text` is valid UTF-8 without NUL and shorter
// than 4 GiB (translate() has checked). Errors: 42601 for what is not closed.
SqlResult<std::vector<Token>> tokenize(std::string_view text);

inline std::string_view token_text(std::string_view text, const Token& token) {
  return text.substr(token.begin, token.end - token.begin);
}

// The value of a kString or kDollar token: escapes resolved. Error: 22021 where an escape makes a
// NUL byte or what is not UTF-8.
SqlResult<std::string> string_value(std::string_view text, const Token& token);
// The name in a kQuoted token, quotes taken off.
std::string quoted_value(std::string_view text, const Token& token);

// Valid UTF-8 (no surrogates, no overlong forms, at most U+10FFFF)? Returns the offset of the first
// bad byte, or npos.
size_t find_invalid_utf8(std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_TOKEN_H_
