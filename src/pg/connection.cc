#include "pg/connection.h"

#include <poll.h>

#include "base/clock.h"
#include "base/strings.h"
#include "pg/answer_reader.h"
#include "pg/connection_impl.h"

namespace vesto {

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

PgConnection::PgConnection(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PgConnection::~PgConnection() = default;

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
    const PgResultPtr result = std::move(next).value();
    if (!result) break;
    if (begins_copy(result.get())) return impl_->abandon(PgError::Kind::kProtocol, kUnasked);
    switch (PQresultStatus(result.get())) {
      case PGRES_SINGLE_TUPLE:
      case PGRES_TUPLES_OK:
      case PGRES_COMMAND_OK:
        if (const auto fault = reader.take(result.get())) return impl_->too_large(*fault);
        break;
      case PGRES_EMPTY_QUERY:
        break;
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
    VESTO_ASSIGN(const PgResultPtr result, impl_->next_result(deadline_ms));
    if (!result) return impl_->lost();
    if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) {
      error = impl_->result_error(result.get());
    } else if (PQnparams(result.get()) > 0) {
      error = make_pg_error(PgError::Kind::kServer, "a statement with parameters ($1)");
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
  impl_->copied_bytes = 0;
  VESTO_TRY(impl_->send(sql, deadline_ms));
  std::optional<PgError> error;
  {
    VESTO_ASSIGN(const PgResultPtr result, impl_->next_result(deadline_ms));
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
  // What has come meanwhile is taken first: while rows wait there is nothing to ask poll() for.
  bool take_first = !impl_->interrupted;
  while (size == 0) {
    if (!take_first) VESTO_TRY(impl_->wait_for_rows(deadline_ms));
    take_first = false;
    VESTO_TRY(impl_->consume());
    impl_->drop_notifications();
    size = PQgetCopyData(impl_->conn, &impl_->row, 1);
  }
  if (size > 0) {
    impl_->intake.take_message(size);
    impl_->copied_bytes += size;
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
