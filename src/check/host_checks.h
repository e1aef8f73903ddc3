// The configuration, its secrets and this machine as checks: for `doctor`, and the first ones of
// every destination and source.
// Thread rule: as run_checks(). Nothing here dials.
#ifndef VESTO_CHECK_HOST_CHECKS_H_
#define VESTO_CHECK_HOST_CHECKS_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "check/check.h"
#include "config/config.h"
#include "store/health.h"

namespace vesto {

namespace check {
class StoreLook;
}

// Everything outlives the checks.
struct HostUnderTest {
  const LoadedConfig* loaded = nullptr;  // with its issues: they are what config.valid tells
  const SealedStore* secrets = nullptr;
  std::string data_dir;
  check::StoreLook* store = nullptr;  // optional: shared with the destinations
};

// What of the configuration needs the policies of AWS to be judged.
std::vector<ConfigIssue> policy_issues(const Config& config);

// config.valid, secret.readable, host.disk, host.store.
std::vector<Check> host_checks(const HostUnderTest& target);

// host.lock, of a destination in `doctor`: it passed. `destination test` ends where another one
// runs.
Check lock_check();

namespace check {

// A journal entry, its log and a page or two; below it nothing can be written down.
inline constexpr uint64_t kLeastFreeBytes = uint64_t{4} << 20;
inline constexpr uint64_t kLowFreeBytes = uint64_t{1} << 30;

// The parts of a configuration that one destination or source stands on, for secrets_answer().
Config part_of(const Config& config, const DestinationConfig& destination);
Config part_of(const Config& config, const SourceConfig& source);

// Failed with the first of `issues`, which are not empty; the others are evidence.
CheckAnswer issues_answer(const std::vector<ConfigIssue>& issues);
// Opens every secret and file that `part` names; a warning of files that everybody may read.
// Evidence: names, never values.
CheckAnswer secrets_answer(const Config& part, const SealedStore& secrets);
// `total_bytes` of the disk of the data directory `dir`.
CheckAnswer disk_answer(uint64_t free_bytes, uint64_t total_bytes, const std::string& dir);
// The store of a data directory, which all targets of a doctor share: one look at it is enough.
class StoreLook {
 public:
  // Again until there is something to look at, or where it could not be looked at.
  Result<StoreHealth> ask(const std::string& data_dir, const std::stop_token& stop);

 private:
  std::optional<StoreHealth> seen_;
};
// `look`: nullptr: one of its own.
CheckAnswer store_answer(const std::string& data_dir, const CheckLimits& limits,
                         StoreLook* look = nullptr);

}  // namespace check

}  // namespace vesto

#endif  // VESTO_CHECK_HOST_CHECKS_H_
