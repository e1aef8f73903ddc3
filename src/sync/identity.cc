#include "sync/identity.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "address/access_key.h"
#include "address/arn.h"
#include "aws/default_chain.h"
#include "aws/endpoints.h"
#include "aws/iam.h"
#include "aws/policies.h"
#include "base/strings.h"
#include "sync/role_source.h"

namespace vesto {

namespace {

// What COPY's keys last longer than the COPY is waited for: it may start late.
constexpr int64_t kCopyMarginMs = 120'000;
constexpr int64_t kLoginMarginMs = 60'000;
// The longest that AWS takes; session_duration is of roles alone.
constexpr int64_t kLoginDurationS = 3600;
// Of one run there are few prefixes; a server process sees many runs.
constexpr size_t kMaxNarrowed = 100;

HttpOptions api_http(const Environment& environment) {
  HttpOptions options{.connect_timeout_ms = 10'000, .request_timeout_ms = 30'000};
  options.tls_ca_file = environment("AWS_CA_BUNDLE").value_or("");
  options.ca_named_by = "the environment variable AWS_CA_BUNDLE";
  return options;
}

// Up to and with the last "/": where a stream's files of one run lie.
std::string directory_of(const std::string& key) {
  const size_t slash = key.rfind('/');
  return slash == std::string::npos ? "" : key.substr(0, slash + 1);
}

}  // namespace

IdentityEffects real_identity_effects(Clock& clock) {
  return {.clock = &clock,
          .environment = process_environment(),
          .make_http = [](HttpOptions options) { return make_http_client(std::move(options)); }};
}

Result<std::unique_ptr<IdTokenSource>> make_google_tokens(const GoogleIdentityConfig& config,
                                                          const Secret& key,
                                                          const IdentityEffects& effects) {
  if (config.source == "key_file") {
    HttpOptions http{.connect_timeout_ms = 10'000, .request_timeout_ms = 30'000};
    http.tls_ca_file = config.tls_ca_file;
    http.ca_named_by = "tls_ca_file in the section identity.google";
    return make_key_file_tokens(key, config.token_uri, *effects.clock, effects.make_http(http));
  }
  if (config.source == "token_file") return make_token_file(config.token_file, *effects.clock);
  return make_metadata_tokens("default", *effects.clock,
                              effects.make_http(metadata_http_options(effects.environment)),
                              effects.environment);
}

DestinationIdentity::DestinationIdentity(IdentityOptions options, IdentityEffects effects)
    : options_(std::move(options)), effects_(std::move(effects)) {}
DestinationIdentity::~DestinationIdentity() = default;

Result<std::shared_ptr<DestinationIdentity>> DestinationIdentity::make(IdentityOptions options,
                                                                       IdentityEffects effects) {
  std::shared_ptr<DestinationIdentity> made(
      new DestinationIdentity(std::move(options), std::move(effects)));
  VESTO_TRY(made->set_up());
  return made;
}

Result<std::unique_ptr<Sts>> DestinationIdentity::new_sts() const {
  VESTO_ASSIGN(
      const std::string endpoint,
      choose_endpoint(AwsService::kSts, region_, options_.auth.sts_endpoint, effects_.environment));
  return make_sts({.region = region_, .endpoint = endpoint}, *effects_.clock,
                  effects_.make_http(api_http(effects_.environment)));
}

// Who asks AWS before a role is assumed.
Result<std::unique_ptr<CredentialSource>> DestinationIdentity::base_source() {
  const AuthConfig& auth = options_.auth;
  if (auth.identity == "access_key") {
    // Not shown: it may be the secret, put into the wrong setting.
    const std::string& id = options_.access_key.access_key_id;
    if (!is_access_key_id(id) || looks_like_secret_key(id)) {
      return Error(ErrorCode::kCfgValue, "access_key_id is not the id of an access key")
          .with_hint("An id looks like AKIAIOSFODNN7EXAMPLE: 16 letters and digits or more.");
    }
    return make_static_credentials(options_.access_key, "access key " + id);
  }
  VESTO_ASSIGN(const std::string sts_endpoint,
               configured_endpoint(AwsService::kSts, auth.sts_endpoint, effects_.environment));
  // For STS, and for a container's credential service where its URI is https; what speaks plain
  // HTTP does not look at it.
  const auto make_http = [effects = effects_](HttpOptions http) {
    HttpOptions named = api_http(effects.environment);
    http.tls_ca_file = std::move(named.tls_ca_file);
    http.ca_named_by = std::move(named.ca_named_by);
    return effects.make_http(std::move(http));
  };
  DefaultChainOptions chain{.environment = effects_.environment,
                            .profile = auth.profile,
                            .region = auth.region.empty() ? options_.region : auth.region,
                            .sts_endpoint = sts_endpoint,
                            .session_name = "vesto-" + options_.destination_name,
                            .make_http = make_http};
  return make_default_chain(std::move(chain), *effects_.clock);
}

Result<std::unique_ptr<RoleSource>> DestinationIdentity::new_role() {
  VESTO_ASSIGN(std::unique_ptr<Sts> sts, new_sts());
  std::unique_ptr<IdTokenSource> tokens;
  if (!asker_) {
    VESTO_ASSIGN(tokens, make_google_tokens(options_.google, options_.google_key, effects_));
  }
  return std::make_unique<RoleSource>(role_request(), options_.auth.audience, std::move(sts),
                                      std::move(tokens), asker_, *effects_.clock);
}

Status DestinationIdentity::set_up() {
  const AuthConfig& auth = options_.auth;
  region_ = auth.region.empty() ? options_.region : auth.region;
  if (region_.empty()) {
    region_ = std::string(partition_of_arn(auth.role_arn).default_region);
  }
  if (auth.identity != "google") {
    VESTO_ASSIGN(std::unique_ptr<CredentialSource> base, base_source());
    asker_ = make_cached(std::move(base), *effects_.clock);
  }
  if (auth.role_arn.empty()) {
    if (!asker_) return Error(ErrorCode::kCfgMissing, "a Google identity needs role_arn");
    keys_ = asker_;
  } else {
    VESTO_ASSIGN(std::unique_ptr<RoleSource> role, new_role());
    keys_ = make_cached(std::move(role), *effects_.clock);
  }
  if (!auth.role_arn.empty() && auth.copy == "session_keys") {
    const Lock lock(copy_mutex_);
    VESTO_ASSIGN(copy_role_, new_role());
  }
  if (auth.method != "iam_role") return ok_status();
  const AwsService service =
      options_.serverless ? AwsService::kRedshiftServerless : AwsService::kRedshift;
  VESTO_ASSIGN(const std::string endpoint,
               choose_endpoint(service, region_, auth.redshift_endpoint, effects_.environment));
  const Lock lock(login_mutex_);
  api_ = make_redshift_api(
      {.region = region_, .serverless = options_.serverless, .endpoint = endpoint}, *effects_.clock,
      effects_.make_http(api_http(effects_.environment)));
  return ok_status();
}

Result<WarehouseLogin> DestinationIdentity::login(const std::stop_token& stop) {
  if (options_.auth.method != "iam_role") {
    return WarehouseLogin{.user = options_.user,
                          .password = options_.password,
                          .expires_at_ms = std::numeric_limits<int64_t>::max()};
  }
  const Lock lock(login_mutex_);
  const int64_t now_ms = effects_.clock->wall_ms();
  if (login_.expires_at_ms - kLoginMarginMs > now_ms) return login_;
  VESTO_ASSIGN(const AwsCredentials as, keys_->get(kLoginMarginMs, stop));
  const LoginRequest request{.warehouse = options_.auth.warehouse,
                             .db_user = options_.auth.db_user,
                             .database = options_.database,
                             .duration_s = kLoginDurationS,
                             .host = options_.host,
                             .account = options_.account};
  auto login = api_->get_login(request, as, stop);
  // The keys ended on their way to AWS.
  if (!login.ok() && is_expired_token(login.error()) && keys_->forget(as)) {
    VESTO_ASSIGN(const AwsCredentials fresh, keys_->get(kLoginMarginMs, stop));
    login = api_->get_login(request, fresh, stop);
  }
  if (!login.ok()) return std::move(login).error();
  login_ = *std::move(login);
  return login_;
}

bool DestinationIdentity::forget_login(const WarehouseLogin& refused) {
  if (options_.auth.method != "iam_role") return false;
  const Lock lock(login_mutex_);
  const bool same =
      login_.user == refused.user && login_.password.reveal() == refused.password.reveal();
  if (same) login_ = {};
  return true;
}

Result<AwsCredentials> DestinationIdentity::narrowed(const CopyNeed& need,
                                                     const std::stop_token& stop) {
  const std::string prefix = directory_of(need.manifest_key);
  const int64_t need_ms = need.may_take_ms + kCopyMarginMs;
  const Lock lock(copy_mutex_);
  if (need.anew) narrowed_.erase(prefix);
  const int64_t now_ms = effects_.clock->wall_ms();
  const auto known = narrowed_.find(prefix);
  if (known != narrowed_.end()) {
    // Again while half of their life is left, or what the COPY needs if that is more. Keys that
    // never lasted so long are used again while nine tenths are left.
    const int64_t life_ms = known->second.life_ms;
    const int64_t keep_ms = std::max(life_ms / 2, std::min(need_ms, life_ms / 10 * 9));
    if (known->second.keys.expires_at_ms.value_or(0) - now_ms >= keep_ms) return known->second.keys;
  }
  VESTO_ASSIGN(std::string policy,
               copy_session_policy(std::string(partition_of_arn(options_.auth.role_arn).name),
                                   options_.bucket, prefix, options_.kms_key_arn));
  VESTO_ASSIGN(AwsCredentials keys,
               copy_role_->narrowed(std::move(policy), (need_ms + 999) / 1000, stop));
  if (narrowed_.size() >= kMaxNarrowed) narrowed_.clear();
  narrowed_[prefix] = {.keys = keys, .life_ms = keys.expires_at_ms.value_or(now_ms) - now_ms};
  return keys;
}

// Those of the access key, or of AWS's chain without a role.
Result<AwsCredentials> DestinationIdentity::own_keys_for_copy(const CopyNeed& need,
                                                              const std::stop_token& stop) {
  const int64_t need_ms = need.may_take_ms + kCopyMarginMs;
  VESTO_ASSIGN(AwsCredentials keys, keys_->get(need_ms, stop));
  // AWS's chain may hold a long-lived key; nobody said that it may stand in a statement.
  if (options_.auth.copy == "session_keys" && keys.session_token.empty()) {
    return Error(ErrorCode::kAwsNoCredentials,
                 "COPY needs temporary keys, and " + keys_->describe() + " gives long-lived ones")
        .with_hint(
            "Give role_arn, so that keys of the role are used, or copy_role_arn; or name "
            "the key itself with access_key_id.");
  }
  if (need.anew && keys_->forget(keys)) return keys_->get(need_ms, stop);
  return keys;
}

Result<CopyAccess> DestinationIdentity::copy_access(const CopyNeed& need,
                                                    const std::stop_token& stop) {
  const AuthConfig& auth = options_.auth;
  if (auth.copy == "attached_role") return CopyAccess{.iam_role = auth.copy_role_arn};
  // Only shown: nothing is asked for.
  if (need.manifest_key.empty()) {
    const bool token = auth.copy == "session_keys";
    return CopyAccess{
        .keys = {.access_key_id = token ? "<temporary>" : options_.access_key.access_key_id,
                 .session_token = token ? Secret("<temporary>") : Secret()}};
  }
  CopyAccess access;
  if (auth.copy == "static_keys" || auth.role_arn.empty()) {
    VESTO_ASSIGN(access.keys, own_keys_for_copy(need, stop));
  } else {
    VESTO_ASSIGN(access.keys, narrowed(need, stop));
  }
  return access;
}

Result<IdToken> DestinationIdentity::id_token(const std::string& audience,
                                              const std::stop_token& stop) {
  if (options_.auth.identity != "google") {
    return Error(ErrorCode::kGcpToken, "this destination does not use a Google identity");
  }
  VESTO_ASSIGN(const std::unique_ptr<IdTokenSource> tokens,
               make_google_tokens(options_.google, options_.google_key, effects_));
  return tokens->get(audience.empty() ? options_.auth.audience : audience, stop);
}

Result<AssumedRole> DestinationIdentity::assume_with(const IdToken& token,
                                                     const std::stop_token& stop) {
  VESTO_ASSIGN(const std::unique_ptr<Sts> sts, new_sts());
  auto assumed = assume_by_token(*sts, role_request(), token, stop);
  if (!assumed.ok()) return std::move(assumed).error().in("role " + options_.auth.role_arn);
  return assumed;
}

Result<AssumedRole> DestinationIdentity::assume_with_external_id(const std::string& external_id,
                                                                 const std::stop_token& stop) {
  if (!asker_) return Error(ErrorCode::kGcpToken, "a Google identity asks by its token alone");
  VESTO_ASSIGN(const AwsCredentials as, asker_->get(kLoginMarginMs, stop));
  VESTO_ASSIGN(const std::unique_ptr<Sts> sts, new_sts());
  AssumeRoleRequest request = role_request();
  request.external_id = external_id;
  return sts->assume_role(request, as, stop);
}

AssumeRoleRequest DestinationIdentity::role_request() const {
  return {.role_arn = options_.auth.role_arn,
          .session_name = "vesto-" + options_.destination_name,
          .external_id = options_.auth.external_id,
          .duration_s = options_.auth.session_duration_s};
}

Result<CallerIdentity> DestinationIdentity::caller(const std::stop_token& stop) {
  VESTO_ASSIGN(const AwsCredentials as, keys_->get(kLoginMarginMs, stop));
  VESTO_ASSIGN(const std::unique_ptr<Sts> sts, new_sts());
  return sts->get_caller_identity(as, stop);
}

Result<std::string> DestinationIdentity::role_trust(const std::stop_token& stop) {
  VESTO_ASSIGN(const AwsCredentials as, keys_->get(kLoginMarginMs, stop));
  VESTO_ASSIGN(const std::string endpoint,
               configured_endpoint(AwsService::kIam, "", effects_.environment));
  return read_role_trust({.region = region_, .endpoint = endpoint},
                         role_name_of_arn(options_.auth.role_arn), as, *effects_.clock,
                         effects_.make_http(api_http(effects_.environment)), stop);
}

Result<CallerIdentity> DestinationIdentity::asker(const std::stop_token& stop) {
  if (!asker_) return Error(ErrorCode::kGcpToken, "a Google identity asks by its token alone");
  VESTO_ASSIGN(const AwsCredentials as, asker_->get(kLoginMarginMs, stop));
  VESTO_ASSIGN(const std::unique_ptr<Sts> sts, new_sts());
  return sts->get_caller_identity(as, stop);
}

std::string DestinationIdentity::describe_asker() const {
  return asker_ ? asker_->describe() : "Google";
}

Result<WarehouseInfo> DestinationIdentity::warehouse(const std::stop_token& stop) {
  VESTO_ASSIGN(const AwsCredentials as, keys_->get(kLoginMarginMs, stop));
  const Lock lock(login_mutex_);
  if (!api_) return Error(ErrorCode::kRsCredDenied, "the login is by password");
  return api_->describe(options_.auth.warehouse, as, stop);
}

}  // namespace vesto
