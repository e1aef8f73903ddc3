#include "sync/patterns.h"

#include <gtest/gtest.h>

#include "schema/table_name.h"
#include "sync/window_hash.h"

namespace vesto {
namespace {

TableSpec table(const std::string& name, const std::string& target = "") {
  TableSpec spec;
  spec.name = name;
  spec.target = target;
  spec.pattern = is_table_pattern(name);
  return spec;
}

TableName in_source(const std::string& schema, const std::string& name) {
  return {.schema = schema, .table = name};
}

std::vector<std::string> names(const SyncSpec& spec) {
  std::vector<std::string> out;
  for (const TableSpec& one : spec.tables) out.push_back(one.name + ">" + one.target);
  return out;
}

TEST(TablePattern, MatchesWholeNames) {
  const auto matches = [](const std::string& pattern, const std::string& schema,
                          const std::string& name) {
    return matches_table_pattern(pattern, {.schema = schema, .table = name});
  };
  EXPECT_TRUE(matches("public.order_*", "public", "order_"));
  EXPECT_TRUE(matches("public.order_*", "public", "order_lines"));
  EXPECT_FALSE(matches("public.order_*", "public", "orders"));
  EXPECT_FALSE(matches("public.order_*", "publi", "order_lines"));
  EXPECT_TRUE(matches("*.*", "a", "b"));
  EXPECT_TRUE(matches("p*c.*_*s", "public", "a_b_rs"));
  EXPECT_FALSE(matches("p*c.*_*s", "public", "abrs"));
  EXPECT_TRUE(matches("s.**a*", "s", "bca"));
  EXPECT_FALSE(matches("s.*a", "s", "ab"));
  EXPECT_FALSE(matches("order_*", "public", "order_a"));
  // Bounded work for patterns that make a backtracking matcher run away.
  EXPECT_FALSE(matches("s.*a*a*a*a*a*a*a*a*a*b", "s", std::string(63, 'a')));
  EXPECT_FALSE(is_table_pattern("public.\"a*b\""));
  EXPECT_FALSE(is_table_pattern("public.orders"));
}

TEST(Patterns, StandForTablesThatNoOtherEntryNames) {
  SyncSpec spec;
  spec.tables = {table("public.orders", "o"), table("public.o*"), table("*.*s")};
  std::vector<std::string> unmatched;
  const SyncSpec out = with_matching_tables(
      spec,
      {in_source("public", "orders"), in_source("public", "other"), in_source("public", "items"),
       in_source("crm", "Notes"), in_source("crm", "a.b")},
      &unmatched);
  EXPECT_EQ(names(out), (std::vector<std::string>{"public.orders>o", "public.other>other",
                                                  "crm.Notes>notes", "public.items>items"}));
  EXPECT_TRUE(unmatched.empty());
  for (const TableSpec& one : out.tables) EXPECT_FALSE(one.pattern);
}

TEST(Patterns, SayWhatMatchesNothing) {
  SyncSpec spec;
  spec.tables = {table("x.*"), table("a.*"), table("public.items", "orders")};
  std::vector<std::string> unmatched;
  const SyncSpec out = with_matching_tables(
      spec, {in_source("a", "orders"), in_source("a", "_VESTO_loads")}, &unmatched);
  EXPECT_EQ(unmatched, std::vector<std::string>{"x.*"});
  EXPECT_EQ(out.patterns, (std::vector<std::string>{"x.*", "a.*"}));
  ASSERT_EQ(out.tables.size(), 3U);
  EXPECT_NE(out.tables[0].clash, "") << "its target would be one of Vesto's own";
  EXPECT_EQ(out.tables[1].clash, "");
}

std::string hash_of(const std::vector<std::string>& chunks, const std::string& marker) {
  RangeHash hash({marker, ""});
  for (const std::string& chunk : chunks) hash.add(chunk);
  return window_hash("setup", {{0, hash.finish()}});
}

TEST(WindowHash, IsTheSameForTheSameRowsWhateverTheMarker) {
  const std::string one = hash_of({"1,aaaabbbbcccc,x\n", "2,y,aaaabbbbcccc\n"}, "aaaabbbbcccc");
  EXPECT_EQ(one, hash_of({"1,zzzzyyyyxxxx,x\n2,y,zzzzyyyyxxxx\n"}, "zzzzyyyyxxxx"));
  EXPECT_NE(one, hash_of({"1,,x\n2,y,\n"}, "zzzzyyyyxxxx"));
  EXPECT_NE(one, hash_of({"2,y,aaaabbbbcccc\n", "1,aaaabbbbcccc,x\n"}, "aaaabbbbcccc"));
  EXPECT_NE(one, hash_of({"1,0,x\n", "2,y,0\n"}, "aaaabbbbcccc"));
}

TEST(WindowHash, KnowsRangesAndSetup) {
  EXPECT_NE(window_hash("a", {{0, "x"}}), window_hash("b", {{0, "x"}}));
  EXPECT_NE(window_hash("a", {{0, "x"}, {1, "y"}}), window_hash("a", {{0, "y"}, {1, "x"}}));
  EXPECT_NE(window_hash("a", {}), window_hash("a", {{0, "x"}}));
}

}  // namespace
}  // namespace vesto
