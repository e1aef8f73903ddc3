#include "cli/health.h"

#include <gtest/gtest.h>

namespace vesto::cli {
namespace {

SyncConfig two_tables() {
  SyncConfig sync;
  sync.name = "shop";
  for (const char* name : {"public.a", "public.b"}) {
    TableConfig table;
    table.name = name;
    sync.tables.push_back(table);
  }
  return sync;
}

// A run that ended, with its tables in these states ("" = not in it).
RunRecord ended(const std::string& id, const std::string& state, const std::string& a,
                const std::string& b, int64_t as_of_ms,
                std::optional<ErrorCode> code = std::nullopt) {
  RunOutcome out;
  out.id = RunId{id};
  out.sync = "shop";
  out.state = state;
  out.reason = state == "skipped" ? "no change" : "";
  out.data_as_of_ms = as_of_ms;
  out.started_ms = as_of_ms;
  out.duration_ms = 10;
  for (const auto& [name, table_state] : {std::pair{"public.a", a}, std::pair{"public.b", b}}) {
    if (table_state.empty()) continue;
    TableResult result;
    result.name = name;
    result.state = table_state;
    if (table_state == "failed") result.error = Error(code.value_or(ErrorCode::kRsOwner), "m");
    out.tables.push_back(result);
  }
  const bool whole = state == "failed" && out.tables.empty();
  if (whole) out.error = Error(code.value_or(ErrorCode::kPgConnect), "m");
  return kept_from_outcome(out).record;
}

RunRecord running(const std::string& id, const std::string& step) {
  RunRecord record;
  record.id = RunId{id};
  record.sync = "shop";
  record.state = "running";
  record.step = step;
  record.started_ms = 5;
  return record;
}

SyncHealth judge(const std::vector<RunRecord>& newest_first, const std::string& live = "",
                 const std::vector<StreamCopy>& copies = {}) {
  return judge_sync(two_tables(), newest_first, live, copies);
}

TEST(HealthTest, NothingHasRun) {
  const SyncHealth sync = judge({});
  EXPECT_EQ(sync.health, Health::kNotStarted);
  EXPECT_EQ(activity_text(sync), "idle");
  EXPECT_EQ(sync.data_as_of_ms, 0);
  EXPECT_EQ(health_exit_code({sync}), 0);
}

TEST(HealthTest, TheFirstLoadIsRunning) {
  StreamCopy header;
  header.stream = "*";
  StreamCopy done;
  done.stream = "public.b";
  EXPECT_EQ(activity_text(judge({running("run_1", "load")}, "run_1", {header, done})),
            "running: first load 1 of 2 tables");
  EXPECT_EQ(activity_text(judge({running("run_1", "load")}, "run_1")),
            "running: first load 0 of 2 tables");
}

TEST(HealthTest, ARunThatWaitsForItsWarehouseIsNotFailing) {
  const RunRecord good = ended("run_1", "succeeded", "succeeded", "succeeded", 10);
  const SyncHealth sync = judge({running("run_2", "wait_for_warehouse"), good}, "run_2");
  EXPECT_EQ(activity_text(sync), "waiting for the warehouse");
  EXPECT_EQ(sync.health, Health::kHealthy);
  EXPECT_EQ(activity_text(judge({running("run_2", "wait_for_warehouse")}, "run_2")),
            "waiting for the warehouse");
}

TEST(HealthTest, WhatALiveRunWaitsForAndSinceWhen) {
  RunRecord record = running("run_2", "wait_for_warehouse");
  record.summary =
      R"({"waiting":{"reason":"the \"r\"","since":"2026-11-23T10:15:04.000Z","limit_ms":9000}})";
  const SyncHealth sync = judge({record}, "run_2");
  EXPECT_EQ(activity_text(sync), "waiting for the warehouse since 10:15:04Z: the \"r\"");
  EXPECT_EQ(sync.running->waiting->limit_ms, 9000);
  // Its process ended while it waited: no result, and no wait.
  for (const int64_t ended_ms : {0, 50}) {
    record.ended_ms = ended_ms;
    const KeptRun dead = read_kept_run(record, false);
    EXPECT_TRUE(dead.died);
    EXPECT_FALSE(dead.waiting.has_value());
    EXPECT_EQ(dead.record.summary, "");
  }
  for (const char* odd : {R"({"waiting":3})", R"({"waiting":{}})", R"({"waiting":[]})", "{"}) {
    record.ended_ms = 0;
    record.summary = odd;
    EXPECT_EQ(activity_text(judge({record}, "run_2")), "waiting for the warehouse") << odd;
  }
}

// Nobody has to mend Vesto's set-up: the next run waits again.
TEST(HealthTest, AWarehouseThatStayedAwayIsTriedAgain) {
  for (const ErrorCode code : {ErrorCode::kRsPaused, ErrorCode::kRsWaking}) {
    const SyncHealth sync = judge({ended("run_2", "failed", "", "", 10, code)});
    EXPECT_EQ(sync.health, Health::kRetrying);
    EXPECT_EQ(health_exit_code({sync}), 5);
  }
}

TEST(HealthTest, HealthyAndRunningAgain) {
  const SyncHealth sync = judge(
      {running("run_2", "clean_up"), ended("run_1", "succeeded", "succeeded", "succeeded", 1000)},
      "run_2");
  EXPECT_EQ(sync.health, Health::kHealthy);
  EXPECT_EQ(activity_text(sync), "running: clean up");
  EXPECT_EQ(sync.data_as_of_ms, 1000);
  EXPECT_EQ(health_exit_code({sync}), 0);
}

TEST(HealthTest, DataAreAsOldAsTheOldestTable) {
  const SyncHealth sync = judge({ended("run_3", "skipped", "", "unchanged", 3000),
                                 ended("run_2", "succeeded", "", "succeeded", 2000),
                                 ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(sync.health, Health::kHealthy);
  EXPECT_EQ(sync.data_as_of_ms, 1000);
  EXPECT_EQ(sync.tables[1].data_as_of_ms, 3000);
  EXPECT_EQ(sync.tables_delivered, 2u);
}

TEST(HealthTest, SomebodyMustAct) {
  const SyncHealth whole = judge({ended("run_2", "failed", "", "", 0, ErrorCode::kRsOwner),
                                  ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(whole.health, Health::kNeedsAction);
  EXPECT_EQ(whole.data_as_of_ms, 1000);
  const SyncHealth partly =
      judge({ended("run_2", "partial", "succeeded", "failed", 2000, ErrorCode::kPgType),
             ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(partly.health, Health::kNeedsAction);
  EXPECT_EQ(partly.data_as_of_ms, 1000);
  EXPECT_EQ(health_exit_code({partly, judge({})}), 4);
}

TEST(HealthTest, AnotherTryMayHelp) {
  const SyncHealth sync = judge({ended("run_2", "failed", "", "", 0, ErrorCode::kPgConnect),
                                 ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(sync.health, Health::kRetrying);
  EXPECT_EQ(health_exit_code({sync}), 5);
  EXPECT_EQ(health_exit_code({sync, judge({ended("r", "failed", "", "", 0, ErrorCode::kRsOwner)})}),
            4);
}

TEST(HealthTest, ARunThatDiedMeansAnotherTry) {
  const SyncHealth sync = judge(
      {running("run_2", "load"), ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(sync.health, Health::kRetrying);
  EXPECT_EQ(activity_text(sync), "idle");
  EXPECT_TRUE(sync.last->died);
}

TEST(HealthTest, AFirstRunThatFailedSaysWhy) {
  const SyncHealth sync = judge({ended("run_1", "failed", "", "", 0, ErrorCode::kRsOwner)});
  EXPECT_EQ(sync.health, Health::kNeedsAction);
  EXPECT_EQ(health_exit_code({sync}), 4);
  const SyncHealth partly =
      judge({ended("run_1", "partial", "succeeded", "failed", 1000, ErrorCode::kPgNoTable)});
  EXPECT_EQ(partly.health, Health::kNeedsAction);
  const SyncHealth later = judge({ended("run_1", "failed", "", "", 0, ErrorCode::kPgConnect)});
  EXPECT_EQ(later.health, Health::kRetrying);
  EXPECT_EQ(health_exit_code({later}), 5);
  // Still the first load, whatever came before.
  EXPECT_EQ(activity_text(judge({running("run_2", "load"),
                                 ended("run_1", "failed", "", "", 0, ErrorCode::kRsOwner)},
                                "run_2")),
            "running: first load 0 of 2 tables");
}

TEST(HealthTest, ASkippedStartChangesNothing) {
  RunRecord skipped = ended("run_2", "skipped", "", "", 0);
  skipped.summary = R"({"run":"run_2","state":"skipped","reason":"another run is active"})";
  EXPECT_EQ(judge({skipped}).health, Health::kNotStarted);
  EXPECT_EQ(judge({skipped, ended("run_1", "failed", "", "", 0, ErrorCode::kRsOwner)}).health,
            Health::kNeedsAction);
}

TEST(HealthTest, CancelledRunsSayNothing) {
  const SyncHealth sync = judge({ended("run_2", "cancelled", "", "", 0),
                                 ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(sync.health, Health::kHealthy);
  EXPECT_EQ(sync.last->record.id.text, "run_1");
}

TEST(HealthTest, TheLastLineCounts) {
  const SyncHealth fresh = judge({});
  const SyncHealth good = judge({ended("run_1", "succeeded", "succeeded", "succeeded", 1000)});
  EXPECT_EQ(health_summary({}), "0 syncs");
  EXPECT_EQ(health_summary({good}), "1 sync: 1 healthy");
  EXPECT_EQ(health_summary({good, fresh, good}), "3 syncs: 2 healthy, 1 not started");
}

}  // namespace
}  // namespace vesto::cli
