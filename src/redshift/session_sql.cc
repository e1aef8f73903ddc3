#include "redshift/session_sql.h"

#include <fmt/core.h>

#include "base/log.h"
#include "redshift/sql.h"

namespace vesto::session_sql {

std::string backend_pid() { return "SELECT pg_backend_pid()"; }

std::array<std::string, 2> start_of(int pid) {
  return {fmt::format("SELECT MAX(starttime) FROM stv_sessions WHERE process = {}", pid),
          fmt::format("SELECT MAX(start_time) FROM sys_session_history WHERE session_id = {} AND "
                      "end_time IS NULL",
                      pid)};
}

std::string server_time() { return "SELECT SYSDATE"; }

// SYSDATE is in the session's time zone, which a user's settings may have moved.
std::string pid_and_time() {
  return "SELECT pg_backend_pid(), CAST(SYSDATE AS TIMESTAMPTZ) AT TIME ZONE 'UTC'";
}

std::array<std::string, 2> count_since(int pid, std::string_view since) {
  return {fmt::format("SELECT COUNT(*) FROM stv_sessions WHERE process = {} AND starttime <= {}",
                      pid, sql::literal(since)),
          fmt::format("SELECT COUNT(*) FROM sys_session_history WHERE session_id = {} AND "
                      "start_time <= {} AND end_time IS NULL",
                      pid, sql::literal(since))};
}

}  // namespace vesto::session_sql

namespace vesto {

Status end_session_by(const RedshiftSession& helper, const RecordedSession& which,
                      const SendStatement& send) {
  // Without its start the pid may be somebody else's by now; on another warehouse it always is.
  const bool known = which.pid != 0 && !which.since.empty() && helper.where() == which.where;
  if (!known || helper.backend_pid() == which.pid) return ok_status();
  Status last = ok_status();
  for (const std::string& query : session_sql::count_since(which.pid, which.since)) {
    auto answer = send(query);
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
    VESTO_TRY(send(sql::terminate_backend(which.pid)));
    return ok_status();
  }
  return last;
}

}  // namespace vesto
