// Statements on target and staging tables: DDL, COPY, merge.
#include <fmt/core.h>

#include "base/strings.h"
#include "redshift/sql.h"

namespace vesto::sql {

namespace {

std::string column_ddl(const std::vector<ColumnDdl>& columns) {
  std::vector<std::string> parts;
  parts.reserve(columns.size());
  for (const ColumnDdl& column : columns) {
    parts.push_back(ident(column.name) + " " + type_sql(column.type) +
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
  if (!keys.sortkey.empty()) out += " SORTKEY (" + ident(keys.sortkey) + ")";
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

std::string stage_name(size_t number) { return fmt::format("_vesto_stage_{}", number); }

// No NOT NULL here: a NULL key is looked for and named, instead of failing the COPY.
std::string create_stage(std::string_view stage, const std::vector<ColumnDdl>& columns,
                         std::string_view distkey) {
  return "CREATE TEMP TABLE " + ident(stage) + " " + column_ddl(columns) + distribution(distkey);
}

std::string copy(std::string_view table, const std::vector<std::string>& columns,
                 const CopySource& source) {
  std::string out = fmt::format(
      "COPY {} ({}) FROM {} ACCESS_KEY_ID {} SECRET_ACCESS_KEY '{{{{SECRET:{}}}}}'", table,
      names(columns), literal("s3://" + source.bucket + "/" + source.manifest_key),
      literal(source.access_key_id), kCopySecret);
  if (source.has_session_token) {
    out += fmt::format(" SESSION_TOKEN '{{{{SECRET:{}}}}}'", kCopyToken);
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

std::string count_duplicate_keys(std::string_view table, const std::vector<KeyColumn>& key) {
  std::vector<std::string> parts;
  for (const KeyColumn& column : key) {
    parts.push_back(ident(column.name));
    if (column.is_text) parts.push_back("OCTET_LENGTH(" + ident(column.name) + ")");
  }
  return fmt::format(
      "SELECT COUNT(*) FROM (SELECT COUNT(*) AS \"n\" FROM {} GROUP BY {} HAVING COUNT(*) > 1) d",
      table, join(parts, ", "));
}

std::string count_null_keys(std::string_view table, const std::vector<KeyColumn>& key) {
  std::vector<std::string> parts;
  for (const KeyColumn& column : key) parts.push_back(ident(column.name) + " IS NULL");
  return fmt::format("SELECT COUNT(*) FROM {} WHERE {}", table, join(parts, " OR "));
}

std::string delete_matching(const TargetName& table, std::string_view stage,
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
  return "DELETE FROM " + qualified(table) + " USING " + ident(stage) + " WHERE " +
         join(parts, " AND ");
}

std::string insert_from_stage(const TargetName& table, std::string_view stage,
                              const std::vector<std::string>& columns) {
  const std::string list = names(columns);
  return "INSERT INTO " + qualified(table) + " (" + list + ") SELECT " + list + " FROM " +
         ident(stage);
}

std::string delete_all(const TargetName& table) { return "DELETE FROM " + qualified(table); }

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

}  // namespace vesto::sql
