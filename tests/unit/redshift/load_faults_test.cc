// Faults in the load transaction: what is repeated, what leaves the group, what stops, and that
// nothing is ever committed by halves.
#include <gtest/gtest.h>

#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

struct LoadFaults : LoaderTest {
  std::unique_ptr<RedshiftLoader> loader;
  std::vector<StreamLoad> group = {stream_load("a", 3), stream_load("b", 2)};

  // Streams a and b, a merged into a table with rows, b copied straight.
  void start() {
    loader = std::make_unique<RedshiftLoader>(load_target(), context());
    prepared(*loader, group);
    table("a").rows = 10;
    warehouse.matching["a"] = 1;
  }
  Result<LoadOutcome> run() { return load(*loader, group); }
  void expect_nothing_committed() {
    EXPECT_EQ(fence(), "0");
    EXPECT_EQ(table("a").rows, 10U);
    EXPECT_EQ(table("b").rows, 0U);
    EXPECT_EQ(warehouse.data.state.size(), 1U);
    EXPECT_TRUE(warehouse.data.loads.empty());
  }
  void expect_all_committed(const Result<LoadOutcome>& out) {
    ASSERT_TRUE(out.ok()) << out.error().to_string();
    EXPECT_TRUE(out->committed);
    EXPECT_TRUE(out->failed.empty());
    EXPECT_EQ(out->loaded.size(), 2U);
    EXPECT_EQ(fence(), "L1");
    EXPECT_EQ(table("a").rows, 12U);
    EXPECT_EQ(table("b").rows, 2U);
    EXPECT_EQ(warehouse.data.loads.size(), 2U);
  }
};

const std::vector<std::string>& statements() {
  static const std::vector<std::string> all = {"BEGIN",
                                               "LOCK TABLE",
                                               "UPDATE ",
                                               "CREATE TEMP TABLE",
                                               "COPY \"_vesto_stage_1\"",
                                               "SELECT 0, COUNT(*) FROM (",
                                               "DELETE FROM \"shop\".\"a\" USING",
                                               "INSERT INTO \"shop\".\"a\"",
                                               "SELECT 1 FROM \"shop\".\"b\"",
                                               "COPY \"shop\".\"b\"",
                                               "DELETE FROM \"shop\".\"_vesto_state",
                                               "INSERT INTO \"shop\".\"_vesto_state",
                                               "INSERT INTO \"shop\".\"_vesto_loads\"",
                                               "COMMIT"};
  return all;
}

struct AtEachStatement : LoadFaults, ::testing::WithParamInterface<std::string> {};

TEST_P(AtEachStatement, AConflictRepeatsTheTransaction) {
  start();
  warehouse.fail(GetParam(), "XX000", "1023");
  const auto out = run();
  expect_all_committed(out);
  EXPECT_EQ(warehouse.count("BEGIN"), 2);
  const bool open = GetParam() != "BEGIN" && GetParam() != "COMMIT";
  EXPECT_EQ(warehouse.count("ROLLBACK"), open ? 1 : 0);
}

TEST_P(AtEachStatement, ADeadlockRepeatsTheTransaction) {
  start();
  warehouse.fail(GetParam(), "40P01", "deadlock detected");
  expect_all_committed(run());
}

TEST_P(AtEachStatement, ALostConnectionRepeatsTheTransaction) {
  start();
  warehouse.drop(GetParam(), FakeWarehouse::Drop::kBefore);
  expect_all_committed(run());
}

TEST_P(AtEachStatement, ALostAnswerNeverCountsTwice) {
  start();
  warehouse.drop(GetParam(), FakeWarehouse::Drop::kAfter);
  expect_all_committed(run());
}

TEST_P(AtEachStatement, AFullDiskStopsAndCommitsNothing) {
  start();
  warehouse.fail(GetParam(), "XX000", "Disk Full", 1, 1000);
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-DISK-FULL");
  expect_nothing_committed();
}

INSTANTIATE_TEST_SUITE_P(Load, AtEachStatement, ::testing::ValuesIn(statements()));

TEST_F(LoadFaults, AMovedFenceCommitsNothing) {
  start();
  warehouse.move_fence("L7");
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->fenced);
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(fence(), "L7");
  EXPECT_EQ(warehouse.count("COPY"), 0);
  EXPECT_EQ(warehouse.count("ROLLBACK"), 1);
}

TEST_F(LoadFaults, TheFenceMovesBetweenRepeats) {
  start();
  warehouse.fail("COPY", "XX000", "1023");
  warehouse.before(
      "LOCK TABLE", [this] { warehouse.move_fence("L7"); }, 2);
  const auto out = run();
  ASSERT_TRUE(out.ok());
  EXPECT_TRUE(out->fenced);
  EXPECT_EQ(table("b").rows, 0U);
}

TEST_F(LoadFaults, RepeatsAreBounded) {
  start();
  warehouse.fail("UPDATE ", "XX000", "1023", 1, 1000);
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-SERIALIZABLE");
  EXPECT_EQ(warehouse.count("BEGIN"), 6);
  expect_nothing_committed();
}

TEST_F(LoadFaults, RepeatsWaitLongerAndLonger) {
  start();
  warehouse.fail("UPDATE ", "XX000", "1023", 1, 3);
  const int64_t before = clock.now_ms;
  expect_all_committed(run());
  EXPECT_GE(clock.now_ms - before, 100 + 200 + 400);
  EXPECT_LE(clock.now_ms - before, 200 + 400 + 800);
}

TEST_F(LoadFaults, AStreamWhoseCopyFailsLeavesAndTheRestIsCommitted) {
  start();
  warehouse.load_error = {"s3://demo/m/a", "7", "note", "String length exceeds DDL length"};
  warehouse.fail("COPY \"_vesto_stage_1\"", "XX000",
                 "Load into table '_vesto_stage_1' failed.  Check 'stl_load_errors' system table "
                 "for details.");
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].first, 0U);
  EXPECT_EQ(out->failed[0].second.name(), "RS-COPY-DATA");
  EXPECT_NE(out->failed[0].second.to_string().find("line 7 column note"), std::string::npos);
  EXPECT_EQ(out->loaded, std::vector<size_t>{1});
  EXPECT_EQ(table("a").rows, 10U);
  EXPECT_EQ(table("b").rows, 2U);
  EXPECT_EQ(warehouse.data.state.count("public.a"), 0U);
  EXPECT_EQ(warehouse.data.state.count("public.b"), 1U);
  EXPECT_EQ(clock.now_ms, 1000);  // at once
}

TEST_F(LoadFaults, AStreamThatAlwaysMeetsAConflictLeaves) {
  start();
  warehouse.fail("COPY \"shop\".\"b\"", "XX000", "1023", 1, 1000);
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].first, 1U);
  EXPECT_EQ(table("a").rows, 12U);
  EXPECT_EQ(warehouse.data.state.count("public.b"), 0U);
}

TEST_F(LoadFaults, IfAllLeaveNothingMoves) {
  start();
  warehouse.fail("COPY", "42P01", "relation does not exist", 1, 1000);
  const auto out = run();
  ASSERT_TRUE(out.ok());
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(out->failed.size(), 2U);
  expect_nothing_committed();
}

TEST_F(LoadFaults, FewerRowsCopiedThanReadCommitsNothing) {
  start();
  warehouse.copy_rows["m/b"] = 1;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-PARITY");
  expect_nothing_committed();
}

TEST_F(LoadFaults, MoreRowsCopiedThanReadCommitsNothing) {
  start();
  warehouse.copy_rows["m/a"] = 4;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-PARITY");
  expect_nothing_committed();
}

TEST_F(LoadFaults, PartsThatDoNotAddUpAreNotEvenSent) {
  start();
  group[1].part_rows = {1};
  auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-PARITY");
  group[1].part_rows = {2};
  group[1].manifest_key.clear();
  out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-PARITY");
  EXPECT_EQ(warehouse.count("BEGIN"), 0);
}

TEST_F(LoadFaults, AStageThatInsertsFewerRowsCommitsNothing) {
  start();
  // The stage loses a row between COPY and INSERT.
  warehouse.shrink_stage = true;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-PARITY");
  expect_nothing_committed();
}

TEST_F(LoadFaults, AKeyThatOccursTwiceLeaves) {
  start();
  warehouse.duplicates["_vesto_stage_1"] = 2;
  warehouse.bad_keys = {{"7"}, {"it's \"8\""}};
  const auto out = run();
  ASSERT_TRUE(out.ok());
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].second.name(), "SRC-DUPLICATE-KEY");
  EXPECT_EQ(out->failed[0].second.message(),
            "2 keys occur more than once in what was read: {\"id\":\"7\"}, "
            "{\"id\":\"it's \\\"8\\\"\"}");
  EXPECT_EQ(warehouse.count("SELECT \"id\" FROM \"_vesto_stage_1\" GROUP BY \"id\" HAVING "
                            "COUNT(*) > 1 LIMIT 3"),
            1);
  EXPECT_EQ(table("a").rows, 10U);
}

TEST_F(LoadFaults, AnUnprovenKeyIsCheckedAlsoWhereItIsCopiedStraight) {
  group[1].key_proven = false;
  start();
  warehouse.duplicates["b"] = 1;
  auto out = run();
  ASSERT_TRUE(out.ok());
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].second.name(), "SRC-DUPLICATE-KEY");
  EXPECT_EQ(table("b").rows, 0U);
}

TEST_F(LoadFaults, AnUnprovenKeyMustNotBeNull) {
  group[0].key_proven = false;
  group[1].key_proven = false;
  start();
  warehouse.null_keys["_vesto_stage_1"] = 2;
  warehouse.null_keys["b"] = 1;
  warehouse.bad_keys = {{std::nullopt}};
  warehouse.fail("LIMIT 3", "XX000", "no", 2);  // names are no more than a help
  const auto out = run();
  ASSERT_TRUE(out.ok());
  ASSERT_EQ(out->failed.size(), 2U);
  EXPECT_EQ(out->failed[0].second.name(), "SRC-NULL-KEY");
  EXPECT_EQ(out->failed[1].second.name(), "SRC-NULL-KEY");
  EXPECT_EQ(out->failed[0].second.message(), "2 rows have NULL in the key: {\"id\":null}");
  EXPECT_EQ(out->failed[1].second.message(), "1 rows have NULL in the key");
  expect_nothing_committed();
}

TEST_F(LoadFaults, ALeaseLostBeforeLockSendsNothing) {
  start();
  ours = false;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-LEASE-LOST");
  EXPECT_EQ(warehouse.count("LOCK TABLE"), 0);
  expect_nothing_committed();
}

TEST_F(LoadFaults, ALeaseLostBeforeCommitRollsBack) {
  lease_lost_after = 2;
  start();
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-LEASE-LOST");
  EXPECT_EQ(warehouse.count("COMMIT"), 0);
  EXPECT_EQ(warehouse.count("ROLLBACK"), 1);
  expect_nothing_committed();
}

TEST_F(LoadFaults, ALockHeldByADeadRunIsBrokenAfterAMinute) {
  start();
  const int zombie = warehouse.add_zombie();
  dead_sessions = {{zombie, "2026-11-21 10:00:00", warehouse.where}};
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  expect_all_committed(run());
  EXPECT_EQ(warehouse.terminated, std::vector<int>{zombie});
  EXPECT_GE(clock.now_ms, 60'000);
}

// The pid may belong to somebody else by now: only a session that is as old as recorded is ended.
TEST_F(LoadFaults, AYoungerSessionOfTheSamePidIsLeftAlone) {
  start();
  const int zombie = warehouse.add_zombie();
  warehouse.starts[zombie] = "2026-11-22 09:00:00";
  dead_sessions = {{zombie, "2026-11-21 10:00:00", warehouse.where}};
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-LOCK");
  EXPECT_TRUE(warehouse.terminated.empty());
  EXPECT_EQ(warehouse.count("LOCK TABLE"), 10);
}

TEST_F(LoadFaults, SessionsAreEndedOnServerlessToo) {
  start();
  warehouse.has_stv_sessions = false;
  const int zombie = warehouse.add_zombie();
  dead_sessions = {{zombie, "2026-11-21 10:00:00", warehouse.where}};
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  expect_all_committed(run());
  EXPECT_EQ(warehouse.terminated, std::vector<int>{zombie});
}

TEST_F(LoadFaults, WithoutItsStartNoSessionIsEnded) {
  start();
  const int zombie = warehouse.add_zombie();
  dead_sessions = {{zombie, "", warehouse.where}, {0, "2026-11-21 10:00:00", warehouse.where}};
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-LOCK");
  EXPECT_TRUE(warehouse.terminated.empty());
  EXPECT_EQ(warehouse.connects, 2);  // nothing is even asked
}

// The destination was pointed at another cluster: the same pid there is somebody else's.
TEST_F(LoadFaults, ASessionOfAnotherWarehouseIsLeftAlone) {
  start();
  const int foreign = warehouse.add_zombie();
  dead_sessions = {{foreign, "2026-11-22 10:00:00", "vesto_load@old-warehouse:5439/dev"},
                   {foreign, "2026-11-22 10:00:00", "other_user@warehouse:5439/dev"},
                   {foreign, "2026-11-22 10:00:00", ""}};
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-LOCK");
  EXPECT_TRUE(warehouse.terminated.empty());
}

// Our own first attempt is cut off in COPY and hangs in the server with its lock.
TEST_F(LoadFaults, OurOwnHangingSessionIsEndedAfterAMinute) {
  start();
  warehouse.drop("COPY \"shop\".\"b\"", FakeWarehouse::Drop::kDuring);
  expect_all_committed(run());
  EXPECT_EQ(warehouse.terminated, std::vector<int>{100});
}

TEST_F(LoadFaults, AStopRollsBackAndSaysSo) {
  start();
  warehouse.before("COPY \"shop\".\"b\"", [this] { stop.request_stop(); });
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-INTERRUPTED");
  EXPECT_EQ(warehouse.cancels, 1);  // the COPY was not waited for
  expect_nothing_committed();
}

// After the last check nothing may cut the session: a cut COMMIT would hide its outcome.
TEST_F(LoadFaults, AStopJustBeforeCommitSendsNoCommit) {
  start();
  on_lease = [this] {
    if (lease_asked == 2) stop.request_stop();
  };
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-INTERRUPTED");
  EXPECT_EQ(warehouse.count("COMMIT"), 0);
  expect_nothing_committed();
}

TEST_F(LoadFaults, ADatashareDatabaseRefusesLockAndIsFencedAllTheSame) {
  start();
  warehouse.fail("LOCK TABLE", "0A000", "Operation is not supported through datashares");
  expect_all_committed(run());
  EXPECT_EQ(warehouse.count("LOCK TABLE"), 1);
}

TEST_F(LoadFaults, SeveralHeaderRowsStop) {
  start();
  warehouse.header_rows = 2;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-STATE-FOREIGN");
  expect_nothing_committed();
}

TEST_F(LoadFaults, ATableDroppedSinceIsItsStreamsTrouble) {
  start();
  warehouse.data.tables.erase("a");
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].second.name(), "RS-TABLE-DIFFERS");
  EXPECT_EQ(out->loaded, std::vector<size_t>{1});
}

TEST_F(LoadFaults, AnIdleSessionIsNotTrusted) {
  start();
  clock.now_ms += 3'600'000;
  expect_all_committed(run());
  EXPECT_EQ(warehouse.connects, 2);
}

}  // namespace
}  // namespace vesto::testing
