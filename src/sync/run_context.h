// What the steps of one run share. Made by run.cc, handed to each step by reference.
#ifndef VESTO_SYNC_RUN_CONTEXT_H_
#define VESTO_SYNC_RUN_CONTEXT_H_

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "sync/report.h"
#include "sync/run.h"
#include "sync/warehouse_wait.h"

namespace vesto {

struct RunContext {
  const SyncSpec& spec;
  const RunOptions& options;
  const RunServices& services;
  Report& report;
  bool dry = false;  // a plan only: nothing is written to the store
  RunId run;
  SyncId sync;
  InstallationId installation;
  RunRecord record;                  // as last written to the store
  std::vector<RunRecord> dead_runs;  // earlier runs of this sync that may have left something
  int streams = 0;  // numbered so far, over all attempts: a key is never written twice
  std::vector<std::string> stream_tables = {};  // the table of each of these numbers
  // Requested by the caller's stop token, by a lost lease, or by the first error of a step.
  std::stop_source stop;
  // What all steps connect with: it waits for a warehouse that is away.
  RedshiftConnector connect = {};
  std::shared_ptr<WarehouseWait> patience = {};

  [[nodiscard]] int64_t now_ms() const { return services.clock->wall_ms(); }
  // Writes `record` to the store.
  Status save() { return services.store->put_run(record); }
};

// Adds where the table stands in the configuration.
Error at_table(Error error, const TableSpec& table);

// True for errors that concern one stream alone: it leaves the run, the others go on.
bool is_stream_error(const Error& error);

}  // namespace vesto

#endif  // VESTO_SYNC_RUN_CONTEXT_H_
