#include "sync/run.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/kill_point.h"
#include "base/log.h"
#include "sync/clean_up.h"
#include "sync/deliver.h"
#include "sync/describe_plan.h"
#include "sync/extract.h"
#include "sync/lease_keeper.h"
#include "sync/parity.h"
#include "sync/patterns.h"
#include "sync/plan.h"
#include "sync/run_context.h"
#include "sync/run_end.h"
#include "sync/run_loader.h"

namespace vesto {

namespace {

// How often a run plans again when the fence has moved although its lease still holds (another
// machine runs a sync of the same name, or the local copy was out of date).
constexpr int kPlanAttempts = 3;

TableResult table_in(std::string_view state, const RunContext& context,
                     const PlannedTable& planned) {
  const TableSpec& spec = context.spec.tables[planned.table];
  TableResult result;
  result.name = spec.name;
  result.target = context.spec.schema + "." + spec.target;
  result.mode = load_mode_name(planned.mode);
  result.state = state;
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
    if (!error) {  // the run's own error says why
      attempt->tables.push_back(table_in("not_run", context, planned));
      continue;
    }
    context.report.step(planned.table, "failed");
    TableResult result = table_in("failed", context, planned);
    result.error = at_table(*std::move(error), context.spec.tables[planned.table]);
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
  if (!context.options.parity) attempt.copied_ms = plan->copied_ms;
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
    if (again->state == "unchanged" || again->state == "not_run") again->state = "succeeded";
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

Status prepare_context(RunContext* context) {
  VESTO_ASSIGN(context->installation, context->services.store->installation());
  VESTO_ASSIGN(std::vector<RunRecord> unswept,
               context->services.store->unswept_runs(context->spec.name));
  // The lease is ours, so every other run of this sync that has not been cleaned up is dead.
  std::erase_if(unswept, [&](const RunRecord& run) { return run.id == context->run; });
  context->dead_runs = std::move(unswept);
  return context->save();
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
