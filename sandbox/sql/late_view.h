// CREATE VIEW ... WITH NO SCHEMA BINDING in PostgreSQL's terms.
//
// The view reads a function "rs_lbv_<view>" beside it that runs the query as text: so nothing
// depends on the tables, which can be dropped, altered and made anew under it. The columns are
// fixed when the view is made, so unlike in Redshift the tables have to be there by then. Both
// belong to the user who made them. Pure; internal to sandbox/sql. Source: AWS "CREATE VIEW".
#ifndef VESTO_SANDBOX_SQL_LATE_VIEW_H_
#define VESTO_SANDBOX_SQL_LATE_VIEW_H_

#include <string>
#include <vector>

#include "sandbox/sql/cursor.h"

namespace vesto::sandbox {

// One DO statement. `columns`: names for the view's columns, or empty; `query`: PostgreSQL's text.
// Raises 42P07 where a relation of that name is there and `replace` is not set.
std::string create_late_view_sql(const QualifiedName& name, bool replace,
                                 const std::vector<std::string>& columns, const std::string& query);

// After DROP VIEW: drops the function, if there is one and its view is gone.
std::string drop_late_view_sql(const QualifiedName& name);

}  // namespace vesto::sandbox

#endif  // VESTO_SANDBOX_SQL_LATE_VIEW_H_
