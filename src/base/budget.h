// The one byte budget of the process, handed out in slots. A reader takes its slot whole when it
// starts and returns it when it ends; taking bytes piecemeal across steps could deadlock.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_BASE_BUDGET_H_
#define VESTO_BASE_BUDGET_H_

#include <cstdint>

#include "base/mutex.h"

namespace vesto {

// What the process takes whatever the number of readers.
inline constexpr uint64_t kProcessBytes = 16ULL << 20;

// The most that one reader takes whose rows are of 4 MiB: the chunk and what the guards keep of it,
// output of 5 MiB, one part filling and one in flight of 8 MiB each, 2 MiB of contexts. With usual
// rows it is less than two thirds of that. A row above 4 MiB makes each of those larger, and libpq
// holds it twice while it is received.
constexpr uint64_t lane_size_bytes(uint64_t max_row_bytes) {
  constexpr uint64_t kUsualRow = 4ULL << 20;
  constexpr uint64_t kBuffersThatHoldARow = 8;
  const uint64_t beyond = max_row_bytes > kUsualRow ? max_row_bytes - kUsualRow : 0;
  return (31ULL << 20) + kBuffersThatHoldARow * beyond;
}

class ByteBudget {
 public:
  explicit ByteBudget(uint64_t total_bytes) : free_bytes_(total_bytes), total_bytes_(total_bytes) {}

  // Takes `size_bytes` if they are free.
  [[nodiscard]] bool try_take(uint64_t size_bytes) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    if (size_bytes > free_bytes_) return false;
    free_bytes_ -= size_bytes;
    return true;
  }
  void give_back(uint64_t size_bytes) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    free_bytes_ += size_bytes;
  }
  [[nodiscard]] uint64_t free_bytes() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return free_bytes_;
  }
  [[nodiscard]] uint64_t total_bytes() const { return total_bytes_; }

 private:
  Mutex mutex_;
  uint64_t free_bytes_ VESTO_GUARDED_BY(mutex_);
  const uint64_t total_bytes_;
};

}  // namespace vesto

#endif  // VESTO_BASE_BUDGET_H_
