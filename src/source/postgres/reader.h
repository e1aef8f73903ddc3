// One lane of a read: a connection inside the shared snapshot, and a COPY on it.
// Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_READER_H_
#define VESTO_SOURCE_POSTGRES_READER_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/mutex.h"
#include "pg/connection.h"
#include "source/postgres/postgres_source.h"
#include "source/source.h"

namespace vesto {

// Connections whose transaction sees the snapshot. Any thread.
class SnapshotConnections {
 public:
  SnapshotConnections(PostgresOptions options, std::string snapshot_id)
      : options_(std::move(options)), snapshot_id_(std::move(snapshot_id)) {}
  // An idle one, or a new one. At most as many exist as are used at the same time.
  Result<std::unique_ptr<PgConnection>> take();
  void give_back(std::unique_ptr<PgConnection> connection);

 private:
  const PostgresOptions options_;
  const std::string snapshot_id_;
  Mutex mutex_;
  std::vector<std::unique_ptr<PgConnection>> idle_ VESTO_GUARDED_BY(mutex_);
};

// PG-CHANGED: `changed` is `stream` itself or belongs to it.
Error changed_error(std::string_view changed, std::string_view stream);

class PostgresReader final : public RangeReader {
 public:
  PostgresReader(std::shared_ptr<SnapshotConnections> connections,
                 std::unique_ptr<PgConnection> connection, const ReadRange& range);
  ~PostgresReader() override;
  Result<bool> read(Chunk* chunk) override;
  void cancel() override { connection_->interrupt(); }

 private:
  // Sends the statement. Not in the constructor: the server answers only with its first rows, and
  // cancel() must be able to end that wait.
  Status start();
  Status finish();

  const std::shared_ptr<SnapshotConnections> connections_;
  std::unique_ptr<PgConnection> connection_;
  const ReadRange range_;
  std::optional<std::string_view> held_;  // came from the server, stands in no chunk yet
  int64_t rows_ = 0;
  bool started_ = false;
  bool finished_ = false;
};

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_READER_H_
