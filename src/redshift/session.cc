// RedshiftSession on libpq (pg/connection.h).
#include "redshift/session.h"

#include <fmt/core.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/strings.h"
#include "pg/connection.h"
#include "redshift/errors.h"
#include "redshift/fill_secrets.h"
#include "redshift/session_sql.h"

namespace vesto {

namespace {

// "LOCK TABLE "s"."t"" : what a statement does, for messages. Never more than its first words.
std::string label(std::string_view sql) {
  constexpr size_t kLongest = 120;
  size_t end = sql.find('(');
  for (const std::string_view word : {" WHERE ", " SET ", " VALUES ", " FROM 's3"}) {
    end = std::min(end, sql.find(word));
  }
  return std::string(trim(cut_utf8(sql.substr(0, end), kLongest)));
}

class PgRedshiftSession : public RedshiftSession {
 public:
  PgRedshiftSession(std::unique_ptr<PgConnection> connection, std::string where)
      : connection_(std::move(connection)), where_(std::move(where)) {}

  // Before anything else: who we are, so that a successor can end this session.
  Status greet(int64_t deadline_ms, const std::stop_token& stop) {
    const std::stop_callback on_stop(stop, [this] { connection_->interrupt(); });
    greet_until_ms_ = deadline_ms;
    VESTO_ASSIGN(const bool both, greet_at_once());
    if (both) return ok_status();
    VESTO_ASSIGN(const auto pid_text, scalar(session_sql::backend_pid()));
    if (!take_pid(pid_text)) {
      return Error(ErrorCode::kRsSql, "pg_backend_pid() gave " + pid_text);
    }
    for (const std::string& query : session_sql::start_of(pid_)) {
      auto start = scalar(query);
      if (start.ok() && !start->empty()) {
        start_ = std::move(start).value();
        return ok_status();
      }
      if (!start.ok() && !connection_->usable()) return std::move(start).error();
    }
    VESTO_ASSIGN(start_, scalar(session_sql::server_time()));
    return ok_status();
  }

  Result<ExecResult> exec(std::string_view sql, int64_t timeout_ms) override {
    VESTO_ASSIGN(std::string text, fill_secrets(sql, secrets_));
    const WipedString filled(std::move(text));
    auto answer = connection_->exec(filled.text, timeout_ms);
    if (!answer.ok()) return redshift_error(answer.error(), label(sql));
    ExecResult out;
    out.tag = std::move(answer->tag);
    out.rows = std::move(answer->rows);
    for (const PgNotice& notice : answer->notices) out.notices.push_back(redact(notice.text));
    return out;
  }

  void set_secret(const std::string& name, const Secret& value) override { secrets_[name] = value; }
  [[nodiscard]] int backend_pid() const override { return pid_; }
  [[nodiscard]] const std::string& backend_start() const override { return start_; }
  [[nodiscard]] const std::string& where() const override { return where_; }

  void cancel() override { connection_->interrupt(); }

  [[nodiscard]] bool in_transaction() const override { return connection_->in_transaction(); }
  [[nodiscard]] bool usable() const override { return connection_->usable(); }

 private:
  Result<std::string> scalar(const std::string& sql) {
    auto answer = connection_->exec(sql, greet_until_ms_ - system_clock().monotonic_ms());
    if (!answer.ok()) return redshift_error(answer.error(), label(sql));
    return answer->scalar().value_or("");
  }

  bool take_pid(std::string_view text) {
    const auto pid = parse_int(trim(text));
    if (!pid || *pid <= 0 || *pid > INT32_MAX) return false;
    pid_ = static_cast<int>(*pid);
    return true;
  }

  // One statement for both. False: a server that does not answer it is asked one by one.
  Result<bool> greet_at_once() {
    auto answer = connection_->exec(session_sql::pid_and_time(),
                                    greet_until_ms_ - system_clock().monotonic_ms());
    if (!answer.ok()) {
      if (answer.error().kind == PgError::Kind::kServer && connection_->usable()) return false;
      return redshift_error(answer.error(), label(session_sql::pid_and_time()));
    }
    if (answer->rows.size() != 1 || answer->rows[0].size() != 2) return false;
    const auto& row = answer->rows[0];
    if (!row[0] || !row[1] || row[1]->empty() || !take_pid(*row[0])) return false;
    start_ = *row[1];
    return true;
  }

  std::unique_ptr<PgConnection> connection_;
  const std::string where_;
  std::map<std::string, Secret> secrets_;
  int64_t greet_until_ms_ = 0;
  int pid_ = 0;
  std::string start_;
};

}  // namespace

int64_t ExecResult::affected() const {
  const size_t blank = tag.find_last_of(' ');
  if (blank == std::string::npos) return 0;
  return parse_int(std::string_view(tag).substr(blank + 1)).value_or(0);
}

Result<std::unique_ptr<RedshiftSession>> connect_redshift(const RedshiftOptions& options) {
  PgOptions pg;
  pg.host = options.host;
  pg.hostaddr = options.hostaddr;
  pg.port = options.port;
  pg.database = options.database;
  pg.user = options.user;
  pg.password = options.password;
  pg.sslmode = "verify-full";  // never less: no fallback to clear text
  pg.tls_ca_file = options.tls_ca_file;
  pg.connect_timeout_ms = options.connect_timeout_ms;
  pg.dialer = options.dialer;
  pg.server = ServerKind::kWarehouse;
  pg.public_egress = options.public_egress;
  pg.stop = options.stop;
  const int64_t deadline_ms = system_clock().monotonic_ms() + options.connect_timeout_ms;
  const std::string where = fmt::format("{}:{}/{}", options.host, options.port, options.database);
  auto connection = PgConnection::connect(pg);
  if (!connection.ok()) {
    return redshift_login_error(connection.error(),
                                fmt::format("connecting to {} as {}", where, options.user),
                                options.user);
  }
  auto session = std::make_unique<PgRedshiftSession>(std::move(connection).value(),
                                                     options.user + "@" + where);
  Status greeted = session->greet(deadline_ms, options.stop);
  if (!greeted.ok() && greeted.error().code() == ErrorCode::kRsTimeout) {
    // No statement waits for a lock here: nobody answers.
    return Error(ErrorCode::kNetTimeout,
                 fmt::format("connecting to {}: logged in, and then no answer within {}", where,
                             format_duration(options.connect_timeout_ms)))
        .with_hint(std::string(kSilentServerHint))
        .with_upstream(greeted.error().upstream());
  }
  VESTO_TRY(greeted);
  return std::unique_ptr<RedshiftSession>(std::move(session));
}

}  // namespace vesto
