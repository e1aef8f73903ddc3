// Cuts a lane's chunks into parts: compressed objects, each of them exactly one gzip member or one
// zstd frame, since whether Redshift reads several is not known.
//
//   PartWriter writer(Compression::kGzip);
//   VESTO_ASSIGN(auto full, writer.add(chunk));   // a finished part, now and then
//   if (full) upload(std::move(*full));
//   VESTO_ASSIGN(auto last, writer.finish());     // the rest; then the writer can be used again
//
// Bytes of a gzip part: header of 10 bytes (RFC 1952, no name, no time), for each chunk the raw
// deflate blocks of one one-shot ISA-L call ended by a full flush (so no chunk refers to another
// and each can be moved to the next part), one empty final block, CRC-32 and length of the raw
// bytes. Bytes of a zstd part: one frame (RFC 8878) without content size and checksum; the chunks
// are flushed, and an empty last block ends it.
//
// A part holds whole chunks, so whole rows, of one lane and one stream: (part, line) finds a row.
// Its size is at most kPartTargetBytes, unless a single chunk is larger compressed.
// Thread rule: a writer belongs to one lane. Memory: a part that is filling, and the output of one
// chunk (its raw size and 0.1 % at most).
#ifndef VESTO_ENCODE_PART_WRITER_H_
#define VESTO_ENCODE_PART_WRITER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "encode/chunk.h"

namespace vesto {

enum class Compression { kGzip, kZstd };

std::string_view compression_suffix(Compression compression);  // ".gz", ".zst"

struct Part {
  std::string bytes;
  uint64_t rows = 0;
  uint64_t raw_bytes = 0;
  uint64_t longest_row_bytes = 0;
  std::string sha256;  // of `bytes`, 32 bytes
};

class PartWriter {
 public:
  explicit PartWriter(Compression compression, size_t target_bytes = kPartTargetBytes);
  ~PartWriter();
  PartWriter(const PartWriter&) = delete;
  PartWriter& operator=(const PartWriter&) = delete;

  // Compresses the chunk; it can be used again at once. Returns the part that it no longer fitted
  // into, if there is one. An empty chunk adds nothing.
  // Errors: SRC-ROW-TOO-LARGE (a chunk of more than 1 GiB), INT-BUG (a compressor failed).
  Result<std::optional<Part>> add(const Chunk& chunk);

  // Ends the part that is filling. Nothing: no row was added since the last part.
  Result<std::optional<Part>> finish();

 private:
  class Codec;
  class GzipCodec;
  class ZstdCodec;

  Part take();
  Status compress(std::string_view raw);  // into scratch_

  const size_t target_bytes_;
  std::unique_ptr<Codec> codec_;
  std::unique_ptr<uint8_t[]> scratch_;  // output of one chunk
  size_t scratch_capacity_ = 0;
  size_t scratch_bytes_ = 0;
  Part filling_;
};

}  // namespace vesto

#endif  // VESTO_ENCODE_PART_WRITER_H_
