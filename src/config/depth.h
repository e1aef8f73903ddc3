// How deep a TOML text nests, found without recursion: toml++ 3.3 calls itself for every level of a
// dotted key (a.a.a...), so a deep one would overflow the stack.
#ifndef VESTO_CONFIG_DEPTH_H_
#define VESTO_CONFIG_DEPTH_H_

#include <optional>
#include <string_view>

namespace vesto {

constexpr int kMaxTomlDepth = 16;  // brackets within brackets; parts of one key

struct TextPlace {
  int line = 1;
  int column = 1;
};

// The first place beyond kMaxTomlDepth, or nothing. Right for every text up to the point where it
// stops being TOML; a parser stops there too.
std::optional<TextPlace> find_too_deep(std::string_view text);

}  // namespace vesto

#endif  // VESTO_CONFIG_DEPTH_H_
