#include "sandbox/session/isolation.h"

#include <gtest/gtest.h>

namespace vesto::sandbox {
namespace {

const std::vector<TableRef> kTable = {{"s", "t\"x"}};
constexpr const char* kLock = R"(,'"s"."t""x"','"t""x"');)";

TEST(Isolation, Begin) {
  EXPECT_EQ(begin_sql(Isolation::kSerializable, false), "BEGIN ISOLATION LEVEL SERIALIZABLE");
  EXPECT_EQ(begin_sql(Isolation::kSnapshot, true),
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
}

TEST(Isolation, LockTakesNoSnapshotUnlessInAString) {
  EXPECT_FALSE(needs_snapshot(StatementClass::kLock, false));
  EXPECT_TRUE(needs_snapshot(StatementClass::kLock, true));
  EXPECT_FALSE(needs_snapshot(StatementClass::kSet, false));
  EXPECT_TRUE(needs_snapshot(StatementClass::kSelect, false));
  EXPECT_TRUE(needs_snapshot(StatementClass::kCopy, false));
  EXPECT_TRUE(needs_snapshot(StatementClass::kDdl, false));
}

TEST(Isolation, LocksOfSerializable) {
  const std::string one = std::string("SELECT pg_catalog.rs_lock(2,false") + kLock;
  EXPECT_EQ(lock_sql(Isolation::kSerializable, StatementClass::kInsert, kTable), one);
  EXPECT_EQ(lock_sql(Isolation::kSerializable, StatementClass::kUpdate, kTable), one);
  EXPECT_EQ(lock_sql(Isolation::kSerializable, StatementClass::kLock, kTable), "");
  EXPECT_EQ(lock_sql(Isolation::kSerializable, StatementClass::kSelect, {}), "");
}

TEST(Isolation, LocksOfSnapshot) {
  const std::string write = std::string("SELECT pg_catalog.rs_lock(2,false") + kLock;
  const std::string shared = std::string("SELECT pg_catalog.rs_lock(1,true") + kLock;
  const std::string alone = std::string("SELECT pg_catalog.rs_lock(1,false") + kLock;
  for (const StatementClass cls : {StatementClass::kInsert, StatementClass::kCopy}) {
    EXPECT_EQ(lock_sql(Isolation::kSnapshot, cls, kTable), shared + write);
  }
  for (const StatementClass cls :
       {StatementClass::kUpdate, StatementClass::kDelete, StatementClass::kMerge,
        StatementClass::kDdl, StatementClass::kTruncate}) {
    EXPECT_EQ(lock_sql(Isolation::kSnapshot, cls, kTable), alone + write);
  }
}

}  // namespace
}  // namespace vesto::sandbox
