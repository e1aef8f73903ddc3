// TCP connections that are waited for with a deadline and a stop. A name with several addresses is
// dialled as a race: an address that drops everything costs a quarter of a second, not the limit.
// The probe and libpq's connections (pg/dial.h) run the race; the SSH session, which is stepped by
// a poll loop of its own, begins its connections here.
// Source: RFC 8305 section 5 (staggered attempts), without its sorting: the resolver's order holds.
// Thread rule: pure but for the sockets they are given; any thread.
#ifndef VESTO_NET_SOCKET_H_
#define VESTO_NET_SOCKET_H_

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/owned_fd.h"

namespace vesto {

// A deadline on the monotonic clock, and a stop that ends waits early.
struct WaitLimit {
  int64_t deadline_ms = 0;
  std::stop_token stop;
};

// Waits until `fd` is ready for `events` (poll's). kReady also where the other side has hung up.
enum class Waited { kReady, kTimeout, kStopped };
Waited wait_for(int fd, short events, const WaitLimit& limit);

// Why a TCP connection was not made.
struct DialFault {
  enum class Kind { kRefused, kTimeout, kReset, kUnreachable, kStopped, kOther };
  Kind kind = Kind::kOther;
  std::string text;  // the system's words
  int number = 0;    // errno; 0: none
};

// Begins a connection to the numeric `address`: non-blocking, without Nagle's delay. POLLOUT tells
// that it was made or failed; dial_outcome() says which.
Result<OwnedFd, DialFault> start_dial(const std::string& address, int port);

// The errno of a connection that POLLOUT was told of; 0: it stands.
int dial_outcome(int fd);

// errno as people sort it.
DialFault dial_fault_of(int number);

// All attempts of a race failed: the fault that tells most, and whose it is.
struct LostRace {
  size_t index = 0;
  DialFault fault;
  std::string our_address;  // of one that nobody answered: what it was dialled from; or ""
};

// Attempts 0..count-1, one more each 250 ms and at once when one fails; the first that stands wins.
// `start` begins one and gives its descriptor, which stays the caller's, as do those of the losers.
// At most `count` descriptors are open at one time. Ends at the limit; kTimeout, kStopped.
using DialStart = std::function<Result<int, DialFault>(size_t index)>;
Result<size_t, LostRace> race_dials(size_t count, const DialStart& start, const WaitLimit& limit);

// The race over `addresses` (numeric), each at `port`.
struct Dialled {
  size_t index = 0;  // of the address
  OwnedFd fd;
};
Result<Dialled, LostRace> dial_tcp(const std::vector<std::string>& addresses, int port,
                                   const WaitLimit& limit);

// "10.0.0.7"; "" where it is none.
std::string numeric_address(const sockaddr* address, socklen_t size);

// "10.0.0.7": the address that this end of the connection has; "" if the system does not tell.
std::string local_address(int fd);

// Whether an address is only known inside a network: 10/8, 172.16/12, 192.168/16, 100.64/10,
// 169.254/16, fc00::/7, fe80::/10 (RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291).
bool is_private_address(const std::string& address);

}  // namespace vesto

#endif  // VESTO_NET_SOCKET_H_
