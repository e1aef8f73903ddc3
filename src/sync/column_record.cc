#include "sync/column_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_text.h"
#include "base/strings.h"

namespace vesto {

namespace {

using nlohmann::json;

constexpr int kMaxNumber = 1600;  // of a table's columns in PostgreSQL; dropped ones count

// "numeric(12,2)" -> "numeric", {12, 2}
struct TypeParts {
  std::string_view name;
  std::vector<int64_t> numbers;
};

TypeParts parts_of(std::string_view type) {
  TypeParts parts{type, {}};
  const size_t open = type.find('(');
  if (open == std::string_view::npos || !type.ends_with(')')) return parts;
  parts.name = type.substr(0, open);
  for (const std::string& text : split(type.substr(open + 1, type.size() - open - 2), ',')) {
    parts.numbers.push_back(parse_int(trim(text)).value_or(-1));
  }
  return parts;
}

int integer_rank(std::string_view name) {
  if (name == "smallint") return 1;
  if (name == "integer") return 2;
  return name == "bigint" ? 3 : 0;
}

const RecordedColumn* find_by_name(const std::vector<RecordedColumn>& columns,
                                   const std::string& name) {
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&name](const RecordedColumn& one) { return one.name == name; });
  return at == columns.end() ? nullptr : &*at;
}

const RecordedColumn* find_same(const std::vector<RecordedColumn>& columns,
                                const RecordedColumn& column) {
  if (column.number == 0) return find_by_name(columns, column.name);
  const auto at = std::find_if(columns.begin(), columns.end(),
                               [&column](const auto& one) { return one.number == column.number; });
  return at == columns.end() ? nullptr : &*at;
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

std::string column_record_text(const std::vector<RecordedColumn>& columns) {
  std::vector<std::string> items;
  for (const RecordedColumn& column : columns) {
    items.push_back(
        fmt::format("[{},{},{}]", json_quote(column.name), column.number, json_quote(column.type)));
  }
  return "{\"columns\":[" + join(items, ",") + "]}";
}

std::optional<std::vector<RecordedColumn>> parse_column_record(std::string_view text) {
  const json parsed = json::parse(text, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("columns") || !parsed["columns"].is_array()) {
    return std::nullopt;
  }
  std::vector<RecordedColumn> out;
  for (const json& item : parsed["columns"]) {
    const bool fits = item.is_array() && item.size() == 3 && item[0].is_string() &&
                      item[1].is_number_unsigned() && item[2].is_string();
    if (!fits || item[1].get<uint64_t>() > kMaxNumber) return std::nullopt;
    out.push_back({item[0].get<std::string>(), item[1].get<int>(), item[2].get<std::string>()});
  }
  return out;
}

std::vector<std::string> ColumnChanges::new_names() const {
  std::vector<std::string> names = added;
  for (const Renamed& one : renamed) names.push_back(one.to);
  return names;
}

ColumnChanges compare_columns(const std::vector<RecordedColumn>& before,
                              const std::vector<RecordedColumn>& now) {
  ColumnChanges changes;
  for (const RecordedColumn& column : now) {
    const RecordedColumn* same = find_same(before, column);
    const RecordedColumn* namesake = find_by_name(before, column.name);
    if (same != nullptr && same->name == column.name) {
      if (!only_widens(same->type, column.type)) {
        changes.retyped.push_back({column.name, same->type, column.type});
      }
    } else if (namesake != nullptr) {
      // Whatever it was called before, its values meet those of the former column of this name.
      changes.remade.push_back(column.name);
    } else if (same != nullptr) {
      changes.renamed.push_back({same->name, column.name});
    } else {
      changes.added.push_back(column.name);
    }
  }
  for (const RecordedColumn& column : before) {
    if (find_by_name(now, column.name) != nullptr) continue;
    const bool renamed =
        std::any_of(changes.renamed.begin(), changes.renamed.end(),
                    [&column](const auto& one) { return one.from == column.name; });
    if (!renamed) changes.gone.push_back(column.name);
  }
  return changes;
}

bool only_widens(std::string_view from, std::string_view to) {
  if (from == to) return true;
  const TypeParts a = parts_of(from);
  const TypeParts b = parts_of(to);
  if (const int rank = integer_rank(a.name); rank > 0) {
    return a.numbers.empty() && b.numbers.empty() && integer_rank(b.name) > rank;
  }
  if (a.name == "character varying") {
    if (b.name == "text") return true;
    if (b.name != a.name) return false;
    return b.numbers.empty() || (a.numbers.size() == 1 && b.numbers[0] >= a.numbers[0]);
  }
  if (a.name == "text") return to == "character varying";
  if (a.name == "numeric" && b.name == "numeric" && a.numbers.size() == 2) {
    return b.numbers.empty() ||
           (b.numbers.size() == 2 && b.numbers[0] >= a.numbers[0] && b.numbers[1] == a.numbers[1]);
  }
  return false;
}

}  // namespace vesto
