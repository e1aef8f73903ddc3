// What became of a COMMIT whose answer was lost, and sessions that have to be ended.
#include <algorithm>

#include "base/log.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"
#include "redshift/session_sql.h"

namespace vesto {

// Under LOCK, so that the old session has ended one way or the other: a plain read would race with
// a COMMIT that still stands in the server's queue.
Result<LoadId> RedshiftLoader::Impl::fence_under_lock() {
  VESTO_TRY(connect());
  VESTO_TRY(set_timeout(lock_timeout_ms()));
  VESTO_TRY(exec("BEGIN"));
  if (!no_lock_) VESTO_TRY(exec(sql::lock_table(state_name())));
  VESTO_ASSIGN(const ExecResult answer, exec(sql::select_fence(state_name())));
  if (answer.rows.size() != 1 || answer.rows[0].size() != 1 || !answer.rows[0][0]) {
    return Error(ErrorCode::kRsStateForeign, "the state table has no header row");
  }
  return LoadId{*answer.rows[0][0]};
}

Result<bool> RedshiftLoader::Impl::was_committed(const RecordedSession& lost, const LoadId& load) {
  search_ends_ms_ = clock().monotonic_ms() + kCommitSearchMs;
  search_extended_ = false;
  if (context.patience != nullptr) context.patience->searching(kCommitSearchMs);
  Result<bool> found = search_commit(lost, load);
  search_ends_ms_ = 0;
  if (context.patience != nullptr) context.patience->searched();
  return found;
}

Result<bool> RedshiftLoader::Impl::search_commit(const RecordedSession& lost, const LoadId& load) {
  constexpr int64_t kFirstWaitMs = 500;
  constexpr int64_t kLongestWaitMs = 10'000;
  std::string last;
  for (int64_t wait_ms = kFirstWaitMs;; wait_ms = std::min(2 * wait_ms, kLongestWaitMs)) {
    const Result<LoadId> fence = fence_under_lock();
    roll_back();
    if (fence.ok()) return *fence == load;
    const Error& error = fence.error();
    last = error.to_string();
    log_warn("redshift: looking for the outcome of COMMIT", {{"error", last}});
    if (error.code() == ErrorCode::kRsTimeout || error.code() == ErrorCode::kRsLock) {
      const Status ended = end_session(lost);
      if (!ended.ok()) {
        log_warn("redshift: the lost session could not be ended",
                 {{"error", ended.error().to_string()}});
      }
    } else if (after_fault(error) == AfterFault::kStop) {
      break;
    }
    // Also after a wait for the lock: NOWAIT-like refusals come at once.
    const int64_t left_ms = within_search(wait_ms);
    if (left_ms <= 0 || !clock().sleep_ms(left_ms, context.stop)) break;
  }
  return Error(ErrorCode::kRsCommitUnknown, "the connection was cut in COMMIT of load " +
                                                load.text +
                                                " and its outcome could not be read: " + last);
}

Status RedshiftLoader::Impl::end_session(const RecordedSession& which) {
  // Without its start the pid may be somebody else's by now; on another warehouse it always is.
  if (which.pid == 0 || which.since.empty() || which.where != where_) return ok_status();
  VESTO_ASSIGN(const auto helper, new_session());
  return end_session_by(*helper, which, [&](const std::string& query) {
    if (context.keep_sql) context.keep_sql(query);
    return send(*helper, query, kAnswerGraceMs);
  });
}

void RedshiftLoader::Impl::end_left_sessions() {
  std::vector<RecordedSession> left = context.dead_sessions;
  left.insert(left.end(), ours_.begin(), ours_.end());
  for (const RecordedSession& session : left) {
    const Status ended = end_session(session);
    if (!ended.ok()) {
      log_warn("redshift: a left session could not be ended",
               {{"pid", std::to_string(session.pid)}, {"error", ended.error().to_string()}});
    }
  }
}

}  // namespace vesto
