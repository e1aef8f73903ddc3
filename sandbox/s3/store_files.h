// The JSON files of the object store. Pure apart from the files; any thread.
#ifndef VESTO_SANDBOX_S3_STORE_FILES_H_
#define VESTO_SANDBOX_S3_STORE_FILES_H_

#include <optional>
#include <string>
#include <vector>

#include "sandbox/s3/file_object_store.h"

namespace vesto::sandbox {

struct ObjectFile {
  std::string bucket;
  ObjectInfo info;
  uint64_t order = 0;  // 0: a file of before, which is the only version of its key
  bool marker = false;
};

std::string object_file_text(const ObjectFile& object);
std::optional<ObjectFile> read_object_file(const std::string& path);

struct UploadFile {
  std::string bucket;
  UploadInfo info;
};
std::string upload_file_text(const UploadFile& upload);
std::optional<UploadFile> read_upload_file(const std::string& path);

struct PartFile {
  PartInfo info;
  std::string data;  // file name beside it
};
std::string part_file_text(const PartFile& part);
std::optional<PartFile> read_part_file(const std::string& path);

std::string bucket_file_text(const std::vector<BucketInfo>& buckets);
std::optional<std::vector<BucketInfo>> read_bucket_file(const std::string& path);

// Names of the entries of a directory, without "." and "..", sorted.
std::vector<std::string> directory_entries(const std::string& dir);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_STORE_FILES_H_
