// Who asks whom, how often and for how long: against an STS and a Redshift API that answer from
// memory. No network.
#ifndef VESTO_TESTS_UNIT_SYNC_SYNC_IDENTITY_FIXTURE_H_
#define VESTO_TESTS_UNIT_SYNC_SYNC_IDENTITY_FIXTURE_H_

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/strings.h"
#include "sync/identity.h"
#include "tests/unit/aws_identity/identity_fixture.h"

namespace vesto::testing_support {

inline constexpr const char* kRole = "arn:aws:iam::123456789012:role/vesto";

inline std::string field(const std::string& body, const std::string& name) {
  for (const std::string& pair : split(body, '&')) {
    if (pair.starts_with(name + "=")) return pair.substr(name.size() + 1);
  }
  return "";
}

inline std::string fault(const std::string& code, const std::string& message) {
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

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_UNIT_SYNC_SYNC_IDENTITY_FIXTURE_H_
