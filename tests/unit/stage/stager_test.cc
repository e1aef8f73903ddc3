#include "stage/stager.h"

#include <gtest/gtest.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/bounded_queue.h"
#include "base/hash.h"
#include "tests/support/faulty_s3.h"

namespace vesto {
namespace {

using testing_support::FaultyS3;
using testing_support::MemoryBucket;
using testing_support::MemoryJournal;
using testing_support::S3Kind;

Part part_of(const std::string& bytes, uint64_t rows) {
  Part part;
  part.bytes = bytes;
  part.rows = rows;
  part.raw_bytes = bytes.size() * 3;
  part.sha256 = sha256(bytes);
  return part;
}

class StagerTest : public testing::Test {
 protected:
  StagerOptions options() {
    return {.space = {.bucket = "stage",
                      .prefix = "vesto/",
                      .installation = {"abcdefgh01234567"},
                      .sync = {"1a2b3c4d"},
                      .run = {"run_01J7XAAAAAAAAAAAAAAAAAAAAA"}},
            .compression = Compression::kGzip,
            .make_s3 = [this] { return std::make_unique<FaultyS3>(bucket_); }};
  }

  MemoryBucket bucket_;
  MemoryJournal journal_;
};

TEST_F(StagerTest, PartsAndManifestAreStoredAndJournalled) {
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  ASSERT_TRUE(lane->submit(1, part_of("first", 10)).ok());
  ASSERT_TRUE(lane->submit(1, part_of("second part", 20)).ok());
  ASSERT_TRUE(lane->submit(2, part_of("other stream", 1)).ok());
  ASSERT_TRUE(lane->drain().ok());
  const auto staged = stager.write_manifest(1);
  ASSERT_TRUE(staged.ok()) << staged.error().to_string();

  const std::string root = "vesto/abcdefgh01234567/1a2b3c4d/run_01J7XAAAAAAAAAAAAAAAAAAAAA/";
  EXPECT_EQ(bucket_.keys(),
            (std::vector<std::string>{root + "0001/00001.csv.gz", root + "0001/00002.csv.gz",
                                      root + "0001/manifest", root + "0002/00001.csv.gz"}));
  EXPECT_EQ(staged->manifest_key, root + "0001/manifest");
  EXPECT_EQ(staged->rows, 30U);
  EXPECT_EQ(staged->size_bytes, 16U);
  EXPECT_EQ(staged->raw_bytes, 48U);
  ASSERT_EQ(staged->parts.size(), 2U);
  EXPECT_EQ(staged->parts[1].rows, 20U);
  EXPECT_EQ(stager.uploaded_parts(), 3U);
  EXPECT_FALSE(stager.versioned_bucket());

  const auto manifest = nlohmann::json::parse(*bucket_.get(staged->manifest_key));
  ASSERT_EQ(manifest["entries"].size(), 2U);
  EXPECT_EQ(manifest["entries"][0],
            (nlohmann::json{{"url", "s3://stage/" + root + "0001/00001.csv.gz"},
                            {"mandatory", true},
                            {"meta", {{"content_length", 5}}}}));
  EXPECT_EQ(manifest["entries"][1]["meta"]["content_length"], 11);

  const auto journalled = journal_.objects_of({"run_01J7XAAAAAAAAAAAAAAAAAAAAA"});
  ASSERT_EQ(journalled->size(), 4U);
  for (const JournalObject& object : *journalled) {
    EXPECT_TRUE(object.stored) << object.key;
    EXPECT_EQ(object.size_bytes, bucket_.get(object.key)->size());
    EXPECT_EQ(object.sha256, sha256(*bucket_.get(object.key)));
  }
}

TEST_F(StagerTest, JournalKnowsEveryObjectBeforeItsUpload) {
  std::atomic<int> unknown = 0;
  bucket_.on_put([&](const std::string& key) {
    if (!journal_.knows("stage", key)) ++unknown;
  });
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(lane->submit(0, part_of("x", 1)).ok());
  ASSERT_TRUE(lane->drain().ok());
  ASSERT_TRUE(stager.write_manifest(0).ok());
  EXPECT_EQ(bucket_.calls(S3Kind::kPut), 6);
  EXPECT_EQ(unknown, 0);
}

TEST_F(StagerTest, NothingIsUploadedThatTheJournalDoesNotTake) {
  journal_.set_fail_plans(true);
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  ASSERT_TRUE(lane->submit(0, part_of("x", 1)).ok());
  EXPECT_EQ(lane->drain().error().code(), ErrorCode::kSysDisk);
  EXPECT_EQ(bucket_.calls(S3Kind::kPut), 0);
}

TEST_F(StagerTest, LanesShareTheNumbersOfAStream) {
  Stager stager(options(), journal_);
  constexpr int kLanes = 4;
  constexpr int kParts = 25;
  std::vector<std::thread> lanes;
  std::atomic<int> failures = 0;
  for (int l = 0; l < kLanes; ++l) {
    lanes.emplace_back([&stager, &failures, l] {
      const auto lane = stager.open_lane();
      for (int i = 0; i < kParts; ++i) {
        if (!lane->submit(0, part_of(std::to_string(l) + "/" + std::to_string(i), 1)).ok()) {
          ++failures;
        }
      }
      if (!lane->drain().ok()) ++failures;
    });
  }
  for (std::thread& lane : lanes) lane.join();
  EXPECT_EQ(failures, 0);
  const auto staged = stager.write_manifest(0);
  ASSERT_TRUE(staged.ok());
  ASSERT_EQ(staged->parts.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(staged->parts[static_cast<size_t>(i)].part, i + 1);
  EXPECT_EQ(staged->rows, 100U);
  EXPECT_EQ(bucket_.keys().size(), 101U);
}

// Redshift's COPY takes no more files of one manifest; what is beyond them is never uploaded.
TEST_F(StagerTest, AStreamHasAMostOfParts) {
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  for (size_t i = 0; i < kMaxManifestParts; ++i) {
    ASSERT_TRUE(lane->submit(0, part_of("x", 1)).ok()) << i;
  }
  ASSERT_TRUE(lane->drain().ok());
  ASSERT_TRUE(lane->submit(0, part_of("x", 1)).ok());
  EXPECT_EQ(lane->drain().error().code(), ErrorCode::kSrcTooManyParts);
  EXPECT_EQ(bucket_.keys().size(), kMaxManifestParts);
}

TEST_F(StagerTest, OnePartInFlightAndNoMore) {
  BoundedQueue<int> gate(100);  // each PUT takes one
  std::atomic<int> begun = 0;
  bucket_.on_put([&](const std::string&) {
    ++begun;
    gate.pop();
  });
  Stager stager(options(), journal_);
  std::atomic<int> submitted = 0;
  std::thread reader([&] {
    const auto lane = stager.open_lane();
    for (int i = 0; i < 3; ++i) {
      if (!lane->submit(0, part_of("x", 1)).ok()) return;
      ++submitted;
    }
    if (!lane->drain().ok()) return;
    ++submitted;
  });
  while (begun < 1 || submitted < 1) std::this_thread::yield();
  // The first part is in flight, so a second submit() waits: it can only return after a PUT ended.
  EXPECT_EQ(submitted, 1);
  gate.push(1);
  while (begun < 2) std::this_thread::yield();
  EXPECT_LE(submitted, 2);
  gate.push(1);
  gate.push(1);
  reader.join();
  EXPECT_EQ(submitted, 4);
}

TEST_F(StagerTest, ErrorStaysUntilItIsDrainedAndItsStreamHasNoManifest) {
  bucket_.fail({.kind = S3Kind::kPut, .nth = 2, .code = ErrorCode::kS3Denied});
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  ASSERT_TRUE(lane->submit(0, part_of("1", 1)).ok());
  ASSERT_TRUE(lane->submit(0, part_of("2", 1)).ok());
  EXPECT_EQ(lane->submit(0, part_of("3", 1)).error().code(), ErrorCode::kS3Denied);
  EXPECT_EQ(lane->submit(0, part_of("4", 1)).error().code(), ErrorCode::kS3Denied);
  EXPECT_EQ(lane->drain().error().code(), ErrorCode::kS3Denied);
  EXPECT_EQ(bucket_.calls(S3Kind::kPut), 2);
  // The part that failed may be there all the same: it stays in the journal.
  EXPECT_EQ(journal_.size(), 2U);
  EXPECT_EQ(stager.write_manifest(0).error().code(), ErrorCode::kInternal);
  EXPECT_EQ(bucket_.calls(S3Kind::kPut), 2);

  // Another stream goes on.
  ASSERT_TRUE(lane->submit(1, part_of("other", 1)).ok());
  ASSERT_TRUE(lane->drain().ok());
  EXPECT_TRUE(stager.write_manifest(1).ok());
}

TEST_F(StagerTest, LostLeaseEndsStaging) {
  std::atomic<bool> ours = true;
  StagerOptions with_lease = options();
  with_lease.still_ours = [&]() -> Result<bool> { return ours.load(); };
  Stager stager(with_lease, journal_);
  const auto lane = stager.open_lane();
  ASSERT_TRUE(lane->submit(0, part_of("1", 1)).ok());
  ASSERT_TRUE(lane->drain().ok());
  ours = false;
  EXPECT_EQ(stager.write_manifest(0).error().code(), ErrorCode::kRunLeaseLost);
  ASSERT_TRUE(lane->submit(0, part_of("2", 1)).ok());
  EXPECT_EQ(lane->drain().error().code(), ErrorCode::kRunLeaseLost);
  EXPECT_EQ(bucket_.calls(S3Kind::kPut), 1);
  EXPECT_EQ(journal_.size(), 1U);
}

TEST_F(StagerTest, StopEndsStaging) {
  std::stop_source source;
  StagerOptions with_stop = options();
  with_stop.stop = source.get_token();
  Stager stager(with_stop, journal_);
  const auto lane = stager.open_lane();
  source.request_stop();
  ASSERT_TRUE(lane->submit(0, part_of("1", 1)).ok());
  EXPECT_EQ(lane->drain().error().code(), ErrorCode::kRunInterrupted);
  EXPECT_EQ(bucket_.calls(S3Kind::kPut), 0);
}

TEST_F(StagerTest, ManifestNeedsParts) {
  Stager stager(options(), journal_);
  EXPECT_EQ(stager.write_manifest(0).error().code(), ErrorCode::kInternal);
  EXPECT_EQ(journal_.size(), 0U);
}

TEST_F(StagerTest, PartWhoseMarkFailedIsNotInTheManifest) {
  journal_.set_fail_marks(true);
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  ASSERT_TRUE(lane->submit(0, part_of("1", 1)).ok());
  EXPECT_FALSE(lane->drain().ok());
  EXPECT_FALSE(stager.write_manifest(0).ok());
}

TEST_F(StagerTest, ClosingALaneUploadsWhatWasHandedOver) {
  Stager stager(options(), journal_);
  {
    const auto lane = stager.open_lane();
    ASSERT_TRUE(lane->submit(0, part_of("1", 1)).ok());
  }
  EXPECT_EQ(bucket_.keys().size(), 1U);
}

TEST_F(StagerTest, VersionedBucketIsTold) {
  bucket_.set_versioned();
  Stager stager(options(), journal_);
  const auto lane = stager.open_lane();
  ASSERT_TRUE(lane->submit(0, part_of("1", 1)).ok());
  ASSERT_TRUE(lane->drain().ok());
  EXPECT_TRUE(stager.versioned_bucket());
}

TEST(Manifest, EveryEntryIsMandatoryAndMeasured) {
  std::vector<StagedPart> parts(3);
  for (int i = 0; i < 3; ++i) {
    parts[static_cast<size_t>(i)].key = "p\"/" + std::to_string(i);
    parts[static_cast<size_t>(i)].size_bytes = 1'000'000'000'000ULL + static_cast<uint64_t>(i);
  }
  const auto manifest = nlohmann::json::parse(manifest_json("b", parts));
  ASSERT_EQ(manifest["entries"].size(), 3U);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(manifest["entries"][i]["url"], "s3://b/p\"/" + std::to_string(i));
    EXPECT_EQ(manifest["entries"][i]["mandatory"], true);
    EXPECT_EQ(manifest["entries"][i]["meta"]["content_length"], 1'000'000'000'000ULL + i);
  }
}

}  // namespace
}  // namespace vesto
