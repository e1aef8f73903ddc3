// What `sync plan` says: the plan of a run, compared with what stands in the destination.
#ifndef VESTO_SYNC_DESCRIBE_PLAN_H_
#define VESTO_SYNC_DESCRIBE_PLAN_H_

#include "base/result.h"
#include "redshift/load.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

// Asks the destination's catalogue; changes nothing. Blocks its caller. Errors: those of a
// connection that cannot be had or was lost; what a run would fail for is in the plan.
Result<SyncPlan> describe_plan(RunContext& context, const RunPlan& plan, RedshiftLoader& loader,
                               bool with_sql);

}  // namespace vesto

#endif  // VESTO_SYNC_DESCRIBE_PLAN_H_
