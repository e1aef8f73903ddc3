#include "sandbox/iam/world.h"

#include <gtest/gtest.h>

#include "sandbox/iam/warehouse.h"

namespace vesto::sandbox {
namespace {

constexpr std::string_view kAccount = "[[account]]\nid = \"111122223333\"\n";

std::string mistake(const std::string& text) {
  auto world = parse_world(text, "sandbox.toml");
  return world.ok() ? "taken" : world.error();
}

TEST(World, ReadsEverything) {
  auto world = parse_world(R"(
propagation_ms = 500
[[account]]
id = "111122223333"
name = "customer"
  [[account.role]]
  name = "vesto"
  max_session_duration_s = 7200
  tags = { team = "data" }
  policies = ['''{"Statement": {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}}''',
    { name = "more", document = { Version = "2012-10-17", Statement = [
      { Effect = "Allow", Action = "kms:*", Resource = "*" } ] } }]
  boundary = '''{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}'''
    [account.role.trust]
    Version = "2012-10-17"
      [[account.role.trust.Statement]]
      Effect = "Allow"
      Action = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = "accounts.google.com" }
  [[account.user]]
  name = "loader"
  access_keys = [{ id = "AKIAEXAMPLE123456789", secret = "0123456789abcdef" }, {}]
  [[account.oidc_provider]]
  issuer_url = "https://issuer.example"
  client_ids = ["sts.amazonaws.com"]
  jwks_file = "jwks.json"
[[kms_key]]
arn = "arn:aws:kms:us-east-1:111122223333:key/k1"
enabled = false
[[bucket]]
name = "stage"
region = "eu-west-1"
kms_key = "arn:aws:kms:us-east-1:111122223333:key/k1"
[[cluster]]
id = "wh"
databases = ["prod"]
allow_from = []
copy_roles = ["arn:aws:iam::111122223333:role/vesto"]
[[workgroup]]
name = "analytics"
uuid = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
account = "111122223333"
)",
                           "sandbox.toml");
  ASSERT_TRUE(world.ok()) << world.error();
  EXPECT_EQ(world->propagation_ms, 500);
  const WorldRole* role = world->role("arn:aws:iam::111122223333:role/vesto");
  ASSERT_NE(role, nullptr);
  EXPECT_EQ(role->max_session_duration_s, 7200);
  ASSERT_EQ(role->policies.size(), 2U);
  EXPECT_EQ(role->policies[0].name, "policy-1");
  EXPECT_EQ(role->policies[1].name, "more");
  EXPECT_TRUE(role->boundary.has_value());
  EXPECT_EQ(role->trust.statements.at(0).principal.federated.at(0), "accounts.google.com");
  EXPECT_EQ(role->id.size(), 21U);
  const WorldUser& user = world->accounts[0].users.at(0);
  ASSERT_EQ(user.access_keys.size(), 2U);
  EXPECT_EQ(user.access_keys[0].secret, "0123456789abcdef");
  EXPECT_EQ(user.access_keys[1].id.size(), 20U);
  EXPECT_EQ(user.access_keys[1].secret.size(), 40U);
  EXPECT_EQ(world->bucket("stage")->account, "111122223333");
  EXPECT_FALSE(world->kms_key("arn:aws:kms:us-east-1:111122223333:key/k1")->enabled);
  EXPECT_NE(world->cluster("wh", "us-east-1", "111122223333"), nullptr);
  EXPECT_EQ(world->cluster("wh", "eu-west-1", "111122223333"), nullptr);
  EXPECT_NE(world->workgroup("analytics", "us-east-1", "111122223333"), nullptr);
  // Nobody is not everybody.
  EXPECT_EQ(world->clusters[0].allow_from, AllowList(std::vector<std::string>()));
  EXPECT_EQ(world->workgroups[0].allow_from, std::nullopt);
}

TEST(World, MistakesHaveTheirLine) {
  const std::string account(kAccount);
  EXPECT_EQ(mistake("x = 1"), "sandbox.toml:1: unknown key x");
  EXPECT_EQ(mistake(account + "nmae = \"x\"\n"), "sandbox.toml:3: unknown key nmae");
  EXPECT_EQ(mistake("[[account]]\nid = \"12\"\n"), "sandbox.toml:2: id: an account has 12 digits");
  EXPECT_EQ(mistake(account + account), "sandbox.toml:4: id: stands twice");
  EXPECT_EQ(mistake(account + "[[account.role]]\nname = \"r\"\n"),
            "sandbox.toml:3: trust is missing");
  EXPECT_EQ(mistake(account + "[[account.role]]\nname = \"r\"\ntrust = '{'\n"),
            "sandbox.toml:5: The policy is not in the valid JSON format. (no JSON)");
  EXPECT_EQ(mistake(account + "[[account.user]]\nname = \"a b\"\n"),
            "sandbox.toml:4: name: 1 to 64 letters, digits and _+=,.@-");
  EXPECT_EQ(mistake(account + "[[bucket]]\nname = \"stage\"\naccount = \"999900001111\"\n"),
            "sandbox.toml:5: account: no such [[account]]");
  EXPECT_EQ(mistake(account + "[[bucket]]\nname = \"stage\"\nkms_key = \"arn\"\n"),
            "sandbox.toml:5: kms_key: no such [[kms_key]]");
  EXPECT_EQ(mistake(account + "propagation_ms = 5\n"),
            "sandbox.toml:3: unknown key propagation_ms");
  EXPECT_EQ(mistake("propagation_ms = -1\n" + account),
            "sandbox.toml:1: propagation_ms must be a whole number from 0 to 3600000");
  EXPECT_EQ(mistake(account + "[[workgroup]]\nname = \"abc\"\nuuid = \"abc\"\n"),
            "sandbox.toml:5: uuid: must be a UUID");
  EXPECT_EQ(mistake(""), "sandbox.toml:1: there is no [[account]]");
  EXPECT_EQ(mistake("\n\na = \n"), "sandbox.toml:3: no TOML");
}

TEST(World, AllowListsAreAddresses) {
  const auto said = [](const std::string& list) {
    return mistake(std::string(kAccount) + "[[cluster]]\nid = \"wh\"\nallow_from = " + list);
  };
  EXPECT_EQ(said("[\"127.0.0.1\", \"10.0.0.0/8\"]"), "taken");
  EXPECT_EQ(said("[\"127.0.0\"]"),
            "sandbox.toml:5: allow_from: \"127.0.0\" is no IPv4 address or CIDR block");
  EXPECT_EQ(said("[\"::1\"]"),
            "sandbox.toml:5: allow_from: \"::1\" is no IPv4 address or CIDR block");
  EXPECT_EQ(said("\"127.0.0.1\""), "sandbox.toml:5: allow_from must be a list of at most 60 texts");
}

TEST(World, TheWarehouseIsChosenByItsName) {
  World world;
  world.clusters = {{.id = "a", .account = "1", .region = "r1"},
                    {.id = "b", .account = "1", .region = "r1"},
                    {.id = "b", .account = "2", .region = "r1"},
                    {.id = "b", .account = "2", .region = "r2"}};
  const auto region_of = [&](std::string_view wanted) {
    const auto found = choose_warehouse(world, false, wanted);
    return found.ok() ? found->account + " " + found->region : found.error();
  };
  EXPECT_EQ(region_of("a"), "1 r1");
  EXPECT_EQ(region_of("1/b"), "1 r1");
  EXPECT_EQ(region_of("2/r2/b"), "2 r2");
  EXPECT_EQ(region_of("2/b"),
            "--warehouse must say which cluster of the world this one is: 2/r1/b, 2/r2/b");
  EXPECT_EQ(region_of("c"), "--warehouse c: the world has no such cluster");
  EXPECT_NE(region_of(""), "1 r1");
  // None of the kind: the listener is no warehouse of the world.
  EXPECT_EQ(choose_warehouse(world, true, "")->name, "");
  world.clusters.resize(1);
  EXPECT_EQ(region_of(""), "1 r1");
}

TEST(World, BucketPolicySpeaksOfItsBucket) {
  EXPECT_EQ(mistake(std::string(kAccount) +
                    "[[bucket]]\nname = \"stage\"\npolicy = '''{\"Statement\": {\"Effect\": "
                    "\"Allow\", \"Principal\": \"*\", \"Action\": \"s3:*\", \"Resource\": "
                    "\"arn:aws:s3:::stage-2/*\"}}'''\n"),
            "sandbox.toml:5: policy: Policy has invalid resource (not of this bucket)");
}

TEST(World, PrincipalsAndAttachedPoliciesMustExist) {
  const auto trusting = [](const std::string& principal) {
    return mistake(std::string(kAccount) +
                   "[[account.role]]\nname = \"r\"\ntrust = '{\"Statement\": {\"Effect\": "
                   "\"Allow\", \"Action\": \"sts:AssumeRole\", \"Principal\": {\"AWS\": \"" +
                   principal + "\"}}}'\n[[account.role]]\nname = \"later\"\ntrust = " +
                   "'{\"Statement\": {\"Effect\": \"Allow\", \"Action\": \"sts:AssumeRole\", "
                   "\"Principal\": {\"Service\": \"ec2.amazonaws.com\"}}}'\n");
  };
  EXPECT_EQ(trusting("arn:aws:iam::111122223333:role/later"), "taken");
  EXPECT_EQ(trusting("arn:aws:iam::111122223333:role/none"),
            "sandbox.toml:5: trust: Invalid principal in policy: "
            "\"AWS\":\"arn:aws:iam::111122223333:role/none\"");
  EXPECT_EQ(trusting("999999999999"),
            "sandbox.toml:5: trust: Invalid principal in policy: \"AWS\":\"999999999999\"");
  const auto attaching = [](const std::string& arn) {
    return mistake(std::string(kAccount) +
                   "[[account.user]]\nname = \"u\"\nattached_policies = [\"" + arn + "\"]\n");
  };
  EXPECT_EQ(attaching("arn:aws:iam::aws:policy/AdministratorAccess"), "taken");
  EXPECT_EQ(attaching("arn:aws:iam::111122223333:policy/none"),
            "sandbox.toml:5: attached_policies: Policy arn:aws:iam::111122223333:policy/none does "
            "not exist or is not attachable.");
}

TEST(World, NoSecretInAMistake) {
  const std::string text = std::string(kAccount) +
                           "[[account.user]]\nname = \"u\"\naccess_keys = [{ id = "
                           "\"AKIAEXAMPLE123456789\", secret = \"topsecret\" }]\n";
  EXPECT_EQ(mistake(text).find("topsecret"), std::string::npos);
  EXPECT_EQ(mistake(text + "secret = topsecret\n").find("topsecret"), std::string::npos);
}

TEST(World, HostileTexts) {
  std::string dots = "a";
  for (int i = 0; i < 100'000; ++i) dots += ".a";
  EXPECT_EQ(mistake(dots + " = 1"), "sandbox.toml:1: nests too deep");
  EXPECT_EQ(mistake("a = " + std::string(100'000, '[')), "sandbox.toml:1: nests too deep");
  EXPECT_NE(mistake(std::string(kMaxWorldBytes + 1, '#')).find("larger than"), std::string::npos);
  EXPECT_NE(mistake("account = 5"), "taken");
  EXPECT_NE(mistake("account = [5]"), "taken");
  EXPECT_NE(mistake(std::string(kAccount) + "role = \"x\""), "taken");
  EXPECT_NE(mistake(std::string(kAccount) + "[[account.role]]\nname=\"r\"\ntrust = 2026-11-22"),
            "taken");
}

TEST(World, DefaultIsToday) {
  const World world = default_world({.id = "AKIAEXAMPLE123456789", .secret = "s"});
  ASSERT_EQ(world.accounts.size(), 1U);
  EXPECT_EQ(world.accounts[0].id, "123456789012");
  EXPECT_EQ(world.accounts[0].users.at(0).access_keys.at(0).id, "AKIAEXAMPLE123456789");
  EXPECT_NE(world.bucket("vesto-demo"), nullptr);
  EXPECT_EQ(default_world().accounts[0].users[0].access_keys[0].secret.size(), 40U);
}

}  // namespace
}  // namespace vesto::sandbox
