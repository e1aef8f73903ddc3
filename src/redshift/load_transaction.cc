// The load transaction: fence, rows, positions, journal of loads, COMMIT.
#include "redshift/load_transaction.h"

#include <fmt/core.h>

#include <algorithm>
#include <numeric>
#include <optional>

#include "base/kill_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/sql_rows.h"
#include "redshift/state_rows.h"
#include "redshift/stream_texts.h"

namespace vesto {

namespace {

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
  if (stream.columns.size() > kMaxColumnsBytes) {
    return Error(ErrorCode::kSrcValue,
                 fmt::format("what is to be kept of the columns has {} bytes; {} can be kept",
                             stream.columns.size(), kMaxColumnsBytes));
  }
  if (stream.mode == LoadMode::kUpsert && stream.schema.key.empty()) {
    return Error(ErrorCode::kPgNoKey, "upsert needs a key");
  }
  return std::nullopt;
}

Status check_staged(const StreamLoad& stream) {
  const uint64_t parts =
      std::accumulate(stream.part_rows.begin(), stream.part_rows.end(), uint64_t{0});
  if (parts + stream.rows_diverted() != stream.rows_read) {
    return not_parity(
        stream,
        fmt::format("{} rows were read, {} staged, {} taken to the side door and {} rejected",
                    stream.rows_read, parts, stream.diverted->side.size(),
                    stream.diverted->rejected.size()));
  }
  if (stream.manifest_key.empty() != (stream.rows_staged() == 0)) {
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
      run_(std::move(run)),
      backoff_(kTransactionRetry),
      lock_backoff_(kLockRetry),
      resize_(impl) {}

// Rolls back, and gives the pid of the session that failed, 0 if there is none any more.
int LoadRun::end_attempt() {
  const int pid = impl_.session_ != nullptr ? impl_.session_->backend_pid() : 0;
  impl_.roll_back();
  // The staging tables that this transaction had made went with it.
  impl_.has_stages_ = false;
  return pid;
}

Result<ExecResult> LoadRun::send(const std::string& sql, int64_t timeout_ms) {
  return impl_.exec(sql, timeout_ms);
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

// Blind, as what follows it.
Status LoadRun::write_rejected(const std::vector<size_t>& order) {
  for (const size_t index : order) {
    const StreamLoad& stream = group_[index];
    if (stream.diverted->rejected.empty()) continue;
    const sql::RejectedLoad load{.sync = std::string(cut_utf8(impl_.target.sync_name, 256)),
                                 .stream = stream.schema.stream,
                                 .load_id = load_,
                                 .run = run_,
                                 .rejected_at_ms = impl_.clock().wall_ms()};
    sql::InsertTexts statements =
        sql::insert_rejected(impl_.target.schema, load, stream.diverted->rejected);
    while (const std::optional<std::string> statement = statements.next()) {
      VESTO_TRY(impl_.exec_rows(*statement));
    }
  }
  return ok_status();
}

Status LoadRun::send_state(const std::string& sql, size_t moves) {
  VESTO_ASSIGN(const ExecResult done, send(sql));
  if (moves == 0 || done.tag == fmt::format("UPDATE {}", moves)) return ok_status();
  // The fence stands, yet the positions are not those that this run read from: what was kept
  // here is not of this state. Nothing that was planned with it may be committed.
  where_ = Where::kFenced;
  return Error(ErrorCode::kRunFenced, "the state has other rows than were kept here")
      .with_upstream({.system = "redshift", .code = "", .text = done.tag, .request_id = ""});
}

// Positions, then the blind INSERTs into the shared tables, last: they alone may have to wait for
// other syncs.
Status LoadRun::write_positions(const std::vector<size_t>& order,
                                const std::vector<StreamLoaded>& done) {
  const int64_t now_ms = impl_.clock().wall_ms();
  std::vector<const StreamLoad*> streams;
  for (const size_t index : order) streams.push_back(&group_[index]);
  VESTO_TRY(each_state_statement(
      impl_.state_name(), streams, {load_, impl_.target.installation, now_ms},
      [this](const std::string& sql, size_t moves) { return send_state(sql, moves); }));
  VESTO_TRY(write_rejected(order));
  for (size_t first = 0; first < order.size(); first += sql::kRowsPerInsert) {
    const size_t last = std::min(order.size(), first + sql::kRowsPerInsert);
    std::vector<sql::LoadsRow> rows;
    for (size_t i = first; i < last; ++i) {
      const StreamLoad& stream = group_[order[i]];
      rows.push_back({std::string(cut_utf8(impl_.target.sync_name, 256)), stream.schema.stream,
                      load_, run_, std::string(load_mode_name(stream.mode)), stream.rows_read,
                      done[i].rows_copied, done[i].rows_inserted, done[i].rows_updated,
                      done[i].rows_deleted, stream.diverted->rejected.size(), stream.bytes_staged,
                      stream.data_as_of_ms, stream.started_ms, now_ms});
    }
    VESTO_TRY(send(sql::insert_loads(impl_.target.schema, rows)));
  }
  return ok_status();
}

// All that comes before COMMIT. On an error where_ (and at_) say which part failed.
Status LoadRun::fill_transaction(const std::vector<size_t>& order,
                                 std::vector<StreamLoaded>* done) {
  where_ = Where::kElsewhere;
  step_ = 0;
  unchecked_.clear();
  counting_together_ = false;
  VESTO_TRY(take_fence());
  step_done();
  VESTO_TRY(impl_.set_timeout(kMergeTimeoutMs));
  where_ = Where::kStream;
  for (size_t i = 0; i < order.size(); ++i) {
    at_ = order[i];
    VESTO_ASSIGN(const StreamLoaded one, load_stream(group_[at_], i + 1));
    done->push_back(one);
    step_done();
  }
  VESTO_TRY(check_stages());
  where_ = Where::kElsewhere;
  VESTO_TRY(write_positions(order, *done));
  step_done();
  return ask_lease();
}

// Nobody is told of a wait any more once the step that was refused has gone through.
void LoadRun::step_done() {
  if (step_ >= refused_step_) resize_.over();
  ++step_;
}

// ok: committed. An error: certainly not committed, or RS-COMMIT-UNKNOWN.
Status LoadRun::commit() {
  const RecordedSession self{impl_.session_->backend_pid(), impl_.session_->backend_start(),
                             impl_.session_->where()};
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
  if (error.code() != ErrorCode::kRsTimeout) return error;
  // Not a stream's own fault, as a timeout would be elsewhere: the transaction is sent again.
  return Error(ErrorCode::kRsConnection,
               "the answer to COMMIT was lost, and it was not done: " + error.to_string())
      .with_upstream(error.upstream());
}

Status LoadRun::try_once(const std::vector<size_t>& order, std::vector<StreamLoaded>* done) {
  done->clear();
  where_ = Where::kElsewhere;
  // Names of staging tables are taken by an earlier transaction of the same session.
  if (impl_.has_stages_) impl_.drop_session();
  impl_.load_ = load_;
  VESTO_TRY(impl_.connect());
  std::vector<size_t> unknown;
  for (const size_t index : order) {
    const TargetName& name = group_[index].target;
    if (!impl_.asked_[{name.schema, name.table}]) unknown.push_back(index);
  }
  if (!unknown.empty()) VESTO_TRY(impl_.read_tables(group_, unknown));
  VESTO_TRY(impl_.set_timeout(lock_timeout_ms()));
  VESTO_TRY(fill_transaction(order, done));
  // COMMIT itself is not cut.
  if (impl_.context.stop.stop_requested()) return interrupted();
  VESTO_TRY(commit());
  VESTO_KILL_POINT("load.after_commit");
  return ok_status();
}

// Those that can be loaded at all, in the order of their names.
Result<std::vector<size_t>> LoadRun::fit_streams(LoadOutcome* out) {
  std::vector<size_t> order;
  for (size_t i = 0; i < group_.size(); ++i) {
    VESTO_TRY(check_staged(group_[i]));
    if (auto error = unfit(group_[i])) {
      out->failed.emplace_back(i, std::move(*error));
    } else {
      order.push_back(i);
    }
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return group_[a].schema.stream < group_[b].schema.stream;
  });
  return order;
}

void LoadRun::leave(size_t index, int pid, Error error, std::vector<size_t>* order,
                    LoadOutcome* out) {
  add_load_error(group_[index], pid, &error);
  error.in("table " + group_[index].schema.stream);
  std::erase(*order, index);
  out->failed.emplace_back(index, std::move(error));
}

// Nothing: the same transaction is to be sent again. Otherwise what ends it: that of the stream
// at_, if where_ says so and it is one that the others can do without.
std::optional<Error> LoadRun::after_failure(Error error) {
  // Not even a stop may hide this one.
  if (error.code() == ErrorCode::kRsCommitUnknown) return error;
  if (impl_.context.stop.stop_requested()) return interrupted();
  if (where_ == Where::kLock && after_lock_failure(error)) return std::nullopt;
  if (where_ == Where::kLock && error.code() == ErrorCode::kRsLock) return error;
  if (may_renew_keys(error)) return std::nullopt;
  if (impl_.met_silence(error)) return error;
  if (error.code() == ErrorCode::kRsResize && impl_.context.patience != nullptr) {
    refused_step_ = step_;
    if (!resize_.again(&error)) return error;
    log_warn("redshift: the load transaction is repeated after a wait for a resize",
             {{"load", load_.text}});
    return std::nullopt;
  }
  if (after_fault(error) == AfterFault::kRepeat &&
      backoff_.next(impl_.clock(), impl_.context.stop)) {
    log_warn("redshift: the load transaction is repeated",
             {{"load", load_.text},
              {"why", std::string(waits_for(error))},
              {"try", std::to_string(backoff_.attempt()) + " of " +
                          std::to_string(kTransactionRetry.attempts)},
              {"error", error.to_string()}});
    return std::nullopt;
  }
  if (impl_.context.stop.stop_requested()) return interrupted();
  // Which of the stages it was for is not known: each is counted by itself then.
  if (counting_together_ && after_fault(error) == AfterFault::kLeaveGroup) {
    stages_per_check_ = 1;
    log_warn("redshift: keys are counted table by table",
             {{"load", load_.text}, {"error", error.to_string()}});
    return std::nullopt;
  }
  return error;
}

bool LoadRun::may_renew_keys(const Error& error) {
  if (error.code() != ErrorCode::kRsCopyExpired || where_ != Where::kStream) return false;
  if (!keys_can_end_ || renewed_.size() >= kMaxRenewals) return false;
  if (!renewed_.insert(at_).second) return false;
  log_warn("redshift: COPY's keys ended while it ran, the load is repeated with new ones",
           {{"load", load_.text}, {"table", group_[at_].schema.stream}});
  return true;
}

Result<LoadOutcome> LoadRun::run() {
  LoadOutcome out;
  VESTO_ASSIGN(std::vector<size_t> order, fit_streams(&out));
  size_t leavers = 0;
  while (!order.empty()) {
    std::vector<StreamLoaded> done;
    Status status = try_once(order, &done);
    if (status.ok()) {
      out.committed = true;
      out.streams = std::move(done);
      out.loaded = std::move(order);
      return out;
    }
    const int pid = end_attempt();
    if (where_ == Where::kFenced) {
      out.fenced = true;
      return out;
    }
    std::optional<Error> error = after_failure(std::move(status).error());
    if (!error) continue;
    // A stream that meets a conflict again and again leaves, as one whose statement fails.
    const bool own = after_fault(*error) == AfterFault::kLeaveGroup ||
                     error->code() == ErrorCode::kRsSerializable;
    if (where_ != Where::kStream || !own || ++leavers > kMaxLeavers) return *std::move(error);
    const auto reached = std::find(order.begin(), order.end(), at_) - order.begin();
    leave(at_, pid, *std::move(error), &order, &out);
    if (leavers == kLeaversBeforeTrial) {
      VESTO_TRY(try_each_alone(static_cast<size_t>(reached), &order, &out));
    }
    backoff_ = Backoff(kTransactionRetry);
  }
  return out;
}

// True: try again. The error becomes RS-LOCK where the lock was waited for long enough.
bool LoadRun::after_lock_failure(Error& error) {
  if (error.upstream().code == "0A000" && !impl_.no_lock_) {
    // A datashare database refuses LOCK: compare-and-set alone protects, 1023 is repeated.
    impl_.no_lock_ = true;
    return true;
  }
  if (error.code() != ErrorCode::kRsTimeout && error.code() != ErrorCode::kRsLock) return false;
  impl_.end_left_sessions();
  if (++lock_waits_ < kMaxLockWaits) {
    // Stopped meanwhile: the next attempt says so.
    (void)lock_backoff_.next(impl_.clock(), impl_.context.stop);
    return true;
  }
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
