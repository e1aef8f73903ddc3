// Destinations as a configuration makes them.
#ifndef VESTO_TESTS_UNIT_KIT_SAMPLES_H_
#define VESTO_TESTS_UNIT_KIT_SAMPLES_H_

#include <gtest/gtest.h>

#include <string>

#include "config/config.h"
#include "kit/kit.h"

namespace vesto {

inline DestinationConfig destination_from(const std::string& toml) {
  const LoadedConfig loaded = load_config_text("version = 1\n" + toml, "vesto.toml");
  EXPECT_TRUE(loaded.issues.empty()) << loaded.issues.front().message;
  if (loaded.config.destinations.size() != 1) {
    ADD_FAILURE() << loaded.config.destinations.size() << " destinations";
    return {};
  }
  return loaded.config.destinations.at(0);
}

constexpr const char* kProvisioned = R"(
[destination.acme]
kind = "redshift"
endpoint = "examplecluster.abc123.eu-west-1.redshift.amazonaws.com:5439/dev"
schema = "shop"
create_schema = true
[destination.acme.auth]
role_arn = "arn:aws:iam::123456789012:role/team/acme-sync"
audience = "vesto-acme-7f3a"
db_user = "vesto_load"
[destination.acme.staging]
bucket = "acme-staging"
region = "us-east-1"
kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b"
)";

constexpr const char* kServerless = R"(
[destination.acme]
kind = "redshift-serverless"
endpoint = "analytics.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439/dev"
schema = "shop"
create_schema = true
[destination.acme.auth]
role_arn = "arn:aws:iam::123456789012:role/acme-sync"
audience = "vesto-acme-7f3a"
session_duration = "4h"
[destination.acme.ssh]
host = "bastion.example.com"
user = "vesto"
[destination.acme.staging]
bucket = "acme-staging"
region = "eu-west-1"
)";

constexpr const char* kAccessKey = R"(
[destination.acme]
kind = "redshift"
endpoint = "examplecluster.abc123.cn-north-1.redshift.amazonaws.com.cn:5439/dev"
schema = "shop"
create_schema = true
[destination.acme.auth]
user = "vesto_load"
password = { secret = "acme/password" }
access_key_id = { secret = "acme/key" }
secret_access_key = { secret = "acme/secret" }
[destination.acme.staging]
bucket = "acme-staging"
region = "cn-north-1"
)";

constexpr const char* kAttachedRole = R"(
[destination.acme]
kind = "redshift-serverless"
endpoint = "analytics.123456789012.eu-west-1.redshift-serverless.amazonaws.com:5439/dev"
schema = "shop"
[destination.acme.auth]
identity = "aws"
role_arn = "arn:aws:iam::123456789012:role/acme-sync"
external_id = "acme-42"
copy_role_arn = "arn:aws:iam::123456789012:role/acme-copy"
[destination.acme.staging]
bucket = "acme-staging"
region = "eu-west-1"
)";

inline KitFacts full_facts() {
  KitFacts facts;
  facts.google_sub = "112233445566778899001";
  facts.principal_arn = "arn:aws:iam::999999999999:role/vesto";
  facts.workgroup_arn =
      "arn:aws:redshift-serverless:eu-west-1:123456789012:workgroup/"
      "0b5a2c1e-6f0d-4f3a-9a57-1c2d3e4f5a6b";
  facts.security_group = "sg-0123456789abcdef0";
  facts.ssh_public_key = R"(restrict,port-forwarding,permitopen="h:5439" ssh-ed25519 AAAA vesto)";
  facts.public_egress = {"203.0.113.7/32", "2001:db8::7"};
  facts.tables = {"orders", "customers"};
  return facts;
}

// Of the China sample, all of it there.
inline KitFacts china_facts() {
  KitFacts facts = full_facts();
  facts.principal_arn = "arn:aws-cn:iam::123456789012:user/team/loader";
  facts.workgroup_arn = "";
  return facts;
}

// Facts as the sample's own partition has them.
inline KitFacts facts_for(const char* sample) {
  return sample == kAccessKey ? china_facts() : full_facts();
}

}  // namespace vesto

#endif  // VESTO_TESTS_UNIT_KIT_SAMPLES_H_
