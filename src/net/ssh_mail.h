// What the threads that dial and the thread that owns the session share: requests, wishes to close,
// what is known of the tunnel. Both sides may outlive the other.
// Thread rule: any thread.
#ifndef VESTO_NET_SSH_MAIL_H_
#define VESTO_NET_SSH_MAIL_H_

#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mutex.h"
#include "base/result.h"
#include "net/dialer.h"
#include "net/ssh_parts.h"
#include "net/ssh_session.h"

namespace vesto {

// Why a way was cut, and whether its owner still wants it.
struct SshRouteState {
  std::atomic<bool> released{false};
  Mutex mutex;
  std::optional<Error> failure VESTO_GUARDED_BY(mutex);

  // The first reason stands.
  void fail(const Error& error) VESTO_EXCLUDES(mutex) {
    Lock lock(mutex);
    if (!failure) failure = error;
  }
};

// One dial() under way.
struct SshDial {
  std::string host;
  int port = 0;
  int64_t timeout_ms = 0;  // as it was asked for, for messages
  int64_t deadline_ms = 0;
  std::vector<std::string> addresses;  // of the bastion; empty: there was a session to use
  Mutex mutex;
  CondVar done;
  std::optional<Result<Route>> answer VESTO_GUARDED_BY(mutex);  // set once
  // There is no session any more, and no address to make one: dial again with addresses.
  bool needs_addresses VESTO_GUARDED_BY(mutex) = false;
  bool given_up VESTO_GUARDED_BY(mutex) = false;
  bool stopped VESTO_GUARDED_BY(mutex) = false;

  // False: nobody waits for it any more.
  bool answer_with(Result<Route> result) VESTO_EXCLUDES(mutex) {
    Lock lock(mutex);
    if (given_up || answer) return false;
    answer.emplace(std::move(result));
    done.notify_all();
    return true;
  }
  bool is_given_up() VESTO_EXCLUDES(mutex) {
    Lock lock(mutex);
    return given_up;
  }
};

class SshMail {
 public:
  static constexpr size_t kMaxWaiting = 256;  // dials that the thread has not seen yet

  SshMail() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

  [[nodiscard]] int wake_fd() const { return wake_.get(); }
  void wake() const {
    const uint64_t one = 1;
    // A full counter wakes as well.
    [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof(one));
  }
  void clear_wake() const {
    uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &count, sizeof(count));
  }

  // Errors: SSH-FORWARD when the queue is full, and what the thread ended by if it has ended.
  Status post(std::shared_ptr<SshDial> dial) VESTO_EXCLUDES(mutex_) {
    {
      Lock lock(mutex_);
      if (fault_) return *fault_;
      if (dials_.size() >= kMaxWaiting) {
        return Error(ErrorCode::kSshForward,
                     "more than 256 connections through the tunnel are asked for at one time");
      }
      dials_.push_back(std::move(dial));
    }
    wake();
    return ok_status();
  }
  std::deque<std::shared_ptr<SshDial>> take_dials() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return std::exchange(dials_, {});
  }
  // The thread ends by this. No dial is taken from now on; those that it has not seen come back.
  std::deque<std::shared_ptr<SshDial>> close(const Error& why) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    fault_ = why;
    return std::exchange(dials_, {});
  }
  [[nodiscard]] std::optional<Error> fault() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return fault_;
  }
  // A new thread begins where the last one ended by a fault.
  void reopen() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    fault_.reset();
    has_session = false;
  }

  void set_host_key(std::string text) VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    host_key_ = std::move(text);
  }
  [[nodiscard]] std::string host_key() VESTO_EXCLUDES(mutex_) {
    Lock lock(mutex_);
    return host_key_;
  }

  std::atomic<bool> stopping{false};
  std::atomic<bool> has_session{false};
  std::atomic<int64_t> sessions{0};
  std::atomic<int64_t> connections{0};
  std::atomic<int64_t> sent_bytes{0};
  std::atomic<int64_t> received_bytes{0};

 private:
  OwnedFd wake_;
  Mutex mutex_;
  std::deque<std::shared_ptr<SshDial>> dials_ VESTO_GUARDED_BY(mutex_);
  std::optional<Error> fault_ VESTO_GUARDED_BY(mutex_);
  std::string host_key_ VESTO_GUARDED_BY(mutex_);
};

}  // namespace vesto

#endif  // VESTO_NET_SSH_MAIL_H_
