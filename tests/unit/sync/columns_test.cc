#include <gtest/gtest.h>

#include "sync/column_record.h"
#include "sync/schema_changes.h"

namespace vesto {
namespace {

using Record = std::vector<RecordedColumn>;

TEST(ColumnRecord, ComesBackAsItWasMade) {
  const Record columns = {
      {"id", 1, "bigint"}, {"a \"b\"\n\\ ünï", 7, "numeric(12,2)"}, {"q", 0, ""}};
  EXPECT_EQ(parse_column_record(column_record_text(columns)), columns);
  EXPECT_EQ(parse_column_record(column_record_text({})), Record{});
}

TEST(ColumnRecord, OtherTextsAreNone) {
  for (const std::string text :
       {"", "{}", "[]", "{\"columns\":1}", "{\"columns\":[1]}", "{\"columns\":[[\"a\",1]]}",
        "{\"columns\":[[\"a\",-1,\"t\"]]}", "{\"columns\":[[\"a\",1601,\"t\"]]}",
        "{\"columns\":[[\"a\",1.5,\"t\"]]}", "{\"columns\":[[1,1,\"t\"]]}", "{\"columns\":["}) {
    EXPECT_FALSE(parse_column_record(text)) << text;
  }
}

TEST(CompareColumns, TellsOneChangeFromAnother) {
  const Record before = {{"id", 1, "bigint"}, {"a", 2, "text"}, {"b", 3, "text"}, {"c", 4, "date"}};
  EXPECT_FALSE(compare_columns(before, before).any());
  const auto added =
      compare_columns(before, {before[0], before[1], before[2], before[3], {"d", 5, "text"}});
  EXPECT_EQ(added.added, std::vector<std::string>{"d"});
  EXPECT_TRUE(added.gone.empty() && added.renamed.empty() && !added.old_rows_differ());
  const auto renamed =
      compare_columns(before, {before[0], {"a2", 2, "text"}, before[2], before[3]});
  ASSERT_EQ(renamed.renamed.size(), 1U);
  EXPECT_EQ(renamed.renamed[0].from, "a");
  EXPECT_EQ(renamed.renamed[0].to, "a2");
  EXPECT_TRUE(renamed.gone.empty() && renamed.added.empty() && !renamed.old_rows_differ());
  EXPECT_EQ(renamed.new_names(), std::vector<std::string>{"a2"});
  const auto gone = compare_columns(before, {before[0], before[1], before[3]});
  EXPECT_EQ(gone.gone, std::vector<std::string>{"b"});
  const auto remade = compare_columns(before, {before[0], before[1], before[3], {"b", 5, "text"}});
  EXPECT_EQ(remade.remade, std::vector<std::string>{"b"});
  EXPECT_TRUE(remade.added.empty() && remade.gone.empty() && remade.old_rows_differ());
  const auto retyped = compare_columns(before, {before[0], before[1], before[2], {"c", 4, "text"}});
  ASSERT_EQ(retyped.retyped.size(), 1U);
  EXPECT_EQ(retyped.retyped[0].from, "date");
}

// a and b change places: each name has the other's values now.
TEST(CompareColumns, SwappedNamesAreOtherColumns) {
  const auto swapped =
      compare_columns({{"a", 1, "text"}, {"b", 2, "text"}}, {{"b", 1, "text"}, {"a", 2, "text"}});
  EXPECT_EQ(swapped.remade, (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(swapped.gone.empty());
}

TEST(CompareColumns, WithoutNumbersNamesCount) {
  const auto changes =
      compare_columns({{"a", 0, "text"}, {"b", 0, "text"}}, {{"b", 0, "text"}, {"c", 0, "text"}});
  EXPECT_EQ(changes.added, std::vector<std::string>{"c"});
  EXPECT_EQ(changes.gone, std::vector<std::string>{"a"});
  EXPECT_TRUE(changes.renamed.empty());
}

TEST(OnlyWidens, KnowsWhatLeavesValuesAlone) {
  const std::vector<std::pair<std::string, std::string>> wider = {
      {"smallint", "integer"},
      {"smallint", "bigint"},
      {"integer", "bigint"},
      {"character varying(5)", "character varying(6)"},
      {"character varying(5)", "character varying"},
      {"character varying(5)", "text"},
      {"character varying", "text"},
      {"text", "character varying"},
      {"numeric(5,2)", "numeric(9,2)"},
      {"numeric(5,2)", "numeric"},
      {"date", "date"},
  };
  for (const auto& [from, to] : wider) EXPECT_TRUE(only_widens(from, to)) << from << " " << to;
  const std::vector<std::pair<std::string, std::string>> others = {
      {"integer", "smallint"},
      {"integer", "text"},
      {"character varying(6)", "character varying(5)"},
      {"character varying", "character varying(5)"},
      {"text", "character varying(5)"},
      {"numeric(9,2)", "numeric(9,1)"},
      {"numeric(9,2)", "numeric(8,2)"},
      {"numeric(9,2)", "numeric(9,3)"},
      {"numeric", "numeric(9,2)"},
      {"character(5)", "text"},
      {"real", "double precision"},
      {"date", "timestamp without time zone"},
      {"timestamp(3) without time zone", "timestamp without time zone"},
      {"", "text"},
      {"numeric()", "numeric(3,1)"},
      {"numeric(", "numeric(3,1)"},
  };
  for (const auto& [from, to] : others) EXPECT_FALSE(only_widens(from, to)) << from << " " << to;
}

struct Decide : ::testing::Test {
  TableSpec spec;
  ColumnChanges changes;
  Decide() {
    spec.name = "public.t";
    changes.added = {"n"};
  }
};

TEST_F(Decide, EachPolicyForANewColumn) {
  SchemaDecision add = decide_on_changes(spec, changes);
  EXPECT_FALSE(add.error || add.read_all || !add.leave_out.empty());
  spec.on_new_column = OnNewColumn::kAddAndBackfill;
  EXPECT_TRUE(decide_on_changes(spec, changes).read_all);
  spec.on_new_column = OnNewColumn::kIgnore;
  const SchemaDecision ignore = decide_on_changes(spec, changes);
  EXPECT_EQ(ignore.leave_out, std::vector<std::string>{"n"});
  EXPECT_TRUE(ignore.warnings.empty() && !ignore.read_all);
  spec.on_new_column = OnNewColumn::kStop;
  const SchemaDecision stop = decide_on_changes(spec, changes);
  ASSERT_TRUE(stop.error);
  EXPECT_EQ(stop.error->name(), "PG-NEW-COLUMN");
}

TEST_F(Decide, ARenamedColumnIsNewAndTold) {
  changes.added.clear();
  changes.renamed = {{"a", "b"}};
  spec.on_new_column = OnNewColumn::kStop;
  EXPECT_TRUE(decide_on_changes(spec, changes).error);
  spec.on_new_column = OnNewColumn::kIgnore;
  const SchemaDecision ignore = decide_on_changes(spec, changes);
  EXPECT_EQ(ignore.leave_out, std::vector<std::string>{"b"});
  ASSERT_EQ(ignore.warnings.size(), 1U);
  spec.on_new_column = OnNewColumn::kAdd;
  const SchemaDecision add = decide_on_changes(spec, changes);
  ASSERT_EQ(add.warnings.size(), 1U);
  EXPECT_NE(add.warnings[0].find("renamed to b"), std::string::npos);
}

TEST_F(Decide, OtherValuesAreReadAgainWhateverThePolicy) {
  changes.added.clear();
  changes.remade = {"v"};
  for (const OnNewColumn policy : {OnNewColumn::kAdd, OnNewColumn::kIgnore, OnNewColumn::kStop}) {
    spec.on_new_column = policy;
    const SchemaDecision decision = decide_on_changes(spec, changes);
    EXPECT_TRUE(decision.read_all && !decision.error);
    EXPECT_EQ(decision.warnings.size(), 1U);
  }
}

TEST_F(Decide, AColumnThatIsExcludedIsNotToldAsGone) {
  changes.added.clear();
  changes.gone = {"Secret", "old"};
  spec.exclude = {"secret"};
  const SchemaDecision decision = decide_on_changes(spec, changes);
  ASSERT_EQ(decision.warnings.size(), 1U);
  EXPECT_EQ(decision.warnings[0].find("Secret"), std::string::npos);
  EXPECT_NE(decision.warnings[0].find("old"), std::string::npos);
}

}  // namespace
}  // namespace vesto
