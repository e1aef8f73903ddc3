// Runs, copies, SQL texts, files and modes.
#include "store/store.h"

#include <sys/stat.h>

#include "base/redact.h"
#include "tests/unit/store/scratch.h"

namespace vesto {
namespace {

int mode_of(const std::string& path) {
  struct stat info {};
  return stat(path.c_str(), &info) == 0 ? static_cast<int>(info.st_mode & 0777) : -1;
}

TEST_F(StoreTest, OnlyItsOwnerMayReadIt) {
  const auto store = open();
  EXPECT_EQ(mode_of(dir_), 0700);
  ASSERT_TRUE(store->put_run(make_run("A", "s", 1)).ok());
  for (const char* name : {"/vesto.db", "/vesto.db-wal", "/vesto.db-shm"}) {
    EXPECT_EQ(mode_of(dir_ + name), 0600) << name;
  }
}

TEST_F(StoreTest, MakesParentsOfItsDirectory) {
  dir_ = scratch_ + "/a/b/c";
  EXPECT_NE(open(), nullptr);
}

TEST_F(StoreTest, InstallationIdStays) {
  const std::string first = open()->installation()->text;
  EXPECT_EQ(first.size(), 16u);
  EXPECT_EQ(first.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789"), std::string::npos);
  EXPECT_EQ(open()->installation()->text, first);
  dir_ = scratch_ + "/other";
  EXPECT_NE(open()->installation()->text, first);
}

TEST_F(StoreTest, RunComesBackAsWritten) {
  const auto store = open();
  RunRecord run = make_run("01J7XA", "shop", 1234);
  run.load_id = LoadId{"01LOAD"};
  run.warehouse_pid = 4711;
  run.warehouse_since = "2026-11-22 01:02:03+00";
  run.ended_ms = 5678;
  run.exit_code = 4;
  run.swept = 1;
  run.state = "failed";
  run.step = "load";
  run.summary = "{\"x\":\"\xC3\xA4'\\\"\"}";
  ASSERT_TRUE(store->put_run(run).ok());
  const auto found = store->find_run("run_01J7XA");
  ASSERT_TRUE(found.ok() && found->has_value());
  const RunRecord& back = **found;
  EXPECT_EQ(back.id, run.id);
  EXPECT_EQ(back.sync, "shop");
  EXPECT_EQ(back.state, "failed");
  EXPECT_EQ(back.step, "load");
  EXPECT_EQ(back.load_id, run.load_id);
  EXPECT_EQ(back.warehouse_pid, 4711);
  EXPECT_EQ(back.warehouse_since, run.warehouse_since);
  EXPECT_EQ(back.started_ms, 1234);
  EXPECT_EQ(back.ended_ms, 5678);
  EXPECT_EQ(back.exit_code, 4);
  EXPECT_EQ(back.swept, 1);
  EXPECT_EQ(back.summary, run.summary);
}

TEST_F(StoreTest, PutRunReplaces) {
  const auto store = open();
  RunRecord run = make_run("A", "shop", 1);
  ASSERT_TRUE(store->put_run(run).ok());
  run.step = "load";
  ASSERT_TRUE(store->put_run(run).ok());
  const auto runs = store->runs("shop", 10);
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ(runs->front().step, "load");
}

TEST_F(StoreTest, FindsRunsByTheirBeginning) {
  const auto store = open();
  for (const char* id : {"01J7XA", "01J7XB", "01J8"}) {
    ASSERT_TRUE(store->put_run(make_run(id, "s", 1)).ok());
  }
  EXPECT_EQ((*store->find_run("01j8"))->id.text, "run_01J8");
  EXPECT_EQ((*store->find_run("run_01J7XB"))->id.text, "run_01J7XB");
  EXPECT_FALSE(store->find_run("01K").value().has_value());
  EXPECT_FALSE(store->find_run("").value().has_value());
  EXPECT_FALSE(store->find_run("run_").value().has_value());
  EXPECT_FALSE(store->find_run("%").value().has_value());
  const auto several = store->find_run("01J7");
  ASSERT_FALSE(several.ok());
  EXPECT_EQ(several.error().code(), ErrorCode::kCfgNoObject);
}

TEST_F(StoreTest, AWholeIdWinsOverLongerOnes) {
  const auto store = open();
  ASSERT_TRUE(store->put_run(make_run("01J", "s", 1)).ok());
  ASSERT_TRUE(store->put_run(make_run("01J2", "s", 2)).ok());
  const auto found = store->find_run("run_01J");
  ASSERT_TRUE(found.ok());
  EXPECT_EQ((*found)->id.text, "run_01J");
}

TEST_F(StoreTest, RunsAreNewestFirstAndLimited) {
  const auto store = open();
  for (int i = 0; i < 5; ++i) {
    ASSERT_TRUE(store->put_run(make_run("A" + std::to_string(i), i < 4 ? "a" : "b", i)).ok());
  }
  const auto of_a = store->runs("a", 3);
  ASSERT_EQ(of_a->size(), 3u);
  EXPECT_EQ(of_a->front().id.text, "run_A3");
  EXPECT_EQ(store->runs("", 100)->size(), 5u);
  EXPECT_EQ(store->runs("", 0)->size(), 0u);
  EXPECT_EQ(store->runs("", -1)->size(), 0u);
}

TEST_F(StoreTest, UnsweptRunsLeaveOutTheLiveOne) {
  const auto store = open();
  RunRecord ended = make_run("A", "s", 1);
  ended.ended_ms = 2;
  RunRecord dead = make_run("B", "s", 3);
  RunRecord swept = make_run("C", "s", 4);
  swept.swept = 2;
  const RunRecord live = make_run("D", "s", 5);
  const RunRecord other = make_run("E", "t", 6);
  for (const RunRecord& run : {ended, dead, swept, live, other}) {
    ASSERT_TRUE(store->put_run(run).ok());
  }
  ASSERT_FALSE(store->take_lease("s", live.id, 60'000).value().has_value());
  const auto found = store->unswept_runs("s");
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].id.text, "run_A");
  EXPECT_EQ((*found)[1].id.text, "run_B");
  clock_.now_ms += 60'001;  // its lease runs out
  EXPECT_EQ(store->unswept_runs("s")->size(), 3u);
}

TEST_F(StoreTest, CopiesComeBackAndGo) {
  const auto store = open();
  StreamCopy copy{.sync = "s",
                  .stream = "public.orders",
                  .position = "{\"t\":\"x\"}",
                  .load_id = LoadId{"01L"},
                  .columns = "[]",
                  .window_rows = 17,
                  .window_hash = std::string("\0\xFF\x01", 3),
                  .window_lacked_room = 3,
                  .window_rejected = 5,
                  .window_nulled = 7,
                  .seen_ms = 99};
  ASSERT_TRUE(store->put_copies({copy}).ok());
  copy.position = "new";
  copy.window_rows = UINT64_C(9'000'000'000'000);
  ASSERT_TRUE(store->put_copies({copy}).ok());
  const auto copies = store->copies("s");
  ASSERT_EQ(copies->size(), 1u);
  EXPECT_EQ(copies->front().position, "new");
  EXPECT_EQ(copies->front().window_rows, UINT64_C(9'000'000'000'000));
  EXPECT_EQ(copies->front().window_hash, copy.window_hash);
  EXPECT_EQ(copies->front().window_lacked_room, 3U);
  EXPECT_EQ(copies->front().window_rejected, 5U);
  EXPECT_EQ(copies->front().window_nulled, 7U);
  EXPECT_EQ(copies->front().seen_ms, 99);
  EXPECT_EQ(store->copies("S")->size(), 0u);
  for (int i = 0; i < 2; ++i) {  // twice is as good as once
    ASSERT_TRUE(store->doubt_copy("s", copy.stream, true).ok());
    EXPECT_EQ(store->copies("s")->front().seen_ms, -99);
  }
  ASSERT_TRUE(store->doubt_copy("s", "another", false).ok());
  EXPECT_EQ(store->copies("s")->front().seen_ms, -99);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(store->doubt_copy("s", copy.stream, false).ok());
    EXPECT_EQ(store->copies("s")->front().seen_ms, 99);
  }
  ASSERT_TRUE(store->doubt_copy("s", copy.stream, true).ok());
  ASSERT_TRUE(store->put_copies({copy}).ok());
  EXPECT_EQ(store->copies("s")->front().seen_ms, 99);
  ASSERT_TRUE(store->drop_copies("s").ok());
  EXPECT_TRUE(store->copies("s")->empty());
}

TEST_F(StoreTest, SqlTextsKeepTheirOrderAndHoldNoSecret) {
  const auto store = open();
  const Secret secret("hunter2-hunter2");
  const RunId run{"run_A"};
  for (int i = 0; i < 12; ++i) {
    ASSERT_TRUE(store->add_sql(run, "SELECT " + std::to_string(i)).ok());
  }
  ASSERT_TRUE(store->add_sql(run, "COPY x SECRET_ACCESS_KEY 'hunter2-hunter2'").ok());
  const auto texts = store->sql_of(run);
  ASSERT_EQ(texts->size(), 13u);
  EXPECT_EQ((*texts)[0], "SELECT 0");
  EXPECT_EQ((*texts)[11], "SELECT 11");
  EXPECT_EQ((*texts)[12].find("hunter2"), std::string::npos);
  EXPECT_TRUE(store->sql_of(RunId{"run_B"})->empty());
}

TEST_F(StoreTest, OldSqlTextsAreDroppedAndRunsStay) {
  const auto store = open();
  for (int i = 0; i < 105; ++i) {
    RunRecord run = make_run("R" + std::to_string(1000 + i), "s", i);
    ASSERT_TRUE(store->add_sql(run.id, "SELECT 1").ok());
    run.ended_ms = i + 1;
    ASSERT_TRUE(store->put_run(run).ok());
  }
  EXPECT_TRUE(store->sql_of(RunId{"run_R1004"})->empty());
  EXPECT_EQ(store->sql_of(RunId{"run_R1005"})->size(), 1u);
  EXPECT_EQ(store->runs("s", 1000)->size(), 105u);
}

TEST_F(StoreTest, EverythingIsThereAfterOpeningAgain) {
  {
    const auto store = open();
    ASSERT_TRUE(store->put_run(make_run("A", "s", 1)).ok());
    ASSERT_TRUE(store->add_sql(RunId{"run_A"}, "SELECT 1").ok());
  }
  const auto store = open();
  EXPECT_EQ(store->runs("s", 10)->size(), 1u);
  EXPECT_EQ(store->sql_of(RunId{"run_A"})->size(), 1u);
}

}  // namespace
}  // namespace vesto
