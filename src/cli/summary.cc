#include "cli/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/strings.h"

namespace vesto::cli {

namespace {

using Json = nlohmann::json;

std::string text_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

uint64_t count_of(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_number_integer() && *found >= 0 ? found->get<uint64_t>()
                                                                            : 0;
}

const Json& part_of(const Json& object, const char* name) {
  static const Json kNothing = Json::object();
  const auto found = object.find(name);
  return found != object.end() && found->is_object() ? *found : kNothing;
}

RowCounts read_rows(const Json& object) {
  const Json& rows = part_of(object, "rows");
  return {.read = count_of(rows, "read"),
          .copied = count_of(rows, "copied"),
          .inserted = count_of(rows, "inserted"),
          .updated = count_of(rows, "updated"),
          .deleted = count_of(rows, "deleted"),
          .rejected = count_of(rows, "rejected")};
}

std::optional<KeptError> read_error(const Json& object) {
  const auto found = object.find("error");
  if (found == object.end() || !found->is_object()) return std::nullopt;
  const Json& upstream = part_of(*found, "upstream");
  KeptError error{.code = text_of(*found, "code"),
                  .message = text_of(*found, "message"),
                  .hint = text_of(*found, "hint"),
                  .retry = text_of(*found, "retry"),
                  .upstream = ""};
  if (const std::string text = text_of(upstream, "text"); !text.empty()) {
    error.upstream =
        fmt::format("{} {}: {}", text_of(upstream, "system"), text_of(upstream, "code"), text);
  }
  return error;
}

KeptTable read_table(const Json& object) {
  const Json& bytes = part_of(object, "bytes");
  const auto full = object.find("full");
  return {.name = text_of(object, "table"),
          .target = text_of(object, "target"),
          .mode = text_of(object, "mode"),
          .state = text_of(object, "state"),
          .full = full != object.end() && full->is_boolean() && full->get<bool>(),
          .rows = read_rows(object),
          .bytes_read = count_of(bytes, "read"),
          .bytes_staged = count_of(bytes, "staged"),
          .duration_ms = static_cast<int64_t>(count_of(object, "duration_ms")),
          .error = read_error(object)};
}

void read_summary(const std::string& text, KeptRun* run) {
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return;
  run->reason = text_of(json, "reason");
  run->duration_ms = static_cast<int64_t>(count_of(json, "duration_ms"));
  run->data_as_of_ms = parse_utc(text_of(json, "data_as_of"));
  run->rows = read_rows(json);
  run->bytes_read = count_of(part_of(json, "bytes"), "read");
  run->bytes_staged = count_of(part_of(json, "bytes"), "staged");
  run->error = read_error(json);
  if (const auto tables = json.find("table_results"); tables != json.end()) {
    for (const Json& table : *tables) {
      if (table.is_object()) run->tables.push_back(read_table(table));
    }
  }
  if (const auto warnings = json.find("warnings"); warnings != json.end()) {
    for (const Json& warning : *warnings) {
      if (warning.is_string()) run->warnings.push_back(warning.get<std::string>());
    }
  }
}

size_t tables_in_state(const KeptRun& run, std::string_view state) {
  return static_cast<size_t>(
      std::count_if(run.tables.begin(), run.tables.end(),
                    [&](const KeptTable& table) { return table.state == state; }));
}

std::string rows_of(uint64_t rows) { return format_count(static_cast<int64_t>(rows)); }

std::string failed_tables_text(const KeptRun& run) {
  size_t width = 0;
  for (const KeptTable& table : run.tables) {
    if (table.state == "failed") width = std::max(width, columns_of(table.name));
  }
  std::string out;
  for (const KeptTable& table : run.tables) {
    if (table.state != "failed" || !table.error) continue;
    const std::string pad(width - columns_of(table.name), ' ');
    const std::string indent(width + 4, ' ');
    std::string message = table.error->message;
    if (message.starts_with(table.name + ": ")) message.erase(0, table.name.size() + 2);
    out += fmt::format("  {}{}  failed  {}  {}\n", table.name, pad, table.error->code, message);
    if (!table.error->upstream.empty()) {
      out += fmt::format("{}answer: {}\n", indent, table.error->upstream);
    }
    if (!table.error->hint.empty()) out += fmt::format("{}Fix: {}\n", indent, table.error->hint);
  }
  return out;
}

std::string next_text(const KeptRun& run) {
  std::string tables;
  for (const KeptTable& table : run.tables) {
    if (table.state == "failed") tables += " --table " + table.name;
  }
  return tables.empty() ? std::string()
                        : fmt::format("Next:  vesto run {}{}\n", run.record.sync, tables);
}

}  // namespace

KeptRun read_kept_run(RunRecord record, bool is_live) {
  KeptRun run;
  run.state = record.state;
  if (!record.summary.empty()) read_summary(record.summary, &run);
  if (record.ended_ms == 0 && !is_live) {
    run.state = "failed";
    run.died = true;
  } else if (record.summary.empty() && record.ended_ms != 0) {
    run.died = true;  // swept by a later run
  }
  run.record = std::move(record);
  return run;
}

KeptRun kept_from_outcome(const RunOutcome& outcome) {
  RunRecord record;
  record.id = outcome.id;
  record.sync = outcome.sync;
  record.state = outcome.state;
  record.started_ms = outcome.started_ms;
  record.ended_ms = outcome.started_ms + std::max<int64_t>(outcome.duration_ms, 1);
  record.exit_code = outcome.exit_code;
  record.summary = outcome_json(outcome);
  return read_kept_run(std::move(record), false);
}

std::string state_label(const KeptRun& run) {
  if (run.state == "succeeded") return "Succeeded";
  if (run.state == "partial") return "Partly succeeded";
  if (run.state == "failed") return "Failed";
  if (run.state == "cancelled") return "Cancelled";
  if (run.state == "skipped") return "Skipped";
  return "Running";
}

std::string rows_text(const RowCounts& rows) {
  std::string out =
      rows.read == rows.copied
          ? fmt::format("{} rows read = copied", rows_of(rows.read))
          : fmt::format("{} rows read, {} copied", rows_of(rows.read), rows_of(rows.copied));
  // A first load only inserts: no need to say so.
  if (rows.updated > 0 || rows.deleted > 0) {
    std::vector<std::string> parts;
    if (rows.updated > 0) parts.push_back(rows_of(rows.updated) + " updated");
    if (rows.inserted > 0) parts.push_back(rows_of(rows.inserted) + " inserted");
    if (rows.deleted > 0) parts.push_back(rows_of(rows.deleted) + " deleted");
    out += " (" + join(parts, ", ") + ")";
  }
  return out + fmt::format(", {} rejected", rows_of(rows.rejected));
}

std::string end_text(const KeptRun& run, int64_t now_ms) {
  const size_t good = tables_in_state(run, "succeeded") + tables_in_state(run, "unchanged");
  std::string out;
  if (run.state == "skipped" && run.reason == "no change") {
    out = fmt::format("Nothing to do, {} of {} tables unchanged; looked for {}", good,
                      run.tables.size(), format_duration(run.duration_ms));
  } else if (run.tables.empty()) {
    out = fmt::format("{} after {}: nothing was committed", state_label(run),
                      format_duration(run.duration_ms));
  } else {
    out =
        fmt::format("{} in {}: {} of {} tables, {}", state_label(run),
                    format_duration(run.duration_ms), good, run.tables.size(), rows_text(run.rows));
  }
  if (run.data_as_of_ms != 0 && good > 0) {
    out += ", data as of " + moment_text(run.data_as_of_ms, now_ms);
  }
  return out + "\n" + failed_tables_text(run) + next_text(run);
}

std::string tables_text(const KeptRun& run) {
  std::vector<std::vector<std::string>> rows = {{"TABLE", "TARGET", "MODE", "STATE", "READ",
                                                 "INSERTED", "UPDATED", "DELETED", "STAGED",
                                                 "TIME"}};
  for (const KeptTable& table : run.tables) {
    rows.push_back({table.name, table.target, table.full ? table.mode + ", full" : table.mode,
                    table.error ? table.state + " " + table.error->code : table.state,
                    rows_of(table.rows.read), rows_of(table.rows.inserted),
                    rows_of(table.rows.updated), rows_of(table.rows.deleted),
                    format_bytes(table.bytes_staged), format_duration(table.duration_ms)});
  }
  return table_text(rows);
}

}  // namespace vesto::cli
