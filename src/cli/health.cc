#include "cli/health.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/clock.h"
#include "base/strings.h"
#include "cli/exit_codes.h"
#include "schema/table_name.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

bool succeeded(const KeptRun& run) {
  return run.state == "succeeded" || (run.state == "skipped" && run.reason == "no change");
}
bool counts(const KeptRun& run) {
  return succeeded(run) || run.state == "failed" || run.state == "partial";
}

bool somebody_must_act(const KeptError& error) {
  return error.retry == "after_fix" || error.retry == "never";
}

// What a run that did not succeed means for its sync.
Health health_after(const KeptRun& run) {
  if (run.error && somebody_must_act(*run.error)) return Health::kNeedsAction;
  for (const KeptTable& table : run.tables) {
    if (table.error && somebody_must_act(*table.error)) return Health::kNeedsAction;
  }
  return Health::kRetrying;
}

// The newest moment that is committed for a table, by the runs that delivered it.
int64_t delivered_until(const std::vector<KeptRun>& runs, const std::string& table) {
  for (const KeptRun& run : runs) {
    for (const KeptTable& result : run.tables) {
      const bool good = result.state == "succeeded" || result.state == "unchanged";
      if (normal_table_name(result.name) == normal_table_name(table) && good &&
          run.data_as_of_ms != 0)
        return run.data_as_of_ms;
    }
  }
  return 0;
}

}  // namespace

SyncHealth judge_sync(const SyncConfig& sync, const std::vector<RunRecord>& runs,
                      const std::string& live_run, const std::vector<StreamCopy>& committed) {
  SyncHealth out;
  out.name = sync.name;
  out.tables_total = sync.tables.size();
  std::vector<KeptRun> kept;
  for (const RunRecord& record : runs) {
    const bool live = record.ended_ms == 0 && record.id.text == live_run;
    kept.push_back(read_kept_run(record, live));
    if (live) out.running = kept.back();
  }
  const auto last = std::find_if(kept.begin(), kept.end(), counts);
  if (last != kept.end()) out.last = *last;
  out.ever_succeeded = std::any_of(kept.begin(), kept.end(), succeeded);
  if (out.last) out.health = succeeded(*out.last) ? Health::kHealthy : health_after(*out.last);
  for (const StreamCopy& copy : committed) {
    out.warehouse_seen_ms = std::max(out.warehouse_seen_ms, copy.seen_ms);
  }
  for (const TableConfig& table : sync.tables) {
    const std::string stream = normal_table_name(table.name);
    TableAge age{.name = table.name, .data_as_of_ms = delivered_until(kept, table.name)};
    const bool known = std::any_of(committed.begin(), committed.end(),
                                   [&](const StreamCopy& copy) { return copy.stream == stream; });
    if (age.data_as_of_ms != 0 || known) ++out.tables_delivered;
    if (age.data_as_of_ms != 0 &&
        (out.data_as_of_ms == 0 || age.data_as_of_ms < out.data_as_of_ms)) {
      out.data_as_of_ms = age.data_as_of_ms;
    }
    out.tables.push_back(std::move(age));
  }
  return out;
}

std::string health_label(Health health) { return replace_all(health_name(health), "_", " "); }

std::string health_name(Health health) {
  switch (health) {
    case Health::kNotStarted:
      return "not_started";
    case Health::kNeedsAction:
      return "needs_action";
    case Health::kRetrying:
      return "retrying";
    case Health::kHealthy:
      return "healthy";
  }
  return "";
}

Shape health_shape(Health health) {
  switch (health) {
    case Health::kNotStarted:
      return Shape::kQueued;
    case Health::kNeedsAction:
      return Shape::kFailed;
    case Health::kRetrying:
      return Shape::kRetry;
    case Health::kHealthy:
      return Shape::kDone;
  }
  return Shape::kNone;
}

std::string activity_text(const SyncHealth& sync) {
  if (!sync.running) return "idle";
  if (sync.running->record.step == kWaitingStep) {
    const auto& wait = sync.running->waiting;
    if (!wait) return "waiting for the warehouse";
    // "2026-11-23T10:15:04Z": the time of day.
    return fmt::format("waiting for the warehouse since {}: {}",
                       format_utc_seconds(wait->since_ms).substr(11), wait->reason);
  }
  if (!sync.ever_succeeded) {
    return fmt::format("running: first load {} of {} tables", sync.tables_delivered,
                       sync.tables_total);
  }
  return "running: " + replace_all(sync.running->record.step, "_", " ");
}

int health_exit_code(const std::vector<SyncHealth>& syncs) {
  int code = kExitOk;
  for (const SyncHealth& sync : syncs) {
    if (sync.health == Health::kNeedsAction) return kExitNeedsAction;
    if (sync.health == Health::kRetrying) code = kExitTemporary;
  }
  return code;
}

std::string health_summary(const std::vector<SyncHealth>& syncs) {
  constexpr std::array<Health, 4> kOrder = {Health::kHealthy, Health::kRetrying,
                                            Health::kNeedsAction, Health::kNotStarted};
  std::string out = fmt::format("{} sync{}", syncs.size(), syncs.size() == 1 ? "" : "s");
  bool first = true;
  for (const Health health : kOrder) {
    const auto count = std::count_if(syncs.begin(), syncs.end(),
                                     [&](const SyncHealth& sync) { return sync.health == health; });
    if (count == 0) continue;
    out += fmt::format("{}{} {}", first ? ": " : ", ", count, health_label(health));
    first = false;
  }
  return out;
}

}  // namespace vesto::cli
