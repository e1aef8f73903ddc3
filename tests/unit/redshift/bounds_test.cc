// Every wait for the warehouse is bounded by the client itself, and a stop ends every wait but that
// for COMMIT.
#include <gtest/gtest.h>

#include "redshift/load_transaction.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

using Drop = FakeWarehouse::Drop;
constexpr int64_t kMinuteMs = 60'000;

struct Bounds : LoaderTest {
  std::unique_ptr<RedshiftLoader> loader;
  StreamLoad stream = stream_load("a", 3);

  void start() {
    loader = std::make_unique<RedshiftLoader>(load_target(), context());
    prepared(*loader, {stream});
    table("a").rows = 10;
  }
  Result<LoadOutcome> run() { return load(*loader, {stream}); }
  int64_t wait_of(const std::string& part) {
    const int at = warehouse.index_of(part);
    return at < 0 ? -1 : warehouse.waits[static_cast<size_t>(at)];
  }
  void expect_interrupted(const Result<LoadOutcome>& out) {
    ASSERT_FALSE(out.ok());
    EXPECT_EQ(out.error().name(), "RUN-INTERRUPTED");
    EXPECT_EQ(warehouse.cancels, 1);
    EXPECT_EQ(fence(), "0");
  }
};

TEST_F(Bounds, EachStatementIsWaitedForAMinuteLongerThanTheServerMayTake) {
  start();
  ASSERT_TRUE(run().ok());
  EXPECT_EQ(wait_of("LOCK TABLE"), 2 * kMinuteMs);
  EXPECT_EQ(wait_of("UPDATE "), 2 * kMinuteMs);
  EXPECT_EQ(wait_of("COPY"), 11 * kMinuteMs);
  EXPECT_EQ(wait_of("DELETE FROM \"shop\".\"a\""), 361 * kMinuteMs);
  EXPECT_EQ(wait_of("INSERT INTO \"shop\".\"a\""), 361 * kMinuteMs);
  EXPECT_EQ(wait_of("COMMIT"), 10 * kMinuteMs);
  for (const int64_t wait_ms : warehouse.waits) EXPECT_LE(wait_ms, 361 * kMinuteMs);
}

TEST_F(Bounds, SoAreDdlAndTheCatalogue) {
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  ASSERT_TRUE(loader->open_state().ok());
  ASSERT_TRUE(loader->prepare({stream}).ok());
  EXPECT_EQ(wait_of("SELECT current_user"), 6 * kMinuteMs);
  EXPECT_EQ(wait_of("CREATE TABLE \"shop\".\"a\""), 6 * kMinuteMs);
}

// A server that says nothing any more: its session is dropped, and the stream leaves.
TEST_F(Bounds, ACopyWithoutAnAnswerEndsInTime) {
  start();
  warehouse.silent_in = "COPY";
  const int64_t before = clock.now_ms;
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].second.name(), "RS-TIMEOUT");
  EXPECT_EQ(clock.now_ms - before, 11 * kMinuteMs);
}

TEST_F(Bounds, ACommitWithoutAnAnswerIsAnUnknownOne) {
  start();
  warehouse.silent_in = "COMMIT";
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(warehouse.count("SELECT \"load_id\""), 1);  // looked up, not committed
  EXPECT_EQ(warehouse.count("COPY"), 2);
  EXPECT_EQ(table("a").rows, 13U);
}

struct Search : Bounds {
  // The answer to COMMIT is lost, and then `hook` happens.
  Result<LoadOutcome> search(std::function<void()> hook) {
    start();
    warehouse.drop("COMMIT", Drop::kAfter);
    warehouse.on_drop = [this, hook] {
      began_ms = clock.now_ms;
      hook();
    };
    return run();
  }
  void expect_unknown(const Result<LoadOutcome>& out) {
    ASSERT_FALSE(out.ok());
    EXPECT_EQ(out.error().name(), "RS-COMMIT-UNKNOWN");
    EXPECT_LE(clock.now_ms - began_ms, 10 * kMinuteMs);
  }
  int64_t began_ms = 0;
};

TEST_F(Search, TenMinutesBoundItAlsoWhereConnectionsHang) {
  expect_unknown(search([this] { warehouse.silent_connects = true; }));
}

TEST_F(Search, TenMinutesBoundItAlsoWhereLockHangs) {
  expect_unknown(search([this] {
    warehouse.silent_in = "LOCK TABLE";
    warehouse.silent_forever = true;
  }));
}

TEST_F(Search, TenMinutesBoundItAlsoWhereTheHelperHangs) {
  expect_unknown(search([this] {
    warehouse.fail("LOCK TABLE", "55P03", "could not obtain lock", 1, 100'000);
    warehouse.silent_in = "stv_sessions";
    warehouse.silent_forever = true;
  }));
}

// A lock that is refused at once is not asked for in a hot loop.
TEST_F(Search, ALockRefusedAtOnceIsWaitedFor) {
  expect_unknown(search(
      [this] { warehouse.fail("LOCK TABLE", "55P03", "could not obtain lock", 1, 100'000); }));
  EXPECT_GE(clock.now_ms - began_ms, 9 * kMinuteMs);
  EXPECT_LT(warehouse.count("LOCK TABLE"), 100);
}

TEST_F(Search, AStopIsLookedAt) {
  expect_unknown(
      search([this] { warehouse.before("LOCK TABLE", [this] { stop.request_stop(); }); }));
  EXPECT_EQ(warehouse.cancels, 1);  // LOCK was not waited for
  EXPECT_LT(clock.now_ms - began_ms, kMinuteMs);
}

TEST_F(Search, AStopBetweenItsAttemptsIsLookedAt) {
  expect_unknown(search([this] {
    warehouse.refuse_connects = 1'000'000;
    stop.request_stop();
  }));
  EXPECT_EQ(clock.now_ms, began_ms);
}

struct StopIn : Bounds, ::testing::WithParamInterface<const char*> {};

TEST_P(StopIn, EndsTheWait) {
  start();
  warehouse.before(GetParam(), [this] { stop.request_stop(); });
  expect_interrupted(run());
}

INSTANTIATE_TEST_SUITE_P(Load, StopIn,
                         ::testing::Values("SET statement_timeout", "BEGIN", "LOCK TABLE",
                                           "UPDATE ", "CREATE TEMP", "COPY", "DELETE FROM",
                                           "INSERT INTO \"shop\".\"_vesto_loads\""));

// What COMMIT did would not be known.
TEST_F(Bounds, AStopNeverCutsCommit) {
  start();
  warehouse.before("COMMIT", [this] { stop.request_stop(); });
  const auto out = run();
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(warehouse.cancels, 0);
}

TEST_F(Bounds, AStopEndsDdlAndCatalogueReads) {
  for (const char* statement : {"SELECT current_user", "ALTER TABLE", "CREATE TABLE"}) {
    stop = std::stop_source();
    warehouse.cancels = 0;
    warehouse.data.tables.clear();
    if (std::string(statement) == "ALTER TABLE") {
      table("a").columns = {{"id", "bigint", false, false, false}};
    }
    warehouse.before(statement, [this] { stop.request_stop(); });
    RedshiftLoader stopped(load_target(), context());
    const auto done = stopped.prepare({stream});
    ASSERT_FALSE(done.ok()) << statement;
    EXPECT_EQ(done.error().name(), "RUN-INTERRUPTED") << statement;
    EXPECT_EQ(warehouse.cancels, 1) << statement;
  }
}

TEST_F(Bounds, AStateTableLockedAtOnceIsWaitedForBetweenAttempts) {
  start();
  warehouse.fail("SELECT \"stream\"", "55P03", "could not obtain lock", 1, 1000);
  const int64_t before = clock.now_ms;
  const auto state = loader->open_state();
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().name(), "RS-LOCK");
  EXPECT_EQ(warehouse.count("SELECT \"stream\""), 10);
  EXPECT_GE(clock.now_ms - before, 10'000);
}

// A successor must know of every session that may hold a lock, whatever it was opened for.
TEST_F(Bounds, SessionsAreRecordedAtEveryConnect) {
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  ASSERT_TRUE(loader->prepare({stream}).ok());
  EXPECT_EQ(recorded, std::vector<std::string>{"100 "});
  EXPECT_EQ(statements_at_record.front(), 0U);
  ASSERT_EQ(remembered.size(), 1U);
  EXPECT_EQ(remembered[0].since, warehouse.starts[100]);
  EXPECT_EQ(remembered[0].where, warehouse.where);
}

TEST_F(Bounds, ALostSessionStaysRecorded) {
  start();
  warehouse.drop("COPY", Drop::kAfter);
  ASSERT_TRUE(run().ok());
  ASSERT_EQ(remembered.size(), 2U);
  EXPECT_EQ(remembered[0].pid, 100);
  EXPECT_EQ(remembered[1].pid, 101);
}

TEST_F(Bounds, ARecordThatCannotBeKeptStopsBeforeTheFirstStatement) {
  LoadContext failing = context();
  failing.record_session = [](const std::vector<RecordedSession>&, const LoadId&) -> Status {
    return Error(ErrorCode::kSysStore, "no space");
  };
  RedshiftLoader refused(load_target(), failing);
  EXPECT_EQ(refused.prepare({stream}).error().name(), "SYS-STORE");
  EXPECT_TRUE(warehouse.log.empty());
}

TEST(RecordedSessions, ComeBackAsWritten) {
  const std::vector<RecordedSession> some = {{7, "2026-11-22 00:00:00", "u@h:5439/d"},
                                             {8, "a\"b\\", "x'y@h:1/\n"}};
  const auto back = read_sessions(write_sessions(some));
  ASSERT_EQ(back.size(), 2U);
  EXPECT_EQ(back[0].pid, 7);
  EXPECT_EQ(back[0].since, some[0].since);
  EXPECT_EQ(back[0].where, some[0].where);
  EXPECT_EQ(back[1].since, some[1].since);
  EXPECT_EQ(back[1].where, some[1].where);
}

// Also the text that older versions wrote, which does not say where the session was.
TEST(RecordedSessions, WhatIsNotWholeIsNoSession) {
  for (const char* text :
       {"", "2026-11-22 00:00:00", "{}", "[1]", "[{}]", "[{\"pid\":7,\"since\":\"x\"}]",
        "[{\"pid\":0,\"since\":\"x\",\"where\":\"y\"}]",
        "[{\"pid\":99999999999,\"since\":\"x\",\"where\":\"y\"}]",
        "[{\"pid\":\"7\",\"since\":\"x\",\"where\":\"y\"}]",
        "[{\"pid\":7,\"since\":\"\",\"where\":\"y\"}]",
        "[{\"pid\":7,\"since\":\"x\",\"where\":\"\"}]", "[{\"pid\":7"}) {
    EXPECT_TRUE(read_sessions(text).empty()) << text;
  }
}

}  // namespace
}  // namespace vesto::testing
