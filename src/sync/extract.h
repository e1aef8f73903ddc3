// Extract and stage: N lanes on one snapshot. A lane is a thread; it reads a range, looks at every
// chunk with the guards, compresses it into its own part and hands full parts to its uploader. A
// part never mixes lanes or streams, so that (part, line) finds a row again.
#ifndef VESTO_SYNC_EXTRACT_H_
#define VESTO_SYNC_EXTRACT_H_

#include <map>
#include <optional>

#include "sync/deliver.h"
#include "sync/lease_keeper.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

struct ExtractResult {
  std::optional<Error> error;      // what ended the extraction as a whole
  std::map<size_t, Error> failed;  // streams that left, by index into RunPlan::tables
};

// Offers each stream to `deliverer` as soon as it is staged whole.
ExtractResult extract(RunContext& context, RunPlan& plan, LeaseKeeper& lease, Deliverer& deliverer);

// A StreamLoad of this table as it would be, for `sync plan --sql`.
StreamLoad example_load(const RunContext& context, const RunPlan& plan,
                        const PlannedTable& planned);

}  // namespace vesto

#endif  // VESTO_SYNC_EXTRACT_H_
