// The checks of one destination, for `destination test` and the end of `destination add`.
// Thread rule: one thread; handles SIGINT and SIGTERM while it runs.
#ifndef VESTO_CLI_DESTINATION_TEST_H_
#define VESTO_CLI_DESTINATION_TEST_H_

#include "check/check.h"
#include "cli/commands.h"

namespace vesto::cli {

struct TestedDestination {
  CheckReport report;
  int signal = 0;  // that ended it; 0: none
};

// Runs the checks of --only (all without it), for --wait; without --json they are shown as they
// finish. Errors: USAGE, RUN-BUSY (another test runs), those of the store and of secrets.
Result<TestedDestination> test_destination(const Context& context, const Config& config,
                                           const DestinationConfig& destination);
int exit_code_of(const Context& context, const TestedDestination& tested);
// The counts, and whether it is ready.
std::string verdict_text(const Context& context, const CheckReport& report);

}  // namespace vesto::cli

#endif  // VESTO_CLI_DESTINATION_TEST_H_
