// Changes of the world while it runs.
#include <fmt/format.h>

#include <algorithm>

#include "sandbox/iam/condition_keys.h"
#include "sandbox/iam/iam_state.h"

namespace vesto::sandbox {

namespace {

IamError no_such(std::string_view what, std::string_view name) {
  return {.status = 404,
          .code = "NoSuchEntity",
          .message = fmt::format("The {} with name {} cannot be found.", what, name)};
}

IamError malformed(const PolicyError& error) {
  return {.status = 400, .code = "MalformedPolicyDocument", .message = error.text};
}

std::optional<IamError> refused_principal(const World& world, const IamPolicy& policy) {
  const auto unknown = unknown_principal(world, policy);
  if (!unknown) return std::nullopt;
  return IamError{.status = 400,
                  .code = "MalformedPolicyDocument",
                  .message = "Invalid principal in policy: " + *unknown};
}

IamError limit_exceeded(std::string message) {
  return {.status = 409, .code = "LimitExceeded", .message = std::move(message)};
}

bool has_policy(const std::vector<NamedPolicy>& policies, std::string_view name) {
  return std::any_of(policies.begin(), policies.end(),
                     [&](const NamedPolicy& one) { return one.name == name; });
}

void replace_policy(std::vector<NamedPolicy>& policies, const std::string& name,
                    const IamPolicy& policy) {
  for (NamedPolicy& one : policies) {
    if (one.name == name) {
      one.policy = policy;
      return;
    }
  }
  if (policies.size() < kMaxPoliciesEach) policies.push_back({.name = name, .policy = policy});
}

void remove_policy(std::vector<NamedPolicy>& policies, const std::string& name) {
  policies.erase(std::remove_if(policies.begin(), policies.end(),
                                [&](const NamedPolicy& one) { return one.name == name; }),
                 policies.end());
}

WorldRole* role_of(World& world, const std::string& arn) {
  return const_cast<WorldRole*>(world.role(arn));
}

WorldUser* user_of(World& world, const std::string& arn) {
  return const_cast<WorldUser*>(world.user(arn));
}

std::vector<NamedPolicy>* policies_in(World& world, bool role_owner, const std::string& arn) {
  if (role_owner) {
    WorldRole* role = role_of(world, arn);
    return role == nullptr ? nullptr : &role->policies;
  }
  WorldUser* user = user_of(world, arn);
  return user == nullptr ? nullptr : &user->policies;
}

WorldBucket* bucket_of(World& world, const std::string& name) {
  return const_cast<WorldBucket*>(world.bucket(name));
}

}  // namespace

Result<Unit, IamError> Iam::State::change(std::string target, WorldChange apply) {
  const int64_t at_ms = clock.wall_ms() + world.propagation_ms;
  pending.remove_if(
      [&](const PendingChange& one) { return one.at_ms >= at_ms && one.target == target; });
  if (pending.size() >= kMaxPendingChanges) {
    return limit_exceeded("Too many changes are still on their way.");
  }
  apply(written);
  const auto later = std::find_if(pending.begin(), pending.end(),
                                  [&](const PendingChange& one) { return one.at_ms > at_ms; });
  pending.insert(later, {.at_ms = at_ms, .target = std::move(target), .apply = std::move(apply)});
  settle();
  return Unit{};
}

Result<Unit, IamError> Iam::change(
    const std::string& target,
    const std::function<Result<WorldChange, IamError>(const World&)>& prepare) {
  Lock lock(state_->mutex);
  state_->settle();
  VESTO_ASSIGN(WorldChange apply, prepare(state_->written));
  return state_->change(target, std::move(apply));
}

Result<Unit, IamError> Iam::change_at_once(
    const std::function<Result<WorldChange, IamError>(const World&)>& prepare) {
  Lock lock(state_->mutex);
  state_->settle();
  VESTO_ASSIGN(const WorldChange apply, prepare(state_->written));
  apply(state_->world);
  apply(state_->written);
  return Unit{};
}

std::optional<IamError> Iam::check_principals(const IamPolicy& policy) const {
  Lock lock(state_->mutex);
  return refused_principal(state_->written, policy);
}

Result<Unit, IamError> Iam::put_role_trust(std::string_view role_arn, std::string_view json) {
  auto parsed = parse_working_policy(json, PolicyKind::kTrust);
  if (!parsed.ok()) return malformed(parsed.error());
  Lock lock(state_->mutex);
  state_->settle();
  if (state_->written.role(role_arn) == nullptr) return no_such("role", role_arn);
  if (auto refused = refused_principal(state_->written, *parsed)) return *std::move(refused);
  const std::string arn(role_arn);
  return state_->change("trust " + arn, [arn, policy = std::move(parsed).value()](World& world) {
    if (WorldRole* role = role_of(world, arn)) role->trust = policy;
  });
}

Result<Unit, IamError> Iam::State::put_policy(bool role_owner, std::string_view arn,
                                              const std::string& name, std::string_view json) {
  auto parsed = parse_working_policy(json, PolicyKind::kIdentity);
  if (!parsed.ok()) return malformed(parsed.error());
  const std::string what = role_owner ? "role" : "user";
  Lock lock(mutex);
  settle();
  const auto* found = policies_in(written, role_owner, std::string(arn));
  if (found == nullptr) return no_such(what, arn);
  if (found->size() >= kMaxPoliciesEach && !has_policy(*found, name)) {
    return limit_exceeded("The " + what + " has too many policies.");
  }
  return change("policy " + std::string(arn) + " " + name,
                [role_owner, owner = std::string(arn), name,
                 policy = std::move(parsed).value()](World& changed) {
                  if (auto* policies = policies_in(changed, role_owner, owner)) {
                    replace_policy(*policies, name, policy);
                  }
                });
}

Result<Unit, IamError> Iam::State::delete_policy(bool role_owner, std::string_view arn,
                                                 const std::string& name) {
  const std::string what = role_owner ? "role" : "user";
  Lock lock(mutex);
  settle();
  const auto* found = policies_in(written, role_owner, std::string(arn));
  if (found == nullptr) return no_such(what, arn);
  if (!has_policy(*found, name)) return no_such(what + " policy", name);
  return change("policy " + std::string(arn) + " " + name,
                [role_owner, owner = std::string(arn), name](World& changed) {
                  if (auto* policies = policies_in(changed, role_owner, owner)) {
                    remove_policy(*policies, name);
                  }
                });
}

Result<Unit, IamError> Iam::put_role_policy(std::string_view role_arn, const std::string& name,
                                            std::string_view json) {
  return state_->put_policy(true, role_arn, name, json);
}

Result<Unit, IamError> Iam::delete_role_policy(std::string_view role_arn, const std::string& name) {
  return state_->delete_policy(true, role_arn, name);
}

Result<Unit, IamError> Iam::put_user_policy(std::string_view user_arn, const std::string& name,
                                            std::string_view json) {
  return state_->put_policy(false, user_arn, name, json);
}

Result<Unit, IamError> Iam::delete_user_policy(std::string_view user_arn, const std::string& name) {
  return state_->delete_policy(false, user_arn, name);
}

Result<Unit, IamError> Iam::delete_role(std::string_view role_arn) {
  Lock lock(state_->mutex);
  state_->settle();
  const WorldRole* found = state_->written.role(role_arn);
  if (found == nullptr) return no_such("role", role_arn);
  const std::string arn(role_arn);
  return state_->change("role " + arn, [arn, id = found->id](World& world) {
    forget_principal(world, arn, id);
    const auto name = parse_role_arn(arn);
    for (WorldAccount& account : world.accounts) {
      if (!name || account.id != name->account) continue;
      account.roles.erase(
          std::remove_if(account.roles.begin(), account.roles.end(),
                         [&](const WorldRole& role) { return role.full_name() == name->name; }),
          account.roles.end());
    }
  });
}

Result<WorldKey, IamError> Iam::create_access_key(const std::string& account,
                                                  const std::string& user) {
  constexpr size_t kMaxMadeSecrets = 10'000;
  const std::string arn = iam_user_arn(account, user);
  Lock lock(state_->mutex);
  state_->settle();
  const WorldUser* found = state_->written.user(arn);
  if (found == nullptr) return no_such("user", user);
  if (found->access_keys.size() >= kMaxKeysOfUser) {
    return limit_exceeded("Cannot exceed quota for AccessKeysPerUser: 2");
  }
  WorldKey key{.id = make_key_id("AKIA"),
               .secret = make_secret_key(),
               .created_ms = state_->clock.wall_ms()};
  VESTO_TRY(state_->change("key " + key.id, [arn, key](World& world) {
    if (WorldUser* owner = user_of(world, arn)) owner->access_keys.push_back(key);
  }));
  state_->user_keys.emplace(key.id, std::make_pair(account, user));
  state_->made_secrets.push_back(key.secret);
  if (state_->made_secrets.size() > kMaxMadeSecrets) state_->made_secrets.pop_front();
  return key;
}

Result<Unit, IamError> Iam::delete_access_key(std::string_view key_id) {
  Lock lock(state_->mutex);
  state_->settle();
  const auto owner = state_->user_keys.find(key_id);
  if (owner == state_->user_keys.end()) return no_such("Access Key", key_id);
  // One that does not work yet never will.
  state_->pending.remove_if(
      [&](const PendingChange& one) { return one.target == "key " + std::string(key_id); });
  const std::string arn = iam_user_arn(owner->second.first, owner->second.second);
  for (World* world : {&state_->world, &state_->written}) {
    WorldUser* user = user_of(*world, arn);
    if (user == nullptr) continue;
    auto& keys = user->access_keys;
    keys.erase(std::remove_if(keys.begin(), keys.end(),
                              [&](const WorldKey& key) { return key.id == key_id; }),
               keys.end());
  }
  state_->user_keys.erase(owner);
  return Unit{};
}

Result<Unit, IamError> Iam::put_bucket_policy(std::string_view bucket, std::string_view json) {
  const auto malformed_s3 = [](std::string message) {
    return IamError{.status = 400, .code = "MalformedPolicy", .message = std::move(message)};
  };
  auto parsed = parse_working_policy(json, PolicyKind::kResource);
  if (!parsed.ok()) return malformed_s3(parsed.error().text);
  if (!is_policy_of_bucket(*parsed, bucket)) return malformed_s3("Policy has invalid resource");
  Lock lock(state_->mutex);
  state_->settle();
  const std::string name(bucket);
  if (bucket_of(state_->world, name) == nullptr) {
    return IamError{
        .status = 404, .code = "NoSuchBucket", .message = "The specified bucket does not exist"};
  }
  if (unknown_principal(state_->written, *parsed)) {
    return malformed_s3("Invalid principal in policy");
  }
  return state_->change("bucket " + name, [name, policy = std::move(parsed).value()](World& world) {
    if (WorldBucket* found = bucket_of(world, name)) found->policy = policy;
  });
}

Result<Unit, IamError> Iam::delete_bucket_policy(std::string_view bucket) {
  Lock lock(state_->mutex);
  state_->settle();
  const std::string name(bucket);
  if (bucket_of(state_->world, name) == nullptr) {
    return IamError{
        .status = 404, .code = "NoSuchBucket", .message = "The specified bucket does not exist"};
  }
  return state_->change("bucket " + name, [name](World& world) {
    if (WorldBucket* found = bucket_of(world, name)) found->policy.reset();
  });
}

bool Iam::put_bucket(const std::string& name, const std::string& account,
                     const std::string& region) {
  Lock lock(state_->mutex);
  state_->settle();
  if (state_->world.bucket(name) == nullptr && state_->world.buckets.size() >= kMaxOfWorld) {
    return false;
  }
  for (World* world : {&state_->world, &state_->written}) {
    if (WorldBucket* found = bucket_of(*world, name)) {
      found->account = account;
      found->region = region;
    } else {
      world->buckets.push_back({.name = name, .account = account, .region = region});
    }
  }
  return true;
}

void Iam::remove_bucket(const std::string& name) {
  Lock lock(state_->mutex);
  state_->settle();
  state_->pending.remove_if(
      [&](const PendingChange& one) { return one.target == "bucket " + name; });
  for (World* world : {&state_->world, &state_->written}) {
    auto& all = world->buckets;
    all.erase(std::remove_if(all.begin(), all.end(),
                             [&](const WorldBucket& one) { return one.name == name; }),
              all.end());
  }
}

void Iam::set_kms_key_enabled(std::string_view arn, bool enabled) {
  Lock lock(state_->mutex);
  for (World* world : {&state_->world, &state_->written}) {
    if (auto* key = const_cast<WorldKmsKey*>(world->kms_key(arn))) key->enabled = enabled;
  }
}

void Iam::set_propagation_ms(int64_t propagation_ms) {
  Lock lock(state_->mutex);
  state_->settle();
  state_->world.propagation_ms = std::clamp<int64_t>(propagation_ms, 0, kMaxPropagationMs);
}

}  // namespace vesto::sandbox
