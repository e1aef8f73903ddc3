#include "aws/base64url.h"

#include <cstdint>

namespace vesto {

namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace

std::string base64url_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() * 4 + 2) / 3);
  uint32_t bits = 0;
  int held = 0;  // bits that no letter stands for yet
  for (const char c : bytes) {
    bits = (bits << 8) | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += kLetters[(bits >> (held - 6)) & 63];
    bits &= (1U << held) - 1;
  }
  if (held > 0) out += kLetters[(bits << (6 - held)) & 63];
  return out;
}

std::optional<std::string> base64url_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    const size_t value = kLetters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6) | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFF);
    }
    bits &= (1U << held) - 1;
  }
  // One letter alone is no byte; what is left over must be zero, or two texts would mean the same.
  if (held == 6 || bits != 0) return std::nullopt;
  return out;
}

}  // namespace vesto
