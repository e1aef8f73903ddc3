// A loader on a fake warehouse, with streams to load.
#ifndef VESTO_TESTS_UNIT_REDSHIFT_LOADER_FIXTURE_H_
#define VESTO_TESTS_UNIT_REDSHIFT_LOADER_FIXTURE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "redshift/load.h"
#include "tests/support/fake_redshift.h"

namespace vesto::testing {

Column column(const std::string& name, ColumnType type, bool unbounded = false);
ColumnType varchar(int length_bytes);
ColumnType bigint();

LoadTarget load_target();
// public.<table> with id BIGINT (key) and note TEXT; `rows` staged under the key "m/<table>".
// What of a stream's rows is not in its parts.
inline std::shared_ptr<const Diversion> diverted(std::vector<SideRow> side,
                                                 std::vector<RejectedRow> rejected = {}) {
  Diversion out;
  out.side = std::move(side);
  out.rejected = std::move(rejected);
  return std::make_shared<const Diversion>(std::move(out));
}

StreamLoad stream_load(const std::string& table, uint64_t rows, LoadMode mode = LoadMode::kUpsert);

struct LoaderTest : ::testing::Test {
  LoaderTest() : warehouse(clock) {}

  LoadContext context();
  // Schema, state table and the streams' target tables are there, empty.
  void prepared(RedshiftLoader& loader, const std::vector<StreamLoad>& group);
  Result<LoadOutcome> load(RedshiftLoader& loader, const std::vector<StreamLoad>& group,
                           const std::string& seen = "0", const std::string& next = "L1");
  FakeTable& table(const std::string& name) { return warehouse.data.tables[name]; }
  std::string fence() { return warehouse.data.state["*"].load_id; }

  FakeClock clock;
  FakeWarehouse warehouse;
  std::stop_source stop;
  bool ours = true;           // what still_ours() says
  int lease_lost_after = -1;  // the nth asking says no
  int lease_asked = 0;
  std::function<void()> on_lease;           // at each asking
  std::vector<std::string> recorded;        // "pid load"
  std::vector<RecordedSession> remembered;  // as last recorded
  std::vector<size_t> statements_at_record;
  std::vector<std::string> kept;
  std::vector<RecordedSession> dead_sessions;
};

}  // namespace vesto::testing

#endif  // VESTO_TESTS_UNIT_REDSHIFT_LOADER_FIXTURE_H_
