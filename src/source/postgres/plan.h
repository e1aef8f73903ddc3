// From a request to a plan: which columns, as which types, read by which statements.
// Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_PLAN_H_
#define VESTO_SOURCE_POSTGRES_PLAN_H_

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "pg/connection.h"
#include "source/source.h"

namespace vesto {

// Transactions that were open at, or just before, the snapshot: what they write appears later.
struct OpenTransactions {
  // timestamptz; nothing: this user may not see it, or the server is a standby
  std::optional<std::string> oldest;
  // When the oldest prepared transaction was prepared; its begin is not known.
  std::optional<std::string> oldest_prepared;
  bool hidden = false;  // a session tells nothing of its transactions (track_activities is off)
  bool standby = false;
};

struct PlanContext {
  PgConnection* connection = nullptr;  // inside the snapshot's transaction
  std::string user;
  std::string null_marker;
  std::string oversize_marker;
  OpenTransactions open;
  int64_t timeline = 0;  // of the server's write-ahead log; 0: not known
  int64_t block_bytes = 8192;
  size_t max_row_bytes = kMaxRowBytes;
};

// Locks the table against ALTER and DROP (ACCESS SHARE) until the snapshot ends.
// Errors: those of SourceSnapshot::plan(). After one, the transaction is in a failed state: call
// it inside a savepoint.
Result<StreamPlan> plan_stream(const PlanContext& context, const StreamRequest& request);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_PLAN_H_
