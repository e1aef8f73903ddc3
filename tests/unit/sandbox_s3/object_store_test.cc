#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "sandbox/s3/file_object_store.h"

namespace vesto::sandbox {
namespace {

constexpr const char* kBucket = "bucket";

class ObjectStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vesto-store-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    dir_ = name;
    reopen();
    ASSERT_TRUE(store_->create_bucket(kBucket, "eu-west-1").ok());
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  void reopen() {
    store_.reset();
    auto store = make_file_object_store(dir_);
    ASSERT_TRUE(store.ok()) << store.error();
    store_ = std::move(store).value();
  }

  void put(std::string_view key, std::string_view body) {
    const auto done = store_->put(kBucket, key, body, {});
    ASSERT_TRUE(done.ok()) << done.error().code;
  }

  std::string get(std::string_view key) {
    auto reader = store_->open(kBucket, key);
    if (!reader.ok()) return reader.error().code;
    std::string all;
    char buffer[7];
    for (;;) {
      const auto got = (*reader)->read(buffer, sizeof(buffer));
      if (!got.ok() || *got == 0) return all;
      all.append(buffer, *got);
    }
  }

  size_t files() {
    size_t count = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(dir_ + "/s3/data")) {
      if (entry.is_regular_file()) ++count;
    }
    return count;
  }

  // All pages of a listing: keys, and common prefixes in brackets.
  std::string list(std::string_view prefix, std::string_view delimiter, std::string_view after,
                   size_t page_size) {
    std::string out;
    std::string next(after);
    for (int pages = 0; pages < 100; ++pages) {
      const auto page = store_->list(kBucket, prefix, delimiter, next, page_size);
      if (!page.ok()) return page.error().code;
      for (const ObjectInfo& object : page->objects) out += object.key + " ";
      for (const std::string& common : page->common_prefixes) out += "[" + common + "] ";
      if (!page->truncated) return out;
      next = page->next;
    }
    return "endless";
  }

  std::string dir_;
  std::unique_ptr<FileObjectStore> store_;
};

TEST_F(ObjectStoreTest, PutGetReplaceRemove) {
  put("k", "hello");
  EXPECT_EQ(get("k"), "hello");
  EXPECT_EQ(store_->head(kBucket, "k")->etag, "\"5d41402abc4b2a76b9719d911017c592\"");
  put("k", "other");
  EXPECT_EQ(get("k"), "other");
  EXPECT_EQ(files(), 2U);  // the old version's files are gone
  ASSERT_TRUE(store_->remove(kBucket, "k").ok());
  EXPECT_EQ(get("k"), "NoSuchKey");
  EXPECT_TRUE(store_->remove(kBucket, "k").ok());
  EXPECT_EQ(files(), 0U);
  EXPECT_EQ(store_->object_count(), 0U);
  put("empty", "");
  EXPECT_EQ(get("empty"), "");
}

TEST_F(ObjectStoreTest, AReaderKeepsItsVersion) {
  put("k", std::string(100000, 'a'));
  auto reader = store_->open(kBucket, "k");
  ASSERT_TRUE(reader.ok());
  put("k", "b");
  ASSERT_TRUE(store_->remove(kBucket, "k").ok());
  std::string buffer(200000, '\0');
  EXPECT_EQ((*reader)->read(buffer.data(), buffer.size()).value(), 100000U);
  EXPECT_EQ(buffer[99999], 'a');
}

TEST_F(ObjectStoreTest, SurvivesReopening) {
  const std::string key = "a/\xC3\xBC \"x\"\n";
  ASSERT_TRUE(store_->put(kBucket, key, "body", {{"x-amz-meta-a", "\xff b"}}).ok());
  put("gone", "x");
  ASSERT_TRUE(store_->remove(kBucket, "gone").ok());
  reopen();
  EXPECT_EQ(get(key), "body");
  EXPECT_EQ(store_->head(kBucket, key)->headers.at("x-amz-meta-a"), "\xff b");
  EXPECT_EQ(get("gone"), "NoSuchKey");
  EXPECT_EQ(store_->bucket(kBucket)->region, "eu-west-1");
}

TEST_F(ObjectStoreTest, NoKeyLeavesTheDirectory) {
  const auto outside = [this] {
    std::string names;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) {
      names += entry.path().filename().string() + " ";
    }
    return names;
  };
  const std::string before = outside();
  const std::vector<std::string> keys = {"../../../etc/passwd",
                                         "..",
                                         ".",
                                         "/",
                                         "/etc/passwd",
                                         "a/../../b",
                                         std::string("nul\0byte", 8),
                                         "back\\slash",
                                         "%2e%2e%2f",
                                         std::string(1024, 'k'),
                                         "\xff\xfe",
                                         "-rf",
                                         "a\nb",
                                         "*"};
  for (const std::string& key : keys) put(key, "body of " + key);
  EXPECT_EQ(outside(), before);
  EXPECT_EQ(store_->object_count(), keys.size());
  reopen();
  for (const std::string& key : keys) EXPECT_EQ(get(key), "body of " + key);
  EXPECT_EQ(store_->put(kBucket, std::string(1025, 'k'), "x", {}).error().code, "KeyTooLongError");
  EXPECT_EQ(store_->put(kBucket, "", "x", {}).error().code, "KeyTooLongError");
  EXPECT_EQ(store_->put("../x", "k", "x", {}).error().code, "NoSuchBucket");
  EXPECT_EQ(store_->create_bucket("../x", "r").error().code, "InvalidBucketName");
  EXPECT_EQ(files(), keys.size() * 2);
}

TEST_F(ObjectStoreTest, WhatACrashLeavesIsRemoved) {
  put("good", "body");
  put("newer", "1");
  const std::string data = dir_ + "/s3/data/";
  std::ofstream(data + "00000000000000ff-x.data") << "bytes without a description";
  std::ofstream(data + "00000000000000fe-x.json") << "{}";
  std::ofstream(data + "00000000000000fd-x.json.tmp") << "{";
  std::ofstream(data + "odd") << "";
  // A description whose bytes are not all there.
  std::string whole;
  for (const auto& entry : std::filesystem::directory_iterator(data)) {
    const std::string name = entry.path().filename().string();
    if (name.find("-newer.data") != std::string::npos) whole = entry.path().string();
  }
  std::filesystem::resize_file(whole, 0);
  reopen();
  EXPECT_EQ(get("good"), "body");
  EXPECT_EQ(get("newer"), "NoSuchKey");
  EXPECT_EQ(files(), 2U);
  put("next", "x");  // its number is above all that were seen
  EXPECT_TRUE(std::filesystem::exists(data + "0000000000000100-next.json"));
}

TEST_F(ObjectStoreTest, OfTwoVersionsTheNewerStays) {
  put("k", "old");
  std::filesystem::copy(dir_ + "/s3/data", dir_ + "/saved");
  put("k", "new");
  std::filesystem::copy(dir_ + "/saved", dir_ + "/s3/data");  // as if the death came in between
  reopen();
  EXPECT_EQ(get("k"), "new");
  EXPECT_EQ(files(), 2U);
}

TEST_F(ObjectStoreTest, AnAbandonedWriterLeavesNothing) {
  {
    auto writer = store_->create_writer("k");
    ASSERT_TRUE(writer.ok());
    ASSERT_TRUE((*writer)->write("abc").ok());
    EXPECT_EQ(files(), 1U);
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(ObjectStoreTest, Conditions) {
  const auto commit = [this](const PutCondition& condition) {
    auto writer = store_->create_writer("k");
    const auto done = store_->commit(std::move(writer).value(), kBucket, "k", {}, condition);
    return done.ok() ? "ok" : done.error().code;
  };
  const std::string etag = "\"d41d8cd98f00b204e9800998ecf8427e\"";
  EXPECT_EQ(commit({etag, false}), "NoSuchKey");
  EXPECT_EQ(commit({"", true}), "ok");
  EXPECT_EQ(commit({"", true}), "PreconditionFailed");
  EXPECT_EQ(commit({etag, false}), "ok");
  EXPECT_EQ(commit({"\"0\"", false}), "PreconditionFailed");
  EXPECT_EQ(files(), 2U);
}

TEST_F(ObjectStoreTest, OnlyOneOfManyCreatesWins) {
  std::vector<std::thread> threads;
  std::atomic<int> won = 0;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      auto writer = store_->create_writer("k");
      if (store_->commit(std::move(writer).value(), kBucket, "k", {}, {"", true}).ok()) ++won;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(won, 1);
}

TEST_F(ObjectStoreTest, Lists) {
  for (const char* key : {"a", "b/1", "b/2", "b/c/3", "b0", "c/4", "\xC3\xBC"}) put(key, "");
  for (const size_t page_size : {1U, 2U, 3U, 1000U}) {
    EXPECT_EQ(list("", "", "", page_size), "a b/1 b/2 b/c/3 b0 c/4 \xC3\xBC ") << page_size;
    EXPECT_EQ(list("b/", "", "", page_size), "b/1 b/2 b/c/3 ") << page_size;
    EXPECT_EQ(list("", "", "b/2", page_size), "b/c/3 b0 c/4 \xC3\xBC ") << page_size;
    EXPECT_EQ(list("b/", "", "a", page_size), "b/1 b/2 b/c/3 ") << page_size;
    EXPECT_EQ(list("b/", "", "c", page_size), "") << page_size;
    EXPECT_EQ(list("x", "", "", page_size), "") << page_size;
  }
  EXPECT_EQ(list("", "/", "", 1), "a [b/] b0 [c/] \xC3\xBC ");
  EXPECT_EQ(list("b/", "/", "", 1), "b/1 b/2 [b/c/] ");
  EXPECT_EQ(list("b", "/", "", 1), "[b/] b0 ");
  EXPECT_EQ(list("", "0", "", 1000), "a b/1 b/2 b/c/3 c/4 \xC3\xBC [b0] ");
  EXPECT_EQ(list("", "", "", 0), "");
  EXPECT_EQ(store_->list("other", "", "", "", 1).error().code, "NoSuchBucket");
}

TEST_F(ObjectStoreTest, Buckets) {
  EXPECT_EQ(store_->create_bucket(kBucket, "eu-west-1").error().code, "BucketAlreadyOwnedByYou");
  EXPECT_EQ(store_->create_bucket("UPPER", "eu-west-1").error().code, "InvalidBucketName");
  put("k", "");
  EXPECT_EQ(store_->delete_bucket(kBucket).error().code, "BucketNotEmpty");
  ASSERT_TRUE(store_->remove(kBucket, "k").ok());
  EXPECT_TRUE(store_->delete_bucket(kBucket).ok());
  EXPECT_EQ(store_->delete_bucket(kBucket).error().code, "NoSuchBucket");
  EXPECT_FALSE(store_->bucket_exists(kBucket));
  reopen();
  EXPECT_TRUE(store_->buckets().empty());
}

TEST_F(ObjectStoreTest, DamagedBucketFileIsNotPassedOver) {
  std::ofstream(dir_ + "/s3/buckets.json") << "[{]";
  const auto store = make_file_object_store(dir_);
  ASSERT_FALSE(store.ok());
  EXPECT_NE(store.error().find("buckets.json"), std::string::npos);
}

}  // namespace
}  // namespace vesto::sandbox
