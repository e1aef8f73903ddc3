// The last step: removes what this run has staged, and what dead runs of the same sync have left.
#ifndef VESTO_SYNC_CLEAN_UP_H_
#define VESTO_SYNC_CLEAN_UP_H_

#include "stage/object_keys.h"
#include "sync/lease_keeper.h"
#include "sync/run_context.h"

namespace vesto {

// True: nothing of this run is left. False: the next run takes it up (a warning says so); data is
// never at stake here. Touches nothing once the lease is lost: then the successor cleans up.
bool clean_up(RunContext& context, LeaseKeeper& lease);

// Where this run puts its objects.
StageSpace stage_space(const RunContext& context);

}  // namespace vesto

#endif  // VESTO_SYNC_CLEAN_UP_H_
