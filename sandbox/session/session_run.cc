// Running one statement: transaction state, isolation, faults, PostgreSQL.
#include <algorithm>
#include <utility>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/session/session.h"

namespace vesto::sandbox {

namespace {

// A COMMIT that is dropped "during" stands in the queue for so long, unless the fault says more.
constexpr int64_t kCommitInQueueMs = 300;

ErrorFields warning(std::string sqlstate, std::string message) {
  ErrorFields fields;
  fields.severity = "WARNING";
  fields.sqlstate = std::move(sqlstate);
  fields.message = std::move(message);
  return fields;
}

// Statements that PostgreSQL itself refuses inside a transaction block.
bool runs_alone(const Statement& statement) {
  if (statement.pg_sql.size() != 1) return false;
  const std::string_view sql = statement.pg_sql.front();
  for (const std::string_view start : {"VACUUM", "CREATE DATABASE", "DROP DATABASE"}) {
    if (sql.starts_with(start)) return true;
  }
  return false;
}

SqlError unknown_setting(const std::string& name) {
  return {"42704", "unrecognized configuration parameter \"" + name + "\""};
}

bool is_write(StatementClass cls) {
  switch (cls) {
    case StatementClass::kInsert:
    case StatementClass::kUpdate:
    case StatementClass::kDelete:
    case StatementClass::kMerge:
    case StatementClass::kCopy:
    case StatementClass::kCreateTable:
      return true;
    default:
      return false;
  }
}

}  // namespace

Session::Step Session::execute(const Statement& statement, bool several,
                               std::string_view whole_text) {
  query_id_ = shared_->next_query_id++;
  const std::string_view text = statement.text.empty() ? whole_text : statement.text;
  shared_->faults->count("statement." + std::string(class_name(statement.cls)));
  keep_long_names(statement);
  std::string drop;
  if (auto stop = inject("pg.statement", text, &drop)) return *stop;
  if (auto stop = meet_state(statement)) return *stop;
  if (is_write(statement.cls)) {
    std::string ignored;
    if (auto stop = inject("disk", text, &ignored)) return *stop;
  }
  if (drop == "during") client_.interrupt();
  Step step = dispatch_statement(statement, several);
  if (!drop.empty()) {
    client_.interrupt();
    step.kind = Step::Kind::kClose;
  }
  return step;
}

// What the warehouse does at this moment: Serverless wakes up, a cluster that is resized takes no
// writes. The text as loaders have seen it; its SQLSTATE is not known.
std::optional<Session::Step> Session::meet_state(const Statement& statement) {
  if (shared_->state == nullptr) return std::nullopt;
  if (!std::exchange(warm_, true)) {
    const int64_t wait_ms = shared_->state->take_cold_start_ms();
    if (wait_ms > 0) system_clock().sleep_ms(wait_ms, shared_->stop.get_token());
  }
  const bool changes = is_write(statement.cls) || statement.cls == StatementClass::kDdl ||
                       statement.cls == StatementClass::kTruncate ||
                       statement.cls == StatementClass::kVacuum;
  if (!changes || !shared_->state->now().read_only) return std::nullopt;
  return failed(SqlError{"XX000", "Cannot execute write query because system is in resize mode"});
}

Session::Step Session::dispatch_statement(const Statement& statement, bool several) {
  Step state = check_state(statement, several);
  if (state.kind != Step::Kind::kDone) return state;
  switch (statement.cls) {
    case StatementClass::kBegin:
      return run_begin(statement);
    case StatementClass::kCommit:
      return run_commit();
    case StatementClass::kRollback:
      return run_rollback();
    default:
      break;
  }
  const bool setting =
      statement.cls == StatementClass::kSet || statement.cls == StatementClass::kShow;
  // A setting outside a transaction needs none; VACUUM and its like allow none.
  const bool alone = runs_alone(statement) || (setting && tx_ == Tx::kNone);
  if (!alone) {
    Step opened = open_transaction(statement, several);
    if (opened.kind != Step::Kind::kDone) return opened;
  }
  Step step;
  if (statement.cls == StatementClass::kSet) {
    step = run_set(statement);
  } else if (statement.cls == StatementClass::kShow) {
    step = run_show(statement);
  } else if (statement.cls == StatementClass::kCopy) {
    step = run_copy(statement);
  } else {
    step = run_on_backend(statement);
  }
  if (step.kind == Step::Kind::kDone) {
    remember_prepared(statement);
    if (statement.commits && (tx_ == Tx::kImplicit || tx_ == Tx::kExplicit)) {
      Step commit = close_transaction("COMMIT");
      if (commit.kind != Step::Kind::kDone) return commit;
    }
  }
  return step;
}

Session::Step Session::check_state(const Statement& statement, bool several) const {
  if (tx_ == Tx::kFailed && statement.cls != StatementClass::kCommit &&
      statement.cls != StatementClass::kRollback) {
    return failed(SqlError{"25P02",
                           "current transaction is aborted, commands ignored until end of "
                           "transaction block"});
  }
  if (statement.no_transaction.empty()) return {};
  if (tx_ == Tx::kExplicit) {
    return failed(
        SqlError{"25001", statement.no_transaction + " cannot run inside a transaction block"});
  }
  if (several) {
    return failed(SqlError{
        "25001", statement.no_transaction + " cannot run inside a multiple commands statement"});
  }
  return {};
}

Session::Step Session::open_transaction(const Statement& statement, bool several) {
  StatementClass cls = statement.cls;
  const std::vector<TableRef>* writes = &statement.writes;
  if (cls == StatementClass::kPrepare && statement.inner == StatementClass::kOther) {
    const auto found = prepared_sql_.find(statement.object_name);
    if (found != prepared_sql_.end()) {
      cls = found->second.cls;
      writes = &found->second.writes;
    }
  } else if (cls == StatementClass::kPrepare) {
    static const std::vector<TableRef> kNone;
    writes = &kNone;  // PREPARE itself writes nothing
  }
  std::string sql;
  const bool begins = tx_ == Tx::kNone;
  if (begins) sql = begin_sql(shared_->isolation, false) + ";";
  const bool takes_snapshot = !snapshot_ && needs_snapshot(statement.cls, several);
  if (takes_snapshot) sql += "SELECT 1;";
  const std::string locks = lock_sql(shared_->isolation, cls, *writes);
  sql += locks;
  if (sql.empty()) return {};
  if (begins) tx_ = Tx::kImplicit;
  ClientRelay relay(this, false, false);
  if (auto error = pg_->query(sql, &relay)) return failed(*error);
  snapshot_ = snapshot_ || takes_snapshot;
  if (!locks.empty() && !relay.values.empty()) {
    last_table_oid_ = parse_int(relay.values.back()).value_or(last_table_oid_);
  }
  return {};
}

Session::Step Session::run_begin(const Statement& statement) {
  Step step;
  step.tag = statement.tag.empty() ? "BEGIN" : statement.tag;
  if (tx_ == Tx::kExplicit) {
    write_notice(warning("25001", "there is already a transaction in progress"));
    return step;
  }
  if (tx_ == Tx::kImplicit) {  // BEGIN in the middle of a string: what ran before belongs to it
    tx_ = Tx::kExplicit;
    return step;
  }
  if (auto error = pg_->query(begin_sql(shared_->isolation, statement.read_only), nullptr)) {
    return failed(*error);
  }
  tx_ = Tx::kExplicit;
  snapshot_ = false;
  return step;
}

Session::Step Session::run_commit() {
  Step step;
  step.tag = "COMMIT";
  switch (tx_) {
    case Tx::kNone:
      write_notice(warning("25P01", "there is no transaction in progress"));
      return step;
    case Tx::kFailed:
      forget_transaction();
      step.tag = "ROLLBACK";
      return step;
    case Tx::kImplicit:
    case Tx::kExplicit:
      return commit_with_fault();
  }
  return step;
}

Session::Step Session::commit_with_fault() {
  // As inject(), but "during" has a meaning of its own here.
  std::string drop;
  if (auto stop = inject("pg.commit", "COMMIT", &drop)) return *stop;
  if (drop == "during") {
    client_.interrupt();
    system_clock().sleep_ms(kCommitInQueueMs, shared_->stop.get_token());
  }
  Step step = close_transaction("COMMIT");
  if (!drop.empty()) {
    client_.interrupt();
    step.kind = Step::Kind::kClose;
  }
  return step;
}

Session::Step Session::run_rollback() {
  Step step;
  step.tag = "ROLLBACK";
  if (tx_ == Tx::kNone) {
    write_notice(warning("25P01", "there is no transaction in progress"));
    return step;
  }
  if (tx_ == Tx::kFailed) {
    forget_transaction();
    return step;
  }
  return close_transaction("ROLLBACK");
}

Session::Step Session::close_transaction(const char* sql) {
  Step step;
  step.tag = sql;
  ClientRelay relay(this, false, false);
  const auto error = pg_->query(sql, &relay);
  forget_transaction();
  return error ? failed(*error) : step;
}

void Session::forget_transaction() {
  tx_ = Tx::kNone;
  snapshot_ = false;
  portals_.clear();
}

void Session::abort_transaction() {
  if (!pg_->lost() && pg_->status() != 'I') pg_->query("ROLLBACK", nullptr);
  const bool stays_failed = tx_ == Tx::kExplicit || tx_ == Tx::kFailed;
  forget_transaction();
  if (stays_failed) tx_ = Tx::kFailed;
  const std::string sql = std::exchange(after_abort_sql_, {});
  if (!sql.empty() && !pg_->lost()) pg_->query(sql, nullptr);
}

Session::Step Session::run_set(const Statement& statement) {
  Step step;
  step.tag = statement.tag.empty() ? "SET" : statement.tag;
  const std::string& name = statement.setting_name;
  switch (setting_home(name)) {
    case SettingHome::kSession: {
      auto done = settings_.set(name, statement.setting_value);
      return done.ok() ? step : failed(done.error());
    }
    case SettingHome::kBackend:
      if (name == "all") settings_.reset_all();
      return run_on_backend(statement);
    case SettingHome::kFixed: {
      const std::string value = to_lower_ascii(statement.setting_value.value_or("utf8"));
      if (name == "client_encoding" && value != "utf8" && value != "utf-8" && value != "unicode") {
        return failed(SqlError{"22023", "invalid value for parameter \"client_encoding\": \"" +
                                            *statement.setting_value + "\""});
      }
      return step;
    }
    case SettingHome::kUnknown:
      break;
  }
  return failed(unknown_setting(name));
}

Session::Step Session::run_show(const Statement& statement) {
  const std::string& name = statement.setting_name;
  Step step;
  step.tag = statement.tag.empty() ? "SHOW" : statement.tag;
  if (name == "all") {
    if (!extended_) write_row_description(&client_.out(), show_columns(statement));
    for (const auto& [key, value] : settings_.all()) {
      write_data_row(&client_.out(), {key, value, ""});
    }
    return step;
  }
  std::string value;
  switch (setting_home(name)) {
    case SettingHome::kSession:
      value = settings_.show(name).value();
      break;
    case SettingHome::kBackend:
    case SettingHome::kFixed: {
      const auto rows = pg_->rows("SHOW " + pg_identifier(name));
      if (!rows.ok()) return failed(rows.error());
      value = rows->empty() ? "" : rows->at(0).at(0).value_or("");
      if (name == "server_version") value = "8.0.2";
      if (name == "server_encoding") value = "UNICODE";
      if (name == "search_path") value = replace_all(value, "\"", "");
      break;
    }
    case SettingHome::kUnknown:
      return failed(unknown_setting(name));
  }
  if (!extended_) write_row_description(&client_.out(), show_columns(statement));
  write_data_row(&client_.out(), {value});
  return step;
}

std::vector<ColumnDescription> Session::show_columns(const Statement& statement) {
  ColumnDescription column;
  column.name = statement.setting_name;
  column.type_oid = 25;  // text
  column.type_size = 0xffff;
  if (statement.setting_name != "all") return {column};
  std::vector<ColumnDescription> columns(3, column);
  columns[0].name = "name";
  columns[1].name = "setting";
  columns[2].name = "description";
  return columns;
}

Session::Step Session::run_on_backend(const Statement& statement) {
  Step step;
  for (size_t i = 0; i < statement.pg_sql.size(); ++i) {
    const bool wanted = statement.returns_rows && i + 1 == statement.pg_sql.size();
    ClientRelay relay(this, wanted, !extended_);
    if (auto error = pg_->query(statement.pg_sql[i], &relay)) return failed(*error);
    step.tag = relay.tag;
  }
  for (const auto& [severity, text] : statement.notices) {
    ErrorFields notice;
    notice.severity = severity;
    notice.sqlstate = "00000";
    notice.message = text;
    write_notice(notice);
  }
  if (!statement.tag.empty()) step.tag = statement.tag;
  return step;
}

std::optional<Session::Step> Session::inject(std::string_view kind, std::string_view subject,
                                             std::string* drop) {
  const std::optional<FaultAction> fault = shared_->faults->hit(kind, subject);
  if (!fault) return std::nullopt;
  if (fault->delay_ms > 0) {
    system_clock().sleep_ms(fault->delay_ms, shared_->stop.get_token());
  }
  if (!fault->error.empty()) {
    // "{subject}": an error text that repeats the statement, with all that stands in it.
    constexpr std::string_view kSubject = "{subject}";
    std::string error = fault->error;
    const size_t at = error.find(kSubject);
    if (at != std::string::npos) error.replace(at, kSubject.size(), subject);
    Step step = failed(fault_error(error, error_context()));
    step.rewritten = true;
    return step;
  }
  if (fault->drop == "before") {
    client_.interrupt();
    Step step;
    step.kind = Step::Kind::kClose;
    return step;
  }
  *drop = fault->drop;
  return std::nullopt;
}

void Session::remember_prepared(const Statement& statement) {
  constexpr size_t kMaxPrepared = 10'000;
  if (statement.cls != StatementClass::kPrepare || statement.inner == StatementClass::kOther) {
    return;
  }
  if (prepared_sql_.size() >= kMaxPrepared) prepared_sql_.clear();
  prepared_sql_[statement.object_name] = {statement.inner, statement.writes};
}

void Session::keep_long_names(const Statement& statement) {
  for (const auto& [short_name, full_name] : statement.long_names) {
    shared_->names->add(short_name, full_name);
  }
}

}  // namespace vesto::sandbox
