// Names that AWS gives: ARNs, partitions, host names of warehouses; and addresses of services.
#include <gtest/gtest.h>

#include "address/access_key.h"
#include "address/arn.h"
#include "address/http_origin.h"
#include "address/stage_prefix.h"
#include "address/warehouse_host.h"

namespace vesto {
namespace {

TEST(Arns, TakenApart) {
  const auto role = parse_arn("arn:aws-us-gov:iam::123456789012:role/a/b/sync");
  ASSERT_TRUE(role);
  EXPECT_EQ(role->partition, "aws-us-gov");
  EXPECT_EQ(role->service, "iam");
  EXPECT_EQ(role->region, "");
  EXPECT_EQ(role->account, "123456789012");
  EXPECT_EQ(role->resource, "role/a/b/sync");
  const auto user = parse_arn("arn:aws:redshift:eu-west-1:123456789012:dbuser:c/u");
  ASSERT_TRUE(user);
  EXPECT_EQ(user->region, "eu-west-1");
  EXPECT_EQ(user->resource, "dbuser:c/u");  // a colon of the resource stays
  const auto bucket = parse_arn("arn:aws:s3:::b/k");
  ASSERT_TRUE(bucket);
  EXPECT_EQ(bucket->account, "");
}

TEST(Arns, WhatIsNone) {
  for (const char* bad :
       {"", "arn", "arn:", "arn:aws", "arn:aws:iam::123456789012", "arn:aws:iam::123456789012:",
        "arn:aws2:iam::123456789012:role/x", "arn:AWS:iam::123456789012:role/x",
        "ARN:aws:iam::123456789012:role/x", "arn:aws:iam::12:role/x", "arn:aws:iam::12345678901a:x",
        "arn:aws:iam::123456789012:role/a b", "arn:aws:iam::123456789012:role/x\n",
        " arn:aws:iam::123456789012:role/x", "arn:aws:::123456789012:role/x"}) {
    EXPECT_FALSE(parse_arn(bad)) << bad;
    EXPECT_FALSE(is_role_arn(bad)) << bad;
    EXPECT_EQ(account_of_arn(bad), "") << bad;
    EXPECT_EQ(role_name_of_arn(bad), "") << bad;
    EXPECT_EQ(principal_of_arn(bad), bad);
    EXPECT_EQ(partition_of_arn(bad).name, "aws") << bad;
  }
  EXPECT_FALSE(parse_arn("arn:aws:s3:::" + std::string(2048, 'x')));
}

TEST(Arns, Roles) {
  for (const char* good :
       {"arn:aws:iam::123456789012:role/x", "arn:aws-cn:iam::123456789012:role/path/x",
        "arn:aws-us-gov:iam::123456789012:role/x", "arn:aws-eusc:iam::123456789012:role/x"}) {
    EXPECT_TRUE(is_role_arn(good)) << good;
  }
  for (const char* bad :
       {"arn:aws:iam::123456789012:role/", "arn:aws:iam::123456789012:role/path/",
        "arn:aws:iam::123456789012:user/x", "arn:aws:iam:::role/x",
        "arn:aws:iam:eu-west-1:123456789012:role/x", "arn:aws:sts::123456789012:assumed-role/x/y",
        "arn:aws-moon:iam::123456789012:role/x"}) {
    EXPECT_FALSE(is_role_arn(bad)) << bad;
  }
}

TEST(Arns, KmsKeys) {
  for (const char* good :
       {"arn:aws:kms:eu-west-1:123456789012:key/0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b",
        "arn:aws-cn:kms:cn-north-1:123456789012:key/mrk-0b5a2c1e6f0d4f3a9a571c2d3e4f5a6b"}) {
    EXPECT_EQ(kms_key_fault(good), "") << good;
  }
  EXPECT_NE(kms_key_fault("arn:aws:kms:eu-west-1:123456789012:alias/x").find("alias"),
            std::string_view::npos);
  for (const char* bad :
       {"", "alias/x", "0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b", "arn:aws:kms:eu-west-1::key/x",
        "arn:aws:kms::123456789012:key/x", "arn:aws:kms:eu-west-1:123456789012:key/",
        "arn:aws:kms:eu-west-1:123456789012:key/*", "arn:aws:kms:eu-west-1:123456789012:key/x\"",
        "arn:aws:kms:eu-\"west-1:123456789012:key/x", "arn:aws:s3:eu-west-1:123456789012:key/x",
        "arn:aws:kms:eu-west-1:123456789012:key/x/y"}) {
    EXPECT_EQ(kms_key_fault(bad), "is no ARN of a KMS key") << bad;
  }
}

TEST(Arns, Sessions) {
  for (const char* good : {"arn:aws:sts::123456789012:assumed-role/x/y",
                           "arn:aws-cn:sts::123456789012:assumed-role/a/b",
                           "arn:aws:sts::123456789012:assumed-role/sync/vesto-acme=,.@-"}) {
    EXPECT_TRUE(is_session_arn(good)) << good;
  }
  for (const char* bad :
       {"", "arn:", "arn:x", "arn:aws:sts::123456789012:assumed-role/x",
        "arn:aws:sts::123456789012:assumed-role/x/", "arn:aws:sts::123456789012:assumed-role//y",
        "arn:aws:sts::123456789012:assumed-role/x/y/z", "arn:aws:sts:::assumed-role/x/y",
        "arn:aws:sts:eu-west-1:123456789012:assumed-role/x/y",
        "arn:aws:sts::12345:assumed-role/x/y", "arn:aws:iam::123456789012:assumed-role/x/y",
        "arn:aws:iam::123456789012:role/x", "arn:aws:sts::123456789012:federated-user/x/y",
        "arn:aws-moon:sts::123456789012:assumed-role/x/y"}) {
    EXPECT_FALSE(is_session_arn(bad)) << bad;
  }
}

TEST(Partitions, TheSuffixOfAHost) {
  const std::pair<const char*, const char*> cases[] = {
      {"c.abc.eu-west-1.redshift.amazonaws.com", "amazonaws.com"},
      {"sts.CN-north-1.AmazonAWS.com.cn", "amazonaws.com.cn"},
      {"b.s3.dualstack.eusc-de-east-1.amazonaws.eu.", "amazonaws.eu"},
      {"redshift.eu-west-1.api.aws", "api.aws"},
      {"sts.cn-north-1.api.amazonwebservices.com.cn", "api.amazonwebservices.com.cn"},
      {"x.api.amazonwebservices.eu", "api.amazonwebservices.eu"},
      {"", ""},
      {"amazonaws.com", ""},
      {".amazonaws.com", ""},
      {"notamazonaws.com", ""},
      {"x.notamazonaws.com", ""},
      {"x.amazonaws.com.example.com", ""},
      {"x.amazonaws.com..", ""},
      {"x.amazonaws.cn", ""},
      {"x.aws", ""},
      {"x.amazonwebservices.com.cn", ""},
  };
  for (const auto& [host, suffix] : cases) {
    EXPECT_EQ(aws_suffix_of(host), suffix) << host;
    EXPECT_EQ(is_aws_host(host), *suffix != '\0') << host;
  }
}

TEST(Arns, RoleNameAndPrincipal) {
  const std::string role = "arn:aws-cn:iam::123456789012:role/a/b/sync";
  const std::string session = "arn:aws-cn:sts::123456789012:assumed-role/sync/vesto-acme";
  const std::string user = "arn:aws:iam::123456789012:user/loader";
  EXPECT_EQ(role_name_of_arn(role), "sync");
  EXPECT_EQ(role_name_of_arn(session), "sync");
  EXPECT_EQ(role_name_of_arn(user), "");
  EXPECT_EQ(principal_of_arn(role), role);
  EXPECT_EQ(principal_of_arn(session), "arn:aws-cn:iam::123456789012:role/sync");
  EXPECT_EQ(principal_of_arn(user), user);
  // The path is kept where it is known, and only of the same role.
  EXPECT_EQ(principal_of_arn(session, role), role);
  for (const char* other :
       {"arn:aws-cn:iam::123456789012:role/a/b/sync2", "arn:aws-cn:iam::999999999999:role/a/sync",
        "arn:aws-cn:iam::123456789012:user/sync", "sync"}) {
    EXPECT_EQ(principal_of_arn(session, other), "arn:aws-cn:iam::123456789012:role/sync") << other;
  }
  EXPECT_EQ(account_of_arn(user), "123456789012");
  EXPECT_EQ(account_of_arn("arn:aws:s3:::bucket"), "");
  EXPECT_EQ(partition_of_arn(session).name, "aws-cn");
  EXPECT_EQ(partition_of_arn(role).default_region, "cn-northwest-1");
}

TEST(WarehouseHostName, Kinds) {
  const WarehouseHost cluster =
      parse_warehouse_host("examplecluster.abc123.us-west-2.redshift.amazonaws.com");
  EXPECT_EQ(cluster.warehouse, "examplecluster");
  EXPECT_EQ(cluster.region, "us-west-2");
  EXPECT_EQ(cluster.account, "");
  EXPECT_FALSE(cluster.serverless);
  const WarehouseHost workgroup =
      parse_warehouse_host("WG.123456789012.eu-west-1.redshift-serverless.amazonaws.com.");
  EXPECT_EQ(workgroup.warehouse, "wg");
  EXPECT_EQ(workgroup.region, "eu-west-1");
  EXPECT_EQ(workgroup.account, "123456789012");
  EXPECT_TRUE(workgroup.serverless);
}

TEST(WarehouseHostName, EveryPartition) {
  for (const char* good :
       {"c.x.cn-north-1.redshift.amazonaws.com.cn", "c.x.us-gov-west-1.redshift.amazonaws.com",
        "c.x.eusc-de-east-1.redshift.amazonaws.eu", "c.x.eu-west-1.redshift.api.aws",
        "c.123456789012.cn-north-1.redshift-serverless.amazonaws.com.cn",
        "c.123456789012.eusc-de-east-1.redshift-serverless.amazonaws.eu"}) {
    EXPECT_EQ(parse_warehouse_host(good).warehouse, "c") << good;
  }
  for (const char* bad :
       {"", "localhost", "db.example.com", "redshift.eu-west-1.amazonaws.com",
        "c.x.eu-west-1.redshift.amazonaws.com.cn", "c.x.cn-north-1.redshift.amazonaws.com",
        "c.x.eu-west-1.redshift.amazonaws.com.evil.com", "c.x.nowhere.redshift.amazonaws.com",
        "wg.abc.eu-west-1.redshift-serverless.amazonaws.com", ".x.eu-west-1.redshift.amazonaws.com",
        "127.0.0.1"}) {
    EXPECT_EQ(parse_warehouse_host(bad).warehouse, "") << bad;
    EXPECT_EQ(parse_warehouse_host(bad).region, "") << bad;
  }
}

TEST(HttpOrigins, TakenApart) {
  struct Case {
    std::string text;
    HttpOrigin origin;
    std::string host_header;
    std::string url;
  };
  const Case cases[] = {
      {"https://Host.Example", {true, "host.example", 443}, "host.example", "https://host.example"},
      {" http://h:80/ ", {false, "h", 80}, "h", "http://h"},
      {"http://h:443", {false, "h", 443}, "h:443", "http://h:443"},
      {"https://[::1]:9000", {true, "[::1]", 9000}, "[::1]:9000", "https://[::1]:9000"},
      {"https://127.0.0.1", {true, "127.0.0.1", 443}, "127.0.0.1", "https://127.0.0.1"},
  };
  for (const Case& c : cases) {
    const auto origin = parse_origin(c.text);
    ASSERT_TRUE(origin.ok()) << c.text;
    EXPECT_EQ(*origin, c.origin) << c.text;
    EXPECT_EQ(origin->host_header(), c.host_header);
    EXPECT_EQ(origin->url(), c.url);
  }
  EXPECT_TRUE(parse_origin("https://[::1]")->is_address());
  EXPECT_TRUE(parse_origin("https://10.0.0.1")->is_address());
  EXPECT_FALSE(parse_origin("https://s3.localhost")->is_address());
}

TEST(HttpOrigins, Loopback) {
  for (const char* host : {"localhost", "s3.localhost", "127.0.0.1", "127.9.9.9", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(host)) << host;
  }
  for (const char* host : {"127.example.com", "localhost.example", "10.0.0.1", "xlocalhost"}) {
    EXPECT_FALSE(is_loopback_host(host)) << host;
  }
}

TEST(HttpOrigins, PlainOnlyToThisMachine) {
  for (const char* good : {"https://sts.eu-west-1.amazonaws.com", "http://localhost:9000",
                           "http://127.0.0.1:1", "http://[::1]:80", "http://sts.localhost"}) {
    EXPECT_TRUE(parse_service_origin(good).ok()) << good;
  }
  for (const char* bad :
       {"http://sts.eu-west-1.amazonaws.com", "http://10.0.0.1:9000", "HTTP://internal",
        "http://127.0.0.1.example.com", "http://localhost.example.com", "http://[::2]"}) {
    const auto origin = parse_service_origin(bad);
    ASSERT_FALSE(origin.ok()) << bad;
    EXPECT_EQ(origin.error().code(), ErrorCode::kCfgValue);
    EXPECT_NE(origin.error().message().find("plain http"), std::string::npos);
    EXPECT_NE(origin.error().hint().find("https://"), std::string::npos);
  }
  EXPECT_FALSE(parse_service_origin("https://user@host").ok());
  EXPECT_FALSE(parse_service_origin("sts").ok());
}

// A quarter of the secrets have no mark of base64; a pasted one has company.
TEST(AccessKey, ASecretIsKnownAmongOthersAndInHalf) {
  const std::string secret = "wJalrXUtnFEMIaK7MDENGabPxRfiCYEXAMPLEKEY";
  for (const std::string& text :
       {secret, " " + secret, secret + ":", "AKIAIOSFODNN7EXAMPLE:" + secret,
        "AKIAIOSFODNN7EXAMPLE" + secret, "secret_access_key = " + secret, "\"" + secret + "\"",
        secret.substr(0, 20) + "\n" + secret.substr(20),
        std::string("K7MDENG/bPxRfiCYEXAMPLEKEY")}) {
    EXPECT_TRUE(looks_like_secret_key(text)) << text;
  }
  for (const std::string& text : {std::string("AKIAIOSFODNN7EXAMPLE"), std::string("AKIAEXAMPLE"),
                                  std::string("minio-admin"), std::string("none"), std::string(),
                                  std::string(32, 'a'), "GOOG1E" + std::string(55, 'A')}) {
    EXPECT_FALSE(looks_like_secret_key(text)) << text;
  }
}

TEST(StagePrefix, GoodAndBadOnes) {
  for (const char* good : {"", "vesto", "vesto/", "a/b_c/d-e=f.g", "v..x/"}) {
    EXPECT_EQ(stage_prefix_fault(good), "") << good;
  }
  for (const std::string& bad :
       {std::string("/"), std::string("/vesto"), std::string("a//b"), std::string("a//"),
        std::string("a/../b"), std::string("../"), std::string("."), std::string("a b"),
        std::string("a'b"), std::string("a\nb"), std::string("a\0b", 3), std::string("\xc3\xbc"),
        std::string(513, 'a')}) {
    EXPECT_NE(stage_prefix_fault(bad), "") << bad;
  }
}

}  // namespace
}  // namespace vesto
