// What the destination holds as far as is known: from the local copy where that may be believed,
// else from the destination itself. What the destination says is kept for the next run.
#ifndef VESTO_SYNC_KNOWN_STATE_H_
#define VESTO_SYNC_KNOWN_STATE_H_

#include <map>
#include <string>

#include "base/result.h"
#include "redshift/load.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

// The fence and positions that a plan rests on. `source_id`: positions of another source say
// nothing. `trust_copies`: the local copy may be asked; `from_copies` says whether it answered, and
// `windows` are then those that it has. A dry run keeps nothing. Errors: those of the store and of
// RedshiftLoader::read_state().
Result<DestinationState> known_state(RunContext& context, RedshiftLoader& loader,
                                     const std::string& source_id, bool trust_copies,
                                     std::map<std::string, RunPlan::Window>* windows,
                                     bool* from_copies);

}  // namespace vesto

#endif  // VESTO_SYNC_KNOWN_STATE_H_
