// The addresses of a host's name, within a bound. getaddrinfo() blocks as long as the system's
// resolver likes and nothing ends it, so it is called in a thread of its own, which is left to
// itself when the time is over or a stop is requested; it ends with the resolver's own limits.
// At most 16 such threads are left behind in the process.
// Source: POSIX getaddrinfo(); the order is that of RFC 6724, which the resolver applies.
#ifndef VESTO_NET_RESOLVE_H_
#define VESTO_NET_RESOLVE_H_

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/socket.h"

namespace vesto {

// Addresses of `host`, numeric, in the resolver's order without repeats, at most 16; never empty.
// An address in numbers is its own. Any thread.
// Errors: NET-DNS, with the resolver's words or that it did not answer; RUN-INTERRUPTED.
Result<std::vector<std::string>> resolve(const std::string& host, const WaitLimit& limit);

// The same as a value: a test hands in another one. Empty: resolve().
using Resolver =
    std::function<Result<std::vector<std::string>>(const std::string& host, const WaitLimit&)>;

}  // namespace vesto

#endif  // VESTO_NET_RESOLVE_H_
