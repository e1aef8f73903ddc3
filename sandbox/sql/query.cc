#include "sandbox/sql/query.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/pg_tree.h"
#include "sandbox/sql/walk.h"

namespace vesto::sandbox {
namespace {

// Sub-selects in FROM without an alias that are given one, at most; each costs a new parse, so a
// long statement gets fewer.
constexpr int kMaxAliases = 32;
constexpr int kMaxAliasesOfLong = 4;
constexpr size_t kLongTokens = 20000;
// TOPs and CONVERTs of one statement, at most: each looks for the end of its bracket.
constexpr int kMaxScans = 500;

constexpr std::array<std::string_view, 4> kSetOperations = {"union", "intersect", "except",
                                                            "minus"};

bool is_any(const Source& source, size_t index, const std::array<std::string_view, 4>& words) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view word) { return source.is_word(index, word); });
}

// Where the SELECT that holds `index` ends: a closing bracket, a set operation, or `to`.
size_t end_of_select(const Source& source, size_t index, size_t to) {
  for (size_t i = index; i < to; ++i) {
    if (source.is_punct(i, '(')) {
      const size_t behind = source.after_brackets(i);
      if (behind == 0) return to;
      i = behind - 1;
    } else if (source.is_punct(i, ')') || is_any(source, i, kSetOperations)) {
      return i;
    }
  }
  return to;
}

// SELECT [ALL | DISTINCT] TOP n ... -> SELECT ... LIMIT n
void edit_top(const Source& source, size_t select, size_t to, Edits* edits) {
  size_t at = select + 1;
  if (source.is_word(at, "all") || source.is_word(at, "distinct")) ++at;
  if (!source.is_word(at, "top")) return;
  if (at + 1 >= to || source.token(at + 1).kind != TokenKind::kNumber) return;
  edits->remove(at, 2);
  edits->insert(end_of_select(source, at + 2, to), "LIMIT " + std::string(source.raw(at + 1)));
}

// VARCHAR(MAX) and the like.
void edit_max(const Source& source, size_t index, Edits* edits) {
  if (!source.is_punct(index + 1, '(') || !source.is_word(index + 2, "max") ||
      !source.is_punct(index + 3, ')')) {
    return;
  }
  const auto is = [&](std::string_view word) { return source.is_word(index, word); };
  if (is("varchar") || is("nvarchar") || is("varying")) {
    edits->replace(index + 2, 1, "65535");
  } else if (is("char") || is("character") || is("nchar") || is("bpchar")) {
    edits->replace(index + 2, 1, "4096");
  } else if (is("varbyte") || is("varbinary")) {
    edits->replace(index + 2, 1, "16777216");
  }
}

// CONVERT(type, value) -> CAST(value AS type)
void edit_convert(const Source& source, size_t index, Edits* edits) {
  if (!source.is_punct(index + 1, '(')) return;
  const size_t behind = source.after_brackets(index + 1);
  if (behind == 0) return;
  size_t comma = index + 2;
  while (comma < behind && !source.is_punct(comma, ',')) {
    comma =
        source.is_punct(comma, '(') ? std::max(source.after_brackets(comma), comma + 1) : comma + 1;
  }
  if (comma >= behind) return;
  std::string type;
  for (size_t i = index + 2; i < comma; ++i) {
    if (source.token(i).kind != TokenKind::kWord && source.token(i).kind != TokenKind::kNumber &&
        source.token(i).kind != TokenKind::kPunct) {
      return;
    }
    type += " " + to_lower_ascii(source.raw(i));
  }
  edits->replace(index, 1, "CAST");
  edits->remove(index + 2, comma + 1 - (index + 2));
  edits->insert(behind - 1, "AS" + type);
}

StatementClass class_of(const PgQuery__Node* node) {
  switch (node->node_case) {
    case PG_QUERY__NODE__NODE_SELECT_STMT:
      return node->select_stmt->into_clause == nullptr ? StatementClass::kSelect
                                                       : StatementClass::kCreateTable;
    case PG_QUERY__NODE__NODE_INSERT_STMT:
      return StatementClass::kInsert;
    case PG_QUERY__NODE__NODE_UPDATE_STMT:
      return StatementClass::kUpdate;
    case PG_QUERY__NODE__NODE_DELETE_STMT:
      return StatementClass::kDelete;
    case PG_QUERY__NODE__NODE_MERGE_STMT:
      return StatementClass::kMerge;
    case PG_QUERY__NODE__NODE_CREATE_STMT:
    case PG_QUERY__NODE__NODE_CREATE_TABLE_AS_STMT:
      return StatementClass::kCreateTable;
    default:
      return StatementClass::kOther;
  }
}

SqlError parse_error(const ParseFailure& failure, const Source& source, const Rendered& rendered,
                     size_t to) {
  size_t index = to;
  // Past the last token, or at what render() has added there: the end.
  const bool at_end = failure.message.find("at end of input") != std::string::npos;
  if (failure.has_offset && !at_end) index = rendered.token_at(failure.offset, source.first);
  if (failure.message.substr(0, 12) == "syntax error") return source.error_at(index);
  SqlError error = make_sql_error("42601", failure.message);
  error.position = source.error_at(index).position;
  return error;
}

// Gives an alias to the sub-select that the parser complained about. False: it did not.
bool add_alias(const ParseFailure& failure, const Source& source, const Rendered& rendered,
               int number, Edits* edits) {
  if (failure.message != "subquery in FROM must have an alias" || !failure.has_offset) return false;
  const size_t open = rendered.token_at(failure.offset, source.last);
  if (!source.is_punct(open, '(')) return false;
  const size_t behind = source.after_brackets(open);
  if (behind == 0) return false;
  edits->insert(behind, "AS rs_subquery_" + std::to_string(number));
  return true;
}

}  // namespace

void add_query_edits(const Source& source, size_t from, size_t to, Edits* edits) {
  int scans = 0;
  for (size_t i = from; i < to; ++i) {
    if (source.token(i).kind != TokenKind::kWord) continue;
    if (i > from && source.is_punct(i - 1, '.')) continue;
    const bool scan = source.is_word(i, "top") || source.is_word(i, "convert");
    if (scan && ++scans > kMaxScans) return;  // the words left over are refused
    if (source.is_word(i, "select")) edit_top(source, i, to, edits);
    if (source.is_word(i, "minus")) edits->replace(i, 1, "EXCEPT");
    if (source.is_word(i, "sysdate") && !source.is_word(i - 1, "as")) {
      edits->replace(i, 1, "sysdate()");
    }
    if (source.is_word(i, "approximate") &&
        (source.is_word(i + 1, "count") || source.is_word(i + 1, "percentile_disc"))) {
      edits->remove(i);
    }
    if (source.is_word(i, "binary") && source.is_word(i + 1, "varying")) {
      edits->replace(i, 2, "varbyte");
    }
    if (source.is_word(i, "convert")) edit_convert(source, i, edits);
    edit_max(source, i, edits);
  }
}

SqlResult<QueryText> translate_tree(const Source& source, size_t from, size_t to, Edits edits,
                                    NameMapper* names) {
  if (to - from > kMaxTreeTokens) return make_sql_error("54000", "statement is too complex");
  add_query_edits(source, from, to, &edits);
  const int aliases = to - from > kLongTokens ? kMaxAliasesOfLong : kMaxAliases;
  for (int attempt = 0;; ++attempt) {
    VESTO_ASSIGN(const Rendered rendered, render(source, from, to, edits, names));
    PgTree tree;
    const auto parsed = tree.parse(rendered.sql);
    if (!parsed.ok()) {
      const bool again =
          attempt < aliases && add_alias(parsed.error(), source, rendered, attempt + 1, &edits);
      if (again) continue;
      return parse_error(parsed.error(), source, rendered, to);
    }
    VESTO_ASSIGN(WalkResult walked, Walker(&tree, source, rendered).run());
    VESTO_ASSIGN(std::string sql, tree.deparse_checked());
    TreeFacts facts{class_of(tree.statement()), walked.parameter_count, std::move(walked.tables),
                    std::move(walked.writes)};
    return QueryText{std::move(sql), std::move(facts)};
  }
}

}  // namespace vesto::sandbox
