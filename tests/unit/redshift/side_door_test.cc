// Rows that go by INSERT, and rejected rows: texts, counts, and what a wrong count does.
#include <gtest/gtest.h>

#include "encode/redshift_csv.h"
#include "redshift/sql_rows.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

ColumnType kind(TypeKind which) { return {.kind = which}; }

std::vector<std::string> all(sql::InsertTexts texts) {
  std::vector<std::string> out;
  while (auto text = texts.next()) out.push_back(*std::move(text));
  return out;
}

TEST(SqlRows, ValuesByType) {
  EXPECT_EQ(sql::insert_value(kind(TypeKind::kDouble), "NaN"), "'NaN'");
  EXPECT_EQ(sql::insert_value(kind(TypeKind::kVarchar), "it's \\ {{SECRET:copy_secret}}"),
            "'it''s \\\\ {{SECRET:copy_secret}}'");
  EXPECT_EQ(sql::insert_value(kind(TypeKind::kSuper), "{\"a\":\"'\"}"),
            "JSON_PARSE('{\"a\":\"''\"}')");
  EXPECT_EQ(sql::insert_value(kind(TypeKind::kVarbyte), "00ff"), "FROM_HEX('00ff')");
  EXPECT_EQ(sql::insert_value(kind(TypeKind::kVarbyte), kEmptyBinary), "FROM_HEX('')");
}

TEST(SqlRows, StatementsEndAtTheirBound) {
  const std::vector<sql::ColumnDdl> columns = {{"id", kind(TypeKind::kBigint)},
                                               {"no\"te", kind(TypeKind::kVarchar)}};
  const std::vector<SideRow> two = {{"1", std::nullopt}, {"2", "x"}};
  const auto small = all(sql::insert_side_rows("\"s\".\"t\"", columns, two));
  ASSERT_EQ(small.size(), 1U);
  EXPECT_EQ(small[0],
            "INSERT INTO \"s\".\"t\" (\"id\", \"no\"\"te\") VALUES ('1', NULL), ('2', 'x')");
  const std::string long_value(60'000, 'x');
  const std::vector<SideRow> many(40, SideRow{"1", long_value});
  const auto large = all(sql::insert_side_rows("\"s\".\"t\"", columns, many));
  EXPECT_EQ(large.size(), 3U);
  for (const std::string& statement : large) {
    EXPECT_LT(statement.size(), sql::kInsertTextBytes + 70'000);
  }
  EXPECT_TRUE(all(sql::insert_side_rows("\"s\".\"t\"", columns, {})).empty());
}

TEST(SqlRows, RejectedValuesOfAnyBytesCanBeKept) {
  const std::vector<RejectedRow> rows = {
      {.key = "{}", .column = "a'b", .reason = "why", .value = "\xe9", .value_bytes = 1}};
  const auto texts = all(sql::insert_rejected(
      "s", {.sync = "shop", .stream = "public.t", .load_id = {"l"}, .run = {"r"}}, rows));
  ASSERT_EQ(texts.size(), 1U);
  EXPECT_NE(texts[0].find("'a''b', 'why', '\\\\xe9', 1"), std::string::npos) << texts[0];
}

struct SideDoorTest : LoaderTest {
  Result<LoadOutcome> run(const std::vector<StreamLoad>& group) {
    RedshiftLoader loader(load_target(), context());
    prepared(loader, group);
    table("a").rows = rows_before;
    return load(loader, group);
  }
  uint64_t rows_before = 0;
  // Ten rows are read: seven staged, two by the side door, one rejected.
  static StreamLoad mixed(const std::string& table, LoadMode mode = LoadMode::kUpsert) {
    StreamLoad out = stream_load(table, 7, mode);
    out.rows_read = 10;
    out.diverted = diverted(
        {{"8", "x"}, {"9", std::nullopt}},
        {{.key = "{\"id\":\"10\"}", .column = "note", .reason = "too long", .value = "v"}});
    return out;
  }
};

TEST_F(SideDoorTest, AllWaysOfARowAddUp) {
  auto out = run({mixed("a")});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_copied, 9U);
  ASSERT_EQ(warehouse.rejected.size(), 1U);
  EXPECT_NE(warehouse.rejected[0].find("too long"), std::string::npos);
}

TEST_F(SideDoorTest, ReplaceToo) {
  rows_before = 20;
  auto out = run({mixed("a", LoadMode::kReplace)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_copied, 9U);
  EXPECT_EQ(out->streams[0].rows_deleted, 20U);
  EXPECT_EQ(table("a").rows, 9U);
}

TEST_F(SideDoorTest, ByWayOfTheStagingTableToo) {
  rows_before = 10;
  StreamLoad stream = mixed("a");
  stream.full = false;
  auto out = run({stream});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_copied, 9U);
  EXPECT_EQ(warehouse.count("INSERT INTO \"_vesto_stage_1\""), 1);
}

TEST_F(SideDoorTest, AnInsertThatBringsLessCommitsNothing) {
  warehouse.shrink_side_door = true;
  auto out = run({mixed("a")});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code(), ErrorCode::kRunParity);
  EXPECT_EQ(table("a").rows, 0U);
  EXPECT_EQ(warehouse.data.state.count("public.a"), 0U);
}

TEST_F(SideDoorTest, ARowThatIsNowhereCommitsNothing) {
  StreamLoad stream = mixed("a");
  stream.diverted = diverted(stream.diverted->side);
  auto out = run({stream});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().code(), ErrorCode::kRunParity);
  EXPECT_EQ(warehouse.count("COPY"), 0);
}

TEST_F(SideDoorTest, TheSideDoorAlone) {
  StreamLoad stream = stream_load("a", 0);
  stream.rows_read = 1;
  stream.diverted = diverted({{"1", "x"}});
  auto out = run({stream});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_copied, 1U);
  EXPECT_EQ(warehouse.count("COPY"), 0);
}

}  // namespace
}  // namespace vesto::testing
