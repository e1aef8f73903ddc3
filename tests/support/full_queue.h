// A listener whose queue is full: what comes is dropped without a word, as by a security group, but
// on loopback. The queue is filled before the constructor returns.
#ifndef VESTO_TESTS_SUPPORT_FULL_QUEUE_H_
#define VESTO_TESTS_SUPPORT_FULL_QUEUE_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>

namespace vesto::testing_support {

class FullQueue {
 public:
  // `port` 0: one that is free.
  explicit FullQueue(const std::string& address = "127.0.0.1", int port = 0) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(port));
    socklen_t size = sizeof to;
    auto* plain = reinterpret_cast<sockaddr*>(&to);
    fds_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::inet_pton(AF_INET, address.c_str(), &to.sin_addr) != 1 ||
        ::bind(fds_[0], plain, size) != 0 || ::listen(fds_[0], 0) != 0 ||
        ::getsockname(fds_[0], plain, &size) != 0) {
      std::abort();
    }
    port_ = ntohs(to.sin_port);
    for (int i = 0; i < 8 && !full_; ++i) {
      fds_.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      ::connect(fds_.back(), plain, size);
      pollfd one{fds_.back(), POLLOUT, 0};
      full_ = ::poll(&one, 1, 100) == 0;
    }
    if (!full_) std::abort();
  }
  ~FullQueue() {
    for (const int fd : fds_) ::close(fd);
  }
  FullQueue(const FullQueue&) = delete;
  FullQueue& operator=(const FullQueue&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  std::vector<int> fds_;
  int port_ = 0;
  bool full_ = false;
};

}  // namespace vesto::testing_support

#endif  // VESTO_TESTS_SUPPORT_FULL_QUEUE_H_
