// What `destination test`, `source test` and `doctor` have in common.
#ifndef VESTO_CLI_CHECK_RUN_H_
#define VESTO_CLI_CHECK_RUN_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "check/check.h"
#include "check/host_checks.h"
#include "check/redact_report.h"
#include "cli/commands.h"
#include "secret/files.h"

namespace vesto::cli {

// A destination or a source with its checks. What was handed in outlives it.
struct CheckTarget {
  std::string kind;  // "destination", "source", "host"
  std::string name;
  std::string heading;  // "Testing destination acme (...)"
  std::vector<Check> checks;
};

CheckTarget destination_target(const Context& context, const Config& config,
                               const DestinationConfig& destination, const SealedStore& secrets,
                               const std::stop_token& stop, check::StoreLook* store = nullptr);
CheckTarget source_target(const Config& config, const SourceConfig& source,
                          const SealedStore& secrets, const std::stop_token& stop);

// --wait, or `otherwise`. Errors: USAGE.
Result<int64_t> wait_of(const Options& options, int64_t otherwise_ms);

// One test of this destination at a time: what lies there of an earlier one was then left by a test
// that was killed. Another test is waited for, `wait_ms` at most. Makes the data directory. Errors:
// RUN-BUSY, SYS-STORE, SYS-DISK.
Result<secret::File> lock_test(const Context& context, const std::string& destination,
                               int wait_ms = secret::kLockTimeoutMs);

struct TargetRun {
  int64_t wait_ms = 0;
  std::stop_token stop = {};
  bool live = false;                   // what has finished is printed as it finishes
  ReportRedactor* redactor = nullptr;  // of --redact: what is printed and returned has no names
};
// For --redact, with what the command line and `config` name; else nothing.
std::optional<ReportRedactor> redactor_of(const Context& context, const Config& config);
// Its checks are gone before the report is handed on, and with them all that they hold open: the
// sessions, the store, a source's snapshot with its locks. Nobody waits with them for a reader of
// the report, nor for the next target.
CheckReport run_target(const Context& context, CheckTarget target, const TargetRun& run);

// Names the checks and nothing else.
int list_checks(const Context& context, const std::vector<Check>& checks);

}  // namespace vesto::cli

#endif  // VESTO_CLI_CHECK_RUN_H_
