#include "check/source_tables.h"

#include <fmt/format.h>

#include <map>
#include <utility>

#include "sync/assemble.h"
#include "sync/patterns.h"
#include "sync/plan.h"
#include "sync/run_context.h"

namespace vesto::check {

namespace {

// What several syncs name is planned once for each of them: settings differ.
std::vector<SyncSpec> specs_of(const Config& config, const SourceConfig& from) {
  std::vector<SyncSpec> specs;
  for (const SyncConfig& sync : config.syncs) {
    if (sync.source != from.name) continue;
    SyncSpec spec;
    spec.name = sync.name;
    spec.tables = table_specs(sync);
    specs.push_back(std::move(spec));
  }
  return specs;
}

Error clash_error(const TableSpec& table, const std::string& other) {
  return Error(ErrorCode::kPgName, fmt::format("{} would be delivered into {}, and so is {}",
                                               table.name, table.target, other))
      .with_hint("Give one of them an entry of its own with target = \"...\".");
}

LookedAt look_at(const TableSpec& spec, SourceSnapshot& snapshot) {
  LookedAt look;
  look.table = spec.name;
  PlannedTable planned;
  planned.mode = spec.mode;
  Result<StreamPlan> plan = snapshot.plan(stream_request(spec));
  if (!plan.ok()) {
    look.error = std::move(plan).error();
    return look;
  }
  planned.plan = std::move(plan).value();
  look.warnings = planned.plan.warnings;
  look.key_proven = planned.plan.key_proven;
  look.has_key = !planned.plan.schema.key.empty();
  if (Status settled = settle_table(spec, &planned); !settled.ok()) {
    look.error = std::move(settled).error();
  }
  return look;
}

class Looker {
 public:
  Looker(SourceSnapshot& snapshot, std::stop_token limit)
      : snapshot_(snapshot), limit_(std::move(limit)) {}

  void look_at_sync(const SyncSpec& spec) {
    std::map<std::string, std::string> targets;  // target -> the table that has it
    for (const TableSpec& table : spec.tables) {
      if (out_.error || limit_.stop_requested()) {
        ++out_.left_out;
        continue;
      }
      const auto [owner, first] = targets.emplace(table.target, table.name);
      LookedAt look;
      if (!table.clash.empty() || !first) {
        look.table = table.name;
        look.error = clash_error(table, table.clash.empty() ? owner->second : table.clash);
      } else {
        look = look_at(table, snapshot_);
      }
      if (look.error && !is_stream_error(*look.error)) {
        if (!limit_.stop_requested()) out_.error = std::move(look.error);
        ++out_.left_out;
        continue;
      }
      look.sync = spec.name;
      out_.tables.push_back(std::move(look));
    }
  }

  SourceTables& out() { return out_; }

 private:
  SourceSnapshot& snapshot_;
  const std::stop_token limit_;
  SourceTables out_;
};

}  // namespace

SourceTables look_at_source_tables(const Config& config, const SourceConfig& from, Source& source,
                                   SourceSnapshot& snapshot, const std::stop_token& limit) {
  Looker looker(snapshot, limit);
  for (const SyncSpec& spec : specs_of(config, from)) {
    ++looker.out().syncs;
    auto matched = with_matching_tables(spec, source, &looker.out().unmatched);
    if (!matched.ok()) {
      looker.out().left_out += spec.tables.size();
      if (!looker.out().error) looker.out().error = std::move(matched).error();
      continue;
    }
    looker.look_at_sync(*matched);
  }
  return std::move(looker.out());
}

}  // namespace vesto::check
