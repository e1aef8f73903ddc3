// Who asks whom, how often and for how long: against an STS and a Redshift API that answer from
// memory. No network.
#include "sync/identity.h"

#include <gtest/gtest.h>

#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/strings.h"
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

// AWS, as far as it is asked here.
struct FakeAws {
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

}  // namespace
}  // namespace vesto
