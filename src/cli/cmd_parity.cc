// sync parity.
#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/display.h"
#include "cli/exit_codes.h"
#include "cli/parity_text.h"
#include "cli/prepare.h"
#include "cli/signals.h"

namespace vesto::cli {

namespace {

// One table's later result takes the place of its earlier one.
void take_over(const std::vector<ParityResult>& later, std::vector<ParityResult>* tables) {
  for (const ParityResult& table : later) {
    const auto before =
        std::find_if(tables->begin(), tables->end(),
                     [&table](const ParityResult& one) { return one.name == table.name; });
    if (before != tables->end()) *before = table;
  }
}

// What an upsert of rows by their keys would mend.
RunOptions repair_options(const RunOptions& first, const std::vector<ParityResult>& tables) {
  RunOptions options = first;
  options.only_tables.clear();
  for (const ParityResult& table : tables) {
    if (table.mendable.empty()) continue;
    options.only_tables.push_back(table.name);
    options.only_keys[table.name] = table.mendable;
  }
  return options;
}

uint64_t keys_in(const RunOptions& options) {
  uint64_t keys = 0;
  for (const auto& [table, wanted] : options.only_keys) keys += wanted.size();
  return keys;
}

void show_error(const RunOutcome& outcome) {
  if (!outcome.error) return;
  const bool busy = outcome.error->code() == ErrorCode::kRunBusy;
  write_err(error_text(*outcome.error, busy ? std::string() : outcome.id.text));
}

}  // namespace

int cmd_parity(const Context& context) {
  std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  ByteBudget budget(budget_bytes(*config));
  // With --json, stdout holds one document.
  const DisplayMode mode = context.options.json ? DisplayMode::kNone : display_mode(context);
  RunDisplay display(mode, context.terminal, *context.clock, &budget);
  display.only(context.options.tables);
  if (context.options.quiet) display.quiet();
  SignalStop stop([&display] { display.show_now(); });
  auto prepared = prepare(context, *std::move(config), stop.token());
  if (!prepared.ok()) return fail(context, prepared.error());
  Prepared& all = **prepared;
  const RunServices services = all.sync.services(*all.store, *context.clock, budget);
  RunOptions run_options{.only_tables = context.options.tables,
                         .parity = ParityOptions{.sample = context.options.sample},
                         .stop = stop.token(),
                         .observer = &display,
                         .stop_signal = [&stop] { return stop.received(); }};
  const RunOutcome run = run_sync(all.sync.spec, run_options, services);
  ParityReport report{.sync = context.options.name, .run = &run, .tables = run.parity};
  std::optional<RunOutcome> repair;
  if (context.options.repair && !run.error) {
    const RunOptions repairing = repair_options(run_options, run.parity);
    if (!repairing.only_keys.empty()) {
      repair = run_sync(all.sync.spec, repairing, services);
      report.repair = &*repair;
      report.repaired_keys = keys_in(repairing);
      take_over(repair->parity, &report.tables);
    }
  }
  display.finish();
  show_error(run);
  if (repair) show_error(*repair);
  if (context.options.json) {
    write_out(parity_json(report));
  } else if (!context.options.quiet) {
    write_out(parity_text(report));
  }
  return parity_exit_code(report);
}

}  // namespace vesto::cli
