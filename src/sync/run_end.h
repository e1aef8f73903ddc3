// How a run has ended: what its attempts came to as a state, an exit code and a record.
#ifndef VESTO_SYNC_RUN_END_H_
#define VESTO_SYNC_RUN_END_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "base/result.h"
#include "sync/lease_keeper.h"
#include "sync/run_context.h"

namespace vesto {

// What one attempt came to, from the plan to the last load; of the last one, with the tables that
// earlier ones had committed.
struct Attempt {
  bool plan_again = false;
  std::optional<Error> error;
  std::vector<TableResult> tables;
  int64_t data_as_of_ms = 0;
  int64_t copied_ms = 0;  // RunPlan
  int64_t staged_at_ms = 0;
  int64_t staged_cpu_ms = 0;
  std::vector<ParityResult> parity;
};

// The tables, the error and the state of the outcome, with the exit code that follows from them.
// lease: nullptr where none was taken.
void judge(const RunContext& context, const LeaseKeeper* lease, Attempt attempt,
           RunOutcome* outcome);

// Writes the end of the run to the store; where that fails, an outcome without an error gets this
// one. `cleaned`: clean_up() has left nothing.
void finish(RunContext& context, RunOutcome* outcome, bool cleaned);

}  // namespace vesto

#endif  // VESTO_SYNC_RUN_END_H_
