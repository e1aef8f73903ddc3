// Takes staged objects away again: after a load, and what a dead run left behind. Every key passes
// check_own_key() first; a key of another installation is never deleted.
// Thread rule: pure functions over a journal and an S3 client; the client belongs to the caller.
#ifndef VESTO_STAGE_CLEAN_UP_H_
#define VESTO_STAGE_CLEAN_UP_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <vector>

#include "aws/s3.h"
#include "base/result.h"
#include "stage/journal.h"
#include "stage/object_keys.h"
#include "stage/stager.h"

namespace vesto {

struct CleanedUp {
  uint64_t deleted = 0;  // that the journal knew; one that is gone already counts
  uint64_t orphans = 0;  // found by listing alone
  // Journalled in another bucket than the space's (the configuration was changed): left alone, and
  // still in the journal.
  uint64_t elsewhere = 0;
  // Listed under the run's root, but not of the form that Vesto gives its keys (a folder marker of
  // a console, somebody's own file): left alone.
  uint64_t foreign = 0;
};

// Deletes what the journal holds of space.run, in requests of up to 1,000 keys, and then forgets
// it. `still_ours` is asked before each delete (empty: yes).
// Errors: those of S3 and of the journal, RUN-LEASE-LOST; INT-BUG for a key of somebody else.
Result<CleanedUp> remove_run_objects(Journal& journal, S3& s3, const StageSpace& space,
                                     const StillOurs& still_ours, const std::stop_token& stop);

// For a run that holds no live lease: remove_run_objects(), and then whatever is listed under the
// run's own root. A PUT that was in flight when the process died may land after this: call it once
// more an hour later.
Result<CleanedUp> sweep_run(Journal& journal, S3& s3, const StageSpace& space,
                            const StillOurs& still_ours, const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_STAGE_CLEAN_UP_H_
