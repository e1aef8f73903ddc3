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

// For the states of all syncs together: a load holds the lock of its state for as long as it takes.
constexpr int64_t kStatesMs = 4'000;
// The server ends a statement first, which keeps the session.
constexpr int64_t kGraceMs = 1'000;

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

// What the server answers while somebody holds the state's lock, or is too busy to look.
bool was_waited_for(const Error& error) {
  return error.code() == ErrorCode::kRsTimeout || error.code() == ErrorCode::kRsLock;
}

// Reads states, each for what the ones before have left of the time.
class States {
 public:
  States(State& state, const CheckLimits& limits) : state_(state), limits_(limits) {}
  States(const States&) = delete;
  States& operator=(const States&) = delete;
  // What is asked next has the limits of the check again.
  ~States() {
    if (limited_ && state_.session->usable()) (void)ask(state_, "RESET statement_timeout", limits_);
  }

  Result<Delivered> read(const std::string& table) {
    const int64_t left_ms = until_ms_ - state_.target.clock->monotonic_ms();
    if (left_ms <= 0) return Error(ErrorCode::kRsTimeout, "no time is left for this state");
    VESTO_TRY(ask(state_, sql::set_statement_timeout(left_ms), limits_));
    limited_ = true;
    VESTO_ASSIGN(const ExecResult answer,
                 ask(state_, delivered_query({state_.destination().schema, table}),
                     {.limit_ms = left_ms + kGraceMs, .stop = limits_.stop}));
    return delivered_of(answer);
  }

 private:
  State& state_;
  const CheckLimits& limits_;
  const int64_t until_ms_ = state_.target.clock->monotonic_ms() + kStatesMs;
  bool limited_ = false;
};

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

bool filled_by(const std::set<std::string>& setups, const std::string& target) {
  const std::string mine = stream_setup(target, {}, "");
  return std::any_of(setups.begin(), setups.end(),
                     [&](const std::string& setup) { return same_target(setup, mine); });
}

Result<Delivered> delivered_streams(State& state, const CheckLimits& limits,
                                    const std::string& table) {
  return States(state, limits).read(table);
}

Loaded loaded_tables(State& state, const CheckLimits& limits) {
  Loaded out;
  out.tables.insert(std::string(sql::kLoadsTable));
  out.tables.insert(std::string(sql::kRejectedTable));
  States states(state, limits);
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
    const auto delivered = states.read(own);
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
