// The load transaction when nothing goes wrong, and what it refuses.
#include <gtest/gtest.h>

#include "redshift/load_transaction.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

struct LoadTest : LoaderTest {
  Result<LoadOutcome> run(const std::vector<StreamLoad>& group) {
    RedshiftLoader loader(load_target(), context());
    prepared(loader, group);
    for (const auto& [name, rows] : rows_before) table(name).rows = rows;
    return load(loader, group);
  }
  std::map<std::string, uint64_t> rows_before;
};

TEST_F(LoadTest, NothingButBeginPrecedesLock) {
  auto out = run({stream_load("a", 3)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  const int lock = warehouse.index_of("LOCK TABLE \"shop\".\"_vesto_state_1a2b3c4d\"");
  ASSERT_GT(lock, 0);
  EXPECT_EQ(warehouse.log[static_cast<size_t>(lock)],
            "LOCK TABLE \"shop\".\"_vesto_state_1a2b3c4d\"");
  EXPECT_EQ(warehouse.log[static_cast<size_t>(lock) - 1], "BEGIN");
  EXPECT_TRUE(warehouse.log[static_cast<size_t>(lock) + 1].starts_with("UPDATE "));
}

TEST_F(LoadTest, AnEmptyTargetIsCopiedStraight) {
  auto out = run({stream_load("a", 3)});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(warehouse.count("CREATE TEMP TABLE"), 0);
  EXPECT_EQ(warehouse.count("COPY \"shop\".\"a\""), 1);
  EXPECT_EQ(table("a").rows, 3U);
  ASSERT_EQ(out->streams.size(), 1U);
  EXPECT_EQ(out->streams[0].rows_copied, 3U);
  EXPECT_EQ(out->streams[0].rows_inserted, 3U);
  EXPECT_EQ(out->streams[0].rows_updated, 0U);
}

TEST_F(LoadTest, ATargetWithRowsIsMergedByWayOfAStage) {
  rows_before = {{"a", 10}};
  warehouse.matching["a"] = 2;
  auto out = run({stream_load("a", 3)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(table("a").rows, 11U);
  EXPECT_EQ(out->streams[0].rows_updated, 2U);
  EXPECT_EQ(out->streams[0].rows_inserted, 1U);
  EXPECT_EQ(warehouse.count("COPY \"shop\".\"a\""), 0);
  const int stage = warehouse.index_of("CREATE TEMP TABLE \"_vesto_stage_1\"");
  EXPECT_NE(warehouse.log[static_cast<size_t>(stage)].find("DISTKEY (\"id\")"), std::string::npos);
  EXPECT_LT(stage, warehouse.index_of("COPY \"_vesto_stage_1\""));
  EXPECT_LT(warehouse.index_of("COPY"), warehouse.index_of("DELETE FROM \"shop\".\"a\" USING"));
  EXPECT_LT(warehouse.index_of("USING"), warehouse.index_of("INSERT INTO \"shop\".\"a\""));
}

// What the stage takes, the target takes: COPY must meet the target's own limits.
TEST_F(LoadTest, TheStageHasTheTargetsTypes) {
  RedshiftLoader first(load_target(), context());
  prepared(first, {stream_load("a", 3)});
  table("a").columns[1].type = "character varying(777)";
  table("a").rows = 10;
  RedshiftLoader second(load_target(), context());
  auto out = load(second, {stream_load("a", 3)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(warehouse.count("CREATE TEMP TABLE \"_vesto_stage_1\" (\"id\" BIGINT, \"note\" "
                            "VARCHAR(777))"),
            1);
}

// Redshift's = ignores trailing blanks: 'k' and 'k ' are two keys of the source.
TEST_F(LoadTest, TextKeysAreComparedByLengthToo) {
  StreamLoad stream = stream_load("a", 3);
  stream.schema.key = {0, 1};
  stream.full = false;
  ASSERT_TRUE(run({stream}).ok());
  EXPECT_EQ(warehouse.count("USING \"_vesto_stage_1\" WHERE \"a\".\"id\" = "
                            "\"_vesto_stage_1\".\"id\" AND \"a\".\"note\" = "
                            "\"_vesto_stage_1\".\"note\" AND OCTET_LENGTH(\"a\".\"note\") = "
                            "OCTET_LENGTH(\"_vesto_stage_1\".\"note\")"),
            1);
  EXPECT_EQ(warehouse.count("GROUP BY \"id\", \"note\", OCTET_LENGTH(\"note\")"), 1);
}

// A window is merged even into an empty table: the read says nothing about the rest.
TEST_F(LoadTest, AWindowIsAlwaysMerged) {
  StreamLoad stream = stream_load("a", 3);
  stream.full = false;
  ASSERT_TRUE(run({stream}).ok());
  EXPECT_EQ(warehouse.count("COPY \"_vesto_stage_1\""), 1);
  EXPECT_EQ(warehouse.count("SELECT 1 FROM"), 0);
}

TEST_F(LoadTest, ReplaceDeletesAndNeverTruncates) {
  rows_before = {{"a", 10}};
  auto out = run({stream_load("a", 3, LoadMode::kReplace)});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(warehouse.count("TRUNCATE"), 0);
  EXPECT_EQ(warehouse.count("DELETE FROM \"shop\".\"a\""), 1);
  EXPECT_EQ(table("a").rows, 3U);
  EXPECT_EQ(out->streams[0].rows_deleted, 10U);
  EXPECT_EQ(out->streams[0].rows_inserted, 3U);
}

TEST_F(LoadTest, ReplaceByNothingEmptiesTheTable) {
  rows_before = {{"a", 10}};
  auto out = run({stream_load("a", 0, LoadMode::kReplace)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(table("a").rows, 0U);
  EXPECT_EQ(warehouse.count("COPY"), 0);
}

TEST_F(LoadTest, AnUpsertOfNothingMovesThePositionOnly) {
  rows_before = {{"a", 10}};
  auto out = run({stream_load("a", 0)});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(table("a").rows, 10U);
  EXPECT_EQ(warehouse.count("COPY"), 0);
  EXPECT_EQ(warehouse.data.state["public.a"].position, "pos-a");
}

TEST_F(LoadTest, PositionsFenceAndJournalAreOfThisLoad) {
  auto out = run({stream_load("b", 1), stream_load("a", 2)});
  ASSERT_TRUE(out.ok());
  EXPECT_EQ(fence(), "L1");
  EXPECT_EQ(warehouse.data.state["public.a"].position, "pos-a");
  EXPECT_EQ(warehouse.data.state["public.b"].load_id, "L1");
  EXPECT_EQ(warehouse.data.loads, (std::vector<std::string>{"public.a L1", "public.b L1"}));
  // In the order of the names, whatever the order of the group.
  EXPECT_EQ(out->loaded, (std::vector<size_t>{1, 0}));
  EXPECT_LT(warehouse.index_of("COPY \"shop\".\"a\""), warehouse.index_of("COPY \"shop\".\"b\""));
  // Blind INSERTs into the shared table come last.
  const int journal = warehouse.index_of("INSERT INTO \"shop\".\"_vesto_loads\"");
  EXPECT_EQ(warehouse.log[static_cast<size_t>(journal) + 1], "COMMIT");
}

TEST_F(LoadTest, SharedTableIsOnlyInsertedInto) {
  ASSERT_TRUE(run({stream_load("a", 2)}).ok());
  for (const std::string& sql : warehouse.log) {
    if (sql.find("_vesto_loads") == std::string::npos) continue;
    EXPECT_TRUE(sql.starts_with("INSERT INTO")) << sql;
  }
}

TEST_F(LoadTest, SessionIsRecordedBeforeLock) {
  ASSERT_TRUE(run({stream_load("a", 2)}).ok());
  // At the connect, and with the load's id before LOCK.
  EXPECT_EQ(recorded, (std::vector<std::string>{"100 ", "100 L1"}));
  EXPECT_EQ(statements_at_record.front(), 0U);
}

TEST_F(LoadTest, LeaseIsAskedBeforeLockAndBeforeCommit) {
  warehouse.before("LOCK TABLE", [this] { EXPECT_EQ(lease_asked, 1); });
  warehouse.before("INSERT INTO \"shop\".\"_vesto_loads\"", [this] { EXPECT_EQ(lease_asked, 1); });
  RedshiftLoader loader(load_target(), context());
  prepared(loader, {stream_load("a", 1)});
  warehouse.before("COMMIT", [this] { EXPECT_EQ(lease_asked, 2); });
  ASSERT_TRUE(load(loader, {stream_load("a", 1)}).ok());
  EXPECT_EQ(lease_asked, 2);
}

// A merge costs what the target's size costs, so the bytes that were staged do not bound it.
TEST_F(LoadTest, TimeoutsAreSetForLockAndForTheMerge) {
  rows_before = {{"a", 10}, {"b", 10}};
  ASSERT_TRUE(run({stream_load("a", 2), stream_load("b", 2)}).ok());
  EXPECT_LT(warehouse.index_of("SET statement_timeout TO 60000"), warehouse.index_of("BEGIN"));
  const int longer = warehouse.index_of("SET statement_timeout TO 21600000");
  EXPECT_GT(longer, warehouse.index_of("UPDATE "));
  EXPECT_LT(longer, warehouse.index_of("COPY"));
  // None for each table: statements are parsed one by one in the leader.
  EXPECT_EQ(warehouse.count("SET "), 1 + 1 + 1);  // the UPDATE is " SET " as well
}

TEST_F(LoadTest, CopyIsGivenWhatItsBytesTake) {
  constexpr int64_t kMinuteMs = 60'000;
  EXPECT_EQ(copy_timeout_ms(0), 10 * kMinuteMs);
  EXPECT_EQ(copy_timeout_ms(2ULL << 30) / kMinuteMs, 60);
  EXPECT_EQ(copy_timeout_ms(1ULL << 50), 360 * kMinuteMs);
}

TEST_F(LoadTest, CopyCountComesFromTheServerWhereTheNoticeIsMissing) {
  warehouse.says_copy_count = false;
  auto out = run({stream_load("a", 2)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(warehouse.count("pg_last_copy_count"), 1);
  EXPECT_EQ(out->streams[0].rows_copied, 2U);
}

TEST_F(LoadTest, NextGroupGetsStagesOfItsOwn) {
  RedshiftLoader loader(load_target(), context());
  StreamLoad stream = stream_load("a", 2);
  stream.full = false;
  prepared(loader, {stream});
  ASSERT_TRUE(load(loader, {stream}, "0", "L1").ok());
  auto second = load(loader, {stream}, "L1", "L2");
  ASSERT_TRUE(second.ok()) << second.error().to_string();
  EXPECT_TRUE(second->committed);
  EXPECT_EQ(fence(), "L2");
}

TEST_F(LoadTest, AnEmptyGroupCommitsNothing) {
  auto out = run({});
  ASSERT_TRUE(out.ok());
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(fence(), "0");
}

TEST_F(LoadTest, WhatCannotBeKeptLeavesBeforeAnythingIsSent) {
  StreamLoad long_position = stream_load("a", 1);
  long_position.position = std::string(4097, 'x');
  StreamLoad header = stream_load("b", 1);
  header.schema.stream = "*";
  StreamLoad no_key = stream_load("c", 1);
  no_key.schema.key.clear();
  auto out = run({long_position, header, no_key, stream_load("d", 1)});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->failed.size(), 3U);
  EXPECT_EQ(out->loaded, std::vector<size_t>{3});
  EXPECT_EQ(warehouse.data.state.size(), 2U);
}

TEST(CopiedRows, AreReadFromTheNotice) {
  EXPECT_EQ(copied_rows({"Load into table 't' completed, 12 record(s) loaded successfully."}), 12U);
  EXPECT_EQ(copied_rows({"something",
                         "Load into table 'completed, 9 record(s)' completed, 0 record(s) loaded "
                         "successfully."}),
            0U);
  EXPECT_EQ(copied_rows({}), std::nullopt);
  EXPECT_EQ(copied_rows({"Load into table 't' completed, x record(s) loaded successfully."}),
            std::nullopt);
  EXPECT_EQ(copied_rows({"12 record(s) loaded successfully."}), std::nullopt);
}

}  // namespace
}  // namespace vesto::testing
