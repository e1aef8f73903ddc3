#include "pg/connection_impl.h"

#include <fmt/core.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <future>
#include <memory>
#include <system_error>
#include <thread>

#include "base/clock.h"
#include "base/strings.h"
#include "base/thread_root.h"
#include "pg/answer_reader.h"

namespace vesto {

namespace {

constexpr size_t kMaxNotices = 1000;
constexpr int64_t kCancelWaitMs = 3000;
constexpr int kMaxLeftBehind = 16;  // requests to cancel that nobody waits for any more
// Of a text of the server: what is looked at, and what is kept. The first is longer, so that no
// secret is cut in two before it is found.
constexpr size_t kMaxReadText = 128 << 10;
constexpr size_t kMaxText = 16 << 10;
constexpr size_t kMaxMessages = 1 << 16;  // notifications taken at a time

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

std::atomic<int> left_behind{0};

// Shared by who asks and the thread that sends, whichever lives longer.
struct CancelRequest {
  std::promise<void> sent;
  std::atomic<bool> one_has_gone{false};  // the thread has ended, or nobody waits for it

  // By both, in either order: the second one takes back what the first counts.
  void leave_behind() {
    ++left_behind;
    if (one_has_gone.exchange(true)) --left_behind;
  }
  void end() {
    if (one_has_gone.exchange(true)) --left_behind;
    sent.set_value();
  }
};

// PQcancel() waits without bound for a server that accepts and then says nothing, and has no
// means to end that. So it runs in a thread of its own, which is left to itself after a while.
// Where too many are, no other is begun: the connection is cut all the same.
void cancel_within_bound(const std::shared_ptr<PGcancel>& cancel) {
  if (left_behind >= kMaxLeftBehind) return;
  const auto request = std::make_shared<CancelRequest>();
  const std::future<void> sent = request->sent.get_future();
  try {
    std::thread([cancel, request] {
      name_thread("cancel");
      std::array<char, 256> text{};
      PQcancel(cancel.get(), text.data(), static_cast<int>(text.size()));
      request->end();
    }).detach();
  } catch (const std::system_error&) {
    return;  // no thread to be had
  }
  const auto waited = sent.wait_for(std::chrono::milliseconds(kCancelWaitMs));
  if (waited != std::future_status::ready) request->leave_behind();
}

}  // namespace

PgError make_pg_error(PgError::Kind kind, std::string message) {
  PgError error;
  error.kind = kind;
  error.message = std::move(message);
  return error;
}

void PgConnection::Impl::on_notice(void* self, const PGresult* result) {
  static_cast<Impl*>(self)->intake.explain(wire_bytes(result));
  auto& notices = static_cast<Impl*>(self)->notices;
  if (notices.size() >= kMaxNotices) return;
  notices.push_back({field_text(result, PG_DIAG_SEVERITY), sqlstate_of(result),
                     field_text(result, PG_DIAG_MESSAGE_PRIMARY)});
}

void PgConnection::Impl::interrupt() {
  interrupted = true;
  const uint64_t one = 1;
  // The counter cannot overflow here; a failed write would mean it is already readable.
  [[maybe_unused]] const ssize_t written = ::write(wake_fd, &one, sizeof one);
}

void PgConnection::Impl::request_cancel() const {
  if (cancel) cancel_within_bound(cancel);
}

void PgConnection::Impl::cut() {
  broken = true;
  const int fd = conn == nullptr ? -1 : PQsocket(conn);
  if (fd >= 0) ::shutdown(fd, SHUT_RDWR);
}

PgError PgConnection::Impl::abandon(PgError::Kind kind, std::string message) {
  if (PQtransactionStatus(conn) == PQTRANS_ACTIVE) request_cancel();
  cut();
  return make_pg_error(kind, std::move(message));
}

std::optional<Error> PgConnection::Impl::route_failure() const {
  return route.failure ? route.failure() : std::nullopt;
}

void PgConnection::Impl::mark_lost(PgError* error) {
  broken = true;
  error->kind = PgError::Kind::kLost;
  if (!error->sqlstate.empty()) return;
  error->reach = route_failure();
  if (error->reach) error->message = error->reach->message();
}

PgError PgConnection::Impl::too_large(std::string_view what) {
  cut();  // that ends what the server does; a request to cancel would be one more wait for it
  return make_pg_error(PgError::Kind::kTooLarge, fmt::format("the server's answer {}", what));
}

PgStatus PgConnection::Impl::consume() {
  intake.before_read();
  const bool read = PQconsumeInput(conn) != 0;
  if (intake.over()) {
    return too_large(fmt::format("is larger than {} MiB", intake.limit_bytes() >> 20));
  }
  if (!read) return lost();
  return Unit{};
}

void PgConnection::Impl::drop_notifications() {
  for (size_t i = 0; i < kMaxMessages; ++i) {
    PGnotify* one = PQnotifies(conn);
    if (one == nullptr) return;
    PQfreemem(one);
  }
}

PgError PgConnection::Impl::lost() {
  std::string text = bounded_text(PQerrorMessage(conn));
  if (text.empty()) text = "the connection was cut";
  PgError error = make_pg_error(PgError::Kind::kLost, replace_all(text, "\n", " "));
  mark_lost(&error);
  return error;
}

PgStatus PgConnection::Impl::wait(short events, int64_t deadline_ms) {
  while (true) {
    if (interrupted) return make_pg_error(PgError::Kind::kInterrupted, "interrupted");
    const int64_t left_ms = deadline_ms - system_clock().monotonic_ms();
    if (left_ms <= 0) return make_pg_error(PgError::Kind::kTimeout, "no answer in time");
    if ((events & POLLIN) != 0 && intake.holds_bytes()) return Unit{};
    std::array<pollfd, 2> fds{{{PQsocket(conn), events, 0}, {wake_fd, POLLIN, 0}}};
    const int ready =
        ::poll(fds.data(), fds.size(), static_cast<int>(std::min<int64_t>(left_ms, 60'000)));
    if (ready < 0 && errno != EINTR) {
      return make_pg_error(PgError::Kind::kLost, std::string("poll: ") + std::strerror(errno));
    }
    if (ready > 0 && fds[0].revents != 0) return Unit{};
  }
}

PgStatus PgConnection::Impl::wait_active(short events, int64_t deadline_ms) {
  PgStatus ready = wait(events, deadline_ms);
  if (ready.ok()) return ready;
  return abandon(ready.error().kind, ready.error().message);
}

PgStatus PgConnection::Impl::wait_for_rows(int64_t deadline_ms) {
  constexpr int64_t kFlowingBytes = 1 << 20;
  constexpr std::chrono::microseconds kFill{500};  // for which a server prints some 70 KB
  VESTO_TRY(wait_active(POLLIN, deadline_ms));
  if (copied_bytes > kFlowingBytes) std::this_thread::sleep_for(kFill);
  return Unit{};
}

PgStatus PgConnection::Impl::check_usable() {
  if (interrupted) return make_pg_error(PgError::Kind::kInterrupted, "interrupted");
  if (broken || PQstatus(conn) != CONNECTION_OK) {
    PgError error = make_pg_error(PgError::Kind::kLost, "the connection is closed");
    mark_lost(&error);
    return error;
  }
  return Unit{};
}

PgStatus PgConnection::Impl::send(std::string_view sql, int64_t deadline_ms, const PgLimit& limit) {
  return send_by(
      sql, deadline_ms,
      [this](const char* text) {
        return PQsendQuery(conn, text) != 0 && PQsetSingleRowMode(conn) != 0 ? 1 : 0;
      },
      limit);
}

PgStatus PgConnection::Impl::send_by(std::string_view sql, int64_t deadline_ms,
                                     const SendText& send_text, const PgLimit& limit) {
  VESTO_TRY(check_usable());
  drop_notifications();
  notices.clear();
  intake.end();
  intake.begin(limit.bytes);
  const std::string text(sql);
  if (text.find('\0') != std::string::npos) {
    return make_pg_error(PgError::Kind::kProtocol, "a statement with a NUL byte cannot be sent");
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

PgResult<PgResultPtr> PgConnection::Impl::next_result(int64_t deadline_ms) {
  while (PQisBusy(conn) != 0) {
    VESTO_TRY(wait_active(POLLIN, deadline_ms));
    VESTO_TRY(consume());
  }
  PgResultPtr result(PQgetResult(conn));
  if (result) intake.explain(wire_bytes(result.get()));
  return result;
}

PgError PgConnection::Impl::result_error(const PGresult* result) {
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

PgResult<bool> PgConnection::Impl::drain(int64_t deadline_ms, std::optional<PgError>* error) {
  while (true) {
    auto next = next_result(deadline_ms);
    if (!next.ok()) {
      // What the server said before it hung up is the better reason.
      if (*error && next.error().kind == PgError::Kind::kLost) break;
      return std::move(next).error();
    }
    const PgResultPtr result = std::move(next).value();
    if (!result) break;
    if (begins_copy(result.get())) return abandon(PgError::Kind::kProtocol, kUnasked);
    if (PQresultStatus(result.get()) == PGRES_FATAL_ERROR && !*error) {
      *error = result_error(result.get());
    }
  }
  if (*error && PQstatus(conn) != CONNECTION_OK) mark_lost(&**error);
  return !error->has_value();
}

PgStatus PgConnection::Impl::finish_copy(int64_t deadline_ms, int64_t* copied_rows) {
  std::optional<PgError> error;
  {
    VESTO_ASSIGN(const PgResultPtr result, next_result(deadline_ms));
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

}  // namespace vesto
