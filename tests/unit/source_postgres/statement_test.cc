// The texts of the statements, without a server.
#include "source/postgres/statement.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

ReadStatement two_columns() {
  ReadStatement read;
  read.from = "\"public\".\"or\"\"ders\"";
  read.columns = {{.name = "id", .key = true}, {.name = "Note"}};
  read.table_form = true;
  read.only = true;
  read.null_marker = "m0123456789a";
  return read;
}

TEST(Statement, TableFormWhereNothingIsInTheWay) {
  EXPECT_EQ(copy_statement(two_columns()),
            "COPY \"public\".\"or\"\"ders\" (\"id\", \"Note\") TO STDOUT WITH (FORMAT csv, NULL "
            "'m0123456789a', ENCODING 'UTF8')");
}

TEST(Statement, ATextThatIsAloneInItsRowIsQuoted) {
  ReadStatement read = two_columns();
  read.columns = {{.name = "v", .text = true}};
  EXPECT_TRUE(copy_statement(read).ends_with("ENCODING 'UTF8', FORCE_QUOTE *)"));
  read.columns[0].text = false;
  EXPECT_TRUE(copy_statement(read).ends_with("ENCODING 'UTF8')"));
}

TEST(Statement, SelectFormForAnExpressionAView_AConditionAndMarks) {
  ReadStatement read = two_columns();
  read.columns[1].print = PrintForm::kText;
  EXPECT_EQ(copy_statement(read),
            "COPY (SELECT \"id\", \"Note\"::text FROM ONLY \"public\".\"or\"\"ders\") TO STDOUT "
            "WITH (FORMAT csv, NULL 'm0123456789a', ENCODING 'UTF8')");
  read = two_columns();
  read.table_form = false;
  read.only = false;
  EXPECT_EQ(copy_statement(read).find("COPY (SELECT \"id\", \"Note\" FROM \"public\""), 0U);
  read = two_columns();
  read.where = {"a >= 1", "b < 2"};
  EXPECT_NE(copy_statement(read).find(" WHERE a >= 1 AND b < 2) TO"), std::string::npos);
}

TEST(Statement, RowsThatAreTooLargeAreMarkedInTheFirstLargeColumn) {
  ReadStatement read = two_columns();
  read.oversize_marker = "toolarge";
  EXPECT_EQ(copy_statement(read).find("COPY (SELECT \"id\", \"Note\" FROM ONLY"), 0U)
      << "no column can be large";
  read.columns[1].size = ReadColumn::Size::kOctets;
  read.columns.push_back({.name = "doc", .size = ReadColumn::Size::kJsonb});
  read.columns.push_back(
      {.name = "raw", .print = PrintForm::kHex, .size = ReadColumn::Size::kOctets});
  const std::string sizes =
      "coalesce(octet_length(\"Note\"::text), 0)::bigint + coalesce(CASE WHEN "
      "pg_column_size(\"doc\") > 16384 THEN octet_length(\"doc\"::text) END, 0)::bigint + "
      "coalesce(octet_length(\"raw\"), 0)::bigint > 4194304";
  EXPECT_EQ(copy_statement(read),
            "COPY (SELECT \"id\", CASE WHEN " + sizes +
                " THEN 'toolarge' ELSE \"Note\"::text END, "
                "CASE WHEN " +
                sizes + " THEN NULL ELSE \"doc\"::text END, CASE WHEN " + sizes +
                " THEN NULL ELSE CASE WHEN \"raw\" = '' THEN 'NaN' ELSE "
                "encode(\"raw\", 'hex') END END FROM ONLY \"public\".\"or\"\"ders\") TO "
                "STDOUT WITH (FORMAT csv, NULL 'm0123456789a', ENCODING 'UTF8')");
}

TEST(Blocks, SmallHeapsAreOnePiece) {
  for (const int64_t bytes : {int64_t{0}, int64_t{8192}, int64_t{64} << 20}) {
    const auto pieces = cut_blocks(bytes, bytes, 8192);
    ASSERT_EQ(pieces.size(), 1U) << bytes;
    EXPECT_EQ(block_condition(pieces[0]), "");
  }
}

TEST(Blocks, PiecesMeetAndTheLastHasNoEnd) {
  for (const int64_t bytes : {(int64_t{64} << 20) + 8192, int64_t{1} << 30, int64_t{1} << 45}) {
    const auto pieces = cut_blocks(bytes, bytes, 8192);
    ASSERT_GT(pieces.size(), 1U);
    ASSERT_LE(pieces.size(), 64U);
    EXPECT_EQ(pieces.front().from, 0);
    for (size_t i = 0; i + 1 < pieces.size(); ++i) {
      EXPECT_LT(pieces[i].from, pieces[i].to);
      EXPECT_EQ(pieces[i].to, pieces[i + 1].from);
    }
    EXPECT_EQ(pieces.back().to, -1);
  }
  EXPECT_EQ(block_condition({0, 5}), "ctid < '(5,0)'::tid");
  EXPECT_EQ(block_condition({5, 9}), "ctid >= '(5,0)'::tid AND ctid < '(9,0)'::tid");
  EXPECT_EQ(block_condition({9, -1}), "ctid >= '(9,0)'::tid");
}

TEST(Blocks, ToastIsWeighedButNeverMorePiecesThanBlocks) {
  EXPECT_EQ(cut_blocks(3 * 8192, int64_t{10} << 30, 8192).size(), 3U);
  EXPECT_EQ(cut_blocks(0, int64_t{10} << 30, 8192).size(), 1U);
  EXPECT_EQ(cut_blocks(8192, 8192, 0).size(), 1U);
}

}  // namespace
}  // namespace vesto
