#include <gtest/gtest.h>

#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

struct StateTest : LoaderTest {
  LoadTarget target = load_target();
  Result<DestinationState> open() {
    RedshiftLoader loader(target, context());
    return loader.open_state();
  }
};

TEST_F(StateTest, MakesEverythingOnceAndReadsItAfterwards) {
  warehouse.data.schema = false;
  auto first = open();
  ASSERT_TRUE(first.ok()) << first.error().to_string();
  EXPECT_EQ(first->fence.text, "0");
  EXPECT_TRUE(first->streams.empty());
  EXPECT_EQ(warehouse.count("CREATE SCHEMA"), 1);
  EXPECT_EQ(warehouse.count("CREATE TABLE"), 3);  // state, loads, rejected
  EXPECT_EQ(warehouse.count("CREATE VIEW"), 1);
  EXPECT_EQ(warehouse.data.state["*"].position,
            "{\"sync\":\"shop-orders\",\"source\":\"7710/shop\"}");
  warehouse.log.clear();
  warehouse.data.state["public.a"] = {"L1", "w", "1", "p"};
  auto second = open();
  ASSERT_TRUE(second.ok());
  EXPECT_EQ(second->streams["public.a"].position, "p");
  EXPECT_EQ(second->streams["public.a"].load_id.text, "L1");
  EXPECT_EQ(warehouse.count("CREATE"), 0);
}

TEST_F(StateTest, TableAndHeaderAreMadeInOneTransaction) {
  ASSERT_TRUE(open().ok());
  const int begin = warehouse.index_of("BEGIN");
  const int made = warehouse.index_of("CREATE TABLE \"shop\".\"_vesto_state");
  const int header = warehouse.index_of("INSERT INTO \"shop\".\"_vesto_state");
  EXPECT_EQ(made, begin + 1);
  EXPECT_EQ(header, begin + 2);
  EXPECT_EQ(warehouse.log.at(static_cast<size_t>(header) + 1), "COMMIT");
}

TEST_F(StateTest, NeverCreatesASchemaThatIsThereOrUnasked) {
  ASSERT_TRUE(open().ok());
  EXPECT_EQ(warehouse.count("CREATE SCHEMA"), 0);
  warehouse.data = FakeData{};
  warehouse.data.schema = false;
  target.create_schema = false;
  auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "RS-NO-SCHEMA");
  EXPECT_EQ(warehouse.count("CREATE SCHEMA"), 0);
}

TEST_F(StateTest, LoserOfTheRaceReadsWhatTheWinnerMade) {
  // Between our look at the catalogue and our CREATE.
  warehouse.before("BEGIN", [this] {
    warehouse.data.tables["_vesto_state_1a2b3c4d"].columns = {{"stream", "x", false, false}};
    warehouse.data.state["*"] = {"L9", "w", "1",
                                 "{\"sync\":\"shop-orders\",\"source\":\"7710/shop\"}"};
  });
  auto state = open();
  ASSERT_TRUE(state.ok()) << state.error().to_string();
  EXPECT_EQ(state->fence.text, "L9");
  EXPECT_EQ(warehouse.count("INSERT"), 0);
  EXPECT_EQ(warehouse.connects, 1);
  EXPECT_EQ(warehouse.count("ROLLBACK"), 1);
}

TEST_F(StateTest, ALostAnswerIsRepeatedFromTheCatalogue) {
  warehouse.drop("COMMIT", FakeWarehouse::Drop::kAfter);
  auto state = open();
  ASSERT_TRUE(state.ok()) << state.error().to_string();
  EXPECT_EQ(warehouse.count("CREATE TABLE \"shop\".\"_vesto_state"), 1);
  EXPECT_EQ(warehouse.connects, 2);
}

TEST_F(StateTest, AnotherSyncOrSourceIsRefused) {
  ASSERT_TRUE(open().ok());
  target.source_id = "9999/shop";
  EXPECT_EQ(open().error().name(), "RS-STATE-FOREIGN");
  target = load_target();
  target.sync_name = "other";
  EXPECT_EQ(open().error().name(), "RS-STATE-FOREIGN");
  target.sync_name = "Shop-Orders";
  EXPECT_TRUE(open().ok());
  for (const char* header : {"", "[]", "{\"sync\":1,\"source\":\"7710/shop\"}", "{\"sync\":"}) {
    warehouse.data.state["*"].position = header;
    EXPECT_EQ(open().error().name(), "RS-STATE-FOREIGN") << header;
  }
}

TEST_F(StateTest, AStateWithoutHeaderIsRefused) {
  ASSERT_TRUE(open().ok());
  warehouse.data.state.clear();
  EXPECT_EQ(open().error().name(), "RS-STATE-FOREIGN");
}

TEST_F(StateTest, ReadStateMakesNothing) {
  warehouse.data.schema = false;
  RedshiftLoader loader(target, context());
  auto none = loader.read_state();
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(none->has_value());
  warehouse.data.schema = true;
  EXPECT_FALSE(loader.read_state()->has_value());
  EXPECT_EQ(warehouse.count("CREATE"), 0);
  ASSERT_TRUE(open().ok());
  auto some = loader.read_state();
  ASSERT_TRUE(some->has_value());
  EXPECT_EQ((*some)->fence.text, "0");
  EXPECT_TRUE((*some)->gone.empty());
}

TEST_F(StateTest, TablesThatAreGoneAreToldWithTheState) {
  ASSERT_TRUE(open().ok());
  RedshiftLoader loader(target, context());
  const auto state = loader.read_state({"orders", "_vesto_loads"});
  ASSERT_TRUE(state.ok() && state->has_value());
  EXPECT_EQ((*state)->gone, (std::set<std::string>{"orders"}));
}

TEST_F(StateTest, NoViewIsNoReasonToFail) {
  warehouse.fail("CREATE VIEW", "42501", "permission denied for schema shop");
  EXPECT_TRUE(open().ok());
}

TEST_F(StateTest, MissingRightsNameTheGrant) {
  warehouse.data.schema = false;
  warehouse.fail("CREATE SCHEMA", "42501", "permission denied for database dev");
  auto refused = open();
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().name(), "RS-PRIV-CREATE");
  EXPECT_EQ(refused.error().hint(), "GRANT CREATE ON DATABASE \"dev\" TO \"vesto_load\";");
}

TEST_F(StateTest, ALockLeftByADeadRunIsBroken) {
  ASSERT_TRUE(open().ok());
  const int zombie = warehouse.add_zombie();
  dead_sessions = {{zombie, "2026-11-21 10:00:00", warehouse.where}};
  auto state = open();
  ASSERT_TRUE(state.ok()) << state.error().to_string();
  EXPECT_EQ(warehouse.terminated, std::vector<int>{zombie});
}

TEST_F(StateTest, ALockOfSomebodyElseIsWaitedForThenNamed) {
  ASSERT_TRUE(open().ok());
  warehouse.add_zombie();
  const int64_t before = clock.now_ms;
  auto state = open();
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().name(), "RS-LOCK");
  EXPECT_LE(clock.now_ms - before, 11 * 60'000);
  EXPECT_TRUE(warehouse.terminated.empty());
}

// Nobody holds it: the user's own statement_timeout, or a warehouse at its limit.
TEST_F(StateTest, ASlowCatalogueIsNoLock) {
  ASSERT_TRUE(open().ok());
  warehouse.fail("SELECT current_user", "57014", "canceling statement due to statement timeout", 1,
                 1000);
  auto slow = open();
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().name(), "RS-TIMEOUT");
}

TEST_F(StateTest, SlowDdlIsNoLock) {
  warehouse.fail("CREATE TABLE", "57014", "canceling statement due to statement timeout", 1, 1000);
  auto slow = open();
  ASSERT_FALSE(slow.ok());
  EXPECT_EQ(slow.error().name(), "RS-TIMEOUT");
}

TEST_F(StateTest, RefusedConnectionsAreTriedAgainThenGivenUp) {
  warehouse.refuse_connects = 3;
  EXPECT_TRUE(open().ok());
  warehouse.refuse_connects = 100;
  auto state = open();
  ASSERT_FALSE(state.ok());
  EXPECT_EQ(state.error().name(), "NET-REFUSED");
  EXPECT_LE(warehouse.connects, 4 + 6);
}

}  // namespace
}  // namespace vesto::testing
