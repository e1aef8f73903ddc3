// A run: one execution of a sync, from the plan to the clean-up. The only room that knows source,
// stage and redshift all three.
//
//   RunOutcome outcome = run_sync(spec, options, services);
//
// The steps, each a file of this folder: plan.cc (what to read, from which position),
// extract.cc (lanes: read, guard, compress, upload), deliver.cc (groups: prepare, load),
// clean_up.cc (staged objects, also those of dead runs). run.cc joins them.
//
// Thread rule: run_sync blocks its caller until the run has ended; the observer is called from
// several threads, one call at a time.
#ifndef VESTO_SYNC_RUN_H_
#define VESTO_SYNC_RUN_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "aws/redshift_api.h"
#include "aws/s3.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "redshift/load.h"
#include "source/source.h"
#include "store/store.h"
#include "sync/parity_result.h"

namespace vesto {

// What becomes of a column that the source has got since the last load.
enum class OnNewColumn {
  kAdd,  // delivered from now on; rows that are there already hold NULL until they change
  kAddAndBackfill,  // delivered, and all rows are read once more
  kIgnore,          // left out
  kStop,            // the stream fails until somebody decides
};

struct TableSpec {
  std::string name;    // "public.orders", or what a query is called
  std::string target;  // table in the destination's schema; "" for a pattern
  // The name stands for every table of the source that matches it and that no other entry names.
  bool pattern = false;
  std::string clash = {};  // another table of the sync that is delivered into the same target
  LoadMode mode = LoadMode::kUpsert;
  std::vector<std::string> key;
  std::string cursor;
  std::optional<int64_t> lookback_ms;
  std::optional<int64_t> lookback_units;
  std::vector<std::string> exclude;
  std::string where = {};  // in the configuration: "vesto.toml:48"; "" = not from a file
  bool adopt = false;
  std::string filter = {};  // a condition in the source's SQL
  std::string query = {};   // a SELECT in the source's SQL that stands in the place of a table
  bool cursor_is_immutable = false;
  OnNewColumn on_new_column = OnNewColumn::kAdd;
  bool rewrite_types = false;
  TableOptions options = {};  // by names of the source
  // By column of the source; the others are rejected.
  std::vector<std::pair<std::string, Unrepresentable>> on_unrepresentable;
};

struct SyncSpec {
  std::string name;
  std::string source_name;
  std::string destination_name;
  std::string destination_id;  // host, port, database, schema: what positions are believed for
  // "source.pg (vesto.toml:2)", for errors of a connection; "" = not from a file.
  std::string source_where = {};
  std::string staging_where = {};
  std::vector<TableSpec> tables;
  std::vector<std::string> patterns = {};  // whose tables stand among `tables` now
  // Tables that keep the states of all syncs of the configuration, of any destination.
  std::set<std::string> state_tables = {};
  std::string schema;
  bool create_schema = false;
  std::string bucket;
  std::string region = {};  // the bucket's, as configured; "" = to be found
  std::string prefix;       // "vesto/"
  bool zstd = false;        // else gzip
  int readers = 2;
  size_t max_row_bytes = 4 << 20;
  int64_t max_rejected_rows = 1000;  // of one table in one run
};

// How a warehouse that is away is waited for (sync/warehouse_wait.h).
struct WarehouseCare {
  int64_t wait_ms = 0;    // 0: not at all
  std::string name = {};  // the cluster's, for the line that resumes it; "" = not known
  std::string region = {};
  // What AWS says of it. Empty: nobody can be asked.
  std::function<Result<WarehouseInfo>(const std::stop_token& stop)> ask = {};
};

// RunRecord::step of a run that waits for its warehouse.
inline constexpr const char* kWaitingStep = "wait_for_warehouse";

// Every effect on the outside. Tests hand in faulty ones.
struct RunServices {
  Source* source = nullptr;
  Store* store = nullptr;
  Clock* clock = nullptr;
  ByteBudget* budget = nullptr;
  std::function<std::unique_ptr<S3>()> make_s3;  // one for each lane
  // What COPY reads with: LoadTarget::copy_access.
  std::function<Result<CopyAccess>(const CopyNeed& need, const std::stop_token& stop)> copy_access;
  RedshiftConnector connect_redshift;
  WarehouseCare warehouse = {};
};

struct RowCounts {
  uint64_t read = 0;
  uint64_t copied = 0;
  uint64_t inserted = 0;
  uint64_t updated = 0;
  uint64_t deleted = 0;
  uint64_t rejected = 0;
  void add(const RowCounts& other);
};

// Where one table stands. `step` is a word of product.md: plan, extract, stage, prepare, load,
// clean_up; or done, failed, unchanged.
struct TableProgress {
  std::string name;
  std::string step = "queued";
  uint64_t rows_read = 0;
  uint64_t bytes_staged = 0;
  int64_t estimated_rows = -1;
};

// A run waits for its warehouse.
struct WarehouseWaiting {
  std::string reason;    // "the cluster is being resumed"; of a COMMIT: what is looked for
  int64_t since_ms = 0;  // wall clock
  int64_t limit_ms = 0;  // how long it waits at most
};

struct TableResult {
  std::string name;
  std::string target;
  std::string mode;  // "upsert", "replace", "append"
  bool full = false;
  std::string state;  // "succeeded", "failed", "unchanged"; "not_run": the run ended before it
  RowCounts rows;
  uint64_t nulled_values = 0;  // in whose place NULL stands, as on_unrepresentable says
  uint64_t bytes_read = 0;
  uint64_t bytes_staged = 0;
  int64_t duration_ms = 0;
  std::optional<Error> error;
};

struct RunOutcome {
  RunId id;
  std::string sync;
  std::string state;   // succeeded, partial, failed, cancelled, skipped
  std::string reason;  // skipped: "no change"
  int exit_code = 0;   // ux: 0 ok, 4 needs action, 5 temporary, 6 partial, 7 busy, 130 interrupted
  int64_t started_ms = 0;
  int64_t duration_ms = 0;
  int64_t staged_ms = 0;      // from the start until the last stream was staged; 0: not reached
  int64_t staged_cpu_ms = 0;  // of this process, all threads, from its start until that moment
  int64_t data_as_of_ms = 0;  // of the tables that succeeded or are unchanged
  // When the warehouse was last looked at, of a run with nothing new that did not ask it; else 0.
  int64_t warehouse_seen_ms = 0;
  RowCounts rows;  // of the committed tables
  uint64_t bytes_read = 0;
  uint64_t bytes_staged = 0;
  std::vector<TableResult> tables;
  std::vector<ParityResult> parity;  // if it was asked for and the run came so far
  std::optional<Error> error;        // why the run as a whole failed
  std::vector<std::string> warnings;
  std::vector<std::string> streams;  // the table of each stream number, from 1 on
};

class RunObserver {
 public:
  virtual ~RunObserver() = default;
  virtual void run_started(const RunId& run, const SyncSpec& spec) = 0;
  // A table has moved to another step.
  virtual void table_step(const TableProgress& table) = 0;
  virtual void table_finished(const TableResult& table) = 0;
  // At most once in 500 ms while rows move.
  virtual void progress(const std::vector<TableProgress>& tables) = 0;
  virtual void warning(const std::string& text) = 0;
  // The run waits for its warehouse, or for another reason than before; nothing: it goes on.
  virtual void waiting(const std::optional<WarehouseWaiting>& wait) = 0;
};

struct RunOptions {
  std::vector<std::string> only_tables;  // names; empty: all
  // Deliver these keys of these tables and nothing else; positions stay where they are. By the
  // table's name; the texts of the key columns, in the key's order.
  std::map<std::string, std::vector<std::vector<std::string>>> only_keys = {};
  bool full_refresh = false;
  // Compare source and warehouse once all is delivered, on the same snapshot.
  std::optional<ParityOptions> parity = std::nullopt;
  // By the table's name, the columns that the values of only_keys are of, where the caller has them
  // from an earlier run: if the key is another one now, the table fails (PG-CHANGED).
  std::map<std::string, std::vector<std::string>> key_columns = {};
  std::stop_token stop;
  RunObserver* observer = nullptr;  // may be null
  // The signal that asked `stop`; 0 or not set: none. Asked once the run has ended.
  std::function<int()> stop_signal = nullptr;
};

// Never fails as a function: whatever happens is in the outcome, and in the store.
RunOutcome run_sync(const SyncSpec& spec, const RunOptions& options, const RunServices& services);

// The outcome as the JSON that the store keeps and `show RUN --json` prints, and its parts as
// `run --json` prints them.
std::string outcome_json(const RunOutcome& outcome);
std::string table_json(const TableResult& table);
std::string error_json(const Error& error);

// 1-5, 7, 130: what the command line ends with for it.
int exit_code_of(const Error& error);

// What a run would do, without doing it.
struct SyncPlan {
  struct Table {
    std::string name;
    std::string target;
    std::string mode;
    bool full = false;
    std::string from_position;  // the source's own text
    std::string from_text;      // the same for people
    int64_t estimated_rows = -1;
    int64_t estimated_bytes = 0;
    std::string change;       // of the target: "create", "alter", "unchanged", "blocked"
    std::string change_text;  // "add column coupon VARCHAR(256)"
    std::vector<std::string> notes;
    std::optional<Error> error;  // the run would fail for this table
  };
  bool makes_schema = false;
  std::optional<Error> error;  // the run would fail as a whole
  std::vector<Table> tables;
  std::vector<std::string> warnings;  // what the run would warn of
  std::vector<std::string> sql;       // what prepare and load would send
};
Result<SyncPlan> plan_sync(const SyncSpec& spec, const RunOptions& options,
                           const RunServices& services, bool with_sql);

}  // namespace vesto

#endif  // VESTO_SYNC_RUN_H_
