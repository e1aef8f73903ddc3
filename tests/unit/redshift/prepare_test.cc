#include <gtest/gtest.h>

#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

struct PrepareTest : LoaderTest {
  RedshiftLoader make() { return {load_target(), context()}; }
};

TEST_F(PrepareTest, CreatesOnceThenChangesNothing) {
  const std::vector<StreamLoad> group = {stream_load("a", 1), stream_load("b", 1)};
  RedshiftLoader loader = make();
  auto done = loader.prepare(group);
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_TRUE(done->empty());
  EXPECT_EQ(warehouse.count("CREATE TABLE"), 2);
  warehouse.log.clear();
  RedshiftLoader next = make();
  ASSERT_TRUE(next.prepare(group).ok());
  EXPECT_EQ(warehouse.count("CREATE"), 0);
  EXPECT_EQ(warehouse.count("ALTER"), 0);
}

TEST_F(PrepareTest, WidensOutsideATransaction) {
  RedshiftLoader loader = make();
  ASSERT_TRUE(loader.prepare({stream_load("a", 1)}).ok());
  StreamLoad wide = stream_load("a", 1);
  wide.widths = {0, 20'000};
  ASSERT_TRUE(loader.prepare({wide}).ok());
  EXPECT_EQ(table("a").columns[1].type, "character varying(65535)");
  EXPECT_EQ(warehouse.count("BEGIN"), 0);
}

// A column that somebody made narrower than Vesto would is theirs: it is widened for a value that
// needs it, and for nothing else.
TEST_F(PrepareTest, AColumnThatHoldsEveryValueStaysAsItIs) {
  table("a").columns = {{"id", "bigint", false, false, false},
                        {"note", "character varying(64)", false, false, false}};
  StreamLoad stream = stream_load("a", 1);
  for (const uint32_t widest : {0U, 1U, 64U}) {
    stream.widths = {0, widest};
    ASSERT_TRUE(make().prepare({stream}).ok());
  }
  EXPECT_EQ(warehouse.count("ALTER"), 0);
  stream.widths = {0, 65};
  ASSERT_TRUE(make().prepare({stream}).ok());
  EXPECT_EQ(table("a").columns[1].type, "character varying(1024)");
}

// Also a key, which a new table would give 4,096 bytes.
TEST_F(PrepareTest, ATextKeyThatHoldsEveryValueStaysAsItIs) {
  table("a").columns = {{"id", "bigint", false, false, false},
                        {"note", "character varying(64)", false, false, false}};
  StreamLoad stream = stream_load("a", 1);
  stream.schema.key = {1};
  stream.widths = {0, 64};
  ASSERT_TRUE(make().prepare({stream}).ok());
  EXPECT_EQ(warehouse.count("ALTER"), 0);
}

// In a database that ignores case, 'ABC' and 'abc' would be one key.
TEST_F(PrepareTest, TextKeysAreMadeCaseSensitive) {
  StreamLoad stream = stream_load("a", 1);
  stream.schema.key = {0, 1};
  ASSERT_TRUE(make().prepare({stream}).ok());
  EXPECT_FALSE(table("a").columns[0].case_sensitive);
  EXPECT_TRUE(table("a").columns[1].case_sensitive);
  EXPECT_EQ(warehouse.count("\"note\" VARCHAR(4096) COLLATE CASE_SENSITIVE NOT NULL"), 1);
  EXPECT_TRUE(make().open_state().ok());
  EXPECT_TRUE(table("_vesto_state_1a2b3c4d").columns[0].case_sensitive);
}

TEST_F(PrepareTest, SomebodyElseWasFaster) {
  warehouse.before("CREATE TABLE", [this] {
    table("a").columns = {{"id", "bigint", false, false},
                          {"note", "character varying(256)", false, false}};
  });
  auto done = make().prepare({stream_load("a", 1)});
  ASSERT_TRUE(done.ok());
  ASSERT_TRUE(done->empty()) << done->front().second.to_string();
  EXPECT_EQ(warehouse.count("CREATE TABLE"), 1);
  EXPECT_EQ(table("a").columns[1].type, "character varying(1024)");
}

TEST_F(PrepareTest, AlreadyWideEnoughIsSuccess) {
  table("a").columns = {{"id", "bigint", false, false},
                        {"note", "character varying(256)", false, false}};
  warehouse.fail("ALTER COLUMN", "0A000", "x, target column size should be different");
  auto done = make().prepare({stream_load("a", 1)});
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done->empty());
}

TEST_F(PrepareTest, ALostAnswerIsRepeated) {
  warehouse.drop("CREATE TABLE", FakeWarehouse::Drop::kAfter);
  auto done = make().prepare({stream_load("a", 1)});
  ASSERT_TRUE(done.ok());
  EXPECT_TRUE(done->empty());
  EXPECT_EQ(warehouse.count("CREATE TABLE"), 1);
}

TEST_F(PrepareTest, OneStreamsTroubleIsItsOwn) {
  table("a").columns = {{"id", "date", false, false}};
  table("b").owner = "joe";
  table("b").columns = {{"id", "bigint", false, false}};
  warehouse.fail("ALTER TABLE \"shop\".\"b\"", "42501", "must be owner of relation b");
  auto done = make().prepare({stream_load("a", 1), stream_load("b", 1), stream_load("c", 1)});
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(done->size(), 2U);
  EXPECT_EQ((*done)[0].first, 0U);
  EXPECT_EQ((*done)[0].second.name(), "RS-TABLE-DIFFERS");
  EXPECT_EQ((*done)[1].second.name(), "RS-OWNER");
  EXPECT_NE((*done)[1].second.hint().find("\"joe\""), std::string::npos);
  EXPECT_EQ(table("c").columns.size(), 2U);
}

TEST_F(PrepareTest, ATableThatIsGoneIsNotMadeAnewForChangesOnly) {
  StreamLoad window = stream_load("a", 1);
  window.full = false;
  auto done = make().prepare({window});
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ((*done)[0].second.name(), "RS-TABLE-DIFFERS");
  EXPECT_NE((*done)[0].second.hint().find("--full-refresh"), std::string::npos);
  EXPECT_EQ(warehouse.count("CREATE TABLE"), 0);
}

TEST_F(PrepareTest, WhatMeetsAllStopsAll) {
  warehouse.fail("CREATE TABLE", "XX000", "Disk Full");
  auto done = make().prepare({stream_load("a", 1), stream_load("b", 1)});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().name(), "RS-DISK-FULL");
}

TEST_F(PrepareTest, AKeyColumnThatRefusesToGrowNamesTheWayOut) {
  table("a").columns = {{"id", "bigint", false, false},
                        {"note", "character varying(256)", false, false}};
  warehouse.fail("ALTER COLUMN", "XX000", "found unexpected dependency for column");
  auto done = make().prepare({stream_load("a", 1)});
  ASSERT_TRUE(done.ok());
  ASSERT_EQ(done->size(), 1U);
  EXPECT_EQ((*done)[0].second.name(), "RS-KEY-COLUMN");
  // The catalogue does not say which key it is: both ways out.
  EXPECT_NE((*done)[0].second.hint().find("ALTER DISTSTYLE EVEN"), std::string::npos);
  EXPECT_NE((*done)[0].second.hint().find("ALTER SORTKEY NONE"), std::string::npos);
}

TEST_F(PrepareTest, ExplainChangesNothing) {
  StreamLoad changed = stream_load("b", 0);
  changed.full = false;
  auto texts = make().explain({stream_load("a", 1), changed});
  ASSERT_TRUE(texts.ok()) << texts.error().to_string();
  for (const std::string& sql : warehouse.log) {
    EXPECT_TRUE(sql.starts_with("SELECT")) << sql;
  }
  EXPECT_NE(std::find(texts->begin(), texts->end(), "COMMIT"), texts->end());
  int copies = 0;
  for (const std::string& text : *texts) copies += text.starts_with("COPY") ? 1 : 0;
  EXPECT_EQ(copies, 2);
}

// What open_state() makes is made all the same; a transaction with no table in it is not begun.
TEST_F(PrepareTest, ExplainOfNothingIsNoTransaction) {
  auto texts = make().explain({});
  ASSERT_TRUE(texts.ok()) << texts.error().to_string();
  for (const std::string& text : *texts) EXPECT_TRUE(text.starts_with("CREATE ")) << text;
}

}  // namespace
}  // namespace vesto::testing
