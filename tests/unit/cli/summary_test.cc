#include "cli/summary.h"

#include <gtest/gtest.h>

namespace vesto::cli {
namespace {

constexpr int64_t kNow = 1'795'310'816'123;  // 2026-11-22T01:26:56.123Z

TableResult table(const std::string& name, const std::string& state, uint64_t rows) {
  TableResult result;
  result.name = name;
  result.target = "s." + name;
  result.mode = "upsert";
  result.state = state;
  result.rows.read = rows;
  result.rows.copied = rows;
  result.rows.inserted = rows;
  return result;
}

RunOutcome outcome(const std::string& state) {
  RunOutcome out;
  out.id = RunId{"run_01"};
  out.sync = "shop";
  out.state = state;
  out.started_ms = kNow - 31'000;
  out.duration_ms = 31'000;
  out.data_as_of_ms = kNow - 30'000;
  return out;
}

TEST(SummaryTest, AFirstLoad) {
  RunOutcome out = outcome("succeeded");
  out.tables = {table("public.customers", "succeeded", 20'000),
                table("public.orders", "succeeded", 2'000'000)};
  for (const TableResult& result : out.tables) out.rows.add(result.rows);
  EXPECT_EQ(end_text(kept_from_outcome(out), kNow),
            "Succeeded in 31 s: 2 of 2 tables, 2,020,000 rows read = copied, 0 rejected, "
            "data as of 01:26:26Z\n");
}

TEST(SummaryTest, ChangesAreTold) {
  RunOutcome out = outcome("succeeded");
  out.duration_ms = 3'000;
  out.tables = {table("public.orders", "succeeded", 20'500)};
  out.rows = {.read = 20'500, .copied = 20'500, .inserted = 500, .updated = 20'000};
  EXPECT_EQ(end_text(kept_from_outcome(out), kNow),
            "Succeeded in 3.0 s: 1 of 1 table, 20,500 rows read = copied (20,000 updated, "
            "500 inserted), 0 rejected, data as of 01:26:26Z\n");
}

TEST(SummaryTest, FailedTablesWithWhatToDoNext) {
  RunOutcome out = outcome("partial");
  out.tables = {table("public.a", "succeeded", 7), table("public.long_name", "failed", 0)};
  out.tables[1].error =
      Error(ErrorCode::kRsCopyS3, "Redshift could not read the staged files")
          .with_hint("Allow it.")
          .with_upstream({.system = "redshift", .code = "XX000", .text = "403", .request_id = ""});
  out.rows = {.read = 7, .copied = 7, .inserted = 7};
  EXPECT_EQ(end_text(kept_from_outcome(out), kNow),
            "Partly succeeded in 31 s: 1 of 2 tables, 7 rows read = copied, 0 rejected, "
            "data of 1 table as of 01:26:26Z\n"
            "  public.long_name  failed  RS-COPY-S3-403  Redshift could not read the staged files\n"
            "                    answer: redshift XX000: 403\n"
            "                    Fix: Allow it.\n"
            "Next:  vesto run shop --table public.long_name\n");
}

TEST(SummaryTest, TheNextLineCarriesTheFlagThatTheFixNames) {
  RunOutcome out = outcome("failed");
  out.tables = {table("public.a", "failed", 0), table("public.b", "failed", 0),
                table("public.\"it's\"", "failed", 0)};
  out.tables[0].error = Error(ErrorCode::kRsTableDiffers, "gone")
                            .with_hint("Run with --full-refresh for this table.")
                            .in("table public.a")
                            .in("vesto.toml:48");
  out.tables[1].error = Error(ErrorCode::kRsOwner, "m");
  out.tables[2].error = Error(ErrorCode::kRsOwner, "m");
  const std::string text = end_text(kept_from_outcome(out), kNow);
  EXPECT_NE(text.find("Next:  vesto run shop --table public.b --table 'public.\"it'\\''s\"'\n"
                      "       vesto run shop --full-refresh --table public.a\n"),
            std::string::npos)
      << text;
  // Where it stands in the configuration; the table's name stands there already.
  EXPECT_NE(text.find("In: vesto.toml:48\n"), std::string::npos) << text;
  EXPECT_EQ(text.find("In: table"), std::string::npos) << text;
}

TEST(SummaryTest, LongAnswersAreCutButForShow) {
  RunOutcome out = outcome("failed");
  out.tables = {table("public.a", "failed", 0)};
  const std::string answer(1400, 'x');
  out.tables[0].error = Error(ErrorCode::kRsCopyMissing, "a file is gone")
                            .with_upstream({.system = "redshift",
                                            .code = "XX000",
                                            .text = "line\n  " + answer,
                                            .request_id = ""});
  const KeptRun kept = kept_from_outcome(out);
  EXPECT_LT(end_text(kept, kNow).size(), 600u);
  EXPECT_NE(end_text(kept, kNow).find("answer: redshift XX000: line xxx"), std::string::npos);
  EXPECT_NE(end_text(kept, kNow, true).find(answer), std::string::npos);
}

TEST(SummaryTest, AnExitCodeIsKnownOnlyAtTheEnd) {
  RunRecord record;
  record.state = "running";
  EXPECT_EQ(code_json(read_kept_run(record, true)), "null");
  EXPECT_EQ(code_json(read_kept_run(record, false)), "null");
  record.ended_ms = 5;  // swept by a later run, which does not know either
  record.exit_code = 1;
  EXPECT_EQ(code_json(read_kept_run(record, false)), "null");
  record.summary = "{}";
  EXPECT_EQ(code_json(read_kept_run(record, false)), "1");
}

TEST(SummaryTest, NothingToDoAndNothingDone) {
  RunOutcome unchanged = outcome("skipped");
  unchanged.reason = "no change";
  unchanged.duration_ms = 400;
  unchanged.tables = {table("public.a", "unchanged", 0)};
  EXPECT_EQ(end_text(kept_from_outcome(unchanged), kNow),
            "Nothing to do, 1 of 1 table unchanged; looked for 0.4 s, data as of 01:26:26Z\n");
  unchanged.warehouse_seen_ms = kNow - 90'000;
  EXPECT_EQ(end_text(kept_from_outcome(unchanged), kNow),
            "Nothing to do, 1 of 1 table unchanged; looked for 0.4 s, data as of 01:26:26Z, "
            "warehouse last looked at 01:25:26Z\n");
  RunOutcome failed = outcome("failed");
  failed.error = Error(ErrorCode::kPgConnect, "no");
  failed.data_as_of_ms = 0;
  EXPECT_EQ(end_text(kept_from_outcome(failed), kNow),
            "Failed after 31 s: nothing was committed\n");
}

// The sync is as old as the oldest of its tables, which this run has not brought.
TEST(SummaryTest, TablesThatWereNotReachedAreCounted) {
  RunOutcome out = outcome("failed");
  out.tables = {table("public.a", "unchanged", 0), table("public.b", "not_run", 0)};
  out.error = Error(ErrorCode::kRsCredDenied, "no");
  const KeptRun kept = kept_from_outcome(out);
  EXPECT_EQ(end_text(kept, kNow),
            "Failed in 31 s: 1 of 2 tables (1 not run), 0 rows read = copied, 0 rejected, "
            "data of 1 table as of 01:26:26Z\n");
  EXPECT_NE(tables_text(kept).find("not run"), std::string::npos);
  out.tables = {table("public.b", "not_run", 0)};
  EXPECT_EQ(end_text(kept_from_outcome(out), kNow), "Failed after 31 s: nothing was committed\n");
}

TEST(SummaryTest, WhatIsKeptComesBackWhole) {
  RunOutcome out = outcome("failed");
  out.exit_code = 4;
  out.tables = {table("public.a\"\\\n", "succeeded", 7)};
  out.tables[0].bytes_staged = 99;
  out.tables[0].duration_ms = 12;
  out.tables[0].full = true;
  out.warnings = {"one", "two"};
  out.error = Error(ErrorCode::kRsOwner, "m").with_hint("h");
  const KeptRun kept = kept_from_outcome(out);
  ASSERT_EQ(kept.tables.size(), 1u);
  EXPECT_EQ(kept.tables[0].name, "public.a\"\\\n");
  EXPECT_EQ(kept.tables[0].bytes_staged, 99u);
  EXPECT_EQ(kept.tables[0].duration_ms, 12);
  EXPECT_TRUE(kept.tables[0].full);
  EXPECT_EQ(kept.tables[0].rows.inserted, 7u);
  EXPECT_EQ(kept.warnings, (std::vector<std::string>{"one", "two"}));
  ASSERT_TRUE(kept.error.has_value());
  EXPECT_EQ(kept.error->code, "RS-OWNER");
  EXPECT_EQ(kept.error->hint, "h");
  EXPECT_EQ(kept.error->retry, "after_fix");
  EXPECT_EQ(kept.data_as_of_ms, kNow - 30'000);
  EXPECT_EQ(kept.record.exit_code, 4);
}

TEST(SummaryTest, SummariesThatCannotBeReadCountNothing) {
  for (const char* text : {"", "{", "[]", "null",
                           "{\"rows\":3,\"tables\":[],\"table_results\":[1,{}],"
                           "\"warnings\":7,\"error\":\"x\",\"duration_ms\":-5}"}) {
    RunRecord record;
    record.state = "succeeded";
    record.ended_ms = 1;
    record.summary = text;
    const KeptRun kept = read_kept_run(record, false);
    EXPECT_EQ(kept.rows.read, 0u) << text;
    EXPECT_FALSE(kept.error.has_value()) << text;
    EXPECT_EQ(kept.duration_ms, 0) << text;
  }
}

TEST(SummaryTest, ARunWhoseProcessHasGoneHasFailed) {
  RunRecord record;
  record.state = "running";
  EXPECT_TRUE(read_kept_run(record, false).died);
  EXPECT_EQ(read_kept_run(record, false).state, "failed");
  EXPECT_FALSE(read_kept_run(record, true).died);
  EXPECT_EQ(read_kept_run(record, true).state, "running");
}

}  // namespace
}  // namespace vesto::cli
