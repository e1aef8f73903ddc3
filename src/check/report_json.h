// vesto.check_report/1: a report as data. Fields are only ever added.
// Pure; any thread.
#ifndef VESTO_CHECK_REPORT_JSON_H_
#define VESTO_CHECK_REPORT_JSON_H_

#include <string>

#include "check/check.h"

namespace vesto {

// One object on one line, without a line end.
std::string report_json(const CheckReport& report);

}  // namespace vesto

#endif  // VESTO_CHECK_REPORT_JSON_H_
