// Names of tables as people write them, and their normal form.
#include "schema/table_name.h"

#include <gtest/gtest.h>

namespace vesto {
namespace {

TEST(TableNameTest, PlainAndQuoted) {
  const auto check = [](std::string_view text, std::string_view schema, std::string_view table) {
    const auto name = parse_table_name(text);
    ASSERT_TRUE(name.has_value()) << text;
    EXPECT_EQ(name->schema, schema);
    EXPECT_EQ(name->table, table);
  };
  check("public.orders", "public", "orders");
  check("Public.Order Lines", "Public", "Order Lines");
  check(R"(public."a.b")", "public", "a.b");
  check(R"("a""b".c)", "a\"b", "c");
  check(R"("x"."y")", "x", "y");
  check(R"(public."Orders")", "public", "Orders");
}

TEST(TableNameTest, EverythingElseIsRefused) {
  for (const char* text :
       {"", ".", "orders", ".orders", "public.", "a.b.c", R"(public."a)", R"(""."")", R"("a"b.c)",
        R"(a"b.c)", R"(public."a"x)", "\"", "\"a", "\"a\"b", R"("a".)", R"("a"."")"}) {
    EXPECT_FALSE(parse_table_name(text).has_value()) << text;
  }
}

TEST(TableNameTest, OneNormalFormHoweverItIsWritten) {
  for (const char* text :
       {"public.Orders", R"(public."Orders")", R"("public"."Orders")", R"("public".Orders)"}) {
    EXPECT_EQ(normal_table_name(text), "public.Orders") << text;
  }
  EXPECT_EQ(normal_table_name(R"(public."a.b")"), R"(public."a.b")");
  EXPECT_EQ(normal_table_name(R"("a""b"."c d")"), R"("a""b".c d)");
  EXPECT_EQ(table_name_text("a.b", "c\"d"), R"("a.b"."c""d")");
  EXPECT_EQ(table_name_text("public", "t"), "public.t");
  // What the normal form says is what it was made from.
  for (const TableName& name :
       {TableName{"a.b", "c"}, TableName{"\"", "."}, TableName{" ", "ü🙂"}}) {
    EXPECT_EQ(parse_table_name(table_name_text(name.schema, name.table)), name);
  }
  EXPECT_EQ(normal_table_name("no name"), "no name");
}

}  // namespace
}  // namespace vesto
