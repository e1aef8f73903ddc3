// The position as it is committed with a stream: the source's own text, and what it describes. A
// window may only be added to a target that holds everything before it, so a position counts for
// the target table, the key and the selection (filter or query) that it was made with and for no
// other.
//
//   "v2 3f2a9c0d11e2b4a700000000 <the source's position>"
//
// Pure; any thread.
#ifndef VESTO_SYNC_POSITION_H_
#define VESTO_SYNC_POSITION_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

// 8 hex digits over the target table, 8 over the names of the key columns, in their order, and 8
// over the selection; 00000000 for "".
std::string stream_setup(std::string_view target_table, const std::vector<std::string>& key,
                         std::string_view selection);
// Whether two setups deliver into one table; false for "".
bool same_target(std::string_view setup, std::string_view other);

std::string committed_position(std::string_view setup, std::string_view source_position);

struct CommittedPosition {
  std::string setup;
  std::string source_position;
};
// Nothing for a text that committed_position() did not make.
std::optional<CommittedPosition> parse_committed_position(std::string_view text);

}  // namespace vesto

#endif  // VESTO_SYNC_POSITION_H_
