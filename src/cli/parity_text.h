// The result of a comparison, for people and as JSON ("vesto.parity/1"). Pure; any thread.
#ifndef VESTO_CLI_PARITY_TEXT_H_
#define VESTO_CLI_PARITY_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sync/run.h"

namespace vesto::cli {

struct ParityReport {
  std::string sync;
  const RunOutcome* run = nullptr;
  std::vector<ParityResult> tables;  // after the repair, where there was one
  // --repair: the run that delivered the rows, if there were any.
  const RunOutcome* repair = nullptr;
  uint64_t repaired_keys = 0;
};

// 0 all equal; 6 differences, or tables that were not compared; the run's own code if that is not
// 0.
int parity_exit_code(const ParityReport& report);
// "equal", "different", "failed" (the run, or the repair).
std::string parity_state(const ParityReport& report);
std::string parity_json(const ParityReport& report);
std::string parity_text(const ParityReport& report);

}  // namespace vesto::cli

#endif  // VESTO_CLI_PARITY_TEXT_H_
