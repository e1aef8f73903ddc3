// The one implementation of Store: a SQLite file, one connection that writes and some that read.
// Inside store/ only; store.cc holds runs, leases and positions, journal.cc the staged objects.
#ifndef VESTO_STORE_SQLITE_STORE_H_
#define VESTO_STORE_SQLITE_STORE_H_

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/mutex.h"
#include "store/lease.h"
#include "store/sqlite.h"
#include "store/store.h"
#include "store/writer.h"

namespace vesto::store {

class SqliteStore final : public Store {
 public:
  SqliteStore(std::string path, std::unique_ptr<Database> db, Clock& clock)
      : path_(std::move(path)), clock_(clock), self_(own_process()), writer_(std::move(db)) {}

  Result<InstallationId> installation() override;
  Status put_run(const RunRecord& run) override;
  Result<std::optional<RunRecord>> find_run(std::string_view id_or_prefix) override;
  Result<std::vector<RunRecord>> runs(std::string_view sync, int limit) override;
  Result<std::vector<RunRecord>> unswept_runs(std::string_view sync) override;
  Result<std::optional<LeaseHolder>> take_lease(std::string_view sync, const RunId& run,
                                                int64_t ttl_ms) override;
  Result<bool> renew_lease(std::string_view sync, const RunId& run) override;
  Result<bool> holds_lease(std::string_view sync, const RunId& run) override;
  Status release_lease(std::string_view sync, const RunId& run) override;
  Result<std::optional<LeaseHolder>> lease_holder(std::string_view sync) override;
  Status put_copies(const std::vector<StreamCopy>& copies) override;
  Result<std::vector<StreamCopy>> copies(std::string_view sync) override;
  Status drop_copies(std::string_view sync) override;
  Status doubt_copy(std::string_view sync, std::string_view stream, bool doubted) override;
  Status add_sql(const RunId& run, std::string_view sql) override;
  Result<std::vector<std::string>> sql_of(const RunId& run) override;
  Result<std::vector<JournalObject>> files_of(const RunId& run) override;
  Result<std::vector<JournalObject>> objects_of_sync(const SyncId& sync) override;
  Result<std::vector<JournalObject>> objects_of_no_run() override;
  Status drop_object(const std::string& bucket, const std::string& key) override;
  Result<int64_t> journal_size() override;
  Status plan(const JournalObject& object) override;
  Status mark_stored(const std::string& bucket, const std::string& key) override;
  Status forget(const std::string& bucket, const std::vector<std::string>& keys) override;
  Result<std::vector<JournalObject>> objects_of(const RunId& run) override;

 private:
  Result<std::vector<JournalObject>> objects_where(std::string_view rest,
                                                   std::initializer_list<Bind> values);
  // Runs `use` on a read connection of its own.
  Status read(const std::function<Status(Database&)>& use) VESTO_EXCLUDES(readers_mutex_);
  [[nodiscard]] bool live(const LeaseRow& lease) {
    return lease_is_live(lease, self_, clock_.boottime_ms());
  }

  const std::string path_;
  Clock& clock_;
  const ProcessMark self_;
  Mutex readers_mutex_;
  std::vector<std::unique_ptr<Database>> readers_ VESTO_GUARDED_BY(readers_mutex_);
  Writer writer_;
};

}  // namespace vesto::store

#endif  // VESTO_STORE_SQLITE_STORE_H_
