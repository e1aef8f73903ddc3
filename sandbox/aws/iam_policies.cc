// Managed policies of IAM and their versions.
#include <algorithm>

#include "base/strings.h"
#include "sandbox/aws/iam_service.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxManagedChars = 6144;
constexpr size_t kMaxVersions = 5;
constexpr size_t kMaxPolicyName = 128;
constexpr size_t kMaxDescription = 1000;

std::string policy_arn(const std::string& account, const WorldPolicy& policy) {
  return "arn:aws:iam::" + account + ":policy/" + policy.full_name();
}

ApiResult<IamPolicy> document_of(const ApiCall& call) {
  return iam_document(call, "PolicyDocument", PolicyKind::kIdentity, kMaxManagedChars,
                      "Cannot exceed quota for PolicySize: 6144");
}

int attachments(const World& world, const std::string& arn) {
  int count = 0;
  const auto add = [&](const std::vector<std::string>& list) {
    if (std::find(list.begin(), list.end(), arn) != list.end()) ++count;
  };
  for (const WorldAccount& account : world.accounts) {
    for (const WorldRole& role : account.roles) add(role.attached);
    for (const WorldUser& user : account.users) add(user.attached);
  }
  return count;
}

void write_policy(const World& world, const std::string& arn, const WorldPolicy& policy,
                  XmlWriter& xml) {
  xml.text("PolicyName", policy.name)
      .text("PolicyId", policy.id)
      .text("Arn", arn)
      .text("Path", policy.path)
      .text("DefaultVersionId", "v" + std::to_string(policy.default_version))
      .number("AttachmentCount", attachments(world, arn))
      .number("PermissionsBoundaryUsageCount", 0)
      .text("IsAttachable", "true");
  if (!policy.description.empty()) xml.text("Description", policy.description);
  xml.text("CreateDate", format_utc_seconds(policy.created_ms))
      .text("UpdateDate", format_utc_seconds(policy.updated_ms));
}

void write_version(const WorldPolicy& policy, const WorldPolicyVersion& version, bool whole,
                   XmlWriter& xml) {
  if (whole) xml.text("Document", iam_document_text(version.policy));
  xml.text("VersionId", "v" + std::to_string(version.number))
      .text("IsDefaultVersion", version.number == policy.default_version ? "true" : "false")
      .text("CreateDate", format_utc_seconds(version.created_ms));
}

IamError no_such_version(const ApiCall& call) {
  return no_such_entity("Policy " + call.parameter("PolicyArn") + " version " +
                        call.parameter("VersionId") + " does not exist or is not attachable.");
}

const WorldPolicyVersion* version_of(const ApiCall& call, const WorldPolicy& policy) {
  for (const WorldPolicyVersion& one : policy.versions) {
    if ("v" + std::to_string(one.number) == call.parameter("VersionId")) return &one;
  }
  return nullptr;
}

}  // namespace

ApiResult<ApiAnswer> IamService::create_policy(const ApiCall& call) {
  WorldPolicy policy;
  VESTO_ASSIGN(policy.name, iam_name(call, "PolicyName", kMaxPolicyName));
  VESTO_ASSIGN(policy.path, iam_path(call));
  policy.description = call.parameter("Description");
  if (policy.description.size() > kMaxDescription) {
    return validation_error(policy.description, "description",
                            "Member must have length less than or equal to 1000");
  }
  const std::string owner = account(call);
  const std::string arn = policy_arn(owner, policy);
  VESTO_TRY(allow(call, arn));
  VESTO_ASSIGN(IamPolicy document, document_of(call));
  policy.id = make_entity_id("ANPA");
  policy.created_ms = clock_.wall_ms();
  policy.updated_ms = policy.created_ms;
  policy.versions.push_back(
      {.number = 1, .policy = std::move(document), .created_ms = policy.created_ms});
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    const WorldAccount* home = world.account(owner);
    if (home == nullptr) return no_such_entity("The account is not there.");
    for (const WorldPolicy& one : home->policies) {
      if (to_lower_ascii(one.name) != to_lower_ascii(policy.name)) continue;
      return already_exists("A policy called " + policy.name +
                            " already exists. Duplicate names are not allowed.");
    }
    if (home->policies.size() >= kMaxOfAccount) {
      return over_quota("Cannot exceed quota for PoliciesPerAccount: " +
                        std::to_string(kMaxOfAccount));
    }
    return WorldChange([owner, policy](World& changed) {
      for (WorldAccount& one : changed.accounts) {
        if (one.id == owner) one.policies.push_back(policy);
      }
    });
  };
  VESTO_TRY(iam_.change("create " + policy.id, prepare));
  XmlWriter xml = begin_result(call);
  xml.open("Policy");
  write_policy(iam_.written(), arn, policy, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<WorldPolicy> IamService::policy_of(const ApiCall& call) const {
  const std::string arn = call.parameter("PolicyArn");
  constexpr size_t kMinArnChars = 20;
  if (arn.size() < kMinArnChars) {
    return validation_error(arn, "policyArn",
                            "Member must have length greater than or equal to 20");
  }
  VESTO_TRY(allow(call, arn));
  const auto name = parse_iam_arn(arn, "policy");
  const World world = iam_.written();
  const WorldPolicy* found = world.policy(arn);
  if (found == nullptr || (name && name->account != account(call))) {
    return no_such_entity("Policy " + arn + " was not found.");
  }
  return *found;
}

ApiResult<ApiAnswer> IamService::get_policy(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  XmlWriter xml = begin_result(call);
  xml.open("Policy");
  write_policy(iam_.written(), call.parameter("PolicyArn"), policy, xml);
  xml.close();
  return end_result(call, &xml);
}

// The account's own; AWS's are not listed.
ApiResult<ApiAnswer> IamService::list_policies(const ApiCall& call) {
  VESTO_TRY(allow(call, "arn:aws:iam::" + account(call) + ":policy/"));
  if (call.has("Scope") && call.parameter("Scope") != "Local") {
    return IamError{400, "ValidationError", "only Scope=Local is known to this sandbox"};
  }
  const World world = iam_.written();
  const WorldAccount* home = world.account(account(call));
  const std::vector<WorldPolicy> all =
      home == nullptr ? std::vector<WorldPolicy>() : home->policies;
  return page(call, "Policies", all.size(), [&](size_t i, XmlWriter& xml) {
    xml.open("member");
    write_policy(world, policy_arn(account(call), all[i]), all[i], xml);
    xml.close();
  });
}

ApiResult<ApiAnswer> IamService::delete_policy(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  const std::string arn = call.parameter("PolicyArn");
  const std::string owner = account(call);
  const auto prepare = [&](const World& world) -> Result<WorldChange, IamError> {
    if (aws_managed_policy(arn) != nullptr) {
      return IamError{403, "AccessDenied", "Cannot change a policy of AWS."};
    }
    if (attachments(world, arn) > 0) {
      return IamError{409, "DeleteConflict", "Cannot delete a policy attached to entities."};
    }
    if (policy.versions.size() > 1) {
      return IamError{409, "DeleteConflict",
                      "This policy has more than one version. Before you delete a policy, you must "
                      "delete the policy's versions. The default version is deleted with the "
                      "policy."};
    }
    return WorldChange([owner, id = policy.id](World& changed) {
      for (WorldAccount& one : changed.accounts) {
        if (one.id != owner) continue;
        one.policies.erase(std::remove_if(one.policies.begin(), one.policies.end(),
                                          [&](const WorldPolicy& each) { return each.id == id; }),
                           one.policies.end());
      }
    });
  };
  VESTO_TRY(iam_.change("delete " + policy.id, prepare));
  return empty_answer(call);
}

ApiResult<Unit> IamService::change_policy(
    const ApiCall& call, const std::string& target,
    const std::function<Result<std::function<void(WorldPolicy&)>, IamError>(const WorldPolicy&)>&
        prepare) {
  const std::string arn = call.parameter("PolicyArn");
  return iam_.change(target + " " + arn, [&](const World& world) -> Result<WorldChange, IamError> {
    const WorldPolicy* found = world.policy(arn);
    if (found == nullptr) return no_such_entity("Policy " + arn + " was not found.");
    if (aws_managed_policy(arn) != nullptr) {
      return IamError{403, "AccessDenied", "Cannot change a policy of AWS."};
    }
    VESTO_ASSIGN(auto apply, prepare(*found));
    return WorldChange([arn, apply = std::move(apply)](World& changed) {
      if (auto* one = const_cast<WorldPolicy*>(changed.policy(arn))) apply(*one);
    });
  });
}

ApiResult<ApiAnswer> IamService::create_policy_version(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  VESTO_ASSIGN(const IamPolicy document, document_of(call));
  const bool as_default = to_lower_ascii(call.parameter("SetAsDefault")) == "true";
  const WorldPolicyVersion version{
      .number = policy.next_version, .policy = document, .created_ms = clock_.wall_ms()};
  using Apply = std::function<void(WorldPolicy&)>;
  const auto prepare = [&](const WorldPolicy& now) -> Result<Apply, IamError> {
    if (now.versions.size() >= kMaxVersions) {
      return over_quota(
          "A managed policy can have up to 5 versions. Before you create a new version, you must "
          "delete an existing version.");
    }
    return Apply([version, as_default](WorldPolicy& changed) {
      changed.versions.push_back(version);
      changed.next_version = version.number + 1;
      changed.updated_ms = version.created_ms;
      if (as_default) changed.default_version = version.number;
    });
  };
  VESTO_TRY(change_policy(call, "version " + std::to_string(version.number), prepare));
  VESTO_ASSIGN(const WorldPolicy now, policy_of(call));
  XmlWriter xml = begin_result(call);
  xml.open("PolicyVersion");
  write_version(now, version, false, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::get_policy_version(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  const WorldPolicyVersion* version = version_of(call, policy);
  if (version == nullptr) return no_such_version(call);
  XmlWriter xml = begin_result(call);
  xml.open("PolicyVersion");
  write_version(policy, *version, true, xml);
  xml.close();
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> IamService::list_policy_versions(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  return page(call, "Versions", policy.versions.size(), [&](size_t i, XmlWriter& xml) {
    xml.open("member");
    write_version(policy, policy.versions[policy.versions.size() - 1 - i], false, xml);
    xml.close();
  });
}

ApiResult<ApiAnswer> IamService::set_default_policy_version(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  const WorldPolicyVersion* version = version_of(call, policy);
  if (version == nullptr) return no_such_version(call);
  using Apply = std::function<void(WorldPolicy&)>;
  const auto prepare = [&](const WorldPolicy&) -> Result<Apply, IamError> {
    return Apply([number = version->number, now_ms = clock_.wall_ms()](WorldPolicy& changed) {
      changed.default_version = number;
      changed.updated_ms = now_ms;
    });
  };
  VESTO_TRY(change_policy(call, "default", prepare));
  return empty_answer(call);
}

ApiResult<ApiAnswer> IamService::delete_policy_version(const ApiCall& call) {
  VESTO_ASSIGN(const WorldPolicy policy, policy_of(call));
  const WorldPolicyVersion* version = version_of(call, policy);
  if (version == nullptr) return no_such_version(call);
  if (version->number == policy.default_version) {
    return IamError{409, "DeleteConflict", "Cannot delete the default version of a policy."};
  }
  using Apply = std::function<void(WorldPolicy&)>;
  const auto prepare = [&](const WorldPolicy&) -> Result<Apply, IamError> {
    return Apply([number = version->number](WorldPolicy& changed) {
      auto& all = changed.versions;
      all.erase(std::remove_if(all.begin(), all.end(),
                               [&](const WorldPolicyVersion& one) { return one.number == number; }),
                all.end());
    });
  };
  VESTO_TRY(change_policy(call, "drop " + call.parameter("VersionId"), prepare));
  return empty_answer(call);
}

}  // namespace vesto::sandbox
