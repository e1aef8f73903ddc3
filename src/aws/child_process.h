// Runs a program without a shell and takes what it prints, within bounds of time and size.
#ifndef VESTO_AWS_CHILD_PROCESS_H_
#define VESTO_AWS_CHILD_PROCESS_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

namespace vesto {

struct ChildLimits {
  int64_t time_ms = 60'000;
  size_t stdout_bytes = 1 << 20;
  size_t stderr_bytes = 1000;  // the first ones; more is read and dropped
};

enum class ChildEnd { kExited, kSignalled, kTooSlow, kTooMuch, kStopped, kNotStarted };

struct ChildResult {
  ChildEnd end = ChildEnd::kNotStarted;
  int number = 0;  // exit status, signal, or errno where it was not started
  std::string out = {};
  std::string err = {};
};

// `words`: the program (looked up in PATH) and its arguments. It has this process' environment, no
// input, no other file of ours, and a process group of its own. It has always ended and is reaped
// when this returns; where a bound was passed or `stop` was requested, it was killed with its
// group. Any thread.
ChildResult run_child(const std::vector<std::string>& words, const ChildLimits& limits,
                      const std::stop_token& stop);

}  // namespace vesto

#endif  // VESTO_AWS_CHILD_PROCESS_H_
