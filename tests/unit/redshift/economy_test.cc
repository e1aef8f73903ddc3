// How many statements a load costs, and that what was saved is not missed. BEGIN and COMMIT are not
// counted.
#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "redshift/load_transaction.h"
#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

struct EconomyTest : LoaderTest {
  // A sync whose tables were delivered before by load L1, and have changes now.
  std::vector<StreamLoad> delivered(size_t tables) {
    std::vector<StreamLoad> group;
    for (size_t i = 0; i < tables; ++i) {
      StreamLoad stream = stream_load("t" + std::to_string(100 + i), 2);
      stream.full = false;
      group.push_back(stream);
    }
    RedshiftLoader loader(load_target(), context());
    prepared(loader, group);
    EXPECT_TRUE(load(loader, group, "0", "L1").ok());
    for (StreamLoad& stream : group) {
      table(stream.target.table).rows = 10;
      warehouse.matching[stream.target.table] = 1;
      stream.kept_position = stream.position;
      stream.position += " later";
    }
    warehouse.log.clear();
    return group;
  }
  // All that a run sends, from its first question to the COMMIT.
  Result<LoadOutcome> whole_run(const std::vector<StreamLoad>& group, bool knows_fence = true) {
    RedshiftLoader loader(load_target(), context());
    auto state = loader.open_state_for(group, knows_fence);
    if (!state.ok()) return state.error();
    read_state = state->has_value();
    auto done = loader.prepare(group);
    if (!done.ok()) return done.error();
    EXPECT_TRUE(done->empty());
    return load(loader, group, "L1", "L2");
  }
  [[nodiscard]] size_t parsed() const {
    return static_cast<size_t>(
        std::count_if(warehouse.log.begin(), warehouse.log.end(), [](const std::string& sql) {
          return sql != "BEGIN" && sql != "COMMIT" && sql != "ROLLBACK";
        }));
  }
  bool read_state = false;
};

// The session's greeting is one more (session_test.cc).
TEST_F(EconomyTest, AChangedTableCostsFiveStatementsAndTheRunEight) {
  const auto group = delivered(1);
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_FALSE(read_state);
  const std::vector<std::string> expected = {"SELECT current_user",
                                             "SET statement_timeout TO 60000",
                                             "BEGIN",
                                             "LOCK TABLE",
                                             "UPDATE \"shop\".\"_vesto_state_1a2b3c4d\"",
                                             "SET statement_timeout TO 21600000",
                                             "CREATE TEMP TABLE",
                                             "COPY",
                                             "DELETE FROM \"shop\".\"t100\" USING",
                                             "INSERT INTO \"shop\".\"t100\"",
                                             "SELECT 0, COUNT(*) FROM (",
                                             "UPDATE \"shop\".\"_vesto_state_1a2b3c4d\"",
                                             "INSERT INTO \"shop\".\"_vesto_loads\"",
                                             "COMMIT"};
  ASSERT_EQ(warehouse.log.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(warehouse.log[i].starts_with(expected[i])) << warehouse.log[i];
  }
  EXPECT_EQ(warehouse.data.state["public.t100"].position, "pos-t100 later");
  EXPECT_EQ(warehouse.data.state["public.t100"].load_id, "L2");
}

TEST_F(EconomyTest, FiftyTablesShareWhatIsOfTheRun) {
  const auto group = delivered(50);
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->loaded.size(), 50U);
  EXPECT_EQ(parsed(), 4U * 50 + 7 + 3);  // three looks at twenty stages each
  for (const StreamLoad& stream : group) {
    EXPECT_EQ(warehouse.data.state[stream.schema.stream].position, stream.position);
  }
}

TEST_F(EconomyTest, AReplacedTableCostsTwo) {
  auto group = delivered(1);
  group[0].mode = LoadMode::kReplace;
  group[0].full = true;
  ASSERT_TRUE(whole_run(group).ok());
  EXPECT_EQ(parsed(), 2U + 7);
}

// Another machine delivered, or the warehouse was restored: the fence alone says so.
TEST_F(EconomyTest, AMovedFenceIsFoundWithoutReadingTheState) {
  const auto group = delivered(1);
  warehouse.move_fence("L9");
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->fenced);
  EXPECT_FALSE(read_state);
  EXPECT_EQ(warehouse.count("COPY"), 0);
  EXPECT_EQ(warehouse.data.state["public.t100"].position, "pos-t100");
}

TEST_F(EconomyTest, TheStateIsReadBeforeAnythingIsMadeOrAltered) {
  auto group = delivered(1);
  const FakeData was = warehouse.data;
  EXPECT_TRUE(whole_run(group, false).ok());
  EXPECT_TRUE(read_state) << "the caller knows no fence";
  const auto is_read = [&](const char* why) {
    warehouse.log.clear();
    RedshiftLoader loader(load_target(), context());
    const auto state = loader.open_state_for(group, true);
    ASSERT_TRUE(state.ok()) << state.error().to_string();
    EXPECT_TRUE(state->has_value()) << why;
    EXPECT_EQ(warehouse.count("SELECT \"stream\""), 1) << why;
    EXPECT_EQ(warehouse.count("ALTER"), 0) << why;
  };
  warehouse.data = was;
  table("t100").columns.pop_back();
  is_read("a column is missing");
  warehouse.data = was;
  warehouse.data.tables.erase("t100");
  is_read("the table is gone");
  warehouse.data = was;
  warehouse.data.tables.erase("_vesto_state_1a2b3c4d");
  warehouse.data.state.clear();
  is_read("the state table is gone");
  warehouse.data = was;
  warehouse.data.tables.erase("_vesto_sync_status");
  is_read("the view for people is gone");
  warehouse.data = was;
  group[0].known_target = false;
  is_read("the target may be somebody's");
  group[0].known_target = true;
  group[0].target.schema = "elsewhere";
  is_read("the target is in another schema");
}

// Rows that were read from a position which is not the destination's must not be committed.
TEST_F(EconomyTest, AStateWithOtherRowsThanWereKeptMakesThePlanVoid) {
  const auto group = delivered(2);
  warehouse.data.state.erase("public.t100");
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->fenced);
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(warehouse.data.state["public.t101"].position, "pos-t101");
  EXPECT_EQ(fence(), "L1");
}

TEST_F(EconomyTest, AStateWithAnotherPositionThanWasKeptMakesThePlanVoid) {
  for (const size_t tables : {1U, 2U}) {
    const FakeData was = warehouse.data;
    const auto group = delivered(tables);
    warehouse.data.state["public.t100"].position = "moved by somebody";
    const auto out = whole_run(group);
    ASSERT_TRUE(out.ok()) << out.error().to_string();
    EXPECT_TRUE(out->fenced);
    EXPECT_FALSE(out->committed);
    EXPECT_EQ(warehouse.data.state["public.t100"].position, "moved by somebody");
    EXPECT_EQ(fence(), "L1");
    warehouse.data = was;
  }
}

// Which positions are moved and which are written anew is chosen in one place.
TEST_F(EconomyTest, TheStatementsOfTheStateAreSentAsTheyAreShown) {
  auto group = delivered(4);
  group[1].kept_position.reset();
  group[1].columns = "its columns";
  group[2].schema.stream += " ";
  RedshiftLoader loader(load_target(), context());
  const auto of_state = [](const std::vector<std::string>& all) {
    std::vector<std::string> out;
    for (const std::string& sql : all) {
      const bool writes =
          sql.starts_with("UPDATE") || sql.starts_with("DELETE") || sql.starts_with("INSERT");
      if (!writes || sql.find("_vesto_state_") == std::string::npos) continue;
      out.push_back(replace_all(replace_all(sql, "'<load>'", "'L2'"), "'<seen>'", "'L1'"));
    }
    return out;
  };
  const auto shown = loader.explain(group);
  ASSERT_TRUE(shown.ok()) << shown.error().to_string();
  warehouse.log.clear();
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(of_state(*shown), of_state(warehouse.log));
  EXPECT_EQ(of_state(*shown).size(), 4U);  // the fence, two moved, two taken out and written
}

// The count of several stages tells nothing of whose fault it is: each is counted alone then.
TEST_F(EconomyTest, AFailedCountOfSeveralStagesIsNoFaultOfTheLastOne) {
  const auto group = delivered(3);
  warehouse.fail("UNION ALL", "57014", "canceling statement due to statement timeout");
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_TRUE(out->failed.empty());
  EXPECT_EQ(out->loaded.size(), 3U);
}

TEST_F(EconomyTest, AKeyThatStandsTwiceInOneOfManyStagesIsFoundBeforeTheCommit) {
  const auto group = delivered(45);
  warehouse.duplicates["_vesto_stage_42"] = 3;
  RedshiftLoader loader(load_target(), context());
  ASSERT_TRUE(loader.open_state_for(group, true).ok());
  ASSERT_TRUE(loader.prepare(group).ok());
  // The stream leaves; the stages of the others have other numbers then.
  warehouse.before(
      "BEGIN", [this] { warehouse.duplicates.clear(); }, 2);
  const auto out = load(loader, group, "L1", "L2");
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->failed[0].first, 41U);
  EXPECT_EQ(out->failed[0].second.name(), "SRC-DUPLICATE-KEY");
  EXPECT_EQ(warehouse.data.state["public.t141"].position, "pos-t141");
  EXPECT_EQ(warehouse.data.state["public.t142"].position, "pos-t142 later");
}

TEST_F(EconomyTest, ACountThatLeavesAStageOutCommitsNothing) {
  const auto group = delivered(3);
  warehouse.shrink_key_counts = true;
  const auto out = whole_run(group);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(out->failed.size(), 3U);
  EXPECT_EQ(warehouse.data.state["public.t100"].position, "pos-t100");
  EXPECT_EQ(fence(), "L1");
}

}  // namespace
}  // namespace vesto::testing
