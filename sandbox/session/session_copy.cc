// COPY ... FROM 's3://...': the executor reads and checks, PostgreSQL takes the rows.
#include <utility>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/session/session.h"

namespace vesto::sandbox {

namespace {

// PostgreSQL's name of a type and the executor's.
std::string copy_type(const std::string& pg_type) {
  if (pg_type == "character varying" || pg_type == "text") return "varchar";
  if (pg_type == "character") return "char";
  if (pg_type == "timestamp without time zone") return "timestamp";
  if (pg_type == "timestamp with time zone") return "timestamptz";
  if (pg_type == "time without time zone") return "time";
  if (pg_type == "time with time zone") return "timetz";
  if (pg_type == "jsonb") return "super";
  if (pg_type == "bytea") return "varbyte";
  return pg_type;
}

constexpr int kMaxVarcharBytes = 65'535;
constexpr int kMaxVarbyteBytes = 16'777'216;

// One row of the column query: name, type, atttypmod, not null, recorded length.
CopyColumn column_of(const std::vector<std::optional<std::string>>& row) {
  CopyColumn column;
  column.name = row.at(0).value_or("");
  column.type = copy_type(row.at(1).value_or(""));
  const int typmod = static_cast<int>(parse_int(row.at(2).value_or("")).value_or(-1));
  column.not_null = row.at(3).value_or("") == "t";
  if (column.type == "varchar" || column.type == "char") {
    column.length_bytes = typmod > 4 ? typmod - 4 : kMaxVarcharBytes;
  } else if (column.type == "varbyte") {
    column.length_bytes =
        static_cast<int>(parse_int(row.at(4).value_or("")).value_or(kMaxVarbyteBytes));
  } else if (column.type == "numeric" && typmod >= 4) {
    column.precision = (typmod - 4) >> 16;
    column.scale = (typmod - 4) & 0xffff;
  }
  return column;
}

std::string format_name(CopyStatement::Format format) {
  switch (format) {
    case CopyStatement::Format::kCsv:
      return "CSV";
    case CopyStatement::Format::kJson:
      return "JSON";
    case CopyStatement::Format::kAvro:
      return "AVRO";
    case CopyStatement::Format::kParquet:
      return "PARQUET";
    case CopyStatement::Format::kOrc:
      return "ORC";
    case CopyStatement::Format::kFixedWidth:
      return "FIXEDWIDTH";
    case CopyStatement::Format::kDelimited:
      break;
  }
  return "TEXT";
}

}  // namespace

// Rows into PostgreSQL's COPY ... FROM STDIN. Keeps the server's error, if it sends one.
class BackendCopySink : public CopySink {
 public:
  explicit BackendCopySink(Session* session) : session_(session) {}
  SqlStatus write(std::string_view rows) override {
    if (!error) error = session_->pg_->copy_data(rows);
    if (!error) return Unit{};
    return SqlError{error->sqlstate, error->message, error->detail, error->hint};
  }
  std::optional<ErrorFields> error;

 private:
  Session* session_;
};

SqlResult<std::vector<CopyColumn>> Session::copy_columns(const CopyStatement& copy,
                                                         std::string* quoted) {
  const std::string table = table_name_sql(copy.table);
  const auto rows = pg_->rows(
      "SELECT a.attname, a.atttypid::pg_catalog.regtype::text, a.atttypmod, a.attnotnull,"
      " pg_catalog.rs_option(a.attfdwoptions, 'length'), a.attidentity <> ''"
      " FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(" +
      pg_literal(table) +
      ")::pg_catalog.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum");
  if (!rows.ok()) {
    const ErrorFields error = rewrite_error(rows.error(), error_context());
    return SqlError{error.sqlstate, error.message, error.detail, error.hint};
  }
  if (rows->empty()) {
    return SqlError{"XX000",
                    "Cannot COPY into nonexistent table " + restore_names(copy.table.name)};
  }
  std::vector<CopyColumn> columns;
  std::vector<std::string> names;
  const auto add = [&](const std::vector<std::optional<std::string>>& row) {
    columns.push_back(column_of(row));
    names.push_back(pg_identifier(columns.back().name));
    columns.back().name = restore_names(columns.back().name);
  };
  if (copy.columns.empty()) {
    for (const auto& row : *rows) {
      const bool identity = row.at(5).value_or("") == "t";
      if (!identity || copy.explicit_ids) add(row);
    }
  }
  for (const std::string& wanted : copy.columns) {
    bool found = false;
    for (const auto& row : *rows) {
      if (row.at(0) == wanted) {
        add(row);
        found = true;
      }
    }
    if (!found) {
      return SqlError{"42703", "column \"" + restore_names(wanted) + "\" of relation \"" +
                                   restore_names(copy.table.name) + "\" does not exist"};
    }
  }
  *quoted = table + " (" + join(names, ",") + ")";
  return columns;
}

Session::Step Session::run_copy(const Statement& statement) {
  if (!statement.copy) return failed(SqlError{"XX000", "COPY without its options"});
  const CopyStatement& copy = *statement.copy;
  const int64_t started_ms = system_clock().wall_ms();
  const int64_t query_id = query_id_;
  std::string target;
  auto columns = copy_columns(copy, &target);
  if (!columns.ok()) return failed(columns.error());
  ClientRelay relay(this, false, false);
  if (auto error = pg_->query("COPY " + target + " FROM STDIN", &relay)) return failed(*error);
  CopyContext context;
  context.store = shared_->store;
  context.keys = shared_->keys;
  context.gate = shared_->gate;
  context.roles = shared_->roles;
  context.clock = shared_->clock;
  context.faults = shared_->faults;
  context.region = shared_->region;
  const WarehouseName served =
      shared_->served == nullptr ? WarehouseName{} : shared_->served->get();
  if (!served.name.empty()) {
    context.region = served.region;
    context.account = served.account;
    context.warehouse = served.name;
  }
  context.serverless = shared_->serverless;
  context.user = user_;
  context.query_id = query_id;
  context.process_id = pg_->pid();
  context.stop = shared_->stop.get_token();
  BackendCopySink sink(this);
  CopyOutcome outcome;
  const SqlStatus done = execute_copy(copy, *columns, context, &sink, &outcome);
  std::optional<ErrorFields> pg_error = sink.error;
  if (pg_->in_copy()) {
    const bool keep = done.ok() && !copy.no_load;
    pg_error = pg_->copy_end(keep ? "" : "given up", &relay);
    if (!keep && !pg_->lost()) pg_error.reset();  // our own giving up
  }
  if (done.ok() && !pg_error && !copy.no_load) {
    log_copy(copy, outcome, query_id, started_ms, true);
    return finish_copy(copy, outcome, query_id);
  }
  log_copy(copy, outcome, query_id, started_ms, false);
  after_abort_sql_ =
      "SELECT pg_catalog.rs_set_config('vesto.last_copy_count','0',false),"
      "pg_catalog.rs_set_config('vesto.last_copy_id','" +
      std::to_string(query_id) + "',false)";
  if (pg_error) return failed(*pg_error);
  if (!done.ok()) return failed(done.error());
  return finish_copy(copy, outcome, query_id);
}

Session::Step Session::finish_copy(const CopyStatement& copy, const CopyOutcome& outcome,
                                   int64_t query_id) {
  Step step;
  step.tag = "COPY";
  if (copy.no_load) return step;
  const auto kept = pg_->rows("SELECT pg_catalog.rs_set_config('vesto.last_copy_count','" +
                              std::to_string(outcome.rows_loaded) +
                              "',false),pg_catalog.rs_set_config('vesto.last_copy_id','" +
                              std::to_string(query_id) + "',false)");
  if (!kept.ok()) return failed(kept.error());
  for (const std::string& text : outcome.notices) {
    ErrorFields notice;
    notice.severity = "INFO";
    notice.sqlstate = "00000";
    notice.message = text;
    write_notice(notice);
  }
  return step;
}

void Session::log_copy(const CopyStatement& copy, const CopyOutcome& outcome, int64_t query_id,
                       int64_t started_ms, bool completed) {
  LoadRecord record;
  record.user_id = user_id_;
  record.query_id = query_id;
  record.session_pid = pg_->pid();
  record.table_oid = last_table_oid_;
  record.database = database_;
  record.table = restore_names(copy.table.name);
  record.source = copy.from;
  record.format = format_name(copy.format);
  record.started_ms = started_ms;
  record.ended_ms = system_clock().wall_ms();
  record.completed = completed;
  record.rows_loaded = completed ? outcome.rows_loaded : 0;
  record.rows_skipped = outcome.rows_skipped;
  shared_->log->write(record, outcome.errors);
}

}  // namespace vesto::sandbox
