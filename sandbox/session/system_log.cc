#include "sandbox/session/system_log.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"

namespace vesto::sandbox {

namespace {

// Characters, not bytes, are what the columns count; a cut at bytes is always short enough.
std::string cut(std::string_view text, size_t size) { return pg_literal(cut_utf8(text, size)); }

std::string number(int64_t value) { return std::to_string(value); }

std::string error_row(const LoadRecord& record, const LoadError& error) {
  const std::string started = pg_literal(format_sql_utc(record.ended_ms));
  return "(" +
         join({number(record.user_id),
               "0",
               number(record.table_oid),
               started,
               number(record.session_pid),
               number(record.query_id),
               cut(error.filename, 256),
               number(error.line_number),
               cut(error.column_name, 127),
               cut(error.type, 10),
               cut(error.column_length, 10),
               number(error.position),
               cut(error.raw_line, 1024),
               cut(error.raw_field_value, 1024),
               number(error.error_code),
               cut(error.error_reason, 100),
               "0",
               "0",
               "0",
               cut(error.error_reason, 512),
               pg_literal(record.database)},
              ",") +
         ")";
}

}  // namespace

void SystemLog::write(const LoadRecord& record, const std::vector<LoadError>& errors) {
  std::string sql =
      "INSERT INTO pg_catalog.rs_load_history VALUES (" +
      join({number(record.user_id), number(record.query_id), "0", number(record.session_pid),
            pg_literal(record.database), record.completed ? "'completed'" : "'aborted'",
            pg_literal(record.table), pg_literal(format_sql_utc(record.started_ms)),
            pg_literal(format_sql_utc(record.ended_ms)), pg_literal(record.source),
            pg_literal(record.format), number(record.rows_loaded),
            number(static_cast<int64_t>(errors.size()))},
           ",") +
      ");";
  std::vector<std::string> rows;
  for (const LoadError& error : errors) rows.push_back(error_row(record, error));
  if (!rows.empty()) {
    sql += "INSERT INTO pg_catalog.rs_load_errors VALUES " + join(rows, ",");
  }
  if (const auto done = admin_->rows(sql); !done.ok()) {
    log_warn("cannot write the load's errors", {{"reason", done.error().message}});
  }
}

int64_t SystemLog::left_tables() {
  const auto rows = admin_->rows(
      "SELECT count(*) FROM pg_catalog.pg_class WHERE relkind = 'r' AND (relpersistence = 't' OR "
      "relname LIKE '\\_vesto\\_stage\\_%' OR relname LIKE '\\_vesto\\_check\\_%')");
  if (!rows.ok() || rows->empty()) return -1;
  return parse_int(rows->at(0).at(0).value_or("")).value_or(-1);
}

void SystemLog::prune() {
  const auto done = admin_->rows(
      "DELETE FROM pg_catalog.rs_load_errors WHERE starttime < now() - interval '7 days';"
      "DELETE FROM pg_catalog.rs_load_history WHERE end_time < now() - interval '7 days'");
  if (!done.ok()) log_warn("cannot prune the load history", {{"reason", done.error().message}});
}

}  // namespace vesto::sandbox
