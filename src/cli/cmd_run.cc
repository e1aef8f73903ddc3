// run, sync plan.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/display.h"
#include "cli/exit_codes.h"
#include "cli/plan_text.h"
#include "cli/prepare.h"
#include "cli/signals.h"
#include "cli/summary.h"
#include "schema/table_name.h"
#include "sync/assemble.h"

namespace vesto::cli {

namespace {

// Tables named by --table that the sync does not have.
Status check_tables(const SyncConfig& sync, const std::vector<std::string>& wanted) {
  const std::vector<std::string> known = names_of(sync.tables);
  for (const std::string& name : wanted) {
    const auto same = [&name](const std::string& other) { return same_table(other, name); };
    const std::optional<TableName> table = parse_table_name(name);
    const bool by_pattern =
        table && std::any_of(known.begin(), known.end(), [&table](const std::string& pattern) {
          return is_table_pattern(pattern) && matches_table_pattern(pattern, *table);
        });
    if (!by_pattern && std::none_of(known.begin(), known.end(), same)) {
      const std::optional<std::string> better = nearest(name, known);
      return Error(ErrorCode::kCfgNoObject,
                   fmt::format("sync {} has no table \"{}\"{}", sync.name, cut_utf8(name, 200),
                               better ? fmt::format("; did you mean \"{}\"?", *better) : ""))
          .with_hint(fmt::format("Its tables: {}.", join(known, ", ")));
    }
  }
  return ok_status();
}

}  // namespace

Result<std::unique_ptr<Prepared>> prepare(const Context& context, Config config,
                                          const std::stop_token& stop) {
  auto prepared = std::make_unique<Prepared>();
  prepared->config = std::move(config);
  const Options& options = context.options;
  const SyncConfig* sync = prepared->config.find_sync(options.name);
  if (sync == nullptr) return no_object("sync", options.name, names_of(prepared->config.syncs));
  VESTO_TRY(check_tables(*sync, options.tables));
  VESTO_ASSIGN(prepared->sync,
               assemble_sync(prepared->config, options.name, sealed_store(context), stop));
  VESTO_ASSIGN(prepared->store, open_store(data_dir(options), *context.clock));
  return prepared;
}

uint64_t budget_bytes(const Config& config) {
  return (static_cast<uint64_t>(config.limits.memory_mib) << 20) - kProcessBytes;
}

DisplayMode display_mode(const Context& context) {
  if (context.options.json) return DisplayMode::kJson;
  if (context.options.quiet || context.options.no_progress) return DisplayMode::kNone;
  // A log between the lines of a block would tear it apart.
  if (context.terminal.err_is_terminal && !context.options.verbose) return DisplayMode::kTerminal;
  return DisplayMode::kPlain;
}

int report_end(const Context& context, const RunOutcome& outcome) {
  const int code = outcome.exit_code;
  if (context.options.json) write_out(json_finished(outcome) + "\n");
  if (outcome.error) {
    const bool busy = outcome.error->code() == ErrorCode::kRunBusy;
    write_err(error_text(*outcome.error, busy ? std::string() : outcome.id.text));
    if (busy) return code;
  }
  if (!context.options.json && !context.options.quiet) {
    write_out(end_text(kept_from_outcome(outcome), context.clock->wall_ms()));
  }
  return code;
}

namespace {

int report_plan(const Context& context, const SyncPlan& plan, const SyncSpec& spec) {
  if (context.options.json) {
    write_out(plan_json(plan, spec.name));
  } else if (context.options.sql) {
    // Only the artefact on stdout.
    write_out(plan_sql(plan));
    if (plan.error) write_err(error_text(*plan.error));
    for (const SyncPlan::Table& table : plan.tables) {
      if (table.error) write_err(error_text(*table.error));
    }
  } else {
    write_out(plan_text(plan, spec, context.terminal));
  }
  return plan_exit_code(plan);
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
  if (!plan.ok() && plan.error().code() == ErrorCode::kRunInterrupted) {
    fail(context, Error(ErrorCode::kRunInterrupted, "the plan was interrupted")
                      .with_hint("Nothing was changed; ask for it again."));
    return stop.received() == SIGTERM ? kExitTerminated : kExitInterrupted;
  }
  if (!plan.ok()) return fail(context, plan.error());
  return report_plan(context, *plan, all.sync.spec);
}

int cmd_run(const Context& context) {
  if (context.options.dry_run) return cmd_plan(context);
  std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  ByteBudget budget(budget_bytes(*config));
  RunDisplay display(display_mode(context), context.terminal, *context.clock, &budget);
  display.only(context.options.tables);
  if (context.options.quiet) display.quiet();
  SignalStop stop([&display] { display.show_now(); });
  auto prepared = prepare(context, *std::move(config), stop.token());
  if (!prepared.ok()) return fail(context, prepared.error());
  Prepared& all = **prepared;
  const RunServices services = all.sync.services(*all.store, *context.clock, budget);
  const RunOptions run_options{.only_tables = context.options.tables,
                               .full_refresh = context.options.full_refresh,
                               .stop = stop.token(),
                               .observer = &display,
                               .stop_signal = [&stop] { return stop.received(); }};
  const RunOutcome outcome = run_sync(all.sync.spec, run_options, services);
  display.finish();
  return report_end(context, outcome);
}

}  // namespace vesto::cli
