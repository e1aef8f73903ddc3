#include "store/schema.h"

#include <fmt/format.h>

#include <array>

namespace vesto::store {

namespace {

// Step i brings version i to version i + 1. A step is never changed once it was released.
constexpr std::array<const char*, kSchemaVersion> kSteps = {
    R"sql(
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE run(
  id TEXT PRIMARY KEY, sync TEXT NOT NULL, state TEXT NOT NULL, step TEXT NOT NULL,
  load_id TEXT NOT NULL, warehouse_pid INT NOT NULL, warehouse_since TEXT NOT NULL,
  started_ms INT NOT NULL, ended_ms INT NOT NULL, exit_code INT NOT NULL, swept INT NOT NULL,
  summary TEXT NOT NULL) WITHOUT ROWID;
CREATE INDEX run_by_sync ON run(sync, started_ms);
CREATE INDEX run_by_start ON run(started_ms);
CREATE INDEX run_unswept ON run(sync) WHERE swept < 2;
CREATE TABLE lease(
  sync TEXT PRIMARY KEY, run TEXT NOT NULL, token INT NOT NULL, boot_id TEXT NOT NULL,
  pid_namespace TEXT NOT NULL, pid INT NOT NULL, pid_start_ticks INT NOT NULL,
  renewed_boottime_ms INT NOT NULL, ttl_ms INT NOT NULL) WITHOUT ROWID;
CREATE TABLE object(
  bucket TEXT NOT NULL, key TEXT NOT NULL, run TEXT NOT NULL, stream INT NOT NULL,
  part INT NOT NULL, rows INT NOT NULL, raw_bytes INT NOT NULL, size_bytes INT NOT NULL,
  sha256 BLOB NOT NULL, state INT NOT NULL, PRIMARY KEY(bucket, key)) WITHOUT ROWID;
CREATE INDEX object_by_run ON object(run);
CREATE TABLE object_gone(
  run TEXT NOT NULL, stream INT NOT NULL, part INT NOT NULL, bucket TEXT NOT NULL,
  key TEXT NOT NULL, rows INT NOT NULL, raw_bytes INT NOT NULL, size_bytes INT NOT NULL,
  sha256 BLOB NOT NULL, PRIMARY KEY(run, stream, part, key)) WITHOUT ROWID;
CREATE TABLE stream_copy(
  sync TEXT NOT NULL, stream TEXT NOT NULL, position TEXT NOT NULL, load_id TEXT NOT NULL,
  columns TEXT NOT NULL, window_rows INT NOT NULL, window_hash BLOB NOT NULL,
  seen_ms INT NOT NULL, PRIMARY KEY(sync, stream)) WITHOUT ROWID;
CREATE TABLE run_sql(
  run TEXT NOT NULL, number INT NOT NULL, text TEXT NOT NULL,
  PRIMARY KEY(run, number)) WITHOUT ROWID;
)sql",
    R"sql(
ALTER TABLE stream_copy ADD COLUMN window_lacked_room INT NOT NULL DEFAULT 0;
ALTER TABLE stream_copy ADD COLUMN window_rejected INT NOT NULL DEFAULT 0;
ALTER TABLE stream_copy ADD COLUMN window_nulled INT NOT NULL DEFAULT 0;
)sql",
};

Result<int64_t> read_number(Database& db, const char* sql) {
  int64_t value = 0;
  VESTO_TRY(db.query(sql, {}, [&](const Row& row) { value = row.number(0); }));
  return value;
}

Error newer(const std::string& path, int64_t version) {
  return Error(
             ErrorCode::kSysStore,
             fmt::format("the local store {} was written by a newer Vesto (its format is {}, this "
                         "program knows up to {})",
                         path, version, kSchemaVersion))
      .with_hint("Use the newer Vesto, or name another data directory with --data.");
}

Error foreign(const std::string& path) {
  return Error(ErrorCode::kSysStore, fmt::format("{} belongs to another program", path))
      .with_hint("Name another data directory with --data.");
}

// Inside a write transaction: nobody else can change the version meanwhile.
Status bring_up(Database& db, const std::string& path) {
  VESTO_ASSIGN(const int64_t version, read_number(db, "PRAGMA user_version"));
  if (version > kSchemaVersion) return newer(path, version);
  for (int64_t step = version; step < kSchemaVersion; ++step) {
    VESTO_TRY(db.exec(kSteps.at(static_cast<size_t>(step))));
  }
  VESTO_TRY(db.exec(fmt::format("PRAGMA application_id = {}", kApplicationId).c_str()));
  return db.exec(fmt::format("PRAGMA user_version = {}", kSchemaVersion).c_str());
}

}  // namespace

Result<int64_t> version_of_ours(Database& db, const std::string& path) {
  VESTO_ASSIGN(const int64_t application, read_number(db, "PRAGMA application_id"));
  VESTO_ASSIGN(const int64_t tables, read_number(db, "SELECT count(*) FROM sqlite_master"));
  if (application != kApplicationId && (application != 0 || tables > 0)) return foreign(path);
  VESTO_ASSIGN(const int64_t version, read_number(db, "PRAGMA user_version"));
  if (version > kSchemaVersion) return newer(path, version);
  return version;
}

Status migrate(Database& db, const std::string& path) {
  VESTO_ASSIGN(const int64_t version, version_of_ours(db, path));
  VESTO_TRY(db.exec("PRAGMA journal_mode = WAL"));
  // A short write-ahead log: the store also has to live on small disks.
  VESTO_TRY(db.exec("PRAGMA wal_autocheckpoint = 48; PRAGMA journal_size_limit = 1048576"));
  if (version == kSchemaVersion) return ok_status();
  VESTO_TRY(db.exec("BEGIN IMMEDIATE"));
  Status done = bring_up(db, path);
  if (done.ok()) done = db.exec("COMMIT");
  if (!done.ok() && !db.autocommit()) {
    // The first error is the one to tell; a failed rollback ends with the connection.
    (void)db.exec("ROLLBACK");
  }
  return done;
}

}  // namespace vesto::store
