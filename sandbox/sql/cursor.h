// Reading one statement's tokens from left to right; what the parsers of our own stand on.
// Internal to sandbox/sql. Not shared between threads.
#ifndef VESTO_SANDBOX_SQL_CURSOR_H_
#define VESTO_SANDBOX_SQL_CURSOR_H_

#include <string>
#include <string_view>
#include <vector>

#include "sandbox/sql/names.h"
#include "sandbox/sql/statement.h"
#include "sandbox/sql/token.h"

namespace vesto::sandbox {

// A statement in its text: tokens [first, last); tokens[last] is its ';' or the end of the text.
struct Source {
  std::string_view text;
  const std::vector<Token>* tokens = nullptr;
  size_t first = 0;
  size_t last = 0;
  // The statement may hold keys or a password: errors show none of its literals.
  bool secret = false;

  [[nodiscard]] const Token& token(size_t index) const { return (*tokens)[index]; }
  [[nodiscard]] std::string_view raw(size_t index) const {
    return token_text(text, (*tokens)[index]);
  }
  // The client's text of tokens [from, to).
  [[nodiscard]] std::string_view raw(size_t from, size_t to) const;
  // Is the token the unquoted word `lower`?
  [[nodiscard]] bool is_word(size_t index, std::string_view lower) const;
  [[nodiscard]] bool is_punct(size_t index, char c) const;
  [[nodiscard]] bool is_operator(size_t index, std::string_view op) const;
  [[nodiscard]] bool is_string(size_t index) const;
  // Behind the bracket that closes the one at `open`; 0 where it is not closed.
  [[nodiscard]] size_t after_brackets(size_t open) const;
  // 42601 at that token.
  [[nodiscard]] SqlError error_at(size_t index) const;
};

// [db.][schema.]name, mapped.
struct QualifiedName {
  std::string database;
  std::string schema;
  std::string name;
  [[nodiscard]] TableRef table() const { return {schema, name}; }
  // Quoted for PostgreSQL: "s"."t".
  [[nodiscard]] std::string sql() const;
};

class Cursor {
 public:
  Cursor(const Source& source, NameMapper* names)
      : source_(source), names_(names), at_(source.first) {}

  [[nodiscard]] const Source& source() const { return source_; }
  [[nodiscard]] NameMapper* names() const { return names_; }
  [[nodiscard]] size_t index() const { return at_; }
  void seek(size_t index) { at_ = index; }
  [[nodiscard]] bool at_end() const { return at_ >= source_.last; }
  [[nodiscard]] bool is(std::string_view lower, size_t ahead = 0) const;
  [[nodiscard]] bool is_punct(char c, size_t ahead = 0) const;
  [[nodiscard]] bool is_string(size_t ahead = 0) const;
  void skip(size_t count = 1) { at_ += count; }

  // Takes the word, or all words, if they stand here.
  bool accept(std::string_view lower);
  bool accept(std::string_view first, std::string_view second);
  bool accept_punct(char c);

  SqlStatus expect(std::string_view lower);
  SqlStatus expect_punct(char c);
  SqlStatus expect_end();
  // A name: quoted, or an unquoted word that is not reserved.
  SqlResult<std::string> name();
  // The same for users and groups.
  SqlResult<std::string> user_name();
  SqlResult<QualifiedName> qualified_name();
  // (name, name, ...)
  SqlResult<std::vector<std::string>> name_list();
  SqlResult<std::string> string();
  // A decimal integer, perhaps with a sign.
  SqlResult<int64_t> integer();
  // Steps over (...); the cursor stands on '('.
  SqlStatus skip_brackets();

  // 42601 at the current token.
  [[nodiscard]] SqlError unexpected() const { return source_.error_at(at_); }

 private:
  const Source& source_;
  NameMapper* names_;
  size_t at_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_CURSOR_H_
