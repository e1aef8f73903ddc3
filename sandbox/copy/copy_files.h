// Which objects a COPY reads: credentials, then a manifest or a key prefix.
// Thread rule: one thread for one COPY; the ObjectStore takes many.
#ifndef VESTO_SANDBOX_COPY_COPY_FILES_H_
#define VESTO_SANDBOX_COPY_COPY_FILES_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/copy/copy_executor.h"

namespace vesto::sandbox {

constexpr size_t kMaxCopyFiles = 1'000'000;
constexpr size_t kMaxManifestBytes = size_t{64} << 20;

struct CopyFile {
  std::string bucket;
  std::string key;
  bool mandatory = false;
  bool from_manifest = false;
  std::optional<uint64_t> content_length = {};
  std::string access_key_id = {};  // with which it is read

  [[nodiscard]] std::string url() const { return "s3://" + bucket + "/" + key; }
};

// Checks the credentials (403 texts of S3, IAM_ROLE refused), the region and the bucket; reads the
// manifest (at most 64 MiB) or lists the prefix (at most 1,000,000 keys). Every mandatory object
// of a manifest is there when it returns.
SqlResult<std::vector<CopyFile>> find_copy_files(const CopyStatement& statement,
                                                 const CopyContext& context);

// An object that is open for reading.
struct OpenedFile {
  std::unique_ptr<ObjectReader> reader;  // nullptr: an optional object of a manifest is not there
  uint64_t limit_bytes = UINT64_MAX;     // half of the object when a fault says so
};

// Counts a call of "copy.object" and does what a fault says: delay, missing, half, error.
SqlResult<OpenedFile> open_copy_file(const CopyStatement& statement, const CopyContext& context,
                                     const CopyFile& file);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_COPY_FILES_H_
