// The policies of on_unrepresentable by their words, and the one rule about NULL and keys. Pure.
#ifndef VESTO_SCHEMA_UNREPRESENTABLE_H_
#define VESTO_SCHEMA_UNREPRESENTABLE_H_

#include <string>
#include <string_view>

#include "schema/table.h"

namespace vesto {

// "stop", "null", "text"; any other word is "reject".
Unrepresentable unrepresentable_named(std::string_view word);

// A NULL in a key would match nothing, and the row would be a new one in each run. Whoever comes to
// know a column of a key asks: the configuration for the keys that it names, the plan for those of
// the source, and the guard before it puts a NULL into a row.
constexpr bool puts_null_into_key(Unrepresentable policy, bool in_key) {
  return policy == Unrepresentable::kNull && in_key;
}
// What is said of it, as CFG-VALUE; `column` as the rest of the message shows names.
std::string null_in_key_text(std::string_view column);
std::string null_in_key_hint();

}  // namespace vesto

#endif  // VESTO_SCHEMA_UNREPRESENTABLE_H_
