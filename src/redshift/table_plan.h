// What has to be done so that a target table can take a stream: CREATE TABLE, ADD COLUMN, widen,
// and where a person allows it, a column made anew with another type. Pure; any thread.
//
// Nothing that a user built is dropped or changed: columns are added, texts are made wider, and
// what does not fit is an error (RS-TABLE-DIFFERS) that names the column.
#ifndef VESTO_REDSHIFT_TABLE_PLAN_H_
#define VESTO_REDSHIFT_TABLE_PLAN_H_

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "redshift/catalog.h"
#include "redshift/load.h"
#include "redshift/sql.h"

namespace vesto {

// One statement outside a transaction, which may be sent again.
struct TableStep {
  std::string sql;
  std::string column;  // that it alters; "": none
};

// A column whose values are cast into a new one that takes its name. One transaction, repeatable:
// it leaves the column as it was, or done.
struct ColumnRewrite {
  std::string column;
  std::string from_text;  // the type as it is
  ColumnType to;
  std::array<std::string, 4> statements;  // ADD, UPDATE, DROP, RENAME
};

struct TablePlan {
  std::vector<TableStep> steps;  // in order
  std::vector<ColumnRewrite> rewrites;
  CatalogTable after;   // what the catalogue shows then; the order of columns does not count
  sql::TableKeys keys;  // of a table that is made

  [[nodiscard]] bool empty() const { return steps.empty() && rewrites.empty(); }
  // All statements, as they are sent.
  [[nodiscard]] std::vector<std::string> texts() const;
};

// `existing`: nullptr if there is no such table.
Result<TablePlan> plan_table(const StreamLoad& stream, const CatalogTable* existing);

// The type of a new column: text and binary of unknown length by size class, never below 1,024
// bytes and never below what was measured.
ColumnType created_type(const StreamLoad& stream, size_t column);

// The window's column can be compared with its literal as it stands in the table. Errors:
// RS-TABLE-DIFFERS (a number or time that lies in a text column: comparing texts would delete the
// wrong rows), SRC-VALUE.
Status check_window(const StreamLoad& stream, const CatalogTable& table);

// What is said where the type of a column does not fit; `why_not`: why it cannot be made anew, "".
Error type_differs(const StreamLoad& stream, const CatalogColumn& there, size_t column,
                   std::string_view why_not);
// RS-KEY-COLUMN with the statements that end it; both where `is` does not say which key it is.
// A view, or whatever else is no table, has the name that a table is to have.
Error no_table(const TargetName& name);
Error key_column(const TargetName& table, const CatalogColumn& is);
// RS-VIEW-DEP; `views`: "schema.view", may be empty.
Error view_dep(const TargetName& table, const std::string& column,
               const std::vector<std::string>& views);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_TABLE_PLAN_H_
