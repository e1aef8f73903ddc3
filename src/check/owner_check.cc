// redshift.owner: the tables that syncs load, and what the user that really logs in may do there.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error_causes.h"
#include "base/strings.h"
#include "check/destination_state.h"
#include "check/foreign_rows.h"
#include "check/loaded_tables.h"
#include "check/own_tables.h"
#include "check/pattern_tables.h"
#include "check/schema_tables.h"
#include "redshift/sql.h"
#include "redshift/sql_rows.h"

namespace vesto::check {

namespace {

// That one fix names: redacting and showing it is work for each. The next test names the next ones.
constexpr size_t kMaxTablesFixed = 1'000;

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

// Neither Vesto's nor perhaps so: a target that somebody else made.
bool is_foreign(const Loaded& loaded, const std::string& table) {
  return !loaded.ours.contains(table) && !loaded.unsure.contains(table);
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
std::string owner_hint(State& state, const CheckLimits& limits, const Loaded& loaded,
                       const std::vector<const Foreign*>& tables) {
  std::vector<const Foreign*> foreign;
  std::vector<std::string> names;  // of those
  std::vector<std::string> out;
  bool unsure = false;
  bool state_too = false;
  for (const Foreign* one : tables) {
    if (is_foreign(loaded, one->table)) {
      foreign.push_back(one);
      names.push_back(one->table);
    }
    unsure = unsure || (!loaded.ours.contains(one->table) && loaded.unsure.contains(one->table));
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
    const std::string former = former_text(former_syncs_of(state, limits, names));
    if (!former.empty()) out.push_back(former);
    out.push_back(
        fmt::format("The sync has not filled {}: name another target = \"...\". Or take it over on "
                    "purpose, with its rows: adopt = true; then this test gives the line for it.",
                    named(foreign)));
  }
  return join(out, " ");
}

// Whose turn it is: targets that Vesto has not filled are for whoever writes the configuration.
Error owner_error(std::string_view what, const Loaded& loaded,
                  const std::vector<const Foreign*>& tables, const std::string& hint) {
  Error error(ErrorCode::kRsOwner, fmt::format("{}: {}", what, named(tables)));
  if (!hint.empty()) error.with_hint(hint);
  std::vector<std::string> names;
  bool all_foreign = true;
  for (const Foreign* one : tables) {
    names.push_back(one->table);
    all_foreign = all_foreign && is_foreign(loaded, one->table);
  }
  if (all_foreign) error.blamed_on(Blame::kConfig);
  say_places(loaded, names, &error);
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

// What a pattern may stand for, if the source has such a table: it could not be asked.
Result<std::optional<Error>> perhaps_error(State& state, const CheckLimits& limits,
                                           const Loaded& loaded, const Meant& meant) {
  VESTO_ASSIGN(const auto others,
               tables_with(state, limits, "<>", loaded.state, in_list("tablename", meant.perhaps)));
  std::vector<const Foreign*> closed;
  for (const Foreign& one : others.all) {
    if (!one.missing.empty()) closed.push_back(&one);
  }
  if (!closed.empty()) {
    return std::make_optional(owner_error(
        "a pattern of a sync may stand for tables of other users", loaded, closed,
        "If the source has tables of these names, give those targets of their own, or hand these "
        "over (ALTER TABLE ... OWNER TO) if Vesto made them; otherwise nothing is to be done."));
  }
  VESTO_ASSIGN(const WithRows filled, tables_with_rows(state, limits, meant.perhaps));
  if (!filled.tables.empty()) {
    return std::make_optional(
        filled_error(state, limits, loaded, filled.tables)
            .with_hint("A pattern may stand for them, and the source could not be asked. If it has "
                       "tables of these names, give each an entry of its own with target = "
                       "\"...\", or with adopt = true; otherwise nothing is to be done."));
  }
  VESTO_ASSIGN(const auto views, no_tables(state, limits, in_list("c.relname", meant.perhaps)));
  std::optional<Error> error;
  if (views.all.empty()) return error;
  error = no_table_error(state, views.all)
              .with_hint(
                  "If the source has a table of that name, give it a target of its own, or have "
                  "the view's owner drop or rename it; otherwise nothing is to be done.");
  return error;
}

CheckAnswer perhaps_check(State& state, const CheckLimits& limits, const Loaded& loaded,
                          const Meant& meant, bool cut) {
  if (meant.perhaps.empty()) return unless_cut(passed(), cut);
  auto error = perhaps_error(state, limits, loaded, meant);
  if (!error.ok()) return failed(std::move(error).error());
  CheckAnswer answer = *error ? warned(std::move(**error)) : passed();
  answer.evidence = meant.not_asked;
  return unless_cut(std::move(answer), cut);
}

// Tables of others: `closed` ones fail a run, `usable` ones until they are to be altered.
struct Others {
  std::vector<const Foreign*> closed;
  std::vector<const Foreign*> usable;
};

CheckAnswer closed_answer(State& state, const CheckLimits& limits, const Loaded& loaded,
                          const Others& others) {
  std::vector<const Foreign*> all = others.closed;
  all.insert(all.end(), others.usable.begin(), others.usable.end());
  Error error = owner_error("tables that a sync loads belong to other users", loaded, all,
                            owner_hint(state, limits, loaded, all));
  return failed(std::move(error), owner_fix(state, limits, loaded, all));
}

CheckAnswer usable_answer(State& state, const CheckLimits& limits, const Loaded& loaded,
                          const std::vector<const Foreign*>& usable) {
  Error error = owner_error(
      "tables that a sync loads belong to other users; rows can be loaded, but a run fails that "
      "has to add or widen a column, or without UPDATE to merge into one with columns of others",
      loaded, usable, owner_hint(state, limits, loaded, usable));
  return warned(std::move(error), owner_fix(state, limits, loaded, usable));
}

// What a run meets once it may use all tables.
CheckAnswer contents(State& state, const CheckLimits& limits, const Loaded& loaded,
                     const Others& others, const Meant& meant, bool cut) {
  auto changed = own_tables_changed(state, limits, loaded);
  if (!changed.ok()) return failed(std::move(changed).error());
  if (*changed) return std::move(**changed);
  const auto filled = filled_by_others(state, limits, loaded);
  if (!filled.ok()) return failed(filled.error());
  if (!filled->tables.empty()) {
    return unless_cut(failed(filled_error(state, limits, loaded, filled->tables)), cut);
  }
  if (!others.usable.empty()) {
    return unless_cut(usable_answer(state, limits, loaded, others.usable), cut);
  }
  return perhaps_check(state, limits, loaded, meant, cut || filled->cut);
}

}  // namespace

CheckAnswer owner_check(State& state, const CheckLimits& limits) {
  Loaded loaded = loaded_tables(state, limits);
  const auto meant = meant_by_patterns(state, limits, &loaded);
  if (!meant.ok()) return failed(meant.error());
  // Those that are loaded are asked for by name: a schema may hold any number of others.
  const auto views = no_tables(state, limits, in_list("c.relname", loaded.tables));
  if (!views.ok()) return failed(views.error());
  if (!views->all.empty()) {
    Error error = no_table_error(state, views->all);
    say_places(loaded, views->all, &error);
    return failed(std::move(error));
  }
  const auto foreign =
      tables_with(state, limits, "<>", loaded.state, in_list("tablename", loaded.tables));
  if (!foreign.ok()) return failed(foreign.error());
  Others others;
  for (const Foreign& one : foreign->all) {
    (one.missing.empty() ? others.usable : others.closed).push_back(&one);
  }
  const bool cut = loaded.cut || foreign->cut || meant->cut;
  const auto own =
      tables_with(state, limits, "=", loaded.state, in_list("tablename", loaded.tables));
  if (!own.ok()) return failed(own.error());
  // A state that its owner may not read is opened first: by it is known what may be handed over.
  auto revoked = rights_revoked(state, own->all);
  if (revoked && (others.closed.empty() || !loaded.unsure.empty())) {
    return unless_cut(*std::move(revoked), cut);
  }
  if (!others.closed.empty()) return unless_cut(closed_answer(state, limits, loaded, others), cut);
  return contents(state, limits, loaded, others, *meant, cut);
}

}  // namespace vesto::check
