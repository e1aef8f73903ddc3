// Multipart uploads of the object store: one directory an upload, with upload.json, and for each
// part its bytes and <number>.json.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "base/hash.h"
#include "base/ids.h"
#include "base/strings.h"
#include "sandbox/s3/file_object_store.h"
#include "sandbox/s3/s3_errors.h"
#include "sandbox/s3/small_file.h"
#include "sandbox/s3/store_files.h"

namespace vesto::sandbox {

namespace {

constexpr uint64_t kMinPartBytes = 5U << 20U;
constexpr size_t kUploadIdLength = 64;
constexpr size_t kCopyBytes = 262144;
constexpr std::string_view kChecksumPrefix = "x-amz-checksum-";

void remove_directory(const std::string& dir) {
  for (const std::string& name : directory_entries(dir)) ::unlink((dir + "/" + name).c_str());
  ::rmdir(dir.c_str());
}

// The algorithm of the upload, "" where none was asked for, in which case S3 takes CRC64NVME.
std::string upload_algorithm(const UploadInfo& upload) {
  const auto it = upload.headers.find("x-amz-checksum-algorithm");
  return it == upload.headers.end() ? "" : to_lower_ascii(it->second);
}

bool is_full_object(const UploadInfo& upload) {
  const auto it = upload.headers.find("x-amz-checksum-type");
  if (it != upload.headers.end()) return it->second == "FULL_OBJECT";
  const std::string algorithm = upload_algorithm(upload);
  return algorithm.empty() || algorithm == "crc64nvme";
}

S3Error invalid_part(int number, std::string_view etag, std::string_view id) {
  return {400,
          "InvalidPart",
          "One or more of the specified parts could not be found.  The part may not have been "
          "uploaded, or the specified entity tag may not match the part's entity tag.",
          {{"UploadId", std::string(id)},
           {"PartNumber", std::to_string(number)},
           {"ETag", std::string(trim(etag))}}};
}

std::string unquoted(std::string_view etag) { return replace_all(etag, "\"", ""); }

// "x-amz-checksum-crc32" for the checksum of the whole made of the parts' checksums, or nothing
// where a part has none.
std::optional<std::string> composite_checksum(const std::string& algorithm,
                                              const std::vector<std::string>& part_values) {
  const auto sum = make_checksum(algorithm);
  if (!sum) return std::nullopt;
  for (const std::string& value : part_values) {
    const auto raw = base64_decode(value);
    if (!raw || raw->empty()) return std::nullopt;
    sum->update(*raw);
  }
  return base64_encode(sum->finish()) + "-" + std::to_string(part_values.size());
}

}  // namespace

void FileObjectStore::load_uploads() {
  for (const std::string& id : directory_entries(dir_ + "/uploads")) {
    load_one_upload(dir_ + "/uploads/" + id, id);
  }
}

void FileObjectStore::load_one_upload(const std::string& dir, const std::string& id) {
  Lock lock(mutex_);
  auto file = read_upload_file(dir + "/upload.json");
  if (!file || file->info.id != id || buckets_.find(file->bucket) == buckets_.end()) {
    remove_directory(dir);
    return;
  }
  Upload upload{file->bucket, std::move(file->info), {}, false};
  std::vector<std::string> stays = {"upload.json"};
  for (const std::string& name : directory_entries(dir)) {
    if (name == "upload.json" || name.size() < 5 || name.substr(name.size() - 5) != ".json") {
      continue;
    }
    auto part = read_part_file(dir + "/" + name);
    struct stat status {};
    if (!part || ::stat((dir + "/" + part->data).c_str(), &status) != 0 ||
        static_cast<uint64_t>(status.st_size) != part->info.size_bytes) {
      continue;
    }
    stays.push_back(name);
    stays.push_back(part->data);
    const int number = part->info.number;
    upload.parts[number] = Part{std::move(part->info), dir + "/" + part->data};
  }
  for (const std::string& name : directory_entries(dir)) {
    // The parts' bytes carry numbers of the same sequence as the objects'.
    const uint64_t number = std::strtoull(name.substr(0, 16).c_str(), nullptr, 16);
    if (name.size() > 16 && name[16] == '-') next_number_ = std::max(next_number_, number + 1);
    if (std::find(stays.begin(), stays.end(), name) == stays.end()) {
      ::unlink((dir + "/" + name).c_str());
    }
  }
  uploads_[id] = std::move(upload);
}

size_t FileObjectStore::open_upload_count() {
  Lock lock(mutex_);
  return uploads_.size();
}

FileObjectStore::Upload* FileObjectStore::find_upload(std::string_view bucket, std::string_view key,
                                                      std::string_view id) {
  const auto found = uploads_.find(id);
  if (found == uploads_.end() || found->second.bucket != bucket || found->second.info.key != key) {
    return nullptr;
  }
  return &found->second;
}

void FileObjectStore::drop_upload(std::string_view id) {
  const auto found = uploads_.find(id);
  if (found == uploads_.end()) return;
  const std::string dir = dir_ + "/uploads/" + found->first;
  ::unlink((dir + "/upload.json").c_str());  // first: without it the rest is rubbish
  remove_directory(dir);
  uploads_.erase(found);
}

S3Result<std::string> FileObjectStore::create_upload(std::string_view bucket, std::string_view key,
                                                     const ObjectHeaders& headers) {
  UploadFile file{
      std::string(bucket),
      {std::string(key), random_alphanumeric(kUploadIdLength), clock_.wall_ms(), headers}};
  Lock lock(mutex_);
  if (buckets_.find(bucket) == buckets_.end()) return no_such_bucket(bucket);
  const std::string dir = dir_ + "/uploads/" + file.info.id;
  if (::mkdir(dir.c_str(), 0700) != 0 ||
      !write_small_file(dir + "/upload.json", upload_file_text(file))) {
    return internal_error();
  }
  uploads_[file.info.id] = Upload{file.bucket, file.info, {}, false};
  return file.info.id;
}

S3Result<UploadInfo> FileObjectStore::upload(std::string_view bucket, std::string_view key,
                                             std::string_view id) {
  Lock lock(mutex_);
  const Upload* upload = find_upload(bucket, key, id);
  if (upload == nullptr) return no_such_upload(id);
  return upload->info;
}

S3Result<PartInfo> FileObjectStore::commit_part(std::unique_ptr<ObjectWriter> writer,
                                                std::string_view bucket, std::string_view key,
                                                std::string_view id, int number,
                                                const ObjectHeaders& checksums) {
  PartFile file;
  file.info = {number, writer->size_bytes_, "\"" + to_hex(writer->md5_->finish()) + "\"",
               clock_.wall_ms(), checksums};
  file.data = writer->path_.substr(writer->path_.rfind('/') + 1);
  Lock lock(mutex_);
  Upload* upload = find_upload(bucket, key, id);
  if (upload == nullptr || upload->completing) return no_such_upload(id);
  const std::string dir = dir_ + "/uploads/" + std::string(id) + "/";
  if (std::rename(writer->path_.c_str(), (dir + file.data).c_str()) != 0) return internal_error();
  writer->path_ = dir + file.data;
  if (!write_small_file(dir + std::to_string(number) + ".json", part_file_text(file))) {
    return internal_error();
  }
  Part& part = upload->parts[number];
  if (!part.path.empty()) ::unlink(part.path.c_str());
  part = Part{file.info, writer->path_};
  writer->path_.clear();
  return file.info;
}

S3Result<std::vector<PartInfo>> FileObjectStore::parts(std::string_view bucket,
                                                       std::string_view key, std::string_view id) {
  Lock lock(mutex_);
  const Upload* upload = find_upload(bucket, key, id);
  if (upload == nullptr) return no_such_upload(id);
  std::vector<PartInfo> all;
  for (const auto& [number, part] : upload->parts) all.push_back(part.info);
  return all;
}

S3Result<std::vector<FileObjectStore::Part>> FileObjectStore::choose_parts(
    const Upload& upload, const std::vector<NamedPart>& named) {
  std::vector<Part> chosen;
  for (const NamedPart& name : named) {
    if (!chosen.empty() && chosen.back().info.number >= name.number) {
      return S3Error{400,
                     "InvalidPartOrder",
                     "The list of parts was not in ascending order. Parts must be ordered by part "
                     "number.",
                     {{"UploadId", upload.info.id}}};
    }
    const auto found = upload.parts.find(name.number);
    if (found == upload.parts.end() ||
        unquoted(found->second.info.etag) != unquoted(trim(name.etag))) {
      return invalid_part(name.number, name.etag, upload.info.id);
    }
    for (const auto& [header, value] : name.checksums) {
      const auto stored = found->second.info.checksums.find(header);
      if (stored != found->second.info.checksums.end() && stored->second != value) {
        return invalid_part(name.number, name.etag, upload.info.id);
      }
    }
    chosen.push_back(found->second);
  }
  for (size_t i = 0; i + 1 < chosen.size(); ++i) {
    if (chosen[i].info.size_bytes >= kMinPartBytes) continue;
    return S3Error{400,
                   "EntityTooSmall",
                   "Your proposed upload is smaller than the minimum allowed size",
                   {{"ProposedSize", std::to_string(chosen[i].info.size_bytes)},
                    {"MinSizeAllowed", std::to_string(kMinPartBytes)},
                    {"PartNumber", std::to_string(chosen[i].info.number)},
                    {"ETag", unquoted(chosen[i].info.etag)}}};
  }
  return chosen;
}

// Copies the parts into the writer. Returns the checksum headers of the whole object.
S3Result<ObjectHeaders> FileObjectStore::join_parts(const std::vector<Part>& parts,
                                                    const UploadInfo& upload,
                                                    const ObjectHeaders& headers,
                                                    ObjectWriter& writer) {
  const bool full = is_full_object(upload);
  std::string algorithm = upload_algorithm(upload);
  if (algorithm.empty()) algorithm = "crc64nvme";
  const std::string header = std::string(kChecksumPrefix) + algorithm;
  const auto whole = make_checksum(algorithm);
  std::vector<std::string> part_values;
  std::string buffer(kCopyBytes, '\0');
  for (const Part& part : parts) {
    const auto stored = part.info.checksums.find(header);
    part_values.push_back(stored == part.info.checksums.end() ? "" : stored->second);
    const int fd = ::open(part.path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return internal_error();
    ssize_t got = 0;
    bool written = true;
    while (written && (got = ::read(fd, buffer.data(), buffer.size())) > 0) {
      const std::string_view bytes(buffer.data(), static_cast<size_t>(got));
      if (full && whole) whole->update(bytes);
      written = writer.write(bytes).ok();
    }
    ::close(fd);
    if (got < 0 || !written) return internal_error();
  }
  ObjectHeaders result;
  const auto composite = full ? std::nullopt : composite_checksum(algorithm, part_values);
  if (full && whole) {
    result[header] = base64_encode(whole->finish());
    result["x-amz-checksum-type"] = "FULL_OBJECT";
  } else if (composite) {
    result[header] = *composite;
    result["x-amz-checksum-type"] = "COMPOSITE";
  }
  for (const auto& [name, value] : headers) {
    const auto ours = result.find(name);
    if (name.rfind(kChecksumPrefix, 0) != 0 || ours == result.end() || ours->second == value) {
      continue;
    }
    return S3Error{400, "BadDigest",
                   "The " + to_upper_ascii(algorithm) +
                       " you specified did not match the calculated checksum."};
  }
  return result;
}

S3Result<ObjectInfo> FileObjectStore::complete_upload(std::string_view bucket, std::string_view key,
                                                      std::string_view id,
                                                      const std::vector<NamedPart>& named,
                                                      const ObjectHeaders& headers,
                                                      const PutCondition& condition) {
  UploadInfo info;
  std::vector<Part> chosen;
  {
    Lock lock(mutex_);
    Upload* upload = find_upload(bucket, key, id);
    if (upload == nullptr) return no_such_upload(id);
    if (upload->completing) {
      return S3Error{409, "OperationAborted",
                     "A conflicting conditional operation is currently in progress against this "
                     "resource. Please try again."};
    }
    VESTO_ASSIGN(chosen, choose_parts(*upload, named));
    info = upload->info;
    upload->completing = true;  // its parts stay as they are until this call ends
  }
  auto done = [&]() -> S3Result<ObjectInfo> {
    VESTO_ASSIGN(auto writer, create_writer(key));
    VESTO_ASSIGN(const ObjectHeaders checksums, join_parts(chosen, info, headers, *writer));
    std::string digests;
    const auto md5 = make_checksum("md5");
    for (const Part& part : chosen) {
      const std::string hex = unquoted(part.info.etag);
      for (size_t i = 0; i + 1 < hex.size(); i += 2) {
        digests += static_cast<char>(std::strtol(hex.substr(i, 2).c_str(), nullptr, 16));
      }
    }
    md5->update(digests);
    ObjectInfo object;
    object.key = std::string(key);
    object.etag = "\"" + to_hex(md5->finish()) + "-" + std::to_string(chosen.size()) + "\"";
    object.headers = info.headers;
    object.headers.erase("x-amz-checksum-algorithm");
    object.headers.erase("x-amz-checksum-type");
    for (const auto& [name, value] : checksums) object.headers[name] = value;
    Lock lock(mutex_);
    return commit_locked(*writer, bucket, std::move(object), condition);
  }();
  Lock lock(mutex_);
  if (done.ok()) {
    drop_upload(id);
  } else if (Upload* upload = find_upload(bucket, key, id)) {
    upload->completing = false;
  }
  return done;
}

S3Result<Unit> FileObjectStore::abort_upload(std::string_view bucket, std::string_view key,
                                             std::string_view id) {
  Lock lock(mutex_);
  const Upload* upload = find_upload(bucket, key, id);
  if (upload == nullptr || upload->completing) return no_such_upload(id);
  drop_upload(id);
  return Unit{};
}

std::vector<UploadInfo> FileObjectStore::uploads(std::string_view bucket) {
  std::vector<UploadInfo> all;
  {
    Lock lock(mutex_);
    for (const auto& [id, upload] : uploads_) {
      if (upload.bucket == bucket) all.push_back(upload.info);
    }
  }
  std::sort(all.begin(), all.end(), [](const UploadInfo& a, const UploadInfo& b) {
    return std::tie(a.key, a.initiated_ms, a.id) < std::tie(b.key, b.initiated_ms, b.id);
  });
  return all;
}

}  // namespace vesto::sandbox
