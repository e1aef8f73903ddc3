// The versions of an object: which of them is shown, and what becomes of them.
// Source: S3 User Guide, "Working with delete markers", "Adding objects to versioning-suspended
// buckets", "Deleting object versions"; S3 API reference, ListObjectVersions.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/ids.h"
#include "base/log.h"
#include "sandbox/s3/file_object_store.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/small_file.h"
#include "sandbox/s3/store_files.h"

namespace vesto::sandbox {

namespace {

constexpr const char* kVersionHeader = "x-amz-version-id";
constexpr const char* kMarkerHeader = "x-amz-delete-marker";

}  // namespace

// The newest first.
std::vector<const FileObjectStore::Entry*> FileObjectStore::versions_of(const Bucket& bucket,
                                                                        std::string_view key) {
  std::vector<const Entry*> all;
  const auto newest = bucket.objects.find(key);
  if (newest != bucket.objects.end()) all.push_back(&newest->second);
  const auto older = bucket.older.find(key);
  if (older == bucket.older.end()) return all;
  for (const Entry& one : older->second) all.push_back(&one);
  return all;
}

// The first key from `start` on that has any version.
std::optional<std::string> FileObjectStore::key_from(const Bucket& bucket, std::string_view start) {
  const auto newest = bucket.objects.lower_bound(start);
  const auto older = bucket.older.lower_bound(start);
  if (newest == bucket.objects.end() && older == bucket.older.end()) return std::nullopt;
  if (newest == bucket.objects.end()) return older->first;
  if (older == bucket.older.end()) return newest->first;
  return std::min(newest->first, older->first);
}

S3Result<const FileObjectStore::Entry*> FileObjectStore::find_version(const Bucket& bucket,
                                                                      std::string_view key,
                                                                      std::string_view version) {
  const std::vector<const Entry*> all = versions_of(bucket, key);
  if (version.empty()) {
    if (!all.empty() && !all.front()->marker) return all.front();
    S3Error error = no_such_key(key);
    if (!all.empty()) {
      error.headers = {{kMarkerHeader, "true"},
                       {kVersionHeader, shown_version(all.front()->info.version)}};
    }
    return error;
  }
  for (const Entry* one : all) {
    if (shown_version(one->info.version) != version) continue;
    if (!one->marker) return one;
    return S3Error{405,
                   "MethodNotAllowed",
                   "The specified method is not allowed against this resource.",
                   {{"Method", "GET"}, {"ResourceType", "DeleteMarker"}},
                   {{"Allow", "DELETE"}, {kMarkerHeader, "true"}}};
  }
  return no_such_version(key, version);
}

// Before a version is made: S3 keeps as many as there are, the sandbox does not.
S3Result<Unit> FileObjectStore::check_room(const Bucket& bucket, std::string_view key) {
  const auto older = bucket.older.find(key);
  if (older == bucket.older.end() || older->second.size() < kMaxOlderVersions) return Unit{};
  return S3Error{501, "NotImplemented",
                 "The sandbox keeps no more than 1000 older versions of a key"};
}

void FileObjectStore::drop_files(const Entry& entry) {
  const std::string base = dir_ + "/data/" + entry.file;
  ::unlink((base + ".json").c_str());
  ::unlink((base + ".data").c_str());
}

void FileObjectStore::take_older(Bucket* bucket, Entry entry) {
  std::vector<Entry>& older = bucket->older[entry.info.key];
  older.insert(older.begin(), std::move(entry));
}

void FileObjectStore::put_newest(Bucket* bucket, Entry entry) {
  const std::string key = entry.info.key;
  // A version is there once; the null version is the one that is written again and again.
  static_cast<void>(drop_version(bucket, key, entry.info.version));
  const auto old = bucket->objects.find(key);
  if (old != bucket->objects.end()) {
    take_older(bucket, std::move(old->second));
    bucket->objects.erase(old);
  }
  if (entry.marker) {
    take_older(bucket, std::move(entry));
  } else {
    bucket->objects[key] = std::move(entry);
  }
}

// Whether it was a delete marker. The version before it is then the newest.
bool FileObjectStore::drop_version(Bucket* bucket, const std::string& key,
                                   const std::string& version) {
  const auto newest = bucket->objects.find(key);
  const auto older = bucket->older.find(key);
  bool marker = false;
  if (newest != bucket->objects.end() && newest->second.info.version == version) {
    drop_files(newest->second);
    bucket->objects.erase(newest);
  } else if (older != bucket->older.end()) {
    const auto at = std::find_if(older->second.begin(), older->second.end(),
                                 [&](const Entry& one) { return one.info.version == version; });
    if (at == older->second.end()) return false;
    marker = at->marker;
    drop_files(*at);
    older->second.erase(at);
  }
  if (older == bucket->older.end()) return marker;
  std::vector<Entry>& left = older->second;
  if (bucket->objects.find(key) == bucket->objects.end() && !left.empty() && !left.front().marker) {
    bucket->objects[key] = std::move(left.front());
    left.erase(left.begin());
  }
  if (left.empty()) bucket->older.erase(older);
  return marker;
}

S3Result<Removed> FileObjectStore::remove_newest(Bucket* bucket, const std::string& key) {
  const Versioning mode = versioning_of(bucket->info.settings);
  if (mode == Versioning::kNever) {
    static_cast<void>(drop_version(bucket, key, ""));  // S3 says the same where there is none
    return Removed{};
  }
  VESTO_TRY(check_room(*bucket, key));
  Entry marker;
  marker.marker = true;
  marker.info.key = key;
  marker.info.modified_ms = clock_.wall_ms();
  if (mode == Versioning::kEnabled) marker.info.version = random_alphanumeric(kVersionIdLength);
  marker.file = next_stem(key);
  marker.order = next_number_++;
  const std::string path = dir_ + "/data/" + marker.file + ".json";
  if (!write_small_file(path,
                        object_file_text({bucket->info.name, marker.info, marker.order, true}))) {
    log_error("the sandbox cannot store a delete marker", {{"error", std::strerror(errno)}});
    return internal_error();
  }
  const Removed done{.version = shown_version(marker.info.version), .marker = true};
  put_newest(bucket, std::move(marker));
  return done;
}

S3Result<Removed> FileObjectStore::remove_version(std::string_view bucket, std::string_view key,
                                                  std::string_view version) {
  Lock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  const std::string name(key);
  if (version.empty()) return remove_newest(&found->second, name);
  const bool marker =
      drop_version(&found->second, name, version == "null" ? "" : std::string(version));
  return Removed{.version = std::string(version), .marker = marker};
}

S3Result<Unit> FileObjectStore::remove(std::string_view bucket, std::string_view key) {
  VESTO_TRY(remove_version(bucket, key, ""));
  return Unit{};
}

S3Result<std::unique_ptr<FileReader>> FileObjectStore::open_file(std::string_view bucket,
                                                                 std::string_view key,
                                                                 std::string_view version) {
  Lock lock(mutex_);  // held, so that the file cannot go between look-up and open
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  VESTO_ASSIGN(const Entry* entry, find_version(found->second, key, version));
  const std::string path = dir_ + "/data/" + entry->file + ".data";
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return internal_error();
  return std::make_unique<FileReader>(fd, entry->info);
}

S3Result<ObjectInfo> FileObjectStore::head(std::string_view bucket, std::string_view key,
                                           std::string_view version) {
  Lock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  VESTO_ASSIGN(const Entry* entry, find_version(found->second, key, version));
  return entry->info;
}

S3Result<VersionPage> FileObjectStore::list_versions(std::string_view bucket,
                                                     const VersionQuery& query) {
  Lock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  VersionPage page;
  if (query.max == 0) return page;
  const auto is_full = [&] {
    page.truncated = page.versions.size() + page.common_prefixes.size() == query.max;
    return page.truncated;
  };
  // '\0' behind a key: what is above it.
  std::string start(query.prefix);
  std::string_view skip_to = query.after_version;
  if (!query.after_key.empty() && query.after_key >= query.prefix) {
    start = std::string(query.after_key);
    if (skip_to.empty()) start += '\0';
  }
  while (const auto key = key_from(found->second, start)) {
    if (!key->starts_with(query.prefix)) break;
    const size_t at = query.delimiter.empty() ? std::string::npos
                                              : key->find(query.delimiter, query.prefix.size());
    if (at != std::string::npos) {
      if (is_full()) return page;
      page.common_prefixes.push_back(key->substr(0, at + query.delimiter.size()));
      page.next_key = page.common_prefixes.back();
      page.next_version.clear();
      start = page.next_key + '\xff';  // above all that lies below it: no key holds this byte
      continue;
    }
    bool latest = true;
    bool skips = !skip_to.empty() && *key == query.after_key;
    for (const Entry* one : versions_of(found->second, *key)) {
      const std::string version = shown_version(one->info.version);
      if (!skips && is_full()) return page;
      if (!skips) {
        page.versions.push_back({one->info, one->marker, latest});
        page.next_key = *key;
        page.next_version = version;
      }
      if (version == skip_to) skips = false;
      latest = false;
    }
    start = *key + '\0';
  }
  return page;
}

}  // namespace vesto::sandbox
