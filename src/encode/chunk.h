// A chunk: rows of one stream as CSV in Redshift's dialect, on their way from a source to a part.
// Made by one lane (thread) and used by it alone; move-only, its memory is used again.
#ifndef VESTO_ENCODE_CHUNK_H_
#define VESTO_ENCODE_CHUNK_H_

#include <cstdint>
#include <string>

namespace vesto {

// A chunk is handed on when this is reached. It is looked at, compressed and summed while it lies
// in the core's own cache; with 4 MiB both compressors and the guards are slower. And a lane that
// is done with it soon is back at its socket before the server has filled it.
inline constexpr size_t kChunkBytes = 256 << 10;
inline constexpr size_t kMaxRowBytes = 4 << 20;      // Redshift's limit for one row of COPY
inline constexpr size_t kPartTargetBytes = 8 << 20;  // compressed

struct Chunk {
  std::string bytes;  // whole rows, each ended by LF
  uint64_t rows = 0;
  uint64_t longest_row_bytes = 0;  // upper bound for every value in it

  Chunk() = default;
  Chunk(Chunk&&) = default;
  Chunk& operator=(Chunk&&) = default;
  Chunk(const Chunk&) = delete;
  Chunk& operator=(const Chunk&) = delete;

  void clear() {
    bytes.clear();
    rows = 0;
    longest_row_bytes = 0;
  }
};

}  // namespace vesto

#endif  // VESTO_ENCODE_CHUNK_H_
