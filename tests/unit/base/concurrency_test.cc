#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <thread>
#include <vector>

#include "base/bounded_queue.h"
#include "base/budget.h"
#include "base/retry.h"
#include "base/thread_root.h"
#include "base/timed_stop.h"

namespace vesto {
namespace {

class FakeClock final : public Clock {
 public:
  int64_t wall_ms() override { return now_ms; }
  int64_t monotonic_ms() override { return now_ms; }
  int64_t boottime_ms() override { return now_ms; }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    now_ms += duration_ms;
    sleeps.push_back(duration_ms);
    return !stop.stop_requested();
  }
  int64_t now_ms = 0;
  std::vector<int64_t> sleeps;
};

TEST(BoundedQueue, EveryItemArrivesOnceAcrossThreads) {
  constexpr int kItems = 20'000;
  BoundedQueue<int> queue(3);
  std::atomic<int64_t> sum{0};
  {
    std::vector<std::jthread> takers;
    for (int i = 0; i < 3; ++i) {
      takers.emplace_back([&] {
        while (auto item = queue.pop()) sum += *item;
      });
    }
    for (int i = 1; i <= kItems; ++i) ASSERT_TRUE(queue.push(i));
    queue.close();
  }
  EXPECT_EQ(sum.load(), int64_t{kItems} * (kItems + 1) / 2);
}

TEST(BoundedQueue, CloseEndsWaitersAndRefusesItems) {
  BoundedQueue<int> queue(1);
  ASSERT_TRUE(queue.push(1));
  EXPECT_TRUE(queue.try_push(2).has_value());
  std::jthread pusher([&] { EXPECT_FALSE(queue.push(2)); });
  queue.close();
  pusher.join();
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_EQ(queue.pop(), std::nullopt);
}

TEST(ByteBudget, GivesNoMoreThanItHas) {
  ByteBudget budget(100);
  EXPECT_TRUE(budget.try_take(60));
  EXPECT_FALSE(budget.try_take(41));
  EXPECT_TRUE(budget.try_take(40));
  budget.give_back(60);
  EXPECT_EQ(budget.free_bytes(), 60U);
}

TEST(Backoff, IsBoundedAndGrows) {
  FakeClock clock;
  Backoff backoff({.attempts = 4, .first_wait_ms = 100, .max_wait_ms = 200});
  int more = 0;
  while (backoff.next(clock, {})) ++more;
  EXPECT_EQ(more, 3);
  ASSERT_EQ(clock.sleeps.size(), 3U);
  for (const int64_t sleep_ms : clock.sleeps) EXPECT_LE(sleep_ms, 200);
  EXPECT_GE(clock.sleeps[2], 100);
}

TEST(Backoff, EndsWhenStopped) {
  FakeClock clock;
  std::stop_source stop;
  stop.request_stop();
  Backoff backoff({.attempts = 4});
  EXPECT_FALSE(backoff.next(clock, stop.get_token()));
}

TEST(SystemClock, SleepEndsAtOnceWhenStopped) {
  std::stop_source stop;
  stop.request_stop();
  EXPECT_FALSE(system_clock().sleep_ms(60'000, stop.get_token()));
}

TEST(ThreadRoot, TurnsWhatIsThrownIntoAnError) {
  EXPECT_TRUE(thread_root([] {}).ok());
  EXPECT_EQ(thread_root([] { throw std::bad_alloc(); }).error().name(), "SYS-MEMORY");
  const Status thrown = thread_root([] { throw std::runtime_error("why"); });
  EXPECT_EQ(thrown.error().name(), "INT-BUG");
  EXPECT_NE(thrown.error().to_string().find("why"), std::string::npos);
  EXPECT_EQ(thread_root([] { throw 7; }).error().name(), "INT-BUG");
}

TEST(ThreadRoot, PassesAStatusOn) {
  const Status status = thread_root([]() -> Status { return Error(ErrorCode::kSysDisk, "full"); });
  EXPECT_EQ(status.error().name(), "SYS-DISK");
}

// --- TimedStop ---

bool requested_within(const std::stop_token& token, int64_t limit_ms) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(limit_ms);
  while (!token.stop_requested() && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return token.stop_requested();
}

TEST(TimedStop, ComesByItself) {
  const TimedStop limit({.limit_ms = 20, .after_stop_ms = 600'000, .stop = {}});
  EXPECT_TRUE(requested_within(limit.token(), 30'000));
}

TEST(TimedStop, ComesSoonerAfterAStop) {
  std::stop_source run;
  const TimedStop limit({.limit_ms = 600'000, .after_stop_ms = 20, .stop = run.get_token()});
  EXPECT_FALSE(requested_within(limit.token(), 60));
  run.request_stop();
  EXPECT_TRUE(requested_within(limit.token(), 30'000));
}

TEST(TimedStop, AStopThatCameBeforeCounts) {
  std::stop_source run;
  run.request_stop();
  const TimedStop limit({.limit_ms = 600'000, .after_stop_ms = 20, .stop = run.get_token()});
  EXPECT_FALSE(limit.token().stop_requested());
  EXPECT_TRUE(requested_within(limit.token(), 30'000));
}

TEST(TimedStop, AStopDoesNotPutTheLimitOff) {
  std::stop_source run;
  run.request_stop();
  const TimedStop limit({.limit_ms = 20, .after_stop_ms = 600'000, .stop = run.get_token()});
  EXPECT_TRUE(requested_within(limit.token(), 30'000));
}

// Ends at once, whatever is left of the time, and requests nothing then.
TEST(TimedStop, EndsWithItsObject) {
  std::stop_token token;
  {
    std::stop_source run;
    const TimedStop limit({.limit_ms = 600'000, .after_stop_ms = 600'000, .stop = run.get_token()});
    token = limit.token();
    run.request_stop();
  }
  EXPECT_FALSE(token.stop_requested());
}

}  // namespace
}  // namespace vesto
