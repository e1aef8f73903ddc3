#include "sandbox/http/net_stream.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxSslWrite = 1U << 20U;  // SSL_write takes an int
constexpr size_t kMaxDrain = 16U << 20U;    // after an early answer: bytes read and thrown away
constexpr int kDrainTimeoutMs = 2000;

IoError io_error_of_errno() {
  return (errno == EAGAIN || errno == EWOULDBLOCK) ? IoError::kTimeout : IoError::kFailed;
}

}  // namespace

NetStream::NetStream(int fd) : fd_(fd) {
  const int one = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

NetStream::~NetStream() {
  if (ssl_ != nullptr) SSL_free(ssl_);
  ::close(fd_);
}

void NetStream::set_timeout_ms(int64_t timeout_ms) {
  timeval time{};
  time.tv_sec = static_cast<time_t>(timeout_ms / 1000);
  time.tv_usec = static_cast<suseconds_t>((timeout_ms % 1000) * 1000);
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof(time));
  ::setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

bool NetStream::start_tls(const TlsContext& context) {
  ERR_clear_error();
  SSL* ssl = SSL_new(context.get());
  if (ssl == nullptr) return false;
  if (SSL_set_fd(ssl, fd_) != 1 || SSL_accept(ssl) != 1) {
    SSL_free(ssl);
    ERR_clear_error();
    return false;
  }
  ssl_ = ssl;
  return true;
}

Result<size_t, IoError> NetStream::read(char* buffer, size_t size) {
  if (ssl_ == nullptr) {
    for (;;) {
      const ssize_t got = ::recv(fd_, buffer, size, 0);
      if (got > 0) return static_cast<size_t>(got);
      if (got == 0) return IoError::kClosed;
      if (errno != EINTR) return io_error_of_errno();
    }
  }
  ERR_clear_error();
  errno = 0;
  const int got = SSL_read(ssl_, buffer, static_cast<int>(std::min(size, kMaxSslWrite)));
  if (got > 0) return static_cast<size_t>(got);
  const int saved_errno = errno;
  const int code = SSL_get_error(ssl_, got);
  ERR_clear_error();
  errno = saved_errno;
  if (code == SSL_ERROR_ZERO_RETURN) return IoError::kClosed;
  if (code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE) return IoError::kTimeout;
  return io_error_of_errno();
}

bool NetStream::write(std::string_view bytes) {
  while (!bytes.empty()) {
    size_t sent = 0;
    if (ssl_ == nullptr) {
      const ssize_t got = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return false;
      sent = static_cast<size_t>(got);
    } else {
      ERR_clear_error();
      const int got =
          SSL_write(ssl_, bytes.data(), static_cast<int>(std::min(bytes.size(), kMaxSslWrite)));
      if (got <= 0) {
        ERR_clear_error();
        return false;
      }
      sent = static_cast<size_t>(got);
    }
    bytes.remove_prefix(sent);
  }
  return true;
}

void NetStream::close_after_sending(bool send_close) {
  if (ssl_ != nullptr && send_close) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
  }
  ::shutdown(fd_, SHUT_WR);
  // Closing a socket with unread input resets it, and the reset can overtake the answer. So the
  // rest is read first, within bounds.
  char waste[16384];
  size_t drained = 0;
  pollfd poll_fd{fd_, POLLIN, 0};
  while (drained<kMaxDrain&& ::poll(&poll_fd, 1, kDrainTimeoutMs)> 0) {
    const ssize_t got = ::recv(fd_, waste, sizeof(waste), MSG_DONTWAIT);
    if (got <= 0) break;
    drained += static_cast<size_t>(got);
  }
}

void NetStream::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

void NetStream::interrupt() { ::shutdown(fd_, SHUT_RDWR); }

std::string NetStream::peer_address() const {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  char text[INET_ADDRSTRLEN] = "";
  if (::getpeername(fd_, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      address.sin_family != AF_INET ||
      ::inet_ntop(AF_INET, &address.sin_addr, text, sizeof(text)) == nullptr) {
    return "";
  }
  return text;
}

Result<int, std::string> listen_loopback(uint16_t port, int backlog) {
  // OpenSSL writes with write(2), which raises SIGPIPE where the other side has gone.
  std::signal(SIGPIPE, SIG_IGN);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return std::string("cannot make a socket: ") + std::strerror(errno);
  const int one = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      ::listen(fd, backlog) != 0) {
    std::string text =
        "cannot listen on 127.0.0.1:" + std::to_string(port) + ": " + std::strerror(errno);
    ::close(fd);
    return text;
  }
  return fd;
}

uint16_t local_port(int fd) {
  sockaddr_in address{};
  socklen_t size = sizeof(address);
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return 0;
  return ntohs(address.sin_port);
}

}  // namespace vesto::sandbox
