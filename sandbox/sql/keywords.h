// Redshift's reserved words, and where its list differs from PostgreSQL's. Pure; any thread.
// Source: AWS "Reserved words".
#ifndef VESTO_SANDBOX_SQL_KEYWORDS_H_
#define VESTO_SANDBOX_SQL_KEYWORDS_H_

#include <string_view>

namespace vesto::sandbox {

// `word` in lower case. May it not stand unquoted as the name of a table or column?
bool is_reserved(std::string_view word);

// Reserved in Redshift, but a plain name for PostgreSQL and without a part in any expression: an
// unquoted use as a name has to be refused by hand.
bool is_reserved_only_by_redshift(std::string_view word);

// A plain name for Redshift, but a word of PostgreSQL's grammar: to be quoted on the way.
bool is_keyword_only_of_postgres(std::string_view word);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_KEYWORDS_H_
