#include "check/loaded_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "schema/names.h"
#include "schema/table_name.h"
#include "sync/position.h"

namespace vesto::check {

namespace {

constexpr std::string_view kNoSuchTable = "42P01";

// A setup is at the beginning of a position.
std::string delivered_query(const TargetName& state) {
  constexpr int kSetupEnd = 40;
  return fmt::format(
      "SELECT stream, MAX(CASE WHEN \"schema_version\" = {} THEN SUBSTRING(\"position\", 1, {}) "
      "END) "
      "FROM {} GROUP BY 1 LIMIT {}",
      sql::kPositionPart, kSetupEnd, sql::qualified(state), kMaxStreamsSeen + 1);
}

// What a sync has filled, and what its patterns stood for in the runs so far, is known by its
// state. Where that is not there, there was no run.
void add_delivered(State& state, const CheckLimits& limits, const TargetName& of,
                   const SyncConfig& sync, const std::vector<std::string>& patterns, Loaded* out) {
  const auto streams = ask(state, delivered_query(of), limits);
  const bool known = streams.ok() ? streams->rows.size() <= kMaxStreamsSeen
                                  : streams.error().upstream().code == kNoSuchTable;
  for (const TableConfig& one : sync.tables) {
    if (one.adopt) out->ours.insert(one.target);
    if (!known && !one.pattern) out->unsure.insert(one.target);
  }
  if (!streams.ok()) return;
  if (!known && !patterns.empty()) out->cut = true;
  std::set<std::string> setups;
  for (const auto& row : streams->rows) {
    if (row.size() != 2 || !row[0]) continue;
    const auto position = parse_committed_position(row[1].value_or(""));
    if (position) setups.insert(position->setup);
    const auto name = parse_table_name(*row[0]);
    if (!name) continue;
    const bool wanted = std::any_of(
        patterns.begin(), patterns.end(),
        [&](const std::string& pattern) { return matches_table_pattern(pattern, *name); });
    if (!wanted) continue;
    out->tables.insert(target_table_name(name->table));
    out->ours.insert(target_table_name(name->table));
  }
  for (const TableConfig& one : sync.tables) {
    if (one.pattern) continue;
    const std::string mine = stream_setup(one.target, {}, "");
    const bool filled = std::any_of(setups.begin(), setups.end(), [&](const std::string& setup) {
      return same_target(setup, mine);
    });
    if (filled) out->ours.insert(one.target);
  }
}

}  // namespace

Loaded loaded_tables(State& state, const CheckLimits& limits) {
  Loaded out;
  out.tables.insert(std::string(sql::kLoadsTable));
  out.tables.insert(std::string(sql::kRejectedTable));
  for (const SyncConfig& sync : state.target.config->syncs) {
    if (sync.destination != state.destination().name) continue;
    const std::string own = sql::state_table_name(sync_id(sync.name));
    out.tables.insert(own);
    out.state.insert(own);
    std::vector<std::string> patterns;
    for (const TableConfig& one : sync.tables) {
      if (!one.target.empty()) out.tables.insert(one.target);
      if (one.pattern) patterns.push_back(one.name);
    }
    add_delivered(state, limits, {state.destination().schema, own}, sync, patterns, &out);
    out.patterns.insert(out.patterns.end(), patterns.begin(), patterns.end());
  }
  out.ours.insert({std::string(sql::kLoadsTable), std::string(sql::kRejectedTable)});
  out.ours.insert(out.state.begin(), out.state.end());
  return out;
}

bool may_be_meant(const std::vector<std::string>& patterns, const std::string& target) {
  const auto source = source_name_of(target);
  if (!source || target.starts_with("_vesto_")) return false;
  return std::any_of(patterns.begin(), patterns.end(), [&](const std::string& pattern) {
    const std::string folded = fold_name(pattern);
    const auto parts = parse_table_name(folded);
    return parts && matches_table_pattern(folded, {parts->schema, fold_name(*source)});
  });
}

}  // namespace vesto::check
