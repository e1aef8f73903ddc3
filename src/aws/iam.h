// AWS Identity and Access Management: the trust policy of a role.
// Source: IAM API reference (2010-05-08), GetRole: query protocol, the policy URL-encoded JSON.
// Thread rule: a call has a client of its own; any thread.
#ifndef VESTO_AWS_IAM_H_
#define VESTO_AWS_IAM_H_

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/http.h"

namespace vesto {

struct IamOptions {
  std::string region;         // any of the partition: IAM has one endpoint for all of them
  std::string endpoint = {};  // "https://host:port"; empty: AWS's own
};

// The JSON of the role's trust policy. `role_name` without its path. At most 3 attempts. Errors: as
// sts.h; RS-CRED-DENIED or AWS-ASSUME-DENIED where iam:GetRole is not allowed.
Result<std::string> read_role_trust(const IamOptions& options, const std::string& role_name,
                                    const AwsCredentials& as, Clock& clock,
                                    std::unique_ptr<HttpTransport> http,
                                    const std::stop_token& stop);

enum class GoogleTrust {
  kOurs,     // every statement that lets Google identities in names whose they are
  kAnybody,  // one of them does not, or by a pattern
  kUnclear   // no JSON of a policy, or none of its statements lets Google identities in
};
// Which Google identities a trust policy lets in: by accounts.google.com:sub or :aud, tested for
// equality.
// What a Deny takes away is not looked at. Pure. `policy` is hostile: 1 MiB, 32 levels at most.
GoogleTrust google_trust(std::string_view policy);

}  // namespace vesto

#endif  // VESTO_AWS_IAM_H_
