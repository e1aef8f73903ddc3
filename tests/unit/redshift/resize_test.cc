// A cluster that takes no writes for a while: waited for and repeated, in every piece of work.
#include <gtest/gtest.h>

#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

constexpr const char* kText = "Cannot execute write query because system is in resize mode";

// Waits ten seconds each time; ends at `limit_ms`.
struct Patience final : WarehousePatience {
  explicit Patience(FakeClock& c) : clock(c) {}
  Status wait(const Error& error, int64_t since_ms) override {
    EXPECT_EQ(error.name(), "RS-RESIZE");
    EXPECT_LE(since_ms, clock.now_ms);
    ++waits;
    if (clock.now_ms - since_ms >= limit_ms) return Error(ErrorCode::kRsWaking, "long enough");
    clock.now_ms += 10'000;
    return ok_status();
  }
  void over() override { ++overs; }

  FakeClock& clock;
  int64_t limit_ms = 900'000;
  int waits = 0;
  int overs = 0;
};

struct Resize : LoaderTest {
  Patience patience{clock};
  std::unique_ptr<RedshiftLoader> loader;
  std::vector<StreamLoad> group = {stream_load("a", 3), stream_load("b", 2)};

  void start() {
    LoadContext with = context();
    with.patience = &patience;
    loader = std::make_unique<RedshiftLoader>(load_target(), std::move(with));
    prepared(*loader, group);
  }
};

TEST_F(Resize, TheLoadIsRepeatedMoreOftenThanALostConnectionWouldBe) {
  start();
  warehouse.fail("COPY", "XX000", kText, 1, 20);
  const auto out = load(*loader, group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_TRUE(out->failed.empty());
  EXPECT_EQ(fence(), "L1");
  EXPECT_EQ(patience.waits, 20);
  EXPECT_EQ(patience.overs, 1);
  EXPECT_EQ(warehouse.count("ROLLBACK"), 20);
}

// Told of while the fence is refused, and no longer: the COPY that follows may take hours.
TEST_F(Resize, TheWaitIsOverOnceTheRefusedStepWentThrough) {
  start();
  warehouse.fail("UPDATE", "XX000", kText, 1, 3);
  int overs_at_copy = -1;
  warehouse.before("COPY", [&] { overs_at_copy = patience.overs; });
  ASSERT_TRUE(load(*loader, group).ok());
  EXPECT_EQ(patience.waits, 3);
  EXPECT_EQ(overs_at_copy, 1);
  EXPECT_EQ(patience.overs, 1);
}

// The bound is of the time that was waited, not of the work between two refusals.
TEST_F(Resize, WorkBetweenTwoWaitsDoesNotCount) {
  start();
  patience.limit_ms = 30'000;
  warehouse.fail("COPY", "XX000", kText, 1, 3);
  for (int nth = 1; nth <= 3; ++nth) {
    warehouse.before(
        "ROLLBACK", [&] { clock.now_ms += 3'600'000; }, nth);
  }
  const auto out = load(*loader, group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(patience.waits, 3);
}

TEST_F(Resize, AtCommitTheOutcomeIsLookedForFirst) {
  start();
  warehouse.fail("COMMIT", "XX000", kText, 1, 1);
  const auto out = load(*loader, group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(fence(), "L1");
  EXPECT_EQ(patience.waits, 1);
}

TEST_F(Resize, TheBoundEndsTheRunAndNothingIsCommitted) {
  start();
  patience.limit_ms = 60'000;
  warehouse.fail("COPY", "XX000", kText, 1, 1'000);
  const auto out = load(*loader, group);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-WAKING");
  EXPECT_EQ(fence(), "0");
  EXPECT_EQ(patience.waits, 7);
  EXPECT_EQ(patience.overs, 1);
}

TEST_F(Resize, TablesAreMadeOnceItIsOver) {
  LoadContext with = context();
  with.patience = &patience;
  loader = std::make_unique<RedshiftLoader>(load_target(), std::move(with));
  warehouse.fail("CREATE TABLE", "XX000", kText, 1, 12);
  const auto state = loader->open_state();
  ASSERT_TRUE(state.ok()) << state.error().to_string();
  EXPECT_EQ(patience.waits, 12);
  EXPECT_EQ(patience.overs, 1);
}

TEST_F(Resize, NobodyIsToldOfAWaitThatNeverWas) {
  start();
  ASSERT_TRUE(load(*loader, group).ok());
  EXPECT_EQ(patience.waits, 0);
  EXPECT_EQ(patience.overs, 0);
}

TEST_F(Resize, WithoutPatienceItIsRepeatedAFewTimes) {
  loader = std::make_unique<RedshiftLoader>(load_target(), context());
  prepared(*loader, group);
  warehouse.fail("COPY", "XX000", kText, 1, 1'000);
  const auto out = load(*loader, group);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-RESIZE");
  EXPECT_EQ(warehouse.count("COPY"), 6);
}

// The connector itself waited for the warehouse: the search for the outcome still has its time.
TEST_F(Resize, AWaitForTheWarehouseIsNotTheSearchsTime) {
  LoadContext with = context();
  const RedshiftConnector connect = with.connect;
  int64_t wait_ms = 0;
  with.connect = [&](int64_t timeout_ms) {
    clock.now_ms += std::exchange(wait_ms, 0);
    return connect(timeout_ms);
  };
  loader = std::make_unique<RedshiftLoader>(load_target(), std::move(with));
  prepared(*loader, group);
  warehouse.drop("COMMIT", FakeWarehouse::Drop::kAfter);
  warehouse.on_drop = [&] { wait_ms = 880'000; };
  const auto out = load(*loader, group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(fence(), "L1");
}

}  // namespace
}  // namespace vesto::testing
