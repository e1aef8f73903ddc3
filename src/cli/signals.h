// SIGINT and SIGTERM: the first one asks a run to stop in order, the second ends the process at
// once. SIGUSR1: print the progress now.
//
//   block_signals();                      // in main, before any thread is made
//   SignalStop stop([&] { display.show_now(); });
//   run(stop.token());
//   if (stop.received() != 0) ...
//
// Thread rule: one SignalStop a process; any thread may ask it.
#ifndef VESTO_CLI_SIGNALS_H_
#define VESTO_CLI_SIGNALS_H_

#include <atomic>
#include <functional>
#include <stop_token>
#include <thread>

namespace vesto::cli {

// Threads inherit the mask, so that only SignalStop gets them.
void block_signals();

class SignalStop {
 public:
  // The callback runs in SignalStop's thread.
  explicit SignalStop(std::function<void()> on_user_signal);
  ~SignalStop();
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  // The signal that asked to stop; 0 = none.
  [[nodiscard]] int received() const { return received_; }

 private:
  void watch();
  void handle(int signal);

  std::function<void()> on_user_signal_;
  std::stop_source source_;
  std::atomic<int> received_{0};
  int signals_ = -1;  // signalfd
  int end_ = -1;      // eventfd, written by the destructor
  std::thread thread_;
};

}  // namespace vesto::cli

#endif  // VESTO_CLI_SIGNALS_H_
