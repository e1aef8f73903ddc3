// The one byte budget of the process, handed out in slots. A reader takes its slot whole when it
// starts and returns it when it ends; taking bytes piecemeal across steps could deadlock.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_BASE_BUDGET_H_
#define VESTO_BASE_BUDGET_H_

#include <cstdint>

#include "base/mutex.h"

namespace vesto {

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
