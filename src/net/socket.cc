#include "net/socket.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>

#include "base/clock.h"

namespace vesto {

namespace {

constexpr int64_t kStopLookMs = 50;  // how often a wait looks whether it was stopped
constexpr int64_t kLongestPollMs = 60'000;
constexpr int64_t kStaggerMs = 250;  // RFC 8305's Connection Attempt Delay

struct AddrInfoDeleter {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using AddrInfo = std::unique_ptr<addrinfo, AddrInfoDeleter>;

AddrInfo parse_address(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &list) != 0) {
    return nullptr;
  }
  return AddrInfo(list);
}

int64_t poll_ms(int64_t left_ms, const std::stop_token& stop) {
  return std::min(left_ms, stop.stop_possible() ? kStopLookMs : kLongestPollMs);
}

// Of several addresses the fault that tells most is kept: somebody who refuses is nearer than
// nobody who answers, and that is nearer than no route.
int telling(DialFault::Kind kind) {
  switch (kind) {
    case DialFault::Kind::kOther:
    case DialFault::Kind::kUnreachable:
      return 0;
    case DialFault::Kind::kTimeout:
      return 1;
    case DialFault::Kind::kRefused:
    case DialFault::Kind::kReset:
      return 2;
    case DialFault::Kind::kStopped:
      return 3;
  }
  return 0;
}

class Race {
 public:
  Race(size_t count, const DialStart& start, const WaitLimit& limit)
      : count_(count), start_(start), limit_(limit) {}

  Result<size_t, LostRace> run() {
    while (true) {
      if (limit_.stop.stop_requested()) return ended(DialFault::Kind::kStopped, "stopped");
      const int64_t now_ms = system_clock().monotonic_ms();
      if (now_ms >= limit_.deadline_ms) return ended(DialFault::Kind::kTimeout, "no answer");
      while (next_ < count_ && (running_.empty() || now_ms >= next_at_ms_)) begin(now_ms);
      if (running_.empty()) return *std::move(lost_);
      if (const std::optional<size_t> won = wait(now_ms)) return *won;
    }
  }

 private:
  struct Attempt {
    size_t index;
    int fd;
  };

  void begin(int64_t now_ms) {
    auto started = start_(next_);
    next_at_ms_ = now_ms + kStaggerMs;
    if (started.ok()) {
      running_.push_back({.index = next_, .fd = *started});
    } else {
      note(next_, std::move(started).error());
      next_at_ms_ = now_ms;  // the next one need not wait
    }
    ++next_;
  }

  void note(size_t index, DialFault fault) {
    if (lost_ && telling(fault.kind) <= telling(lost_->fault.kind)) return;
    lost_ = LostRace{.index = index, .fault = std::move(fault), .our_address = ""};
  }

  LostRace ended(DialFault::Kind kind, const char* text) {
    const Attempt first = running_.empty() ? Attempt{.index = 0, .fd = -1} : running_.front();
    note(first.index, DialFault{.kind = kind, .text = text, .number = 0});
    if (lost_->fault.kind == DialFault::Kind::kTimeout)
      lost_->our_address = local_address(first.fd);
    return *std::move(lost_);
  }

  std::optional<size_t> wait(int64_t now_ms) {
    int64_t wait_ms = poll_ms(limit_.deadline_ms - now_ms, limit_.stop);
    if (next_ < count_) wait_ms = std::min(wait_ms, next_at_ms_ - now_ms);
    std::vector<pollfd> fds;
    for (const Attempt& one : running_) fds.push_back({one.fd, POLLOUT, 0});
    if (::poll(fds.data(), fds.size(), static_cast<int>(std::max<int64_t>(wait_ms, 0))) <= 0) {
      return std::nullopt;
    }
    std::vector<Attempt> left;
    for (size_t i = 0; i < running_.size(); ++i) {
      if (fds[i].revents == 0) {
        left.push_back(running_[i]);
        continue;
      }
      const int number = dial_outcome(running_[i].fd);
      if (number == 0) return running_[i].index;
      note(running_[i].index, dial_fault_of(number));
      next_at_ms_ = now_ms;  // somebody said no: the next one need not wait
    }
    running_ = std::move(left);
    return std::nullopt;
  }

  const size_t count_;
  const DialStart& start_;
  const WaitLimit& limit_;
  std::vector<Attempt> running_;
  size_t next_ = 0;
  int64_t next_at_ms_ = 0;
  std::optional<LostRace> lost_;
};

}  // namespace

Waited wait_for(int fd, short events, const WaitLimit& limit) {
  while (true) {
    if (limit.stop.stop_requested()) return Waited::kStopped;
    const int64_t left_ms = limit.deadline_ms - system_clock().monotonic_ms();
    if (left_ms <= 0) return Waited::kTimeout;
    pollfd one{fd, events, 0};
    if (::poll(&one, 1, static_cast<int>(poll_ms(left_ms, limit.stop))) > 0) return Waited::kReady;
  }
}

DialFault dial_fault_of(int number) {
  DialFault fault{.kind = DialFault::Kind::kOther,
                  .text = std::generic_category().message(number),
                  .number = number};
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

Result<OwnedFd, DialFault> start_dial(const std::string& address, int port) {
  const AddrInfo to = parse_address(address, port);
  if (!to) return DialFault{.text = "no address: " + address};
  OwnedFd fd(::socket(to->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.open()) return dial_fault_of(errno);
  const int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::connect(fd.get(), to->ai_addr, to->ai_addrlen) != 0 && errno != EINPROGRESS) {
    return dial_fault_of(errno);
  }
  return fd;
}

int dial_outcome(int fd) {
  int number = 0;
  socklen_t size = sizeof number;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &number, &size) != 0) return errno;
  return number;
}

Result<size_t, LostRace> race_dials(size_t count, const DialStart& start, const WaitLimit& limit) {
  if (count == 0) return LostRace{.index = 0, .fault = {.text = "no address"}, .our_address = ""};
  return Race(count, start, limit).run();
}

Result<Dialled, LostRace> dial_tcp(const std::vector<std::string>& addresses, int port,
                                   const WaitLimit& limit) {
  std::vector<OwnedFd> fds(addresses.size());
  const auto start = [&](size_t index) -> Result<int, DialFault> {
    VESTO_ASSIGN(fds[index], start_dial(addresses[index], port));
    return fds[index].get();
  };
  VESTO_ASSIGN(const size_t won, race_dials(addresses.size(), start, limit));
  return Dialled{.index = won, .fd = std::move(fds[won])};
}

std::string numeric_address(const sockaddr* address, socklen_t size) {
  std::array<char, NI_MAXHOST> text{};
  if (::getnameinfo(address, size, text.data(), text.size(), nullptr, 0, NI_NUMERICHOST) != 0) {
    return "";
  }
  return text.data();
}

std::string local_address(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  // The sockets API takes every kind of address by this one pointer.
  auto* plain = reinterpret_cast<sockaddr*>(&address);
  if (::getsockname(fd, plain, &size) != 0) return "";
  return numeric_address(plain, size);
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
