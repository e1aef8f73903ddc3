// The load transaction: fence, rows, positions, journal of loads, COMMIT.
#include "redshift/load_transaction.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <optional>
#include <stop_token>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/stream_texts.h"

namespace vesto {

namespace {

// COPY of 2 GiB is reckoned with 20 minutes; three times that is waited, 6 hours at most.
constexpr uint64_t kCopyBytesPerSecond = 1'789'569;
constexpr int64_t kMinCopyTimeoutMs = 600'000;
constexpr int64_t kMaxCopyTimeoutMs = 6LL * 3600 * 1000;

int64_t copy_timeout_ms(const std::vector<StreamLoad>& group) {
  uint64_t largest = 0;
  for (const StreamLoad& stream : group) largest = std::max(largest, stream.bytes_staged);
  const uint64_t seconds = std::min<uint64_t>(largest / kCopyBytesPerSecond * 3, 1'000'000);
  return std::clamp(static_cast<int64_t>(seconds) * 1000, kMinCopyTimeoutMs, kMaxCopyTimeoutMs);
}

std::string mode_name(LoadMode mode) { return mode == LoadMode::kReplace ? "replace" : "upsert"; }

// What can be seen without a connection. Nothing: the stream may be loaded.
std::optional<Error> unfit(const StreamLoad& stream) {
  if (stream.schema.stream.size() > sql::kMaxStreamBytes ||
      stream.schema.stream == sql::kHeaderStream) {
    return Error(ErrorCode::kSrcValue, "the stream's name cannot be kept in the state table");
  }
  if (stream.position.size() > sql::kMaxPositionBytes) {
    return Error(ErrorCode::kSrcValue, fmt::format("the position has {} bytes; {} can be kept",
                                                   stream.position.size(), sql::kMaxPositionBytes))
        .with_hint("Choose a cursor column with shorter values.");
  }
  if (stream.mode == LoadMode::kUpsert && stream.schema.key.empty()) {
    return Error(ErrorCode::kPgNoKey, "upsert needs a key");
  }
  return std::nullopt;
}

Status check_staged(const StreamLoad& stream) {
  const uint64_t parts =
      std::accumulate(stream.part_rows.begin(), stream.part_rows.end(), uint64_t{0});
  if (parts != stream.rows_read) {
    return not_parity(stream,
                      fmt::format("{} rows were read and {} staged", stream.rows_read, parts));
  }
  if (stream.manifest_key.empty() != (stream.rows_read == 0)) {
    return not_parity(stream, "rows were read and nothing is staged, or the reverse");
  }
  return ok_status();
}

}  // namespace

LoadRun::LoadRun(RedshiftLoader::Impl& impl, const std::vector<StreamLoad>& group, LoadId seen,
                 LoadId load, RunId run)
    : impl_(impl),
      group_(group),
      seen_(std::move(seen)),
      load_(std::move(load)),
      run_(std::move(run)) {}

Result<ExecResult> LoadRun::send(const std::string& sql) {
  if (impl_.context.stop.stop_requested()) return interrupted();
  return impl_.exec(sql);
}

// BEGIN, then LOCK alone: nothing else precedes it, so the snapshot is taken under the lock and is
// younger than any rival's commit. Then compare and set.
Status LoadRun::take_fence() {
  const TargetName state = impl_.state_name();
  VESTO_TRY(send("BEGIN"));
  VESTO_KILL_POINT("load.after_begin");
  VESTO_TRY(ask_lease());
  if (!impl_.no_lock_) {
    auto locked = send(sql::lock_table(state));
    if (!locked.ok()) {
      where_ = Where::kLock;
      return locked.error();
    }
  }
  VESTO_KILL_POINT("load.after_lock");
  VESTO_ASSIGN(const ExecResult moved,
               send(sql::move_fence(state, seen_, load_, impl_.target.installation,
                                    impl_.clock().wall_ms())));
  if (moved.tag == "UPDATE 0") {
    where_ = Where::kFenced;
    return Error(ErrorCode::kRunFenced, "another load moved the fence from " + seen_.text);
  }
  if (moved.tag != "UPDATE 1") {
    return Error(ErrorCode::kRsStateForeign, "the state table has several header rows");
  }
  VESTO_KILL_POINT("load.after_fence");
  return ok_status();
}

Status LoadRun::ask_lease() {
  if (!impl_.context.still_ours) return ok_status();
  VESTO_ASSIGN(const bool ours, impl_.context.still_ours());
  if (ours) return ok_status();
  return Error(ErrorCode::kRunLeaseLost, "another run took the sync over");
}

// Positions, then the blind INSERTs into the shared table, last: they alone may have to wait for
// other syncs.
Status LoadRun::write_positions(const std::vector<size_t>& order,
                                const std::vector<StreamLoaded>& done) {
  const TargetName state = impl_.state_name();
  const int64_t now_ms = impl_.clock().wall_ms();
  for (size_t first = 0; first < order.size(); first += sql::kRowsPerInsert) {
    const size_t last = std::min(order.size(), first + sql::kRowsPerInsert);
    std::vector<std::string> streams;
    std::vector<sql::StateRow> rows;
    for (size_t i = first; i < last; ++i) {
      const StreamLoad& stream = group_[order[i]];
      streams.push_back(stream.schema.stream);
      rows.push_back({stream.schema.stream, load_, impl_.target.installation.text,
                      stream.schema_version, stream.position, now_ms});
    }
    VESTO_TRY(send(sql::delete_state_rows(state, streams)));
    VESTO_TRY(send(sql::insert_state_rows(state, rows)));
  }
  for (size_t first = 0; first < order.size(); first += sql::kRowsPerInsert) {
    const size_t last = std::min(order.size(), first + sql::kRowsPerInsert);
    std::vector<sql::LoadsRow> rows;
    for (size_t i = first; i < last; ++i) {
      const StreamLoad& stream = group_[order[i]];
      rows.push_back({std::string(cut_utf8(impl_.target.sync_name, 256)), stream.schema.stream,
                      load_, run_, mode_name(stream.mode), stream.rows_read, done[i].rows_copied,
                      done[i].rows_inserted, done[i].rows_updated, done[i].rows_deleted, 0,
                      stream.bytes_staged, stream.data_as_of_ms, stream.started_ms, now_ms});
    }
    VESTO_TRY(send(sql::insert_loads(impl_.target.schema, rows)));
  }
  return ok_status();
}

// All that comes before COMMIT. On an error where_ (and at_) say which part failed.
Status LoadRun::fill_transaction(const std::vector<size_t>& order,
                                 std::vector<StreamLoaded>* done) {
  // A stop cuts a long COPY short. It must never reach COMMIT, whose outcome it would hide.
  RedshiftSession* session = impl_.session_.get();
  const std::stop_callback on_stop(impl_.context.stop, [session] { session->cancel(); });
  where_ = Where::kElsewhere;
  VESTO_TRY(take_fence());
  VESTO_TRY(impl_.set_timeout(copy_timeout_ms(group_)));
  where_ = Where::kStream;
  for (size_t i = 0; i < order.size(); ++i) {
    at_ = order[i];
    VESTO_ASSIGN(const StreamLoaded one, load_stream(group_[at_], i + 1));
    done->push_back(one);
  }
  where_ = Where::kElsewhere;
  VESTO_TRY(write_positions(order, *done));
  return ask_lease();
}

// ok: committed. An error: certainly not committed, or RS-COMMIT-UNKNOWN.
Status LoadRun::commit() {
  const RecordedSession self{impl_.session_->backend_pid(), impl_.session_->backend_start()};
  VESTO_KILL_POINT("load.before_commit");
  auto answer = impl_.exec("COMMIT");
  if (answer.ok() && answer->tag == "COMMIT") return ok_status();
  if (answer.ok()) {
    return Error(ErrorCode::kRsSql, "COMMIT was answered with " + answer->tag);
  }
  const Error error = answer.error();
  const bool refused = impl_.session_->usable() && error.code() == ErrorCode::kRsSerializable;
  if (refused) return error;
  log_warn("redshift: the answer to COMMIT was lost",
           {{"load", load_.text}, {"error", error.to_string()}});
  impl_.drop_session();
  VESTO_ASSIGN(const bool committed, impl_.was_committed(self, load_));
  if (committed) return ok_status();
  return error;
}

Status LoadRun::try_once(const std::vector<size_t>& order, std::vector<StreamLoaded>* done) {
  done->clear();
  where_ = Where::kElsewhere;
  // Names of staging tables are taken by an earlier transaction of the same session.
  if (impl_.has_stages_) impl_.drop_session();
  VESTO_TRY(impl_.connect());
  if (impl_.context.record_session) {
    VESTO_TRY(impl_.context.record_session(impl_.session_->backend_pid(),
                                           impl_.session_->backend_start(), load_));
  }
  std::vector<size_t> unknown;
  for (const size_t index : order) {
    const TargetName& name = group_[index].target;
    if (!impl_.asked_[{name.schema, name.table}]) unknown.push_back(index);
  }
  if (!unknown.empty()) VESTO_TRY(impl_.read_tables(group_, unknown));
  VESTO_TRY(impl_.set_timeout(lock_timeout_ms()));
  VESTO_TRY(fill_transaction(order, done));
  // After this nothing cuts the session any more.
  if (impl_.context.stop.stop_requested()) return interrupted();
  VESTO_TRY(commit());
  VESTO_KILL_POINT("load.after_commit");
  return ok_status();
}

// After a COPY that met bad rows: which file, line and column. Best effort, outside the
// transaction (in it, nothing can be asked any more).
void LoadRun::add_load_error(int pid, Error* error) {
  if (error->code() != ErrorCode::kRsCopyData || impl_.session_ == nullptr) return;
  if (error->upstream().text.find("Load into table") == std::string::npos) return;
  for (const std::string& query : sql::last_load_error(pid)) {
    auto answer = impl_.exec(query);
    if (!answer.ok()) {
      if (impl_.session_ == nullptr || !impl_.session_->usable()) return;
      continue;
    }
    if (answer->rows.empty() || answer->rows[0].size() != 4) continue;
    const auto cell = [&](size_t i) { return redact(trim(answer->rows[0][i].value_or(""))); };
    error->in(fmt::format("file {} line {} column {}: {}", cell(0), cell(1), cell(2), cell(3)));
    return;
  }
}

Result<LoadOutcome> LoadRun::run() {
  LoadOutcome out;
  std::vector<size_t> order;
  for (size_t i = 0; i < group_.size(); ++i) {
    VESTO_TRY(check_staged(group_[i]));
    if (auto error = unfit(group_[i])) {
      out.failed.emplace_back(i, std::move(*error));
    } else {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return group_[a].schema.stream < group_[b].schema.stream;
  });
  Backoff backoff(kTransactionRetry);
  int lock_waits = 0;
  while (!order.empty()) {
    std::vector<StreamLoaded> done;
    Status status = try_once(order, &done);
    if (status.ok()) {
      out.committed = true;
      out.streams = std::move(done);
      out.loaded = std::move(order);
      return out;
    }
    Error error = std::move(status).error();
    const int pid = impl_.session_ != nullptr ? impl_.session_->backend_pid() : 0;
    impl_.roll_back();
    // What this transaction had made went with it.
    impl_.has_stages_ = false;
    if (where_ == Where::kFenced) {
      out.fenced = true;
      return out;
    }
    const bool stopped = impl_.context.stop.stop_requested();
    if (stopped && error.code() != ErrorCode::kRsCommitUnknown) return interrupted();
    if (where_ == Where::kLock && after_lock_failure(error, &lock_waits)) continue;
    if (where_ == Where::kLock && error.code() == ErrorCode::kRsLock) return error;
    const AfterFault fault = after_fault(error);
    if (fault == AfterFault::kRepeat && backoff.next(impl_.clock(), impl_.context.stop)) {
      log_warn("redshift: the load transaction is repeated",
               {{"load", load_.text},
                {"attempt", std::to_string(backoff.attempt())},
                {"error", error.to_string()}});
      continue;
    }
    if (impl_.context.stop.stop_requested()) return interrupted();
    // A stream that meets a conflict again and again leaves, as one whose statement fails.
    const bool conflict = error.code() == ErrorCode::kRsSerializable;
    if (where_ != Where::kStream || (fault != AfterFault::kLeaveGroup && !conflict)) return error;
    add_load_error(pid, &error);
    error.in("table " + group_[at_].schema.stream);
    std::erase(order, at_);
    out.failed.emplace_back(at_, std::move(error));
    backoff = Backoff(kTransactionRetry);
  }
  return out;
}

// True: try again. The error becomes RS-LOCK where the lock was waited for long enough.
bool LoadRun::after_lock_failure(Error& error, int* lock_waits) {
  if (error.upstream().code == "0A000" && !impl_.no_lock_) {
    // A datashare database refuses LOCK: compare-and-set alone protects, 1023 is repeated.
    impl_.no_lock_ = true;
    return true;
  }
  if (error.code() != ErrorCode::kRsTimeout && error.code() != ErrorCode::kRsLock) return false;
  impl_.end_left_sessions();
  if (++*lock_waits < kMaxLockWaits) return true;
  error = Error(ErrorCode::kRsLock,
                fmt::format("the state table {} has been locked by another session for {} minutes",
                            sql::qualified(impl_.state_name()),
                            kMaxLockWaits * kLockTimeoutMs / 60'000))
              .with_upstream(error.upstream());
  return false;
}

Result<LoadOutcome> RedshiftLoader::load(const std::vector<StreamLoad>& group, const LoadId& seen,
                                         const LoadId& load, const RunId& run) {
  return LoadRun(*impl_, group, seen, load, run).run();
}

}  // namespace vesto
