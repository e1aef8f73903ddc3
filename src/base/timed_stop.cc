#include "base/timed_stop.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>

#include "base/thread_root.h"

namespace vesto {

namespace {

using SteadyClock = std::chrono::steady_clock;

// Requests `source` when the time is up, unless `ended` is requested before.
void keep_time(const std::stop_token& ended, const TimedStopOptions& options,
               std::stop_source& source) {
  const auto after = [](int64_t duration_ms) {
    return SteadyClock::now() + std::chrono::milliseconds(duration_ms);
  };
  const auto limit = after(options.limit_ms);
  std::mutex mutex;
  std::condition_variable_any changed;
  bool stopped = false;
  const std::stop_callback on_stop(options.stop, [&] {
    const std::scoped_lock lock(mutex);
    stopped = true;
    changed.notify_all();
  });
  std::unique_lock lock(mutex);
  if (!changed.wait_until(lock, ended, limit, [&] { return stopped; })) {
    lock.unlock();
    if (!ended.stop_requested()) source.request_stop();
    return;
  }
  const auto sooner = std::min(limit, after(options.after_stop_ms));
  changed.wait_until(lock, ended, sooner, [] { return false; });
  lock.unlock();
  if (!ended.stop_requested()) source.request_stop();
}

}  // namespace

TimedStop::TimedStop(const TimedStopOptions& options) {
  try {
    timer_ = std::jthread([options, source = source_](const std::stop_token& ended) mutable {
      name_thread("timer");
      keep_time(ended, options, source);
    });
  } catch (const std::system_error&) {
    // No thread can be made: what is bounded by this ends by its own limits.
  }
}

}  // namespace vesto
