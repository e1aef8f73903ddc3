#include "check/loaded_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "schema/names.h"
#include "schema/table_name.h"
#include "sync/position.h"

namespace vesto::check {

namespace {

constexpr std::string_view kNoSuchTable = "42P01";
// Of a position: its setup is at the beginning, and the header's name of the sync.
constexpr int kPositionBegin = 600;

// The header row has one of these positions as well.
std::string delivered_query(const TargetName& state) {
  return fmt::format(
      "SELECT stream, MAX(CASE WHEN \"schema_version\" = {} THEN SUBSTRING(\"position\", 1, {}) "
      "END) "
      "FROM {} GROUP BY 1 LIMIT {}",
      sql::kPositionPart, kPositionBegin, sql::qualified(state), kMaxStreamsSeen + 1);
}

// "shop" of {"sync":"shop","source":"..."}.
std::string sync_of_header(const std::string& text) {
  const nlohmann::json header = nlohmann::json::parse(text, nullptr, false);
  if (!header.is_object() || !header.contains("sync") || !header["sync"].is_string()) return "";
  return header["sync"].get<std::string>();
}

// The entry whose pattern stands for the stream.
std::string line_of_pattern(const SyncConfig& sync, const std::string& stream) {
  const auto name = parse_table_name(stream);
  for (const TableConfig& one : sync.tables) {
    if (name && one.pattern && matches_table_pattern(one.name, *name)) {
      return one.origin.line_text();
    }
  }
  return sync.origin.line_text();
}

// The table that the patterns deliver the stream into; "" where an entry of its own does, or
// nothing.
std::string target_by_pattern(const LoadedPatterns& of, const std::string& stream) {
  const auto name = parse_table_name(stream);
  if (!name || of.own.contains(normal_table_name(stream))) return "";
  const bool wanted = std::any_of(
      of.patterns.begin(), of.patterns.end(),
      [&](const std::string& pattern) { return matches_table_pattern(pattern, *name); });
  return wanted ? target_table_name(name->table) : "";
}

// What a sync has filled, and what its patterns stood for in the runs so far, is known by its
// state. Where that is not there, there was no run.
void add_delivered(State& state, const CheckLimits& limits, const std::string& table,
                   const SyncConfig& sync, LoadedPatterns* patterns, Loaded* out) {
  const auto delivered = delivered_streams(state, limits, table);
  patterns->known =
      delivered.ok() ? !delivered->cut : delivered.error().upstream().code == kNoSuchTable;
  for (const TableConfig& one : sync.tables) {
    if (one.adopt) out->ours.insert(one.target);
    if (!patterns->known && !one.pattern) out->unsure.insert(one.target);
  }
  if (!delivered.ok()) return;
  if (!patterns->known && !patterns->patterns.empty()) out->cut = true;
  for (const auto& [stream, setup] : delivered->streams) {
    // A position that counts for another table is from a time when the pattern did not stand for
    // this one: whether the source still has it is not known, and the target may be anybody's.
    const std::string target = target_by_pattern(*patterns, stream);
    if (target.empty() || !filled_by({setup}, target)) continue;
    out->tables.insert(target);
    out->ours.insert(target);
    out->places.emplace(target, place_of_table(sync.name, stream, line_of_pattern(sync, stream)));
  }
  for (const TableConfig& one : sync.tables) {
    if (!one.pattern && filled_by(delivered->setups, one.target)) out->ours.insert(one.target);
  }
}

}  // namespace

std::string place_of_table(const std::string& sync, const std::string& table,
                           const std::string& line) {
  return fmt::format("sync.{}, table {} ({})", sync, printable(table, false), line);
}

bool filled_by(const std::set<std::string>& setups, const std::string& target) {
  const std::string mine = stream_setup(target, {}, "");
  return std::any_of(setups.begin(), setups.end(),
                     [&](const std::string& setup) { return same_target(setup, mine); });
}

Result<Delivered> delivered_streams(State& state, const CheckLimits& limits,
                                    const std::string& table) {
  VESTO_ASSIGN(const ExecResult answer,
               ask(state, delivered_query({state.destination().schema, table}), limits));
  Delivered out;
  out.cut = answer.rows.size() > kMaxStreamsSeen;
  for (const auto& row : answer.rows) {
    if (row.size() != 2 || !row[0]) continue;
    if (*row[0] == sql::kHeaderStream) out.sync = sync_of_header(row[1].value_or(""));
    const auto position = parse_committed_position(row[1].value_or(""));
    if (!position) continue;
    out.setups.insert(position->setup);
    out.streams.emplace_back(*row[0], position->setup);
  }
  return out;
}

Loaded loaded_tables(State& state, const CheckLimits& limits) {
  Loaded out;
  out.tables.insert(std::string(sql::kLoadsTable));
  out.tables.insert(std::string(sql::kRejectedTable));
  for (const SyncConfig& sync : state.target.config->syncs) {
    if (sync.destination != state.destination().name) continue;
    const std::string own = sql::state_table_name(sync_id(sync.name));
    out.tables.insert(own);
    out.state.insert(own);
    LoadedPatterns patterns{.sync = sync.name, .patterns = {}, .own = {}};
    for (const TableConfig& one : sync.tables) {
      if (!one.target.empty()) {
        out.tables.insert(one.target);
        out.places.emplace(one.target, place_of_table(sync.name, one.name, one.origin.line_text()));
      }
      if (one.pattern) patterns.patterns.push_back(one.name);
      if (!one.pattern) patterns.own.insert(normal_table_name(one.name));
    }
    add_delivered(state, limits, own, sync, &patterns, &out);
    if (!patterns.patterns.empty()) out.patterns.push_back(std::move(patterns));
  }
  out.ours.insert({std::string(sql::kLoadsTable), std::string(sql::kRejectedTable)});
  out.ours.insert(out.state.begin(), out.state.end());
  return out;
}

namespace {

bool may_be_meant(const LoadedPatterns& of, const std::string& source) {
  return std::any_of(of.patterns.begin(), of.patterns.end(), [&](const std::string& pattern) {
    const std::string folded = fold_name(pattern);
    const auto parts = parse_table_name(folded);
    if (!parts || !matches_table_pattern(folded, {parts->schema, source})) return false;
    // Another schema of the source may have such a table, too.
    if (parts->schema.find('*') != std::string::npos) return true;
    const std::string name = table_name_text(parts->schema, source);
    return std::none_of(of.own.begin(), of.own.end(),
                        [&](const std::string& own) { return fold_name(own) == name; });
  });
}

}  // namespace

bool may_be_meant(const std::vector<LoadedPatterns>& patterns, const std::string& target) {
  const auto source = source_name_of(target);
  if (!source || target.starts_with("_vesto_")) return false;
  return std::any_of(patterns.begin(), patterns.end(), [&](const LoadedPatterns& one) {
    return may_be_meant(one, fold_name(*source));
  });
}

}  // namespace vesto::check
