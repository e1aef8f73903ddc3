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

std::vector<std::string> texts_of(const Json& object, const char* name) {
  std::vector<std::string> texts;
  const auto found = object.find(name);
  if (found == object.end() || !found->is_array()) return texts;
  for (const Json& item : *found) {
    if (item.is_string()) texts.push_back(item.get<std::string>());
  }
  return texts;
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
                  .upstream = "",
                  .where = texts_of(*found, "where")};
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
          .nulled_values = count_of(object, "nulled_values"),
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
  run->warehouse_seen_ms = parse_utc(text_of(json, "warehouse_seen_at"));
  run->rows = read_rows(json);
  run->bytes_read = count_of(part_of(json, "bytes"), "read");
  run->bytes_staged = count_of(part_of(json, "bytes"), "staged");
  run->error = read_error(json);
  if (const auto tables = json.find("table_results"); tables != json.end()) {
    for (const Json& table : *tables) {
      if (table.is_object()) run->tables.push_back(read_table(table));
    }
  }
  if (const Json& wait = part_of(json, "waiting"); !wait.empty()) {
    run->waiting = WarehouseWaiting{.reason = text_of(wait, "reason"),
                                    .since_ms = parse_utc(text_of(wait, "since")),
                                    .limit_ms = static_cast<int64_t>(count_of(wait, "limit_ms"))};
  }
  run->warnings = texts_of(json, "warnings");
  run->streams = texts_of(json, "streams");
}

size_t tables_in_state(const KeptRun& run, std::string_view state) {
  return static_cast<size_t>(
      std::count_if(run.tables.begin(), run.tables.end(),
                    [&](const KeptTable& table) { return table.state == state; }));
}

std::string rows_of(uint64_t rows) { return format_count(static_cast<int64_t>(rows)); }

// Without what the message says already: "postgres 42P01: " stands before the answer.
std::string answer_of(const KeptError& error, bool whole) {
  if (whole) return error.upstream;
  const size_t text = error.upstream.find(": ");
  if (text == std::string::npos) return error.upstream;
  const std::string said = upstream_line(error.upstream.substr(text + 2), error.message);
  return said.empty() ? said : error.upstream.substr(0, text + 2) + said;
}

std::string failed_tables_text(const KeptRun& run, bool whole) {
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
    if (const std::string answer = answer_of(*table.error, whole); !answer.empty()) {
      out += fmt::format("{}answer: {}\n", indent, answer);
    }
    for (const std::string& where : table.error->where) {
      if (where != "table " + table.name) out += fmt::format("{}In: {}\n", indent, where);
    }
    if (!table.error->hint.empty()) out += fmt::format("{}Fix: {}\n", indent, table.error->hint);
  }
  return out;
}

// As a shell takes it: names of tables may hold anything.
std::string shell_word(const std::string& text) {
  const bool plain = std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("._-").find(c) != std::string_view::npos;
  });
  return plain ? text : "'" + replace_all(text, "'", "'\\''") + "'";
}

// A fix that asks for --full-refresh is told as such: without the flag the table fails again.
std::string next_text(const KeptRun& run) {
  std::string again;
  std::string in_full;
  for (const KeptTable& table : run.tables) {
    if (table.state != "failed") continue;
    const bool full = table.error && table.error->hint.find("--full-refresh") != std::string::npos;
    (full ? in_full : again) += " --table " + shell_word(table.name);
  }
  std::string out;
  for (const auto& [flag, tables] : {std::pair{"", again}, std::pair{" --full-refresh", in_full}}) {
    if (tables.empty()) continue;
    out += fmt::format("{}vesto run {}{}{}\n", out.empty() ? "Next:  " : "       ", run.record.sync,
                       flag, tables);
  }
  return out;
}

std::string state_of(const KeptTable& table) {
  if (table.state == "not_run") return "not run";
  return table.error ? table.state + " " + table.error->code : table.state;
}

}  // namespace

KeptRun read_kept_run(RunRecord record, bool is_live) {
  KeptRun run;
  run.state = record.state;
  if (!record.summary.empty()) read_summary(record.summary, &run);
  if (run.waiting) record.summary.clear();  // which is none yet
  if (record.ended_ms == 0 && !is_live) {
    run.state = "failed";
    run.died = true;
  } else if (record.summary.empty() && record.ended_ms != 0) {
    run.died = true;  // swept by a later run
  }
  if (!is_live) run.waiting.reset();
  if (record.ended_ms != 0 && !run.died) run.exit_code = record.exit_code;
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

std::string code_json(const KeptRun& run) {
  return run.exit_code ? std::to_string(*run.exit_code) : std::string("null");
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
          ? fmt::format("{} read = copied", count_text(static_cast<int64_t>(rows.read), "row"))
          : fmt::format("{} read, {} copied", count_text(static_cast<int64_t>(rows.read), "row"),
                        rows_of(rows.copied));
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

std::string end_text(const KeptRun& run, int64_t now_ms, bool whole) {
  const size_t good = tables_in_state(run, "succeeded") + tables_in_state(run, "unchanged");
  const size_t left = tables_in_state(run, "not_run");
  std::string out;
  std::string of_tables =
      fmt::format("{} of {}", good, count_text(static_cast<int64_t>(run.tables.size()), "table"));
  if (left > 0) of_tables += fmt::format(" ({} not run)", left);
  if (run.state == "skipped" && run.reason == "no change") {
    out = fmt::format("Nothing to do, {} unchanged; looked for {}", of_tables,
                      format_duration(run.duration_ms));
  } else if (run.state == "skipped") {
    out = fmt::format("Skipped: {}", run.reason);
  } else if (run.error && run.error->code == "RS-COMMIT-UNKNOWN") {
    out = fmt::format(
        "{} after {}: whether the last load was committed is not known; the next run finds out",
        state_label(run), format_duration(run.duration_ms));
  } else if (run.tables.size() == left) {
    out = fmt::format("{} after {}: nothing was committed", state_label(run),
                      format_duration(run.duration_ms));
  } else {
    out = fmt::format("{} in {}: {}, {}", state_label(run), format_duration(run.duration_ms),
                      of_tables, rows_text(run.rows));
  }
  if (run.data_as_of_ms != 0 && good > 0) {
    // Those that were left hold what they held before, and the sync is as old as the oldest.
    const std::string whose =
        good == run.tables.size() ? "" : " of " + count_text(static_cast<int64_t>(good), "table");
    out += fmt::format(", data{} as of {}", whose, moment_text(run.data_as_of_ms, now_ms));
  }
  if (run.warehouse_seen_ms != 0) {
    out += ", warehouse last looked at " + moment_text(run.warehouse_seen_ms, now_ms);
  }
  uint64_t nulled = 0;
  for (const KeptTable& table : run.tables) nulled += table.nulled_values;
  if (nulled > 0) out += fmt::format(", {} values set to NULL", rows_of(nulled));
  return printable(out + "\n" + failed_tables_text(run, whole) + next_text(run), true);
}

std::string tables_text(const KeptRun& run) {
  std::vector<std::vector<std::string>> rows = {{"TABLE", "TARGET", "MODE", "STATE", "READ",
                                                 "INSERTED", "UPDATED", "DELETED", "STAGED",
                                                 "TIME"}};
  for (const KeptTable& table : run.tables) {
    rows.push_back({table.name, table.target, table.full ? table.mode + ", full" : table.mode,
                    state_of(table), rows_of(table.rows.read), rows_of(table.rows.inserted),
                    rows_of(table.rows.updated), rows_of(table.rows.deleted),
                    format_bytes(table.bytes_staged), format_duration(table.duration_ms)});
  }
  return table_text(rows);
}

}  // namespace vesto::cli
