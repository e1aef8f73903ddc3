// history, show.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "cli/summary.h"

namespace vesto::cli {

namespace {

Result<bool> is_live(Store& store, const RunRecord& record) {
  if (record.ended_ms != 0) return false;
  VESTO_ASSIGN(const std::optional<LeaseHolder> holder, store.lease_holder(record.sync));
  return holder && holder->run == record.id;
}

Result<std::vector<KeptRun>> read_runs(const Context& context, const std::string& sync) {
  VESTO_ASSIGN(const std::unique_ptr<Store> store, open_store_if_there(context));
  constexpr int kRunsShown = 20;
  std::vector<KeptRun> runs;
  if (store == nullptr) return runs;
  VESTO_ASSIGN(std::vector<RunRecord> records,
               store->runs(sync, context.options.limit > 0 ? context.options.limit : kRunsShown));
  for (RunRecord& record : records) {
    VESTO_ASSIGN(const bool live, is_live(*store, record));
    runs.push_back(read_kept_run(std::move(record), live));
  }
  return runs;
}

// The stored summary as it is, or what little is known of a run without one.
std::string run_json(const KeptRun& run) {
  if (!run.record.summary.empty()) return run.record.summary;
  return fmt::format(
      R"({{"run":{},"sync":{},"state":{},"step":{},"exit_code":{},"started_at":{}}})",
      json_quote(run.record.id.text), json_quote(run.record.sync), json_quote(run.state),
      json_quote(run.record.step), code_json(run), json_quote(format_utc(run.record.started_ms)));
}

std::string note_of(const KeptRun& run) {
  if (run.died) return "its process ended";
  if (run.reason == "another run is active") return run.reason;
  // 130 and 143 tell Ctrl-C from SIGTERM.
  if (run.exit_code && *run.exit_code == kExitInterrupted && run.error)
    return run.error->code + "  SIGINT";
  if (run.exit_code && *run.exit_code == kExitTerminated && run.error)
    return run.error->code + "  SIGTERM";
  if (run.error) return run.error->code;
  for (const KeptTable& table : run.tables) {
    if (table.error) return table.error->code + " " + table.name;
  }
  return run.reason;
}

std::string history_text(const std::vector<KeptRun>& runs) {
  std::vector<std::vector<std::string>> rows = {
      {"RUN", "SYNC", "STARTED", "STATE", "TIME", "ROWS", "NOTE"}};
  for (const KeptRun& run : runs) {
    rows.push_back({run.record.id.text, run.record.sync, format_utc_seconds(run.record.started_ms),
                    to_lower_ascii(state_label(run)),
                    run.duration_ms == 0 ? "-" : format_duration(run.duration_ms),
                    format_count(static_cast<int64_t>(run.rows.read)), note_of(run)});
  }
  return table_text(rows);
}

std::string error_lines(const KeptError& error) {
  std::string out = fmt::format("  {}  {}\n", error.code, error.message);
  if (!error.upstream.empty()) out += fmt::format("    answer: {}\n", error.upstream);
  for (const std::string& where : error.where) out += fmt::format("    In: {}\n", where);
  if (!error.hint.empty()) out += fmt::format("    Fix: {}\n", error.hint);
  return out;
}

std::string show_text(const KeptRun& run, int64_t now_ms) {
  const RunRecord& record = run.record;
  std::string out = fmt::format("{}  {}\n", record.id.text, record.sync);
  out += fmt::format("  started {}", format_utc_seconds(record.started_ms));
  if (record.ended_ms != 0) out += fmt::format(", ended {}", format_utc_seconds(record.ended_ms));
  out += run.exit_code ? fmt::format(", exit code {}\n", *run.exit_code) : std::string("\n");
  if (run.state == "running") {
    return out + fmt::format("Running: {} for {}\n", replace_all(record.step, "_", " "),
                             format_duration(now_ms - record.started_ms));
  }
  if (run.died) {
    return out + fmt::format("Failed: its process ended in step {}; the next run repairs it\n",
                             replace_all(record.step, "_", " "));
  }
  out += end_text(run, now_ms, /*whole=*/true);
  if (run.error) out += error_lines(*run.error);
  for (const std::string& warning : run.warnings) out += fmt::format("  Warning: {}\n", warning);
  return out;
}

// The table whose rows are in the file: streams are numbered in the order of the run's tables. A
// run that planned again has numbered on; and one that was killed has no list.
std::string stream_name(const KeptRun& run, int stream) {
  const auto index = static_cast<size_t>(stream - 1);
  if (stream < 1 || index >= run.streams.size()) return fmt::format("({})", stream);
  return run.streams[index];
}

std::string files_text(const KeptRun& run, const std::vector<JournalObject>& files) {
  std::vector<std::vector<std::string>> rows = {
      {"TABLE", "PART", "ROWS", "BYTES", "RAW BYTES", "IN BUCKET", "KEY"}};
  for (const JournalObject& file : files) {
    rows.push_back({stream_name(run, file.stream),
                    file.part == 0 ? "manifest" : std::to_string(file.part),
                    format_count(static_cast<int64_t>(file.rows)), format_bytes(file.size_bytes),
                    file.part == 0 ? "-" : format_bytes(file.raw_bytes), file.stored ? "yes" : "no",
                    "s3://" + file.bucket + "/" + file.key});
  }
  return table_text(rows);
}

std::string files_json(const KeptRun& run, const std::vector<JournalObject>& files) {
  std::vector<std::string> items;
  items.reserve(files.size());
  for (const JournalObject& file : files) {
    items.push_back(fmt::format(
        R"({{"table":{},"stream":{},"part":{},"bucket":{},"key":{},"rows":{},"raw_bytes":{},"size_bytes":{},"in_bucket":{}}})",
        json_quote(stream_name(run, file.stream)), file.stream, file.part, json_quote(file.bucket),
        json_quote(file.key), file.rows, file.raw_bytes, file.size_bytes, file.stored));
  }
  return "[" + join(items, ",") + "]";
}

struct Details {
  KeptRun run;
  std::vector<JournalObject> files;
  std::vector<std::string> sql;
};

Result<Details> find_details(const Context& context) {
  const Options& options = context.options;
  VESTO_ASSIGN(const std::unique_ptr<Store> store, open_store_if_there(context));
  std::optional<RunRecord> record;
  if (store != nullptr) {
    VESTO_ASSIGN(record, store->find_run(options.name));
  }
  if (!record) {
    return Error(ErrorCode::kCfgNoObject,
                 fmt::format("there is no run \"{}\"", cut_utf8(options.name, 200)))
        .with_hint("vesto history lists the runs.");
  }
  Details details;
  VESTO_ASSIGN(const bool live, is_live(*store, *record));
  if (options.show_files) {
    VESTO_ASSIGN(details.files, store->files_of(record->id));
  }
  if (options.sql) {
    VESTO_ASSIGN(details.sql, store->sql_of(record->id));
  }
  details.run = read_kept_run(*std::move(record), live);
  return details;
}

}  // namespace

int cmd_history(const Context& context) {
  const Options& options = context.options;
  // The name must be right, but a sync that was taken out of the configuration keeps its history.
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const Result<std::vector<KeptRun>> runs = read_runs(context, options.name);
  if (!runs.ok()) return fail(context, runs.error());
  if (!options.name.empty() && runs->empty() && config->find_sync(options.name) == nullptr) {
    return fail(context, no_object("sync", options.name, names_of(config->syncs)));
  }
  if (options.json) {
    std::vector<std::string> items;
    for (const KeptRun& run : *runs) items.push_back(run_json(run));
    write_out(fmt::format(R"({{"schema":"vesto.history/1","runs":[{}]}})", join(items, ",")) +
              "\n");
  } else if (runs->empty()) {
    write_out("No runs yet.\n");
  } else {
    write_out(history_text(*runs));
  }
  return kExitOk;
}

int cmd_show(const Context& context) {
  const Options& options = context.options;
  const Result<Details> found = find_details(context);
  if (!found.ok()) return fail(context, found.error());
  const Details& details = *found;
  if (options.json) {
    std::string out = R"({"schema":"vesto.run/1",)" + run_json(details.run).substr(1);
    out.pop_back();
    if (options.show_files) out += ",\"files\":" + files_json(details.run, details.files);
    if (options.sql) {
      std::vector<std::string> statements;
      for (const std::string& sql : details.sql) statements.push_back(json_quote(sql));
      out += ",\"sql\":[" + join(statements, ",") + "]";
    }
    write_out(out + "}\n");
    return kExitOk;
  }
  const bool whole = !options.show_tables && !options.show_files && !options.sql;
  if (whole) write_out(show_text(details.run, context.clock->wall_ms()));
  if ((whole || options.show_tables) && !details.run.tables.empty()) {
    write_out((whole ? "\n" : "") + tables_text(details.run));
  }
  if (options.show_files) write_out(files_text(details.run, details.files));
  for (const std::string& sql : details.sql) {
    write_out(sql.ends_with(';') ? sql + "\n" : sql + ";\n");
  }
  return kExitOk;
}

}  // namespace vesto::cli
