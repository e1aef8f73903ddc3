#include "sandbox/copy/text_value.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstring>

#include "base/strings.h"

namespace vesto::sandbox {
namespace {

// What follows the backslash in COPY's text format; 0: the byte stands for itself.
constexpr char escape_of(char c) {
  switch (c) {
    case '\b':
      return 'b';
    case '\f':
      return 'f';
    case '\n':
      return 'n';
    case '\r':
      return 'r';
    case '\t':
      return 't';
    case '\v':
      return 'v';
    case '\\':
      return '\\';
    default:
      return 0;
  }
}

uint8_t byte_at(std::string_view text, size_t position) {
  return static_cast<uint8_t>(text[position]);
}

// Length and lowest bits of a sequence by its first byte; 0: no first byte.
int sequence_length(uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

// The fault of the sequence that begins at `position`, if any.
Utf8Fault check_sequence(std::string_view text, size_t position) {
  const uint8_t first = byte_at(text, position);
  const int length = sequence_length(first);
  if (length == 0) {
    if (first >= 0xF8) return {position, 1, first <= 0xFD ? 1 : 3};
    return {position, 1, first >= 0xF5 ? 8 : 3};
  }
  for (size_t i = 1; i < static_cast<size_t>(length); ++i) {
    if (position + i >= text.size()) return {position, i, 2};
    if ((byte_at(text, position + i) & 0xC0U) != 0x80U) return {position, i, 4};
  }
  if (length >= 3) {
    const uint8_t second = byte_at(text, position + 1);
    if (first == 0xE0 && second < 0xA0) return {position, 3, 4};   // overlong
    if (first == 0xED && second >= 0xA0) return {position, 3, 5};  // surrogate
    if (first == 0xF0 && second < 0x90) return {position, 4, 4};   // overlong
    if (first == 0xF4 && second >= 0x90) return {position, 4, 8};
  }
  return {};
}

std::string hex_of(std::string_view bytes) {
  std::string hex;
  for (const char c : bytes) {
    if (!hex.empty()) hex += ' ';
    hex += fmt::format("{:02x}", static_cast<uint8_t>(c));
  }
  return hex;
}

bool nul_error(ValueError* error) {
  return error->set(kErrorNulByte, "Invalid null byte - field longer than 1 byte");
}

// Cuts at a NUL where the reading says so; false when the row is refused for it.
bool settle_nul(std::string_view* text, const TextRules& rules, ValueError* error) {
  const size_t nul = text->find('\0');
  if (nul == std::string_view::npos) return true;
  if (!rules.nul_is_data) return nul_error(error);
  *text = text->substr(0, nul);
  return true;
}

bool utf8_error(std::string_view text, const Utf8Fault& fault, ValueError* error) {
  return error->set(
      kErrorUtf8,
      fmt::format("String contains invalid or unsupported UTF8 codepoints. Bad UTF8 hex "
                  "sequence: {} (error {})",
                  hex_of(text.substr(fault.position, fault.length)), fault.error));
}

// Each byte of a bad sequence becomes the replacement.
std::string replace_faults(std::string_view text, Utf8Fault fault, char replacement) {
  std::string clean(text);
  while (fault.position != std::string_view::npos) {
    std::fill_n(clean.begin() + static_cast<std::ptrdiff_t>(fault.position), fault.length,
                replacement);
    fault = find_utf8_fault(clean, fault.position + fault.length);
  }
  return clean;
}

}  // namespace

void append_copy_text(std::string_view text, std::string* out) {
  size_t kept = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char escape = escape_of(text[i]);
    if (escape == 0) continue;
    out->append(text, kept, i - kept);
    out->push_back('\\');
    out->push_back(escape);
    kept = i + 1;
  }
  out->append(text, kept, text.size() - kept);
}

std::string printable_at(std::string_view text, size_t position) {
  if (position >= text.size()) return "";
  const uint8_t byte = byte_at(text, position);
  if (byte < 0x20 || byte == 0x7F) return "?";
  const Utf8Fault fault = check_sequence(text, position);
  if (fault.position != std::string_view::npos) return "?";
  return std::string(text.substr(position, static_cast<size_t>(sequence_length(byte))));
}

bool is_all_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\n\v\f") == std::string_view::npos;
}

bool is_plain_text(std::string_view text) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL;
  constexpr uint64_t kHigh = 0x8080808080808080ULL;
  size_t i = 0;
  uint64_t bad = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word = 0;
    std::memcpy(&word, text.data() + i, 8);
    const uint64_t slash = word ^ (kOnes * uint64_t{'\\'});
    // High bit set in a byte that is above 0x7F, below 0x20 (the subtraction borrows) or equal to
    // the backslash. A borrow can only add false alarms, which take the slow path.
    bad |= word | (word - kOnes * 0x20U) | ((slash - kOnes) & ~slash);
  }
  if ((bad & kHigh) != 0) return false;
  for (; i < text.size(); ++i) {
    const uint8_t byte = byte_at(text, i);
    if (byte < 0x20 || byte >= 0x80 || byte == '\\') return false;
  }
  return true;
}

Utf8Fault find_utf8_fault(std::string_view text, size_t from) {
  size_t i = from;
  while (i < text.size()) {
    if (i + 8 <= text.size()) {
      uint64_t word = 0;
      std::memcpy(&word, text.data() + i, 8);
      if ((word & 0x8080808080808080ULL) == 0) {
        i += 8;
        continue;
      }
    }
    const uint8_t byte = byte_at(text, i);
    if (byte < 0x80) {
      ++i;
      continue;
    }
    const Utf8Fault fault = check_sequence(text, i);
    if (fault.position != std::string_view::npos) return fault;
    i += static_cast<size_t>(sequence_length(byte));
  }
  return {};
}

bool append_varchar(std::string_view text, const TextRules& rules, std::string* out,
                    ValueError* error) {
  const auto limit = static_cast<size_t>(rules.length_bytes);
  if (text.size() <= limit && is_plain_text(text)) {
    out->append(text);
    return true;
  }
  if (!settle_nul(&text, rules, error)) return false;
  std::string clean;
  const Utf8Fault fault = find_utf8_fault(text);
  if (fault.position != std::string_view::npos) {
    if (!rules.replacement) return utf8_error(text, fault, error);
    clean = replace_faults(text, fault, *rules.replacement);
    text = clean;
  }
  if (text.size() > limit) {
    if (!rules.truncate) return error->set(kErrorOutOfRange, "String length exceeds DDL length");
    text = cut_utf8(text, limit);
  }
  append_copy_text(text, out);
  return true;
}

bool append_char(std::string_view text, const TextRules& rules, std::string* out,
                 ValueError* error) {
  const auto limit = static_cast<size_t>(rules.length_bytes);
  if (!is_plain_text(text)) {
    if (!settle_nul(&text, rules, error)) return false;
    const auto high =
        std::find_if(text.begin(), text.end(), [](char c) { return (c & '\x80') != 0; });
    if (high != text.end()) {
      const auto position = static_cast<size_t>(high - text.begin());
      const Utf8Fault fault = check_sequence(text, position);
      const size_t length = fault.position == std::string_view::npos
                                ? static_cast<size_t>(sequence_length(byte_at(text, position)))
                                : fault.length;
      return error->set(kErrorUtf8,
                        "Multibyte character not supported for CHAR (Hint: Try using "
                        "VARCHAR). Invalid char: " +
                            hex_of(text.substr(position, length)));
    }
  }
  if (text.size() > limit) {
    if (!rules.truncate) return error->set(kErrorOutOfRange, "Char length exceeds DDL length");
    text = text.substr(0, limit);
  }
  append_copy_text(text, out);
  return true;
}

std::string printable_excerpt(std::string_view text, size_t max_characters) {
  // 4 bytes a character at most; cut first, so that a row of megabytes costs nothing.
  std::string clean(text.substr(0, max_characters * 4));
  std::replace(clean.begin(), clean.end(), '\0', '?');
  clean = replace_faults(clean, find_utf8_fault(clean), '?');
  size_t characters = 0;
  size_t i = 0;
  while (i < clean.size() && characters < max_characters) {
    i += static_cast<size_t>(std::max(1, sequence_length(byte_at(clean, i))));
    ++characters;
  }
  clean.resize(std::min(i, clean.size()));
  return clean;
}

}  // namespace vesto::sandbox
