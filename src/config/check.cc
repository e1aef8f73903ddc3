// What must hold between objects.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "base/ids.h"
#include "base/strings.h"
#include "config/build.h"
#include "schema/table_name.h"

namespace vesto {

namespace {

class Checker {
 public:
  Checker(const Config& config, std::vector<ConfigIssue>* issues)
      : config_(config), issues_(issues) {}

  void check() {
    for (const SyncConfig& sync : config_.syncs) {
      named(sync, "source", sync.source, sync.source_origin, names_of(config_.sources));
      named(sync, "destination", sync.destination, sync.destination_origin,
            names_of(config_.destinations));
      state_table(sync);
      targets(sync);
    }
  }

 private:
  void add(ErrorCode code, const Origin& origin, std::string message, std::string hint) {
    issues_->push_back(
        {.code = code, .origin = origin, .message = std::move(message), .hint = std::move(hint)});
  }

  void named(const SyncConfig& sync, std::string_view kind, const std::string& name,
             const Origin& origin, const std::vector<std::string>& known) {
    if (name.empty() || std::find(known.begin(), known.end(), name) != known.end()) return;
    const std::optional<std::string> better = nearest(name, known);
    add(ErrorCode::kCfgValue, origin,
        fmt::format("sync.{} names the {} \"{}\", which is not defined{}", sync.name, kind,
                    cut_utf8(name, 100),
                    better ? fmt::format("; did you mean \"{}\"?", *better) : ""),
        fmt::format("Add [{}.{}], or correct the name.", kind, cut_utf8(name, 100)));
  }

  // State tables are named after a hash of the lower-case name.
  void state_table(const SyncConfig& sync) {
    const auto [at, fresh] = state_tables_.try_emplace(sync_id(sync.name).text, &sync);
    if (fresh) return;
    add(ErrorCode::kCfgDuplicate, sync.origin,
        fmt::format("sync.{} and sync.{} ({}) would share one state table", sync.name,
                    at->second->name, at->second->origin.text()),
        "Names that differ in upper and lower case only are the same: rename one of them.");
  }

  // Two destinations may be one place under two names: the place counts.
  void targets(const SyncConfig& sync) {
    const DestinationConfig* destination = config_.find_destination(sync.destination);
    if (destination == nullptr) return;
    std::map<std::string, const TableConfig*> streams;
    for (const TableConfig& table : sync.tables) {
      if (table.target.empty()) continue;
      // A stream has one position in its sync's state table.
      if (const auto [at, fresh] = streams.try_emplace(normal_table_name(table.name), &table);
          !fresh) {
        add(ErrorCode::kCfgDuplicate, table.origin,
            fmt::format("sync.{}: the table {} stands there twice ({})", sync.name,
                        cut_utf8(table.name, 200), at->second->origin.text()),
            "Remove one of them; for a second target make another sync.");
        continue;
      }
      const Place place{to_lower_ascii(destination->host), destination->port, destination->database,
                        to_lower_ascii(destination->schema), table.target};
      const auto [at, fresh] = targets_.try_emplace(place, &sync, &table);
      if (fresh) continue;
      const auto& [other_sync, other] = at->second;
      const std::string whose =
          other_sync == &sync ? std::string() : fmt::format(" of sync.{}", other_sync->name);
      add(ErrorCode::kCfgDuplicate, table.origin,
          fmt::format("sync.{}: {} delivers into {}.{}, and so does {}{} ({})", sync.name,
                      cut_utf8(table.name, 200), destination->schema, table.target,
                      cut_utf8(other->name, 200), whose, other->origin.text()),
          "Give one of them another target = \"...\", or another schema.");
    }
  }

  using Place = std::tuple<std::string, int, std::string, std::string, std::string>;

  const Config& config_;
  std::vector<ConfigIssue>* issues_;
  std::map<std::string, const SyncConfig*> state_tables_;
  std::map<Place, std::pair<const SyncConfig*, const TableConfig*>> targets_;
};

}  // namespace

void check_config(const Config& config, std::vector<ConfigIssue>* issues) {
  Checker(config, issues).check();
}

}  // namespace vesto
