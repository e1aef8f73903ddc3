// What the destination holds as far as is known: from the local copy where that may be believed,
// else from the destination itself. What the destination says is kept for the next run.
#ifndef VESTO_SYNC_KNOWN_STATE_H_
#define VESTO_SYNC_KNOWN_STATE_H_

#include "base/result.h"
#include "redshift/load.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

// The fence and positions that a plan rests on: `base`, and where they are from the local copy also
// its `windows` and `copied_ms`, in the plan. `trust_copies`: the local copy may be asked.
// Positions of another source than the plan's say nothing. A dry run keeps nothing. Errors: those
// of the store and of RedshiftLoader::read_state().
Status find_known_state(RunContext& context, RedshiftLoader& loader, bool trust_copies,
                        RunPlan* plan);

}  // namespace vesto

#endif  // VESTO_SYNC_KNOWN_STATE_H_
