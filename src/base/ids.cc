#include "base/ids.h"

#include <algorithm>

#include "base/hash.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kTimeDigits = 10;
constexpr int64_t kLastMs = (int64_t{1} << 48) - 1;

// The time in a ULID; -1 for any other text.
int64_t time_of_ulid(std::string_view ulid) {
  if (ulid.size() != 26) return -1;
  int64_t time = 0;
  for (const char c : ulid.substr(0, kTimeDigits)) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) return -1;
    time = (time << 5) | static_cast<int64_t>(digit);
  }
  return time;
}

}  // namespace

std::string make_ulid(int64_t wall_ms) {
  std::string out(26, '0');
  auto time = static_cast<uint64_t>(wall_ms);
  for (size_t i = 10; i-- > 0; time >>= 5) out[i] = kDigits[time & 31];
  const std::string random = random_bytes(16);  // 5 bits of each byte are used
  for (size_t i = 0; i < 16; ++i) {
    out[10 + i] = kDigits[static_cast<unsigned char>(random[i]) & 31];
  }
  return out;
}

LoadId make_load_id(int64_t wall_ms, const LoadId& after) {
  const int64_t before = time_of_ulid(after.text);
  // A time at the end of what a ULID holds was not written by a clock.
  if (before < 0 || before >= kLastMs) return {make_ulid(wall_ms)};
  return {make_ulid(std::max(wall_ms, before + 1))};
}
RunId make_run_id(int64_t wall_ms) { return {"run_" + make_ulid(wall_ms)}; }

SyncId sync_id(std::string_view sync_name) {
  return {sha256_hex(to_lower_ascii(sync_name)).substr(0, 8)};
}

std::string random_alphanumeric(size_t length) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::string out;
  while (out.size() < length) {
    for (const char c : random_bytes(length)) {
      const auto byte = static_cast<unsigned char>(c);
      // 252 = 7 x 36: larger bytes would favour the first letters.
      if (byte < 252 && out.size() < length) out += kLetters[byte % 36];
    }
  }
  return out;
}

}  // namespace vesto
