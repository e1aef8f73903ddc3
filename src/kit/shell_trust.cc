// The trust policy of a role that is there already: what lets others use the role by this Vesto
// goes out of it, everything else stays.
// Sources: AWS CLI user guide, "Filtering output" (--query is JMESPath, of which merge() joins
// objects); jmespath.org, specification; IAM user guide, "IAM JSON policy elements" (Principal,
// condition operators). Pure; any thread.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "address/arn.h"
#include "base/strings.h"
#include "kit/parts.h"
#include "kit/quote.h"
#include "kit/shell.h"
#include "kit/shell_aws.h"
#include "kit/trust_query.h"

namespace vesto::kit {

namespace {

constexpr const char* kSub = "accounts.google.com:sub";
constexpr const char* kAud = "accounts.google.com:aud";
constexpr const char* kOaud = "accounts.google.com:oaud";
constexpr const char* kExternalId = "sts:ExternalId";

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

constexpr const char* kNoSid = "`{\"Sid\": \"\"}`";

// Whether the statement has these members and no other; a name of its own does not count, nor does
// whether its one action stands in a list.
std::string is_exactly(std::string_view action, const std::string& members) {
  return fmt::format(
      "to_array(Action) == `[\"{0}\"]` &&\n    "
      "merge(@, {1}) == merge({{Effect: `\"Allow\"`, Action: Action, {2}}}, {1})",
      action, kNoSid, members);
}

// Its condition: these keys alone, each equal to what it is there.
std::string equals_only(const std::vector<std::string_view>& keys) {
  std::string out;
  for (const std::string_view key : keys) {
    out += fmt::format("{}\"{}\": {}", out.empty() ? "" : ", ", key, tested("StringEquals", key));
  }
  return fmt::format(", Condition: {{StringEquals: {{{}}}}}", out);
}

constexpr const char* kByToken = "sts:AssumeRoleWithWebIdentity";
constexpr const char* kByKeys = "sts:AssumeRole";
constexpr const char* kGoogleMembers = "Principal: `{\"Federated\": \"accounts.google.com\"}`";
constexpr const char* kAccountMembers = "Principal: {AWS: Principal.AWS}";

std::string is_text(const std::string& value) { return "type(" + value + ") == `\"string\"`"; }

// What this kit writes, for whichever destination: single values and nothing else.
std::string written_by_kit() {
  const auto allow = [](const char* action) {
    return fmt::format("@ == {{Effect: `\"Allow\"`, Action: `\"{}\"`, ", action);
  };
  const std::string aws = is_text("Principal.AWS");
  return fmt::format("(({}{}{}}}) && {} && {}) ||\n", allow(kByToken), kGoogleMembers,
                     equals_only({kSub, kOaud}), is_text(tested("StringEquals", kSub)),
                     is_text(tested("StringEquals", kOaud))) +
         fmt::format("    (({}{}{}}}) && {} && {}) ||\n", allow(kByKeys), kAccountMembers,
                     equals_only({kExternalId}), aws,
                     is_text(tested("StringEquals", kExternalId))) +
         fmt::format("    (({}{}}}) && {})", allow(kByKeys), kAccountMembers, aws);
}

// Of a text: whether it names the role that assumes this one. A role's name is single in its
// account, whatever its path, which AWS does not tell of a session. "" where it is no role that
// assumes it.
std::string is_own_role(const Places& places, std::string_view text) {
  const std::string role = role_name_of_arn(places.principal_arn);
  if (role.empty()) return "";
  return fmt::format("(starts_with({0}, {1}) && ends_with({0}, {2}))", text,
                     text_literal(fmt::format("arn:{}:iam::{}:role/", places.partition,
                                              account_of_arn(places.principal_arn))),
                     text_literal("/" + role));
}

// Our statement, by whichever path it names that role.
std::string is_ours(const Places& places, const std::string& statement) {
  const std::string same = is_own_role(places, "to_string(Principal.AWS)");
  const std::string exactly = "@ == " + literal(statement);
  const nlohmann::json principal = {{"Principal", {{"AWS", places.principal}}}};
  if (same.empty() ||
      statement.find(nlohmann::json(places.principal).dump()) == std::string::npos) {
    return exactly;
  }
  return fmt::format(
      "{} ||\n    (Principal == {{AWS: Principal.AWS}} && {} &&\n"
      "    merge(@, {}) == {})",
      exactly, same, literal(principal.dump()), literal(statement));
}

// A statement of this kit's for somebody else than us: another identity, of this or the other kind,
// another audience or external id. One for us without an external id only becomes narrower.
std::string for_another(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  const auto other = [](const std::string& member, const std::string& ours) {
    return fmt::format("{} != {}", member, text_literal(ours));
  };
  if (to.auth.identity == "google") {
    return other(tested("StringEquals", kSub), or_placeholder(facts.google_sub, "GOOGLE_SUB")) +
           " ||\n    " +
           other(tested("StringEquals", kOaud), or_placeholder(to.auth.audience, "AUDIENCE"));
  }
  const std::string same = is_own_role(places, "to_string(Principal.AWS)");
  const std::string another =
      same.empty() ? other("Principal.AWS", or_placeholder(places.principal_arn, "PRINCIPAL_ARN"))
                   : "!" + same;
  const std::string external_id = tested("StringEquals", kExternalId);
  return another +
         fmt::format(" ||\n    ({} && {})", external_id, other(external_id, to.auth.external_id));
}

// Of statements, as conditions of JMESPath.
struct Loose {
  std::string is;      // surely lets others use the role by Vesto; "" where nothing can
  std::string maybe;   // may let them, or has more in it than can be judged here
  std::string near;    // lets us in for this destination, and has something else to it
  std::string others;  // whom it lets in beside us
  std::string change;  // the statement for those others alone
};

// One that asks for no subject, for ours without the audience, or for an audience of others.
Loose loose_google(const DestinationConfig& to, const KitFacts& facts) {
  const std::string sub = text_literal(or_placeholder(facts.google_sub, "GOOGLE_SUB"));
  const std::string federated = "to_array(Principal.Federated)";
  const std::string subs = tested("StringEquals", kSub);
  const std::string oaud = tested("StringEquals", kOaud);
  std::vector<std::string> taken = facts.foreign_names;
  taken.push_back(to.auth.audience);
  const std::string has_sub = fmt::format("contains(to_array({}), {})", subs, sub);
  Loose out;
  out.is = is_exactly(kByToken, kGoogleMembers) + " ||\n";
  out.is += fmt::format("    (({}) && {}) ||\n",
                        is_exactly(kByToken, kGoogleMembers + equals_only({kSub})), has_sub);
  out.is += fmt::format("    (({}) && contains({}, {})) ||\n",
                        is_exactly(kByToken, kGoogleMembers + equals_only({kOaud})),
                        literal(nlohmann::json(taken).dump()), oaud);
  out.is += fmt::format("    (({}) && {} && contains({}, {}))",
                        is_exactly(kByToken, kGoogleMembers + equals_only({kSub, kOaud})), has_sub,
                        literal(nlohmann::json(facts.foreign_names).dump()), oaud);
  // :aud is whom Google gave the token to, an application or an account: it names whose as well.
  out.maybe = fmt::format(
      "Effect == `\"Allow\"` && (Principal == `\"*\"` ||\n"
      "    contains({0}, `\"accounts.google.com\"`) || contains({0}, `\"*\"`)) &&\n"
      "    !({1}) &&\n"
      "    !({2} &&\n"
      "      (!contains(to_array({3}), {4}) ||\n"
      "       {5}{6}))",
      federated, is_equal(kAud), is_equal(kSub), wanted(kSub), sub, is_equal(kOaud),
      none_of(facts.foreign_names, kOaud));
  out.near = fmt::format(
      "Effect == `\"Allow\"` && contains({}, `\"accounts.google.com\"`) &&\n"
      "    {} && contains(to_array({}), {})",
      federated, has_sub, oaud, text_literal(to.auth.audience));
  out.others = fmt::format("{}[?@ != {}]", subs, sub);
  out.change = fmt::format(
      "{{Condition: merge(Condition, {{StringEquals:\n"
      "    merge(Condition.StringEquals, {{\"{}\": {}}})}})}}",
      kSub, out.others);
  return to.auth.audience.empty() ? Loose{} : out;
}

// One that names us, our account or everybody, and asks for no external id or for one of others.
Loose loose_account(const DestinationConfig& to, const KitFacts& facts, const Places& places) {
  if (to.auth.external_id.empty()) return {};
  const std::string same = is_own_role(places, "to_string(@)");
  std::vector<std::string> us = {"*"};
  if (same.empty()) us.push_back(or_placeholder(places.principal_arn, "PRINCIPAL_ARN"));
  if (const std::string account = account_of_arn(places.principal_arn); !account.empty()) {
    us.push_back(account);
    us.push_back(fmt::format("arn:{}:iam::{}:root", places.partition, account));
  }
  const std::string names = literal(nlohmann::json(us).dump());
  const std::string action = "to_string(Action)";
  const std::string is_us = same.empty() ? fmt::format("contains({}, @)", names)
                                         : fmt::format("(contains({}, @) || {})", names, same);
  const std::string named = fmt::format("to_array(Principal.AWS)[?{}]", is_us);
  const std::string external_id = tested("StringEquals", kExternalId);
  Loose out;
  out.is = is_exactly(kByKeys, "Principal: `\"*\"`") + " ||\n";
  out.is += fmt::format("    (({}) && {}) ||\n", is_exactly(kByKeys, kAccountMembers), named);
  out.is += fmt::format("    (({}) && {} && contains({}, {}))",
                        is_exactly(kByKeys, kAccountMembers + equals_only({kExternalId})), named,
                        literal(nlohmann::json(facts.foreign_names).dump()), external_id);
  out.maybe = fmt::format(
      "Effect == `\"Allow\"` && (contains({0}, `\"ssume\"`) || contains({0}, `\"*\"`)) &&\n"
      "    (Principal == `\"*\"` || {1}) &&\n"
      "    !({2}{3})",
      action, named, is_equal(kExternalId), none_of(facts.foreign_names, kExternalId));
  out.near = fmt::format(
      "Effect == `\"Allow\"` && contains({}, `\"ssumeRole\"`) && {} &&\n"
      "    contains(to_array({}), {})",
      action, named, external_id, text_literal(to.auth.external_id));
  const std::string others = fmt::format("to_array(Principal.AWS)[?!{}]", is_us);
  out.others = "Principal.AWS && " + others;
  out.change = fmt::format("{{Principal: merge(Principal, {{AWS: {}}})}}", others);
  return out;
}

// Behind a condition in sh: not ours, and not loose. In '...' but for the variables: a shell that
// is typed into takes ! for its history elsewhere.
constexpr const char* kNeither = "' && !('\"${IS_OURS}\"') && !('\"${IS_LOOSE}\"')'";

// $FOUND: what is loose; $OURS: how often our statement stands there; $NEAR: what lets us in as
// well. What only may be loose is printed, for a person: it stays.
std::string look(const Loose& loose, const std::string& ours) {
  std::string out = fmt::format("  ALL={}\n", sh_quote(kAll));
  out += fmt::format("  IS_OURS={}\n", sh_quote(ours));
  out += fmt::format("  IS_KITS={}\n", sh_quote(written_by_kit()));
  out += "  OURS=$(role \"length(${ALL}[?${IS_OURS}])\" text)\n";
  if (loose.is.empty()) return out + "  FOUND='[]'\n  NEAR='[]'\n";
  out += fmt::format("  IS_LOOSE={}\n", sh_quote(loose.is));
  out += fmt::format("  IS_NEAR={}\n", sh_quote("(" + loose.near + ")") + kNeither);
  out += fmt::format("  IS_MAYBE={}\n", sh_quote("(" + loose.maybe + ")") + kNeither);
  out += "  FOUND=$(role \"${ALL}[?${IS_LOOSE}]\" json)\n";
  out += "  NEAR=$(role \"{near: ${ALL}[?${IS_NEAR}]}.near\" json)\n";
  out += "  MAYBE=$(role \"{maybe: ${ALL}[?${IS_MAYBE}]}.maybe\" json)\n";
  return out +
         "  [ \"$MAYBE\" = '[]' ] ||\n    printf '%s\\n%s\\n' 'Look at these statements of the "
         "trust "
         "policy by hand. They may let others use the role by Vesto; they stay as they are:' "
         "\"$MAYBE\" >&2\n";
}

// $TRUST becomes our statement and those that stay. Ours is not put beside one that lets us in and
// that somebody has narrowed.
std::string without_loose(const Loose& loose) {
  std::string out =
      fmt::format("    STAYS={}\n    OTHERS={}\n    CHANGE={}\n", std::string("'@'") + kNeither,
                  sh_quote(loose.others), sh_quote(loose.change));
  out +=
      "    KEPT=$(role \"[${ALL}[?${STAYS}],\n"
      "      ${ALL}[?(${IS_LOOSE}) && (${OTHERS})].merge(@, ${CHANGE})][]\" json)\n"
      "    TRUST=\"{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": [$STATEMENT]}\"\n"
      "    case $KEPT in\n"
      "      '[]') ;;\n"
      "      '['*)\n"
      "        if [ \"$OURS\" != 0 ] || [ \"$NEAR\" = '[]' ]; then\n"
      "          TRUST=\"${TRUST%]?},${KEPT#?}}\"\n"
      "        else\n"
      "          TRUST=\"{\\\"Version\\\": \\\"2012-10-17\\\", \\\"Statement\\\": $KEPT}\"\n"
      "        fi ;;\n"
      "      *) echo 'AWS tells the trust policy in another way.' >&2; exit 1 ;;\n"
      "    esac\n"
      "    printf '%s\\n%s\\n' 'These statements of the trust policy let others use the role by "
      "Vesto. What lets them is taken out:' \"$FOUND\" >&2\n";
  return out;
}

}  // namespace

// Its trust policy is replaced where this kit has made the role for this destination and nobody has
// added to it or changed it; what it was is printed, as another Vesto may have a destination of the
// same name. Of another's only what is surely loose goes, which makes it narrower
// alone. A statement that lets us in with more to it than ours stays, and is told of. Where nothing
// is, the role did not trust us yet, perhaps as it is not the one that is meant. Then our statement
// is printed, to be added by hand.
std::string trust_of_role(const DestinationConfig& to, const KitFacts& facts, const Places& places,
                          const std::string& trust) {
  const Loose loose =
      to.auth.identity == "google" ? loose_google(to, facts) : loose_account(to, facts, places);
  const std::string statement = statements_of(trust);
  const std::string update = iam_call(places, "update-assume-role-policy") +
                             sh_flag("--role-name", places.role) + " --policy-document \"$TRUST\"";
  std::string out = fmt::format("  STATEMENT={}\n", sh_quote(statement)) +
                    look(loose, is_ours(places, statement));
  out += "  if [ \"$FOUND\" = '[]' ] && [ \"$OURS\" != 0 ]; then\n    :\n";
  out += fmt::format(
      "  elif [ \"$(role Role.Description text)\" = {} ] &&\n"
      "      [ \"$(role \"length(${{ALL}})\" text)\" = 1 ] &&\n"
      "      [ \"$(role \"length(${{ALL}}[?${{IS_KITS}}])\" text)\" = 1 ]; then\n"
      "    WAS=$(role \"$ALL\" json)\n"
      "    IS_ANOTHERS={}\n"
      "    if [ \"$(role \"length(${{ALL}}[?${{IS_ANOTHERS}}])\" text)\" != 0 ] &&\n"
      "        [ \"${{NEW_TRUST:-}}\" != yes ]; then\n"
      "      printf '%s\\n%s\\n%s\\n%s\\n' 'The role trusts another identity, audience or external "
      "id than this destination has:' \"$WAS\" \\\n        {} \\\n"
      "        'If this destination has changed, run this with NEW_TRUST=yes in the environment.' "
      ">&2\n      exit 1\n    fi\n"
      "    printf '%s\\n%s\\n' 'The statement of the trust policy is replaced. It was:' \"$WAS\" "
      ">&2\n    {}\n",
      sh_quote(made_by_kit(to)), sh_quote(for_another(to, facts, places)),
      sh_quote("Where another Vesto has a destination of this name, give this one another, or it "
               "would be locked out."),
      update);
  if (!loose.is.empty()) {
    out += "  elif [ \"$FOUND\" != '[]' ]; then\n" + without_loose(loose) + "    " + update + "\n";
    out +=
        "  elif [ \"$NEAR\" != '[]' ]; then\n"
        "    printf '%s\\n%s\\n%s\\n%s\\n' 'These statements of the trust policy let Vesto in, and "
        "somebody has made them other than the kit does. They stay:' \"$NEAR\" \\\n"
        "      'Where Vesto is refused nevertheless, this is the statement that it needs:' "
        "\"$STATEMENT\" >&2\n";
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
