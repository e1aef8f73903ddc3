// Parameters of zstd over a file of CSV, in chunks as a lane compresses them.
//
//   codec_bench FILE [ROUNDS]
//
// For each set: the least of the rounds' CPU in seconds per GB, the ratio, and both beside plain
// level 1, turn by turn. At most 64 MiB of the file are taken. It is what the parameters in
// src/encode/part_writer.cc were chosen by.
#include <fmt/format.h>
#include <time.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>

#include "base/strings.h"
#include "encode/chunk.h"

namespace {

constexpr size_t kMaxBytes = size_t{64} << 20;
constexpr int64_t kMaxRounds = 100;

struct Parameters {
  const char* name;
  int window_log = 0;  // 0: the level's own
  int hash_log = 0;
  int target_length = 0;  // for this strategy: how far it steps where nothing matches
};

constexpr std::array<Parameters, 9> kSets{
    {{"level 1"},
     {"window 256 KiB", 18, 0},
     {"table of 2^13", 0, 13},
     {"window 256 KiB, table of 2^13", 18, 13},
     {"window 256 KiB, table of 2^12", 18, 12},
     {"window 128 KiB, table of 2^13", 17, 13},
     {"window 256 KiB, table of 2^13, steps of 3", 18, 13, 2},
     {"window 256 KiB, table of 2^13, steps of 4", 18, 13, 3},
     {"window 256 KiB, table of 2^12, steps of 3", 18, 12, 2}}};

struct Outcome {
  int64_t cpu_ns = INT64_MAX;
  uint64_t compressed_bytes = 0;
};

int64_t thread_cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000 + now.tv_nsec;
}

// One stream of all chunks. False: zstd refused.
bool compress_once(ZSTD_CCtx* context, const Parameters& set, std::string_view text,
                   std::string* out, Outcome* outcome) {
  ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, set.window_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_hashLog, set.hash_log);
  ZSTD_CCtx_setParameter(context, ZSTD_c_targetLength, set.target_length);
  uint64_t made = 0;
  const int64_t start_ns = thread_cpu_ns();
  while (!text.empty()) {
    const std::string_view chunk = text.substr(0, vesto::kChunkBytes);
    text.remove_prefix(chunk.size());
    ZSTD_inBuffer input{chunk.data(), chunk.size(), 0};
    ZSTD_outBuffer output{out->data(), out->size(), 0};
    if (ZSTD_compressStream2(context, &output, &input, ZSTD_e_flush) != 0) return false;
    made += output.pos;
  }
  outcome->cpu_ns = std::min(outcome->cpu_ns, thread_cpu_ns() - start_ns);
  outcome->compressed_bytes = made;
  return true;
}

int measure(std::string_view text, int64_t rounds) {
  const std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context(ZSTD_createCCtx(),
                                                                     &ZSTD_freeCCtx);
  std::string out(ZSTD_compressBound(vesto::kChunkBytes) + 1024, '\0');
  std::array<Outcome, kSets.size()> outcomes;
  for (int64_t round = 0; round < rounds; ++round) {
    for (size_t i = 0; i < kSets.size(); ++i) {
      if (!compress_once(context.get(), kSets[i], text, &out, &outcomes[i])) return 1;
    }
  }
  const auto& plain = outcomes[0];
  for (size_t i = 0; i < kSets.size(); ++i) {
    const auto cpu_ns = static_cast<double>(outcomes[i].cpu_ns);
    const auto made = static_cast<double>(outcomes[i].compressed_bytes);
    fmt::print("{:<42} {:.2f} s/GB  ratio {:.2f}  CPU x{:.2f}  bytes x{:.3f}\n", kSets[i].name,
               cpu_ns / static_cast<double>(text.size()), static_cast<double>(text.size()) / made,
               cpu_ns / static_cast<double>(plain.cpu_ns),
               made / static_cast<double>(plain.compressed_bytes));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const int64_t rounds = argc > 2 ? vesto::parse_int(argv[2]).value_or(0) : 7;
  if (argc < 2 || rounds < 1 || rounds > kMaxRounds) {
    fmt::print(stderr, "usage: codec_bench FILE [ROUNDS]\n");
    return 2;
  }
  std::ifstream file(argv[1], std::ios::binary);
  std::string text(kMaxBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(file.gcount()));
  if (text.empty()) {
    fmt::print(stderr, "{}: nothing to read\n", argv[1]);
    return 1;
  }
  return measure(text, rounds);
}
