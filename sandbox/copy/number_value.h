// Integers, DECIMAL, floats and BOOLEAN as COPY reads them: stricter than a cast.
// Thread rule: pure.
#ifndef VESTO_SANDBOX_COPY_NUMBER_VALUE_H_
#define VESTO_SANDBOX_COPY_NUMBER_VALUE_H_

#include <string>
#include <string_view>

#include "sandbox/copy/value.h"

namespace vesto::sandbox {

enum class IntegerWidth { kShort, kInteger, kLong };

// Optional sign and digits, nothing else. Errors: 1207 "Invalid digit, ...", 1204 "Overflow (...)".
bool append_integer(std::string_view text, IntegerWidth width, std::string* out, ValueError* error);

struct DecimalRules {
  int precision = 18;
  int scale = 0;
  bool round = false;     // ROUNDEC; otherwise surplus decimals are cut
  bool exponent = false;  // the reading that takes 1e5
};
// Errors: 1207 for a bad character, 1209 where the digits before the point do not fit.
bool append_decimal(std::string_view text, const DecimalRules& rules, std::string* out,
                    ValueError* error);

// `specials`: NaN and infinities are taken. Errors: 1208 for format and range.
bool append_float(std::string_view text, bool is_double, bool specials, std::string* out,
                  ValueError* error);

// t true y yes 1 / f false n no 0, any case. Error: 1210.
bool append_boolean(std::string_view text, std::string* out, ValueError* error);

// Hexadecimal digits in pairs, at most `length_bytes` pairs. Errors: 1219, 1204.
bool append_varbyte(std::string_view text, int length_bytes, std::string* out, ValueError* error);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_NUMBER_VALUE_H_
