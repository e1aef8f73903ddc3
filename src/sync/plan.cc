#include "sync/plan.h"

#include <algorithm>

#include "base/kill_point.h"
#include "base/log.h"
#include "redshift/sql.h"

namespace vesto {

namespace {

constexpr int64_t kCopiesLastMs = 24LL * 3600 * 1000;
constexpr size_t kNullMarkerLength = 16;

// The state as the local store remembers it; nothing if it does not, or not freshly enough.
Result<std::optional<DestinationState>> remembered_state(RunContext& context) {
  VESTO_ASSIGN(const std::vector<StreamCopy> copies,
               context.services.store->copies(context.spec.name));
  DestinationState state;
  bool has_header = false;
  for (const StreamCopy& copy : copies) {
    if (context.now_ms() - copy.seen_ms > kCopiesLastMs) return std::optional<DestinationState>();
    if (copy.stream == sql::kHeaderStream) {
      state.fence = copy.load_id;
      has_header = true;
    } else {
      state.streams[copy.stream] = {.position = copy.position, .load_id = copy.load_id};
    }
  }
  if (!has_header) return std::optional<DestinationState>();
  return std::optional<DestinationState>(std::move(state));
}

// Keeps what the destination said, so that the next run need not ask.
Status remember_state(RunContext& context, const DestinationState& state) {
  VESTO_TRY(context.services.store->drop_copies(context.spec.name));
  std::vector<StreamCopy> copies;
  StreamCopy copy;
  copy.sync = context.spec.name;
  copy.stream = sql::kHeaderStream;
  copy.load_id = state.fence;
  copy.seen_ms = context.now_ms();
  copies.push_back(copy);
  for (const auto& [stream, known] : state.streams) {
    copy.stream = stream;
    copy.load_id = known.load_id;
    copy.position = known.position;
    copies.push_back(copy);
  }
  return context.services.store->put_copies(copies);
}

Result<DestinationState> known_state(RunContext& context, RedshiftLoader& loader,
                                     bool trust_copies) {
  if (trust_copies) {
    VESTO_ASSIGN(auto remembered, remembered_state(context));
    if (remembered) return *std::move(remembered);
  }
  VESTO_ASSIGN(auto read, loader.read_state());
  if (read) {
    if (!context.dry) VESTO_TRY(remember_state(context, *read));
    return *std::move(read);
  }
  // Nothing there yet: open_state() will make the header row with this load id.
  DestinationState empty;
  empty.fence = LoadId{"0"};
  return empty;
}

StreamRequest request_for(const TableSpec& table, std::string from) {
  StreamRequest request;
  request.table = table.name;
  request.key = table.key;
  request.cursor = table.cursor;
  request.lookback_ms = table.lookback_ms;
  request.lookback_units = table.lookback_units;
  request.exclude = table.exclude;
  request.from = Position{std::move(from)};
  return request;
}

PlannedTable plan_table(RunContext& context, const RunPlan& run_plan, size_t index) {
  const TableSpec& spec = context.spec.tables[index];
  PlannedTable planned;
  planned.table = index;
  planned.mode = spec.mode;
  // A full refresh replaces: rows that are gone in the source must go as well.
  if (context.options.full_refresh) planned.mode = LoadMode::kReplace;
  if (planned.mode == LoadMode::kUpsert) {
    if (const auto known = run_plan.base.streams.find(spec.name);
        known != run_plan.base.streams.end()) {
      planned.from_position = known->second.position;
    }
  }
  context.report.step(index, "plan");
  Result<StreamPlan> plan = run_plan.snapshot->plan(request_for(spec, planned.from_position));
  if (!plan.ok()) {
    planned.error = std::move(plan).error();
    return planned;
  }
  planned.plan = std::move(plan).value();
  if (planned.mode == LoadMode::kUpsert && planned.plan.schema.key.empty()) {
    planned.error = Error(ErrorCode::kPgNoKey,
                          "table " + spec.name + " has no primary key, and upsert needs a key");
    return planned;
  }
  context.report.estimate(index, planned.plan.estimated_rows);
  return planned;
}

}  // namespace

bool is_wanted(const TableSpec& table, const RunOptions& options) {
  return options.only_tables.empty() ||
         std::find(options.only_tables.begin(), options.only_tables.end(), table.name) !=
             options.only_tables.end();
}

Result<RunPlan> make_plan(RunContext& context, RedshiftLoader& loader, bool trust_copies) {
  RunPlan run_plan;
  VESTO_ASSIGN(run_plan.base, known_state(context, loader, trust_copies));
  VESTO_ASSIGN(run_plan.source, context.services.source->identity());
  run_plan.null_marker = random_alphanumeric(kNullMarkerLength);
  VESTO_ASSIGN(run_plan.snapshot, context.services.source->open_snapshot(run_plan.null_marker));
  VESTO_KILL_POINT("plan.after_snapshot");
  int stream = 0;
  for (size_t i = 0; i < context.spec.tables.size(); ++i) {
    if (!is_wanted(context.spec.tables[i], context.options)) continue;
    if (context.stop.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, "the run was stopped while it was planned");
    }
    PlannedTable planned = plan_table(context, run_plan, i);
    if (planned.error && !is_stream_error(*planned.error)) return *std::move(planned.error);
    planned.stream = ++stream;
    run_plan.tables.push_back(std::move(planned));
  }
  log_info("planned", {{"run", context.run.text},
                       {"streams", std::to_string(run_plan.tables.size())},
                       {"fence", run_plan.base.fence.text}});
  return run_plan;
}

}  // namespace vesto
