// The tree as structures, and what values must mean together: names that are defined, endpoints
// that can be read, targets that no other sync has. Wrong types were reported by lint() before and
// are passed over here.
#ifndef VESTO_CONFIG_BUILD_H_
#define VESTO_CONFIG_BUILD_H_

#include <vector>

#include "config/config.h"

namespace vesto {

Config build_config(const TomlValue& tree, std::vector<ConfigIssue>* issues);

// Across objects: references, duplicate targets, sync names that share a state table.
void check_config(const Config& config, std::vector<ConfigIssue>* issues);

}  // namespace vesto

#endif  // VESTO_CONFIG_BUILD_H_
