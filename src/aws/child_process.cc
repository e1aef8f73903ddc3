#include "aws/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>

extern char** environ;

namespace vesto {

namespace {

constexpr int kPollMs = 50;

class Pipe {
 public:
  Pipe() : good_(pipe2(ends_.data(), O_CLOEXEC) == 0) {
    if (good_) fcntl(ends_[0], F_SETFL, O_NONBLOCK);
  }
  ~Pipe() {
    close_end(0);
    close_end(1);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] int reader() const { return ends_[0]; }
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_end(size_t which) {
    if (ends_[which] >= 0) close(ends_[which]);
    ends_[which] = -1;
  }
  [[nodiscard]] bool open() const { return ends_[0] >= 0; }

  // Takes what is there: up to `room` bytes into `text`, the rest is dropped. False: some was.
  bool drain(std::string* text, size_t room) {
    std::array<char, 16 << 10> buffer{};
    bool all_kept = true;
    // Bounded, so that a flood cannot keep us from looking at the clock.
    for (int round = 0; open() && round < 16; ++round) {
      const ssize_t got = read(ends_[0], buffer.data(), buffer.size());
      if (got < 0) {
        if (errno == EINTR) continue;
        if (errno != EAGAIN) close_end(0);
        break;
      }
      if (got == 0) {
        close_end(0);
        break;
      }
      const auto size = static_cast<size_t>(got);
      const size_t kept = std::min(size, room - std::min(room, text->size()));
      text->append(buffer.data(), kept);
      all_kept = all_kept && kept == size;
    }
    return all_kept;
  }

 private:
  std::array<int, 2> ends_ = {-1, -1};
  bool good_;
};

// posix_spawn's two objects, freed at the end.
struct SpawnPlan {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  SpawnPlan() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnPlan() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnPlan(const SpawnPlan&) = delete;
  SpawnPlan& operator=(const SpawnPlan&) = delete;
};

// 0 or an errno.
int spawn(const std::vector<std::string>& words, const Pipe& out, const Pipe& err, pid_t* pid) {
  SpawnPlan plan;
  posix_spawn_file_actions_addopen(&plan.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&plan.actions, out.writer(), 1);
  posix_spawn_file_actions_adddup2(&plan.actions, err.writer(), 2);
  posix_spawn_file_actions_addclosefrom_np(&plan.actions, 3);
  sigset_t none;
  sigemptyset(&none);
  sigset_t reset;
  sigemptyset(&reset);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD}) sigaddset(&reset, number);
  posix_spawnattr_setsigmask(&plan.attributes, &none);
  posix_spawnattr_setsigdefault(&plan.attributes, &reset);
  posix_spawnattr_setpgroup(&plan.attributes, 0);
  posix_spawnattr_setflags(
      &plan.attributes,
      static_cast<short>(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
  std::vector<std::string> copy = words;
  std::vector<char*> arguments;
  arguments.reserve(copy.size() + 1);
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  return posix_spawnp(pid, arguments[0], &plan.actions, &plan.attributes, arguments.data(),
                      environ);
}

// Seen, but not reaped: the group can still be killed.
bool has_ended(pid_t pid) {
  siginfo_t info = {};
  const int got = waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT);
  return (got == 0 && info.si_pid == pid) || (got < 0 && errno == ECHILD);
}

int reap(pid_t pid) {
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

// The group is killed before its leader is reaped: until then its number is nobody else's.
void kill_and_reap(pid_t pid) {
  kill(-pid, SIGKILL);
  reap(pid);
}

ChildEnd watch(pid_t pid, Pipe* out, Pipe* err, const ChildLimits& limits,
               const std::stop_token& stop, ChildResult* result, int* status) {
  using SteadyClock = std::chrono::steady_clock;
  const auto end = SteadyClock::now() + std::chrono::milliseconds(limits.time_ms);
  while (true) {
    std::array<pollfd, 2> waited = {pollfd{out->reader(), POLLIN, 0},
                                    pollfd{err->reader(), POLLIN, 0}};  // -1 is passed over
    poll(waited.data(), waited.size(), kPollMs);
    // Looked at before the pipes are read: what it printed before its end is then in them. A
    // grandchild that keeps a pipe open is not waited for.
    const bool ended = has_ended(pid);
    bool fits = out->drain(&result->out, limits.stdout_bytes);
    err->drain(&result->err, limits.stderr_bytes);
    // drain() takes 256 KiB at a time; a pipe holds 1 MiB at most.
    for (int round = 0; ended && round < 4; ++round) {
      fits = out->drain(&result->out, limits.stdout_bytes) && fits;
    }
    if (!fits) {
      kill_and_reap(pid);
      return ChildEnd::kTooMuch;
    }
    if (ended) {
      *status = reap(pid);
      return WIFSIGNALED(*status) ? ChildEnd::kSignalled : ChildEnd::kExited;
    }
    const bool stopped = stop.stop_requested();
    if (!stopped && SteadyClock::now() < end) continue;
    kill_and_reap(pid);
    return stopped ? ChildEnd::kStopped : ChildEnd::kTooSlow;
  }
}

}  // namespace

ChildResult run_child(const std::vector<std::string>& words, const ChildLimits& limits,
                      const std::stop_token& stop) {
  ChildResult result;
  Pipe out;
  Pipe err;
  if (!out.good() || !err.good() || words.empty()) {
    result.number = words.empty() ? ENOENT : EMFILE;
    return result;
  }
  pid_t pid = 0;
  result.number = spawn(words, out, err, &pid);
  if (result.number != 0) return result;
  out.close_end(1);
  err.close_end(1);
  int status = 0;
  result.end = watch(pid, &out, &err, limits, stop, &result, &status);
  if (result.end == ChildEnd::kExited) result.number = WEXITSTATUS(status);
  if (result.end == ChildEnd::kSignalled) result.number = WTERMSIG(status);
  return result;
}

}  // namespace vesto
