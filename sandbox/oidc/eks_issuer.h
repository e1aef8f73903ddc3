// An EKS cluster's token issuer: what a pod with an IAM role for its service account (IRSA) finds
// in its token file. The issuer's URL is one that IAM would know; nobody asks it over the network,
// since the sandbox's IAM takes jwks() directly.
//
// Sources: Kubernetes, "Managing Service Accounts" (bound tokens); eks-pod-identity-webhook.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_SANDBOX_OIDC_EKS_ISSUER_H_
#define VESTO_SANDBOX_OIDC_EKS_ISSUER_H_

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "sandbox/oidc/jwt.h"

namespace vesto::sandbox {

struct EksTokenOptions {
  std::string audience = "sts.amazonaws.com";
  int64_t life_s = 86'400;
};

class EksIssuer {
 public:
  // The key is `dir`/eks-issuer.pem. `url`: https://..., without a slash at its end; "" takes one
  // of the form that EKS uses. `clock` must outlive it. The error is a text for the person who
  // starts the sandbox.
  static Result<EksIssuer, std::string> open(const std::string& dir, Clock& clock,
                                             std::string url = "");

  // sub = system:serviceaccount:<name_space>:<service_account>, aud a list of one.
  [[nodiscard]] std::string token(const std::string& name_space, const std::string& service_account,
                                  const EksTokenOptions& options = {}) const;
  // The same into a file, mode 0600, by temporary file and rename as the kubelet does it.
  Result<Unit, std::string> write_token_file(const std::string& file, const std::string& name_space,
                                             const std::string& service_account,
                                             const EksTokenOptions& options = {}) const;

  [[nodiscard]] const std::string& url() const { return url_; }
  [[nodiscard]] std::string jwks() const { return key_.jwks(); }
  [[nodiscard]] const SigningKey& signing_key() const { return key_; }

 private:
  EksIssuer(std::string url, SigningKey key, Clock& clock)
      : url_(std::move(url)), key_(std::move(key)), clock_(&clock) {}
  std::string url_;
  SigningKey key_;
  Clock* clock_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_OIDC_EKS_ISSUER_H_
