#include "sync/patterns.h"

#include <algorithm>
#include <set>
#include <utility>

#include "schema/names.h"
#include "schema/table_name.h"

namespace vesto {

namespace {

class Expander {
 public:
  Expander(const SyncSpec& spec, std::vector<TableName> tables)
      : spec_(spec), names_(std::move(tables)) {
    std::sort(names_.begin(), names_.end(), [](const TableName& a, const TableName& b) {
      return std::pair(a.schema, a.table) < std::pair(b.schema, b.table);
    });
    for (const TableSpec& table : spec.tables) {
      if (!table.pattern) taken_.insert(normal_table_name(table.name));
    }
  }

  SyncSpec expand(std::vector<std::string>* unmatched) {
    SyncSpec out = spec_;
    out.tables.clear();
    for (const TableSpec& table : spec_.tables) {
      if (!table.pattern) {
        out.tables.push_back(table);
        continue;
      }
      out.patterns.push_back(table.name);
      const size_t before = out.tables.size();
      add_matching(table, &out.tables);
      if (out.tables.size() == before && unmatched != nullptr) unmatched->push_back(table.name);
    }
    return out;
  }

 private:
  void add_matching(const TableSpec& pattern, std::vector<TableSpec>* out) {
    for (const TableName& name : names_) {
      if (!matches_table_pattern(pattern.name, name)) continue;
      const std::string text = table_name_text(name.schema, name.table);
      if (!taken_.insert(text).second) continue;
      TableSpec table = pattern;
      table.name = text;
      table.target = target_table_name(name.table);
      table.pattern = false;
      if (table.target.starts_with("_vesto_")) table.clash = "what belongs to Vesto";
      out->push_back(std::move(table));
    }
  }

  const SyncSpec& spec_;
  std::vector<TableName> names_;
  std::set<std::string> taken_;
};

}  // namespace

SyncSpec with_matching_tables(const SyncSpec& spec, const std::vector<TableName>& tables,
                              std::vector<std::string>* unmatched) {
  return Expander(spec, tables).expand(unmatched);
}

Result<SyncSpec> with_matching_tables(const SyncSpec& spec, Source& source,
                                      std::vector<std::string>* unmatched) {
  const bool any = std::any_of(spec.tables.begin(), spec.tables.end(),
                               [](const TableSpec& table) { return table.pattern; });
  if (!any) return spec;
  VESTO_ASSIGN(const std::vector<TableName> tables, source.table_names());
  return with_matching_tables(spec, tables, unmatched);
}

}  // namespace vesto
