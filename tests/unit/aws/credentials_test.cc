// The cache of credentials: when it asks anew, what it does while that fails, and many at once.
#include "aws/credentials.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

namespace vesto {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kHourMs = 60 * kMinuteMs;

class SetClock final : public Clock {
 public:
  int64_t wall_ms() override { return now_ms_; }
  int64_t monotonic_ms() override { return now_ms_; }
  int64_t boottime_ms() override { return now_ms_; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    now_ms_ += duration_ms;
    return !stop.stop_requested();
  }
  void advance(int64_t duration_ms) { now_ms_ += duration_ms; }

 private:
  std::atomic<int64_t> now_ms_{1'795'310'816'000};
};

// Hands out numbered credentials of a set life, or fails; can be held up.
class FakeSource final : public CredentialSource {
 public:
  struct State {
    std::atomic<int> calls{0};
    std::atomic<int> at_once{0};
    std::atomic<int> most_at_once{0};
    std::atomic<int64_t> life_ms{kHourMs};
    std::atomic<bool> fails{false};
    std::atomic<bool> forever{false};
    std::mutex mutex;
    std::condition_variable_any changed;
    bool held = false;

    void hold(bool on) {
      const std::lock_guard lock(mutex);
      held = on;
      changed.notify_all();
    }
  };
  FakeSource(State& state, Clock& clock) : state_(state), clock_(clock) {}

  Result<AwsCredentials> get(int64_t, const std::stop_token& stop) override {
    const int call = ++state_.calls;
    const int now_inside = ++state_.at_once;
    if (now_inside > state_.most_at_once) state_.most_at_once = now_inside;
    bool was_stopped = false;
    {
      std::unique_lock lock(state_.mutex);
      was_stopped = !state_.changed.wait(lock, stop, [&] { return !state_.held; });
    }
    --state_.at_once;
    if (was_stopped) return Error(ErrorCode::kRunInterrupted, "stopped");
    if (state_.fails) return Error(ErrorCode::kAwsServer, "scripted");
    AwsCredentials out;
    out.access_key_id = "KEY" + std::to_string(call);
    if (!state_.forever) out.expires_at_ms = clock_.wall_ms() + state_.life_ms;
    return out;
  }
  [[nodiscard]] std::string describe() const override { return "the fake"; }

 private:
  State& state_;
  Clock& clock_;
};

class CachedCredentials : public testing::Test {
 protected:
  std::string key(int64_t min_life_ms = 0) {
    const auto got = source_->get(min_life_ms, {});
    return got.ok() ? got->access_key_id : std::string(got.error().name());
  }
  void wait_for_calls(int count) const {
    for (int i = 0; i < 5000 && state_.calls < count; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    EXPECT_GE(state_.calls, count);
  }

  SetClock clock_;
  FakeSource::State state_;
  std::unique_ptr<CredentialSource> source_ =
      make_cached(std::make_unique<FakeSource>(state_, clock_), clock_);
};

TEST_F(CachedCredentials, KeptUntilAQuarterOfTheirLifeIsLeft) {
  EXPECT_EQ(source_->describe(), "the fake");
  state_.life_ms = 40 * kMinuteMs;
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(30 * kMinuteMs - 1);
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(1);
  EXPECT_EQ(key(), "KEY2");
  EXPECT_EQ(key(), "KEY2");
}

TEST_F(CachedCredentials, LongOnesAreKeptUntilFifteenMinutesAreLeft) {
  state_.life_ms = 12 * kHourMs;
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(12 * kHourMs - 15 * kMinuteMs - 1);
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(1);
  EXPECT_EQ(key(), "KEY2");
}

TEST_F(CachedCredentials, WithoutAnEndTheyAreKept) {
  state_.forever = true;
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(1000 * kHourMs);
  EXPECT_EQ(key(kHourMs), "KEY1");
}

TEST_F(CachedCredentials, ALongerLifeThanIsLeftAsksAnew) {
  EXPECT_EQ(key(50 * kMinuteMs), "KEY1");
  clock_.advance(11 * kMinuteMs);
  EXPECT_EQ(key(49 * kMinuteMs), "KEY1");
  EXPECT_EQ(key(50 * kMinuteMs), "KEY2");
}

// The source gives 15 minutes, the caller wants an hour: no storm of requests comes of it.
TEST_F(CachedCredentials, MoreThanTheSourceGivesDoesNotAskEachTime) {
  state_.life_ms = 15 * kMinuteMs;
  for (int i = 0; i < 100; ++i) {
    clock_.advance(1000);
    key(kHourMs);
  }
  EXPECT_EQ(state_.calls, 1);
  clock_.advance(3 * kMinuteMs);
  EXPECT_EQ(key(kHourMs), "KEY2");
}

TEST_F(CachedCredentials, OldOnesLastWhileARefreshFails) {
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(46 * kMinuteMs);
  state_.fails = true;
  EXPECT_EQ(key(10 * kMinuteMs), "KEY1");
  EXPECT_EQ(state_.calls, 2);
  clock_.advance(9'999);
  EXPECT_EQ(key(10 * kMinuteMs), "KEY1");
  EXPECT_EQ(state_.calls, 2);  // a failing refresh is not repeated within ten seconds
  clock_.advance(1);
  EXPECT_EQ(key(10 * kMinuteMs), "KEY1");
  EXPECT_EQ(state_.calls, 3);
  EXPECT_EQ(key(14 * kMinuteMs), "AWS-SERVER");  // they do not last so long
  clock_.advance(14 * kMinuteMs);
  EXPECT_EQ(key(), "AWS-SERVER");  // they have expired
  state_.fails = false;
  EXPECT_EQ(key(), "KEY6");
}

TEST_F(CachedCredentials, ExpiredOnesAreNeverGivenOut) {
  state_.life_ms = -1;
  EXPECT_EQ(key(), "AWS-ANSWER");
  state_.life_ms = 0;
  EXPECT_EQ(key(), "AWS-ANSWER");
  state_.life_ms = kHourMs;
  EXPECT_EQ(key(), "KEY3");
}

TEST_F(CachedCredentials, OneAsksAndAllGetIt) {
  state_.hold(true);
  std::atomic<int> same{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] { same += key() == "KEY1" ? 1 : 0; });
  }
  wait_for_calls(1);
  state_.hold(false);
  threads.clear();
  EXPECT_EQ(same, 8);
  EXPECT_EQ(state_.calls, 1);
}

TEST_F(CachedCredentials, OthersGoOnWithTheOldOnesMeanwhile) {
  EXPECT_EQ(key(), "KEY1");
  clock_.advance(46 * kMinuteMs);
  state_.hold(true);
  std::jthread refresher([&] { EXPECT_EQ(key(), "KEY2"); });
  wait_for_calls(2);
  EXPECT_EQ(key(), "KEY1");
  state_.hold(false);
}

TEST_F(CachedCredentials, AWaitingCallerCanBeStopped) {
  state_.hold(true);
  std::jthread refresher([&] { EXPECT_EQ(key(), "KEY1"); });
  wait_for_calls(1);
  std::stop_source stop;
  std::atomic<bool> done{false};
  std::jthread waiter([&] {
    const auto got = source_->get(0, stop.get_token());
    done = !got.ok() && got.error().code() == ErrorCode::kRunInterrupted;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // let it reach the wait
  stop.request_stop();
  for (int i = 0; i < 500 && !done; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_TRUE(done);
  std::stop_source stopped_before;
  stopped_before.request_stop();
  EXPECT_EQ(source_->get(0, stopped_before.get_token()).error().code(), ErrorCode::kRunInterrupted);
  state_.hold(false);
}

// The one who asked was stopped: the next one asks, and nobody else is told that they were stopped.
TEST_F(CachedCredentials, AStoppedRefresherLeavesItToTheNext) {
  state_.hold(true);
  std::stop_source stop;
  std::jthread refresher([&] { EXPECT_FALSE(source_->get(0, stop.get_token()).ok()); });
  wait_for_calls(1);
  std::jthread waiter([&] { EXPECT_EQ(key(), "KEY2"); });
  stop.request_stop();
  wait_for_calls(2);
  state_.hold(false);
}

TEST_F(CachedCredentials, OneFailureAnswersAllWhoWaited) {
  state_.hold(true);
  state_.fails = true;
  std::atomic<int> failed{0};
  std::atomic<int> begun{0};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      ++begun;
      failed += key() == "AWS-SERVER" ? 1 : 0;
    });
  }
  while (begun < 8) std::this_thread::yield();
  wait_for_calls(1);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // let them reach the wait
  state_.hold(false);
  threads.clear();
  EXPECT_EQ(failed, 8);
  EXPECT_LE(state_.calls, 2);
}

TEST_F(CachedCredentials, NeverTwoAtOnce) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 500; ++n) {
        clock_.advance(kMinuteMs);
        state_.fails = n % 7 == 0;
        (void)source_->get(n * 10'000, {});
      }
    });
  }
  threads.clear();
  EXPECT_EQ(state_.most_at_once, 1);
  EXPECT_GT(state_.calls, 10);
}

TEST_F(CachedCredentials, WhatAwsCallsExpiredIsNotGivenAgain) {
  const auto first = source_->get(0, {});
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(source_->forget(*first));
  EXPECT_EQ(key(), "KEY2");
  // Somebody else has forgotten them already: the new ones stay.
  EXPECT_TRUE(source_->forget(*first));
  EXPECT_EQ(key(), "KEY2");
  state_.fails = true;
  AwsCredentials second = *first;
  second.access_key_id = "KEY2";
  EXPECT_TRUE(source_->forget(second));
  EXPECT_EQ(key(), "AWS-SERVER");
}

TEST_F(CachedCredentials, LongLivedOnesCannotBeRenewed) {
  state_.forever = true;
  const auto first = source_->get(0, {});
  ASSERT_TRUE(first.ok());
  EXPECT_FALSE(source_->forget(*first));
  EXPECT_EQ(key(), "KEY1");
  EXPECT_FALSE(make_static_credentials(*first, "here")->forget(*first));
}

TEST(ExpiredToken, IsToldFromOtherRefusals) {
  const auto said = [](ErrorCode code, const std::string& upstream) {
    return is_expired_token(Error(code, "x").with_upstream(
        {.system = "s3", .code = upstream, .text = "", .request_id = ""}));
  };
  EXPECT_TRUE(said(ErrorCode::kAwsKey, "400 ExpiredToken"));
  EXPECT_TRUE(said(ErrorCode::kAwsKey, "403 ExpiredTokenException"));
  EXPECT_FALSE(said(ErrorCode::kAwsKey, "403 InvalidAccessKeyId"));
  EXPECT_FALSE(said(ErrorCode::kAwsKey, ""));
  EXPECT_FALSE(
      said(ErrorCode::kAwsToken, "400 ExpiredTokenException"));  // the identity's, not ours
}

TEST(StaticCredentials, AreAsGiven) {
  AwsCredentials credentials;
  credentials.access_key_id = "AKIDEXAMPLE";
  credentials.secret_access_key = Secret("secret-of-static");
  const auto source = make_static_credentials(credentials, "the configuration");
  EXPECT_EQ(source->describe(), "the configuration");
  const auto got = source->get(kHourMs, {});
  ASSERT_TRUE(got.ok());
  EXPECT_EQ(got->secret_access_key.reveal(), "secret-of-static");
  EXPECT_FALSE(got->expires_at_ms.has_value());
}

TEST(ProcessEnvironment, TellsSetFromEmpty) {
  ASSERT_EQ(setenv("VESTO_TEST_ENV", "value", 1), 0);
  ASSERT_EQ(setenv("VESTO_TEST_ENV_EMPTY", "", 1), 0);
  const Environment environment = process_environment();
  EXPECT_EQ(environment("VESTO_TEST_ENV"), "value");
  EXPECT_EQ(environment("VESTO_TEST_ENV_EMPTY"), "");
  EXPECT_EQ(environment("VESTO_TEST_ENV_NONE"), std::nullopt);
  unsetenv("VESTO_TEST_ENV");
  unsetenv("VESTO_TEST_ENV_EMPTY");
}

}  // namespace
}  // namespace vesto
