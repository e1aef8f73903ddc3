// The role that is attached to the warehouse, by which COPY reads.
#include <fmt/format.h>

#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_aws.h"
#include "kit/shell_guards.h"

namespace vesto::kit {

namespace {

// One that is there may serve others as well: what it trusts stays.
std::string copy_role_with_trust(const DestinationConfig& to, const Places& places,
                                 const std::string& name) {
  return fmt::format("if {}{} >/dev/null 2>&1; then\n{}else\n  TRUST={}\n{}{}fi\n",
                     iam_call(places, "get-role"), name, trust_of_copy_role(to, places, name),
                     sh_quote(copy_trust_for(to)), copy_role_guard(to, places),
                     create_role(to, places, places.copy_role, places.copy_role_path, ""));
}

// NAMESPACE, whose roles those of the workgroup are.
std::string namespace_look_up(const Places& places) {
  return fmt::format("NAMESPACE=$({}{} \\\n    --query workgroup.namespaceName --output text)\n",
                     regional_call("redshift-serverless get-workgroup", places.region),
                     sh_flag("--workgroup-name", places.warehouse)) +
         told("NAMESPACE");
}

std::string get_namespace(const Places& places) {
  return regional_call("redshift-serverless get-namespace", places.region) +
         " --namespace-name \"$NAMESPACE\"";
}

// The namespace's roles are set all at once: those that are attached already go in again. AWS tells
// each as "IamRole(applyStatus=..., iamRoleArn=...)", in either order, or as its ARN alone. Paths
// may hold any character but a blank, so that only the frame is cut off; what is no role's ARN then
// stops the script, as it would be detached.
std::string attach_serverless(const Places& places, std::string_view as_default) {
  std::string out =
      fmt::format("ROLES=$({} \\\n    --query 'namespace.iamRoles[].[@]' --output text)\n",
                  get_namespace(places));
  out +=
      "ROLES=$(printf '%s\\n' \"$ROLES\" |\n"
      "  sed -e 's/^IamRole(\\(applyStatus=[^ ]*, \\)\\{0,1\\}iamRoleArn=//' \\\n"
      "    -e 's/, applyStatus=[^ ]*$//' -e 's/)$//')\n"
      "(\n"
      "  set -f\n"
      "  IFS='\n'\n"
      "  set -- \"$COPY_ROLE\"\n"
      "  for ROLE in $ROLES; do\n"
      "    case $ROLE in\n"
      "      None | \"$COPY_ROLE\") continue ;;\n"
      "      *[[:space:]]*) ;;\n"
      "      arn:*:role/*) set -- \"$@\" \"$ROLE\"; continue ;;\n"
      "    esac\n"
      "    echo \"AWS tells the attached roles in another way: $ROLE\" >&2\n"
      "    exit 1\n"
      "  done\n";
  out +=
      fmt::format("  {} --namespace-name \"$NAMESPACE\" \\\n    --iam-roles \"$@\"{} >/dev/null\n",
                  regional_call("redshift-serverless update-namespace", places.region), as_default);
  return out + ")\n";
}

std::string attach(const DestinationConfig& to, const Places& places, std::string_view as_default) {
  if (to.serverless) return attach_serverless(places, as_default);
  return fmt::format("{}{} \\\n  --add-iam-roles \"$COPY_ROLE\"{} >/dev/null\n",
                     regional_call("redshift modify-cluster-iam-roles", places.region),
                     sh_flag("--cluster-identifier", places.warehouse), as_default);
}

// DEFAULT: the role's ARN that COPY takes by IAM_ROLE default, '' or None where there is none.
std::string default_look_up(const DestinationConfig& to, const Places& places) {
  if (to.serverless) {
    return fmt::format("DEFAULT=$({} \\\n    --query namespace.defaultIamRoleArn --output text)\n",
                       get_namespace(places));
  }
  return fmt::format(
      "DEFAULT=$({}{} \\\n    --query 'Clusters[0].DefaultIamRoleArn' --output text)\n",
      regional_call("redshift describe-clusters", places.region),
      sh_flag("--cluster-identifier", places.warehouse));
}

// The role may be shared, the warehouse's default above all; the policy's name is made of the
// destination's alone. `name`: a word of sh with its flag.
std::string copy_policy_guard(const DestinationConfig& to, const Places& places,
                              const std::string& name) {
  return read_standing(places, "role", name, places.copy_policy) + bucket_guard_standing(to) +
         deny_guard(places, "role", name, places.copy_policy);
}

// The role of our own for COPY, made and attached.
std::string own_copy_role(const DestinationConfig& to, const KitFacts& facts, const Places& places,
                          std::string_view as_default) {
  const std::string name = sh_flag("--role-name", places.copy_role);
  std::string out = copy_role_with_trust(to, places, name);
  out += put_policy(places, "role", name, places.copy_policy, copy_policy_for(to, facts));
  out += fmt::format("COPY_ROLE=$({}{} --query Role.Arn --output text)\n",
                     iam_call(places, "get-role"), name);
  out += told("COPY_ROLE");
  out += step("It is attached to the warehouse; roles that are attached already stay");
  return out + attach(to, places, as_default);
}

// Of the warehouse's default role, whatever it is.
constexpr std::string_view kDefaultRole = " --role-name \"${DEFAULT##*/}\"";

bool is_default(const DestinationConfig& to) { return to.auth.copy_role_arn == "default"; }

}  // namespace

std::string copy_role_guards(const DestinationConfig& to, const Places& places) {
  std::string out = step(
      "Nothing is changed where the policy of COPY's role that stands is for another bucket or "
      "prefix");
  if (to.serverless) out += namespace_look_up(places);
  const std::string own = copy_policy_guard(to, places, sh_flag("--role-name", places.copy_role));
  if (!is_default(to)) return out + own;
  return out + default_look_up(to, places) + "case $DEFAULT in\n'' | None)\n" + own + ";;\n*)\n" +
         copy_policy_guard(to, places, std::string(kDefaultRole)) + ";;\nesac\n";
}

std::string copy_role_steps(const DestinationConfig& to, const KitFacts& facts,
                            const Places& places) {
  if (!is_default(to)) {
    return step(fmt::format("The role {}, by which COPY reads the staged files: redshift.copy",
                            places.copy_role)) +
           own_copy_role(to, facts, places, "");
  }
  // Others load by the default too: where there is one it stays, and is only given more rights.
  std::string out = step(fmt::format(
      "The warehouse's default role, by which COPY reads the staged files; where it has none, "
      "{}: redshift.copy",
      places.copy_role));
  out += "case $DEFAULT in\n'' | None)\n";
  out += own_copy_role(to, facts, places, " --default-iam-role-arn \"$COPY_ROLE\"");
  out += ";;\n*)\n" + trust_of_copy_role(to, places, std::string(kDefaultRole));
  out += put_policy(places, "role", std::string(kDefaultRole), places.copy_policy,
                    copy_policy_for(to, facts));
  return out + ";;\nesac\n";
}

std::string copy_role_part(const DestinationConfig& to, const KitFacts& facts,
                           const Places& places) {
  return copy_role_guards(to, places) + copy_role_steps(to, facts, places);
}

}  // namespace vesto::kit
