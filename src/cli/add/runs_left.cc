#include "cli/add/runs_left.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "redshift/recorded_session.h"

namespace vesto::cli {

namespace {

constexpr int kMaxRunsSeen = 5'000;  // newest first; they tell the syncs that there were

// A store keeps no destination of a run: its objects and its session tell where it went.
enum class Fit { kNo, kUnknown, kYes };

bool lies_at(const JournalObject& object, const DestinationConfig& destination) {
  return object.bucket == destination.bucket && object.key.starts_with(destination.prefix);
}

Fit fit_of(const RunRecord& run, const std::vector<JournalObject>& objects,
           const DestinationConfig& destination) {
  const std::string place =
      fmt::format("@{}:{}/{}", destination.host, destination.port, destination.database);
  const std::vector<RecordedSession> sessions = read_sessions(run.warehouse_since);
  if (objects.empty() && sessions.empty()) return Fit::kUnknown;
  const bool staged = std::any_of(objects.begin(), objects.end(), [&](const JournalObject& one) {
    return lies_at(one, destination);
  });
  const bool logged_in =
      std::any_of(sessions.begin(), sessions.end(),
                  [&](const RecordedSession& one) { return one.where.ends_with(place); });
  return staged || logged_in ? Fit::kYes : Fit::kNo;
}

class Finder {
 public:
  Finder(Store& store, const Config& config, const DestinationConfig& gone)
      : store_(store), config_(config), gone_(gone) {}

  Result<RunsLeft> find() {
    VESTO_ASSIGN(const std::vector<RunRecord> runs, store_.runs("", kMaxRunsSeen));
    std::set<std::string> syncs;
    for (const RunRecord& run : runs) syncs.insert(run.sync);
    for (const std::string& sync : syncs) {
      VESTO_TRY(look_for_live(sync));
      if (out_.busy) return std::move(out_);
      VESTO_TRY(look_for_staged(sync));
    }
    return std::move(out_);
  }

 private:
  // Where the sync delivers now; nothing where it is out of the configuration.
  [[nodiscard]] const DestinationConfig* destination_of(const std::string& sync) const {
    const SyncConfig* now = config_.find_sync(sync);
    return now == nullptr ? nullptr : config_.find_destination(now->destination);
  }

  Status look_for_live(const std::string& sync) {
    VESTO_ASSIGN(const std::optional<LeaseHolder> holder, store_.lease_holder(sync));
    if (!holder) return ok_status();
    VESTO_ASSIGN(const std::optional<RunRecord> run, store_.find_run(holder->run.text));
    if (!run) return ok_status();
    VESTO_ASSIGN(const std::vector<JournalObject> objects, store_.files_of(run->id));
    const Fit fit = fit_of(*run, objects, gone_);
    const DestinationConfig* now = destination_of(sync);
    // One that is configured has begun with its own destination, unless it shows another one.
    const bool elsewhere = now != nullptr && fit_of(*run, objects, *now) != Fit::kNo;
    if (fit == Fit::kNo || elsewhere) return ok_status();
    out_.busy = Error(ErrorCode::kRunBusy,
                      fmt::format("sync {} is being run by {} (process {}), {} destination.{}",
                                  sync, run->id.text, holder->pid,
                                  fit == Fit::kYes ? "into" : "perhaps into", gone_.name))
                    .with_hint(fmt::format("Wait for it, or stop it: kill -INT {}", holder->pid));
    return ok_status();
  }

  // The next run of a sync removes what its earlier ones left, where it still delivers there.
  Status look_for_staged(const std::string& sync) {
    const DestinationConfig* now = destination_of(sync);
    VESTO_ASSIGN(const std::vector<RunRecord> runs, store_.unswept_runs(sync));
    for (const RunRecord& run : runs) {
      VESTO_ASSIGN(const std::vector<JournalObject> objects, store_.objects_of(run.id));
      const auto count =
          std::count_if(objects.begin(), objects.end(), [&](const JournalObject& one) {
            return lies_at(one, gone_) && (now == nullptr || !lies_at(one, *now));
          });
      if (count > 0) out_.staged.push_back({run.id.text, sync, static_cast<size_t>(count)});
    }
    return ok_status();
  }

  Store& store_;
  const Config& config_;
  const DestinationConfig& gone_;
  RunsLeft out_;
};

}  // namespace

Result<RunsLeft> runs_left(Store& store, const Config& config, const DestinationConfig& gone) {
  return Finder(store, config, gone).find();
}

}  // namespace vesto::cli
