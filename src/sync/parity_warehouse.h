// The warehouse's side of a comparison: one session that only reads, in transactions that are
// rolled back.
// Thread rule: one thread; a stop ends what it waits for.
#ifndef VESTO_SYNC_PARITY_WAREHOUSE_H_
#define VESTO_SYNC_PARITY_WAREHOUSE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "redshift/session.h"
#include "schema/table.h"
#include "source/source.h"

namespace vesto {

using WarehouseCells = std::vector<std::optional<std::string>>;
using TakeWarehouseRow = std::function<Status(const WarehouseCells&)>;

class ParityWarehouse {
 public:
  // keep_sql: told each kind of statement once. Errors: those of connecting.
  static Result<std::unique_ptr<ParityWarehouse>> open(
      const RedshiftConnector& connect, std::function<void(const std::string&)> keep_sql,
      std::stop_token stop);
  ~ParityWarehouse();

  // Keys of rejected rows of the stream, as JSON; 10,000 at most. Outside a transaction.
  Result<std::set<std::string>> rejected_keys(const std::string& schema, const std::string& sync,
                                              const std::string& stream);
  Status begin();
  // ROLLBACK; what it reads was all it did.
  void end();
  [[nodiscard]] bool usable() const { return session_->usable(); }

  // Inside a transaction. The fields are those of sql::parity_sums(). After an error the
  // transaction has failed: end() and begin() again.
  Result<WarehouseCells> sums(const TargetName& target, const StreamSchema& schema);
  // All rows of the bucket, through a cursor. `widest_bytes`: no row prints as more.
  Status rows(const TargetName& target, const StreamSchema& schema, const RowBucket& bucket,
              uint64_t widest_bytes, const TakeWarehouseRow& take);

 private:
  ParityWarehouse(std::unique_ptr<RedshiftSession> session,
                  std::function<void(const std::string&)> keep_sql, std::stop_token stop)
      : session_(std::move(session)), keep_sql_(std::move(keep_sql)), stop_(std::move(stop)) {}
  Result<ExecResult> exec(const std::string& sql);

  std::unique_ptr<RedshiftSession> session_;
  const std::function<void(const std::string&)> keep_sql_;
  const std::stop_token stop_;
  std::set<std::string> kept_;
};

}  // namespace vesto

#endif  // VESTO_SYNC_PARITY_WAREHOUSE_H_
