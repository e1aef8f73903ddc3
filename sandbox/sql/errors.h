// The errors that the SQL front raises by itself, in Redshift's wording.
//
// Source of the texts: recorded error messages; docs/unverified.md lists those chosen by analogy.
#ifndef VESTO_SANDBOX_SQL_ERRORS_H_
#define VESTO_SANDBOX_SQL_ERRORS_H_

#include <string>
#include <string_view>

#include "sandbox/sql/token.h"
#include "sandbox/sql_error.h"

namespace vesto::sandbox {

// Position (1-based, in characters) of a byte offset in `text`.
int character_position(std::string_view text, size_t offset);

// 42601 `syntax error at or near "x" in context "<text before and x>", at line n`. `offset` and
// `end` bound the token in `text`; an empty one at the end reads "at end of input".
SqlError syntax_error(std::string_view text, size_t offset, size_t end);
SqlError syntax_error(std::string_view text, const Token& token);

// 0A000 `SQL command "<statement>" not supported.`
SqlError command_not_supported(std::string_view statement);
// 0A000 with the sandbox's own text: Redshift has it, the sandbox does not.
SqlError not_in_sandbox(std::string_view what);
SqlError feature_not_supported(std::string message);
SqlError make_sql_error(std::string_view sqlstate, std::string message);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_ERRORS_H_
