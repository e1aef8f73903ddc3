#include "source/postgres/session.h"

#include <fmt/format.h>

#include "pg/errors.h"

namespace vesto {

namespace {

constexpr int kOldestVersion = 120000;
constexpr int kTransactionTimeoutVersion = 170000;

// facts: PostgreSQL's own documentation of each setting. row_security = off turns rows that a
// policy would hide into an error.
constexpr std::string_view kPins =
    "SET datestyle = 'ISO, YMD'; SET timezone = 'UTC'; SET intervalstyle = 'iso_8601'; "
    "SET bytea_output = 'hex'; SET extra_float_digits = 1; SET client_encoding = 'UTF8'; "
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0; "
    "SET lock_timeout = '30s'; SET search_path = ''; SET standard_conforming_strings = on; "
    "SET default_transaction_read_only = on; SET row_security = off";

}  // namespace

Result<std::unique_ptr<PgConnection>> connect_postgres(const PostgresOptions& options) {
  PgOptions to;
  to.host = options.host;
  to.port = options.port;
  to.database = options.database;
  to.user = options.user;
  to.password = options.password;
  to.sslmode = options.sslmode.empty() ? "prefer" : options.sslmode;
  to.tls_ca_file = options.tls_ca_file;
  to.application_name = options.application_name;
  to.connect_timeout_ms = options.connect_timeout_ms;
  to.stop = options.stop;
  to.dialer = options.dialer;
  to.public_egress = options.public_egress;
  const std::string doing = fmt::format("connecting to {}:{}/{} as {}", options.host, options.port,
                                        options.database, options.user);
  auto made = PgConnection::connect(to);
  if (!made.ok()) return pg_connect_error(made.error(), doing);
  std::unique_ptr<PgConnection> connection = std::move(made).value();
  if (connection->server_version() < kOldestVersion) {
    return Error(ErrorCode::kPgConnect,
                 fmt::format("{}: the server is PostgreSQL {}; 12 or newer is needed", doing,
                             connection->parameter("server_version")));
  }
  std::string pins(kPins);
  if (connection->server_version() >= kTransactionTimeoutVersion) {
    pins += "; SET transaction_timeout = 0";
  }
  const auto pinned = connection->exec(pins, options.connect_timeout_ms);
  if (!pinned.ok()) return pg_connect_error(pinned.error(), doing);
  return connection;
}

Result<PgAnswer> source_exec(PgConnection& connection, std::string_view sql,
                             std::string_view doing) {
  auto answer = connection.exec(sql);
  if (!answer.ok()) return pg_source_error(answer.error(), doing);
  return std::move(answer).value();
}

}  // namespace vesto
