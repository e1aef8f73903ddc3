// Transactions, locks, settings, and the upkeep statements that the sandbox only answers.
#include "base/strings.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

// [ISOLATION LEVEL x] [READ WRITE | READ ONLY] [,] ...
SqlStatus transaction_modes(Cursor* cursor, Statement* out) {
  while (!cursor->at_end()) {
    if (cursor->accept("isolation", "level")) {
      if (cursor->accept("read")) {
        if (!cursor->accept("committed")) VESTO_TRY(cursor->expect("uncommitted"));
      } else if (cursor->accept("repeatable")) {
        VESTO_TRY(cursor->expect("read"));
      } else if (!cursor->accept("snapshot")) {
        VESTO_TRY(cursor->expect("serializable"));
      }
    } else if (cursor->accept("read", "only")) {
      out->read_only = true;
    } else if (!cursor->accept("read", "write")) {
      return cursor->unexpected();
    }
    cursor->accept_punct(',');
  }
  return Unit{};
}

SqlStatus end_of_transaction(Cursor* cursor) {
  if (!cursor->accept("work")) cursor->accept("transaction");
  return cursor->expect_end();
}

// One value of SET: a literal, a name or a number, as text.
SqlResult<std::string> setting_value(Cursor* cursor, bool name) {
  const Source& source = cursor->source();
  if (cursor->at_end()) return cursor->unexpected();
  const size_t at = cursor->index();
  if (cursor->is_string()) {
    VESTO_ASSIGN(const std::string text, cursor->string());
    return name ? cursor->names()->map(text, true) : SqlResult<std::string>(text);
  }
  const bool sign = source.is_operator(at, "-") || source.is_operator(at, "+");
  if (sign) cursor->skip();
  if (cursor->at_end()) return cursor->unexpected();
  const Token& token = source.token(cursor->index());
  const std::string_view raw = source.raw(cursor->index());
  cursor->skip();
  if (token.kind == TokenKind::kNumber) {
    return (sign && source.raw(at) == "-" ? "-" : "") + std::string(raw);
  }
  if (!sign && token.kind == TokenKind::kWord) return cursor->names()->map(raw, false);
  if (!sign && token.kind == TokenKind::kQuoted) {
    const std::string text = quoted_value(source.text, token);
    return name ? cursor->names()->map(text, true) : SqlResult<std::string>(text);
  }
  return source.error_at(at);
}

void set_backend_sql(Statement* out, const std::vector<std::string>& values) {
  std::string sql = out->set_local ? "SET LOCAL " : "SET ";
  sql += quote_name(out->setting_name);
  sql += " TO ";
  std::vector<std::string> quoted;
  for (const std::string& value : values) quoted.push_back(quote_literal(value));
  sql += join(quoted, ", ");
  out->pg_sql.push_back(std::move(sql));
  out->setting_value = join(values, ", ");
}

SqlStatus set_session_authorization(Cursor* cursor, Statement* out) {
  out->setting_name = "session_authorization";
  if (cursor->accept("default")) {
    out->pg_sql.emplace_back("SET SESSION AUTHORIZATION DEFAULT");
    return cursor->expect_end();
  }
  std::string user;
  if (cursor->is_string()) {
    VESTO_ASSIGN(user, cursor->string());
  } else {
    VESTO_ASSIGN(user, cursor->user_name());
  }
  out->pg_sql.push_back("SET SESSION AUTHORIZATION " + quote_name(user));
  out->setting_value = std::move(user);
  return cursor->expect_end();
}

// name, or name.name
SqlResult<std::string> setting_name(Cursor* cursor) {
  const Source& source = cursor->source();
  std::string name;
  do {
    if (cursor->at_end()) return cursor->unexpected();
    const Token& token = source.token(cursor->index());
    if (token.kind != TokenKind::kWord && token.kind != TokenKind::kQuoted) {
      return cursor->unexpected();
    }
    if (!name.empty()) name += '.';
    name += token.kind == TokenKind::kWord ? to_lower_ascii(source.raw(cursor->index()))
                                           : to_lower_ascii(quoted_value(source.text, token));
    cursor->skip();
  } while (cursor->accept_punct('.'));
  if (name.size() > kMaxPgNameBytes) {
    return make_sql_error("42704", "unrecognized configuration parameter \"" + name + "\"");
  }
  return name;
}

SqlStatus set_variable(Cursor* cursor, Statement* out) {
  VESTO_ASSIGN(out->setting_name, setting_name(cursor));
  if (!cursor->accept("to")) {
    if (!cursor->source().is_operator(cursor->index(), "=")) return cursor->unexpected();
    cursor->skip();
  }
  if (cursor->is("default")) {
    cursor->skip();
    out->pg_sql.push_back("RESET " + quote_name(out->setting_name));
    return cursor->expect_end();
  }
  const bool name = out->setting_name == "search_path";
  std::vector<std::string> values;
  do {
    VESTO_ASSIGN(std::string value, setting_value(cursor, name));
    values.push_back(std::move(value));
  } while (cursor->accept_punct(','));
  VESTO_TRY(cursor->expect_end());
  set_backend_sql(out, values);
  return Unit{};
}

}  // namespace

SqlStatus translate_begin(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kBegin;
  out->tag = "BEGIN";
  if (!cursor->accept("work")) cursor->accept("transaction");
  return transaction_modes(cursor, out);
}

SqlStatus translate_start(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kBegin;
  out->tag = "START TRANSACTION";
  VESTO_TRY(cursor->expect("transaction"));
  return transaction_modes(cursor, out);
}

SqlStatus translate_commit(Cursor* cursor, Statement* out) {
  if (cursor->is("prepared")) return command_not_supported(out->text);
  out->cls = StatementClass::kCommit;
  out->tag = "COMMIT";
  return end_of_transaction(cursor);
}

SqlStatus translate_rollback(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kRollback;
  out->tag = "ROLLBACK";
  const size_t at = cursor->index();
  if (!cursor->accept("work")) cursor->accept("transaction");
  if (cursor->is("to") || cursor->is("prepared")) return command_not_supported(out->text);
  cursor->seek(at);
  return end_of_transaction(cursor);
}

SqlStatus translate_lock(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kLock;
  out->tag = "LOCK TABLE";
  cursor->accept("table");
  std::vector<std::string> names;
  do {
    VESTO_ASSIGN(const QualifiedName name, cursor->qualified_name());
    names.push_back(name.sql());
    out->tables.push_back(name.table());
  } while (cursor->accept_punct(','));
  VESTO_TRY(cursor->expect_end());  // no lock modes
  out->pg_sql.push_back("LOCK TABLE " + join(names, ", ") + " IN ACCESS EXCLUSIVE MODE");
  return Unit{};
}

SqlStatus translate_set(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kSet;
  out->tag = "SET";
  if (cursor->accept("session", "authorization")) return set_session_authorization(cursor, out);
  if (cursor->accept("session", "characteristics")) {
    VESTO_TRY(cursor->expect("as"));
    VESTO_TRY(cursor->expect("transaction"));
    out->setting_name = "session_characteristics";
    return transaction_modes(cursor, out);
  }
  if (cursor->is("transaction") && !cursor->is("to", 1)) {
    cursor->skip();
    out->setting_name = "transaction";
    return transaction_modes(cursor, out);
  }
  out->set_local = cursor->accept("local");
  if (!out->set_local) cursor->accept("session");
  if (cursor->accept("time", "zone")) {
    out->setting_name = "timezone";
    if (cursor->accept("local") || cursor->accept("default")) {
      out->pg_sql.emplace_back("RESET \"timezone\"");
      return cursor->expect_end();
    }
    VESTO_ASSIGN(std::string value, setting_value(cursor, false));
    VESTO_TRY(cursor->expect_end());
    set_backend_sql(out, {std::move(value)});
    return Unit{};
  }
  if (cursor->is("names") && cursor->is_string(1)) {
    cursor->skip();
    out->setting_name = "client_encoding";
    VESTO_ASSIGN(std::string value, setting_value(cursor, false));
    VESTO_TRY(cursor->expect_end());
    set_backend_sql(out, {std::move(value)});
    return Unit{};
  }
  return set_variable(cursor, out);
}

SqlStatus translate_reset(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kSet;
  out->tag = "RESET";
  if (cursor->accept("all")) {
    out->setting_name = "all";
    out->pg_sql.emplace_back("RESET ALL");
  } else if (cursor->accept("session", "authorization")) {
    out->setting_name = "session_authorization";
    out->pg_sql.emplace_back("SET SESSION AUTHORIZATION DEFAULT");
  } else {
    VESTO_ASSIGN(out->setting_name, setting_name(cursor));
    out->pg_sql.push_back("RESET " + quote_name(out->setting_name));
  }
  return cursor->expect_end();
}

SqlStatus translate_show(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kShow;
  out->tag = "SHOW";
  out->returns_rows = true;
  if (cursor->accept("all")) {
    out->setting_name = "all";
    out->pg_sql.emplace_back("SHOW ALL");
    return cursor->expect_end();
  }
  if (cursor->accept("time", "zone")) {
    out->setting_name = "timezone";
  } else if (cursor->accept("session", "authorization")) {
    out->setting_name = "session_authorization";
  } else if (cursor->accept("transaction", "isolation")) {
    VESTO_TRY(cursor->expect("level"));
    out->setting_name = "transaction_isolation";
  } else {
    const size_t at = cursor->index();
    VESTO_ASSIGN(out->setting_name, setting_name(cursor));
    if (!cursor->at_end()) {
      // SHOW TABLES FROM SCHEMA ... and its like.
      for (const std::string_view word :
           {"databases", "schemas", "tables", "columns", "table", "view", "external", "procedure",
            "procedures", "functions", "grants", "constraints", "parameters", "datashares",
            "template"}) {
        if (cursor->source().is_word(at, word)) {
          return not_in_sandbox("SHOW " + to_upper_ascii(word));
        }
      }
    }
  }
  VESTO_TRY(cursor->expect_end());
  out->pg_sql.push_back("SHOW " + quote_name(out->setting_name));
  return Unit{};
}

SqlStatus translate_cancel(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kCancel;
  out->tag = "CANCEL";
  VESTO_ASSIGN(const int64_t pid, cursor->integer());
  if (cursor->is_string()) cursor->skip();
  if (pid < 1 || pid > 2147483647) {
    return make_sql_error("22003", "value out of range for a process id");
  }
  out->pg_sql.push_back("SELECT pg_catalog.pg_cancel_backend(" + std::to_string(pid) + ")");
  return cursor->expect_end();
}

// VACUUM [FULL | SORT ONLY | DELETE ONLY | REINDEX | RECLUSTER] [t [TO n PERCENT] [BOOST]]
SqlStatus translate_vacuum(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kVacuum;
  out->tag = "VACUUM";
  out->no_transaction = "VACUUM";
  out->commits = true;
  if (!cursor->accept("full") && !cursor->accept("sort", "only") &&
      !cursor->accept("delete", "only") && !cursor->accept("reindex")) {
    cursor->accept("recluster");
  }
  if (!cursor->at_end() && !cursor->is("boost")) {
    VESTO_ASSIGN(const QualifiedName name, cursor->qualified_name());
    out->tables.push_back(name.table());
    out->pg_sql.push_back("SELECT FROM " + name.sql() + " WHERE false");
    if (cursor->accept("to")) {
      VESTO_TRY(cursor->integer());
      VESTO_TRY(cursor->expect("percent"));
    }
  }
  cursor->accept("boost");
  return cursor->expect_end();
}

// ANALYZE [VERBOSE] [t [(c, ...)]] [PREDICATE COLUMNS | ALL COLUMNS]
SqlStatus translate_analyze(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kVacuum;
  out->tag = "ANALYZE";
  if (cursor->is("compression")) return not_in_sandbox("ANALYZE COMPRESSION");
  cursor->accept("verbose");
  if (!cursor->at_end() && !cursor->is("predicate") && !cursor->is("all")) {
    VESTO_ASSIGN(const QualifiedName name, cursor->qualified_name());
    out->tables.push_back(name.table());
    std::string sql = "ANALYZE " + name.sql();
    if (cursor->is_punct('(')) {
      VESTO_ASSIGN(const std::vector<std::string> columns, cursor->name_list());
      std::vector<std::string> quoted;
      for (const std::string& column : columns) quoted.push_back(quote_name(column));
      sql += " (" + join(quoted, ", ") + ")";
    }
    out->pg_sql.push_back(std::move(sql));
  }
  if (!cursor->accept("predicate", "columns")) cursor->accept("all", "columns");
  return cursor->expect_end();
}

}  // namespace vesto::sandbox
