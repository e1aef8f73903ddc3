#include "sync/former_syncs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error_causes.h"
#include "base/strings.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "sync/position.h"

namespace vesto {

namespace {

// Of a position: its setup is at the beginning, and the header's name of the sync.
constexpr int kPositionBegin = 600;
constexpr int64_t kStatesMs = 4'000;  // for the states of all syncs together
constexpr size_t kMaxNamed = 50;      // tables in one text

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

Delivered delivered_of(const ExecResult& answer) {
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

// "a, b, ..."
std::string named(const std::vector<std::string>& tables) {
  std::vector<std::string> out;
  for (size_t i = 0; i < tables.size() && i < kMaxNamed; ++i) {
    out.push_back(printable(tables[i], false));
  }
  if (tables.size() > kMaxNamed) out.emplace_back("...");
  return join(out, ", ");
}

}  // namespace

bool filled_by(const std::set<std::string>& setups, const std::string& target) {
  const std::string mine = stream_setup(target, {}, "");
  return std::any_of(setups.begin(), setups.end(),
                     [&](const std::string& setup) { return same_target(setup, mine); });
}

SyncStates::SyncStates(AskWithin ask, std::string schema, Clock& clock)
    : ask_(std::move(ask)),
      schema_(std::move(schema)),
      clock_(clock),
      until_ms_(clock.monotonic_ms() + kStatesMs) {}

Result<ExecResult> SyncStates::ask(const std::string& sql) {
  const int64_t left_ms = until_ms_ - clock_.monotonic_ms();
  if (left_ms <= 0) return Error(ErrorCode::kRsTimeout, "no time is left for this state");
  return ask_(sql, left_ms);
}

Result<Delivered> SyncStates::read(const std::string& table) {
  VESTO_ASSIGN(const ExecResult answer, ask(delivered_query({schema_, table})));
  return delivered_of(answer);
}

Result<std::vector<std::string>> SyncStates::others(const std::set<std::string>& known) {
  VESTO_ASSIGN(const ExecResult found,
               ask(fmt::format("SELECT tablename FROM pg_tables WHERE schemaname = {} AND "
                               "SUBSTRING(tablename, 1, {}) = {} AND "
                               "has_table_privilege(quote_ident(schemaname) || '.' || "
                               "quote_ident(tablename), 'SELECT') ORDER BY 1 LIMIT {}",
                               sql::literal(schema_), sql::kStatePrefix.size(),
                               sql::literal(sql::kStatePrefix), kMaxFormerSyncs + known.size())));
  std::vector<std::string> out;
  for (const auto& row : found.rows) {
    if (row.empty() || !row[0] || known.contains(*row[0])) continue;
    if (out.size() < kMaxFormerSyncs) out.push_back(*row[0]);
  }
  return out;
}

std::set<std::string> state_tables(const Config& config) {
  std::set<std::string> out;
  for (const SyncConfig& sync : config.syncs) {
    out.insert(sql::state_table_name(sync_id(sync.name)));
  }
  return out;
}

std::vector<FormerSync> former_syncs(SyncStates& states, const std::set<std::string>& known,
                                     const std::vector<std::string>& asked) {
  std::vector<FormerSync> out;
  const auto others = states.others(known);
  if (!others.ok()) return out;
  for (const std::string& table : *others) {
    const auto delivered = states.read(table);
    if (!delivered.ok() || delivered->sync.empty()) continue;
    FormerSync one{.name = delivered->sync, .tables = {}};
    for (const std::string& target : asked) {
      if (filled_by(delivered->setups, target)) one.tables.push_back(target);
    }
    if (!one.tables.empty()) out.push_back(std::move(one));
  }
  return out;
}

std::string former_text(const std::vector<FormerSync>& syncs) {
  std::vector<std::string> out;
  for (const FormerSync& one : syncs) {
    out.push_back(fmt::format(
        "By the warehouse's own records the sync \"{0}\" delivered {1}, and the configuration has "
        "no sync of that name: if it was renamed, give it the name \"{0}\" back.",
        printable(one.name, false), named(one.tables)));
  }
  return join(out, " ");
}

void say_former_syncs(RedshiftLoader& loader, const SyncSpec& spec, Clock& clock,
                      const std::vector<ForeignTarget>& targets) {
  std::vector<std::string> asked;
  for (const ForeignTarget& one : targets) {
    if (one.error->code() == ErrorCode::kRsTableForeign) asked.push_back(one.table);
  }
  if (asked.empty()) return;
  std::set<std::string> known = spec.state_tables;
  known.insert(sql::state_table_name(sync_id(spec.name)));
  SyncStates states(
      [&loader](const std::string& sql, int64_t limit_ms) { return loader.look(sql, limit_ms); },
      spec.schema, clock);
  const std::vector<FormerSync> former = former_syncs(states, known, asked);
  for (const ForeignTarget& one : targets) {
    if (one.error->code() != ErrorCode::kRsTableForeign) continue;
    std::vector<FormerSync> of_this;
    for (const FormerSync& sync : former) {
      const auto& tables = sync.tables;
      if (std::find(tables.begin(), tables.end(), one.table) == tables.end()) continue;
      of_this.push_back({.name = sync.name, .tables = {one.table}});
    }
    if (of_this.empty()) continue;
    one.error->with_hint(former_text(of_this) + " Otherwise: " + one.error->hint());
    one.error->because(cause_named("sync-of-another-name"));
  }
}

}  // namespace vesto
