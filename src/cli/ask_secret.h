// The value of a secret from a file, from stdin, or from whoever sits at the terminal. Never from
// the command line: every process of the machine may read that.
#ifndef VESTO_CLI_ASK_SECRET_H_
#define VESTO_CLI_ASK_SECRET_H_

#include <string>

#include "base/redact.h"
#include "base/result.h"

namespace vesto::cli {

// file: "" or "-" for stdin; a terminal there is asked twice, without echo. One line end at the end
// is dropped, as for { file = }. A value that is too large comes back with a byte too many, for the
// store to refuse. Errors: CFG-SECRET-MISSING (not readable), CFG-VALUE (a NUL byte), USAGE (the
// two entries differ, or are longer than a terminal takes).
Result<Secret> ask_secret(const std::string& file, const std::string& name);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ASK_SECRET_H_
