// What people and programs read of a comparison.
#include "cli/parity_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace vesto::cli {
namespace {

using nlohmann::json;

struct Made {
  RunOutcome run;
  RunOutcome repair;
  ParityReport report;
};

ParityResult table(const std::string& name) {
  ParityResult out;
  out.name = name;
  out.target = "s.t";
  out.keyed = true;
  out.sums_known = true;
  out.sums_equal = true;
  out.source_rows = out.warehouse_rows = 2000;
  return out;
}

std::unique_ptr<Made> report(std::vector<ParityResult> tables) {
  auto made = std::make_unique<Made>();
  made->run.id = RunId{"run_1"};
  made->run.state = "succeeded";
  made->run.data_as_of_ms = 1'795'305'600'000;
  made->report.sync = "shop";
  made->report.run = &made->run;
  made->report.tables = std::move(tables);
  return made;
}

TEST(ParityText, Equal) {
  ParityResult one = table("public.a");
  ParityResult other = table("public.b");
  other.streamed = true;
  other.sampled_one_in = 16;
  other.rejected = 6;
  other.nulled_values = 1;
  const auto made = report({one, other});
  EXPECT_EQ(parity_exit_code(made->report), 0);
  EXPECT_EQ(parity_text(made->report),
            "Source and warehouse of shop at 2026-11-22T00:00:00.000Z: equal\n"
            "  public.a  equal  2,000 rows (sums and hashes of all rows)\n"
            "  public.b  equal  1,994 rows (values of one row in 16, sums of all; 6 rows rejected; "
            "NULL in the place of 1 value)\n");
}

TEST(ParityText, DifferencesAreNamedAndTheWayOutToo) {
  ParityResult one = table("public.a");
  one.sums_equal = false;
  one.unlike = {"*", "note"};
  one.streamed = true;
  one.differing = 1;
  one.missing = 30;
  one.only_in_warehouse = 1;
  one.listed = {
      {.kind = ParityDifference::Kind::kDiffers,
       .key = R"({"id":"7"})",
       .columns = {"note", "x\ny"}},
      {.kind = ParityDifference::Kind::kOnlyInWarehouse, .key = R"({"id":"9"})", .columns = {}}};
  one.mendable = {{"7"}};
  const auto made = report({one});
  EXPECT_EQ(parity_exit_code(made->report), 6);
  const std::string text = parity_text(made->report);
  for (const char* part :
       {"NOT EQUAL",
        "public.a  DIFFERENT  1 differs, 30 missing in the warehouse, 1 only in the "
        "warehouse; 2,000 rows in the source, 2,000 in the warehouse (value by value)",
        "sums differ: note\n", "differs                {\"id\":\"7\"}  note, x\\x0ay\n",
        "only in the warehouse  {\"id\":\"9\"}\n", "and 30 more",
        "Fix: vesto sync parity shop --table public.a --repair",
        "stay until: vesto run shop --table public.a --full-refresh"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
  }
}

TEST(ParityText, AKeylessTableSaysFullRefresh) {
  ParityResult one = table("public.a");
  one.keyed = false;
  one.missing = 1;
  const std::string text = parity_text(report({one})->report);
  EXPECT_NE(text.find("Fix: vesto run shop --table public.a --full-refresh"), std::string::npos);
  EXPECT_EQ(text.find("--repair"), std::string::npos);
}

TEST(ParityText, ASampleThatDoesNotShowWhy) {
  ParityResult one = table("public.a");
  one.sums_equal = false;
  one.streamed = true;
  one.sampled_one_in = 16;
  EXPECT_EQ(parity_exit_code(report({one})->report), 6);
  EXPECT_NE(parity_text(report({one})->report).find("no row of the sample does"),
            std::string::npos);
  // Rejected rows are a reason for other sums.
  one.kept_rejected = 1;
  EXPECT_EQ(parity_exit_code(report({one})->report), 0);
}

TEST(ParityText, ExitCodesAndStates) {
  ParityResult failed = table("public.a");
  failed.error = Error(ErrorCode::kNetRefused, "no answer");
  EXPECT_EQ(parity_exit_code(report({failed})->report), 5);
  EXPECT_EQ(parity_exit_code(report({failed, table("public.b")})->report), 6);
  auto made = report({table("public.a")});
  made->run.exit_code = 6;  // another table failed in the run
  EXPECT_EQ(parity_exit_code(made->report), 6);
  EXPECT_EQ(parity_state(made->report), "different");
  made = report({});
  made->run.exit_code = 7;
  made->run.error = Error(ErrorCode::kRunBusy, "busy");
  EXPECT_EQ(parity_exit_code(made->report), 7);
  EXPECT_EQ(parity_state(made->report), "failed");
  EXPECT_EQ(parity_text(made->report), "");
}

TEST(ParityJson, HasAllThatIsKnown) {
  ParityResult one = table("public.a");
  one.unlike = {"n\"o"};
  one.sums_equal = false;
  one.streamed = true;
  one.differing = 1;
  one.listed = {
      {.kind = ParityDifference::Kind::kDiffers, .key = R"({"id":"7"})", .columns = {"n\"o"}}};
  ParityResult unsummed = table("public.b");
  unsummed.sums_known = false;
  unsummed.no_sums = "why";
  ParityResult failed = table("public.c");
  failed.error = Error(ErrorCode::kRunCompare, "not delivered");
  auto made = report({one, unsummed, failed});
  made->repair.id = RunId{"run_2"};
  made->repair.state = "succeeded";
  made->report.repair = &made->repair;
  made->report.repaired_keys = 3;
  const json out = json::parse(parity_json(made->report));
  EXPECT_EQ(out["schema"], "vesto.parity/1");
  EXPECT_EQ(out["state"], "different");
  EXPECT_EQ(out["exit_code"], 6);
  EXPECT_EQ(out["repair"]["keys"], 3);
  EXPECT_EQ(out["tables"][0]["listed"][0],
            json::parse(R"({"kind":"differs","key":{"id":"7"},"columns":["n\"o"]})"));
  EXPECT_EQ(out["tables"][0]["sums"], json::parse(R"({"equal":false,"unlike":["n\"o"]})"));
  EXPECT_EQ(out["tables"][0]["sampled_one_in"], nullptr);
  EXPECT_EQ(out["tables"][1]["no_sums"], "why");
  EXPECT_EQ(out["tables"][2]["state"], "not_compared");
  EXPECT_EQ(out["tables"][2]["error"]["code"], "RUN-COMPARE");
}

}  // namespace
}  // namespace vesto::cli
