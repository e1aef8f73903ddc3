#include "tests/support/tcp_target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <set>
#include <thread>
#include <vector>

namespace vesto::testing_support {
namespace {

sockaddr_in loopback(int port) {
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

int bound_socket(int* port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof(address);
  ::bind(fd, reinterpret_cast<sockaddr*>(&address), size);
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  *port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

struct TcpTarget::State {
  Handler handler;
  int listener = -1;
  int port = 0;
  std::atomic<int> connections{0};
  std::mutex mutex;
  std::set<int> open;
  std::vector<std::thread> workers;
  std::thread acceptor;
  bool stopping = false;

  void serve(int fd) {
    handler(fd);
    const std::lock_guard lock(mutex);
    open.erase(fd);
    ::close(fd);
  }
  void accept_all() {
    for (int fd = 0; (fd = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)) >= 0;) {
      const std::lock_guard lock(mutex);
      if (stopping) {
        ::close(fd);
        continue;
      }
      ++connections;
      open.insert(fd);
      workers.emplace_back([this, fd] { serve(fd); });
    }
  }
};

TcpTarget::TcpTarget(Handler handler) : state_(std::make_unique<State>()) {
  state_->handler = std::move(handler);
  state_->listener = bound_socket(&state_->port);
  ::listen(state_->listener, 128);
  state_->acceptor = std::thread([state = state_.get()] { state->accept_all(); });
}

TcpTarget::~TcpTarget() {
  {
    const std::lock_guard lock(state_->mutex);
    state_->stopping = true;
    for (const int fd : state_->open) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(state_->listener, SHUT_RDWR);
  state_->acceptor.join();
  for (std::thread& worker : state_->workers) worker.join();
  ::close(state_->listener);
}

int TcpTarget::port() const { return state_->port; }
int TcpTarget::connections() const { return state_->connections; }

void TcpTarget::echo(int fd) {
  for (std::string got; !(got = tcp_read(fd, 1)).empty();) {
    std::string more(65'536, '\0');
    const ssize_t size = ::recv(fd, more.data(), more.size(), MSG_DONTWAIT);
    more.resize(size > 0 ? static_cast<size_t>(size) : 0);
    if (!tcp_send(fd, got + more)) return;
  }
  ::shutdown(fd, SHUT_WR);
}

int tcp_connect(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const timeval limit = {.tv_sec = 20, .tv_usec = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
  const sockaddr_in address = loopback(port);
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  ::close(fd);
  return -1;
}

bool tcp_send(int fd, const std::string& bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const ssize_t sent = ::send(fd, bytes.data() + at, bytes.size() - at, MSG_NOSIGNAL);
    if (sent <= 0) return false;
    at += static_cast<size_t>(sent);
  }
  return true;
}

std::string tcp_read(int fd, size_t size, bool* failed) {
  std::string bytes(size, '\0');
  size_t at = 0;
  while (at < size) {
    const ssize_t got = ::recv(fd, bytes.data() + at, size - at, 0);
    if (got < 0 && failed != nullptr) *failed = true;
    if (got <= 0) break;
    at += static_cast<size_t>(got);
  }
  bytes.resize(at);
  return bytes;
}

void tcp_reset(int fd) {
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  ::close(fd);
}

int unused_port() {
  int port = 0;
  ::close(bound_socket(&port));
  return port;
}

}  // namespace vesto::testing_support
