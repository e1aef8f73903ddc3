// What a person selects in the source's own SQL: a query in the place of a table, a condition that
// rows must meet; and rows by their keys. Inside source/postgres only.
//
// Such texts come from the configuration and stand inside Vesto's own statements. Each is first
// shown to the server by itself (PgConnection::describe), so that one that is not complete in
// itself cannot change what stands around it. The session is read-only in any case.
#ifndef VESTO_SOURCE_POSTGRES_SELECTION_H_
#define VESTO_SOURCE_POSTGRES_SELECTION_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pg/connection.h"
#include "source/postgres/catalog.h"
#include "source/postgres/columns.h"
#include "source/source.h"

namespace vesto {

// pg_class has no such kind.
inline constexpr char kQueryRelation = 'q';

// "(\nSELECT ...\n) AS vesto_query", as it stands behind FROM. A comment at the end of the query
// must not swallow the bracket.
std::string query_from(std::string_view query);

// The query as if it were a table called `name`: its columns, no key. What it reads stays locked.
// Errors: CFG-VALUE (it is not one SELECT, or two of its columns have one name), PG-NO-TABLE,
// PG-NO-COLUMN, PG-PRIV, PG-READ.
Result<TableInfo> describe_query(PgConnection& connection, std::string_view name,
                                 std::string_view query);

// Whether `filter` is a condition over `from`. Errors: as above.
Status check_filter(PgConnection& connection, std::string_view from, std::string_view filter);
// "(\nfilter\n)"
std::string filter_condition(std::string_view filter);

// Rows whose key is one of `keys`, each the texts of the key columns as the stream prints them.
// Errors: CFG-VALUE if a key has another number of columns, or none is given.
Result<std::string> keys_condition(const StreamColumns& columns,
                                   const std::vector<std::vector<std::string>>& keys);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_SELECTION_H_
