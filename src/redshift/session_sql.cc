#include "redshift/session_sql.h"

#include <fmt/core.h>

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
