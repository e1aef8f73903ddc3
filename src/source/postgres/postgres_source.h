// PostgreSQL 12 and later as a source: full copies and windows behind a cursor column, by N readers
// on one exported snapshot. See source/source.h for the calls.
#ifndef VESTO_SOURCE_POSTGRES_POSTGRES_SOURCE_H_
#define VESTO_SOURCE_POSTGRES_POSTGRES_SOURCE_H_

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/redact.h"
#include "net/dialer.h"
#include "source/source.h"

namespace vesto {

struct PostgresOptions {
  std::string host;
  int port = 5432;
  std::string database;
  std::string user;
  Secret password;
  std::string sslmode = "prefer";
  std::string tls_ca_file;
  std::string application_name = "vesto";
  int64_t connect_timeout_ms = 30'000;
  // Rows with more bytes in their values are not fetched; the read stops with SRC-ROW-TOO-LARGE.
  size_t max_row_bytes = kMaxRowBytes;
  std::stop_token stop;            // ends a connection attempt, and a plan or a question that waits
  std::shared_ptr<Dialer> dialer;  // optional: the way there, such as a tunnel
  std::vector<std::string> public_egress;  // for hints: what an allow-list has to take
};

// Connects anew for each thing it is asked, so that no session stays idle. Errors of connecting:
// PG-CONNECT, PG-LOGIN, PG-TLS-OFF; where the server is not reached NET-* and SSH-* (net/probe.h).
std::unique_ptr<Source> make_postgres_source(PostgresOptions options);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_POSTGRES_SOURCE_H_
