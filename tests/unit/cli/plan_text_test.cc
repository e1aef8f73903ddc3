#include "cli/plan_text.h"

#include <gtest/gtest.h>

namespace vesto::cli {
namespace {

SyncPlan::Table planned(const std::string& name, const std::string& change) {
  SyncPlan::Table table;
  table.name = "public." + name;
  table.target = "s." + name;
  table.mode = "upsert";
  table.change = change;
  return table;
}

SyncSpec spec() {
  SyncSpec out;
  out.name = "shop";
  out.destination_name = "acme";
  out.schema = "s";
  return out;
}

TEST(PlanTextTest, EachChangeHasItsSign) {
  SyncPlan plan;
  plan.makes_schema = true;
  plan.tables = {planned("a", "create"), planned("b", "alter"), planned("c", "unchanged")};
  plan.tables[0].full = true;
  plan.tables[0].estimated_rows = 1;
  plan.tables[0].change_text = "1 column: id BIGINT; distkey id; sortkey id";
  plan.tables[1].change_text = "add column n BIGINT";
  plan.tables[2].from_text = "at >= 2026-01-01 (lookback 10m)";
  plan.tables[2].notes = {"a note"};
  plan.warnings = {"rows may be missed"};
  Terminal terminal;
  terminal.utf8 = false;
  EXPECT_EQ(plan_text(plan, spec(), terminal),
            "Plan for shop -> acme (nothing was changed)\n"
            "  + create schema s\n"
            "  public.a -> s.a   upsert, reads all, about 1 row\n"
            "      + create table   1 column: id BIGINT; distkey id; sortkey id\n"
            "  public.b -> s.b   upsert, reads what is new\n"
            "      ~ alter table   add column n BIGINT\n"
            "  public.c -> s.c   upsert, reads what is new\n"
            "      from at >= 2026-01-01 (lookback 10m)\n"
            "      = the table stays as it is\n"
            "      a note\n"
            "Warning: rows may be missed\n"
            "Next:  vesto run shop      --sql prints every statement\n");
  EXPECT_EQ(plan_exit_code(plan), 0);
}

TEST(PlanTextTest, ItEndsAsTheRunWould) {
  SyncPlan plan;
  plan.tables = {planned("a", "unchanged"), planned("b", "blocked")};
  plan.tables[1].error = Error(ErrorCode::kRsTableDiffers, "no\x1b[2J").with_hint("DROP it.");
  EXPECT_EQ(plan_exit_code(plan), 6);
  const std::string text = plan_text(plan, spec(), Terminal{});
  EXPECT_NE(text.find("      ! blocked   RS-TABLE-DIFFERS no\\x1b[2J\n        Fix: DROP it.\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("The run would fail for 1 of 2 tables.\n"), std::string::npos);
  EXPECT_EQ(text.find("Next:"), std::string::npos);
  plan.tables.erase(plan.tables.begin());
  EXPECT_EQ(plan_exit_code(plan), 4);
  plan.error = Error(ErrorCode::kRsConnection, "gone");
  EXPECT_EQ(plan_exit_code(plan), 5);
  EXPECT_NE(plan_json(plan, "shop").find(R"("exit_code":5)"), std::string::npos);
}

TEST(PlanTextTest, SqlIsTheArtefactAlone) {
  SyncPlan plan;
  plan.sql = {"-- in the source: COPY", "BEGIN", "COMMIT;"};
  EXPECT_EQ(plan_sql(plan), "-- in the source: COPY\nBEGIN;\nCOMMIT;\n");
}

TEST(PlanTextTest, SqlSaysWhatWillStandInThePlaceOfKeys) {
  SyncPlan plan;
  plan.sql = {"BEGIN", "COPY t FROM 's3://b/m' ACCESS_KEY_ID '<temporary>'", "COMMIT"};
  const std::string text = plan_sql(plan);
  EXPECT_EQ(text.find("-- In the place of <temporary> and {{SECRET:...}} stand keys"), 0u) << text;
  EXPECT_NE(text.find("nowhere.\nBEGIN;\nCOPY"), std::string::npos) << text;
}

}  // namespace
}  // namespace vesto::cli
