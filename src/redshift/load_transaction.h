// One load of a group of streams: tries the transaction until it is committed, or somebody must
// act. See redshift/load.h for what it promises. Not for other rooms.
#ifndef VESTO_REDSHIFT_LOAD_TRANSACTION_H_
#define VESTO_REDSHIFT_LOAD_TRANSACTION_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "redshift/find_row.h"
#include "redshift/loader_impl.h"
#include "redshift/stream_texts.h"

namespace vesto {

// Rows of COPY's INFO message: "Load into table 't' completed, 12 record(s) loaded successfully."
// Nothing if no notice says so.
std::optional<uint64_t> copied_rows(const std::vector<std::string>& notices);

// RUN-PARITY: `what` does not add up.
Error not_parity(const StreamLoad& stream, const std::string& what);

// The first leavers make the others be loaded again, all together; at this one, those that were not
// reached yet are tried one by one. What leaves later fails only in company, which is bounded.
inline constexpr size_t kLeaversBeforeTrial = 2;
inline constexpr size_t kMaxLeavers = 10;

// Transactions that are sent again because COPY's keys ended: one for a stream, so many for a load.
inline constexpr size_t kMaxRenewals = 3;

// Stages whose keys are looked at by one statement: each is a branch of its UNION ALL.
inline constexpr size_t kStagesPerCheck = 20;

// What the COPY of so many staged bytes may take: three times what is reckoned, 10 minutes at least
// and kMergeTimeoutMs at most. Kept by the client, so that no SET is needed for it.
int64_t copy_timeout_ms(uint64_t bytes_staged);

class LoadRun {
 public:
  LoadRun(RedshiftLoader::Impl& impl, const std::vector<StreamLoad>& group, LoadId seen,
          LoadId load, RunId run);
  Result<LoadOutcome> run();

 private:
  // Where the transaction failed.
  enum class Where { kElsewhere, kLock, kFenced, kStream };

  Status try_once(const std::vector<size_t>& order, std::vector<StreamLoaded>* done);
  Status fill_transaction(const std::vector<size_t>& order, std::vector<StreamLoaded>* done);
  Status take_fence();
  Status ask_lease();
  Status write_rejected(const std::vector<size_t>& order);
  // Where it changes another number of rows than `moves` (0: any), the plan is void (kFenced).
  Status send_state(const std::string& sql, size_t moves);
  Status write_positions(const std::vector<size_t>& order, const std::vector<StreamLoaded>& done);
  Status commit();
  Result<std::vector<size_t>> fit_streams(LoadOutcome* out);
  int end_attempt();
  std::optional<Error> after_failure(Error error);
  void leave(size_t index, int pid, Error error, std::vector<size_t>* order, LoadOutcome* out);

  // --- load_trial.cc ---
  // Sends each of order[from..] in a transaction of its own that is rolled back; those that fail by
  // themselves leave `order`. Errors: what would meet every stream.
  Status try_each_alone(size_t from, std::vector<size_t>* order, LoadOutcome* out);
  Status try_alone(size_t index);
  void step_done();

  Result<StreamLoaded> load_stream(const StreamLoad& stream, size_t number);
  Result<CopyAccess> copy_access(const StreamLoad& stream, int64_t may_take_ms);
  // COPY's keys ended while it ran. True: the transaction is to be sent again, with other keys.
  bool may_renew_keys(const Error& error);
  Result<StreamLoaded> upsert(const StreamLoad& stream, const StreamTexts& texts);
  Result<StreamLoaded> replace(const StreamLoad& stream, const StreamTexts& texts);
  Result<StreamLoaded> append(const StreamLoad& stream, const StreamTexts& texts);
  // COPY and the side door, into `table` (quoted): how many rows came.
  Result<uint64_t> bring(const StreamLoad& stream, const StreamTexts& texts,
                         const std::string& table);
  Result<uint64_t> copy(const StreamLoad& stream, const StreamTexts& texts,
                        const std::string& table);
  Status check_keys(const StreamLoad& stream, const StreamTexts& texts, const std::string& table);
  // Counts the keys that stand twice in the stages of streams whose source keeps them single: by
  // one statement for many streams. On an error at_ is the stream.
  Status check_stages();
  Error twice(const StreamLoad& stream, const sql::KeyedTable& table, uint64_t keys);
  // ": {"id":"7"}, {"id":"8"}", or "" if that cannot be told.
  std::string named_keys(const StreamLoad& stream, const std::string& sql);

  // --- load_error.cc ---
  void add_load_error(const StreamLoad& stream, int pid, Error* error);
  void add_refused_row(const StreamLoad& stream, int pid, const std::string& file,
                       RefusedField field, Error* error);

  // timeout_ms: 0: as long as the server may take.
  Result<ExecResult> send(const std::string& sql, int64_t timeout_ms = 0);
  Result<uint64_t> count(const std::string& sql);
  bool after_lock_failure(Error& error);

  RedshiftLoader::Impl& impl_;
  const std::vector<StreamLoad>& group_;
  const LoadId seen_;
  const LoadId load_;
  const RunId run_;
  Backoff backoff_;                         // of the same transaction
  Backoff lock_backoff_;                    // between waits for the state's lock
  RedshiftLoader::Impl::WriteWait resize_;  // until this load is done
  size_t step_ = 0;          // of the transaction: the fence, each stream, the positions, COMMIT
  size_t refused_step_ = 0;  // that the last resize refused
  int lock_waits_ = 0;
  Where where_ = Where::kElsewhere;
  size_t at_ = 0;              // the stream, where where_ is kStream
  bool keys_can_end_ = false;  // of the last COPY: temporary ones
  struct Unchecked {
    size_t index = 0;  // into group_
    sql::KeyedTable stage;
  };
  std::vector<Unchecked> unchecked_;           // stages of this transaction, for check_stages()
  size_t stages_per_check_ = kStagesPerCheck;  // 1 once a count of several has failed
  bool counting_together_ = false;             // of several stages, at this moment
  std::set<size_t> renewed_;  // streams whose COPY was given other keys; kMaxRenewals at most
};

}  // namespace vesto

#endif  // VESTO_REDSHIFT_LOAD_TRANSACTION_H_
