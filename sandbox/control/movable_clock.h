// The sandbox's wall clock, which tests can move: credentials expire by it.
// Thread rule: any thread.
#ifndef VESTO_SANDBOX_CONTROL_MOVABLE_CLOCK_H_
#define VESTO_SANDBOX_CONTROL_MOVABLE_CLOCK_H_

#include <atomic>

#include "base/clock.h"

namespace vesto::sandbox {

class MovableClock final : public Clock {
 public:
  // How far the wall clock is ahead of the machine's. Sleeping and the other clocks stay true.
  void set_offset_ms(int64_t offset_ms) { offset_ms_ = offset_ms; }
  int64_t wall_ms() override { return system_clock().wall_ms() + offset_ms_; }
  int64_t monotonic_ms() override { return system_clock().monotonic_ms(); }
  int64_t boottime_ms() override { return system_clock().boottime_ms(); }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    return system_clock().sleep_ms(duration_ms, stop);
  }

 private:
  std::atomic<int64_t> offset_ms_{0};
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_CONTROL_MOVABLE_CLOCK_H_
