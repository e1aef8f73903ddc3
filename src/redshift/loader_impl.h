// The loader's inside, shared by state.cc, prepare.cc, alter.cc, load_transaction.cc,
// commit_unknown.cc and explain.cc. Not for other rooms.
#ifndef VESTO_REDSHIFT_LOADER_IMPL_H_
#define VESTO_REDSHIFT_LOADER_IMPL_H_

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/retry.h"
#include "redshift/catalog.h"
#include "redshift/load.h"
#include "redshift/sql.h"
#include "redshift/table_plan.h"

namespace vesto {

// How long a statement may wait for a lock on the state table.
inline constexpr int64_t kLockTimeoutMs = 60'000;
// The same, but shorter where a test of stopped processes asks for it (VESTO_TEST_LOCK_WAIT_MS,
// only in builds with kill points).
int64_t lock_timeout_ms();
// What a statement whose cost follows the target's size may take: DELETE, INSERT ... SELECT,
// UPDATE, the looks for bad keys. The server's statement_timeout for all of a load after its fence.
inline constexpr int64_t kMergeTimeoutMs = 6LL * 3600 * 1000;
// Waits of 60 s for the state's lock, and the search for an unknown COMMIT: 10 minutes in all.
inline constexpr int kMaxLockWaits = 10;
inline constexpr int64_t kCommitSearchMs = 600'000;
// DDL waits behind other people's readers for so long; also what a session is given before it was
// told a limit.
inline constexpr int64_t kDdlTimeoutMs = 300'000;
// The server ends a statement by itself (statement_timeout). If it does not even do that, the
// answer is waited for a minute longer; then the connection is cut.
inline constexpr int64_t kAnswerGraceMs = 60'000;
// COMMIT may stand in the server's queue. Without an answer by then its outcome is unknown.
inline constexpr int64_t kCommitTimeoutMs = 600'000;
// A whole connection attempt.
inline constexpr int64_t kConnectTimeoutMs = 120'000;
// Connecting that took so long and got no answer is not tried again at once: a dead link, a
// security group that lost us. The next run is the next try.
inline constexpr int64_t kSilenceMs = 15'000;
// Sessions that are remembered because they may hold locks.
inline constexpr size_t kMaxRemembered = 8;
// A session that has been idle for longer is not used again: a firewall may have dropped it.
inline constexpr int64_t kMaxIdleMs = 300'000;
// The same transaction: once, and five times more.
inline constexpr RetryPolicy kTransactionRetry{6, 200, 10'000};
// Between waits for a lock, since a refusal may come at once.
inline constexpr RetryPolicy kLockRetry{kMaxLockWaits + 1, 500, 5'000};

struct RedshiftLoader::Impl {
  Impl(LoadTarget t, LoadContext c);

  // --- session.  One is kept for all that the loader does. ---
  Status connect();  // makes session_ usable, if need be by a new connection
  // One statement by session_, kept for people. The answer is waited for as long as the server was
  // told to take, or `timeout_ms` if that is less and not 0, and kAnswerGraceMs more.
  Result<ExecResult> exec(const std::string& sql, int64_t timeout_ms = 0);
  Result<ExecResult> exec_as(const std::string& sql, const std::string& kept, int64_t timeout_ms);
  // An INSERT with rows of a table in it: they are not kept.
  Result<ExecResult> exec_rows(const std::string& sql);
  // The same by any session, within bounds: a stop ends the wait (RUN-INTERRUPTED), but not that of
  // COMMIT, whose outcome it would hide, nor that of ROLLBACK.
  Result<ExecResult> send(RedshiftSession& session, const std::string& sql, int64_t timeout_ms);
  Result<std::unique_ptr<RedshiftSession>> new_session();
  // Tells the run's record of the sessions that may hold locks, unless it knows.
  Status tell(const LoadId& load);
  Status set_timeout(int64_t timeout_ms);
  [[nodiscard]] int64_t within_search(int64_t timeout_ms) const;
  void roll_back();     // leaves the session clean, or drops it
  void drop_session();  // remembers it in ours_ if it may still hold locks
  // One piece of work that waits while the warehouse takes no writes (RS-RESIZE).
  class WriteWait {
   public:
    explicit WriteWait(Impl& impl) : impl_(impl) {}
    ~WriteWait();
    WriteWait(const WriteWait&) = delete;
    WriteWait& operator=(const WriteWait&) = delete;
    // Only where there is a patience. False: waited long enough; `error` says so.
    bool again(Error* error);
    // A write went through: nobody is told of a wait any more. The time that was waited still
    // counts, since the next write may be refused again.
    void over();

   private:
    Impl& impl_;
    bool waits_ = false;
    int64_t waited_ms_ = 0;  // of all waits; the work between them does not count
  };
  // Runs `work` again while its error says that the transaction is to be repeated, or that a lock
  // was waited for (`max_waits` times at most). Bounded.
  Status repeat(int max_waits, const std::function<Status()>& work);

  // --- state.cc ---
  Result<std::optional<DestinationState>> open_state(const std::vector<StreamLoad>& group,
                                                     bool knows_fence);
  Result<std::optional<DestinationState>> read_state(const std::vector<std::string>& tables);
  Status make_state(const Catalog& catalog);
  Result<DestinationState> select_state();
  Result<Catalog> shared_catalog(std::vector<std::string> more_tables = {});
  Result<Catalog> read_catalog(std::string_view schema, const std::vector<std::string>& tables);

  // --- prepare.cc ---
  Result<std::vector<std::pair<size_t, Error>>> prepare(const std::vector<StreamLoad>& group);
  Status read_tables(const std::vector<StreamLoad>& group, const std::vector<size_t>& streams);
  Status prepare_stream(const StreamLoad& stream);
  // Keeps what the catalogue says of the tables that it was asked for.
  void note_tables(const Catalog& catalog, const std::string& schema,
                   const std::vector<std::string>& tables);
  // Nothing is to be made, altered or looked at before the stream is loaded.
  [[nodiscard]] bool is_prepared(const StreamLoad& stream) const;
  // What keeps the stream out of its target, whatever its columns are. `existing`: nullptr if there
  // is no such table. Errors: RS-TABLE-DIFFERS, RS-TABLE-FOREIGN, RS-APPEND-FULL. For prepare() and
  // compare() alike.
  Status check_target(const StreamLoad& stream, const CatalogTable* existing);
  [[nodiscard]] Error denied_look(Error denied, const StreamLoad& stream,
                                  const CatalogTable& existing) const;
  void tell_added(const StreamLoad& stream, const std::vector<std::string>& added) const;

  // --- alter.cc ---
  Result<bool> send_steps(const StreamLoad& stream, const TablePlan& plan, bool may_plan_again);
  Result<bool> send_rewrite(const StreamLoad& stream, const ColumnRewrite& rewrite,
                            bool may_plan_again);
  Status send_casts(const StreamLoad& stream, const ColumnRewrite& rewrite);
  // A rewrite whose COMMIT was not answered: told if the catalogue shows that it was done.
  void tell_doubted(const TargetName& table, const TablePlan& plan);
  // The views that are bound to a column, "schema.view". Errors: what keeps it from being asked.
  Result<std::vector<std::string>> views_of(const TargetName& table, const std::string& column);
  // Redshift refused to alter the column: who or what is in the way is named, as far as it can be
  // found out.
  Error refused(const StreamLoad& stream, const std::string& column, Error error);

  // Whether the last attempt to connect ended with this error, after kSilenceMs or more.
  [[nodiscard]] bool met_silence(const Error& error) const;

  // --- commit_unknown.cc ---
  // Whether the load was committed, found out under the state's lock.
  Result<bool> was_committed(const RecordedSession& lost, const LoadId& load);
  Result<bool> search_commit(const RecordedSession& lost, const LoadId& load);
  Result<LoadId> fence_under_lock();
  // Ends a session of this warehouse and user, if it began no later than recorded.
  Status end_session(const RecordedSession& which);
  // Ends what this sync's own and dead runs may have left.
  void end_left_sessions();

  [[nodiscard]] TargetName state_name() const {
    return {target.schema, sql::state_table_name(target.sync)};
  }
  [[nodiscard]] Clock& clock() const { return *context.clock; }
  [[nodiscard]] const CatalogTable* find_table(const TargetName& name) const;

  LoadTarget target;
  LoadContext context;
  std::unique_ptr<RedshiftSession> session_;
  int64_t timeout_set_ms_ = -1;  // statement_timeout of session_; -1: not set yet
  int64_t last_used_ms_ = 0;
  int64_t connecting_took_ms_ = 0;   // the last attempt, whatever came of it
  bool has_stages_ = false;          // session_ holds staging tables: their names are taken
  bool no_lock_ = false;             // the database refuses LOCK (datashare)
  std::string where_;                // of the last connection
  LoadId load_;                      // the load that is under way
  std::optional<LoadId> told_load_;  // what the run's record says of session_
  // Lost ones that may still hold locks; at most kMaxRemembered, the newest.
  std::vector<RecordedSession> ours_;
  // While the outcome of a COMMIT is searched: when (monotonic) that ends. 0: no such bound.
  int64_t search_ends_ms_ = 0;
  bool search_extended_ = false;  // by what the warehouse itself was waited for
  // Target tables as last seen or made; schema and name.
  std::map<std::pair<std::string, std::string>, CatalogTable> tables_;
  struct DoubtedRewrite {
    TargetName table;
    std::string column;
    std::string text;  // for LoadContext::warn
  };
  std::optional<DoubtedRewrite> doubted_;
  // The catalogue was read for the group that prepare() gets next.
  bool read_ahead_ = false;
  // Those that the catalogue was asked for, also if they do not exist.
  std::map<std::pair<std::string, std::string>, bool> asked_;
  std::string login_user_;  // as the catalogue told it; "" before that
};

// Error of a run that somebody stopped.
Error interrupted();
// --- state.cc ---
Error no_schema(const std::string& schema);
// Adds the line to paste where a right is missing.
Error with_grant(Error error, const Catalog& catalog, const std::string& schema);
// --- prepare.cc ---
// Only what changed was read: a new table would hold that alone and look complete.
Error table_gone(const StreamLoad& stream);
// RS-APPEND-FULL.
Error append_full(const StreamLoad& stream);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_LOADER_IMPL_H_
