#include "stage/clean_up.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "base/strings.h"
#include "tests/support/faulty_s3.h"

namespace vesto {
namespace {

using testing_support::FaultyS3;
using testing_support::MemoryBucket;
using testing_support::MemoryJournal;
using testing_support::S3Kind;

constexpr const char* kRunA = "run_01J7XAAAAAAAAAAAAAAAAAAAAA";
constexpr const char* kRunB = "run_01J7XBBBBBBBBBBBBBBBBBBBBB";

StageSpace space_of(const std::string& installation, const std::string& run) {
  return {.bucket = "stage",
          .prefix = "vesto/",
          .installation = {installation},
          .sync = {"1a2b3c4d"},
          .run = {run}};
}

class CleanUpTest : public testing::Test {
 protected:
  // An object of `space`, in the bucket, and in the journal if it is given.
  std::string add(const StageSpace& space, int stream, int part, Journal* journal) {
    const std::string key =
        part == 0 ? manifest_key(space, stream) : part_key(space, stream, part, Compression::kGzip);
    bucket_.put(key, "x");
    if (journal != nullptr) {
      EXPECT_TRUE(journal
                      ->plan({.bucket = space.bucket,
                              .key = key,
                              .run = space.run,
                              .stream = stream,
                              .part = part,
                              .rows = 1,
                              .raw_bytes = 1,
                              .size_bytes = 1,
                              .sha256 = "",
                              .stored = true})
                      .ok());
    }
    return key;
  }
  Result<CleanedUp> remove(const StageSpace& space) {
    return remove_run_objects(journal_, s3_, space, nullptr, {});
  }
  Result<CleanedUp> sweep(const StageSpace& space) {
    return sweep_run(journal_, s3_, space, nullptr, {});
  }

  MemoryBucket bucket_;
  MemoryJournal journal_;
  FaultyS3 s3_{bucket_};
  const StageSpace mine_ = space_of("abcdefgh01234567", kRunA);
};

TEST_F(CleanUpTest, RemovesWhatTheJournalHoldsOfTheRun) {
  add(mine_, 1, 0, &journal_);
  add(mine_, 1, 1, &journal_);
  add(mine_, 2, 1, &journal_);
  const std::string other_run = add(space_of("abcdefgh01234567", kRunB), 1, 1, &journal_);
  const auto done = remove(mine_);
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(done->deleted, 3U);
  EXPECT_EQ(bucket_.keys(), std::vector<std::string>{other_run});
  EXPECT_EQ(journal_.size(), 1U);
  EXPECT_EQ(bucket_.calls(S3Kind::kRemoveMany), 1);
}

TEST_F(CleanUpTest, ManyObjectsGoInThousands) {
  for (int part = 1; part <= 2500; ++part) add(mine_, 1, part, &journal_);
  const auto done = remove(mine_);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->deleted, 2500U);
  EXPECT_TRUE(bucket_.keys().empty());
  EXPECT_EQ(journal_.size(), 0U);
  EXPECT_EQ(bucket_.calls(S3Kind::kRemoveMany), 3);
}

TEST_F(CleanUpTest, JournalForgetsOnlyWhatWasDeleted) {
  for (int part = 1; part <= 1500; ++part) add(mine_, 1, part, &journal_);
  bucket_.fail({.kind = S3Kind::kRemoveMany, .nth = 2, .code = ErrorCode::kS3Denied});
  EXPECT_EQ(remove(mine_).error().code(), ErrorCode::kS3Denied);
  EXPECT_EQ(bucket_.keys().size(), 500U);
  EXPECT_EQ(journal_.size(), 500U);
  ASSERT_TRUE(remove(mine_).ok());  // and the next attempt ends it
  EXPECT_TRUE(bucket_.keys().empty());
  EXPECT_EQ(journal_.size(), 0U);
}

TEST_F(CleanUpTest, DeleteWhoseAnswerWasLostIsRepeated) {
  add(mine_, 1, 1, &journal_);
  bucket_.fail(
      {.kind = S3Kind::kRemoveMany, .nth = 1, .code = ErrorCode::kNetReset, .after = true});
  EXPECT_FALSE(remove(mine_).ok());
  EXPECT_EQ(journal_.size(), 1U);
  ASSERT_TRUE(remove(mine_).ok());
  EXPECT_EQ(journal_.size(), 0U);
}

TEST_F(CleanUpTest, SweepFindsWhatTheJournalLost) {
  add(mine_, 1, 1, &journal_);
  for (int part = 2; part <= 30; ++part) add(mine_, 1, part, nullptr);
  add(mine_, 1, 0, nullptr);
  bucket_.set_page_size(7);
  const auto done = sweep(mine_);
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(done->deleted, 1U);
  EXPECT_EQ(done->orphans, 30U);
  EXPECT_TRUE(bucket_.keys().empty());
  const auto again = sweep(mine_);
  EXPECT_EQ(again->deleted + again->orphans, 0U);
}

TEST_F(CleanUpTest, PlannedButNeverUploadedIsForgotten) {
  add(mine_, 1, 1, &journal_);
  ASSERT_TRUE(s3_.remove_many(bucket_.keys(), {}).ok());
  ASSERT_TRUE(sweep(mine_).ok());
  EXPECT_EQ(journal_.size(), 0U);
}

// Two installations, one bucket, one prefix, syncs and even runs of the same name.
TEST_F(CleanUpTest, NeverAnObjectOfAnotherInstallation) {
  MemoryJournal theirs_journal;
  const StageSpace theirs = space_of("zyxwvuts98765432", kRunA);
  std::vector<std::string> others;
  for (int part = 0; part <= 3; ++part) {
    add(mine_, 1, part, &journal_);
    add(mine_, 2, part, nullptr);
    others.push_back(add(theirs, 1, part, &theirs_journal));
    others.push_back(add(theirs, 2, part, nullptr));
  }
  others.push_back("vesto/a file of theirs");
  bucket_.put(others.back(), "x");
  std::sort(others.begin(), others.end());
  ASSERT_TRUE(sweep(mine_).ok());
  EXPECT_EQ(bucket_.keys(), others);
  EXPECT_EQ(theirs_journal.size(), 4U);
}

TEST_F(CleanUpTest, ForeignKeyInTheJournalStopsBeforeAnythingIsDeleted) {
  add(mine_, 1, 1, &journal_);
  const std::string foreign =
      part_key(space_of("zyxwvuts98765432", kRunA), 1, 1, Compression::kGzip);
  bucket_.put(foreign, "x");
  ASSERT_TRUE(journal_
                  .plan({.bucket = "stage",
                         .key = foreign,
                         .run = mine_.run,
                         .stream = 1,
                         .part = 2,
                         .rows = 0,
                         .raw_bytes = 0,
                         .size_bytes = 0,
                         .sha256 = "",
                         .stored = false})
                  .ok());
  const auto done = remove(mine_);
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kInternal);
  EXPECT_EQ(bucket_.keys().size(), 2U);
  EXPECT_EQ(bucket_.calls(S3Kind::kRemoveMany), 0);
}

// A server that lists more than it was asked for.
class LyingS3 final : public S3 {
 public:
  explicit LyingS3(MemoryBucket& bucket) : honest_(bucket) {}
  Result<S3PutResult> put_hashed(std::string_view key, std::string_view body, std::string_view hash,
                                 const std::stop_token& stop) override {
    return honest_.put_hashed(key, body, hash, stop);
  }
  Result<std::string> get_object(std::string_view key, uint64_t max_bytes,
                                 const std::stop_token& stop) override {
    return honest_.get_object(key, max_bytes, stop);
  }
  Result<S3ListPage> list(std::string_view, std::string_view token,
                          const std::stop_token& stop) override {
    if (endless_) return S3ListPage{.objects = {}, .next_token = "again"};
    return honest_.list("", token, stop);
  }
  Status remove(std::string_view key, const std::stop_token& stop) override {
    return honest_.remove(key, stop);
  }
  Status remove_many(const std::vector<std::string>& keys, const std::stop_token& stop) override {
    return honest_.remove_many(keys, stop);
  }
  Result<std::optional<uint64_t>> head(std::string_view key, const std::stop_token& stop) override {
    return honest_.head(key, stop);
  }
  Result<std::string> region(const std::stop_token& stop) override { return honest_.region(stop); }
  void set_endless() { endless_ = true; }

 private:
  FaultyS3 honest_;
  bool endless_ = false;
};

TEST_F(CleanUpTest, ListThatLiesDeletesNothingForeign) {
  add(mine_, 1, 1, nullptr);
  const std::string theirs = add(space_of("zyxwvuts98765432", kRunA), 1, 1, nullptr);
  LyingS3 lying(bucket_);
  const auto done = sweep_run(journal_, lying, mine_, nullptr, {});
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(done->orphans, 1U);
  EXPECT_EQ(done->foreign, 1U);
  EXPECT_EQ(bucket_.keys(), std::vector<std::string>{theirs});
}

TEST_F(CleanUpTest, FolderMarkerUnderTheRunsRootIsLeftAndTheRestSwept) {
  const std::string marker = run_root(mine_);
  bucket_.put(marker, "");
  add(mine_, 1, 1, nullptr);
  const auto done = sweep(mine_);
  ASSERT_TRUE(done.ok()) << done.error().to_string();
  EXPECT_EQ(done->orphans, 1U);
  EXPECT_EQ(done->foreign, 1U);
  EXPECT_EQ(bucket_.keys(), std::vector<std::string>{marker});
}

TEST_F(CleanUpTest, ListWithoutAnEndIsGivenUp) {
  LyingS3 lying(bucket_);
  lying.set_endless();
  const auto done = sweep_run(journal_, lying, mine_, nullptr, {});
  ASSERT_FALSE(done.ok());
  EXPECT_EQ(done.error().code(), ErrorCode::kS3Answer);
}

TEST_F(CleanUpTest, OtherBucketsAreLeftAloneAndTold) {
  const StageSpace before = [&] {
    StageSpace space = mine_;
    space.bucket = "former";
    return space;
  }();
  add(before, 1, 1, &journal_);
  add(mine_, 1, 2, &journal_);
  const auto done = remove(mine_);
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->deleted, 1U);
  EXPECT_EQ(done->elsewhere, 1U);
  EXPECT_EQ(journal_.size(), 1U);
}

TEST_F(CleanUpTest, LostLeaseDeletesNothing) {
  add(mine_, 1, 1, &journal_);
  const auto lost = []() -> Result<bool> { return false; };
  EXPECT_EQ(remove_run_objects(journal_, s3_, mine_, lost, {}).error().code(),
            ErrorCode::kRunLeaseLost);
  EXPECT_EQ(bucket_.keys().size(), 1U);
}

}  // namespace
}  // namespace vesto
