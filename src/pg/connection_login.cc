// The way to the server, the login, and why it failed.
#include <fmt/core.h>
#include <poll.h>

#include <cerrno>
#include <cstring>

#include "base/clock.h"
#include "base/strings.h"
#include "pg/connect_fault.h"
#include "pg/connection_impl.h"
#include "pg/dial.h"
#include "pg/login_error.h"

namespace vesto {

namespace {

// Certificates, parameters and notices of a login.
constexpr int64_t kMaxLoginBytes = 4 << 20;

}  // namespace

PgStatus PgConnection::Impl::open_route(const PgOptions& options) {
  auto opened =
      options.dialer->dial(options.host, options.port, options.connect_timeout_ms, options.stop);
  if (opened.ok()) {
    route = std::move(opened).value();
    return Unit{};
  }
  const bool stopped = opened.error().code() == ErrorCode::kRunInterrupted;
  PgError error = make_pg_error(stopped ? PgError::Kind::kInterrupted : PgError::Kind::kReach,
                                opened.error().message());
  if (!stopped) error.reach = std::move(opened).error();
  return error;
}

PgStatus PgConnection::Impl::login(const PgOptions& options) {
  const int64_t deadline_ms = system_clock().monotonic_ms() + options.connect_timeout_ms;
  if (options.dialer) VESTO_TRY(open_route(options));
  VESTO_ASSIGN(PgConnPtr dialled, dial_pg(options, options.dialer ? &route : nullptr, deadline_ms));
  conn = dialled.release();
  PQsetNoticeReceiver(conn, &Impl::on_notice, this);
  intake.watch(conn);
  intake.begin(kMaxLoginBytes);
  auto state = PGRES_POLLING_WRITING;
  while (state == PGRES_POLLING_READING || state == PGRES_POLLING_WRITING) {
    VESTO_TRY(wait(state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline_ms));
    intake.before_read();
    state = PQconnectPoll(conn);
    intake.watch(conn);
    if (intake.over()) {
      cut();
      return make_pg_error(
          PgError::Kind::kTooLarge,
          fmt::format("the server sent more than {} MiB during the login", kMaxLoginBytes >> 20));
    }
  }
  if (state != PGRES_POLLING_OK) {
    PgError error = login_error(trim(PQerrorMessage(conn)));
    error.message = redact(error.message);
    return error;
  }
  PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
  cancel.reset(PQgetCancel(conn), PQfreeCancel);  // takes a null pointer as well
  if (PQsetnonblocking(conn, 1) != 0) return lost();
  return Unit{};
}

PgResult<std::unique_ptr<PgConnection>> PgConnection::connect(const PgOptions& options) {
  auto impl = std::make_unique<Impl>();
  if (impl->wake_fd < 0) {
    return make_pg_error(PgError::Kind::kProtocol, std::string("eventfd: ") + std::strerror(errno));
  }
  Impl* waiting = impl.get();
  const std::stop_callback on_stop(options.stop, [waiting] { waiting->interrupt(); });
  PgStatus made = impl->login(options);
  if (made.ok()) return std::unique_ptr<PgConnection>(new PgConnection(std::move(impl)));
  PgError fault = std::move(made).error();
  // The server's own answer, and a stop, say more than that the way went afterwards.
  const bool answered = !fault.sqlstate.empty() || fault.kind == PgError::Kind::kInterrupted ||
                        fault.kind == PgError::Kind::kTooLarge;
  if (auto reason = answered ? std::nullopt : impl->route_failure()) {
    fault.kind = PgError::Kind::kReach;
    fault.message = reason->message();
    fault.reach = std::move(reason);
    return fault;
  }
  if (fault.kind == PgError::Kind::kTooLarge) return fault;
  impl.reset();  // the probe finds the way free
  return explain_connect_fault(options, std::move(fault));
}

}  // namespace vesto
