// Identifiers. Load ids and run ids are ULIDs (26 characters of Crockford's base 32: 48 bits of
// milliseconds, 80 random bits), so they sort by time.
#ifndef VESTO_BASE_IDS_H_
#define VESTO_BASE_IDS_H_

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace vesto {

// A string that cannot be mistaken for another kind of id.
template <typename Tag>
struct StrongId {
  std::string text;
  auto operator<=>(const StrongId&) const = default;
};

using LoadId = StrongId<struct LoadIdTag>;                  // "01J7X..."; "0" before the first load
using RunId = StrongId<struct RunIdTag>;                    // "run_01J7X..."
using SyncId = StrongId<struct SyncIdTag>;                  // 8 hex digits
using InstallationId = StrongId<struct InstallationIdTag>;  // 16 lower-case letters and digits

std::string make_ulid(int64_t wall_ms);
// Greater than `after`, the load id before it, also where the clock was set back meanwhile.
LoadId make_load_id(int64_t wall_ms, const LoadId& after);
RunId make_run_id(int64_t wall_ms);
// First 8 hex digits of SHA-256 of the lower-case name: a new machine finds its state again.
SyncId sync_id(std::string_view sync_name);
// `length` characters of a-z and 0-9 from the system's random generator.
std::string random_alphanumeric(size_t length);

}  // namespace vesto

#endif  // VESTO_BASE_IDS_H_
