// Append: the window that was read takes the place of what the target has of it.
#include <gtest/gtest.h>

#include "redshift/sql.h"
#include "redshift/table_plan.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

const TargetName kEvents{"s", "events"};

TEST(DeleteWindow, IsComparedAsTheColumnsType) {
  EXPECT_EQ(sql::delete_window(kEvents, "n", bigint(), "-12", false),
            "DELETE FROM \"s\".\"events\" WHERE \"n\" >= -12");
  EXPECT_EQ(sql::delete_window(kEvents, "n", {TypeKind::kDecimal, 12, 2, 0}, "5.25", true),
            "DELETE FROM \"s\".\"events\" WHERE \"n\" >= 5.25 OR \"n\" IS NULL");
  EXPECT_EQ(sql::delete_window(kEvents, "at\"", {TypeKind::kTimestampTz, 0, 0, 0},
                               "2026-11-22 01:02:03.123456+00", false),
            "DELETE FROM \"s\".\"events\" WHERE \"at\"\"\" >= '2026-11-22 01:02:03.123456+00'");
  EXPECT_EQ(sql::delete_window(kEvents, "day", {TypeKind::kDate, 0, 0, 0}, "it's", false),
            "DELETE FROM \"s\".\"events\" WHERE \"day\" >= 'it''s'");
  EXPECT_EQ(sql::delete_window(kEvents, "n", bigint(), "1 OR true", false),
            "DELETE FROM \"s\".\"events\" WHERE \"n\" >= '1 OR true'");
}

TEST(DeleteWindow, PlainNumbers) {
  for (const char* good : {"0", "-1", "12.50", "99999999999999999999999999999999999999"}) {
    EXPECT_TRUE(sql::is_plain_number(good)) << good;
  }
  for (const char* bad : {"", "-", ".5", "5.", "1e5", "NaN", "--1", "1 ", "1.2.3", "0x1"}) {
    EXPECT_FALSE(sql::is_plain_number(bad)) << bad;
  }
}

struct AppendTest : LoaderTest {
  static StreamLoad window(uint64_t rows, const std::string& from = "100") {
    StreamLoad out = stream_load("a", rows, LoadMode::kAppend);
    out.schema.key = {};
    out.full = false;
    out.window = LoadWindow{.column = 0, .from = from, .with_nulls = true};
    return out;
  }
  Result<LoadOutcome> run(const StreamLoad& stream, uint64_t rows_before) {
    RedshiftLoader loader(load_target(), context());
    table("a").rows = 0;
    prepared(loader, {stream});
    table("a").rows = rows_before;
    return load(loader, {stream}, fence(), "L" + std::to_string(++loads));
  }
  int loads = 0;
};

TEST_F(AppendTest, TheWindowGoesAndWhatWasReadComes) {
  warehouse.matching["a"] = 4;
  auto out = run(window(6), 20);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_TRUE(out->committed);
  EXPECT_EQ(out->streams[0].rows_deleted, 4U);
  EXPECT_EQ(out->streams[0].rows_copied, 6U);
  EXPECT_EQ(out->streams[0].rows_inserted, 6U);
  EXPECT_EQ(out->streams[0].rows_updated, 0U);
  EXPECT_EQ(table("a").rows, 22U);
  const int deleted = warehouse.index_of("DELETE FROM \"shop\".\"a\" WHERE \"id\" >= 100 OR ");
  ASSERT_GT(deleted, 0);
  EXPECT_GT(warehouse.index_of("COPY \"shop\".\"a\""), deleted);
  EXPECT_EQ(warehouse.count("_vesto_stage_"), 0);
  EXPECT_EQ(warehouse.count("GROUP BY"), 0);
}

TEST_F(AppendTest, AlsoWhereNothingWasRead) {
  warehouse.matching["a"] = 4;
  auto out = run(window(0), 20);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_deleted, 4U);
  EXPECT_EQ(table("a").rows, 16U);
  EXPECT_EQ(warehouse.count("COPY "), 0);
}

TEST_F(AppendTest, ByTheSideDoorToo) {
  StreamLoad stream = window(5);
  stream.rows_read = 7;
  stream.diverted = diverted({{"1", "x"}, {"2", std::nullopt}});
  auto out = run(stream, 0);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_inserted, 7U);
  EXPECT_EQ(table("a").rows, 7U);
}

TEST_F(AppendTest, AWholeTableGoesIntoAnEmptyOneOnly) {
  StreamLoad whole = window(6);
  whole.full = true;
  whole.window.reset();
  auto out = run(whole, 0);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(table("a").rows, 6U);
  // Filled by somebody after prepare() has looked.
  out = run(whole, 1);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].second.name(), "RS-APPEND-FULL");
  EXPECT_NE(out->failed[0].second.hint().find("--full-refresh"), std::string::npos);
  EXPECT_EQ(table("a").rows, 1U);
  // And as prepare() and the plan find it.
  RedshiftLoader again(load_target(), context());
  auto prepared = again.prepare({whole});
  ASSERT_TRUE(prepared.ok());
  ASSERT_EQ(prepared->size(), 1U);
  EXPECT_EQ((*prepared)[0].second.name(), "RS-APPEND-FULL");
  auto compared = again.compare({whole});
  ASSERT_TRUE(compared.ok()) << compared.error().to_string();
  EXPECT_EQ(compared->targets[0].error->name(), "RS-APPEND-FULL");
}

TEST_F(AppendTest, RowsWithoutAWindowAreNotAddedBlindly) {
  StreamLoad stream = window(6);
  stream.window.reset();
  EXPECT_FALSE(run(stream, 20).ok());
  EXPECT_EQ(table("a").rows, 20U);
}

// "9" >= "10" as texts.
TEST_F(AppendTest, NumbersInATextColumnAreNoWindow) {
  table("a").columns = {{"id", "character varying(40)"}, {"note", "character varying(1024)"}};
  StreamLoad stream = window(6);
  stream.schema.columns[0] = column("id", varchar(40));
  RedshiftLoader loader(load_target(), context());
  auto done = loader.prepare({stream});
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ((*done)[0].second.name(), "RS-TABLE-DIFFERS");
  EXPECT_NE((*done)[0].second.message().find("comparing texts"), std::string::npos);
}

TEST_F(AppendTest, WhatIsNoNumberIsNotSent) {
  RedshiftLoader loader(load_target(), context());
  StreamLoad whole = window(0);
  whole.full = true;
  whole.window.reset();
  ASSERT_TRUE(loader.prepare({whole}).ok());
  auto done = loader.prepare({window(6, "NaN")});
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ((*done)[0].second.name(), "SRC-VALUE");
  EXPECT_EQ(warehouse.count("DELETE"), 0);
}

TEST_F(AppendTest, ThePlanPrintsIt) {
  RedshiftLoader loader(load_target(), context());
  StreamLoad whole = window(6);
  whole.full = true;
  whole.window.reset();
  ASSERT_TRUE(loader.prepare({whole}).ok());
  auto texts = loader.explain({window(6)});
  ASSERT_TRUE(texts.ok()) << texts.error().to_string();
  const auto at = std::find(texts->begin(), texts->end(),
                            "DELETE FROM \"shop\".\"a\" WHERE \"id\" >= 100 OR \"id\" IS NULL");
  ASSERT_NE(at, texts->end());
  EXPECT_TRUE((at + 1)->starts_with("COPY \"shop\".\"a\" ")) << *(at + 1);
}

}  // namespace
}  // namespace vesto::testing
