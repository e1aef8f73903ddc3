// gzip and zstd: whole, cut at every byte, damaged, in several pieces.
#include <zlib.h>
#include <zstd.h>

#include "copy_fixture.h"

namespace vesto::sandbox {
namespace {

using Compression = CopyStatement::Compression;

std::string gzip(const std::string& text) {
  z_stream stream = {};
  EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string packed(deflateBound(&stream, static_cast<uLong>(text.size())) + 64, '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<Bytef*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(const std::string& text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

class Compressed : public CopyTest {
 protected:
  void expect_inflate_error(const std::string& text) {
    EXPECT_EQ(run_message(), text);
    EXPECT_EQ(last.sqlstate, "XX000");
    EXPECT_NE(last.detail.find("code:      9001"), std::string::npos);
    EXPECT_NE(last.detail.find("context:   S3 key being read : s3://b/p/1"), std::string::npos);
  }
};

TEST_F(Compressed, Gzip) {
  statement.compression = Compression::kGzip;
  for (const size_t chunk : {size_t{1}, size_t{7}, SIZE_MAX}) {
    store.chunk_bytes = chunk;
    put("p/1", gzip("1,x\n2,y\n"));
    EXPECT_EQ(run_message(), "");
    EXPECT_EQ(sink.rows, "1\tx\n2\ty\n");
  }
}

TEST_F(Compressed, Zstd) {
  statement.compression = Compression::kZstd;
  for (const size_t chunk : {size_t{1}, size_t{7}, SIZE_MAX}) {
    store.chunk_bytes = chunk;
    put("p/1", zstd("1,x\n2,y\n"));
    EXPECT_EQ(run_message(), "");
    EXPECT_EQ(sink.rows, "1\tx\n2\ty\n");
  }
}

TEST_F(Compressed, LargeObjects) {
  std::string body;
  std::string rows;
  for (int i = 0; i < 50000; ++i) {
    body += std::to_string(i) + ",abc" + std::to_string(i * 7919) + "\n";
    rows += std::to_string(i) + "\tabc" + std::to_string(i * 7919) + "\n";
  }
  statement.compression = Compression::kGzip;
  put("p/1", gzip(body));
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(sink.rows, rows);
  statement.compression = Compression::kZstd;
  put("p/1", zstd(body));
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(sink.rows, rows);
}

TEST_F(Compressed, AnEmptyMemberLoadsNothing) {
  statement.compression = Compression::kGzip;
  put("p/1", gzip(""));
  EXPECT_EQ(run_message(), "");
  EXPECT_EQ(outcome.rows_loaded, 0);
  statement.compression = Compression::kZstd;
  put("p/1", zstd(""));
  EXPECT_EQ(run_message(), "");
}

TEST_F(Compressed, CutAtEveryByte) {
  const std::string whole = gzip("1,x\n2,y\n3,zzzzzzzzzzzzzz\n");
  statement.compression = Compression::kGzip;
  for (size_t size = 0; size < whole.size(); ++size) {
    SCOPED_TRACE(size);
    put("p/1", whole.substr(0, size));
    expect_inflate_error("failed to inflate with gzip: unexpected end of file.");
  }
  const std::string frame = zstd("1,x\n2,y\n3,zzzzzzzzzzzzzz\n");
  statement.compression = Compression::kZstd;
  for (size_t size = 0; size < frame.size(); ++size) {
    SCOPED_TRACE(size);
    put("p/1", frame.substr(0, size));
    expect_inflate_error("failed to inflate with zstd: unexpected end of file.");
  }
}

TEST_F(Compressed, EveryFlippedByteIsRefusedOrHarmless) {
  const std::string body = "1,x\n2,y\n3,zzzzzzzzzzzzzz\n";
  const std::string whole = gzip(body);
  statement.compression = Compression::kGzip;
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string bad = whole;
    bad[i] = static_cast<char>(bad[i] ^ 0x55);
    put("p/1", bad);
    // Bytes of the header's time, flags and system do not touch the data.
    if (run_message().empty()) {
      EXPECT_EQ(sink.rows, "1\tx\n2\ty\n3\tzzzzzzzzzzzzzz\n");
    }
  }
}

TEST_F(Compressed, PlainTextIsNoGzip) {
  statement.compression = Compression::kGzip;
  put("p/1", "1,x\n");
  expect_inflate_error("failed to inflate with gzip: incorrect header check.");
  statement.compression = Compression::kZstd;
  EXPECT_EQ(run_message().find("failed to inflate with zstd: "), 0U);
}

TEST_F(Compressed, SeveralMembersAreRefused) {
  statement.compression = Compression::kGzip;
  put("p/1", gzip("1,x\n") + gzip("2,y\n"));
  expect_inflate_error("failed to inflate with gzip: unexpected end of file.");
  statement.compression = Compression::kZstd;
  put("p/1", zstd("1,x\n") + zstd("2,y\n"));
  expect_inflate_error("failed to inflate with zstd: unexpected end of file.");
}

TEST_F(Compressed, SeveralMembersTheOtherReading) {
  context.readings.several_members = true;
  for (const size_t chunk : {size_t{1}, SIZE_MAX}) {
    store.chunk_bytes = chunk;
    statement.compression = Compression::kGzip;
    put("p/1", gzip("1,x\n2") + gzip("") + gzip(",y\n"));
    EXPECT_EQ(run_message(), "");
    EXPECT_EQ(sink.rows, "1\tx\n2\ty\n");
    statement.compression = Compression::kZstd;
    put("p/1", zstd("1,x\n2") + zstd("") + zstd(",y\n"));
    EXPECT_EQ(run_message(), "");
    EXPECT_EQ(sink.rows, "1\tx\n2\ty\n");
  }
}

TEST_F(Compressed, BytesBehindTheEndAreRefused) {
  statement.compression = Compression::kGzip;
  put("p/1", gzip("1,x\n") + std::string(8, '\0'));
  expect_inflate_error("failed to inflate with gzip: unexpected end of file.");
}

TEST_F(Compressed, HalfAnObject) {
  context.faults = &fault;
  fault.key = "p/1";
  fault.action.half = true;
  statement.compression = Compression::kGzip;
  put("p/1", gzip("1,x\n2,y\n"));
  expect_inflate_error("failed to inflate with gzip: unexpected end of file.");
}

TEST_F(Compressed, OthersAreRefusedByName) {
  statement.compression = Compression::kBzip2;
  EXPECT_EQ(run_message(), "BZIP2 compression is not supported by this sandbox");
  EXPECT_EQ(last.sqlstate, "0A000");
  statement.compression = Compression::kLzop;
  EXPECT_EQ(run_message(), "LZOP compression is not supported by this sandbox");
}

}  // namespace
}  // namespace vesto::sandbox
