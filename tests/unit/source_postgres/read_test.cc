// Rows as they come out of a real PostgreSQL.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>

#include "encode/diversion.h"
#include "encode/guards.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto::testing {
namespace {

using Rows = std::vector<std::string>;

class Read : public SourceTest {};

TEST_F(Read, EveryTypeAsRedshiftReadsIt) {
  sql("CREATE DOMAIN short AS varchar(10); CREATE DOMAIN shorter AS short;"
      "CREATE TABLE t (b bool, i2 int2, i4 int4, i8 int8, n numeric(12,2), n19 numeric(19,4),"
      " nn numeric, f4 real, f8 double precision, tx text, vc varchar(5), ch char(4), d date,"
      " ts timestamp, tz timestamptz, tm time, u uuid, j json, jb jsonb, by bytea, dom shorter);"
      "INSERT INTO t VALUES (true, -1, 2, 9223372036854775807, 12.30, 7.0001, 1e-20, 1.5, 1e300,"
      " 'a \"b\"\nc,d', 'x', 'ab', '2024-02-29', '2024-01-02 03:04:05.678901',"
      " '2024-01-02 03:04:05.5+02', '24:00', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',"
      " '{\"a\": [1,2]}', '{\"z\":1,\"a\":null}', '\\x00ff41', 'dom');"
      "INSERT INTO t (tx) VALUES (NULL), ('')");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.t"));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  std::vector<std::string> types;
  for (const Column& column : plan->schema.columns) types.push_back(type_sql(column.type));
  EXPECT_EQ(types, (Rows{"BOOLEAN",
                         "SMALLINT",
                         "INTEGER",
                         "BIGINT",
                         "DECIMAL(12,2)",
                         "DECIMAL(20,4)",
                         "VARCHAR(1024)",
                         "REAL",
                         "DOUBLE PRECISION",
                         "VARCHAR(1024)",
                         "VARCHAR(20)",
                         "VARCHAR(16)",
                         "DATE",
                         "TIMESTAMP",
                         "TIMESTAMPTZ",
                         "TIME",
                         "VARCHAR(36)",
                         "SUPER",
                         "SUPER",
                         "VARBYTE(1024000)",
                         "VARCHAR(40)"}));
  const std::string nulls = "\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|";
  const std::string more = "|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N";
  EXPECT_EQ(read_all(*taken, *plan),
            (Rows{nulls + "\\N" + more, nulls + more,
                  "t|-1|2|9223372036854775807|12.30|7.0001|0.00000000000000000001|1.5|1e+300|"
                  "a \"b\"\nc,d|x|ab|2024-02-29|2024-01-02 03:04:05.678901|"
                  "2024-01-02 01:04:05.5+00|24:00:00|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|"
                  "{\"a\": [1,2]}|{\"a\": null, \"z\": 1}|00ff41|dom"}));
}

TEST_F(Read, OneTableByManyRangesHasEveryRowOnce) {
  sql("CREATE TABLE big (id int PRIMARY KEY, pad text);"
      "ALTER TABLE big ALTER pad SET STORAGE PLAIN;"
      "INSERT INTO big SELECT i, repeat('x', 1900) FROM generate_series(1, 72000) i;"
      "DELETE FROM big WHERE id % 7 = 0; ANALYZE big");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.big"));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  ASSERT_GE(plan->ranges.size(), 3U);
  EXPECT_GT(plan->estimated_rows, 50'000);
  // What is written after the snapshot, also behind the last block known, is in none of them.
  sql("INSERT INTO big SELECT i, 'late' FROM generate_series(100000, 100100) i;"
      "UPDATE big SET pad = 'late' WHERE id < 50");
  std::vector<bool> seen(72001);
  std::atomic<int> rows{0};
  std::vector<std::thread> lanes;
  std::vector<std::vector<int>> ids(plan->ranges.size());
  for (size_t i = 0; i < plan->ranges.size(); ++i) {
    auto reader = taken->open(plan->ranges[i]);
    ASSERT_TRUE(reader.ok()) << reader.error().to_string();
    lanes.emplace_back([&ids, i, lane = std::move(reader).value()] {
      Chunk chunk;
      while (true) {
        const auto more = lane->read(&chunk);
        if (!more.ok() || !*more) break;
        for (size_t at = 0; at < chunk.bytes.size(); at = chunk.bytes.find('\n', at) + 1) {
          ids[i].push_back(std::stoi(chunk.bytes.substr(at, 8)));
        }
      }
    });
  }
  for (std::thread& lane : lanes) lane.join();
  for (const auto& part : ids) {
    for (const int id : part) {
      ASSERT_LE(id, 72000);
      ASSERT_FALSE(seen[static_cast<size_t>(id)]) << id << " came twice";
      seen[static_cast<size_t>(id)] = true;
      ++rows;
    }
  }
  EXPECT_EQ(rows, 72000 - 72000 / 7);
}

TEST_F(Read, SnapshotIsOneMomentForAllTables) {
  sql("CREATE TABLE a (x int); CREATE TABLE b (x int); INSERT INTO a VALUES (1)");
  auto taken = snapshot();
  sql("INSERT INTO a VALUES (2); INSERT INTO b VALUES (2)");
  EXPECT_EQ(read_table(*taken, request_for("public.a")), (Rows{"1"}));
  EXPECT_EQ(read_table(*taken, request_for("public.b")), (Rows{}));
  const int64_t now_ms = std::stoll(sql("SELECT (extract(epoch FROM now()) * 1000)::bigint"));
  EXPECT_LE(taken->data_as_of_ms(), now_ms);
  EXPECT_GT(taken->data_as_of_ms(), now_ms - 60'000);
}

TEST_F(Read, ChunksEndAtTheirLimit) {
  sql("CREATE TABLE t (id int, x text);"
      "INSERT INTO t SELECT i, repeat('abc', 25000) FROM generate_series(1, 9) i");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.t"));
  ASSERT_TRUE(plan.ok());
  auto reader = taken->open(plan->ranges.front());
  ASSERT_TRUE(reader.ok());
  Chunk chunk;
  int rows = 0;
  while (true) {
    const auto more = reader.value()->read(&chunk);
    ASSERT_TRUE(more.ok());
    if (!*more) break;
    EXPECT_EQ(chunk.rows, 3U);
    EXPECT_LE(chunk.bytes.size(), kChunkBytes);
    rows += static_cast<int>(chunk.rows);
  }
  EXPECT_EQ(rows, 9);
  EXPECT_FALSE(reader.value()->read(&chunk).value());  // stays at the end
  EXPECT_EQ(chunk.rows, 0U);
}

TEST_F(Read, CancelEndsAReadThatWaits) {
  sql("CREATE TABLE t (id int); INSERT INTO t VALUES (1);"
      "CREATE VIEW slow AS SELECT id, pg_sleep(600) IS NULL AS s FROM t");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.slow"));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  auto reader = taken->open(plan->ranges.front());
  ASSERT_TRUE(reader.ok()) << reader.error().to_string();
  std::thread canceller([this, &reader] {
    std::string running;  // until the statement waits in the server
    while (running != "1") {
      running =
          sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND "
              "wait_event = 'PgSleep'");
    }
    reader.value()->cancel();
  });
  Chunk chunk;
  const auto more = reader.value()->read(&chunk);
  canceller.join();
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code(), ErrorCode::kRunInterrupted);
  // The server was told as well: the statement does not run on.
  std::string left = "1";
  for (int i = 0; i < 500 && left != "0"; ++i) {
    left =
        sql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'COPY%' AND state = 'active'");
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  EXPECT_EQ(left, "0");
}

TEST_F(Read, ErrorAfterRowsIsAnError) {
  sql("CREATE TABLE t (id int); INSERT INTO t SELECT generate_series(1, 5000);"
      "CREATE VIEW v AS SELECT id, 1 / (4999 - id) AS x FROM t");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.v"));
  ASSERT_TRUE(plan.ok()) << plan.error().to_string();
  const Rows rows = read_all(*taken, *plan);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].find("SRC-VALUE"), std::string::npos) << rows[0];
  EXPECT_NE(rows[0].find("division by zero"), std::string::npos) << rows[0];
  // Other readers of the same snapshot go on.
  EXPECT_EQ(read_table(*taken, request_for("public.t")).size(), 5000U);
}

TEST_F(Read, ServerThatEndsTheSessionIsPgRead) {
  sql("CREATE TABLE t (id int, x text);"
      "INSERT INTO t SELECT i, repeat('abc', 100000) FROM generate_series(1, 300) i");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.t"));
  ASSERT_TRUE(plan.ok());
  auto reader = taken->open(plan->ranges.front());
  ASSERT_TRUE(reader.ok());
  Chunk chunk;
  ASSERT_TRUE(reader.value()->read(&chunk).value());
  EXPECT_EQ(sql("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                "current_database() AND application_name = 'vesto' AND query LIKE 'COPY%'"),
            "1");
  Result<bool> more = true;
  while (more.ok() && *more) more = reader.value()->read(&chunk);
  ASSERT_FALSE(more.ok());
  EXPECT_EQ(more.error().code(), ErrorCode::kPgRead) << more.error().to_string();
}

TEST_F(Read, RowOfManyMegabytesIsNamedAndNotFetched) {
  sql("CREATE TABLE t (id int PRIMARY KEY, small text, x text, j jsonb, b bytea);"
      "ALTER TABLE t ALTER x SET STORAGE EXTERNAL;"
      "INSERT INTO t SELECT i, 's', repeat('y', 400000), '{}', 'z' FROM generate_series(1, 5) i;"
      "INSERT INTO t VALUES (77, 's', repeat('y', 50000000), '{}', 'z')");
  auto taken = snapshot();
  auto plan = taken->plan(request_for("public.t"));
  ASSERT_TRUE(plan.ok());
  // Its key comes, and the marker that tells the guards.
  const Rows rows = read_all(*taken, *plan);
  ASSERT_EQ(rows.size(), 6U);
  ASSERT_FALSE(plan->oversize_marker.empty());
  EXPECT_EQ(rows[5].substr(0, 3), "77|");
  EXPECT_NE(rows[5].find(plan->oversize_marker), std::string::npos);
  EXPECT_LT(rows[5].size(), 200U);
  sql("DELETE FROM t WHERE id = 77");
  EXPECT_EQ(read_table(*snapshot(), request_for("public.t")).size(), 5U);
}

TEST_F(Read, GuardsStopWhatCopyCannotTake) {
  const struct {
    const char* type;
    const char* value;
    const char* said;
  } cases[] = {{"numeric(8,2)", "'NaN'", "NaN"},
               {"float8", "'-Infinity'", "-Infinity"},
               {"real", "'NaN'", "NaN"},
               {"date", "'infinity'", "infinity"},
               {"date", "'0044-03-15 BC'", "0044-03-15 BC"},
               {"timestamp", "'20000-01-01'", "20000-01-01"},
               {"timestamptz", "'-infinity'", "-infinity"},
               {"text", "repeat('x', 65536)", "65,536 bytes"},
               {"bytea", "decode(repeat('ab', 1024001), 'hex')", "1,024,001 bytes"},
               {"json", "'\"a\\u0000\"'", "\\u0000"},
               {"jsonb", "to_jsonb(repeat('x', 65536))", "65,536"},
               {"jsonb", "(repeat('[', 1001) || repeat(']', 1001))::jsonb", "1,001"}};
  for (const auto& one : cases) {
    sql(std::string("DROP TABLE IF EXISTS t; CREATE TABLE t (id int PRIMARY KEY, v ") + one.type +
        "); INSERT INTO t VALUES (1, NULL), (2, " + one.value + ")");
    auto taken = snapshot();
    auto plan = taken->plan(request_for("public.t"));
    ASSERT_TRUE(plan.ok()) << plan.error().to_string();
    Guard guard(plan->schema, std::string(kMarker));
    auto reader = taken->open(plan->ranges.front());
    ASSERT_TRUE(reader.ok());
    Chunk chunk;
    Diversion out;
    Status checked = ok_status();
    // The row may be too long for the chunk of the one before it.
    while (checked.ok() && reader.value()->read(&chunk).value()) {
      checked = guard.check(&chunk, &out);
    }
    ASSERT_FALSE(checked.ok()) << one.type << " " << one.value;
    EXPECT_EQ(checked.error().code(), ErrorCode::kSrcValue);
    for (const char* part : {one.said, "column v", "id = 2", "public.t"}) {
      EXPECT_NE(checked.error().to_string().find(part), std::string::npos)
          << checked.error().to_string();
    }
  }
}

TEST_F(Read, SqlAsciiDatabaseIsCheckedForUtf8) {
  const std::string name = database_ + "_raw";
  ASSERT_EQ(shared_cluster().sql("CREATE DATABASE " + name +
                                 " TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'"),
            "");
  shared_cluster().sql(
      "SET client_encoding = 'SQL_ASCII'; CREATE TABLE t (id int PRIMARY KEY, x "
      "text); INSERT INTO t VALUES (1, 'fine'), (2, E'\\xe9t\\xe9')",
      name);
  PostgresOptions to = options();
  to.database = name;
  {
    auto taken = make_postgres_source(to)->open_snapshot(kMarker);
    ASSERT_TRUE(taken.ok());
    auto plan = taken.value()->plan(request_for("public.t"));
    ASSERT_TRUE(plan.ok());
    EXPECT_TRUE(plan->check_utf8);
    GuardLimits limits;
    limits.check_utf8 = plan->check_utf8;
    Guard guard(plan->schema, std::string(kMarker), limits);
    auto reader = taken.value()->open(plan->ranges.front());
    ASSERT_TRUE(reader.ok());
    Chunk chunk;
    ASSERT_TRUE(reader.value()->read(&chunk).value());
    Diversion out;
    const Status checked = guard.check(&chunk, &out);
    ASSERT_FALSE(checked.ok());
    EXPECT_EQ(checked.error().code(), ErrorCode::kSrcValue);
    EXPECT_NE(checked.error().to_string().find("id = 2"), std::string::npos);
  }
  shared_cluster().sql("DROP DATABASE " + name);
}

}  // namespace
}  // namespace vesto::testing
