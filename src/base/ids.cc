#include "base/ids.h"

#include "base/hash.h"
#include "base/strings.h"

namespace vesto {

std::string make_ulid(int64_t wall_ms) {
  constexpr char kDigits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  std::string out(26, '0');
  auto time = static_cast<uint64_t>(wall_ms);
  for (size_t i = 10; i-- > 0; time >>= 5) out[i] = kDigits[time & 31];
  const std::string random = random_bytes(16);  // 5 bits of each byte are used
  for (size_t i = 0; i < 16; ++i) {
    out[10 + i] = kDigits[static_cast<unsigned char>(random[i]) & 31];
  }
  return out;
}

LoadId make_load_id(int64_t wall_ms) { return {make_ulid(wall_ms)}; }
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
