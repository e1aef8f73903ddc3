// What the store kept of a run, read back from its JSON; and what people read of it.
#ifndef VESTO_CLI_SUMMARY_H_
#define VESTO_CLI_SUMMARY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/terminal.h"
#include "store/store.h"
#include "sync/run.h"

namespace vesto::cli {

struct KeptError {
  std::string code;
  std::string message;
  std::string hint;
  std::string retry;               // now, backoff, after_fix, never
  std::string upstream;            // "redshift 42501: must be owner ..."
  std::vector<std::string> where;  // "vesto.toml:48", innermost first
};

struct KeptTable {
  std::string name;
  std::string target;
  std::string mode;
  std::string state;  // succeeded, failed, unchanged
  bool full = false;
  RowCounts rows;
  uint64_t nulled_values = 0;
  uint64_t bytes_read = 0;
  uint64_t bytes_staged = 0;
  int64_t duration_ms = 0;
  std::optional<KeptError> error;
};

// A run as the history shows it.
struct KeptRun {
  RunRecord record;
  std::string state;             // the record's; "failed" for a run whose process has gone
  std::optional<int> exit_code;  // nothing while it runs, and where its process was killed
  bool died = false;
  std::string reason;
  int64_t duration_ms = 0;
  int64_t data_as_of_ms = 0;
  int64_t warehouse_seen_ms = 0;  // RunOutcome
  RowCounts rows;
  uint64_t bytes_read = 0;
  uint64_t bytes_staged = 0;
  std::vector<KeptTable> tables;
  std::vector<std::string> warnings;
  std::vector<std::string> streams;  // the table of each staged stream, from number 1 on
  std::optional<KeptError> error;
  std::optional<WarehouseWaiting> waiting;  // what a live run waits for
};

// is_live: the run holds its sync's lease now. A summary that cannot be read leaves counts at 0.
KeptRun read_kept_run(RunRecord record, bool is_live);
// The same from an outcome that has just come about.
KeptRun kept_from_outcome(const RunOutcome& outcome);

// The exit code as JSON: null where there is none.
std::string code_json(const KeptRun& run);
// "Succeeded", "Partly succeeded", "Failed", "Cancelled", "Skipped", "Running".
std::string state_label(const KeptRun& run);
// "2,020,000 rows read = copied (20,000 updated, 500 inserted), 0 rejected".
std::string rows_text(const RowCounts& rows);

// The last words of a run, for stdout:
//   Succeeded in 31 s: 2 of 2 tables, 2,020,000 rows read = copied, 0 rejected, data as of ...
//     public.orders  failed  RS-COPY-S3-403  Redshift could not read the staged files
//                    Fix: ...
//   Next:  vesto run shop --table public.orders
// `whole`: answers of other systems uncut, for `show RUN`.
std::string end_text(const KeptRun& run, int64_t now_ms, bool whole = false);
// Every table with its counts, for `show RUN`.
std::string tables_text(const KeptRun& run);

}  // namespace vesto::cli

#endif  // VESTO_CLI_SUMMARY_H_
