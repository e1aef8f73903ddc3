#include "sync/role_source.h"

#include <algorithm>
#include <array>
#include <utility>

namespace vesto {

namespace {

// What keys last longer than the request that they are for.
constexpr int64_t kAskerMarginMs = 60'000;
// Lengths of sessions that are tried one after the other, down to what is enough: those that the
// console offers for a role (MaxSessionDuration). The first is the most that AWS takes. Every role
// allows the last, and a role which a role assumed gets no more.
constexpr std::array<int64_t, 5> kSessionStepsS = {43'200, 28'800, 14'400, 7200, 3600};
// A denial may have been of the length alone (sts:DurationSeconds in the trust policy), or may
// pass: AWS takes so long to spread a new policy. Then a long session is asked for again.
constexpr int64_t kDeniedMs = 600'000;

// A shorter session to ask for after `error`; 0: its length is not what STS minds.
int64_t next_step_s(const Error& error, int64_t asked_s) {
  if (error.code() != ErrorCode::kAwsSts) return 0;
  const std::string& text = error.upstream().text;
  if (text.find("role chaining") != std::string::npos) {
    return asked_s > kSessionStepsS.back() ? kSessionStepsS.back() : 0;
  }
  if (text.find("MaxSessionDuration") == std::string::npos) return 0;
  const auto* const step = std::find_if(kSessionStepsS.begin(), kSessionStepsS.end(),
                                        [&](int64_t length_s) { return length_s < asked_s; });
  return step == kSessionStepsS.end() ? 0 : *step;
}

}  // namespace

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

RoleSource::RoleSource(AssumeRoleRequest request, std::string audience, std::unique_ptr<Sts> sts,
                       std::unique_ptr<IdTokenSource> tokens,
                       std::shared_ptr<CredentialSource> asker, Clock& clock)
    : clock_(clock),
      request_(std::move(request)),
      audience_(std::move(audience)),
      sts_(std::move(sts)),
      tokens_(std::move(tokens)),
      asker_(std::move(asker)),
      longest_s_(kSessionStepsS.front()) {}

Result<AwsCredentials> RoleSource::get(int64_t /*min_life_ms*/, const std::stop_token& stop) {
  return assume(request_, stop);
}

Result<AwsCredentials> RoleSource::narrowed(std::string session_policy, int64_t need_s,
                                            const std::stop_token& stop) {
  AssumeRoleRequest request = request_;
  request.session_policy = std::move(session_policy);
  if (clock_.wall_ms() >= denied_until_ms_) {
    request.duration_s = std::max(request_.duration_s, std::min(need_s, longest_s_));
  }
  bool denied = false;
  while (true) {
    auto keys = assume(request, stop);
    if (keys.ok() && denied) denied_until_ms_ = clock_.wall_ms() + kDeniedMs;
    // session_duration is what the configuration asks for: less would not be what it says.
    if (keys.ok() || request.duration_s <= request_.duration_s) return keys;
    const int64_t step_s = next_step_s(keys.error(), request.duration_s);
    if (step_s > 0) {
      longest_s_ = step_s;
    } else if (keys.error().code() == ErrorCode::kAwsAssumeDenied) {
      denied = true;
    } else {
      return keys;
    }
    request.duration_s = std::max(request_.duration_s, step_s);
  }
}

std::string RoleSource::describe() const {
  return "role " + request_.role_arn + ", assumed with " +
         (tokens_ ? "a Google ID token from " + tokens_->describe() : asker_->describe());
}

Result<AwsCredentials> RoleSource::assume(const AssumeRoleRequest& request,
                                          const std::stop_token& stop) {
  auto assumed = tokens_ ? by_token(request, stop) : by_keys(request, stop);
  if (!assumed.ok()) return std::move(assumed).error().in("role " + request_.role_arn);
  return std::move(assumed->credentials);
}

Result<AssumedRole> RoleSource::by_token(const AssumeRoleRequest& request,
                                         const std::stop_token& stop) {
  VESTO_ASSIGN(const IdToken token, tokens_->get(audience_, stop));
  auto assumed = assume_by_token(*sts_, request, token, stop);
  // Expired for AWS, whatever our clock says: another one may help, once.
  if (assumed.ok() || !is_expired_identity_token(assumed.error()) || !tokens_->forget(token)) {
    return assumed;
  }
  VESTO_ASSIGN(const IdToken fresh, tokens_->get(audience_, stop));
  return assume_by_token(*sts_, request, fresh, stop);
}

Result<AssumedRole> RoleSource::by_keys(const AssumeRoleRequest& request,
                                        const std::stop_token& stop) {
  VESTO_ASSIGN(const AwsCredentials as, asker_->get(kAskerMarginMs, stop));
  auto assumed = sts_->assume_role(request, as, stop);
  if (assumed.ok() || !is_expired_token(assumed.error()) || !asker_->forget(as)) return assumed;
  VESTO_ASSIGN(const AwsCredentials fresh, asker_->get(kAskerMarginMs, stop));
  return sts_->assume_role(request, fresh, stop);
}

}  // namespace vesto
