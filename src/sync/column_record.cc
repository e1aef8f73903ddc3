#include "sync/column_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_text.h"
#include "base/strings.h"
#include "schema/names.h"

namespace vesto {

namespace {

using nlohmann::json;

constexpr int kMaxNumber = 1600;  // of a table's columns in PostgreSQL; dropped ones count

// A list of columns with their names in the target.
class Columns {
 public:
  explicit Columns(const std::vector<RecordedColumn>& columns) : columns_(columns) {
    std::vector<std::string> names;
    for (const RecordedColumn& column : columns) names.push_back(column.name);
    targets_ = column_names(names);
  }
  [[nodiscard]] size_t size() const { return columns_.size(); }
  [[nodiscard]] const RecordedColumn& at(size_t i) const { return columns_[i]; }
  [[nodiscard]] const std::string& target(size_t i) const { return targets_[i]; }

  // The same column; without a number its name alone counts.
  [[nodiscard]] std::optional<size_t> same(const RecordedColumn& column) const {
    for (size_t i = 0; i < columns_.size(); ++i) {
      const bool is = column.number == 0 ? columns_[i].name == column.name
                                         : columns_[i].number == column.number;
      if (is) return i;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<size_t> with_target(const std::string& name) const {
    for (size_t i = 0; i < targets_.size(); ++i) {
      if (targets_[i] == name) return i;
    }
    return std::nullopt;
  }

 private:
  const std::vector<RecordedColumn>& columns_;
  std::vector<std::string> targets_;
};

void compare_one(const Columns& before, const Columns& now, size_t i, ColumnChanges* changes) {
  const RecordedColumn& column = now.at(i);
  const std::optional<size_t> same = before.same(column);
  const bool taken = before.with_target(now.target(i)).has_value();
  if (!same) {
    // A column that `ignore` may leave out is new, also where it takes the name of another one.
    const bool still_there = taken && now.same(before.at(*before.with_target(now.target(i))));
    (taken && !still_there ? changes->remade : changes->added).push_back(column.name);
    return;
  }
  const RecordedColumn& former = before.at(*same);
  if (before.target(*same) == now.target(i)) {
    if (former.type != column.type) {
      changes->retyped.push_back({column.name, former.type, column.type});
    }
  } else if (taken) {
    changes->remade.push_back(column.name);
  } else if (former.name == column.name) {
    changes->moved.push_back(column.name);
  } else {
    changes->renamed.push_back({former.name, column.name});
  }
}

}  // namespace

std::vector<RecordedColumn> record_of(const StreamSchema& schema) {
  std::vector<RecordedColumn> out;
  out.reserve(schema.columns.size());
  for (const Column& column : schema.columns) {
    out.push_back({column.source_name, column.source_number, column.source_type});
  }
  return out;
}

std::string column_record_text(const ColumnRecord& record) {
  std::vector<std::string> items;
  for (const RecordedColumn& column : record.columns) {
    items.push_back(
        fmt::format("[{},{},{}]", json_quote(column.name), column.number, json_quote(column.type)));
  }
  std::vector<std::string> former;
  for (const std::string& name : record.former) former.push_back(json_quote(name));
  return "{\"columns\":[" + join(items, ",") + "],\"former\":[" + join(former, ",") + "]}";
}

std::optional<ColumnRecord> parse_column_record(std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("columns") || !parsed["columns"].is_array() ||
      !parsed.contains("former") || !parsed["former"].is_array()) {
    return std::nullopt;
  }
  ColumnRecord out;
  for (const json& name : parsed["former"]) {
    if (!name.is_string()) return std::nullopt;
    out.former.push_back(name.get<std::string>());
  }
  for (const json& item : parsed["columns"]) {
    const bool fits = item.is_array() && item.size() == 3 && item[0].is_string() &&
                      item[1].is_number_unsigned() && item[2].is_string();
    if (!fits || item[1].get<uint64_t>() > kMaxNumber) return std::nullopt;
    out.columns.push_back(
        {item[0].get<std::string>(), item[1].get<int>(), item[2].get<std::string>()});
  }
  return out;
}

std::vector<std::string> former_columns(const ColumnRecord& before, const StreamSchema& schema) {
  std::vector<std::string> source_names;
  for (const RecordedColumn& column : before.columns) source_names.push_back(column.name);
  std::vector<std::string> out = before.former;
  for (const std::string& name : column_names(source_names)) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  }
  std::erase_if(out, [&schema](const std::string& name) {
    return std::any_of(schema.columns.begin(), schema.columns.end(),
                       [&name](const Column& column) { return column.name == name; });
  });
  return out;
}

std::vector<std::string> ColumnChanges::new_names() const {
  std::vector<std::string> names = added;
  for (const Renamed& one : renamed) names.push_back(one.to);
  return names;
}

ColumnChanges compare_columns(const ColumnRecord& before, const std::vector<RecordedColumn>& now) {
  const Columns was(before.columns);
  const Columns is(now);
  ColumnChanges changes;
  for (size_t i = 0; i < is.size(); ++i) {
    const bool is_former =
        std::find(before.former.begin(), before.former.end(), is.target(i)) != before.former.end();
    const std::optional<size_t> same = was.same(is.at(i));
    if (is_former && (!same || was.target(*same) != is.target(i))) {
      changes.remade.push_back(is.at(i).name);
    } else {
      compare_one(was, is, i, &changes);
    }
  }
  for (size_t i = 0; i < was.size(); ++i) {
    if (!is.same(was.at(i)) && !is.with_target(was.target(i))) {
      changes.gone.push_back(was.at(i).name);
    }
  }
  return changes;
}

}  // namespace vesto
