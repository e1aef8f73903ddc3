// redshift.owner: the tables that syncs load, and what the user that really logs in may do there.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_causes.h"
#include "base/strings.h"
#include "check/destination_state.h"
#include "check/loaded_tables.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"
#include "redshift/table_plan.h"

namespace vesto::check {

namespace {

constexpr size_t kMaxTablesSeen = 5'000;  // of other users, in the schema
// That one fix names: redacting and showing it is work for each. The next test names the next ones.
constexpr size_t kMaxTablesFixed = 1'000;
constexpr size_t kMaxTablesLookedInto = 200;  // for rows, in one statement

// A table of somebody else in the destination's schema.
struct Foreign {
  std::string table;
  std::string owner;
  std::vector<std::string> missing;  // of what a run needs there
  bool may_update = true;            // which a merge needs where the table has columns of others
};

template <typename One>
struct Found {
  std::vector<One> all;
  bool cut = false;  // there are more
};

// `whose`: "<>" of others, "=" of the login. `condition`: SQL that narrows them, or "".
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

// Views and what else no rows can be loaded into; their owner does not matter.
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

// As a run says it, of the first of them.
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

std::string named(const std::vector<const Foreign*>& tables) {
  std::vector<std::string> out;
  for (const Foreign* one : tables) {
    if (out.size() == kMaxTablesNamed) {
      out.emplace_back("...");
      break;
    }
    std::string text = printable(one->table, false) + " (" + printable(one->owner, false);
    if (!one->missing.empty()) text += "; no " + join(one->missing, ", ");
    if (one->missing.empty() && !one->may_update) text += "; no UPDATE";
    out.push_back(text + ")");
  }
  return join(out, ", ");
}

// Another destination of this configuration that logs in as `owner` and keeps its tables here; or
// "".
std::string destination_of(const State& state, const std::string& owner) {
  const DestinationConfig& own = state.destination();
  for (const DestinationConfig& one : state.target.config->destinations) {
    if (one.name == own.name || one.schema != own.schema || one.host != own.host ||
        one.port != own.port || one.database != own.database) {
      continue;
    }
    const bool by_name =
        one.auth.method == "password" && one.auth.user.kind == ValueRef::Kind::kText;
    if (owner == (by_name ? one.auth.user.name : login_user(one, one.auth.role_arn))) {
      return one.name;
    }
  }
  return "";
}

// The destination that Vesto's own table of this name and owner serves and this one would rob; "".
std::string robbed(const State& state, std::string_view table, const std::string& owner) {
  const bool shared =
      table == sql::kLoadsTable || table == sql::kRejectedTable || table == sql::kStatusView;
  return shared ? destination_of(state, owner) : "";
}

// What another destination would lose is for a person to decide: a comment, which no name ends.
std::string owner_line(const State& state, const std::string& table, const std::string& owner) {
  std::string line = grant_sql(state.destination(), "owner", state.user, {table});
  if (robbed(state, table, owner).empty()) return line;
  return "-- " + printable(line, false);
}

// Of the view for people, which its owner can read no more once the tables below it are another's.
// It is no matter of a run: where nobody can tell, nothing is said.
std::optional<std::string> other_owner_of_view(State& state, const CheckLimits& limits) {
  const auto found =
      ask(state,
          fmt::format("SELECT viewowner FROM pg_views WHERE schemaname = {} AND "
                      "viewname = {} AND viewowner <> current_user",
                      sql::literal(state.destination().schema), sql::literal(sql::kStatusView)),
          limits);
  if (!found.ok() || found->rows.empty() || found->rows[0].empty()) return std::nullopt;
  return found->rows[0][0];
}

// Only what was asked for is pasted: a server may answer anything. Nothing where Vesto has filled
// none of these tables, or where that cannot be read yet: they are somebody's.
std::optional<Fix> owner_fix(State& state, const CheckLimits& limits, const Loaded& loaded,
                             const std::vector<const Foreign*>& tables) {
  if (printable(state.user, false) != state.user) {
    return Fix{.who = "redshift_admin", .kind = "sql", .snippet = ""};
  }
  std::vector<std::string> lines;
  size_t left = 0;
  for (const Foreign* one : tables) {
    if (!loaded.ours.contains(one->table)) continue;
    if (lines.size() == kMaxTablesFixed) {
      ++left;
      continue;
    }
    lines.push_back(owner_line(state, one->table, one->owner));
  }
  if (lines.empty()) return std::nullopt;
  if (const auto owner = other_owner_of_view(state, limits)) {
    lines.push_back(owner_line(state, std::string(sql::kStatusView), *owner));
  }
  if (left > 0) {
    lines.push_back(fmt::format("-- {} more tables: run the test again for their lines.", left));
  }
  return Fix{.who = "redshift_admin", .kind = "sql", .snippet = join(lines, "\n")};
}

// What is to be thought of before anything is handed over; "" where the catalogue says it all.
std::string owner_hint(const State& state, const Loaded& loaded,
                       const std::vector<const Foreign*>& tables) {
  std::vector<const Foreign*> foreign;
  std::vector<std::string> out;
  bool unsure = false;
  bool state_too = false;
  for (const Foreign* one : tables) {
    const bool ours = loaded.ours.contains(one->table);
    if (!ours && !loaded.unsure.contains(one->table)) foreign.push_back(one);
    unsure = unsure || (!ours && loaded.unsure.contains(one->table));
    state_too = state_too || loaded.state.contains(one->table);
    const std::string other = robbed(state, one->table, one->owner);
    if (other.empty()) continue;
    out.push_back(
        fmt::format("{} is the destination {}'s, which can use it no more once it is handed over: "
                    "rather give one of the two a schema of its own (its line is a comment).",
                    one->table, other));
  }
  if (unsure) {
    out.emplace_back(
        state_too ? "What the sync has filled can be read once its state table is handed over: run "
                    "the test again after that; its fix then names those tables."
                  : "What the sync has filled cannot be read: hand over (ALTER TABLE ... OWNER TO) "
                    "only tables that were Vesto's.");
  }
  if (!foreign.empty()) {
    out.push_back(
        fmt::format("The sync has not filled {}: name another target = \"...\". Or take it over on "
                    "purpose, with its rows: adopt = true; then this test gives the line for it.",
                    named(foreign)));
  }
  return join(out, " ");
}

Error owner_error(std::string_view what, const std::vector<const Foreign*>& tables,
                  const std::string& hint = "") {
  Error error(ErrorCode::kRsOwner, fmt::format("{}: {}", what, named(tables)));
  if (!hint.empty()) error.with_hint(hint);
  return std::move(error).because(cause_named("table-of-another-user"));
}

// An owner whose rights on its own table were revoked.
std::optional<CheckAnswer> rights_revoked(State& state, const std::vector<Foreign>& tables) {
  std::vector<const Foreign*> closed;
  std::vector<std::string> lines;
  const bool pasted = printable(state.user, false) == state.user;
  for (const Foreign& one : tables) {
    if (one.missing.empty()) continue;
    closed.push_back(&one);
    if (!pasted || lines.size() == kMaxTablesFixed) continue;
    lines.push_back(fmt::format("GRANT {} ON {} TO {};", join(one.missing, ", "),
                                sql::qualified({state.destination().schema, one.table}),
                                sql::ident(state.user)));
  }
  if (closed.empty()) return std::nullopt;
  return failed(
      Error(ErrorCode::kRsPriv,
            fmt::format("rights were revoked from the owner of tables that a sync loads: {}",
                        named(closed))),
      Fix{.who = "redshift_admin", .kind = "sql", .snippet = join(lines, "\n")});
}

// Targets that Vesto has not filled, and whose rows would be merged into or replaced: a run stops
// at the first row of one (check_target() in redshift/prepare.cc).
Result<Found<std::string>> filled_by_others(State& state, const CheckLimits& limits,
                                            const Loaded& loaded) {
  std::set<std::string> asked;
  for (const std::string& one : loaded.tables) {
    if (!loaded.ours.contains(one) && !loaded.unsure.contains(one)) asked.insert(one);
  }
  Found<std::string> out;
  if (asked.empty()) return out;
  const std::string& schema = state.destination().schema;
  VESTO_ASSIGN(
      const ExecResult there,
      ask(state,
          fmt::format("SELECT tablename FROM pg_tables WHERE schemaname = {}{} ORDER BY 1 LIMIT {}",
                      sql::literal(schema), in_list("tablename", asked), kMaxTablesLookedInto + 1),
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
    out.all.push_back(names[static_cast<size_t>(*number)]);
  }
  return out;
}

Error filled_error(const State& state, std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  const size_t all = names.size();
  if (all > kMaxTablesNamed) names.resize(kMaxTablesNamed);
  for (std::string& name : names) name = printable(name, false);
  return {ErrorCode::kRsTableForeign,
          fmt::format("tables of {} hold rows that no sync of the configuration delivered: {}{}",
                      printable(state.destination().schema, false), join(names, ", "),
                      all > names.size() ? ", ..." : "")};
}

// Where not all were looked at it is not known that all is well, and what was found may not be all.
CheckAnswer unless_cut(CheckAnswer answer, bool cut) {
  if (!cut) return answer;
  const std::string text = fmt::format(
      "only the first {} tables of other users, {} streams of a sync and {} targets that "
      "none has filled were looked at",
      kMaxTablesSeen, kMaxStreamsSeen, kMaxTablesLookedInto);
  if (!answer.error) return skipped(text);
  answer.evidence.push_back({"left_out", text});
  return answer;
}

// What a pattern may stand for, if the source has such a table.
CheckAnswer perhaps_check(State& state, const CheckLimits& limits, const Loaded& loaded) {
  if (loaded.patterns.empty()) return unless_cut(passed(), loaded.cut);
  const auto others = tables_with(state, limits, "<>", loaded.state, "");
  if (!others.ok()) return failed(others.error());
  const auto views = no_tables(state, limits, "");
  if (!views.ok()) return failed(views.error());
  const bool cut = loaded.cut || others->cut || views->cut;
  std::vector<const Foreign*> perhaps;
  for (const Foreign& one : others->all) {
    if (one.missing.empty() || loaded.tables.contains(one.table)) continue;
    if (may_be_meant(loaded.patterns, one.table)) perhaps.push_back(&one);
  }
  if (!perhaps.empty()) {
    Error error = owner_error("a pattern of a sync may stand for tables of other users", perhaps);
    error.with_hint(
        "If the source has tables of these names, give those targets of their own, or hand these "
        "over (ALTER TABLE ... OWNER TO) if Vesto made them; otherwise nothing is to be done.");
    return unless_cut(warned(std::move(error)), cut);
  }
  std::vector<std::string> meant;
  for (const std::string& one : views->all) {
    if (may_be_meant(loaded.patterns, one)) meant.push_back(one);
  }
  if (meant.empty()) return unless_cut(passed(), cut);
  Error error = no_table_error(state, meant);
  error.with_hint(
      "If the source has a table of that name, give it a target of its own, or have the view's "
      "owner drop or rename it; otherwise nothing is to be done.");
  return unless_cut(warned(std::move(error)), cut);
}

}  // namespace

CheckAnswer owner_check(State& state, const CheckLimits& limits) {
  const Loaded loaded = loaded_tables(state, limits);
  // Those that are loaded are asked for by name: a schema may hold any number of others.
  const auto views = no_tables(state, limits, in_list("c.relname", loaded.tables));
  if (!views.ok()) return failed(views.error());
  if (!views->all.empty()) return failed(no_table_error(state, views->all));
  const auto others =
      tables_with(state, limits, "<>", loaded.state, in_list("tablename", loaded.tables));
  if (!others.ok()) return failed(others.error());
  std::vector<const Foreign*> closed;  // a run fails for them
  std::vector<const Foreign*> usable;  // until they are to be altered
  for (const Foreign& one : others->all) {
    (one.missing.empty() ? usable : closed).push_back(&one);
  }
  const bool cut = loaded.cut || others->cut;
  const auto own =
      tables_with(state, limits, "=", loaded.state, in_list("tablename", loaded.tables));
  if (!own.ok()) return failed(own.error());
  // A state that its owner may not read is opened first: by it is known what may be handed over.
  auto revoked = rights_revoked(state, own->all);
  if (revoked && (closed.empty() || !loaded.unsure.empty())) {
    return unless_cut(*std::move(revoked), cut);
  }
  if (!closed.empty()) {
    std::vector<const Foreign*> all = closed;
    all.insert(all.end(), usable.begin(), usable.end());
    Error error = owner_error("tables that a sync loads belong to other users", all,
                              owner_hint(state, loaded, all));
    return unless_cut(failed(std::move(error), owner_fix(state, limits, loaded, all)), cut);
  }
  const auto filled = filled_by_others(state, limits, loaded);
  if (!filled.ok()) return failed(filled.error());
  if (!filled->all.empty()) return unless_cut(failed(filled_error(state, filled->all)), cut);
  if (!usable.empty()) {
    Error error = owner_error(
        "tables that a sync loads belong to other users; rows can be loaded, but a run fails that "
        "has to add or widen a column, or without UPDATE to merge into one with columns of others",
        usable, owner_hint(state, loaded, usable));
    return unless_cut(warned(std::move(error), owner_fix(state, limits, loaded, usable)), cut);
  }
  CheckAnswer answer = perhaps_check(state, limits, loaded);
  return answer.error ? answer : unless_cut(std::move(answer), others->cut || filled->cut);
}

}  // namespace vesto::check
