#include "net/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>

#include "base/clock.h"

namespace vesto {

namespace {

constexpr size_t kMaxAddresses = 16;
constexpr int64_t kStopLookMs = 50;  // how often a wait looks whether it was stopped

struct AddrInfoDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using AddrInfo = std::unique_ptr<addrinfo, AddrInfoDeleter>;

std::string system_text(int number) { return std::generic_category().message(number); }

// The number of a wanted or failed connection, as people sort it.
DialFault fault_of(int number) {
  DialFault fault{.kind = DialFault::Kind::kOther, .text = system_text(number)};
  switch (number) {
    case ECONNREFUSED:
      fault.kind = DialFault::Kind::kRefused;
      break;
    case ETIMEDOUT:
      fault.kind = DialFault::Kind::kTimeout;
      break;
    case ECONNRESET:
    case EPIPE:
      fault.kind = DialFault::Kind::kReset;
      break;
    case ENETUNREACH:
    case EHOSTUNREACH:
    case EADDRNOTAVAIL:
    case EAFNOSUPPORT:
    case ENETDOWN:
    case EINVAL:  // a blackhole route
      fault.kind = DialFault::Kind::kUnreachable;
      break;
    default:
      break;
  }
  return fault;
}

std::string numeric(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "";
  }
  return text.data();
}

AddrInfo numeric_address(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) {
    return nullptr;
  }
  return AddrInfo(list);
}

}  // namespace

Socket::~Socket() {
  if (fd_ >= 0) ::close(fd_);
}

Socket& Socket::operator=(Socket&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

Waited wait_for(int fd, short events, const WaitLimit& limit) {
  while (true) {
    if (limit.stop.stop_requested()) return Waited::kStopped;
    const int64_t left_ms = limit.deadline_ms - system_clock().monotonic_ms();
    if (left_ms <= 0) return Waited::kTimeout;
    pollfd one{fd, events, 0};
    const int64_t slice_ms = limit.stop.stop_possible() ? kStopLookMs : int64_t{60'000};
    if (::poll(&one, 1, static_cast<int>(std::min(left_ms, slice_ms))) > 0) return Waited::kReady;
  }
}

Result<std::vector<std::string>> resolve(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int outcome = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  if (outcome != 0) {  // a machine whose only network is loopback has no "configured" family
    hints.ai_flags = 0;
    outcome = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  }
  if (outcome != 0) {
    const std::string words =
        outcome == EAI_SYSTEM ? system_text(errno) : std::string(::gai_strerror(outcome));
    return Error(ErrorCode::kNetDns, "the name " + host + " has no address: " + words)
        .with_upstream({.system = "resolver", .code = "", .text = words, .request_id = ""});
  }
  const AddrInfo owned(list);
  std::vector<std::string> out;
  for (const addrinfo* at = list; at != nullptr && out.size() < kMaxAddresses; at = at->ai_next) {
    std::string text = numeric(at->ai_addr, at->ai_addrlen);
    if (text.empty() || std::find(out.begin(), out.end(), text) != out.end()) continue;
    out.push_back(std::move(text));
  }
  if (out.empty()) return Error(ErrorCode::kNetDns, "the name " + host + " has no address");
  return out;
}

Result<Socket, DialFault> dial_tcp(const std::string& address, int port, const WaitLimit& limit) {
  const AddrInfo to = numeric_address(address, port);
  if (!to) return DialFault{.kind = DialFault::Kind::kOther, .text = "no address: " + address};
  Socket socket(::socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.open()) return fault_of(errno);
  if (::connect(socket.fd(), to->ai_addr, to->ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return fault_of(errno);
    const Waited waited = wait_for(socket.fd(), POLLOUT, limit);
    if (waited == Waited::kStopped) return DialFault{DialFault::Kind::kStopped, "stopped"};
    if (waited == Waited::kTimeout) return DialFault{DialFault::Kind::kTimeout, "no answer"};
    int number = 0;
    socklen_t size = sizeof number;
    if (::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &number, &size) != 0) number = errno;
    if (number != 0) return fault_of(number);
  }
  const int on = 1;
  ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

std::string local_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  // The sockets API takes every kind of address by this one pointer.
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(fd, plain, &size) != 0) return "";
  return numeric(plain, size);
}

bool is_private_address(const std::string& address) {
  in_addr four{};
  if (::inet_pton(AF_INET, address.c_str(), &four) == 1) {
    const uint32_t bits = ntohl(four.s_addr);
    return (bits >> 24) == 10 || (bits >> 20) == 0xAC1 || (bits >> 16) == 0xC0A8 ||
           (bits >> 22) == (0x64400000U >> 22) || (bits >> 16) == 0xA9FE;
  }
  in6_addr six{};
  const std::string bare = address.substr(0, address.find('%'));
  if (::inet_pton(AF_INET6, bare.c_str(), &six) != 1) return false;
  return (six.s6_addr[0] & 0xFE) == 0xFC ||
         (six.s6_addr[0] == 0xFE && (six.s6_addr[1] & 0xC0) == 0x80);
}

}  // namespace vesto
