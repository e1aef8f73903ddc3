#include "sandbox/oidc/google_grant.h"

#include <algorithm>

#include "base/strings.h"
#include "sandbox/s3/uri.h"

namespace vesto::sandbox {

namespace {

constexpr std::string_view kGrantType = "urn:ietf:params:oauth:grant-type:jwt-bearer";
constexpr int64_t kLongestLifeS = 3600;
constexpr int64_t kClockToleranceS = 60;  // of iat in the future; Google's own is not known
constexpr size_t kMaxGrantTypeShown = 200;

GrantProblem invalid_grant(std::string description) {
  return {"invalid_grant", std::move(description)};
}

// The value of a parameter that is there exactly once.
const std::string* single(const QueryParameters& form, std::string_view name) {
  const auto count = std::count_if(form.begin(), form.end(),
                                   [name](const auto& entry) { return entry.first == name; });
  return count == 1 ? find_parameter(form, name) : nullptr;
}

Result<Unit, GrantProblem> check_times(const JwtClaims& claims, int64_t now_s) {
  if (!claims.has_issued) return invalid_grant("Invalid JWT: iat (issued at) is not set.");
  if (!claims.has_expiry) return invalid_grant("Invalid JWT: exp (expiration time) is not set.");
  // No sum of these: they are the sender's numbers and could be as large as an int64 can be.
  const bool lives = claims.expires_s > now_s && claims.issued_s <= now_s + kClockToleranceS;
  const bool is_short =
      claims.expires_s > claims.issued_s && claims.expires_s - claims.issued_s <= kLongestLifeS;
  if (lives && is_short) return Unit{};
  return invalid_grant(
      "Invalid JWT: Token must be a short-lived token (60 minutes) and in a reasonable "
      "timeframe. Check your iat and exp values in the JWT claim.");
}

Result<JwtClaims, GrantProblem> check_assertion(const std::string& assertion,
                                                const GoogleIssuer& issuer) {
  const auto unchecked = read_jwt(assertion);
  if (!unchecked) return GrantProblem{"invalid_request", "Bad Request"};
  const auto account = issuer.account(unchecked->issuer);
  // A deleted account is unknown; that a disabled one is told in the same way is our assumption.
  if (!account || account->disabled) return invalid_grant("Invalid grant: account not found");
  auto claims = check_signature(assertion, issuer.account_keys(unchecked->issuer));
  if (!claims.ok()) return invalid_grant("Invalid JWT Signature.");
  return *std::move(claims);
}

}  // namespace

Result<std::string, GrantProblem> exchange_assertion(std::string_view form,
                                                     const std::vector<std::string>& audiences,
                                                     const GoogleIssuer& issuer, Clock& clock) {
  const auto parameters = parse_query(form);
  if (!parameters) return GrantProblem{"invalid_request", "Bad Request"};
  const std::string* grant_type = single(*parameters, "grant_type");
  if (grant_type == nullptr || *grant_type != kGrantType) {
    const std::string shown = grant_type == nullptr ? "" : printable(*grant_type, false);
    return GrantProblem{"unsupported_grant_type",
                        "Invalid grant_type: " + std::string(cut_utf8(shown, kMaxGrantTypeShown))};
  }
  const std::string* assertion = single(*parameters, "assertion");
  if (assertion == nullptr) return GrantProblem{"invalid_request", "Bad Request"};
  VESTO_ASSIGN(const JwtClaims claims, check_assertion(*assertion, issuer));
  issuer.remember(*assertion);
  VESTO_TRY(check_times(claims, clock.wall_ms() / 1000));
  if (std::find(audiences.begin(), audiences.end(), claims.audience) == audiences.end()) {
    return invalid_grant("Invalid JWT: Failed audience check.");
  }
  if (claims.target_audience.empty()) {
    return GrantProblem{"invalid_scope", "Invalid OAuth scope or ID token audience provided."};
  }
  auto token = issuer.id_token(claims.issuer, claims.target_audience, TokenForm::kKeyFile);
  if (!token) return invalid_grant("Invalid grant: account not found");
  return *std::move(token);
}

std::string assertion_issuer(std::string_view form) {
  const auto parameters = parse_query(form);
  const std::string* assertion = parameters ? single(*parameters, "assertion") : nullptr;
  const auto claims = assertion == nullptr ? std::nullopt : read_jwt(*assertion);
  return claims ? claims->issuer : "";
}

}  // namespace vesto::sandbox
