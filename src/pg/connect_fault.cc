#include "pg/connect_fault.h"

namespace vesto {

namespace {

// Whether the fault lies before what the server itself said.
bool is_about_the_way(PgError::Kind kind) {
  switch (kind) {
    case PgError::Kind::kDns:
    case PgError::Kind::kRefused:
    case PgError::Kind::kTimeout:
    case PgError::Kind::kTlsCa:
    case PgError::Kind::kTlsName:
    case PgError::Kind::kTlsOff:
    case PgError::Kind::kLost:
    case PgError::Kind::kProtocol:
    case PgError::Kind::kTooLarge:
      return true;
    case PgError::Kind::kServer:
    case PgError::Kind::kLoginMethod:
    case PgError::Kind::kInterrupted:
    case PgError::Kind::kReach:
      return false;
  }
  return false;
}

}  // namespace

ProbeOptions probe_options(const PgOptions& options) {
  ProbeOptions ask;
  ask.host = options.host;
  ask.hostaddr = options.hostaddr;
  ask.port = options.port;
  ask.tls = options.sslmode.starts_with("verify-");
  ask.ca_file = options.tls_ca_file;
  ask.dialer = options.dialer.get();
  ask.server = options.server;
  ask.public_egress = options.public_egress;
  ask.timeout_ms = PgConnection::kReachTimeoutMs;
  ask.stop = options.stop;
  ask.resolver = options.resolver;
  return ask;
}

bool is_unix_socket(const PgOptions& options) {
  return options.host.starts_with('/') || options.host.starts_with('@');
}

PgError explain_connect_fault(const PgOptions& options, PgError fault) {
  if (!is_about_the_way(fault.kind) || is_unix_socket(options)) return fault;
  const ProbeOptions ask = probe_options(options);
  ProbeReport report = probe(ask);
  if (!report.error) return fault;
  const ErrorCode found = report.error->code();
  // verify-ca asks for no name; a stop is no reason.
  if (found == ErrorCode::kRunInterrupted) return fault;
  if (found == ErrorCode::kNetTlsName && options.sslmode != "verify-full") return fault;
  Upstream upstream = report.error->upstream();
  if (upstream.text.empty())
    upstream = {.system = "libpq", .code = "", .text = fault.text(), .request_id = ""};
  report.error->with_upstream(std::move(upstream));
  fault.message = report.error->message();
  fault.kind = PgError::Kind::kReach;
  fault.reach = std::move(report.error);
  return fault;
}

}  // namespace vesto
