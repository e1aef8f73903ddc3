#include "sync/report.h"

#include <algorithm>

#include "base/log.h"
#include "base/redact.h"

namespace vesto {

namespace {
constexpr int64_t kProgressEveryMs = 500;
}  // namespace

Report::Report(const SyncSpec& spec, RunObserver* observer, Clock& clock)
    : observer_(observer), clock_(clock) {
  tables_.reserve(spec.tables.size());
  for (const TableSpec& table : spec.tables) {
    TableProgress progress;
    progress.name = table.name;
    tables_.push_back(std::move(progress));
  }
}

void Report::started(const RunId& run, const SyncSpec& spec) {
  Lock lock(mutex_);
  if (observer_ != nullptr) observer_->run_started(run, spec);
}

void Report::step(size_t table, std::string_view step) {
  Lock lock(mutex_);
  if (tables_[table].step == step) return;
  tables_[table].step = std::string(step);
  if (observer_ != nullptr) observer_->table_step(tables_[table]);
}

void Report::estimate(size_t table, int64_t rows) {
  Lock lock(mutex_);
  tables_[table].estimated_rows = rows;
}

void Report::moved(size_t table, uint64_t rows_read, uint64_t bytes_staged) {
  Lock lock(mutex_);
  tables_[table].rows_read += rows_read;
  tables_[table].bytes_staged += bytes_staged;
  const int64_t now_ms = clock_.monotonic_ms();
  if (observer_ == nullptr || now_ms - told_ms_ < kProgressEveryMs) return;
  told_ms_ = now_ms;
  observer_->progress(tables_);
}

void Report::finished(const TableResult& result) {
  Lock lock(mutex_);
  if (observer_ != nullptr) observer_->table_finished(result);
}

void Report::warning(const std::string& given) {
  Lock lock(mutex_);
  const std::string text = redact(given);
  if (std::find(warnings_.begin(), warnings_.end(), text) != warnings_.end()) return;
  warnings_.push_back(text);
  if (observer_ != nullptr) {
    observer_->warning(text);
  } else {
    log_warn("run", {{"warning", text}});
  }
}

void Report::waiting(const std::optional<WarehouseWaiting>& wait) {
  Lock lock(mutex_);
  if (observer_ != nullptr) observer_->waiting(wait);
}

void Report::reset() {
  Lock lock(mutex_);
  for (TableProgress& table : tables_) {
    table.step = "queued";
    table.rows_read = 0;
    table.bytes_staged = 0;
  }
}

std::vector<std::string> Report::warnings() {
  Lock lock(mutex_);
  return warnings_;
}

}  // namespace vesto
