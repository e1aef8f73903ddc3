#include "sandbox/aws/sts_service.h"

#include <algorithm>
#include <set>

#include "base/clock.h"
#include "base/strings.h"
#include "sandbox/iam/policy_json.h"

namespace vesto::sandbox {

struct StsService::Proof {
  std::string provider;  // as trust policies name it
  JwtClaims claims;
  RequestContext context;
};

namespace {

constexpr std::string_view kGoogle = "https://accounts.google.com";
constexpr int64_t kDefaultDurationS = 3600;
constexpr size_t kMaxTokenChars = 20'000;
constexpr size_t kMinArnChars = 20;
constexpr size_t kMaxArnChars = 2048;
// A token may be issued so far ahead of our clock.
constexpr int64_t kMaxAheadS = 300;

IamError bad_token(std::string text) { return {400, "InvalidIdentityToken", std::move(text)}; }

IamError no_keys() {
  return bad_token(
      "Couldn't retrieve verification key from your identity provider, please reference "
      "AssumeRoleWithWebIdentity documentation for requirements");
}

std::string without_scheme(std::string_view url) {
  constexpr std::string_view kScheme = "https://";
  return std::string(url.starts_with(kScheme) ? url.substr(kScheme.size()) : url);
}

// PolicyArns.member.N.arn; at most ten.
ApiResult<Unit> read_policy_arns(const ApiCall& call, SessionRequest* out) {
  for (size_t i = 1; i <= kMaxAttached + 1; ++i) {
    const std::string name = "PolicyArns.member." + std::to_string(i) + ".arn";
    if (!call.has(name)) return Unit{};
    const std::string arn = call.parameter(name);
    const std::string field = "policyArns." + std::to_string(i) + ".member.arn";
    if (arn.size() < kMinArnChars) {
      return validation_error(arn, field, "Member must have length greater than or equal to 20");
    }
    if (arn.size() > kMaxArnChars) {
      return validation_error(arn, field, "Member must have length less than or equal to 2048");
    }
    out->policy_arns.push_back(arn);
  }
  return Unit{};
}

ApiResult<SessionRequest> session_request(const ApiCall& call) {
  SessionRequest out;
  out.role_arn = call.parameter("RoleArn");
  out.session_name = call.parameter("RoleSessionName");
  out.session_policy = call.parameter("Policy");
  if (out.role_arn.empty()) return validation_error("", "roleArn", "Member must not be null");
  if (out.role_arn.size() < kMinArnChars) {
    return validation_error(out.role_arn, "roleArn",
                            "Member must have length greater than or equal to 20");
  }
  if (out.role_arn.size() > kMaxArnChars) {
    return validation_error(out.role_arn, "roleArn",
                            "Member must have length less than or equal to 2048");
  }
  if (out.session_name.empty()) {
    return validation_error("", "roleSessionName", "Member must not be null");
  }
  out.duration_s = kDefaultDurationS;
  if (call.has("DurationSeconds")) {
    const auto duration = parse_int(call.parameter("DurationSeconds"));
    if (!duration) return IamError{400, "MalformedInput", "Invalid integer"};
    out.duration_s = *duration;
  }
  VESTO_TRY(read_policy_arns(call, &out));
  for (const auto& [name, value] : call.form) {
    if (!name.starts_with("ProvidedContexts.")) continue;
    return IamError{400, "ValidationError", name + " is not known to this sandbox"};
  }
  return out;
}

void write_credentials(const TemporaryCredentials& credentials, XmlWriter* xml) {
  xml->open("Credentials")
      .text("AccessKeyId", credentials.access_key_id)
      .text("SecretAccessKey", credentials.secret_access_key)
      .text("SessionToken", credentials.session_token)
      .text("Expiration", format_utc_seconds(credentials.expires_ms))
      .close();
  xml->open("AssumedRoleUser")
      .text("Arn", credentials.principal.arn)
      .text("AssumedRoleId", credentials.principal.user_id)
      .close();
  if (credentials.packed_policy_percent > 0) {
    xml->number("PackedPolicySize", credentials.packed_policy_percent);
  }
}

// At least one character that a tag may have: letters of any script, digits, blanks, _.:/=+-@ .
bool is_tag_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c >= '0' && c <= '9') ||
           std::string_view(" _.:/=+-@").find(c) != std::string_view::npos;
  });
}

std::optional<IamError> check_tag(const std::string& key, const std::string& value, int at) {
  const std::string field = "tags." + std::to_string(at) + ".member.";
  constexpr size_t kMaxKey = 128;
  constexpr size_t kMaxValue = 256;
  const std::string pattern =
      "Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+";
  if (key.empty()) {
    return validation_error(key, field + "key",
                            "Member must have length greater than or equal to 1");
  }
  if (count_characters(key) > kMaxKey) {
    return validation_error(key, field + "key",
                            "Member must have length less than or equal to 128");
  }
  if (!is_tag_text(key)) return validation_error(key, field + "key", pattern);
  if (count_characters(value) > kMaxValue) {
    return validation_error(value, field + "value",
                            "Member must have length less than or equal to 256");
  }
  if (!is_tag_text(value)) return validation_error(value, field + "value", pattern);
  return std::nullopt;
}

// Tags.member.N.Key and .Value, TransitiveTagKeys.member.N.
ApiResult<Unit> read_tags(const ApiCall& call, SessionRequest* request) {
  constexpr int kMaxTags = 50;
  std::set<std::string> seen;
  for (int i = 1;; ++i) {
    const std::string name = "Tags.member." + std::to_string(i);
    if (!call.has(name + ".Key") && !call.has(name + ".Value")) break;
    const std::string key = call.parameter(name + ".Key");
    const std::string value = call.parameter(name + ".Value");
    if (i > kMaxTags) {
      return validation_error("[...]", "tags", "Member must have length less than or equal to 50");
    }
    if (auto wrong = check_tag(key, value, i)) return *std::move(wrong);
    if (!seen.insert(to_lower_ascii(key)).second) {
      return IamError{400, "InvalidParameterValue",
                      "Duplicate tag keys found. Please note that Tag keys are case insensitive."};
    }
    request->tags.emplace(key, value);
  }
  for (int i = 1; i <= kMaxTags; ++i) {
    const std::string key = call.parameter("TransitiveTagKeys.member." + std::to_string(i));
    if (key.empty()) break;
    if (seen.count(to_lower_ascii(key)) == 0) {
      return IamError{400, "InvalidParameterValue",
                      "The specified transitive tag key must be included in the requested tags."};
    }
    request->transitive_keys.push_back(key);
  }
  return Unit{};
}

// Nobody in this world has an MFA device.
std::optional<IamError> refuse_mfa(const ApiCall& call) {
  const bool serial = call.has("SerialNumber");
  const bool code = call.has("TokenCode");
  if (!serial && !code) return std::nullopt;
  if (serial != code) {
    return IamError{403, "AccessDenied",
                    "MultiFactorAuthentication failed, must provide both MFA serial number and one "
                    "time pass code."};
  }
  const std::string given = call.parameter("TokenCode");
  if (given.size() != 6 || !parse_int(given)) {
    return validation_error(given, "tokenCode",
                            "Member must satisfy regular expression pattern: [\\d]*");
  }
  return IamError{403, "AccessDenied",
                  "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify "
                  "your MFA serial number is valid and associated with this user."};
}

bool is_external_id(std::string_view text) {
  return text.size() >= 2 && text.size() <= 1224 &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  std::string_view("_+=,.@:/-").find(c) != std::string_view::npos;
         });
}

}  // namespace

ApiResult<ApiAnswer> StsService::serve(const ApiCall& call) {
  if (call.operation == "AssumeRoleWithWebIdentity") return assume_with_web_identity(call);
  if (call.operation == "AssumeRole") return assume_role(call);
  if (call.operation == "GetCallerIdentity") return caller_identity(call);
  return IamError{400, "InvalidAction",
                  "Could not find operation " + call.operation + " for version 2011-06-15"};
}

ApiAnswer StsService::caller_identity(const ApiCall& call) {
  const IamPrincipal& who = call.key->principal;
  XmlWriter xml = begin_result(call);
  xml.text("Arn", who.arn).text("UserId", who.user_id).text("Account", who.account);
  return end_result(call, &xml);
}

ApiResult<ApiAnswer> StsService::assume_role(const ApiCall& call) {
  VESTO_ASSIGN(SessionRequest request, session_request(call));
  RequestContext context = origin_context(call.origin);
  context.set("sts:RoleSessionName", request.session_name);
  const std::string external_id = call.parameter("ExternalId");
  if (call.has("ExternalId")) {
    if (!is_external_id(external_id)) {
      return validation_error(external_id, "externalId",
                              "Member must satisfy regular expression pattern: [\\w+=,.@:\\/-]*");
    }
    context.set("sts:ExternalId", external_id);
  }
  request.source_identity = call.parameter("SourceIdentity");
  if (!request.source_identity.empty()) {
    context.set("sts:SourceIdentity", request.source_identity);
  }
  VESTO_TRY(read_tags(call, &request));
  add_request_tags(request.tags, context);
  if (!request.transitive_keys.empty()) {
    context.set_all("sts:TransitiveTagKeys", request.transitive_keys);
  }
  if (auto refused = refuse_mfa(call)) return *std::move(refused);
  if (call.key->principal.kind == IamPrincipal::Kind::kRoot) {
    return IamError{403, "AccessDenied", "Roles may not be assumed by root accounts."};
  }
  if (auto denied = iam_.may_assume(*call.key, request.role_arn, context)) {
    return *std::move(denied);
  }
  request.chained = call.key->principal.kind == IamPrincipal::Kind::kRoleSession;
  if (request.chained) request.caller_key_id = call.key->id;
  VESTO_ASSIGN(const TemporaryCredentials credentials, iam_.issue(request));
  XmlWriter xml = begin_result(call);
  write_credentials(credentials, &xml);
  return end_result(call, &xml);
}

// Whose keys check the token, and what its provider is called. Google is built in; an account that
// has a provider object for it compares that object's client ids with azp, which breaks it.
ApiResult<JwkSet> StsService::keys_for(const ApiCall& call, const JwtClaims& claims, Proof* proof) {
  const std::string account = account_in_arn(call.parameter("RoleArn"));
  const auto provider = iam_.find_oidc_provider(account, claims.issuer);
  const bool google = claims.issuer == kGoogle;
  if (!provider && !google) {
    return bad_token("No OpenIDConnect provider found in your account for " + claims.issuer);
  }
  if (provider) {
    const std::string client =
        google && !claims.authorized_party.empty() ? claims.authorized_party : claims.audience;
    const auto& known = provider->client_ids;
    if (std::find(known.begin(), known.end(), client) == known.end()) {
      return bad_token("Incorrect token audience");
    }
  }
  if (google) {
    proof->provider = without_scheme(kGoogle);
    proof->context = google_context(claims.audience, claims.authorized_party, claims.subject);
  } else {
    proof->provider = oidc_provider_arn(account, claims.issuer);
    proof->context = oidc_context(claims.issuer, claims.audience, claims.subject);
  }
  if (provider && !provider->jwks.empty()) {
    auto keys = JwkSet::parse(provider->jwks);
    if (!keys.ok()) return no_keys();
    return *std::move(keys);
  }
  auto keys = issuer_keys_(claims.issuer);
  if (!keys) return no_keys();
  return *std::move(keys);
}

ApiResult<StsService::Proof> StsService::check_token(const ApiCall& call) {
  const std::string token = call.parameter("WebIdentityToken");
  if (token.empty()) return validation_error("", "webIdentityToken", "Member must not be null");
  if (token.size() > kMaxTokenChars) {
    return validation_error(token.substr(0, 20), "webIdentityToken",
                            "Member must have length less than or equal to 20000");
  }
  Proof proof;
  const auto claims = read_jwt(token);
  if (!claims) {
    return bad_token(
        "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access "
        "Token)");
  }
  if (claims->issuer.empty()) return bad_token("Missing a required claim: iss");
  if (!claims->has_audience) return bad_token("Missing a required claim: aud");
  VESTO_ASSIGN(const JwkSet keys, keys_for(call, *claims, &proof));
  auto verified = verify_jwt(token, keys);
  if (!verified.ok()) {
    const JwtProblem& problem = verified.error();
    if (problem.fault == JwtFault::kNoKey) return no_keys();
    if (problem.fault == JwtFault::kMissingClaim) {
      return bad_token("Missing a required claim: " + problem.detail);
    }
    return bad_token("The ID Token provided is not a valid JWT.");
  }
  proof.claims = *std::move(verified);
  const int64_t now_s = call.now_ms / 1000;
  if (now_s >= proof.claims.expires_s) {
    return IamError{400, "ExpiredTokenException",
                    "Token expired: current date/time " + std::to_string(now_s) +
                        " must be before the expiration date/time " +
                        std::to_string(proof.claims.expires_s)};
  }
  if (proof.claims.issued_s > now_s + kMaxAheadS ||
      proof.claims.not_before_s > now_s + kMaxAheadS) {
    return bad_token("The ID Token provided is not valid yet.");
  }
  return proof;
}

ApiResult<ApiAnswer> StsService::assume_with_web_identity(const ApiCall& call) {
  VESTO_ASSIGN(SessionRequest request, session_request(call));
  VESTO_ASSIGN(const Proof proof, check_token(call));
  RequestContext context = origin_context(call.origin);
  context.add_missing(proof.context);
  context.set("sts:RoleSessionName", request.session_name);
  if (auto denied = iam_.may_assume_with_web_identity(proof.provider, request.role_arn, context)) {
    return *std::move(denied);
  }
  request.context = proof.context;
  VESTO_ASSIGN(const TemporaryCredentials credentials, iam_.issue(request));
  XmlWriter xml = begin_result(call);
  write_credentials(credentials, &xml);
  xml.text("SubjectFromWebIdentityToken", proof.claims.subject)
      .text("Provider", proof.provider)
      .text("Audience", proof.claims.audience);
  return end_result(call, &xml);
}

}  // namespace vesto::sandbox
