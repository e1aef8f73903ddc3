#include "base/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace vesto {

namespace {

int64_t read_ms(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() override { return read_ms(CLOCK_REALTIME); }
  int64_t monotonic_ms() override { return read_ms(CLOCK_MONOTONIC); }
  int64_t boottime_ms() override { return read_ms(CLOCK_BOOTTIME); }
  bool sleep_ms(int64_t duration_ms, const std::stop_token& stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, std::chrono::milliseconds(duration_ms), [] { return false; });
    return !stop.stop_requested();
  }
};

std::string format_time(int64_t wall_ms, char between, bool millis, const char* zone) {
  const time_t seconds = static_cast<time_t>(wall_ms / 1000);
  tm parts{};
  gmtime_r(&seconds, &parts);
  std::string out =
      fmt::format("{:04}-{:02}-{:02}{}{:02}:{:02}:{:02}", parts.tm_year + 1900, parts.tm_mon + 1,
                  parts.tm_mday, between, parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (millis) out += fmt::format(".{:03}", wall_ms % 1000);
  return out + zone;
}

}  // namespace

Clock& system_clock() {
  static SystemClock clock;
  return clock;
}

std::string format_utc(int64_t wall_ms) { return format_time(wall_ms, 'T', true, "Z"); }
std::string format_utc_seconds(int64_t wall_ms) { return format_time(wall_ms, 'T', false, "Z"); }
std::string format_sql_utc(int64_t wall_ms) { return format_time(wall_ms, ' ', true, ""); }

}  // namespace vesto
