// Files of secrets that everybody on this machine may read or change. Any thread.
#ifndef VESTO_CONFIG_OPEN_FILES_H_
#define VESTO_CONFIG_OPEN_FILES_H_

#include <vector>

#include "config/config.h"

namespace vesto {

// Warnings (CFG-VALUE), for each setting that names such a file; not of one on a mount that is
// read-only for us.
std::vector<ConfigIssue> open_secret_files(const Config& config);

}  // namespace vesto

#endif  // VESTO_CONFIG_OPEN_FILES_H_
