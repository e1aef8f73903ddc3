// The checksums that S3 knows, as running sums over a stream, and Base64.
// CRC parameters and check values: AWS S3 "Checking object integrity"; RFC 3720 (CRC-32C).
// Thread rule: a Checksum belongs to one thread at a time; the functions are pure.
#ifndef VESTO_SANDBOX_S3_CHECKSUM_H_
#define VESTO_SANDBOX_S3_CHECKSUM_H_

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto::sandbox {

std::string base64_encode(std::string_view bytes);
// Standard alphabet with padding; nothing for any other text.
std::optional<std::string> base64_decode(std::string_view text);

class Checksum {
 public:
  virtual ~Checksum() = default;
  virtual void update(std::string_view bytes) = 0;
  virtual std::string finish() = 0;  // raw bytes, big-endian for CRCs; once
};

// algorithm: "md5", "crc32", "crc32c", "crc64nvme", "sha1", "sha256"; nullptr for any other.
std::unique_ptr<Checksum> make_checksum(std::string_view algorithm);
size_t checksum_size(std::string_view algorithm);  // bytes; 0 for an unknown name

// The ones that go into x-amz-checksum-<algorithm> headers.
const std::vector<std::string>& header_checksum_algorithms();

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_CHECKSUM_H_
