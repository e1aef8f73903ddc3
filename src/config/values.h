// Texts of the configuration that mean more than themselves. Pure; any thread.
#ifndef VESTO_CONFIG_VALUES_H_
#define VESTO_CONFIG_VALUES_H_

#include <cstdint>
#include <optional>
#include <string_view>

namespace vesto {

// "250ms", "30s", "10m", "6h", "2d": digits and one unit, at most 400 days.
std::optional<int64_t> parse_duration_ms(std::string_view text);

// Letters, digits, "_" and "-", 1 to 64 of them: names of sources, destinations and syncs.
bool good_object_name(std::string_view name);

// 3 to 63 lower-case letters, digits, "-" and "." (Amazon S3 user guide, bucket naming rules).
bool good_bucket_name(std::string_view name);

}  // namespace vesto

#endif  // VESTO_CONFIG_VALUES_H_
