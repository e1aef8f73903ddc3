// VARCHAR and CHAR values: UTF-8, NUL bytes, length in bytes.
// Thread rule: pure.
#ifndef VESTO_SANDBOX_COPY_TEXT_VALUE_H_
#define VESTO_SANDBOX_COPY_TEXT_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/copy/value.h"

namespace vesto::sandbox {

// The first fault of a text, or position == npos.
struct Utf8Fault {
  size_t position = std::string_view::npos;
  size_t length = 0;  // bytes of the bad sequence, at least 1
  int error = 0;      // Redshift's number: 1 too long, 2 incomplete, 3 bad start, 4 bad
                      // continuation, 5 surrogate, 8 above U+10FFFF
};
Utf8Fault find_utf8_fault(std::string_view text, size_t from = 0);

// True when no byte is above 0x7F, below 0x20 or a backslash: the text is valid as it stands, both
// as UTF-8 and as a field of PostgreSQL's COPY text format.
bool is_plain_text(std::string_view text);

struct TextRules {
  int length_bytes = 0;
  bool truncate = false;                 // TRUNCATECOLUMNS
  std::optional<char> replacement = {};  // ACCEPTINVCHARS, VARCHAR only
  bool nul_is_data = false;              // the reading that cuts at a NUL
};

// Checks `text` and appends it as a COPY text field. Errors: 1204 too long, 1218 NUL, 1220 UTF-8.
bool append_varchar(std::string_view text, const TextRules& rules, std::string* out,
                    ValueError* error);
bool append_char(std::string_view text, const TextRules& rules, std::string* out,
                 ValueError* error);

// `text` cut at `max_characters` and made valid UTF-8 without NUL bytes, for the error tables.
std::string printable_excerpt(std::string_view text, size_t max_characters);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_TEXT_VALUE_H_
