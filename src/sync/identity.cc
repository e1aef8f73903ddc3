#include "sync/identity.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "aws/default_chain.h"
#include "aws/endpoints.h"
#include "aws/policies.h"
#include "base/arn.h"
#include "base/strings.h"

namespace vesto {

namespace {

// COPY may take its time: what it is given lasts so long at least, where the source allows.
constexpr int64_t kCopyLifeMs = 1'800'000;
constexpr int64_t kLoginMarginMs = 60'000;
constexpr int64_t kMaxLoginDurationS = 3600;
constexpr int64_t kMinLoginDurationS = 900;
// Of one run there are few prefixes; a server process sees many runs.
constexpr size_t kMaxNarrowed = 100;

HttpOptions api_http(const Environment& environment) {
  HttpOptions options{.connect_timeout_ms = 10'000, .request_timeout_ms = 30'000};
  options.tls_ca_file = environment("AWS_CA_BUNDLE").value_or("");
  return options;
}

// Up to and with the last "/": where a stream's files of one run lie.
std::string directory_of(const std::string& key) {
  const size_t slash = key.rfind('/');
  return slash == std::string::npos ? "" : key.substr(0, slash + 1);
}

// A role that does not take the token: what it must test is in the token's claims.
Result<AssumedRole> assume_by_token(Sts& sts, const AssumeRoleRequest& request,
                                    const IdToken& token, const std::stop_token& stop) {
  auto assumed = sts.assume_role_with_web_identity(request, token.jwt, stop);
  if (assumed.ok()) return assumed;
  Error error = std::move(assumed).error();
  if (error.code() == ErrorCode::kAwsAssumeDenied) {
    const TokenClaims& claims = token.claims;
    error.with_hint(
        "The role's trust policy must take accounts.google.com:sub = " + claims.subject +
        " and accounts.google.com:oaud = " + claims.audience + " (:aud is " +
        (claims.authorized_party.empty() ? claims.audience : claims.authorized_party) +
        " and must not be tested for the audience). AWS takes up to ten minutes to "
        "spread a new policy.");
  }
  return error;
}

}  // namespace

class RoleSource final : public CredentialSource {
 public:
  // Either `tokens` with an audience, or `base`, whose owner asks.
  RoleSource(const AuthConfig& auth, std::string session_name, std::unique_ptr<Sts> sts,
             std::unique_ptr<IdTokenSource> tokens, std::unique_ptr<CredentialSource> base)
      : auth_(auth),
        session_name_(std::move(session_name)),
        sts_(std::move(sts)),
        tokens_(std::move(tokens)),
        base_(std::move(base)) {}

  Result<AwsCredentials> get(int64_t min_life_ms, const std::stop_token& stop) override {
    return assume("", min_life_ms, stop);
  }

  Result<AwsCredentials> assume(std::string session_policy, int64_t min_life_ms,
                                const std::stop_token& stop) {
    AssumeRoleRequest request{.role_arn = auth_.role_arn,
                              .session_name = session_name_,
                              .external_id = auth_.external_id,
                              .duration_s = auth_.session_duration_s,
                              .session_policy = std::move(session_policy)};
    auto assumed = tokens_ ? by_token(request, stop) : by_keys(request, min_life_ms, stop);
    if (!assumed.ok()) return std::move(assumed).error().in("role " + auth_.role_arn);
    return std::move(assumed->credentials);
  }

  [[nodiscard]] std::string describe() const override {
    return "role " + auth_.role_arn + ", assumed with " +
           (tokens_ ? "a Google ID token from " + tokens_->describe() : base_->describe());
  }

 private:
  Result<AssumedRole> by_token(const AssumeRoleRequest& request, const std::stop_token& stop) {
    VESTO_ASSIGN(const IdToken token, tokens_->get(auth_.audience, stop));
    return assume_by_token(*sts_, request, token, stop);
  }

  Result<AssumedRole> by_keys(const AssumeRoleRequest& request, int64_t min_life_ms,
                              const std::stop_token& stop) {
    VESTO_ASSIGN(const AwsCredentials as, base_->get(std::min(min_life_ms, kLoginMarginMs), stop));
    return sts_->assume_role(request, as, stop);
  }

  const AuthConfig auth_;
  const std::string session_name_;
  std::unique_ptr<Sts> sts_;
  std::unique_ptr<IdTokenSource> tokens_;
  std::unique_ptr<CredentialSource> base_;
};

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
    return make_static_credentials(options_.access_key,
                                   "access key " + options_.access_key.access_key_id);
  }
  VESTO_ASSIGN(const std::string sts_endpoint,
               configured_endpoint(AwsService::kSts, auth.sts_endpoint, effects_.environment));
  // The metadata services speak plain HTTP, so the bundle is for STS alone.
  const auto make_http = [effects = effects_](HttpOptions http) {
    http.tls_ca_file = api_http(effects.environment).tls_ca_file;
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

Status DestinationIdentity::set_up() {
  const AuthConfig& auth = options_.auth;
  region_ = auth.region.empty() ? options_.region : auth.region;
  if (region_.empty()) {
    region_ = std::string(partition_of_arn(auth.role_arn).default_region);
  }
  const auto new_role = [&]() -> Result<std::unique_ptr<RoleSource>> {
    VESTO_ASSIGN(std::unique_ptr<Sts> sts, new_sts());
    std::unique_ptr<IdTokenSource> tokens;
    std::unique_ptr<CredentialSource> base;
    if (auth.identity == "google") {
      VESTO_ASSIGN(tokens, make_google_tokens(options_.google, options_.google_key, effects_));
    } else {
      VESTO_ASSIGN(base, base_source());
    }
    return std::make_unique<RoleSource>(auth, "vesto-" + options_.destination_name, std::move(sts),
                                        std::move(tokens), std::move(base));
  };
  std::unique_ptr<CredentialSource> keys;
  if (auth.role_arn.empty()) {
    VESTO_ASSIGN(keys, base_source());
  } else {
    VESTO_ASSIGN(keys, new_role());
  }
  keys_ = make_cached(std::move(keys), *effects_.clock);
  VESTO_TRY(set_up_asker());
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

Status DestinationIdentity::set_up_asker() {
  if (options_.auth.identity == "google") return ok_status();
  asker_ = keys_;
  if (options_.auth.role_arn.empty()) return ok_status();
  VESTO_ASSIGN(std::unique_ptr<CredentialSource> base, base_source());
  asker_ = make_cached(std::move(base), *effects_.clock);
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
                             .duration_s = std::clamp(options_.auth.session_duration_s,
                                                      kMinLoginDurationS, kMaxLoginDurationS),
                             .host = options_.host,
                             .account = parse_warehouse_host(options_.host).account};
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

bool DestinationIdentity::forget_login() {
  if (options_.auth.method != "iam_role") return false;
  const Lock lock(login_mutex_);
  const bool held = login_.expires_at_ms != 0;
  login_ = {};
  return held;
}

Result<AwsCredentials> DestinationIdentity::narrowed(const std::string& prefix,
                                                     const std::stop_token& stop) {
  const Lock lock(copy_mutex_);
  const int64_t now_ms = effects_.clock->wall_ms();
  const auto known = narrowed_.find(prefix);
  if (known != narrowed_.end() && now_ms < known->second.renew_at_ms) return known->second.keys;
  VESTO_ASSIGN(std::string policy,
               copy_session_policy(std::string(partition_of_arn(options_.auth.role_arn).name),
                                   options_.bucket, prefix, options_.kms_key_arn));
  VESTO_ASSIGN(AwsCredentials keys, copy_role_->assume(std::move(policy), kCopyLifeMs, stop));
  if (narrowed_.size() >= kMaxNarrowed) narrowed_.clear();
  // Used again while half of their life is left. Half of a short one is little for a COPY, which
  // fails when they end: such keys are used again while nine tenths are left.
  const int64_t ends_ms = keys.expires_at_ms.value_or(now_ms);
  const int64_t life_ms = ends_ms - now_ms;
  const int64_t keep_ms = std::max(life_ms / 2, std::min(kCopyLifeMs, life_ms / 10 * 9));
  narrowed_[prefix] = {.keys = keys, .renew_at_ms = ends_ms - keep_ms};
  return keys;
}

Result<CopyAccess> DestinationIdentity::copy_access(const std::string& manifest_key,
                                                    const std::stop_token& stop) {
  const AuthConfig& auth = options_.auth;
  if (auth.copy == "attached_role") return CopyAccess{.iam_role = auth.copy_role_arn};
  // Only shown: nothing is asked for.
  if (manifest_key.empty()) {
    const bool token = auth.copy == "session_keys";
    return CopyAccess{
        .keys = {.access_key_id = token ? "<temporary>" : options_.access_key.access_key_id,
                 .session_token = token ? Secret("<temporary>") : Secret()}};
  }
  CopyAccess access;
  if (auth.copy == "static_keys" || auth.role_arn.empty()) {
    VESTO_ASSIGN(access.keys, keys_->get(kCopyLifeMs, stop));
    // AWS's chain may hold a long-lived key; nobody said that it may stand in a statement.
    if (auth.copy == "session_keys" && access.keys.session_token.empty()) {
      return Error(ErrorCode::kAwsNoCredentials,
                   "COPY needs temporary keys, and " + keys_->describe() + " gives long-lived ones")
          .with_hint(
              "Give role_arn, so that keys of the role are used, or copy_role_arn; or name "
              "the key itself with access_key_id.");
    }
  } else {
    VESTO_ASSIGN(access.keys, narrowed(directory_of(manifest_key), stop));
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

Result<AssumedRole> DestinationIdentity::assume_without_external_id(const std::stop_token& stop) {
  if (!asker_) return Error(ErrorCode::kGcpToken, "a Google identity asks by its token alone");
  VESTO_ASSIGN(const AwsCredentials as, asker_->get(kLoginMarginMs, stop));
  VESTO_ASSIGN(const std::unique_ptr<Sts> sts, new_sts());
  AssumeRoleRequest request = role_request();
  request.external_id.clear();
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
