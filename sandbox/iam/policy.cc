#include "sandbox/iam/policy.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return !item.empty() && std::find(list.begin(), list.end(), item) != list.end();
}

bool names_account(const PrincipalElement& element, const IamPrincipal& caller) {
  return contains(element.aws, caller.account) ||
         (!caller.account.empty() &&
          contains(element.aws, "arn:aws:iam::" + caller.account + ":root"));
}

PrincipalMatch match_element(const PrincipalElement& element, const IamPrincipal& caller) {
  if (element.anyone) return PrincipalMatch::kDirect;
  switch (caller.kind) {
    case IamPrincipal::Kind::kService:
      return contains(element.service, caller.arn) ? PrincipalMatch::kDirect
                                                   : PrincipalMatch::kNone;
    case IamPrincipal::Kind::kFederated:
      return contains(element.federated, caller.arn) ? PrincipalMatch::kDirect
                                                     : PrincipalMatch::kNone;
    default:
      break;
  }
  if (contains(element.aws, "*") || contains(element.aws, caller.arn)) {
    return PrincipalMatch::kDirect;
  }
  if (contains(element.aws, caller.role_arn)) return PrincipalMatch::kRole;
  if (!names_account(element, caller)) return PrincipalMatch::kNone;
  // The account's own root user is the account.
  return caller.kind == IamPrincipal::Kind::kRoot ? PrincipalMatch::kDirect
                                                  : PrincipalMatch::kAccount;
}

// "*" and {"AWS": "*"} are everyone, web identities and services too. That counts for a Deny; in an
// Allow {"AWS": "*"} lets in only who has an AWS name of some kind.
bool names_everyone(const PrincipalElement& element) {
  return element.anyone || contains(element.aws, "*");
}

// A caller has several names: the account, the role, the session. Someone is left out of a
// NotPrincipal only if all of them are listed; IAM's guide asks for the account's ARN as well.
bool listed_by_every_name(const PrincipalElement& element, const IamPrincipal& caller) {
  if (names_everyone(element)) return true;
  if (caller.kind == IamPrincipal::Kind::kService) return contains(element.service, caller.arn);
  if (caller.kind == IamPrincipal::Kind::kFederated) {
    return contains(element.federated, caller.arn);
  }
  if (!names_account(element, caller)) return false;
  if (caller.kind == IamPrincipal::Kind::kRoot) return true;
  if (caller.kind == IamPrincipal::Kind::kRoleSession && !contains(element.aws, caller.role_arn)) {
    return false;
  }
  return contains(element.aws, caller.arn);
}

// Actions have no case.
bool names_action(const PolicyStatement& statement, std::string_view action) {
  const std::string asked = to_lower_ascii(action);
  return std::any_of(statement.actions.begin(), statement.actions.end(),
                     [&](const std::string& one) {
                       const auto pattern = make_pattern(to_lower_ascii(one), {}, false, true);
                       return pattern && matches(*pattern, asked);
                     });
}

}  // namespace

PrincipalMatch match_principal(const PolicyStatement& statement, const IamPrincipal& caller) {
  if (!statement.not_principal) {
    if (!statement.allow && names_everyone(statement.principal)) return PrincipalMatch::kDirect;
    return match_element(statement.principal, caller);
  }
  return listed_by_every_name(statement.principal, caller) ? PrincipalMatch::kNone
                                                           : PrincipalMatch::kDirect;
}

bool applies(const IamPolicy& policy, const PolicyStatement& statement, std::string_view action,
             std::string_view resource, const RequestContext& context) {
  if (names_action(statement, action) == statement.not_action) return false;
  if (policy.kind != PolicyKind::kTrust) {
    const bool named = std::any_of(
        statement.resources.begin(), statement.resources.end(), [&](const std::string& one) {
          return matches_resource(one, resource, context, policy.variables);
        });
    if (named == statement.not_resource) return false;
  }
  return std::all_of(
      statement.conditions.begin(), statement.conditions.end(),
      [&](const ConditionTest& test) { return holds(test, context, policy.variables); });
}

}  // namespace vesto::sandbox
