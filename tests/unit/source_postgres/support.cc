#include "tests/unit/source_postgres/support.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "encode/redshift_csv.h"

namespace vesto::testing {

namespace {

class ClusterEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    cluster_ = PgCluster::start({.settings = {"max_prepared_transactions=5"}});
    ASSERT_NE(cluster_, nullptr);
    ASSERT_EQ(cluster_->sql("CREATE ROLE reader LOGIN"), "");
  }
  void TearDown() override { cluster_.reset(); }
  PgCluster& cluster() { return *cluster_; }

 private:
  std::unique_ptr<PgCluster> cluster_;
};

ClusterEnvironment* const kEnvironment = [] {
  auto* environment = new ClusterEnvironment;
  ::testing::AddGlobalTestEnvironment(environment);  // takes ownership
  return environment;
}();

std::string readable(std::string_view row) {
  std::vector<CsvField> fields;
  if (!split_csv_row(row, &fields)) return "BROKEN " + std::string(row);
  std::string out;
  std::string scratch;
  for (const CsvField& field : fields) {
    if (!out.empty() || &field != fields.data()) out += '|';
    out += is_csv_null(field, kMarker) ? "\\N" : std::string(csv_value(field, &scratch));
  }
  return out;
}

}  // namespace

PgCluster& shared_cluster() { return kEnvironment->cluster(); }

void SourceTest::SetUp() {
  static std::atomic<int> count{0};
  database_ = "db" + std::to_string(++count);
  ASSERT_EQ(shared_cluster().sql("CREATE DATABASE " + database_), "");
}

void SourceTest::TearDown() {
  EXPECT_EQ(shared_cluster().sql("DROP DATABASE " + database_ + " WITH (FORCE)"), "");
}

std::string SourceTest::sql(std::string_view statements) const {
  return shared_cluster().sql(statements, database_);
}

PostgresOptions SourceTest::options(const std::string& user) const {
  PostgresOptions options;
  options.host = shared_cluster().socket_dir();
  options.port = shared_cluster().port();
  options.database = database_;
  options.user = user.empty() ? shared_cluster().user() : user;
  return options;
}

std::unique_ptr<Source> SourceTest::source(const std::string& user) const {
  return make_postgres_source(options(user));
}

std::unique_ptr<SourceSnapshot> SourceTest::snapshot(const std::string& user) const {
  auto taken = source(user)->open_snapshot(kMarker);
  EXPECT_TRUE(taken.ok()) << taken.error().to_string();
  return std::move(taken).value();
}

std::vector<std::string> read_all(SourceSnapshot& snapshot, const StreamPlan& plan) {
  std::vector<std::string> rows;
  for (const ReadRange& range : plan.ranges) {
    auto reader = snapshot.open(range);
    if (!reader.ok()) return {"ERROR " + reader.error().to_string()};
    Chunk chunk;
    while (true) {
      const auto more = reader.value()->read(&chunk);
      if (!more.ok()) return {"ERROR " + more.error().to_string()};
      if (!*more) break;
      uint64_t count = 0;
      for (size_t at = 0; at < chunk.bytes.size(); ++count) {
        const size_t end = csv_row_end(chunk.bytes, at);
        if (end == std::string::npos) return {"ERROR a chunk ends within a row"};
        rows.push_back(readable(std::string_view(chunk.bytes).substr(at, end - at)));
        EXPECT_LE(end - at, chunk.longest_row_bytes);
        at = end;
      }
      EXPECT_EQ(count, chunk.rows);
      EXPECT_GT(count, 0U);
    }
  }
  std::sort(rows.begin(), rows.end());
  return rows;
}

std::vector<std::string> read_table(SourceSnapshot& snapshot, const StreamRequest& request) {
  auto plan = snapshot.plan(request);
  if (!plan.ok()) return {"ERROR " + plan.error().to_string()};
  return read_all(snapshot, *plan);
}

StreamRequest request_for(const std::string& table) {
  StreamRequest request;
  request.table = table;
  return request;
}

}  // namespace vesto::testing
