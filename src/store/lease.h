// Who holds a sync: which process, on which boot of which machine, and whether it still lives.
#ifndef VESTO_STORE_LEASE_H_
#define VESTO_STORE_LEASE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/sqlite.h"

namespace vesto::store {

// A process, so that no later one with the same number can be taken for it.
struct ProcessMark {
  std::string boot_id;        // /proc/sys/kernel/random/boot_id
  std::string pid_namespace;  // "pid:[4026531836]": numbers mean nothing in another one
  int64_t pid = 0;
  int64_t start_ticks = 0;  // since boot; field 22 of /proc/PID/stat; 0: cannot be read
};

struct LeaseRow {
  std::string run;
  int64_t token = 0;  // grows with each owner
  ProcessMark owner;
  int64_t renewed_boottime_ms = 0;
  int64_t ttl_ms = 0;
};

// This process.
ProcessMark own_process();
// Start of a process in ticks since boot; nothing if there is none, or only its dead shell is left
// (a zombie that nobody has waited for).
std::optional<int64_t> process_start_ticks(int64_t pid);

// Whether the owner still counts: same boot, its process lives (asked only within the same pid
// namespace), and renewed within its ttl.
bool lease_is_live(const LeaseRow& lease, const ProcessMark& self, int64_t now_boottime_ms);

Result<std::optional<LeaseRow>> read_lease(Database& db, std::string_view sync);

}  // namespace vesto::store

#endif  // VESTO_STORE_LEASE_H_
