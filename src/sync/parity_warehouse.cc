#include "sync/parity_warehouse.h"

#include <algorithm>

#include "redshift/parity_sql.h"
#include "redshift/sql.h"

namespace vesto {

namespace {

constexpr int64_t kConnectMs = 120'000;
// A statement over a whole table; the server ends it a minute before the wait for it.
constexpr int64_t kStatementMs = 2LL * 3600 * 1000;
constexpr int64_t kGraceMs = 60'000;
// What one FETCH may bring.
constexpr uint64_t kFetchBytes = 16ULL << 20;
// A cluster of one node takes no more (Amazon Redshift Database Developer Guide: FETCH).
constexpr int64_t kMostFetchedRows = 1'000;
constexpr int kMostRejectedKeys = 10'000;
// Texts of statements that are kept for `show RUN --sql`; buckets make many alike.
constexpr size_t kMostKept = 64;
constexpr std::string_view kNoSuchTable = "42P01";

}  // namespace

Result<std::unique_ptr<ParityWarehouse>> ParityWarehouse::open(
    const RedshiftConnector& connect, std::function<void(const std::string&)> keep_sql,
    std::stop_token stop) {
  VESTO_ASSIGN(std::unique_ptr<RedshiftSession> session, connect(kConnectMs));
  std::unique_ptr<ParityWarehouse> made(
      new ParityWarehouse(std::move(session), std::move(keep_sql), std::move(stop)));
  for (const std::string& sql : sql::parity_session()) VESTO_TRY(made->exec(sql));
  VESTO_TRY(made->exec(sql::set_statement_timeout(kStatementMs)));
  return made;
}

ParityWarehouse::~ParityWarehouse() { end(); }

Result<ExecResult> ParityWarehouse::exec(const std::string& sql) {
  if (kept_.size() < kMostKept && kept_.insert(sql).second && keep_sql_) keep_sql_(sql);
  const std::stop_callback on_stop(stop_, [this] { session_->cancel(); });
  Result<ExecResult> answer = session_->exec(sql, kStatementMs + kGraceMs);
  if (stop_.stop_requested()) {
    return Error(ErrorCode::kRunInterrupted, "the comparison was interrupted");
  }
  return answer;
}

Status ParityWarehouse::begin() {
  VESTO_TRY(exec("BEGIN"));
  return ok_status();
}

void ParityWarehouse::end() {
  if (!session_->usable() || !session_->in_transaction()) return;
  // Nothing rests on it: the session is closed soon, and that ends the transaction as well.
  (void)session_->exec("ROLLBACK", kGraceMs).ok();
}

Result<std::set<std::string>> ParityWarehouse::rejected_keys(const std::string& schema,
                                                             const std::string& sync,
                                                             const std::string& stream) {
  std::set<std::string> keys;
  const Result<ExecResult> answer =
      exec(sql::parity_rejected_keys(schema, sync, stream, kMostRejectedKeys));
  if (!answer.ok()) {
    if (answer.error().upstream().code == kNoSuchTable) return keys;
    return answer.error();
  }
  for (const auto& row : answer->rows) {
    if (!row.empty() && row.front()) keys.insert(*row.front());
  }
  return keys;
}

Result<WarehouseCells> ParityWarehouse::sums(const TargetName& target, const StreamSchema& schema) {
  VESTO_ASSIGN(ExecResult answer, exec(sql::parity_sums(target, schema)));
  if (answer.rows.size() != 1 || answer.rows.front().size() < sql::parity_sum_fields(schema)) {
    return Error(ErrorCode::kRsSql, "the warehouse did not sum up a table");
  }
  return std::move(answer.rows.front());
}

Status ParityWarehouse::rows(const TargetName& target, const StreamSchema& schema,
                             const RowBucket& bucket, uint64_t widest_bytes,
                             const TakeWarehouseRow& take) {
  const int64_t fetched = std::clamp<int64_t>(
      static_cast<int64_t>(kFetchBytes / std::max<uint64_t>(widest_bytes, 1)), 1, kMostFetchedRows);
  VESTO_TRY(exec(sql::declare_parity_cursor(
      sql::parity_rows(target, schema, bucket.columns, bucket.bits, bucket.value))));
  const std::string fetch = sql::fetch_parity_rows(fetched);
  while (true) {
    VESTO_ASSIGN(const ExecResult answer, exec(fetch));
    for (const WarehouseCells& row : answer.rows) {
      if (row.size() != schema.columns.size()) {
        return Error(ErrorCode::kRsSql, "a row of the warehouse has other columns than asked for");
      }
      VESTO_TRY(take(row));
    }
    if (static_cast<int64_t>(answer.rows.size()) < fetched) break;
  }
  VESTO_TRY(exec(sql::close_parity_cursor()));
  return ok_status();
}

}  // namespace vesto
