// The local store: runs, leases, the journal of staged objects, and a copy of what is committed.
// SQLite in the data directory; WAL, flushed for what must be on disk (writer.h). The position of
// record is in the destination, so losing this file loses no data. Thread rule: every function may
// be called from any thread.
#ifndef VESTO_STORE_STORE_H_
#define VESTO_STORE_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/result.h"
#include "stage/journal.h"

namespace vesto {

struct RunRecord {
  RunId id;
  std::string sync;       // name
  std::string state;      // ux.md's words: running, succeeded, partial, failed, cancelled, skipped
  std::string step;       // plan, extract, stage, prepare, load, clean_up
  LoadId load_id;         // the load that was last sent, "" before
  int warehouse_pid = 0;  // session that runs it, for people
  // It and earlier ones that may hold locks, to end them if their owner died: JSON
  // (redshift/recorded_session.h).
  std::string warehouse_since;
  int64_t started_ms = 0;
  int64_t ended_ms = 0;  // 0: not ended
  int exit_code = 0;
  // 0: its staged objects may still be there; 1: swept once, once more after an hour; 2: done.
  int swept = 0;
  std::string summary;  // JSON (sync/summary.h)
};

// What was known of a committed stream at `seen_ms`. Believed for 24 hours at most.
struct StreamCopy {
  std::string sync;
  std::string stream;
  std::string position;
  LoadId load_id;
  // What is kept of the source's columns; of the header row: which destination this was seen in.
  std::string columns;
  uint64_t window_rows = 0;
  std::string window_hash;
  // Of its rows, those that found no room in the side door; those that were rejected; and the
  // values in whose place NULL was delivered.
  uint64_t window_lacked_room = 0;
  uint64_t window_rejected = 0;
  uint64_t window_nulled = 0;
  int64_t seen_ms = 0;  // negative: doubt_copy()
};

struct LeaseHolder {
  RunId run;
  int64_t pid = 0;
  int64_t renewed_boottime_ms = 0;
};

class Store : public Journal {
 public:
  // --- installation ---
  // Made at the first start: 16 of [a-z0-9]. Part of every staged key.
  virtual Result<InstallationId> installation() = 0;

  // --- runs ---
  virtual Status put_run(const RunRecord& run) = 0;  // insert or replace
  // "run_01J7X...", with or without "run_", upper or lower case, shortened or whole. Errors:
  // CFG-NO-OBJECT when several runs begin so.
  virtual Result<std::optional<RunRecord>> find_run(std::string_view id_or_prefix) = 0;
  // Newest first. sync: "" = all.
  virtual Result<std::vector<RunRecord>> runs(std::string_view sync, int limit) = 0;
  // Ended or dead runs (no live lease) whose objects may remain: swept < 2. Oldest first, at most
  // 1,000.
  virtual Result<std::vector<RunRecord>> unswept_runs(std::string_view sync) = 0;

  // --- lease: one run of a sync at a time ---
  // Takes it when there is none, its boot id differs, its process (pid and start ticks) is gone,
  // or it was not renewed for its ttl. Nothing: taken. Otherwise who holds it.
  virtual Result<std::optional<LeaseHolder>> take_lease(std::string_view sync, const RunId& run,
                                                        int64_t ttl_ms) = 0;
  // True: renewed, still ours. False: lost.
  virtual Result<bool> renew_lease(std::string_view sync, const RunId& run) = 0;
  // Whether the lease is this run's (does not renew). It stays so after its ttl, until another run
  // takes it.
  virtual Result<bool> holds_lease(std::string_view sync, const RunId& run) = 0;
  virtual Status release_lease(std::string_view sync, const RunId& run) = 0;
  // The live holder, or nothing.
  virtual Result<std::optional<LeaseHolder>> lease_holder(std::string_view sync) = 0;

  // --- copy of committed positions ---
  virtual Status put_copies(const std::vector<StreamCopy>& copies) = 0;
  virtual Result<std::vector<StreamCopy>> copies(std::string_view sync) = 0;
  virtual Status drop_copies(std::string_view sync) = 0;
  // Says before a load that what is known may be out of date from now on, however this process
  // ends; put_copies() of the same stream, or `doubted` false, takes it back.
  virtual Status doubt_copy(std::string_view sync, std::string_view stream, bool doubted) = 0;

  // --- SQL of a run, for `vesto show RUN --sql` (no secret in it) ---
  virtual Status add_sql(const RunId& run, std::string_view sql) = 0;
  virtual Result<std::vector<std::string>> sql_of(const RunId& run) = 0;

  // All objects that the run has staged, deleted ones too, for `vesto show RUN --files`. `stored`
  // is false for those that are deleted or not yet uploaded. By stream and part. SQL texts and
  // deleted objects are kept for the newest 100 runs of a sync.
  virtual Result<std::vector<JournalObject>> files_of(const RunId& run) = 0;

  // Of runs that have no record (`destination test`): what the journal holds below a sync's id, in
  // any bucket and below any prefix. At most 1,000.
  virtual Result<std::vector<JournalObject>> objects_of_sync(const SyncId& sync) = 0;
  // Of all tests, and of runs whose record is gone. At most 1,000.
  virtual Result<std::vector<JournalObject>> objects_of_no_run() = 0;
  // Off the journal, and not into files_of(), which is pruned run by run.
  virtual Status drop_object(const std::string& bucket, const std::string& key) = 0;

  // Rows of the journal, for `left behind`.
  virtual Result<int64_t> journal_size() = 0;
};

// Opens or makes DIR/vesto.db (directory 0700, file 0600). Never across a fork: open it in the
// child. All functions above may also give SYS-STORE (damaged, no rights), SYS-DISK (no space) and
// SYS-STORE-BUSY (locked by another program for 10 s). Errors: SYS-STORE, SYS-DISK.
Result<std::unique_ptr<Store>> open_store(const std::string& data_dir, Clock& clock);

}  // namespace vesto

#endif  // VESTO_STORE_STORE_H_
