// CREATE SCHEMA and VIEW, DROP, TRUNCATE, COMMENT.
#include "base/strings.h"
#include "sandbox/sql/create_table.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/late_view.h"
#include "sandbox/sql/query.h"

namespace vesto::sandbox {
namespace {

// QUOTA n [MB | GB | TB] | QUOTA UNLIMITED: accepted, without effect.
SqlStatus quota(Cursor* cursor) {
  if (!cursor->accept("quota")) return Unit{};
  if (cursor->accept("unlimited")) return Unit{};
  VESTO_TRY(cursor->integer());
  if (!cursor->accept("mb") && !cursor->accept("gb")) cursor->accept("tb");
  return Unit{};
}

// [IF NOT EXISTS] s [AUTHORIZATION u] [QUOTA ...]
SqlStatus create_schema(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "CREATE SCHEMA";
  std::string sql = "CREATE SCHEMA";
  if (cursor->accept("if")) {
    VESTO_TRY(cursor->expect("not"));
    VESTO_TRY(cursor->expect("exists"));
    sql += " IF NOT EXISTS";
  }
  if (!cursor->is("authorization")) {
    VESTO_ASSIGN(const std::string name, cursor->name());
    sql += " " + quote_name(name);
  }
  if (cursor->accept("authorization")) {
    VESTO_ASSIGN(const std::string user, cursor->user_name());
    sql += " AUTHORIZATION " + quote_name(user);
  }
  VESTO_TRY(quota(cursor));
  out->pg_sql.push_back(std::move(sql));
  return cursor->expect_end();
}

// Everything that CREATE can make and Redshift, or the sandbox, cannot.
SqlStatus refuse_create(Cursor* cursor, const Statement& out) {
  for (const std::string_view refused :
       {"index",    "sequence",    "trigger",      "rule",       "type",  "domain",  "aggregate",
        "operator", "extension",   "tablespace",   "conversion", "cast",  "foreign", "server",
        "policy",   "publication", "subscription", "statistics", "event", "role"}) {
    if (cursor->is(refused) && (refused != "role")) return command_not_supported(out.text);
  }
  if (cursor->is("unique") && cursor->is("index", 1)) return command_not_supported(out.text);
  for (const std::string_view missing :
       {"function", "procedure", "library", "model", "external", "materialized", "datashare",
        "role", "template", "masking", "rls", "identity"}) {
    if (cursor->is(missing)) return not_in_sandbox("CREATE " + to_upper_ascii(missing));
  }
  return cursor->unexpected();
}

}  // namespace

SqlStatus translate_create(Cursor* cursor, Statement* out) {
  VESTO_ASSIGN(const bool table, translate_create_table(cursor, out));
  if (table) return Unit{};
  if (cursor->accept("schema")) return create_schema(cursor, out);
  if (cursor->accept("view")) return translate_create_view(cursor, false, out);
  if (cursor->accept("user")) return translate_create_user(cursor, out);
  if (cursor->accept("group")) return translate_create_group(cursor, out);
  if (cursor->is("database")) {
    out->no_transaction = "CREATE DATABASE";
    return not_in_sandbox("CREATE DATABASE");
  }
  if (cursor->is("or") && cursor->is("replace", 1)) {
    cursor->skip(2);
    if (cursor->accept("view")) return translate_create_view(cursor, true, out);
  }
  return refuse_create(cursor, *out);
}

// CREATE [OR REPLACE] VIEW v [(columns)] AS query [WITH NO SCHEMA BINDING]
SqlStatus translate_create_view(Cursor* cursor, bool replace, Statement* out) {
  const Source& source = cursor->source();
  VESTO_ASSIGN(const QualifiedName name, cursor->qualified_name());
  std::vector<std::string> columns;
  if (cursor->is_punct('(')) {
    VESTO_ASSIGN(columns, cursor->name_list());
  }
  VESTO_TRY(cursor->expect("as"));
  const size_t last = source.last;
  const bool late = last >= cursor->index() + 4 && source.is_word(last - 4, "with") &&
                    source.is_word(last - 3, "no") && source.is_word(last - 2, "schema") &&
                    source.is_word(last - 1, "binding");
  VESTO_ASSIGN(QueryText text, translate_tree(source, cursor->index(), late ? last - 4 : last, {},
                                              cursor->names()));
  if (text.facts.cls != StatementClass::kSelect) return cursor->unexpected();
  if (text.facts.parameter_count > 0) {
    return make_sql_error("42P02", "there is no parameter $1");
  }
  out->cls = StatementClass::kDdl;
  out->tag = "CREATE VIEW";
  out->tables = std::move(text.facts.tables);
  std::vector<std::string> quoted;
  if (!late) {
    for (const std::string& column : columns) quoted.push_back(quote_name(column));
    out->pg_sql.push_back(std::string(replace ? "CREATE OR REPLACE VIEW " : "CREATE VIEW ") +
                          name.sql() + (quoted.empty() ? "" : " (" + join(quoted, ", ") + ")") +
                          " AS " + text.sql);
    return Unit{};
  }
  for (const TableRef& table : out->tables) {
    if (table.schema.empty()) {
      return feature_not_supported(
          "All the relation names inside should be qualified when creating views with no schema "
          "binding.");
    }
  }
  out->pg_sql.push_back(create_late_view_sql(name, replace, columns, text.sql));
  return Unit{};
}

namespace {

// [IF EXISTS] a [, b ...] [CASCADE | RESTRICT]
struct DropList {
  bool if_exists = false;
  std::vector<QualifiedName> names;
  std::string behaviour;
};

SqlResult<DropList> drop_list(Cursor* cursor) {
  DropList out;
  if (cursor->accept("if")) {
    VESTO_TRY(cursor->expect("exists"));
    out.if_exists = true;
  }
  do {
    VESTO_ASSIGN(QualifiedName name, cursor->qualified_name());
    out.names.push_back(std::move(name));
  } while (cursor->accept_punct(','));
  if (cursor->accept("cascade")) {
    out.behaviour = " CASCADE";
  } else if (cursor->accept("restrict")) {
    out.behaviour = " RESTRICT";
  }
  VESTO_TRY(cursor->expect_end());
  return out;
}

SqlStatus drop_relations(Cursor* cursor, std::string_view kind, Statement* out) {
  VESTO_ASSIGN(const DropList list, drop_list(cursor));
  out->cls = StatementClass::kDdl;
  out->tag = "DROP " + std::string(kind);
  std::vector<std::string> names;
  for (const QualifiedName& name : list.names) {
    const bool schema = kind == "SCHEMA";
    if (schema && !name.database.empty()) return cursor->source().error_at(cursor->source().last);
    names.push_back(schema ? quote_name(name.name) : name.sql());
    if (!schema) {
      out->tables.push_back(name.table());
      if (kind == "TABLE") out->writes.push_back(name.table());
    }
  }
  out->pg_sql.push_back(out->tag + (list.if_exists ? " IF EXISTS " : " ") + join(names, ", ") +
                        list.behaviour);
  if (kind != "VIEW") return Unit{};
  for (const QualifiedName& name : list.names) out->pg_sql.push_back(drop_late_view_sql(name));
  return Unit{};
}

}  // namespace

SqlStatus translate_drop(Cursor* cursor, Statement* out) {
  if (cursor->accept("table")) return drop_relations(cursor, "TABLE", out);
  if (cursor->accept("view")) return drop_relations(cursor, "VIEW", out);
  if (cursor->accept("schema")) return drop_relations(cursor, "SCHEMA", out);
  if (cursor->accept("user")) return translate_drop_role(cursor, false, out);
  if (cursor->accept("group")) return translate_drop_role(cursor, true, out);
  for (const std::string_view refused :
       {"index", "sequence", "trigger", "rule", "type", "domain", "aggregate", "operator",
        "extension", "tablespace", "owned"}) {
    if (cursor->is(refused)) return command_not_supported(out->text);
  }
  for (const std::string_view missing :
       {"database", "function", "procedure", "library", "model", "external", "materialized",
        "datashare", "role", "template"}) {
    if (cursor->is(missing)) return not_in_sandbox("DROP " + to_upper_ascii(missing));
  }
  return cursor->unexpected();
}

SqlStatus translate_truncate(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kTruncate;
  out->tag = "TRUNCATE TABLE";
  out->commits = true;
  cursor->accept("table");
  VESTO_ASSIGN(const QualifiedName name, cursor->qualified_name());
  VESTO_TRY(cursor->expect_end());
  out->writes.push_back(name.table());
  out->tables.push_back(name.table());
  out->pg_sql.push_back("TRUNCATE TABLE " + name.sql());
  return Unit{};
}

namespace {

// table.column, schema.table.column or db.schema.table.column
SqlResult<std::string> column_path(Cursor* cursor, Statement* out) {
  std::vector<std::string> parts;
  do {
    VESTO_ASSIGN(std::string part, cursor->name());
    parts.push_back(std::move(part));
  } while (parts.size() < 4 && cursor->accept_punct('.'));
  if (parts.size() < 2) return cursor->unexpected();
  const size_t count = parts.size();
  const TableRef table{count > 2 ? parts[count - 3] : "", parts[count - 2]};
  out->tables.push_back(table);
  std::vector<std::string> quoted;
  for (const std::string& part : parts) quoted.push_back(quote_name(part));
  return join(quoted, ".");
}

}  // namespace

// COMMENT ON {TABLE t | COLUMN t.c | CONSTRAINT n ON t | DATABASE d | VIEW v} IS 'text' | NULL
SqlStatus translate_comment(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "COMMENT";
  VESTO_TRY(cursor->expect("on"));
  std::string target;
  bool kept = true;
  if (cursor->is("table") || cursor->is("view")) {
    const std::string kind = cursor->is("table") ? "TABLE " : "VIEW ";
    cursor->skip();
    VESTO_ASSIGN(const QualifiedName name, cursor->qualified_name());
    out->tables.push_back(name.table());
    target = kind + name.sql();
  } else if (cursor->accept("column")) {
    VESTO_ASSIGN(const std::string path, column_path(cursor, out));
    target = "COLUMN " + path;
  } else if (cursor->accept("constraint")) {
    // Constraints are informational and not kept.
    VESTO_TRY(cursor->name());
    VESTO_TRY(cursor->expect("on"));
    VESTO_TRY(cursor->qualified_name());
    kept = false;
  } else if (cursor->accept("database")) {
    VESTO_ASSIGN(const std::string name, cursor->name());
    target = "DATABASE " + quote_name(name);
  } else {
    return cursor->unexpected();
  }
  VESTO_TRY(cursor->expect("is"));
  std::string value = "NULL";
  if (!cursor->accept("null")) {
    VESTO_ASSIGN(const std::string text, cursor->string());
    value = quote_literal(text);
  }
  if (kept) out->pg_sql.push_back("COMMENT ON " + target + " IS " + value);
  return cursor->expect_end();
}

}  // namespace vesto::sandbox
