#include "sync/schema_changes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/strings.h"

namespace vesto {

namespace {

std::string list_of(const std::vector<std::string>& names) { return join(names, ", "); }

// As exclude is read: exactly, or else without regard to case.
bool stands_in(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&name](const std::string& one) {
    return to_lower_ascii(one) == to_lower_ascii(name);
  });
}

void tell_renamed(const TableSpec& spec, const ColumnChanges& changes, SchemaDecision* out) {
  for (const ColumnChanges::Renamed& one : changes.renamed) {
    if (spec.on_new_column == OnNewColumn::kIgnore) {
      out->warnings.push_back(fmt::format(
          "table {}: column {} was renamed to {}, which is left out (on_new_column = \"ignore\"): "
          "{} stays in the target and holds NULL in rows that are delivered from now on",
          spec.name, one.from, one.to, one.from));
      continue;
    }
    out->warnings.push_back(fmt::format(
        "table {}: column {} was renamed to {}: {} is a new column of the target, {} stays there "
        "and holds NULL in rows that are delivered from now on",
        spec.name, one.from, one.to, one.to, one.from));
  }
}

void tell_gone(const TableSpec& spec, const ColumnChanges& changes, SchemaDecision* out) {
  std::vector<std::string> dropped;
  for (const std::string& name : changes.gone) {
    if (!stands_in(spec.exclude, name)) dropped.push_back(name);
  }
  if (dropped.empty()) return;
  out->warnings.push_back(
      fmt::format("table {}: the source has no column {} any more: it stays in the target and "
                  "holds NULL in rows that are delivered from now on",
                  spec.name, list_of(dropped)));
}

}  // namespace

SchemaDecision decide_on_names(const TableSpec& spec, const ColumnChanges& changes) {
  SchemaDecision out;
  const std::vector<std::string> fresh = changes.new_names();
  if (!fresh.empty() && spec.on_new_column == OnNewColumn::kStop) {
    out.error = Error(
        ErrorCode::kPgNewColumn,
        fmt::format("table {} has got columns since the last load: {}", spec.name, list_of(fresh)));
    return out;
  }
  if (!fresh.empty() && spec.on_new_column == OnNewColumn::kIgnore) {
    out.leave_out = fresh;
    out.notes.push_back(fmt::format("left out (on_new_column = \"ignore\"): {}", list_of(fresh)));
  }
  if (!fresh.empty() && spec.on_new_column == OnNewColumn::kAddAndBackfill) {
    out.read_all = true;
    out.warnings.push_back(
        fmt::format("table {}: {} is new: all rows are read once more", spec.name, list_of(fresh)));
  }
  tell_renamed(spec, changes, &out);
  tell_gone(spec, changes, &out);
  return out;
}

void decide_on_values(const TableSpec& spec, const ColumnChanges& changes, SchemaDecision* out) {
  if (!changes.old_rows_differ()) return;
  out->read_all = true;
  std::vector<std::string> what;
  for (const std::string& name : changes.remade) {
    what.push_back(fmt::format("{} is another column of the same name", name));
  }
  for (const std::string& name : changes.moved) {
    what.push_back(
        fmt::format("{} has another name in the target, since a new column has its own", name));
  }
  for (const ColumnChanges::Retyped& one : changes.retyped) {
    what.push_back(fmt::format("{} was {} and is {}", one.name, one.from, one.to));
  }
  out->warnings.push_back(
      fmt::format("table {}: {}: its values may be others now{}", spec.name, join(what, "; "),
                  spec.mode == LoadMode::kAppend ? "" : ", so all rows are read once more"));
}

}  // namespace vesto
