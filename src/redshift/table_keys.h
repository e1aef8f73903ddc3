// How a table that Vesto makes lies on the nodes, and its columns' encodings. Pure; any thread.
#ifndef VESTO_REDSHIFT_TABLE_KEYS_H_
#define VESTO_REDSHIFT_TABLE_KEYS_H_

#include <map>
#include <string>

#include "base/result.h"
#include "redshift/load.h"
#include "redshift/sql.h"

namespace vesto {

// Keys of a table that Vesto makes: the first key column of a type that never has to be widened;
// otherwise even distribution and the first column of such a type as sort key.
sql::TableKeys choose_keys(const StreamSchema& schema);

// The same with what a person chose (StreamLoad::options) in its place. Errors: CFG-VALUE for a
// column that the stream has not, or whose type cannot be a key (r_CREATE_TABLE_NEW: not SUPER,
// VARBYTE, GEOMETRY, GEOGRAPHY), or for more than 400 sort keys.
Result<sql::TableKeys> table_keys(const StreamLoad& stream);

// Encodings by column, in lower case. Errors: CFG-VALUE for a column that the stream has not or a
// word that is no encoding. What a type does not take, Redshift itself refuses.
Result<std::map<std::string, std::string>> table_encodings(const StreamLoad& stream);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_TABLE_KEYS_H_
