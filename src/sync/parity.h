// Compares what the source has with what the warehouse holds, at one moment: right after a run's
// loads have committed, on the run's own snapshot of the source and under its lease, so that what
// it finds is a difference and not merely newer.
//
// For each table: counts, sums of columns and hashes of keys and rows by one statement a side
// (schema/sums.h); then, where these differ or a column has no canonical text, values one by one
// (parity_rows.h).
#ifndef VESTO_SYNC_PARITY_H_
#define VESTO_SYNC_PARITY_H_

#include <vector>

#include "sync/parity_result.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

// `tables`: what the run has made of them; those that failed are not compared. Errors of one table
// are in its result; after one that would meet every table the others carry it too.
std::vector<ParityResult> compare_run(RunContext& context, const RunPlan& plan,
                                      const std::vector<TableResult>& tables);

}  // namespace vesto

#endif  // VESTO_SYNC_PARITY_H_
