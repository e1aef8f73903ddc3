// Roles of IAM.
#include <algorithm>

#include "base/strings.h"
#include "sandbox/aws/iam_service.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxTrustChars = 2048;
constexpr int64_t kShortestMaximumS = 3600;
constexpr int64_t kLongestMaximumS = 43'200;
constexpr size_t kMaxDescription = 1000;

std::string role_arn(const std::string& account, const WorldRole& role) {
  return "arn:aws:iam::" + account + ":role/" + role.full_name();
}

void write_role(const std::string& account, const WorldRole& role, XmlWriter& xml) {
  xml.text("Path", role.path)
      .text("RoleName", role.name)
      .text("RoleId", role.id)
      .text("Arn", role_arn(account, role))
      .text("CreateDate", format_utc_seconds(role.created_ms))
      .text("AssumeRolePolicyDocument", iam_document_text(role.trust));
  if (!role.description.empty()) xml.text("Description", role.description);
  xml.number("MaxSessionDuration", role.max_session_duration_s);
}

ApiResult<IamPolicy> trust_of(const ApiCall& call, std::string_view parameter) {
  return iam_document(call, parameter, PolicyKind::kTrust, kMaxTrustChars,
                      "Cannot exceed quota for ACLSizePerRole: 2048");
}

ApiResult<std::string> description_of(const ApiCall& call) {
  std::string text = call.parameter("Description");
  if (text.size() <= kMaxDescription) return text;
  return validation_error(text, "description",
                          "Member must have length less than or equal to 1000");
}

}  // namespace

ApiResult<ApiAnswer> IamService::create_role(const ApiCall& call) {
  WorldRole role{.name = "", .trust = {}};
  VESTO_ASSIGN(role.name, iam_name(call, "RoleName"));
  VESTO_ASSIGN(role.path, iam_path(call));
  VESTO_ASSIGN(role.max_session_duration_s,
               iam_number(call, "MaxSessionDuration", kShortestMaximumS, kShortestMaximumS,
                          kLongestMaximumS));
  VESTO_ASSIGN(role.description, description_of(call));
  VESTO_ASSIGN(role.tags, iam_tags(call));
  const std::string owner = account(call);
  VESTO_TRY(allow(call, role_arn(owner, role)));
  VESTO_ASSIGN(role.trust, trust_of(call, "AssumeRolePolicyDocument"));
  if (auto refused = iam_.check_principals(role.trust)) return *std::move(refused);
  role.id = make_entity_id("AROA");
  role.created_ms = clock_.wall_ms();
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    const WorldAccount* home = world.account(owner);
    if (home == nullptr) return no_such_entity("The account is not there.");
    for (const WorldRole& one : home->roles) {
      if (to_lower_ascii(one.name) != to_lower_ascii(role.name)) continue;
      return already_exists("Role with name " + role.name + " already exists.");
    }
    if (home->roles.size() >= kMaxOfAccount) {
      return over_quota("Cannot exceed quota for RolesPerAccount: " +
                        std::to_string(kMaxOfAccount));
    }
    return WorldChange([owner, role](World& changed) {
      for (WorldAccount& one : changed.accounts) {
        if (one.id == owner) one.roles.push_back(role);
      }
    });
  };
  VESTO_TRY(iam_.change("create " + role.id, prepare));
  XmlWriter xml = begin_result(call);
  xml.open("Role");
  write_role(owner, role, xml);
  write_iam_tags(role.tags, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::get_role(const ApiCall& call) {
  VESTO_ASSIGN(const WorldRole role, role_of(call));
  VESTO_TRY(allow(call, role_arn(account(call), role)));
  XmlWriter xml = begin_result(call);
  xml.open("Role");
  write_role(account(call), role, xml);
  write_iam_tags(role.tags, xml);
  xml.open("RoleLastUsed").close().close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::list_roles(const ApiCall& call) {
  VESTO_TRY(allow(call, "arn:aws:iam::" + account(call) + ":role/"));
  const World world = iam_.written();
  const WorldAccount* home = world.account(account(call));
  std::vector<WorldRole> roles = home == nullptr ? std::vector<WorldRole>() : home->roles;
  std::sort(roles.begin(), roles.end(),
            [](const WorldRole& a, const WorldRole& b) { return a.name < b.name; });
  return page(call, "Roles", roles.size(), [&](size_t i, XmlWriter& xml) {
    xml.open("member");
    write_role(account(call), roles[i], xml);
    xml.close();
  });
}

ApiResult<ApiAnswer> IamService::delete_role(const ApiCall& call) {
  VESTO_ASSIGN(const WorldRole role, role_of(call));
  const std::string arn = role_arn(account(call), role);
  VESTO_TRY(allow(call, arn));
  if (!role.attached.empty()) return delete_conflict("detach all policies");
  if (!role.policies.empty()) return delete_conflict("delete policies");
  VESTO_TRY(iam_.delete_role(arn));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::update_trust(const ApiCall& call) {
  VESTO_ASSIGN(const WorldRole role, role_of(call));
  const std::string arn = role_arn(account(call), role);
  VESTO_TRY(allow(call, arn));
  VESTO_ASSIGN(const IamPolicy trust, trust_of(call, "PolicyDocument"));
  VESTO_TRY(iam_.put_role_trust(arn, trust.text));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::update_role(const ApiCall& call) {
  VESTO_ASSIGN(const WorldRole role, role_of(call));
  const std::string arn = role_arn(account(call), role);
  VESTO_TRY(allow(call, arn));
  VESTO_ASSIGN(const int64_t duration_s,
               iam_number(call, "MaxSessionDuration", role.max_session_duration_s,
                          kShortestMaximumS, kLongestMaximumS));
  VESTO_ASSIGN(std::string description, description_of(call));
  if (!call.has("Description")) description = role.description;
  const auto prepare = [&](const World&) -> Result<WorldChange, IamError> {
    return WorldChange([arn, duration_s, description](World& changed) {
      auto* found = const_cast<WorldRole*>(changed.role(arn));
      if (found == nullptr) return;
      found->max_session_duration_s = duration_s;
      found->description = description;
    });
  };
  VESTO_TRY(iam_.change("role settings " + arn, prepare));
  XmlWriter xml = begin_result(call);
  return end_result(call, &xml);
}

}  // namespace vesto::sandbox
