#include "sync/run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <csignal>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "redshift/find_row.h"
#include "sync/clean_up.h"
#include "sync/deliver.h"
#include "sync/describe_plan.h"
#include "sync/extract.h"
#include "sync/lease_keeper.h"
#include "sync/parity.h"
#include "sync/patterns.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto {

namespace {

// How often a run plans again when the fence has moved although its lease still holds (another
// machine runs a sync of the same name, or the local copy was out of date).
constexpr int kPlanAttempts = 3;

LoadTarget load_target(const RunContext& context, const SourceIdentity& source,
                       const std::string& region) {
  const SyncSpec& spec = context.spec;
  LoadTarget target;
  target.schema = spec.schema;
  target.create_schema = spec.create_schema;
  target.sync = context.sync;
  target.sync_name = spec.name;
  target.source_id = source.id;
  target.installation = context.installation;
  target.bucket = spec.bucket;
  target.region = region;
  target.copy_access = context.services.copy_access;
  return target;
}

LoadContext load_context(RunContext& context, LeaseKeeper* lease) {
  LoadContext load;
  load.connect = context.connect;
  load.patience = context.patience.get();
  load.clock = context.services.clock;
  load.stop = context.stop.get_token();
  for (const RunRecord& dead : context.dead_runs) {
    for (RecordedSession& session : read_sessions(dead.warehouse_since)) {
      load.dead_sessions.push_back(std::move(session));
    }
  }
  load.still_ours = [lease]() -> Result<bool> {
    if (lease == nullptr) return true;
    return lease->still_ours();
  };
  load.record_session = [&context](const std::vector<RecordedSession>& sessions, const LoadId& id) {
    context.record.warehouse_pid = sessions.back().pid;
    context.record.warehouse_since = write_sessions(sessions);
    if (!id.text.empty()) context.record.load_id = id;
    return context.save();
  };
  load.fetch_part = [&context](const std::string& key) {
    return context.services.make_s3()->get_object(key, kMaxStagedObjectBytes,
                                                  context.stop.get_token());
  };
  load.warn = [&context](const std::string& text) { context.report.warning(text); };
  load.keep_sql = [&context](const std::string& sql) {
    // What people look up later; a run does not fail for it.
    if (Status kept = context.services.store->add_sql(context.run, sql); !kept.ok()) {
      log_warn("statement not kept", {{"error", kept.error().to_string()}});
    }
  };
  return load;
}

struct Attempt {
  bool plan_again = false;
  std::optional<Error> error;
  std::vector<TableResult> tables;
  int64_t data_as_of_ms = 0;
  int64_t staged_at_ms = 0;
  int64_t staged_cpu_ms = 0;
  std::vector<ParityResult> parity;
};

TableResult failed_table(const RunContext& context, const PlannedTable& planned, Error error) {
  const TableSpec& spec = context.spec.tables[planned.table];
  TableResult result;
  result.name = spec.name;
  result.target = context.spec.schema + "." + spec.target;
  result.mode = load_mode_name(planned.mode);
  result.state = "failed";
  result.error = at_table(std::move(error), spec);
  return result;
}

// Brings what the steps said of each table into the order of the configuration.
void collect_tables(RunContext& context, const RunPlan& plan, ExtractResult* extracted,
                    DeliveryResult* delivered, Attempt* attempt) {
  for (size_t i = 0; i < plan.tables.size(); ++i) {
    const PlannedTable& planned = plan.tables[i];
    if (const auto done = delivered->tables.find(i); done != delivered->tables.end()) {
      attempt->tables.push_back(std::move(done->second));
      continue;
    }
    std::optional<Error> error = planned.error;
    if (const auto bad = extracted->failed.find(i); bad != extracted->failed.end()) {
      error = std::move(bad->second);
    }
    if (!error) continue;  // not reached: the run's own error says why
    context.report.step(planned.table, "failed");
    TableResult result = failed_table(context, planned, *std::move(error));
    context.report.finished(result);
    attempt->tables.push_back(std::move(result));
  }
}

// User and system time of all threads of this process since it began.
int64_t process_cpu_ms() {
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto ms = [](const timeval& time) { return time.tv_sec * 1000 + time.tv_usec / 1000; };
  return ms(usage.ru_utime) + ms(usage.ru_stime);
}

Attempt run_once(RunContext& context, LeaseKeeper& lease, const std::string& region,
                 bool trust_copies) {
  Attempt attempt;
  const auto failed = [&attempt](Error error) {
    attempt.error = std::move(error);
    return std::move(attempt);
  };
  context.record.step = "plan";
  if (Status saved = context.save(); !saved.ok()) return failed(std::move(saved).error());
  Result<SourceIdentity> source = context.services.source->identity();
  if (!source.ok()) return failed(std::move(source).error().in(context.spec.source_where));
  RedshiftLoader loader(load_target(context, *source, region), load_context(context, &lease));
  // A comparison holds the source's snapshot until the warehouse has been read, so the warehouse
  // comes first. Otherwise the snapshot ends with the staging, whatever the warehouse does.
  if (context.options.parity) {
    if (Status there = loader.reach(); !there.ok()) return failed(std::move(there).error());
  }
  Result<RunPlan> plan = make_plan(context, loader, trust_copies);
  if (!plan.ok()) return failed(std::move(plan).error());
  attempt.data_as_of_ms = plan->snapshot->data_as_of_ms();
  for (const PlannedTable& planned : plan->tables) {
    attempt.data_as_of_ms = std::min(attempt.data_as_of_ms, data_as_of_ms(*plan, planned));
  }

  context.record.step = "extract";
  if (Status saved = context.save(); !saved.ok()) return failed(std::move(saved).error());
  Deliverer deliverer(context, loader, lease, *plan);
  ExtractResult extracted = extract(context, *plan, lease, deliverer);
  attempt.staged_at_ms = context.now_ms();
  attempt.staged_cpu_ms = process_cpu_ms();
  // Lets the source vacuum again while we load; a comparison reads the same moment once more.
  if (!extracted.error && !context.options.parity) plan->snapshot.reset();
  DeliveryResult delivered = deliverer.finish(!extracted.error.has_value());
  collect_tables(context, *plan, &extracted, &delivered, &attempt);
  // Whichever failed first stopped the other, which then says that it was interrupted.
  const bool follows =
      delivered.error && extracted.error && delivered.error->code() == ErrorCode::kRunInterrupted;
  if (delivered.error && !follows) return failed(*std::move(delivered.error));
  if (extracted.error) return failed(*std::move(extracted.error));
  attempt.plan_again = delivered.fenced;
  if (context.options.parity && !delivered.fenced) {
    attempt.parity = compare_run(context, *plan, attempt.tables);
    if (context.stop.stop_requested()) {
      return failed(Error(ErrorCode::kRunInterrupted, "the comparison was interrupted"));
    }
  }
  return attempt;
}

// What an attempt had committed before its fence moved stays committed, and is told.
std::vector<TableResult> committed_tables(Attempt attempt) {
  std::erase_if(attempt.tables,
                [](const TableResult& table) { return table.state != "succeeded"; });
  return std::move(attempt.tables);
}

void add_earlier(std::vector<TableResult> earlier, std::vector<TableResult>* tables) {
  for (TableResult& before : earlier) {
    const auto again = std::find_if(tables->begin(), tables->end(), [&](const TableResult& table) {
      return table.name == before.name;
    });
    if (again == tables->end()) {
      tables->push_back(std::move(before));
      continue;
    }
    again->rows.add(before.rows);
    again->bytes_read += before.bytes_read;
    again->bytes_staged += before.bytes_staged;
    again->duration_ms += before.duration_ms;
    if (again->state == "unchanged") again->state = "succeeded";
  }
}

Attempt run_attempts(RunContext& context, LeaseKeeper& lease, const std::string& region) {
  // After a run that did not end in order, what was committed is asked of the destination.
  bool trust_copies = std::none_of(context.dead_runs.begin(), context.dead_runs.end(),
                                   [](const RunRecord& run) { return run.ended_ms == 0; });
  Attempt attempt;
  for (int i = 0; i < kPlanAttempts; ++i) {
    std::vector<TableResult> earlier = committed_tables(std::move(attempt));
    attempt = run_once(context, lease, region, trust_copies);
    add_earlier(std::move(earlier), &attempt.tables);
    if (!attempt.plan_again) return attempt;
    log_info("the fence has moved", {{"run", context.run.text}});
    const Result<bool> ours = lease.still_ours();
    if (ours.ok() && !*ours) {
      attempt.error =
          Error(ErrorCode::kRunLeaseLost, "another run took sync " + context.spec.name + " over");
      return attempt;
    }
    trust_copies = false;
    context.report.reset();
  }
  attempt.error =
      Error(ErrorCode::kRunFenced, "the position of sync " + context.spec.name + " was moved " +
                                       std::to_string(kPlanAttempts) +
                                       " times by another writer while this run worked");
  return attempt;
}

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
  } else {
    outcome->state = "succeeded";
  }
}

Status prepare_context(RunContext* context) {
  VESTO_ASSIGN(context->installation, context->services.store->installation());
  VESTO_ASSIGN(std::vector<RunRecord> unswept,
               context->services.store->unswept_runs(context->spec.name));
  // The lease is ours, so every other run of this sync that has not been cleaned up is dead.
  std::erase_if(unswept, [&](const RunRecord& run) { return run.id == context->run; });
  context->dead_runs = std::move(unswept);
  return context->save();
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

// `dry`: a plan only, which leaves no trace in the store.
RunContext make_context(const SyncSpec& spec, const RunOptions& options,
                        const RunServices& services, Report& report, bool dry) {
  return {.spec = spec,
          .options = options,
          .services = services,
          .report = report,
          .dry = dry,
          .run = make_run_id(services.clock->wall_ms()),
          .sync = sync_id(spec.name),
          .installation = {},
          .record = {},
          .dead_runs = {},
          .streams = 0,
          .stream_tables = {},
          .stop = {}};
}

// What stands in place of a summary as long as there is none.
std::string waiting_json(const WarehouseWaiting& wait) {
  return fmt::format(R"({{"waiting":{{"reason":{},"since":{},"limit_ms":{}}}}})",
                     json_quote(wait.reason), json_quote(format_utc(wait.since_ms)), wait.limit_ms);
}

// From here on the run waits for its warehouse, `limit_ms` at most each time. Who asks for the
// run's state meanwhile reads that it waits, for what and since when.
void be_patient(RunContext* context, int64_t limit_ms) {
  WarehouseWaitOptions options{.care = context->services.warehouse,
                               .clock = context->services.clock,
                               .stop = context->stop.get_token()};
  options.care.wait_ms = limit_ms;
  if (!context->dry) {
    options.tell = [context,
                    step = std::string()](const std::optional<WarehouseWaiting>& wait) mutable {
      if (context->record.step != kWaitingStep) step = context->record.step;
      context->record.step = wait ? kWaitingStep : step;
      context->record.summary = wait ? waiting_json(*wait) : "";
      // Nobody's data hangs on it: the next write fails if this one does.
      if (Status saved = context->save(); !saved.ok()) {
        log_warn("the wait is not kept", {{"error", saved.error().to_string()}});
      }
      context->report.waiting(wait);
    };
  }
  context->patience = std::make_shared<WarehouseWait>(std::move(options));
  context->connect = context->patience->connector(context->services.connect_redshift);
}

std::string no_match(const std::string& pattern) {
  return "no table of the source matches " + pattern;
}

// The bucket's region, and a warning where another one is configured.
Result<std::string> bucket_region(const RunContext& context, const SyncSpec& spec,
                                  std::vector<std::string>* warnings) {
  Result<std::string> region = context.services.make_s3()->region(context.stop.get_token());
  if (!region.ok()) return std::move(region).error().in(spec.staging_where);
  if (!spec.region.empty() && spec.region != *region) {
    warnings->push_back("staging.region is \"" + spec.region + "\", but S3 says that the bucket " +
                        spec.bucket + " is in \"" + *region + "\": that is used. Set it.");
  }
  return region;
}

void warn_of_unmatched(const std::vector<std::string>& patterns, Report* report) {
  for (const std::string& pattern : patterns) report->warning(no_match(pattern));
}

}  // namespace

RunOutcome run_sync(const SyncSpec& given, const RunOptions& options, const RunServices& services) {
  std::vector<std::string> unmatched;
  Result<SyncSpec> matched = with_matching_tables(given, *services.source, &unmatched);
  const SyncSpec& spec = matched.ok() ? *matched : given;
  Report report(spec, options.observer, *services.clock);
  RunContext context = make_context(spec, options, services, report, false);
  RunOutcome outcome;
  outcome.id = context.run;
  outcome.sync = spec.name;
  outcome.started_ms = context.now_ms();
  context.record.id = context.run;
  context.record.sync = spec.name;
  context.record.state = "running";
  context.record.step = "plan";
  context.record.started_ms = outcome.started_ms;
  const std::stop_callback forward(options.stop, [&context] { context.stop.request_stop(); });
  be_patient(&context, services.warehouse.wait_ms);

  auto lease =
      LeaseKeeper::take(*services.store, *services.clock, spec.name, context.run, context.stop);
  if (!lease.ok()) {
    outcome.error = std::move(lease).error();
    outcome.state = "skipped";
    outcome.reason = "another run is active";
    outcome.exit_code = exit_code_of(*outcome.error);
    // Without a lease the store itself may be out of order: then there is no record of it either.
    if (outcome.error->code() == ErrorCode::kRunBusy) finish(context, &outcome, true);
    return outcome;
  }
  report.started(context.run, spec);
  warn_of_unmatched(unmatched, &report);
  Attempt attempt;
  bool cleaned = false;
  if (Status ready = prepare_context(&context); !ready.ok()) {
    attempt.error = std::move(ready).error();
  } else if (!matched.ok()) {
    attempt.error = std::move(matched).error().in(spec.source_where);
    cleaned = clean_up(context, **lease);
  } else {
    VESTO_KILL_POINT("run.after_lease");
    std::vector<std::string> warnings;
    Result<std::string> region = bucket_region(context, spec, &warnings);
    for (const std::string& warning : warnings) report.warning(warning);
    if (region.ok()) {
      attempt = run_attempts(context, **lease, *region);
    } else {
      attempt.error = std::move(region).error();
    }
    context.record.step = "clean_up";
    if (Status saved = context.save(); !saved.ok() && !attempt.error) {
      attempt.error = std::move(saved).error();
    }
    cleaned = clean_up(context, **lease);
  }
  judge(context, lease->get(), std::move(attempt), &outcome);
  finish(context, &outcome, cleaned);
  return outcome;
}

Result<SyncPlan> plan_sync(const SyncSpec& given, const RunOptions& options,
                           const RunServices& services, bool with_sql) {
  std::vector<std::string> unmatched;
  auto matched = with_matching_tables(given, *services.source, &unmatched);
  if (!matched.ok()) return std::move(matched).error().in(given.source_where);
  const SyncSpec& spec = *matched;
  Report report(spec, nullptr, *services.clock);
  RunContext context = make_context(spec, options, services, report, true);
  const std::stop_callback forward(options.stop, [&context] { context.stop.request_stop(); });
  be_patient(&context, 0);
  VESTO_ASSIGN(context.installation, services.store->installation());
  auto source = services.source->identity();
  if (!source.ok()) return std::move(source).error().in(spec.source_where);
  std::vector<std::string> warnings;
  VESTO_ASSIGN(const std::string region, bucket_region(context, spec, &warnings));
  LoadContext loading = load_context(context, nullptr);
  // A plan leaves no trace in the store.
  loading.record_session = nullptr;
  loading.keep_sql = [](const std::string&) {};
  RedshiftLoader loader(load_target(context, *source, region), std::move(loading));
  VESTO_ASSIGN(const RunPlan plan, make_plan(context, loader, false));
  VESTO_ASSIGN(SyncPlan described, describe_plan(context, plan, loader, with_sql));
  for (const std::string& pattern : unmatched) warnings.push_back(no_match(pattern));
  for (std::string& warning : warnings) described.warnings.push_back(std::move(warning));
  return described;
}

}  // namespace vesto
