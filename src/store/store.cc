#include "store/store.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/redact.h"
#include "base/strings.h"
#include "store/lease.h"
#include "store/place.h"
#include "store/schema.h"
#include "store/sqlite.h"
#include "store/sqlite_store.h"
#include "store/writer.h"

namespace vesto::store {

namespace {

constexpr int kKeptDetails = 100;  // runs of a sync whose SQL and file lists are kept
constexpr int kKeptRuns = 10'000;  // runs of a sync in the history
constexpr int kMaxSqlTexts = 10'000;
constexpr size_t kMaxSqlBytes = size_t{1} << 20;
constexpr size_t kIdleReaders = 4;

// Takes what a run prints of itself; one place for the order of the columns.
constexpr std::string_view kRunColumns =
    "id, sync, state, step, load_id, warehouse_pid, warehouse_since, started_ms, ended_ms, "
    "exit_code, swept, summary";

RunRecord read_run(const Row& row) {
  return {.id = RunId{row.text(0)},
          .sync = row.text(1),
          .state = row.text(2),
          .step = row.text(3),
          .load_id = LoadId{row.text(4)},
          .warehouse_pid = static_cast<int>(row.number(5)),
          .warehouse_since = row.text(6),
          .started_ms = row.number(7),
          .ended_ms = row.number(8),
          .exit_code = static_cast<int>(row.number(9)),
          .swept = static_cast<int>(row.number(10)),
          .summary = row.text(11)};
}

// Keeps the store from growing without bound.
Status prune(Database& db, const std::string& sync) {
  const std::string old_runs = fmt::format(
      "IN (SELECT id FROM run WHERE sync = ?1 ORDER BY started_ms DESC, id DESC "
      "LIMIT -1 OFFSET {})",
      kKeptDetails);
  VESTO_TRY(db.run("DELETE FROM run_sql WHERE run " + old_runs, {sync}));
  VESTO_TRY(db.run("DELETE FROM object_gone WHERE run " + old_runs, {sync}));
  VESTO_TRY(db.run(fmt::format("DELETE FROM run WHERE swept = 2 AND id IN (SELECT id FROM run "
                               "WHERE sync = ?1 ORDER BY started_ms DESC, id DESC "
                               "LIMIT -1 OFFSET {})",
                               kKeptRuns),
                   {sync}));
  return ok_status();
}

}  // namespace

Status SqliteStore::read(const std::function<Status(Database&)>& use) {
  std::unique_ptr<Database> db;
  {
    Lock lock(readers_mutex_);
    if (!readers_.empty()) {
      db = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  if (db == nullptr) {
    VESTO_ASSIGN(db, Database::open(path_, Access::kRead));
  }
  VESTO_TRY(use(*db));
  Lock lock(readers_mutex_);
  if (readers_.size() < kIdleReaders) readers_.push_back(std::move(db));
  return ok_status();
}

// --- installation and runs ---

Result<InstallationId> SqliteStore::installation() {
  InstallationId id;
  VESTO_TRY(read([&](Database& db) {
    return db.query("SELECT value FROM meta WHERE name = 'installation'", {},
                    [&](const Row& row) { id.text = row.text(0); });
  }));
  if (id.text.empty()) return Error(ErrorCode::kSysStore, "the local store has no installation id");
  return id;
}

Status SqliteStore::put_run(const RunRecord& run) {
  return writer_.run([&](Database& db) -> Status {
    VESTO_TRY(db.run(fmt::format("INSERT OR REPLACE INTO run({}) VALUES "
                                 "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                                 kRunColumns),
                     {run.id.text, run.sync, run.state, run.step, run.load_id.text,
                      run.warehouse_pid, run.warehouse_since, run.started_ms, run.ended_ms,
                      run.exit_code, run.swept, run.summary}));
    return run.ended_ms == 0 ? ok_status() : prune(db, run.sync);
  });
}

Result<std::optional<RunRecord>> SqliteStore::find_run(std::string_view id_or_prefix) {
  std::string prefix = to_upper_ascii(trim(id_or_prefix));
  if (prefix.starts_with("RUN_")) prefix = prefix.substr(4);
  if (prefix.empty()) return std::optional<RunRecord>();
  prefix = "run_" + prefix;
  std::vector<RunRecord> found;
  VESTO_TRY(read([&](Database& db) {
    return db.query(fmt::format("SELECT {} FROM run WHERE substr(id, 1, ?) = ? "
                                "ORDER BY id = ? DESC, id DESC LIMIT 2",
                                kRunColumns),
                    {static_cast<int64_t>(prefix.size()), prefix, prefix},
                    [&](const Row& row) { found.push_back(read_run(row)); });
  }));
  if (found.empty()) return std::optional<RunRecord>();
  if (found.size() > 1 && found[0].id.text != prefix) {
    return Error(ErrorCode::kCfgNoObject, fmt::format("several runs begin with {}", prefix))
        .with_hint("Give more of the id; vesto history lists the runs.");
  }
  return std::optional<RunRecord>(std::move(found[0]));
}

Result<std::vector<RunRecord>> SqliteStore::runs(std::string_view sync, int limit) {
  std::vector<RunRecord> found;
  VESTO_TRY(read([&](Database& db) {
    return db.query(fmt::format("SELECT {} FROM run WHERE ?1 = '' OR sync = ?1 "
                                "ORDER BY started_ms DESC, id DESC LIMIT ?2",
                                kRunColumns),
                    {sync, std::max(limit, 0)},
                    [&](const Row& row) { found.push_back(read_run(row)); });
  }));
  return found;
}

Result<std::vector<RunRecord>> SqliteStore::unswept_runs(std::string_view sync) {
  std::vector<RunRecord> found;
  std::optional<LeaseRow> lease;
  VESTO_TRY(read([&](Database& db) -> Status {
    VESTO_ASSIGN(lease, read_lease(db, sync));
    return db.query(fmt::format("SELECT {} FROM run WHERE sync = ? AND swept < 2 "
                                "ORDER BY started_ms, id LIMIT 1000",
                                kRunColumns),
                    {sync}, [&](const Row& row) { found.push_back(read_run(row)); });
  }));
  if (lease && live(*lease)) {
    std::erase_if(found, [&](const RunRecord& run) {
      return run.ended_ms == 0 && run.id.text == lease->run;
    });
  }
  return found;
}

// --- lease ---

Result<std::optional<LeaseHolder>> SqliteStore::take_lease(std::string_view sync, const RunId& run,
                                                           int64_t ttl_ms) {
  std::optional<LeaseHolder> holder;
  const Status done = writer_.run([&](Database& db) -> Status {
    VESTO_ASSIGN(const std::optional<LeaseRow> lease, read_lease(db, sync));
    if (lease && lease->run != run.text && live(*lease)) {
      holder = LeaseHolder{.run = RunId{lease->run},
                           .pid = lease->owner.pid,
                           .renewed_boottime_ms = lease->renewed_boottime_ms};
      return ok_status();
    }
    VESTO_TRY(
        db.run("INSERT OR REPLACE INTO lease(sync, run, token, boot_id, pid_namespace, pid, "
               "pid_start_ticks, renewed_boottime_ms, ttl_ms) "
               "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
               {sync, run.text, (lease ? lease->token : 0) + 1, self_.boot_id, self_.pid_namespace,
                self_.pid, self_.start_ticks, clock_.boottime_ms(), ttl_ms}));
    return ok_status();
  });
  VESTO_TRY(done);
  return holder;
}

// A machine that ended holds no lease, however new it is.
Result<bool> SqliteStore::renew_lease(std::string_view sync, const RunId& run) {
  int64_t renewed = 0;
  VESTO_TRY(writer_.run(
      [&](Database& db) -> Status {
        VESTO_ASSIGN(renewed,
                     db.run("UPDATE lease SET renewed_boottime_ms = ? WHERE sync = ? AND run = ?",
                            {clock_.boottime_ms(), sync, run.text}));
        return ok_status();
      },
      Keeps::kWithNext));
  return renewed == 1;
}

Result<bool> SqliteStore::holds_lease(std::string_view sync, const RunId& run) {
  std::optional<LeaseRow> lease;
  VESTO_TRY(read([&](Database& db) -> Status {
    VESTO_ASSIGN(lease, read_lease(db, sync));
    return ok_status();
  }));
  return lease && lease->run == run.text;
}

Status SqliteStore::release_lease(std::string_view sync, const RunId& run) {
  return writer_.run([&](Database& db) -> Status {
    VESTO_TRY(db.run("DELETE FROM lease WHERE sync = ? AND run = ?", {sync, run.text}));
    return ok_status();
  });
}

Result<std::optional<LeaseHolder>> SqliteStore::lease_holder(std::string_view sync) {
  std::optional<LeaseRow> lease;
  VESTO_TRY(read([&](Database& db) -> Status {
    VESTO_ASSIGN(lease, read_lease(db, sync));
    return ok_status();
  }));
  if (!lease || !live(*lease)) return std::optional<LeaseHolder>();
  return std::optional<LeaseHolder>(LeaseHolder{.run = RunId{lease->run},
                                                .pid = lease->owner.pid,
                                                .renewed_boottime_ms = lease->renewed_boottime_ms});
}

// --- copy of committed positions ---

Status SqliteStore::put_copies(const std::vector<StreamCopy>& copies) {
  return writer_.run([&](Database& db) -> Status {
    for (const StreamCopy& copy : copies) {
      VESTO_TRY(
          db.run("INSERT OR REPLACE INTO stream_copy(sync, stream, position, load_id, "
                 "columns, window_rows, window_hash, window_lacked_room, window_rejected, "
                 "window_nulled, seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                 {copy.sync, copy.stream, copy.position, copy.load_id.text, copy.columns,
                  copy.window_rows, Blob{copy.window_hash}, copy.window_lacked_room,
                  copy.window_rejected, copy.window_nulled, copy.seen_ms}));
    }
    return ok_status();
  });
}

Result<std::vector<StreamCopy>> SqliteStore::copies(std::string_view sync) {
  std::vector<StreamCopy> found;
  VESTO_TRY(read([&](Database& db) {
    return db.query(
        "SELECT sync, stream, position, load_id, columns, window_rows, window_hash, "
        "window_lacked_room, window_rejected, window_nulled, seen_ms "
        "FROM stream_copy WHERE sync = ? ORDER BY stream",
        {sync}, [&](const Row& row) {
          found.push_back({.sync = row.text(0),
                           .stream = row.text(1),
                           .position = row.text(2),
                           .load_id = LoadId{row.text(3)},
                           .columns = row.text(4),
                           .window_rows = static_cast<uint64_t>(row.number(5)),
                           .window_hash = row.text(6),
                           .window_lacked_room = static_cast<uint64_t>(row.number(7)),
                           .window_rejected = static_cast<uint64_t>(row.number(8)),
                           .window_nulled = static_cast<uint64_t>(row.number(9)),
                           .seen_ms = row.number(10)});
        });
  }));
  return found;
}

Status SqliteStore::drop_copies(std::string_view sync) {
  return writer_.run([&](Database& db) -> Status {
    VESTO_TRY(db.run("DELETE FROM stream_copy WHERE sync = ?", {sync}));
    return ok_status();
  });
}

Status SqliteStore::doubt_copy(std::string_view sync, std::string_view stream, bool doubted) {
  return writer_.run([&](Database& db) -> Status {
    VESTO_TRY(db.run(doubted ? "UPDATE stream_copy SET seen_ms = -seen_ms "
                               "WHERE sync = ? AND stream = ? AND seen_ms > 0"
                             : "UPDATE stream_copy SET seen_ms = -seen_ms "
                               "WHERE sync = ? AND stream = ? AND seen_ms < 0",
                     {sync, stream}));
    return ok_status();
  });
}

// --- SQL texts ---

// Texts for people.
Status SqliteStore::add_sql(const RunId& run, std::string_view sql) {
  const std::string text = std::string(cut_utf8(redact(sql), kMaxSqlBytes));
  return writer_.run(
      [&](Database& db) -> Status {
        VESTO_TRY(
            db.run("INSERT INTO run_sql(run, number, text) "
                   "SELECT ?1, coalesce(max(number), 0) + 1, ?2 FROM run_sql WHERE run = ?1 "
                   "HAVING coalesce(max(number), 0) < ?3",
                   {run.text, text, kMaxSqlTexts}));
        return ok_status();
      },
      Keeps::kWithNext);
}

Result<std::vector<std::string>> SqliteStore::sql_of(const RunId& run) {
  std::vector<std::string> texts;
  VESTO_TRY(read([&](Database& db) {
    return db.query("SELECT text FROM run_sql WHERE run = ? ORDER BY number", {run.text},
                    [&](const Row& row) { texts.push_back(row.text(0)); });
  }));
  return texts;
}

}  // namespace vesto::store

namespace vesto {

Result<std::unique_ptr<Store>> open_store(const std::string& data_dir, Clock& clock) {
  const std::string dir = data_dir.empty() ? "." : data_dir;
  const std::string path = dir + "/vesto.db";
  VESTO_TRY(store::make_place(dir, path));
  VESTO_ASSIGN(std::unique_ptr<store::Database> db,
               store::Database::open(path, store::Access::kWrite));
  VESTO_TRY(store::migrate(*db, path));
  bool known = false;
  const auto look = [&known](const store::Row&) { known = true; };
  VESTO_TRY(db->query("SELECT 1 FROM meta WHERE name = 'installation'", {}, look));
  if (!known) {
    // Two processes may start at once: the first one's id stays.
    VESTO_TRY(db->run("INSERT OR IGNORE INTO meta(name, value) VALUES ('installation', ?)",
                      {random_alphanumeric(16)}));
  }
  return std::unique_ptr<Store>(std::make_unique<store::SqliteStore>(path, std::move(db), clock));
}

}  // namespace vesto
