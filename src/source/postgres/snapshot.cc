#include "source/postgres/snapshot.h"

#include <algorithm>

#include "base/ids.h"
#include "base/strings.h"
#include "source/postgres/compare.h"
#include "source/postgres/session.h"

namespace vesto {

namespace {

constexpr size_t kShortestMarker = 12;
constexpr size_t kOversizeMarkerLength = 24;
constexpr std::string_view kTaking = "taking a snapshot of the source";

// Read before the snapshot is taken: what ends in between is seen by the snapshot, and what begins
// in between began after `clock_timestamp()`. The second is for a transaction whose begin the
// server has not published yet, and for columns that keep no fractions: they round a time down.
constexpr std::string_view kOpenTransactionsSql =
    "SELECT pg_is_in_recovery(), pg_has_role(current_user, 'pg_read_all_stats', 'USAGE'), "
    "(least((SELECT min(xact_start) FROM pg_stat_activity WHERE datid = (SELECT oid FROM "
    "pg_database WHERE datname = current_database()) AND pid <> pg_backend_pid() AND "
    "backend_type NOT IN ('autovacuum worker', 'walsender')), "
    "clock_timestamp()) - interval '1 second')::text, "
    // Where track_activities is off, xact_start is NULL. It was on or off when the transaction
    // began: a session may have turned it on since.
    "EXISTS (SELECT FROM pg_stat_activity WHERE datid = (SELECT oid FROM pg_database WHERE datname "
    "= current_database()) AND pid <> pg_backend_pid() AND backend_type = 'client backend' AND "
    "(state = 'disabled' OR (xact_start IS NULL AND state NOT IN ('idle', 'starting') AND "
    "(backend_xid IS NOT NULL OR backend_xmin IS NOT NULL)))), "
    "(SELECT min(prepared)::text FROM pg_prepared_xacts WHERE database = current_database()), "
    "current_user::text, current_setting('block_size')";

// Another one after a failover or a restore to a moment.
constexpr std::string_view kTimelineSql = "SELECT timeline_id::text FROM pg_control_checkpoint()";

bool is_marker(std::string_view text) {
  return text.size() >= kShortestMarker && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
         });
}

}  // namespace

Result<std::unique_ptr<SourceSnapshot>> PostgresSnapshot::take(const PostgresOptions& options,
                                                               std::string_view null_marker) {
  if (!is_marker(null_marker)) {
    return Error(ErrorCode::kInternal, "the NULL marker must be 12 or more of a-z and 0-9");
  }
  std::unique_ptr<PostgresSnapshot> snapshot(new PostgresSnapshot);
  snapshot->context_.null_marker = null_marker;
  snapshot->context_.oversize_marker = random_alphanumeric(kOversizeMarkerLength);
  snapshot->context_.max_row_bytes = options.max_row_bytes;
  VESTO_TRY(snapshot->begin(options));
  return std::unique_ptr<SourceSnapshot>(std::move(snapshot));
}

Status PostgresSnapshot::begin(const PostgresOptions& options) {
  VESTO_ASSIGN(coordinator_, connect_postgres(options));
  context_.connection = coordinator_.get();
  stop_ = options.stop;
  const StopGuard stop(stop_, coordinator_.get());
  VESTO_TRY(read_open_transactions());
  // Not everybody may ask, and not every server has it: then it stays unknown.
  const auto timeline = coordinator_->exec(kTimelineSql);
  if (timeline.ok()) context_.timeline = parse_int(timeline->scalar().value_or("")).value_or(0);
  VESTO_TRY(source_exec(*coordinator_, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", kTaking));
  // now() is the transaction's begin, a moment before the snapshot: never too new.
  VESTO_ASSIGN(const PgAnswer answer,
               source_exec(*coordinator_,
                           "SELECT pg_export_snapshot(), (extract(epoch FROM now()) * "
                           "1000)::bigint",
                           kTaking));
  if (answer.rows.size() != 1 || answer.rows[0].size() != 2 || !answer.rows[0][0]) {
    return Error(ErrorCode::kPgRead, "the source did not export its snapshot");
  }
  data_as_of_ms_ = parse_int(answer.rows[0][1].value_or("")).value_or(0);
  connections_ = std::make_shared<SnapshotConnections>(options, *answer.rows[0][0]);
  return ok_status();
}

Status PostgresSnapshot::read_open_transactions() {
  VESTO_ASSIGN(const PgAnswer answer, source_exec(*coordinator_, kOpenTransactionsSql, kTaking));
  if (answer.rows.size() != 1 || answer.rows[0].size() != 7) {
    return Error(ErrorCode::kPgRead, "the source did not tell its open transactions");
  }
  const auto& row = answer.rows[0];
  context_.open.standby = row[0] == "t";
  if (!context_.open.standby && row[1] == "t") context_.open.oldest = row[2];
  context_.open.hidden = context_.open.oldest && row[3] == "t";
  context_.open.oldest_prepared = row[4];
  context_.user = row[5].value_or("");
  context_.block_bytes = parse_int(row[6].value_or("")).value_or(8192);
  return ok_status();
}

Result<StreamPlan> PostgresSnapshot::plan(const StreamRequest& request) {
  // The newest value of a cursor may take a read of the whole table, and a lock 30 s.
  const StopGuard stop(stop_, coordinator_.get());
  // An error must not end the transaction that carries the snapshot.
  VESTO_TRY(source_exec(*coordinator_, "SAVEPOINT plan", kTaking));
  Result<StreamPlan> planned = plan_stream(context_, request);
  VESTO_TRY(source_exec(*coordinator_,
                        planned.ok() ? "RELEASE SAVEPOINT plan"
                                     : "ROLLBACK TO SAVEPOINT plan; RELEASE SAVEPOINT plan",
                        kTaking));
  return planned;
}

Result<std::unique_ptr<RangeReader>> PostgresSnapshot::open(const ReadRange& range) {
  VESTO_ASSIGN(std::unique_ptr<PgConnection> connection, connections_->take());
  return std::unique_ptr<RangeReader>(
      std::make_unique<PostgresReader>(connections_, std::move(connection), range));
}

Result<ReadRange> PostgresSnapshot::sums(const StreamPlan& plan) {
  std::optional<std::string> statement = sums_statement(plan.schema, plan.ranges);
  if (!statement) return Error(ErrorCode::kInternal, "a range has no statement of ours");
  ReadRange range{.sql = *std::move(statement), .estimated_bytes = 0, .check_sql = nullptr};
  if (plan.ranges.size() == 1) range.check_sql = plan.ranges.front().check_sql;
  return range;
}

Result<std::vector<ReadRange>> PostgresSnapshot::bucket(const StreamPlan& plan,
                                                        const RowBucket& bucket) {
  std::vector<ReadRange> out;
  for (const ReadRange& range : plan.ranges) {
    std::optional<std::string> statement = bucket_statement(plan.schema, range, bucket);
    if (!statement) return Error(ErrorCode::kInternal, "a range has no statement of ours");
    out.push_back({.sql = *std::move(statement),
                   .estimated_bytes = range.estimated_bytes >> bucket.bits,
                   .check_sql = range.check_sql});
  }
  return out;
}

}  // namespace vesto
