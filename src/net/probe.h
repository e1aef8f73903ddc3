// Why a server cannot be reached: name, TCP and TLS asked one by one, each with its time.
// libpq says "certificate verify failed" for an unknown issuer and an expired certificate alike,
// and nothing of how far it came; this is asked after it failed, and by the checks of a
// destination.
//
//   ProbeReport report = probe({.host = "wh.eu-west-1...", .port = 5439});
//   if (report.error) ...   // NET-DNS, NET-REFUSED, NET-TIMEOUT, ...: where it ended
//
// Nothing but the TLS handshake is sent: no user, no password.
// Source: PostgreSQL's protocol, SSLRequest (message formats); RFC 8446, RFC 5280.
// Thread rule: any thread; blocks for twice timeout_ms at most: once for the name or the dialer,
// once for TCP and TLS.
#ifndef VESTO_NET_PROBE_H_
#define VESTO_NET_PROBE_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/result.h"
#include "net/dialer.h"
#include "net/resolve.h"

namespace vesto {

// Which codes a server's own answer has: RS-TLS-OFF, RS-CONNECTION; PG-TLS-OFF, PG-CONNECT.
enum class ServerKind { kWarehouse, kSource };

struct ProbeOptions {
  std::string host;      // the certificate must name it
  std::string hostaddr;  // numeric; optional: dialled instead of host
  int port = 0;
  bool tls = true;           // ask for TLS and verify it; false: TCP alone
  std::string ca_file;       // "" = the system's bundle
  Dialer* dialer = nullptr;  // optional: the way to host:port
  ServerKind server = ServerKind::kWarehouse;
  std::vector<std::string> public_egress;  // shown where an allow-list has to take us
  int64_t timeout_ms = 10'000;             // of TCP and TLS together; of the name before them
  std::stop_token stop;
  Resolver resolver;  // empty: the system's
};

struct ProbeCertificate {
  std::string subject;             // "CN=*.wh.eu-west-1.redshift.amazonaws.com"
  std::string issuer;              // of the server's own certificate
  std::string root_issuer;         // of the last certificate that the server sent
  std::vector<std::string> names;  // subjectAltName, at most 20
  int64_t not_before_s = 0;        // Unix time
  int64_t not_after_s = 0;
};

struct ProbeReport {
  std::vector<std::string> addresses;  // that the name has, at most 16
  int64_t dns_ms = -1;                 // -1: not come to
  std::string address;                 // that answered; or whose fault it is
  std::string
      our_address;  // what we dialled from, also where nobody answered; others may see NAT's
  int64_t tcp_ms = -1;
  int64_t tls_ms = -1;
  std::string tls_version;  // "TLSv1.3"
  std::optional<ProbeCertificate> certificate;
  std::optional<Error> error;  // nothing: all the way
};

ProbeReport probe(const ProbeOptions& options);

}  // namespace vesto

#endif  // VESTO_NET_PROBE_H_
