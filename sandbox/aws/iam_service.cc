#include "sandbox/aws/iam_service.h"

#include <algorithm>

#include "base/strings.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kPageOf100 = "Marker MaxItems";

bool is_known(const std::string& parameter, std::string_view listed) {
  if (parameter == "Action" || parameter == "Version") return true;
  for (const std::string& one : split(listed, ' ')) {
    if (parameter == one || (one.ends_with(".") && parameter.starts_with(one))) return true;
  }
  return false;
}

}  // namespace

const std::vector<IamService::Entry>& IamService::entries() {
  using S = IamService;
  static const std::vector<Entry> kEntries = {
      {"CreateRole", &S::create_role,
       "RoleName Path AssumeRolePolicyDocument Description MaxSessionDuration Tags."},
      {"GetRole", &S::get_role, "RoleName"},
      {"ListRoles", &S::list_roles, kPageOf100},
      {"DeleteRole", &S::delete_role, "RoleName"},
      {"UpdateAssumeRolePolicy", &S::update_trust, "RoleName PolicyDocument"},
      {"UpdateRole", &S::update_role, "RoleName Description MaxSessionDuration"},
      {"PutRolePolicy", &S::put_inline, "RoleName PolicyName PolicyDocument"},
      {"GetRolePolicy", &S::get_inline, "RoleName PolicyName"},
      {"ListRolePolicies", &S::list_inline, "RoleName Marker MaxItems"},
      {"DeleteRolePolicy", &S::delete_inline, "RoleName PolicyName"},
      {"AttachRolePolicy", &S::attach, "RoleName PolicyArn"},
      {"DetachRolePolicy", &S::detach, "RoleName PolicyArn"},
      {"ListAttachedRolePolicies", &S::list_attached, "RoleName Marker MaxItems"},
      {"CreateUser", &S::create_user, "UserName Path Tags."},
      {"GetUser", &S::get_user, "UserName"},
      {"ListUsers", &S::list_users, kPageOf100},
      {"DeleteUser", &S::delete_user, "UserName"},
      {"CreateAccessKey", &S::create_access_key, "UserName"},
      {"ListAccessKeys", &S::list_access_keys, "UserName Marker MaxItems"},
      {"DeleteAccessKey", &S::delete_access_key, "UserName AccessKeyId"},
      {"PutUserPolicy", &S::put_inline, "UserName PolicyName PolicyDocument"},
      {"GetUserPolicy", &S::get_inline, "UserName PolicyName"},
      {"ListUserPolicies", &S::list_inline, "UserName Marker MaxItems"},
      {"DeleteUserPolicy", &S::delete_inline, "UserName PolicyName"},
      {"AttachUserPolicy", &S::attach, "UserName PolicyArn"},
      {"DetachUserPolicy", &S::detach, "UserName PolicyArn"},
      {"ListAttachedUserPolicies", &S::list_attached, "UserName Marker MaxItems"},
      {"CreatePolicy", &S::create_policy, "PolicyName Path PolicyDocument Description"},
      {"GetPolicy", &S::get_policy, "PolicyArn"},
      {"ListPolicies", &S::list_policies, "Scope Marker MaxItems"},
      {"DeletePolicy", &S::delete_policy, "PolicyArn"},
      {"CreatePolicyVersion", &S::create_policy_version, "PolicyArn PolicyDocument SetAsDefault"},
      {"GetPolicyVersion", &S::get_policy_version, "PolicyArn VersionId"},
      {"ListPolicyVersions", &S::list_policy_versions, "PolicyArn Marker MaxItems"},
      {"SetDefaultPolicyVersion", &S::set_default_policy_version, "PolicyArn VersionId"},
      {"DeletePolicyVersion", &S::delete_policy_version, "PolicyArn VersionId"},
  };
  return kEntries;
}

ApiResult<ApiAnswer> IamService::serve(const ApiCall& call) {
  const auto& all = entries();
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const Entry& one) { return one.name == call.operation; });
  if (found == all.end()) {
    return IamError{400, "InvalidAction",
                    "Could not find operation " + call.operation + " for version 2010-05-08"};
  }
  for (const auto& [name, value] : call.form) {
    if (is_known(name, found->parameters)) continue;
    return IamError{400, "ValidationError", name + " is not known to this sandbox"};
  }
  return (this->*found->run)(call);
}

ApiResult<Unit> IamService::allow(const ApiCall& call, const std::string& resource,
                                  const RequestContext& context) const {
  RequestContext full = origin_context(call.origin);
  full.add_missing(context);
  const auto denial = iam_.authorize(*call.key, "iam:" + call.operation, resource, full);
  if (!denial) return Unit{};
  return IamError{403, "AccessDenied", denial->text};
}

ApiResult<WorldRole> IamService::role_of(const ApiCall& call) const {
  VESTO_ASSIGN(const std::string name, iam_name(call, "RoleName"));
  const World world = iam_.written();
  const WorldAccount* owner = world.account(account(call));
  if (owner != nullptr) {
    for (const WorldRole& role : owner->roles) {
      if (role.name == name) return role;
    }
  }
  // Whoever may not ask does not learn that it is not there.
  VESTO_TRY(allow(call, "arn:aws:iam::" + account(call) + ":role/" + name));
  return no_such_entity("The role with name " + name + " cannot be found.");
}

ApiResult<WorldUser> IamService::user_of(const ApiCall& call) const {
  std::string name = call.key->principal.name;
  if (call.has("UserName")) {
    VESTO_ASSIGN(name, iam_name(call, "UserName"));
  } else if (call.key->principal.kind != IamPrincipal::Kind::kUser) {
    return IamError{400, "ValidationError",
                    "Must specify userName when calling with non-User credentials"};
  }
  const World world = iam_.written();
  if (const WorldUser* user = world.user("arn:aws:iam::" + account(call) + ":user/" + name)) {
    return *user;
  }
  VESTO_TRY(allow(call, "arn:aws:iam::" + account(call) + ":user/" + name));
  return no_such_entity("The user with name " + name + " cannot be found.");
}

ApiResult<IamService::Owner> IamService::owner_of(const ApiCall& call,
                                                  const RequestContext& context) const {
  Owner out;
  out.is_role = call.operation.find("Role") != std::string::npos;
  if (out.is_role) {
    VESTO_ASSIGN(WorldRole role, role_of(call));
    out.name = role.name;
    out.arn = "arn:aws:iam::" + account(call) + ":role/" + role.full_name();
    out.policies = std::move(role.policies);
    out.attached = std::move(role.attached);
  } else {
    VESTO_TRY(iam_name(call, "UserName"));
    VESTO_ASSIGN(WorldUser user, user_of(call));
    out.name = user.name;
    out.arn = "arn:aws:iam::" + account(call) + ":user/" + user.name;
    out.policies = std::move(user.policies);
    out.attached = std::move(user.attached);
  }
  VESTO_TRY(allow(call, out.arn, context));
  return out;
}

ApiResult<ApiAnswer> IamService::page(const ApiCall& call, std::string_view tag, size_t count,
                                      const std::function<void(size_t, XmlWriter&)>& write) {
  VESTO_ASSIGN(const int64_t size, iam_number(call, "MaxItems", 100, 1, 1000));
  size_t from = 0;
  if (call.has("Marker")) {
    const auto marker = parse_int(call.parameter("Marker"));
    if (!marker || *marker < 0 || static_cast<size_t>(*marker) > count) {
      return IamError{400, "ValidationError", "Invalid Marker."};
    }
    from = static_cast<size_t>(*marker);
  }
  const size_t to = std::min(count, from + static_cast<size_t>(size));
  XmlWriter xml = begin_result(call);
  xml.open(tag);
  for (size_t i = from; i < to; ++i) write(i, xml);
  xml.close().text("IsTruncated", to < count ? "true" : "false");
  if (to < count) xml.number("Marker", static_cast<int64_t>(to));
  return end_result(call, &xml);
}

}  // namespace vesto::sandbox
