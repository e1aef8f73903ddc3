#include "check/clock_check.h"

#include <fmt/format.h>

#include <cstdlib>

#include "base/time_text.h"
#include "check/answers.h"

namespace vesto::check {

Result<std::optional<int64_t>> clock_ahead_ms(HttpTransport& http, Clock& clock,
                                              const std::string& url, const std::stop_token& stop) {
  const int64_t sent_ms = clock.wall_ms();
  VESTO_ASSIGN(const HttpResponse answer, http.send({.method = "HEAD", .url = url}, stop));
  const int64_t middle_ms = sent_ms + (clock.wall_ms() - sent_ms) / 2;
  const std::optional<int64_t> date_ms = parse_http_date(answer.header("date"));
  if (!date_ms) return std::optional<int64_t>();
  constexpr int64_t kHalfSecondMs = 500;  // Date has whole seconds, cut off
  return std::optional<int64_t>(middle_ms - *date_ms - kHalfSecondMs);
}

CheckAnswer clock_answer(int64_t ahead_ms) {
  const int64_t off_ms = std::abs(ahead_ms);
  const int64_t off_s = (off_ms + 500) / 1000;
  const char* const side = ahead_ms < 0 ? "behind" : "ahead of";
  CheckAnswer answer = passed({{"offset", fmt::format("{}{} s", ahead_ms < 0 ? "-" : "", off_s)}});
  if (off_ms <= kClockWarnMs) return answer;
  answer.status = off_ms > kClockFailMs ? CheckStatus::kFailed : CheckStatus::kWarning;
  answer.error = Error(ErrorCode::kSysClockSkew,
                       fmt::format("this machine's clock is {} s {} that of AWS", off_s, side));
  return answer;
}

}  // namespace vesto::check
