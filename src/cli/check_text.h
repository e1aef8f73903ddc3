// Checks as people and programs read them.
#ifndef VESTO_CLI_CHECK_TEXT_H_
#define VESTO_CLI_CHECK_TEXT_H_

#include <string>
#include <string_view>
#include <vector>

#include "cli/terminal.h"
#include "sync/reach_check.h"

namespace vesto::cli {

// One line a step.
std::string step_lines(const Terminal& terminal, const std::vector<CheckStep>& steps);

// One line a step, and below one that failed its error with what to do.
std::string checks_text(const Terminal& terminal, const std::vector<CheckStep>& steps);

// [{"id":"network.dns","title":...,"status":"passed","evidence":...,"duration_ms":1}, ...]
std::string steps_json(const std::vector<CheckStep>& steps);

// {"schema":"vesto.check_report/1","target":{"kind":...,"name":...},"ok":...,"checks":[...]}
std::string checks_json(std::string_view kind, std::string_view name,
                        const std::vector<CheckStep>& steps);

// 0, or that of the first error.
int checks_exit_code(const std::vector<CheckStep>& steps);

}  // namespace vesto::cli

#endif  // VESTO_CLI_CHECK_TEXT_H_
