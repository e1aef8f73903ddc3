// Who may become a role, and the keys that they get.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "base/strings.h"
#include "sandbox/iam/condition_keys.h"
#include "sandbox/iam/iam_state.h"
#include "sandbox/iam/policy_json.h"

namespace vesto::sandbox {

namespace {

constexpr int64_t kShortestSessionS = 900;
constexpr int64_t kLongestSessionS = 43'200;
constexpr int64_t kLongestChainedS = 3600;
constexpr size_t kTokenChars = 398;
constexpr size_t kMaxSessionTags = 50;
constexpr std::string_view kTagKeys = "aws:TagKeys";
constexpr std::string_view kTagSession = "sts:TagSession";

IamError access_denied(std::string message) {
  return {.status = 403, .code = "AccessDenied", .message = std::move(message)};
}

IamError validation_error(std::string message) {
  return {.status = 400, .code = "ValidationError", .message = std::move(message)};
}

IamError constraint_error(std::string_view value, std::string_view field, std::string_view rule) {
  return validation_error(constraint_text(value, field, fmt::format("Member must {}", rule)));
}

std::optional<IamError> check_name(const std::string& name) {
  constexpr std::string_view kField = "roleSessionName";
  if (name.size() < 2) {
    return constraint_error(name, kField, "have length greater than or equal to 2");
  }
  if (name.size() > 64) {
    return constraint_error(name, kField, "have length less than or equal to 64");
  }
  const bool good = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("_+=,.@-").find(c) != std::string_view::npos;
  });
  if (good) return std::nullopt;
  return constraint_error(name, kField, "satisfy regular expression pattern: [\\w+=,.@-]*");
}

std::optional<IamError> check_duration(int64_t duration_s) {
  if (duration_s < kShortestSessionS) {
    return constraint_error(std::to_string(duration_s), "durationSeconds",
                            "have value greater than or equal to 900");
  }
  if (duration_s > kLongestSessionS) {
    return constraint_error(std::to_string(duration_s), "durationSeconds",
                            "have value less than or equal to 43200");
  }
  return std::nullopt;
}

// Tab, line ends and U+0020 to U+00FF, in UTF-8.
bool has_policy_characters(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 0x20 && byte < 0xC4);
  });
}

// STS packs a policy in a form of its own; one measured case is known: 1,690 characters, 157 %.
// The ARNs of managed policies are packed with it.
int packed_percent(const SessionRequest& request) {
  size_t size = count_non_blank(request.session_policy);
  for (const std::string& arn : request.policy_arns) size += arn.size();
  return static_cast<int>((size * 157 + 1689) / 1690);
}

// The length of both together, and how much room they take once packed.
std::optional<IamError> check_sizes(const SessionRequest& request) {
  size_t size = count_characters(request.session_policy);
  if (size > kMaxSessionPolicyChars) {
    return constraint_error(request.session_policy, "policy",
                            "have length less than or equal to 2048");
  }
  for (const std::string& arn : request.policy_arns) size += count_characters(arn);
  if (size > kMaxSessionPolicyChars) {
    return validation_error(
        "The plain text of the session policy and the ARNs of the managed session policies can't "
        "exceed 2048 characters.");
  }
  const int percent = packed_percent(request);
  if (percent <= 100) return std::nullopt;
  return IamError{.status = 400,
                  .code = "PackedPolicyTooLarge",
                  .message = fmt::format("Packed policy consumes {}% of allotted space, please "
                                         "use smaller policy.",
                                         percent)};
}

Result<std::optional<IamPolicy>, IamError> read_session_policy(const std::string& text) {
  if (text.empty()) return std::optional<IamPolicy>();
  if (!has_policy_characters(text)) {
    return constraint_error(
        text, "policy",
        "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+");
  }
  auto parsed = parse_working_policy(text, PolicyKind::kSession);
  if (!parsed.ok()) {
    return IamError{
        .status = 400, .code = "MalformedPolicyDocument", .message = parsed.error().text};
  }
  return std::optional<IamPolicy>(std::move(parsed).value());
}

// Managed session policies are those of the role's account, or AWS's own.
std::optional<IamError> check_managed(const World& world, const std::string& role_account,
                                      const std::vector<std::string>& arns) {
  for (const std::string& arn : arns) {
    const auto name = parse_iam_arn(arn, "policy");
    const bool own = !name || name->account == role_account;
    if (world.policy(arn) != nullptr && own) continue;
    return validation_error("Policy " + arn + " does not exist or is not attachable.");
  }
  return std::nullopt;
}

// Looks like the real ones, and has the characters that break a careless client.
std::string make_token() {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out = "IQoJ/+";
  for (const char c : random_bytes(kTokenChars - out.size())) {
    out += kAlphabet[static_cast<unsigned char>(c) % kAlphabet.size()];
  }
  return out + "==";
}

std::string host_of(std::string_view issuer) {
  constexpr std::string_view kScheme = "https://";
  if (issuer.starts_with(kScheme)) issuer.remove_prefix(kScheme.size());
  return std::string(issuer);
}

// Tag keys are compared without regard to case.
std::set<std::string> lower_keys(const std::vector<std::string>& keys) {
  std::set<std::string> out;
  for (const std::string& key : keys) out.insert(to_lower_ascii(key));
  return out;
}

IamPrincipal session_principal(const RoleName& name, const WorldRole& role,
                               const SessionRequest& request) {
  IamPrincipal out;
  out.kind = IamPrincipal::Kind::kRoleSession;
  out.account = name.account;
  out.arn = fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", name.account, role.name,
                        request.session_name);
  out.role_arn = request.role_arn;
  out.user_id = role.id + ":" + request.session_name;
  out.name = role.name;
  out.session_name = request.session_name;
  return out;
}

// A role that does not exist trusts nobody: the answer is the same as for one that says no.
const IamPolicy& nobody() {
  static const IamPolicy kNobody{.kind = PolicyKind::kTrust};
  return kNobody;
}

}  // namespace

std::string constraint_text(std::string_view value, std::string_view field, std::string_view rule) {
  const std::string shown = value.empty() ? "null" : fmt::format("'{}'", value);
  return fmt::format(
      "1 validation error detected: Value {} at '{}' failed to satisfy constraint: {}", shown,
      field, rule);
}

void add_request_tags(const std::map<std::string, std::string>& tags, RequestContext& context) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : tags) {
    context.set("aws:RequestTag/" + key, value);
    keys.push_back(key);
  }
  if (!keys.empty()) context.set_all("aws:TagKeys", std::move(keys));
}

RequestContext google_context(const std::string& aud, const std::string& azp,
                              const std::string& sub) {
  RequestContext context;
  context.set("accounts.google.com:oaud", aud);
  context.set("accounts.google.com:aud", azp.empty() ? aud : azp);
  context.set("accounts.google.com:sub", sub);
  return context;
}

RequestContext oidc_context(std::string_view issuer_url, const std::string& aud,
                            const std::string& sub) {
  const std::string host = host_of(issuer_url);
  RequestContext context;
  context.set(host + ":aud", aud);
  context.set(host + ":sub", sub);
  return context;
}

std::string oidc_provider_arn(std::string_view account, std::string_view issuer_url) {
  return fmt::format("arn:aws:iam::{}:oidc-provider/{}", account, host_of(issuer_url));
}

bool Iam::State::trusts(IamPrincipal who, std::string_view action, std::string_view role_arn,
                        const RequestContext& context) {
  AccessKeyInfo key;
  key.principal = std::move(who);
  const auto name = parse_role_arn(role_arn);
  AccessRequest request{.principal = key.principal,
                        .action = std::string(action),
                        .resource = std::string(role_arn),
                        .resource_account = name ? name->account : std::string(),
                        .context = context};
  add_caller(key, request.context);
  add_owner(request);
  const WorldRole* found = role(role_arn);
  PolicySet policies;
  policies.resource = found == nullptr ? &nobody() : &found->trust;
  if (!evaluate(policies, request).allowed) return false;
  if (context.find(kTagKeys) == nullptr) return true;
  request.action = kTagSession;
  return evaluate(policies, request).allowed;
}

std::optional<IamError> Iam::may_assume(const AccessKeyInfo& key, std::string_view role_arn,
                                        const RequestContext& context) const {
  const auto name = parse_role_arn(role_arn);
  if (!name) return validation_error("Request ARN is invalid");
  if (key.principal.kind == IamPrincipal::Kind::kRoot) {
    return access_denied("Roles may not be assumed by root accounts.");
  }
  AccessRequest request{.principal = key.principal,
                        .action = "sts:AssumeRole",
                        .resource = std::string(role_arn),
                        .resource_account = name->account,
                        .context = context};
  Lock lock(state_->mutex);
  state_->settle();
  state_->add_caller(key, request.context);
  Iam::State::add_owner(request);
  PolicySet policies = state_->policies_of(key);
  const WorldRole* found = state_->role(role_arn);
  policies.resource = found == nullptr ? &nobody() : &found->trust;
  // A source identity and tags need rights of their own.
  std::vector<std::string> actions = {"sts:AssumeRole"};
  if (context.find("sts:SourceIdentity") != nullptr) actions.emplace_back("sts:SetSourceIdentity");
  if (context.find(kTagKeys) != nullptr) actions.emplace_back(kTagSession);
  for (const std::string& action : actions) {
    request.action = action;
    const Decision decision = evaluate(policies, request);
    if (!decision.allowed) {
      return access_denied(denial_text(DenialStyle::kGeneric, request, decision));
    }
  }
  return std::nullopt;
}

std::optional<IamError> Iam::may_assume_with_web_identity(std::string_view provider,
                                                          std::string_view role_arn,
                                                          const RequestContext& context) const {
  if (!parse_role_arn(role_arn)) return validation_error("Request ARN is invalid");
  IamPrincipal who;
  who.kind = IamPrincipal::Kind::kFederated;
  who.arn = std::string(provider);
  RequestContext full = context;
  full.set("aws:FederatedProvider", who.arn);
  constexpr std::string_view kAction = "sts:AssumeRoleWithWebIdentity";
  Lock lock(state_->mutex);
  state_->settle();
  if (state_->trusts(std::move(who), kAction, role_arn, full)) return std::nullopt;
  return access_denied(fmt::format("Not authorized to perform {}", kAction));
}

std::optional<IamError> Iam::may_service_assume(std::string_view service, std::string_view role_arn,
                                                const RequestContext& context) const {
  if (!parse_role_arn(role_arn)) return validation_error("Request ARN is invalid");
  IamPrincipal who;
  who.kind = IamPrincipal::Kind::kService;
  who.arn = std::string(service);
  Lock lock(state_->mutex);
  state_->settle();
  if (state_->trusts(std::move(who), "sts:AssumeRole", role_arn, context)) return std::nullopt;
  return access_denied(fmt::format(
      "User: {} is not authorized to perform: sts:AssumeRole on resource: {}", service, role_arn));
}

std::optional<IamError> Iam::State::inherit_tags(SessionRequest& request) {
  const auto caller = sessions.find(request.caller_key_id);
  if (caller == sessions.end()) return std::nullopt;
  std::vector<std::string> sent = request.transitive_keys;
  for (const auto& [key, value] : request.tags) sent.push_back(key);
  const std::set<std::string> lower = lower_keys(sent);
  for (const auto& [key, value] : caller->second.tags) {
    const std::string low = to_lower_ascii(key);
    if (caller->second.transitive_keys.count(low) == 0) continue;
    if (lower.count(low) != 0) {
      return IamError{.status = 400,
                      .code = "InvalidParameterValue",
                      .message =
                          "One of the specified transitive tag keys can't be set because it "
                          "conflicts with a transitive tag key from the calling session."};
    }
    request.tags.emplace(key, value);
    request.transitive_keys.push_back(key);
  }
  if (request.tags.size() > kMaxSessionTags) {
    return validation_error("The session and its caller have more than 50 tags.");
  }
  return std::nullopt;
}

Result<TemporaryCredentials, IamError> Iam::issue(const SessionRequest& given) {
  SessionRequest request = given;
  const auto name = parse_role_arn(request.role_arn);
  if (!name) return validation_error("Request ARN is invalid");
  if (auto error = check_name(request.session_name)) return *std::move(error);
  if (auto error = check_duration(request.duration_s)) return *std::move(error);
  if (request.policy_arns.size() > kMaxAttached) {
    return constraint_error("[...]", "policyArns", "have length less than or equal to 10");
  }
  if (auto error = check_sizes(request); error && error->code == "ValidationError") return *error;
  VESTO_ASSIGN(std::optional<IamPolicy> policy, read_session_policy(request.session_policy));
  if (auto error = check_sizes(request)) return *std::move(error);

  Lock lock(state_->mutex);
  state_->settle();
  const WorldRole* role = state_->role(request.role_arn);
  if (role == nullptr) return access_denied("Not authorized to perform sts:AssumeRole");
  if (auto error = check_managed(state_->world, name->account, request.policy_arns)) {
    return *std::move(error);
  }
  if (auto error = state_->inherit_tags(request)) return *std::move(error);
  if (!request.by_service && request.duration_s > role->max_session_duration_s) {
    return validation_error(
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  if (request.chained && request.duration_s > kLongestChainedS) {
    return validation_error(
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining.");
  }
  const int64_t now_ms = state_->clock.wall_ms();
  if (state_->sessions.size() >= kMaxIamSessions) {
    const auto oldest = state_->by_expiry.begin();
    if (oldest == state_->by_expiry.end() || oldest->first > now_ms) {
      return IamError{.status = 400, .code = "Throttling", .message = "Rate exceeded"};
    }
    state_->sessions.erase(oldest->second);
    state_->by_expiry.erase(oldest);
  }
  TemporaryCredentials out{.access_key_id = make_key_id("ASIA"),
                           .secret_access_key = make_secret_key(),
                           .session_token = make_token(),
                           .expires_ms = now_ms + request.duration_s * 1000,
                           .principal = session_principal(*name, *role, request),
                           .packed_policy_percent = packed_percent(request)};
  IamSession session{.key = {.id = out.access_key_id,
                             .secret = out.secret_access_key,
                             .session_token = out.session_token,
                             .expires_ms = out.expires_ms,
                             .principal = out.principal},
                     .policy = std::move(policy),
                     .policy_arns = request.policy_arns,
                     .context = request.context,
                     .tags = request.tags,
                     .transitive_keys = lower_keys(request.transitive_keys),
                     .source_identity = request.source_identity,
                     .issued_ms = now_ms};
  state_->by_expiry.emplace(out.expires_ms, out.access_key_id);
  state_->sessions.insert_or_assign(out.access_key_id, std::move(session));
  return out;
}

}  // namespace vesto::sandbox
