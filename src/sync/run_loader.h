// What the loader of a run, or of a plan, works with: names, how the warehouse is reached and
// waited for, and whom it tells.
#ifndef VESTO_SYNC_RUN_LOADER_H_
#define VESTO_SYNC_RUN_LOADER_H_

#include <cstdint>
#include <string>

#include "redshift/load.h"
#include "source/source.h"
#include "sync/lease_keeper.h"
#include "sync/run_context.h"

namespace vesto {

// `region`: the bucket's, as it is used.
LoadTarget load_target(const RunContext& context, const SourceIdentity& source,
                       const std::string& region);

// Once be_patient() was called and the dead runs are known. What the loader says goes into the
// run's record, its report and the store. `context` and `lease` must outlive it; nullptr: no lease
// is held (a plan).
LoadContext load_context(RunContext& context, LeaseKeeper* lease);

// From here on the run waits for its warehouse, `limit_ms` at most each time. Who asks for the
// run's state meanwhile reads that it waits, for what and since when.
void be_patient(RunContext* context, int64_t limit_ms);

}  // namespace vesto

#endif  // VESTO_SYNC_RUN_LOADER_H_
