// One exported snapshot of the source and all that reads in it. Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_SNAPSHOT_H_
#define VESTO_SOURCE_POSTGRES_SNAPSHOT_H_

#include <memory>
#include <string>
#include <string_view>

#include "source/postgres/plan.h"
#include "source/postgres/postgres_source.h"
#include "source/postgres/reader.h"

namespace vesto {

class PostgresSnapshot final : public SourceSnapshot {
 public:
  static Result<std::unique_ptr<SourceSnapshot>> take(const PostgresOptions& options,
                                                      std::string_view null_marker);

  [[nodiscard]] int64_t data_as_of_ms() const override { return data_as_of_ms_; }
  Result<StreamPlan> plan(const StreamRequest& request) override;
  Result<std::unique_ptr<RangeReader>> open(const ReadRange& range) override;
  Result<ReadRange> sums(const StreamPlan& plan) override;
  Result<std::vector<ReadRange>> bucket(const StreamPlan& plan, const RowBucket& bucket) override;

 private:
  PostgresSnapshot() = default;
  Status begin(const PostgresOptions& options);
  Status read_open_transactions();

  std::unique_ptr<PgConnection> coordinator_;  // its transaction exports the snapshot
  std::shared_ptr<SnapshotConnections> connections_;
  int64_t data_as_of_ms_ = 0;
  PlanContext context_;
  std::stop_token stop_;
};

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_SNAPSHOT_H_
