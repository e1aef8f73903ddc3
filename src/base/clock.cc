#include "base/clock.h"

#include <fmt/format.h>
#include <time.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(VESTO_KILL_POINTS)
#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <string_view>

#include "base/strings.h"
#endif

namespace vesto {

namespace {

int64_t read_ms(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return int64_t{now.tv_sec} * 1000 + now.tv_nsec / 1'000'000;
}

#if defined(VESTO_KILL_POINTS)
constexpr int64_t kOffsetAgeMs = 50;
constexpr int64_t kMaxOffsetMs = int64_t{10} * 365 * 86'400'000;

// A file without a number, a number out of bounds, no file: nothing is moved.
int64_t read_offset_ms(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  char text[32];
  const ssize_t got = ::read(file, text, sizeof(text));
  ::close(file);
  if (got <= 0) return 0;
  const auto offset_ms = parse_int(trim(std::string_view(text, static_cast<size_t>(got))));
  if (!offset_ms || *offset_ms > kMaxOffsetMs || *offset_ms < -kMaxOffsetMs) return 0;
  return *offset_ms;
}

// How far a test has moved the wall clock: milliseconds, in the file that the variable names.
// Builds with kill points have this door (base/kill_point.h), no other has it.
int64_t moved_by_ms() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): nothing in the program changes the environment.
  static const char* const kPath = std::getenv("VESTO_CLOCK_OFFSET_FILE");
  static std::atomic<int64_t> offset_ms{0};
  static std::atomic<int64_t> read_again_ms{0};
  if (kPath == nullptr) return 0;
  const int64_t now_ms = read_ms(CLOCK_MONOTONIC);
  int64_t due_ms = read_again_ms;
  // One thread reads; the others go on with what was read last.
  if (now_ms >= due_ms && read_again_ms.compare_exchange_strong(due_ms, now_ms + kOffsetAgeMs)) {
    offset_ms = read_offset_ms(kPath);
  }
  return offset_ms;
}
#else
constexpr int64_t moved_by_ms() { return 0; }
#endif

class SystemClock final : public Clock {
 public:
  int64_t wall_ms() override { return read_ms(CLOCK_REALTIME) + moved_by_ms(); }
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
