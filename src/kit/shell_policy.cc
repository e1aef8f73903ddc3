// The policy of a role or user, as steps for awscli: what stands there is looked at, and replaced.
// Sources: AWS CLI command reference (iam get-role-policy, put-role-policy); IAM user guide, "IAM
// JSON policy elements: Statement" (one object, or a list of them). Pure; any thread.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/strings.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_aws.h"

namespace vesto::kit {

namespace {

// Of JMESPath. A policy's one statement need not stand in a list.
constexpr std::string_view kStatements = "to_array(PolicyDocument.Statement)";

std::string get_policy(const Places& places, std::string_view kind, const std::string& name,
                       const std::string& policy_name, const std::string& query) {
  return iam_call(places, fmt::format("get-{}-policy", kind)) + name +
         sh_flag("--policy-name", policy_name) +
         fmt::format(" \\\n  --query {} --output json", sh_quote(query));
}

// What `get` prints, `none` where there is no policy. One that cannot be read stops: it may be
// another's, and deny.
std::string read_or(std::string_view none, std::string_view variable, const std::string& get) {
  return fmt::format(
      "{0}=$({1} 2>&1) || case ${0} in\n"
      "  *'(NoSuchEntity)'*) {0}={2} ;;\n"
      "  *) printf '%s\\n' \"${0}\" >&2; exit 1 ;;\nesac\n",
      variable, get, none);
}

// `shown`: what is printed before, as lines indented by 4; "" where that has been done.
std::string stop_for_deny(std::string_view variable, const std::string& shown) {
  return fmt::format("case ${} in *'\"Deny\"'*)\n", variable) +
         "  if [ \"${NEW_POLICY:-}\" != yes ]; then\n" + shown +
         "    echo 'What denies keeps somebody out: the policy stays as it is. Put it into a "
         "policy of another name, then run this with NEW_POLICY=yes in the environment.' >&2\n"
         "    exit 1\n  fi ;;\nesac\n";
}

// Before a policy takes the place of one that stands: what somebody has put into that is shown, and
// what denies is asked about.
std::string not_kept(const Places& places, std::string_view kind, const std::string& name,
                     const std::string& policy_name, const std::string& policy) {
  const auto json = nlohmann::ordered_json::parse(policy, nullptr, false);
  const bool known = json.is_object() && json.contains("Statement");
  const std::string statements = known ? json["Statement"].dump() : "[]";
  const std::string query =
      fmt::format("{}[?!contains(`{}`, @)]", kStatements, replace_all(statements, "`", "\\`"));
  std::string out = read_or("'[]'", "LOST", get_policy(places, kind, name, policy_name, query));
  out +=
      fmt::format("[ \"$LOST\" = '[]' ] || printf '%s\\n%s\\n' {} \"$LOST\" >&2\n",
                  sh_quote(fmt::format("The policy {} is set anew. This was in it and is not kept:",
                                       policy_name)));
  return out + stop_for_deny("LOST", "");
}

}  // namespace

std::string put_policy(const Places& places, std::string_view kind, const std::string& name,
                       const std::string& policy_name, const std::string& policy) {
  return not_kept(places, kind, name, policy_name, policy) +
         fmt::format("{}{}{} \\\n  --policy-document {}\n",
                     iam_call(places, fmt::format("put-{}-policy", kind)), name,
                     sh_flag("--policy-name", policy_name), sh_quote(policy));
}

// No policy of the kit's denies anything, so that each Deny would be lost.
std::string deny_guard(const Places& places, std::string_view kind, const std::string& name,
                       const std::string& policy_name) {
  const std::string denies = fmt::format("{}[?Effect == `\"Deny\"`]", kStatements);
  const std::string shown = fmt::format(
      "    printf '%s\\n%s\\n' {} \"$DENIES\" >&2\n",
      sh_quote(fmt::format("The policy {} would be set anew. This is in it and would not be kept:",
                           policy_name)));
  return read_or("'[]'", "DENIES", get_policy(places, kind, name, policy_name, denies)) +
         stop_for_deny("DENIES", shown);
}

std::string read_standing(const Places& places, std::string_view kind, const std::string& name,
                          const std::string& policy_name) {
  return read_or("''", "STANDING",
                 get_policy(places, kind, name, policy_name,
                            fmt::format("{}[].[Action, Resource]", kStatements)));
}

}  // namespace vesto::kit
