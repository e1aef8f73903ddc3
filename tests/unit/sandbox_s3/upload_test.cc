// Multipart uploads of the object store.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/strings.h"
#include "sandbox/s3/file_object_store.h"

namespace vesto::sandbox {
namespace {

constexpr const char* kBucket = "bucket";
constexpr size_t kFiveMiB = 5U << 20U;

class UploadTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/vesto-upload-XXXXXX";
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

  std::string create(const ObjectHeaders& headers = {}) {
    return store_->create_upload(kBucket, "key", headers).value();
  }
  std::string add(const std::string& id, int number, const std::string& body,
                  const ObjectHeaders& checksums = {}) {
    auto writer = store_->create_writer("key").value();
    EXPECT_TRUE(writer->write(body).ok());
    const auto part = store_->commit_part(std::move(writer), kBucket, "key", id, number, checksums);
    return part.ok() ? part->etag : part.error().code;
  }
  S3Result<ObjectInfo> complete(const std::string& id, const std::vector<NamedPart>& parts,
                                const ObjectHeaders& headers = {}) {
    return store_->complete_upload(kBucket, "key", id, parts, headers, {});
  }
  std::string code(const std::string& id, const std::vector<NamedPart>& parts) {
    const auto done = complete(id, parts);
    return done.ok() ? "ok" : done.error().code;
  }

  std::string dir_;
  std::unique_ptr<FileObjectStore> store_;
};

TEST_F(UploadTest, JoinsParts) {
  const std::string id = create({{"content-type", "text/csv"}});
  const std::string first(kFiveMiB, 'a');
  const std::string etag2 = add(id, 2, "tail");
  add(id, 1, "replaced");
  const std::string etag1 = add(id, 1, first);
  EXPECT_EQ(store_->open_upload_count(), 1U);
  EXPECT_EQ(store_->object_count(), 0U);
  EXPECT_EQ(store_->parts(kBucket, "key", id)->size(), 2U);
  reopen();  // an upload outlives the process
  const auto done = complete(id, {{1, etag1, {}}, {2, replace_all(etag2, "\"", ""), {}}});
  ASSERT_TRUE(done.ok()) << done.error().code;
  EXPECT_EQ(done->size_bytes, kFiveMiB + 4);
  // MD5 of the two parts' MD5s.
  const auto md5 = make_checksum("md5");
  for (const std::string& body : {first, std::string("tail")}) {
    const auto part = make_checksum("md5");
    part->update(body);
    md5->update(part->finish());
  }
  EXPECT_EQ(done->etag, "\"" + to_hex(md5->finish()) + "-2\"");
  EXPECT_EQ(done->headers.at("content-type"), "text/csv");
  EXPECT_EQ(done->headers.at("x-amz-checksum-type"), "FULL_OBJECT");
  EXPECT_EQ(store_->open_upload_count(), 0U);
  EXPECT_TRUE(std::filesystem::is_empty(dir_ + "/s3/uploads"));
  EXPECT_EQ(code(id, {{1, etag1, {}}}), "NoSuchUpload");
}

TEST_F(UploadTest, RefusesWrongLists) {
  const std::string id = create();
  const std::string small = add(id, 1, "small");
  const std::string last = add(id, 2, "last");
  EXPECT_EQ(code(id, {{1, small, {}}, {2, last, {}}}), "EntityTooSmall");
  EXPECT_EQ(code(id, {{2, last, {}}, {1, small, {}}}), "InvalidPartOrder");
  EXPECT_EQ(code(id, {{1, small, {}}, {1, small, {}}}), "InvalidPartOrder");
  EXPECT_EQ(code(id, {{3, last, {}}}), "InvalidPart");
  EXPECT_EQ(code(id, {{1, last, {}}}), "InvalidPart");
  EXPECT_EQ(code("unknown", {{1, small, {}}}), "NoSuchUpload");
  EXPECT_EQ(store_->complete_upload(kBucket, "other", id, {{1, small, {}}}, {}, {}).error().code,
            "NoSuchUpload");
  EXPECT_EQ(code(id, {{1, small, {}}}), "ok");  // nothing above has used it up
}

TEST_F(UploadTest, AbortRemovesEverything) {
  const std::string id = create();
  add(id, 1, "x");
  EXPECT_EQ(store_->abort_upload(kBucket, "other", id).error().code, "NoSuchUpload");
  ASSERT_TRUE(store_->abort_upload(kBucket, "key", id).ok());
  EXPECT_EQ(store_->abort_upload(kBucket, "key", id).error().code, "NoSuchUpload");
  EXPECT_EQ(add(id, 1, "x"), "NoSuchUpload");
  EXPECT_TRUE(std::filesystem::is_empty(dir_ + "/s3/uploads"));
  EXPECT_TRUE(std::filesystem::is_empty(dir_ + "/s3/data"));
}

TEST_F(UploadTest, CompositeChecksum) {
  const auto raw = [](const std::string& text) {
    const auto sum = make_checksum("crc32");
    sum->update(text);
    return sum->finish();
  };
  const std::string name = "x-amz-checksum-crc32";
  const std::string id = create({{"x-amz-checksum-algorithm", "CRC32"}});
  const std::string first(kFiveMiB, 'a');
  const std::string etag1 = add(id, 1, first, {{name, base64_encode(raw(first))}});
  const std::string etag2 = add(id, 2, "b", {{name, base64_encode(raw("b"))}});
  EXPECT_EQ(code(id, {{1, etag1, {{name, "AAAAAA=="}}}, {2, etag2, {}}}), "InvalidPart");
  const auto done = complete(id, {{1, etag1, {}}, {2, etag2, {}}});
  ASSERT_TRUE(done.ok());
  EXPECT_EQ(done->headers.at(name), base64_encode(raw(raw(first) + raw("b"))) + "-2");
  EXPECT_EQ(done->headers.at("x-amz-checksum-type"), "COMPOSITE");
}

TEST_F(UploadTest, FullObjectChecksumIsCompared) {
  const std::string name = "x-amz-checksum-crc64nvme";
  const std::string id = create({{"x-amz-checksum-algorithm", "CRC64NVME"}});
  const std::string etag = add(id, 1, "123456789");
  const auto wrong = complete(id, {{1, etag, {}}}, {{name, "AAAAAAAAAAA="}});
  ASSERT_FALSE(wrong.ok());
  EXPECT_EQ(wrong.error().code, "BadDigest");
  EXPECT_EQ(store_->object_count(), 0U);
  const auto right = complete(id, {{1, etag, {}}}, {{name, "rosUhgp5mIg="}});
  ASSERT_TRUE(right.ok());
  EXPECT_EQ(right->headers.at(name), "rosUhgp5mIg=");
}

TEST_F(UploadTest, ListsInOrderAndKeepsBucketsApart) {
  ASSERT_TRUE(store_->create_bucket("second", "eu-west-1").ok());
  EXPECT_EQ(store_->create_upload("none", "k", {}).error().code, "NoSuchBucket");
  for (const char* key : {"b", "a", "c"}) {
    ASSERT_TRUE(store_->create_upload(kBucket, key, {}).ok());
  }
  ASSERT_TRUE(store_->create_upload("second", "x", {}).ok());
  std::string keys;
  for (const UploadInfo& upload : store_->uploads(kBucket)) keys += upload.key;
  EXPECT_EQ(keys, "abc");
  EXPECT_EQ(store_->delete_bucket("second").error().code, "BucketNotEmpty");
}

}  // namespace
}  // namespace vesto::sandbox
