#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {

Column column(const std::string& name, ColumnType type, bool unbounded) {
  Column out;
  out.name = name;
  out.source_name = name;
  out.source_type = "test";
  out.type = type;
  out.unbounded = unbounded;
  return out;
}

ColumnType varchar(int length_bytes) { return {TypeKind::kVarchar, 0, 0, length_bytes}; }
ColumnType bigint() { return {TypeKind::kBigint, 0, 0, 0}; }

LoadTarget load_target() {
  LoadTarget target;
  target.schema = "shop";
  target.create_schema = true;
  target.sync = SyncId{"1a2b3c4d"};
  target.sync_name = "shop-orders";
  target.source_id = "7710/shop";
  target.installation = InstallationId{"abcdefgh12345678"};
  target.bucket = "demo";
  target.region = "eu-west-1";
  target.copy_access = [](const CopyNeed&, const std::stop_token&) -> Result<CopyAccess> {
    return CopyAccess{.keys = {.access_key_id = "AKIAEXAMPLE",
                               .secret_access_key = Secret("example-secret-key")}};
  };
  return target;
}

StreamLoad stream_load(const std::string& table, uint64_t rows, LoadMode mode) {
  StreamLoad out;
  out.schema.stream = "public." + table;
  out.schema.columns = {column("id", bigint()), column("note", varchar(1024), true)};
  out.schema.key = {0};
  out.target = {"shop", table};
  out.mode = mode;
  out.full = true;
  out.key_proven = true;
  out.known_target = true;
  out.null_marker = "nullabcdef12";
  if (rows > 0) {
    out.manifest_key = "m/" + table;
    out.part_rows = {rows};
  }
  out.rows_read = rows;
  out.bytes_staged = 1000;
  out.position = "pos-" + table;
  out.data_as_of_ms = 1'795'305'600'000;
  out.started_ms = 1'795'305'000'000;
  return out;
}

LoadContext LoaderTest::context() {
  LoadContext out;
  out.connect = warehouse.connector();
  out.clock = &clock;
  out.stop = stop.get_token();
  out.still_ours = [this]() -> Result<bool> {
    ++lease_asked;
    if (on_lease) on_lease();
    return ours && lease_asked != lease_lost_after;
  };
  out.record_session = [this](const std::vector<RecordedSession>& sessions,
                              const LoadId& load) -> Status {
    recorded.push_back(std::to_string(sessions.back().pid) + " " + load.text);
    remembered = sessions;
    statements_at_record.push_back(warehouse.log.size());
    return ok_status();
  };
  out.keep_sql = [this](const std::string& sql) { kept.push_back(sql); };
  out.dead_sessions = dead_sessions;
  return out;
}

void LoaderTest::prepared(RedshiftLoader& loader, const std::vector<StreamLoad>& group) {
  for (const StreamLoad& stream : group) {
    warehouse.copy_rows[stream.manifest_key] = stream.rows_staged();
  }
  auto state = loader.open_state();
  ASSERT_TRUE(state.ok()) << state.error().to_string();
  std::vector<StreamLoad> whole = group;  // tables are made by a first, full load
  for (StreamLoad& stream : whole) stream.full = true;
  auto done = loader.prepare(whole);
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  ASSERT_TRUE(done->empty()) << done->front().second.to_string();
  warehouse.log.clear();
  warehouse.waits.clear();
}

Result<LoadOutcome> LoaderTest::load(RedshiftLoader& loader, const std::vector<StreamLoad>& group,
                                     const std::string& seen, const std::string& next) {
  return loader.load(group, LoadId{seen}, LoadId{next}, RunId{"run_1"});
}

}  // namespace vesto::testing
