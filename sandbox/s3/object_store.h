// The objects of the sandbox's S3: files under DIR, with their metadata beside them.
// The HTTP endpoint (s3/) writes them; COPY (copy/) reads them. Both go through this interface.
//
// Thread rule: every function may be called from any thread.
#ifndef VESTO_SANDBOX_S3_OBJECT_STORE_H_
#define VESTO_SANDBOX_S3_OBJECT_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace vesto::sandbox {

// An S3 error as S3 names it: HTTP status, code and message of the XML body.
struct S3Error {
  int status = 500;
  std::string code = "InternalError";
  std::string message;
  std::map<std::string, std::string> extra = {};    // further elements of the body
  std::map<std::string, std::string> headers = {};  // further ones of the answer
};

template <typename T>
using S3Result = Result<T, S3Error>;

struct ObjectInfo {
  std::string key;
  uint64_t size_bytes = 0;
  std::string etag;  // with quotes, as in the header
  int64_t modified_ms = 0;
  std::map<std::string, std::string> headers;  // content-type, x-amz-meta-*, ...
  std::string version = {};  // "": the null version, the only one where versions are not kept
};

// Headers of an object that is encrypted with a KMS key.
constexpr const char* kEncryptionHeader = "x-amz-server-side-encryption";
constexpr const char* kKmsKeyHeader = "x-amz-server-side-encryption-aws-kms-key-id";

// Reads an object from start to end. Holds the version that was current when it was opened.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  // Up to `size` bytes into `buffer`; 0 at the end.
  virtual S3Result<size_t> read(char* buffer, size_t size) = 0;
  [[nodiscard]] virtual const ObjectInfo& info() const = 0;
};

struct ListPage {
  std::vector<ObjectInfo> objects;
  std::vector<std::string> common_prefixes;
  bool truncated = false;
  std::string next;  // opaque, to continue from
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  virtual S3Result<std::unique_ptr<ObjectReader>> open(std::string_view bucket,
                                                       std::string_view key) = 0;
  virtual S3Result<ObjectInfo> put(std::string_view bucket, std::string_view key,
                                   std::string_view body,
                                   const std::map<std::string, std::string>& headers) = 0;
  virtual S3Result<Unit> remove(std::string_view bucket, std::string_view key) = 0;
  virtual S3Result<ListPage> list(std::string_view bucket, std::string_view prefix,
                                  std::string_view delimiter, std::string_view start_after,
                                  size_t max_keys) = 0;
  [[nodiscard]] virtual bool bucket_exists(std::string_view bucket) = 0;
  // "" for a bucket that is not there, or whose region the store does not know.
  [[nodiscard]] virtual std::string bucket_region(std::string_view) { return ""; }
  // For /v1/left.
  virtual size_t object_count() = 0;
  virtual size_t open_upload_count() = 0;
};

// The key pairs that the sandbox knows. COPY and the S3 endpoint ask here.
struct AccessKey {
  std::string id;
  std::string secret;
  std::string session_token;  // empty for a long-lived key
  int64_t expires_ms = 0;     // wall time; 0: never
};

class KeyRing {
 public:
  virtual ~KeyRing() = default;
  [[nodiscard]] virtual std::optional<AccessKey> find(std::string_view id) const = 0;
};

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_OBJECT_STORE_H_
