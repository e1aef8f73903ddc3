// A stop that comes by itself: after a time, and sooner once another stop was requested. For what a
// run does at its end, which its own stop must not cut off but also not let it hang.
//
//   TimedStop limit({.limit_ms = 120'000, .after_stop_ms = 15'000, .stop = run_stop});
//   remove_objects(limit.token());
//
// Thread rule: any thread; it has a thread of its own, which ends with the object.
#ifndef VESTO_BASE_TIMED_STOP_H_
#define VESTO_BASE_TIMED_STOP_H_

#include <cstdint>
#include <stop_token>
#include <thread>

namespace vesto {

struct TimedStopOptions {
  int64_t limit_ms = 0;
  int64_t after_stop_ms = 0;  // from the moment that `stop` was requested, if that ends sooner
  std::stop_token stop;
};

class TimedStop {
 public:
  explicit TimedStop(const TimedStopOptions& options);

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  std::stop_source source_;
  std::jthread timer_;  // last: it uses source_
};

}  // namespace vesto

#endif  // VESTO_BASE_TIMED_STOP_H_
