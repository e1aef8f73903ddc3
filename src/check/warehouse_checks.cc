// The warehouse: redshift.status, redshift.credentials, redshift.login, and the rights of the user
// that really logs in.
#include <fmt/format.h>

#include "base/error_causes.h"
#include "base/kill_point.h"
#include "base/strings.h"
#include "base/time_text.h"
#include "check/destination_state.h"
#include "net/probe.h"
#include "redshift/sql.h"
#include "sync/warehouse_wait.h"

namespace vesto::check {

namespace {

constexpr int64_t kLoginTimeoutMs = 60'000;  // a workgroup that was idle takes its time
constexpr size_t kMaxNameBytes = 512;        // Redshift's own names have 127

bool is_true(const std::vector<std::optional<std::string>>& row, size_t i) {
  return i < row.size() && row[i] && *row[i] == "t";
}

// A name as the server gave it, for a message.
std::string shown(const std::string& name) { return printable(name, false); }

Fix grant(const State& state, std::string_view right) {
  // A name that a server made up may hold anything; people paste this.
  if (printable(state.user, false) != state.user) {
    return {.who = "redshift_admin", .kind = "sql", .snippet = ""};
  }
  return {.who = "redshift_admin",
          .kind = "sql",
          .snippet = grant_sql(state.destination(), right, state.user)};
}

// A grant helps where a right is missing, and nowhere else.
CheckAnswer refused(const State& state, Error error, std::string_view right) {
  const bool missing = error.name().starts_with("RS-PRIV");
  if (!missing) return failed(std::move(error));
  return failed(std::move(error), grant(state, right));
}

constexpr int64_t kReachTimeoutMs = 5'000;

bool reachable(const State& state, const CheckLimits& limits) {
  ProbeOptions ask;
  ask.host = state.destination().host;
  ask.port = state.destination().port;
  ask.tls = false;
  ask.dialer = state.to.tunnel.get();
  ask.timeout_ms = kReachTimeoutMs;
  ask.stop = limits.stop;
  return !probe(ask).error;
}

// What AWS says of the warehouse. That we may not ask, or cannot yet, is no fault here. One that is
// being changed and can be reached all the same is available.
CheckAnswer status(State& state, const CheckLimits& limits) {
  const Result<WarehouseInfo> info = state.to.identity->warehouse(limits.stop);
  if (!info.ok()) {
    if (info.error().code() == ErrorCode::kRsClusterNotFound) {
      Error error = info.error();
      std::optional<Fix> fix = two_warehouses(state, &error);
      return failed(std::move(error), std::move(fix));
    }
    if (info.error().code() == ErrorCode::kRsCredDenied) {
      return skipped_refused("the role may not ask for it, and need not");
    }
    return skipped("AWS could not be asked");
  }
  state.not_public = !info->publicly_accessible;
  if (!info->resource_arn.empty()) state.known.workgroup_arn = info->resource_arn;
  CheckAnswer answer = passed({{"status", to_lower_ascii(info->status)},
                               {"publicly_accessible", info->publicly_accessible ? "yes" : "no"}});
  if (const auto away = warehouse_away(*info)) {
    answer.evidence[0].value += "; " + away->reason;
    const bool usable = !away->paused && reachable(state, limits);
    answer.status = usable ? CheckStatus::kWarning : CheckStatus::kFailed;
    answer.error =
        away_error(*away, 0, state.destination().auth.warehouse, state.destination().auth.region);
  }
  return answer;
}

CheckAnswer credentials(State& state, const CheckLimits& limits) {
  const Result<WarehouseLogin> login = state.to.identity->login(limits.stop);
  if (!login.ok()) {
    Error error = login.error();
    if (error.code() != ErrorCode::kRsCredDenied) return failed(std::move(error));
    if (std::optional<Fix> fix = two_warehouses(state, &error)) {
      return failed(std::move(error), std::move(fix));
    }
    const DestinationConfig& to = state.destination();
    CheckAnswer answer = denied(state, error);
    if (answer.error->hint() != error.hint()) return answer;
    const std::string user =
        to.auth.db_user.empty()
            ? ""
            : fmt::format("auth.db_user ({}, \"{}\") where the policy is for another user, or ",
                          to.auth.db_user_origin.line_text(), printable(to.auth.db_user, false));
    answer.error->with_hint(fmt::format(
        "{} Or correct {}auth.warehouse ({}, \"{}\"), or kind, endpoint, region or database ({}), "
        "where the names in AWS's answer are not those of your warehouse.",
        error.hint(), user, to.auth.warehouse_origin.line_text(),
        printable(to.auth.warehouse, false), to.endpoint_origin.line_text()));
    return answer;
  }
  // Of a named user AWS gives the login as "IAM:" and the name; the user and his rights have the
  // name alone.
  const std::string& named = state.destination().auth.db_user;
  state.user = named.empty() ? login->user : named;
  return passed(
      {{"database_user", state.user}, {"valid_until", format_utc_seconds(login->expires_at_ms)}});
}

// The server does not tell a wrong password from a user that is not there.
Fix user_with_password(const State& state) {
  const DestinationConfig& to = state.destination();
  const Kit kit = make_kit(to, state.facts());
  const KitPart* part = kit.find("sql");
  return {.who = "redshift_admin", .kind = "sql", .snippet = part == nullptr ? "" : part->text};
}

// A temporary login has no password that could be wrong: its user is not there.
CheckAnswer no_login(const State& state, Error error) {
  const bool temporary = state.destination().auth.method == "iam_role";
  const bool refused = error.code() == ErrorCode::kRsLoginPassword ||
                       error.code() == ErrorCode::kRsLoginIam ||
                       error.code() == ErrorCode::kRsUserMissing;
  if (!temporary && refused) return failed(std::move(error), user_with_password(state));
  // A login that has run out, or is for another warehouse, says nothing of the user.
  const bool other = error.cause() != nullptr && error.cause()->name == "iam-login-refused";
  if (!temporary || !refused || other || state.user.empty()) return failed(std::move(error));
  error.with_hint("AWS gave the login, so no password is wrong: the user does not exist yet.");
  return failed(std::move(error),
                Fix{.who = "redshift_admin",
                    .kind = "sql",
                    .snippet = join(login_grants(state.destination(), state.user), "\n")});
}

CheckAnswer login(State& state, const CheckLimits& limits) {
  // A server that starts up has the code that a run gives it. AWS was asked by redshift.status.
  WarehouseWait no_wait({.care = {.wait_ms = 0,
                                  .name = state.destination().auth.warehouse,
                                  .region = state.destination().auth.region},
                         .clock = state.target.clock,
                         .stop = limits.stop,
                         .tell = {}});
  auto session = no_wait.connector(state.to.connector())(kLoginTimeoutMs);
  if (!session.ok()) return no_login(state, std::move(session).error());
  state.session = std::move(session).value();
  const auto seen = ask(state, "SELECT current_user, current_database(), version()", limits);
  if (!seen.ok()) return failed(seen.error());
  if (seen->rows.empty() || seen->rows[0].size() < 3) {
    return failed(Error(ErrorCode::kRsSql, "the server did not say who we are"));
  }
  const auto& row = seen->rows[0];
  const std::string version(cut_utf8(row[2].value_or(""), 200));
  if (to_lower_ascii(version).find("redshift") == std::string::npos) {
    return failed(Error(ErrorCode::kRsNotRedshift, "the server calls itself " + shown(version))
                      .because(cause_named("not-redshift")));
  }
  state.user = std::string(cut_utf8(row[0].value_or(""), kMaxNameBytes));
  return passed({{"database_user", state.user},
                 {"database", std::string(cut_utf8(row[1].value_or(""), kMaxNameBytes))},
                 {"version", version}});
}

CheckAnswer temporary(State& state, const CheckLimits& limits) {
  const auto made = ask(state, "CREATE TEMP TABLE _vesto_check_temp (id INTEGER)", limits);
  if (!made.ok()) return refused(state, made.error(), "temp");
  VESTO_KILL_POINT("check.temp_made");
  const auto gone = ask(state, "DROP TABLE _vesto_check_temp", limits);
  if (!gone.ok()) return failed(gone.error());
  return passed();
}

CheckAnswer schema(State& state, const CheckLimits& limits) {
  const DestinationConfig& to = state.destination();
  const std::string name = sql::literal(to.schema);
  const auto there = ask(
      state, "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = " + name, limits);
  if (!there.ok()) return failed(there.error());
  state.schema_exists = !there->rows.empty();
  if (!state.schema_exists) {
    if (!to.create_schema) {
      Fix fix = grant(state, "schema");
      if (!fix.snippet.empty()) {
        fix.snippet = "CREATE SCHEMA " + sql::ident(to.schema) + ";\n" + fix.snippet;
      }
      return failed(Error(ErrorCode::kRsNoSchema, "schema " + to.schema + " does not exist")
                        .because(cause_named("schema-switched-off")),
                    std::move(fix));
    }
    const auto may =
        ask(state, "SELECT has_database_privilege(current_database(), 'CREATE')", limits);
    if (!may.ok()) return failed(may.error());
    if (!may->rows.empty() && is_true(may->rows[0], 0)) {
      return passed({{"schema", to.schema + ", made by the first run"}});
    }
    return failed(Error(ErrorCode::kRsPrivCreate, shown(state.user) + " may not create schema " +
                                                      to.schema + " in database " + to.database)
                      .because(cause_named("no-create-and-no-schema")),
                  grant(state, "create"));
  }
  const auto may = ask(state,
                       "SELECT has_schema_privilege(" + name + ", 'USAGE'), has_schema_privilege(" +
                           name + ", 'CREATE')",
                       limits);
  if (!may.ok()) return failed(may.error());
  const bool both = !may->rows.empty() && is_true(may->rows[0], 0) && is_true(may->rows[0], 1);
  const std::string owner = there->rows[0].empty() ? "" : there->rows[0][0].value_or("");
  if (both) return passed({{"schema", to.schema}, {"owner", owner}});
  CheckAnswer answer =
      failed(Error(ErrorCode::kRsPrivSchema, shown(state.user) + " may not make tables in schema " +
                                                 to.schema + ", which " + shown(owner) + " owns")
                 .because(cause_named("no-schema-right")),
             grant(state, "schema"));
  answer.names = {{"owner", owner}};
  return answer;
}

// All of it in a transaction that is rolled back.
CheckAnswer table(State& state, const CheckLimits& limits) {
  const DestinationConfig& to = state.destination();
  const TargetName name{.schema = to.schema, .table = "_vesto_check_" + state.mark};
  std::vector<std::string> statements = {"BEGIN"};
  if (!state.schema_exists) statements.push_back(sql::create_schema(to.schema));
  const sql::ColumnDdl id{.name = "id", .type = {.kind = TypeKind::kBigint}};
  const sql::ColumnDdl more{.name = "more", .type = {.kind = TypeKind::kBigint}};
  statements.push_back(sql::create_table(name, {id}, {}));
  statements.push_back(sql::add_column(name, more));
  statements.push_back("DROP TABLE " + sql::qualified(name));
  std::optional<Error> error;
  for (const std::string& statement : statements) {
    const auto done = ask(state, statement, limits);
    if (done.ok()) continue;
    error = done.error();
    break;
  }
  VESTO_KILL_POINT("check.table_open");
  // Also when the check's time is up: the checks behind it use this session.
  const auto back = state.session->exec("ROLLBACK", limits.limit_ms);
  if (error) return refused(state, *std::move(error), "schema");
  if (!back.ok()) return failed(back.error());
  return passed();
}

// Those of `seen` that the answer's texts hold: a schema may have thousands of tables.
std::vector<Evidence> names_in(const Error& error, const std::vector<Evidence>& seen) {
  const std::string text = error.message() + "\n" + std::string(error.hint());
  std::vector<Evidence> names;
  for (const Evidence& one : seen) {
    if (text.find(printable(one.value, false)) != std::string::npos) names.push_back(one);
  }
  return names;
}

// While a sync loads, nobody but it knows its tables: that is no failure, and not "all is well".
CheckAnswer owner(State& state, const CheckLimits& limits) {
  state.seen.clear();
  CheckAnswer answer = owner_check(state, limits);
  if (answer.error) answer.names = names_in(*answer.error, state.seen);
  if (state.loading.empty()) return answer;
  const std::string text = fmt::format(
      "sync {} is loading just now, or the warehouse is busy: its state had no answer in time, and "
      "what it has filled was not looked at",
      join(state.loading, ", "));
  if (!answer.error) return skipped(text);
  answer.evidence.push_back({"left_out", text});
  return answer;
}

// Managed storage counts too. Only superusers and whoever was made a monitor may see it, and
// Serverless has no disk that could be full.
constexpr int64_t kDiskLowPercent = 80;
CheckAnswer capacity(State& state, const CheckLimits& limits) {
  if (state.destination().serverless) return skipped("Serverless has no disk of its own");
  const auto disk = ask(state,
                        "SELECT (SUM(used) * 100 / NULLIF(SUM(capacity), 0))::BIGINT FROM "
                        "stv_node_storage_capacity",
                        limits);
  if (!disk.ok()) {
    // Insufficient privilege, or a warehouse that has no such table.
    const std::string& state_code = disk.error().upstream().code;
    if (state_code != "42501" && state_code != "42P01") return failed(disk.error());
    return skipped("the database user may not see it (stv_node_storage_capacity), and need not");
  }
  const bool told = disk->rows.size() == 1 && !disk->rows[0].empty() && disk->rows[0][0];
  const auto used = told ? parse_int(*disk->rows[0][0]) : std::nullopt;
  if (!used) return skipped("the warehouse tells no size of its disks");
  CheckAnswer answer = passed({{"disk_used_percent", std::to_string(*used)}});
  if (*used <= kDiskLowPercent) return answer;
  answer.status = CheckStatus::kWarning;
  answer.error =
      Error(ErrorCode::kRsDiskLow, fmt::format("{} % of the warehouse's disks are used", *used));
  return answer;
}

CheckAnswer superuser(State& state, const CheckLimits& limits) {
  const auto is = ask(state, "SELECT usesuper FROM pg_user WHERE usename = current_user", limits);
  if (!is.ok()) return skipped("it cannot be asked");
  if (is->rows.empty() || !is_true(is->rows[0], 0)) return passed();
  // Nothing to paste: the user may be a person's, or the only superuser that there is.
  return warned(Error(ErrorCode::kRsSuperuser, shown(state.user) + " is a superuser"));
}

}  // namespace

std::vector<std::string> status_check(const StatePtr& state, std::vector<Check>* checks) {
  if (state->destination().auth.method != "iam_role") return {};
  Check check;
  check.id = "redshift.status";
  check.title = "Warehouse is available";
  check.group = "warehouse";
  check.needs = {kSecretsCheck};
  check.may_wait = true;
  check.run = [state](const CheckLimits& limits) { return status(*state, limits); };
  checks->push_back(std::move(check));
  return {"redshift.status"};
}

void warehouse_checks(const StatePtr& state, const std::string& way, const std::string& keys,
                      std::vector<Check>* checks) {
  using Run = CheckAnswer (*)(State&, const CheckLimits&);
  const auto add = [&](std::string id, std::string title, std::vector<std::string> needs, Run run,
                       bool may_wait = false) {
    Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.group = "warehouse";
    check.needs = std::move(needs);
    check.may_wait = may_wait;
    check.run = [state, run](const CheckLimits& limits) { return run(*state, limits); };
    checks->push_back(std::move(check));
  };
  const bool by_role = state->destination().auth.method == "iam_role";
  std::vector<std::string> login_needs = {way};
  if (by_role) {
    add("redshift.credentials", "Temporary login is issued", {keys}, credentials, true);
    login_needs.emplace_back("redshift.credentials");
  }
  add("redshift.login", "Login works", login_needs, login, true);
  checks->back().limit_ms = kLoginTimeoutMs;
  add("redshift.temp", "May use temporary tables", {"redshift.login"}, temporary);
  add("redshift.schema", "Schema exists or may be created", {"redshift.login"}, schema);
  add("redshift.table", "May create, change and drop a table", {"redshift.schema"}, table);
  add("redshift.owner", "Owns the tables it loads", {"redshift.schema"}, owner);
  add("redshift.capacity", "Has disk space left", {"redshift.login"}, capacity);
  add("redshift.superuser", "Has no more rights than it needs", {"redshift.login"}, superuser);
}

}  // namespace vesto::check
