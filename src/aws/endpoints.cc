#include "aws/endpoints.h"

#include <algorithm>
#include <array>

#include "base/strings.h"
#include "net/http.h"

namespace vesto {

namespace {

struct KnownPartition {
  AwsPartition partition;
  std::string_view region_prefix;
};

// The first stands for regions of no known form.
constexpr std::array<KnownPartition, 4> kPartitions = {{
    {{"aws", "amazonaws.com", "api.aws", "us-east-1"}, ""},
    {{"aws-cn", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"}, "cn-"},
    {{"aws-us-gov", "amazonaws.com", "api.aws", "us-gov-west-1"}, "us-gov-"},
    {{"aws-eusc", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"}, "eusc-"},
}};

struct KnownService {
  AwsService service;
  std::string_view host_label;
  std::string_view variable_part;  // of AWS_ENDPOINT_URL_<SERVICE>
  bool plain_name_is_fips_in_gov;  // there the host without -fips is the validated one
};

constexpr std::array<KnownService, 4> kServices = {{
    {AwsService::kS3, "s3", "S3", false},
    {AwsService::kSts, "sts", "STS", true},
    {AwsService::kRedshift, "redshift", "REDSHIFT", true},
    {AwsService::kRedshiftServerless, "redshift-serverless", "REDSHIFT_SERVERLESS", false},
}};

const KnownService& known(AwsService service) { return kServices[static_cast<size_t>(service)]; }

bool is_true(const Environment& environment, std::string_view name) {
  const auto value = environment ? environment(name) : std::nullopt;
  return value && to_lower_ascii(trim(*value)) == "true";
}

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

const AwsPartition& partition_of_region(std::string_view region) {
  for (const KnownPartition& known_one : kPartitions) {
    if (!known_one.region_prefix.empty() && region.starts_with(known_one.region_prefix)) {
      return known_one.partition;
    }
  }
  return kPartitions.front().partition;
}

const AwsPartition* find_partition(std::string_view name) {
  for (const KnownPartition& known_one : kPartitions) {
    if (known_one.partition.name == name) return &known_one.partition;
  }
  return nullptr;
}

std::string aws_endpoint(AwsService service, std::string_view region, EndpointChoice choice) {
  const AwsPartition& partition = partition_of_region(region);
  const KnownService& of = known(service);
  const bool plain_name =
      of.plain_name_is_fips_in_gov && partition.name == "aws-us-gov" && !choice.dual_stack;
  std::string out = "https://" + std::string(of.host_label);
  if (choice.fips && !plain_name) out += "-fips";
  // S3 alone has its dual-stack hosts under the ordinary suffix.
  const bool is_s3 = service == AwsService::kS3;
  if (is_s3 && choice.dual_stack) out += ".dualstack";
  out += "." + std::string(region) + ".";
  return out += choice.dual_stack && !is_s3 ? partition.dual_stack_suffix : partition.dns_suffix;
}

EndpointChoice endpoint_choice(const Environment& environment) {
  return {.fips = is_true(environment, "AWS_USE_FIPS_ENDPOINT"),
          .dual_stack = is_true(environment, "AWS_USE_DUALSTACK_ENDPOINT")};
}

Result<std::string> configured_endpoint(AwsService service, std::string_view configured,
                                        const Environment& environment) {
  if (!configured.empty()) return std::string(configured);
  if (!environment || is_true(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
    return std::string();
  }
  const std::string general = "AWS_ENDPOINT_URL";
  for (const std::string& name :
       {general + "_" + std::string(known(service).variable_part), general}) {
    const auto value = environment(name);
    if (!value || trim(*value).empty()) continue;
    auto origin = parse_origin(*value);
    if (!origin.ok()) {
      return Error(ErrorCode::kCfgValue, name + ": " + origin.error().message())
          .with_hint("Give it as https://host:port, without a path, or unset it.");
    }
    return origin->url();
  }
  return std::string();
}

Result<std::string> choose_endpoint(AwsService service, std::string_view region,
                                    std::string_view configured, const Environment& environment) {
  VESTO_ASSIGN(std::string given, configured_endpoint(service, configured, environment));
  if (!given.empty()) return given;
  const EndpointChoice choice = endpoint_choice(environment);
  if (!is_region_name(region)) {
    return Error(ErrorCode::kCfgValue,
                 "\"" + std::string(cut_utf8(region, 100)) + "\" is no AWS region");
  }
  if (choice.fips && service == AwsService::kS3 && partition_of_region(region).name == "aws-cn") {
    return Error(ErrorCode::kCfgValue, "AWS_USE_FIPS_ENDPOINT: S3 has no such endpoint in China");
  }
  return aws_endpoint(service, region, choice);
}

// Words of lower-case letters, and a number as the last one: "us-gov-west-1".
bool is_region_name(std::string_view text) {
  if (text.empty() || text.size() > 40) return false;
  const std::vector<std::string> words = split(text, '-');
  if (words.size() < 3) return false;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const bool is_last = i + 1 == words.size();
    if (word.empty() || !std::all_of(word.begin(), word.end(), is_last ? is_digit : is_lower)) {
      return false;
    }
  }
  return true;
}

}  // namespace vesto
