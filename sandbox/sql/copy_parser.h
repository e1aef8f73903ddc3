// COPY table FROM 's3://...' with all its options, in any order. Pure; any thread.
// Source: AWS "COPY", "Data format parameters", "Data conversion parameters", "Authorization".
#ifndef VESTO_SANDBOX_SQL_COPY_PARSER_H_
#define VESTO_SANDBOX_SQL_COPY_PARSER_H_

#include <string>
#include <string_view>

#include "sandbox/sql/cursor.h"
#include "sandbox/sql/statement.h"

namespace vesto::sandbox {

// The cursor stands behind COPY. Fills copy and writes.
// Errors: 42601 for syntax, for two options that exclude each other
// ("CSV is not compatible with ESCAPE") and for malformed credentials; 0A000 for sources and
// options that the sandbox does not have, and for what a Parquet COPY refuses.
SqlStatus parse_copy(Cursor* cursor, Statement* out);

// The value of a COPY option's literal: COPY reads escapes by its own rules, so that '\N' and
// '\\N' are both \N, and '\t', '\001', '\0' are one character each.
std::string copy_option_value(std::string_view raw_literal);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_COPY_PARSER_H_
