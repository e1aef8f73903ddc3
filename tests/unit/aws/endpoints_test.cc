// Every service, partition and variant: the hosts that AWS publishes with its SDKs.
#include "aws/endpoints.h"

#include <gtest/gtest.h>

#include <map>

namespace vesto {
namespace {

struct EndpointCase {
  AwsService service;
  const char* region;
  const char* plain;
  const char* dual_stack;
  const char* fips;
  const char* fips_dual_stack;
};

constexpr EndpointCase kCases[] = {
    {AwsService::kS3, "eu-west-1", "s3.eu-west-1.amazonaws.com",
     "s3.dualstack.eu-west-1.amazonaws.com", "s3-fips.eu-west-1.amazonaws.com",
     "s3-fips.dualstack.eu-west-1.amazonaws.com"},
    {AwsService::kS3, "cn-north-1", "s3.cn-north-1.amazonaws.com.cn",
     "s3.dualstack.cn-north-1.amazonaws.com.cn", "s3-fips.cn-north-1.amazonaws.com.cn",
     "s3-fips.dualstack.cn-north-1.amazonaws.com.cn"},
    {AwsService::kS3, "us-gov-west-1", "s3.us-gov-west-1.amazonaws.com",
     "s3.dualstack.us-gov-west-1.amazonaws.com", "s3-fips.us-gov-west-1.amazonaws.com",
     "s3-fips.dualstack.us-gov-west-1.amazonaws.com"},
    {AwsService::kS3, "eusc-de-east-1", "s3.eusc-de-east-1.amazonaws.eu",
     "s3.dualstack.eusc-de-east-1.amazonaws.eu", "s3-fips.eusc-de-east-1.amazonaws.eu",
     "s3-fips.dualstack.eusc-de-east-1.amazonaws.eu"},
    {AwsService::kSts, "eu-west-1", "sts.eu-west-1.amazonaws.com", "sts.eu-west-1.api.aws",
     "sts-fips.eu-west-1.amazonaws.com", "sts-fips.eu-west-1.api.aws"},
    {AwsService::kSts, "cn-north-1", "sts.cn-north-1.amazonaws.com.cn",
     "sts.cn-north-1.api.amazonwebservices.com.cn", "sts-fips.cn-north-1.amazonaws.com.cn",
     "sts-fips.cn-north-1.api.amazonwebservices.com.cn"},
    {AwsService::kSts, "us-gov-west-1", "sts.us-gov-west-1.amazonaws.com",
     "sts.us-gov-west-1.api.aws", "sts.us-gov-west-1.amazonaws.com",
     "sts-fips.us-gov-west-1.api.aws"},
    {AwsService::kSts, "eusc-de-east-1", "sts.eusc-de-east-1.amazonaws.eu",
     "sts.eusc-de-east-1.api.amazonwebservices.eu", "sts-fips.eusc-de-east-1.amazonaws.eu",
     "sts-fips.eusc-de-east-1.api.amazonwebservices.eu"},
    {AwsService::kRedshift, "eu-west-1", "redshift.eu-west-1.amazonaws.com",
     "redshift.eu-west-1.api.aws", "redshift-fips.eu-west-1.amazonaws.com",
     "redshift-fips.eu-west-1.api.aws"},
    {AwsService::kRedshift, "cn-north-1", "redshift.cn-north-1.amazonaws.com.cn",
     "redshift.cn-north-1.api.amazonwebservices.com.cn",
     "redshift-fips.cn-north-1.amazonaws.com.cn",
     "redshift-fips.cn-north-1.api.amazonwebservices.com.cn"},
    {AwsService::kRedshift, "us-gov-west-1", "redshift.us-gov-west-1.amazonaws.com",
     "redshift.us-gov-west-1.api.aws", "redshift.us-gov-west-1.amazonaws.com",
     "redshift-fips.us-gov-west-1.api.aws"},
    {AwsService::kRedshift, "eusc-de-east-1", "redshift.eusc-de-east-1.amazonaws.eu",
     "redshift.eusc-de-east-1.api.amazonwebservices.eu",
     "redshift-fips.eusc-de-east-1.amazonaws.eu",
     "redshift-fips.eusc-de-east-1.api.amazonwebservices.eu"},
    {AwsService::kRedshiftServerless, "eu-west-1", "redshift-serverless.eu-west-1.amazonaws.com",
     "redshift-serverless.eu-west-1.api.aws", "redshift-serverless-fips.eu-west-1.amazonaws.com",
     "redshift-serverless-fips.eu-west-1.api.aws"},
    {AwsService::kRedshiftServerless, "cn-north-1",
     "redshift-serverless.cn-north-1.amazonaws.com.cn",
     "redshift-serverless.cn-north-1.api.amazonwebservices.com.cn",
     "redshift-serverless-fips.cn-north-1.amazonaws.com.cn",
     "redshift-serverless-fips.cn-north-1.api.amazonwebservices.com.cn"},
    {AwsService::kRedshiftServerless, "us-gov-west-1",
     "redshift-serverless.us-gov-west-1.amazonaws.com", "redshift-serverless.us-gov-west-1.api.aws",
     "redshift-serverless-fips.us-gov-west-1.amazonaws.com",
     "redshift-serverless-fips.us-gov-west-1.api.aws"},
    {AwsService::kRedshiftServerless, "eusc-de-east-1",
     "redshift-serverless.eusc-de-east-1.amazonaws.eu",
     "redshift-serverless.eusc-de-east-1.api.amazonwebservices.eu",
     "redshift-serverless-fips.eusc-de-east-1.amazonaws.eu",
     "redshift-serverless-fips.eusc-de-east-1.api.amazonwebservices.eu"},
};

TEST(Endpoints, EveryServicePartitionAndVariant) {
  for (const EndpointCase& c : kCases) {
    const auto host = [&](bool fips, bool dual_stack) {
      return aws_endpoint(c.service, c.region, {.fips = fips, .dual_stack = dual_stack});
    };
    EXPECT_EQ(host(false, false), std::string("https://") + c.plain);
    EXPECT_EQ(host(false, true), std::string("https://") + c.dual_stack);
    EXPECT_EQ(host(true, false), std::string("https://") + c.fips);
    EXPECT_EQ(host(true, true), std::string("https://") + c.fips_dual_stack);
  }
  EXPECT_EQ(std::size(kCases), 16U);
}

TEST(Endpoints, Partitions) {
  EXPECT_EQ(partition_of_region("eu-west-1").name, "aws");
  EXPECT_EQ(partition_of_region("us-east-1").default_region, "us-east-1");
  EXPECT_EQ(partition_of_region("us-gov-east-1").name, "aws-us-gov");
  EXPECT_EQ(partition_of_region("cn-northwest-1").name, "aws-cn");
  EXPECT_EQ(partition_of_region("cn-north-1").default_region, "cn-northwest-1");
  EXPECT_EQ(partition_of_region("eusc-de-east-1").dns_suffix, "amazonaws.eu");
  EXPECT_EQ(partition_of_region("nowhere").name, "aws");
  EXPECT_EQ(partition_of_region("").name, "aws");
  ASSERT_NE(find_partition("aws-eusc"), nullptr);
  EXPECT_EQ(find_partition("aws-eusc")->default_region, "eusc-de-east-1");
  EXPECT_EQ(find_partition("aws-xx"), nullptr);
  EXPECT_EQ(find_partition(""), nullptr);
}

TEST(Endpoints, RegionNames) {
  for (const char* good : {"eu-west-1", "us-gov-west-1", "ap-southeast-12", "eusc-de-east-1"}) {
    EXPECT_TRUE(is_region_name(good)) << good;
  }
  for (const char* bad : {"", "eu", "eu-west", "eu-west-1a", "EU-WEST-1", "eu_west_1", "eu-west-1.",
                          "-west-1", "eu--1", "eu-west-", "eu-west-1/", "evil.com#-a-1", "auto"}) {
    EXPECT_FALSE(is_region_name(bad)) << bad;
  }
  EXPECT_FALSE(is_region_name(std::string(60, 'a') + "-b-1"));
}

class ChooseEndpoint : public testing::Test {
 protected:
  std::string chosen(AwsService service = AwsService::kSts, const std::string& configured = "",
                     const std::string& region = "eu-west-1") {
    const auto result = choose_endpoint(service, region, configured, environment());
    return result.ok() ? *result : std::string(result.error().name());
  }
  Environment environment() {
    return [this](std::string_view name) -> std::optional<std::string> {
      const auto found = variables_.find(std::string(name));
      if (found == variables_.end()) return std::nullopt;
      return found->second;
    };
  }
  std::map<std::string, std::string> variables_;
};

TEST_F(ChooseEndpoint, NothingSet) {
  EXPECT_EQ(chosen(), "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(*choose_endpoint(AwsService::kS3, "eu-west-1", "", {}),
            "https://s3.eu-west-1.amazonaws.com");
}

TEST_F(ChooseEndpoint, TheNearestSettingWins) {
  variables_["AWS_ENDPOINT_URL"] = "http://localhost:4566/";
  EXPECT_EQ(chosen(), "http://localhost:4566");
  variables_["AWS_ENDPOINT_URL_STS"] = "https://sts.internal";
  EXPECT_EQ(chosen(), "https://sts.internal");
  EXPECT_EQ(chosen(AwsService::kRedshift), "http://localhost:4566");
  variables_["AWS_ENDPOINT_URL_REDSHIFT"] = "http://127.0.0.1:1";
  variables_["AWS_ENDPOINT_URL_REDSHIFT_SERVERLESS"] = "http://127.0.0.1:2";
  variables_["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:3";
  EXPECT_EQ(chosen(AwsService::kRedshift), "http://127.0.0.1:1");
  EXPECT_EQ(chosen(AwsService::kRedshiftServerless), "http://127.0.0.1:2");
  EXPECT_EQ(chosen(AwsService::kS3), "http://127.0.0.1:3");
  EXPECT_EQ(chosen(AwsService::kS3, "http://configured"), "http://configured");
}

TEST_F(ChooseEndpoint, IgnoredOnlyIfTrue) {
  variables_["AWS_ENDPOINT_URL"] = "http://localhost:4566";
  variables_["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "false";
  EXPECT_EQ(chosen(), "http://localhost:4566");
  variables_["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "True";
  EXPECT_EQ(chosen(), "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(chosen(AwsService::kSts, "https://configured"), "https://configured");
}

TEST_F(ChooseEndpoint, Variants) {
  variables_["AWS_USE_FIPS_ENDPOINT"] = "true";
  EXPECT_EQ(chosen(), "https://sts-fips.eu-west-1.amazonaws.com");
  variables_["AWS_USE_DUALSTACK_ENDPOINT"] = "TRUE";
  EXPECT_EQ(chosen(), "https://sts-fips.eu-west-1.api.aws");
  variables_["AWS_USE_FIPS_ENDPOINT"] = "yes";
  EXPECT_EQ(chosen(), "https://sts.eu-west-1.api.aws");
  variables_["AWS_USE_FIPS_ENDPOINT"] = "true";
  EXPECT_EQ(chosen(AwsService::kS3, "", "cn-north-1"), "CFG-VALUE");
}

TEST_F(ChooseEndpoint, PlainHttpOnlyToThisMachine) {
  for (const char* far :
       {"http://sts.internal", "http://10.0.0.7:4566", "http://localhost.evil.com"}) {
    EXPECT_EQ(chosen(AwsService::kSts, far), "CFG-VALUE") << far;
    EXPECT_EQ(chosen(AwsService::kRedshift, far), "CFG-VALUE") << far;
    // A store of objects in the same network, named on purpose.
    EXPECT_EQ(chosen(AwsService::kS3, far), far);
    variables_["AWS_ENDPOINT_URL"] = far;
    for (const AwsService service :
         {AwsService::kS3, AwsService::kSts, AwsService::kRedshiftServerless}) {
      EXPECT_EQ(chosen(service), "CFG-VALUE") << far;
    }
    variables_.clear();
  }
  variables_["AWS_ENDPOINT_URL_REDSHIFT"] = "http://[::1]:4566";
  EXPECT_EQ(chosen(AwsService::kRedshift), "http://[::1]:4566");
}

TEST_F(ChooseEndpoint, BadValuesNameTheirVariable) {
  for (const char* bad :
       {"localhost:4566", "ftp://x", "http://x/path", "http://u:p@x", "http://"}) {
    variables_["AWS_ENDPOINT_URL_STS"] = bad;
    const auto result = choose_endpoint(AwsService::kSts, "eu-west-1", "", environment());
    ASSERT_FALSE(result.ok()) << bad;
    EXPECT_EQ(result.error().code(), ErrorCode::kCfgValue);
    EXPECT_NE(result.error().message().find("AWS_ENDPOINT_URL_STS"), std::string::npos);
  }
  variables_["AWS_ENDPOINT_URL_STS"] = "";  // an empty one counts as not set
  EXPECT_EQ(chosen(), "https://sts.eu-west-1.amazonaws.com");
  EXPECT_EQ(chosen(AwsService::kSts, "", "evil.com/"), "CFG-VALUE");
}

}  // namespace
}  // namespace vesto
