// RedshiftLoader's public face, and its session.
#include "redshift/load.h"

#include <cstdlib>

#include "base/log.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"

namespace vesto {

int64_t lock_timeout_ms() {
#if defined(VESTO_KILL_POINTS)
  if (const char* text = std::getenv("VESTO_TEST_LOCK_WAIT_MS")) {
    return parse_int(text).value_or(kLockTimeoutMs);
  }
#endif
  return kLockTimeoutMs;
}

Error interrupted() { return Error(ErrorCode::kRunInterrupted, "the run was stopped"); }

RedshiftLoader::Impl::Impl(LoadTarget t, LoadContext c)
    : target(std::move(t)), context(std::move(c)) {
  if (context.clock == nullptr) context.clock = &system_clock();
}

Status RedshiftLoader::Impl::connect() {
  if (session_ != nullptr) {
    const bool fresh = clock().monotonic_ms() - last_used_ms_ <= kMaxIdleMs;
    if (session_->usable() && !session_->in_transaction() && fresh) return ok_status();
    drop_session();
  }
  if (context.stop.stop_requested()) return interrupted();
  VESTO_ASSIGN(session_, context.connect());
  timeout_set_ms_ = -1;
  has_stages_ = false;
  last_used_ms_ = clock().monotonic_ms();
  return ok_status();
}

Result<ExecResult> RedshiftLoader::Impl::exec(const std::string& sql) {
  if (session_ == nullptr) {
    return Error(ErrorCode::kRsConnection, "there is no connection to Redshift");
  }
  if (context.keep_sql) context.keep_sql(redact(sql));
  auto answer = session_->exec(sql);
  last_used_ms_ = clock().monotonic_ms();
  return answer;
}

Status RedshiftLoader::Impl::set_timeout(int64_t timeout_ms) {
  if (timeout_set_ms_ == timeout_ms) return ok_status();
  timeout_set_ms_ = -1;
  VESTO_TRY(exec(sql::set_statement_timeout(timeout_ms)));
  timeout_set_ms_ = timeout_ms;
  return ok_status();
}

void RedshiftLoader::Impl::roll_back() {
  if (session_ == nullptr) return;
  // SET is undone with its transaction.
  timeout_set_ms_ = -1;
  if (session_->usable() && session_->in_transaction() && !exec("ROLLBACK").ok()) drop_session();
  if (session_ != nullptr && !session_->usable()) drop_session();
}

void RedshiftLoader::Impl::drop_session() {
  if (session_ == nullptr) return;
  // A lost connection: the server may go on with what it was doing, and hold its locks.
  if (!session_->usable() || session_->in_transaction()) {
    ours_.push_back({session_->backend_pid(), session_->backend_start()});
  }
  session_.reset();
}

Status RedshiftLoader::Impl::repeat(int max_waits, const std::function<Status()>& work) {
  Backoff backoff(kTransactionRetry);
  int lock_waits = 0;
  while (true) {
    Status done = connect();
    if (done.ok()) done = work();
    if (done.ok()) return done;
    roll_back();
    if (context.stop.stop_requested()) return interrupted();
    const Error& error = done.error();
    const bool waited = error.code() == ErrorCode::kRsTimeout || error.code() == ErrorCode::kRsLock;
    if (waited) {
      // Somebody holds a lock: a session that a dead run left is ended, a living one waited for.
      if (++lock_waits >= max_waits) return done;
      end_left_sessions();
      continue;
    }
    if (after_fault(error) != AfterFault::kRepeat || !backoff.next(clock(), context.stop)) {
      return done;
    }
    log_warn("redshift: repeated",
             {{"error", error.to_string()}, {"attempt", std::to_string(backoff.attempt())}});
  }
}

const CatalogTable* RedshiftLoader::Impl::find_table(const TargetName& name) const {
  const auto found = tables_.find({name.schema, name.table});
  return found == tables_.end() ? nullptr : &found->second;
}

RedshiftLoader::RedshiftLoader(LoadTarget target, LoadContext context)
    : impl_(std::make_unique<Impl>(std::move(target), std::move(context))) {}

RedshiftLoader::~RedshiftLoader() = default;

Result<DestinationState> RedshiftLoader::open_state() { return impl_->open_state(); }

Result<std::optional<DestinationState>> RedshiftLoader::read_state() { return impl_->read_state(); }

Result<std::vector<std::pair<size_t, Error>>> RedshiftLoader::prepare(
    const std::vector<StreamLoad>& group) {
  return impl_->prepare(group);
}

Status RedshiftLoader::end_session(int pid, const std::string& since) {
  return impl_->end_session({pid, since});
}

}  // namespace vesto
