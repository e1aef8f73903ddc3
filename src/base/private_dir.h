// Directories that nobody else may look into, and what the system's own errors become.
// Any thread.
#ifndef VESTO_BASE_PRIVATE_DIR_H_
#define VESTO_BASE_PRIVATE_DIR_H_

#include <string>

#include "base/result.h"

namespace vesto {

// A call of the system failed with `code` (errno): SYS-DISK if there is no room, else SYS-STORE.
Error system_error(const std::string& what, int code);

// Makes the directory with mode 0700 (and those above it as usual), unless it is there.
// Errors: SYS-DISK, SYS-STORE.
Status make_private_dir(const std::string& dir);

}  // namespace vesto

#endif  // VESTO_BASE_PRIVATE_DIR_H_
