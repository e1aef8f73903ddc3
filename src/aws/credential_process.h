// Keys that a program prints (credential_process of a profile).
// Source: AWS SDKs and tools reference guide, "Process credential provider".
#ifndef VESTO_AWS_CREDENTIAL_PROCESS_H_
#define VESTO_AWS_CREDENTIAL_PROCESS_H_

#include <stop_token>
#include <string>

#include "aws/child_process.h"
#include "aws/credentials.h"

namespace vesto {

// Runs `command` (split as a shell would, without one) and reads its JSON of version 1. `profile`
// is for texts. Errors: AWS-PROFILE with the first 1,000 bytes of what it wrote to stderr,
// redacted, never with what it printed; RUN-INTERRUPTED. Any thread.
Result<AwsCredentials> run_credential_process(const std::string& command,
                                              const std::string& profile, int64_t now_ms,
                                              const ChildLimits& limits,
                                              const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_AWS_CREDENTIAL_PROCESS_H_
