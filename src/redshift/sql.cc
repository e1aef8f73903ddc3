#include "redshift/sql.h"

#include <fmt/core.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/strings.h"
#include "pg/quoting.h"

namespace vesto::sql {

std::string ident(std::string_view name) { return quote_identifier(name); }

std::string literal(std::string_view text) { return quote_redshift_literal(text); }

std::string qualified(const TargetName& table) {
  return ident(table.schema) + "." + ident(table.table);
}

std::string timestamp(int64_t wall_ms) { return "'" + format_sql_utc(wall_ms) + "'"; }

std::string timestamptz(int64_t wall_ms) {
  return wall_ms == 0 ? "NULL" : "'" + format_sql_utc(wall_ms) + "+00'";
}

std::string set_statement_timeout(int64_t timeout_ms) {
  return fmt::format("SET statement_timeout TO {}", timeout_ms);
}

std::string terminate_backend(int pid) {
  return fmt::format("SELECT pg_terminate_backend({})", pid);
}

std::string state_table_name(const SyncId& sync) { return std::string(kStatePrefix) + sync.text; }

std::string create_schema(std::string_view schema) { return "CREATE SCHEMA " + ident(schema); }

std::string create_state_table(const TargetName& state) {
  return fmt::format(
      "CREATE TABLE {} (\"stream\" VARCHAR({}) COLLATE CASE_SENSITIVE NOT NULL, \"load_id\" "
      "VARCHAR(26) NOT NULL, "
      "\"writer\" VARCHAR(64) NOT NULL, \"schema_version\" INTEGER NOT NULL, "
      "\"position\" VARCHAR({}) NOT NULL, \"changed_at\" TIMESTAMP NOT NULL) DISTSTYLE EVEN",
      qualified(state), kMaxStreamBytes, kMaxPositionBytes);
}

std::string insert_state_rows(const TargetName& state, const std::vector<StateRow>& rows) {
  std::vector<std::string> values;
  values.reserve(rows.size());
  for (const StateRow& row : rows) {
    values.push_back(fmt::format("({}, {}, {}, {}, {}, {})", literal(row.stream),
                                 literal(row.load_id.text), literal(row.writer), row.schema_version,
                                 literal(row.position), timestamp(row.changed_at_ms)));
  }
  return "INSERT INTO " + qualified(state) + " VALUES " + join(values, ", ");
}

namespace {

// Redshift's = does not see trailing blanks.
std::string is_stream(const std::string& name) {
  return fmt::format("\"stream\" = {} AND OCTET_LENGTH(\"stream\") = {}", literal(name),
                     name.size());
}

}  // namespace

std::string delete_state_rows(const TargetName& state, const std::vector<std::string>& streams) {
  std::vector<std::string> wanted;
  wanted.reserve(streams.size());
  for (const std::string& stream : streams) wanted.push_back("(" + is_stream(stream) + ")");
  return "DELETE FROM " + qualified(state) + " WHERE " + join(wanted, " OR ");
}

std::string update_positions(const TargetName& state, const std::vector<PositionMove>& moves) {
  VESTO_CHECK(!moves.empty());
  std::vector<std::string> wanted;
  wanted.reserve(moves.size());
  std::string positions;
  for (const PositionMove& move : moves) {
    wanted.push_back(
        fmt::format("({} AND \"position\" = {})", is_stream(move.row.stream), literal(move.from)));
    positions += " WHEN " + literal(move.row.stream) + " THEN " + literal(move.row.position);
  }
  const StateRow& first = moves.front().row;
  return fmt::format(
      "UPDATE {} SET \"load_id\" = {}, \"writer\" = {}, \"changed_at\" = {}, \"position\" = {} "
      "WHERE \"schema_version\" = {} AND ({})",
      qualified(state), literal(first.load_id.text), literal(first.writer),
      timestamp(first.changed_at_ms),
      moves.size() == 1 ? literal(first.position) : "CASE \"stream\"" + positions + " END",
      kPositionPart, join(wanted, " OR "));
}

std::string select_state(const TargetName& state) {
  return "SELECT \"stream\", \"load_id\", \"schema_version\", \"position\" FROM " +
         qualified(state);
}

std::string select_fence(const TargetName& state) {
  return "SELECT \"load_id\" FROM " + qualified(state) +
         " WHERE \"stream\" = " + literal(kHeaderStream);
}

std::string lock_table(const TargetName& table) { return "LOCK TABLE " + qualified(table); }

std::string move_fence(const TargetName& state, const LoadId& seen, const LoadId& next,
                       const InstallationId& writer, int64_t now_ms) {
  return fmt::format(
      "UPDATE {} SET \"load_id\" = {}, \"writer\" = {}, \"changed_at\" = {} "
      "WHERE \"stream\" = {} AND \"load_id\" = {}",
      qualified(state), literal(next.text), literal(writer.text), timestamp(now_ms),
      literal(kHeaderStream), literal(seen.text));
}

std::string create_loads_table(std::string_view schema) {
  return "CREATE TABLE " + ident(schema) + "." + ident(kLoadsTable) +
         " (\"sync\" VARCHAR(256) NOT NULL, \"stream\" VARCHAR(600) COLLATE CASE_SENSITIVE NOT "
         "NULL, "
         "\"load_id\" VARCHAR(26) NOT NULL, \"run\" VARCHAR(32) NOT NULL, "
         "\"mode\" VARCHAR(8) NOT NULL, \"rows_read\" BIGINT, \"rows_copied\" BIGINT, "
         "\"rows_inserted\" BIGINT, \"rows_updated\" BIGINT, \"rows_deleted\" BIGINT, "
         "\"rows_rejected\" BIGINT, \"bytes_staged\" BIGINT, \"data_as_of\" TIMESTAMPTZ, "
         "\"started_at\" TIMESTAMPTZ, \"committed_at\" TIMESTAMPTZ) DISTSTYLE EVEN";
}

std::vector<std::string> columns_made(std::string_view create) {
  std::vector<std::string> out;
  // No name of these columns holds a quote; before the bracket stands that of the table.
  for (size_t at = create.find(" (\""); at != std::string_view::npos;) {
    const size_t begin = create.find('"', at) + 1;
    const size_t end = create.find('"', begin);
    if (begin == 0 || end == std::string_view::npos) break;
    out.emplace_back(create.substr(begin, end - begin));
    at = create.find('"', end + 1);
  }
  return out;
}

// Each load id of a sync is greater than the one before (make_load_id), so the greatest is a
// stream's newest.
std::string create_status_view(std::string_view schema) {
  const std::string loads = ident(schema) + "." + ident(kLoadsTable);
  return "CREATE VIEW " + ident(schema) + "." + ident(kStatusView) +
         " AS SELECT l.\"sync\", l.\"stream\", l.\"data_as_of\", l.\"committed_at\", l.\"mode\", "
         "l.\"rows_read\", l.\"rows_copied\", l.\"rows_inserted\", l.\"rows_updated\", "
         "l.\"rows_deleted\", l.\"rows_rejected\", l.\"run\", l.\"load_id\" FROM " +
         loads + " l JOIN (SELECT \"sync\", \"stream\", MAX(\"load_id\") AS \"load_id\" FROM " +
         loads +
         " GROUP BY \"sync\", \"stream\") n ON l.\"sync\" = n.\"sync\" AND "
         "l.\"stream\" = n.\"stream\" AND l.\"load_id\" = n.\"load_id\" WITH NO SCHEMA BINDING";
}

std::string insert_loads(std::string_view schema, const std::vector<LoadsRow>& rows) {
  std::vector<std::string> values;
  values.reserve(rows.size());
  for (const LoadsRow& row : rows) {
    values.push_back(fmt::format(
        "({}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {}, {})", literal(row.sync),
        literal(row.stream), literal(row.load_id.text), literal(row.run.text), literal(row.mode),
        row.rows_read, row.rows_copied, row.rows_inserted, row.rows_updated, row.rows_deleted,
        row.rows_rejected, row.bytes_staged, timestamptz(row.data_as_of_ms),
        timestamptz(row.started_ms), timestamptz(row.committed_ms)));
  }
  return "INSERT INTO " + ident(schema) + "." + ident(kLoadsTable) + " VALUES " +
         join(values, ", ");
}

}  // namespace vesto::sql
