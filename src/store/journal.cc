// The journal: each staged object from before its PUT until it is removed.
#include <fmt/format.h>

#include "store/sqlite_store.h"

namespace vesto::store {

namespace {

// Columns: bucket, key, run, stream, part, rows, raw_bytes, size_bytes, sha256, stored.
JournalObject read_object(const Row& row) {
  return {.bucket = row.text(0),
          .key = row.text(1),
          .run = RunId{row.text(2)},
          .stream = static_cast<int>(row.number(3)),
          .part = static_cast<int>(row.number(4)),
          .rows = static_cast<uint64_t>(row.number(5)),
          .raw_bytes = static_cast<uint64_t>(row.number(6)),
          .size_bytes = static_cast<uint64_t>(row.number(7)),
          .sha256 = row.text(8),
          .stored = row.number(9) != 0};
}

constexpr const char* kColumns =
    "bucket, key, run, stream, part, rows, raw_bytes, size_bytes, sha256";

Status delete_object(Database& db, const std::string& bucket, const std::string& key) {
  VESTO_TRY(db.run("DELETE FROM object WHERE bucket = ? AND key = ?", {bucket, key}));
  return ok_status();
}

}  // namespace

Status SqliteStore::plan(const JournalObject& object) {
  return writer_.run([&](Database& db) -> Status {
    VESTO_TRY(
        db.run("INSERT OR REPLACE INTO object(bucket, key, run, stream, part, rows, "
               "raw_bytes, size_bytes, sha256, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
               {object.bucket, object.key, object.run.text, object.stream, object.part, object.rows,
                object.raw_bytes, object.size_bytes, Blob{object.sha256}, object.stored ? 1 : 0}));
    return ok_status();
  });
}

// Without the mark the object is removed all the same.
Status SqliteStore::mark_stored(const std::string& bucket, const std::string& key) {
  return writer_.run(
      [&](Database& db) -> Status {
        VESTO_ASSIGN(
            const int64_t changed,
            db.run("UPDATE object SET state = 1 WHERE bucket = ? AND key = ?", {bucket, key}));
        if (changed == 0) {
          return Error(ErrorCode::kInternal, fmt::format("object {} is not in the journal", key));
        }
        return ok_status();
      },
      Keeps::kWithNext);
}

// What is remembered once too often is removed once more.
Status SqliteStore::forget(const std::string& bucket, const std::vector<std::string>& keys) {
  return writer_.run(
      [&](Database& db) -> Status {
        for (const std::string& key : keys) {
          VESTO_TRY(
              db.run(fmt::format("INSERT OR REPLACE INTO object_gone({0}) SELECT {0} FROM object "
                                 "WHERE bucket = ? AND key = ?",
                                 kColumns),
                     {bucket, key}));
          VESTO_TRY(delete_object(db, bucket, key));
        }
        return ok_status();
      },
      Keeps::kWithNext);
}

// `rest`: what stands behind FROM object.
Result<std::vector<JournalObject>> SqliteStore::objects_where(std::string_view rest,
                                                              std::initializer_list<Bind> values) {
  std::vector<JournalObject> objects;
  VESTO_TRY(read([&](Database& db) {
    return db.query(fmt::format("SELECT {}, state FROM object {}", kColumns, rest), values,
                    [&](const Row& row) { objects.push_back(read_object(row)); });
  }));
  return objects;
}

Result<std::vector<JournalObject>> SqliteStore::objects_of(const RunId& run) {
  return objects_where("WHERE run = ? ORDER BY stream, part, key", {run.text});
}

Result<std::vector<JournalObject>> SqliteStore::objects_of_sync(const SyncId& sync) {
  return objects_where("WHERE instr(key, '/' || ? || '/') > 0 ORDER BY bucket, key LIMIT 1000",
                       {sync.text});
}

Result<std::vector<JournalObject>> SqliteStore::objects_of_no_run() {
  return objects_where("WHERE run NOT IN (SELECT id FROM run) ORDER BY bucket, key LIMIT 1000", {});
}

Status SqliteStore::drop_object(const std::string& bucket, const std::string& key) {
  return writer_.run([&](Database& db) { return delete_object(db, bucket, key); },
                     Keeps::kWithNext);
}

Result<std::vector<JournalObject>> SqliteStore::files_of(const RunId& run) {
  return objects_where(fmt::format("WHERE run = ?1 UNION ALL SELECT {}, 0 FROM object_gone "
                                   "WHERE run = ?1 ORDER BY 4, 5, 2",
                                   kColumns),
                       {run.text});
}

Result<int64_t> SqliteStore::journal_size() {
  int64_t size = 0;
  VESTO_TRY(read([&](Database& db) {
    return db.query("SELECT count(*) FROM object", {},
                    [&](const Row& row) { size = row.number(0); });
  }));
  return size;
}

}  // namespace vesto::store
