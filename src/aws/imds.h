// Keys of the EC2 instance's role, from its metadata service (version 2, with a session token).
// Source: Amazon EC2 user guide, "Use the Instance Metadata Service", "Retrieve security
// credentials from instance metadata".
#ifndef VESTO_AWS_IMDS_H_
#define VESTO_AWS_IMDS_H_

#include <stop_token>

#include "aws/credentials.h"
#include "base/clock.h"
#include "net/http.h"

namespace vesto {

// AWS_METADATA_SERVICE_TIMEOUT (seconds, 1), no proxy.
HttpOptions imds_http_options(const Environment& environment);

// AWS_EC2_METADATA_SERVICE_ENDPOINT (or ..._MODE = IPv6) says where, else 169.254.169.254;
// AWS_METADATA_SERVICE_NUM_ATTEMPTS (1) how often. Version 1 is used where the token is answered
// with 403, 404 or 405, unless AWS_EC2_METADATA_V1_DISABLED is "true".
// Errors: AWS-NO-CREDENTIALS (switched off by AWS_EC2_METADATA_DISABLED, nobody answers, no role,
// or the service says why), AWS-SERVER, AWS-ANSWER, CFG-VALUE, RUN-INTERRUPTED. One thread at a
// time.
Result<AwsCredentials> get_instance_credentials(const Environment& environment, Clock& clock,
                                                HttpTransport& http, const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_AWS_IMDS_H_
