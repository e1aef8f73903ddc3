// What the progress looks like. Pure.
#include <fmt/format.h>

#include <algorithm>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/display.h"

namespace vesto::cli {

namespace {

struct Totals {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  int64_t estimated_rows = 0;  // -1: unknown
  size_t done = 0;
  size_t failed = 0;
};

bool is_done(const TableProgress& table) {
  return table.step == "done" || table.step == "unchanged";
}
bool is_active(const TableProgress& table) {
  return !is_done(table) && table.step != "failed" && table.step != "queued";
}

Totals totals_of(const RunView& view) {
  Totals totals;
  for (const TableProgress& table : view.tables) {
    totals.rows += table.rows_read;
    totals.bytes += table.bytes_staged;
    if (is_done(table)) ++totals.done;
    if (table.step == "failed") ++totals.failed;
    if (totals.estimated_rows < 0 || table.estimated_rows < 0) {
      totals.estimated_rows = -1;
    } else {
      totals.estimated_rows += table.estimated_rows;
    }
  }
  return totals;
}

std::string rows_of(uint64_t rows) { return format_count(static_cast<int64_t>(rows)); }

// "   about 2m 10s left", once a tenth was read and the sizes are known.
std::string time_left(const Totals& totals, int64_t elapsed_ms) {
  const auto rows = static_cast<int64_t>(totals.rows);
  if (totals.estimated_rows <= 0 || rows * 10 < totals.estimated_rows ||
      rows >= totals.estimated_rows || elapsed_ms < 2000) {
    return "";
  }
  const double per_row = static_cast<double>(elapsed_ms) / static_cast<double>(rows);
  const auto left_ms =
      static_cast<int64_t>(per_row * static_cast<double>(totals.estimated_rows - rows));
  return "   about " + format_duration(left_ms) + " left";
}

// " of about 2,000,000 (60 %)", where the source told the size of every table.
std::string share_read(const Totals& totals) {
  const auto rows = static_cast<int64_t>(totals.rows);
  if (totals.estimated_rows <= 0 || rows >= totals.estimated_rows) return "";
  return fmt::format(" of about {} ({} %)", format_count(totals.estimated_rows),
                     static_cast<int64_t>(100.0 * static_cast<double>(rows) /
                                          static_cast<double>(totals.estimated_rows)));
}

std::string step_text(const TableProgress& table, const Terminal& terminal) {
  if (is_done(table)) return shape(terminal, Shape::kDone) + " " + table.step;
  if (table.step == "failed") return shape(terminal, Shape::kFailed) + " failed";
  if (table.step == "queued") return shape(terminal, Shape::kQueued) + " queued";
  return shape(terminal, Shape::kRunning) + " " + replace_all(table.step, "_", " ");
}

std::string padded(const std::string& text, size_t width) {
  const size_t columns = columns_of(text);
  return columns >= width ? text : text + std::string(width - columns, ' ');
}

std::string table_line(const RunView& view, const TableProgress& table, size_t name_width,
                       const Terminal& terminal, int64_t elapsed_ms) {
  std::string line = "  " + padded(fit(printable(table.name, false), name_width), name_width) +
                     "  " + padded(step_text(table, terminal), 11);
  for (const TableResult& result : view.finished) {
    if (result.name != table.name) continue;
    if (result.error) return line + " " + std::string(result.error->name());
    return line + fmt::format(" {}   {}", count_text(static_cast<int64_t>(result.rows.read), "row"),
                              format_duration(result.duration_ms));
  }
  if (table.rows_read == 0) return line;
  line += fmt::format(" {} read   {} staged", rows_of(table.rows_read),
                      format_bytes(table.bytes_staged));
  if (table.step == "extract" && elapsed_ms >= 1000) {
    line += fmt::format(
        " ({}/s)", format_bytes(table.bytes_staged * 1000 / static_cast<uint64_t>(elapsed_ms)));
  }
  return line;
}

// Tables worth a line: those at work, then those that failed, then the last ones done.
std::vector<const TableProgress*> chosen(const RunView& view, size_t room) {
  std::vector<const TableProgress*> tables;
  const auto take = [&](auto wanted) {
    for (const TableProgress& table : view.tables) {
      if (tables.size() < room && wanted(table)) tables.push_back(&table);
    }
  };
  if (view.tables.size() <= room) {
    take([](const TableProgress&) { return true; });
    return tables;
  }
  take(is_active);
  take([](const TableProgress& table) { return table.step == "failed"; });
  take([](const TableProgress& table) { return table.step == "queued"; });
  take(is_done);
  return tables;
}

std::string rest_line(const RunView& view, const std::vector<const TableProgress*>& shown) {
  size_t done = 0;
  size_t failed = 0;
  size_t open = 0;
  for (const TableProgress& table : view.tables) {
    if (std::find(shown.begin(), shown.end(), &table) != shown.end()) continue;
    ++(is_done(table) ? done : table.step == "failed" ? failed : open);
  }
  std::string line = fmt::format(
      "  {}: {} done", count_text(static_cast<int64_t>(done + failed + open), "more table"), done);
  if (failed > 0) line += fmt::format(", {} failed", failed);
  if (open > 0) line += fmt::format(", {} waiting", open);
  return line;
}

std::string head(const RunView& view, int64_t now_ms) {
  const std::string now = format_utc_seconds(now_ms);
  return now.substr(now.find('T') + 1) + " " + view.run + ": ";
}

// "waiting for the warehouse: the cluster is being resumed (2m 5s of 15m 0s)"
std::string waiting_text(const WarehouseWaiting& wait, int64_t now_ms) {
  return fmt::format("waiting for the warehouse: {} ({} of {})", wait.reason,
                     format_duration(std::max<int64_t>(now_ms - wait.since_ms, 0)),
                     format_duration(wait.limit_ms));
}

std::string waiting_fields(const WarehouseWaiting& wait, int64_t now_ms) {
  return fmt::format(R"("reason":{},"waited_ms":{},"limit_ms":{})", json_quote(wait.reason),
                     std::max<int64_t>(now_ms - wait.since_ms, 0), wait.limit_ms);
}

}  // namespace

std::vector<std::string> block_lines(const RunView& view, const Terminal& terminal,
                                     int64_t now_ms) {
  const int64_t elapsed_ms = std::max<int64_t>(now_ms - view.started_ms, 0);
  const Totals totals = totals_of(view);
  std::vector<std::string> lines;
  lines.push_back(fmt::format("{} {} {}   {}   {}{}", view.sync, terminal.utf8 ? "\u2192" : "->",
                              view.destination, view.run, format_duration(elapsed_ms),
                              time_left(totals, elapsed_ms)));
  constexpr size_t kRoom = kMaxBlockLines - 2;
  const bool all = view.tables.size() <= kRoom;
  const std::vector<const TableProgress*> shown = chosen(view, all ? kRoom : kRoom - 1);
  size_t name_width = 8;
  for (const TableProgress* table : shown) {
    name_width = std::max(name_width, std::min<size_t>(columns_of(table->name), 32));
  }
  for (const TableProgress* table : shown) {
    lines.push_back(table_line(view, *table, name_width, terminal, elapsed_ms));
  }
  if (!all) lines.push_back(rest_line(view, shown));
  std::string foot =
      fmt::format("read {}{}   staged {}", count_text(static_cast<int64_t>(totals.rows), "row"),
                  share_read(totals), format_bytes(totals.bytes));
  if (view.memory_total_bytes > 0) {
    foot += fmt::format("   memory {} of {}", format_bytes(view.memory_used_bytes),
                        format_bytes(view.memory_total_bytes));
  }
  // Nothing moves meanwhile.
  if (view.waiting) foot = waiting_text(*view.waiting, now_ms);
  lines.push_back(foot);
  const size_t width = static_cast<size_t>(std::max(terminal.width, 20)) - 1;
  for (std::string& line : lines) line = fit_parts(line, width);
  return lines;
}

std::string plain_start(const RunView& view, int64_t now_ms) {
  return head(view, now_ms) +
         fmt::format("started {} -> {}, {}", view.sync, view.destination,
                     count_text(static_cast<int64_t>(view.tables.size()), "table"));
}

std::string plain_progress(const RunView& view, int64_t now_ms) {
  const Totals totals = totals_of(view);
  std::string line =
      head(view, now_ms) +
      fmt::format("{} of {} done, {} read, {} staged", totals.done,
                  count_text(static_cast<int64_t>(view.tables.size()), "table"),
                  count_text(static_cast<int64_t>(totals.rows), "row"), format_bytes(totals.bytes));
  if (totals.failed > 0) {
    line += fmt::format(", {} failed", count_text(static_cast<int64_t>(totals.failed), "table"));
  }
  return line;
}

std::string plain_waiting(const RunView& view, int64_t now_ms) {
  return head(view, now_ms) + waiting_text(*view.waiting, now_ms);
}

std::string plain_waited(const RunView& view, int64_t now_ms) {
  return head(view, now_ms) + "the warehouse is not waited for any more";
}

std::string plain_step(const RunView& view, const TableProgress& table, int64_t now_ms) {
  return head(view, now_ms) + table.name + ": " + replace_all(table.step, "_", " ");
}

std::string plain_finish(const RunView& view, const TableResult& table, int64_t now_ms) {
  if (table.error) {
    return head(view, now_ms) +
           fmt::format("{}: {} {}", table.name, table.error->name(), table.error->message());
  }
  return head(view, now_ms) + fmt::format("{}: {}, {}", table.name,
                                          table.state == "unchanged" ? "unchanged" : "done",
                                          count_text(static_cast<int64_t>(table.rows.read), "row"));
}

std::string json_started(const RunView& view, int64_t now_ms) {
  return fmt::format(
      R"({{"type":"run.started","time":{},"run":{},"sync":{},"destination":{},"tables":{}}})",
      json_quote(format_utc(now_ms)), json_quote(view.run), json_quote(view.sync),
      json_quote(view.destination), view.tables.size());
}

std::string json_progress(const RunView& view, int64_t now_ms) {
  const Totals totals = totals_of(view);
  std::vector<std::string> active;
  for (const TableProgress& table : view.tables) {
    if (!is_active(table)) continue;
    active.push_back(fmt::format(
        R"({{"table":{},"step":{},"read_rows":{},"staged_bytes":{},"estimated_rows":{}}})",
        json_quote(table.name), json_quote(table.step), table.rows_read, table.bytes_staged,
        table.estimated_rows));
  }
  return fmt::format(
      R"({{"type":"run.progress","time":{},"run":{},"elapsed_ms":{},"rows":{{"read":{}}},)"
      R"("bytes":{{"staged":{}}},"tables":{{"total":{},"done":{},"failed":{}}},"active":[{}]{}}})",
      json_quote(format_utc(now_ms)), json_quote(view.run),
      std::max<int64_t>(now_ms - view.started_ms, 0), totals.rows, totals.bytes, view.tables.size(),
      totals.done, totals.failed, join(active, ","),
      view.waiting ? ",\"waiting\":{" + waiting_fields(*view.waiting, now_ms) + "}" : "");
}

std::string json_waiting(const RunView& view, int64_t now_ms) {
  return fmt::format(R"({{"type":"run.waiting","time":{},"run":{},"waiting":{}{}}})",
                     json_quote(format_utc(now_ms)), json_quote(view.run),
                     view.waiting ? "true," : "false",
                     view.waiting ? waiting_fields(*view.waiting, now_ms) : "");
}

std::string json_table_finished(const RunView& view, const TableResult& table, int64_t now_ms) {
  return fmt::format(R"({{"type":"table.finished","time":{},"run":{},{})",
                     json_quote(format_utc(now_ms)), json_quote(view.run),
                     table_json(table).substr(1));
}

std::string json_finished(const RunOutcome& outcome) {
  return R"({"type":"run.finished",)" + outcome_json(outcome).substr(1);
}

}  // namespace vesto::cli
