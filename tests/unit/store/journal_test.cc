#include "stage/journal.h"

#include "tests/unit/store/scratch.h"

namespace vesto {
namespace {

JournalObject object(const std::string& key, int part) {
  return {.bucket = "b",
          .key = key,
          .run = RunId{"run_A"},
          .stream = 1,
          .part = part,
          .rows = 10,
          .raw_bytes = 1000,
          .size_bytes = 100,
          .sha256 = std::string(32, '\0'),
          .stored = false};
}

TEST_F(StoreTest, ObjectsComeBackInTheOrderOfTheirParts) {
  const auto store = open();
  ASSERT_TRUE(store->plan(object("k/2", 2)).ok());
  ASSERT_TRUE(store->plan(object("k/10", 10)).ok());
  ASSERT_TRUE(store->plan(object("k/1", 1)).ok());
  ASSERT_TRUE(store->mark_stored("b", "k/2").ok());
  const auto objects = store->objects_of(RunId{"run_A"});
  ASSERT_EQ(objects->size(), 3u);
  EXPECT_EQ((*objects)[0].part, 1);
  EXPECT_FALSE((*objects)[0].stored);
  EXPECT_EQ((*objects)[1].part, 2);
  EXPECT_TRUE((*objects)[1].stored);
  EXPECT_EQ((*objects)[2].part, 10);
  EXPECT_EQ((*objects)[2].sha256, std::string(32, '\0'));
  EXPECT_EQ((*objects)[2].raw_bytes, 1000u);
  EXPECT_EQ(*store->journal_size(), 3);
  EXPECT_TRUE(store->objects_of(RunId{"run_B"})->empty());
}

TEST_F(StoreTest, ForgottenObjectsLeaveTheJournalButStayInTheList) {
  const auto store = open();
  ASSERT_TRUE(store->plan(object("k/1", 1)).ok());
  ASSERT_TRUE(store->plan(object("k/2", 2)).ok());
  ASSERT_TRUE(store->mark_stored("b", "k/1").ok());
  ASSERT_TRUE(store->mark_stored("b", "k/2").ok());
  ASSERT_TRUE(store->forget("b", {"k/1", "not/there"}).ok());
  EXPECT_EQ(*store->journal_size(), 1);
  ASSERT_EQ(store->objects_of(RunId{"run_A"})->size(), 1u);
  const auto files = store->files_of(RunId{"run_A"});
  ASSERT_EQ(files->size(), 2u);
  EXPECT_EQ((*files)[0].key, "k/1");
  EXPECT_FALSE((*files)[0].stored);
  EXPECT_TRUE((*files)[1].stored);
}

TEST_F(StoreTest, TheSameKeyOfAnotherBucketIsAnotherObject) {
  const auto store = open();
  JournalObject other = object("k/1", 1);
  other.bucket = "c";
  ASSERT_TRUE(store->plan(object("k/1", 1)).ok());
  ASSERT_TRUE(store->plan(other).ok());
  ASSERT_TRUE(store->forget("c", {"k/1"}).ok());
  ASSERT_EQ(store->objects_of(RunId{"run_A"})->size(), 1u);
  EXPECT_EQ(store->objects_of(RunId{"run_A"})->front().bucket, "b");
}

TEST_F(StoreTest, ObjectsOfASyncAreFoundByTheirKeysAndDroppedWithoutATrace) {
  const auto store = open();
  for (const char* key : {"old/inst/0a1b2c3d/run/1", "inst/0a1b2c3d/run/2", "inst/ffffffff/run/3",
                          "0a1b2c3d/run/4"}) {
    ASSERT_TRUE(store->plan(object(key, 1)).ok());
  }
  const auto found = store->objects_of_sync(SyncId{"0a1b2c3d"});
  ASSERT_EQ(found->size(), 2u);
  EXPECT_EQ((*found)[0].key, "inst/0a1b2c3d/run/2");
  EXPECT_EQ((*found)[1].key, "old/inst/0a1b2c3d/run/1");
  ASSERT_TRUE(store->drop_object("b", "inst/0a1b2c3d/run/2").ok());
  EXPECT_EQ(store->objects_of_sync(SyncId{"0a1b2c3d"})->size(), 1u);
  EXPECT_EQ(store->files_of(RunId{"run_A"})->size(), 3u);
}

TEST_F(StoreTest, ObjectsOfTestsAreThoseWithoutARunsRecord) {
  const auto store = open();
  ASSERT_TRUE(store->put_run(make_run("A", "shop", 1)).ok());
  JournalObject of_test = object("inst/0a1b2c3d/run/1", 1);
  of_test.run = RunId{"run_B"};
  ASSERT_TRUE(store->plan(object("inst/ffffffff/run/1", 1)).ok());
  ASSERT_TRUE(store->plan(of_test).ok());
  const auto found = store->objects_of_no_run();
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().key, "inst/0a1b2c3d/run/1");
  EXPECT_EQ(found->front().run.text, "run_B");
}

TEST_F(StoreTest, AnObjectThatWasNeverPlannedCannotBeStored) {
  const auto store = open();
  const Status marked = store->mark_stored("b", "k/1");
  ASSERT_FALSE(marked.ok());
  EXPECT_EQ(marked.error().code(), ErrorCode::kInternal);
}

TEST_F(StoreTest, WhatWasPlannedIsOnDiskBeforeTheCallReturns) {
  const auto store = open();
  ASSERT_TRUE(store->plan(object("k/1", 1)).ok());
  // Another connection sees only what was committed.
  const auto second = open();
  EXPECT_EQ(*second->journal_size(), 1);
}

}  // namespace
}  // namespace vesto
