// Bucket, role, key and attached role, as steps for awscli.
// Sources: AWS CLI command reference (s3api, iam, redshift, redshift-serverless); Amazon S3 user
// guide (block public access, object ownership, lifecycle); "Authorizing Amazon Redshift to access
// AWS services".
#include <fmt/format.h>

#include "base/json_text.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"

namespace vesto {

namespace kit {

namespace {

constexpr int64_t kDefaultSessionS = 3600;  // that every role allows

std::string on_bucket(std::string_view operation, const DestinationConfig& to,
                      const Places& places) {
  return regional_call(fmt::format("s3api {}", operation), places.bucket_region) +
         sh_flag("--bucket", to.bucket);
}

std::string lifecycle_json(const DestinationConfig& to, const std::string& id) {
  return fmt::format(
      "{{\"Rules\": [{{\"ID\": {}, \"Status\": \"Enabled\",\n"
      "  \"Filter\": {{\"Prefix\": {}}},\n"
      "  \"Expiration\": {{\"Days\": 3}},\n"
      "  \"NoncurrentVersionExpiration\": {{\"NoncurrentDays\": 1}},\n"
      "  \"AbortIncompleteMultipartUpload\": {{\"DaysAfterInitiation\": 1}}}}]}}",
      json_quote(id), json_quote(to.prefix));
}

// Rules are set all at once: those that people have made stay, and this one is shown to them.
std::string lifecycle_steps(const DestinationConfig& to, const Places& places) {
  const std::string id = "vesto-" + to.name;
  std::string out = fmt::format("LIFECYCLE={}\n", sh_quote(lifecycle_json(to, id)));
  out += fmt::format("rules() {{\n  {} \\\n    --query 'Rules[].ID' --output text\n}}\n",
                     on_bucket("get-bucket-lifecycle-configuration", to, places));
  out +=
      "if ! RULES=$(rules 2>/dev/null); then\n"
      "  RULES=\n"
      "  case $(rules 2>&1 || true) in\n"
      "    *NoSuchLifecycleConfiguration*) ;;\n"
      "    *) echo 'The lifecycle rules of the bucket could not be read:' >&2; rules ;;\n"
      "  esac\n"
      "fi\n";
  // Tabs part the names; they are letters, digits, "-" and "_" here.
  out += fmt::format("case \" $(echo $RULES) \" in\n  '  ' | ' None ' | ' {} ')\n    {} \\\n", id,
                     on_bucket("put-bucket-lifecycle-configuration", to, places));
  return out + "      --lifecycle-configuration \"$LIFECYCLE\" ;;\n" +
         fmt::format("  *' {} '*) ;;\n", id) +
         "  *) printf '%s\\n%s\\n' 'The bucket has lifecycle rules already; add this one to them:'"
         " \\\n    \"$LIFECYCLE\" >&2 ;;\n"
         "esac\n";
}

std::string create_role(const Places& places, const std::string& role, const std::string& path,
                        std::string_view longer) {
  return fmt::format("  {}{}{}{} \\\n    --assume-role-policy-document \"$TRUST\" >/dev/null\n",
                     iam_call(places, "create-role"), sh_flag("--role-name", role),
                     path == "/" ? "" : sh_flag("--path", path), longer);
}

// Vesto's role with its trust policy, whether it is there or not.
std::string role_with_trust(const Places& places, const std::string& trust, int64_t session_s) {
  const std::string name = sh_flag("--role-name", places.role);
  const std::string longer =
      session_s > kDefaultSessionS ? fmt::format(" --max-session-duration {}", session_s) : "";
  std::string out = fmt::format("TRUST={}\n", sh_quote(trust));
  out += fmt::format("if {}{} >/dev/null 2>&1; then\n", iam_call(places, "get-role"), name);
  out += fmt::format("  {}{} --policy-document \"$TRUST\"\n",
                     iam_call(places, "update-assume-role-policy"), name);
  if (!longer.empty()) {
    out += fmt::format("  {}{}{}\n", iam_call(places, "update-role"), name, longer);
  }
  return out + "else\n" + create_role(places, places.role, places.role_path, longer) + "fi\n";
}

// One that is there may serve others as well: its trust policy stays.
std::string copy_role_with_trust(const Places& places, const std::string& trust) {
  return fmt::format("TRUST={}\n{}{} >/dev/null 2>&1 ||\n{}", sh_quote(trust),
                     iam_call(places, "get-role"), sh_flag("--role-name", places.copy_role),
                     create_role(places, places.copy_role, places.copy_role_path, ""));
}

// `kind`: "role" or "user".
std::string put_policy(const Places& places, std::string_view kind, const std::string& name,
                       const std::string& policy) {
  return fmt::format("{}{}{} \\\n  --policy-document {}\n",
                     iam_call(places, fmt::format("put-{}-policy", kind)),
                     sh_flag(fmt::format("--{}-name", kind), name),
                     sh_flag("--policy-name", places.policy), sh_quote(policy));
}

// The namespace's roles are set all at once.
std::string attach_serverless(const Places& places, bool as_default) {
  const std::string name = " --namespace-name \"$NAMESPACE\"";
  std::string out =
      fmt::format("NAMESPACE=$({}{} \\\n    --query workgroup.namespaceName --output text)\n",
                  regional_call("redshift-serverless get-workgroup", places.region),
                  sh_flag("--workgroup-name", places.warehouse));
  out += fmt::format("ROLES=$({}{} \\\n    --query namespace.iamRoles --output text)\n",
                     regional_call("redshift-serverless get-namespace", places.region), name);
  out +=
      "ROLES=$(printf '%s' \"$ROLES\" | grep -o 'arn:[^,)[:space:]]*:role/[^,)[:space:]]*' |\n"
      "  grep -vxF \"$COPY_ROLE\" || true)\n";
  out += fmt::format("{}{} \\\n  --iam-roles $ROLES \"$COPY_ROLE\"{} >/dev/null\n",
                     regional_call("redshift-serverless update-namespace", places.region), name,
                     as_default ? " --default-iam-role-arn \"$COPY_ROLE\"" : "");
  return out;
}

std::string who_is_trusted(const DestinationConfig& to, const Places& places) {
  if (to.auth.identity == "google") return "Vesto's Google identity, for this destination alone";
  if (places.actor == Actor::kPod) return "Vesto's pod";
  return to.auth.external_id.empty() ? "Vesto" : "Vesto, by an external id";
}

}  // namespace

std::string bucket_steps(const DestinationConfig& to, const Places& places) {
  const bool no_constraint = places.bucket_region == "us-east-1";
  std::string out = step("The bucket, where it is not there yet: s3.bucket");
  out += fmt::format("{} >/dev/null 2>&1 ||\n  {}{} >/dev/null\n",
                     on_bucket("head-bucket", to, places), on_bucket("create-bucket", to, places),
                     no_constraint
                         ? ""
                         : " \\\n   " + sh_flag("--create-bucket-configuration",
                                                "LocationConstraint=" + places.bucket_region));
  out += step("No access lists: whoever writes an object, it is the bucket owner's");
  out += on_bucket("put-bucket-ownership-controls", to, places) +
         " \\\n  --ownership-controls 'Rules=[{ObjectOwnership=BucketOwnerEnforced}]'\n";
  out += step("Nothing of it is ever public");
  out += on_bucket("put-public-access-block", to, places) +
         " \\\n  --public-access-block-configuration "
         "BlockPublicAcls=true,IgnorePublicAcls=true,BlockPublicPolicy=true,"
         "RestrictPublicBuckets=true\n";
  out += step(
      "What a run that was killed leaves behind goes by itself: files after 3 days, unfinished "
      "uploads after 1");
  return out + lifecycle_steps(to, places);
}

std::string role_steps(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  std::string out;
  if (places.actor == Actor::kRole || places.actor == Actor::kPod) {
    out += step(fmt::format("The role {}, which trusts {}: aws.assume_role, aws.trust_bound",
                            places.role, who_is_trusted(to, places)));
    out += role_with_trust(places, trust_policy_for(to, facts), to.auth.session_duration_s);
  }
  out +=
      step(fmt::format("What the role {} may do: s3.put, s3.list, s3.get, s3.delete{}", places.role,
                       to.auth.method == "iam_role" ? ", redshift.credentials" : ""));
  return out + put_policy(places, "role", places.role, permission_policy_for(to, facts));
}

std::string key_steps(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  const std::string name = sh_flag("--user-name", places.user);
  std::string out = step(fmt::format("The user {}: aws.key", places.user));
  out += fmt::format("{0}{2} >/dev/null 2>&1 || {1}{2} >/dev/null\n", iam_call(places, "get-user"),
                     iam_call(places, "create-user"), name);
  out +=
      step(to.auth.role_arn.empty() ? "What it may do: s3.put, s3.list, s3.get, s3.delete"
                                    : "It may assume the role, and nothing else: aws.assume_role");
  out += put_policy(places, "user", places.user, key_policy_for(to, facts));
  out += step(fmt::format(
      "Its key, if it has none. The secret is shown this once; both go into [destination.{}.auth], "
      "access_key_id and secret_access_key: aws.key",
      to.name));
  out +=
      fmt::format("KEYS=$({}{} \\\n    --query 'AccessKeyMetadata[].AccessKeyId' --output text)\n",
                  iam_call(places, "list-access-keys"), name);
  out += fmt::format("case $KEYS in\n  '' | None) {}{} ;;\n", iam_call(places, "create-access-key"),
                     name);
  return out + "  *) echo \"The user has a key already: $KEYS\" >&2 ;;\nesac\n";
}

std::string copy_role_steps(const DestinationConfig& to, const KitFacts& facts,
                            const Places& places) {
  const bool as_default = to.auth.copy_role_arn == "default";
  std::string out = step(fmt::format(
      "The role {}, by which COPY reads the staged files: redshift.copy", places.copy_role));
  out += copy_role_with_trust(places, copy_trust_for(to));
  out += put_policy(places, "role", places.copy_role, copy_policy_for(to, facts));
  out += fmt::format("COPY_ROLE=$({}{} --query Role.Arn --output text)\n",
                     iam_call(places, "get-role"), sh_flag("--role-name", places.copy_role));
  out += step("It is attached to the warehouse; roles that are attached already stay");
  if (to.serverless) return out + attach_serverless(places, as_default);
  out += fmt::format("{}{} \\\n  --add-iam-roles \"$COPY_ROLE\"{} >/dev/null\n",
                     regional_call("redshift modify-cluster-iam-roles", places.region),
                     sh_flag("--cluster-identifier", places.warehouse),
                     as_default ? " --default-iam-role-arn \"$COPY_ROLE\"" : "");
  return out;
}

}  // namespace kit

std::string put_policy_shell(const DestinationConfig& destination, const KitFacts& facts) {
  const kit::Places places = kit::places_of(destination, facts);
  const bool user = places.actor == kit::Actor::kKeyUser;
  return kit::shell_line(
      kit::put_policy(places, user ? "user" : "role", user ? places.user : places.role,
                      permission_policy_for(destination, facts)),
      destination, places);
}

std::string trust_shell(const DestinationConfig& destination, const KitFacts& facts) {
  const kit::Places places = kit::places_of(destination, facts);
  return kit::shell_line(fmt::format("{}{} \\\n  --policy-document {}\n",
                                     kit::iam_call(places, "update-assume-role-policy"),
                                     kit::sh_flag("--role-name", places.role),
                                     kit::sh_quote(trust_policy_for(destination, facts))),
                         destination, places);
}

}  // namespace vesto
