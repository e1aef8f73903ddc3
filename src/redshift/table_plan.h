// What has to be done so that a target table can take a stream: CREATE TABLE, ADD COLUMN, widen.
// Pure; any thread.
//
// Nothing that a user built is dropped or changed: columns are added, texts are made wider, and
// what does not fit is an error (RS-TABLE-DIFFERS) that names the column.
#ifndef VESTO_REDSHIFT_TABLE_PLAN_H_
#define VESTO_REDSHIFT_TABLE_PLAN_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "redshift/catalog.h"
#include "redshift/load.h"
#include "redshift/sql.h"

namespace vesto {

struct TablePlan {
  std::vector<std::string> statements;  // in order, each outside a transaction and repeatable
  CatalogTable after;                   // what the catalogue shows then
};

// `existing`: nullptr if there is no such table.
Result<TablePlan> plan_table(const StreamLoad& stream, const CatalogTable* existing);

// The type of a new column: text and binary of unknown length by size class, never below 1,024
// bytes and never below what was measured.
ColumnType created_type(const StreamLoad& stream, size_t column);

// Keys of a table that Vesto makes: the first key column of a type that never has to be widened;
// otherwise even distribution and the first column of such a type as sort key.
sql::TableKeys choose_keys(const StreamSchema& schema);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_TABLE_PLAN_H_
