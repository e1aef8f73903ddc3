// What the checks of one destination hand on to each other, and how they answer.
#ifndef VESTO_CHECK_DESTINATION_STATE_H_
#define VESTO_CHECK_DESTINATION_STATE_H_

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "check/answers.h"
#include "check/destination_checks.h"
#include "kit/kit.h"
#include "redshift/session.h"
#include "stage/object_keys.h"
#include "store/store.h"
#include "sync/assemble.h"

namespace vesto::check {

inline constexpr int kProbeStream = 1;  // under which the values lie in the bucket

struct State {
  DestinationUnderTest target;
  // From secret.readable on.
  AssembledDestination to;
  S3Options s3_options;
  KitFacts known;  // for the kit's texts
  std::unique_ptr<RedshiftSession> session;
  int logins = 0;                // made anew for a session that was lost
  std::unique_ptr<Store> store;  // from host.store on
  std::unique_ptr<S3> s3;
  std::string user;                  // that really logs in, verbatim; "" = not known yet
  bool not_public = false;           // redshift.status saw that there is no public access
  bool schema_exists = false;        // redshift.schema saw it
  std::vector<Evidence> seen;        // tables that redshift.owner met, and their owners
  std::vector<std::string> loading;  // syncs whose state redshift.owner waited for in vain
  bool read_object = false;          // s3.get did, with the keys that COPY reads with or wider ones
  std::optional<CheckAnswer> read_denied;  // what s3.get said where a Deny refused it
  std::string bucket_region;
  StageSpace space;
  std::string null_marker;
  std::string mark;            // 8 characters, in the names of this test's tables
  std::string part_bytes;      // that lie at part 1
  std::set<std::string> keys;  // of objects that this test put and did not remove
  // The load is one transaction, which redshift.copy rolls back at its end; what it found for the
  // other two checks of it. So nothing of it is open while something else is waited for.
  bool in_transaction = false;
  CheckAnswer read_back;
  CheckAnswer merge;

  [[nodiscard]] const DestinationConfig& destination() const { return *target.destination; }
  // What the kit's texts are made with: the user that was really seen counts.
  [[nodiscard]] KitFacts facts() const {
    KitFacts facts = known;
    if (!user.empty()) facts.database_user = user;
    return facts;
  }
};
// A session that can be used: where a check before cut it, or it was lost while something was
// waited for, another login, at most kMaxLogins a test. Not within a transaction, which ended with
// it.
inline constexpr int kMaxLogins = 5;
Status log_in_again(State& state, const CheckLimits& limits);
// One statement within the limits of a check, in a session that can be used; a stop cancels it.
Result<ExecResult> ask(State& state, const std::string& sql, const CheckLimits& limits);

using StatePtr = std::shared_ptr<State>;

// The permission policy of the kit, whole: what AWS refuses is a matter of it.
inline Fix policy_fix(const State& state) {
  return {.who = "aws_admin",
          .kind = "shell",
          .snippet = put_policy_shell(state.destination(), state.facts())};
}
// A part of the kit, whole. For an AWS admin.
inline Fix part_fix(const State& state, std::string_view part) {
  return {.who = "aws_admin",
          .kind = "shell",
          .snippet = part_shell(state.destination(), state.facts(), part)};
}

// What AWS refuses: the kit's policy where ours allows too little. Where another policy stands
// against it ours would have no effect: that one is named, and shown by what is to be run.
CheckAnswer denied(const State& state, Error error);
// The same of COPY, where it reads by a role that is attached to the warehouse.
CheckAnswer copy_role_denied(const State& state, Error error);

// A right to a KMS key is missing, and the configuration names none: the bucket encrypts with it by
// itself. No policy of the kit knows it, so that the next step is its line in the configuration,
// with its ARN where the refusal tells it. Nothing where it is another matter.
std::optional<CheckAnswer> key_not_named(const State& state, const Error& error);

// What the policy of the bucket refuses: a person has to change it. What is to be run prints it.
inline Fix bucket_policy_fix(const State& state) { return part_fix(state, "bucket-policy"); }

// auth.warehouse and the endpoint name two warehouses: says so in the hint, and nothing is to be
// pasted but the right name. Nothing where they agree.
std::optional<Fix> two_warehouses(const State& state, Error* error);

// Each adds its checks.
// config.valid, secret.readable, host.store. All that asks somebody needs kSecretsCheck.
inline constexpr const char* kSecretsCheck = "secret.readable";
inline constexpr const char* kStoreCheck = "host.store";
void local_checks(const StatePtr& state, std::vector<Check>* checks);
// redshift.status, where AWS can be asked: before the way, which a warehouse that is away does not
// have. Gives the ids that the way needs.
std::vector<std::string> status_check(const StatePtr& state, std::vector<Check>* checks);
// host.clock, by the endpoint of the bucket. Identities need it.
inline constexpr const char* kClockCheck = "host.clock";
void clock_check(const StatePtr& state, std::vector<Check>* checks);
// Gives the id that stands for working keys.
std::string identity_checks(const StatePtr& state, std::vector<Check>* checks);
// redshift.owner. A table of another user that the login may read, fill and delete from is warned
// of: only a run that has to alter it fails. Gives State::loading and State::seen.
CheckAnswer owner_check(State& state, const CheckLimits& limits);
// `way`: the end of the way to the warehouse.
void warehouse_checks(const StatePtr& state, const std::string& way, const std::string& keys,
                      std::vector<Check>* checks);
void bucket_checks(const StatePtr& state, const std::string& keys, std::vector<Check>* checks);
void load_checks(const StatePtr& state, std::vector<Check>* checks);

}  // namespace vesto::check

#endif  // VESTO_CHECK_DESTINATION_STATE_H_
