#include "check/foreign_rows.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/error_causes.h"
#include "base/strings.h"
#include "redshift/sql.h"

namespace vesto::check {

namespace {

constexpr size_t kMaxPlacesSaid = 10;

// "a, b, ..." for a message.
std::string named(const std::vector<std::string>& tables) {
  std::vector<std::string> out;
  for (const std::string& one : tables) {
    if (out.size() == kMaxTablesNamed) {
      out.emplace_back("...");
      break;
    }
    out.push_back(printable(one, false));
  }
  return join(out, ", ");
}

}  // namespace

Result<WithRows> tables_with_rows(State& state, const CheckLimits& limits,
                                  const std::set<std::string>& asked) {
  WithRows out;
  if (asked.empty()) return out;
  const std::string& schema = state.destination().schema;
  std::vector<std::string> literals;
  for (const std::string& table : asked) literals.push_back(sql::literal(table));
  VESTO_ASSIGN(
      const ExecResult there,
      ask(state,
          fmt::format("SELECT tablename FROM pg_tables WHERE schemaname = {} AND "
                      "tablename IN ({}) AND has_table_privilege(quote_ident(schemaname) "
                      "|| '.' || quote_ident(tablename), 'SELECT') ORDER BY 1 LIMIT {}",
                      sql::literal(schema), join(literals, ", "), kMaxTablesLookedInto + 1),
          limits));
  std::vector<std::string> looks;
  std::vector<std::string> names;
  for (const auto& row : there.rows) {
    if (row.empty() || !row[0] || !asked.contains(*row[0])) continue;
    out.cut = names.size() == kMaxTablesLookedInto;
    if (out.cut) break;
    looks.push_back(fmt::format("SELECT {} FROM ({}) AS t{}", names.size(),
                                sql::select_one({schema, *row[0]}), names.size()));
    names.push_back(*row[0]);
  }
  if (looks.empty()) return out;
  VESTO_ASSIGN(const ExecResult filled, ask(state, join(looks, " UNION ALL "), limits));
  for (const auto& row : filled.rows) {
    const auto number = row.empty() ? std::nullopt : parse_int(row[0].value_or(""));
    if (!number || *number < 0 || static_cast<size_t>(*number) >= names.size()) continue;
    out.tables.push_back(names[static_cast<size_t>(*number)]);
  }
  std::sort(out.tables.begin(), out.tables.end());
  return out;
}

Result<WithRows> filled_by_others(State& state, const CheckLimits& limits, const Loaded& loaded) {
  std::set<std::string> asked;
  for (const std::string& one : loaded.tables) {
    if (!loaded.ours.contains(one) && !loaded.unsure.contains(one)) asked.insert(one);
  }
  return tables_with_rows(state, limits, asked);
}

std::vector<FormerSync> former_syncs_of(State& state, const CheckLimits& limits,
                                        const std::vector<std::string>& asked) {
  LimitedStates states(state, limits);
  auto out = former_syncs(states.get(), state_tables(*state.target.config), asked);
  for (const FormerSync& one : out) state.seen.push_back({"sync", one.name});
  return out;
}

void say_places(const Loaded& loaded, const std::vector<std::string>& tables, Error* error) {
  size_t said = 0;
  for (const std::string& table : tables) {
    const auto place = loaded.places.find(table);
    if (place == loaded.places.end()) continue;
    if (++said > kMaxPlacesSaid) return;
    error->in(place->second);
  }
}

Error filled_error(State& state, const CheckLimits& limits, const Loaded& loaded,
                   const std::vector<std::string>& tables) {
  for (const std::string& one : tables) state.seen.push_back({"table", one});
  Error error(ErrorCode::kRsTableForeign,
              fmt::format("tables of {} hold rows that no sync of the configuration delivered: {}",
                          printable(state.destination().schema, false), named(tables)));
  std::string hint = error.hint();
  if (std::any_of(tables.begin(), tables.end(),
                  [&](const std::string& one) { return loaded.by_pattern.contains(one); })) {
    hint += " A table that a pattern stands for needs an entry of its own for that.";
  }
  if (const auto former = former_syncs_of(state, limits, tables); !former.empty()) {
    hint = former_text(former) + " Otherwise: " + hint;
    error.because(cause_named("sync-of-another-name"));
  }
  error.with_hint(std::move(hint));
  say_places(loaded, tables, &error);
  return error;
}

}  // namespace vesto::check
