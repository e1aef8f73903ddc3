// What a run tells its observer. One object a run; keeps where each table stands.
// Thread rule: any thread; the observer is called by one thread at a time.
#ifndef VESTO_SYNC_REPORT_H_
#define VESTO_SYNC_REPORT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "sync/run.h"

namespace vesto {

class Report {
 public:
  Report(const SyncSpec& spec, RunObserver* observer, Clock& clock);

  void started(const RunId& run, const SyncSpec& spec) VESTO_EXCLUDES(mutex_);
  // table: index into spec.tables.
  void step(size_t table, std::string_view step) VESTO_EXCLUDES(mutex_);
  void estimate(size_t table, int64_t rows) VESTO_EXCLUDES(mutex_);
  void moved(size_t table, uint64_t rows_read, uint64_t bytes_staged) VESTO_EXCLUDES(mutex_);
  void finished(const TableResult& result) VESTO_EXCLUDES(mutex_);
  void warning(const std::string& given) VESTO_EXCLUDES(mutex_);
  void waiting(const std::optional<WarehouseWaiting>& wait) VESTO_EXCLUDES(mutex_);
  // A run that plans again starts counting anew.
  void reset() VESTO_EXCLUDES(mutex_);
  [[nodiscard]] std::vector<std::string> warnings() VESTO_EXCLUDES(mutex_);

 private:
  RunObserver* const observer_;
  Clock& clock_;
  Mutex mutex_;
  std::vector<TableProgress> tables_ VESTO_GUARDED_BY(mutex_);
  std::vector<std::string> warnings_ VESTO_GUARDED_BY(mutex_);
  int64_t told_ms_ VESTO_GUARDED_BY(mutex_) = 0;
};

}  // namespace vesto

#endif  // VESTO_SYNC_REPORT_H_
