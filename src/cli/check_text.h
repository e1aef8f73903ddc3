// Checks as people read them.
#ifndef VESTO_CLI_CHECK_TEXT_H_
#define VESTO_CLI_CHECK_TEXT_H_

#include <string>
#include <vector>

#include "check/check.h"
#include "cli/terminal.h"

namespace vesto::cli {

// The mark before a check: kNone for one that said nothing of what it looks at.
Shape shape_of(CheckStatus status);
// "Network", for "network".
std::string group_title(const std::string& group);

// "whoever administers the network"
std::string who_acts(Blame blame);

// One line, and below one that failed or warns its error with what to do, and who must act.
std::string result_text(const Terminal& terminal, const CheckResult& result);
// One line each, without errors: the way to a server below an error that is shown already.
std::string result_lines(const Terminal& terminal, const std::vector<CheckResult>& results);

// "26 passed, 1 warning, 1 failed, 2 skipped, 1 not run in 6.2 s.": what is 0 is left out.
std::string counts_text(const CheckReport& report);

// 0; that of the first error that somebody must mend; 5 where all that failed may go by itself; 8
// for warnings where `strict`.
int checks_exit_code(const CheckReport& report, bool strict);

}  // namespace vesto::cli

#endif  // VESTO_CLI_CHECK_TEXT_H_
