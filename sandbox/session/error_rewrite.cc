#include "sandbox/session/error_rewrite.h"

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

// PostgreSQL's wording and Redshift's, which is that of PostgreSQL 8.0. Replaced wherever it
// occurs.
struct Wording {
  std::string_view from;
  std::string_view to;
};
constexpr Wording kWordings[] = {
    {"permission denied for table ", "permission denied for relation "},
    {"permission denied for view ", "permission denied for relation "},
    {"permission denied for materialized view ", "permission denied for relation "},
    {"must be owner of table ", "must be owner of relation "},
    {"must be owner of view ", "must be owner of relation "},
};

std::string capitalized(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') {
    text[0] = static_cast<char>(text[0] - 'a' + 'A');
  }
  return text;
}

// The first "..." of a text, quotes taken off.
std::string quoted_part(std::string_view text) {
  const size_t open = text.find('"');
  if (open == std::string_view::npos) return {};
  const size_t close = text.find('"', open + 1);
  if (close == std::string_view::npos) return {};
  return std::string(text.substr(open + 1, close - open - 1));
}

// DETAIL: Key (typname, typnamespace)=(n, 2200) already exists.
std::string first_key_value(std::string_view detail) {
  const size_t start = detail.find("=(");
  if (start == std::string_view::npos) return {};
  const std::string_view rest = detail.substr(start + 2);
  return std::string(rest.substr(0, rest.find_first_of(",)")));
}

void rewrite_by_state(ErrorFields* fields, const ErrorContext& context) {
  const std::string& state = fields->sqlstate;
  if (state == "23505") {
    const std::string name = first_key_value(fields->detail);
    if (fields->constraint == "pg_type_typname_nsp_index" ||
        fields->constraint == "pg_class_relname_nsp_index") {
      fields->sqlstate = "42P07";
      fields->message = "Relation \"" + name + "\" already exists";
      fields->detail.clear();
    } else if (fields->constraint == "pg_namespace_nspname_index") {
      fields->sqlstate = "42P06";
      fields->message = "Schema \"" + name + "\" already exists";
      fields->detail.clear();
    }
  } else if (state == "42P07" || state == "42P06") {
    fields->message = capitalized(fields->message);
  } else if (state == "57014") {
    fields->message = "Query (" + std::to_string(context.query_id) + ") canceled on user's request";
    fields->detail.clear();
  } else if (state == "23502") {
    fields->sqlstate = "XX000";
    fields->message = "Cannot insert a NULL value into column " + quoted_part(fields->message);
    fields->detail = detail_block(fields->message, 8007, "query execution", context, "column:4");
  } else if (state == "21000" && fields->message.find("MERGE") != std::string::npos) {
    fields->sqlstate = "XX000";
    fields->message = "Found multiple matches to update the same tuple.";
    fields->hint.clear();
  } else if (state == "22003" && fields->message == "numeric field overflow") {
    fields->sqlstate = "XX000";
    fields->message = "Numeric data overflow (result precision)";
    fields->detail =
        detail_block(fields->message, 1058, fields->detail, context, "numeric.cpp:165");
  } else if (state == "53100") {
    *fields = fault_error("Disk Full", context);
  }
}

}  // namespace

std::string detail_block(std::string_view error, int code, std::string_view block_context,
                         const ErrorContext& context, std::string_view location) {
  const std::string rule = "  -----------------------------------------------\n";
  return "\n" + rule + "  error:  " + std::string(error) +
         "\n  code:      " + std::to_string(code) + "\n  context:   " + std::string(block_context) +
         "\n  query:     " + std::to_string(context.query_id) +
         "\n  location:  " + std::string(location) +
         "\n  process:   padbmaster [pid=" + std::to_string(context.pid) + "]\n" + rule;
}

ErrorFields isolation_violation(const ErrorContext& context) {
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = "XX000";
  fields.message = "1023";
  // Transaction numbers do not tell a client anything; they only have to look like some.
  const std::string mine = std::to_string(context.query_id);
  fields.detail =
      "Serializable isolation violation on table - " + std::to_string(context.table_oid) +
      ", transactions forming the cycle are: " + mine + ", " +
      std::to_string(context.query_id + 1) + " (pid:" + std::to_string(context.pid) + ")";
  return fields;
}

ErrorFields fault_error(const std::string& name, const ErrorContext& context) {
  if (name == "1023") return isolation_violation(context);
  ErrorFields fields;
  fields.severity = "ERROR";
  fields.sqlstate = "XX000";
  fields.message = name;
  if (name == "1018") {
    fields.detail = "Relation does not exist.";
  } else if (name == "Disk Full") {
    fields.detail = detail_block("Disk Full", 1016, "node: 0", context, "fdisk_api.cpp:509");
  } else if (name == "40P01") {
    fields.sqlstate = name;
    fields.message = "deadlock detected";
  } else if (name == "57014") {
    fields.sqlstate = name;
    fields.message = "Query (" + std::to_string(context.query_id) + ") canceled on user's request";
  } else if (name == "42501") {
    fields.sqlstate = name;
    fields.message = "permission denied";
  }
  return fields;
}

ErrorFields rewrite_error(ErrorFields fields, const ErrorContext& context) {
  // Positions and the inner texts of functions speak of the SQL that we sent, not of the client's.
  fields.position = 0;
  if (fields.sqlstate == "40001") return isolation_violation(context);
  rewrite_by_state(&fields, context);
  for (const Wording& wording : kWordings) {
    fields.message = replace_all(fields.message, wording.from, wording.to);
  }
  fields.message = context.restore_names(fields.message);
  fields.detail = context.restore_names(fields.detail);
  fields.hint = context.restore_names(fields.hint);
  return fields;
}

std::optional<ErrorFields> rewrite_notice(ErrorFields fields, const ErrorContext& context) {
  if (fields.sqlstate == "42622") return std::nullopt;  // a name was cut: Redshift says nothing
  fields.position = 0;
  fields.message = context.restore_names(fields.message);
  fields.detail = context.restore_names(fields.detail);
  constexpr std::string_view kSkipping = ", skipping";
  if (fields.message.ends_with(kSkipping)) {
    fields.severity = "INFO";
    fields.message.resize(fields.message.size() - kSkipping.size());
    fields.message = capitalized(fields.message) + " and will be skipped";
  }
  return fields;
}

}  // namespace vesto::sandbox
