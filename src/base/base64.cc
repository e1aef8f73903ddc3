#include "base/base64.h"

#include <cstdint>

namespace vesto {

namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

// Without padding. The result never grows beyond what is reserved: a key leaves no copy behind.
std::string encode(std::string_view bytes, std::string_view letters) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  uint32_t bits = 0;
  unsigned held = 0;  // bits that no letter stands for yet
  for (const char c : bytes) {
    bits = (bits << 8U) | static_cast<unsigned char>(c);
    for (held += 8; held >= 6; held -= 6) out += letters[(bits >> (held - 6)) & 63U];
    bits &= (1U << held) - 1;
  }
  if (held > 0) out += letters[(bits << (6 - held)) & 63U];
  return out;
}

std::optional<std::string> decode(std::string_view text, std::string_view letters) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  uint32_t bits = 0;
  unsigned held = 0;
  for (const char c : text) {
    const size_t value = letters.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6U) | static_cast<uint32_t>(value);
    held += 6;
    if (held >= 8) {
      held -= 8;
      out += static_cast<char>((bits >> held) & 0xFFU);
    }
    bits &= (1U << held) - 1;
  }
  // One letter alone is no byte; what is left over must be zero, or two texts would mean the same.
  if (held == 6 || bits != 0) return std::nullopt;
  return out;
}

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out = encode(bytes, kLetters);
  while (out.size() % 4 != 0) out += '=';
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  // Of a group of four at most two are padding; a third one is no letter.
  for (int padding = 0; padding < 2 && text.ends_with('='); ++padding) text.remove_suffix(1);
  return decode(text, kLetters);
}

std::string base64url_encode(std::string_view bytes) { return encode(bytes, kUrlLetters); }

std::optional<std::string> base64url_decode(std::string_view text) {
  return decode(text, kUrlLetters);
}

}  // namespace vesto
