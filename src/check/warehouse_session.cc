// The session that the checks of a warehouse share.
#include "base/error_causes.h"
#include "check/destination_state.h"

namespace vesto::check {

Status log_in_again(State& state, const CheckLimits& limits) {
  if (state.session->usable() || state.in_transaction) return ok_status();
  if (++state.logins > kMaxLogins) return ok_status();  // the statement says how it stands
  // Temporary tables are gone with the session; no check leaves one to another.
  auto session = state.to.connector()(limits.limit_ms);
  if (!session.ok()) return std::move(session).error();
  state.session = std::move(session).value();
  return ok_status();
}

Result<ExecResult> ask(State& state, const std::string& sql, const CheckLimits& limits) {
  // Who is logged in has a way: that a statement takes its time is the warehouse's matter, not the
  // network's. Where somebody stopped the test, the engine says so.
  const Error stopped =
      Error(ErrorCode::kRsTimeout, "the time of the check was over before its statements were")
          .because(cause_named("statement-unanswered"));
  if (limits.stop.stop_requested()) return stopped;
  VESTO_TRY(log_in_again(state, limits));
  const std::stop_callback on_stop(limits.stop, [&state] { state.session->cancel(); });
  auto done = state.session->exec(sql, limits.limit_ms);
  // That the connection was cut for it is nobody's fault.
  if (!done.ok() && limits.stop.stop_requested()) return stopped;
  return done;
}

}  // namespace vesto::check
