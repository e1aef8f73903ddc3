#include "pg/dial.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/strings.h"
#include "net/ca_bundle.h"
#include "net/dial_error.h"
#include "net/resolve.h"
#include "net/socket.h"
#include "pg/connect_fault.h"
#include "pg/login_error.h"

namespace vesto {

namespace {

// What of the time the name and the TCP connection may take, all addresses together: SYN is sent
// five times by then. The rest is for a server that is slow to let us in.
constexpr int64_t kTcpTimeoutMs = 20'000;

PgConnPtr begin(const PgOptions& options, const std::string& address, int port_number) {
  const std::string port = std::to_string(port_number);
  std::string ca_file = options.tls_ca_file;
  if (ca_file.empty() && options.sslmode.starts_with("verify-")) ca_file = system_ca_file();
  std::vector<const char*> words;
  std::vector<const char*> values;
  const auto add = [&](const char* word, const std::string& value) {
    if (value.empty()) return;
    words.push_back(word);
    values.push_back(value.c_str());
  };
  // These outlive PQconnectStartParams, which copies what it is given.
  const std::string on = "1";
  const PgLiveness& alive = options.liveness;
  const std::array<std::string, 5> tcp = {
      std::to_string(alive.idle_s), std::to_string(alive.interval_s), std::to_string(alive.count),
      std::to_string(alive.user_timeout_ms), "disable"};
  add("host", options.host);  // what the certificate must name, whatever is dialled
  add("hostaddr", address);
  add("port", port);
  add("dbname", options.database);
  add("user", options.user);
  add("password", options.password.reveal());
  add("sslmode", options.sslmode);
  add("sslrootcert", ca_file);
  add("application_name", options.application_name);
  add("client_encoding", options.client_encoding);
  add("keepalives", on);
  add("keepalives_idle", tcp[0]);
  add("keepalives_interval", tcp[1]);
  add("keepalives_count", tcp[2]);
  add("tcp_user_timeout", tcp[3]);
  add("gssencmode", tcp[4]);
  words.push_back(nullptr);
  values.push_back(nullptr);
  // expand_dbname 0: a database name is never read as a connection string.
  PgConnPtr conn(PQconnectStartParams(words.data(), values.data(), 0));
  if (conn) PQsetErrorVerbosity(conn.get(), PQERRORS_VERBOSE);  // the way to a login's SQLSTATE
  return conn;
}

PgError made(PgError::Kind kind, std::string message, std::optional<Error> reach = std::nullopt) {
  PgError error;
  error.kind = kind;
  error.message = std::move(message);
  error.reach = std::move(reach);
  return error;
}

PgError of_error(Error error) {
  if (error.code() == ErrorCode::kRunInterrupted) {
    return made(PgError::Kind::kInterrupted, error.message());
  }
  std::string message = error.message();
  return made(PgError::Kind::kReach, std::move(message), std::move(error));
}

PgError::Kind kind_of(DialFault::Kind kind) {
  switch (kind) {
    case DialFault::Kind::kRefused:
      return PgError::Kind::kRefused;
    case DialFault::Kind::kTimeout:
    case DialFault::Kind::kUnreachable:
      return PgError::Kind::kTimeout;
    case DialFault::Kind::kStopped:
      return PgError::Kind::kInterrupted;
    case DialFault::Kind::kReset:
    case DialFault::Kind::kOther:
      break;
  }
  return PgError::Kind::kLost;
}

// The addresses to dial: one that is empty for a Unix socket.
Result<std::vector<std::string>> addresses_of(const PgOptions& options, const Route* route,
                                              const WaitLimit& limit) {
  using Addresses = std::vector<std::string>;
  if (route != nullptr) return Addresses{route->address};
  if (!options.hostaddr.empty() || is_unix_socket(options)) return Addresses{options.hostaddr};
  if (options.resolver) return options.resolver(options.host, limit);
  return resolve(options.host, limit);
}

}  // namespace

PgResult<PgConnPtr> dial_pg(const PgOptions& options, const Route* route, int64_t deadline_ms) {
  // Behind a tunnel it is the tunnel that has dialled.
  const auto limit_from = [&](int64_t now_ms) {
    const int64_t own_ms = route != nullptr ? deadline_ms : now_ms + kTcpTimeoutMs;
    return WaitLimit{.deadline_ms = std::min(deadline_ms, own_ms), .stop = options.stop};
  };
  auto addresses = addresses_of(options, route, limit_from(system_clock().monotonic_ms()));
  if (!addresses.ok()) return of_error(std::move(addresses).error());

  // What the lookup took is not told as silence of the server.
  const int64_t from_ms = system_clock().monotonic_ms();
  const WaitLimit limit = limit_from(from_ms);
  std::vector<PgConnPtr> conns(addresses->size());
  const auto start = [&](size_t index) -> Result<int, DialFault> {
    PgConnPtr& conn = conns[index];
    conn = begin(options, (*addresses)[index], route != nullptr ? route->port : options.port);
    if (!conn) return DialFault{.text = "out of memory"};
    if (PQstatus(conn.get()) != CONNECTION_BAD) return PQsocket(conn.get());
    return DialFault{.text = std::string(trim(PQerrorMessage(conn.get())))};
  };
  auto won = race_dials(addresses->size(), start, limit);
  if (won.ok()) return std::move(conns[*won]);

  const LostRace& lost = won.error();
  if (lost.fault.kind == DialFault::Kind::kOther && lost.fault.number == 0) {
    // libpq did not begin: it cannot read the CA file, the system knows no way there, ...
    PgError error = login_error(lost.fault.text);
    error.message = redact(error.message);
    return error;
  }
  if (route != nullptr || is_unix_socket(options)) {
    return made(kind_of(lost.fault.kind), lost.fault.text);
  }
  return of_error(
      dial_error(probe_options(options), *addresses, lost, limit.deadline_ms - from_ms));
}

}  // namespace vesto
