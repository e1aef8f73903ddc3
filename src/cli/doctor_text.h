// What `vesto doctor` prints: a line for each target; those that are not well open up.
// Pure; any thread.
#ifndef VESTO_CLI_DOCTOR_TEXT_H_
#define VESTO_CLI_DOCTOR_TEXT_H_

#include <string>
#include <vector>

#include "check/check.h"
#include "cli/terminal.h"

namespace vesto::cli {

// The lines of the host and of the configuration: what was seen stands in them.
std::string host_lines(const Terminal& terminal, const CheckReport& report);
// "acme          ✕ 26 of 31: RS-PRIV-TEMP", and below it what failed or warns.
std::string target_lines(const Terminal& terminal, const CheckReport& report);
// "No problems found. 46 checks in 7.9 s."; else how many, where, and their codes.
std::string doctor_summary(const std::vector<CheckReport>& reports, int64_t duration_ms);

// vesto.doctor/1: one object on one line, without a line end.
std::string doctor_json(const std::vector<CheckReport>& reports, int64_t duration_ms);

// The exit code of all, by the rule of checks_exit_code().
int doctor_exit_code(const std::vector<CheckReport>& reports, bool strict);

}  // namespace vesto::cli

#endif  // VESTO_CLI_DOCTOR_TEXT_H_
