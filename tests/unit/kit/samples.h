// Destinations as a configuration makes them.
#ifndef VESTO_TESTS_UNIT_KIT_SAMPLES_H_
#define VESTO_TESTS_UNIT_KIT_SAMPLES_H_

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>
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

// The text of tests/support/destinations/`name`.toml, which tests/cli reads too. It stays as long
// as the program: samples are told apart by their address.
inline const char* sample(const std::string& name) {
  static std::map<std::string, std::string> texts;
  const auto [at, first] = texts.try_emplace(name);
  if (first) {
    std::ifstream file(std::string(VESTO_DESTINATIONS) + "/" + name + ".toml");
    at->second.assign(std::istreambuf_iterator<char>(file), {});
    EXPECT_FALSE(at->second.empty()) << name;
  }
  return at->second.c_str();
}

inline const char* const kProvisioned = sample("provisioned");
inline const char* const kServerless = sample("serverless");
inline const char* const kAccessKey = sample("access_key");
inline const char* const kAttachedRole = sample("attached_role");

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
