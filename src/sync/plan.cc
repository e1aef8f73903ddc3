#include "sync/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/kill_point.h"
#include "base/log.h"
#include "redshift/sql.h"
#include "schema/table_name.h"
#include "sync/position.h"

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
      // Another warehouse or schema is configured now: it must be asked itself.
      if (copy.columns != context.spec.destination_id) return std::optional<DestinationState>();
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
  copy.columns = context.spec.destination_id;
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

std::vector<std::string> key_names(const StreamSchema& schema) {
  std::vector<std::string> names;
  for (const size_t index : schema.key) names.push_back(schema.columns[index].name);
  return names;
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

// What the destination knows of the stream, if that counts for the table and key of today.
struct KnownPosition {
  std::string setup;
  std::string source_position;
};

KnownPosition known_position(const RunPlan& run_plan, const std::string& stream) {
  const auto known = run_plan.base.streams.find(stream);
  if (known == run_plan.base.streams.end()) return {};
  const auto committed = parse_committed_position(known->second.position);
  if (!committed) return {};
  return {.setup = committed->setup, .source_position = committed->source_position};
}

// Plans the stream from `known`. If the target or the key is another than the position was made
// with, the target does not hold what came before it: everything is read.
Result<StreamPlan> plan_stream(const RunPlan& run_plan, const TableSpec& spec,
                               const KnownPosition& known, PlannedTable* planned) {
  // A read of everything replaces what is there, whatever the position.
  if (planned->mode == LoadMode::kUpsert) planned->from_position = known.source_position;
  VESTO_ASSIGN(StreamPlan plan, run_plan.snapshot->plan(request_for(spec, planned->from_position)));
  planned->setup = stream_setup(spec.target, key_names(plan.schema));
  planned->known_target = same_target(known.setup, planned->setup);
  if (plan.full || planned->setup == known.setup) return plan;
  planned->from_position.clear();
  VESTO_ASSIGN(plan, run_plan.snapshot->plan(request_for(spec, "")));
  plan.notes.push_back("the target or the key was changed: everything is read once more");
  return plan;
}

// What the column is to Redshift when a person asked for its text.
void make_text(Column* column) {
  constexpr int kTextBytes = 1024;
  column->type = ColumnType{.kind = TypeKind::kVarchar, .length_bytes = kTextBytes};
  column->unbounded = true;
}

// on_unrepresentable of the configuration, on the columns that it names.
Status apply_policies(const TableSpec& spec, StreamSchema* schema) {
  for (const auto& [name, policy] : spec.on_unrepresentable) {
    const auto column =
        std::find_if(schema->columns.begin(), schema->columns.end(),
                     [&source = name](const Column& one) { return one.source_name == source; });
    if (column == schema->columns.end()) {
      return Error(ErrorCode::kPgNoColumn,
                   fmt::format("table {} has no column {} (on_unrepresentable)", spec.name, name));
    }
    column->on_unrepresentable = policy;
    if (policy == Unrepresentable::kNull) column->nullable = true;
    if (policy == Unrepresentable::kText && column->type.kind != TypeKind::kVarchar) {
      make_text(&*column);
    }
  }
  return ok_status();
}

PlannedTable plan_table(RunContext& context, const RunPlan& run_plan, size_t index) {
  const TableSpec& spec = context.spec.tables[index];
  PlannedTable planned;
  planned.table = index;
  planned.mode = spec.mode;
  // A full refresh replaces: rows that are gone in the source must go as well.
  if (context.options.full_refresh) planned.mode = LoadMode::kReplace;
  context.report.step(index, "plan");
  const KnownPosition known = known_position(run_plan, normal_table_name(spec.name));
  Result<StreamPlan> plan = plan_stream(run_plan, spec, known, &planned);
  if (!plan.ok()) {
    planned.error = std::move(plan).error();
    return planned;
  }
  planned.plan = std::move(plan).value();
  if (Status applied = apply_policies(spec, &planned.plan.schema); !applied.ok()) {
    planned.error = std::move(applied).error();
    return planned;
  }
  if (spec.mode == LoadMode::kUpsert && planned.plan.schema.key.empty()) {
    const std::string& why = planned.plan.no_key;
    planned.error =
        Error(ErrorCode::kPgNoKey, "table " + spec.name +
                                       (why.empty() ? " has no primary key, and upsert needs a key"
                                                    : ": " + why + ", and upsert needs one"));
    return planned;
  }
  context.report.estimate(index, planned.plan.estimated_rows);
  if (!context.dry) {
    for (const std::string& warning : planned.plan.warnings) context.report.warning(warning);
  }
  return planned;
}

}  // namespace

bool is_wanted(const TableSpec& table, const RunOptions& options) {
  return options.only_tables.empty() ||
         std::any_of(options.only_tables.begin(), options.only_tables.end(),
                     [&table](const std::string& name) {
                       return normal_table_name(name) == normal_table_name(table.name);
                     });
}

Result<RunPlan> make_plan(RunContext& context, RedshiftLoader& loader, bool trust_copies) {
  RunPlan run_plan;
  VESTO_ASSIGN(run_plan.base, known_state(context, loader, trust_copies));
  VESTO_ASSIGN(run_plan.source, context.services.source->identity());
  run_plan.null_marker = random_alphanumeric(kNullMarkerLength);
  VESTO_ASSIGN(run_plan.snapshot, context.services.source->open_snapshot(run_plan.null_marker));
  VESTO_KILL_POINT("plan.after_snapshot");
  for (size_t i = 0; i < context.spec.tables.size(); ++i) {
    if (!is_wanted(context.spec.tables[i], context.options)) continue;
    if (context.stop.stop_requested()) {
      return Error(ErrorCode::kRunInterrupted, "the run was stopped while it was planned");
    }
    PlannedTable planned = plan_table(context, run_plan, i);
    if (planned.error && !is_stream_error(*planned.error)) return *std::move(planned.error);
    planned.stream = ++context.streams;
    context.stream_tables.push_back(context.spec.tables[i].name);
    run_plan.tables.push_back(std::move(planned));
  }
  log_info("planned", {{"run", context.run.text},
                       {"streams", std::to_string(run_plan.tables.size())},
                       {"fence", run_plan.base.fence.text}});
  return run_plan;
}

}  // namespace vesto
