// AWS's partitions: what stands in ARNs, in host names, and how regions are called there. One table
// for all who ask.
// Source: AWS's endpoint rules as published with its SDKs (partitions aws, aws-cn, aws-us-gov,
// aws-eusc). Pure; any thread.
#ifndef VESTO_ADDRESS_AWS_PARTITION_H_
#define VESTO_ADDRESS_AWS_PARTITION_H_

#include <string_view>

namespace vesto {

struct AwsPartition {
  std::string_view name;               // "aws-cn": as in ARNs
  std::string_view dns_suffix;         // "amazonaws.com.cn"
  std::string_view dual_stack_suffix;  // "api.amazonwebservices.com.cn"
  std::string_view default_region;     // one in which every account has STS
};

// By the region's first letters; a region of no known form is taken to be of "aws".
const AwsPartition& partition_of_region(std::string_view region);
// The partition with this name, or nullptr: "arn:aws-cn:..." names it.
const AwsPartition* find_partition(std::string_view name);

// The suffix of AWS's that a host name stands under: "amazonaws.com.cn", "api.aws". In any case of
// letters, a dot at the end counts for nothing. "" for others, and for the suffix alone.
std::string_view aws_suffix_of(std::string_view host);
// A name under which AWS alone makes hosts.
inline bool is_aws_host(std::string_view host) { return !aws_suffix_of(host).empty(); }

// "eu-west-1" and the like: what AWS calls a region, so that a slip never becomes a host name.
bool is_region_name(std::string_view text);

}  // namespace vesto

#endif  // VESTO_ADDRESS_AWS_PARTITION_H_
