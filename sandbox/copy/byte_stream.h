// The bytes of one object, unpacked: plain, gzip (zlib) or zstd.
//
// Exactly one gzip member or zstd frame is taken unless CopyReadings::several_members is set; what
// ends early or is damaged gives Redshift's "failed to inflate with ..." and code 9001.
// State bound: 256 KiB of input, plus the unpacker's own window (32 KiB; zstd at most 128 MiB).
// Thread rule: one thread.
#ifndef VESTO_SANDBOX_COPY_BYTE_STREAM_H_
#define VESTO_SANDBOX_COPY_BYTE_STREAM_H_

#include <cstdint>
#include <memory>
#include <string>

#include "sandbox/copy/copy_executor.h"

namespace vesto::sandbox {

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Up to `size` bytes into `buffer`; 0 only at the end.
  virtual SqlResult<size_t> read(char* buffer, size_t size) = 0;
};

struct ByteSource {
  std::unique_ptr<ObjectReader> reader;
  uint64_t limit_bytes = UINT64_MAX;  // no more than so many bytes of the object are seen
  std::string url;                    // s3://bucket/key, for error texts
};

// `context` must outlive the stream. Compression::kBzip2 and kLzop are refused before this point.
SqlResult<std::unique_ptr<ByteStream>> open_byte_stream(ByteSource source,
                                                        CopyStatement::Compression compression,
                                                        const CopyContext& context);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_BYTE_STREAM_H_
