// Bounded repetition with exponential waits and full jitter.
//
//   Backoff backoff({.attempts = 5, .first_wait_ms = 200, .max_wait_ms = 10'000});
//   while (true) {
//     auto result = try_once();
//     if (result.ok() || !backoff.next(clock, stop)) return result;
//   }
#ifndef VESTO_BASE_RETRY_H_
#define VESTO_BASE_RETRY_H_

#include <cstdint>
#include <stop_token>

#include "base/clock.h"

namespace vesto {

struct RetryPolicy {
  int attempts = 5;  // in all, the first one included
  int64_t first_wait_ms = 200;
  int64_t max_wait_ms = 10'000;
};

class Backoff {
 public:
  explicit Backoff(RetryPolicy policy) : policy_(policy) {}
  // Waits before the next attempt. False: no attempt is left, or `stop` was requested.
  bool next(Clock& clock, const std::stop_token& stop);
  [[nodiscard]] int attempt() const { return attempt_; }  // 1 for the first

 private:
  RetryPolicy policy_;
  int attempt_ = 1;
};

}  // namespace vesto

#endif  // VESTO_BASE_RETRY_H_
