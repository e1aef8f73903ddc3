// Which columns a stream has, and how each is printed. Pure, given the catalogue's answer.
// Inside source/postgres only.
#ifndef VESTO_SOURCE_POSTGRES_COLUMNS_H_
#define VESTO_SOURCE_POSTGRES_COLUMNS_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "source/postgres/catalog.h"
#include "source/postgres/statement.h"
#include "source/source.h"

namespace vesto {

struct StreamColumns {
  StreamSchema schema;
  std::vector<ReadColumn> read;           // same order as schema.columns
  std::vector<const ColumnInfo*> source;  // same order; point into the TableInfo
  std::vector<std::string> notes;
  std::string
      no_key;  // why the table's own key is not one of the stream; "": it is, or it has none
};

// Applies exclude, the type map, key and cursor. Errors: PG-NO-COLUMN, PG-NO-KEY,
// CFG-VALUE.
Result<StreamColumns> choose_columns(const TableInfo& table, const StreamRequest& request);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_COLUMNS_H_
