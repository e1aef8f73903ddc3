// The right of whom Vesto runs as to assume a role of another account.
// Source: IAM user guide, "Cross-account policy evaluation logic".
#include <fmt/format.h>

#include "address/arn.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_aws.h"
#include "kit/shell_guards.h"

namespace vesto::kit {

namespace {

// Who Vesto runs as, and assumes a role: "role" or "user", and the flag that names it.
struct Own {
  std::string kind;
  std::string flag;
};

Own own_identity(const Places& places) {
  if (places.principal_arn.find(":user/") != std::string::npos) {
    return {.kind = "user", .flag = sh_flag("--user-name", places.user)};
  }
  const std::string role = role_name_of_arn(places.principal_arn);
  return {.kind = "role", .flag = sh_flag("--role-name", or_placeholder(role, "ROLE_NAME"))};
}

std::string steps_of(const Own& own, const DestinationConfig& to, const KitFacts& facts,
                     const Places& places) {
  return step(fmt::format("Nothing is changed where the policy that the {} has is for another role",
                          own.kind)) +
         read_standing(places, own.kind, own.flag, places.policy) + assumed_role_guard(to) +
         login_guard(kAssumesAlone) + deny_guard(places, own.kind, own.flag, places.policy) +
         step(fmt::format("The {} that Vesto runs as may assume {}: aws.assume_role", own.kind,
                          to.auth.role_arn)) +
         put_policy(places, own.kind, own.flag, places.policy, key_policy_for(to, facts));
}

// What account_guard() does where the configuration tells the account: the ARN's fifth field does
// here. Names alone would put the policy onto somebody of that name in another account.
std::string own_account_guard(const Places& places) {
  return fmt::format(
      "OWN=${{ASKER#*:*:*:*:}}\nOWN=${{OWN%%:*}}\n"
      "HERE=$({} --query Account --output text)\n"
      "if [ \"$HERE\" != \"$OWN\" ]; then\n"
      "  printf '%s\\n' \"$ASKER is of the account $OWN, and this runs in $HERE: "
      "is there a typo, or are these keys of another account?\" >&2\n"
      "  exit 1\nfi\n",
      regional_call("sts get-caller-identity", places.region));
}

// A user or a role: nothing tells which.
std::string steps_of_unknown(const DestinationConfig& to, const KitFacts& facts,
                             const Places& places) {
  const auto named = [](const char* kind) {
    return Own{.kind = kind, .flag = fmt::format(" --{}-name \"${{ASKER##*/}}\"", kind)};
  };
  std::string out = step("Whom Vesto runs as: a user, or a role, also as a session of it tells it");
  out += fmt::format("ASKER={}\n", sh_quote(placeholder("PRINCIPAL_ARN")));
  out +=
      "case $ASKER in\n"
      "arn:*:assumed-role/*/*) ASKER=${ASKER%/*} ;;\n"
      "arn:*:user/* | arn:*:role/* | arn:*:assumed-role/*) ;;\n"
      "*) printf '%s\\n' \"This is no ARN of a user or a role: $ASKER\" >&2; exit 1 ;;\n"
      "esac\n";
  out += own_account_guard(places);
  out += "case $ASKER in\narn:*:user/*)\n" + steps_of(named("user"), to, facts, places);
  return out + ";;\n*)\n" + steps_of(named("role"), to, facts, places) + ";;\nesac\n";
}

}  // namespace

// IAM takes a role of another account alone where both sides say so: the role's trust, and this.
std::string asker_part(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  if (places.principal_arn.empty()) return steps_of_unknown(to, facts, places);
  return steps_of(own_identity(places), to, facts, places);
}

}  // namespace vesto::kit
