#include "sync/clean_up.h"

#include "base/log.h"
#include "stage/clean_up.h"

namespace vesto {

namespace {

// A PUT that was in flight when a process died may land after its objects were deleted.
constexpr int64_t kSweepAgainMs = 3600 * 1000;

// Sweeps one dead run if it is due, and notes it.
Status sweep_dead(RunContext& context, S3& s3, const StillOurs& still_ours, RunRecord run) {
  const int64_t now_ms = context.now_ms();
  if (run.swept == 1 && now_ms - run.ended_ms < kSweepAgainMs) return ok_status();
  StageSpace space = stage_space(context);
  space.run = run.id;
  VESTO_ASSIGN(const CleanedUp swept,
               sweep_run(*context.services.store, s3, space, still_ours, {}));
  log_info("swept", {{"run", run.id.text},
                     {"deleted", std::to_string(swept.deleted)},
                     {"orphans", std::to_string(swept.orphans)}});
  if (run.ended_ms == 0) {
    run.ended_ms = now_ms;
    run.state = "failed";
    run.exit_code = 1;
  }
  ++run.swept;
  return context.services.store->put_run(run);
}

Status clean_up_all(RunContext& context, LeaseKeeper& lease, S3& s3) {
  const StillOurs still_ours = [&lease] { return lease.still_ours(); };
  // Not the run's own stop token: a run that was interrupted still tidies up. Each request has its
  // time limit, and a second signal ends the process.
  VESTO_TRY(remove_run_objects(*context.services.store, s3, stage_space(context), std::nullopt,
                               still_ours, {}));
  for (const RunRecord& run : context.dead_runs) {
    VESTO_TRY(sweep_dead(context, s3, still_ours, run));
  }
  return ok_status();
}

}  // namespace

StageSpace stage_space(const RunContext& context) {
  return {.bucket = context.spec.bucket,
          .prefix = context.spec.prefix,
          .installation = context.installation,
          .sync = context.sync,
          .run = context.run};
}

bool clean_up(RunContext& context, LeaseKeeper& lease) {
  if (lease.lost()) return false;
  const std::unique_ptr<S3> s3 = context.services.make_s3();
  const Status cleaned = clean_up_all(context, lease, *s3);
  if (cleaned.ok()) return true;
  context.report.warning("staged files could not all be removed; the next run will do it: " +
                         cleaned.error().to_string());
  return false;
}

}  // namespace vesto
