#include "sync/run_end.h"

#include <csignal>

#include "base/kill_point.h"

namespace vesto {

namespace {

constexpr int kInterrupted = 128 + SIGINT;
constexpr int kTerminated = 128 + SIGTERM;

int signal_of(const RunOptions& options) { return options.stop_signal ? options.stop_signal() : 0; }

Error interrupted_by(const RunOptions& options) {
  const int signal = signal_of(options);
  std::string text = "the run was interrupted";
  if (signal == SIGINT) text += " by SIGINT (Ctrl-C)";
  if (signal == SIGTERM) text += " by SIGTERM";
  return {ErrorCode::kRunInterrupted, std::move(text)};
}

}  // namespace

void judge(const RunContext& context, const LeaseKeeper* lease, Attempt attempt,
           RunOutcome* outcome) {
  outcome->tables = std::move(attempt.tables);
  outcome->parity = std::move(attempt.parity);
  outcome->data_as_of_ms = attempt.data_as_of_ms;
  if (attempt.staged_at_ms != 0) {
    outcome->staged_ms = attempt.staged_at_ms - outcome->started_ms;
    outcome->staged_cpu_ms = attempt.staged_cpu_ms;
  }
  size_t done = 0;
  size_t failed = 0;
  for (const TableResult& table : outcome->tables) {
    outcome->bytes_read += table.bytes_read;
    outcome->bytes_staged += table.bytes_staged;
    if (table.state == "failed") {
      ++failed;
    } else {
      if (table.state == "succeeded") ++done;
      outcome->rows.add(table.rows);
    }
  }
  if (lease != nullptr && lease->lost()) {
    attempt.error =
        Error(ErrorCode::kRunLeaseLost, "another run took sync " + context.spec.name + " over");
  } else if (context.options.stop.stop_requested() && attempt.error &&
             attempt.error->code() != ErrorCode::kRsCommitUnknown) {
    attempt.error = interrupted_by(context.options);
  }
  if (attempt.error) {
    outcome->error = std::move(attempt.error);
    outcome->exit_code = exit_code_of(*outcome->error);
    if (outcome->exit_code == kInterrupted && signal_of(context.options) == SIGTERM) {
      outcome->exit_code = kTerminated;
    }
    outcome->state = outcome->error->code() == ErrorCode::kRunInterrupted ? "cancelled" : "failed";
  } else if (failed > 0 && failed == outcome->tables.size()) {
    outcome->state = "failed";
    outcome->exit_code = exit_code_of(*outcome->tables.front().error);
  } else if (failed > 0) {
    outcome->state = "partial";
    outcome->exit_code = 6;
  } else if (done == 0) {
    outcome->state = "skipped";
    outcome->reason = "no change";
    outcome->warehouse_seen_ms = attempt.copied_ms;
  } else {
    outcome->state = "succeeded";
  }
}

void finish(RunContext& context, RunOutcome* outcome, bool cleaned) {
  outcome->duration_ms = context.now_ms() - outcome->started_ms;
  outcome->warnings = context.report.warnings();
  outcome->streams = context.stream_tables;
  context.record.state = outcome->state;
  context.record.step = "done";
  context.record.exit_code = outcome->exit_code;
  context.record.ended_ms = context.now_ms();
  // A run that broke off may have had a PUT in flight: its prefix is listed once more later.
  const bool staged_nothing = outcome->state == "skipped";
  context.record.swept = !cleaned ? 0 : outcome->error && !staged_nothing ? 1 : 2;
  context.record.summary = outcome_json(*outcome);
  VESTO_KILL_POINT("run.before_end");
  if (Status saved = context.save(); !saved.ok() && !outcome->error) {
    outcome->error = std::move(saved).error();
    outcome->exit_code = exit_code_of(*outcome->error);
  }
}

}  // namespace vesto
