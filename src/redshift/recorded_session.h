// Sessions of the warehouse that a run has told its successors of, so that they can end what a dead
// run left there. Kept as text in the run's record.
// Pure functions; any thread.
#ifndef VESTO_REDSHIFT_RECORDED_SESSION_H_
#define VESTO_REDSHIFT_RECORDED_SESSION_H_

#include <string>
#include <string_view>
#include <vector>

namespace vesto {

struct RecordedSession {
  int pid = 0;
  std::string since;  // when it began, as the warehouse prints it
  std::string where;  // RedshiftSession::where(): on another warehouse the pid is somebody else's
};

// [{"pid":7,"since":"2026-11-22 00:00:00","where":"u@h:5439/d"}]
std::string write_sessions(const std::vector<RecordedSession>& sessions);
// What write_sessions() wrote. Texts of any other form, and entries without pid, start or place,
// give nothing: such a session is never ended.
std::vector<RecordedSession> read_sessions(std::string_view text);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_RECORDED_SESSION_H_
