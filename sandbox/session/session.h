// One client's session, on a thread of its own: login, then statement after statement until the
// client or PostgreSQL ends it.
//
//   client ── wire ── Session ── translate() ── isolation ── PgLink ── PostgreSQL (one backend)
//
// Every statement runs inside a transaction that the session opens (BEGIN of the client, or an
// implicit one around a simple query or up to a Sync). When a statement fails, PostgreSQL's
// transaction is rolled back at once; the client sees the failed state until its ROLLBACK.
#ifndef VESTO_SANDBOX_SESSION_SESSION_H_
#define VESTO_SANDBOX_SESSION_SESSION_H_

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "sandbox/aws/temporary_logins.h"
#include "sandbox/control/faults.h"
#include "sandbox/control/warehouse_state.h"
#include "sandbox/copy/copy_executor.h"
#include "sandbox/http/tls_material.h"
#include "sandbox/s3/object_store.h"
#include "sandbox/session/error_rewrite.h"
#include "sandbox/session/isolation.h"
#include "sandbox/session/name_table.h"
#include "sandbox/session/row_rewrite.h"
#include "sandbox/session/settings.h"
#include "sandbox/session/system_log.h"
#include "sandbox/sql/statement.h"
#include "sandbox/wire/channel.h"
#include "sandbox/wire/pg_link.h"

namespace vesto::sandbox {

// What all sessions of a server share. All of it outlives them.
struct SessionShared {
  const PgCluster* cluster = nullptr;
  std::shared_ptr<const TlsContext> tls;
  Isolation isolation = Isolation::kSnapshot;
  bool serverless = false;
  std::string region;  // where the warehouse is, if it is none of the world's
  const ServedWarehouse* served = nullptr;
  Faults* faults = nullptr;
  WarehouseState* state = nullptr;  // nullptr: always available
  ObjectStore* store = nullptr;
  const KeyRing* keys = nullptr;
  const S3Gate* gate = nullptr;       // of COPY; nullptr: every known key may do all
  const CopyRoles* roles = nullptr;   // of COPY; nullptr: none is attached
  TemporaryLogins* logins = nullptr;  // nullptr: none are given out
  Clock* clock = nullptr;             // nullptr: the system's
  AdminLink* admin = nullptr;
  NameTable* names = nullptr;
  SystemLog* log = nullptr;
  std::atomic<int64_t> next_query_id{100};
  std::stop_source stop;
};

class Session {
 public:
  Session(int fd, SessionShared* shared);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  void run();        // to the end of the session
  void interrupt();  // any thread: makes run() return soon
  [[nodiscard]] bool logged_in() const { return logged_in_; }  // any thread

 private:
  friend class ClientRelay;
  friend class BackendCopySink;
  enum class Tx { kNone, kImplicit, kExplicit, kFailed };
  // The outcome of one step. kClose: the connection is to be ended without another word.
  struct Step {
    enum class Kind { kDone, kFailed, kClose };
    Kind kind = Kind::kDone;
    std::string tag = {};  // of the statement, kDone
    ErrorFields error = {};
    bool rewritten = false;  // the error is in Redshift's words already
  };
  struct Prepared {
    Statement statement;
    std::string backend_name;  // empty: not known to PostgreSQL; the session runs it itself
  };
  struct Portal {
    std::shared_ptr<Prepared> prepared;
    std::string backend_name;
  };
  struct PreparedSql {  // SQL-level PREPARE
    StatementClass cls = StatementClass::kOther;
    std::vector<TableRef> writes;
  };

  // session_login.cc
  bool login();
  bool read_start(StartupPacket* start);

  // session_password.cc
  bool check_password(StartupPacket* start);
  // Sends what stands in out(), and reads the client's message of this type.
  bool read_answer(char expected, std::string_view* body);
  bool check_digest(const std::string& kept_digest, const std::string& salt);
  // The answer to "what is your md5 password", from the client.
  bool read_password(const std::string& salt, std::string* given);
  bool check_temporary_password(StartupPacket* start, const std::string& salt,
                                const std::string& given);

  // session_login.cc
  bool open_backend(const StartupPacket& start);
  void write_login_answer(const StartupPacket& start);
  bool refuse(const SqlError& error);  // FATAL; false

  // session.cc
  void serve();
  bool dispatch(char type, std::string_view body);
  bool simple_query(std::string_view sql);
  bool run_string(const std::vector<Statement>& statements, std::string_view sql);
  bool backend_spoke();
  void relay_parameters();
  void write_ready_for_query();
  void write_notice(const ErrorFields& fields);
  // Writes the error and ends the transaction as it must. False: the session is over.
  bool fail(const Step& step);
  Step failed(SqlError error) const;
  Step failed(ErrorFields error) const;
  [[nodiscard]] ErrorContext error_context() const;
  [[nodiscard]] std::string restore_names(std::string_view text) const;
  SqlResult<std::vector<Statement>> translate_text(std::string_view sql);

  // session_run.cc
  Step execute(const Statement& statement, bool several, std::string_view whole_text);
  Step dispatch_statement(const Statement& statement, bool several);
  Step check_state(const Statement& statement, bool several) const;
  Step open_transaction(const Statement& statement, bool several);
  Step run_begin(const Statement& statement);
  Step run_commit();
  Step run_rollback();
  Step run_set(const Statement& statement);
  Step run_show(const Statement& statement);
  Step run_on_backend(const Statement& statement);
  static std::vector<ColumnDescription> show_columns(const Statement& statement);
  Step close_transaction(const char* sql);  // COMMIT or ROLLBACK on PostgreSQL
  Step commit_with_fault();
  std::optional<Step> meet_state(const Statement& statement);
  std::optional<Step> inject(std::string_view kind, std::string_view subject, std::string* drop);
  void abort_transaction();
  void forget_transaction();
  void remember_prepared(const Statement& statement);
  void keep_long_names(const Statement& statement);

  // session_copy.cc
  Step run_copy(const Statement& statement);
  SqlResult<std::vector<CopyColumn>> copy_columns(const CopyStatement& copy, std::string* quoted);
  Step finish_copy(const CopyStatement& copy, const CopyOutcome& outcome, int64_t query_id);
  void log_copy(const CopyStatement& copy, const CopyOutcome& outcome, int64_t query_id,
                int64_t started_ms, bool completed);

  // session_extended.cc
  bool on_parse(std::string_view body);
  bool on_bind(std::string_view body);
  bool on_describe(std::string_view body);
  bool on_execute(std::string_view body);
  bool on_close(std::string_view body);
  bool on_sync();
  bool extended_failed(const Step& step);
  Step execute_portal(Portal* portal, int32_t max_rows, bool* suspended, bool* empty);
  void forget_statement(const std::string& name);
  void forget_portal(const std::string& name);
  Step parse_on_backend(const ParseMessage& message, Prepared* prepared);

  SessionShared* shared_;
  Channel client_;
  std::unique_ptr<PgLink> pg_;
  std::atomic<bool> logged_in_{false};
  std::atomic<bool> interrupted_{false};
  std::atomic<PgLink*> running_link_{nullptr};  // for interrupt()
  std::string user_;
  std::string database_;
  int64_t user_id_ = 0;
  RedshiftSettings settings_;

  Tx tx_ = Tx::kNone;
  bool snapshot_ = false;  // the transaction's snapshot stands
  int64_t last_table_oid_ = 0;
  int64_t query_id_ = 0;
  std::string after_abort_sql_;  // to run once PostgreSQL's transaction has been rolled back

  std::map<std::string, std::shared_ptr<Prepared>, std::less<>> prepared_;
  std::map<std::string, Portal, std::less<>> portals_;
  std::map<std::string, PreparedSql, std::less<>> prepared_sql_;
  std::string pending_closes_;  // Close messages for PostgreSQL, sent with the next batch
  uint64_t next_name_ = 1;
  bool skip_to_sync_ = false;
  bool warm_ = false;      // the first statement has been asked for
  bool extended_ = false;  // Execute runs a statement: Describe has told its columns
};

// Passes what PostgreSQL answers on to the client: rows, descriptions, notices. Keeps the tag.
class ClientRelay : public PgEvents {
 public:
  ClientRelay(Session* session, bool rows_wanted, bool description_wanted)
      : session_(session),
        rewriter_([session](std::string_view text) { return session->restore_names(text); }),
        rows_wanted_(rows_wanted),
        description_wanted_(description_wanted) {}
  void on_message(char type, std::string_view body) override;

  std::string tag;
  bool empty = false;
  bool suspended = false;
  std::vector<std::string> values;  // first column of rows that are not wanted

 private:
  Session* session_;
  RowRewriter rewriter_;
  bool rows_wanted_;
  bool description_wanted_;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_SESSION_H_
