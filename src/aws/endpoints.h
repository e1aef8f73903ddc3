// Where AWS's services are: partitions, host names and their variants, and what the environment
// puts in their place.
// Sources: AWS's endpoint rules as published with its SDKs (partitions aws, aws-cn, aws-us-gov,
// aws-eusc); AWS SDKs and tools reference guide, "Service-specific endpoints".
// Pure; any thread.
#ifndef VESTO_AWS_ENDPOINTS_H_
#define VESTO_AWS_ENDPOINTS_H_

#include <string>
#include <string_view>

#include "aws/credentials.h"
#include "base/result.h"

namespace vesto {

enum class AwsService { kS3, kSts, kRedshift, kRedshiftServerless };

struct EndpointChoice {
  bool fips = false;
  bool dual_stack = false;
};

struct AwsPartition {
  std::string_view name;               // "aws-cn": as in ARNs
  std::string_view dns_suffix;         // "amazonaws.com.cn"
  std::string_view dual_stack_suffix;  // "api.amazonwebservices.com.cn"
  std::string_view default_region;
};

// By the region's first letters; a region of no known form is taken to be of "aws".
const AwsPartition& partition_of_region(std::string_view region);
// The partition with this name, or nullptr: "arn:aws-cn:..." names it.
const AwsPartition* find_partition(std::string_view name);

// "https://sts.eu-west-1.amazonaws.com"; for S3 without a bucket: "https://s3.eu-west-1...".
std::string aws_endpoint(AwsService service, std::string_view region, EndpointChoice choice);

// The two halves of choose_endpoint, for a caller that learns the region later (S3).
// AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT; only "true" sets them.
EndpointChoice endpoint_choice(const Environment& environment);
// What stands in the place of AWS's own endpoint, or "". Errors: CFG-VALUE.
Result<std::string> configured_endpoint(AwsService service, std::string_view configured,
                                        const Environment& environment);

// The endpoint to use: `configured` if it is not empty, else AWS_ENDPOINT_URL_<SERVICE>, else
// AWS_ENDPOINT_URL (both not if AWS_IGNORE_CONFIGURED_ENDPOINT_URLS is "true"), else AWS's own with
// AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT. The service's part of the name: S3, STS,
// REDSHIFT, REDSHIFT_SERVERLESS. Errors: CFG-VALUE naming the variable whose value is no URL, or
// the region that is none.
Result<std::string> choose_endpoint(AwsService service, std::string_view region,
                                    std::string_view configured, const Environment& environment);

// "eu-west-1" and the like: what AWS calls a region, so that a slip never becomes a host name.
bool is_region_name(std::string_view text);

}  // namespace vesto

#endif  // VESTO_AWS_ENDPOINTS_H_
