// The managed policies of AWS that the sandbox knows, and the principals that its world holds.
// Source: AWS Managed Policy Reference; IAM User Guide, "AWS JSON policy elements: Principal".
#include <array>

#include "base/check.h"
#include "base/strings.h"
#include "sandbox/iam/world.h"

namespace vesto::sandbox {

namespace {

struct Known {
  std::string_view name;
  std::string_view document;
};

constexpr std::array<Known, 3> kKnown = {{
    {"AdministratorAccess",
     R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*",
 "Resource": "*"}]})"},
    {"AmazonS3FullAccess",
     R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
 "Action": ["s3:*", "s3-object-lambda:*"], "Resource": "*"}]})"},
    {"AmazonS3ReadOnlyAccess",
     R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow",
 "Action": ["s3:Get*", "s3:List*", "s3:Describe*", "s3-object-lambda:Get*",
            "s3-object-lambda:List*"], "Resource": "*"}]})"},
}};

std::vector<WorldPolicy> read_known() {
  std::vector<WorldPolicy> out;
  for (const Known& one : kKnown) {
    auto policy = parse_policy(one.document, PolicyKind::kIdentity);
    VESTO_CHECK(policy.ok());
    WorldPolicy made{.name = std::string(one.name)};
    made.id = make_entity_id("ANPA");
    made.versions.push_back({.number = 1, .policy = std::move(policy).value()});
    out.push_back(std::move(made));
  }
  return out;
}

// arn:aws:sts::A:assumed-role/R/S: the role must be there; its sessions come and go.
bool has_role_of_session(const World& world, const std::string& arn) {
  const std::vector<std::string> parts = split(arn, ':');
  if (parts.size() != 6 || parts[2] != "sts") return false;
  const std::vector<std::string> names = split(parts[5], '/');
  const WorldAccount* owner = world.account(parts[4]);
  if (names.size() != 3 || owner == nullptr) return false;
  for (const WorldRole& role : owner->roles) {
    if (role.name == names[1]) return true;
  }
  return false;
}

bool exists(const World& world, const std::string& principal) {
  if (principal == "*" || world.account(principal) != nullptr) return true;
  const std::string account = account_in_arn(principal);
  if (account.empty()) return false;
  if (principal.ends_with(":root")) return world.account(account) != nullptr;
  return world.role(principal) != nullptr || world.user(principal) != nullptr ||
         has_role_of_session(world, principal);
}

}  // namespace

const WorldPolicy* aws_managed_policy(std::string_view arn) {
  static const std::vector<WorldPolicy> kPolicies = read_known();
  constexpr std::string_view kPrefix = "arn:aws:iam::aws:policy/";
  if (!arn.starts_with(kPrefix)) return nullptr;
  for (const WorldPolicy& one : kPolicies) {
    if (one.name == arn.substr(kPrefix.size())) return &one;
  }
  return nullptr;
}

void forget_principal(World& world, const std::string& arn, const std::string& id) {
  const auto forget = [&](IamPolicy& policy) {
    bool changed = false;
    for (PolicyStatement& statement : policy.statements) {
      for (std::string& one : statement.principal.aws) {
        if (one != arn) continue;
        one = id;
        changed = true;
      }
    }
    if (changed) policy.text = replace_all(policy.text, '"' + arn + '"', '"' + id + '"');
  };
  for (WorldAccount& account : world.accounts) {
    for (WorldRole& role : account.roles) forget(role.trust);
  }
  for (WorldBucket& bucket : world.buckets) {
    if (bucket.policy) forget(*bucket.policy);
  }
  for (WorldKmsKey& key : world.kms_keys) {
    if (key.policy) forget(*key.policy);
  }
}

std::optional<std::string> unknown_principal(const World& world, const IamPolicy& policy) {
  for (const PolicyStatement& statement : policy.statements) {
    for (const std::string& one : statement.principal.aws) {
      if (!exists(world, one)) return "\"AWS\":\"" + one + "\"";
    }
  }
  return std::nullopt;
}

}  // namespace vesto::sandbox
