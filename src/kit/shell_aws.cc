// Bucket, role and key, as steps for awscli.
// Sources: AWS CLI command reference (s3api, iam, redshift, redshift-serverless); Amazon S3 user
// guide (block public access, object ownership); "Authorizing Amazon Redshift to access
// AWS services".
#include "kit/shell_aws.h"

#include <fmt/format.h>

#include "address/arn.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_guards.h"

namespace vesto {

namespace kit {

namespace {

// What a bucket that is there lacks is only told: others may need its access lists, or serve from
// it.
std::string setting_of_others(const std::string& look, const std::string& wanted,
                              const std::string& remedy) {
  return fmt::format(
      "  HAS=$({} 2>/dev/null || true)\n"
      "  [ \"$(echo $HAS)\" = '{}' ] ||\n"
      "    printf '%s\\n%s\\n' 'The bucket was there already and stays as it is. If nobody else "
      "needs it otherwise, run:' \\\n      {} >&2\n",
      look, wanted, sh_quote(remedy));
}

// The call sets all four together. None that is on is switched off by it; one that is off on
// purpose lets people in whom the bucket is to refuse, so that no other choice is ours to keep.
std::string public_access_block(const DestinationConfig& to, const Places& places) {
  return on_bucket("put-public-access-block", to, places) +
         " --public-access-block-configuration "
         "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,"
         "RestrictPublicBuckets=true";
}

std::string bucket_guard(const DestinationConfig& to, const Places& places) {
  const std::string owner = on_bucket("put-bucket-ownership-controls", to, places) +
                            " --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'";
  const std::string block = public_access_block(to, places);
  std::string out = step(
      "No access lists: whoever writes an object, it is the bucket owner's. And nothing of it is "
      "ever public");
  out += fmt::format("if [ \"$MADE\" = yes ]; then\n  {}\n  {}\nelse\n", owner, block);
  out += setting_of_others(
      on_bucket("get-bucket-ownership-controls", to, places) +
          " \\\n    --query 'OwnershipControls.Rules[0].ObjectOwnership' --output text",
      "BucketOwnerEnforced", owner);
  out += setting_of_others(
      on_bucket("get-public-access-block", to, places) +
          " \\\n    --query 'PublicAccessBlockConfiguration.[BlockPublicAcls,IgnorePublicAcls,"
          "BlockPublicPolicy,RestrictPublicBuckets]' --output text",
      "True True True True", block);
  return out + "fi\n";
}

std::string role_function(const Places& places) {
  return fmt::format("role() {{\n  {}{} --query \"$1\" --output \"$2\"\n}}\n",
                     iam_call(places, "get-role"), sh_flag("--role-name", places.role));
}

// Vesto's role with its trust policy, whether it is there or not. Sessions only become longer.
std::string role_with_trust(const DestinationConfig& to, const KitFacts& facts,
                            const Places& places) {
  const std::string trust = trust_policy_for(to, facts);
  const int64_t session_s = to.auth.session_duration_s;
  const std::string longer =
      session_s > kDefaultSessionS ? fmt::format(" --max-session-duration {}", session_s) : "";
  std::string out = fmt::format("TRUST={}\n", sh_quote(trust)) + role_function(places);
  out += "if role Role.RoleName text >/dev/null 2>&1; then\n" +
         trust_of_role(to, facts, places, trust);
  if (!longer.empty()) {
    out += "  LONGEST=$(role Role.MaxSessionDuration text)\n";
    out +=
        "  case $LONGEST in '' | *[!0-9]*) echo 'AWS does not tell how long sessions may be.' "
        ">&2; exit 1 ;; esac\n";
    out +=
        fmt::format("  [ \"$LONGEST\" -ge {} ] ||\n    {}{}{}\n", session_s,
                    iam_call(places, "update-role"), sh_flag("--role-name", places.role), longer);
  }
  return out + "else\n" + role_guard(to, places) +
         create_role(to, places, places.role, places.role_path, longer) + "fi\n";
}

// "user" or "role", and the flag that names the one whom Vesto works as.
std::string worker_kind(const Places& places) {
  return places.actor == Actor::kKeyUser || places.actor == Actor::kOwnUser ? "user" : "role";
}
std::string worker_flag(const Places& places) {
  return worker_kind(places) == "user" ? sh_flag("--user-name", places.user)
                                       : sh_flag("--role-name", places.role);
}

// Its rights onto whom Vesto works as. Behind work_guards().
std::string put_work_policy(const DestinationConfig& to, const KitFacts& facts,
                            const Places& places) {
  return put_policy(places, worker_kind(places), worker_flag(places), places.policy,
                    permission_policy_for(to, facts));
}

std::string policy_names_steps(const Places& places) {
  const std::string kind = worker_kind(places);
  return iam_call(places, fmt::format("list-{}-policies", kind)) + worker_flag(places) + "\n" +
         iam_call(places, fmt::format("list-attached-{}-policies", kind)) + worker_flag(places) +
         "\n";
}

// What else may let Vesto list the bucket, for a person to look at.
std::string other_listing_steps(const DestinationConfig& to, const Places& places) {
  const std::string kind = worker_kind(places);
  std::string out = fmt::format(
      "OTHERS=$({}{} --output text \\\n    --query \"PolicyNames[?@ != '{}']\")\n",
      iam_call(places, fmt::format("list-{}-policies", kind)), worker_flag(places), places.policy);
  out += fmt::format(
      "ATTACHED=$({}{} \\\n    --query 'AttachedPolicies[].PolicyName' --output text)\n",
      iam_call(places, fmt::format("list-attached-{}-policies", kind)), worker_flag(places));
  out += fmt::format(
      "[ -z \"$OTHERS$ATTACHED\" ] || printf '%s\\n' {} \"$OTHERS $ATTACHED\" >&2\n",
      sh_quote(fmt::format("The {} has other policies, which may list the whole bucket: take "
                           "s3:ListBucket out of them, or put a condition on s3:prefix there:",
                           kind)));
  out += fmt::format("POLICY=$({} 2>&1) || case $POLICY in\n",
                     on_bucket("get-bucket-policy", to, places) + " --query Policy --output text");
  out += "  *'(NoSuchBucketPolicy)'*) POLICY= ;;\n  *) echo \"$POLICY\" >&2; exit 1 ;;\nesac\n";
  return out + "case $(printf '%s' \"$POLICY\" | tr -d '[:space:]' | tr 'A-Z' 'a-z') in\n" +
         "  *s3:list* | *'\"s3:*\"'* | *'\"action\":\"*\"'*)\n    printf '%s\\n' " +
         sh_quote(
             "The bucket has a policy of its own, which speaks of listing as well. Take what "
             "allows it (\"Effect\": \"Allow\") to everybody, or to this identity, out of it:") +
         " \"$POLICY\" >&2 ;;\nesac\n";
}

std::string who_is_trusted(const DestinationConfig& to) {
  if (to.auth.identity == "google") return "Vesto's Google identity, for this destination alone";
  return to.auth.external_id.empty() ? "Vesto" : "Vesto, by an external id";
}

}  // namespace

std::string on_bucket(std::string_view operation, const DestinationConfig& to,
                      const Places& places) {
  return regional_call(fmt::format("s3api {}", operation), places.bucket_region) +
         sh_flag("--bucket", to.bucket);
}

// How a role is known again that this kit has made for this destination.
std::string made_by_kit(const DestinationConfig& to) {
  return "Made by the kit of Vesto for the destination " + to.name;
}

std::string create_role(const DestinationConfig& to, const Places& places, const std::string& role,
                        const std::string& path, std::string_view longer) {
  return fmt::format(
      "  {}{}{}{} \\\n   {} \\\n    --assume-role-policy-document \"$TRUST\" >/dev/null\n",
      iam_call(places, "create-role"), sh_flag("--role-name", role),
      path == "/" ? "" : sh_flag("--path", path), longer,
      sh_flag("--description", made_by_kit(to)));
}

std::string work_guards(const DestinationConfig& to, const Places& places) {
  const std::string kind = worker_kind(places);
  return step(
             "Nothing is changed where the policy that stands is for another bucket, prefix or "
             "warehouse") +
         read_standing(places, kind, worker_flag(places), places.policy) +
         bucket_guard_standing(to) + warehouse_guard(to, places) +
         (places.actor == Actor::kRole ? "" : assumed_role_guard(to)) +
         deny_guard(places, kind, worker_flag(places), places.policy);
}

// The policy of a user whose key assumes a role must let it assume that one already, or nothing.
std::string key_guards(const DestinationConfig& to, const Places& places) {
  const std::string user = sh_flag("--user-name", places.user);
  return step(
             "Nothing is changed where the policy that the user has is for another role or "
             "bucket, or for a login") +
         read_standing(places, "user", user, places.policy) + assumed_role_guard(to) +
         bucket_guard_standing(to) + login_guard(kAssumesAlone) +
         deny_guard(places, "user", user, places.policy);
}

std::string bucket_steps(const DestinationConfig& to, const Places& places) {
  const bool no_constraint = places.bucket_region == "us-east-1";
  std::string out = step("The bucket, where it is not there yet: s3.bucket, s3.public");
  // us-east-1 lets one make one's bucket twice: only "404" says that there is none.
  out += fmt::format(
      "MADE=no\n"
      "if ! FOUND=$({} 2>&1); then\n"
      "  case $FOUND in *'(404)'*) ;; *) echo \"$FOUND\" >&2; exit 1 ;; esac\n"
      "{}  {}{} >/dev/null\n"
      "  MADE=yes\n"
      "fi\n",
      on_bucket("head-bucket", to, places), bucket_guard_near(to, places),
      on_bucket("create-bucket", to, places),
      no_constraint ? ""
                    : " \\\n   " + sh_flag("--create-bucket-configuration",
                                           "LocationConstraint=" + places.bucket_region));
  out += bucket_guard(to, places);
  out += step(
      "What a run that was killed leaves behind goes by itself: files after 3 days, unfinished "
      "uploads after 1: s3.lifecycle");
  return out + lifecycle_steps(to, places);
}

std::string role_steps(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  const bool user = places.actor == Actor::kOwnUser;
  std::string out;
  if (places.actor == Actor::kRole) {
    out += step(fmt::format("The role {}, which trusts {}: aws.assume_role, aws.trust_bound",
                            places.role, who_is_trusted(to)));
    out += role_with_trust(to, facts, places);
  }
  out += step(fmt::format("What the {} {} may do: s3.put, s3.list, s3.get, s3.delete{}",
                          user ? "user" : "role", user ? places.user : places.role,
                          to.auth.method == "iam_role" ? ", redshift.credentials" : ""));
  return out + put_work_policy(to, facts, places);
}

std::string key_steps(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  const std::string name = sh_flag("--user-name", places.user);
  std::string out = step(fmt::format(
      "The user {}{}: aws.key", places.user,
      places.user_elsewhere ? ", in the account " + account_of_arn(places.principal_arn) : ""));
  // A trust policy may name the user only once IAM knows it everywhere.
  out += fmt::format("if ! {0}{3} >/dev/null 2>&1; then\n  {1}{3} >/dev/null\n  {2}{3}\nfi\n",
                     iam_call(places, "get-user"), iam_call(places, "create-user"),
                     iam_call(places, "wait user-exists"), name);
  out +=
      step(to.auth.role_arn.empty() ? "What it may do: s3.put, s3.list, s3.get, s3.delete"
                                    : "It may assume the role, and nothing else: aws.assume_role");
  out += to.auth.role_arn.empty()
             ? put_work_policy(to, facts, places)
             : put_policy(places, "user", name, places.policy, key_policy_for(to, facts));
  out += step(fmt::format(
      "Its key, if it has none. The secret is shown this once; both go into [destination.{}.auth], "
      "access_key_id and secret_access_key: aws.key",
      to.name));
  out +=
      fmt::format("KEYS=$({}{} \\\n    --query 'AccessKeyMetadata[].AccessKeyId' --output text)\n",
                  iam_call(places, "list-access-keys"), name);
  out += fmt::format("case $KEYS in\n  '' | None) {}{} ;;\n", iam_call(places, "create-access-key"),
                     name);
  // Its secret cannot be shown again, and a key that stands may be in use.
  const std::string how = fmt::format(
      "It is left as it is, for it may be in use. To replace it, as where its secret is lost: "
      "{0}{1}; "
      "write both into [destination.{2}.auth]; once vesto destination test {2} is green: {3}{1} "
      "--access-key-id ID (the old one). IAM gives a user two keys at most.",
      iam_call(places, "create-access-key"), name, to.name, iam_call(places, "delete-access-key"));
  return out + "  *) printf '%s\\n' \"The user has a key already: $KEYS\" \\\n    " +
         sh_quote(how) + " >&2 ;;\nesac\n";
}

std::string role_part(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  return work_guards(to, places) + role_steps(to, facts, places);
}

std::string key_part(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  const bool works = places.actor == Actor::kKeyUser;
  return (works ? work_guards(to, places) : key_guards(to, places)) + key_steps(to, facts, places);
}

}  // namespace kit

std::string put_policy_shell(const DestinationConfig& destination, const KitFacts& facts) {
  const kit::Places places = kit::places_of(destination, facts);
  // A guard ends the shell that it stands in.
  return kit::shell_apart(
      kit::account_guard(destination, places, "role"),
      kit::work_guards(destination, places) + kit::put_work_policy(destination, facts, places),
      destination, places);
}

std::string part_shell(const DestinationConfig& destination, const KitFacts& facts,
                       std::string_view part) {
  const kit::Places places = kit::places_of(destination, facts);
  std::string steps;
  if (part == "bucket") steps = kit::bucket_steps(destination, places);
  if (part == "public-access") steps = kit::public_access_block(destination, places) + "\n";
  if (part == "lifecycle") steps = "MADE=no\n" + kit::lifecycle_steps(destination, places);
  if (part == "listing") {
    steps = kit::work_guards(destination, places) +
            kit::put_work_policy(destination, facts, places) +
            kit::other_listing_steps(destination, places);
  }
  if (part == "policies") steps = kit::policy_names_steps(places);
  if (part == "bucket-policy") {
    steps = kit::on_bucket("get-bucket-policy", destination, places) +
            " --query Policy --output text\n";
  }
  if (part == "key") steps = kit::key_part(destination, facts, places);
  if (part == "asker") steps = kit::asker_part(destination, facts, places);
  if (part == "role") steps = kit::role_part(destination, facts, places);
  if (part == "copy-role") steps = kit::copy_role_part(destination, facts, places);
  if (part == "network") steps = kit::network_steps(destination, facts, places);
  if (steps.empty()) return "";
  return kit::shell_apart(kit::account_guard(destination, places, part), steps, destination,
                          places);
}

std::string trust_shell(const DestinationConfig& destination, const KitFacts& facts) {
  const kit::Places places = kit::places_of(destination, facts);
  const std::string users = account_of_arn(places.principal_arn);
  const bool two_accounts = places.user_elsewhere || (places.own_elsewhere && !users.empty());
  if (!two_accounts) return part_shell(destination, facts, "role");
  // Two accounts, and AWS does not tell which of them refuses: each admin pastes the same. The
  // warehouse may be of a third one, and is looked for in the role's alone.
  const std::string roles = account_of_arn(destination.auth.role_arn);
  const std::string asking = places.user_elsewhere ? kit::key_part(destination, facts, places)
                                                   : kit::asker_part(destination, facts, places);
  const std::string steps = fmt::format(
      "# For the admin of each of the two accounts.\n"
      "case $({} --query Account --output text) in\n{})\n{};;\n{})\n{};;\n"
      "*) echo 'This is for the accounts {} and {}.' >&2; exit 1 ;;\nesac\n",
      kit::regional_call("sts get-caller-identity", places.region), users,
      kit::with_lookups(asking, destination, places), roles,
      kit::with_lookups(kit::role_part(destination, facts, places), destination, places), users,
      roles);
  return kit::shell_apart("", steps, destination, places);
}

}  // namespace vesto
