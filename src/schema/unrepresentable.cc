#include "schema/unrepresentable.h"

namespace vesto {

Unrepresentable unrepresentable_named(std::string_view word) {
  if (word == "stop") return Unrepresentable::kStop;
  if (word == "null") return Unrepresentable::kNull;
  if (word == "text") return Unrepresentable::kText;
  return Unrepresentable::kReject;
}

std::string null_in_key_text(std::string_view column) {
  return std::string(column) +
         " is in the key, and a key may not be NULL: a row with NULL there would be a new one in "
         "each run (on_unrepresentable)";
}

std::string null_in_key_hint() { return "Use reject, stop or text for it."; }

}  // namespace vesto
