#include "store/writer.h"

#include <atomic>
#include <chrono>
#include <new>
#include <thread>

#include "store/schema.h"
#include "tests/unit/store/scratch.h"

namespace vesto::store {
namespace {

class WriterTest : public StoreTest {
 protected:
  std::unique_ptr<Database> open_database() {
    StoreTest::open();  // makes the file
    auto db = Database::open(dir_ + "/vesto.db", Access::kWrite);
    EXPECT_TRUE(db.ok());
    return std::move(db).value();
  }
  int64_t count() {
    int64_t found = -1;
    auto db = Database::open(dir_ + "/vesto.db", Access::kRead);
    const Status done = (*db)->query("SELECT count(*) FROM meta WHERE name LIKE 'k%'", {},
                                     [&](const Row& row) { found = row.number(0); });
    EXPECT_TRUE(done.ok());
    return found;
  }
};

Writer::Command insert(const std::string& name) {
  return [name](Database& db) -> Status {
    VESTO_TRY(db.run("INSERT INTO meta(name, value) VALUES (?, 'v')", {name}));
    return ok_status();
  };
}

// The flush that each of two commands meets which wait for a third: of the first nothing hangs on
// it, of the second all.
std::vector<int64_t> modes_of_two(Writer& writer) {
  std::vector<int64_t> modes(2, -1);
  std::atomic<int> waiting = 0;
  std::vector<std::thread> threads;
  const auto ask = [&](size_t i) {
    ++waiting;
    const Status done = writer.run(
        [&modes, i](Database& db) {
          return db.query("PRAGMA synchronous", {},
                          [&modes, i](const Row& row) { modes[i] = row.number(0); });
        },
        i == 0 ? Keeps::kWithNext : Keeps::kOnDisk);
    EXPECT_TRUE(done.ok());
  };
  const Status done = writer.run([&](Database&) -> Status {
    for (size_t i = 0; i < modes.size(); ++i) threads.emplace_back(ask, i);
    while (waiting < 2) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    return ok_status();
  });
  EXPECT_TRUE(done.ok());
  for (std::thread& thread : threads) thread.join();
  return modes;
}

TEST_F(WriterTest, WaitingCommandsAreCommittedTogether) {
  Writer writer(open_database());
  constexpr int kThreads = 16;
  constexpr int kEach = 20;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&writer, t] {
      for (int i = 0; i < kEach; ++i) {
        const Status done = writer.run(insert("k" + std::to_string(t) + "_" + std::to_string(i)));
        EXPECT_TRUE(done.ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(), kThreads * kEach);
  EXPECT_LT(writer.commits(), kThreads * kEach);
}

// What the log's flush costs is paid by those who need it; who commits with them has it for
// nothing.
TEST_F(WriterTest, OnlyWhatMustBeOnDiskIsFlushed) {
  constexpr int64_t kNormal = 1;
  constexpr int64_t kFull = 2;
  Writer writer(open_database());
  const auto flush_of = [&writer](Keeps keeps) {
    int64_t mode = -1;
    const Status done = writer.run(
        [&mode](Database& db) {
          return db.query("PRAGMA synchronous", {},
                          [&mode](const Row& row) { mode = row.number(0); });
        },
        keeps);
    EXPECT_TRUE(done.ok());
    return mode;
  };
  EXPECT_EQ(flush_of(Keeps::kOnDisk), kFull);
  EXPECT_EQ(flush_of(Keeps::kWithNext), kNormal);
  EXPECT_EQ(flush_of(Keeps::kWithNext), kNormal);
  EXPECT_EQ(flush_of(Keeps::kOnDisk), kFull);
  EXPECT_TRUE(writer.run(insert("k1"), Keeps::kWithNext).ok());
  EXPECT_EQ(count(), 1);
}

// Two that wait behind a third are committed together, and one of them is to be on disk.
TEST_F(WriterTest, ABatchIsFlushedIfOneOfItMustBe) {
  constexpr int kTries = 100;
  for (int i = 0; i < kTries; ++i) {
    Writer writer(open_database());
    const std::vector<int64_t> modes = modes_of_two(writer);
    // The second came too late to be in the batch of the first: a busy machine.
    if (writer.commits() != 2) continue;
    EXPECT_EQ(modes, (std::vector<int64_t>{2, 2}));
    return;
  }
  FAIL() << "no two commands were ever committed together";
}

TEST_F(WriterTest, ACommandThatFailsTakesNoOtherAlong) {
  Writer writer(open_database());
  ASSERT_TRUE(writer.run(insert("k1")).ok());
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&writer, t] {
      const bool bad = t % 2 == 0;
      const Status done = writer.run([&](Database& db) -> Status {
        VESTO_TRY(
            db.run("INSERT INTO meta(name, value) VALUES (?, '')", {"k_" + std::to_string(t)}));
        if (bad) return Error(ErrorCode::kInternal, "on purpose");
        return ok_status();
      });
      EXPECT_EQ(done.ok(), !bad);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(count(), 5);
}

TEST_F(WriterTest, AStatementThatFailsLeavesTheRestOfItsCommandUndone) {
  Writer writer(open_database());
  ASSERT_TRUE(writer.run(insert("k1")).ok());
  const Status again = writer.run([](Database& db) -> Status {
    VESTO_TRY(db.run("INSERT INTO meta(name, value) VALUES ('k2', '')", {}));
    VESTO_TRY(db.run("INSERT INTO meta(name, value) VALUES ('k1', '')", {}));
    return ok_status();
  });
  ASSERT_FALSE(again.ok());
  EXPECT_EQ(again.error().code(), ErrorCode::kSysStore);
  EXPECT_EQ(count(), 1);
  EXPECT_TRUE(writer.run(insert("k3")).ok());
  EXPECT_EQ(count(), 2);
}

// The process goes on, and nothing of the transaction that broke off is kept.
TEST_F(WriterTest, AnExceptionInACommandEndsNothingButItsTransaction) {
  Writer writer(open_database());
  const Status thrown = writer.run([](Database& db) -> Status {
    VESTO_TRY(db.run("INSERT INTO meta(name, value) VALUES ('k1', '')", {}));
    throw std::bad_alloc();
  });
  ASSERT_FALSE(thrown.ok());
  EXPECT_EQ(thrown.error().name(), "SYS-MEMORY");
  EXPECT_EQ(count(), 0);
  EXPECT_TRUE(writer.run(insert("k2")).ok());
  EXPECT_EQ(count(), 1);
}

TEST_F(WriterTest, TwoWritersOnOneFileTakeTurns) {
  Writer first(open_database());
  Writer second(open_database());
  const auto work = [](Writer& writer, const std::string& prefix) {
    for (int i = 0; i < 50; ++i) {
      EXPECT_TRUE(writer.run(insert(prefix + std::to_string(i))).ok());
    }
  };
  std::thread other([&] { work(second, "kb"); });
  work(first, "ka");
  other.join();
  EXPECT_EQ(count(), 100);
}

}  // namespace
}  // namespace vesto::store
