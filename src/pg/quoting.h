// Quoting of names and texts for SQL. Pure; any thread.
//
// libpq's own escapers are not used: they ask a connection for standard_conforming_strings, which
// Redshift has not, and Redshift reads a backslash as an escape in every literal.
#ifndef VESTO_PG_QUOTING_H_
#define VESTO_PG_QUOTING_H_

#include <string>
#include <string_view>

namespace vesto {

// "order""s": always in quotes, quotes doubled. The same for PostgreSQL and Redshift.
std::string quote_identifier(std::string_view name);
// "schema"."table"
std::string quote_qualified(std::string_view schema, std::string_view name);

// A literal for PostgreSQL: right whatever standard_conforming_strings is (E'' where a backslash
// occurs).
std::string quote_pg_literal(std::string_view text);

// A literal for Redshift: quotes and backslashes doubled. For the sandbox too, which reads
// literals as Redshift does.
std::string quote_redshift_literal(std::string_view text);

}  // namespace vesto

#endif  // VESTO_PG_QUOTING_H_
