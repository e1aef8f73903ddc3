#include "sandbox/wire/channel.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sandbox/wire/message.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kReadBytes = 64 * 1024;
constexpr size_t kKeepBytes = 1024 * 1024;  // a larger empty buffer is given back

}  // namespace

Channel::Channel(int fd) : fd_(fd) {}

Channel::~Channel() {
  if (ssl_ != nullptr) {
    if (!broken_) SSL_shutdown(ssl_);
    SSL_free(ssl_);
    ERR_clear_error();
  }
  ::close(fd_);
}

bool Channel::start_tls(const TlsContext& context) {
  if (has_buffered()) return false;
  ssl_ = SSL_new(context.get());
  if (ssl_ == nullptr || SSL_set_fd(ssl_, fd_) != 1 || SSL_accept(ssl_) != 1) {
    ERR_clear_error();
    broken_ = true;
    return false;
  }
  return true;
}

void Channel::set_read_timeout_ms(int64_t timeout_ms) {
  timeval limit{};
  limit.tv_sec = timeout_ms / 1000;
  limit.tv_usec = static_cast<suseconds_t>(timeout_ms % 1000 * 1000);
  ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

int64_t Channel::receive(char* buffer, size_t size) {
  if (ssl_ != nullptr) {
    size_t got = 0;
    errno = 0;
    if (SSL_read_ex(ssl_, buffer, size, &got) == 1) return static_cast<int64_t>(got);
    const int reason = SSL_get_error(ssl_, 0);
    const bool timed_out = reason == SSL_ERROR_WANT_READ;
    if (!timed_out) broken_ = true;
    ERR_clear_error();
    return timed_out ? -2 : 0;
  }
  while (true) {
    const ssize_t got = ::recv(fd_, buffer, size, 0);
    if (got > 0) return got;
    if (got < 0 && errno == EINTR) continue;
    return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? -2 : 0;
  }
}

Channel::Read Channel::fill(size_t needed) {
  while (in_.size() - in_at_ < needed) {
    if (in_at_ > 0) {
      in_.erase(0, in_at_);
      in_at_ = 0;
      if (in_.empty() && in_.capacity() > kKeepBytes) in_.shrink_to_fit();
    }
    const size_t have = in_.size();
    const size_t room = std::clamp(needed - have, kReadBytes, kReadBytes * 16);
    in_.resize(have + room);
    const int64_t got = receive(in_.data() + have, room);
    in_.resize(have + static_cast<size_t>(std::max<int64_t>(got, 0)));
    if (got == -2) return Read::kTimedOut;
    if (got <= 0) return Read::kClosed;
  }
  return Read::kOk;
}

Channel::Read Channel::read_packet(std::string_view* body, size_t max_bytes) {
  if (const Read done = fill(4); done != Read::kOk) return done;
  FieldReader reader(std::string_view(in_).substr(in_at_));
  const int32_t length = reader.int32();
  if (length < 4 || static_cast<size_t>(length) > max_bytes) return Read::kTooLarge;
  if (const Read done = fill(static_cast<size_t>(length)); done != Read::kOk) return done;
  *body = std::string_view(in_).substr(in_at_ + 4, static_cast<size_t>(length) - 4);
  in_at_ += static_cast<size_t>(length);
  return Read::kOk;
}

Channel::Read Channel::read_message(char* type, std::string_view* body, size_t max_bytes) {
  if (const Read done = fill(5); done != Read::kOk) return done;
  FieldReader reader(std::string_view(in_).substr(in_at_));
  *type = reader.byte();
  const int32_t length = reader.int32();
  if (length < 4 || static_cast<size_t>(length) > max_bytes) return Read::kTooLarge;
  const size_t whole = static_cast<size_t>(length) + 1;
  if (const Read done = fill(whole); done != Read::kOk) return done;
  *body = std::string_view(in_).substr(in_at_ + 5, whole - 5);
  in_at_ += whole;
  return Read::kOk;
}

bool Channel::has_buffered() const {
  return in_.size() > in_at_ || (ssl_ != nullptr && SSL_pending(ssl_) > 0);
}

bool Channel::flush() {
  size_t sent = 0;
  while (!broken_ && sent < out_.size()) {
    if (ssl_ != nullptr) {
      size_t wrote = 0;
      if (SSL_write_ex(ssl_, out_.data() + sent, out_.size() - sent, &wrote) != 1) broken_ = true;
      ERR_clear_error();
      sent += wrote;
      continue;
    }
    const ssize_t wrote = ::send(fd_, out_.data() + sent, out_.size() - sent, MSG_NOSIGNAL);
    if (wrote > 0) {
      sent += static_cast<size_t>(wrote);
    } else if (errno != EINTR) {
      broken_ = true;
    }
  }
  out_.clear();
  if (out_.capacity() > kKeepBytes) out_.shrink_to_fit();
  return !broken_;
}

void Channel::interrupt() { ::shutdown(fd_, SHUT_RDWR); }

bool Channel::wait_either(const Channel& a, const Channel& b, bool* a_ready, bool* b_ready,
                          int timeout_ms) {
  *a_ready = a.has_buffered();
  *b_ready = b.has_buffered();
  if (*a_ready || *b_ready) return true;
  std::array<pollfd, 2> fds = {pollfd{a.fd_, POLLIN, 0}, pollfd{b.fd_, POLLIN, 0}};
  int ready = 0;
  do {
    ready = ::poll(fds.data(), fds.size(), timeout_ms);
  } while (ready < 0 && errno == EINTR);
  *a_ready = fds[0].revents != 0;
  *b_ready = fds[1].revents != 0;
  return ready > 0;
}

bool Channel::readable_now() const {
  if (has_buffered()) return true;
  pollfd fd = {fd_, POLLIN, 0};
  return ::poll(&fd, 1, 0) > 0;
}

}  // namespace vesto::sandbox
