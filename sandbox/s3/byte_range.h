// The Range header as S3 reads it: one range of bytes. Pure; any thread. Source: RFC 9110 14.
#ifndef VESTO_SANDBOX_S3_BYTE_RANGE_H_
#define VESTO_SANDBOX_S3_BYTE_RANGE_H_

#include <cstdint>
#include <string_view>

namespace vesto::sandbox {

enum class RangeKind { kWhole, kPart, kUnsatisfiable };

struct RangeAnswer {
  RangeKind kind = RangeKind::kWhole;
  uint64_t first = 0;
  uint64_t length = 0;  // of what is sent
};

// What is sent of an object of `size_bytes`. A header that is empty, is no byte range or names
// several ranges is passed over.
RangeAnswer read_range(std::string_view header, uint64_t size_bytes);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_BYTE_RANGE_H_
