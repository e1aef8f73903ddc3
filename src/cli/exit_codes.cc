#include "cli/exit_codes.h"

#include "sync/run_context.h"

namespace vesto::cli {

int exit_code_for(const Error& error) { return exit_code_of(error); }

}  // namespace vesto::cli
