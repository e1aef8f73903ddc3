// PostgreSQL's errors and notices in Redshift's words and with Redshift's SQLSTATEs.
// Pure; any thread.
#ifndef VESTO_SANDBOX_SESSION_ERROR_REWRITE_H_
#define VESTO_SANDBOX_SESSION_ERROR_REWRITE_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/wire/message.h"

namespace vesto::sandbox {

// What the texts mention.
struct ErrorContext {
  int64_t table_oid = 0;  // of the last table that the transaction wrote
  int64_t pid = 0;
  int64_t query_id = 0;
  // Full names in the place of short ones.
  std::function<std::string(std::string_view)> restore_names = [](std::string_view text) {
    return std::string(text);
  };
};

ErrorFields rewrite_error(ErrorFields fields, const ErrorContext& context);
// Nothing: not shown to the client.
std::optional<ErrorFields> rewrite_notice(ErrorFields fields, const ErrorContext& context);

// XX000 "1023" with the detail of a serializable isolation violation.
ErrorFields isolation_violation(const ErrorContext& context);

// The DETAIL block of errors that come from Redshift's compute nodes.
std::string detail_block(std::string_view error, int code, std::string_view block_context,
                         const ErrorContext& context, std::string_view location);

// The error that an injected fault names: "1023", "1018", "Disk Full", an SQLSTATE of five
// characters, or any text (XX000).
ErrorFields fault_error(const std::string& name, const ErrorContext& context);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SESSION_ERROR_REWRITE_H_
