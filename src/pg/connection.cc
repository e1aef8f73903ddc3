#include "pg/connection.h"

#include <fmt/core.h>
#include <libpq-fe.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <system_error>
#include <thread>

#include "base/clock.h"
#include "base/strings.h"
#include "pg/answer_reader.h"
#include "pg/connect_fault.h"
#include "pg/dial.h"
#include "pg/intake.h"
#include "pg/login_error.h"

namespace vesto {

namespace {

constexpr size_t kMaxNotices = 1000;
constexpr int64_t kCancelWaitMs = 3000;
// Certificates, parameters and notices of a login.
constexpr int64_t kMaxLoginBytes = 4 << 20;
// Of a text of the server: what is looked at, and what is kept. The first is longer, so that no
// secret is cut in two before it is found.
constexpr size_t kMaxReadText = 128 << 10;
constexpr size_t kMaxText = 16 << 10;
constexpr size_t kMaxMessages = 1 << 16;  // notifications taken at a time

struct ResultDeleter {
  void operator()(PGresult* result) const { PQclear(result); }
};
using ResultPtr = std::unique_ptr<PGresult, ResultDeleter>;

std::string bounded_text(const char* text) {
  if (text == nullptr) return {};
  const std::string_view read(text, ::strnlen(text, kMaxReadText));
  return std::string(cut_utf8(redact(trim(read)), kMaxText));
}

std::string field_text(const PGresult* result, int code) {
  return bounded_text(PQresultErrorField(result, code));
}

// Five characters of the server's own, even where they are some password too.
std::string sqlstate_of(const PGresult* result) {
  const char* text = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return text != nullptr && std::strlen(text) == 5 ? text : field_text(result, PG_DIAG_SQLSTATE);
}

PgError make_error(PgError::Kind kind, std::string message) {
  PgError error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

// PQcancel() waits without bound for a server that accepts and then says nothing, and has no
// means to end that. So it runs in a thread of its own, which is left to itself after a while.
void cancel_within_bound(const std::shared_ptr<PGcancel>& cancel) {
  auto done = std::make_shared<std::promise<void>>();
  const std::future<void> finished = done->get_future();
  try {
    std::thread([cancel, done] {
      std::array<char, 256> text{};
      PQcancel(cancel.get(), text.data(), static_cast<int>(text.size()));
      done->set_value();
    }).detach();
  } catch (const std::system_error&) {
    return;  // no thread to be had: the connection is cut all the same
  }
  finished.wait_for(std::chrono::milliseconds(kCancelWaitMs));
}

}  // namespace

std::string PgError::text() const {
  std::string out = message;
  if (!detail.empty()) out += "; " + detail;
  if (!hint.empty()) out += "; hint: " + hint;
  return replace_all(out, "\n", " ");
}

std::optional<std::string> PgAnswer::scalar() const {
  if (rows.empty() || rows.front().empty()) return std::nullopt;
  return rows.front().front();
}

struct PgConnection::Impl {
  PGconn* conn = nullptr;
  std::shared_ptr<PGcancel> cancel;
  int wake_fd;
  std::atomic<bool> interrupted{false};
  std::atomic<bool> broken{false};
  std::vector<PgNotice> notices;
  char* row = nullptr;  // of the COPY, from libpq
  Route route;          // open as long as the connection
  PgIntake intake;

  Impl() : wake_fd(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~Impl() {
    free_row();
    if (conn != nullptr) PQfinish(conn);
    if (wake_fd >= 0) ::close(wake_fd);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  static void on_notice(void* self, const PGresult* result) {
    static_cast<Impl*>(self)->intake.explain(wire_bytes(result));
    auto& notices = static_cast<Impl*>(self)->notices;
    if (notices.size() >= kMaxNotices) return;
    notices.push_back({field_text(result, PG_DIAG_SEVERITY), sqlstate_of(result),
                       field_text(result, PG_DIAG_MESSAGE_PRIMARY)});
  }

  void interrupt() {
    interrupted = true;
    const uint64_t one = 1;
    // The counter cannot overflow here; a failed write would mean it is already readable.
    [[maybe_unused]] const ssize_t written = ::write(wake_fd, &one, sizeof one);
  }

  void request_cancel() const {
    if (cancel) cancel_within_bound(cancel);
  }

  void cut() {
    broken = true;
    const int fd = conn == nullptr ? -1 : PQsocket(conn);
    if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
  }

  PgError abandon(PgError::Kind kind, std::string message) {
    if (PQtransactionStatus(conn) == PQTRANS_ACTIVE) request_cancel();
    cut();
    return make_error(kind, std::move(message));
  }

  // Why the way to the server was cut, if it goes through something that knows.
  [[nodiscard]] std::optional<Error> route_failure() const {
    return route.failure ? route.failure() : std::nullopt;
  }

  // The connection is gone. Where the server did not say why, the way to it may know.
  void mark_lost(PgError* error) {
    broken = true;
    error->kind = PgError::Kind::kLost;
    if (!error->sqlstate.empty()) return;
    error->reach = route_failure();
    if (error->reach) error->message = error->reach->message();
  }

  PgError too_large(std::string_view what) {
    cut();  // that ends what the server does; a request to cancel would be one more wait for it
    return make_error(PgError::Kind::kTooLarge, fmt::format("the server's answer {}", what));
  }

  // Reads what has come, if it may still.
  PgStatus consume() {
    intake.before_read();
    const bool read = PQconsumeInput(conn) != 0;
    if (intake.over()) {
      return too_large(fmt::format("is larger than {} MiB", intake.limit_bytes() >> 20));
    }
    if (!read) return lost();
    return Unit{};
  }

  // libpq keeps notifications until they are taken; nothing here listens for any.
  void drop_notifications() {
    for (size_t i = 0; i < kMaxMessages; ++i) {
      PGnotify* one = PQnotifies(conn);
      if (one == nullptr) return;
      PQfreemem(one);
    }
  }

  PgError lost() {
    std::string text = bounded_text(PQerrorMessage(conn));
    if (text.empty()) text = "the connection was cut";
    PgError error = make_error(PgError::Kind::kLost, replace_all(text, "\n", " "));
    mark_lost(&error);
    return error;
  }

  // Waits until the socket is ready for one of `events`, or fails.
  PgStatus wait(short events, int64_t deadline_ms) {
    while (true) {
      if (interrupted) return make_error(PgError::Kind::kInterrupted, "interrupted");
      const int64_t left_ms = deadline_ms - system_clock().monotonic_ms();
      if (left_ms <= 0) return make_error(PgError::Kind::kTimeout, "no answer in time");
      std::array<pollfd, 2> fds{{{PQsocket(conn), events, 0}, {wake_fd, POLLIN, 0}}};
      const int ready =
          ::poll(fds.data(), fds.size(), static_cast<int>(std::min<int64_t>(left_ms, 60'000)));
      if (ready < 0 && errno != EINTR) {
        return make_error(PgError::Kind::kLost, std::string("poll: ") + std::strerror(errno));
      }
      if (ready > 0 && fds[0].revents != 0) return Unit{};
    }
  }

  // The same within a statement: what cannot go on is cancelled and cut.
  PgStatus wait_active(short events, int64_t deadline_ms) {
    PgStatus ready = wait(events, deadline_ms);
    if (ready.ok()) return ready;
    return abandon(ready.error().kind, ready.error().message);
  }

  PgStatus check_usable() {
    if (interrupted) return make_error(PgError::Kind::kInterrupted, "interrupted");
    if (broken || PQstatus(conn) != CONNECTION_OK) {
      PgError error = make_error(PgError::Kind::kLost, "the connection is closed");
      mark_lost(&error);
      return error;
    }
    return Unit{};
  }

  // Its rows come one by one, so that they can be refused before all of them are here.
  PgStatus send(std::string_view sql, int64_t deadline_ms, const PgLimit& limit = {}) {
    return send_by(
        sql, deadline_ms,
        [this](const char* text) {
          return PQsendQuery(conn, text) != 0 && PQsetSingleRowMode(conn) != 0 ? 1 : 0;
        },
        limit);
  }

  template <typename Send>
  PgStatus send_by(std::string_view sql, int64_t deadline_ms, Send&& send_text,
                   const PgLimit& limit = {}) {
    VESTO_TRY(check_usable());
    drop_notifications();
    notices.clear();
    intake.end();
    intake.begin(limit.bytes);
    const std::string text(sql);
    if (text.find('\0') != std::string::npos) {
      return make_error(PgError::Kind::kProtocol, "a statement with a NUL byte cannot be sent");
    }
    if (send_text(text.c_str()) == 0) return lost();
    while (true) {
      const int flushed = PQflush(conn);
      if (flushed == 0) return Unit{};
      if (flushed < 0) return lost();
      // The server may want to be read before it takes more.
      VESTO_TRY(wait_active(POLLIN | POLLOUT, deadline_ms));
      VESTO_TRY(consume());
    }
  }

  // The next result; an empty pointer after the last one.
  PgResult<ResultPtr> next_result(int64_t deadline_ms) {
    while (PQisBusy(conn) != 0) {
      VESTO_TRY(wait_active(POLLIN, deadline_ms));
      VESTO_TRY(consume());
    }
    ResultPtr result(PQgetResult(conn));
    if (result) intake.explain(wire_bytes(result.get()));
    return result;
  }

  PgError result_error(const PGresult* result) {
    PgError error;
    error.sqlstate = sqlstate_of(result);
    error.message = field_text(result, PG_DIAG_MESSAGE_PRIMARY);
    error.detail = field_text(result, PG_DIAG_MESSAGE_DETAIL);
    error.hint = field_text(result, PG_DIAG_MESSAGE_HINT);
    if (error.message.empty()) {
      error.message = replace_all(bounded_text(PQresultErrorMessage(result)), "\n", " ");
    }
    if (PQstatus(conn) != CONNECTION_OK) mark_lost(&error);
    return error;
  }

  // Reads results until there are none; false: one of them was an error, put into `error`.
  PgResult<bool> drain(int64_t deadline_ms, std::optional<PgError>* error) {
    while (true) {
      auto next = next_result(deadline_ms);
      if (!next.ok()) {
        // What the server said before it hung up is the better reason.
        if (*error && next.error().kind == PgError::Kind::kLost) break;
        return std::move(next).error();
      }
      const ResultPtr result = std::move(next).value();
      if (!result) break;
      if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR && !*error) {
        *error = result_error(result.get());
      }
    }
    if (*error && PQstatus(conn) != CONNECTION_OK) mark_lost(&**error);
    return !error->has_value();
  }

  // The end of the rows is not the end of the COPY: an error may still come.
  PgStatus finish_copy(int64_t deadline_ms, int64_t* copied_rows) {
    std::optional<PgError> error;
    {
      VESTO_ASSIGN(const ResultPtr result, next_result(deadline_ms));
      if (!result) return lost();
      if (PQresultStatus(result.get()) == PGRES_COMMAND_OK) {
        *copied_rows = parse_int(PQcmdTuples(result.get())).value_or(-1);
      } else {
        error = result_error(result.get());
      }
    }
    VESTO_ASSIGN(const bool clean, drain(deadline_ms, &error));
    if (!clean) return *std::move(error);
    return Unit{};
  }

  void free_row() {
    if (row != nullptr) PQfreemem(row);
    row = nullptr;
  }

  PgStatus open_route(const PgOptions& options);
  PgStatus login(const PgOptions& options);
};

PgStatus PgConnection::Impl::open_route(const PgOptions& options) {
  auto opened =
      options.dialer->dial(options.host, options.port, options.connect_timeout_ms, options.stop);
  if (opened.ok()) {
    route = std::move(opened).value();
    return Unit{};
  }
  const bool stopped = opened.error().code() == ErrorCode::kRunInterrupted;
  PgError error = make_error(stopped ? PgError::Kind::kInterrupted : PgError::Kind::kReach,
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
      return make_error(
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

PgConnection::PgConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PgConnection::~PgConnection() = default;

PgResult<std::unique_ptr<PgConnection>> PgConnection::connect(const PgOptions& options) {
  auto impl = std::make_unique<Impl>();
  if (impl->wake_fd < 0) {
    return make_error(PgError::Kind::kProtocol, std::string("eventfd: ") + std::strerror(errno));
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

PgResult<PgAnswer> PgConnection::exec(std::string_view sql, int64_t timeout_ms,
                                      const PgLimit& limit) {
  const int64_t deadline_ms = system_clock().monotonic_ms() + timeout_ms;
  VESTO_TRY(impl_->send(sql, deadline_ms, limit));
  AnswerReader reader(limit);
  std::optional<PgError> error;
  while (true) {
    auto next = impl_->next_result(deadline_ms);
    if (!next.ok()) {
      // What the server said before it hung up is the better reason.
      if (error && next.error().kind == PgError::Kind::kLost) break;
      return std::move(next).error();
    }
    const ResultPtr result = std::move(next).value();
    if (!result) break;
    switch (PQresultStatus(result.get())) {
      case PGRES_SINGLE_TUPLE:
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (const auto fault = reader.take(result.get())) return impl_->too_large(*fault);
        break;
      case PGRES_EMPTY_QUERY:
        break;
      case PGRES_COPY_OUT:
      case PGRES_COPY_IN:
      case PGRES_COPY_BOTH:
        return impl_->abandon(PgError::Kind::kProtocol, "the server began a COPY unexpectedly");
      default:
        if (!error) error = impl_->result_error(result.get());
        break;
    }
  }
  if (error) {
    // A FATAL answer closes the connection; that shows only after the last result.
    if (PQstatus(impl_->conn) != CONNECTION_OK) impl_->mark_lost(&*error);
    return *std::move(error);
  }
  reader.answer().notices = std::move(impl_->notices);
  impl_->notices.clear();
  return std::move(reader.answer());
}

PgResult<std::vector<PgColumn>> PgConnection::describe(std::string_view sql, int64_t timeout_ms) {
  const int64_t deadline_ms = system_clock().monotonic_ms() + timeout_ms;
  std::vector<PgColumn> columns;
  std::optional<PgError> error;
  PGconn* conn = impl_->conn;
  VESTO_TRY(impl_->send_by(sql, deadline_ms, [conn](const char* text) {
    return PQsendPrepare(conn, "", text, 0, nullptr);
  }));
  VESTO_ASSIGN(const bool prepared, impl_->drain(deadline_ms, &error));
  if (!prepared) return *std::move(error);
  VESTO_TRY(impl_->send_by("", deadline_ms, [conn](const char* unnamed) {
    return PQsendDescribePrepared(conn, unnamed);
  }));
  {
    VESTO_ASSIGN(const ResultPtr result, impl_->next_result(deadline_ms));
    if (!result) return impl_->lost();
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      error = impl_->result_error(result.get());
    } else if (PQnparams(result.get()) > 0) {
      error = make_error(PgError::Kind::kServer, "a statement with parameters ($1)");
      error->sqlstate = "42P02";
    }
    for (int c = 0; c < PQnfields(result.get()); ++c) {
      columns.push_back({.name = PQfname(result.get(), c),
                         .type_oid = PQftype(result.get(), c),
                         .typmod = PQfmod(result.get(), c),
                         .table_oid = PQftable(result.get(), c),
                         .table_column = PQftablecol(result.get(), c)});
    }
  }
  VESTO_ASSIGN(const bool described, impl_->drain(deadline_ms, &error));
  if (!described) return *std::move(error);
  return columns;
}

PgStatus PgConnection::copy_out(std::string_view sql) {
  const int64_t deadline_ms = system_clock().monotonic_ms() + kDefaultTimeoutMs;
  copied_rows_ = 0;
  VESTO_TRY(impl_->send(sql, deadline_ms));
  std::optional<PgError> error;
  {
    VESTO_ASSIGN(const ResultPtr result, impl_->next_result(deadline_ms));
    if (result && PQresultStatus(result.get()) == PGRES_COPY_OUT) {
      impl_->intake.raise_limit(kMaxCopyRowBytes);
      return Unit{};
    }
    if (result && PQresultStatus(result.get()) == PGRES_FATAL_ERROR) {
      error = impl_->result_error(result.get());
    } else {
      return impl_->abandon(PgError::Kind::kProtocol, "the server did not begin the COPY");
    }
  }
  VESTO_ASSIGN([[maybe_unused]] const bool clean, impl_->drain(deadline_ms, &error));
  return *std::move(error);
}

PgResult<std::optional<std::string_view>> PgConnection::copy_row(int64_t timeout_ms) {
  impl_->free_row();
  // The common case, a row that libpq holds already, must not even look at the clock.
  int size = impl_->interrupted ? 0 : PQgetCopyData(impl_->conn, &impl_->row, 1);
  int64_t deadline_ms = 0;
  if (size <= 0) deadline_ms = system_clock().monotonic_ms() + timeout_ms;
  while (size == 0) {
    VESTO_TRY(impl_->wait_active(POLLIN, deadline_ms));
    VESTO_TRY(impl_->consume());
    impl_->drop_notifications();
    size = PQgetCopyData(impl_->conn, &impl_->row, 1);
  }
  if (size > 0) {
    impl_->intake.take_message(size);
    return std::optional(std::string_view(impl_->row, static_cast<size_t>(size)));
  }
  if (size < -1) return impl_->lost();
  VESTO_TRY(impl_->finish_copy(deadline_ms, &copied_rows_));
  return std::optional<std::string_view>();
}

void PgConnection::interrupt() { impl_->interrupt(); }
void PgConnection::request_cancel() { impl_->request_cancel(); }
void PgConnection::cut() { impl_->cut(); }
int PgConnection::server_version() const { return PQserverVersion(impl_->conn); }

bool PgConnection::in_transaction() const {
  const PGTransactionStatusType status = PQtransactionStatus(impl_->conn);
  return status == PQTRANS_INTRANS || status == PQTRANS_INERROR || status == PQTRANS_ACTIVE;
}

bool PgConnection::usable() const {
  return !impl_->broken && !impl_->interrupted && PQstatus(impl_->conn) == CONNECTION_OK;
}

std::string PgConnection::parameter(const std::string& name) const {
  const char* value = PQparameterStatus(impl_->conn, name.c_str());
  return value == nullptr ? std::string() : value;
}

}  // namespace vesto
