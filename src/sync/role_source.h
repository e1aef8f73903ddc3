// A role that is assumed anew for each keys that are asked for; make_cached (aws/credentials.h)
// keeps what it gives. Inside sync/ only. Sources: AssumeRole and AssumeRoleWithWebIdentity of the
// STS API reference.
#ifndef VESTO_SYNC_ROLE_SOURCE_H_
#define VESTO_SYNC_ROLE_SOURCE_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "aws/credentials.h"
#include "aws/google_token.h"
#include "aws/sts.h"
#include "base/clock.h"
#include "base/result.h"

namespace vesto {

// Assumes the role with a Google ID token. Where the role does not take it, the hint says what of
// the token's claims it must test. Errors: as sts.h.
Result<AssumedRole> assume_by_token(Sts& sts, const AssumeRoleRequest& request,
                                    const IdToken& token, const std::stop_token& stop);

// Thread rule: one thread at a time.
class RoleSource final : public CredentialSource {
 public:
  // Either `tokens` with an audience, or `asker`.
  RoleSource(AssumeRoleRequest request, std::string audience, std::unique_ptr<Sts> sts,
             std::unique_ptr<IdTokenSource> tokens, std::shared_ptr<CredentialSource> asker,
             Clock& clock);

  Result<AwsCredentials> get(int64_t min_life_ms, const std::stop_token& stop) override;
  // For COPY: a session of `need_s` and session_duration at least, or as long as the role allows.
  // What it allows is kept; at most one request for each length that is tried, and two.
  Result<AwsCredentials> narrowed(std::string session_policy, int64_t need_s,
                                  const std::stop_token& stop);
  [[nodiscard]] std::string describe() const override;

 private:
  Result<AwsCredentials> assume(const AssumeRoleRequest& request, const std::stop_token& stop);
  Result<AssumedRole> by_token(const AssumeRoleRequest& request, const std::stop_token& stop);
  Result<AssumedRole> by_keys(const AssumeRoleRequest& request, const std::stop_token& stop);

  Clock& clock_;
  const AssumeRoleRequest request_;
  const std::string audience_;
  std::unique_ptr<Sts> sts_;
  std::unique_ptr<IdTokenSource> tokens_;
  std::shared_ptr<CredentialSource> asker_;
  int64_t longest_s_;            // that is asked for beyond session_duration
  int64_t denied_until_ms_ = 0;  // till then, no more than session_duration is asked for
};

}  // namespace vesto

#endif  // VESTO_SYNC_ROLE_SOURCE_H_
