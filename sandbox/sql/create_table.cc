#include "sandbox/sql/create_table.h"

#include <algorithm>

#include "base/strings.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/query.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kMaxColumns = 1600;
constexpr size_t kMaxSortKeys = 400;
constexpr size_t kMaxInterleavedKeys = 8;

SqlError bad_table(std::string message) { return make_sql_error("42P16", std::move(message)); }

class TableParser {
 public:
  TableParser(Cursor* cursor, Statement* out) : cursor_(*cursor), out_(*out) {}

  // The cursor stands behind CREATE.
  SqlResult<bool> run() {
    const size_t start = cursor_.index();
    const bool local = cursor_.accept("local");
    if (local) edits_.remove(start);
    temp_ = cursor_.accept("temp") || cursor_.accept("temporary");
    if (!cursor_.is("table") || (local && !temp_)) {
      cursor_.seek(start);
      return false;
    }
    const size_t table_word = cursor_.index();
    cursor_.skip();
    if (cursor_.is("if")) {
      cursor_.skip();
      VESTO_TRY(cursor_.expect("not"));
      VESTO_TRY(cursor_.expect("exists"));
      if_not_exists_ = true;
    }
    VESTO_ASSIGN(name_, cursor_.qualified_name());
    if (!temp_ && name_.name.rfind('#', 0) == 0) {
      temp_ = true;
      edits_.insert(table_word, "TEMP");
    }
    if (cursor_.is_punct('(')) VESTO_TRY(brackets());
    VESTO_TRY(table_attributes());
    VESTO_TRY(check());
    return finish();
  }

 private:
  // Column definitions, or the names of CREATE TABLE t (a, b) AS.
  SqlStatus brackets() {
    const size_t open = cursor_.index();
    const size_t behind = cursor_.source().after_brackets(open);
    if (behind == 0) return cursor_.source().error_at(cursor_.source().last);
    if (cursor_.source().is_punct(open + 2, ',') || cursor_.source().is_punct(open + 2, ')')) {
      VESTO_ASSIGN(ctas_columns_, cursor_.name_list());
      return Unit{};
    }
    cursor_.skip();
    do {
      VESTO_TRY(element());
    } while (cursor_.accept_punct(','));
    VESTO_TRY(cursor_.expect_punct(')'));
    for (const std::string& key : primary_key_) {
      auto column = find(key);
      if (column == columns_.end()) return no_such_key(key);
      column->primary_key = true;
    }
    for (const ColumnAttributes& column : columns_) {
      if (column.primary_key && !column.not_null) edits_.insert(column.end, "NOT NULL");
    }
    if (columns_.empty() && like_.empty()) return cursor_.source().error_at(behind - 1);
    return Unit{};
  }

  std::vector<ColumnAttributes>::iterator find(const std::string& name) {
    return std::find_if(columns_.begin(), columns_.end(),
                        [&](const ColumnAttributes& column) { return column.name == name; });
  }

  static SqlError no_such_key(const std::string& name) {
    return make_sql_error("42703", "column \"" + name + "\" named in key does not exist");
  }

  SqlStatus element() {
    const size_t at = cursor_.index();
    if (cursor_.accept("like")) {
      VESTO_ASSIGN(const QualifiedName source, cursor_.qualified_name());
      like_.push_back(source);
      if (cursor_.accept("including") || cursor_.accept("excluding")) {
        VESTO_TRY(cursor_.expect("defaults"));
      }
      kept_element_ = true;
      return Unit{};
    }
    if (cursor_.is("constraint") || cursor_.is("primary") || cursor_.is("unique") ||
        cursor_.is("foreign")) {
      VESTO_TRY(table_constraint());
      // Its comma goes as well: the one before, or the one behind where it comes first.
      if (kept_element_) {
        edits_.remove(at - 1, cursor_.index() - (at - 1));
      } else {
        edits_.remove(at, cursor_.index() + (cursor_.is_punct(',') ? 1 : 0) - at);
      }
      return Unit{};
    }
    VESTO_ASSIGN(ColumnAttributes column, parse_column(&cursor_, &edits_));
    columns_.push_back(std::move(column));
    if (columns_.size() > kMaxColumns) {
      return make_sql_error("54011", "tables can have at most 1600 columns");
    }
    kept_element_ = true;
    return Unit{};
  }

  SqlStatus table_constraint() {
    if (cursor_.accept("constraint")) VESTO_TRY(cursor_.name());
    if (cursor_.accept("primary")) {
      VESTO_TRY(cursor_.expect("key"));
      if (!primary_key_.empty()) {
        return bad_table("multiple primary keys for table \"" + name_.name + "\" are not allowed");
      }
      VESTO_ASSIGN(primary_key_, cursor_.name_list());
    } else if (cursor_.accept("unique")) {
      VESTO_TRY(cursor_.name_list());
    } else if (cursor_.accept("foreign")) {
      VESTO_TRY(cursor_.expect("key"));
      VESTO_TRY(cursor_.name_list());
      VESTO_TRY(cursor_.expect("references"));
      VESTO_TRY(cursor_.qualified_name());
      if (cursor_.is_punct('(')) VESTO_TRY(cursor_.name_list());
    } else {
      return cursor_.unexpected();
    }
    return Unit{};
  }

  SqlStatus table_attributes() {
    while (!cursor_.at_end() && !cursor_.is("as")) {
      const size_t at = cursor_.index();
      VESTO_TRY(table_attribute());
      edits_.remove(at, cursor_.index() - at);
    }
    return Unit{};
  }

  SqlStatus table_attribute() {
    if (cursor_.accept("backup")) {
      if (!cursor_.accept("yes")) VESTO_TRY(cursor_.expect("no"));
    } else if (cursor_.accept("diststyle")) {
      if (attributes_.diststyle) return cursor_.unexpected();
      for (const std::string_view style : {"auto", "even", "key", "all"}) {
        if (cursor_.accept(style)) attributes_.diststyle = to_upper_ascii(style);
      }
      if (!attributes_.diststyle) return cursor_.unexpected();
    } else if (cursor_.accept("distkey")) {
      if (attributes_.distkey) return cursor_.unexpected();
      VESTO_TRY(cursor_.expect_punct('('));
      VESTO_ASSIGN(attributes_.distkey, cursor_.name());
      VESTO_TRY(cursor_.expect_punct(')'));
    } else if (cursor_.accept("encode")) {
      VESTO_TRY(cursor_.expect("auto"));
    } else {
      return sortkey();
    }
    return Unit{};
  }

  SqlStatus sortkey() {
    const bool compound = cursor_.accept("compound");
    attributes_.interleaved = !compound && cursor_.accept("interleaved");
    if (attributes_.sortkeys) return cursor_.unexpected();
    VESTO_TRY(cursor_.expect("sortkey"));
    if (!compound && !attributes_.interleaved && cursor_.accept("auto")) {
      attributes_.sortkeys.emplace();
      return Unit{};
    }
    VESTO_ASSIGN(attributes_.sortkeys, cursor_.name_list());
    return Unit{};
  }

  SqlStatus check() {
    for (const ColumnAttributes& column : columns_) {
      if (column.distkey) {
        if (attributes_.distkey) return bad_table("multiple distkeys are not allowed");
        attributes_.distkey = column.name;
      }
      if (column.sortkey) {
        if (attributes_.sortkeys) return bad_table("multiple sortkeys are not allowed");
        attributes_.sortkeys = std::vector<std::string>{column.name};
      }
    }
    if (attributes_.distkey && attributes_.diststyle && *attributes_.diststyle != "KEY") {
      return bad_table("DISTKEY cannot be specified with DISTSTYLE " + *attributes_.diststyle);
    }
    if (!attributes_.distkey && attributes_.diststyle == "KEY") {
      return bad_table("DISTSTYLE KEY requires a DISTKEY column");
    }
    if (attributes_.distkey) attributes_.diststyle = "KEY";
    const bool any = attributes_.diststyle || attributes_.sortkeys;
    if (!like_.empty() && any) {
      return bad_table("distribution and sort keys cannot be specified together with LIKE");
    }
    VESTO_TRY(check_key_columns());
    return Unit{};
  }

  SqlStatus check_key_columns() {
    std::vector<std::string> keys = attributes_.sortkeys.value_or(std::vector<std::string>{});
    const size_t limit = attributes_.interleaved ? kMaxInterleavedKeys : kMaxSortKeys;
    if (keys.size() > limit) {
      return make_sql_error(
          "54011", "cannot have more than " + std::to_string(limit) + " columns in a sort key");
    }
    if (attributes_.distkey) keys.push_back(*attributes_.distkey);
    if (columns_.empty()) return Unit{};  // CREATE TABLE AS: the record call checks
    for (const std::string& key : keys) {
      const auto column = find(key);
      if (column == columns_.end()) return no_such_key(key);
      for (const std::string_view type : {"super", "varbyte", "varbinary", "binary", "geometry"}) {
        if (column->type == type) {
          return bad_table("column \"" + key + "\" of type " + column->type +
                           " cannot be a sort or distribution key");
        }
      }
    }
    return Unit{};
  }

  SqlResult<bool> finish() {
    const Source& source = cursor_.source();
    const bool as = cursor_.is("as");
    if (as && (!columns_.empty() || if_not_exists_)) return cursor_.unexpected();
    if (!as && (!ctas_columns_.empty() || (columns_.empty() && like_.empty()))) {
      return source.error_at(source.last);
    }
    VESTO_ASSIGN(QueryText text,
                 translate_tree(source, source.first, source.last, edits_, cursor_.names()));
    out_.cls = StatementClass::kCreateTable;
    out_.tag = as ? "SELECT" : "CREATE TABLE";
    out_.parameter_count = text.facts.parameter_count;
    out_.tables = std::move(text.facts.tables);
    out_.tables.push_back(name_.table());
    out_.pg_sql.push_back(std::move(text.sql));
    record();
    return true;
  }

  // The calls that keep what PostgreSQL has no place for.
  void record() {
    const std::string table = table_literal(name_);
    std::vector<std::string> calls;
    const std::string call = attributes_call(table, attributes_);
    if (!call.empty()) calls.push_back(call);
    for (const QualifiedName& source : like_) {
      calls.push_back("pg_catalog.rs_copy_table_attributes(" + table + ", " +
                      table_literal(source) + ")");
    }
    for (const ColumnAttributes& column : columns_) {
      const std::string where = "(" + table + ", " + quote_literal(column.name) + ", ";
      if (!column.encoding.empty()) {
        calls.push_back("pg_catalog.rs_set_encoding" + where + quote_literal(column.encoding) +
                        ")");
      }
      if (column.varbyte_length > 0) {
        calls.push_back("pg_catalog.rs_set_varbyte_length" + where +
                        std::to_string(column.varbyte_length) + ")");
      }
    }
    if (calls.empty()) return;
    std::string sql = "SELECT " + join(calls, ", ");
    if (if_not_exists_) {
      // Only for a table that this very transaction has made.
      sql += " FROM pg_catalog.pg_class WHERE oid = pg_catalog.to_regclass(" + table +
             ") AND xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid";
    }
    out_.pg_sql.push_back(std::move(sql));
  }

  Cursor& cursor_;
  Statement& out_;
  Edits edits_;
  bool temp_ = false;
  bool if_not_exists_ = false;
  bool kept_element_ = false;
  QualifiedName name_;
  std::vector<ColumnAttributes> columns_;
  std::vector<std::string> ctas_columns_;
  std::vector<std::string> primary_key_;
  std::vector<QualifiedName> like_;
  TableAttributes attributes_;
};

}  // namespace

std::string table_literal(const QualifiedName& name) {
  return quote_literal(QualifiedName{{}, name.schema, name.name}.sql());
}

std::string attributes_call(const std::string& table, const TableAttributes& attributes) {
  if (!attributes.diststyle && !attributes.distkey && !attributes.sortkeys) return {};
  const auto text = [](const std::optional<std::string>& value) {
    return value ? quote_literal(*value) : std::string("NULL");
  };
  std::string keys = "NULL";
  if (attributes.sortkeys) {
    std::vector<std::string> quoted;
    for (const std::string& key : *attributes.sortkeys) quoted.push_back(quote_literal(key));
    keys = "ARRAY[" + join(quoted, ", ") + "]::pg_catalog.text[]";
  }
  return "pg_catalog.rs_set_table_attributes(" + table + ", " + text(attributes.diststyle) + ", " +
         text(attributes.distkey) + ", " + keys + ", " +
         (attributes.interleaved ? "true" : "false") + ")";
}

SqlResult<bool> translate_create_table(Cursor* cursor, Statement* out) {
  return TableParser(cursor, out).run();
}

}  // namespace vesto::sandbox
