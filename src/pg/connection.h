// One connection to a PostgreSQL-like server (PostgreSQL, Redshift) on libpq.
//
//   auto made = PgConnection::connect(options);             // login within a deadline
//   auto answer = made.value()->exec("SELECT 1");           // a simple query: rows, tag, notices
//   made.value()->copy_out("COPY t TO STDOUT ...");         // then copy_row() until it gives
//   nothing
//
// Errors are PgError: SQLSTATE and text as received (redacted), not yet a code of the catalogue,
// since the same answer has another code for a source (pg/errors.h) than for Redshift.
// Options go to libpq as keywords and values, so a password may hold any character.
// Thread rule: one thread at a time; interrupt() from any thread at any time.
#ifndef VESTO_PG_CONNECTION_H_
#define VESTO_PG_CONNECTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/redact.h"
#include "base/result.h"
#include "net/dialer.h"
#include "net/probe.h"

namespace vesto {

// How a dead peer is noticed. While nothing is sent, as in a COPY of hours, keepalives go out after
// idle_s and then every interval_s, which also keeps a firewall from forgetting the connection;
// count of them without an answer end it, and so does user_timeout_ms without one (Linux: whichever
// comes first once something is outstanding).
struct PgLiveness {
  int idle_s = 30;
  int interval_s = 10;
  int count = 6;
  int user_timeout_ms = 60'000;
};

struct PgOptions {
  std::string host;      // a name, an address, or the folder of a Unix socket
  std::string hostaddr;  // optional: dialled instead of host; the certificate must still name host
  int port = 5432;
  std::string database;
  std::string user;
  Secret password;
  std::string sslmode = "prefer";  // libpq's words; "verify-full" never falls back to clear text
  std::string tls_ca_file;         // empty: with verify-ca and verify-full, the system's bundle
  std::string application_name = "vesto";
  std::string client_encoding = "UTF8";
  int64_t connect_timeout_ms = 60'000;  // in all, name, TLS and login included
  std::stop_token stop;                 // ends a connect() that waits
  std::shared_ptr<Dialer> dialer;       // optional: the way to host and port, such as a tunnel
  PgLiveness liveness;
  // For the reasons of a failure: whose codes they are, and what an allow-list has to take
  // (probe.h).
  ServerKind server = ServerKind::kSource;
  std::vector<std::string> public_egress;
  Resolver resolver;  // of the host's name; empty: the system's
};

struct PgError {
  enum class Kind {
    kServer,       // the server answered with an error; see sqlstate
    kDns,          // the host name is unknown
    kRefused,      // nobody listens there
    kTimeout,      // no answer within the deadline
    kTlsCa,        // the certificate cannot be verified
    kTlsName,      // the certificate is for another host
    kTlsOff,       // encryption was asked for and the server has none
    kLoginMethod,  // the server wants the password proved in a way that libpq does not know
    kLost,         // the connection was cut; what became of the statement is not known
    kInterrupted,  // interrupt() or the stop token
    kProtocol,     // an answer that does not fit what was sent
    kReach,        // the server was not reached; `reach` tells where it ended
    kTooLarge,     // an answer past its PgLimit; the connection was cut
  };
  Kind kind = Kind::kServer;
  std::string sqlstate;  // "42P01"; empty if the server did not say
  std::string message;   // the primary text, without severity
  std::string detail;
  std::string hint;
  // Of kReach: name, TCP, TLS or tunnel (net/probe.h). Of kLost: why the tunnel was cut, if it was.
  std::optional<Error> reach;
  // Message, detail and hint on one line.
  [[nodiscard]] std::string text() const;
};

template <typename T>
using PgResult = Result<T, PgError>;
using PgStatus = PgResult<Unit>;

struct PgNotice {
  std::string severity;  // NOTICE, INFO, WARNING
  std::string sqlstate;
  std::string text;  // cut at 16 KiB, as every text of an error is
};

// What the answer to one string of statements may bring. Past it the connection is cut, so that no
// server fills this host's memory.
struct PgLimit {
  // On the wire, notices and all; kept rows take four times as much memory at the most.
  int64_t bytes = 64LL << 20;
  size_t rows = 1'000'000;  // of one statement
};

struct PgAnswer {
  std::string tag;  // "UPDATE 1", "SELECT 3", "BEGIN": of the last statement
  std::vector<std::string> columns;
  std::vector<std::vector<std::optional<std::string>>> rows;  // of the last statement that had some
  std::vector<PgNotice> notices;  // in order, at most 1,000; later ones are dropped

  // rows[0][0], or nothing where there is no row or it is NULL.
  [[nodiscard]] std::optional<std::string> scalar() const;
};

// A column that a query would give.
struct PgColumn {
  std::string name;
  uint32_t type_oid = 0;
  int32_t typmod = -1;
  // The column of a table that it is taken from as it is; 0: computed.
  uint32_t table_oid = 0;
  int table_column = 0;
};

class PgConnection {
 public:
  // Bounds a wait for an answer where the caller names none. Dead peers are found much earlier, by
  // keepalives (about 90 s).
  static constexpr int64_t kDefaultTimeoutMs = 24LL * 3600 * 1000;
  static constexpr int64_t kReachTimeoutMs = 5'000;

  // A failure before the server's own answer is looked into (kReach): that takes up to
  // twice kReachTimeoutMs more.
  static PgResult<std::unique_ptr<PgConnection>> connect(const PgOptions& options);
  ~PgConnection();
  PgConnection(const PgConnection&) = delete;
  PgConnection& operator=(const PgConnection&) = delete;

  // What one row of a COPY may bring, with the notices before it.
  static constexpr int64_t kMaxCopyRowBytes = 1LL << 30;

  // Sends `sql` as one simple query and waits for the whole answer, which is kept in memory below
  // `limit` (kTooLarge past it). The first error of a string of statements is returned. On
  // kTimeout and kInterrupted the server is asked to cancel and the connection is cut.
  PgResult<PgAnswer> exec(std::string_view sql, int64_t timeout_ms = kDefaultTimeoutMs,
                          const PgLimit& limit = {});

  // The columns that `sql` would give, without executing it. It must be one statement (the extended
  // protocol takes no more), so a text that is put into it cannot bring another one. The relations
  // in it stay locked until the transaction ends.
  PgResult<std::vector<PgColumn>> describe(std::string_view sql,
                                           int64_t timeout_ms = kDefaultTimeoutMs);

  // Starts "COPY ... TO STDOUT".
  PgStatus copy_out(std::string_view sql);
  // The next message of the COPY (PostgreSQL sends one row in each); a view until the next call.
  // Nothing: all rows came and the server confirmed the end; copied_rows() is what it counted.
  PgResult<std::optional<std::string_view>> copy_row(int64_t timeout_ms = kDefaultTimeoutMs);
  [[nodiscard]] int64_t copied_rows() const { return copied_rows_; }

  // Wakes a call that waits in another thread, and makes every later one fail at once. What such a
  // call waits for is cancelled as by request_cancel(), in its own thread.
  void interrupt();

  // Asks the server to cancel what runs; opens a short connection for it. Any thread, but not
  // while the connection is being destroyed. Waits 3 s at most.
  void request_cancel();

  // Closes the socket now, without a word to the server.
  void cut();

  [[nodiscard]] int server_version() const;   // 150020; 80002 for Redshift
  [[nodiscard]] bool in_transaction() const;  // also in a failed one
  [[nodiscard]] bool usable() const;
  // What the server reported at login or since ("server_encoding"); "" if it did not.
  [[nodiscard]] std::string parameter(const std::string& name) const;

 private:
  struct Impl;
  explicit PgConnection(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
  int64_t copied_rows_ = 0;
};

}  // namespace vesto

#endif  // VESTO_PG_CONNECTION_H_
