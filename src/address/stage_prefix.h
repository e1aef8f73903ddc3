// What may stand before the keys of staged objects.
#ifndef VESTO_ADDRESS_STAGE_PREFIX_H_
#define VESTO_ADDRESS_STAGE_PREFIX_H_

#include <string_view>

namespace vesto {

// Why `prefix` is none, as the rest of a sentence; "" if it is one. It holds A-Z a-z 0-9 . _ = -
// and single slashes, up to 512 bytes, no "." or ".." segment: so a key reads the same in a URL, a
// policy, a manifest and SQL. One slash at the end counts for nothing. Pure; any thread.
std::string_view stage_prefix_fault(std::string_view prefix);

}  // namespace vesto

#endif  // VESTO_ADDRESS_STAGE_PREFIX_H_
