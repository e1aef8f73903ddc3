// Keys of the container's role (ECS, EKS Pod Identity), from the agent's HTTP address.
// Source: Amazon ECS developer guide, "Task IAM role"; AWS SDKs and tools reference guide,
// "Container credential provider".
#ifndef VESTO_AWS_CONTAINER_CREDENTIALS_H_
#define VESTO_AWS_CONTAINER_CREDENTIALS_H_

#include <stop_token>

#include "aws/credentials.h"
#include "base/clock.h"
#include "net/http.h"

namespace vesto {

// Whether AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or ..._FULL_URI is set.
bool has_container_credentials(const Environment& environment);

// 2 seconds a try, no proxy.
HttpOptions container_http_options();

// 3 tries, a second apart. The authorization token's file is read at each try. Errors: CFG-VALUE
// (an address that the token must not go to: http to any but the agents' addresses and this
// machine), CFG-SECRET-MISSING (the token's file), AWS-NO-CREDENTIALS (refused), AWS-SERVER,
// AWS-ANSWER, NET-*, RUN-INTERRUPTED. One thread at a time.
Result<AwsCredentials> get_container_credentials(const Environment& environment, Clock& clock,
                                                 HttpTransport& http, const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_AWS_CONTAINER_CREDENTIALS_H_
