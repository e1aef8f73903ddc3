// This machine's clock against AWS's: signatures and tokens are refused where they differ.
// Source: RFC 9110 6.6.1 (Date), Amazon S3 (RequestTimeTooSkewed beyond 15 minutes).
#ifndef VESTO_CHECK_CLOCK_CHECK_H_
#define VESTO_CHECK_CLOCK_CHECK_H_

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "check/check.h"
#include "net/http.h"

namespace vesto::check {

inline constexpr int64_t kClockWarnMs = 60'000;
inline constexpr int64_t kClockFailMs = 300'000;

// How far `clock` is ahead of the server's (less than 0: behind), in ms, to about a second: by the
// Date header of its answer to one HEAD, whatever its status is. Nothing where the answer has none.
// Errors: those of HttpTransport::send(). In the calling thread.
Result<std::optional<int64_t>> clock_ahead_ms(HttpTransport& http, Clock& clock,
                                              const std::string& url, const std::stop_token& stop);

// A warning beyond kClockWarnMs, a failure beyond kClockFailMs. Pure.
CheckAnswer clock_answer(int64_t ahead_ms);

}  // namespace vesto::check

#endif  // VESTO_CHECK_CLOCK_CHECK_H_
