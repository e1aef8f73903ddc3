#include "sandbox/s3/file_object_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/ids.h"
#include "base/log.h"
#include "base/strings.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/small_file.h"
#include "sandbox/s3/store_files.h"

namespace vesto::sandbox {

namespace {

constexpr size_t kMaxKeyBytes = 1024;

bool make_dir(const std::string& path) {
  return ::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST;
}

// The smallest text that is above every text with this prefix, for texts without the byte 0xff.
std::string above_prefix(std::string_view prefix) { return std::string(prefix) + "\xff"; }

}  // namespace

bool is_valid_bucket_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  if (name.size() < 3 || name.size() > 63) return false;
  if (!alphanumeric(name.front()) || !alphanumeric(name.back())) return false;
  bool only_numbers = true;
  for (const char c : name) {
    if (!alphanumeric(c) && c != '-' && c != '.') return false;
    if (!(c >= '0' && c <= '9') && c != '.') only_numbers = false;
  }
  if (name.find("..") != std::string_view::npos) return false;
  const bool like_address = only_numbers && std::count(name.begin(), name.end(), '.') == 3;
  const auto starts = [name](std::string_view text) { return name.substr(0, text.size()) == text; };
  return !like_address && !starts("xn--") && !starts("sthree-") &&
         (name.size() < 8 || name.substr(name.size() - 8) != "-s3alias");
}

FileReader::~FileReader() { ::close(fd_); }

S3Result<size_t> FileReader::read(char* buffer, size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd_, buffer, size);
    if (got >= 0) return static_cast<size_t>(got);
    if (errno != EINTR) return internal_error();
  }
}

S3Result<Unit> FileReader::seek(uint64_t offset) {
  if (::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) return internal_error();
  return Unit{};
}

ObjectWriter::ObjectWriter(std::string path, int fd)
    : path_(std::move(path)), fd_(fd), md5_(make_checksum("md5")) {}

ObjectWriter::~ObjectWriter() {
  ::close(fd_);
  if (!path_.empty()) ::unlink(path_.c_str());
}

S3Result<Unit> ObjectWriter::write(std::string_view bytes) {
  if (!write_fully(fd_, bytes)) {
    log_error("the sandbox cannot store an object", {{"error", std::strerror(errno)}});
    return internal_error();
  }
  md5_->update(bytes);
  size_bytes_ += bytes.size();
  return Unit{};
}

FileObjectStore::FileObjectStore(std::string dir, Clock& clock)
    : dir_(std::move(dir)), clock_(clock) {}
FileObjectStore::~FileObjectStore() = default;

Result<std::unique_ptr<FileObjectStore>, std::string> make_file_object_store(const std::string& dir,
                                                                             Clock* clock) {
  std::unique_ptr<FileObjectStore> store(
      new FileObjectStore(dir + "/s3", clock != nullptr ? *clock : system_clock()));
  VESTO_TRY(store->load());
  return store;
}

Result<Unit, std::string> FileObjectStore::load() {
  for (const char* sub : {"", "/data", "/uploads"}) {
    if (!make_dir(dir_ + sub)) {
      return "cannot make the directory " + dir_ + sub + ": " + std::strerror(errno);
    }
  }
  const std::string bucket_file = dir_ + "/buckets.json";
  if (::access(bucket_file.c_str(), F_OK) == 0) {
    const auto known = read_bucket_file(bucket_file);
    if (!known) return bucket_file + " is damaged";
    Lock lock(mutex_);
    for (const BucketInfo& info : *known) buckets_[info.name].info = info;
  }
  load_objects();
  load_uploads();
  return Unit{};
}

void FileObjectStore::load_objects() {
  Lock lock(mutex_);
  const std::string data = dir_ + "/data/";
  std::map<std::string, bool> used;  // file names that stay
  struct Found {
    Bucket* bucket;
    Entry entry;
  };
  std::vector<Found> found;
  const std::vector<std::string> names = directory_entries(data);
  for (const std::string& name : names) {
    const uint64_t number = std::strtoull(name.substr(0, 16).c_str(), nullptr, 16);
    next_number_ = std::max(next_number_, number + 1);
    if (name.size() < 5 || name.substr(name.size() - 5) != ".json") continue;
    const std::string stem = name.substr(0, name.size() - 5);
    auto object = read_object_file(data + name);
    struct stat status {};
    const bool whole =
        object &&
        (object->marker || (::stat((data + stem + ".data").c_str(), &status) == 0 &&
                            static_cast<uint64_t>(status.st_size) == object->info.size_bytes));
    const auto bucket = object ? buckets_.find(object->bucket) : buckets_.end();
    if (!whole || bucket == buckets_.end()) continue;
    const uint64_t order = object->order == 0 ? number : object->order;
    next_number_ = std::max(next_number_, order + 1);
    found.push_back({&bucket->second, {std::move(object->info), stem, order, object->marker}});
    used[stem] = true;
  }
  std::sort(found.begin(), found.end(),
            [](const Found& a, const Found& b) { return a.entry.order < b.entry.order; });
  // Of two files for one version the later one is good: the other outlived a crash.
  for (Found& one : found) put_newest(one.bucket, std::move(one.entry));
  for (const std::string& name : names) {
    const std::string stem = name.substr(0, name.rfind('.'));
    if (used.count(stem) == 0) ::unlink((data + name).c_str());
  }
}

bool FileObjectStore::save_buckets() {
  std::vector<BucketInfo> all;
  for (const auto& [name, bucket] : buckets_) all.push_back(bucket.info);
  return write_small_file(dir_ + "/buckets.json", bucket_file_text(all));
}

// "<16 hex digits>-<end of the key, harmless characters only>": unique, and of use to people.
std::string FileObjectStore::next_stem(std::string_view hint) {
  constexpr size_t kHintBytes = 48;
  const uint64_t number = next_number_++;
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%016llx-", static_cast<unsigned long long>(number));
  std::string stem = digits;
  if (hint.size() > kHintBytes) hint.remove_prefix(hint.size() - kHintBytes);
  for (const char c : hint) {
    const bool harmless =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    stem += harmless ? c : '_';
  }
  return stem;
}

S3Result<std::unique_ptr<ObjectWriter>> FileObjectStore::create_writer(std::string_view hint) {
  std::string path;
  {
    Lock lock(mutex_);
    path = dir_ + "/data/" + next_stem(hint) + ".data";
  }
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) {
    log_error("the sandbox cannot store an object", {{"error", std::strerror(errno)}});
    return internal_error();
  }
  return std::unique_ptr<ObjectWriter>(new ObjectWriter(path, fd));
}

S3Result<ObjectInfo> FileObjectStore::commit(std::unique_ptr<ObjectWriter> writer,
                                             std::string_view bucket, std::string_view key,
                                             const ObjectHeaders& headers,
                                             const PutCondition& condition) {
  ObjectInfo info;
  info.key = std::string(key);
  info.etag = "\"" + to_hex(writer->md5_->finish()) + "\"";
  info.headers = headers;
  Lock lock(mutex_);
  return commit_locked(*writer, bucket, std::move(info), condition);
}

S3Result<ObjectInfo> FileObjectStore::commit_locked(ObjectWriter& writer, std::string_view bucket,
                                                    ObjectInfo info,
                                                    const PutCondition& condition) {
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  if (info.key.empty() || info.key.size() > kMaxKeyBytes) {
    return S3Error{400,
                   "KeyTooLongError",
                   "Your key is too long",
                   {{"Size", std::to_string(info.key.size())},
                    {"MaxSizeAllowed", std::to_string(kMaxKeyBytes)}}};
  }
  Bucket& to = found->second;
  const Objects& objects = to.objects;
  const auto old = objects.find(info.key);
  if (condition.if_none_match_any && old != objects.end()) {
    return precondition_failed("If-None-Match");
  }
  if (!condition.if_match.empty()) {
    if (old == objects.end()) return no_such_key(info.key);
    if (old->second.info.etag != condition.if_match) return precondition_failed("If-Match");
  }
  VESTO_TRY(check_room(to, info.key));
  if (versioning_of(to.info.settings) == Versioning::kEnabled) {
    info.version = random_alphanumeric(kVersionIdLength);
  }
  info.size_bytes = writer.size_bytes_;
  info.modified_ms = clock_.wall_ms();
  const std::string base = writer.path_.substr(0, writer.path_.size() - 5);  // without ".data"
  const uint64_t order = next_number_++;
  if (!write_small_file(base + ".json", object_file_text({std::string(bucket), info, order}))) {
    log_error("the sandbox cannot store an object", {{"error", std::strerror(errno)}});
    return internal_error();
  }
  writer.path_.clear();
  put_newest(&to, Entry{info, base.substr(base.rfind('/') + 1), order, false});
  return info;
}

S3Result<ObjectInfo> FileObjectStore::put(std::string_view bucket, std::string_view key,
                                          std::string_view body,
                                          const std::map<std::string, std::string>& headers) {
  VESTO_ASSIGN(auto writer, create_writer(key));
  VESTO_TRY(writer->write(body));
  return commit(std::move(writer), bucket, key, headers, {});
}

S3Result<std::unique_ptr<ObjectReader>> FileObjectStore::open(std::string_view bucket,
                                                              std::string_view key) {
  VESTO_ASSIGN(auto reader, open_file(bucket, key));
  return std::unique_ptr<ObjectReader>(std::move(reader));
}

S3Result<ListPage> FileObjectStore::list(std::string_view bucket, std::string_view prefix,
                                         std::string_view delimiter, std::string_view start_after,
                                         size_t max_keys) {
  Lock lock(mutex_);
  const auto found = buckets_.find(bucket);
  if (found == buckets_.end()) return no_such_bucket(bucket);
  const Objects& objects = found->second.objects;
  ListPage page;
  if (max_keys == 0) return page;
  auto it = start_after >= prefix && !start_after.empty() ? objects.upper_bound(start_after)
                                                          : objects.lower_bound(prefix);
  while (it != objects.end() && it->first.compare(0, prefix.size(), prefix) == 0) {
    if (page.objects.size() + page.common_prefixes.size() == max_keys) {
      page.truncated = true;
      return page;
    }
    const size_t at =
        delimiter.empty() ? std::string::npos : it->first.find(delimiter, prefix.size());
    if (at == std::string::npos) {
      page.objects.push_back(it->second.info);
      page.next = it->first;
      ++it;
    } else {
      page.common_prefixes.push_back(it->first.substr(0, at + delimiter.size()));
      page.next = above_prefix(page.common_prefixes.back());
      it = objects.lower_bound(page.next);
    }
  }
  page.next.clear();
  return page;
}

bool FileObjectStore::bucket_exists(std::string_view bucket) {
  Lock lock(mutex_);
  return buckets_.find(bucket) != buckets_.end();
}

size_t FileObjectStore::object_count() {
  Lock lock(mutex_);
  size_t count = 0;
  for (const auto& [name, bucket] : buckets_) count += bucket.objects.size();
  return count;
}

}  // namespace vesto::sandbox
