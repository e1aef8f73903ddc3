// The JWT-bearer grant at Google's token endpoint (RFC 7523): an assertion signed with a service
// account's key is exchanged for an ID token.
//
// Refusals in the order and with the texts that were observed at Google: form of the assertion,
// account, signature, iat and exp, audience, target audience.
// Thread rule: pure but for the issuer and the clock; any thread.
#ifndef VESTO_SANDBOX_OIDC_GOOGLE_GRANT_H_
#define VESTO_SANDBOX_OIDC_GOOGLE_GRANT_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/oidc/google_issuer.h"

namespace vesto::sandbox {

constexpr std::string_view kGoogleTokenUrl = "https://oauth2.googleapis.com/token";

// What the endpoint says no with: HTTP 400 but for a fault.
struct GrantProblem {
  std::string error;        // invalid_grant, invalid_request, invalid_scope, unsupported_grant_type
  std::string description;  // never of the assertion
};

// `form`: the request's body, application/x-www-form-urlencoded. `audiences`: what the assertion's
// aud may be. The result is the ID token.
Result<std::string, GrantProblem> exchange_assertion(std::string_view form,
                                                     const std::vector<std::string>& audiences,
                                                     const GoogleIssuer& issuer, Clock& clock);

// The issuer that the form's assertion names, without checking anything; "" if there is none.
std::string assertion_issuer(std::string_view form);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_GOOGLE_GRANT_H_
