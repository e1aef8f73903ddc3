// One connection to Redshift. exec() sends one statement as a simple query; nothing else in the
// program talks to a warehouse. A faulty twin in the tests fails at the n-th call.
//
// Texts are pure (redshift/sql.h) and hold placeholders {{SECRET:...}} where a secret goes; they
// are filled in at the last step, so no kept text can hold one.
// Thread rule: one thread at a time; cancel() from any.
#ifndef VESTO_REDSHIFT_SESSION_H_
#define VESTO_REDSHIFT_SESSION_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/redact.h"
#include "base/result.h"
#include "net/dialer.h"

namespace vesto {

struct RedshiftOptions {
  std::string host;
  std::string hostaddr;  // optional: dialled instead of host; the certificate must name host
  int port = 5439;
  std::string database;
  std::string user;
  Secret password;
  std::string tls_ca_file;                 // empty: the system's
  int64_t connect_timeout_ms = 60'000;     // in all, the first questions to the server included
  std::stop_token stop;                    // ends a connection attempt that waits
  std::shared_ptr<Dialer> dialer;          // optional: the way there, such as a tunnel
  std::vector<std::string> public_egress;  // for hints: what an allow-list has to take
};

struct ExecResult {
  std::string tag;  // "UPDATE 1"
  std::vector<std::vector<std::optional<std::string>>> rows;
  std::vector<std::string> notices;        // texts of NOTICE and INFO, in order
  [[nodiscard]] int64_t affected() const;  // the tag's number, or 0
};

class RedshiftSession {
 public:
  virtual ~RedshiftSession() = default;
  // One statement; its answer is waited for `timeout_ms` at most. Errors carry the code of the
  // catalogue and Redshift's answer (SQLSTATE, text); RS-CONNECTION when the connection was lost,
  // RS-TIMEOUT when no answer came in time: the server is then asked to cancel, and the connection
  // is cut. What became of the statement is unknown in both cases.
  virtual Result<ExecResult> exec(std::string_view sql, int64_t timeout_ms) = 0;
  // What exec() puts in for {{SECRET:name}}.
  virtual void set_secret(const std::string& name, const Secret& value) = 0;
  // Read right after connecting, before any transaction.
  [[nodiscard]] virtual int backend_pid() const = 0;
  [[nodiscard]] virtual const std::string& backend_start() const = 0;
  // "user@host:port/database": a pid means something on this warehouse and to this user alone.
  [[nodiscard]] virtual const std::string& where() const = 0;
  // Asks the server to stop the running statement, then cuts the connection. Any thread.
  virtual void cancel() = 0;
  [[nodiscard]] virtual bool in_transaction() const = 0;
  [[nodiscard]] virtual bool usable() const = 0;
};

// Each new connection: login, pid and backend start read. `timeout_ms` bounds all of it.
using RedshiftConnector =
    std::function<Result<std::unique_ptr<RedshiftSession>>(int64_t timeout_ms)>;

Result<std::unique_ptr<RedshiftSession>> connect_redshift(const RedshiftOptions& options);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_SESSION_H_
