// Who asks whom, how often and for how long: against an STS and a Redshift API that answer from
// memory. No network.
#include "sync/identity.h"

#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/strings.h"
#include "config/config.h"
#include "secret/sealed_store.h"
#include "sync/assemble.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto {
namespace {

using testing_support::google_jwt;
using testing_support::IdentityTest;
using testing_support::InstantClock;
using testing_support::kNowMs;
using testing_support::kNowS;

constexpr const char* kRole = "arn:aws:iam::123456789012:role/vesto";

std::string field(const std::string& body, const std::string& name) {
  for (const std::string& pair : split(body, '&')) {
    if (pair.starts_with(name + "=")) return pair.substr(name.size() + 1);
  }
  return "";
}

std::string fault(const std::string& code, const std::string& message) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code + "</Code><Message>" + message +
         "</Message></Error><RequestId>R</RequestId></ErrorResponse>";
}

// AWS, as far as it is asked here. answer() may be called by any thread.
struct FakeAws {
  std::mutex mutex;
  std::vector<std::string> bodies;  // of requests to STS and Redshift, in order
  int64_t longest_s = 43'200;       // of a session
  std::string too_long =
      "The requested DurationSeconds exceeds the MaxSessionDuration set for "
      "this role.";
  std::string too_long_code = "ValidationError";
  std::function<HttpResponse(const std::string& body)> first;  // asked before all else, if set
  InstantClock* clock = nullptr;
  int keys = 0;

  [[nodiscard]] size_t count(const std::string& action) const {
    size_t found = 0;
    for (const std::string& body : bodies) found += field(body, "Action") == action ? 1 : 0;
    return found;
  }

  HttpResponse answer(const std::string& body) {
    bodies.push_back(body);
    HttpResponse response;
    if (first) {
      response = first(body);
      if (response.status != 0) return response;
    }
    const std::string action = field(body, "Action");
    const int64_t asked_s = parse_int(field(body, "DurationSeconds")).value_or(0);
    if (action == "GetClusterCredentials") return login(asked_s);
    if (asked_s > longest_s) {
      response.status = 400;
      response.body = fault(too_long_code, too_long);
      return response;
    }
    ++keys;
    const std::string until = format_utc_seconds(clock->wall_ms() + asked_s * 1000);
    response.status = 200;
    response.body =
        "<" + action + "Response><" + action + "Result><Credentials><AccessKeyId>ASIA" +
        std::to_string(keys) +
        "</AccessKeyId><SecretAccessKey>thesecret</SecretAccessKey><SessionToken>token" +
        std::to_string(keys) + "</SessionToken><Expiration>" + until +
        "</Expiration></Credentials><AssumedRoleUser><Arn>arn:aws:sts::123456789012:"
        "assumed-role/vesto/x</Arn></AssumedRoleUser></" +
        action + "Result></" + action + "Response>";
    return response;
  }

  HttpResponse login(int64_t asked_s) {
    HttpResponse response;
    response.status = 200;
    response.body =
        "<GetClusterCredentialsResponse><GetClusterCredentialsResult><DbUser>IAM:etl</DbUser>"
        "<DbPassword>password" +
        std::to_string(++keys) + "</DbPassword><Expiration>" +
        format_utc_seconds(clock->wall_ms() + asked_s * 1000) +
        "</Expiration></GetClusterCredentialsResult></GetClusterCredentialsResponse>";
    return response;
  }
};

class FakeHttp final : public HttpTransport {
 public:
  explicit FakeHttp(FakeAws& aws) : aws_(aws) {}
  Result<HttpResponse> send(const HttpRequest& request, const std::stop_token&) override {
    const std::lock_guard<std::mutex> lock(aws_.mutex);
    return aws_.answer(std::string(request.body));
  }

 private:
  FakeAws& aws_;
};

struct SyncIdentity : IdentityTest {
  SyncIdentity() {
    aws.clock = &clock_;
    options.destination_name = "acme";
    options.auth.method = "iam_role";
    options.auth.identity = "access_key";
    options.auth.copy = "session_keys";
    options.auth.role_arn = kRole;
    options.auth.warehouse = "examplecluster";
    options.auth.db_user = "etl";
    options.database = "dev";
    options.host = "examplecluster.abc.eu-west-1.redshift.amazonaws.com";
    options.bucket = "demo";
    options.region = "eu-west-1";
    options.access_key = {.access_key_id = "AKIAOPERATOR",
                          .secret_access_key = Secret("operator-secret")};
  }

  void use_google() {
    options.auth.identity = "google";
    options.auth.audience = "acme";
    options.google.source = "token_file";
    options.google.token_file = write("token", google_jwt("acme", kNowS + 3600));
  }

  std::shared_ptr<DestinationIdentity> make() {
    auto made = DestinationIdentity::make(
        options, {.clock = &clock_, .environment = environment(), .make_http = [this](HttpOptions) {
                    return std::make_unique<FakeHttp>(aws);
                  }});
    EXPECT_TRUE(made.ok()) << made.error().to_string();
    return std::move(made).value();
  }

  // Seconds that the session of the last request was asked for.
  int64_t last_duration_s() {
    return parse_int(field(aws.bodies.back(), "DurationSeconds")).value_or(-1);
  }

  // The same of all sessions that were asked for.
  std::vector<int64_t> durations_s() {
    std::vector<int64_t> out;
    for (const std::string& body : aws.bodies) {
      out.push_back(parse_int(field(body, "DurationSeconds")).value_or(-1));
    }
    return out;
  }

  // Refuses `times` sessions that are longer than `longest_s`, as a trust policy does.
  void deny_longer_than(int64_t longest_s, int times) {
    aws.first = [longest_s, times](const std::string& body) mutable {
      HttpResponse response;
      if (parse_int(field(body, "DurationSeconds")).value_or(0) <= longest_s || times-- <= 0) {
        return response;
      }
      response.status = 403;
      response.body = fault("AccessDenied", "Not authorized to perform sts:AssumeRole");
      return response;
    };
  }

  static CopyNeed need(int64_t may_take_ms, bool anew = false) {
    return {.manifest_key = "vesto/run/t/manifest", .may_take_ms = may_take_ms, .anew = anew};
  }
  void pass(int64_t ms) { clock_.sleep_ms(ms, {}); }

  FakeAws aws;
  IdentityOptions options;
};

TEST_F(SyncIdentity, CopyKeysLastAsLongAsTheCopyMayTake) {
  const auto identity = make();
  const auto access = identity->copy_access(need(5'400'000), {});
  ASSERT_TRUE(access.ok()) << access.error().to_string();
  EXPECT_GE(last_duration_s(), 5400);
  EXPECT_GE(*access->keys.expires_at_ms - clock_.wall_ms(), 5'400'000);
  EXPECT_NE(aws.bodies.back().find("Policy="), std::string::npos);
  // A short one is given session_duration.
  ASSERT_TRUE(make()->copy_access(need(600'000), {}).ok());
  EXPECT_EQ(last_duration_s(), 3600);
}

TEST_F(SyncIdentity, CopyKeysAreAsLongAsTheRoleAllowsAndThatIsAskedOnce) {
  aws.longest_s = 3600;
  for (const char* text :
       {"The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role "
        "chaining."}) {
    aws.too_long = text;
    aws.bodies.clear();
    const auto identity = make();
    const auto access = identity->copy_access(need(5'400'000), {});
    ASSERT_TRUE(access.ok()) << access.error().to_string();
    EXPECT_EQ(aws.count("AssumeRole"), 2U);
    EXPECT_EQ(*access->keys.expires_at_ms - clock_.wall_ms(), 3'600'000);
    ASSERT_TRUE(identity->copy_access(need(5'400'000, true), {}).ok());
    EXPECT_EQ(aws.count("AssumeRole"), 3U) << text;
  }
}

// A role that allows four hours gives four, though twelve were wanted; and that is known from then.
TEST_F(SyncIdentity, ALongSessionIsFoundStepByStepOnce) {
  const std::vector<int64_t> wanted = {40'120, 28'800, 14'400, 7200, 3600};
  const std::pair<int64_t, size_t> cases[] = {{43'200, 1}, {28'800, 2}, {20'000, 3},
                                              {14'400, 3}, {7200, 4},   {3600, 5}};
  for (const auto& [allowed_s, requests] : cases) {
    aws.longest_s = allowed_s;
    aws.bodies.clear();
    const auto identity = make();
    const auto access = identity->copy_access(need(40'000'000), {});
    ASSERT_TRUE(access.ok()) << access.error().to_string();
    const std::vector<int64_t> asked(wanted.begin(),
                                     wanted.begin() + static_cast<std::ptrdiff_t>(requests));
    EXPECT_EQ(durations_s(), asked) << allowed_s;
    EXPECT_EQ(*access->keys.expires_at_ms - clock_.wall_ms(), asked.back() * 1000);
    // Neither a long nor a short one asks again for what the role does not allow.
    ASSERT_TRUE(identity->copy_access(need(40'000'000, true), {}).ok());
    EXPECT_EQ(aws.bodies.size(), requests + 1);
    EXPECT_EQ(last_duration_s(), asked.back());
    ASSERT_TRUE(identity->copy_access(need(4'000'000, true), {}).ok());
    EXPECT_EQ(last_duration_s(), std::min<int64_t>(4120, asked.back()));
  }
}

TEST_F(SyncIdentity, NothingShorterThanSessionDurationIsAskedFor) {
  options.auth.session_duration_s = 10'000;
  aws.longest_s = 7200;
  const auto access = make()->copy_access(need(40'000'000), {});
  ASSERT_FALSE(access.ok());
  EXPECT_EQ(access.error().code(), ErrorCode::kAwsSts);
  EXPECT_EQ(durations_s(), (std::vector<int64_t>{40'120, 28'800, 14'400, 10'000}));
}

// While AWS spreads a policy, a role may be denied for a moment: that says nothing of its sessions.
TEST_F(SyncIdentity, APassingDenialCountsForTenMinutes) {
  deny_longer_than(3600, 1);
  const auto identity = make();
  ASSERT_TRUE(identity->copy_access(need(7'000'000), {}).ok());
  EXPECT_EQ(durations_s(), (std::vector<int64_t>{7120, 3600}));
  pass(599'000);
  ASSERT_TRUE(identity->copy_access(need(7'000'000, true), {}).ok());
  EXPECT_EQ(durations_s(), (std::vector<int64_t>{7120, 3600, 3600}));
  pass(1000);
  ASSERT_TRUE(identity->copy_access(need(7'000'000, true), {}).ok());
  EXPECT_EQ(durations_s(), (std::vector<int64_t>{7120, 3600, 3600, 7120}));
}

TEST_F(SyncIdentity, ADenialOfBothLengthsIsNotKept) {
  deny_longer_than(0, 2);
  const auto identity = make();
  EXPECT_EQ(identity->copy_access(need(7'000'000), {}).error().code(), ErrorCode::kAwsAssumeDenied);
  const auto access = identity->copy_access(need(7'000'000), {});
  ASSERT_TRUE(access.ok()) << access.error().to_string();
  EXPECT_EQ(durations_s(), (std::vector<int64_t>{7120, 3600, 7120}));
}

// Over four hours of COPYs of ten minutes with sessions of an hour: no COPY gets keys that end
// before it, and they are renewed once half of their life is over, not at each COPY.
TEST_F(SyncIdentity, CopyKeysAreRenewedBeforeTheyEnd) {
  constexpr int64_t kStepMs = 100'000;
  const auto identity = make();
  std::string last;
  int64_t given_at_ms = 0;
  for (int step = 0; step <= 144; ++step) {
    const auto access = identity->copy_access(need(600'000), {});
    ASSERT_TRUE(access.ok()) << access.error().to_string();
    EXPECT_GE(*access->keys.expires_at_ms - clock_.wall_ms(), 720'000) << step;
    if (access->keys.access_key_id != last) {
      if (step > 0) {
        EXPECT_GT(clock_.wall_ms() - given_at_ms, 1'800'000) << step;
      }
      last = access->keys.access_key_id;
      given_at_ms = clock_.wall_ms();
    }
    pass(kStepMs);
  }
  EXPECT_EQ(aws.count("AssumeRole"), 8U);  // at 0, 1,900, ... 13,300 seconds
}

TEST_F(SyncIdentity, OneThreadRenewsForAll) {
  const auto identity = make();
  ASSERT_TRUE(identity->copy_access(need(600'000), {}).ok());
  pass(3'000'000);
  aws.first = [](const std::string&) {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));  // the others come meanwhile
    return HttpResponse();
  };
  std::array<std::string, 8> ids;
  {
    std::vector<std::jthread> threads;
    threads.reserve(ids.size());
    for (std::string& id : ids) {
      threads.emplace_back([&] {
        const auto access = identity->copy_access(need(600'000), {});
        if (access.ok()) id = access->keys.access_key_id;
      });
    }
  }
  for (const std::string& id : ids) EXPECT_EQ(id, "ASIA2");
  EXPECT_EQ(aws.count("AssumeRole"), 2U);
}

TEST_F(SyncIdentity, ATrustPolicyMayForbidLongerSessions) {
  options.auth.session_duration_s = 900;
  aws.longest_s = 900;
  aws.too_long_code = "AccessDenied";
  const auto identity = make();
  const auto access = identity->copy_access(need(3'000'000), {});
  ASSERT_TRUE(access.ok()) << access.error().to_string();
  EXPECT_EQ(last_duration_s(), 900);
}

TEST_F(SyncIdentity, ADenialThatHasNothingToDoWithTheDurationIsTold) {
  aws.first = [](const std::string&) {
    HttpResponse response;
    response.status = 403;
    response.body = fault("AccessDenied", "no");
    return response;
  };
  const auto access = make()->copy_access(need(5'400'000), {});
  ASSERT_FALSE(access.ok());
  EXPECT_EQ(access.error().code(), ErrorCode::kAwsAssumeDenied);
  EXPECT_EQ(aws.count("AssumeRole"), 2U);
}

TEST_F(SyncIdentity, CopyKeysAreUsedAgainUntilTheyAreTooShortOrAskedForAnew) {
  const auto identity = make();
  const auto first = identity->copy_access(need(600'000), {});
  ASSERT_TRUE(first.ok());
  pass(1'000'000);
  EXPECT_EQ(identity->copy_access(need(600'000), {})->keys.access_key_id,
            first->keys.access_key_id);
  // What is left would do for a short COPY, not for this one.
  EXPECT_NE(identity->copy_access(need(2'700'000), {})->keys.access_key_id,
            first->keys.access_key_id);
  const auto second = identity->copy_access(need(600'000), {});
  const auto third = identity->copy_access(need(600'000, true), {});
  ASSERT_TRUE(second.ok() && third.ok());
  EXPECT_NE(second->keys.access_key_id, third->keys.access_key_id);
}

TEST_F(SyncIdentity, KeysOfAnotherPrefixStay) {
  const auto identity = make();
  CopyNeed other = need(600'000);
  other.manifest_key = "vesto/run/other/manifest";
  const auto first = identity->copy_access(other, {});
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(identity->copy_access(need(600'000, true), {}).ok());
  EXPECT_EQ(identity->copy_access(other, {})->keys.access_key_id, first->keys.access_key_id);
}

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

DestinationConfig destination_with(const std::string& prefix, const std::string& kms_key_arn = "") {
  DestinationConfig out;
  out.name = "acme";
  out.bucket = "demo";
  out.prefix = prefix;
  out.kms_key_arn = kms_key_arn;
  out.auth.role_arn = kRole;
  out.auth.copy = "session_keys";
  return out;
}

TEST(CopyPolicy, APrefixThatIsTooLongIsRefusedWithWhatWouldFit) {
  EXPECT_TRUE(check_copy_policy(destination_with("vesto/")).ok());
  EXPECT_TRUE(check_copy_policy(destination_with("")).ok());
  const auto refused = check_copy_policy(destination_with(std::string(400, 'p') + "/"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), ErrorCode::kCfgValue);
  const std::string text = refused.error().message();
  EXPECT_TRUE(text.starts_with("destination.acme.staging.prefix has 400 bytes: ")) << text;
  EXPECT_NE(text.find("about 1,076"), std::string::npos) << text;
  // What the hint names fits, and one more does not.
  const std::string hint = refused.error().hint();
  const size_t at = hint.find("Shorten prefix to ");
  ASSERT_NE(at, std::string::npos) << hint;
  const std::string rest = hint.substr(at + 18);
  const auto fits = parse_int(rest.substr(0, rest.find(' ')));
  ASSERT_TRUE(fits && *fits > 200 && *fits < 400) << hint;
  EXPECT_TRUE(
      check_copy_policy(destination_with(std::string(static_cast<size_t>(*fits), 'p') + "/")).ok());
  EXPECT_FALSE(
      check_copy_policy(destination_with(std::string(static_cast<size_t>(*fits) + 1, 'p') + "/"))
          .ok());
}

TEST(CopyPolicy, OnlyWhereCopyReadsWithTheRolesKeys) {
  DestinationConfig destination = destination_with(std::string(500, 'p') + "/");
  EXPECT_FALSE(check_copy_policy(destination).ok());
  destination.auth.copy = "attached_role";
  EXPECT_TRUE(check_copy_policy(destination).ok());
  destination.auth.copy = "session_keys";
  destination.auth.role_arn.clear();
  EXPECT_TRUE(check_copy_policy(destination).ok());
}

// What is wrong without any prefix is not the prefix's fault.
TEST(CopyPolicy, AKeyThatIsNoneIsNamed) {
  const auto refused =
      check_copy_policy(destination_with("vesto/", "arn:aws:kms:eu-west-1:123456789012:alias/x"));
  ASSERT_FALSE(refused.ok());
  EXPECT_TRUE(refused.error().message().starts_with("destination.acme.staging: "))
      << refused.error().message();
  EXPECT_NE(refused.error().message().find("alias/x"), std::string::npos);
}

// The same prefix is refused before COPY and given at COPY, or neither: a run of the longest ids.
TEST_F(SyncIdentity, WhatTheCheckTakesCopyCanSend) {
  std::string prefix(1, 'p');
  while (check_copy_policy(destination_with(prefix + "p/")).ok()) prefix += 'p';
  const std::string run = "/0123456789abcdef/01234567/run_" + std::string(26, '0') + "/";
  CopyNeed longest = need(600'000);
  longest.manifest_key = prefix + run + "99999/manifest";
  EXPECT_TRUE(make()->copy_access(longest, {}).ok());
  longest.manifest_key = prefix + "p" + run + "99999/manifest";
  EXPECT_FALSE(make()->copy_access(longest, {}).ok());
}

}  // namespace
}  // namespace vesto
