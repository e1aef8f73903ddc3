// The names that columns and tables have in Redshift: one rule (docs/names.md). It depends on the
// source's names alone, so any installation finds the same ones, and on no setting of the cluster:
// A-Z never occur in a name that Vesto makes, so enable_case_sensitive_identifier changes nothing.
// Pure; any thread.
#ifndef VESTO_SCHEMA_NAMES_H_
#define VESTO_SCHEMA_NAMES_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vesto {

// A-Z as a-z, all else as it is: what Redshift makes of a name, quoted or not (r_names).
std::string fold_name(std::string_view source_name);

// Names that Redshift keeps for its system columns (oid, ctid, xmin ...), already folded.
bool is_system_column_name(std::string_view folded_name);

// The names in Redshift of the columns of one table, in their order. source_names: as the source
// has them, all different. Each result is the folded name, or that and "~<mask>" where
// - it is the name of a system column,
// - another column folds to it too, and this one is not spelt in lower case, or
// - it ends like a name that has been made by this rule.
// mask: lower-case hexadecimal without leading zeros; bit i, counted from the lowest, is 1 where
// the i-th of the name's letters A-Z and a-z (counted from 0) is a capital. "0": none is.
// What is longer than 127 bytes then is the folded name cut at a character to at most 105 bytes,
// "~~", and 20 letters g-z: the first bytes of SHA-256 of the source's name, each modulo 20. None
// of them is a hexadecimal digit, so the two kinds of endings never meet.
// The results are all different, valid UTF-8 where the input is, and 127 bytes long at most.
std::vector<std::string> column_names(const std::vector<std::string>& source_names);

// The same for a table. Other tables do not matter: a new one must not change the name of one that
// is delivered already. Two that fold to one name need a target = "..." for one of them.
std::string target_table_name(std::string_view source_name);

// The way back. A name with a mask gives the source's name exactly. Any other is given back as it
// is: the source's column is the one that is spelt so, or else the only one that differs from it in
// the case of A-Z alone. Nothing: the name was cut (the state that Vesto keeps of each stream has
// the source's name beside it), or its mask is none that the rule gives.
std::optional<std::string> source_name_of(std::string_view name);

}  // namespace vesto

#endif  // VESTO_SCHEMA_NAMES_H_
