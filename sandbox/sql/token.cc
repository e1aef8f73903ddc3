#include "sandbox/sql/token.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

constexpr std::string_view kOperatorChars = "~!@#^&|`?+-*/%<>=";
// Words after which `#x` is a temporary table's name and not the XOR operator.
constexpr std::array<std::string_view, 19> kBeforeTempName = {
    "from", "join",     "into",   "table", "update", "using", "like",  "exists", "copy",   "lock",
    "only", "truncate", "delete", "on",    "and",    "or",    "where", "select", "analyze"};

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
         static_cast<unsigned char>(c) >= 0x80U;
}
bool is_word_char(char c) { return is_word_start(c) || is_digit(c) || c == '$'; }
bool is_operator_char(char c) { return kOperatorChars.find(c) != std::string_view::npos; }

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  SqlResult<std::vector<Token>> run() {
    tokens_.reserve(text_.size() / 6 + 8);
    while (true) {
      VESTO_TRY(skip_blanks());
      if (at_ >= text_.size()) break;
      VESTO_TRY(one());
    }
    const auto end = static_cast<uint32_t>(text_.size());
    tokens_.push_back({end, end, TokenKind::kEnd});
    return std::move(tokens_);
  }

 private:
  [[nodiscard]] char peek(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  SqlError open_error(std::string_view what, size_t begin) const {
    const std::string near(cut_utf8(text_.substr(begin), 64));
    SqlError error = make_sql_error(
        "42601", "unterminated " + std::string(what) + " at or near \"" + near + "\"");
    error.position = character_position(text_, begin);
    return error;
  }

  SqlStatus skip_blanks() {
    while (at_ < text_.size()) {
      if (is_blank(peek())) {
        ++at_;
      } else if (peek() == '-' && peek(1) == '-') {
        at_ = std::min(text_.find('\n', at_), text_.size());
      } else if (peek() == '/' && peek(1) == '*') {
        VESTO_TRY(skip_comment());
      } else {
        break;
      }
    }
    return Unit{};
  }

  // Comments nest.
  SqlStatus skip_comment() {
    const size_t begin = at_;
    size_t depth = 0;
    do {
      if (at_ >= text_.size()) return open_error("/* comment", begin);
      if (peek() == '/' && peek(1) == '*') {
        ++depth;
        at_ += 2;
      } else if (peek() == '*' && peek(1) == '/') {
        --depth;
        at_ += 2;
      } else {
        ++at_;
      }
    } while (depth > 0);
    return Unit{};
  }

  void push(size_t begin, TokenKind kind) {
    tokens_.push_back({static_cast<uint32_t>(begin), static_cast<uint32_t>(at_), kind});
  }

  SqlStatus one() {
    const size_t begin = at_;
    const char c = peek();
    if (is_word_start(c) || (c == '#' && is_word_start(peek(1)) && temp_name_may_follow())) {
      ++at_;
      while (is_word_char(peek()) || peek() == '#') ++at_;
      push(begin, TokenKind::kWord);
      return Unit{};
    }
    if (is_digit(c) || (c == '.' && is_digit(peek(1)))) {
      number();
      push(begin, TokenKind::kNumber);
      return Unit{};
    }
    if (c == '\'') return quoted_string();
    if (c == '"') return quoted_name();
    if (c == '$') return dollar();
    if (is_operator_char(c)) {
      operator_chars();
      push(begin, TokenKind::kOperator);
      return Unit{};
    }
    if (c == ':' && peek(1) == ':') {
      at_ += 2;
      push(begin, TokenKind::kOperator);
      return Unit{};
    }
    if (std::string_view("()[],;.:").find(c) != std::string_view::npos) {
      ++at_;
      push(begin, TokenKind::kPunct);
      return Unit{};
    }
    return syntax_error(text_, begin, begin + 1);
  }

  [[nodiscard]] bool temp_name_may_follow() const {
    if (tokens_.empty()) return true;
    const Token& last = tokens_.back();
    const std::string_view word = token_text(text_, last);
    switch (last.kind) {
      case TokenKind::kPunct:
        return word != ")" && word != "]";
      case TokenKind::kOperator:
        return true;
      case TokenKind::kWord: {
        const std::string lower = to_lower_ascii(word);
        return std::find(kBeforeTempName.begin(), kBeforeTempName.end(), lower) !=
               kBeforeTempName.end();
      }
      default:
        return false;
    }
  }

  // 12  12.5  .5  1e10  1.e-3
  void number() {
    while (is_digit(peek())) ++at_;
    if (peek() == '.') {
      ++at_;
      while (is_digit(peek())) ++at_;
    }
    if (peek() == 'e' || peek() == 'E') {
      const size_t sign = peek(1) == '+' || peek(1) == '-' ? 1 : 0;
      if (is_digit(peek(1 + sign))) {
        at_ += 2 + sign;
        while (is_digit(peek())) ++at_;
      }
    }
  }

  // PostgreSQL's rule: an operator of several characters ends in + or - only if it also holds one
  // of ~ ! @ # % ^ & | ` ?; a comment ends it.
  void operator_chars() {
    const size_t begin = at_;
    while (is_operator_char(peek())) {
      if (at_ > begin && ((peek() == '-' && peek(1) == '-') || (peek() == '/' && peek(1) == '*'))) {
        break;
      }
      ++at_;
    }
    const auto special = [](char c) {
      return std::string_view("~!@#%^&|`?").find(c) != std::string_view::npos;
    };
    while (at_ - begin > 1 && (text_[at_ - 1] == '+' || text_[at_ - 1] == '-') &&
           !std::any_of(text_.begin() + static_cast<ptrdiff_t>(begin),
                        text_.begin() + static_cast<ptrdiff_t>(at_), special)) {
      --at_;
    }
  }

  // One '...' literal; at_ stands on its quote.
  SqlStatus string_segment() {
    const size_t begin = at_;
    ++at_;
    while (true) {
      at_ = text_.find_first_of("'\\", at_);
      if (at_ == std::string_view::npos || (text_[at_] == '\\' && at_ + 1 >= text_.size())) {
        at_ = text_.size();
        return open_error("quoted string", begin);
      }
      if (text_[at_] == '\\') {
        at_ += 2;
      } else if (peek(1) == '\'') {
        at_ += 2;
      } else {
        ++at_;
        return Unit{};
      }
    }
  }

  SqlStatus quoted_string() {
    const size_t begin = at_;
    VESTO_TRY(string_segment());
    size_t end = at_;
    while (true) {
      VESTO_TRY(skip_blanks());
      // Several literals are one where only blanks with a line break stand between them.
      const std::string_view between = text_.substr(end, at_ - end);
      if (peek() != '\'' || between.find('\n') == std::string_view::npos ||
          !std::all_of(between.begin(), between.end(), is_blank)) {
        break;
      }
      VESTO_TRY(string_segment());
      end = at_;
    }
    at_ = end;
    push(begin, TokenKind::kString);
    return Unit{};
  }

  SqlStatus quoted_name() {
    const size_t begin = at_;
    ++at_;
    while (true) {
      at_ = text_.find('"', at_);
      if (at_ == std::string_view::npos) {
        at_ = text_.size();
        return open_error("quoted identifier", begin);
      }
      ++at_;
      if (peek() != '"') break;
      ++at_;
    }
    if (at_ - begin == 2) {
      SqlError error =
          make_sql_error("42601", "zero-length delimited identifier at or near \"\"\"\"");
      error.position = character_position(text_, begin);
      return error;
    }
    push(begin, TokenKind::kQuoted);
    return Unit{};
  }

  SqlStatus dollar() {
    const size_t begin = at_;
    if (is_digit(peek(1))) {
      ++at_;
      while (is_digit(peek())) ++at_;
      push(begin, TokenKind::kParam);
      return Unit{};
    }
    size_t tag_end = at_ + 1;
    while (tag_end < text_.size() && is_word_char(text_[tag_end]) && text_[tag_end] != '$') {
      ++tag_end;
    }
    if (tag_end >= text_.size() || text_[tag_end] != '$') {
      return syntax_error(text_, begin, begin + 1);
    }
    const std::string_view tag = text_.substr(begin, tag_end + 1 - begin);
    const size_t close = text_.find(tag, tag_end + 1);
    if (close == std::string_view::npos) {
      at_ = text_.size();
      return open_error("dollar-quoted string", begin);
    }
    at_ = close + tag.size();
    push(begin, TokenKind::kDollar);
    return Unit{};
  }

  std::string_view text_;
  size_t at_ = 0;
  std::vector<Token> tokens_;
};

bool is_octal(char c) { return c >= '0' && c <= '7'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Resolves the escape after a backslash; `at` stands behind the backslash and is moved on.
char escape(std::string_view text, size_t& at) {
  const char c = text[at++];
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'x':
      if (at < text.size() && hex_value(text[at]) >= 0) {
        int value = 0;
        for (int i = 0; i < 2 && at < text.size() && hex_value(text[at]) >= 0; ++i) {
          value = value * 16 + hex_value(text[at++]);
        }
        return static_cast<char>(value);
      }
      return c;
    default:
      break;
  }
  if (!is_octal(c)) return c;
  int value = c - '0';
  for (int i = 0; i < 2 && at < text.size() && is_octal(text[at]); ++i) {
    value = value * 8 + (text[at++] - '0');
  }
  return static_cast<char>(value & 0xff);
}

SqlError encoding_error(unsigned char byte) {
  return make_sql_error("22021", "invalid byte sequence for encoding \"UTF8\": 0x" +
                                     to_hex(std::string(1, static_cast<char>(byte))));
}

// Length of the UTF-8 character at text[at], 0 if there is none.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto follows = [&](size_t i) { return (byte(i) & 0xc0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80U) return 1;
  if (lead >= 0xc2U && lead <= 0xdfU) return follows(1) ? 2 : 0;
  if (lead >= 0xe0U && lead <= 0xefU) {
    if (!follows(1) || !follows(2)) return 0;
    if (lead == 0xe0U && byte(1) < 0xa0U) return 0;
    if (lead == 0xedU && byte(1) > 0x9fU) return 0;
    return 3;
  }
  if (lead >= 0xf0U && lead <= 0xf4U) {
    if (!follows(1) || !follows(2) || !follows(3)) return 0;
    if (lead == 0xf0U && byte(1) < 0x90U) return 0;
    if (lead == 0xf4U && byte(1) > 0x8fU) return 0;
    return 4;
  }
  return 0;
}

}  // namespace

SqlResult<std::vector<Token>> tokenize(std::string_view text) { return Lexer(text).run(); }

SqlResult<std::string> string_value(std::string_view text, const Token& token) {
  const std::string_view raw = token_text(text, token);
  if (token.kind == TokenKind::kDollar) {
    const size_t tag = raw.find('$', 1) + 1;
    return std::string(raw.substr(tag, raw.size() - 2 * tag));
  }
  std::string out;
  out.reserve(raw.size());
  bool escaped = false;
  size_t at = 0;
  while (at < raw.size()) {
    ++at;  // the opening quote
    while (at < raw.size()) {
      const char c = raw[at++];
      if (c == '\\') {
        escaped = true;
        out += escape(raw, at);
      } else if (c != '\'') {
        out += c;
      } else if (at < raw.size() && raw[at] == '\'') {
        out += c;
        ++at;
      } else {
        break;
      }
    }
    at = std::min(raw.find('\'', at), raw.size());  // the next of several literals
  }
  if (!escaped) return out;
  const size_t zero = out.find('\0');
  if (zero != std::string::npos) return encoding_error(0);
  const size_t bad = find_invalid_utf8(out);
  if (bad != std::string::npos) return encoding_error(static_cast<unsigned char>(out[bad]));
  return out;
}

std::string quoted_value(std::string_view text, const Token& token) {
  const std::string_view raw = token_text(text, token);
  return replace_all(raw.substr(1, raw.size() - 2), "\"\"", "\"");
}

size_t find_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    if (static_cast<unsigned char>(text[at]) < 0x80U) {
      ++at;
      continue;
    }
    const size_t length = utf8_length(text, at);
    if (length == 0) return at;
    at += length;
  }
  return std::string_view::npos;
}

}  // namespace vesto::sandbox
