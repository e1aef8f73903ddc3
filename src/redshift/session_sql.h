// Queries about sessions. STV_SESSIONS exists on provisioned clusters, SYS_SESSION_HISTORY
// everywhere (Redshift Developer Guide): asked in this order. Pure; any thread.
#ifndef VESTO_REDSHIFT_SESSION_SQL_H_
#define VESTO_REDSHIFT_SESSION_SQL_H_

#include <array>
#include <functional>
#include <string>
#include <string_view>

#include "redshift/recorded_session.h"
#include "redshift/session.h"

namespace vesto::session_sql {

std::string backend_pid();
// The start of the living session with this pid, as text: one row, or NULL in it.
std::array<std::string, 2> start_of(int pid);
// The server's clock, where no view tells: a session began no later than this.
std::string server_time();
// The pid and the server's time (UTC), as start_of() prints one: whoever has this pid and began no
// later is this session. Redshift answers it on its leader, without a table.
std::string pid_and_time();
// 1 if the session with this pid lives and began no later than `since`, else 0.
std::array<std::string, 2> count_since(int pid, std::string_view since);

}  // namespace vesto::session_sql

namespace vesto {

// Ends `which` by `helper`, another session of the same user, unless it has ended: nothing is sent
// for one whose start is not known or that is not of the helper's warehouse and user. `send`: one
// statement by the helper. Errors: its last.
using SendStatement = std::function<Result<ExecResult>(const std::string& sql)>;
Status end_session_by(const RedshiftSession& helper, const RecordedSession& which,
                      const SendStatement& send);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_SESSION_SQL_H_
