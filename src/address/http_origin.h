// "https://host:port": addresses of services, taken apart. Pure; any thread.
#ifndef VESTO_ADDRESS_HTTP_ORIGIN_H_
#define VESTO_ADDRESS_HTTP_ORIGIN_H_

#include <string>
#include <string_view>

#include "base/result.h"

namespace vesto {

// "https://host:9000" taken apart. Accepts http and https, a DNS name, an IPv4 address or an IPv6
// address in brackets, a port, and at most one "/" behind; no user, path, query or fragment.
struct HttpOrigin {
  bool tls = true;
  std::string host;  // lower case; IPv6 with its brackets
  int port = 443;

  [[nodiscard]] std::string host_header() const;  // "host" or "host:port" if not the default
  [[nodiscard]] std::string url() const;          // "https://host:port", without the default port
  [[nodiscard]] bool is_address() const;          // the host is an IPv4 or IPv6 address
  bool operator==(const HttpOrigin&) const = default;
};

// Errors: CFG-VALUE.
Result<HttpOrigin> parse_origin(std::string_view text);

// Whether the host (as in HttpOrigin) is this machine: localhost, *.localhost, 127/8, ::1.
bool is_loopback_host(std::string_view host);

// Of a service that is sent credentials, or that gives them: plain http only to this machine.
// Errors: CFG-VALUE.
Result<HttpOrigin> parse_service_origin(std::string_view text);

}  // namespace vesto

#endif  // VESTO_ADDRESS_HTTP_ORIGIN_H_
