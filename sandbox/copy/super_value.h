// SUPER values: JSON text is checked and made compact on the way into a jsonb column.
// Thread rule: pure.
#ifndef VESTO_SANDBOX_COPY_SUPER_VALUE_H_
#define VESTO_SANDBOX_COPY_SUPER_VALUE_H_

#include <string>
#include <string_view>

#include "sandbox/copy/value.h"

namespace vesto::sandbox {

constexpr int kMaxSuperDepth = 1000;
constexpr size_t kMaxSuperStringBytes = 65535;

// Reads one JSON value that fills `text` (white space around it is dropped) and appends it,
// compact, as a field of PostgreSQL's COPY text format. Error 1224: no JSON, nested deeper than
// 1,000, a string longer than 65,535 bytes, or what jsonb cannot hold (\u0000, lone surrogates,
// numbers beyond a double's range).
bool append_super(std::string_view text, std::string* out, ValueError* error);

// For JSON files: checks the form of one value (and its depth), not SUPER's limits. `taken` is
// where the value ended, or where the text went wrong. The text may go on behind the value.
bool scan_json_value(std::string_view text, size_t* taken, ValueError* error);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_COPY_SUPER_VALUE_H_
