#include "cli/exit_codes.h"

#include "sync/run_context.h"

namespace vesto::cli {

int exit_code_for(const Error& error) {
  if (error.code() == ErrorCode::kSysStoreBusy) return kExitBusy;
  return exit_code_of(error);
}

}  // namespace vesto::cli
