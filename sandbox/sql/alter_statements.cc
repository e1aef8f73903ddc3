// ALTER TABLE, and the few other forms of ALTER.
#include <array>

#include "base/strings.h"
#include "sandbox/sql/create_table.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/query.h"

namespace vesto::sandbox {
namespace {

class AlterTable {
 public:
  AlterTable(Cursor* cursor, Statement* out) : cursor_(*cursor), out_(*out) {}

  SqlStatus run() {
    if (cursor_.is("if") || cursor_.is("only")) return cursor_.unexpected();
    VESTO_ASSIGN(name_, cursor_.qualified_name());
    out_.cls = StatementClass::kDdl;
    out_.tag = "ALTER TABLE";
    out_.writes.push_back(name_.table());
    out_.tables.push_back(name_.table());
    if (cursor_.accept("add")) return add();
    if (cursor_.accept("drop")) return drop();
    if (cursor_.accept("alter")) return alter();
    if (cursor_.accept("rename")) return rename();
    if (cursor_.accept("owner", "to")) {
      VESTO_ASSIGN(const std::string user, cursor_.user_name());
      sql("OWNER TO " + quote_name(user));
      return cursor_.expect_end();
    }
    if (cursor_.is("append")) {
      out_.no_transaction = "ALTER TABLE APPEND";
      return not_in_sandbox("ALTER TABLE APPEND");
    }
    for (const std::string_view missing : {"row", "set", "mask"}) {
      if (cursor_.is(missing)) return not_in_sandbox("ALTER TABLE " + to_upper_ascii(missing));
    }
    return cursor_.unexpected();
  }

 private:
  void sql(const std::string& action) {
    out_.pg_sql.push_back("ALTER TABLE " + name_.sql() + " " + action);
  }
  void call(const std::string& text) { out_.pg_sql.push_back("SELECT pg_catalog." + text); }
  std::string table() const { return table_literal(name_); }

  // Informational constraints: only checked to be well-formed, and the table to be there.
  SqlStatus constraint() {
    if (cursor_.accept("constraint")) VESTO_TRY(cursor_.name());
    if (cursor_.accept("primary")) {
      VESTO_TRY(cursor_.expect("key"));
      VESTO_ASSIGN(const std::vector<std::string> columns, cursor_.name_list());
      check_columns(columns);
    } else if (cursor_.accept("unique")) {
      VESTO_ASSIGN(const std::vector<std::string> columns, cursor_.name_list());
      check_columns(columns);
    } else {
      VESTO_TRY(cursor_.expect("foreign"));
      VESTO_TRY(cursor_.expect("key"));
      VESTO_ASSIGN(const std::vector<std::string> columns, cursor_.name_list());
      check_columns(columns);
      VESTO_TRY(cursor_.expect("references"));
      VESTO_TRY(cursor_.qualified_name());
      if (cursor_.is_punct('(')) VESTO_TRY(cursor_.name_list());
    }
    return cursor_.expect_end();
  }

  void check_columns(const std::vector<std::string>& columns) {
    std::vector<std::string> quoted;
    for (const std::string& column : columns) quoted.push_back(quote_name(column));
    out_.pg_sql.push_back("SELECT " + join(quoted, ", ") + " FROM " + name_.sql() + " WHERE false");
  }

  SqlStatus add() {
    for (const std::string_view word : {"constraint", "primary", "unique", "foreign"}) {
      if (cursor_.is(word)) return constraint();
    }
    if (cursor_.is("check")) return cursor_.unexpected();
    cursor_.accept("column");
    if (cursor_.is("if") && cursor_.is("not", 1)) {
      cursor_.skip();
      return cursor_.unexpected();  // near "NOT"
    }
    const size_t from = cursor_.index();
    Edits edits;
    VESTO_ASSIGN(const ColumnAttributes column, parse_column(&cursor_, &edits));
    VESTO_TRY(cursor_.expect_end());
    if (column.unique_or_reference || column.identity) {
      return feature_not_supported(
          "ALTER TABLE ADD COLUMN does not support columns defined with UNIQUE or PRIMARY KEY "
          "constraints");
    }
    if (column.distkey || column.sortkey) {
      return feature_not_supported("ALTER TABLE ADD COLUMN does not support " +
                                   std::string(column.distkey ? "DISTKEY" : "SORTKEY"));
    }
    const bool null_default = column.default_to == column.default_from + 1 &&
                              cursor_.source().is_word(column.default_from, "null");
    if (column.not_null && (column.default_from == 0 || null_default)) {
      return feature_not_supported(
          "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression");
    }
    VESTO_ASSIGN(const std::string definition, column_text(from, column.end, edits));
    sql("ADD COLUMN " + definition);
    record(column);
    return Unit{};
  }

  // The column as PostgreSQL is to know it: by way of a table of one column.
  SqlResult<std::string> column_text(size_t from, size_t to, Edits edits) {
    edits.insert(from, "CREATE TABLE " + quote_name(name_.name) + " (");
    edits.insert(to, ")");
    VESTO_ASSIGN(const QueryText text,
                 translate_tree(cursor_.source(), from, to, edits, cursor_.names()));
    constexpr std::string_view kHead = "CREATE TABLE ";
    size_t at = kHead.size();
    if (text.sql[at] == '"') {
      at = text.sql.find('"', at + 1);
      while (at != std::string::npos && text.sql[at + 1] == '"') at = text.sql.find('"', at + 2);
    }
    if (at == std::string::npos) return cursor_.unexpected();
    at = text.sql.find('(', at);
    if (at == std::string::npos || text.sql.back() != ')') return cursor_.unexpected();
    return std::string(trim(std::string_view(text.sql).substr(at + 1, text.sql.size() - at - 2)));
  }

  void record(const ColumnAttributes& column) {
    const std::string where = "(" + table() + ", " + quote_literal(column.name) + ", ";
    if (!column.encoding.empty()) {
      call("rs_set_encoding" + where + quote_literal(column.encoding) + ")");
    }
    if (column.varbyte_length > 0) {
      call("rs_set_varbyte_length" + where + std::to_string(column.varbyte_length) + ")");
    }
  }

  SqlStatus drop() {
    if (cursor_.accept("constraint")) {
      VESTO_ASSIGN(const std::string constraint, cursor_.name());
      if (!cursor_.accept("cascade")) cursor_.accept("restrict");
      VESTO_TRY(cursor_.expect_end());
      return make_sql_error("42704", "constraint \"" + constraint + "\" of relation \"" +
                                         name_.name + "\" does not exist");
    }
    cursor_.accept("column");
    if (cursor_.is("if") && cursor_.is("exists", 1)) {
      cursor_.skip();
      return cursor_.unexpected();
    }
    VESTO_ASSIGN(const std::string column, cursor_.name());
    std::string behaviour;
    if (cursor_.accept("cascade")) {
      behaviour = " CASCADE";
    } else {
      cursor_.accept("restrict");
    }
    VESTO_TRY(cursor_.expect_end());
    call("rs_check_drop_column(" + table() + ", " + quote_literal(column) + ")");
    sql("DROP COLUMN " + quote_name(column) + behaviour);
    return Unit{};
  }

  SqlStatus rename() {
    if (cursor_.accept("to")) {
      VESTO_ASSIGN(const std::string name, cursor_.name());
      if (name.rfind('#', 0) == 0) {
        return feature_not_supported("cannot rename a table to a temporary name");
      }
      sql("RENAME TO " + quote_name(name));
      return cursor_.expect_end();
    }
    cursor_.accept("column");
    VESTO_ASSIGN(const std::string from, cursor_.name());
    VESTO_TRY(cursor_.expect("to"));
    VESTO_ASSIGN(const std::string to, cursor_.name());
    sql("RENAME COLUMN " + quote_name(from) + " TO " + quote_name(to));
    return cursor_.expect_end();
  }

  SqlStatus alter() {
    if (cursor_.is("distkey") || cursor_.is("diststyle") || cursor_.is("sortkey") ||
        cursor_.is("compound") || cursor_.is("interleaved")) {
      return keys();
    }
    if (cursor_.accept("encode")) {
      VESTO_TRY(cursor_.expect("auto"));
      return cursor_.expect_end();
    }
    cursor_.accept("column");
    VESTO_ASSIGN(const std::string column, cursor_.name());
    if (cursor_.accept("encode")) return encodings(column);
    if (cursor_.accept("type")) return type(column);
    if (cursor_.accept("set", "data")) {
      VESTO_TRY(cursor_.expect("type"));
      return type(column);
    }
    if (cursor_.is("set") || cursor_.is("drop")) {
      const bool set = cursor_.is("set");
      cursor_.skip();
      if (cursor_.accept("default")) {
        return feature_not_supported("ALTER COLUMN SET/DROP DEFAULT is not supported");
      }
      if (cursor_.accept("not", "null")) {
        return feature_not_supported(std::string("ALTER COLUMN ") + (set ? "SET" : "DROP") +
                                     " NOT NULL is not supported");
      }
    }
    return cursor_.unexpected();
  }

  // ALTER COLUMN a ENCODE x [, ALTER COLUMN b ENCODE y ...]
  SqlStatus encodings(std::string column) {
    while (true) {
      const size_t at = cursor_.index();
      if (cursor_.at_end()) return cursor_.unexpected();
      const std::string encoding = to_lower_ascii(cursor_.source().raw(at));
      if (!is_encoding(encoding)) return cursor_.unexpected();
      cursor_.skip();
      call("rs_set_encoding(" + table() + ", " + quote_literal(column) + ", " +
           quote_literal(encoding == "none" ? "raw" : encoding) + ")");
      if (!cursor_.accept_punct(',')) break;
      VESTO_TRY(cursor_.expect("alter"));
      cursor_.accept("column");
      VESTO_ASSIGN(column, cursor_.name());
      VESTO_TRY(cursor_.expect("encode"));
    }
    return cursor_.expect_end();
  }

  // ALTER COLUMN c TYPE VARCHAR(n): the only change of type there is, VARBYTE(n) beside it.
  SqlStatus type(const std::string& column) {
    out_.no_transaction = "ALTER TABLE ALTER COLUMN";
    const size_t from = cursor_.index();
    if (cursor_.at_end()) return cursor_.unexpected();
    const std::string word = to_lower_ascii(cursor_.source().raw(from));
    cursor_.skip();
    if (word == "character" || word == "binary") cursor_.accept("varying");
    int64_t size = word == "varbyte" || word == "varbinary" ? 64000 : 256;
    if (cursor_.accept_punct('(')) {
      if (cursor_.accept("max")) {
        size = word.substr(0, 4) == "varb" ? 16777216 : 65535;
      } else {
        VESTO_ASSIGN(size, cursor_.integer());
      }
      if (cursor_.accept_punct(',')) VESTO_TRY(cursor_.integer());
      VESTO_TRY(cursor_.expect_punct(')'));
    }
    if (cursor_.is("using")) {
      return feature_not_supported("ALTER TABLE ALTER COLUMN does not support USING expression");
    }
    if (!cursor_.at_end() && word == "double") cursor_.accept("precision");
    VESTO_TRY(cursor_.expect_end());
    return resize(column, word, from, size);
  }

  SqlStatus resize(const std::string& column, const std::string& word, size_t from, int64_t size) {
    const bool bytes = word == "varbyte" || word == "varbinary" || word == "binary";
    const bool text = word == "varchar" || word == "text" || word == "nvarchar" ||
                      (word == "character" && cursor_.source().is_word(from + 1, "varying"));
    const int64_t highest = bytes ? 16777216 : 65535;
    if ((bytes || text) && (size < 1 || size > highest)) {
      return make_sql_error(
          "22023",
          std::string("length for type ") + (bytes ? "varbyte" : "varchar") +
              (size < 1 ? " must be at least 1" : " cannot exceed " + std::to_string(highest)));
    }
    const std::string type = bytes ? "varbyte" : text ? "varchar" : word;
    call("rs_check_widen(" + table() + ", " + quote_literal(column) + ", " + quote_literal(type) +
         ", " + std::to_string(std::min<int64_t>(size, highest)) + ")");
    if (bytes) {
      call("rs_set_varbyte_length(" + table() + ", " + quote_literal(column) + ", " +
           std::to_string(size) + ")");
    } else if (text) {
      sql("ALTER COLUMN " + quote_name(column) + " TYPE varchar(" + std::to_string(size) + ")");
    }
    return Unit{};
  }

  // DISTKEY c | DISTSTYLE x [DISTKEY c] | [COMPOUND] SORTKEY (...) | SORTKEY AUTO|NONE, and the
  // pairs that may be joined by a comma.
  SqlStatus keys() {
    TableAttributes attributes;
    VESTO_TRY(one_key(&attributes));
    if (cursor_.accept_punct(',')) {
      VESTO_TRY(cursor_.expect("alter"));
      const bool sort_first = attributes.sortkeys.has_value();
      const size_t at = cursor_.index();
      VESTO_TRY(one_key(&attributes));
      const bool pair =
          sort_first ? attributes.diststyle.has_value() : attributes.sortkeys.has_value();
      if (!pair) return cursor_.source().error_at(at);
    }
    VESTO_TRY(cursor_.expect_end());
    call(attributes_call(table(), attributes).substr(std::string_view("pg_catalog.").size()));
    return Unit{};
  }

  SqlStatus one_key(TableAttributes* attributes) {
    if (cursor_.accept("distkey")) return distkey(attributes);
    if (cursor_.accept("diststyle")) {
      if (attributes->diststyle) return cursor_.unexpected();
      for (const std::string_view style : {"all", "even", "auto"}) {
        if (!cursor_.accept(style)) continue;
        attributes->diststyle = to_upper_ascii(style);
        return Unit{};
      }
      VESTO_TRY(cursor_.expect("key"));
      VESTO_TRY(cursor_.expect("distkey"));
      return distkey(attributes);
    }
    if (cursor_.is("interleaved")) return cursor_.unexpected();
    const bool compound = cursor_.accept("compound");
    VESTO_TRY(cursor_.expect("sortkey"));
    if (attributes->sortkeys) return cursor_.unexpected();
    if (!compound && (cursor_.accept("auto") || cursor_.accept("none"))) {
      attributes->sortkeys.emplace();
      return Unit{};
    }
    VESTO_ASSIGN(attributes->sortkeys, cursor_.name_list());
    return Unit{};
  }

  SqlStatus distkey(TableAttributes* attributes) {
    if (attributes->diststyle) return cursor_.unexpected();
    const bool bracket = cursor_.accept_punct('(');
    VESTO_ASSIGN(attributes->distkey, cursor_.name());
    if (bracket) VESTO_TRY(cursor_.expect_punct(')'));
    attributes->diststyle = "KEY";
    return Unit{};
  }

  Cursor& cursor_;
  Statement& out_;
  QualifiedName name_;
};

// ALTER SCHEMA s {RENAME TO n | OWNER TO u | QUOTA ...}
SqlStatus alter_schema(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "ALTER SCHEMA";
  VESTO_ASSIGN(const std::string name, cursor->name());
  const std::string head = "ALTER SCHEMA " + quote_name(name);
  if (cursor->accept("rename")) {
    VESTO_TRY(cursor->expect("to"));
    VESTO_ASSIGN(const std::string to, cursor->name());
    out->pg_sql.push_back(head + " RENAME TO " + quote_name(to));
  } else if (cursor->accept("owner")) {
    VESTO_TRY(cursor->expect("to"));
    VESTO_ASSIGN(const std::string to, cursor->user_name());
    out->pg_sql.push_back(head + " OWNER TO " + quote_name(to));
  } else {
    VESTO_TRY(cursor->expect("quota"));
    if (!cursor->accept("unlimited")) {
      VESTO_TRY(cursor->integer());
      if (!cursor->accept("mb") && !cursor->accept("gb")) cursor->accept("tb");
    }
  }
  return cursor->expect_end();
}

}  // namespace

SqlStatus translate_alter(Cursor* cursor, Statement* out) {
  if (cursor->accept("table")) return AlterTable(cursor, out).run();
  if (cursor->accept("schema")) return alter_schema(cursor, out);
  if (cursor->accept("user")) return translate_alter_user(cursor, out);
  if (cursor->accept("group")) return translate_alter_group(cursor, out);
  for (const std::string_view refused : {"index", "sequence", "type", "domain", "trigger", "rule",
                                         "operator", "aggregate", "extension", "tablespace"}) {
    if (cursor->is(refused)) return command_not_supported(out->text);
  }
  for (const std::string_view missing :
       {"database", "view", "materialized", "datashare", "procedure", "function", "external",
        "role", "default", "system", "identity", "template"}) {
    if (cursor->is(missing)) return not_in_sandbox("ALTER " + to_upper_ascii(missing));
  }
  return cursor->unexpected();
}

}  // namespace vesto::sandbox
