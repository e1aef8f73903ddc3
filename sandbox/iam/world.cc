#include "sandbox/iam/world.h"

#include <algorithm>

#include "base/check.h"
#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/iam/condition_values.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kIdAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
constexpr std::string_view kSecretAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// Both alphabets divide 256, so every character is as likely as the others.
std::string random_text(std::string_view alphabet, size_t length) {
  std::string out;
  for (const char c : random_bytes(length)) {
    out += alphabet[static_cast<unsigned char>(c) % alphabet.size()];
  }
  return out;
}

}  // namespace

std::string make_key_id(std::string_view prefix) {
  return std::string(prefix) + random_text(kIdAlphabet, 16);
}

std::string make_entity_id(std::string_view prefix) {
  return std::string(prefix) + random_text(kIdAlphabet, 17);
}

std::string uuid_from(std::string_view text) {
  std::string hex = sha256_hex(text).substr(0, 32);
  for (const size_t at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

std::string make_secret_key() { return random_text(kSecretAlphabet, 40); }

std::string account_in_arn(std::string_view arn) {
  const std::vector<std::string> parts = split(arn, ':');
  return parts.size() >= 6 && parts[0] == "arn" ? parts[4] : std::string();
}

std::optional<RoleName> parse_iam_arn(std::string_view arn, std::string_view kind) {
  const std::vector<std::string> parts = split(arn, ':');
  const std::string prefix = std::string(kind) + "/";
  if (parts.size() != 6 || parts[0] != "arn" || !parts[1].starts_with("aws") || parts[2] != "iam" ||
      !parts[3].empty() || parts[4].size() != 12 ||
      parts[4].find_first_not_of("0123456789") != std::string::npos ||
      !parts[5].starts_with(prefix) || parts[5].size() == prefix.size()) {
    return std::nullopt;
  }
  return RoleName{.account = parts[4], .name = parts[5].substr(prefix.size())};
}

std::optional<RoleName> parse_role_arn(std::string_view arn) { return parse_iam_arn(arn, "role"); }

bool is_policy_of_bucket(const IamPolicy& policy, std::string_view bucket) {
  const std::string own = "arn:aws:s3:::" + std::string(bucket);
  const auto is_own = [&](const std::string& resource) {
    return resource == own || resource.starts_with(own + "/") || resource == own + "*";
  };
  return std::all_of(
      policy.statements.begin(), policy.statements.end(), [&](const PolicyStatement& statement) {
        return std::all_of(statement.resources.begin(), statement.resources.end(), is_own);
      });
}

std::optional<std::string> check_allow_list(const std::vector<std::string>& list) {
  if (list.size() > kMaxAllowed) return "more than " + std::to_string(kMaxAllowed) + " blocks";
  for (const std::string& block : list) {
    if (!is_address_block(block) || block.find(':') != std::string::npos) {
      return "\"" + block + "\" is no IPv4 address or CIDR block";
    }
  }
  return std::nullopt;
}

const WorldAccount* World::account(std::string_view id) const {
  for (const WorldAccount& one : accounts) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

const WorldRole* World::role(std::string_view arn) const {
  const auto wanted = parse_role_arn(arn);
  const WorldAccount* owner = wanted ? account(wanted->account) : nullptr;
  if (owner == nullptr) return nullptr;
  for (const WorldRole& one : owner->roles) {
    if (one.full_name() == wanted->name) return &one;
  }
  return nullptr;
}

const WorldUser* World::user(std::string_view arn) const {
  const auto wanted = parse_iam_arn(arn, "user");
  const WorldAccount* owner = wanted ? account(wanted->account) : nullptr;
  if (owner == nullptr) return nullptr;
  for (const WorldUser& one : owner->users) {
    if (one.name == wanted->name) return &one;
  }
  return nullptr;
}

const WorldPolicy* World::policy(std::string_view arn) const {
  if (const WorldPolicy* known = aws_managed_policy(arn)) return known;
  const auto wanted = parse_iam_arn(arn, "policy");
  const WorldAccount* owner = wanted ? account(wanted->account) : nullptr;
  if (owner == nullptr) return nullptr;
  for (const WorldPolicy& one : owner->policies) {
    if (one.full_name() == wanted->name) return &one;
  }
  return nullptr;
}

const IamPolicy& WorldPolicy::document() const {
  for (const WorldPolicyVersion& one : versions) {
    if (one.number == default_version) return one.policy;
  }
  static const IamPolicy kNothing;
  return kNothing;
}

const WorldBucket* World::bucket(std::string_view name) const {
  for (const WorldBucket& one : buckets) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

const WorldKmsKey* World::kms_key(std::string_view arn) const {
  for (const WorldKmsKey& one : kms_keys) {
    if (one.arn == arn) return &one;
  }
  return nullptr;
}

const WorldCluster* World::cluster(std::string_view id, std::string_view region,
                                   std::string_view account) const {
  for (const WorldCluster& one : clusters) {
    if (one.id == id && one.region == region && one.account == account) return &one;
  }
  return nullptr;
}

const WorldWorkgroup* World::workgroup(std::string_view name, std::string_view region,
                                       std::string_view account) const {
  for (const WorldWorkgroup& one : workgroups) {
    if (one.name == name && one.region == region && one.account == account) return &one;
  }
  return nullptr;
}

const WorldNamespace* World::name_space(std::string_view name, std::string_view region,
                                        std::string_view account) const {
  for (const WorldNamespace& one : namespaces) {
    if (one.name == name && one.region == region && one.account == account) return &one;
  }
  return nullptr;
}

World default_world(const WorldKey& key) {
  constexpr std::string_view kAll =
      R"({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*",
 "Resource": ["arn:aws:s3:::vesto-demo", "arn:aws:s3:::vesto-demo/*"]}]})";
  auto policy = parse_policy(kAll, PolicyKind::kIdentity);
  VESTO_CHECK(policy.ok());
  WorldUser user{.name = "demo"};
  user.policies.push_back({.name = "vesto-demo", .policy = std::move(policy).value()});
  user.access_keys.push_back({.id = key.id.empty() ? make_key_id("AKIA") : key.id,
                              .secret = key.secret.empty() ? make_secret_key() : key.secret});
  user.id = make_entity_id("AIDA");
  WorldAccount account{.id = "123456789012", .name = "demo"};
  account.users.push_back(std::move(user));
  World world;
  world.accounts.push_back(std::move(account));
  // The region that endpoints.json names.
  world.buckets.push_back(
      {.name = "vesto-demo", .account = "123456789012", .region = "eu-west-1", .expire_days = 3});
  return world;
}

}  // namespace vesto::sandbox
