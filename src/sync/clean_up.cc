#include "sync/clean_up.h"

#include <algorithm>

#include "base/log.h"
#include "base/timed_stop.h"
#include "stage/clean_up.h"

namespace vesto {

namespace {

// What is left then is in the journal, and the next run removes it. A run that was stopped is
// waited for by somebody.
constexpr int64_t kCleanUpMs = 120'000;
constexpr int64_t kCleanUpAfterStopMs = 10'000;

// A PUT that was in flight when a process died may land after its objects were deleted.
constexpr int64_t kSweepAgainMs = 3600 * 1000;

// Sweeps one dead run if it is due, and notes it. A run whose objects could not all be removed is
// tried again by the next run; it is over all the same.
void sweep_dead(RunContext& context, S3& s3, const StillOurs& still_ours, RunRecord run,
                const std::stop_token& stop) {
  const int64_t now_ms = context.now_ms();
  // An end that is yet to come was written by a clock that was ahead.
  const int64_t since_ms = now_ms - run.ended_ms;
  if (run.swept == 1 && since_ms >= 0 && since_ms < kSweepAgainMs) return;
  StageSpace space = stage_space(context);
  space.run = run.id;
  const Result<CleanedUp> swept = sweep_run(*context.services.store, s3, space, still_ours, stop);
  if (run.ended_ms == 0) {
    run.ended_ms = now_ms;
    run.state = "failed";
    run.exit_code = 1;
  }
  if (!swept.ok()) {
    context.report.warning(
        "staged files of run " + run.id.text +
        " could not be removed; the next run tries again: " + swept.error().to_string());
  } else if (swept->elsewhere > 0) {
    context.report.warning(std::to_string(swept->elsewhere) + " staged files of run " +
                           run.id.text +
                           " are in a bucket that is no longer configured: set it again for one "
                           "run, or delete them (vesto show " +
                           run.id.text + " --files names them)");
  } else {
    ++run.swept;
    log_info("swept", {{"run", run.id.text},
                       {"deleted", std::to_string(swept->deleted)},
                       {"orphans", std::to_string(swept->orphans)},
                       {"foreign", std::to_string(swept->foreign)}});
  }
  if (const Status kept = context.services.store->put_run(run); !kept.ok()) {
    log_warn("a swept run was not noted", {{"error", kept.error().to_string()}});
  }
}

bool has_stored_files(const RunContext& context) {
  const auto files = context.services.store->files_of(context.run);
  if (!files.ok()) return true;
  return std::any_of(files->begin(), files->end(),
                     [](const JournalObject& file) { return file.stored; });
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
  const StillOurs still_ours = [&lease] { return lease.still_ours(); };
  // Not the run's own stop token: a run that was interrupted still tidies up, but not for as long
  // as a server that never answers could hold it. A second signal ends the process.
  const TimedStop limit({.limit_ms = kCleanUpMs,
                         .after_stop_ms = kCleanUpAfterStopMs,
                         .stop = context.stop.get_token()});
  const Result<CleanedUp> own = remove_run_objects(*context.services.store, *s3,
                                                   stage_space(context), still_ours, limit.token());
  if (!own.ok()) {
    // Where no PUT has succeeded the run's own error says why; nothing lies there to worry about.
    if (has_stored_files(context)) {
      context.report.warning("staged files could not all be removed; the next run will do it: " +
                             own.error().to_string());
    } else {
      log_info("nothing to clean up", {{"error", own.error().to_string()}});
    }
  }
  for (const RunRecord& run : context.dead_runs) {
    if (limit.token().stop_requested()) break;
    sweep_dead(context, *s3, still_ours, run, limit.token());
  }
  return own.ok();
}

}  // namespace vesto
