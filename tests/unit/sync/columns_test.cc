#include <gtest/gtest.h>

#include "sync/column_record.h"
#include "sync/schema_changes.h"

namespace vesto {
namespace {

using Record = std::vector<RecordedColumn>;

TEST(ColumnRecord, ComesBackAsItWasMade) {
  const Record columns = {
      {"id", 1, "bigint"}, {"a \"b\"\n\\ ünï", 7, "numeric(12,2)"}, {"q", 0, ""}};
  const ColumnRecord record{.columns = columns, .former = {"x", "y \"z\""}};
  EXPECT_EQ(parse_column_record(column_record_text(record)), record);
  EXPECT_EQ(parse_column_record(column_record_text({})), ColumnRecord{});
}

TEST(ColumnRecord, OtherTextsAreNone) {
  for (const std::string text :
       {"", "{}", "[]", "{\"columns\":1}", "{\"columns\":[1],\"former\":[]}",
        "{\"columns\":[[\"a\",1]],\"former\":[]}", "{\"columns\":[[\"a\",-1,\"t\"]],\"former\":[]}",
        "{\"columns\":[[\"a\",1601,\"t\"]],\"former\":[]}", "{\"columns\":[],\"former\":[1]}",
        "{\"columns\":[],\"former\":{}}", "{\"columns\":[[\"a\",1.5,\"t\"]],\"former\":[]}",
        "{\"columns\":[[1,1,\"t\"]],\"former\":[]}", "{\"columns\":["}) {
    EXPECT_FALSE(parse_column_record(text)) << text;
  }
}

TEST(CompareColumns, TellsOneChangeFromAnother) {
  const Record before = {{"id", 1, "bigint"}, {"a", 2, "text"}, {"b", 3, "text"}, {"c", 4, "date"}};
  EXPECT_FALSE(compare_columns(ColumnRecord{before, {}}, before).any());
  const auto added = compare_columns(
      ColumnRecord{before, {}}, {before[0], before[1], before[2], before[3], {"d", 5, "text"}});
  EXPECT_EQ(added.added, std::vector<std::string>{"d"});
  EXPECT_TRUE(added.gone.empty() && added.renamed.empty() && !added.old_rows_differ());
  const auto renamed = compare_columns(ColumnRecord{before, {}},
                                       {before[0], {"a2", 2, "text"}, before[2], before[3]});
  ASSERT_EQ(renamed.renamed.size(), 1U);
  EXPECT_EQ(renamed.renamed[0].from, "a");
  EXPECT_EQ(renamed.renamed[0].to, "a2");
  EXPECT_TRUE(renamed.gone.empty() && renamed.added.empty() && !renamed.old_rows_differ());
  EXPECT_EQ(renamed.new_names(), std::vector<std::string>{"a2"});
  const auto gone = compare_columns(ColumnRecord{before, {}}, {before[0], before[1], before[3]});
  EXPECT_EQ(gone.gone, std::vector<std::string>{"b"});
  const auto remade = compare_columns(ColumnRecord{before, {}},
                                      {before[0], before[1], before[3], {"b", 5, "text"}});
  EXPECT_EQ(remade.remade, std::vector<std::string>{"b"});
  EXPECT_TRUE(remade.added.empty() && remade.gone.empty() && remade.old_rows_differ());
  const auto retyped = compare_columns(ColumnRecord{before, {}},
                                       {before[0], before[1], before[2], {"c", 4, "text"}});
  ASSERT_EQ(retyped.retyped.size(), 1U);
  EXPECT_EQ(retyped.retyped[0].from, "date");
}

// a and b change places: each name has the other's values now.
TEST(CompareColumns, SwappedNamesAreOtherColumns) {
  const auto swapped = compare_columns({{{"a", 1, "text"}, {"b", 2, "text"}}, {}},
                                       {{"b", 1, "text"}, {"a", 2, "text"}});
  EXPECT_EQ(swapped.remade, (std::vector<std::string>{"b", "a"}));
  EXPECT_TRUE(swapped.gone.empty());
}

// `Id` was delivered as `id`; `id` comes and takes that name.
TEST(CompareColumns, ANewColumnMayTakeAName) {
  const auto taken =
      compare_columns({{{"Id", 1, "int"}}, {}}, {{"Id", 1, "int"}, {"id", 2, "int"}});
  EXPECT_EQ(taken.added, std::vector<std::string>{"id"});
  EXPECT_EQ(taken.moved, std::vector<std::string>{"Id"});
  EXPECT_TRUE(taken.old_rows_differ());
  const auto given_back =
      compare_columns({{{"Id", 1, "int"}, {"id", 2, "int"}}, {}}, {{"Id", 1, "int"}});
  EXPECT_EQ(given_back.remade, std::vector<std::string>{"Id"});
  EXPECT_TRUE(given_back.gone.empty());
  // Another spelling of the same name is no change in the target.
  EXPECT_FALSE(compare_columns({{{"Id", 1, "int"}}, {}}, {{"ID", 1, "int"}}).any());
}

TEST(CompareColumns, AFormerColumnsValuesAreStillThere) {
  const ColumnRecord before{.columns = {{"id", 1, "int"}, {"b", 2, "text"}}, .former = {"a"}};
  EXPECT_EQ(compare_columns(before, {{"id", 1, "int"}, {"b", 2, "text"}, {"a", 3, "text"}}).remade,
            std::vector<std::string>{"a"});
  const auto back = compare_columns(before, {{"id", 1, "int"}, {"a", 2, "text"}});
  EXPECT_EQ(back.remade, std::vector<std::string>{"a"});
  EXPECT_TRUE(back.renamed.empty());
}

TEST(CompareColumns, WithoutNumbersNamesCount) {
  const auto changes = compare_columns({{{"a", 0, "text"}, {"b", 0, "text"}}, {}},
                                       {{"b", 0, "text"}, {"c", 0, "text"}});
  EXPECT_EQ(changes.added, std::vector<std::string>{"c"});
  EXPECT_EQ(changes.gone, std::vector<std::string>{"a"});
  EXPECT_TRUE(changes.renamed.empty());
}

TEST(FormerColumns, AreThoseThatTheStreamHadAndHasNoMore) {
  StreamSchema schema;
  for (const std::string name : {"id", "b", "d"}) {
    schema.columns.emplace_back().name = name;
  }
  const ColumnRecord before{.columns = {{"Id", 1, "int"}, {"B", 2, "int"}, {"C", 3, "int"}},
                            .former = {"d", "e"}};
  EXPECT_EQ(former_columns(before, schema), (std::vector<std::string>{"e", "c"}));
}

SchemaDecision decide(const TableSpec& spec, const ColumnChanges& changes) {
  SchemaDecision out = decide_on_names(spec, changes);
  if (!out.error) decide_on_values(spec, changes, &out);
  return out;
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
  SchemaDecision add = decide(spec, changes);
  EXPECT_FALSE(add.error || add.read_all || !add.leave_out.empty());
  spec.on_new_column = OnNewColumn::kAddAndBackfill;
  EXPECT_TRUE(decide(spec, changes).read_all);
  spec.on_new_column = OnNewColumn::kIgnore;
  const SchemaDecision ignore = decide(spec, changes);
  EXPECT_EQ(ignore.leave_out, std::vector<std::string>{"n"});
  EXPECT_TRUE(ignore.warnings.empty() && !ignore.read_all);
  spec.on_new_column = OnNewColumn::kStop;
  const SchemaDecision stop = decide(spec, changes);
  ASSERT_TRUE(stop.error);
  EXPECT_EQ(stop.error->name(), "PG-NEW-COLUMN");
}

TEST_F(Decide, ARenamedColumnIsNewAndTold) {
  changes.added.clear();
  changes.renamed = {{"a", "b"}};
  spec.on_new_column = OnNewColumn::kStop;
  EXPECT_TRUE(decide(spec, changes).error);
  spec.on_new_column = OnNewColumn::kIgnore;
  const SchemaDecision ignore = decide(spec, changes);
  EXPECT_EQ(ignore.leave_out, std::vector<std::string>{"b"});
  ASSERT_EQ(ignore.warnings.size(), 1U);
  spec.on_new_column = OnNewColumn::kAdd;
  const SchemaDecision add = decide(spec, changes);
  ASSERT_EQ(add.warnings.size(), 1U);
  EXPECT_NE(add.warnings[0].find("renamed to b"), std::string::npos);
}

TEST_F(Decide, OtherValuesAreReadAgainWhateverThePolicy) {
  changes.added.clear();
  changes.remade = {"v"};
  for (const OnNewColumn policy : {OnNewColumn::kAdd, OnNewColumn::kIgnore, OnNewColumn::kStop}) {
    spec.on_new_column = policy;
    const SchemaDecision decision = decide(spec, changes);
    EXPECT_TRUE(decision.read_all && !decision.error);
    EXPECT_EQ(decision.warnings.size(), 1U);
  }
}

TEST_F(Decide, AColumnThatIsExcludedIsNotToldAsGone) {
  changes.added.clear();
  changes.gone = {"Secret", "old"};
  spec.exclude = {"secret"};
  const SchemaDecision decision = decide(spec, changes);
  ASSERT_EQ(decision.warnings.size(), 1U);
  EXPECT_EQ(decision.warnings[0].find("Secret"), std::string::npos);
  EXPECT_NE(decision.warnings[0].find("old"), std::string::npos);
}

}  // namespace
}  // namespace vesto
