// AWS Security Token Service: a role's temporary credentials, and who we are.
// Source: AWS STS API reference (2011-06-15), AssumeRole, AssumeRoleWithWebIdentity,
// GetCallerIdentity: query protocol, answers in XML.
//
// Each call is repeated by itself (3 attempts with backoff) after a 5xx, throttling,
// IDPCommunicationError or a lost connection.
// Errors: AWS-ASSUME-DENIED, AWS-TOKEN, AWS-KEY, AWS-STS, SYS-CLOCK-SKEW, NET-*, CFG-VALUE,
// RUN-INTERRUPTED; never with a token in them.
// Thread rule: one client belongs to one thread at a time.
#ifndef VESTO_AWS_STS_H_
#define VESTO_AWS_STS_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace vesto {

struct StsOptions {
  std::string region;         // the endpoint's, and the one that is signed for
  std::string endpoint = {};  // "https://host:port"; empty: AWS's own for the region
};

struct AssumeRoleRequest {
  std::string role_arn = {};
  std::string session_name = {};    // any text: other characters become "-", cut at 64
  std::string external_id = {};     // AssumeRole only; "" = none
  int64_t duration_s = 3600;        // 900 to 43,200; more than the role allows is refused by STS
  std::string session_policy = {};  // JSON that narrows the role's rights; "" = none
};

struct AssumedRole {
  AwsCredentials credentials;
  std::string arn = {};      // arn:aws:sts::123456789012:assumed-role/name/session
  std::string subject = {};  // of the web identity token, as STS read it
  std::string audience = {};
};

struct CallerIdentity {
  std::string arn;
  std::string account;
  std::string user_id;
};

class Sts {
 public:
  virtual ~Sts() = default;
  // Not signed: `token` (an OIDC token, JWT) is the proof.
  virtual Result<AssumedRole> assume_role_with_web_identity(const AssumeRoleRequest& request,
                                                            const Secret& token,
                                                            const std::stop_token& stop) = 0;
  virtual Result<AssumedRole> assume_role(const AssumeRoleRequest& request,
                                          const AwsCredentials& as,
                                          const std::stop_token& stop) = 0;
  // Needs no right at all.
  virtual Result<CallerIdentity> get_caller_identity(const AwsCredentials& as,
                                                     const std::stop_token& stop) = 0;
};

// `clock` must outlive it.
std::unique_ptr<Sts> make_sts(StsOptions options, Clock& clock,
                              std::unique_ptr<HttpTransport> http);

}  // namespace vesto

#endif  // VESTO_AWS_STS_H_
