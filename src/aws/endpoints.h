// Where AWS's services are: host names and their variants, and what the environment puts in their
// place. Partitions: address/aws_partition.h.
// Sources: AWS's endpoint rules as published with its SDKs; AWS SDKs and tools reference guide,
// "Service-specific endpoints".
// Pure; any thread.
#ifndef VESTO_AWS_ENDPOINTS_H_
#define VESTO_AWS_ENDPOINTS_H_

#include <string>
#include <string_view>

#include "address/aws_partition.h"
#include "aws/credentials.h"
#include "base/result.h"

namespace vesto {

enum class AwsService { kS3, kSts, kRedshift, kRedshiftServerless, kIam };

struct EndpointChoice {
  bool fips = false;
  bool dual_stack = false;
};

// "https://sts.eu-west-1.amazonaws.com"; for S3 without a bucket: "https://s3.eu-west-1...".
// IAM has one for a whole partition, which `choice` does not change.
std::string aws_endpoint(AwsService service, std::string_view region, EndpointChoice choice);

// The two halves of choose_endpoint, for a caller that learns the region later (S3).
// AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT; only "true" sets them.
EndpointChoice endpoint_choice(const Environment& environment);
// What stands in the place of AWS's own endpoint, or "". Plain http is taken to this machine alone,
// but for an endpoint of S3 that is `configured`. Errors: CFG-VALUE.
Result<std::string> configured_endpoint(AwsService service, std::string_view configured,
                                        const Environment& environment);

// The endpoint to use: `configured` if it is not empty, else AWS_ENDPOINT_URL_<SERVICE>, else
// AWS_ENDPOINT_URL (both not if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is "true"), else AWS's own with
// AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. The service's part of the name: S3, STS,
// REDSHIFT, REDSHIFT_SERVERLESS, IAM. Errors: CFG-VALUE naming the variable whose value is no URL,
// or the region that is none.
Result<std::string> choose_endpoint(AwsService service, std::string_view region,
                                    std::string_view configured, const Environment& environment);

}  // namespace vesto

#endif  // VESTO_AWS_ENDPOINTS_H_
