#include "check/source_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <utility>

#include "base/strings.h"
#include "check/answers.h"
#include "check/host_checks.h"
#include "check/reach_checks.h"
#include "check/source_tables.h"
#include "encode/redshift_csv.h"
#include "pg/quoting.h"
#include "sync/assemble.h"
#include "sync/tunnel.h"

namespace vesto {

namespace {

using check::failed;
using check::kMaxTablesNamed;
using check::passed;
using check::skipped;
using check::warned;

constexpr int64_t kLoginLimitMs = 45'000;  // above what a connection attempt may take by itself
constexpr int64_t kTablesLimitMs = 60'000;

struct State {
  SourceUnderTest target;
  std::shared_ptr<SshTunnel> tunnel;
  std::unique_ptr<Source> source;
  std::unique_ptr<SourceSnapshot> snapshot;
  std::string user;
  std::stop_source stop;  // of all that the source does: its token cannot be changed later
  std::optional<check::SourceTables> tables;
};
using StatePtr = std::shared_ptr<State>;

std::string place(const State& state) { return source_place(*state.target.source); }

// Asks within the limit of a check. What was cut off is told as such, whatever the source made of
// it: the engine says whether the time was up.
template <typename Value>
Result<Value> ask(State& state, const CheckLimits& limits,
                  const std::function<Result<Value>()>& work) {
  // Its connections were cut when an earlier check's time was up, and stay so.
  if (state.stop.stop_requested() && !limits.stop.stop_requested()) {
    return Error(ErrorCode::kNetTimeout, "the source did not answer an earlier check in time")
        .in(place(state));
  }
  const std::stop_callback forward(limits.stop, [&state] { state.stop.request_stop(); });
  Result<Value> done = work();
  if (done.ok()) return done;
  if (!limits.stop.stop_requested()) return std::move(done).error().in(place(state));
  return Error(ErrorCode::kRunInterrupted, "the source did not answer").in(place(state));
}

CheckAnswer secrets(State& state, const CheckLimits& limits) {
  const SourceUnderTest& target = state.target;
  Config part = check::part_of(*target.config, *target.source);
  // Of the server's CA bundle net.tls tells, with the code that a run gives.
  for (SourceConfig& one : part.sources) {
    if (one.sslmode.starts_with("verify-")) one.tls_ca_file.clear();
  }
  CheckAnswer answer = check::secrets_answer(part, *target.secrets);
  if (answer.status == CheckStatus::kFailed || limits.stop.stop_requested()) return answer;
  auto tunnel = make_tunnel(*target.config, tunnel_place(*target.source), *target.secrets);
  if (!tunnel.ok()) return failed(std::move(tunnel).error());
  state.tunnel = std::move(tunnel).value();
  auto source =
      make_source(*target.config, target.source->name, *target.secrets, state.stop.get_token());
  if (!source.ok()) return failed(std::move(source).error());
  state.source = std::move(source).value();
  return answer;
}

CheckAnswer login(State& state, const CheckLimits& limits) {
  const auto identity =
      ask<SourceIdentity>(state, limits, [&state] { return state.source->identity(); });
  if (!identity.ok()) return failed(identity.error());
  state.user = identity->user;
  return passed({{"user", identity->user},
                 {"database", state.target.source->database},
                 {"version", identity->version},
                 {"id", identity->id}});
}

CheckAnswer snapshot(State& state, const CheckLimits& limits) {
  auto taken = ask<std::unique_ptr<SourceSnapshot>>(
      state, limits, [&state] { return state.source->open_snapshot(make_null_marker()); });
  if (!taken.ok()) return failed(std::move(taken).error());
  state.snapshot = std::move(taken).value();
  return passed({{"data_as_of", format_utc(state.snapshot->data_as_of_ms())}});
}

// All tables are planned by the first check that asks.
const check::SourceTables& tables_of(State& state, const CheckLimits& limits) {
  if (state.tables) return *state.tables;
  const std::stop_callback forward(limits.stop, [&state] { state.stop.request_stop(); });
  state.tables = check::look_at_source_tables(*state.target.config, *state.target.source,
                                              *state.source, *state.snapshot, limits.stop);
  return *state.tables;
}

// The failures of several tables as one; the others are named.
Error joined(const std::vector<const check::LookedAt*>& tables) {
  const Error& first = *tables.front()->error;
  std::string message = first.message();
  if (tables.size() > 1) {
    std::vector<std::string> others;
    for (size_t i = 1; i < tables.size() && i <= kMaxTablesNamed; ++i) {
      others.push_back(tables[i]->table);
    }
    if (tables.size() > kMaxTablesNamed + 1) others.emplace_back("...");
    message += fmt::format("; likewise {} more: {}", tables.size() - 1, join(others, ", "));
  }
  Error error(first.code(), std::move(message));
  error.with_hint(first.hint()).because(first.cause()).with_upstream(first.upstream());
  for (const std::string& where : first.context()) error.in(where);
  error.in("sync " + tables.front()->sync);
  return error;
}

void add_line(std::vector<std::string>* lines, const std::string& line) {
  if (std::find(lines->begin(), lines->end(), line) == lines->end()) lines->push_back(line);
}

// The statements that the errors name, one a line.
std::optional<Fix> sql_fix(const State& state, const std::vector<const check::LookedAt*>& tables) {
  std::vector<std::string> lines;
  for (const check::LookedAt* table : tables) {
    const Error& error = *table->error;
    if (error.code() == ErrorCode::kPgRls) {
      add_line(&lines, fmt::format("ALTER ROLE {} BYPASSRLS;", quote_identifier(state.user)));
    } else if (error.code() == ErrorCode::kPgPriv && error.hint().starts_with("GRANT ")) {
      add_line(&lines, error.hint());
    }
  }
  // A name that holds control characters is not for pasting.
  const std::string snippet = join(lines, "\n");
  if (lines.empty() || printable(snippet, true) != snippet) return std::nullopt;
  return Fix{.who = "source_admin", .kind = "sql", .snippet = snippet};
}

struct TableCheck {
  const char* id;
  const char* title;
  std::vector<ErrorCode> codes;  // that a run would give; empty: all others
};

const std::vector<TableCheck>& table_checks() {
  using enum ErrorCode;
  static const std::vector<TableCheck> kChecks = {
      {"source.tables", "Tables of the syncs are there", {kPgNoTable}},
      {"source.read", "Tables may be read", {}},
      {"source.rls", "No policy hides rows", {kPgRls}},
      {"source.columns",
       "Columns of the settings are there",
       {kPgNoColumn, kCfgValue, kCfgMissing, kSrcNullCursor}},
      {"source.types", "Columns can be delivered", {kPgType}},
      {"source.keys", "Tables that are merged have a key", {kPgNoKey}},
      {"source.names", "Each table has a target of its own", {kPgName}},
  };
  return kChecks;
}

bool belongs(const TableCheck& check, ErrorCode code) {
  const auto has = [code](const TableCheck& one) {
    return std::find(one.codes.begin(), one.codes.end(), code) != one.codes.end();
  };
  if (!check.codes.empty()) return has(check);
  return std::none_of(table_checks().begin(), table_checks().end(), has);
}

std::string left_out_text(const check::SourceTables& tables) {
  if (tables.error) return "not all tables could be looked at";
  return fmt::format("{} tables were not reached within {}; vesto sync plan looks at all",
                     tables.left_out, format_duration(kTablesLimitMs));
}

// Where a table has a fault, those that a later check looks for are not known yet. `check`:
// nullptr: what is looked at last of all. "": each table was looked at for it.
std::string masked_text(const TableCheck* check, const check::SourceTables& tables) {
  size_t masked = 0;
  std::vector<std::string> by;
  for (const check::LookedAt& table : tables.tables) {
    if (!table.error) continue;
    for (const TableCheck& earlier : table_checks()) {
      if (check != nullptr && std::string_view(earlier.id) == check->id) break;
      if (!belongs(earlier, table.error->code())) continue;
      ++masked;
      add_line(&by, std::string(earlier.id));
    }
  }
  if (masked == 0) return "";
  return fmt::format("{} of {} tables could not be looked at for it, because of {}", masked,
                     tables.tables.size(), join(by, ", "));
}

// What a check of the tables says where none of them has its fault.
CheckAnswer no_fault(const TableCheck& check, const check::SourceTables& tables) {
  if (tables.left_out > 0) return skipped(left_out_text(tables));
  if (std::string masked = masked_text(&check, tables); !masked.empty()) {
    return skipped(std::move(masked));
  }
  CheckAnswer answer = passed({{"tables", std::to_string(tables.tables.size())}});
  const std::string id = check.id;
  if (id == "source.keys") {
    const auto unproven = std::count_if(
        tables.tables.begin(), tables.tables.end(),
        [](const auto& table) { return !table.error && table.has_key && !table.key_proven; });
    if (unproven > 0) {
      answer.evidence.push_back({"not_enforced_by_the_source", std::to_string(unproven)});
    }
  }
  if (id != "source.tables" || tables.unmatched.empty()) return answer;
  answer.status = CheckStatus::kWarning;
  answer.error = Error(ErrorCode::kPgNoTable,
                       fmt::format("no table matches {}", join(tables.unmatched, ", ")));
  return answer;
}

CheckAnswer of_tables(State& state, const TableCheck& check, const CheckLimits& limits) {
  const check::SourceTables& tables = tables_of(state, limits);
  if (tables.syncs == 0) return skipped(std::string(kNoSyncReads));
  std::vector<const check::LookedAt*> faulty;
  for (const check::LookedAt& table : tables.tables) {
    if (table.error && belongs(check, table.error->code())) faulty.push_back(&table);
  }
  if (!faulty.empty()) {
    CheckAnswer answer = failed(joined(faulty), sql_fix(state, faulty));
    for (size_t i = 0; i < faulty.size() && i < kMaxTablesNamed; ++i) {
      answer.evidence.push_back({"table", faulty[i]->table});
    }
    return answer;
  }
  if (tables.error && check.codes.empty()) {
    Error error = *tables.error;
    return failed(std::move(error.in(place(state))));
  }
  return no_fault(check, tables);
}

// What the tables warn of, each once.
std::vector<ReadWarning> warnings_of(const check::SourceTables& tables) {
  std::vector<ReadWarning> all;
  for (const check::LookedAt& table : tables.tables) {
    for (const ReadWarning& warning : table.warnings) {
      if (std::find(all.begin(), all.end(), warning) == all.end()) all.push_back(warning);
    }
  }
  return all;
}

CheckAnswer late_rows(State& state, const CheckLimits& limits) {
  const check::SourceTables& tables = tables_of(state, limits);
  if (tables.syncs == 0) return skipped(std::string(kNoSyncReads));
  const std::vector<ReadWarning> warnings = warnings_of(tables);
  if (warnings.empty()) {
    if (tables.left_out > 0) return skipped(left_out_text(tables));
    std::string masked = masked_text(nullptr, tables);
    return masked.empty() ? passed() : skipped(std::move(masked));
  }
  const ReadWarning& first = warnings.front();
  CheckAnswer answer = warned(Error(ErrorCode::kPgPriv, first.text));
  const std::string& statement = first.statement;
  const std::string& hint = statement.empty() ? first.fix : statement;
  answer.error->with_hint(hint.empty() ? "vesto sync plan tells what each table reads again."
                                       : hint);
  // A name that holds control characters is not for pasting.
  if (!statement.empty() && printable(statement, false) == statement) {
    answer.fix = Fix{.who = "source_admin", .kind = "sql", .snippet = statement};
  }
  for (size_t i = 1; i < warnings.size() && i < kMaxTablesNamed; ++i) {
    answer.evidence.push_back({"also", warning_text(warnings[i])});
  }
  return answer;
}

class Graph {
 public:
  explicit Graph(StatePtr state) : state_(std::move(state)) {}

  using Run = std::function<CheckAnswer(State&, const CheckLimits&)>;
  void add(std::string id, std::string title, std::string group, std::vector<std::string> needs,
           int64_t limit_ms, Run run) {
    Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.group = std::move(group);
    check.needs = std::move(needs);
    check.limit_ms = limit_ms;
    check.run = [state = state_, run = std::move(run)](const CheckLimits& limits) {
      return run(*state, limits);
    };
    checks.push_back(std::move(check));
  }

  std::vector<Check> checks;

 private:
  StatePtr state_;
};

ReachTarget way_of(const StatePtr& state) {
  const SourceConfig& source = *state->target.source;
  const auto setting_at = [&source](const char* setting, const Origin& origin) {
    return fmt::format("source.{}.{} ({})", source.name, setting, origin.line_text());
  };
  ReachTarget way{.host = source.host,
                  .port = source.port,
                  .tls = source.sslmode.starts_with("verify-"),
                  .ca_file = source.tls_ca_file,
                  .server = ServerKind::kSource,
                  .public_egress = state->target.config->public_egress,
                  .setting = setting_at("host", source.host_origin),
                  .ssh_setting = setting_at("ssh", source.ssh.origin)};
  if (source.ssh.given) way.tunnel = [state] { return state->tunnel.get(); };
  return way;
}

}  // namespace

std::vector<Check> source_checks(const SourceUnderTest& target) {
  const auto state = std::make_shared<State>();
  state->target = target;
  constexpr int64_t kLocalMs = 10'000;
  Graph graph(state);
  graph.add("config.valid", "Configuration is complete", "config", {}, kLocalMs,
            [](State& now, const CheckLimits&) {
              return passed({{"source", place(now)}});
            });
  graph.add("secret.readable", "Secrets can be opened", "config", {"config.valid"}, kLocalMs,
            secrets);
  std::string end = "secret.readable";
  // A socket of this machine has no way to it.
  if (!target.source->host.starts_with('/')) {
    const ReachTarget way = way_of(state);
    for (Check& step : reach_checks(way, {end})) graph.checks.push_back(std::move(step));
    end = reach_end(way);
  }
  graph.add("source.login", "Login works", "source", {end}, kLoginLimitMs, login);
  graph.add("source.snapshot", "One moment can be read", "source", {"source.login"}, kLoginLimitMs,
            snapshot);
  for (const TableCheck& check : table_checks()) {
    graph.add(
        check.id, check.title, "tables", {"source.snapshot"}, kTablesLimitMs,
        [&check](State& now, const CheckLimits& limits) { return of_tables(now, check, limits); });
  }
  graph.add("source.late_rows", "Rows that commit late are seen", "tables", {"source.snapshot"},
            kTablesLimitMs, late_rows);
  return std::move(graph.checks);
}

}  // namespace vesto
