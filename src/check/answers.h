// How a check answers.
#ifndef VESTO_CHECK_ANSWERS_H_
#define VESTO_CHECK_ANSWERS_H_

#include <string>
#include <utility>
#include <vector>

#include "check/check.h"

namespace vesto::check {

// Tables that one answer names; for the others stands "...".
inline constexpr size_t kMaxTablesNamed = 50;

inline CheckAnswer passed(std::vector<Evidence> evidence = {}) {
  return {.status = CheckStatus::kPassed, .evidence = std::move(evidence)};
}
inline CheckAnswer failed(Error error, std::optional<Fix> fix = std::nullopt) {
  return {.status = CheckStatus::kFailed, .error = std::move(error), .fix = std::move(fix)};
}
inline CheckAnswer warned(Error error, std::optional<Fix> fix = std::nullopt) {
  return {.status = CheckStatus::kWarning, .error = std::move(error), .fix = std::move(fix)};
}
inline CheckAnswer skipped(std::string reason) {
  return {.status = CheckStatus::kSkipped, .reason = std::move(reason)};
}
// A right is missing that is not needed.
inline CheckAnswer skipped_refused(std::string reason) {
  return {.status = CheckStatus::kSkipped, .reason = std::move(reason), .refused = true};
}

}  // namespace vesto::check

#endif  // VESTO_CHECK_ANSWERS_H_
