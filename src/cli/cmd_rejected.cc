// sync rejected.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/prepare.h"
#include "cli/signals.h"
#include "schema/table_name.h"
#include "sync/assemble.h"
#include "sync/rejected.h"

namespace vesto::cli {

namespace {

// What was too long to be kept whole is no JSON any more.
std::string key_text(const std::string& key) {
  if (key.empty()) return "{}";
  return nlohmann::json::accept(key) ? key : json_quote(key);
}

std::string row_json(const KeptRejectedRow& row) {
  return fmt::format(
      R"({{"table":{},"key":{},"column":{},"reason":{},"value":{},"value_bytes":{},"rejected_at":{},"run":{},"load_id":{}}})",
      json_quote(row.stream), key_text(row.key), json_quote(row.column), json_quote(row.reason),
      json_quote(row.value), row.value_bytes, json_quote(row.rejected_at), json_quote(row.run),
      json_quote(row.load_id));
}

std::string csv_field(std::string_view text) {
  return "\"" + replace_all(text, "\"", "\"\"") + "\"";
}

std::string rows_csv(const std::vector<KeptRejectedRow>& rows) {
  std::string out = "table,key,column,reason,value,value_bytes,rejected_at,run,load_id\r\n";
  for (const KeptRejectedRow& row : rows) {
    out += fmt::format("{},{},{},{},{},{},{},{},{}\r\n", csv_field(row.stream), csv_field(row.key),
                       csv_field(row.column), csv_field(row.reason), csv_field(row.value),
                       row.value_bytes, csv_field(row.rejected_at), csv_field(row.run),
                       csv_field(row.load_id));
  }
  return out;
}

std::string rows_text(const std::vector<KeptRejectedRow>& rows, const std::string& sync) {
  if (rows.empty()) return "No rejected rows.\n";
  constexpr size_t kShownBytes = 60;
  std::vector<std::vector<std::string>> cells = {
      {"TABLE", "KEY", "COLUMN", "REASON", "REJECTED AT"}};
  for (const KeptRejectedRow& row : rows) {
    cells.push_back({printable(row.stream, false), printable(cut_utf8(row.key, kShownBytes), false),
                     row.column.empty() ? "-" : printable(row.column, false),
                     printable(row.reason, false), row.rejected_at});
  }
  return table_text(cells) +
         fmt::format(
             "Correct the rows in the source, or name a policy (on_unrepresentable). The next run "
             "delivers what it reads again; all of these are read at once by --replay.\n"
             "All values:  vesto sync rejected {} --csv\n",
             sync);
}

// What was replayed and is committed goes off the list.
int end_replay(const Context& context, Prepared& prepared, const Replay& replay,
               const RunOutcome& outcome) {
  std::vector<std::string> done;
  for (const TableResult& table : outcome.tables) {
    const bool good = table.state == "succeeded" || table.state == "unchanged";
    if (good) done.push_back(normal_table_name(table.name));
  }
  const Status forgotten =
      forget_replayed(prepared.sync.spec, prepared.sync.connector(), replay, done);
  if (!forgotten.ok()) return fail(context, forgotten.error());
  return outcome.exit_code;
}

int replay(const Context& context, Config config) {
  const Options& options = context.options;
  ByteBudget budget(budget_bytes(config));
  RunDisplay display(display_mode(context), context.terminal, *context.clock, &budget);
  SignalStop stop([&display] { display.show_now(); });
  auto prepared = prepare(context, std::move(config), stop.token());
  if (!prepared.ok()) return fail(context, prepared.error());
  Prepared& all = **prepared;
  const std::string stream =
      options.tables.empty() ? "" : normal_table_name(options.tables.front());
  const auto rows =
      read_rejected(all.sync.spec, all.sync.connector(), stream, static_cast<int>(kMaxWantedKeys));
  if (!rows.ok()) return fail(context, rows.error());
  const Replay wanted = replay_of(*rows);
  if (wanted.without_key > 0) {
    write_err(fmt::format("Warning: {} rejected rows have no whole key and cannot be found again\n",
                          wanted.without_key));
  }
  if (wanted.keys.empty()) {
    if (!options.json) write_out("No rejected rows to replay.\n");
    return kExitOk;
  }
  std::vector<std::string> streams;
  for (const auto& [name, keys] : wanted.keys) streams.push_back(name);
  display.only(streams);
  const RunServices services = all.sync.services(*all.store, *context.clock, budget);
  RunOptions run_options;
  run_options.only_keys = wanted.keys;
  run_options.key_columns = wanted.key_columns;
  run_options.stop = stop.token();
  run_options.observer = &display;
  run_options.stop_signal = [&stop] { return stop.received(); };
  const RunOutcome outcome = run_sync(all.sync.spec, run_options, services);
  display.finish();
  report_end(context, outcome);
  if (outcome.error) return outcome.exit_code;
  return end_replay(context, all, wanted, outcome);
}

}  // namespace

int cmd_rejected(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const Options& options = context.options;
  if (config->find_sync(options.name) == nullptr) {
    return fail(context, no_object("sync", options.name, names_of(config->syncs)));
  }
  if (options.replay) return replay(context, *config);
  // Looking holds no lease and no lock: signals end the process as they are used to.
  Result<AssembledSync> sync =
      assemble_sync(*config, options.name, sealed_store(context), std::stop_token());
  if (!sync.ok()) return fail(context, sync.error());
  const std::string stream =
      options.tables.empty() ? "" : normal_table_name(options.tables.front());
  // For programs all of them, within what memory takes.
  constexpr int kShown = 20;
  constexpr int kPrinted = 100'000;
  const bool for_people = !options.csv && !options.json;
  const int limit = options.limit > 0 ? options.limit : for_people ? kShown : kPrinted;
  const auto rows = read_rejected(sync->spec, sync->connector(), stream, limit);
  if (!rows.ok()) return fail(context, rows.error());
  if (rows->size() >= static_cast<size_t>(limit)) {
    write_err(fmt::format("The newest {} are shown; there may be more (--limit N).\n", limit));
  }
  if (options.json) {
    std::vector<std::string> items;
    for (const KeptRejectedRow& row : *rows) items.push_back(row_json(row));
    write_out(fmt::format(R"({{"schema":"vesto.rejected/1","sync":{},"rows":[{}]}})",
                          json_quote(options.name), join(items, ",")) +
              "\n");
  } else {
    write_out(options.csv ? rows_csv(*rows) : rows_text(*rows, options.name));
  }
  return kExitOk;
}

}  // namespace vesto::cli
