// The keys that COPY reads with: how long they last, when they are asked for anew, their policy.
#include "sync/identity.h"

#include <array>
#include <chrono>
#include <thread>
#include <vector>

#include "config/config.h"
#include "tests/unit/sync/sync_identity_fixture.h"

namespace vesto {
namespace {

using testing_support::fault;
using testing_support::kRole;
using testing_support::SyncIdentity;

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
