#include "check/pattern_tables.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "base/timed_stop.h"
#include "redshift/sql.h"
#include "sync/assemble.h"
#include "sync/patterns.h"

namespace vesto::check {

namespace {

constexpr size_t kMaxNamesSeen = 5'000;  // of the schema
// For all sources together: a part of what the whole check has.
constexpr int64_t kSourcesLimitMs = 4'000;

// Tables and views of the schema that a pattern may stand for, and that are not known to be loaded.
Result<Meant> candidates(State& state, const CheckLimits& limits, const Loaded& loaded) {
  VESTO_ASSIGN(
      const ExecResult found,
      ask(state,
          fmt::format("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
                      "c.relnamespace WHERE n.nspname = {} AND c.relkind NOT IN ('i', 'S', 't', "
                      "'c') ORDER BY 1 LIMIT {}",
                      sql::literal(state.destination().schema), kMaxNamesSeen + 1),
          limits));
  Meant out;
  out.cut = found.rows.size() > kMaxNamesSeen;
  for (const auto& row : found.rows) {
    if (row.empty() || !row[0] || loaded.tables.contains(*row[0])) continue;
    if (may_be_meant(loaded.patterns, *row[0])) out.perhaps.insert(*row[0]);
  }
  return out;
}

// Each source is asked once, however many syncs read from it.
class Sources {
 public:
  Sources(const DestinationUnderTest& target, const CheckLimits& limits)
      : target_(target),
        limit_({.limit_ms = kSourcesLimitMs, .after_stop_ms = 0, .stop = limits.stop}) {}

  const Result<std::vector<TableName>>& tables_of(const std::string& name) {
    const auto known = asked_.find(name);
    if (known != asked_.end()) return known->second;
    return asked_.emplace(name, ask_for_tables(name)).first->second;
  }

 private:
  Result<std::vector<TableName>> ask_for_tables(const std::string& name) {
    if (target_.secrets == nullptr) return Error(ErrorCode::kSecKey, "there are no secrets");
    VESTO_ASSIGN(const std::unique_ptr<Source> source,
                 make_source(*target_.config, name, *target_.secrets, limit_.token()));
    return source->table_names();
  }

  const DestinationUnderTest& target_;
  const TimedStop limit_;
  std::map<std::string, Result<std::vector<TableName>>> asked_;
};

// What the next run of the sync loads by its patterns, where the schema has something of that name.
void add_meant(const SyncConfig& sync, const LoadedPatterns& patterns,
               const std::vector<TableName>& names, const std::set<std::string>& there,
               Loaded* loaded) {
  SyncSpec spec;
  spec.tables = table_specs(sync);
  for (const TableSpec& one : with_matching_tables(spec, names, nullptr).tables) {
    if (!there.contains(one.target) || !one.clash.empty()) continue;
    if (!loaded->tables.insert(one.target).second) continue;
    loaded->places.emplace(one.target, place_of_table(sync.name, one.name, one.where));
    loaded->by_pattern.insert(one.target);
    if (!patterns.known) loaded->unsure.insert(one.target);
  }
}

}  // namespace

Result<Meant> meant_by_patterns(State& state, const CheckLimits& limits, Loaded* loaded) {
  if (loaded->patterns.empty()) return Meant{};
  VESTO_ASSIGN(Meant meant, candidates(state, limits, *loaded));
  if (meant.perhaps.empty()) return meant;
  Sources sources(state.target, limits);
  const std::set<std::string> there = std::exchange(meant.perhaps, {});
  std::vector<LoadedPatterns> unknown;
  for (LoadedPatterns& one : std::exchange(loaded->patterns, {})) {
    const SyncConfig* sync = state.target.config->find_sync(one.sync);
    if (sync == nullptr) continue;
    const auto& names = sources.tables_of(sync->source);
    if (names.ok()) {
      add_meant(*sync, one, *names, there, loaded);
      continue;
    }
    meant.not_asked.push_back(
        {"source_not_asked", fmt::format("{}: {}", sync->source, names.error().name())});
    unknown.push_back(std::move(one));
  }
  loaded->patterns = std::move(unknown);
  for (const std::string& one : there) {
    if (loaded->tables.contains(one) || !may_be_meant(loaded->patterns, one)) continue;
    meant.perhaps.insert(one);
  }
  return meant;
}

}  // namespace vesto::check
