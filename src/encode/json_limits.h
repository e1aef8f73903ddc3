// Whether a JSON text fits a SUPER value. Pure; any thread.
#ifndef VESTO_ENCODE_JSON_LIMITS_H_
#define VESTO_ENCODE_JSON_LIMITS_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace vesto {

// limitations-super: a string of at most 65,535 bytes (16,000,000 only where a database has opted
// in), 1,000 levels, 16 MB in all.
struct SuperLimits {
  size_t string_bytes = 65535;
  size_t depth = 1000;
  size_t value_bytes = 16'000'000;
  // What becomes of numbers with more digits than a DECIMAL has is not known (r_SUPER_type).
  size_t number_digits = 38;
};

// False where no number of more than `digits` digits can stand: a look at every digits-th byte.
bool may_hold_long_number(std::string_view bytes, size_t digits);

// "" if it fits, else the reason: "a string of 70,000 bytes (65,535 at most)". Names of members
// count as strings. Takes the text for valid JSON; on other bytes the answer means nothing.
std::string exceeds_super(std::string_view json, const SuperLimits& limits);

}  // namespace vesto

#endif  // VESTO_ENCODE_JSON_LIMITS_H_
