// STS: AssumeRoleWithWebIdentity, AssumeRole, GetCallerIdentity.
// Source: AWS STS API reference (2011-06-15); texts of refusals as seen in answers of AWS.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_AWS_STS_SERVICE_H_
#define VESTO_SANDBOX_AWS_STS_SERVICE_H_

#include <functional>
#include <optional>
#include <string>

#include "sandbox/aws/api_answers.h"
#include "sandbox/aws/api_call.h"
#include "sandbox/oidc/jwt.h"

namespace vesto::sandbox {

// The public keys of an issuer ("https://accounts.google.com"), as STS would fetch them; nothing:
// they cannot be had.
using IssuerKeys = std::function<std::optional<JwkSet>(const std::string& issuer_url)>;

class StsService {
 public:
  // `iam` must outlive it.
  StsService(Iam& iam, IssuerKeys issuer_keys) : iam_(iam), issuer_keys_(std::move(issuer_keys)) {}

  // AssumeRoleWithWebIdentity alone is not signed.
  [[nodiscard]] static bool is_signed(const ApiCall& call) {
    return call.operation != "AssumeRoleWithWebIdentity";
  }
  ApiResult<ApiAnswer> serve(const ApiCall& call);

 private:
  struct Proof;  // what a web identity token proves
  ApiResult<ApiAnswer> assume_role(const ApiCall& call);
  ApiResult<ApiAnswer> assume_with_web_identity(const ApiCall& call);
  static ApiAnswer caller_identity(const ApiCall& call);
  ApiResult<Proof> check_token(const ApiCall& call);
  ApiResult<JwkSet> keys_for(const ApiCall& call, const JwtClaims& claims, Proof* proof);

  Iam& iam_;
  IssuerKeys issuer_keys_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_STS_SERVICE_H_
