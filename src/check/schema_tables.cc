#include "check/schema_tables.h"

#include <fmt/format.h>

#include "base/strings.h"
#include "redshift/sql.h"
#include "redshift/table_plan.h"

namespace vesto::check {

Result<Found<Foreign>> tables_with(State& state, const CheckLimits& limits, std::string_view whose,
                                   const std::set<std::string>& keep_positions,
                                   const std::string& condition) {
  const std::vector<std::string> rights = {"SELECT", "INSERT", "DELETE", "UPDATE"};
  std::string columns;
  for (const std::string& right : rights) {
    columns += fmt::format(
        ", has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename), '{}')",
        right);
  }
  // A superuser owns everything.
  VESTO_ASSIGN(const ExecResult found,
               ask(state,
                   fmt::format("SELECT tablename, tableowner{} FROM pg_tables WHERE schemaname = "
                               "{} AND tableowner {} current_user AND NOT EXISTS (SELECT 1 FROM "
                               "pg_user WHERE usename = current_user AND usesuper){} ORDER BY 1 "
                               "LIMIT {}",
                               columns, sql::literal(state.destination().schema), whose, condition,
                               kMaxTablesSeen + 1),
                   limits));
  Found<Foreign> out{.all = {}, .cut = found.rows.size() > kMaxTablesSeen};
  for (const auto& row : found.rows) {
    if (row.size() != 2 + rights.size() || !row[0]) continue;
    Foreign one{.table = *row[0], .owner = row[1].value_or("?"), .missing = {}};
    state.seen.insert(state.seen.end(), {{"table", one.table}, {"owner", one.owner}});
    for (size_t i = 0; i < rights.size(); ++i) {
      const bool needed = rights[i] != "UPDATE" || keep_positions.contains(one.table);
      if (row[2 + i] == "t") continue;
      if (needed) one.missing.push_back(rights[i]);
      if (rights[i] == "UPDATE") one.may_update = false;
    }
    out.all.push_back(std::move(one));
  }
  return out;
}

Result<Found<std::string>> no_tables(State& state, const CheckLimits& limits,
                                     const std::string& condition) {
  VESTO_ASSIGN(
      const ExecResult found,
      ask(state,
          fmt::format("SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = "
                      "c.relnamespace WHERE n.nspname = {} AND c.relkind NOT IN ('r', "
                      "'i', 'S', 't', 'c'){} ORDER BY 1 LIMIT {}",
                      sql::literal(state.destination().schema), condition, kMaxTablesSeen + 1),
          limits));
  Found<std::string> out{.all = {}, .cut = found.rows.size() > kMaxTablesSeen};
  for (const auto& row : found.rows) {
    if (!row.empty() && row[0]) out.all.push_back(*row[0]);
  }
  return out;
}

Error no_table_error(const State& state, const std::vector<std::string>& names) {
  const Error first = no_table({state.destination().schema, printable(names.front(), false)});
  if (names.size() == 1) return first;
  std::vector<std::string> others;
  for (size_t i = 1; i < names.size() && i < kMaxTablesNamed; ++i) {
    others.push_back(printable(names[i], false));
  }
  if (names.size() > kMaxTablesNamed) others.emplace_back("...");
  return Error(first.code(), fmt::format("{}; likewise {} more: {}", first.message(),
                                         names.size() - 1, join(others, ", ")))
      .with_hint(first.hint());
}

std::string in_list(std::string_view column, const std::set<std::string>& tables) {
  std::vector<std::string> literals;
  for (const std::string& table : tables) literals.push_back(sql::literal(table));
  return fmt::format(" AND {} IN ({})", column, join(literals, ", "));
}

}  // namespace vesto::check
