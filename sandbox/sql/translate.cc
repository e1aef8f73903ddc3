// translate(): checks the text, splits it, and sends each statement to its translator.
#include <unordered_map>

#include "base/strings.h"
#include "sandbox/sql/copy_parser.h"
#include "sandbox/sql/create_table.h"
#include "sandbox/sql/dispatch.h"
#include "sandbox/sql/errors.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {
namespace {

// More statements than this in one string are refused; a Statement takes about 1 kB.
constexpr size_t kMaxStatements = 10000;

using Translator = SqlStatus (*)(Cursor*, Statement*);

SqlStatus translate_copy(Cursor* cursor, Statement* out) {
  out->cls = StatementClass::kCopy;
  out->tag = "COPY";
  out->has_secret = true;
  return parse_copy(cursor, out);
}

SqlStatus refuse_unload(Cursor*, Statement*) { return not_in_sandbox("UNLOAD"); }
SqlStatus refuse_call(Cursor*, Statement*) { return not_in_sandbox("CALL"); }
SqlStatus refuse_use(Cursor*, Statement*) { return not_in_sandbox("USE"); }

// By the first word; the cursor is moved behind it.
const std::unordered_map<std::string_view, Translator>& translators() {
  static const std::unordered_map<std::string_view, Translator> map = {
      {"begin", translate_begin},
      {"start", translate_start},
      {"commit", translate_commit},
      {"end", translate_commit},
      {"rollback", translate_rollback},
      {"abort", translate_rollback},
      {"lock", translate_lock},
      {"set", translate_set},
      {"reset", translate_reset},
      {"show", translate_show},
      {"cancel", translate_cancel},
      {"vacuum", translate_vacuum},
      {"analyze", translate_analyze},
      {"analyse", translate_analyze},
      {"copy", translate_copy},
      {"create", translate_create},
      {"drop", translate_drop},
      {"truncate", translate_truncate},
      {"comment", translate_comment},
      {"alter", translate_alter},
      {"grant", translate_grant},
      {"revoke", translate_revoke},
      {"declare", translate_declare},
      {"fetch", translate_fetch},
      {"close", translate_close},
      {"prepare", translate_prepare},
      {"execute", translate_execute},
      {"deallocate", translate_deallocate},
      {"explain", translate_explain},
      {"unload", refuse_unload},
      {"call", refuse_call},
      {"use", refuse_use}};
  return map;
}

// Commands that PostgreSQL has and Redshift refuses by name.
bool is_refused_command(std::string_view word) {
  for (const std::string_view refused :
       {"savepoint", "release", "listen", "unlisten", "notify", "discard", "do", "cluster",
        "reindex", "checkpoint", "load", "security", "refresh", "import", "reassign", "move"}) {
    if (word == refused) return true;
  }
  return false;
}

bool begins_query(std::string_view word) {
  for (const std::string_view query : {"select", "with", "insert", "update", "delete", "merge"}) {
    if (word == query) return true;
  }
  return false;
}

SqlStatus dispatch(Cursor* cursor, Statement* out) {
  const size_t tokens = cursor->source().last - cursor->source().first;
  if (tokens > kMaxTreeTokens && !cursor->is("insert")) {
    return make_sql_error("54000", "statement is too complex");
  }
  if (cursor->is_punct('(')) return translate_query(cursor, out);
  const Source& source = cursor->source();
  if (source.token(source.first).kind != TokenKind::kWord) return cursor->unexpected();
  const std::string word = to_lower_ascii(source.raw(source.first));
  if (begins_query(word)) return translate_query(cursor, out);
  if (is_refused_command(word)) return command_not_supported(out->text);
  const auto found = translators().find(word);
  if (found == translators().end()) return cursor->unexpected();
  cursor->skip();
  return found->second(cursor, out);
}

// COPY and UNLOAD with their keys, CREATE and ALTER USER with their passwords.
bool may_hold_secret(const Source& source) {
  if (source.is_word(source.first, "copy") || source.is_word(source.first, "unload")) return true;
  return (source.is_word(source.first, "create") || source.is_word(source.first, "alter")) &&
         source.is_word(source.first + 1, "user");
}

SqlResult<Statement> translate_one(Source source, const TranslateOptions& options) {
  source.secret = may_hold_secret(source);
  Statement out;
  out.text = source.raw(source.first, source.last);
  NameMapper names(options.case_sensitive_identifier);
  Cursor cursor(source, &names);
  VESTO_TRY(dispatch(&cursor, &out));
  out.long_names = names.take_long_names();
  return out;
}

SqlStatus check_text(std::string_view sql) {
  if (sql.size() > kMaxStatementBytes) {
    return make_sql_error(
        "42601", "Statement is too large. Statement Size: " + std::to_string(sql.size()) +
                     " bytes. Maximum Allowed: " + std::to_string(kMaxStatementBytes) + " bytes");
  }
  size_t bad = sql.find('\0');
  if (bad == std::string_view::npos) bad = find_invalid_utf8(sql);
  if (bad != std::string_view::npos) {
    return make_sql_error(
        "22021", "invalid byte sequence for encoding \"UTF8\": 0x" + to_hex(sql.substr(bad, 1)));
  }
  return Unit{};
}

// An unterminated literal is shown in the error; not where it may be a key or a password.
SqlError without_secrets(SqlError error, std::string_view sql) {
  const std::string lower = to_lower_ascii(sql);
  for (const std::string_view word : {"secret_access_key", "credentials", "password", "token"}) {
    if (lower.find(word) == std::string::npos) continue;
    error.message = error.message.substr(0, error.message.find(" at or near"));
    break;
  }
  return error;
}

}  // namespace

SqlResult<std::vector<Statement>> translate(std::string_view sql, const TranslateOptions& options) {
  VESTO_TRY(check_text(sql));
  auto tokenized = tokenize(sql);
  if (!tokenized.ok()) return without_secrets(std::move(tokenized).error(), sql);
  const std::vector<Token> tokens = std::move(tokenized).value();
  std::vector<Statement> out;
  Source source{sql, &tokens, 0, 0, false};
  const size_t end = tokens.size() - 1;
  for (size_t i = 0; i <= end; ++i) {
    const bool ends =
        i == end || (tokens[i].kind == TokenKind::kPunct && token_text(sql, tokens[i]) == ";");
    if (!ends) continue;
    source.last = i;
    if (source.last > source.first) {
      if (out.size() == kMaxStatements) {
        return make_sql_error("54000", "too many statements in one string");
      }
      VESTO_ASSIGN(Statement one, translate_one(source, options));
      out.push_back(std::move(one));
    }
    source.first = i + 1;
  }
  if (out.empty()) {
    Statement empty;
    empty.cls = StatementClass::kEmpty;
    out.push_back(std::move(empty));
  }
  return out;
}

}  // namespace vesto::sandbox
