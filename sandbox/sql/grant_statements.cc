// GRANT and REVOKE: rights on tables, schemas and databases to users, groups and PUBLIC.
#include <algorithm>

#include "base/strings.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"

namespace vesto::sandbox {
namespace {

class GrantParser {
 public:
  GrantParser(Cursor* cursor, bool grant, Statement* out)
      : cursor_(*cursor), grant_(grant), out_(*out) {}

  SqlStatus run() {
    out_.cls = StatementClass::kDdl;
    out_.tag = grant_ ? "GRANT" : "REVOKE";
    if (cursor_.is("assumerole")) return assume_role();
    if (cursor_.is("role")) return not_in_sandbox(out_.tag + " ROLE");
    if (!grant_ && cursor_.accept("grant", "option")) {
      VESTO_TRY(cursor_.expect("for"));
      option_only_ = true;
    }
    VESTO_TRY(privileges());
    VESTO_TRY(cursor_.expect("on"));
    VESTO_TRY(object());
    VESTO_TRY(cursor_.expect(grant_ ? "to" : "from"));
    VESTO_TRY(grantees());
    if (grant_ && cursor_.accept("with")) {
      VESTO_TRY(cursor_.expect("grant"));
      VESTO_TRY(cursor_.expect("option"));
      option_ = " WITH GRANT OPTION";
    }
    if (!grant_ && cursor_.accept("cascade")) option_ = " CASCADE";
    if (!grant_) cursor_.accept("restrict");
    VESTO_TRY(cursor_.expect_end());
    return emit();
  }

 private:
  // Accepted without effect: GRANT ASSUMEROLE ON ... TO ... FOR ...
  SqlStatus assume_role() {
    size_t at = cursor_.index();
    const Source& source = cursor_.source();
    const auto has = [&](std::string_view word) {
      for (size_t i = at; i < source.last; ++i) {
        if (source.is_word(i, word)) return true;
      }
      return false;
    };
    if (!has("on") || !has(grant_ ? "to" : "from") || !has("for")) {
      return source.error_at(source.last);
    }
    return Unit{};
  }

  SqlStatus privileges() {
    if (cursor_.accept("all")) {
      cursor_.accept("privileges");
      privileges_.emplace_back("ALL");
      return Unit{};
    }
    do {
      static constexpr std::string_view kKnown[] = {
          "select",    "insert", "update", "delete",   "references", "create", "usage",  "temp",
          "temporary", "drop",   "alter",  "truncate", "execute",    "vacuum", "analyze"};
      const size_t at = cursor_.index();
      const auto* found = std::find_if(std::begin(kKnown), std::end(kKnown),
                                       [&](std::string_view word) { return cursor_.accept(word); });
      if (found == std::end(kKnown)) return cursor_.source().error_at(at);
      const bool column_rights = cursor_.is_punct('(');
      std::string right = to_upper_ascii(*found);
      if (column_rights) {
        VESTO_ASSIGN(const std::vector<std::string> columns, cursor_.name_list());
        std::vector<std::string> quoted;
        for (const std::string& column : columns) quoted.push_back(quote_name(column));
        right += " (" + join(quoted, ", ") + ")";
      }
      privileges_.push_back(std::move(right));
    } while (cursor_.accept_punct(','));
    return Unit{};
  }

  SqlStatus names(std::string_view kind) {
    std::vector<std::string> quoted;
    do {
      VESTO_ASSIGN(const QualifiedName name, cursor_.qualified_name());
      quoted.push_back(name.sql());
      if (kind == "TABLE") out_.tables.push_back(name.table());
    } while (cursor_.accept_punct(','));
    object_ = std::string(kind) + " " + join(quoted, ", ");
    return Unit{};
  }

  SqlStatus object() {
    if (cursor_.accept("all")) {
      VESTO_TRY(cursor_.expect("tables"));
      VESTO_TRY(cursor_.expect("in"));
      VESTO_TRY(cursor_.expect("schema"));
      kind_ = "TABLE";
      return names("ALL TABLES IN SCHEMA");
    }
    if (cursor_.accept("database")) {
      kind_ = "DATABASE";
    } else if (cursor_.accept("schema")) {
      kind_ = "SCHEMA";
    } else {
      for (const std::string_view missing :
           {"function", "procedure", "language", "datashare", "model", "external", "copy"}) {
        if (cursor_.is(missing) && !cursor_.is_punct('.', 1)) {
          return not_in_sandbox(out_.tag + " ON " + to_upper_ascii(missing));
        }
      }
      cursor_.accept("table");
      kind_ = "TABLE";
    }
    return names(kind_);
  }

  SqlStatus grantees() {
    do {
      if (cursor_.accept("public")) {
        grantees_.emplace_back("PUBLIC");
      } else if (cursor_.is("role")) {
        return not_in_sandbox(out_.tag + " to a role");
      } else {
        cursor_.accept("group");
        VESTO_ASSIGN(const std::string name, cursor_.user_name());
        grantees_.push_back(quote_name(name));
      }
    } while (cursor_.accept_punct(','));
    return Unit{};
  }

  // Only what PostgreSQL knows for this kind of object; DROP and ALTER are the owner's there.
  SqlStatus emit() {
    std::vector<std::string> kept;
    for (const std::string& right : privileges_) {
      const std::string word = right.substr(0, right.find(' '));
      if (word == "ALL") {
        kept.push_back(right);
        continue;
      }
      const bool fits =
          kind_ == "TABLE" ? word == "SELECT" || word == "INSERT" || word == "UPDATE" ||
                                 word == "DELETE" || word == "REFERENCES" || word == "TRUNCATE"
          : kind_ == "SCHEMA" ? word == "CREATE" || word == "USAGE"
                              : word == "CREATE" || word == "TEMP" || word == "TEMPORARY";
      const bool silent = word == "DROP" || word == "ALTER" || word == "VACUUM" ||
                          word == "ANALYZE" || (kind_ == "DATABASE" && word == "USAGE");
      if (fits) {
        kept.push_back(right);
      } else if (!silent) {
        return make_sql_error("0LP01", "invalid privilege type " + word + " for " +
                                           to_lower_ascii(kind_ == "TABLE" ? "relation" : kind_));
      }
    }
    if (kept.empty()) return Unit{};
    std::string sql = out_.tag;
    if (option_only_) sql += " GRANT OPTION FOR";
    sql += " " + join(kept, ", ") + " ON " + object_ + (grant_ ? " TO " : " FROM ");
    sql += join(grantees_, ", ") + option_;
    out_.pg_sql.push_back(std::move(sql));
    return Unit{};
  }

  Cursor& cursor_;
  bool grant_;
  Statement& out_;
  bool option_only_ = false;
  std::string option_;
  std::string kind_;
  std::string object_;
  std::vector<std::string> privileges_;
  std::vector<std::string> grantees_;
};

}  // namespace

SqlStatus translate_grant(Cursor* cursor, Statement* out) {
  return GrantParser(cursor, true, out).run();
}

SqlStatus translate_revoke(Cursor* cursor, Statement* out) {
  return GrantParser(cursor, false, out).run();
}

}  // namespace vesto::sandbox
