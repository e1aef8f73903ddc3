#include "check/probe_values.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

TEST(ProbeValues, AreFortyAndEachRowIsWhole) {
  const auto rows = probe_rows();
  size_t values = 0;
  for (const ProbeRow& row : rows) {
    ASSERT_EQ(row.size(), probe_columns().size());
    values += row.size() - 1;
  }
  EXPECT_EQ(values, 40U);
}

TEST(ProbeValues, EveryDifferenceIsSeen) {
  const auto rows = probe_rows();
  EXPECT_EQ(probe_difference(rows, rows), "");
  for (size_t row = 0; row < rows.size(); ++row) {
    for (size_t i = 1; i < rows[row].size(); ++i) {
      auto changed = rows;
      changed[row][i] = changed[row][i] ? std::optional<std::string>() : "";
      EXPECT_NE(probe_difference(rows, changed), "") << row << " " << i;
      changed[row][i] = rows[row][i].value_or("") + " ";
      EXPECT_NE(probe_difference(rows, changed), "") << row << " " << i;
    }
  }
  auto fewer = rows;
  fewer.pop_back();
  EXPECT_EQ(probe_difference(rows, fewer), "4 rows instead of 5");
  auto narrow = rows;
  narrow[0].pop_back();
  EXPECT_NE(probe_difference(rows, narrow), "");
}

TEST(ProbeValues, NameTheColumn) {
  auto found = probe_rows();
  found[2][1] = "cut";
  EXPECT_EQ(probe_difference(probe_rows(), found), "column a_text of row 3 came back as \"cut\"");
}

}  // namespace
}  // namespace vesto
