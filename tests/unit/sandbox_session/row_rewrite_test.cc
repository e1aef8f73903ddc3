#include "sandbox/session/row_rewrite.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

using std::string_literals::operator""s;

std::string plain(std::string_view text) { return std::string(text); }

ColumnDescription column(std::string name, int32_t oid, int format) {
  ColumnDescription made;
  made.name = std::move(name);
  made.type_oid = oid;
  made.format = format;
  return made;
}

// One row through the rewriter: the values that the client gets.
std::vector<std::optional<std::string>> pass(const std::vector<ColumnDescription>& columns,
                                             const std::vector<std::optional<std::string>>& row) {
  RowRewriter rewriter(plain);
  std::string message;
  write_row_description(&message, columns);
  EXPECT_TRUE(rewriter.describe(std::string_view(message).substr(5), nullptr));
  std::string data;
  write_data_row(&data, row);
  std::string out;
  rewriter.row(std::string_view(data).substr(5), &out);
  RowValues values;
  EXPECT_TRUE(parse_data_row(std::string_view(out).substr(5), &values));
  return {values.begin(), values.end()};
}

TEST(CompactJson, OnlyBlanksBetweenTokensGo) {
  EXPECT_EQ(compact_json(R"({"a b": [1, 2, "x, y: \" z\\"], "c": null})"),
            R"({"a b":[1,2,"x, y: \" z\\"],"c":null})");
  EXPECT_EQ(compact_json(""), "");
  EXPECT_EQ(compact_json("\"open \\"), "\"open \\");
}

TEST(RowRewriter, TypesAndNames) {
  RowRewriter rewriter([](std::string_view name) { return "<" + std::string(name) + ">"; });
  std::string message;
  write_row_description(&message, {column("s", 3802, 0), column("b", 17, 0), column("i", 23, 0)});
  std::string out;
  ASSERT_TRUE(rewriter.describe(std::string_view(message).substr(5), &out));
  const auto columns = parse_row_description(std::string_view(out).substr(5));
  ASSERT_TRUE(columns.has_value());
  EXPECT_EQ((*columns)[0].type_oid, kSuperOid);
  EXPECT_EQ((*columns)[0].name, "<s>");
  EXPECT_EQ((*columns)[1].type_oid, kVarbyteOid);
  EXPECT_EQ((*columns)[2].type_oid, 23);
  EXPECT_FALSE(rewriter.describe("\0\x01x"s, &out));
}

TEST(RowRewriter, ValuesAsRedshiftSendsThem) {
  EXPECT_EQ(pass({column("s", 3802, 0), column("b", 17, 0), column("i", 23, 0)},
                 {R"({"a": 1})", "\\x0aff", "5"}),
            (std::vector<std::optional<std::string>>{R"({"a":1})", "0aff", "5"}));
  EXPECT_EQ(pass({column("s", 3802, 1), column("b", 17, 1)}, {"\x01{\"a\": 1}"s, "\x0a\xff"s}),
            (std::vector<std::optional<std::string>>{R"({"a":1})", "\x0a\xff"s}));
  EXPECT_EQ(pass({column("s", 3802, 1), column("b", 17, 0)}, {std::nullopt, ""}),
            (std::vector<std::optional<std::string>>{std::nullopt, ""}));
  EXPECT_EQ(pass({column("s", 3802, 1)}, {""}), (std::vector<std::optional<std::string>>{""}));
}

TEST(RowRewriter, MalformedRowsPassAsTheyAre) {
  RowRewriter rewriter(plain);
  std::string message;
  write_row_description(&message, {column("s", 3802, 0)});
  ASSERT_TRUE(rewriter.describe(std::string_view(message).substr(5), nullptr));
  std::string out;
  rewriter.row("\0\x01\0\0\0\x05"s, &out);
  EXPECT_EQ(out, "D\0\0\0\x0a\0\x01\0\0\0\x05"s);
}

TEST(TypeOids, BackAndForth) {
  for (const int32_t oid : {kSuperOid, kVarbyteOid, 23, 705}) {
    EXPECT_EQ(client_type_oid(pg_type_oid(oid)), oid);
  }
}

}  // namespace
}  // namespace vesto::sandbox
