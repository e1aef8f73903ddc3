// INSERT INTO t VALUES with many rows. A tree of 16 MiB of rows would take gigabytes, so only the
// head with its first row goes through the whole front; further rows of plain literals are copied
// token by token, and rows with expressions go through the front in groups.
#include <algorithm>

#include "base/strings.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/query.h"

namespace vesto::sandbox {
namespace {

// Fewer tokens than this go the ordinary way.
constexpr size_t kBulkTokens = 4096;
// Rows with expressions are translated in groups of at most so many tokens (a single longer row
// is a group of its own).
constexpr size_t kGroupTokens = 4096;

class BulkInsert {
 public:
  BulkInsert(Cursor* cursor, Statement* out)
      : cursor_(*cursor), source_(cursor->source()), out_(*out) {}

  SqlResult<bool> run() {
    const size_t first = cursor_.index();
    const size_t values = find_values(first);
    if (values == 0) return false;
    const size_t first_row_end = source_.after_brackets(values + 1);
    if (first_row_end == 0) return source_.error_at(source_.last);
    VESTO_ASSIGN(QueryText head,
                 translate_tree(source_, first, first_row_end, {}, cursor_.names()));
    if (head.facts.cls != StatementClass::kInsert) return false;
    sql_ = std::move(head.sql);
    sql_.reserve(sql_.size() +
                 (source_.token(source_.last).begin - source_.token(first_row_end).begin));
    out_.parameter_count = head.facts.parameter_count;
    VESTO_TRY(rows(first_row_end));
    out_.cls = StatementClass::kInsert;
    out_.tables = std::move(head.facts.tables);
    out_.writes = std::move(head.facts.writes);
    out_.pg_sql.push_back(std::move(sql_));
    return true;
  }

 private:
  // The index of VALUES in INSERT INTO name [(columns)] VALUES (; 0 where it is something else.
  size_t find_values(size_t first) const {
    if (source_.last - first < kBulkTokens || !source_.is_word(first, "insert")) return 0;
    size_t at = first;
    while (at < source_.last && !source_.is_punct(at, '(') && !source_.is_word(at, "values")) ++at;
    if (source_.is_punct(at, '(')) at = source_.after_brackets(at);
    return at != 0 && source_.is_word(at, "values") && source_.is_punct(at + 1, '(') ? at : 0;
  }

  SqlStatus rows(size_t at) {
    size_t group = at;  // first comma of the rows that wait for the tree
    while (at < source_.last) {
      if (!source_.is_punct(at, ',') || !source_.is_punct(at + 1, '(')) {
        return source_.error_at(source_.is_punct(at, ',') ? at + 1 : at);
      }
      const size_t mark = sql_.size();
      VESTO_ASSIGN(const size_t plain_end, plain_row(at));
      if (plain_end != 0) {
        if (group < at) {
          // The rows that waited come first.
          std::string row = sql_.substr(mark);
          sql_.resize(mark);
          VESTO_TRY(flush(group, at));
          sql_ += row;
        }
        at = plain_end;
        group = at;
        continue;
      }
      sql_.resize(mark);
      const size_t end = source_.after_brackets(at + 1);
      if (end == 0) return source_.error_at(source_.last);
      if (end - group > kGroupTokens && group < at) {
        VESTO_TRY(flush(group, at));
        group = at;
      }
      at = end;
    }
    return group < at ? flush(group, at) : SqlStatus(Unit{});
  }

  // Appends `, (literals)` from the comma at `comma`. Returns the index behind the row, or 0 where
  // the row holds more than literals.
  SqlResult<size_t> plain_row(size_t comma) {
    sql_ += ", (";
    for (size_t i = comma + 2;; ++i) {
      if (i >= source_.last) return size_t{0};
      const Token& token = source_.token(i);
      if (token.kind == TokenKind::kString || token.kind == TokenKind::kDollar) {
        VESTO_ASSIGN(const std::string value, string_value(source_.text, token));
        sql_ += quote_literal(value);
      } else if (token.kind == TokenKind::kNumber) {
        sql_ += source_.raw(i);
      } else if (is_sign(i)) {
        sql_ += source_.raw(i);
        continue;
      } else if (is_constant_word(i)) {
        sql_ += to_lower_ascii(source_.raw(i));
      } else {
        return size_t{0};
      }
      ++i;
      if (source_.is_punct(i, ')')) break;
      if (!source_.is_punct(i, ',')) return size_t{0};
      sql_ += ',';
      if (source_.is_punct(i + 1, ')')) return size_t{0};
    }
    sql_ += ')';
    // Find the row's end again: it holds no brackets.
    size_t end = comma + 2;
    while (!source_.is_punct(end, ')')) ++end;
    return end + 1;
  }

  [[nodiscard]] bool is_sign(size_t index) const {
    return (source_.is_operator(index, "-") || source_.is_operator(index, "+")) &&
           index + 1 < source_.last && source_.token(index + 1).kind == TokenKind::kNumber;
  }

  [[nodiscard]] bool is_constant_word(size_t index) const {
    return source_.is_word(index, "null") || source_.is_word(index, "default") ||
           source_.is_word(index, "true") || source_.is_word(index, "false");
  }

  // Translates the rows in [from, to), which begins with a comma, and appends them.
  SqlStatus flush(size_t from, size_t to) {
    Edits edits;
    // A row in front, since several rows have a rule of their own (no sub-selects).
    edits.insert(from + 1, "INSERT INTO rs_rows VALUES (NULL),");
    VESTO_ASSIGN(const QueryText text,
                 translate_tree(source_, from + 1, to, edits, cursor_.names()));
    constexpr std::string_view kHead = "INSERT INTO rs_rows VALUES (NULL), ";
    if (text.sql.rfind(kHead, 0) != 0) return source_.error_at(from + 1);
    sql_ += ", ";
    sql_ += std::string_view(text.sql).substr(kHead.size());
    out_.parameter_count = std::max(out_.parameter_count, text.facts.parameter_count);
    return Unit{};
  }

  Cursor& cursor_;
  const Source& source_;
  Statement& out_;
  std::string sql_;
};

}  // namespace

SqlResult<bool> translate_bulk_insert(Cursor* cursor, Statement* out) {
  return BulkInsert(cursor, out).run();
}

}  // namespace vesto::sandbox
