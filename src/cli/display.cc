#include "cli/display.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "base/json_text.h"
#include "base/strings.h"
#include "base/thread_root.h"

namespace vesto::cli {

namespace {

constexpr int64_t kRedrawMs = 500;
constexpr int64_t kJsonEveryMs = 1000;
constexpr int64_t kPlainEveryMs = 30'000;

}  // namespace

RunDisplay::RunDisplay(DisplayMode mode, Terminal terminal, Clock& clock, ByteBudget* budget)
    : mode_(mode), terminal_(terminal), clock_(clock), budget_(budget) {
  if (mode_ == DisplayMode::kNone) return;
  ticker_ = std::thread([this] {
    name_thread("display");
    tick();
  });
}

RunDisplay::~RunDisplay() {
  finish();
  if (ticker_.joinable()) ticker_.join();
}

void RunDisplay::only(std::vector<std::string> tables) {
  Lock lock(mutex_);
  only_ = std::move(tables);
}

void RunDisplay::run_started(const RunId& run, const SyncSpec& spec) {
  Lock lock(mutex_);
  const int64_t now_ms = clock_.wall_ms();
  view_.run = run.text;
  view_.sync = spec.name;
  view_.destination = spec.destination_name;
  view_.started_ms = now_ms;
  for (const TableSpec& table : spec.tables) {
    if (!only_.empty() && std::find(only_.begin(), only_.end(), table.name) == only_.end()) {
      continue;
    }
    TableProgress progress;
    progress.name = table.name;
    view_.tables.push_back(std::move(progress));
  }
  started_ = true;
  last_report_ms_ = clock_.monotonic_ms();
  if (mode_ == DisplayMode::kPlain) line(plain_start(view_, now_ms));
  if (mode_ == DisplayMode::kJson) write_out(json_started(view_, now_ms) + "\n");
  if (mode_ == DisplayMode::kTerminal) draw();
}

void RunDisplay::table_step(const TableProgress& table) {
  Lock lock(mutex_);
  for (TableProgress& known : view_.tables) {
    if (known.name == table.name) known = table;
  }
  // The ends of a table come with its counts in table_finished().
  const bool ended = table.step == "done" || table.step == "failed" || table.step == "unchanged";
  if (mode_ == DisplayMode::kPlain && !ended && !finished_) {
    line(plain_step(view_, table, clock_.wall_ms()));
  }
}

void RunDisplay::table_finished(const TableResult& table) {
  Lock lock(mutex_);
  view_.finished.push_back(table);
  const int64_t now_ms = clock_.wall_ms();
  if (finished_) return;
  if (mode_ == DisplayMode::kPlain) line(plain_finish(view_, table, now_ms));
  if (mode_ == DisplayMode::kJson) write_out(json_table_finished(view_, table, now_ms) + "\n");
}

void RunDisplay::progress(const std::vector<TableProgress>& tables) {
  Lock lock(mutex_);
  for (TableProgress& known : view_.tables) {
    for (const TableProgress& told : tables) {
      if (told.name == known.name) known = told;
    }
  }
}

void RunDisplay::warning(const std::string& text) {
  Lock lock(mutex_);
  if (mode_ == DisplayMode::kJson) {
    write_out(fmt::format(R"({{"type":"run.warning","run":{},"text":{}}})", json_quote(view_.run),
                          json_quote(text)) +
              "\n");
  }
  if (!quiet_) line("Warning: " + text);
}

void RunDisplay::waiting(const std::optional<WarehouseWaiting>& wait) {
  Lock lock(mutex_);
  const int64_t now_ms = clock_.wall_ms();
  view_.waiting = wait;
  if (finished_) return;
  if (mode_ == DisplayMode::kJson) write_out(json_waiting(view_, now_ms) + "\n");
  if (mode_ == DisplayMode::kPlain) {
    line(wait ? plain_waiting(view_, now_ms) : plain_waited(view_, now_ms));
  }
  if (mode_ == DisplayMode::kTerminal && started_) draw();
}

void RunDisplay::quiet() {
  Lock lock(mutex_);
  quiet_ = true;
}

void RunDisplay::show_now() {
  Lock lock(mutex_);
  if (started_) line(plain_progress(view_, clock_.wall_ms()));
}

void RunDisplay::finish() {
  Lock lock(mutex_);
  if (finished_) return;
  finished_ = true;
  erase();
  wake_.notify_all();
}

void RunDisplay::tick() {
  Lock lock(mutex_);
  while (!finished_) {
    // Not the injected clock: this only paces the screen.
    wake_.wait_for(mutex_, std::chrono::milliseconds(kRedrawMs));
    if (started_ && !finished_) tick_once();
  }
}

void RunDisplay::tick_once() {
  if (mode_ == DisplayMode::kTerminal) {
    draw();
    return;
  }
  const int64_t every_ms = mode_ == DisplayMode::kJson ? kJsonEveryMs : kPlainEveryMs;
  const int64_t now_ms = clock_.monotonic_ms();
  if (now_ms - last_report_ms_ < every_ms) return;
  last_report_ms_ = now_ms;
  if (mode_ == DisplayMode::kJson) {
    write_out(json_progress(view_, clock_.wall_ms()) + "\n");
  } else {
    const int64_t wall_ms = clock_.wall_ms();
    line(view_.waiting ? plain_waiting(view_, wall_ms) : plain_progress(view_, wall_ms));
  }
}

void RunDisplay::refresh_memory() {
  if (budget_ == nullptr) return;
  view_.memory_total_bytes = budget_->total_bytes();
  view_.memory_used_bytes = view_.memory_total_bytes - budget_->free_bytes();
}

void RunDisplay::draw() {
  if (finished_) return;
  refresh_memory();
  // One write: up over the old block, then each line cleared to its end.
  std::string out = drawn_lines_ > 0 ? fmt::format("\x1b[{}A", drawn_lines_) : std::string();
  const std::vector<std::string> lines = block_lines(view_, terminal_, clock_.wall_ms());
  for (const std::string& text : lines) out += "\r" + text + "\x1b[K\n";
  out += "\x1b[J";
  drawn_lines_ = lines.size();
  write_err(out);
}

void RunDisplay::erase() {
  if (drawn_lines_ == 0) return;
  write_err(fmt::format("\x1b[{}A\r\x1b[J", drawn_lines_));
  drawn_lines_ = 0;
}

void RunDisplay::line(const std::string& text) {
  erase();
  write_err(printable(text, true) + "\n");
  if (mode_ == DisplayMode::kTerminal && started_) draw();
}

}  // namespace vesto::cli
