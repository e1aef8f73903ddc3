// A TCP socket that is waited for with a deadline and a stop: what the probe and the SSH tunnel
// stand on.
// Thread rule: one thread at a time.
#ifndef VESTO_NET_SOCKET_H_
#define VESTO_NET_SOCKET_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"

namespace vesto {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) : fd_(fd) {}
  ~Socket();
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] bool open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

// A deadline on the monotonic clock, and a stop that ends waits early.
struct WaitLimit {
  int64_t deadline_ms = 0;
  std::stop_token stop;
};

// Waits until `fd` is ready for `events` (poll's). kReady also where the other side has hung up.
enum class Waited { kReady, kTimeout, kStopped };
Waited wait_for(int fd, short events, const WaitLimit& limit);

// Addresses of `host`, numeric, in the resolver's order without repeats, at most 16. Blocks as
// long as the resolver does.
// Errors: NET-DNS, with the resolver's words.
Result<std::vector<std::string>> resolve(const std::string& host);

// Why a TCP connection was not made.
struct DialFault {
  enum class Kind { kRefused, kTimeout, kReset, kUnreachable, kStopped, kOther };
  Kind kind = Kind::kOther;
  std::string text;  // the system's words
};

// A connection to the numeric `address`, non-blocking, without Nagle's delay.
Result<Socket, DialFault> dial_tcp(const std::string& address, int port, const WaitLimit& limit);

// "10.0.0.7": the address that this end of the connection has; "" if the system does not tell.
std::string local_address(int fd);

// Whether an address is only known inside a network: 10/8, 172.16/12, 192.168/16, 100.64/10,
// 169.254/16, fc00::/7, fe80::/10 (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
bool is_private_address(const std::string& address);

}  // namespace vesto

#endif  // VESTO_NET_SOCKET_H_
