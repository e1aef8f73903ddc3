#include "store/writer.h"

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
