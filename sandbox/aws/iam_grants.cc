// What roles and users are granted: inline policies, and managed ones attached to them. The calls
// of both differ in their names alone.
#include <algorithm>

#include "sandbox/aws/iam_service.h"
#include "sandbox/iam/policy_json.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxRoleInlineChars = 10'240;  // of all inline policies together
constexpr size_t kMaxUserInlineChars = 2048;
constexpr size_t kMaxPolicyName = 128;

std::vector<std::string>* attached_in(World& world, bool is_role, const std::string& arn) {
  if (is_role) {
    auto* role = const_cast<WorldRole*>(world.role(arn));
    return role == nullptr ? nullptr : &role->attached;
  }
  auto* user = const_cast<WorldUser*>(world.user(arn));
  return user == nullptr ? nullptr : &user->attached;
}

RequestContext policy_context(const ApiCall& call) {
  RequestContext context;
  context.set("iam:PolicyARN", call.parameter("PolicyArn"));
  return context;
}

}  // namespace

ApiResult<ApiAnswer> IamService::put_inline(const ApiCall& call) {
  VESTO_ASSIGN(const std::string name, iam_name(call, "PolicyName", kMaxPolicyName));
  VESTO_ASSIGN(const Owner owner, owner_of(call));
  const size_t limit = owner.is_role ? kMaxRoleInlineChars : kMaxUserInlineChars;
  size_t others = 0;
  for (const NamedPolicy& one : owner.policies) {
    if (one.name != name) others += count_non_blank(one.policy.text);
  }
  const std::string too_long = "Maximum policy size of " + std::to_string(limit) +
                               " bytes exceeded for " + (owner.is_role ? "role " : "user ") +
                               owner.name;
  VESTO_ASSIGN(const IamPolicy policy, iam_document(call, "PolicyDocument", PolicyKind::kIdentity,
                                                    limit - std::min(limit, others), too_long));
  VESTO_TRY(owner.is_role ? iam_.put_role_policy(owner.arn, name, policy.text)
                          : iam_.put_user_policy(owner.arn, name, policy.text));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::get_inline(const ApiCall& call) {
  VESTO_ASSIGN(const std::string name, iam_name(call, "PolicyName", kMaxPolicyName));
  VESTO_ASSIGN(const Owner owner, owner_of(call));
  for (const NamedPolicy& one : owner.policies) {
    if (one.name != name) continue;
    XmlWriter xml = begin_result(call);
    xml.text(owner.is_role ? "RoleName" : "UserName", owner.name)
        .text("PolicyName", name)
        .text("PolicyDocument", iam_document_text(one.policy));
    return end_result(call, &xml);
  }
  return no_such_entity(std::string("The ") + (owner.is_role ? "role" : "user") +
                        " policy with name " + name + " cannot be found.");
}

ApiResult<ApiAnswer> IamService::list_inline(const ApiCall& call) {
  VESTO_ASSIGN(const Owner owner, owner_of(call));
  return page(call, "PolicyNames", owner.policies.size(),
              [&](size_t i, XmlWriter& xml) { xml.text("member", owner.policies[i].name); });
}

ApiResult<ApiAnswer> IamService::delete_inline(const ApiCall& call) {
  VESTO_ASSIGN(const std::string name, iam_name(call, "PolicyName", kMaxPolicyName));
  VESTO_ASSIGN(const Owner owner, owner_of(call));
  VESTO_TRY(owner.is_role ? iam_.delete_role_policy(owner.arn, name)
                          : iam_.delete_user_policy(owner.arn, name));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::attach(const ApiCall& call) {
  const std::string policy = call.parameter("PolicyArn");
  VESTO_ASSIGN(const Owner owner, owner_of(call, policy_context(call)));
  const bool is_role = owner.is_role;
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    const auto name = parse_iam_arn(policy, "policy");
    const bool own = !name || name->account == account(call);
    if (world.policy(policy) == nullptr || !own) {
      return no_such_entity("Policy " + policy + " does not exist or is not attachable.");
    }
    const auto& list = owner.attached;
    const bool there = std::find(list.begin(), list.end(), policy) != list.end();
    if (!there && list.size() >= kMaxAttached) {
      return over_quota(std::string("Cannot exceed quota for PoliciesPer") +
                        (is_role ? "Role: 10" : "User: 10"));
    }
    return WorldChange([is_role, arn = owner.arn, policy](World& changed) {
      auto* attached = attached_in(changed, is_role, arn);
      if (attached == nullptr) return;
      const bool twice = std::find(attached->begin(), attached->end(), policy) != attached->end();
      if (!twice) attached->push_back(policy);
    });
  };
  VESTO_TRY(iam_.change("attach " + owner.arn + " " + policy, prepare));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::detach(const ApiCall& call) {
  const std::string policy = call.parameter("PolicyArn");
  VESTO_ASSIGN(const Owner owner, owner_of(call, policy_context(call)));
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    const auto& list = owner.attached;
    if (std::find(list.begin(), list.end(), policy) == list.end()) {
      return no_such_entity("Policy " + policy + " was not found.");
    }
    return WorldChange([is_role = owner.is_role, arn = owner.arn, policy](World& changed) {
      auto* attached = attached_in(changed, is_role, arn);
      if (attached == nullptr) return;
      attached->erase(std::remove(attached->begin(), attached->end(), policy), attached->end());
    });
  };
  VESTO_TRY(iam_.change("attach " + owner.arn + " " + policy, prepare));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::list_attached(const ApiCall& call) {
  VESTO_ASSIGN(const Owner owner, owner_of(call));
  return page(call, "AttachedPolicies", owner.attached.size(), [&](size_t i, XmlWriter& xml) {
    const std::string& arn = owner.attached[i];
    xml.open("member")
        .text("PolicyName", arn.substr(arn.rfind('/') + 1))
        .text("PolicyArn", arn)
        .close();
  });
}

}  // namespace vesto::sandbox
