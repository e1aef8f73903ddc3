// What to allow, and where, after AWS said no. Internal to aws/aws_errors.cc.
// Source: IAM user guide, "Troubleshoot access denied error messages". Pure; any thread.
#ifndef VESTO_AWS_DENIED_HINT_H_
#define VESTO_AWS_DENIED_HINT_H_

#include <string>
#include <string_view>

#include "aws/aws_errors.h"

namespace vesto {

// For a role that may not be assumed: who asked, for what, and the trust policy's part in it.
std::string assume_denied_hint(const AwsCall& call, std::string_view message);

// For a call to Redshift: the action and the ARN that a policy must allow.
std::string credentials_denied_hint(const AwsCall& call, const AwsFault& fault);

}  // namespace vesto

#endif  // VESTO_AWS_DENIED_HINT_H_
