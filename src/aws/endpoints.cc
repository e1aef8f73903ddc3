#include "aws/endpoints.h"

#include <array>

#include "address/http_origin.h"
#include "aws/env_number.h"
#include "base/strings.h"

namespace vesto {

namespace {

struct KnownService {
  AwsService service;
  std::string_view host_label;
  std::string_view variable_part;  // of AWS_ENDPOINT_URL_<SERVICE>
  bool plain_name_is_fips_in_gov;  // there the host without -fips is the validated one
};

constexpr std::array<KnownService, 5> kServices = {{
    {AwsService::kS3, "s3", "S3", false},
    {AwsService::kSts, "sts", "STS", true},
    {AwsService::kRedshift, "redshift", "REDSHIFT", true},
    {AwsService::kRedshiftServerless, "redshift-serverless", "REDSHIFT_SERVERLESS", false},
    {AwsService::kIam, "iam", "IAM", false},
}};

const KnownService& known(AwsService service) { return kServices[static_cast<size_t>(service)]; }

std::string iam_endpoint(const AwsPartition& partition) {
  if (partition.name == "aws") return "https://iam.amazonaws.com";
  if (partition.name == "aws-us-gov") return "https://iam.us-gov.amazonaws.com";
  const std::string_view region =
      partition.name == "aws-cn" ? "cn-north-1" : partition.default_region;
  return "https://iam." + std::string(region) + "." + std::string(partition.dns_suffix);
}

}  // namespace

std::string aws_endpoint(AwsService service, std::string_view region, EndpointChoice choice) {
  const AwsPartition& partition = partition_of_region(region);
  if (service == AwsService::kIam) return iam_endpoint(partition);
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
  return {.fips = env_is_true(environment, "AWS_USE_FIPS_ENDPOINT"),
          .dual_stack = env_is_true(environment, "AWS_USE_DUALSTACK_ENDPOINT")};
}

Result<std::string> configured_endpoint(AwsService service, std::string_view configured,
                                        const Environment& environment) {
  if (!configured.empty()) {
    // S3's own endpoint may be a store in the same network; requests to it are signed, and what it
    // gives are the rows. The others give credentials.
    if (service == AwsService::kS3) return std::string(configured);
    VESTO_ASSIGN(const HttpOrigin origin, parse_service_origin(configured));
    return origin.url();
  }
  if (!environment || env_is_true(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")) {
    return std::string();
  }
  const std::string general = "AWS_ENDPOINT_URL";
  for (const std::string& name :
       {general + "_" + std::string(known(service).variable_part), general}) {
    const auto value = environment(name);
    if (!value || trim(*value).empty()) continue;
    auto origin = parse_service_origin(*value);
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

}  // namespace vesto
