// SigV4 in its header form as STS, Redshift and Redshift Serverless check it, with their codes and
// texts. S3 has its own (s3/request_auth.h).
// Sources: IAM User Guide, "Troubleshoot Signature Version 4 signing for AWS API requests"; texts
// that were seen in answers of AWS.
// Pure apart from Iam; any thread.
#ifndef VESTO_SANDBOX_AWS_API_AUTH_H_
#define VESTO_SANDBOX_AWS_API_AUTH_H_

#include "sandbox/aws/api_call.h"

namespace vesto::sandbox {

// AWS's tolerance for clocks, in either direction.
constexpr int64_t kApiMaxSkewMs = 900'000;

// Where a call without a signature goes: the region in its host name, else that of the global
// endpoint of STS.
std::string unsigned_region(const HttpRequest& request);

// Fills in the call's key and region. The codes are those of the call's kind of service.
ApiResult<Unit> authenticate_call(const Iam& iam, ApiCall* call);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_AWS_API_AUTH_H_
