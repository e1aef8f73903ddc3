#include "net/dial_error.h"

#include <fmt/format.h>

#include <cerrno>
#include <string_view>

#include "base/error_causes.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr std::string_view kRefusedHint =
    "The machine is there and nobody listens at this port: check the port; a cluster that is "
    "paused or restarts refuses as well.";

// "h:5439 (10.0.0.7, one of 3 addresses)".
std::string place(const ProbeOptions& options, const std::vector<std::string>& addresses,
                  const std::string& address) {
  const std::string where = fmt::format("{}:{}", options.host, options.port);
  if (addresses.size() > 1) {
    return fmt::format("{} ({}, one of {} addresses)", where, address, addresses.size());
  }
  return address.empty() || address == options.host ? where
                                                    : fmt::format("{} ({})", where, address);
}

// "203.0.113.7/32 (public_egress)": what an allow-list has to take.
std::string seen_as(const ProbeOptions& options, std::string_view our_address) {
  if (options.dialer != nullptr) {
    return "the address of the SSH server, as the other side sees it";
  }
  if (!options.public_egress.empty()) {
    return join(options.public_egress, ", ") + " (public_egress)";
  }
  if (our_address.empty()) return "this machine's address";
  return fmt::format("{} (this machine's; behind NAT the other side sees another one)",
                     our_address);
}

// From inside the network the way is there and its own rule lacks; who is outside needs another
// way. An SSH server's own network is nobody's to open to the world.
std::string private_hint(const ProbeOptions& options, const std::string& address,
                         const std::string& our_address) {
  const bool direct = options.dialer == nullptr;
  const std::string us = !direct               ? seen_as(options, our_address)
                         : our_address.empty() ? "this machine's address"
                                               : our_address + " (this machine's)";
  return fmt::format(
      "{} is a private address. If this machine is in its network, or in one that is joined to it: "
      "add an inbound rule for TCP port {} from {}, or from its security group. If it is not: go "
      "through an SSH tunnel (section ssh){}.",
      address, options.port, us,
      options.server == ServerKind::kWarehouse ? ", or switch the warehouse's public access on"
                                               : "");
}

std::string timeout_hint(const ProbeOptions& options, const std::string& address,
                         const std::string& our_address) {
  if (is_private_address(address)) return private_hint(options, address, our_address);
  return fmt::format(
      "Most often a security group without an inbound rule for TCP port {} from {}; or the "
      "warehouse is not publicly accessible, or a network ACL or route is in the way.",
      options.port, seen_as(options, our_address));
}

bool is_ipv6(const std::string& address) { return address.find(':') != std::string::npos; }

Error of_kind(const ProbeOptions& options, const LostRace& lost, const std::string& at,
              const std::string& address, int64_t limit_ms) {
  const DialFault& fault = lost.fault;
  switch (fault.kind) {
    case DialFault::Kind::kRefused:
      return Error(ErrorCode::kNetRefused, at + " refuses the connection")
          .with_hint(std::string(kRefusedHint))
          .because(cause_named("nobody-listens"));
    case DialFault::Kind::kTimeout:
      return Error(ErrorCode::kNetTimeout,
                   fmt::format("no answer from {} within {}", at, format_duration(limit_ms)))
          .with_hint(timeout_hint(options, address, lost.our_address))
          .because(
              cause_named(is_private_address(address) ? "private-address" : "no-inbound-rule"));
    case DialFault::Kind::kReset:
      return Error(ErrorCode::kNetReset, at + " cut the connection while it was made")
          .because(cause_named("cut-at-once"));
    case DialFault::Kind::kUnreachable:
      return Error(ErrorCode::kNetUnreachable, fmt::format("no way to {}: {}", at, fault.text))
          .because(cause_named(is_ipv6(address) ? "no-ipv6-route" : "no-route"));
    case DialFault::Kind::kStopped:
      return {ErrorCode::kRunInterrupted, "stopped while connecting to " + at};
    case DialFault::Kind::kOther:
      break;
  }
  if (fault.number == EMFILE || fault.number == ENFILE) {
    return Error(ErrorCode::kSysFiles, fmt::format("no connection to {}: {}", at, fault.text))
        .because(cause_named("too-many-open-files"));
  }
  return {ErrorCode::kNetUnreachable, fmt::format("connecting to {}: {}", at, fault.text)};
}

}  // namespace

Error dial_error(const ProbeOptions& options, const std::vector<std::string>& addresses,
                 const LostRace& lost, int64_t limit_ms) {
  const std::string address = lost.index < addresses.size() ? addresses[lost.index] : "";
  Error error = of_kind(options, lost, place(options, addresses, address), address, limit_ms);
  const std::string code = lost.fault.number == 0 ? "" : std::to_string(lost.fault.number);
  error.with_upstream({.system = "os", .code = code, .text = lost.fault.text, .request_id = ""});
  return error;
}

}  // namespace vesto
