#include "sync/plan.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/kill_point.h"
#include "base/log.h"
#include "encode/redshift_csv.h"
#include "schema/table_name.h"
#include "sync/column_record.h"
#include "sync/known_state.h"
#include "sync/position.h"
#include "sync/schema_changes.h"

namespace vesto {

namespace {

std::vector<std::string> key_names(const StreamSchema& schema) {
  std::vector<std::string> names;
  for (const size_t index : schema.key) names.push_back(schema.columns[index].name);
  return names;
}

// What the destination knows of the stream, if that counts for the table and key of today.
struct KnownStream {
  std::string setup;
  std::string source_position;
  std::optional<ColumnRecord> columns;
};

KnownStream known_stream(const RunPlan& run_plan, const std::string& stream) {
  const auto known = run_plan.base.streams.find(stream);
  if (known == run_plan.base.streams.end()) return {};
  const auto committed = parse_committed_position(known->second.position);
  if (!committed) return {};
  return {.setup = committed->setup,
          .source_position = committed->source_position,
          .columns = parse_column_record(known->second.columns)};
}

// What a map by names of tables has of this one; nullptr: nothing.
template <typename Value>
const Value* of_table(const std::map<std::string, Value>& by_name, const TableSpec& table) {
  for (const auto& [name, value] : by_name) {
    if (same_table(name, table.name)) return &value;
  }
  return nullptr;
}

// RunOptions::only_keys of the table; nullptr: none.
const std::vector<std::vector<std::string>>* wanted_keys(const TableSpec& table,
                                                         const RunOptions& options) {
  return of_table(options.only_keys, table);
}

// Plans one stream: from the committed position, or anew where that does not count any more.
class StreamPlanner {
 public:
  StreamPlanner(const RunContext& context, const RunPlan& run_plan, const TableSpec& spec,
                PlannedTable* planned)
      : run_plan_(run_plan),
        sync_name_(context.spec.name),
        spec_(spec),
        known_(known_stream(run_plan, normal_table_name(spec.name))),
        planned_(*planned),
        request_(stream_request(spec)) {
    if (const auto* keys = wanted_keys(spec, context.options)) request_.keys = *keys;
    if (const auto* columns = of_table(context.options.key_columns, spec)) key_columns_ = *columns;
  }

  Result<StreamPlan> plan() {
    if (!request_.keys.empty()) return plan_keys();
    // A read of everything replaces what is there, whatever the position.
    if (planned_.mode != LoadMode::kReplace) request_.from = Position{known_.source_position};
    VESTO_ASSIGN(StreamPlan plan, ask());
    SchemaDecision decision = decide_on_names(spec_, changes(plan));
    if (decision.error) return *decision.error;
    if (!decision.leave_out.empty()) {
      VESTO_ASSIGN(plan, ask_without(decision.leave_out));
    }
    const ColumnChanges of_values = changes(plan);
    VESTO_TRY(check_cursor(plan, of_values));
    decide_on_values(spec_, of_values, &decision);
    std::vector<std::string> warnings = std::move(decision.warnings);
    const bool other_setup = setup_ != known_.setup;
    if (!plan.full && (other_setup || decision.read_all)) {
      VESTO_TRY(read_more(other_setup, &plan, &warnings));
    }
    plan.notes.insert(plan.notes.end(), decision.notes.begin(), decision.notes.end());
    // Committed with this load, so that they are told once.
    plan.commit_position |= !warnings.empty();
    for (std::string& warning : warnings) plan.warnings.push_back({.text = std::move(warning)});
    planned_.from_position = request_.from.text;
    keep_columns(plan.schema);
    return plan;
  }

 private:
  // Rows by their keys go into a target that holds the rest, and move no position.
  Result<StreamPlan> plan_keys() {
    if (known_.setup.empty()) {
      return Error(ErrorCode::kCfgValue,
                   fmt::format("{} was never delivered: run the sync first", spec_.name));
    }
    planned_.mode = LoadMode::kUpsert;
    request_.from = Position{known_.source_position};
    VESTO_ASSIGN(StreamPlan plan, ask());
    const SchemaDecision decision = decide_on_names(spec_, changes(plan));
    if (!decision.error && !decision.leave_out.empty()) {
      VESTO_ASSIGN(plan, ask_without(decision.leave_out));
    }
    std::vector<std::string> key;
    for (const size_t index : plan.schema.key) {
      key.push_back(plan.schema.columns[index].source_name);
    }
    const bool other_key = !key_columns_.empty() && key_columns_ != key;
    if (setup_ != known_.setup || other_key || changes(plan).any()) {
      return Error(ErrorCode::kPgChanged,
                   fmt::format("{} or its settings were changed since the last run: run the sync "
                               "first",
                               spec_.name));
    }
    planned_.from_position = request_.from.text;
    keep_columns(plan.schema);
    return plan;
  }

  // What the target has of rows before the window is not what it would get today.
  Status read_more(bool other_setup, StreamPlan* plan, std::vector<std::string>* warnings) {
    const bool same_table = same_target(known_.setup, setup_);
    if (planned_.mode == LoadMode::kAppend && same_table) {
      // What it holds may be all that is left of these rows: they are not read or deleted unasked.
      warnings->push_back(fmt::format(
          "table {}: append leaves rows that were delivered before as they are: vesto run {} "
          "--table {} --full-refresh replaces all of them by what the source holds",
          spec_.name, sync_name_, spec_.name));
      return ok_status();
    }
    if (other_setup) {
      warnings->push_back(fmt::format("table {}: {} was changed: all rows are read once more",
                                      spec_.name,
                                      same_table ? "the key or the selection" : "the target"));
    }
    request_.from = Position{};
    VESTO_ASSIGN(*plan, ask());
    return ok_status();
  }

  Result<StreamPlan> ask_without(const std::vector<std::string>& columns) {
    request_.exclude.insert(request_.exclude.end(), columns.begin(), columns.end());
    return ask();
  }

  Result<StreamPlan> ask() {
    VESTO_ASSIGN(StreamPlan plan, run_plan_.snapshot->plan(request_));
    setup_ = stream_setup(spec_.target, key_names(plan.schema),
                          spec_.query.empty() ? spec_.filter : spec_.query);
    planned_.setup = setup_;
    planned_.known_target = same_target(known_.setup, setup_);
    return plan;
  }

  [[nodiscard]] ColumnChanges changes(const StreamPlan& plan) const {
    // Another target gets its columns as they are.
    if (!known_.columns || !same_target(known_.setup, setup_)) return {};
    return compare_columns(*known_.columns, recorded(plan.schema));
  }

  // A column that is delivered as text by a person's wish has other values than before.
  [[nodiscard]] std::vector<RecordedColumn> recorded(const StreamSchema& schema) const {
    std::vector<RecordedColumn> columns = record_of(schema);
    for (RecordedColumn& column : columns) {
      for (const auto& [name, policy] : spec_.on_unrepresentable) {
        if (name == column.name && policy == Unrepresentable::kText) column.type += " as text";
      }
    }
    return columns;
  }

  // The target finds the rows of a window by the column that is the cursor now.
  [[nodiscard]] Status check_cursor(const StreamPlan& plan, const ColumnChanges& changes) const {
    if (planned_.mode != LoadMode::kAppend || !plan.window) return ok_status();
    const std::string& cursor = plan.schema.columns[plan.window->column].source_name;
    const auto stands_in = [&cursor](const std::vector<std::string>& names) {
      return std::find(names.begin(), names.end(), cursor) != names.end();
    };
    if (!stands_in(changes.remade) && !stands_in(changes.moved) && !stands_in(changes.added)) {
      return ok_status();
    }
    return Error(ErrorCode::kRsAppendFull,
                 fmt::format("table {}: the target has another column than before for the cursor "
                             "{}, so the rows of the window cannot be found there",
                             spec_.name, cursor));
  }

  void keep_columns(const StreamSchema& schema) {
    ColumnRecord record{.columns = recorded(schema), .former = {}};
    if (known_.columns && same_target(known_.setup, setup_)) {
      record.former = former_columns(*known_.columns, schema);
    }
    planned_.columns = column_record_text(record);
    planned_.former = std::move(record.former);
  }

  const RunPlan& run_plan_;
  const std::string& sync_name_;
  const TableSpec& spec_;
  const KnownStream known_;
  PlannedTable& planned_;
  StreamRequest request_;
  std::vector<std::string> key_columns_;  // RunOptions::key_columns
  std::string setup_;
};

// The name of another table of the sync that is delivered into the same target; "": there is none.
// One that the target is known to be of stays; else the first of the configuration.
std::string clash_of(const RunContext& context, const RunPlan& run_plan, size_t index) {
  const std::vector<TableSpec>& tables = context.spec.tables;
  const TableSpec& spec = tables[index];
  if (!spec.clash.empty()) return spec.clash;
  const std::string target = stream_setup(spec.target, {}, "");
  const auto owns = [&](const TableSpec& one) {
    return same_target(known_stream(run_plan, normal_table_name(one.name)).setup, target);
  };
  std::optional<size_t> winner;
  for (size_t i = 0; i < tables.size(); ++i) {
    if (tables[i].target != spec.target) continue;
    if (!winner || (!owns(tables[*winner]) && owns(tables[i]))) winner = i;
  }
  return !winner || *winner == index ? "" : tables[*winner].name;
}

// A table that a pattern matched and that is gone is told: its target goes on as it is.
void tell_gone_tables(RunContext& context, const RunPlan& run_plan) {
  for (const auto& [stream, known] : run_plan.base.streams) {
    const std::optional<TableName> name = parse_table_name(stream);
    const bool listed = std::any_of(
        context.spec.tables.begin(), context.spec.tables.end(),
        [&source = stream](const auto& table) { return normal_table_name(table.name) == source; });
    if (!name || listed) continue;
    for (const std::string& pattern : context.spec.patterns) {
      if (!matches_table_pattern(pattern, *name)) continue;
      context.report.warning(
          fmt::format("{} ({}) is gone in the source: its target stays as it is", stream, pattern));
      break;
    }
  }
}

PlannedTable plan_table(RunContext& context, const RunPlan& run_plan, size_t index) {
  const TableSpec& spec = context.spec.tables[index];
  PlannedTable planned;
  planned.table = index;
  planned.mode = spec.mode;
  // A full refresh replaces: rows that are gone in the source must go as well.
  if (context.options.full_refresh) planned.mode = LoadMode::kReplace;
  context.report.step(index, "plan");
  if (const std::string clash = clash_of(context, run_plan, index); !clash.empty()) {
    planned.error =
        Error(ErrorCode::kPgName, fmt::format("{} would be delivered into {}.{}, and so is {}",
                                              spec.name, context.spec.schema, spec.target, clash))
            .with_hint("Give one of them an entry of its own with target = \"...\".");
    return planned;
  }
  Result<StreamPlan> plan = StreamPlanner(context, run_plan, spec, &planned).plan();
  if (!plan.ok()) {
    planned.error = std::move(plan).error();
    return planned;
  }
  planned.plan = std::move(plan).value();
  if (Status settled = settle_table(spec, &planned); !settled.ok()) {
    planned.error = std::move(settled).error();
    return planned;
  }
  context.report.estimate(index, planned.plan.estimated_rows);
  if (!context.dry) {
    for (const ReadWarning& warning : planned.plan.warnings) {
      context.report.warning(warning_text(warning));
    }
  }
  return planned;
}

}  // namespace

std::optional<std::string> kept_position(const RunPlan& plan, const PlannedTable& planned) {
  const auto known = plan.base.streams.find(planned.plan.schema.stream);
  const bool kept = plan.copied_ms != 0 && known != plan.base.streams.end() &&
                    !known->second.position.empty() && known->second.columns == planned.columns;
  return kept ? std::optional(known->second.position) : std::nullopt;
}

int64_t data_as_of_ms(const RunPlan& plan, const PlannedTable& planned) {
  const int64_t snapshot_ms = plan.snapshot->data_as_of_ms();
  const int64_t own_ms = planned.plan.data_as_of_ms;
  return own_ms > 0 ? std::min(own_ms, snapshot_ms) : snapshot_ms;
}

StreamRequest stream_request(const TableSpec& spec) {
  StreamRequest request;
  request.table = spec.name;
  request.key = spec.key;
  request.cursor = spec.cursor;
  request.lookback_ms = spec.lookback_ms;
  request.lookback_units = spec.lookback_units;
  request.exclude = spec.exclude;
  request.filter = spec.filter;
  request.query = spec.query;
  request.append = spec.mode == LoadMode::kAppend;
  request.cursor_is_immutable = spec.cursor_is_immutable;
  return request;
}

bool is_wanted(const TableSpec& table, const RunOptions& options) {
  if (!options.only_keys.empty()) return wanted_keys(table, options) != nullptr;
  return options.only_tables.empty() ||
         std::any_of(options.only_tables.begin(), options.only_tables.end(),
                     [&table](const std::string& name) { return same_table(name, table.name); });
}

namespace {

// The command line takes a name that a pattern matches; whether there is such a table is known now.
Status check_wanted(const RunContext& context) {
  for (const std::string& name : context.options.only_tables) {
    const bool known =
        std::any_of(context.spec.tables.begin(), context.spec.tables.end(),
                    [&name](const TableSpec& table) { return same_table(table.name, name); });
    if (!known) return Error(ErrorCode::kPgNoTable, name + " does not exist in the source");
  }
  return ok_status();
}

}  // namespace

Result<RunPlan> make_plan(RunContext& context, RedshiftLoader& loader, bool trust_copies) {
  VESTO_TRY(check_wanted(context));
  RunPlan run_plan;
  VESTO_ASSIGN(run_plan.source, context.services.source->identity());
  VESTO_TRY(find_known_state(context, loader, trust_copies, &run_plan));
  run_plan.null_marker = make_null_marker();
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
  if (!context.dry) tell_gone_tables(context, run_plan);
  log_info("planned", {{"run", context.run.text},
                       {"streams", std::to_string(run_plan.tables.size())},
                       {"fence", run_plan.base.fence.text}});
  return run_plan;
}

}  // namespace vesto
