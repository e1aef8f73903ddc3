// The trust policy of a role that is there already: what lets others use the role by this Vesto
// goes out of it, everything else stays.
// Sources: AWS CLI user guide, "Filtering output" (--query is JMESPath, of which merge() joins
// objects); jmespath.org, specification; IAM user guide, "IAM JSON policy elements" (Principal,
// condition operators). Pure; any thread.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "address/arn.h"
#include "base/json_text.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_aws.h"

namespace vesto::kit {

namespace {

constexpr const char* kAll = "to_array(Role.AssumeRolePolicyDocument.Statement)";
constexpr const char* kSub = "accounts.google.com:sub";
constexpr const char* kOaud = "accounts.google.com:oaud";
constexpr const char* kExternalId = "sts:ExternalId";

// JSON as a literal of JMESPath.
std::string literal(const std::string& json) { return "`" + replace_all(json, "`", "\\`") + "`"; }
std::string text_literal(std::string_view text) { return literal(json_quote(text)); }

std::string tested(std::string_view test, std::string_view key) {
  return fmt::format("Condition.{}.\"{}\"", test, key);
}

// What the key must equal. IfExists counts for what every request has.
std::string wanted(std::string_view key) {
  std::string out =
      "(" + tested("StringEquals", key) + " || " + tested("StringEqualsIgnoreCase", key);
  if (key != kExternalId) out += " || " + tested("StringEqualsIfExists", key);
  return out + " || " + tested("StringLike", key) + ")";
}

// Whether it is tested for equality: a pattern takes what nobody has thought of.
std::string is_equal(std::string_view key) {
  const std::string like = fmt::format("to_string({})", tested("StringLike", key));
  return fmt::format("{} && !contains({}, `\"*\"`) && !contains({}, `\"?\"`)", wanted(key), like,
                     like);
}

std::string none_of(const std::vector<std::string>& foreign, std::string_view key) {
  if (foreign.empty()) return "";
  return fmt::format(" && !(to_array({})[?contains({}, @)])", wanted(key),
                     literal(nlohmann::json(foreign).dump()));
}

// Of statements, as conditions of JMESPath.
struct Loose {
  std::string is;      // lets others use the role by Vesto; "" where nothing can
  std::string others;  // whom it lets in beside us
  std::string change;  // the statement for those others alone
};

// One that asks for no subject, for ours without the audience, or for an audience of others.
Loose loose_google(const DestinationConfig& to, const KitFacts& facts) {
  const std::string sub = text_literal(or_placeholder(facts.google_sub, "GOOGLE_SUB"));
  const std::string federated = "to_array(Principal.Federated)";
  Loose out;
  out.is = fmt::format(
      "Effect == `\"Allow\"` && (Principal == `\"*\"` ||\n"
      "    contains({0}, `\"accounts.google.com\"`) || contains({0}, `\"*\"`)) &&\n"
      "    !({1} &&\n"
      "      (!contains(to_array({2}), {3}) ||\n"
      "       {4}{5}))",
      federated, is_equal(kSub), wanted(kSub), sub, is_equal(kOaud),
      none_of(facts.foreign_names, kOaud));
  out.others = fmt::format("{}[?@ != {}]", tested("StringEquals", kSub), sub);
  out.change = fmt::format(
      "{{Condition: merge(Condition, {{StringEquals:\n"
      "    merge(Condition.StringEquals, {{\"{}\": {}}})}})}}",
      kSub, out.others);
  return to.auth.audience.empty() ? Loose{} : out;
}

// One that names us, our account or everybody, and asks for no external id or for one of others.
Loose loose_account(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  if (to.auth.external_id.empty()) return {};
  std::vector<std::string> us = {"*", or_placeholder(places.principal_arn, "PRINCIPAL_ARN")};
  if (const std::string account = account_of_arn(places.principal_arn); !account.empty()) {
    us.push_back(account);
    us.push_back(fmt::format("arn:{}:iam::{}:root", places.partition, account));
  }
  const std::string names = literal(nlohmann::json(us).dump());
  const std::string action = "to_string(Action)";
  Loose out;
  out.is = fmt::format(
      "Effect == `\"Allow\"` && (contains({0}, `\"ssume\"`) || contains({0}, `\"*\"`)) &&\n"
      "    (Principal == `\"*\"` || to_array(Principal.AWS)[?contains({1}, @)]) &&\n"
      "    !({2}{3})",
      action, names, is_equal(kExternalId), none_of(facts.foreign_names, kExternalId));
  const std::string others = fmt::format("to_array(Principal.AWS)[?!contains({}, @)]", names);
  out.others = "Principal.AWS && " + others;
  out.change = fmt::format("{{Principal: merge(Principal, {{AWS: {}}})}}", others);
  return out;
}

// The statements of a policy without their brackets, as one line.
std::string statements_of(const std::string& policy) {
  const auto json = nlohmann::ordered_json::parse(policy, nullptr, false);
  if (!json.is_object() || !json.contains("Statement")) return policy;
  const std::string list = json["Statement"].dump();
  return list.size() < 2 ? policy : list.substr(1, list.size() - 2);
}

// $FOUND: what is loose; $OURS: how often our statement stands there.
std::string look(const Loose& loose, const std::string& statement) {
  std::string out = fmt::format("  ALL={}\n", sh_quote(kAll));
  out += fmt::format("  IS_OURS={}\n", sh_quote("@ == " + literal(statement)));
  out += "  OURS=$(role \"length(${ALL}[?${IS_OURS}])\" text)\n";
  if (loose.is.empty()) return out + "  FOUND='[]'\n";
  out += fmt::format("  IS_LOOSE={}\n", sh_quote(loose.is));
  return out + "  FOUND=$(role \"${ALL}[?${IS_LOOSE}]\" json)\n";
}

// $TRUST becomes our statement and those that stay.
// In '...' alone: a shell that is typed into takes ! for its history elsewhere.
std::string without_loose(const Loose& loose, const std::string& statement) {
  const std::string stays = fmt::format("!(@ == {}) && !({})", literal(statement), loose.is);
  std::string out = fmt::format("    STAYS={}\n    OTHERS={}\n    CHANGE={}\n", sh_quote(stays),
                                sh_quote(loose.others), sh_quote(loose.change));
  out +=
      "    KEPT=$(role \"[${ALL}[?${STAYS}],\n"
      "      ${ALL}[?(${IS_LOOSE}) && (${OTHERS})].merge(@, ${CHANGE})][]\" json)\n"
      "    TRUST=\"{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": [$STATEMENT]}\"\n"
      "    case $KEPT in\n"
      "      '[]') ;;\n"
      "      '['*) TRUST=\"${TRUST%]?},${KEPT#?}}\" ;;\n"
      "      *) echo 'AWS tells the trust policy in another way.' >&2; exit 1 ;;\n"
      "    esac\n"
      "    printf '%s\\n%s\\n' 'These statements of the trust policy let others use the role by "
      "Vesto. What lets them is taken out:' \"$FOUND\" >&2\n";
  return out;
}

}  // namespace

// Its trust policy is replaced where this kit has made the role for this destination and nobody has
// added to it. Of another's only what is loose goes, which makes it narrower alone: where nothing
// is, the role did not trust us yet, perhaps as it is not the one that is meant. Then our statement
// is printed, to be added by hand.
std::string trust_of_role(const DestinationConfig& to, const KitFacts& facts, const Places& places,
                          const std::string& trust) {
  const Loose loose =
      to.auth.identity == "google" ? loose_google(to, facts) : loose_account(to, facts, places);
  const std::string statement = statements_of(trust);
  const std::string update = iam_call(places, "update-assume-role-policy") +
                             sh_flag("--role-name", places.role) + " --policy-document \"$TRUST\"";
  std::string out = fmt::format("  STATEMENT={}\n", sh_quote(statement)) + look(loose, statement);
  out += "  if [ \"$FOUND\" = '[]' ] && [ \"$OURS\" != 0 ]; then\n    :\n";
  out += fmt::format(
      "  elif [ \"$(role Role.Description text)\" = {} ] &&\n"
      "      [ \"$(role \"length(${{ALL}})\" text)\" = 1 ]; then\n    {}\n",
      sh_quote(made_by_kit(to)), update);
  if (!loose.is.empty()) {
    out += "  elif [ \"$FOUND\" != '[]' ]; then\n" + without_loose(loose, statement) + "    " +
           update + "\n";
  }
  return out +
         "  else\n"
         "    printf '%s\\n%s\\n' 'The role is there already and trusts others, who stay. Add this "
         "statement to its trust policy, then run this again:' \\\n"
         "      \"$STATEMENT\" >&2\n"
         "    exit 1\n"
         "  fi\n";
}

}  // namespace vesto::kit
