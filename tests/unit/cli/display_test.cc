#include "cli/display.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace vesto::cli {
namespace {

constexpr int64_t kNow = 1'795'310'816'123;  // 2026-11-22T01:26:56.123Z

TableProgress progress(const std::string& name, const std::string& step, uint64_t rows,
                       uint64_t bytes, int64_t estimated) {
  TableProgress table;
  table.name = name;
  table.step = step;
  table.rows_read = rows;
  table.bytes_staged = bytes;
  table.estimated_rows = estimated;
  return table;
}

RunView view_of(std::vector<TableProgress> tables) {
  RunView view;
  view.run = "run_01J7X";
  view.sync = "shop";
  view.destination = "acme";
  view.started_ms = kNow - 102'000;
  view.tables = std::move(tables);
  return view;
}

RunView usual() {
  RunView view = view_of({progress("public.customers", "done", 4102, 1000, 4102),
                          progress("public.orders", "extract", 1'204'331, 224'395'264, 2'400'000),
                          progress("public.lines", "queued", 0, 0, 100'000)});
  TableResult done;
  done.name = "public.customers";
  done.state = "succeeded";
  done.rows.read = 4102;
  done.duration_ms = 900;
  view.finished.push_back(done);
  view.memory_used_bytes = 124ULL << 20;
  view.memory_total_bytes = 1024ULL << 20;
  return view;
}

TEST(BlockTest, ShowsTablesAndTotals) {
  Terminal terminal;
  terminal.width = 120;
  EXPECT_EQ(
      join(block_lines(usual(), terminal, kNow), "\n"),
      "shop \u2192 acme   run_01J7X   1m 42s   about 1m 49s left\n"
      "  public.customers  \u2713 done      4,102 rows   0.9 s\n"
      "  public.orders     \u25D4 extract   1,204,331 read   214 MiB staged (2.1 MiB/s)\n"
      "  public.lines      \u25CB queued   \n"
      "read 1,208,433 rows of about 2,504,102 (48 %)   staged 214 MiB   memory 124 MiB of 1.0 GiB");
}

TEST(BlockTest, NeverWiderThanTheTerminal) {
  Terminal terminal;
  for (const int width : {20, 40, 80}) {
    terminal.width = width;
    for (const std::string& line : block_lines(usual(), terminal, kNow)) {
      EXPECT_LT(columns_of(line), static_cast<size_t>(width));
    }
  }
}

TEST(BlockTest, NumbersAreLeftOutWhole) {
  Terminal terminal;
  terminal.width = 51;
  const std::vector<std::string> lines = block_lines(usual(), terminal, kNow);
  EXPECT_EQ(lines[2], "  public.orders     \u25D4 extract   1,204,331 read");
  EXPECT_EQ(lines[4], "read 1,208,433 rows of about 2,504,102 (48 %)");
}

TEST(BlockTest, AsciiWhereThereIsNoUtf8) {
  Terminal terminal;
  terminal.utf8 = false;
  for (const std::string& line : block_lines(usual(), terminal, kNow)) {
    for (const char c : line) EXPECT_GE(c, 0x20);
  }
}

TEST(BlockTest, NeverMoreThanEightLines) {
  std::vector<TableProgress> tables;
  for (int i = 0; i < 50; ++i) {
    const char* step = i < 20 ? "done" : i < 22 ? "failed" : i < 24 ? "load" : "queued";
    tables.push_back(progress("public.t" + std::to_string(i), step, 1, 1, 1));
  }
  const std::vector<std::string> lines = block_lines(view_of(tables), Terminal{}, kNow);
  ASSERT_EQ(lines.size(), kMaxBlockLines);
  // Those at work come first, then those that failed.
  EXPECT_NE(lines[1].find("public.t22"), std::string::npos);
  EXPECT_NE(lines[3].find("public.t20"), std::string::npos);
  EXPECT_EQ(lines[6], "  45 more tables: 20 done, 25 waiting");
}

TEST(BlockTest, NoGuessWithoutEstimates) {
  RunView view = usual();
  view.tables[2].estimated_rows = -1;
  EXPECT_EQ(block_lines(view, Terminal{}, kNow)[0].find("left"), std::string::npos);
  view = view_of({});
  EXPECT_EQ(block_lines(view, Terminal{}, kNow).size(), 2u);
}

TEST(WaitingTest, IsShownInEachForm) {
  RunView view = usual();
  view.waiting = WarehouseWaiting{.reason = "the cluster is being \"resumed\"",
                                  .since_ms = kNow - 125'000,
                                  .limit_ms = 900'000};
  const std::string text =
      "waiting for the warehouse: the cluster is being \"resumed\" (2m 5s of 15m 0s)";
  EXPECT_EQ(plain_waiting(view, kNow), "01:26:56Z run_01J7X: " + text);
  Terminal wide;
  wide.width = 120;
  const size_t lines = block_lines(usual(), wide, kNow).size();
  EXPECT_EQ(block_lines(view, wide, kNow).back(), text);
  EXPECT_EQ(block_lines(view, wide, kNow).size(), lines);
  EXPECT_EQ(json_waiting(view, kNow),
            R"({"type":"run.waiting","time":"2026-11-22T01:26:56.123Z","run":"run_01J7X",)"
            R"("waiting":true,"reason":"the cluster is being \"resumed\"","waited_ms":125000,)"
            R"("limit_ms":900000})");
  EXPECT_TRUE(
      json_progress(view, kNow)
          .ends_with(
              R"(}],"waiting":{"reason":"the cluster is being \"resumed\"","waited_ms":125000,)"
              R"("limit_ms":900000}})"))
      << json_progress(view, kNow);
  view.waiting.reset();
  EXPECT_EQ(json_waiting(view, kNow),
            R"({"type":"run.waiting","time":"2026-11-22T01:26:56.123Z","run":"run_01J7X",)"
            R"("waiting":false})");
  // A clock that was set back.
  view.waiting = WarehouseWaiting{.reason = "r", .since_ms = kNow + 5'000, .limit_ms = 1'000};
  EXPECT_EQ(plain_waiting(view, kNow),
            "01:26:56Z run_01J7X: waiting for the warehouse: r (0.0 s of 1.0 s)");
}

TEST(PlainTest, Lines) {
  const RunView view = usual();
  EXPECT_EQ(plain_start(view, kNow), "01:26:56Z run_01J7X: started shop -> acme, 3 tables");
  EXPECT_EQ(plain_progress(view, kNow),
            "01:26:56Z run_01J7X: 1 of 3 tables done, 1,208,433 rows read, 214 MiB staged");
  EXPECT_EQ(plain_step(view, view.tables[1], kNow), "01:26:56Z run_01J7X: public.orders: extract");
  TableResult failed;
  failed.name = "public.orders";
  failed.error = Error(ErrorCode::kRsCopyS3, "no access");
  EXPECT_EQ(plain_finish(view, failed, kNow),
            "01:26:56Z run_01J7X: public.orders: RS-COPY-S3-403 no access");
  EXPECT_EQ(plain_finish(view, view.finished[0], kNow),
            "01:26:56Z run_01J7X: public.customers: done, 4,102 rows");
}

TEST(JsonTest, OneObjectALine) {
  const RunView view = usual();
  EXPECT_EQ(json_started(view, kNow),
            R"({"type":"run.started","time":"2026-11-22T01:26:56.123Z","run":"run_01J7X",)"
            R"("sync":"shop","destination":"acme","tables":3})");
  EXPECT_EQ(json_progress(view, kNow),
            R"({"type":"run.progress","time":"2026-11-22T01:26:56.123Z","run":"run_01J7X",)"
            R"("elapsed_ms":102000,"rows":{"read":1208433},"bytes":{"staged":224396264},)"
            R"("tables":{"total":3,"done":1,"failed":0},"active":[{"table":"public.orders",)"
            R"("step":"extract","read_rows":1204331,"staged_bytes":224395264,)"
            R"("estimated_rows":2400000}]})");
  const std::string finished = json_table_finished(view, view.finished[0], kNow);
  EXPECT_TRUE(finished.starts_with(
      R"({"type":"table.finished","time":"2026-11-22T01:26:56.123Z","run":"run_01J7X",)"
      R"("table":"public.customers")"))
      << finished;
  RunOutcome outcome;
  outcome.id = RunId{"run_01J7X"};
  outcome.state = "succeeded";
  EXPECT_TRUE(json_finished(outcome).starts_with(R"({"type":"run.finished","run":"run_01J7X",)"));
}

}  // namespace
}  // namespace vesto::cli
