// Queries, and the statements that hold one: cursors, PREPARE, EXPLAIN.
#include "base/strings.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/query.h"

namespace vesto::sandbox {
namespace {

void take(QueryText text, Statement* out) {
  out->cls = text.facts.cls;
  out->parameter_count = text.facts.parameter_count;
  out->tables = std::move(text.facts.tables);
  out->writes = std::move(text.facts.writes);
  out->pg_sql.push_back(std::move(text.sql));
}

// The tree has to be a query or a change of rows; anything else cannot begin like one.
SqlStatus check_class(const Cursor& cursor, const Statement& out) {
  switch (out.cls) {
    case StatementClass::kSelect:
    case StatementClass::kInsert:
    case StatementClass::kUpdate:
    case StatementClass::kDelete:
    case StatementClass::kMerge:
    case StatementClass::kCreateTable:
      return Unit{};
    default:
      return cursor.source().error_at(cursor.source().first);
  }
}

// MERGE INTO t USING s ON c REMOVE DUPLICATES: what matches goes, the source comes in once.
SqlStatus merge_remove_duplicates(Cursor* cursor, Statement* out) {
  const Source& source = cursor->source();
  const size_t first = cursor->index();
  cursor->skip();
  VESTO_TRY(cursor->expect("into"));
  VESTO_ASSIGN(const QualifiedName target, cursor->qualified_name());
  const size_t using_at = cursor->index();
  VESTO_TRY(cursor->expect("using"));
  size_t on = using_at;
  while (on < source.last && !source.is_word(on, "on")) {
    on = source.is_punct(on, '(') ? source.after_brackets(on) : on + 1;
    if (on == 0) return source.error_at(source.last);
  }
  if (on >= source.last) return source.error_at(source.last);
  Edits erase;
  erase.replace(first, 1, "DELETE");
  erase.replace(first + 1, 1, "FROM");
  erase.replace(on, 1, "WHERE");
  VESTO_ASSIGN(QueryText removed,
               translate_tree(source, first, source.last - 2, erase, cursor->names()));
  Edits insert;
  insert.insert(using_at + 1, "INSERT INTO " + target.sql() + " SELECT DISTINCT * FROM");
  VESTO_ASSIGN(QueryText added, translate_tree(source, using_at + 1, on, insert, cursor->names()));
  take(std::move(removed), out);
  out->pg_sql.push_back(std::move(added.sql));
  out->cls = StatementClass::kMerge;
  out->tag = "MERGE";
  return Unit{};
}

}  // namespace

SqlStatus translate_query(Cursor* cursor, Statement* out) {
  const Source& source = cursor->source();
  const size_t first = cursor->index();
  VESTO_ASSIGN(const bool bulk, translate_bulk_insert(cursor, out));
  if (bulk) return Unit{};
  const bool duplicates = source.last >= first + 2 && source.is_word(first, "merge") &&
                          source.is_word(source.last - 2, "remove") &&
                          source.is_word(source.last - 1, "duplicates");
  if (duplicates) return merge_remove_duplicates(cursor, out);
  Edits edits;
  // DELETE t is DELETE FROM t.
  if (source.is_word(first, "delete") && !source.is_word(first + 1, "from") &&
      first + 1 < source.last) {
    edits.insert(first + 1, "FROM");
  }
  VESTO_ASSIGN(QueryText text, translate_tree(source, first, source.last, edits, cursor->names()));
  take(std::move(text), out);
  out->returns_rows = out->cls == StatementClass::kSelect;
  if (out->cls == StatementClass::kCreateTable) out->tag = "SELECT";
  return check_class(*cursor, *out);
}

// DECLARE c CURSOR [WITHOUT HOLD] FOR query
SqlStatus translate_declare(Cursor* cursor, Statement* out) {
  VESTO_ASSIGN(const std::string name, cursor->name());
  VESTO_TRY(cursor->expect("cursor"));
  if (cursor->accept("without")) VESTO_TRY(cursor->expect("hold"));
  VESTO_TRY(cursor->expect("for"));
  VESTO_TRY(translate_query(cursor, out));
  if (out->cls != StatementClass::kSelect) {
    return cursor->source().error_at(cursor->index());
  }
  out->inner = out->cls;
  out->cls = StatementClass::kDeclareCursor;
  out->tag = "DECLARE CURSOR";
  out->returns_rows = false;
  out->object_name = name;
  out->pg_sql[0] =
      "DECLARE " + quote_name(name) + " NO SCROLL CURSOR WITHOUT HOLD FOR " + out->pg_sql[0];
  return Unit{};
}

// FETCH [NEXT | ALL | n | FORWARD [n | ALL]] [FROM | IN] c
SqlStatus translate_fetch(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kFetch;
  out->returns_rows = true;
  std::string amount = "NEXT";
  const auto count = [&]() -> SqlStatus {
    if (cursor->accept("all")) {
      amount = "FORWARD ALL";
    } else if (!cursor->at_end() &&
               cursor->source().token(cursor->index()).kind == TokenKind::kNumber) {
      VESTO_ASSIGN(const int64_t rows, cursor->integer());
      if (rows > 2147483647) return make_sql_error("22003", "integer out of range");
      amount = "FORWARD " + std::to_string(rows);
    }
    return Unit{};
  };
  if (!cursor->accept("next")) {
    cursor->accept("forward");
    VESTO_TRY(count());
  }
  if (!cursor->accept("from")) cursor->accept("in");
  VESTO_ASSIGN(out->object_name, cursor->name());
  out->pg_sql.push_back("FETCH " + amount + " FROM " + quote_name(out->object_name));
  return cursor->expect_end();
}

SqlStatus translate_close(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kCloseCursor;
  out->tag = "CLOSE CURSOR";
  if (cursor->accept("all")) {
    out->pg_sql.emplace_back("CLOSE ALL");
    return cursor->expect_end();
  }
  VESTO_ASSIGN(out->object_name, cursor->name());
  out->pg_sql.push_back("CLOSE " + quote_name(out->object_name));
  return cursor->expect_end();
}

namespace {

// (type, type, ...): each as PostgreSQL is to know it.
SqlResult<std::string> parameter_types(Cursor* cursor) {
  const Source& source = cursor->source();
  const size_t behind = source.after_brackets(cursor->index());
  if (behind == 0) return source.error_at(source.last);
  std::vector<std::string> types;
  size_t from = cursor->index() + 1;
  for (size_t i = from; i < behind; ++i) {
    if (source.is_punct(i, '(')) {
      i = source.after_brackets(i) - 1;
      continue;
    }
    if (!source.is_punct(i, ',') && i + 1 != behind) continue;
    Edits edits;
    edits.insert(from, "SELECT CAST(NULL AS");
    edits.insert(i, ")");
    VESTO_ASSIGN(const QueryText text, translate_tree(source, from, i, edits, cursor->names()));
    constexpr std::string_view kHead = "SELECT NULL::";
    if (text.sql.rfind(kHead, 0) != 0) return source.error_at(from);
    types.push_back(text.sql.substr(kHead.size()));
    from = i + 1;
  }
  cursor->seek(behind);
  return "(" + join(types, ", ") + ")";
}

}  // namespace

// PREPARE p [(types)] AS query
SqlStatus translate_prepare(Cursor* cursor, Statement* out) {
  if (cursor->is("transaction")) return command_not_supported(out->text);
  VESTO_ASSIGN(const std::string name, cursor->name());
  std::string types;
  if (cursor->is_punct('(')) {
    VESTO_ASSIGN(types, parameter_types(cursor));
  }
  VESTO_TRY(cursor->expect("as"));
  VESTO_TRY(translate_query(cursor, out));
  if (out->cls == StatementClass::kMerge || out->cls == StatementClass::kCreateTable) {
    return cursor->source().error_at(cursor->index());
  }
  out->inner = out->cls;
  out->cls = StatementClass::kPrepare;
  out->tag = "PREPARE";
  out->returns_rows = false;
  out->object_name = name;
  out->parameter_count = 0;
  out->pg_sql[0] = "PREPARE " + quote_name(name) + types + " AS " + out->pg_sql[0];
  return Unit{};
}

SqlStatus translate_execute(Cursor* cursor, Statement* out) {
  const Source& source = cursor->source();
  const size_t first = cursor->index() - 1;
  VESTO_ASSIGN(out->object_name, cursor->name());
  VESTO_ASSIGN(QueryText text, translate_tree(source, first, source.last, {}, cursor->names()));
  take(std::move(text), out);
  out->cls = StatementClass::kPrepare;
  out->returns_rows = true;
  return Unit{};
}

SqlStatus translate_deallocate(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kPrepare;
  out->tag = "DEALLOCATE";
  cursor->accept("prepare");
  if (cursor->accept("all")) {
    out->pg_sql.emplace_back("DEALLOCATE ALL");
    return cursor->expect_end();
  }
  VESTO_ASSIGN(out->object_name, cursor->name());
  out->pg_sql.push_back("DEALLOCATE " + quote_name(out->object_name));
  return cursor->expect_end();
}

SqlStatus translate_explain(Cursor* cursor, Statement* out) {
  const bool verbose = cursor->accept("verbose");
  if (cursor->at_end() || cursor->is("analyze") || cursor->is("analyse")) {
    return cursor->unexpected();
  }
  VESTO_TRY(translate_query(cursor, out));
  out->inner = out->cls;
  out->cls = StatementClass::kExplain;
  out->tag = "EXPLAIN";
  out->returns_rows = true;
  out->writes.clear();
  out->pg_sql.resize(1);
  out->pg_sql[0] = (verbose ? "EXPLAIN VERBOSE " : "EXPLAIN ") + out->pg_sql[0];
  return Unit{};
}

}  // namespace vesto::sandbox
