// RedshiftLoader's public face, and its session.
#include "redshift/load.h"

#include <algorithm>
#include <cstdlib>
#include <stop_token>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/strings.h"
#include "redshift/errors.h"
#include "redshift/loader_impl.h"
#include "redshift/sql_rows.h"

namespace vesto {

int64_t lock_timeout_ms() {
#if defined(VESTO_KILL_POINTS)
  if (const char* text = std::getenv("VESTO_TEST_LOCK_WAIT_MS")) {
    return parse_int(text).value_or(kLockTimeoutMs);
  }
#endif
  return kLockTimeoutMs;
}

std::string_view load_mode_name(LoadMode mode) {
  switch (mode) {
    case LoadMode::kUpsert:
      return "upsert";
    case LoadMode::kReplace:
      return "replace";
    case LoadMode::kAppend:
      return "append";
  }
  return "";
}

Error interrupted() { return Error(ErrorCode::kRunInterrupted, "the run was stopped"); }

RedshiftLoader::Impl::Impl(LoadTarget t, LoadContext c)
    : target(std::move(t)), context(std::move(c)) {
  if (context.clock == nullptr) context.clock = &system_clock();
}

int64_t RedshiftLoader::Impl::within_search(int64_t timeout_ms) const {
  if (search_ends_ms_ == 0) return timeout_ms;
  return std::min(timeout_ms, search_ends_ms_ - clock().monotonic_ms());
}

Result<std::unique_ptr<RedshiftSession>> RedshiftLoader::Impl::new_session() {
  if (context.stop.stop_requested()) return interrupted();
  const int64_t timeout_ms = within_search(kConnectTimeoutMs);
  if (timeout_ms <= 0) return Error(ErrorCode::kRsTimeout, "no time is left to connect");
  const int64_t from_ms = clock().monotonic_ms();
  auto session = context.connect(timeout_ms);
  // The warehouse was waited for: that is not the search's time, once.
  const int64_t took_ms = clock().monotonic_ms() - from_ms;
  if (took_ms > timeout_ms && search_ends_ms_ != 0 && !search_extended_) {
    search_ends_ms_ += took_ms;
    search_extended_ = true;
  }
  return session;
}

Status RedshiftLoader::Impl::connect() {
  if (session_ != nullptr) {
    const bool fresh = clock().monotonic_ms() - last_used_ms_ <= kMaxIdleMs;
    if (session_->usable() && !session_->in_transaction() && fresh) return tell(load_);
    drop_session();
  }
  const int64_t from_ms = clock().monotonic_ms();
  auto made = new_session();
  connecting_took_ms_ = clock().monotonic_ms() - from_ms;
  if (!made.ok()) return std::move(made).error();
  session_ = std::move(made).value();
  where_ = session_->where();
  timeout_set_ms_ = -1;
  has_stages_ = false;
  told_load_.reset();
  last_used_ms_ = clock().monotonic_ms();
  return tell(load_);
}

bool RedshiftLoader::Impl::met_silence(const Error& error) const {
  const bool unanswered =
      error.code() == ErrorCode::kNetTimeout || error.code() == ErrorCode::kSshConnect;
  return unanswered && session_ == nullptr && connecting_took_ms_ >= kSilenceMs;
}

Status RedshiftLoader::Impl::tell(const LoadId& load) {
  if (!context.record_session || told_load_ == load) return ok_status();
  std::vector<RecordedSession> sessions = ours_;
  sessions.push_back({session_->backend_pid(), session_->backend_start(), session_->where()});
  VESTO_TRY(context.record_session(sessions, load));
  told_load_ = load;
  return ok_status();
}

Result<ExecResult> RedshiftLoader::Impl::send(RedshiftSession& session, const std::string& sql,
                                              int64_t timeout_ms) {
  const int64_t bounded_ms = within_search(timeout_ms);
  if (bounded_ms <= 0) return Error(ErrorCode::kRsTimeout, "no time is left for a statement");
  if (sql == "COMMIT" || sql == "ROLLBACK") return session.exec(sql, bounded_ms);
  if (context.stop.stop_requested()) return interrupted();
  const std::stop_callback on_stop(context.stop, [&session] { session.cancel(); });
  auto answer = session.exec(sql, bounded_ms);
  if (!answer.ok() && context.stop.stop_requested()) return interrupted();
  return answer;
}

Result<ExecResult> RedshiftLoader::Impl::exec(const std::string& sql, int64_t timeout_ms) {
  return exec_as(sql, sql, timeout_ms);
}

Result<ExecResult> RedshiftLoader::Impl::exec_rows(const std::string& sql) {
  return exec_as(sql, sql::without_values(sql), 0);
}

Result<ExecResult> RedshiftLoader::Impl::exec_as(const std::string& sql, const std::string& kept,
                                                 int64_t timeout_ms) {
  if (session_ == nullptr) {
    return Error(ErrorCode::kRsConnection, "there is no connection to Redshift");
  }
  if (context.keep_sql) context.keep_sql(redact(kept));
  int64_t server_ms = timeout_set_ms_ > 0 ? timeout_set_ms_ : kDdlTimeoutMs;
  if (timeout_ms > 0) server_ms = std::min(server_ms, timeout_ms);
  auto answer =
      send(*session_, sql, sql == "COMMIT" ? kCommitTimeoutMs : server_ms + kAnswerGraceMs);
  last_used_ms_ = clock().monotonic_ms();
  return answer;
}

Result<Catalog> RedshiftLoader::Impl::read_catalog(std::string_view schema,
                                                   const std::vector<std::string>& tables) {
  if (session_ == nullptr) {
    return Error(ErrorCode::kRsConnection, "there is no connection to Redshift");
  }
  VESTO_ASSIGN(const ExecResult answer,
               send(*session_, catalog_sql(schema, tables), kDdlTimeoutMs + kAnswerGraceMs));
  last_used_ms_ = clock().monotonic_ms();
  return parse_catalog(answer);
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
    ours_.push_back({session_->backend_pid(), session_->backend_start(), session_->where()});
    if (ours_.size() > kMaxRemembered) ours_.erase(ours_.begin());
  }
  session_.reset();
}

bool RedshiftLoader::Impl::WriteWait::again(Error* error) {
  waits_ = true;
  const int64_t begun_ms = impl_.clock().monotonic_ms();
  Status waited = impl_.context.patience->wait(*error, begun_ms - waited_ms_);
  waited_ms_ += impl_.clock().monotonic_ms() - begun_ms;
  if (waited.ok()) return true;
  *error = std::move(waited).error();
  return false;
}

void RedshiftLoader::Impl::WriteWait::over() {
  if (std::exchange(waits_, false)) impl_.context.patience->over();
}

RedshiftLoader::Impl::WriteWait::~WriteWait() { over(); }

Status RedshiftLoader::Impl::repeat(int max_waits, const std::function<Status()>& work) {
  Backoff backoff(kTransactionRetry);
  Backoff lock_backoff(kLockRetry);
  WriteWait resize(*this);
  int lock_waits = 0;
  while (true) {
    Status done = connect();
    if (done.ok()) done = work();
    if (done.ok()) return done;
    roll_back();
    if (context.stop.stop_requested()) return interrupted();
    Error error = done.error();
    if (error.code() == ErrorCode::kRsResize && context.patience != nullptr) {
      if (resize.again(&error)) continue;
      return error;
    }
    const bool waited = error.code() == ErrorCode::kRsTimeout || error.code() == ErrorCode::kRsLock;
    if (waited) {
      // Somebody holds a lock: a session that a dead run left is ended, a living one waited for.
      if (++lock_waits >= max_waits) return done;
      end_left_sessions();
      if (!lock_backoff.next(clock(), context.stop)) return interrupted();
      continue;
    }
    if (met_silence(error)) return done;
    if (after_fault(error) != AfterFault::kRepeat || !backoff.next(clock(), context.stop)) {
      return done;
    }
    // The whole text comes with the last try; here one short line each.
    log_warn("redshift: tried again", {{"code", std::string(error.name())},
                                       {"why", std::string(waits_for(error))},
                                       {"try", std::to_string(backoff.attempt()) + " of " +
                                                   std::to_string(kTransactionRetry.attempts)}});
    log_info("redshift: tried again", {{"error", error.to_string()}});
  }
}

const CatalogTable* RedshiftLoader::Impl::find_table(const TargetName& name) const {
  const auto found = tables_.find({name.schema, name.table});
  return found == tables_.end() ? nullptr : &found->second;
}

RedshiftLoader::RedshiftLoader(LoadTarget target, LoadContext context)
    : impl_(std::make_unique<Impl>(std::move(target), std::move(context))) {}

RedshiftLoader::~RedshiftLoader() = default;

Status RedshiftLoader::reach() { return impl_->connect(); }

Result<DestinationState> RedshiftLoader::open_state() {
  VESTO_ASSIGN(auto state, impl_->open_state({}, false));
  VESTO_CHECK(state.has_value());
  return *std::move(state);
}

Result<std::optional<DestinationState>> RedshiftLoader::open_state_for(
    const std::vector<StreamLoad>& group, bool knows_fence) {
  return impl_->open_state(group, knows_fence);
}

Result<std::optional<DestinationState>> RedshiftLoader::read_state(
    const std::vector<std::string>& tables) {
  return impl_->read_state(tables);
}

Result<ExecResult> RedshiftLoader::look(const std::string& sql, int64_t limit_ms) {
  VESTO_TRY(impl_->set_timeout(limit_ms));
  auto answer = impl_->exec(sql, limit_ms);
  if (!answer.ok()) impl_->roll_back();
  return answer;
}

Result<std::vector<std::pair<size_t, Error>>> RedshiftLoader::prepare(
    const std::vector<StreamLoad>& group) {
  return impl_->prepare(group);
}

}  // namespace vesto
