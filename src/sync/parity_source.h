// The source's side of a comparison: the rows of one stream as the destination should hold them.
// They pass the same guards as a load's rows, so those that Redshift cannot hold are known.
// Thread rule: one thread.
#ifndef VESTO_SYNC_PARITY_SOURCE_H_
#define VESTO_SYNC_PARITY_SOURCE_H_

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "encode/guards.h"
#include "source/source.h"
#include "sync/parity_value.h"

namespace vesto {

struct ParitySourceRow {
  enum class Fate {
    kLoaded,    // by COPY
    kSideDoor,  // by INSERT
    kRejected,  // in no table; `values` are the source's own
  };
  Fate fate = Fate::kLoaded;
  std::vector<ValueText> values;  // in the order of the schema; views until the next row
  uint64_t nulled = 0;            // of them, those in whose place a policy has put NULL
};
// False: no more rows are wanted.
using TakeSourceRow = std::function<Result<bool>(const ParitySourceRow&)>;

class ParitySource {
 public:
  // `plan`: all rows of the stream. `schema`: its columns with the policies of the sync.
  ParitySource(SourceSnapshot& snapshot, StreamPlan plan, StreamSchema schema,
               std::string null_marker, size_t max_row_bytes, std::stop_token stop);

  // The fields that SourceSnapshot::sums() tells. Errors: PG-READ and others of a read.
  Result<std::vector<std::optional<std::string>>> sums();
  // Hands every row of the bucket to `take`. Errors: those of a read, of `take`, RUN-INTERRUPTED.
  Status rows(const RowBucket& bucket, const TakeSourceRow& take);

  [[nodiscard]] const StreamPlan& plan() const { return plan_; }

 private:
  Status read(const ReadRange& range, const std::function<Result<bool>(Chunk*)>& take);
  Result<bool> take_chunk(Chunk* chunk, const TakeSourceRow& take);
  Result<bool> take_judged(std::string_view row, const TakeSourceRow& take);
  Result<bool> take_fields(std::string_view row, ParitySourceRow::Fate fate,
                           const TakeSourceRow& take);
  [[nodiscard]] Guard guard() const;

  SourceSnapshot& snapshot_;
  const StreamPlan plan_;
  StreamSchema schema_;
  const std::string null_marker_;
  const size_t max_row_bytes_;
  const std::stop_token stop_;
  std::vector<CsvField> fields_;
  std::vector<std::string> scratch_;
  ParitySourceRow row_;
};

}  // namespace vesto

#endif  // VESTO_SYNC_PARITY_SOURCE_H_
