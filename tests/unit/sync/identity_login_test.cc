// Who asks AWS, and the logins that are asked for.
#include <gtest/gtest.h>

#include <fstream>

#include "config/config.h"
#include "secret/sealed_store.h"
#include "sync/assemble.h"
#include "tests/unit/sync/sync_identity_fixture.h"

namespace vesto {
namespace {

using testing_support::fault;
using testing_support::field;
using testing_support::google_jwt;
using testing_support::kNowS;
using testing_support::SyncIdentity;

TEST_F(SyncIdentity, AnExpiredIdentityTokenIsReplacedOnce) {
  use_google();
  int refusals = 1;
  aws.first = [&](const std::string&) {
    HttpResponse response;
    if (refusals-- <= 0) return response;
    response.status = 400;
    response.body = fault("ExpiredTokenException",
                          "Token expired: current date/time 1753382758 must be before the "
                          "expiration date/time 1753089571");
    write("token", google_jwt("acme", kNowS + 3000));
    return response;
  };
  const auto keys = make()->keys()->get(0, {});
  ASSERT_TRUE(keys.ok()) << keys.error().to_string();
  ASSERT_EQ(aws.bodies.size(), 2U);
  EXPECT_NE(field(aws.bodies[0], "WebIdentityToken"), field(aws.bodies[1], "WebIdentityToken"));
  // Not more than once; and not where the token is refused for another reason.
  refusals = 100;
  aws.bodies.clear();
  EXPECT_EQ(make()->keys()->get(0, {}).error().code(), ErrorCode::kAwsToken);
  EXPECT_EQ(aws.bodies.size(), 2U);
  aws.first = [](const std::string&) {
    HttpResponse response;
    response.status = 400;
    response.body = fault("InvalidIdentityToken", "Incorrect token audience");
    return response;
  };
  aws.bodies.clear();
  EXPECT_EQ(make()->keys()->get(0, {}).error().code(), ErrorCode::kAwsToken);
  EXPECT_EQ(aws.bodies.size(), 1U);
}

// The chain's program runs once for the role's keys, COPY's keys and who asks.
TEST_F(SyncIdentity, WhoAsksIsAskedOnce) {
  options.auth.identity = "aws";
  options.auth.profile = "p";
  const std::string runs = dir_ + "/runs";
  const std::string program =
      write("program", "#!/bin/sh\necho run >> '" + runs +
                           "'\necho '{\"Version\": 1, \"AccessKeyId\": \"ASIABASE\", "
                           "\"SecretAccessKey\": \"base\", \"SessionToken\": \"basetoken\", "
                           "\"Expiration\": \"2026-11-22T03:00:00Z\"}'\n");
  write(".aws/config", "[profile p]\ncredential_process = /bin/sh " + program + "\n");
  const auto identity = make();
  ASSERT_TRUE(identity->keys()->get(0, {}).ok());
  ASSERT_TRUE(identity->copy_access(need(600'000), {}).ok());
  CopyNeed other = need(600'000);
  other.manifest_key = "vesto/run/other/manifest";
  ASSERT_TRUE(identity->copy_access(other, {}).ok());
  std::ifstream in(runs);
  int lines = 0;
  for (std::string line; std::getline(in, line);) ++lines;
  EXPECT_EQ(lines, 1);
  EXPECT_EQ(aws.count("AssumeRole"), 3U);
}

TEST_F(SyncIdentity, ALoginLastsAnHourWhateverASessionLasts) {
  options.auth.session_duration_s = 900;
  const auto login = make()->login({});
  ASSERT_TRUE(login.ok()) << login.error().to_string();
  EXPECT_EQ(field(aws.bodies.back(), "Action"), "GetClusterCredentials");
  EXPECT_EQ(last_duration_s(), 3600);
}

TEST_F(SyncIdentity, OnlyTheLoginThatWasRefusedIsForgotten) {
  const auto identity = make();
  const auto first = identity->login({});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(identity->forget_login(*first));
  const auto second = identity->login({});
  ASSERT_TRUE(second.ok());
  EXPECT_NE(first->password.reveal(), second->password.reveal());
  // Another thread was refused with the first one too, a moment later.
  EXPECT_TRUE(identity->forget_login(*first));
  EXPECT_EQ(identity->login({})->password.reveal(), second->password.reveal());
  EXPECT_EQ(aws.count("GetClusterCredentials"), 2U);
}

// Whose account stands in the name of a VPC endpoint is not documented: it is not the warehouse's.
TEST_F(SyncIdentity, TheAccountIsTheOneOfTheEndpointAsUnderstood) {
  const std::pair<const char*, const char*> cases[] = {
      {"wg.123456789012.eu-west-1.redshift-serverless.amazonaws.com", "123456789012"},
      {"shop-endpoint-k7rfausgmlzieup51zgg.999999999999.eu-west-1.redshift-serverless."
       "amazonaws.com",
       ""},
      {"warehouse.example.com", ""}};
  SealedStore secrets(dir_, clock_);
  for (const auto& [host, account] : cases) {
    const LoadedConfig loaded = load_config_text(
        "version = 1\n[destination.acme]\nkind = \"redshift-serverless\"\nschema = \"s\"\n"
        "endpoint = \"" +
            std::string(host) +
            ":5439/dev\"\n[destination.acme.auth]\nidentity = \"aws\"\n"
            "warehouse = \"shop\"\nregion = \"eu-west-1\"\n"
            "role_arn = \"arn:aws:iam::123456789012:role/vesto\"\n"
            "[destination.acme.staging]\nbucket = \"demo\"\n",
        "vesto.toml");
    ASSERT_TRUE(loaded.issues.empty()) << loaded.issues.front().message;
    const auto read =
        identity_options(loaded.config, *loaded.config.find_destination("acme"), secrets);
    ASSERT_TRUE(read.ok()) << read.error().to_string();
    EXPECT_EQ(read->account, account) << host;
    EXPECT_EQ(read->host, host);
  }
}

TEST_F(SyncIdentity, ADeniedLoginNamesTheAccountOnlyWhereItIsKnown) {
  options.serverless = true;
  options.auth.db_user.clear();
  options.host =
      "shop-endpoint-k7rfausgmlzieup51zgg.999999999999.eu-west-1.redshift-serverless.amazonaws.com";
  aws.first = [](const std::string& body) {
    HttpResponse response;
    if (!field(body, "Action").empty()) return response;  // STS
    response.status = 400;
    response.body = R"({"__type":"AccessDeniedException","message":"no"})";
    return response;
  };
  const auto unknown = make()->login({});
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().hint().find("eu-west-1:ACCOUNT:workgroup/"), std::string::npos)
      << unknown.error().hint();
  EXPECT_EQ(unknown.error().hint().find("999999999999"), std::string::npos);
  options.account = "123456789012";
  EXPECT_NE(make()->login({}).error().hint().find("eu-west-1:123456789012:workgroup/"),
            std::string::npos);
}

}  // namespace
}  // namespace vesto
