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

namespace vesto {

struct RedshiftOptions {
  std::string host;
  std::string hostaddr;  // optional: dialled instead of host; the certificate must name host
  int port = 5439;
  std::string database;
  std::string user;
  Secret password;
  std::string tls_ca_file;  // empty: the system's
  int64_t connect_timeout_ms = 60'000;
  std::stop_token stop;  // ends a connection attempt that waits
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
  // One statement. Errors carry the code of the catalogue and Redshift's answer (SQLSTATE, text);
  // RS-CONNECTION when the connection was lost (what became of the statement is then unknown).
  virtual Result<ExecResult> exec(std::string_view sql) = 0;
  // What exec() puts in for {{SECRET:name}}.
  virtual void set_secret(const std::string& name, const Secret& value) = 0;
  // Read right after connecting, before any transaction.
  [[nodiscard]] virtual int backend_pid() const = 0;
  [[nodiscard]] virtual const std::string& backend_start() const = 0;
  // Asks the server to stop the running statement, then cuts the connection. Any thread.
  virtual void cancel() = 0;
  [[nodiscard]] virtual bool in_transaction() const = 0;
  [[nodiscard]] virtual bool usable() const = 0;
};

// Each new connection: login, pid and backend start read, session settings sent.
using RedshiftConnector = std::function<Result<std::unique_ptr<RedshiftSession>>()>;

Result<std::unique_ptr<RedshiftSession>> connect_redshift(const RedshiftOptions& options);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_SESSION_H_
