// The connection is lost in COMMIT: both outcomes, found out under the lock.
#include <gtest/gtest.h>

#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

using Drop = FakeWarehouse::Drop;

// What people are told of a search.
struct Told final : WarehousePatience {
  Status wait(const Error& error, int64_t /*since_ms*/) override { return error; }
  void over() override {}
  void searching(int64_t limit_ms) override { limits_ms.push_back(limit_ms); }
  void searched() override { ++ended; }
  std::vector<int64_t> limits_ms;
  int ended = 0;
};

struct CommitUnknown : LoaderTest {
  std::unique_ptr<RedshiftLoader> loader;
  Told told;
  StreamLoad stream = stream_load("a", 3);

  void start() {
    LoadContext with = context();
    with.patience = &told;
    loader = std::make_unique<RedshiftLoader>(load_target(), std::move(with));
    prepared(*loader, {stream});
  }
  Result<LoadOutcome> run() { return load(*loader, {stream}); }
  void expect_loaded_once(const Result<LoadOutcome>& out) {
    ASSERT_TRUE(out.ok()) << out.error().to_string();
    EXPECT_TRUE(out->committed);
    ASSERT_EQ(out->streams.size(), 1U);
    EXPECT_EQ(out->streams[0].rows_copied, 3U);
    EXPECT_EQ(table("a").rows, 3U);
    EXPECT_EQ(fence(), "L1");
    EXPECT_EQ(warehouse.data.loads.size(), 1U);
  }
};

TEST_F(CommitUnknown, CommittedIsFoundAndNotRepeated) {
  start();
  warehouse.drop("COMMIT", Drop::kAfter);
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.count("COPY"), 1);
}

TEST_F(CommitUnknown, NotCommittedIsRepeated) {
  start();
  warehouse.drop("COMMIT", Drop::kBefore);
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.count("COPY"), 2);
}

// The old session still works on its COMMIT. Only LOCK waits for it: a plain read would see the
// old load id and load twice.
TEST_F(CommitUnknown, ACommitThatIsStillRunningIsWaitedFor) {
  start();
  warehouse.zombie_waits = 0;
  warehouse.zombie_commits = true;
  warehouse.drop("COMMIT", Drop::kDuring);
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.count("COPY"), 1);
  // LOCK, and only then the load id.
  const int lock = warehouse.index_of("LOCK TABLE", warehouse.index_of("COMMIT"));
  EXPECT_GT(lock, 0);
  EXPECT_EQ(warehouse.index_of("SELECT \"load_id\""), lock + 1);
  EXPECT_EQ(warehouse.log[static_cast<size_t>(lock) - 1], "BEGIN");
}

TEST_F(CommitUnknown, AHangingSessionIsEndedAndItsLoadRepeated) {
  start();
  warehouse.drop("COMMIT", Drop::kDuring);
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.terminated, std::vector<int>{100});
  EXPECT_EQ(warehouse.count("COPY"), 2);
  EXPECT_GE(clock.now_ms, 60'000);
}

TEST_F(CommitUnknown, ACommitThatEndsAfterSomeWaitsIsFound) {
  start();
  warehouse.zombie_waits = 2;
  warehouse.zombie_commits = true;
  warehouse.drop("COMMIT", Drop::kDuring);
  // The server cannot end the session at first.
  warehouse.fail("pg_terminate_backend", "XX000", "busy", 1, 10);
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.count("COPY"), 1);
}

TEST_F(CommitUnknown, TheSearchIsBoundedAndSaysThatItDoesNotKnow) {
  start();
  warehouse.drop("COMMIT", Drop::kDuring);
  warehouse.fail("pg_terminate_backend", "XX000", "busy", 1, 1000);
  const int64_t before = clock.now_ms;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-COMMIT-UNKNOWN");
  EXPECT_LE(clock.now_ms - before, 11 * 60'000);
  EXPECT_GE(clock.now_ms - before, 10 * 60'000);
}

TEST_F(CommitUnknown, PeopleAreToldWhatIsLookedForAndHowLong) {
  start();
  warehouse.drop("COMMIT", Drop::kAfter);
  bool ended_early = false;
  warehouse.on_drop = [this, &ended_early] {
    ended_early = told.ended > 0;
    warehouse.refuse_connects = 1'000'000;
  };
  EXPECT_FALSE(run().ok());
  EXPECT_EQ(told.limits_ms, std::vector<int64_t>{600'000});
  EXPECT_EQ(told.ended, 1);
  EXPECT_FALSE(ended_early);
}

TEST_F(CommitUnknown, ACommitThatIsAnsweredTellsNothing) {
  start();
  expect_loaded_once(run());
  EXPECT_TRUE(told.limits_ms.empty());
  EXPECT_EQ(told.ended, 0);
}

TEST_F(CommitUnknown, AnUnreachableWarehouseIsBoundedToo) {
  start();
  warehouse.drop("COMMIT", Drop::kAfter);
  warehouse.on_drop = [this] { warehouse.refuse_connects = 1'000'000; };
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-COMMIT-UNKNOWN");
  EXPECT_LT(warehouse.connects, 500);
  EXPECT_LE(clock.now_ms, 11 * 60'000);
}

TEST_F(CommitUnknown, TheWarehouseComesBackInTime) {
  start();
  warehouse.drop("COMMIT", Drop::kAfter);
  warehouse.on_drop = [this] { warehouse.refuse_connects = 20; };
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.count("COPY"), 1);
}

// The server answers 57P01 in place of COMMIT: what became of it is as open as without an answer.
TEST_F(CommitUnknown, ShutdownInCommitIsLookedUp) {
  start();
  warehouse.fail("COMMIT", "57P01", "terminating connection due to administrator command");
  expect_loaded_once(run());
  EXPECT_EQ(warehouse.count("SELECT \"load_id\""), 1);
}

TEST_F(CommitUnknown, RollbackInPlaceOfCommitIsNoSuccess) {
  start();
  warehouse.answer_commit_with_rollback = true;
  const auto out = run();
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(table("a").rows, 0U);
  EXPECT_EQ(fence(), "0");
}

TEST_F(CommitUnknown, AnotherWriterAfterwardsMeansFencedNotRepeatedBlindly) {
  start();
  warehouse.drop("COMMIT", Drop::kBefore);
  warehouse.on_drop = [this] { warehouse.move_fence("L9"); };
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->fenced);
  EXPECT_EQ(table("a").rows, 0U);
}

}  // namespace
}  // namespace vesto::testing
