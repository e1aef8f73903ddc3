// status, and the line below the short help.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/health.h"

namespace vesto::cli {

namespace {

// Enough to find the last delivery of every table of a sync that is run one table at a time.
// and where many starts were skipped while a long run was active.
constexpr int kRunsLookedAt = 1000;

Result<std::vector<SyncHealth>> look(const Context& context,
                                     const std::vector<const SyncConfig*>& syncs) {
  VESTO_ASSIGN(const std::unique_ptr<Store> store, open_store_if_there(context));
  std::vector<SyncHealth> out;
  for (const SyncConfig* sync : syncs) {
    if (store == nullptr) {
      out.push_back(judge_sync(*sync, {}, "", {}));
      continue;
    }
    VESTO_ASSIGN(const std::optional<LeaseHolder> holder, store->lease_holder(sync->name));
    VESTO_ASSIGN(const std::vector<RunRecord> runs, store->runs(sync->name, kRunsLookedAt));
    VESTO_ASSIGN(const std::vector<StreamCopy> copies, store->copies(sync->name));
    out.push_back(judge_sync(*sync, runs, holder ? holder->run.text : "", copies));
  }
  return out;
}

std::string age_cell(const SyncHealth& sync, int64_t now_ms) {
  if (sync.data_as_of_ms == 0) return "-";
  std::string cell = fmt::format("{} ({})", moment_text(sync.data_as_of_ms, now_ms),
                                 age_text(now_ms - sync.data_as_of_ms));
  if (sync.tables_delivered < sync.tables_total) {
    cell += fmt::format(", {} of {} tables", sync.tables_delivered, sync.tables_total);
  }
  return cell;
}

std::string result_cell(const SyncHealth& sync, int64_t now_ms) {
  if (!sync.last) return "-";
  const KeptRun& run = *sync.last;
  if (run.died) return "failed  its process ended";
  std::string code = run.error ? run.error->code : std::string();
  for (const KeptTable& table : run.tables) {
    if (code.empty() && table.error) code = table.error->code;
  }
  if (!code.empty()) return fmt::format("{}  {}", run.state, code);
  if (run.state == "skipped" && run.warehouse_seen_ms != 0) {
    return "ok  no change; warehouse seen " + moment_text(run.warehouse_seen_ms, now_ms);
  }
  if (run.state == "skipped") return "ok  no change";
  return fmt::format("ok  {}  {}", count_text(static_cast<int64_t>(run.rows.read), "row"),
                     format_duration(run.duration_ms));
}

std::string moment_json(int64_t wall_ms) {
  return wall_ms == 0 ? std::string("null") : json_quote(format_utc(wall_ms));
}

std::string error_field(const KeptRun& run) {
  const KeptError* error = run.error ? &*run.error : nullptr;
  for (const KeptTable& table : run.tables) {
    if (error == nullptr && table.error) error = &*table.error;
  }
  if (error == nullptr) return "null";
  return fmt::format(R"({{"code":{},"message":{},"hint":{},"retry":{}}})", json_quote(error->code),
                     json_quote(error->message), json_quote(error->hint), json_quote(error->retry));
}

std::string waiting_field(const KeptRun& run) {
  if (!run.waiting) return "";
  return fmt::format(R"(,"waiting":{{"reason":{},"since":{},"limit_ms":{}}})",
                     json_quote(run.waiting->reason), moment_json(run.waiting->since_ms),
                     run.waiting->limit_ms);
}

std::string sync_json(const SyncHealth& sync, int64_t now_ms) {
  std::vector<std::string> tables;
  for (const TableAge& table : sync.tables) {
    tables.push_back(fmt::format(R"({{"table":{},"data_as_of":{}}})", json_quote(table.name),
                                 moment_json(table.data_as_of_ms)));
  }
  std::string out =
      fmt::format(R"({{"sync":{},"health":{},"activity":{},"data_as_of":{})", json_quote(sync.name),
                  json_quote(health_name(sync.health)),
                  json_quote(sync.running ? "running" : "idle"), moment_json(sync.data_as_of_ms));
  out += fmt::format(R"(,"age_ms":{})", sync.data_as_of_ms == 0
                                            ? std::string("null")
                                            : std::to_string(now_ms - sync.data_as_of_ms));
  out += R"(,"warehouse_seen_at":)" + moment_json(sync.warehouse_seen_ms);
  out += fmt::format(R"(,"tables_total":{},"tables_delivered":{},"tables":[{}])", sync.tables_total,
                     sync.tables_delivered, join(tables, ","));
  if (sync.running) {
    out +=
        fmt::format(R"(,"running":{{"run":{},"step":{},"started_at":{}{}}})",
                    json_quote(sync.running->record.id.text), json_quote(sync.running->record.step),
                    moment_json(sync.running->record.started_ms), waiting_field(*sync.running));
  }
  if (sync.last) {
    out += fmt::format(
        R"(,"last_run":{{"run":{},"state":{},"exit_code":{},"ended_at":{},"error":{}}})",
        json_quote(sync.last->record.id.text), json_quote(sync.last->state), code_json(*sync.last),
        moment_json(sync.last->record.ended_ms), error_field(*sync.last));
  }
  return out + "}";
}

std::string status_text(const std::vector<SyncHealth>& syncs, const Terminal& terminal,
                        int64_t now_ms) {
  std::vector<std::vector<std::string>> rows = {
      {"SYNC", "HEALTH", "ACTIVITY", "DATA AS OF", "LAST RESULT"}};
  for (const SyncHealth& sync : syncs) {
    rows.push_back({sync.name,
                    shape(terminal, health_shape(sync.health)) + " " + health_label(sync.health),
                    activity_text(sync), age_cell(sync, now_ms), result_cell(sync, now_ms)});
  }
  return table_text(rows) + health_summary(syncs) + "\n";
}

// Every sync, or those named.
Result<std::vector<const SyncConfig*>> chosen(const Config& config,
                                              const std::vector<std::string>& names) {
  std::vector<const SyncConfig*> syncs;
  for (const std::string& name : names) {
    const SyncConfig* sync = config.find_sync(name);
    if (sync == nullptr) return no_object("sync", name, names_of(config.syncs));
    syncs.push_back(sync);
  }
  if (!names.empty()) return syncs;
  for (const SyncConfig& sync : config.syncs) syncs.push_back(&sync);
  return syncs;
}

}  // namespace

int cmd_status(const Context& context) {
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const auto syncs = chosen(*config, context.options.names);
  if (!syncs.ok()) return fail(context, syncs.error());
  const Result<std::vector<SyncHealth>> looked = look(context, *syncs);
  if (!looked.ok()) return fail(context, looked.error());
  const int64_t now_ms = context.clock->wall_ms();
  if (context.options.json) {
    std::vector<std::string> items;
    for (const SyncHealth& sync : *looked) items.push_back(sync_json(sync, now_ms));
    write_out(fmt::format(R"({{"schema":"vesto.status/1","syncs":[{}]}})", join(items, ",")) +
              "\n");
  } else if (looked->empty()) {
    write_out("The configuration defines no sync yet.\n");
  } else {
    write_out(status_text(*looked, context.terminal, now_ms));
  }
  return health_exit_code(*looked);
}

int cmd_overview(const Context& context) {
  if (context.options.json) return cmd_status(context);
  write_out(parse_command_line({"--help"}).out);
  // The line below is a courtesy: without a configuration there is just none.
  const LoadedConfig loaded = load_config(config_files(context.options));
  if (!loaded.issues.empty() || loaded.config.syncs.empty()) return kExitOk;
  const auto syncs = chosen(loaded.config, {});
  const auto looked = look(context, *syncs);
  if (looked.ok()) write_out("\n" + health_summary(*looked) + " (vesto status)\n");
  return kExitOk;
}

}  // namespace vesto::cli
