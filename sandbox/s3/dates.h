// Times as S3 writes and reads them. Milliseconds since 1970-01-01 UTC. Pure; any thread.
#ifndef VESTO_SANDBOX_S3_DATES_H_
#define VESTO_SANDBOX_S3_DATES_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vesto::sandbox {

std::optional<int64_t> parse_amz_time(std::string_view text);  // 20260102T030405Z
std::string format_amz_time(int64_t wall_ms);
std::optional<int64_t> parse_http_date(std::string_view text);  // Fri, 24 May 2013 00:00:00 GMT

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_S3_DATES_H_
