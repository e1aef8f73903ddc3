// Runs that the local store knows of a destination that is to be removed: of syncs that are out of
// the configuration already, or deliver elsewhere by now.
// Thread rule: one thread.
#ifndef VESTO_CLI_ADD_RUNS_LEFT_H_
#define VESTO_CLI_ADD_RUNS_LEFT_H_

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "store/store.h"

namespace vesto::cli {

// Objects in the bucket that no run will remove: theirs was killed, and their sync is not here.
struct StagedByRun {
  std::string run;
  std::string sync;
  size_t objects = 0;
};

struct RunsLeft {
  std::optional<Error> busy;  // RUN-BUSY: one of them goes on
  std::vector<StagedByRun> staged;
};
// Errors: those of the store.
Result<RunsLeft> runs_left(Store& store, const Config& config, const DestinationConfig& gone);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_RUNS_LEFT_H_
