// sandbox.toml into a World.
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "base/strings.h"
#include "sandbox/iam/toml_section.h"
#include "sandbox/iam/world.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxListed = 1000;
constexpr size_t kMaxTags = 50;
constexpr int64_t kShortestMaximumS = 3600;
constexpr int64_t kLongestMaximumS = 43'200;

bool consists_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           more.find(c) != std::string_view::npos;
  });
}

bool is_entity_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && consists_of(name, "_+=,.@-");
}

bool is_lower_name(std::string_view name, std::string_view more) {
  return !name.empty() && name.size() <= 64 && consists_of(name, more) &&
         name == to_lower_ascii(name);
}

template <typename T, typename Name>
bool has_twice(const std::vector<T>& list, const Name& name_of) {
  std::set<std::string> seen;
  return std::any_of(list.begin(), list.end(),
                     [&](const T& item) { return !seen.insert(name_of(item)).second; });
}

class WorldReader {
 public:
  explicit WorldReader(TomlProblems& problems) : problems_(problems) {}

  World read(const toml::table& table) {
    TomlSection top(table, problems_);
    world_.propagation_ms = top.integer("propagation_ms", 0, 0, kMaxPropagationMs);
    world_.serve_first_created = top.flag("serve_first_created", false);
    world_.creating_ms = top.integer("creating_ms", world_.creating_ms, 0, kMaxCreatingMs);
    world_.instance_role = machine_role(top, "instance_role");
    world_.container_role = machine_role(top, "container_role");
    world_.pod_role = machine_role(top, "pod_role");
    top.each("account", kMaxAccounts, [&](TomlSection& section) { read_account(section); });
    top.each("kms_key", kMaxOfWorld, [&](TomlSection& section) { read_kms_key(section); });
    top.each("bucket", kMaxOfWorld, [&](TomlSection& section) { read_bucket(section); });
    top.each("cluster", kMaxOfWorld, [&](TomlSection& section) { read_cluster(section); });
    top.each("workgroup", kMaxOfWorld, [&](TomlSection& section) { read_workgroup(section); });
    top.each("instance", kMaxOfWorld, [&](TomlSection& section) { read_instance(section); });
    for (const auto& check : later_) check();
    top.finish();
    if (world_.accounts.empty()) top.fail("there is no [[account]]");
    return std::move(world_);
  }

 private:
  static std::vector<NamedPolicy> named(std::vector<std::pair<std::string, IamPolicy>> list) {
    std::vector<NamedPolicy> out;
    for (auto& [name, policy] : list) out.push_back({.name = name, .policy = std::move(policy)});
    return out;
  }

  // Principals and policies may stand further down in the file.
  void check_later(const TomlSection& section, const char* key, const IamPolicy& policy) {
    later_.emplace_back([this, section = TomlSection(section), key, policy]() mutable {
      if (const auto unknown = unknown_principal(world_, policy)) {
        section.fail_key(key, "Invalid principal in policy: " + *unknown);
      }
    });
  }

  // ARNs of managed policies.
  std::vector<std::string> attached(TomlSection& section) {
    std::vector<std::string> arns = section.texts("attached_policies", kMaxAttached);
    later_.emplace_back([this, section = TomlSection(section), arns]() mutable {
      for (const std::string& arn : arns) {
        if (world_.policy(arn) != nullptr) continue;
        section.fail_key("attached_policies",
                         "Policy " + arn + " does not exist or is not attachable.");
      }
    });
    return arns;
  }

  static WorldPolicy read_managed(TomlSection& section) {
    WorldPolicy policy{.name = entity_name(section)};
    policy.path = role_path(section);
    policy.id = make_entity_id("ANPA");
    policy.versions.push_back(
        {.number = 1,
         .policy = section.policy("document", PolicyKind::kIdentity, true).value_or(IamPolicy())});
    return policy;
  }

  void read_account(TomlSection& section) {
    WorldAccount account;
    account.id = section.text("id", true);
    if (account.id.size() != 12 ||
        account.id.find_first_not_of("0123456789") != std::string::npos) {
      section.fail_key("id", "an account has 12 digits");
    }
    if (world_.account(account.id) != nullptr) section.fail_key("id", "stands twice");
    account.name = section.text("name", false);
    section.each("role", kMaxOfAccount,
                 [&](TomlSection& one) { account.roles.push_back(read_role(one)); });
    section.each("user", kMaxOfAccount,
                 [&](TomlSection& one) { account.users.push_back(read_user(one)); });
    section.each("oidc_provider", kMaxOfAccount,
                 [&](TomlSection& one) { account.oidc_providers.push_back(read_provider(one)); });
    section.each("policy", kMaxOfAccount,
                 [&](TomlSection& one) { account.policies.push_back(read_managed(one)); });
    if (has_twice(account.policies,
                  [](const WorldPolicy& policy) { return to_lower_ascii(policy.name); })) {
      section.fail_key("policy", "two policies have the same name");
    }
    if (has_twice(account.roles, [](const WorldRole& role) { return to_lower_ascii(role.name); })) {
      section.fail_key("role", "two roles have the same name");
    }
    if (has_twice(account.users, [](const WorldUser& user) { return to_lower_ascii(user.name); })) {
      section.fail_key("user", "two users have the same name");
    }
    if (has_twice(account.oidc_providers,
                  [](const WorldOidcProvider& provider) { return provider.issuer_url; })) {
      section.fail_key("oidc_provider", "two providers have the same issuer_url");
    }
    world_.accounts.push_back(std::move(account));
  }

  static std::string machine_role(TomlSection& top, const char* name) {
    std::string arn = top.text(name, false);
    if (!arn.empty() && !parse_role_arn(arn)) top.fail_key(name, "is no ARN of a role");
    return arn;
  }

  // "/" or "/a/b/".
  static std::string role_path(TomlSection& section) {
    std::string path = section.text("path", false);
    if (path.empty()) path = "/";
    if (path.front() != '/' || path.back() != '/' || path.size() > 512 ||
        path.find("//") != std::string::npos || !consists_of(path, "/_+=,.@-")) {
      section.fail_key("path", "begins and ends with /, as /team/data/");
    }
    return path;
  }

  static std::string entity_name(TomlSection& section) {
    std::string name = section.text("name", true);
    if (!is_entity_name(name)) {
      section.fail_key("name", "1 to 64 letters, digits and _+=,.@-");
    }
    return name;
  }

  WorldRole read_role(TomlSection& section) {
    WorldRole role{.name = entity_name(section), .trust = {}};
    role.trust = section.policy("trust", PolicyKind::kTrust, true).value_or(IamPolicy());
    check_later(section, "trust", role.trust);
    role.attached = attached(section);
    role.policies = named(section.policies("policies", kMaxPoliciesEach));
    role.boundary = section.policy("boundary", PolicyKind::kBoundary, false);
    role.max_session_duration_s =
        section.integer("max_session_duration_s", 3600, kShortestMaximumS, kLongestMaximumS);
    role.tags = section.text_map("tags", kMaxTags);
    role.id = make_entity_id("AROA");
    role.path = role_path(section);
    return role;
  }

  WorldUser read_user(TomlSection& section) {
    WorldUser user{.name = entity_name(section)};
    user.attached = attached(section);
    user.policies = named(section.policies("policies", kMaxPoliciesEach));
    user.boundary = section.policy("boundary", PolicyKind::kBoundary, false);
    user.tags = section.text_map("tags", kMaxTags);
    user.id = make_entity_id("AIDA");
    section.each("access_keys", kMaxKeysOfUser,
                 [&](TomlSection& one) { user.access_keys.push_back(read_key(one)); });
    return user;
  }

  WorldKey read_key(TomlSection& section) {
    WorldKey key{.id = section.text("id", false), .secret = section.text("secret", false)};
    if (key.id.empty() && !key.secret.empty()) section.fail("a secret without an id");
    if (key.id.empty()) key.id = make_key_id("AKIA");
    if (key.secret.empty()) key.secret = make_secret_key();
    if (key.id.size() < 16 || key.id.size() > 128 || !consists_of(key.id, "_")) {
      section.fail_key("id", "16 to 128 letters, digits and _");
    }
    if (key.secret.size() < 16 || key.secret.size() > 128) {
      section.fail_key("secret", "16 to 128 characters");
    }
    if (!keys_.insert(key.id).second) section.fail_key("id", "stands twice");
    return key;
  }

  static WorldOidcProvider read_provider(TomlSection& section) {
    WorldOidcProvider provider{.issuer_url = section.text("issuer_url", true)};
    if (!provider.issuer_url.starts_with("https://") || provider.issuer_url.size() > 255 ||
        provider.issuer_url.size() < 9) {
      section.fail_key("issuer_url", "must begin with https://");
    }
    provider.client_ids = section.texts("client_ids", 100);
    provider.jwks_file = section.text("jwks_file", false);
    provider.jwks = section.text("jwks", false);
    if (!provider.jwks_file.empty() && !provider.jwks.empty()) {
      section.fail_key("jwks", "stands beside jwks_file");
    }
    return provider;
  }

  std::string owner(TomlSection& section) {
    std::string account = section.text("account", world_.accounts.size() != 1);
    // With one account there is no doubt.
    if (account.empty() && world_.accounts.size() == 1) account = world_.accounts.front().id;
    if (world_.account(account) == nullptr) section.fail_key("account", "no such [[account]]");
    return account;
  }

  static std::string region(TomlSection& section) {
    std::string region = section.text("region", false);
    if (region.empty()) region = "us-east-1";
    if (!is_lower_name(region, "-")) section.fail_key("region", "no name of a region");
    return region;
  }

  void read_kms_key(TomlSection& section) {
    WorldKmsKey key{.arn = section.text("arn", true)};
    const std::vector<std::string> parts = split(key.arn, ':');
    if (parts.size() != 6 || parts[0] != "arn" || parts[2] != "kms" ||
        !parts[5].starts_with("key/")) {
      section.fail_key("arn", "must be arn:aws:kms:REGION:ACCOUNT:key/ID");
    } else if (world_.account(parts[4]) == nullptr) {
      section.fail_key("arn", "no such [[account]]");
    }
    if (world_.kms_key(key.arn) != nullptr) section.fail_key("arn", "stands twice");
    key.enabled = section.flag("enabled", true);
    key.policy = section.policy("policy", PolicyKind::kKey, false);
    if (key.policy) check_later(section, "policy", *key.policy);
    world_.kms_keys.push_back(std::move(key));
  }

  void read_bucket(TomlSection& section) {
    WorldBucket bucket{.name = section.text("name", true), .account = owner(section)};
    if (bucket.name.size() < 3 || !is_lower_name(bucket.name, "-.")) {
      section.fail_key("name", "3 to 63 of a-z, 0-9, - and .");
    }
    if (world_.bucket(bucket.name) != nullptr) section.fail_key("name", "stands twice");
    bucket.region = region(section);
    bucket.policy = section.policy("policy", PolicyKind::kResource, false);
    if (bucket.policy && !is_policy_of_bucket(*bucket.policy, bucket.name)) {
      section.fail_key("policy", "Policy has invalid resource (not of this bucket)");
    }
    if (bucket.policy) check_later(section, "policy", *bucket.policy);
    bucket.kms_key = section.text("kms_key", false);
    bucket.expire_days = section.integer("expire_days", 0, 1, 3650);
    if (!bucket.kms_key.empty() && world_.kms_key(bucket.kms_key) == nullptr) {
      section.fail_key("kms_key", "no such [[kms_key]]");
    }
    world_.buckets.push_back(std::move(bucket));
  }

  // ARNs of roles; a role of another account need not be described here.
  static std::vector<std::string> copy_roles(TomlSection& section) {
    std::vector<std::string> roles = section.texts("copy_roles", 50);
    for (const std::string& role : roles) {
      if (!parse_role_arn(role)) section.fail_key("copy_roles", role + " is no ARN of a role");
    }
    return roles;
  }

  // Its absence and an empty list are not the same.
  static AllowList allow_from(TomlSection& section) {
    if (!section.has("allow_from")) return std::nullopt;
    std::vector<std::string> list = section.texts("allow_from", kMaxAllowed);
    if (const auto wrong = check_allow_list(list)) section.fail_key("allow_from", *wrong);
    return list;
  }

  void read_cluster(TomlSection& section) {
    WorldCluster cluster{.id = section.text("id", true), .account = owner(section)};
    if (!is_lower_name(cluster.id, "-")) section.fail_key("id", "1 to 63 of a-z, 0-9 and -");
    cluster.region = region(section);
    if (world_.cluster(cluster.id, cluster.region, cluster.account) != nullptr) {
      section.fail_key("id", "stands twice");
    }
    cluster.databases = section.texts("databases", kMaxListed);
    cluster.copy_roles = copy_roles(section);
    if (!cluster.copy_roles.empty()) cluster.default_role = cluster.copy_roles.front();
    cluster.allow_from = allow_from(section);
    world_.clusters.push_back(std::move(cluster));
  }

  void read_workgroup(TomlSection& section) {
    WorldWorkgroup group{.name = section.text("name", true),
                         .uuid = section.text("uuid", true),
                         .account = owner(section)};
    if (group.name.size() < 3 || !is_lower_name(group.name, "-")) {
      section.fail_key("name", "3 to 64 of a-z, 0-9 and -");
    }
    if (group.uuid.size() != 36 || !consists_of(group.uuid, "-")) {
      section.fail_key("uuid", "must be a UUID");
    }
    group.region = region(section);
    if (world_.workgroup(group.name, group.region, group.account) != nullptr) {
      section.fail_key("name", "stands twice");
    }
    group.databases = section.texts("databases", kMaxListed);
    group.allow_from = allow_from(section);
    group.namespace_name = group.name;
    WorldNamespace space{.name = group.name,
                         .uuid = uuid_from("namespace/" + group.uuid),
                         .account = group.account,
                         .region = group.region};
    if (!group.databases.empty()) space.database = group.databases.front();
    space.copy_roles = copy_roles(section);
    if (!space.copy_roles.empty()) space.default_role = space.copy_roles.front();
    world_.namespaces.push_back(std::move(space));
    world_.workgroups.push_back(std::move(group));
  }

  void read_instance(TomlSection& section) {
    WorldInstance instance{.account = owner(section),
                           .region = region(section),
                           .private_address = section.text("private_address", true)};
    const bool block = instance.private_address.find('/') != std::string::npos;
    if (block || check_allow_list({instance.private_address})) {
      section.fail_key("private_address", "no IPv4 address");
    }
    world_.instances.push_back(std::move(instance));
  }

  TomlProblems& problems_;
  World world_;
  std::set<std::string> keys_;
  std::vector<std::function<void()>> later_;
};

}  // namespace

Result<World, std::string> parse_world(std::string_view text, const std::string& file) {
  TomlProblems problems(file);
  if (text.size() > kMaxWorldBytes) {
    return fmt::format("{}: the file is larger than {}", file, format_bytes(kMaxWorldBytes));
  }
  if (const auto line = find_deep_toml(text)) {
    return fmt::format("{}:{}: nests too deep", file, *line);
  }
  try {
    const toml::table table = toml::parse(text);
    World world = WorldReader(problems).read(table);
    if (problems.any()) return problems.first();
    return world;
  } catch (const toml::parse_error& error) {
    // Its description may quote the file, and with it a secret.
    return fmt::format("{}:{}: no TOML", file, error.source().begin.line);
  } catch (const std::exception&) {
    return fmt::format("{}: cannot be read", file);
  }
}

}  // namespace vesto::sandbox
