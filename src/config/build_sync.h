// [sync.NAME] and its tables: what one setting says against another is said, with the way out.
// Pure; any thread.
#ifndef VESTO_CONFIG_BUILD_SYNC_H_
#define VESTO_CONFIG_BUILD_SYNC_H_

#include <vector>

#include "config/config.h"

namespace vesto {

SyncConfig build_sync(const TomlValue::Member& object, std::vector<ConfigIssue>* issues);

}  // namespace vesto

#endif  // VESTO_CONFIG_BUILD_SYNC_H_
