#include "address/http_origin.h"

#include <algorithm>
#include <cctype>

#include "base/strings.h"

namespace vesto {

namespace {

Error bad_origin(std::string_view text, std::string_view why) {
  // What stands before an @ may be a password.
  if (text.find('@') != std::string_view::npos) {
    return Error(ErrorCode::kCfgValue, "an endpoint holds a user or password before its @")
        .with_hint("Write host and port alone: https://host:9000. Requests are signed by keys.");
  }
  return Error(ErrorCode::kCfgValue, "endpoint \"" + std::string(cut_utf8(text, 200)) + "\" " +
                                         std::string(why) +
                                         "; expected a form like https://host:9000");
}

bool is_host_name(std::string_view host) {
  if (host.empty() || host.size() > 253) return false;
  return std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

bool is_ipv6_literal(std::string_view host) {
  if (host.size() < 4 || host.front() != '[' || host.back() != ']') return false;
  const std::string_view inner = host.substr(1, host.size() - 2);
  return std::all_of(inner.begin(), inner.end(), [](char c) {
    return std::isxdigit(static_cast<unsigned char>(c)) != 0 || c == ':' || c == '.';
  });
}

}  // namespace

std::string HttpOrigin::host_header() const {
  const int default_port = tls ? 443 : 80;
  return port == default_port ? host : host + ":" + std::to_string(port);
}

std::string HttpOrigin::url() const { return (tls ? "https://" : "http://") + host_header(); }

bool HttpOrigin::is_address() const {
  if (is_ipv6_literal(host)) return true;
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
}

Result<HttpOrigin> parse_origin(std::string_view text) {
  HttpOrigin origin;
  std::string lower = to_lower_ascii(trim(text));
  std::string_view rest = lower;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
    origin.tls = false;
    origin.port = 80;
  } else {
    return bad_origin(text, "does not begin with https:// or http://");
  }
  if (rest.ends_with('/')) rest.remove_suffix(1);
  if (rest.find_first_of("/?#@\\") != std::string_view::npos) {
    return bad_origin(text, "holds more than a host and a port");
  }
  const size_t bracket = rest.rfind(']');
  const size_t colon = rest.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket);
  if (has_port) {
    const auto port = parse_int(rest.substr(colon + 1));
    if (!port || *port < 1 || *port > 65535) return bad_origin(text, "has no valid port");
    origin.port = static_cast<int>(*port);
    rest = rest.substr(0, colon);
  }
  if (!is_host_name(rest) && !is_ipv6_literal(rest)) {
    return bad_origin(text, "has no valid host name");
  }
  origin.host = std::string(rest);
  return origin;
}

bool is_loopback_host(std::string_view host) {
  const bool digits = host.find_first_not_of("0123456789.") == std::string_view::npos;
  return host == "localhost" || host.ends_with(".localhost") || host == "[::1]" ||
         (digits && host.starts_with("127."));
}

Result<HttpOrigin> parse_service_origin(std::string_view text) {
  VESTO_ASSIGN(HttpOrigin origin, parse_origin(text));
  if (origin.tls || is_loopback_host(origin.host)) return origin;
  return Error(ErrorCode::kCfgValue,
               "endpoint \"" + std::string(cut_utf8(text, 200)) +
                   "\" is plain http, which is for this machine alone (localhost, 127.0.0.1): "
                   "whoever is on the way could read what the credentials give")
      .with_hint("Write https://, and have the service, or what stands before it, speak TLS.");
}

}  // namespace vesto
