// The object store on a directory. Each version of an object is two files: its bytes, and a small
// JSON file with key, size, ETag and headers; a delete marker is the JSON file alone. The rename of
// the JSON file is the moment at which an object exists; what has no JSON file is rubbish of a
// crash and is removed at the next start. File names are numbers, so no key can reach out of the
// directory.
//
// An index of all keys is kept in memory; one process owns a directory. Nothing is synced to the
// disk: the store survives the death of its process, not a power cut.
//
// Thread rule: FileObjectStore: any thread. A writer or reader belongs to one thread at a time.
#ifndef VESTO_SANDBOX_S3_FILE_OBJECT_STORE_H_
#define VESTO_SANDBOX_S3_FILE_OBJECT_STORE_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/mutex.h"
#include "sandbox/s3/bucket_settings.h"
#include "sandbox/s3/checksum.h"
#include "sandbox/s3/object_store.h"

namespace vesto::sandbox {

using ObjectHeaders = std::map<std::string, std::string>;

// "If-Match: <etag>" and "If-None-Match: *" of a write; checked at the moment of the write.
struct PutCondition {
  std::string if_match;  // empty: none
  bool if_none_match_any = false;
};

struct BucketInfo {
  std::string name;
  std::string region;
  int64_t created_ms = 0;
  std::string owner = {};  // account; "": that of the world file
  BucketSettings settings = {};
};

struct UploadInfo {
  std::string key;
  std::string id;
  int64_t initiated_ms = 0;
  ObjectHeaders headers;  // of the object to be; with x-amz-checksum-algorithm and -type
};

struct PartInfo {
  int number = 0;
  uint64_t size_bytes = 0;
  std::string etag;  // with quotes
  int64_t modified_ms = 0;
  ObjectHeaders checksums;  // x-amz-checksum-<algorithm>
};

// A part as CompleteMultipartUpload names it.
struct NamedPart {
  int number = 0;
  std::string etag;
  ObjectHeaders checksums;
};

// Bytes on their way into an object or a part. What is not handed to a commit is removed.
class ObjectWriter {
 public:
  ~ObjectWriter();
  ObjectWriter(const ObjectWriter&) = delete;
  ObjectWriter& operator=(const ObjectWriter&) = delete;
  S3Result<Unit> write(std::string_view bytes);
  [[nodiscard]] uint64_t size_bytes() const { return size_bytes_; }

 private:
  friend class FileObjectStore;
  ObjectWriter(std::string path, int fd);
  std::string path_;  // empty once it is committed
  int fd_;
  uint64_t size_bytes_ = 0;
  std::unique_ptr<Checksum> md5_;
};

// One that ListObjectVersions names.
struct VersionInfo {
  ObjectInfo info;
  bool marker = false;  // a delete marker: key, time and version alone
  bool latest = false;
};

struct VersionQuery {
  std::string_view prefix = {};
  std::string_view delimiter = {};
  std::string_view after_key = {};      // "": from the beginning
  std::string_view after_version = {};  // of that key, as shown_version(); "": none of its versions
  size_t max = 0;
};

struct VersionPage {
  std::vector<VersionInfo> versions;  // by key, the newest first
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next_key;  // where it is truncated
  std::string next_version;
};

// What a DELETE did. `version`: as shown_version(), "" where the bucket keeps none.
struct Removed {
  std::string version = {};
  bool marker = false;  // it made a delete marker, or removed one
};

constexpr size_t kVersionIdLength = 32;

// A version as S3 names it: its id, or "null".
inline std::string shown_version(const std::string& version) {
  return version.empty() ? "null" : version;
}

// Whether S3 could have given it: another one is refused as such (400), not as unknown (404).
inline bool is_version_id(std::string_view version) {
  return version == "null" || version.size() == kVersionIdLength;
}

// An object that is being read; it stays whole if it is replaced or removed meanwhile.
class FileReader final : public ObjectReader {
 public:
  FileReader(int fd, ObjectInfo info) : fd_(fd), info_(std::move(info)) {}
  ~FileReader() override;
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;
  S3Result<size_t> read(char* buffer, size_t size) override;
  [[nodiscard]] const ObjectInfo& info() const override { return info_; }
  S3Result<Unit> seek(uint64_t offset);

 private:
  int fd_;
  ObjectInfo info_;
};

class FileObjectStore final : public ObjectStore {
 public:
  ~FileObjectStore() override;

  // ObjectStore
  S3Result<std::unique_ptr<ObjectReader>> open(std::string_view bucket,
                                               std::string_view key) override;
  S3Result<ObjectInfo> put(std::string_view bucket, std::string_view key, std::string_view body,
                           const std::map<std::string, std::string>& headers) override;
  S3Result<Unit> remove(std::string_view bucket, std::string_view key) override;
  S3Result<ListPage> list(std::string_view bucket, std::string_view prefix,
                          std::string_view delimiter, std::string_view start_after,
                          size_t max_keys) override;
  [[nodiscard]] bool bucket_exists(std::string_view bucket) override;
  size_t object_count() override;
  size_t open_upload_count() override;

  // Buckets. create_bucket: 409 BucketAlreadyOwnedByYou, 400 InvalidBucketName.
  // 400 TooManyBuckets. `owner` as in BucketInfo; `ownership` as of new_bucket_settings().
  S3Result<Unit> create_bucket(std::string_view name, std::string_view region,
                               const std::string& owner = "", const std::string& ownership = "");
  // An empty document takes the setting away. 404 NoSuchBucket.
  S3Result<Unit> set_bucket_setting(std::string_view bucket, const std::string& setting,
                                    const std::string& document);
  S3Result<Unit> delete_bucket(std::string_view name);  // 409 BucketNotEmpty
  std::vector<BucketInfo> buckets();
  std::optional<BucketInfo> bucket(std::string_view name);
  [[nodiscard]] std::string bucket_region(std::string_view name) override;

  // Objects. open_file: as open(), and it can seek. `version`: as shown_version(), "" for the
  // newest. 404 NoSuchKey and NoSuchVersion, 405 for a delete marker.
  S3Result<ObjectInfo> head(std::string_view bucket, std::string_view key,
                            std::string_view version = "");
  S3Result<std::unique_ptr<FileReader>> open_file(std::string_view bucket, std::string_view key,
                                                  std::string_view version = "");
  // Without a version: the newest goes, by a delete marker where the bucket keeps versions.
  S3Result<Removed> remove_version(std::string_view bucket, std::string_view key,
                                   std::string_view version);
  S3Result<VersionPage> list_versions(std::string_view bucket, const VersionQuery& query);
  S3Result<std::unique_ptr<ObjectWriter>> create_writer(std::string_view file_hint);
  S3Result<ObjectInfo> commit(std::unique_ptr<ObjectWriter> writer, std::string_view bucket,
                              std::string_view key, const ObjectHeaders& headers,
                              const PutCondition& condition);

  // Multipart uploads.
  S3Result<std::string> create_upload(std::string_view bucket, std::string_view key,
                                      const ObjectHeaders& headers);
  S3Result<UploadInfo> upload(std::string_view bucket, std::string_view key, std::string_view id);
  S3Result<PartInfo> commit_part(std::unique_ptr<ObjectWriter> writer, std::string_view bucket,
                                 std::string_view key, std::string_view id, int number,
                                 const ObjectHeaders& checksums);
  S3Result<std::vector<PartInfo>> parts(std::string_view bucket, std::string_view key,
                                        std::string_view id);
  // `headers`: what the request adds; a full-object checksum among them is compared.
  S3Result<ObjectInfo> complete_upload(std::string_view bucket, std::string_view key,
                                       std::string_view id, const std::vector<NamedPart>& named,
                                       const ObjectHeaders& headers, const PutCondition& condition);
  S3Result<Unit> abort_upload(std::string_view bucket, std::string_view key, std::string_view id);
  std::vector<UploadInfo> uploads(std::string_view bucket);  // by key, then by time

 private:
  friend Result<std::unique_ptr<FileObjectStore>, std::string> make_file_object_store(
      const std::string& dir, Clock* clock);
  struct Entry {
    ObjectInfo info;
    std::string file;    // stem in data/
    uint64_t order = 0;  // in which versions were made
    bool marker = false;
  };
  struct Part {
    PartInfo info;
    std::string path;
  };
  struct Upload {
    std::string bucket;
    UploadInfo info;
    std::map<int, Part> parts;
    bool completing = false;
  };
  using Objects = std::map<std::string, Entry, std::less<>>;
  // `objects` holds the newest version of each key where that is no delete marker; `older` all
  // others, the newest first.
  struct Bucket {
    BucketInfo info;
    Objects objects;
    std::map<std::string, std::vector<Entry>, std::less<>> older;
  };

  FileObjectStore(std::string dir, Clock& clock);
  Result<Unit, std::string> load();
  void load_objects();
  void load_uploads();
  void load_one_upload(const std::string& dir, const std::string& id);
  bool save_buckets() VESTO_REQUIRES(mutex_);
  std::string next_stem(std::string_view hint) VESTO_REQUIRES(mutex_);
  S3Result<ObjectInfo> commit_locked(ObjectWriter& writer, std::string_view bucket, ObjectInfo info,
                                     const PutCondition& condition) VESTO_REQUIRES(mutex_);
  // file_versions.cc
  static std::vector<const Entry*> versions_of(const Bucket& bucket, std::string_view key);
  static std::optional<std::string> key_from(const Bucket& bucket, std::string_view start);
  static S3Result<const Entry*> find_version(const Bucket& bucket, std::string_view key,
                                             std::string_view version);
  static S3Result<Unit> check_room(const Bucket& bucket, std::string_view key);
  void take_older(Bucket* bucket, Entry entry) VESTO_REQUIRES(mutex_);
  void put_newest(Bucket* bucket, Entry entry) VESTO_REQUIRES(mutex_);
  bool drop_version(Bucket* bucket, const std::string& key, const std::string& version)
      VESTO_REQUIRES(mutex_);
  S3Result<Removed> remove_newest(Bucket* bucket, const std::string& key) VESTO_REQUIRES(mutex_);
  void drop_files(const Entry& entry) VESTO_REQUIRES(mutex_);
  Upload* find_upload(std::string_view bucket, std::string_view key, std::string_view id)
      VESTO_REQUIRES(mutex_);
  void drop_upload(std::string_view id) VESTO_REQUIRES(mutex_);
  S3Result<std::vector<Part>> choose_parts(const Upload& upload,
                                           const std::vector<NamedPart>& named);
  S3Result<ObjectHeaders> join_parts(const std::vector<Part>& parts, const UploadInfo& upload,
                                     const ObjectHeaders& headers, ObjectWriter& writer);

  const std::string dir_;
  Clock& clock_;
  Mutex mutex_;
  uint64_t next_number_ VESTO_GUARDED_BY(mutex_) = 1;
  std::map<std::string, Bucket, std::less<>> buckets_ VESTO_GUARDED_BY(mutex_);
  std::map<std::string, Upload, std::less<>> uploads_ VESTO_GUARDED_BY(mutex_);
};

// Opens or makes the store in `dir`/s3; `dir` must exist. nullptr: the system's clock. The error is
// a text for the person who starts the sandbox.
Result<std::unique_ptr<FileObjectStore>, std::string> make_file_object_store(
    const std::string& dir, Clock* clock = nullptr);

constexpr size_t kMaxBuckets = 1000;
constexpr size_t kMaxOlderVersions = 1000;  // of a key; S3 itself has no bound
constexpr size_t kMaxSettingBytes = size_t{128} << 10;

bool is_valid_bucket_name(std::string_view name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_FILE_OBJECT_STORE_H_
