#include "encode/part_writer.h"

#include <isa-l.h>
#include <zstd.h>

#include <algorithm>
#include <vector>

#include "base/hash.h"

namespace vesto {

namespace {

constexpr size_t kMaxChunkBytes = size_t{1} << 30;
// Level 1 of zstd with half of its window and a quarter of its table of matches, so that both stay
// in the core's own cache (bench/codec_bench.cc; docs/performance.md says what came of it).
constexpr int kZstdLevel = 1;
constexpr int kZstdWindowLog = 18;
constexpr int kZstdHashLog = 12;

std::string_view as_view(const uint8_t* bytes, size_t size) {
  return {reinterpret_cast<const char*>(bytes), size};
}

void append_little_endian(std::string* out, uint32_t value) {
  for (int shift = 0; shift < 32; shift += 8) *out += static_cast<char>((value >> shift) & 0xff);
}

Error compressor_failed(const char* name, const std::string& why) {
  return Error(ErrorCode::kInternal, std::string(name) + " failed: " + why);
}

}  // namespace

// One compressed stream at a time. compress() makes a chunk's bytes, which the writer then keeps
// for the part that is filling (accept) or takes into a new one.
class PartWriter::Codec {
 public:
  virtual ~Codec() = default;
  // Begins a new stream and appends what stands before the first chunk.
  virtual Status begin(std::string* part) = 0;
  // The most that compress() makes of so many bytes.
  [[nodiscard]] virtual size_t bound(size_t raw_bytes) const = 0;
  // Writes the chunk's compressed bytes, ended at a byte, to `out`, which holds bound() bytes.
  // Gives their number.
  virtual Result<size_t> compress(std::string_view raw, uint8_t* out, size_t out_bytes) = 0;
  // The bytes of the last compress() now stand in the part.
  virtual void accept(std::string_view raw) = 0;
  // Whether the bytes of compress() may be moved into a stream that begins with them.
  [[nodiscard]] virtual bool movable() const = 0;
  [[nodiscard]] virtual size_t end_bytes() const = 0;
  // Appends what ends the stream of the accepted chunks.
  virtual void end(std::string* part, uint64_t raw_bytes) = 0;
};

class PartWriter::GzipCodec final : public Codec {
 public:
  GzipCodec() : level_buffer_(ISAL_DEF_LVL1_DEFAULT) {}

  Status begin(std::string* part) override {
    // Magic, deflate, no flags, no time, no extra flags, unknown system.
    constexpr uint8_t kHeader[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255};
    part->append(as_view(kHeader, sizeof kHeader));
    crc_ = 0;
    return ok_status();
  }

  // What does not shrink is stored in blocks of 64 KiB with 5 bytes each.
  [[nodiscard]] size_t bound(size_t raw_bytes) const override {
    return raw_bytes + raw_bytes / 1000 + 4096;
  }

  Result<size_t> compress(std::string_view raw, uint8_t* out, size_t out_bytes) override {
    isal_zstream stream;
    isal_deflate_stateless_init(&stream);
    stream.level = 1;
    stream.level_buf = level_buffer_.data();
    stream.level_buf_size = static_cast<uint32_t>(level_buffer_.size());
    stream.gzip_flag = IGZIP_DEFLATE;
    stream.flush = FULL_FLUSH;
    stream.end_of_stream = 0;
    // ISA-L only reads from next_in; its type lacks the const.
    stream.next_in = reinterpret_cast<uint8_t*>(const_cast<char*>(raw.data()));
    stream.avail_in = static_cast<uint32_t>(raw.size());
    stream.next_out = out;
    stream.avail_out = static_cast<uint32_t>(out_bytes);
    const int code = isal_deflate_stateless(&stream);
    if (code != COMP_OK || stream.avail_in != 0) {
      return compressor_failed("ISA-L", std::to_string(code));
    }
    return size_t{stream.total_out};
  }

  void accept(std::string_view raw) override {
    crc_ = crc32_gzip_refl(crc_, reinterpret_cast<uint8_t*>(const_cast<char*>(raw.data())),
                           raw.size());
  }

  [[nodiscard]] bool movable() const override { return true; }
  [[nodiscard]] size_t end_bytes() const override { return 10; }

  void end(std::string* part, uint64_t raw_bytes) override {
    constexpr uint8_t kEmptyFinalBlock[] = {0x03, 0x00};  // fixed Huffman codes, end of block
    part->append(as_view(kEmptyFinalBlock, sizeof kEmptyFinalBlock));
    append_little_endian(part, crc_);
    append_little_endian(part, static_cast<uint32_t>(raw_bytes));  // modulo 2^32, as RFC 1952 says
  }

 private:
  std::vector<uint8_t> level_buffer_;
  uint32_t crc_ = 0;
};

class PartWriter::ZstdCodec final : public Codec {
 public:
  ZstdCodec() : context_(ZSTD_createCCtx()) {}

  Status begin(std::string*) override {
    if (!context_) return compressor_failed("zstd", "no context");
    ZSTD_CCtx_reset(context_.get(), ZSTD_reset_session_and_parameters);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kZstdLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_windowLog, kZstdWindowLog);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_hashLog, kZstdHashLog);
    return ok_status();
  }

  [[nodiscard]] size_t bound(size_t raw_bytes) const override {
    return ZSTD_compressBound(raw_bytes) + 1024;
  }

  Result<size_t> compress(std::string_view raw, uint8_t* out, size_t out_bytes) override {
    ZSTD_inBuffer input{raw.data(), raw.size(), 0};
    ZSTD_outBuffer output{out, out_bytes, 0};
    const size_t left = ZSTD_compressStream2(context_.get(), &output, &input, ZSTD_e_flush);
    if (ZSTD_isError(left) != 0U) return compressor_failed("zstd", ZSTD_getErrorName(left));
    if (left != 0 || input.pos != input.size) return compressor_failed("zstd", "no room");
    return output.pos;
  }

  void accept(std::string_view) override {}
  [[nodiscard]] bool movable() const override { return false; }
  [[nodiscard]] size_t end_bytes() const override { return 3; }

  void end(std::string* part, uint64_t) override {
    constexpr uint8_t kEmptyLastBlock[] = {0x01, 0x00, 0x00};  // last, raw, no bytes
    part->append(as_view(kEmptyLastBlock, sizeof kEmptyLastBlock));
  }

 private:
  struct Deleter {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Deleter> context_;
};

std::string_view compression_suffix(Compression compression) {
  return compression == Compression::kZstd ? ".zst" : ".gz";
}

PartWriter::PartWriter(Compression compression, size_t target_bytes) : target_bytes_(target_bytes) {
  if (compression == Compression::kZstd) {
    codec_ = std::make_unique<ZstdCodec>();
  } else {
    codec_ = std::make_unique<GzipCodec>();
  }
}

PartWriter::~PartWriter() = default;

// A buffer of its own, since std::string would write zeros over all of it each time.
Status PartWriter::compress(std::string_view raw) {
  const size_t bound = codec_->bound(raw.size());
  if (bound > scratch_capacity_) {
    scratch_ = std::make_unique_for_overwrite<uint8_t[]>(bound);
    scratch_capacity_ = bound;
  }
  VESTO_ASSIGN(scratch_bytes_, codec_->compress(raw, scratch_.get(), scratch_capacity_));
  return ok_status();
}

Part PartWriter::take() {
  codec_->end(&filling_.bytes, filling_.raw_bytes);
  filling_.sha256 = sha256(filling_.bytes);
  Part part = std::move(filling_);
  filling_ = Part{};
  return part;
}

Result<std::optional<Part>> PartWriter::add(const Chunk& chunk) {
  if (chunk.bytes.empty()) return std::optional<Part>();
  if (chunk.bytes.size() > kMaxChunkBytes) {
    return Error(ErrorCode::kSrcRowTooLarge, "a row of more than 1 GiB");
  }
  std::optional<Part> full;
  const size_t room = target_bytes_ - std::min(target_bytes_, codec_->end_bytes());
  // A stream that cannot hand its last chunk on is better ended before it is too late: the chunk
  // would have to be compressed a second time.
  const size_t expected =
      filling_.raw_bytes == 0
          ? 0
          : static_cast<size_t>(chunk.bytes.size() * filling_.bytes.size() / filling_.raw_bytes);
  if (!codec_->movable() && filling_.raw_bytes > 0 && filling_.bytes.size() + expected > room) {
    full = take();
  }
  if (filling_.raw_bytes == 0) {
    filling_.bytes.reserve(target_bytes_);
    VESTO_TRY(codec_->begin(&filling_.bytes));
  }
  VESTO_TRY(compress(chunk.bytes));
  if (filling_.raw_bytes > 0 && filling_.bytes.size() + scratch_bytes_ > room) {
    full = take();
    filling_.bytes.reserve(target_bytes_);
    VESTO_TRY(codec_->begin(&filling_.bytes));
    if (!codec_->movable()) VESTO_TRY(compress(chunk.bytes));
  }
  codec_->accept(chunk.bytes);
  filling_.bytes.append(as_view(scratch_.get(), scratch_bytes_));
  filling_.rows += chunk.rows;
  filling_.raw_bytes += chunk.bytes.size();
  filling_.longest_row_bytes = std::max(filling_.longest_row_bytes, chunk.longest_row_bytes);
  return full;
}

Result<std::optional<Part>> PartWriter::finish() {
  if (filling_.raw_bytes == 0) return std::optional<Part>();
  return std::optional<Part>(take());
}

}  // namespace vesto
