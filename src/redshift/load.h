// Into the destination: prepare (DDL) and load (one transaction for a group of streams).
//
// prepare() makes the schema, the state table, the shared tables and the target tables what the
// group needs; each statement is repeatable. load() commits rows, positions and the fence
// together, or nothing. See docs/ARCHITECTURE.md "The load transaction".
#ifndef VESTO_REDSHIFT_LOAD_H_
#define VESTO_REDSHIFT_LOAD_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "encode/diversion.h"
#include "redshift/recorded_session.h"
#include "redshift/session.h"
#include "schema/table.h"

namespace vesto {

enum class LoadMode {
  kUpsert,   // merged by key
  kReplace,  // the target holds what was read, and nothing else
  kAppend,   // what was read is added; of a window, what the target has of it goes first
};
std::string_view load_mode_name(LoadMode mode);  // "upsert", "replace", "append"

// Rows of the target that a window replaces. `from` "": only those without a value.
struct LoadWindow {
  size_t column = 0;  // index into StreamSchema::columns
  std::string from;
  bool with_nulls = false;
};

// What COPY reads the staged files with. In statements the secrets are placeholders.
struct CopyAccess {
  std::string iam_role = {};  // attached to the warehouse ("default", or an ARN); "": the keys
  AwsCredentials keys = {};
};

// One COPY that wants to read.
struct CopyNeed {
  std::string manifest_key = {};  // "": the statement is only shown (explain)
  int64_t may_take_ms = 0;        // how long the COPY is waited for: its keys are to last so long
  bool anew = false;  // keys that were given for this manifest before ended too soon: others
};

// What the destination is to a sync: names, and how COPY reaches the staged files.
struct LoadTarget {
  std::string schema;
  bool create_schema = false;
  SyncId sync;
  std::string sync_name;
  std::string source_id;  // of SourceIdentity
  InstallationId installation;
  std::string bucket;
  std::string region;
  // Asked right before each COPY, so that its keys outlive it. Any thread.
  std::function<Result<CopyAccess>(const CopyNeed& need, const std::stop_token& stop)> copy_access;
};

// 1,600 columns with names of 63 bytes of UTF-8, escaped in JSON, and their types.
inline constexpr size_t kMaxColumnsBytes = 1 << 20;

// The fence before the first load.
inline constexpr std::string_view kFirstFence = "0";

// State as read from the destination.
struct DestinationState {
  LoadId fence;  // the header row's load id: what the next load must have seen
  struct Stream {
    std::string position;
    std::string columns;  // StreamLoad::columns of that load; "" if none are kept
    LoadId load_id;
  };
  std::map<std::string, Stream> streams;
  std::set<std::string> gone;  // of the tables that read_state() was given, those not there
};

// One stream's share of a load.
struct StreamLoad {
  StreamSchema schema;
  TargetName target;
  LoadMode mode = LoadMode::kUpsert;
  bool full = true;                       // the read holds the whole stream
  std::optional<LoadWindow> window = {};  // append of what is not full: what it replaces
  TableOptions options = {};              // for a table that is made
  // A column of another type may be made anew with its values cast (on_type_change = "rewrite").
  bool rewrite_types = false;
  std::string manifest_key;  // "" = the read had no rows
  std::string null_marker;
  bool zstd = false;                // else gzip
  std::vector<uint64_t> part_rows;  // as counted while staging
  uint64_t rows_read = 0;           // = rows staged + side + rejected
  uint64_t bytes_staged = 0;
  // Rows that are not in the parts: what goes by INSERT, and what is kept aside.
  std::shared_ptr<const Diversion> diverted = std::make_shared<const Diversion>();
  [[nodiscard]] uint64_t rows_diverted() const {
    return diverted->side.size() + diverted->rejected.size();
  }
  // What COPY must load.
  [[nodiscard]] uint64_t rows_staged() const { return rows_read - rows_diverted(); }
  // The source enforces the key (primary key, or unique and not null). Without it the load looks
  // for keys that occur twice or are NULL in every way it loads.
  bool key_proven = false;
  // Later loads will merge by the key, so it must hold in this one too, also where it replaces.
  bool key_checked = true;
  // The sync has delivered into the target before, or was told to take it over with its rows.
  bool known_target = false;
  std::string position;  // to be committed; at most 4,096 bytes
  // Columns of the target that the stream had once and has no more: rows that are delivered hold
  // NULL there. What else the target has is somebody else's, and keeps its values.
  std::vector<std::string> former = {};
  // How the source's columns stood, kept beside the position; any text, at most kMaxColumnsBytes.
  std::string columns;
  // The position that the plan rests on, where the state that the fence stands for has it and holds
  // `columns` beside it already: then it alone is moved, and only from there.
  std::optional<std::string> kept_position = {};
  int64_t data_as_of_ms = 0;
  int64_t started_ms = 0;
  // No value of an unbounded text or binary column is wider, in bytes (by index into
  // schema.columns). Empty: not known, any value fits the width of a new column.
  std::vector<uint32_t> widths;
};

struct StreamLoaded {
  uint64_t rows_copied = 0;  // by COPY, and by INSERT through the side door
  uint64_t rows_inserted = 0;
  uint64_t rows_updated = 0;
  uint64_t rows_deleted = 0;  // replace: rows that were there before
};

struct LoadOutcome {
  bool committed = false;
  bool fenced = false;                // UPDATE 0: somebody else moved the fence; nothing was done
  std::vector<StreamLoaded> streams;  // of those that were loaded, same order as `loaded`
  std::vector<size_t> loaded;         // indexes into the group
  // A stream whose own statement failed and so left the group: index and error.
  std::vector<std::pair<size_t, Error>> failed;
};

// Waits for a warehouse that is there but takes no writes for a while. Called by one thread at a
// time.
class WarehousePatience {
 public:
  virtual ~WarehousePatience() = default;
  // Between two attempts at the same work, which failed with `error` (RS-RESIZE) and did so first
  // at `since_ms` (monotonic). ok: try again. Errors: what ends the work (RS-WAKING,
  // RUN-INTERRUPTED).
  virtual Status wait(const Error& error, int64_t since_ms) = 0;
  // Nobody waits any more: the work is done, or has failed.
  virtual void over() = 0;
  // The answer to COMMIT was lost: what became of it is looked for, `limit_ms` at most beside what
  // the warehouse itself is waited for. People are told; searched() says that it has ended.
  virtual void searching(int64_t /*limit_ms*/) {}
  virtual void searched() {}
};

struct LoadContext {
  RedshiftConnector connect;
  Clock* clock = nullptr;  // nullptr: the system's
  std::stop_token stop;
  // Asked before LOCK and before COMMIT: false = the lease is lost, RUN-LEASE-LOST.
  std::function<Result<bool>()> still_ours;
  // Told after each connect and with each load id, before anything that locks is sent, of all
  // sessions that may hold locks, the newest last: a successor ends them if we die. `load` is empty
  // before the first load.
  std::function<Status(const std::vector<RecordedSession>& sessions, const LoadId& load)>
      record_session;
  // Something that people should know although the load goes on.
  std::function<void(const std::string& text)> warn;
  // Keeps a statement's text for `show RUN --sql` (placeholders in place of secrets).
  std::function<void(const std::string& sql)> keep_sql;
  // The bytes of a staged object by its key, at most kMaxStagedObjectBytes (redshift/find_row.h): a
  // row that COPY refused is found again in them. May be empty; an error costs the row's name.
  std::function<Result<std::string>(const std::string& object_key)> fetch_part = {};
  // nullptr: a resize is met as a lost connection is, by a few repeats.
  WarehousePatience* patience = nullptr;
  // Sessions that dead runs of this sync recorded: ended when the state has been waited for 60 s.
  std::vector<RecordedSession> dead_sessions;
};

// What prepare() would do to the target table of one stream.
struct TargetChange {
  enum class Kind { kCreate, kAlter, kUnchanged, kBlocked };
  Kind kind = Kind::kUnchanged;
  std::string text;            // "add column coupon VARCHAR(256); widen note ..."
  std::optional<Error> error;  // kBlocked: what the run would say of the stream
};

struct DestinationChanges {
  bool makes_schema = false;
  std::optional<Error> blocked;       // what would end the run: a schema or a right is missing
  std::vector<TargetChange> targets;  // one for each stream of the group
};

class RedshiftLoader {
 public:
  RedshiftLoader(LoadTarget target, LoadContext context);
  ~RedshiftLoader();

  // Schema (if the catalogue shows none and create_schema), state table with its header row,
  // shared tables, status view. Returns the state. Errors: RS-NO-SCHEMA, RS-PRIV-*,
  // RS-STATE-FOREIGN.
  Result<DestinationState> open_state();
  // The same for a group that is about to be prepared; its targets are asked for by the same
  // statement as the state's own tables. Nothing: all that the group needs is there as it must be,
  // and the state was not read, since `knows_fence`: the caller has the fence of an earlier load of
  // this source, and load() finds out whether it is still there (LoadOutcome::fenced).
  // prepare() must be next, with the same group.
  Result<std::optional<DestinationState>> open_state_for(const std::vector<StreamLoad>& group,
                                                         bool knows_fence);
  // Connects, if there is no connection yet: whoever holds something open meanwhile knows first
  // that the warehouse is there.
  Status reach();
  // Reads the state without making anything; nothing if there is no state table yet. `tables`, of
  // the target's schema, are looked for by the same statement as the state's own.
  Result<std::optional<DestinationState>> read_state(const std::vector<std::string>& tables = {});

  // Target tables for the group: CREATE TABLE, ADD COLUMN, widen VARCHAR, and with rewrite_types a
  // column made anew (told by warn). Errors per stream: RS-TABLE-DIFFERS, RS-TABLE-FOREIGN,
  // RS-APPEND-FULL, RS-VIEW-DEP, RS-KEY-COLUMN, RS-OWNER, CFG-VALUE (options). A table that is gone
  // is made anew only for a read of the whole stream (else RS-TABLE-DIFFERS).
  Result<std::vector<std::pair<size_t, Error>>> prepare(const std::vector<StreamLoad>& group);

  // One statement that only reads, in the session that prepare() or compare() left: for what is
  // said of an error. The server ends it after `limit_ms`, which keeps the session. Errors:
  // RS-CONNECTION where there is no session; nothing is tried again.
  Result<ExecResult> look(const std::string& sql, int64_t limit_ms);

  // One transaction. Repeats it where Redshift says so (1023, 40P01, lost connection), bounded;
  // finds out by LOCK and reading what an unknown COMMIT did. `seen`: the fence as read before.
  // A stream whose own statement fails leaves (outcome.failed), the rest is committed without it;
  // if all leave, nothing is committed and the fence stays. However many leave, a stream that stays
  // is loaded a bounded number of times: from the second on, those that were not reached yet are
  // tried one by one in transactions that are rolled back. Errors are those that would meet every
  // stream: RUN-LEASE-LOST, RUN-PARITY, RUN-INTERRUPTED, RS-COMMIT-UNKNOWN, RS-LOCK, RS-CONNECTION,
  // rights and space; nothing is committed then (RS-COMMIT-UNKNOWN: not known).
  Result<LoadOutcome> load(const std::vector<StreamLoad>& group, const LoadId& seen,
                           const LoadId& load, const RunId& run);

  // What prepare() would find and do, for `sync plan`. Connects and reads the catalogue, changes
  // nothing. Texts without a known width are taken to fit.
  Result<DestinationChanges> compare(const std::vector<StreamLoad>& group);

  // The DDL and DML that prepare() and load() would send, for `sync plan --sql`. Connects and reads
  // the catalogue, changes nothing. Without a stream only what is made once per schema.
  Result<std::vector<std::string>> explain(const std::vector<StreamLoad>& group);

  struct Impl;  // redshift/loader_impl.h, for this room only

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace vesto

#endif  // VESTO_REDSHIFT_LOAD_H_
