// The buckets of the object store.
#include <algorithm>

#include "sandbox/s3/file_object_store.h"
#include "sandbox/s3/s3_errors.h"

namespace vesto::sandbox {

S3Result<Unit> FileObjectStore::create_bucket(std::string_view name, std::string_view region,
                                              const std::string& owner,
                                              const std::string& ownership) {
  if (!is_valid_bucket_name(name)) {
    return S3Error{400,
                   "InvalidBucketName",
                   "The specified bucket is not valid.",
                   {{"BucketName", std::string(name)}}};
  }
  VESTO_ASSIGN(BucketSettings settings, new_bucket_settings(ownership));
  Lock lock(mutex_);
  if (buckets_.find(name) != buckets_.end()) {
    return S3Error{409,
                   "BucketAlreadyOwnedByYou",
                   "Your previous request to create the named bucket succeeded and you already "
                   "own it.",
                   {{"BucketName", std::string(name)}}};
  }
  if (buckets_.size() >= kMaxBuckets) {
    return S3Error{
        400, "TooManyBuckets", "You have attempted to create more buckets than allowed", {}};
  }
  buckets_[std::string(name)].info = {.name = std::string(name),
                                      .region = std::string(region),
                                      .created_ms = clock_.wall_ms(),
                                      .owner = owner,
                                      .settings = std::move(settings)};
  if (save_buckets()) return Unit{};
  buckets_.erase(buckets_.find(name));
  return internal_error();
}

S3Result<Unit> FileObjectStore::delete_bucket(std::string_view name) {
  Lock lock(mutex_);
  const auto found = buckets_.find(name);
  if (found == buckets_.end()) return no_such_bucket(name);
  const bool uploading = std::any_of(uploads_.begin(), uploads_.end(), [name](const auto& item) {
    return item.second.bucket == name;
  });
  if (!found->second.objects.empty() || !found->second.older.empty() || uploading) {
    return S3Error{409,
                   "BucketNotEmpty",
                   "The bucket you tried to delete is not empty",
                   {{"BucketName", std::string(name)}}};
  }
  buckets_.erase(found);
  if (!save_buckets()) return internal_error();
  return Unit{};
}

S3Result<Unit> FileObjectStore::set_bucket_setting(std::string_view bucket,
                                                   const std::string& setting,
                                                   const std::string& document) {
  Lock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  if (document.size() > kMaxSettingBytes) return malformed_xml();
  BucketSettings& settings = found->second.info.settings;
  const BucketSettings before = settings;
  if (document.empty()) {
    settings.erase(setting);
  } else {
    settings[setting] = document;
  }
  if (save_buckets()) return Unit{};
  settings = before;
  return internal_error();
}

std::vector<BucketInfo> FileObjectStore::buckets() {
  Lock lock(mutex_);
  std::vector<BucketInfo> all;
  for (const auto& [name, bucket] : buckets_) all.push_back(bucket.info);
  return all;
}

std::optional<BucketInfo> FileObjectStore::bucket(std::string_view name) {
  Lock lock(mutex_);
  const auto found = buckets_.find(name);
  if (found == buckets_.end()) return std::nullopt;
  return found->second.info;
}

std::string FileObjectStore::bucket_region(std::string_view name) {
  const auto found = bucket(name);
  return found ? found->region : "";
}

}  // namespace vesto::sandbox
