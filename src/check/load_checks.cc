// A load as a run makes it, in one transaction that is rolled back: redshift.copy,
// redshift.readback, redshift.merge; and clean_up.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/error_causes.h"
#include "base/kill_point.h"
#include "base/log.h"
#include "base/strings.h"
#include "base/timed_stop.h"
#include "check/destination_state.h"
#include "check/probe_objects.h"
#include "check/probe_values.h"
#include "kit/quote.h"
#include "redshift/session_sql.h"
#include "redshift/sql.h"
#include "redshift/stream_texts.h"
#include "stage/object_keys.h"

namespace vesto::check {

namespace {

constexpr int64_t kLoadTimeoutMs = 60'000;
constexpr int64_t kLeastCopyMs = 1'000;
constexpr int64_t kGiveUpMs = 4'000;  // a cancel is waited for, 3 s at most (pg/connection_impl.cc)
constexpr int64_t kCleanUpAfterStopMs = 10'000;
constexpr int64_t kEndMs = 5'000;  // for each step of ending a session that was given up

TargetName probe_table(const State& state) {
  return {.schema = state.destination().schema, .table = "_vesto_check_" + state.mark};
}

std::vector<std::string> probe_names() {
  std::vector<std::string> names;
  for (const sql::ColumnDdl& column : probe_columns()) names.push_back(column.name);
  return names;
}

Status exec(State& state, const std::string& sql, const CheckLimits& limits) {
  auto done = ask(state, sql, limits);
  if (done.ok()) return ok_status();
  return std::move(done).error();
}

Result<sql::CopySource> probe_source(State& state, const CheckLimits& limits) {
  StreamLoad probe;
  probe.manifest_key = manifest_key(state.space, kProbeStream);
  probe.null_marker = state.null_marker;
  probe.zstd = state.destination().zstd;
  LoadTarget from;
  from.bucket = state.space.bucket;
  from.region = state.bucket_region;
  VESTO_ASSIGN(
      const CopyAccess access,
      state.to.identity->copy_access(
          {.manifest_key = probe.manifest_key, .may_take_ms = limits.limit_ms}, limits.stop));
  state.session->set_secret(std::string(sql::kCopySecret), access.keys.secret_access_key);
  state.session->set_secret(std::string(sql::kCopyToken), access.keys.session_token);
  return copy_source(from, access, probe);
}

// Where the file was put and the login works, this is most often the warehouse's own way to S3:
// COPY asks there in vain, and says nothing for minutes.
std::string unanswered_hint(const DestinationConfig& to) {
  return fmt::format(
      "The most likely cause first: the warehouse has no way to S3. With enhanced VPC routing on, "
      "COPY goes through its own subnets, which need a gateway endpoint for S3 (or NAT): {} tells "
      "whether it is on. Or the warehouse is overloaded: look at its queues, and run again.",
      to.serverless ? "workgroup.enhancedVpcRouting of aws redshift-serverless get-workgroup"
                    : "Clusters[0].EnhancedVpcRouting of aws redshift describe-clusters");
}

Status load(State& state, const CheckLimits& limits) {
  Clock& clock = *state.target.clock;
  const int64_t from_ms = clock.monotonic_ms();
  VESTO_TRY(log_in_again(state, limits));  // the session that is to hold COPY's keys
  VESTO_ASSIGN(const sql::CopySource source, probe_source(state, limits));
  const TargetName table = probe_table(state);
  VESTO_TRY(exec(state, "BEGIN", limits));
  state.in_transaction = true;
  if (!state.schema_exists) {
    VESTO_TRY(exec(state, sql::create_schema(table.schema), limits));
  }
  VESTO_TRY(exec(state, sql::create_table(table, probe_columns(), {}), limits));
  // COPY is given up, and the server told so, before the check's own time is over: cut off by that
  // it would be called a network without an answer.
  CheckLimits left = limits;
  const int64_t gone_ms = clock.monotonic_ms() - from_ms;
  left.limit_ms = std::max(kLeastCopyMs, limits.limit_ms - gone_ms - kGiveUpMs);
  Status copied = exec(state, sql::copy(sql::qualified(table), probe_names(), source), left);
  if (copied.ok() || copied.error().cause() != cause_named("statement-unanswered")) return copied;
  Error error = std::move(copied).error();
  return std::move(error.with_hint(unanswered_hint(state.destination())));
}

// Of a session that was given up: the server may go on with its COPY, and the transaction keeps the
// name of a schema that it makes, for which the next test would wait. Where it cannot be ended the
// server rolls back by itself, once it is done.
void end_lost_session(State& state, int64_t limit_ms) {
  const RecordedSession lost{.pid = state.session->backend_pid(),
                             .since = state.session->backend_start(),
                             .where = state.session->where()};
  const auto helper = state.to.connector()(limit_ms);
  const Status ended = helper.ok() ? end_session_by(**helper, lost,
                                                    [&](const std::string& query) {
                                                      return (*helper)->exec(query, limit_ms);
                                                    })
                                   : Status(helper.error());
  if (!ended.ok()) {
    log_warn("the session of a test could not be ended", {{"error", ended.error().to_string()}});
  }
}

// A load that failed, or one that is asked for again: nothing of it stays.
Status roll_back(State& state, int64_t limit_ms) {
  if (!state.in_transaction || state.session == nullptr) return ok_status();
  state.in_transaction = false;
  if (!state.session->usable()) {
    end_lost_session(state, std::min(limit_ms, kEndMs));
    return ok_status();
  }
  auto done = state.session->exec("ROLLBACK", limit_ms);
  if (done.ok()) return ok_status();
  return std::move(done).error();
}

CheckAnswer read_back(State& state, const CheckLimits& limits) {
  const auto found = ask(state, select_probe_rows(sql::qualified(probe_table(state))), limits);
  if (!found.ok()) return failed(found.error());
  const std::string difference = probe_difference(probe_rows(), found->rows);
  if (!difference.empty()) return failed(Error(ErrorCode::kEncMismatch, difference));
  return passed({{"values", std::to_string(probe_rows().size() * (probe_columns().size() - 1))}});
}

CheckAnswer merge(State& state, const CheckLimits& limits) {
  const TargetName table = probe_table(state);
  const std::string stage = sql::stage_name(1);
  const std::vector<sql::KeyColumn> key = {{.name = "id"}};
  const std::vector<std::string> names = probe_names();
  const std::string into_stage = fmt::format("INSERT INTO {} SELECT * FROM {} WHERE id > 2",
                                             sql::ident(stage), sql::qualified(table));
  for (const std::string& statement :
       {sql::create_stage(stage, probe_columns(), ""), into_stage,
        sql::delete_matching(table, stage, key), sql::insert_from_stage(table, stage, names)}) {
    if (Status done = exec(state, statement, limits); !done.ok()) {
      return failed(std::move(done).error());
    }
  }
  const auto after = ask(state, select_probe_rows(sql::qualified(table)), limits);
  if (!after.ok()) return failed(after.error());
  const std::string difference = probe_difference(probe_rows(), after->rows);
  if (!difference.empty()) return failed(Error(ErrorCode::kEncMismatch, difference));
  return passed({{"rows", std::to_string(after->rows.size())}});
}

// COPY reads by the keys that s3.get has read with, narrowed to this file: where that went well it
// is not the right that is missing, but the place from where the warehouse asks.
CheckAnswer copy_refused(const State& state, Error error) {
  if (auto unnamed = key_not_named(state, error)) return *std::move(unnamed);
  if (state.destination().auth.copy == "attached_role") {
    return copy_role_denied(state, std::move(error));
  }
  const std::string_view cause = error.cause() == nullptr ? "" : error.cause()->name;
  const bool denied = cause == "copy-denied" || cause == "copy-access-denied";
  // No right of ours helps against a Deny, which is COPY's as well: it works with the same keys.
  if (denied && state.read_denied && state.read_denied->error) {
    error.with_hint("s3.get is refused in the same way. " + state.read_denied->error->hint());
    return failed(std::move(error), state.read_denied->fix);
  }
  if (!denied || !state.read_object) return failed(std::move(error), policy_fix(state));
  error.with_hint(
      "The same keys may read the file from here (s3.get), so that no right of ours is missing: "
      "the bucket's own policy refuses the warehouse, by its address or VPC (aws:SourceIp, "
      "aws:SourceVpc, aws:SourceVpce), or its VPC's endpoint for S3 does. Let the warehouse in "
      "there; what is to be run prints the bucket's policy." +
      std::string(state.destination().kms_key_arn.empty()
                      ? " Or the bucket encrypts with a KMS key by itself: COPY's keys may use it "
                        "only where staging.kms_key_arn names it."
                      : ""));
  return failed(std::move(error), bucket_policy_fix(state));
}

CheckAnswer copy(State& state, const CheckLimits& limits) {
  if (Status done = load(state, limits); !done.ok()) {
    Error error = std::move(done).error();
    static_cast<void>(roll_back(state, limits.limit_ms));
    if (error.code() != ErrorCode::kRsCopyS3) return failed(std::move(error));
    return copy_refused(state, std::move(error));
  }
  state.read_back = read_back(state, limits);
  state.merge = merge(state, limits);
  VESTO_KILL_POINT("check.load_open");
  if (Status back = roll_back(state, limits.limit_ms); !back.ok()) {
    return failed(std::move(back).error());
  }
  const size_t rows = probe_rows().size();
  return passed({{"rows", fmt::format("{} of {}", rows, rows)}});
}

constexpr size_t kNamed = 10;  // of objects that were left

std::string named_text(const std::vector<std::string>& objects) {
  if (objects.size() <= kNamed) return join(objects, ", ");
  const std::vector<std::string> named(objects.begin(), objects.begin() + kNamed);
  return fmt::format("{}, and {} more", join(named, ", "), objects.size() - kNamed);
}

// What nobody of this destination may remove: whoever may has to.
CheckAnswer refused_objects(const std::vector<std::string>& objects) {
  std::string lines;
  for (size_t i = 0; i < objects.size() && i < kNamed; ++i) {
    lines += "aws s3 rm " + kit::sh_quote(objects[i]) + "\n";
  }
  return warned(
      Error(ErrorCode::kCleanLeft,
            "an earlier test left objects where this destination may not remove them: " +
                named_text(objects))
          .with_hint("Remove them by what is to be run, or set staging.bucket and staging.prefix "
                     "back for one test, which removes them. They are named for 7 days."),
      Fix{.who = "aws_admin", .kind = "shell", .snippet = lines});
}

// The bucket was not reached, or --only left out what it takes: that nothing lies there is not
// known then. What this test or, as far as the store was opened, an earlier one has put there is.
CheckAnswer not_looked_at(const State& state) {
  std::set<std::string> known;
  for (const std::string& key : state.keys) known.insert("s3://" + state.space.bucket + "/" + key);
  if (state.store != nullptr) {
    const auto noted = state.store->objects_of_sync(state.space.sync);
    if (!noted.ok()) return failed(noted.error());
    for (const JournalObject& one : *noted) known.insert("s3://" + one.bucket + "/" + one.key);
  }
  if (known.empty()) return skipped("the bucket was not looked at");
  return warned(
      Error(ErrorCode::kCleanLeft, "the bucket was not looked at, where a test left objects: " +
                                       named_text({known.begin(), known.end()}))
          .with_hint(fmt::format("They are removed by a test that reaches the bucket: mend what is "
                                 "red, then vesto destination test {}",
                                 state.destination().name)));
}

CheckAnswer clean_up(State& state, const CheckLimits& limits) {
  const Status back = roll_back(state, limits.limit_ms);
  RemovedObjects removed;
  std::optional<Error> left;
  if (!back.ok()) left = back.error();
  // Not the test's own stop: what was put is removed also when it was interrupted, but not for as
  // long as a server could hold it.
  const TimedStop limit(
      {.limit_ms = limits.limit_ms, .after_stop_ms = kCleanUpAfterStopMs, .stop = limits.stop});
  bool looked =
      state.s3 != nullptr && !state.bucket_region.empty() && !state.space.installation.text.empty();
  if (looked) {
    const bool any = !state.keys.empty();
    const Status gone = remove_objects(state, &removed, limit.token());
    // Where nothing may be listed and nothing was put, nothing is left either.
    const bool no_bucket = !gone.ok() && gone.error().code() == ErrorCode::kS3NoBucket;
    if (!gone.ok() && (any || removed.missed) && !no_bucket) left = gone.error();
    looked = gone.ok() || no_bucket || gone.error().code() == ErrorCode::kS3Denied;
  }
  state.session.reset();
  if (!left && !removed.refused.empty()) return refused_objects(removed.refused);
  if (!left && removed.more) {
    return warned(
        Error(ErrorCode::kCleanLeft,
              fmt::format("below {} lie more than {} pages of files; only those were looked at",
                          installation_root(state.space), kMaxProbePages))
            .with_hint("The next test looks again; what is not Vesto's is left to its owner."));
  }
  if (!left && !looked) return not_looked_at(state);
  if (!left) return passed({{"objects_removed", std::to_string(removed.count)}});
  return failed(Error(ErrorCode::kCleanLeft, "not all could be removed: " + left->to_string())
                    .with_hint("The next test removes what it finds below " +
                               installation_root(state.space) + "."));
}

}  // namespace

void load_checks(const StatePtr& state, std::vector<Check>* checks) {
  using Run = CheckAnswer (*)(State&, const CheckLimits&);
  const auto add = [&](std::string id, std::string title, std::vector<std::string> needs, Run run) {
    Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.group = "load";
    check.needs = std::move(needs);
    check.limit_ms = kLoadTimeoutMs;
    check.run = [state, run](const CheckLimits& limits) { return run(*state, limits); };
    checks->push_back(std::move(check));
  };
  add("redshift.copy", "Redshift loads from the bucket", {"redshift.table", "s3.put"}, copy);
  checks->back().may_wait = true;
  add("redshift.readback", "Values come back unchanged", {"redshift.copy"},
      [](State& now, const CheckLimits&) { return now.read_back; });
  add("redshift.merge", "Merge in one transaction", {"redshift.readback", "redshift.temp"},
      [](State& now, const CheckLimits&) { return now.merge; });
  add("clean_up", "Nothing left behind", {}, clean_up);
  checks->back().always = true;
  checks->back().group = "end";
}

}  // namespace vesto::check
