// run, sync plan.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/exit_codes.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "sync/assemble.h"

namespace vesto::cli {

namespace {

// Tables named by --table that the sync does not have.
Status check_tables(const SyncConfig& sync, const std::vector<std::string>& wanted) {
  const std::vector<std::string> known = names_of(sync.tables);
  for (const std::string& name : wanted) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      const std::optional<std::string> better = nearest(name, known);
      return Error(ErrorCode::kCfgNoObject,
                   fmt::format("sync {} has no table \"{}\"{}", sync.name, cut_utf8(name, 200),
                               better ? fmt::format("; did you mean \"{}\"?", *better) : ""))
          .with_hint(fmt::format("Its tables: {}.", join(known, ", ")));
    }
  }
  return ok_status();
}

// Everything that a run and a plan need, in the order in which it is taken down last.
struct Prepared {
  Config config;
  std::unique_ptr<Store> store;
  AssembledSync sync;
};

Result<std::unique_ptr<Prepared>> prepare(const Context& context, Config config,
                                          const std::stop_token& stop) {
  auto prepared = std::make_unique<Prepared>();
  prepared->config = std::move(config);
  const Options& options = context.options;
  const SyncConfig* sync = prepared->config.find_sync(options.name);
  if (sync == nullptr) return no_object("sync", options.name, names_of(prepared->config.syncs));
  VESTO_TRY(check_tables(*sync, options.tables));
  VESTO_ASSIGN(prepared->sync, assemble_sync(prepared->config, options.name, stop));
  VESTO_ASSIGN(prepared->store, open_store(data_dir(options), *context.clock));
  return prepared;
}

uint64_t budget_bytes(const Config& config) {
  return static_cast<uint64_t>(config.limits.memory_mib) << 20;
}

DisplayMode display_mode(const Context& context) {
  if (context.options.json) return DisplayMode::kJson;
  if (context.options.quiet || context.options.no_progress) return DisplayMode::kNone;
  // A log between the lines of a block would tear it apart.
  if (context.terminal.err_is_terminal && !context.options.verbose) return DisplayMode::kTerminal;
  return DisplayMode::kPlain;
}

int report_end(const Context& context, const RunOutcome& outcome, int signal) {
  int code = outcome.exit_code;
  if (outcome.error) code = exit_code_for(*outcome.error);
  if (code == kExitInterrupted && signal == SIGTERM) code = kExitTerminated;
  RunOutcome told = outcome;
  told.exit_code = code;
  if (context.options.json) write_out(json_finished(told) + "\n");
  if (outcome.error) {
    const bool busy = outcome.error->code() == ErrorCode::kRunBusy;
    write_err(error_text(*outcome.error, busy ? std::string() : outcome.id.text));
    if (busy) return code;
  }
  if (!context.options.json && !context.options.quiet) {
    write_out(end_text(kept_from_outcome(told), context.clock->wall_ms()));
  }
  return code;
}

// --- plan ---

std::string plan_line(const SyncPlan::Table& table, const Terminal& terminal) {
  if (table.error) {
    return fmt::format("  {} {}: {} {}\n      Fix: {}\n", shape(terminal, Shape::kFailed),
                       table.name, table.error->name(), table.error->message(),
                       table.error->hint());
  }
  std::string line =
      fmt::format("  {} {} {}   {}, {}", table.name, terminal.utf8 ? "\u2192" : "->", table.target,
                  table.mode, table.full ? "reads all" : "reads what is new");
  if (table.estimated_rows >= 0) {
    line += fmt::format(", about {} rows", format_count(table.estimated_rows));
  }
  if (table.estimated_bytes > 0) {
    line += fmt::format(", {}", format_bytes(static_cast<uint64_t>(table.estimated_bytes)));
  }
  line += "\n";
  if (!table.full && !table.from_position.empty()) {
    line += fmt::format("      from {}\n", cut_utf8(table.from_position, 200));
  }
  for (const std::string& note : table.notes) line += fmt::format("      {}\n", note);
  return line;
}

std::string plan_json(const SyncPlan& plan, const std::string& sync) {
  std::vector<std::string> tables;
  for (const SyncPlan::Table& table : plan.tables) {
    std::vector<std::string> notes;
    for (const std::string& note : table.notes) notes.push_back(json_quote(note));
    tables.push_back(fmt::format(
        R"({{"table":{},"target":{},"mode":{},"full":{},"from_position":{},"estimated_rows":{},"estimated_bytes":{},"notes":[{}]{}}})",
        json_quote(table.name), json_quote(table.target), json_quote(table.mode), table.full,
        json_quote(table.from_position), table.estimated_rows, table.estimated_bytes,
        join(notes, ","), table.error ? ",\"error\":" + error_json(*table.error) : ""));
  }
  std::vector<std::string> statements;
  for (const std::string& sql : plan.sql) statements.push_back(json_quote(sql));
  return fmt::format(R"({{"schema":"vesto.plan/1","sync":{},"tables":[{}],"sql":[{}]}})",
                     json_quote(sync), join(tables, ","), join(statements, ",")) +
         "\n";
}

std::string sql_text(const std::vector<std::string>& statements) {
  std::string out;
  for (const std::string& sql : statements) {
    out += sql;
    out += sql.ends_with(';') ? "\n" : ";\n";
  }
  return out;
}

int report_plan(const Context& context, const SyncPlan& plan, const SyncSpec& spec) {
  int code = kExitOk;
  for (const SyncPlan::Table& table : plan.tables) {
    if (table.error && code == kExitOk) code = exit_code_for(*table.error);
  }
  if (context.options.json) {
    write_out(plan_json(plan, spec.name));
  } else if (context.options.sql) {
    // Only the artefact on stdout.
    write_out(sql_text(plan.sql));
    for (const SyncPlan::Table& table : plan.tables) {
      if (table.error) write_err(error_text(*table.error));
    }
  } else {
    std::string out = fmt::format("Plan for {} {} {} (nothing was changed)\n", spec.name,
                                  context.terminal.utf8 ? "\u2192" : "->", spec.destination_name);
    for (const SyncPlan::Table& table : plan.tables) out += plan_line(table, context.terminal);
    out += fmt::format("Next:  vesto run {}      --sql prints every statement\n", spec.name);
    write_out(out);
  }
  return code;
}

}  // namespace

int cmd_plan(const Context& context) {
  std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  SignalStop stop([] {});
  ByteBudget budget(budget_bytes(*config));
  auto prepared = prepare(context, *std::move(config), stop.token());
  if (!prepared.ok()) return fail(context, prepared.error());
  Prepared& all = **prepared;
  const RunServices services = all.sync.services(*all.store, *context.clock, budget);
  const RunOptions run_options{.only_tables = context.options.tables,
                               .full_refresh = context.options.full_refresh,
                               .stop = stop.token(),
                               .observer = nullptr};
  const Result<SyncPlan> plan =
      plan_sync(all.sync.spec, run_options, services, context.options.sql || context.options.json);
  if (!plan.ok()) {
    const int code = fail(context, plan.error());
    return code == kExitInterrupted && stop.received() == SIGTERM ? kExitTerminated : code;
  }
  return report_plan(context, *plan, all.sync.spec);
}

int cmd_run(const Context& context) {
  if (context.options.dry_run) return cmd_plan(context);
  std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  ByteBudget budget(budget_bytes(*config));
  RunDisplay display(display_mode(context), context.terminal, *context.clock, &budget);
  display.only(context.options.tables);
  SignalStop stop([&display] { display.show_now(); });
  auto prepared = prepare(context, *std::move(config), stop.token());
  if (!prepared.ok()) return fail(context, prepared.error());
  Prepared& all = **prepared;
  const RunServices services = all.sync.services(*all.store, *context.clock, budget);
  const RunOptions run_options{.only_tables = context.options.tables,
                               .full_refresh = context.options.full_refresh,
                               .stop = stop.token(),
                               .observer = &display};
  const RunOutcome outcome = run_sync(all.sync.spec, run_options, services);
  display.finish();
  return report_end(context, outcome, stop.received());
}

}  // namespace vesto::cli
