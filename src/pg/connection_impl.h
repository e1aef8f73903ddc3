// What stands behind PgConnection; for its own files only.
//   connection.cc        statements and rows, as callers ask for them
//   connection_impl.cc   sending, waiting, reading, and what is made of a failure
//   connection_login.cc  the way to the server and the login
// Thread rule: that of PgConnection.
#ifndef VESTO_PG_CONNECTION_IMPL_H_
#define VESTO_PG_CONNECTION_IMPL_H_

#include <libpq-fe.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/dialer.h"
#include "pg/connection.h"
#include "pg/intake.h"

namespace vesto {

struct PgResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using PgResultPtr = std::unique_ptr<PGresult, PgResultDeleter>;

// Whether the server begins a COPY: libpq gives this result again and again.
inline bool begins_copy(const PGresult* result) {
  const ExecStatusType status = PQresultStatus(result);
  return status == PGRES_COPY_OUT || status == PGRES_COPY_IN || status == PGRES_COPY_BOTH;
}
inline constexpr const char* kUnasked = "the server began a COPY unexpectedly";

PgError make_pg_error(PgError::Kind kind, std::string message);

struct PgConnection::Impl {
  // Hands a statement to libpq: 0 where that fails.
  using SendText = std::function<int(const char*)>;

  PGconn* conn = nullptr;
  std::shared_ptr<PGcancel> cancel;
  int wake_fd;
  std::atomic<bool> interrupted{false};
  std::atomic<bool> broken{false};
  std::vector<PgNotice> notices;
  char* row = nullptr;       // of the COPY, from libpq
  int64_t copied_bytes = 0;  // of its rows so far
  Route route;               // open as long as the connection
  PgIntake intake;

  Impl() : wake_fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Impl() {
    free_row();
    if (conn != nullptr) PQfinish(conn);
    if (wake_fd >= 0) ::close(wake_fd);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static void on_notice(void* self, const PGresult* result);

  void interrupt();

  void request_cancel() const;

  void cut();

  PgError abandon(PgError::Kind kind, std::string message);

  // Why the way to the server was cut, if it goes through something that knows.
  [[nodiscard]] std::optional<Error> route_failure() const;

  // The connection is gone. Where the server did not say why, the way to it may know.
  void mark_lost(PgError* error);

  PgError too_large(std::string_view what);

  // Reads what has come, if it may still.
  PgStatus consume();

  // libpq keeps notifications until they are taken; nothing here listens for any.
  void drop_notifications();

  PgError lost();

  // Waits until the socket is ready for one of `events`, or fails.
  PgStatus wait(short events, int64_t deadline_ms);

  // The same within a statement: what cannot go on is cancelled and cut.
  PgStatus wait_active(short events, int64_t deadline_ms);

  // wait_active() for the rows of a COPY. In the midst of them a server sends 8 KiB at a time, and
  // to be woken for each costs both sides more than to copy it. So once rows flow, the socket may
  // fill a little before it is read.
  PgStatus wait_for_rows(int64_t deadline_ms);

  PgStatus check_usable();

  // Its rows come one by one, so that they can be refused before all of them are here.
  PgStatus send(std::string_view sql, int64_t deadline_ms, const PgLimit& limit = {});

  PgStatus send_by(std::string_view sql, int64_t deadline_ms, const SendText& send_text,
                   const PgLimit& limit = {});

  // The next result; an empty pointer after the last one.
  PgResult<PgResultPtr> next_result(int64_t deadline_ms);

  PgError result_error(const PGresult* result);

  // Reads results until there are none; false: one of them was an error, put into `error`.
  PgResult<bool> drain(int64_t deadline_ms, std::optional<PgError>* error);

  // The end of the rows is not the end of the COPY: an error may still come.
  PgStatus finish_copy(int64_t deadline_ms, int64_t* copied_rows);

  void free_row() {
    if (row != nullptr) PQfreemem(row);
    row = nullptr;
  }

  PgStatus open_route(const PgOptions& options);
  PgStatus login(const PgOptions& options);
};

}  // namespace vesto

#endif  // VESTO_PG_CONNECTION_IMPL_H_
