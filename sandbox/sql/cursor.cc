#include "sandbox/sql/cursor.h"

#include <algorithm>
#include <optional>

#include "base/strings.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/keywords.h"

namespace vesto::sandbox {
namespace {

bool equals_folded(std::string_view raw, std::string_view lower) {
  if (raw.size() != lower.size()) return false;
  for (size_t i = 0; i < raw.size(); ++i) {
    const char c = raw[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != lower[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view Source::raw(size_t from, size_t to) const {
  if (from >= to) return {};
  return text.substr(token(from).begin, token(to - 1).end - token(from).begin);
}

bool Source::is_word(size_t index, std::string_view lower) const {
  return index < last && token(index).kind == TokenKind::kWord && equals_folded(raw(index), lower);
}

bool Source::is_punct(size_t index, char c) const {
  return index < last && token(index).kind == TokenKind::kPunct && text[token(index).begin] == c;
}

bool Source::is_operator(size_t index, std::string_view op) const {
  return index < last && token(index).kind == TokenKind::kOperator && raw(index) == op;
}

bool Source::is_string(size_t index) const {
  return index < last &&
         (token(index).kind == TokenKind::kString || token(index).kind == TokenKind::kDollar);
}

size_t Source::after_brackets(size_t open) const {
  size_t depth = 0;
  for (size_t i = open; i < last; ++i) {
    if (is_punct(i, '(') || is_punct(i, '[')) ++depth;
    if ((is_punct(i, ')') || is_punct(i, ']')) && --depth == 0) return i + 1;
  }
  return 0;
}

SqlError Source::error_at(size_t index) const {
  const Token& bad = token(index < tokens->size() ? index : tokens->size() - 1);
  SqlError error = syntax_error(text, bad);
  if (!secret) return error;
  // The same text, with every literal masked.
  constexpr size_t kContextTokens = 8;
  const size_t end = std::min(index, last);
  const auto shown = [&](size_t i) {
    return is_string(i) ? std::string("'***'") : std::string(raw(i));
  };
  std::string context;
  for (size_t i = std::max(first, end > kContextTokens ? end - kContextTokens : 0); i < end; ++i) {
    context += shown(i) + " ";
  }
  const bool at_end = bad.kind == TokenKind::kEnd;
  const std::string near = at_end ? "" : shown(index);
  const size_t line = static_cast<size_t>(
      std::count(text.begin(), text.begin() + static_cast<ptrdiff_t>(bad.begin), '\n'));
  error.message =
      at_end ? "syntax error at end of input" : "syntax error at or near \"" + near + "\"";
  error.message += " in context \"" + std::string(trim(context + near)) + "\", at line " +
                   std::to_string(line + 1);
  return error;
}

std::string QualifiedName::sql() const {
  std::string out;
  if (!database.empty()) out += quote_name(database) + ".";
  if (!schema.empty()) out += quote_name(schema) + ".";
  return out + quote_name(name);
}

bool Cursor::is(std::string_view lower, size_t ahead) const {
  return source_.is_word(at_ + ahead, lower);
}
bool Cursor::is_punct(char c, size_t ahead) const { return source_.is_punct(at_ + ahead, c); }
bool Cursor::is_string(size_t ahead) const { return source_.is_string(at_ + ahead); }

bool Cursor::accept(std::string_view lower) {
  if (!is(lower)) return false;
  ++at_;
  return true;
}

bool Cursor::accept(std::string_view first, std::string_view second) {
  if (!is(first) || !is(second, 1)) return false;
  at_ += 2;
  return true;
}

bool Cursor::accept_punct(char c) {
  if (!is_punct(c)) return false;
  ++at_;
  return true;
}

SqlStatus Cursor::expect(std::string_view lower) {
  if (!accept(lower)) return unexpected();
  return Unit{};
}

SqlStatus Cursor::expect_punct(char c) {
  if (!accept_punct(c)) return unexpected();
  return Unit{};
}

SqlStatus Cursor::expect_end() {
  if (!at_end()) return unexpected();
  return Unit{};
}

SqlResult<std::string> Cursor::name() {
  if (at_end()) return unexpected();
  const Token& token = source_.token(at_);
  if (token.kind == TokenKind::kQuoted) {
    ++at_;
    return names_->map(quoted_value(source_.text, token), true);
  }
  if (token.kind != TokenKind::kWord) return unexpected();
  const std::string_view raw = source_.raw(at_);
  if (is_reserved(to_lower_ascii(raw))) return unexpected();
  ++at_;
  return names_->map(raw, false);
}

SqlResult<std::string> Cursor::user_name() {
  if (!at_end() && source_.token(at_).kind == TokenKind::kQuoted) {
    return names_->map_user(quoted_value(source_.text, source_.token(at_++)), true);
  }
  return name();
}

SqlResult<QualifiedName> Cursor::qualified_name() {
  QualifiedName out;
  VESTO_ASSIGN(out.name, name());
  for (int part = 0; part < 2 && accept_punct('.'); ++part) {
    out.database = std::move(out.schema);
    out.schema = std::move(out.name);
    VESTO_ASSIGN(out.name, name());
  }
  return out;
}

SqlResult<std::vector<std::string>> Cursor::name_list() {
  std::vector<std::string> out;
  VESTO_TRY(expect_punct('('));
  do {
    VESTO_ASSIGN(std::string one, name());
    out.push_back(std::move(one));
  } while (accept_punct(','));
  VESTO_TRY(expect_punct(')'));
  return out;
}

SqlResult<std::string> Cursor::string() {
  if (!is_string()) return unexpected();
  return string_value(source_.text, source_.token(at_++));
}

SqlResult<int64_t> Cursor::integer() {
  const bool negative = source_.is_operator(at_, "-");
  if (negative || source_.is_operator(at_, "+")) ++at_;
  if (at_end() || source_.token(at_).kind != TokenKind::kNumber) return unexpected();
  const std::optional<int64_t> value = parse_int(source_.raw(at_));
  if (!value) return unexpected();
  ++at_;
  return negative ? -*value : *value;
}

SqlStatus Cursor::skip_brackets() {
  if (!is_punct('(')) return unexpected();
  const size_t behind = source_.after_brackets(at_);
  if (behind == 0) return source_.error_at(source_.last);
  at_ = behind;
  return Unit{};
}

}  // namespace vesto::sandbox
