// CPU of the guards over the chunks that a source really sends, for bench/measures/guards.py.
//
//   guard_bench PORT DATABASE USER PASSWORD_FILE TABLE PASSES
//
// Reads up to 256 MiB of the table as a run does, then goes over all chunks as a lane does, guards
// and compression, turn by turn with and without the guards, and takes the thread's CPU. Prints one
// JSON object: bytes, rows, rows_parsed, and of each pass the nanoseconds of the guards, of
// compression without them, and of both. The guards must leave the chunks as they are: tables of
// good values.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/strings.h"
#include "encode/guards.h"
#include "encode/part_writer.h"
#include "source/postgres/postgres_source.h"

namespace {

constexpr uint64_t kMaxBytes = 256ULL << 20;
constexpr int kMaxPasses = 100;
constexpr const char* kMarker = "benchnullmarker0";

struct Loaded {
  vesto::StreamPlan plan;
  std::vector<vesto::Chunk> chunks;
  uint64_t bytes = 0;
  uint64_t rows = 0;
};

// One figure a pass.
struct Passes {
  std::vector<int64_t> guards_ns;
  std::vector<int64_t> compress_ns;
  std::vector<int64_t> both_ns;
  uint64_t rows_parsed = 0;
};

struct Spent {
  int64_t guards_ns = 0;
  int64_t compress_ns = 0;
  uint64_t rows_parsed = 0;
};

int64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

vesto::Result<Loaded> load(const vesto::PostgresOptions& options, const std::string& table) {
  const auto source = vesto::make_postgres_source(options);
  VESTO_ASSIGN(const auto snapshot, source->open_snapshot(kMarker));
  vesto::StreamRequest request;
  request.table = table;
  Loaded out;
  VESTO_ASSIGN(out.plan, snapshot->plan(request));
  for (const vesto::ReadRange& range : out.plan.ranges) {
    VESTO_ASSIGN(const auto reader, snapshot->open(range));
    while (out.bytes < kMaxBytes) {
      vesto::Chunk chunk;
      VESTO_ASSIGN(const bool more, reader->read(&chunk));
      if (!more) break;
      out.bytes += chunk.bytes.size();
      out.rows += chunk.rows;
      out.chunks.push_back(std::move(chunk));
    }
    if (out.bytes >= kMaxBytes) break;
  }
  return out;
}

// What a lane does with each chunk, the chunk being in the cache as it is after a read: copied
// there first, which is not timed.
vesto::Result<Spent> pass(const Loaded& loaded, bool guards) {
  vesto::GuardLimits limits;
  limits.check_utf8 = loaded.plan.check_utf8;
  limits.oversize_marker = loaded.plan.oversize_marker;
  vesto::Guard guard(loaded.plan.schema, kMarker, limits);
  vesto::PartWriter writer(vesto::Compression::kZstd);
  vesto::Diversion diversion;
  vesto::Chunk lane;
  Spent spent;
  for (const vesto::Chunk& chunk : loaded.chunks) {
    lane.bytes.assign(chunk.bytes);
    lane.rows = chunk.rows;
    lane.longest_row_bytes = chunk.longest_row_bytes;
    const int64_t start = thread_cpu_ns();
    if (guards) VESTO_TRY(guard.check(&lane, &diversion));
    const int64_t checked = thread_cpu_ns();
    VESTO_ASSIGN(const auto part, writer.add(lane));
    spent.guards_ns += checked - start;
    spent.compress_ns += thread_cpu_ns() - checked;
  }
  if (!diversion.side.empty() || !diversion.rejected.empty()) {
    return vesto::Error(vesto::ErrorCode::kInternal,
                        "the table holds values that COPY cannot take");
  }
  spent.rows_parsed = guard.rows_parsed();
  return spent;
}

// Which of the two goes first changes from pass to pass.
vesto::Result<Passes> measure(const Loaded& loaded, int passes) {
  Passes out;
  for (int i = 0; i < passes; ++i) {
    const bool guards_first = i % 2 == 0;
    VESTO_ASSIGN(const Spent first, pass(loaded, guards_first));
    VESTO_ASSIGN(const Spent second, pass(loaded, !guards_first));
    const Spent& with = guards_first ? first : second;
    const Spent& without = guards_first ? second : first;
    out.guards_ns.push_back(with.guards_ns);
    out.both_ns.push_back(with.guards_ns + with.compress_ns);
    out.compress_ns.push_back(without.compress_ns);
    out.rows_parsed = std::max(out.rows_parsed, with.rows_parsed);
  }
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 7) {
    fmt::print(stderr, "usage: guard_bench PORT DATABASE USER PASSWORD_FILE TABLE PASSES\n");
    return 2;
  }
  std::ifstream file(argv[4]);
  std::string password((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  vesto::PostgresOptions options;
  options.host = "127.0.0.1";
  options.port = static_cast<int>(vesto::parse_int(argv[1]).value_or(0));
  options.database = argv[2];
  options.user = argv[3];
  options.password = vesto::Secret(std::move(password));
  options.sslmode = "disable";
  const auto passes =
      static_cast<int>(std::clamp<int64_t>(vesto::parse_int(argv[6]).value_or(1), 1, kMaxPasses));
  auto loaded = load(options, argv[5]);
  if (!loaded.ok()) {
    fmt::print(stderr, "{}\n", loaded.error().to_string());
    return 1;
  }
  const auto spent = measure(*loaded, passes);
  if (!spent.ok()) {
    fmt::print(stderr, "{}\n", spent.error().to_string());
    return 1;
  }
  fmt::print(R"({{"bytes":{},"rows":{},"rows_parsed":{},"guards_ns":[{}],)"
             R"("compress_ns":[{}],"both_ns":[{}]}})"
             "\n",
             loaded->bytes, loaded->rows, spent->rows_parsed, fmt::join(spent->guards_ns, ","),
             fmt::join(spent->compress_ns, ","), fmt::join(spent->both_ns, ","));
  return 0;
}
