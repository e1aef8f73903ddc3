// Users and groups. Both are roles in PostgreSQL; what pg_authid keeps of a password is made in
// password.cc, and the login checks it.
#include "base/strings.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/names.h"
#include "sandbox/sql/password.h"

namespace vesto::sandbox {
namespace {

class UserOptions {
 public:
  UserOptions(Cursor* cursor, Statement* out) : cursor_(*cursor), out_(*out) {}

  SqlStatus run(const std::string& user) {
    cursor_.accept("with");
    while (!cursor_.at_end()) VESTO_TRY(option(user));
    return Unit{};
  }

  [[nodiscard]] std::string text() const { return text_; }
  [[nodiscard]] const std::vector<std::string>& after() const { return after_; }

 private:
  SqlStatus option(const std::string& user) {
    if (cursor_.accept("password")) return password(user);
    static constexpr std::pair<std::string_view, std::string_view> kFlags[] = {
        {"createdb", "CREATEDB"},
        {"nocreatedb", "NOCREATEDB"},
        {"createuser", "SUPERUSER"},
        {"nocreateuser", "NOSUPERUSER"}};
    for (const auto& [word, pg] : kFlags) {
      if (!cursor_.accept(word)) continue;
      text_ += " " + std::string(pg);
      return Unit{};
    }
    if (cursor_.accept("valid", "until")) {
      VESTO_ASSIGN(const std::string until, cursor_.string());
      text_ += " VALID UNTIL " + quote_literal(until);
      return Unit{};
    }
    if (cursor_.accept("connection", "limit")) {
      if (cursor_.accept("unlimited")) {
        text_ += " CONNECTION LIMIT -1";
        return Unit{};
      }
      VESTO_ASSIGN(const int64_t limit, cursor_.integer());
      if (limit < 0 || limit > 1000000) return make_sql_error("22023", "invalid connection limit");
      text_ += " CONNECTION LIMIT " + std::to_string(limit);
      return Unit{};
    }
    if (cursor_.accept("in", "group")) return groups(user);
    // Without effect here.
    if (cursor_.accept("syslog", "access")) {
      if (!cursor_.accept("unrestricted")) VESTO_TRY(cursor_.expect("restricted"));
      return Unit{};
    }
    if (cursor_.accept("session", "timeout")) return SqlStatus(drop(cursor_.integer()));
    if (cursor_.accept("externalid")) return SqlStatus(drop(cursor_.name()));
    return cursor_.unexpected();
  }

  template <typename T>
  static SqlStatus drop(SqlResult<T> result) {
    if (!result.ok()) return std::move(result).error();
    return Unit{};
  }

  SqlStatus password(const std::string& user) {
    if (cursor_.accept("disable")) {
      text_ += " PASSWORD NULL";
      return Unit{};
    }
    VESTO_ASSIGN(const std::string secret, cursor_.string());
    out_.has_secret = true;
    VESTO_ASSIGN(const std::string kept, password_to_keep(secret, cursor_.names()->full(user)));
    text_ += " PASSWORD " + quote_literal(kept);
    return Unit{};
  }

  SqlStatus groups(const std::string& user) {
    do {
      VESTO_ASSIGN(const std::string group, cursor_.user_name());
      after_.push_back("GRANT " + quote_name(group) + " TO " + quote_name(user));
    } while (cursor_.accept_punct(','));
    return Unit{};
  }

  Cursor& cursor_;
  Statement& out_;
  std::string text_;
  std::vector<std::string> after_;
};

bool is_switch(std::string_view literal) {
  return literal == "'true'" || literal == "'false'" || literal == "'on'" || literal == "'off'";
}

// ALTER USER u SET name {TO | =} value | RESET name
SqlStatus user_setting(Cursor* cursor, const std::string& user, Statement* out) {
  const bool set = cursor->accept("set");
  if (!set) VESTO_TRY(cursor->expect("reset"));
  VESTO_ASSIGN(std::string name, cursor->name());
  // PostgreSQL does not know it; the session looks for this name at login.
  if (name == kCaseSetting) name = std::string(kUserCaseSetting);
  std::string sql =
      "ALTER ROLE " + quote_name(user) + (set ? " SET " : " RESET ") + quote_name(name);
  if (set) {
    if (!cursor->accept("to")) {
      if (!cursor->source().is_operator(cursor->index(), "=")) return cursor->unexpected();
      cursor->skip();
    }
    std::vector<std::string> values;
    do {
      if (cursor->at_end()) return cursor->unexpected();
      if (cursor->is_string()) {
        VESTO_ASSIGN(const std::string value, cursor->string());
        values.push_back(quote_literal(value));
      } else {
        const size_t at = cursor->index();
        const TokenKind kind = cursor->source().token(at).kind;
        if (kind == TokenKind::kQuoted) {
          VESTO_ASSIGN(const std::string value, cursor->name());
          values.push_back(quote_literal(value));
        } else if (kind == TokenKind::kWord || kind == TokenKind::kNumber) {
          values.push_back(quote_literal(to_lower_ascii(cursor->source().raw(at))));
          cursor->skip();
        } else {
          return cursor->unexpected();
        }
      }
    } while (cursor->accept_punct(','));
    if (name == kUserCaseSetting && (values.size() != 1 || !is_switch(values.front()))) {
      return make_sql_error(
          "22023", "parameter \"" + std::string(kCaseSetting) + "\" requires a Boolean value");
    }
    sql += " TO " + join(values, ", ");
  }
  out->pg_sql.push_back(std::move(sql));
  return cursor->expect_end();
}

// A superuser may change every user but the warehouse's own.
SqlResult<std::string> user_of(Cursor* cursor) {
  VESTO_ASSIGN(std::string user, cursor->user_name());
  if (user == "rdsdb") return make_sql_error("42501", "permission denied for user rdsdb");
  return user;
}

}  // namespace

SqlStatus translate_create_user(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "CREATE USER";
  VESTO_ASSIGN(const std::string user, cursor->user_name());
  UserOptions options(cursor, out);
  VESTO_TRY(options.run(user));
  if (options.text().find(" PASSWORD ") == std::string::npos) return cursor->unexpected();
  out->pg_sql.push_back("CREATE ROLE " + quote_name(user) + " LOGIN" + options.text());
  out->pg_sql.insert(out->pg_sql.end(), options.after().begin(), options.after().end());
  return Unit{};
}

SqlStatus translate_alter_user(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "ALTER USER";
  VESTO_ASSIGN(const std::string user, user_of(cursor));
  if (cursor->at_end()) return cursor->unexpected();
  if (cursor->is("set") || cursor->is("reset")) {
    if (cursor->is("reset") && cursor->is("session", 1)) {
      cursor->skip(2);
      VESTO_TRY(cursor->expect("timeout"));
      return cursor->expect_end();
    }
    return user_setting(cursor, user, out);
  }
  if (cursor->accept("rename")) {
    VESTO_TRY(cursor->expect("to"));
    VESTO_ASSIGN(const std::string to, cursor->user_name());
    out->pg_sql.push_back("ALTER ROLE " + quote_name(user) + " RENAME TO " + quote_name(to));
    return cursor->expect_end();
  }
  UserOptions options(cursor, out);
  VESTO_TRY(options.run(user));
  if (!options.text().empty()) {
    out->pg_sql.push_back("ALTER ROLE " + quote_name(user) + options.text());
  }
  return Unit{};
}

// CREATE GROUP g [WITH USER u, ...]
SqlStatus translate_create_group(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "CREATE GROUP";
  VESTO_ASSIGN(const std::string group, cursor->user_name());
  out->pg_sql.push_back("CREATE ROLE " + quote_name(group) + " NOLOGIN");
  cursor->accept("with");
  if (cursor->accept("user")) {
    do {
      VESTO_ASSIGN(const std::string user, cursor->user_name());
      out->pg_sql.push_back("GRANT " + quote_name(group) + " TO " + quote_name(user));
    } while (cursor->accept_punct(','));
  }
  return cursor->expect_end();
}

// ALTER GROUP g {ADD | DROP} USER u, ... | RENAME TO n
SqlStatus translate_alter_group(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = "ALTER GROUP";
  VESTO_ASSIGN(const std::string group, cursor->user_name());
  if (cursor->accept("rename")) {
    VESTO_TRY(cursor->expect("to"));
    VESTO_ASSIGN(const std::string to, cursor->user_name());
    out->pg_sql.push_back("ALTER ROLE " + quote_name(group) + " RENAME TO " + quote_name(to));
    return cursor->expect_end();
  }
  const bool add = cursor->accept("add");
  if (!add) VESTO_TRY(cursor->expect("drop"));
  VESTO_TRY(cursor->expect("user"));
  do {
    VESTO_ASSIGN(const std::string user, cursor->user_name());
    out->pg_sql.push_back((add ? "GRANT " : "REVOKE ") + quote_name(group) +
                          (add ? " TO " : " FROM ") + quote_name(user));
  } while (cursor->accept_punct(','));
  return cursor->expect_end();
}

SqlStatus translate_drop_role(Cursor* cursor, bool group, Statement* out) {
  out->cls = StatementClass::kDdl;
  out->tag = group ? "DROP GROUP" : "DROP USER";
  std::string sql = "DROP ROLE ";
  if (!group && cursor->accept("if")) {
    VESTO_TRY(cursor->expect("exists"));
    sql += "IF EXISTS ";
  }
  std::vector<std::string> names;
  do {
    VESTO_ASSIGN(const std::string name, user_of(cursor));
    names.push_back(quote_name(name));
  } while (!group && cursor->accept_punct(','));
  out->pg_sql.push_back(sql + join(names, ", "));
  return cursor->expect_end();
}

}  // namespace vesto::sandbox
