#include "net/server_refusal.h"

#include <algorithm>
#include <cstdint>

#include "base/redact.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kHeadBytes = 5;  // 'E' and a length that counts itself
constexpr size_t kMaxTextBytes = 400;

// The length of a message of version 3, type byte included; 0: these four bytes are none, so it is
// version 2's text. The bounds are libpq's.
size_t message_bytes(std::string_view bytes) {
  if (bytes.size() < kHeadBytes) return 0;
  uint32_t length = 0;
  for (const char byte : bytes.substr(1, 4)) {
    length = (length << 8) | static_cast<unsigned char>(byte);
  }
  return length < 8 || length > 30'000 ? 0 : size_t{1} + length;
}

bool is_sqlstate(std::string_view text) {
  return text.size() == 5 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
         });
}

std::string one_line(std::string_view text) {
  return printable(cut_utf8(redact(trim(text)), kMaxTextBytes), false);
}

// "S...\0C53300\0M...\0\0"; what is cut off at the end is left out.
ServerRefusal read_fields(std::string_view fields) {
  ServerRefusal out;
  while (!fields.empty() && fields.front() != '\0') {
    const size_t end = std::min(fields.find('\0'), fields.size());
    const std::string_view value = fields.substr(1, end - 1);
    if (fields.front() == 'C' && is_sqlstate(value)) out.sqlstate = std::string(value);
    if (fields.front() == 'M') out.text = one_line(value);
    fields.remove_prefix(std::min(end + 1, fields.size()));
  }
  return out;
}

}  // namespace

bool refusal_is_whole(std::string_view bytes) {
  if (bytes.size() >= kMaxRefusalBytes) return true;
  if (bytes.size() < kHeadBytes) return false;
  const size_t wanted = message_bytes(bytes);
  return wanted != 0 ? bytes.size() >= wanted : bytes.find('\0') != std::string_view::npos;
}

std::optional<ServerRefusal> parse_refusal(std::string_view bytes) {
  if (!bytes.starts_with("E")) return std::nullopt;
  ServerRefusal out;
  if (const size_t wanted = message_bytes(bytes); wanted != 0) {
    out = read_fields(bytes.substr(kHeadBytes, wanted - kHeadBytes));
  } else {
    const size_t end = bytes.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    out.text = one_line(bytes.substr(1, end - 1));
  }
  if (out.text.empty() && out.sqlstate.empty()) return std::nullopt;
  return out;
}

}  // namespace vesto
