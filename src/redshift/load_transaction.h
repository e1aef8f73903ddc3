// One load of a group of streams: tries the transaction until it is committed, or somebody must
// act. See redshift/load.h for what it promises. Not for other rooms.
#ifndef VESTO_REDSHIFT_LOAD_TRANSACTION_H_
#define VESTO_REDSHIFT_LOAD_TRANSACTION_H_

#include <optional>
#include <string>
#include <vector>

#include "redshift/loader_impl.h"
#include "redshift/stream_texts.h"

namespace vesto {

// Rows of COPY's INFO message: "Load into table 't' completed, 12 record(s) loaded successfully."
// Nothing if no notice says so.
std::optional<uint64_t> copied_rows(const std::vector<std::string>& notices);

// RUN-PARITY: `what` does not add up.
Error not_parity(const StreamLoad& stream, const std::string& what);

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
  Status write_positions(const std::vector<size_t>& order, const std::vector<StreamLoaded>& done);
  Status commit();

  Result<StreamLoaded> load_stream(const StreamLoad& stream, size_t number);
  Result<StreamLoaded> upsert(const StreamLoad& stream, const StreamTexts& texts);
  Result<StreamLoaded> replace(const StreamLoad& stream, const StreamTexts& texts);
  Result<uint64_t> copy(const StreamLoad& stream, const std::string& sql);
  Status check_keys(const StreamLoad& stream, const std::string& twice, const std::string& nulls);

  Result<ExecResult> send(const std::string& sql);
  Result<uint64_t> count(const std::string& sql);
  void add_load_error(int pid, Error* error);
  bool after_lock_failure(Error& error, int* lock_waits);

  RedshiftLoader::Impl& impl_;
  const std::vector<StreamLoad>& group_;
  const LoadId seen_;
  const LoadId load_;
  const RunId run_;
  Where where_ = Where::kElsewhere;
  size_t at_ = 0;  // the stream, where where_ is kStream
};

}  // namespace vesto

#endif  // VESTO_REDSHIFT_LOAD_TRANSACTION_H_
