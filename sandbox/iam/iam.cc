#include "sandbox/iam/iam.h"

#include <algorithm>

#include "base/strings.h"
#include "sandbox/iam/iam_state.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kBucketPrefix = "arn:aws:s3:::";

std::string_view bucket_of(std::string_view resource) {
  if (!resource.starts_with(kBucketPrefix)) return {};
  resource.remove_prefix(kBucketPrefix.size());
  return resource.substr(0, resource.find('/'));
}

IamPrincipal user_principal(const std::string& account, const WorldUser& user) {
  IamPrincipal out;
  out.kind = IamPrincipal::Kind::kUser;
  out.account = account;
  out.arn = iam_user_arn(account, user.name);
  out.user_id = user.id;
  out.name = user.name;
  return out;
}

std::string_view principal_type(IamPrincipal::Kind kind) {
  switch (kind) {
    case IamPrincipal::Kind::kRoot:
      return "Account";
    case IamPrincipal::Kind::kUser:
      return "User";
    case IamPrincipal::Kind::kRoleSession:
      return "AssumedRole";
    default:
      return "Anonymous";
  }
}

// What was there before the start is as old as the start.
void stamp(World& world, int64_t now_ms) {
  for (WorldAccount& account : world.accounts) {
    for (WorldRole& role : account.roles) role.created_ms = now_ms;
    for (WorldUser& user : account.users) {
      user.created_ms = now_ms;
      for (WorldKey& key : user.access_keys) key.created_ms = now_ms;
    }
    for (WorldPolicy& policy : account.policies) {
      policy.created_ms = now_ms;
      policy.updated_ms = now_ms;
      for (WorldPolicyVersion& version : policy.versions) version.created_ms = now_ms;
    }
  }
}

void add_tags(const std::map<std::string, std::string>& tags, RequestContext& context) {
  for (const auto& [name, value] : tags) context.set("aws:PrincipalTag/" + name, value);
}

}  // namespace

std::string iam_user_arn(std::string_view account, std::string_view name) {
  return "arn:aws:iam::" + std::string(account) + ":user/" + std::string(name);
}

void Iam::State::settle() {
  const int64_t now_ms = clock.wall_ms();
  while (!pending.empty() && pending.front().at_ms <= now_ms) {
    pending.front().apply(world);
    pending.pop_front();
  }
}

WorldRole* Iam::State::role(std::string_view arn) {
  return const_cast<WorldRole*>(world.role(arn));
}

WorldUser* Iam::State::user(std::string_view arn) {
  return const_cast<WorldUser*>(world.user(arn));
}

std::optional<AccessKeyInfo> Iam::State::find_key(std::string_view id) {
  const auto session = sessions.find(id);
  if (session != sessions.end()) return session->second.key;
  const auto owner = user_keys.find(id);
  if (owner == user_keys.end()) return std::nullopt;
  const WorldUser* found = user(iam_user_arn(owner->second.first, owner->second.second));
  if (found == nullptr) return std::nullopt;
  for (const WorldKey& key : found->access_keys) {
    if (key.id != id) continue;
    AccessKeyInfo info;
    info.id = key.id;
    info.secret = key.secret;
    info.principal = user_principal(owner->second.first, *found);
    return info;
  }
  return std::nullopt;
}

PolicySet Iam::State::policies_of(const AccessKeyInfo& key) {
  PolicySet out;
  const std::vector<NamedPolicy>* own = nullptr;
  const std::vector<std::string>* attached = nullptr;
  if (key.principal.kind == IamPrincipal::Kind::kUser) {
    if (const WorldUser* found = user(key.principal.arn)) {
      own = &found->policies;
      attached = &found->attached;
      if (found->boundary) out.boundary = &*found->boundary;
    }
  } else if (key.principal.kind == IamPrincipal::Kind::kRoleSession) {
    if (const WorldRole* found = role(key.principal.role_arn)) {
      own = &found->policies;
      attached = &found->attached;
      if (found->boundary) out.boundary = &*found->boundary;
    }
    const auto session = sessions.find(key.id);
    if (session != sessions.end()) out.session = session_policies(session->second);
  }
  if (own != nullptr) {
    for (const NamedPolicy& one : *own) out.identity.push_back(&one.policy);
  }
  if (attached != nullptr) {
    for (const std::string& arn : *attached) {
      if (const WorldPolicy* one = world.policy(arn)) out.identity.push_back(&one->document());
    }
  }
  return out;
}

// A managed one counts as it is now; one that was deleted allows nothing.
std::vector<const IamPolicy*> Iam::State::session_policies(const IamSession& session) {
  static const IamPolicy kNothing{.kind = PolicyKind::kSession};
  std::vector<const IamPolicy*> out;
  if (session.policy) out.push_back(&*session.policy);
  for (const std::string& arn : session.policy_arns) {
    const WorldPolicy* one = world.policy(arn);
    out.push_back(one == nullptr ? &kNothing : &one->document());
  }
  return out;
}

void Iam::State::add_caller(const AccessKeyInfo& key, RequestContext& context) {
  const IamPrincipal& who = key.principal;
  const int64_t now_ms = clock.wall_ms();
  context.set("aws:CurrentTime", format_utc_seconds(now_ms));
  context.set("aws:EpochTime", std::to_string(now_ms / 1000));
  context.set("aws:PrincipalType", std::string(principal_type(who.kind)));
  const bool is_service = who.kind == IamPrincipal::Kind::kService;
  context.set("aws:PrincipalIsAWSService", is_service ? "true" : "false");
  if (who.account.empty()) return;
  const bool is_session = who.kind == IamPrincipal::Kind::kRoleSession;
  context.set("aws:PrincipalArn", is_session ? who.role_arn : who.arn);
  context.set("aws:PrincipalAccount", who.account);
  context.set("aws:userid", who.user_id);
  if (const WorldUser* found = user(who.arn)) {
    context.set("aws:username", found->name);
    add_tags(found->tags, context);
  }
  if (!is_session) return;
  if (const WorldRole* found = role(who.role_arn)) add_tags(found->tags, context);
  const auto session = sessions.find(key.id);
  if (session == sessions.end()) return;
  context.set("aws:TokenIssueTime", format_utc_seconds(session->second.issued_ms));
  if (!session->second.source_identity.empty()) {
    context.set("aws:SourceIdentity", session->second.source_identity);
  }
  add_tags(session->second.tags, context);
  context.add_missing(session->second.context);
}

// What names no owner ("*", a bucket to be made) belongs to whoever asks.
void Iam::State::add_owner(AccessRequest& request) {
  const std::string& owner =
      request.resource_account.empty() ? request.principal.account : request.resource_account;
  if (owner.empty()) return;
  request.context.set("aws:ResourceAccount", owner);
  if (request.action.starts_with("s3:")) request.context.set("s3:ResourceAccount", owner);
}

std::optional<Denial> Iam::State::authorize(PolicySet policies, AccessRequest& request) {
  // A bucket that is to be made is its maker's, whoever has that name already.
  const bool makes = request.action == "s3:CreateBucket";
  const std::string_view bucket_name = makes ? std::string_view() : bucket_of(request.resource);
  if (const WorldBucket* bucket = world.bucket(bucket_name)) {
    request.resource_account = bucket->account;
    if (bucket->policy) policies.resource = &*bucket->policy;
  } else {
    request.resource_account = account_in_arn(request.resource);
    // AWS's own policies are every account's.
    if (request.resource_account == "aws") request.resource_account.clear();
  }
  if (const WorldKmsKey* key = world.kms_key(request.resource)) {
    if (key->policy) policies.resource = &*key->policy;
  }
  add_owner(request);
  const Decision decision = evaluate(policies, request);
  if (decision.allowed) return std::nullopt;
  return Denial{.decision = decision,
                .text = denial_text(DenialStyle::kGeneric, request, decision),
                .s3_text = denial_text(DenialStyle::kS3, request, decision)};
}

Iam::Iam(World world, Clock& clock) {
  stamp(world, clock.wall_ms());
  state_ = std::make_unique<State>(std::move(world), clock);
  Lock lock(state_->mutex);
  for (const WorldAccount& account : state_->world.accounts) {
    for (const WorldUser& user : account.users) {
      for (const WorldKey& key : user.access_keys) {
        state_->user_keys.emplace(key.id, std::make_pair(account.id, user.name));
      }
    }
  }
}

Iam::~Iam() = default;

std::optional<AccessKeyInfo> Iam::find_key(std::string_view id) const {
  Lock lock(state_->mutex);
  state_->settle();
  return state_->find_key(id);
}

std::optional<Denial> Iam::authorize(const AccessKeyInfo& key, std::string_view action,
                                     std::string_view resource,
                                     const RequestContext& context) const {
  AccessRequest request{.principal = key.principal,
                        .action = std::string(action),
                        .resource = std::string(resource),
                        .resource_account = "",
                        .context = context};
  Lock lock(state_->mutex);
  state_->settle();
  state_->add_caller(key, request.context);
  return state_->authorize(state_->policies_of(key), request);
}

std::optional<Denial> Iam::authorize_anonymous(std::string_view action, std::string_view resource,
                                               const RequestContext& context) const {
  return authorize(AccessKeyInfo(), action, resource, context);
}

std::optional<WorldOidcProvider> Iam::find_oidc_provider(std::string_view account,
                                                         std::string_view issuer) const {
  constexpr std::string_view kScheme = "https://";
  if (issuer.starts_with(kScheme)) issuer.remove_prefix(kScheme.size());
  Lock lock(state_->mutex);
  state_->settle();
  const WorldAccount* owner = state_->world.account(account);
  if (owner == nullptr) return std::nullopt;
  for (const WorldOidcProvider& provider : owner->oidc_providers) {
    if (std::string_view(provider.issuer_url).substr(kScheme.size()) == issuer) return provider;
  }
  return std::nullopt;
}

std::optional<WorldBucket> Iam::bucket(std::string_view name) const {
  Lock lock(state_->mutex);
  state_->settle();
  const WorldBucket* found = state_->world.bucket(name);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<WorldKmsKey> Iam::kms_key(std::string_view arn) const {
  Lock lock(state_->mutex);
  state_->settle();
  const WorldKmsKey* found = state_->world.kms_key(arn);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<WorldCluster> Iam::cluster(std::string_view id, std::string_view region,
                                         std::string_view account) const {
  Lock lock(state_->mutex);
  state_->settle();
  const WorldCluster* found = state_->world.cluster(id, region, account);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

std::optional<WorldWorkgroup> Iam::workgroup(std::string_view name, std::string_view region,
                                             std::string_view account) const {
  Lock lock(state_->mutex);
  state_->settle();
  const WorldWorkgroup* found = state_->world.workgroup(name, region, account);
  return found == nullptr ? std::nullopt : std::optional(*found);
}

World Iam::world() const {
  Lock lock(state_->mutex);
  state_->settle();
  return state_->world;
}

World Iam::written() const {
  Lock lock(state_->mutex);
  return state_->written;
}

size_t Iam::session_count() const {
  Lock lock(state_->mutex);
  return state_->sessions.size();
}

std::vector<std::string> Iam::secrets() const {
  std::vector<std::string> out;
  Lock lock(state_->mutex);
  for (const WorldAccount& account : state_->world.accounts) {
    for (const WorldUser& user : account.users) {
      for (const auto& key : user.access_keys) out.push_back(key.secret);
    }
  }
  out.insert(out.end(), state_->made_secrets.begin(), state_->made_secrets.end());
  for (const auto& [id, session] : state_->sessions) {
    out.push_back(session.key.secret);
    out.push_back(session.key.session_token);
  }
  return out;
}

}  // namespace vesto::sandbox
