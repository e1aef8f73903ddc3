// The configuration, its secrets and this machine as checks: for `doctor`, and the first ones of
// every destination and source.
// Thread rule: as run_checks(). Nothing here dials.
#ifndef VESTO_CHECK_HOST_CHECKS_H_
#define VESTO_CHECK_HOST_CHECKS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "check/check.h"
#include "config/config.h"

namespace vesto {

// Everything outlives the checks.
struct HostUnderTest {
  const LoadedConfig* loaded = nullptr;  // with its issues: they are what config.valid tells
  const SealedStore* secrets = nullptr;
  std::string data_dir;
};

// What of the configuration needs the policies of AWS to be judged.
std::vector<ConfigIssue> policy_issues(const Config& config);

// config.valid, secret.readable, host.disk, host.store.
std::vector<Check> host_checks(const HostUnderTest& target);

namespace check {

// A journal entry, its log and a page or two; below it nothing can be written down.
inline constexpr uint64_t kLeastFreeBytes = uint64_t{4} << 20;
inline constexpr uint64_t kLowFreeBytes = uint64_t{1} << 30;

// The parts of a configuration that one destination or source stands on, for secrets_answer().
Config part_of(const Config& config, const DestinationConfig& destination);
Config part_of(const Config& config, const SourceConfig& source);

// Failed with the first of `issues`, which are not empty; the others are evidence.
CheckAnswer issues_answer(const std::vector<ConfigIssue>& issues);
// Opens every secret and file that `part` names. Evidence: names, never values.
CheckAnswer secrets_answer(const Config& part, const SealedStore& secrets);
// `total_bytes` of the disk of the data directory `dir`.
CheckAnswer disk_answer(uint64_t free_bytes, uint64_t total_bytes, const std::string& dir);
CheckAnswer store_answer(const std::string& data_dir);

}  // namespace check

}  // namespace vesto

#endif  // VESTO_CHECK_HOST_CHECKS_H_
