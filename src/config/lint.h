// Compares a tree with the table of settings: unknown and later keys, types, choices, secrets in
// clear, missing settings. Says nothing about what values mean together (build.h).
#ifndef VESTO_CONFIG_LINT_H_
#define VESTO_CONFIG_LINT_H_

#include <vector>

#include "config/tree.h"

namespace vesto {

void lint(const TomlValue& tree, std::vector<ConfigIssue>* issues);

}  // namespace vesto

#endif  // VESTO_CONFIG_LINT_H_
