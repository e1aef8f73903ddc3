// Time, behind an interface, so that tests can set it.
// Thread rule: every function may be called from any thread.
#ifndef VESTO_BASE_CLOCK_H_
#define VESTO_BASE_CLOCK_H_

#include <cstdint>
#include <stop_token>
#include <string>

namespace vesto {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t wall_ms() = 0;       // since 1970-01-01 UTC
  virtual int64_t monotonic_ms() = 0;  // never goes back; stands still in suspend
  virtual int64_t boottime_ms() = 0;   // as monotonic, but counts suspend: for leases
  // Sleeps, or returns early when `stop` is requested. True: slept to the end.
  virtual bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) = 0;
};

Clock& system_clock();  // test builds can move its wall clock: see clock.cc

std::string format_utc(int64_t wall_ms);          // 2026-11-22T01:26:56.123Z
std::string format_utc_seconds(int64_t wall_ms);  // 2026-11-22T01:26:56Z
std::string format_sql_utc(int64_t wall_ms);      // 2026-11-22 01:26:56.123

}  // namespace vesto

#endif  // VESTO_BASE_CLOCK_H_
