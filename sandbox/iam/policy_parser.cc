// Policy documents, read strictly. The texts are IAM's (and S3's for a bucket policy) as far as
// they are known; everything else is "Syntax errors in policy." with a detail of our own.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "base/strings.h"
#include "sandbox/iam/policy.h"
#include "sandbox/iam/policy_json.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;
using Problem = std::optional<PolicyError>;

constexpr size_t kMaxListed = 1000;  // statements, and values of one element

PolicyError syntax_error(std::string detail) {
  return {.text = "Syntax errors in policy.", .detail = std::move(detail)};
}

bool has_principal(PolicyKind kind) {
  return kind == PolicyKind::kResource || kind == PolicyKind::kKey || kind == PolicyKind::kTrust;
}

// A text or a list of texts.
Problem read_texts(const Json& json, const std::string& name, std::vector<std::string>& out) {
  if (json.is_string()) {
    out.push_back(json.get<std::string>());
    return std::nullopt;
  }
  if (!json.is_array()) return syntax_error(name + " must be a text or a list of texts");
  if (json.size() > kMaxListed) return syntax_error(name + " lists too much");
  for (const Json& item : json) {
    if (!item.is_string()) return syntax_error(name + " must list texts");
    out.push_back(item.get<std::string>());
  }
  return std::nullopt;
}

bool is_word(std::string_view text, std::string_view more) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           more.find(c) != std::string_view::npos;
  });
}

Problem check_trust_action(const std::string& action) {
  static constexpr std::array<std::string_view, 6> kActions = {
      "sts:assumerole", "sts:assumerolewithwebidentity", "sts:assumerolewithsaml",
      "sts:tagsession", "sts:setsourceidentity",         "sts:setcontext"};
  const auto pattern = make_pattern(to_lower_ascii(action), {}, false, true);
  const bool known = action.find(':') != std::string::npos && pattern &&
                     std::any_of(kActions.begin(), kActions.end(),
                                 [&](std::string_view one) { return matches(*pattern, one); });
  if (known) return std::nullopt;
  return PolicyError{.text = "AssumeRole policy may only specify STS AssumeRole actions.",
                     .detail = action};
}

Problem check_action(const std::string& action, PolicyKind kind) {
  if (kind == PolicyKind::kTrust) return check_trust_action(action);
  const size_t colon = action.find(':');
  if (action == "*") return std::nullopt;
  if (colon == std::string::npos) {
    return PolicyError{
        .text = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
        .detail = action};
  }
  const std::string vendor = action.substr(0, colon);
  if (!is_word(vendor, "-")) {
    return PolicyError{.text = fmt::format("Vendor {} is not valid", vendor), .detail = action};
  }
  if (!is_word(std::string_view(action).substr(colon + 1), "*?")) {
    return syntax_error("bad action " + action);
  }
  if (kind == PolicyKind::kResource && to_lower_ascii(vendor) != "s3") {
    return PolicyError{.text = "Policy has invalid action", .detail = action};
  }
  return std::nullopt;
}

Problem check_resource(const std::string& resource, PolicyKind kind) {
  if (resource == "*" && kind != PolicyKind::kResource) return std::nullopt;
  const std::vector<std::string> parts = split(resource, ':');
  const bool arn = parts.size() >= 6 && parts[0] == "arn" && !parts[1].empty();
  if (kind == PolicyKind::kResource && (!arn || parts[2] != "s3")) {
    return PolicyError{.text = "Policy has invalid resource", .detail = resource};
  }
  if (!arn) {
    return PolicyError{.text = fmt::format("Resource {} must be in ARN format or \"*\".", resource),
                       .detail = resource};
  }
  if (!is_word(parts[2], "-")) {
    return PolicyError{
        .text = "Resource vendor must be fully qualified and cannot contain regexes.",
        .detail = resource};
  }
  return std::nullopt;
}

bool is_account_id(std::string_view text) {
  return text.size() == 12 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// An account, a user, a role or a session; no wildcard but "*" alone.
bool is_aws_principal(const std::string& text) {
  if (text == "*" || is_account_id(text)) return true;
  if (text.find_first_of("*?") != std::string::npos) return false;
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() != 6 || parts[0] != "arn" || !parts[1].starts_with("aws") || !parts[3].empty() ||
      !is_account_id(parts[4])) {
    return false;
  }
  if (parts[2] == "sts") return parts[5].starts_with("assumed-role/");
  return parts[2] == "iam" &&
         (parts[5] == "root" || parts[5].starts_with("user/") || parts[5].starts_with("role/"));
}

bool is_host(std::string_view text) {
  return is_word(text, "-.") && text.find('.') != std::string_view::npos;
}

bool is_federated(const std::string& text) {
  if (is_host(text)) return true;
  const std::vector<std::string> parts = split(text, ':');
  return parts.size() >= 6 && parts[0] == "arn" && parts[2] == "iam" && is_account_id(parts[4]) &&
         (parts[5].starts_with("oidc-provider/") || parts[5].starts_with("saml-provider/"));
}

Problem check_principals(const PrincipalElement& principal, PolicyKind kind) {
  const auto invalid = [&](const char* type, const std::string& value) {
    const std::string shown = fmt::format("\"{}\":\"{}\"", type, value);
    return PolicyError{.text = kind == PolicyKind::kResource
                                   ? std::string("Invalid principal in policy")
                                   : "Invalid principal in policy: " + shown,
                       .detail = shown};
  };
  for (const std::string& one : principal.aws) {
    if (!is_aws_principal(one)) return invalid("AWS", one);
  }
  for (const std::string& one : principal.service) {
    if (!is_host(one)) return invalid("SERVICE", one);
  }
  for (const std::string& one : principal.federated) {
    if (!is_federated(one)) {
      return PolicyError{
          .text = "Federated principals must be valid domain names or SAML metadata ARNs",
          .detail = one};
    }
  }
  return std::nullopt;
}

Problem read_principal(const Json& json, PolicyKind kind, PrincipalElement& out) {
  if (json.is_string()) {
    if (json.get_ref<const std::string&>() != "*") return syntax_error("Principal must be \"*\"");
    out.anyone = true;
    return std::nullopt;
  }
  if (!json.is_object() || json.empty()) return syntax_error("Principal must be an object");
  for (const auto& [type, value] : json.items()) {
    std::vector<std::string>* list = nullptr;
    if (type == "AWS") list = &out.aws;
    if (type == "Federated") list = &out.federated;
    if (type == "Service") list = &out.service;
    if (list == nullptr) return syntax_error("unknown kind of principal: " + type);
    if (auto problem = read_texts(value, "Principal." + type, *list)) return problem;
    if (list->empty()) return syntax_error("Principal." + type + " lists nothing");
  }
  return check_principals(out, kind);
}

// Values of a condition may be numbers and truth values too.
std::optional<std::string> condition_value(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_boolean() || json.is_number()) return json.dump();
  return std::nullopt;
}

Problem read_test(const std::string& key, const Json& json, ConditionTest& test) {
  if (key.find(':') == std::string::npos) return syntax_error("bad condition key " + key);
  test.key = to_lower_ascii(key);
  const Json list = json.is_array() ? json : Json::array({json});
  if (list.empty() || list.size() > kMaxListed)
    return syntax_error(key + ": no or too many values");
  for (const Json& item : list) {
    const auto value = condition_value(item);
    if (!value || !value_fits(test.op, *value)) {
      return syntax_error("a value of " + key + " does not fit its operator");
    }
    test.values.push_back(*value);
  }
  return std::nullopt;
}

Problem read_conditions(const Json& json, std::vector<ConditionTest>& out) {
  if (!json.is_object()) return syntax_error("Condition must be an object");
  for (const auto& [name, keys] : json.items()) {
    const auto known = parse_operator(name);
    if (!known) return syntax_error("unknown operator " + name);
    if (!keys.is_object() || keys.empty()) return syntax_error(name + " must be an object");
    for (const auto& [key, value] : keys.items()) {
      ConditionTest test = *known;
      if (auto problem = read_test(key, value, test)) return problem;
      out.push_back(std::move(test));
    }
  }
  return std::nullopt;
}

Problem check_members(const Json& json, PolicyKind kind) {
  static constexpr std::array<std::string_view, 9> kMembers = {
      "Sid",         "Effect",    "Action",       "NotAction", "Resource",
      "NotResource", "Principal", "NotPrincipal", "Condition"};
  for (const auto& [name, value] : json.items()) {
    if (std::find(kMembers.begin(), kMembers.end(), name) == kMembers.end()) {
      return syntax_error("unknown member " + name);
    }
    const bool prohibited = name.ends_with("Principal")  ? !has_principal(kind)
                            : name.ends_with("Resource") ? kind == PolicyKind::kTrust
                                                         : false;
    if (prohibited) return PolicyError{.text = "Has prohibited field " + name, .detail = name};
  }
  return std::nullopt;
}

// NAME or NotNAME, one of the two.
Problem pick_one(const Json& json, const std::string& name, bool& negated, const Json** out) {
  const auto plain = json.find(name);
  const auto other = json.find("Not" + name);
  if (plain != json.end() && other != json.end()) {
    return syntax_error(fmt::format("{} and Not{} in one statement", name, name));
  }
  negated = other != json.end();
  const auto found = negated ? other : plain;
  *out = found == json.end() ? nullptr : &*found;
  return std::nullopt;
}

Problem read_actions(const Json& json, PolicyKind kind, PolicyStatement& out) {
  const Json* actions = nullptr;
  if (auto problem = pick_one(json, "Action", out.not_action, &actions)) return problem;
  if (actions == nullptr) {
    return PolicyError{.text = "Policy statement must contain actions.", .detail = "no Action"};
  }
  if (auto problem = read_texts(*actions, "Action", out.actions)) return problem;
  if (out.actions.empty()) {
    return PolicyError{.text = "Policy statement must contain actions.", .detail = "Action is []"};
  }
  for (const std::string& action : out.actions) {
    if (auto problem = check_action(action, kind)) return problem;
  }
  return std::nullopt;
}

Problem read_resources(const Json& json, PolicyKind kind, PolicyStatement& out) {
  if (kind == PolicyKind::kTrust) return std::nullopt;
  const Json* resources = nullptr;
  if (auto problem = pick_one(json, "Resource", out.not_resource, &resources)) return problem;
  if (resources != nullptr) {
    if (auto problem = read_texts(*resources, "Resource", out.resources)) return problem;
  }
  if (out.resources.empty()) {
    return PolicyError{.text = "Policy statement must contain resources.", .detail = "no Resource"};
  }
  for (const std::string& resource : out.resources) {
    if (auto problem = check_resource(resource, kind)) return problem;
  }
  return std::nullopt;
}

Problem read_sid(const Json& json, PolicyKind kind, std::set<std::string>& sids,
                 PolicyStatement& out) {
  const auto sid = json.find("Sid");
  if (sid == json.end()) return std::nullopt;
  if (!sid->is_string()) return syntax_error("Sid must be a text");
  out.sid = sid->get<std::string>();
  if (out.sid.empty()) return std::nullopt;
  // Blanks and more are taken in bucket and key policies.
  if (kind != PolicyKind::kResource && kind != PolicyKind::kKey && !is_word(out.sid, "")) {
    return PolicyError{.text =
                           "Statement IDs (SID) must be alpha-numeric. Check that your input "
                           "satisfies the regular expression [0-9A-Za-z]*",
                       .detail = out.sid};
  }
  if (!sids.insert(out.sid).second) {
    return PolicyError{.text = "Statement IDs (SID) in a single policy must be unique.",
                       .detail = out.sid};
  }
  return std::nullopt;
}

Problem read_statement(const Json& json, PolicyKind kind, std::set<std::string>& sids,
                       PolicyStatement& out) {
  if (!json.is_object()) return syntax_error("Statement must be an object");
  if (auto problem = check_members(json, kind)) return problem;
  if (auto problem = read_sid(json, kind, sids, out)) return problem;
  const auto effect = json.find("Effect");
  if (effect == json.end() || (*effect != "Allow" && *effect != "Deny")) {
    return syntax_error("Effect must be Allow or Deny");
  }
  out.allow = *effect == "Allow";
  if (auto problem = read_actions(json, kind, out)) return problem;
  if (auto problem = read_resources(json, kind, out)) return problem;
  if (has_principal(kind)) {
    const Json* principal = nullptr;
    if (auto problem = pick_one(json, "Principal", out.not_principal, &principal)) return problem;
    if (principal == nullptr) {
      return PolicyError{.text = "Missing required field Principal", .detail = "no Principal"};
    }
    if (auto problem = read_principal(*principal, kind, out.principal)) return problem;
  }
  const auto condition = json.find("Condition");
  if (condition == json.end()) return std::nullopt;
  return read_conditions(*condition, out.conditions);
}

Problem read_header(const Json& json, IamPolicy& out) {
  for (const auto& [name, value] : json.items()) {
    if (name != "Version" && name != "Id" && name != "Statement") {
      return syntax_error("unknown member " + name);
    }
    if (name != "Statement" && !value.is_string()) return syntax_error(name + " must be a text");
  }
  if (const auto id = json.find("Id"); id != json.end()) out.id = id->get<std::string>();
  const auto version = json.find("Version");
  if (version == json.end() || *version == "2008-10-17") return std::nullopt;
  if (*version != "2012-10-17") return syntax_error("Version must be 2012-10-17 or 2008-10-17");
  out.variables = true;
  return std::nullopt;
}

Problem read_policy(const Json& json, IamPolicy& out) {
  if (auto problem = read_header(json, out)) return problem;
  const auto found = json.find("Statement");
  if (found == json.end()) return syntax_error("no Statement");
  const Json list = found->is_array() ? *found : Json::array({*found});
  if (list.empty()) return syntax_error("Statement lists nothing");
  if (list.size() > kMaxListed) return syntax_error("too many statements");
  std::set<std::string> sids;
  for (size_t i = 0; i < list.size(); ++i) {
    PolicyStatement statement;
    if (auto problem = read_statement(list[i], out.kind, sids, statement)) {
      problem->detail = fmt::format("statement {}: {}", i + 1, problem->detail);
      return problem;
    }
    out.statements.push_back(std::move(statement));
  }
  return std::nullopt;
}

}  // namespace

size_t max_policy_bytes(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::kSession:
    case PolicyKind::kTrust:
      return kMaxSessionPolicyChars;
    case PolicyKind::kBoundary:
      return 6144;
    case PolicyKind::kResource:
      return 20480;
    case PolicyKind::kKey:
      return 32768;
    case PolicyKind::kIdentity:
      break;
  }
  return 10240;
}

Result<IamPolicy, PolicyError> parse_policy(std::string_view json, PolicyKind kind) {
  const size_t size = kind == PolicyKind::kSession ? count_characters(json) : count_non_blank(json);
  if (size > max_policy_bytes(kind)) {
    return PolicyError{
        .text = fmt::format("Maximum policy size of {} bytes exceeded", max_policy_bytes(kind)),
        .detail = fmt::format("{} characters", size)};
  }
  auto parsed = parse_policy_json(json);
  if (!parsed.ok()) return std::move(parsed).error();
  IamPolicy policy{
      .kind = kind, .variables = false, .id = "", .statements = {}, .text = std::string(json)};
  if (auto problem = read_policy(*parsed, policy)) return *std::move(problem);
  return policy;
}

}  // namespace vesto::sandbox
