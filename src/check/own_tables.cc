#include "check/own_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_causes.h"
#include "base/strings.h"
#include "redshift/catalog.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"

namespace vesto::check {

namespace {

std::vector<std::string> missing_columns(const CatalogTable& table,
                                         const std::vector<std::string>& wanted) {
  std::vector<std::string> missing;
  for (const std::string& column : wanted) {
    if (table.find(column) == nullptr) missing.push_back(column);
  }
  return missing;
}

std::string lacks(const TargetName& name, const std::vector<std::string>& missing) {
  return fmt::format("table {}.{} of Vesto's own lacks {}", printable(name.schema, false),
                     name.table, join(missing, ", "));
}

// A run writes its rows without the names of columns, so that their number counts: with others in
// the places of ours it goes on.
std::optional<CheckAnswer> changed_list(const Catalog& catalog, const TargetName& name,
                                        const std::string& create) {
  const CatalogTable* table = catalog.find(name.table);
  const std::vector<std::string> wanted = sql::columns_made(create);
  if (table == nullptr || table->columns.size() >= wanted.size()) return std::nullopt;
  Error error(ErrorCode::kRsSql, lacks(name, missing_columns(*table, wanted)));
  error.because(cause_named("own-table-changed"));
  error.with_hint(
      "Rename it: the next run makes it anew. It is a list for people; no data and no position "
      "hangs on it.");
  return failed(std::move(error),
                Fix{.who = "redshift_admin",
                    .kind = "sql",
                    .snippet = fmt::format("ALTER TABLE {} RENAME TO {};", sql::qualified(name),
                                           sql::ident(name.table + "_before"))});
}

// A state is read and moved by the names of its columns.
std::optional<CheckAnswer> changed_state(const Catalog& catalog, const TargetName& name) {
  const CatalogTable* table = catalog.find(name.table);
  if (table == nullptr) return std::nullopt;
  const auto missing =
      missing_columns(*table, sql::columns_made(sql::create_state_table({"s", "t"})));
  if (missing.empty()) return std::nullopt;
  Error error(ErrorCode::kRsTableDiffers, lacks(name, missing));
  error.because(cause_named("column-missing"));
  error.with_hint(
      "It keeps how far the sync has delivered: give the columns their names back, or restore the "
      "table from a snapshot. Without it the sync is a new one to its targets (adopt = true).");
  return failed(std::move(error));
}

}  // namespace

Result<std::optional<CheckAnswer>> own_tables_changed(State& state, const CheckLimits& limits,
                                                      const Loaded& loaded) {
  const std::string& schema = state.destination().schema;
  std::vector<std::string> names(loaded.state.begin(), loaded.state.end());
  names.insert(names.end(), {std::string(sql::kLoadsTable), std::string(sql::kRejectedTable)});
  VESTO_ASSIGN(const ExecResult rows, ask(state, catalog_sql(schema, names), limits));
  VESTO_ASSIGN(const Catalog catalog, parse_catalog(rows));
  for (const std::string& one : loaded.state) {
    if (auto changed = changed_state(catalog, {schema, one})) return changed;
  }
  if (auto changed = changed_list(catalog, {schema, std::string(sql::kLoadsTable)},
                                  sql::create_loads_table("s"))) {
    return changed;
  }
  return changed_list(catalog, {schema, std::string(sql::kRejectedTable)},
                      sql::create_rejected_table("s"));
}

}  // namespace vesto::check
