// How a connection reaches a server that is not dialled directly: through an SSH tunnel
// (net/ssh_tunnel.h), or a faulty twin in the tests.
// Thread rule: dial() from any thread; a Route belongs to one connection.
#ifndef VESTO_NET_DIALER_H_
#define VESTO_NET_DIALER_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/result.h"

namespace vesto {

// Where to dial in the server's place.
struct Route {
  std::string address;  // numeric: "127.0.0.1"
  int port = 0;
  // The way is open while this lives; the port takes further connections (a cancel) meanwhile.
  std::shared_ptr<void> keep;
  // Why the way was cut, if it was: the reason behind a connection that is "closed unexpectedly".
  std::function<std::optional<Error>()> failure;
};

class Dialer {
 public:
  virtual ~Dialer() = default;
  // Opens the way to host:port, as the far end resolves that name, within `timeout_ms`.
  virtual Result<Route> dial(const std::string& host, int port, int64_t timeout_ms,
                             const std::stop_token& stop) = 0;
  // For messages: "through vesto@bastion.acme.example:22".
  [[nodiscard]] virtual std::string describe() const = 0;
};

}  // namespace vesto

#endif  // VESTO_NET_DIALER_H_
