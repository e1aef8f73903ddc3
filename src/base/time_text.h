// Moments as other programs write them. Hostile input: whatever is no such time gives nothing.
// Sources: RFC 3339 (a part of ISO 8601), RFC 9110 5.6.7 (IMF-fixdate). Pure; any thread.
#ifndef VESTO_BASE_TIME_TEXT_H_
#define VESTO_BASE_TIME_TEXT_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace vesto {

// "2026-11-22T01:26:56.000Z", with or without a fraction, as milliseconds since 1970.
std::optional<int64_t> parse_iso8601_utc(std::string_view text);

// "Fri, 24 May 2013 00:00:00 GMT" (HTTP's Date) as milliseconds since 1970.
std::optional<int64_t> parse_http_date(std::string_view text);

}  // namespace vesto

#endif  // VESTO_BASE_TIME_TEXT_H_
