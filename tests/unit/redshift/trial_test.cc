// Many bad streams in one group: what the good ones are loaded again is bounded. And merges that
// take more rows than they have keys.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include "tests/unit/redshift/loader_fixture.h"

namespace vesto::testing {
namespace {

struct Trial : LoaderTest {
  std::vector<StreamLoad> group;
  std::unique_ptr<RedshiftLoader> loader;

  // t00 ... in this order; those in `bad` are refused by COPY each time.
  Result<LoadOutcome> run(int streams, const std::vector<int>& bad) {
    for (int i = 0; i < streams; ++i) group.push_back(stream_load(fmt::format("t{:02}", i), 2));
    loader = std::make_unique<RedshiftLoader>(load_target(), context());
    prepared(*loader, group);
    for (const int i : bad) {
      warehouse.fail(copy_of(i), "XX000",
                     "Load into table failed.  Check 'stl_load_errors' system table for details.",
                     1, 1000);
    }
    return load(*loader, group);
  }
  static std::string copy_of(int i) { return fmt::format("COPY \"shop\".\"t{:02}\"", i); }
};

TEST_F(Trial, OneBadStreamCostsOneRepeat) {
  const auto out = run(6, {3});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  ASSERT_EQ(out->failed.size(), 1U);
  EXPECT_EQ(out->loaded.size(), 5U);
  EXPECT_EQ(warehouse.count(copy_of(0)), 2);
  EXPECT_EQ(warehouse.count(copy_of(5)), 1);
}

TEST_F(Trial, ManyBadStreamsCostTheGoodOnesFourLoadsAtMost) {
  std::vector<int> bad;
  for (int i = 1; i < 40; i += 2) bad.push_back(i);
  const auto out = run(40, bad);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_TRUE(out->committed);
  EXPECT_EQ(out->failed.size(), 20U);
  EXPECT_EQ(out->loaded.size(), 20U);
  for (int i = 0; i < 40; ++i) {
    EXPECT_LE(warehouse.count(copy_of(i)), 4) << i;
    // Trials leave nothing behind.
    EXPECT_EQ(table(fmt::format("t{:02}", i)).rows, i % 2 == 0 ? 2U : 0U) << i;
  }
  EXPECT_EQ(warehouse.count("COMMIT"), 1);
  for (const auto& [index, error] : out->failed) {
    EXPECT_EQ(error.name(), "RS-COPY-DATA");
    EXPECT_NE(error.to_string().find(group[index].schema.stream), std::string::npos);
  }
  EXPECT_EQ(warehouse.data.state.size(), 1U + 20U);
}

TEST_F(Trial, AllBadCommitsNothing) {
  const auto out = run(5, {0, 1, 2, 3, 4});
  ASSERT_TRUE(out.ok());
  EXPECT_FALSE(out->committed);
  EXPECT_EQ(out->failed.size(), 5U);
  EXPECT_EQ(fence(), "0");
}

// A conflict in a trial says nothing about the stream.
TEST_F(Trial, AConflictInATrialIsNoFault) {
  warehouse.fail(copy_of(4), "XX000", "1023", 1, 1);
  const auto out = run(6, {0, 1});
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->failed.size(), 2U);
  EXPECT_EQ(out->loaded.size(), 4U);
}

TEST_F(Trial, WhatMeetsAllStopsInATrialToo) {
  warehouse.fail(copy_of(4), "XX000", "Disk Full", 1, 1);
  const auto out = run(6, {0, 1});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-DISK-FULL");
  EXPECT_EQ(fence(), "0");
}

TEST_F(Trial, AStopEndsTheTrials) {
  warehouse.before(copy_of(4), [this] { stop.request_stop(); });
  const auto out = run(6, {0, 1});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-INTERRUPTED");
  EXPECT_EQ(warehouse.count(copy_of(5)), 0);
}

// Streams that always meet conflicts are not found by trials: these are bounded by a number.
TEST_F(Trial, LeaversInCompanyAreBounded) {
  std::vector<StreamLoad> many;
  for (int i = 0; i < 40; ++i) {
    warehouse.fail(copy_of(i), "XX000", "1023", 1, 100'000);
  }
  const auto out = run(40, {});
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RS-SERIALIZABLE");
  EXPECT_LE(warehouse.count("LOCK TABLE"), 11 * 6);
  EXPECT_EQ(fence(), "0");
}

struct Merge : LoaderTest {
  Result<LoadOutcome> run(uint64_t found) {
    StreamLoad stream = stream_load("a", 3);
    RedshiftLoader loader(load_target(), context());
    prepared(loader, {stream});
    table("a").rows = 10;
    warehouse.matching["a"] = found;
    return load(loader, {stream});
  }
};

// 'ABC' of the stage takes 'ABC' and 'abc' along where the database ignores case: the row of the
// other key would be missing, and the counts would look right.
TEST_F(Merge, MoreRowsFoundThanKeysCommitsNothing) {
  const auto out = run(4);
  ASSERT_FALSE(out.ok());
  EXPECT_EQ(out.error().name(), "RUN-PARITY");
  EXPECT_NE(out.error().hint().find("CASE_INSENSITIVE"), std::string::npos);
  EXPECT_EQ(table("a").rows, 10U);
  EXPECT_EQ(fence(), "0");
}

TEST_F(Merge, AsManyAsKeysIsFine) {
  const auto out = run(3);
  ASSERT_TRUE(out.ok()) << out.error().to_string();
  EXPECT_EQ(out->streams[0].rows_updated, 3U);
  EXPECT_EQ(out->streams[0].rows_inserted, 0U);
}

}  // namespace
}  // namespace vesto::testing
