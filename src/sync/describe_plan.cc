#include "sync/describe_plan.h"

#include <algorithm>

#include "base/strings.h"
#include "sync/extract.h"
#include "sync/former_syncs.h"

namespace vesto {

namespace {

SyncPlan::Table describe_table(const SyncSpec& spec, const PlannedTable& planned) {
  SyncPlan::Table table;
  table.name = spec.tables[planned.table].name;
  table.target = spec.schema + "." + spec.tables[planned.table].target;
  table.mode = load_mode_name(planned.mode);
  table.full = planned.plan.full;
  table.from_position = planned.from_position;
  table.from_text = planned.plan.from_text;
  table.estimated_rows = planned.plan.estimated_rows;
  table.estimated_bytes = planned.plan.estimated_bytes;
  table.notes = planned.plan.notes;
  if (planned.error) table.error = at_table(*planned.error, spec.tables[planned.table]);
  return table;
}

std::string change_word(TargetChange::Kind kind) {
  switch (kind) {
    case TargetChange::Kind::kCreate:
      return "create";
    case TargetChange::Kind::kAlter:
      return "alter";
    case TargetChange::Kind::kUnchanged:
      return "unchanged";
    case TargetChange::Kind::kBlocked:
      return "blocked";
  }
  return "";
}

void add_once(const std::vector<ReadWarning>& warnings, std::vector<std::string>* out) {
  for (const ReadWarning& warning : warnings) {
    std::string text = warning_text(warning);
    if (std::find(out->begin(), out->end(), text) == out->end()) out->push_back(std::move(text));
  }
}

}  // namespace

Result<SyncPlan> describe_plan(RunContext& context, const RunPlan& plan, RedshiftLoader& loader,
                               bool with_sql) {
  SyncPlan out;
  std::vector<StreamLoad> loads;
  std::vector<size_t> of_load;  // index into out.tables
  for (const PlannedTable& planned : plan.tables) {
    if (!planned.error) {
      of_load.push_back(out.tables.size());
      loads.push_back(example_load(context, plan, planned));
      loads.back().kept_position = kept_position(plan, planned);
    }
    add_once(planned.plan.warnings, &out.warnings);
    out.tables.push_back(describe_table(context.spec, planned));
  }
  VESTO_ASSIGN(DestinationChanges changes, loader.compare(loads));
  out.makes_schema = changes.makes_schema;
  out.error = std::move(changes.blocked);
  std::vector<ForeignTarget> foreign;
  for (size_t i = 0; i < loads.size(); ++i) {
    if (changes.targets[i].error) {
      foreign.push_back({loads[i].target.table, &*changes.targets[i].error});
    }
  }
  say_former_syncs(loader, context.spec, *context.services.clock, foreign);
  std::vector<StreamLoad> good;
  for (size_t i = 0; i < loads.size(); ++i) {
    TargetChange& change = changes.targets[i];
    SyncPlan::Table& table = out.tables[of_load[i]];
    table.change = change_word(change.kind);
    table.change_text = std::move(change.text);
    if (change.error) {
      const PlannedTable& planned = plan.tables[of_load[i]];
      table.error = at_table(*std::move(change.error), context.spec.tables[planned.table]);
    } else {
      good.push_back(std::move(loads[i]));
    }
  }
  if (!with_sql) return out;
  for (const PlannedTable& planned : plan.tables) {
    if (planned.error) continue;  // the run does not read it
    for (const ReadRange& range : planned.plan.ranges) {
      out.sql.push_back("-- in the source: " + replace_all(range.sql, "\n", " "));
    }
  }
  // A run that has nothing to deliver does not even make its state tables.
  if (!loads.empty()) {
    VESTO_ASSIGN(std::vector<std::string> sql, loader.explain(good));
    out.sql.insert(out.sql.end(), sql.begin(), sql.end());
  }
  if (good.empty()) {
    out.sql.emplace_back(std::string("-- nothing would be loaded: ") +
                         (plan.tables.empty() ? "there is no table" : "every table is blocked"));
  }
  return out;
}

}  // namespace vesto
