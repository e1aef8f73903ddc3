// What the value checks of COPY share: the verdict on one value and PostgreSQL's text escapes.
// Thread rule: pure.
#ifndef VESTO_SANDBOX_COPY_VALUE_H_
#define VESTO_SANDBOX_COPY_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace vesto::sandbox {

// Codes of Redshift's load error reference (r_Load_Error_Reference).
enum LoadErrorCode : int {
  kErrorExtraColumns = 1202,
  kErrorOutOfRange = 1204,
  kErrorDate = 1205,
  kErrorTimestamp = 1206,
  kErrorDigit = 1207,
  kErrorFloat = 1208,
  kErrorDecimal = 1209,
  kErrorBoolean = 1210,
  kErrorEmptyLine = 1211,
  kErrorNotNull = 1213,
  kErrorDelimiter = 1214,
  kErrorInvalidLine = 1216,
  kErrorNulByte = 1218,
  kErrorHexDigit = 1219,
  kErrorUtf8 = 1220,
  kErrorSuper = 1224,
};

// Why a value or a row was refused. Filled only when a check returns false.
struct ValueError {
  int code = 0;
  std::string reason;

  // Returns false, so that a check can say: return error->set(1207, "...").
  bool set(int error_code, std::string text) {
    code = error_code;
    reason = std::move(text);
    return false;
  }
};

// Appends `text` as a field of PostgreSQL's COPY text format: backslash, tab, LF, CR and the other
// control characters that it names are escaped. NUL must not occur.
void append_copy_text(std::string_view text, std::string* out);

// The character at `position` for an error text: itself when printable, '?' otherwise.
std::string printable_at(std::string_view text, size_t position);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_blank(char c) { return c == ' ' || c == '\t'; }
// White space only (blank, tab, and the line characters); true for an empty text.
bool is_all_blank(std::string_view text);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_VALUE_H_
