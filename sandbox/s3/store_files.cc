#include "sandbox/s3/store_files.h"

#include <dirent.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sandbox/s3/small_file.h"

namespace vesto::sandbox {

namespace {

using Json = nlohmann::json;

constexpr size_t kMaxFileBytes = 262144;
constexpr size_t kMaxBucketFileBytes = 256U << 20U;  // a thousand buckets with all settings

// Keys and header values may hold any bytes and JSON holds text, so those are kept in Base64.
Json bytes_to_json(const std::string& bytes) { return base64_encode(bytes); }

bool bytes_from_json(const Json& json, const char* name, std::string& out) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_string()) return false;
  auto bytes = base64_decode(it->get_ref<const std::string&>());
  if (!bytes) return false;
  out = *std::move(bytes);
  return true;
}

bool text_from_json(const Json& json, const char* name, std::string& out) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_string()) return false;
  out = it->get<std::string>();
  return true;
}

template <typename Number>
bool number_from_json(const Json& json, const char* name, Number& out) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_number_integer()) return false;
  out = it->get<Number>();
  return true;
}

Json headers_to_json(const ObjectHeaders& headers) {
  Json json = Json::object();
  for (const auto& [name, value] : headers) json[name] = bytes_to_json(value);
  return json;
}

bool headers_from_json(const Json& json, const char* name, ObjectHeaders& out) {
  const auto it = json.find(name);
  if (it == json.end() || !it->is_object()) return false;
  for (auto entry = it->begin(); entry != it->end(); ++entry) {
    if (!bytes_from_json(*it, entry.key().c_str(), out[entry.key()])) return false;
  }
  return true;
}

std::optional<Json> read_json(const std::string& path, size_t max_bytes) {
  const auto text = read_small_file(path, max_bytes);
  if (!text) return std::nullopt;
  Json json = Json::parse(*text, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

// Header names reach us as HTTP tokens, which are ASCII; a name that is none is replaced.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

std::string object_file_text(const ObjectFile& object) {
  return dump(Json{{"bucket", object.bucket},
                   {"key", bytes_to_json(object.info.key)},
                   {"size", object.info.size_bytes},
                   {"etag", object.info.etag},
                   {"modified_ms", object.info.modified_ms},
                   {"headers", headers_to_json(object.info.headers)},
                   {"version", object.info.version},
                   {"order", object.order},
                   {"marker", object.marker}});
}

std::optional<ObjectFile> read_object_file(const std::string& path) {
  const auto json = read_json(path, kMaxFileBytes);
  ObjectFile object;
  if (!json || !json->is_object() || !text_from_json(*json, "bucket", object.bucket) ||
      !bytes_from_json(*json, "key", object.info.key) ||
      !number_from_json(*json, "size", object.info.size_bytes) ||
      !text_from_json(*json, "etag", object.info.etag) ||
      !number_from_json(*json, "modified_ms", object.info.modified_ms) ||
      !headers_from_json(*json, "headers", object.info.headers)) {
    return std::nullopt;
  }
  // Files of before know none of these.
  text_from_json(*json, "version", object.info.version);
  number_from_json(*json, "order", object.order);
  const auto marker = json->find("marker");
  object.marker = marker != json->end() && marker->is_boolean() && marker->get<bool>();
  return object;
}

std::string upload_file_text(const UploadFile& upload) {
  return dump(Json{{"bucket", upload.bucket},
                   {"key", bytes_to_json(upload.info.key)},
                   {"id", upload.info.id},
                   {"initiated_ms", upload.info.initiated_ms},
                   {"headers", headers_to_json(upload.info.headers)}});
}

std::optional<UploadFile> read_upload_file(const std::string& path) {
  const auto json = read_json(path, kMaxFileBytes);
  UploadFile upload;
  if (!json || !json->is_object() || !text_from_json(*json, "bucket", upload.bucket) ||
      !bytes_from_json(*json, "key", upload.info.key) ||
      !text_from_json(*json, "id", upload.info.id) ||
      !number_from_json(*json, "initiated_ms", upload.info.initiated_ms) ||
      !headers_from_json(*json, "headers", upload.info.headers)) {
    return std::nullopt;
  }
  return upload;
}

std::string part_file_text(const PartFile& part) {
  return dump(Json{{"number", part.info.number},
                   {"size", part.info.size_bytes},
                   {"etag", part.info.etag},
                   {"modified_ms", part.info.modified_ms},
                   {"checksums", headers_to_json(part.info.checksums)},
                   {"data", part.data}});
}

std::optional<PartFile> read_part_file(const std::string& path) {
  const auto json = read_json(path, kMaxFileBytes);
  PartFile part;
  if (!json || !json->is_object() || !number_from_json(*json, "number", part.info.number) ||
      !number_from_json(*json, "size", part.info.size_bytes) ||
      !text_from_json(*json, "etag", part.info.etag) ||
      !number_from_json(*json, "modified_ms", part.info.modified_ms) ||
      !headers_from_json(*json, "checksums", part.info.checksums) ||
      !text_from_json(*json, "data", part.data) || part.data.find('/') != std::string::npos) {
    return std::nullopt;
  }
  return part;
}

std::string bucket_file_text(const std::vector<BucketInfo>& buckets) {
  Json json = Json::array();
  for (const BucketInfo& bucket : buckets) {
    json.push_back(Json{{"name", bucket.name},
                        {"region", bucket.region},
                        {"created_ms", bucket.created_ms},
                        {"owner", bucket.owner},
                        {"settings", headers_to_json(bucket.settings)}});
  }
  return dump(json);
}

std::optional<std::vector<BucketInfo>> read_bucket_file(const std::string& path) {
  const auto json = read_json(path, kMaxBucketFileBytes);
  if (!json || !json->is_array()) return std::nullopt;
  std::vector<BucketInfo> buckets;
  for (const Json& item : *json) {
    BucketInfo bucket;
    if (!item.is_object() || !text_from_json(item, "name", bucket.name) ||
        !text_from_json(item, "region", bucket.region) ||
        !number_from_json(item, "created_ms", bucket.created_ms)) {
      return std::nullopt;
    }
    // Files of before know neither.
    text_from_json(item, "owner", bucket.owner);
    headers_from_json(item, "settings", bucket.settings);
    buckets.push_back(std::move(bucket));
  }
  return buckets;
}

std::vector<std::string> directory_entries(const std::string& dir) {
  std::vector<std::string> names;
  DIR* handle = ::opendir(dir.c_str());
  if (handle == nullptr) return names;
  while (const dirent* entry = ::readdir(handle)) {
    std::string name = entry->d_name;
    if (name != "." && name != "..") names.push_back(std::move(name));
  }
  ::closedir(handle);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace vesto::sandbox
