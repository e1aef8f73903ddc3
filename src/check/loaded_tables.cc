#include "check/loaded_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "schema/names.h"
#include "schema/table_name.h"

namespace vesto::check {

namespace {

constexpr std::string_view kNoSuchTable = "42P01";
// The server ends a statement first, which keeps the session.
constexpr int64_t kGraceMs = 1'000;

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

// What the server answers while somebody holds the state's lock, or is too busy to look.
bool was_waited_for(const Error& error) {
  return error.code() == ErrorCode::kRsTimeout || error.code() == ErrorCode::kRsLock;
}

// What a sync has filled, and what its patterns stood for in the runs so far, is known by its
// state. Where that is not there, there was no run.
void add_delivered(const Result<Delivered>& delivered, const SyncConfig& sync,
                   LoadedPatterns* patterns, Loaded* out) {
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

LimitedStates::LimitedStates(State& state, const CheckLimits& limits)
    : state_(state),
      limits_(limits),
      states_(
          [this](const std::string& sql, int64_t limit_ms) { return ask_within(sql, limit_ms); },
          state.destination().schema, *state.target.clock) {}

LimitedStates::~LimitedStates() {
  if (limited_ && state_.session->usable()) (void)ask(state_, "RESET statement_timeout", limits_);
}

Result<ExecResult> LimitedStates::ask_within(const std::string& sql, int64_t limit_ms) {
  VESTO_TRY(ask(state_, sql::set_statement_timeout(limit_ms), limits_));
  limited_ = true;
  return ask(state_, sql, {.limit_ms = limit_ms + kGraceMs, .stop = limits_.stop});
}

Loaded loaded_tables(State& state, const CheckLimits& limits) {
  Loaded out;
  out.tables.insert(std::string(sql::kLoadsTable));
  out.tables.insert(std::string(sql::kRejectedTable));
  LimitedStates states(state, limits);
  state.loading.clear();
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
    const auto delivered = states.get().read(own);
    if (!delivered.ok() && was_waited_for(delivered.error())) state.loading.push_back(sync.name);
    add_delivered(delivered, sync, &patterns, &out);
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
