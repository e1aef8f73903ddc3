// Progress of a run: a block that is redrawn on a terminal, plain lines in a log, JSON lines for
// programs. What is written is made by pure functions below, so that tests need no terminal.
// Thread rule: RunDisplay may be called from any thread.
#ifndef VESTO_CLI_DISPLAY_H_
#define VESTO_CLI_DISPLAY_H_

#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/budget.h"
#include "base/clock.h"
#include "base/mutex.h"
#include "cli/terminal.h"
#include "sync/run.h"

namespace vesto::cli {

// A run as far as it has been told.
struct RunView {
  std::string run;
  std::string sync;
  std::string destination;
  int64_t started_ms = 0;
  std::vector<TableProgress> tables;  // all of the run, in the order of the configuration
  std::vector<TableResult> finished;
  std::optional<WarehouseWaiting> waiting;
  uint64_t memory_used_bytes = 0;
  uint64_t memory_total_bytes = 0;
};

constexpr size_t kMaxBlockLines = 8;

// The block, at most kMaxBlockLines lines, none wider than the terminal.
std::vector<std::string> block_lines(const RunView& view, const Terminal& terminal, int64_t now_ms);

// "10:15:00Z run_01J7X...: started shop -> acme, 12 tables"
std::string plain_start(const RunView& view, int64_t now_ms);
// "10:15:30Z run_...: 2 of 12 tables done, 1,482,004 rows read, 180 MiB staged"
std::string plain_progress(const RunView& view, int64_t now_ms);
// "10:15:04Z run_...: public.orders: extract"
std::string plain_step(const RunView& view, const TableProgress& table, int64_t now_ms);
// "10:19:12Z run_...: public.orders: done, 20,500 rows" or its error.
std::string plain_finish(const RunView& view, const TableResult& table, int64_t now_ms);

// "10:15:04Z run_...: waiting for the warehouse: the cluster is being resumed (2m of 15m)"
std::string plain_waiting(const RunView& view, int64_t now_ms);
// "10:17:09Z run_...: the warehouse is not waited for any more"
std::string plain_waited(const RunView& view, int64_t now_ms);

// One JSON object each, without newline. Documented in docs/cli.md: fields are only ever added.
std::string json_started(const RunView& view, int64_t now_ms);
std::string json_progress(const RunView& view, int64_t now_ms);
std::string json_table_finished(const RunView& view, const TableResult& table, int64_t now_ms);
std::string json_waiting(const RunView& view, int64_t now_ms);
std::string json_finished(const RunOutcome& outcome);

enum class DisplayMode { kNone, kPlain, kTerminal, kJson };

class RunDisplay : public RunObserver {
 public:
  // budget may be null; it and the clock must live as long.
  RunDisplay(DisplayMode mode, Terminal terminal, Clock& clock, ByteBudget* budget);
  ~RunDisplay() override;
  RunDisplay(const RunDisplay&) = delete;
  RunDisplay& operator=(const RunDisplay&) = delete;

  void run_started(const RunId& run, const SyncSpec& spec) override VESTO_EXCLUDES(mutex_);
  void table_step(const TableProgress& table) override VESTO_EXCLUDES(mutex_);
  void table_finished(const TableResult& table) override VESTO_EXCLUDES(mutex_);
  void progress(const std::vector<TableProgress>& tables) override VESTO_EXCLUDES(mutex_);
  void warning(const std::string& text) override VESTO_EXCLUDES(mutex_);
  void waiting(const std::optional<WarehouseWaiting>& wait) override VESTO_EXCLUDES(mutex_);
  // Only these tables take part; before the run starts. Empty: all.
  void only(std::vector<std::string> tables) VESTO_EXCLUDES(mutex_);
  // Not even warnings on stderr. Before the run starts.
  void quiet() VESTO_EXCLUDES(mutex_);
  // Prints where the run stands now, as a plain line (SIGUSR1).
  void show_now() VESTO_EXCLUDES(mutex_);
  // Takes the block away; nothing is drawn afterwards.
  void finish() VESTO_EXCLUDES(mutex_);

 private:
  void tick() VESTO_EXCLUDES(mutex_);
  void tick_once() VESTO_REQUIRES(mutex_);
  void draw() VESTO_REQUIRES(mutex_);
  void erase() VESTO_REQUIRES(mutex_);
  // A line of its own, above the block.
  void line(const std::string& text) VESTO_REQUIRES(mutex_);
  void refresh_memory() VESTO_REQUIRES(mutex_);

  const DisplayMode mode_;
  const Terminal terminal_;
  Clock& clock_;
  ByteBudget* const budget_;
  Mutex mutex_;
  CondVar wake_;
  RunView view_ VESTO_GUARDED_BY(mutex_);
  std::vector<std::string> only_ VESTO_GUARDED_BY(mutex_);
  size_t drawn_lines_ VESTO_GUARDED_BY(mutex_) = 0;
  int64_t last_report_ms_ VESTO_GUARDED_BY(mutex_) = 0;
  bool quiet_ VESTO_GUARDED_BY(mutex_) = false;
  bool started_ VESTO_GUARDED_BY(mutex_) = false;
  bool finished_ VESTO_GUARDED_BY(mutex_) = false;
  std::thread ticker_;  // only where something moves by itself
};

}  // namespace vesto::cli

#endif  // VESTO_CLI_DISPLAY_H_
