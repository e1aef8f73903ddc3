#include "cli/signals.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/thread_root.h"
#include "cli/terminal.h"

namespace vesto::cli {

namespace {

sigset_t our_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGINT, SIGTERM, SIGUSR1}) sigaddset(&set, signal);
  return set;
}

}  // namespace

void block_signals() {
  const sigset_t set = our_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

SignalStop::SignalStop(std::function<void()> on_user_signal)
    : on_user_signal_(std::move(on_user_signal)) {
  block_signals();
  const sigset_t set = our_signals();
  signals_ = signalfd(-1, &set, SFD_CLOEXEC);
  end_ = eventfd(0, EFD_CLOEXEC);
  VESTO_CHECK(signals_ >= 0 && end_ >= 0);
  thread_ = std::thread([this] {
    name_thread("signals");
    watch();
  });
}

SignalStop::~SignalStop() {
  const uint64_t one = 1;
  VESTO_CHECK(::write(end_, &one, sizeof one) == sizeof one);
  thread_.join();
  ::close(signals_);
  ::close(end_);
}

void SignalStop::watch() {
  while (true) {
    std::array<pollfd, 2> wait = {pollfd{signals_, POLLIN, 0}, pollfd{end_, POLLIN, 0}};
    if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR) return;
    if ((wait[1].revents & POLLIN) != 0) return;
    if ((wait[0].revents & POLLIN) == 0) continue;
    signalfd_siginfo info{};
    if (::read(signals_, &info, sizeof info) == sizeof info) {
      handle(static_cast<int>(info.ssi_signo));
    }
  }
}

void SignalStop::handle(int signal) {
  if (signal == SIGUSR1) {
    on_user_signal_();
    return;
  }
  // A second one: nothing may delay it. Whatever was begun is repaired by the next run.
  if (received_ != 0) ::_exit(128 + signal);
  received_ = signal;
  write_err(fmt::format("Stopping after {}; a second one ends at once.\n",
                        signal == SIGINT ? "Ctrl-C" : "SIGTERM"));
  source_.request_stop();
}

}  // namespace vesto::cli
