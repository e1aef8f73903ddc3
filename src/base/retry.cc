#include "base/retry.h"

#include <algorithm>
#include <random>

namespace vesto {

bool Backoff::next(Clock& clock, const std::stop_token& stop) {
  if (attempt_ >= policy_.attempts) return false;
  const int shift = std::min(attempt_ - 1, 20);
  const int64_t ceiling_ms =
      std::min(policy_.max_wait_ms, policy_.first_wait_ms * (int64_t{1} << shift));
  thread_local std::minstd_rand generator{std::random_device{}()};
  std::uniform_int_distribution<int64_t> wait(ceiling_ms / 2, std::max<int64_t>(1, ceiling_ms));
  ++attempt_;
  return clock.sleep_ms(wait(generator), stop);
}

}  // namespace vesto
