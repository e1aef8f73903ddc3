// The way of the rows from the source's socket to the PUT, for counting its instructions under
// callgrind (tests/hot_path): the product's reader, guard, part writer and stager, as a lane of
// src/sync/extract.cc puts them together, with an S3 and a journal that do nothing.
//
//   hot_path FOLDER lineitem|wide|json zstd|gzip
//
// FOLDER holds the Unix socket of a server that answers any COPY with rows of that shape. Counts
// begin once the connection stands and end when the last part is stored. Prints one line of JSON.
#include <valgrind/callgrind.h>

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "aws/s3.h"
#include "encode/guards.h"
#include "encode/part_writer.h"
#include "source/postgres/reader.h"
#include "stage/stager.h"

namespace vesto {
namespace {

constexpr std::string_view kMarker = "vesto-null-0123456789abcdef";

class NullS3 final : public S3 {
 public:
  Result<S3PutResult> put_hashed(std::string_view, std::string_view, std::string_view,
                                 const std::stop_token&) override {
    return S3PutResult{};
  }
  Result<std::string> get_object(std::string_view, uint64_t, const std::stop_token&) override {
    return std::string();
  }
  Result<S3ListPage> list(std::string_view, std::string_view, const std::stop_token&) override {
    return S3ListPage{};
  }
  Status remove(std::string_view, const std::stop_token&) override { return ok_status(); }
  Status remove_many(const std::vector<std::string>&, const std::stop_token&) override {
    return ok_status();
  }
  Result<std::optional<uint64_t>> head(std::string_view, const std::stop_token&) override {
    return std::optional<uint64_t>();
  }
  Result<std::string> region(const std::stop_token&) override { return std::string(); }
};

class NullJournal final : public Journal {
 public:
  Status plan(const JournalObject&) override { return ok_status(); }
  Status mark_stored(const std::string&, const std::string&) override { return ok_status(); }
  Status forget(const std::string&, const std::vector<std::string>&) override {
    return ok_status();
  }
  Result<std::vector<JournalObject>> objects_of(const RunId&) override {
    return std::vector<JournalObject>();
  }
};

ColumnType type_of(char letter) {
  switch (letter) {
    case 'i':
      return {.kind = TypeKind::kInteger};
    case 'b':
      return {.kind = TypeKind::kBigint};
    case 'n':
      return {.kind = TypeKind::kDecimal, .precision = 15, .scale = 2};
    case 'd':
      return {.kind = TypeKind::kDate};
    case 't':
      return {.kind = TypeKind::kTimestamp};
    case 'f':
      return {.kind = TypeKind::kDouble};
    case 'j':
      return {.kind = TypeKind::kSuper};
    case 'v':
      return {.kind = TypeKind::kVarchar, .length_bytes = 256};
    default:
      return {.kind = TypeKind::kVarchar, .length_bytes = kMaxVarcharBytes};
  }
}

// A letter a column; T is text without a limit.
StreamSchema schema_of(std::string_view shape) {
  std::string_view letters;
  if (shape == "lineitem") letters = "biiinnnnvvdddvvv";
  if (shape == "wide") letters = "btbTTTTiiiiiif";
  if (shape == "json") letters = "bvvtjjv";
  StreamSchema schema;
  schema.stream = "public." + std::string(shape);
  for (const char letter : letters) {
    Column column;
    column.name = "c" + std::to_string(schema.columns.size());
    column.source_name = column.name;
    column.type = type_of(letter);
    column.unbounded = letter == 'T';
    column.nullable = !schema.columns.empty();
    schema.columns.push_back(std::move(column));
  }
  schema.key = {0};
  return schema;
}

struct Sums {
  uint64_t rows = 0;
  uint64_t bytes = 0;
  uint64_t parts = 0;
};

// Not inlined: its calls are what tests/hot_path tells apart.
__attribute__((noinline)) Result<Sums> pump(RangeReader& reader, Guard& guard, PartWriter& writer,
                                            StageLane& uploads) {
  Sums sums;
  Chunk chunk;
  Diversion diversion;
  while (true) {
    VESTO_ASSIGN(const bool more, reader.read(&chunk));
    if (!more) break;
    sums.rows += chunk.rows;
    sums.bytes += chunk.bytes.size();
    VESTO_TRY(guard.check(&chunk, &diversion));
    VESTO_ASSIGN(std::optional<Part> part, writer.add(chunk));
    if (!part) continue;
    ++sums.parts;
    VESTO_TRY(uploads.submit(1, *std::move(part)));
  }
  VESTO_ASSIGN(std::optional<Part> last, writer.finish());
  if (last) {
    ++sums.parts;
    VESTO_TRY(uploads.submit(1, *std::move(last)));
  }
  VESTO_TRY(uploads.drain());
  if (!diversion.side.empty() || !diversion.rejected.empty()) {
    return Error(ErrorCode::kInternal, "rows left the stream");
  }
  return sums;
}

Result<Sums> run(const std::string& folder, std::string_view shape, Compression compression) {
  PgOptions options;
  options.host = folder;
  options.user = "nobody";
  options.database = "rows";
  auto connected = PgConnection::connect(options);
  if (!connected.ok()) return Error(ErrorCode::kPgRead, connected.error().text());
  const auto connections = std::make_shared<SnapshotConnections>(PostgresOptions{}, std::string());
  ReadRange range;
  range.sql = "COPY rows TO STDOUT";
  PostgresReader reader(connections, std::move(connected).value(), range);
  GuardLimits limits;
  limits.diversion = std::make_shared<DiversionLimits>(std::make_shared<DiversionBytes>(), 0);
  Guard guard(schema_of(shape), std::string(kMarker), limits);
  NullJournal journal;
  StagerOptions staging;
  staging.space = {.bucket = "stage",
                   .prefix = "vesto/",
                   .installation = {"abcdefgh01234567"},
                   .sync = {"1a2b3c4d"},
                   .run = {"run_01J7XAAAAAAAAAAAAAAAAAAAAA"}};
  staging.compression = compression;
  staging.make_s3 = [] { return std::make_unique<NullS3>(); };
  Stager stager(std::move(staging), journal);
  const std::unique_ptr<StageLane> uploads = stager.open_lane();
  PartWriter writer(compression);
  CALLGRIND_ZERO_STATS;
  Result<Sums> sums = pump(reader, guard, writer, *uploads);
  CALLGRIND_DUMP_STATS;
  return sums;
}

}  // namespace
}  // namespace vesto

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: hot_path FOLDER lineitem|wide|json zstd|gzip\n", stderr);
    return 2;
  }
  const bool zstd = std::string_view(arguments[3]) == "zstd";
  const auto sums = vesto::run(arguments[1], arguments[2],
                               zstd ? vesto::Compression::kZstd : vesto::Compression::kGzip);
  if (!sums.ok()) {
    std::fprintf(stderr, "hot_path: %s\n", sums.error().to_string().c_str());
    return 1;
  }
  std::printf("{\"rows\": %llu, \"bytes\": %llu, \"parts\": %llu}\n",
              static_cast<unsigned long long>(sums->rows),
              static_cast<unsigned long long>(sums->bytes),
              static_cast<unsigned long long>(sums->parts));
  return 0;
}
