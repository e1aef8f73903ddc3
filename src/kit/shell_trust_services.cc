// The trust policies of roles that services and pods assume: they are only added to.
// Sources: as shell_trust.cc.
#include <fmt/format.h>

#include "address/arn.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_aws.h"
#include "kit/shell_guards.h"
#include "kit/trust_query.h"

namespace vesto::kit {

namespace {

// Of a statement. Names of actions are written in whichever case.
constexpr const char* kLetsAssume =
    "Effect == `\"Allow\"` && (contains(to_string(Action), `\"ssumeRole\"`) ||\n"
    "    contains(to_string(Action), `\"*\"`))";

// Whether each of the services may assume the role: what is printed is how many may not. `more`: of
// the statement, as well.
std::string services_lacking(const std::vector<std::string>& services, std::string_view more) {
  std::string each;
  for (const std::string& service : services) {
    if (!each.empty()) each += ",\n    ";
    each += fmt::format("{}[?{} && contains(to_array(Principal.Service), {}){}]", kAll, kLetsAssume,
                        text_literal(service), more);
  }
  return sh_quote(fmt::format("length([{}][?!@])", each));
}

// $STATEMENT beside those that stand, into $TRUST.
std::string with_statement() {
  return "    KEPT=$(copy_role \"$ALL\" json)\n"
         "    case $KEPT in\n"
         "      '['*) TRUST=\"{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": "
         "[$STATEMENT,${KEPT#?}}\" ;;\n"
         "      *) echo 'AWS tells the trust policy in another way.' >&2; exit 1 ;;\n"
         "    esac\n";
}

}  // namespace

// A statement with conditions may let this warehouse in or not, which cannot be judged here: it
// stays, and is told of. Only the kit's own role is given what it lacks.
std::string trust_of_copy_role(const DestinationConfig& to, const Places& places,
                               const std::string& name) {
  const std::vector<std::string> services = copy_services(to);
  const std::string statement = statements_of(copy_trust_for(to));
  std::string out = fmt::format("  STATEMENT={}\n  ALL={}\n", sh_quote(statement), sh_quote(kAll));
  out += fmt::format("  copy_role() {{\n    {}{} --query \"$1\" --output \"$2\"\n  }}\n",
                     iam_call(places, "get-role"), name);
  // Each ends the script where the role may not be looked at.
  out += fmt::format("  LACKS=$(copy_role {} text)\n  NARROW=$(copy_role {} text)\n",
                     services_lacking(services, " && !Condition"), services_lacking(services, ""));
  out += fmt::format(
      "  if [ \"$LACKS\" = 0 ]; then\n    :\n"
      "  elif [ \"$NARROW\" = 0 ]; then\n"
      "    printf '%s\\n%s\\n%s\\n%s\\n' {} \"$(copy_role \"$ALL\" json)\" \\\n"
      "      'Where COPY is refused nevertheless, this is the statement that it needs:' "
      "\"$STATEMENT\" >&2\n",
      sh_quote("The trust policy of COPY's role lets Redshift in under conditions, which stay:"));
  out += fmt::format(
      "  elif [ \"$(copy_role Role.Description text)\" = {} ]; then\n{}    {}{} "
      "--policy-document \"$TRUST\"\n",
      sh_quote(made_by_kit(to)), with_statement(), iam_call(places, "update-assume-role-policy"),
      name);
  out += fmt::format(
      "  else\n    printf '%s\\n%s\\n' {} \"$STATEMENT\" >&2\n    exit 1\n  fi\n",
      sh_quote("COPY's role is there already and does not trust Redshift. Add this statement to "
               "its trust policy, then run this again:"));
  return out;
}

}  // namespace vesto::kit

namespace vesto {

std::string pod_trust_shell(const DestinationConfig& destination, const KitFacts& facts) {
  const kit::Places places = kit::places_of(destination, facts);
  const std::string role = role_name_of_arn(places.pod_role_arn);
  if (role.empty() || facts.pod_issuer.empty() || facts.pod_subject.empty()) return "";
  const std::string name = kit::sh_flag("--role-name", role);
  const std::string statement = kit::statements_of(kit::pod_trust_for(destination, facts));
  const std::string others = fmt::format(
      "to_array(Role.AssumeRolePolicyDocument.Statement)[?@ != {}]", kit::literal(statement));
  std::string steps = fmt::format("STATEMENT={}\n", kit::sh_quote(statement));
  steps += fmt::format("KEPT=$({}{} \\\n  --query {} --output json)\n",
                       kit::iam_call(places, "get-role"), name, kit::sh_quote(others));
  steps +=
      "case $KEPT in\n"
      "  '[]') ALL=\"[$STATEMENT]\" ;;\n"
      "  '['*) ALL=\"[$STATEMENT,${KEPT#?}\" ;;\n"
      "  *) echo 'AWS tells the trust policy in another way.' >&2; exit 1 ;;\nesac\n";
  steps += fmt::format("{}{} \\\n  --policy-document {}\n",
                       kit::iam_call(places, "update-assume-role-policy"), name,
                       "\"{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": $ALL}\"");
  return kit::shell_apart(kit::account_guard(destination, places, "eks-trust"), steps, destination,
                          places);
}

}  // namespace vesto
