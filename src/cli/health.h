// How a sync is: derived from its runs. Pure.
#ifndef VESTO_CLI_HEALTH_H_
#define VESTO_CLI_HEALTH_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/summary.h"
#include "config/config.h"

namespace vesto::cli {

enum class Health {
  kNotStarted,   // no run has succeeded yet, and none has failed
  kNeedsAction,  // the last finished run failed, wholly or partly, and somebody must act
  kRetrying,     // it failed, and running again may help
  kHealthy,
};

struct TableAge {
  std::string name;
  int64_t data_as_of_ms = 0;  // 0: never delivered
};

struct SyncHealth {
  std::string name;
  Health health = Health::kNotStarted;
  std::optional<KeptRun> running;  // it holds the lease now
  bool ever_succeeded = false;
  size_t tables_total = 0;
  size_t tables_delivered = 0;  // committed at least once
  int64_t data_as_of_ms = 0;    // the oldest of the delivered tables; 0: none
  // When a run last looked at the warehouse: one with nothing new need not; 0: not known.
  int64_t warehouse_seen_ms = 0;
  std::vector<TableAge> tables;
  std::optional<KeptRun> last;  // the last run that ended by itself (not cancelled)
};

// runs: newest first. live_run: id of the run that holds the lease, "" if none. committed: streams
// with a position in the destination, as the store remembers them.
SyncHealth judge_sync(const SyncConfig& sync, const std::vector<RunRecord>& runs,
                      const std::string& live_run, const std::vector<StreamCopy>& committed);

std::string health_label(Health health);  // "needs action"
std::string health_name(Health health);   // "needs_action", for JSON
Shape health_shape(Health health);
// "idle", "running: load", "running: first load 1 of 2 tables", "waiting for the warehouse
// since 10:15:04Z: the cluster is being resumed".
std::string activity_text(const SyncHealth& sync);
// 0, 4 (somebody must act) or 5 (temporary).
int health_exit_code(const std::vector<SyncHealth>& syncs);
// "4 syncs: 3 healthy, 1 needs action".
std::string health_summary(const std::vector<SyncHealth>& syncs);

}  // namespace vesto::cli

#endif  // VESTO_CLI_HEALTH_H_
