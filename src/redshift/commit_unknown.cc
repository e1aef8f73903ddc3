// What became of a COMMIT whose answer was lost, and sessions that have to be ended.
#include <fmt/core.h>

#include "base/log.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"
#include "redshift/session_sql.h"

namespace vesto {

// Under LOCK, so that the old session has ended one way or the other: a plain read would race with
// a COMMIT that still stands in the server's queue.
Result<bool> RedshiftLoader::Impl::was_committed(const RecordedSession& lost, const LoadId& load) {
  const int64_t deadline_ms = clock().monotonic_ms() + kCommitSearchMs;
  Backoff backoff({1000, 500, 10'000});
  std::string last;
  while (clock().monotonic_ms() < deadline_ms) {
    std::optional<LoadId> found;
    const auto look = [&]() -> Status {
      VESTO_TRY(connect());
      if (context.record_session) {
        VESTO_TRY(context.record_session(session_->backend_pid(), session_->backend_start(), load));
      }
      VESTO_TRY(set_timeout(lock_timeout_ms()));
      VESTO_TRY(exec("BEGIN"));
      if (!no_lock_) VESTO_TRY(exec(sql::lock_table(state_name())));
      VESTO_ASSIGN(const ExecResult answer, exec(sql::select_fence(state_name())));
      if (answer.rows.size() != 1 || answer.rows[0].size() != 1 || !answer.rows[0][0]) {
        return Error(ErrorCode::kRsStateForeign, "the state table has no header row");
      }
      found = LoadId{*answer.rows[0][0]};
      return ok_status();
    };
    const Status done = look();
    roll_back();
    if (done.ok() && found) return *found == load;
    last = done.error().to_string();
    log_warn("redshift: looking for the outcome of COMMIT", {{"error", last}});
    const ErrorCode code = done.error().code();
    if (code == ErrorCode::kRsTimeout || code == ErrorCode::kRsLock) {
      const Status ended = end_session(lost);
      if (!ended.ok())
        log_warn("redshift: the lost session could not be ended",
                 {{"error", ended.error().to_string()}});
      continue;  // LOCK has waited for 60 s already
    }
    if (after_fault(done.error()) == AfterFault::kStop) break;
    if (!backoff.next(clock(), context.stop)) break;
  }
  return Error(ErrorCode::kRsCommitUnknown, "the connection was cut in COMMIT of load " +
                                                load.text +
                                                " and its outcome could not be read: " + last);
}

Status RedshiftLoader::Impl::end_session(const RecordedSession& which) {
  // Without its start the pid may be somebody else's by now.
  if (which.pid == 0 || which.since.empty()) return ok_status();
  VESTO_ASSIGN(const auto helper, context.connect());
  if (helper->backend_pid() == which.pid) return ok_status();
  Status last = ok_status();
  for (const std::string& query : session_sql::count_since(which.pid, which.since)) {
    if (context.keep_sql) context.keep_sql(query);
    auto answer = helper->exec(query);
    if (!answer.ok()) {
      // Serverless has no stv_sessions: the next view is asked.
      last = answer.error();
      continue;
    }
    const auto& rows = answer->rows;
    const bool is_there =
        rows.size() == 1 && rows[0].size() == 1 && rows[0][0].value_or("0") != "0";
    if (!is_there) return ok_status();
    log_warn("redshift: ending a session that was left", {{"pid", std::to_string(which.pid)}});
    VESTO_TRY(helper->exec(sql::terminate_backend(which.pid)));
    return ok_status();
  }
  return last;
}

bool RedshiftLoader::Impl::end_left_sessions() {
  std::vector<RecordedSession> left = context.dead_sessions;
  left.insert(left.end(), ours_.begin(), ours_.end());
  for (const RecordedSession& session : left) {
    const Status ended = end_session(session);
    if (!ended.ok()) {
      log_warn("redshift: a left session could not be ended",
               {{"pid", std::to_string(session.pid)}, {"error", ended.error().to_string()}});
    }
  }
  return !left.empty();
}

}  // namespace vesto
