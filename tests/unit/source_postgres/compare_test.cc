// The wrapped statements of a comparison: as texts, and asked of a real server.
#include "source/postgres/compare.h"

#include <gtest/gtest.h>

#include "schema/sums.h"
#include "source/postgres/statement.h"
#include "tests/unit/source_postgres/support.h"

namespace vesto {
namespace {

using testing::read_all;
using testing::request_for;
using testing::SourceTest;

TEST(CopyParts, BothFormsOfCopy) {
  ReadStatement read;
  read.from = "\"s(x\".\"t\"\" TO STDOUT WITH (FORMAT csv\"";
  read.columns = {{.name = "a(b"}, {.name = "c"}};
  read.null_marker = "marker0123456789";
  read.table_form = true;
  auto parts = copy_parts(copy_statement(read));
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->select,
            "(SELECT \"a(b\", \"c\" FROM \"s(x\".\"t\"\" TO STDOUT WITH (FORMAT csv\")");
  EXPECT_EQ(parts->options,
            " TO STDOUT WITH (FORMAT csv, NULL 'marker0123456789', ENCODING 'UTF8')");
  read.where = {"x = ')'"};
  parts = copy_parts(copy_statement(read));
  ASSERT_TRUE(parts);
  EXPECT_TRUE(parts->select.starts_with("(SELECT \"a(b\", \"c\" FROM "));
  EXPECT_TRUE(parts->select.ends_with(" WHERE x = ')')"));
}

TEST(CopyParts, WhatIsNoCopy) {
  EXPECT_FALSE(copy_parts("SELECT 1"));
  EXPECT_FALSE(copy_parts("COPY "));
  EXPECT_FALSE(copy_parts("COPY t TO STDOUT"));
  EXPECT_FALSE(copy_parts("COPY t TO STDOUT WITH (FORMAT csv, NULL 'x')"));
}

class CompareTest : public SourceTest {
 protected:
  // The one row of a statement, fields joined by |.
  static std::string one_row(SourceSnapshot& snapshot, const ReadRange& range) {
    StreamPlan plan;
    plan.ranges = {range};
    const std::vector<std::string> rows = read_all(snapshot, plan);
    return rows.size() == 1 ? rows.front() : std::to_string(rows.size()) + " rows";
  }
};

TEST_F(CompareTest, SumsOverAllPartsOfATable) {
  sql("CREATE TABLE p (id int, day date, n numeric(10,2), s text, PRIMARY KEY (id)) "
      "PARTITION BY RANGE (id);"
      "CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
      "CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);"
      "INSERT INTO p VALUES (1, '2000-01-02', 1.50, 'a'), (11, '1999-12-31', NULL, ''), "
      "(12, 'infinity', -0.25, NULL)");
  const auto taken = snapshot();
  const auto plan = taken->plan(request_for("public.p"));
  ASSERT_TRUE(plan.ok());
  ASSERT_EQ(plan->ranges.size(), 2U);
  const auto sums = taken->sums(*plan);
  ASSERT_TRUE(sums.ok());
  const std::string row = one_row(*taken, *sums);
  // md5('a') = 0cc175b9..., md5('') = d41d8cd9...
  const int64_t texts = 0x0cc175b9LL + 0xd41d8cd9LL;
  EXPECT_TRUE(row.starts_with("3|")) << row;
  EXPECT_TRUE(row.ends_with("|3|24|3|0|2|1.25|2|" + std::to_string(texts))) << row;
}

TEST_F(CompareTest, SumsOfATableWithoutRowsAndOfEveryForm) {
  sql("CREATE DOMAIN pos AS int; CREATE TABLE e (id bigint PRIMARY KEY, p pos, x xid8, o oid, "
      "b boolean, ts timestamp, tz timestamptz, m money, f real, w numeric(38,2))");
  const auto taken = snapshot();
  const auto plan = taken->plan(request_for("public.e"));
  ASSERT_TRUE(plan.ok());
  const auto sums = taken->sums(*plan);
  ASSERT_TRUE(sums.ok());
  const std::string row = one_row(*taken, *sums);
  EXPECT_TRUE(row.starts_with("0|\\N|\\N|0|\\N|0|\\N|")) << row;
}

TEST_F(CompareTest, EachRowIsInOneBucket) {
  sql("CREATE TABLE b (a text, n int, v text, PRIMARY KEY (a, n));"
      "INSERT INTO b SELECT 'k' || i % 3, i, 'v' FROM generate_series(1, 400) i");
  const auto taken = snapshot();
  auto plan = taken->plan(request_for("public.b"));
  ASSERT_TRUE(plan.ok());
  std::vector<std::string> found;
  size_t largest = 0;
  for (uint32_t value = 0; value < 4; ++value) {
    auto ranges = taken->bucket(*plan, {.columns = {0, 1}, .bits = 2, .value = value});
    ASSERT_TRUE(ranges.ok());
    StreamPlan part = *plan;
    part.ranges = *ranges;
    const std::vector<std::string> rows = read_all(*taken, part);
    largest = std::max(largest, rows.size());
    found.insert(found.end(), rows.begin(), rows.end());
  }
  std::sort(found.begin(), found.end());
  EXPECT_EQ(found, read_all(*taken, *plan));
  EXPECT_LT(largest, 200U);  // 100 each, more or less
  const auto all = taken->bucket(*plan, {.columns = {0}, .bits = 0, .value = 0});
  ASSERT_TRUE(all.ok());
  EXPECT_EQ(all->front().sql, plan->ranges.front().sql);
}

}  // namespace
}  // namespace vesto
