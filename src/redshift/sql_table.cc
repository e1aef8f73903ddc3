// Statements on target and staging tables: DDL, COPY, merge.
#include <fmt/core.h>

#include <algorithm>

#include "base/strings.h"
#include "redshift/sql.h"

namespace vesto::sql {

namespace {

std::string column_ddl(const std::vector<ColumnDdl>& columns) {
  std::vector<std::string> parts;
  parts.reserve(columns.size());
  for (const ColumnDdl& column : columns) {
    parts.push_back(ident(column.name) + " " + type_sql(column.type) +
                    (column.encode.empty() ? "" : " ENCODE " + column.encode) +
                    (column.case_sensitive ? " COLLATE CASE_SENSITIVE" : "") +
                    (column.not_null ? " NOT NULL" : ""));
  }
  return "(" + join(parts, ", ") + ")";
}

std::string distribution(std::string_view distkey) {
  if (distkey.empty()) return " DISTSTYLE EVEN";
  return " DISTSTYLE KEY DISTKEY (" + ident(distkey) + ")";
}

std::string names(const std::vector<std::string>& columns) {
  std::vector<std::string> parts;
  parts.reserve(columns.size());
  for (const std::string& column : columns) parts.push_back(ident(column));
  return join(parts, ", ");
}

}  // namespace

std::string create_table(const TargetName& table, const std::vector<ColumnDdl>& columns,
                         const TableKeys& keys) {
  std::string out =
      "CREATE TABLE " + qualified(table) + " " + column_ddl(columns) + distribution(keys.distkey);
  if (keys.sortkey.size() > 1) out += " COMPOUND";
  if (!keys.sortkey.empty()) out += " SORTKEY (" + names(keys.sortkey) + ")";
  return out;
}

std::string add_column(const TargetName& table, const ColumnDdl& column) {
  return "ALTER TABLE " + qualified(table) + " ADD COLUMN " + ident(column.name) + " " +
         type_sql(column.type) + (column.not_null ? " NOT NULL" : "");
}

std::string alter_column_type(const TargetName& table, std::string_view column,
                              const ColumnType& type) {
  return "ALTER TABLE " + qualified(table) + " ALTER COLUMN " + ident(column) + " TYPE " +
         type_sql(type);
}

// CAST to VARCHAR(n) cuts what is longer; an assignment to VARCHAR(n) refuses it. So texts are cast
// to the widest one.
std::array<std::string, 4> rewrite_column(const TargetName& table, std::string_view column,
                                          std::string_view temporary,
                                          const std::optional<ColumnType>& from,
                                          const ColumnType& to) {
  const std::string alter = "ALTER TABLE " + qualified(table) + " ";
  const std::string old = ident(column);
  std::string value = fmt::format("CAST({} AS {})", old, type_sql(to));
  if (to.kind == TypeKind::kVarchar) {
    const bool super = from && from->kind == TypeKind::kSuper;
    const bool boolean = from && from->kind == TypeKind::kBoolean;  // has no cast to text
    value = super     ? "JSON_SERIALIZE(" + old + ")"
            : boolean ? "CASE WHEN " + old + " THEN 'true' WHEN NOT " + old + " THEN 'false' END"
                      : fmt::format("CAST({} AS VARCHAR({}))", old, kMaxVarcharBytes);
  } else if (to.kind == TypeKind::kSuper) {
    value = from && from->kind == TypeKind::kVarchar ? "JSON_PARSE(" + old + ")"
                                                     : "CAST(" + old + " AS SUPER)";
  }
  return {alter + "ADD COLUMN " + ident(temporary) + " " + type_sql(to),
          "UPDATE " + qualified(table) + " SET " + ident(temporary) + " = " + value,
          alter + "DROP COLUMN " + old, alter + "RENAME COLUMN " + ident(temporary) + " TO " + old};
}

std::string drop_sortkey(const TargetName& table) {
  return "ALTER TABLE " + qualified(table) + " ALTER SORTKEY NONE";
}

std::string drop_distkey(const TargetName& table) {
  return "ALTER TABLE " + qualified(table) + " ALTER DISTSTYLE EVEN";
}

std::string bound_views(std::string_view schema, const std::vector<std::string>& tables) {
  std::vector<std::string> texts;
  for (const std::string& table : tables) texts.push_back(literal(table));
  return "SELECT DISTINCT c.relname, a.attname, vn.nspname, v.relname FROM pg_depend d "
         "JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class "
         "JOIN pg_namespace vn ON vn.oid = v.relnamespace "
         "JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace "
         "JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid "
         "WHERE n.nspname = " +
         literal(schema) + " AND c.relname IN (" + join(texts, ", ") +
         ") AND v.oid <> c.oid ORDER BY 1, 2, 3, 4";
}

std::string stage_name(size_t number) { return fmt::format("_vesto_stage_{}", number); }

// No NOT NULL here: a NULL key is looked for and named, instead of failing the COPY.
std::string create_stage(std::string_view stage, const std::vector<ColumnDdl>& columns,
                         std::string_view distkey) {
  return "CREATE TEMP TABLE " + ident(stage) + " " + column_ddl(columns) + distribution(distkey);
}

std::string copy(std::string_view table, const std::vector<std::string>& columns,
                 const CopySource& source) {
  std::string out = fmt::format("COPY {} ({}) FROM {}", table, names(columns),
                                literal("s3://" + source.bucket + "/" + source.manifest_key));
  if (!source.iam_role.empty()) {
    out += " IAM_ROLE " + (source.iam_role == "default" ? "DEFAULT" : literal(source.iam_role));
  } else {
    out += fmt::format(" ACCESS_KEY_ID {} SECRET_ACCESS_KEY '{{{{SECRET:{}}}}}'",
                       literal(source.access_key_id), kCopySecret);
    if (source.has_session_token) {
      out += fmt::format(" SESSION_TOKEN '{{{{SECRET:{}}}}}'", kCopyToken);
    }
  }
  if (!source.region.empty()) out += " REGION " + literal(source.region);
  out += " MANIFEST CSV NULL AS " + literal(source.null_marker);
  out += source.zstd ? " ZSTD" : " GZIP";
  out += " DATEFORMAT 'auto' TIMEFORMAT 'auto' COMPUPDATE OFF STATUPDATE OFF";
  return out;
}

std::string select_one(const TargetName& table) {
  return "SELECT 1 FROM " + qualified(table) + " LIMIT 1";
}

namespace {

// Texts that differ in trailing blanks alone are told apart by their length.
std::string grouping(const std::vector<KeyColumn>& key) {
  std::vector<std::string> parts;
  for (const KeyColumn& column : key) {
    parts.push_back(ident(column.name));
    if (column.is_text) parts.push_back("OCTET_LENGTH(" + ident(column.name) + ")");
  }
  return join(parts, ", ");
}

std::string any_null(const std::vector<KeyColumn>& key) {
  std::vector<std::string> parts;
  for (const KeyColumn& column : key) parts.push_back(ident(column.name) + " IS NULL");
  return join(parts, " OR ");
}

std::string key_names(const std::vector<KeyColumn>& key) {
  std::vector<std::string> parts;
  for (const KeyColumn& column : key) parts.push_back(ident(column.name));
  return join(parts, ", ");
}

}  // namespace

std::string count_duplicate_keys(std::string_view table, const std::vector<KeyColumn>& key) {
  return fmt::format(
      "SELECT COUNT(*) FROM (SELECT COUNT(*) AS \"n\" FROM {} GROUP BY {} HAVING COUNT(*) > 1) d",
      table, grouping(key));
}

std::string count_duplicate_keys(const std::vector<KeyedTable>& tables) {
  std::string out;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (i > 0) out += " UNION ALL ";
    out += fmt::format(
        "SELECT {}, COUNT(*) FROM (SELECT COUNT(*) AS \"n\" FROM {} GROUP BY {} HAVING COUNT(*) > "
        "1) d{}",
        i, tables[i].table, grouping(tables[i].key), i);
  }
  return out;
}

std::string count_null_keys(std::string_view table, const std::vector<KeyColumn>& key) {
  return fmt::format("SELECT COUNT(*) FROM {} WHERE {}", table, any_null(key));
}

std::string duplicate_keys(std::string_view table, const std::vector<KeyColumn>& key) {
  return fmt::format("SELECT {} FROM {} GROUP BY {} HAVING COUNT(*) > 1 LIMIT {}", key_names(key),
                     table, grouping(key), kKeysNamed);
}

std::string null_keys(std::string_view table, const std::vector<KeyColumn>& key) {
  return fmt::format("SELECT {} FROM {} WHERE {} GROUP BY {} LIMIT {}", key_names(key), table,
                     any_null(key), grouping(key), kKeysNamed);
}

namespace {

std::string same_key(const TargetName& table, std::string_view stage,
                     const std::vector<KeyColumn>& key) {
  std::vector<std::string> parts;
  for (const KeyColumn& column : key) {
    const std::string ours = ident(table.table) + "." + ident(column.name);
    const std::string theirs = ident(stage) + "." + ident(column.name);
    parts.push_back(ours + " = " + theirs);
    if (column.is_text) {
      parts.push_back("OCTET_LENGTH(" + ours + ") = OCTET_LENGTH(" + theirs + ")");
    }
  }
  return join(parts, " AND ");
}

}  // namespace

std::string delete_matching(const TargetName& table, std::string_view stage,
                            const std::vector<KeyColumn>& key) {
  return "DELETE FROM " + qualified(table) + " USING " + ident(stage) + " WHERE " +
         same_key(table, stage, key);
}

std::string update_matching(const TargetName& table, std::string_view stage,
                            const std::vector<KeyColumn>& key,
                            const std::vector<std::string>& columns,
                            const std::vector<std::string>& former) {
  std::vector<std::string> sets;
  const auto take = [&](const std::string& column) {
    sets.push_back(ident(column) + " = " + ident(stage) + "." + ident(column));
  };
  for (const std::string& column : columns) {
    const bool in_key = std::any_of(key.begin(), key.end(),
                                    [&column](const KeyColumn& one) { return one.name == column; });
    if (!in_key) take(column);
  }
  for (const std::string& column : former) sets.push_back(ident(column) + " = NULL");
  // UPDATE must set something, and counts the rows.
  if (sets.empty() && !key.empty()) take(key.front().name);
  return "UPDATE " + qualified(table) + " SET " + join(sets, ", ") + " FROM " + ident(stage) +
         " WHERE " + same_key(table, stage, key);
}

std::string insert_missing(const TargetName& table, std::string_view stage,
                           const std::vector<KeyColumn>& key,
                           const std::vector<std::string>& columns) {
  std::vector<std::string> values;
  for (const std::string& column : columns) values.push_back(ident(stage) + "." + ident(column));
  return "INSERT INTO " + qualified(table) + " (" + names(columns) + ") SELECT " +
         join(values, ", ") + " FROM " + ident(stage) + " LEFT JOIN " + qualified(table) + " ON " +
         same_key(table, stage, key) + " WHERE " + ident(table.table) + "." +
         ident(key.front().name) + " IS NULL";
}

std::string insert_from_stage(const TargetName& table, std::string_view stage,
                              const std::vector<std::string>& columns) {
  const std::string list = names(columns);
  return "INSERT INTO " + qualified(table) + " (" + list + ") SELECT " + list + " FROM " +
         ident(stage);
}

std::string delete_all(const TargetName& table) { return "DELETE FROM " + qualified(table); }

bool is_plain_number(std::string_view text) {
  if (text.starts_with("-")) text.remove_prefix(1);
  const size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const auto digits = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  if (!digits(whole)) return false;
  return point == std::string_view::npos || digits(text.substr(point + 1));
}

std::string delete_window(const TargetName& table, std::string_view column, const ColumnType& type,
                          std::string_view from, bool with_nulls) {
  const bool number = type.kind == TypeKind::kSmallint || type.kind == TypeKind::kInteger ||
                      type.kind == TypeKind::kBigint || type.kind == TypeKind::kDecimal;
  // What was delivered before had no value.
  if (from.empty()) {
    return "DELETE FROM " + qualified(table) + " WHERE " + ident(column) + " IS NULL";
  }
  std::string out = "DELETE FROM " + qualified(table) + " WHERE " + ident(column) +
                    " >= " + (number && is_plain_number(from) ? std::string(from) : literal(from));
  if (with_nulls) out += " OR " + ident(column) + " IS NULL";
  return out;
}

std::string last_copy_count() { return "SELECT pg_last_copy_count()"; }

std::array<std::string, 2> last_load_error(int pid) {
  return {fmt::format("SELECT file_name, line_number, column_name, error_message FROM "
                      "sys_load_error_detail WHERE session_id = {} ORDER BY start_time DESC "
                      "LIMIT 1",
                      pid),
          fmt::format("SELECT filename, line_number, colname, err_reason FROM stl_load_errors "
                      "WHERE session = {} ORDER BY starttime DESC LIMIT 1",
                      pid)};
}

std::string last_refused_field(int pid) {
  return fmt::format(
      "SELECT raw_field_value FROM stl_load_errors WHERE session = {} ORDER BY starttime DESC "
      "LIMIT 1",
      pid);
}

}  // namespace vesto::sql
