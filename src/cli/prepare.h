// What the commands that run a sync have in common (cmd_run.cc).
#ifndef VESTO_CLI_PREPARE_H_
#define VESTO_CLI_PREPARE_H_

#include <cstdint>
#include <memory>
#include <stop_token>

#include "cli/commands.h"
#include "cli/display.h"
#include "sync/assemble.h"

namespace vesto::cli {

// Everything that a run and a plan need, in the order in which it is taken down last.
struct Prepared {
  Config config;
  std::unique_ptr<Store> store;
  AssembledSync sync;
};

// Errors: CFG-NO-OBJECT for the sync or a table of --table; those of the secrets and the store.
Result<std::unique_ptr<Prepared>> prepare(const Context& context, Config config,
                                          const std::stop_token& stop);
// limits.memory_mib without what the process takes in any case.
uint64_t budget_bytes(const Config& config);
DisplayMode display_mode(const Context& context);
// Prints how the run ended; its exit code.
int report_end(const Context& context, const RunOutcome& outcome);

}  // namespace vesto::cli

#endif  // VESTO_CLI_PREPARE_H_
