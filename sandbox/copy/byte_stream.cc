#include "sandbox/copy/byte_stream.h"

#include <fmt/core.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "sandbox/copy/copy_error.h"

namespace vesto::sandbox {
namespace {

constexpr size_t kInputBytes = 256 * 1024;

// The object's own bytes, cut where a fault says so.
class PlainStream final : public ByteStream {
 public:
  PlainStream(ByteSource source, const CopyContext& context)
      : source_(std::move(source)), context_(context) {}

  SqlResult<size_t> read(char* buffer, size_t size) override {
    const size_t want = static_cast<size_t>(std::min<uint64_t>(size, source_.limit_bytes));
    if (want == 0) return size_t{0};
    auto got = source_.reader->read(buffer, want);
    if (!got.ok()) {
      return s3_service_error(context_, got.error(), place());
    }
    const size_t count = std::min(got.value(), want);
    source_.limit_bytes -= count;
    return count;
  }

  [[nodiscard]] SqlError inflate_error(std::string_view tool, std::string_view what) const {
    CopyErrorPlace where = place();
    where.code = 9001;
    return copy_error(context_, fmt::format("failed to inflate with {}: {}.", tool, what), where);
  }

  [[nodiscard]] bool several_members() const { return context_.readings.several_members; }

 private:
  [[nodiscard]] CopyErrorPlace place() const {
    return CopyErrorPlace{.context = "S3 key being read : " + source_.url,
                          .location = "table_s3_scanner.cpp:348",
                          .process = "query0_60"};
  }

  ByteSource source_;
  const CopyContext& context_;
};

// Input side shared by the unpackers: a buffer that is filled from the plain stream.
class PackedInput {
 public:
  explicit PackedInput(PlainStream plain) : plain_(std::move(plain)), buffer_(kInputBytes) {}

  // Fills the buffer when it is empty. Sets at_end when the object is used up.
  SqlStatus fill() {
    if (position_ < size_ || at_end_) return Unit{};
    VESTO_ASSIGN(size_, plain_.read(buffer_.data(), buffer_.size()));
    position_ = 0;
    at_end_ = size_ == 0;
    return Unit{};
  }
  [[nodiscard]] bool at_end() const { return at_end_; }
  [[nodiscard]] char* data() { return buffer_.data() + position_; }
  [[nodiscard]] size_t size() const { return size_ - position_; }
  void take(size_t count) { position_ += count; }
  [[nodiscard]] const PlainStream& plain() const { return plain_; }

 private:
  PlainStream plain_;
  std::vector<char> buffer_;
  size_t position_ = 0;
  size_t size_ = 0;
  bool at_end_ = false;
};

class GzipStream final : public ByteStream {
 public:
  explicit GzipStream(PlainStream plain) : input_(std::move(plain)) {}
  ~GzipStream() override {
    if (started_) inflateEnd(&stream_);
  }
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;

  bool start() {
    // 15 + 16: gzip header and trailer, nothing else.
    started_ = inflateInit2(&stream_, 15 + 16) == Z_OK;
    return started_;
  }

  SqlResult<size_t> read(char* buffer, size_t size) override {
    stream_.next_out = reinterpret_cast<Bytef*>(buffer);
    const size_t want = std::min<size_t>(size, 1U << 30);
    stream_.avail_out = static_cast<uInt>(want);
    // Each turn takes input or gives output, or it returns.
    while (stream_.avail_out == want) {
      VESTO_TRY(input_.fill());
      if (finished_) {
        if (input_.at_end()) return size_t{0};
        if (!input_.plain().several_members()) return error("unexpected end of file");
        if (inflateReset(&stream_) != Z_OK) return error("invalid stream state");
        finished_ = false;
      }
      if (input_.at_end()) return error("unexpected end of file");
      stream_.next_in = reinterpret_cast<Bytef*>(input_.data());
      stream_.avail_in = static_cast<uInt>(input_.size());
      const int state = inflate(&stream_, Z_NO_FLUSH);
      input_.take(input_.size() - stream_.avail_in);
      if (state == Z_STREAM_END) {
        finished_ = true;
      } else if (state != Z_OK) {
        return error(stream_.msg != nullptr ? stream_.msg : "invalid data");
      }
    }
    return want - stream_.avail_out;
  }

 private:
  [[nodiscard]] SqlError error(std::string_view what) const {
    return input_.plain().inflate_error("gzip", what);
  }

  PackedInput input_;
  z_stream stream_ = {};
  bool started_ = false;
  bool finished_ = false;  // the current member is complete
};

class ZstdStream final : public ByteStream {
 public:
  explicit ZstdStream(PlainStream plain)
      : input_(std::move(plain)), stream_(ZSTD_createDStream(), &ZSTD_freeDStream) {}

  [[nodiscard]] bool started() const { return stream_ != nullptr; }

  SqlResult<size_t> read(char* buffer, size_t size) override {
    ZSTD_outBuffer out{buffer, size, 0};
    while (out.pos == 0 && size > 0) {
      VESTO_TRY(input_.fill());
      if (finished_) {
        if (input_.at_end()) return size_t{0};
        if (!input_.plain().several_members()) return error("unexpected end of file");
        finished_ = false;
        header_.clear();
        frame_bytes_ = 0;
      }
      const size_t before = out.pos;
      ZSTD_inBuffer in{input_.data(), input_.size(), 0};
      const bool no_input = input_.at_end();
      const size_t state = ZSTD_decompressStream(stream_.get(), &out, &in);
      header_.append(input_.data(), std::min(in.pos, kMaxHeaderBytes - header_.size()));
      frame_bytes_ += out.pos - before;
      input_.take(in.pos);
      if (ZSTD_isError(state) != 0) return error(ZSTD_getErrorName(state));
      if (state == 0) {
        if (!has_announced_size()) return error("Data corruption detected");
        finished_ = true;
      } else if (no_input && out.pos == 0) {
        return error("unexpected end of file");
      }
    }
    return out.pos;
  }

 private:
  [[nodiscard]] SqlError error(std::string_view what) const {
    return input_.plain().inflate_error("zstd", what);
  }

  // The library overlooks a size that does not fit where an empty block ends a frame that it reads
  // in pieces.
  [[nodiscard]] bool has_announced_size() const {
    const unsigned long long size = ZSTD_getFrameContentSize(header_.data(), header_.size());
    return size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR ||
           size == frame_bytes_;
  }

  static constexpr size_t kMaxHeaderBytes = 18;  // of a frame
  PackedInput input_;
  std::unique_ptr<ZSTD_DStream, size_t (*)(ZSTD_DStream*)> stream_;
  std::string header_;        // the current frame's first bytes
  uint64_t frame_bytes_ = 0;  // that it has given
  bool finished_ = false;
};

SqlError no_memory() { return SqlError{.sqlstate = "53200", .message = "out of memory"}; }

}  // namespace

SqlResult<std::unique_ptr<ByteStream>> open_byte_stream(ByteSource source,
                                                        CopyStatement::Compression compression,
                                                        const CopyContext& context) {
  PlainStream plain(std::move(source), context);
  if (compression == CopyStatement::Compression::kGzip) {
    auto stream = std::make_unique<GzipStream>(std::move(plain));
    if (!stream->start()) return no_memory();
    return SqlResult<std::unique_ptr<ByteStream>>(std::move(stream));
  }
  if (compression == CopyStatement::Compression::kZstd) {
    auto stream = std::make_unique<ZstdStream>(std::move(plain));
    if (!stream->started()) return no_memory();
    return SqlResult<std::unique_ptr<ByteStream>>(std::move(stream));
  }
  return SqlResult<std::unique_ptr<ByteStream>>(std::make_unique<PlainStream>(std::move(plain)));
}

}  // namespace vesto::sandbox
