// How much a connection may bring in before it has said something that can be let go. Inside pg/
// only.
//
// libpq keeps a whole message before it gives anything of it away, makes room as the message's
// length word asks, and keeps parameter reports and notifications for good. So what arrives is
// counted here, and past a limit the connection is cut.
//   - Under TLS each read of libpq's BIO is counted, and past the limit none is let through: exact.
//   - Over plain TCP the kernel's count is asked after each PQconsumeInput(). One such call reads a
//     message that has begun for as long as bytes are there, so here the bound is that message's
//     own length, 2 GiB at the most (libpq's int). Warehouses are never reached without TLS.
//   - Of a Unix socket (a source on this host) what waits before each call and not behind it is
//     counted: less than came where the server writes meanwhile, never more.
// Not bounded by libpq, and bounded here alone: length of a row, a column list, a notice, an error,
// number of parameter reports and notifications.
// Sources: libpq's documentation (33.4, 33.18), tcp(7), BIO_set_callback_ex(3), SSL_pending(3).
// Thread rule: that of its connection.
#ifndef VESTO_PG_INTAKE_H_
#define VESTO_PG_INTAKE_H_

#include <libpq-fe.h>

#include <cstdint>

namespace vesto {

class PgIntake {
 public:
  // What a connection may bring in its whole life that belongs to no row, column, notice or error:
  // libpq keeps the value of each parameter that a server reports.
  static constexpr int64_t kMaxStrayBytes = 64LL << 20;

  PgIntake() = default;
  PgIntake(const PgIntake&) = delete;
  PgIntake& operator=(const PgIntake&) = delete;

  // Counts the reads of `conn` from here on. Again whenever it may have begun TLS; cheap. This
  // object must outlive the connection.
  void watch(PGconn* conn);

  // From here `limit_bytes` may come until the next take_message().
  void begin(int64_t limit_bytes);
  // From here on as much as this.
  void raise_limit(int64_t limit_bytes) { limit_ = limit_bytes; }
  // A message of `bytes` was taken over by the caller; what came is counted anew.
  void take_message(int64_t bytes) {
    marked_ = taken_;
    explained_ += bytes + 5;
  }
  // This much of what came was a message that is not kept by libpq.
  void explain(int64_t bytes) { explained_ += bytes; }
  // The end of a statement: what came since begin() and was not explained is kept in mind.
  void end();

  // Right before a call that reads.
  void before_read();
  // Right after: true when more came than may. Nothing more is then read under TLS.
  [[nodiscard]] bool over();

  // True while OpenSSL holds bytes that libpq has not taken. libpq reads a record of TLS in parts
  // where its buffer has less room than the record (16 KiB) has bytes, and poll() knows nothing of
  // the rest: who waits for the socket then may wait for good.
  [[nodiscard]] bool holds_bytes() const;

  [[nodiscard]] int64_t limit_bytes() const { return limit_; }
  // One read under TLS: true when it may go on.
  [[nodiscard]] bool may_read() const { return taken_ - marked_ <= limit_; }
  void add(int64_t bytes) { taken_ += bytes; }

 private:
  void count_plain();
  [[nodiscard]] bool tls() const { return bio_ != nullptr; }

  PGconn* conn_ = nullptr;
  const void* bio_ = nullptr;  // that is watched; only compared
  bool kernel_counts_ = true;  // until it turns out that it does not
  int fd_ = -1;                // that the kernel's count is of
  int64_t received_ = 0;       // that count, when it was last asked
  int64_t waiting_ = 0;        // before a call that reads, where the kernel counts nothing
  int64_t base_ = 0;           // of taken_, when this socket began
  int64_t taken_ = 0;
  int64_t marked_ = 0;
  int64_t limit_ = 0;
  int64_t begun_ = 0;
  int64_t explained_ = 0;
  int64_t stray_ = 0;
};

}  // namespace vesto

#endif  // VESTO_PG_INTAKE_H_
