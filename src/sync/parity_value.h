// When a value of the source and one of the warehouse are the same, by the map of docs/types.md.
// The source's text is what it prints into the CSV, the warehouse's what a session of parity_sql.h
// prints. Both are brought into one form, and only that form is compared. Pure; any thread.
#ifndef VESTO_SYNC_PARITY_VALUE_H_
#define VESTO_SYNC_PARITY_VALUE_H_

#include <optional>
#include <string>
#include <string_view>

#include "schema/table.h"

namespace vesto {

using ValueText = std::optional<std::string_view>;  // nothing: NULL

bool same_value(const Column& column, ValueText source, ValueText warehouse);

// The one form of a value of this type: equal exactly where the values are. What cannot be read as
// one of the type is its own text, behind a byte that no form begins with.
std::string canonical_value(const ColumnType& type, std::string_view text);

// A decimal number of any length, with or without an exponent, as "-<digits>e<exponent>" without
// zeros at either end, or "0"; "NaN", "Infinity" and "-Infinity" as they are. Nothing: no number,
// or an exponent beyond 18 digits.
std::optional<std::string> canonical_number(std::string_view text);
// JSON with its members in the order of their names, of those of one name the last (as SUPER is
// taken to keep it), numbers canonical, strings without needless escapes. Nothing: no JSON, or
// nested deeper than SUPER allows.
std::optional<std::string> canonical_json(std::string_view text);

}  // namespace vesto

#endif  // VESTO_SYNC_PARITY_VALUE_H_
