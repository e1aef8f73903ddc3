// Rows as INSERT statements: the side door, and rejected rows. Pure; any thread.
#ifndef VESTO_REDSHIFT_SQL_ROWS_H_
#define VESTO_REDSHIFT_SQL_ROWS_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "encode/diversion.h"
#include "redshift/sql.h"

namespace vesto::sql {

inline constexpr std::string_view kRejectedTable = "_vesto_rejected";
// A statement ends behind the row that reaches this; Redshift takes 16 MB of text and a row is at
// most a few MB.
inline constexpr size_t kInsertTextBytes = 1 << 20;

// One value as INSERT takes it for a column of this type: JSON_PARSE('...') for SUPER,
// FROM_HEX('...') for VARBYTE, else a plain literal, which Redshift casts as it stores it.
std::string insert_value(const ColumnType& type, std::string_view value);

// INSERTs with rows in them, made one at a time as they are sent: no more than one such text is in
// memory, and none is longer than kInsertTextBytes and one row. What it was made from must outlive
// it.
class InsertTexts {
 public:
  // `head`: "INSERT INTO t VALUES "; `row`: the text of one row, "(1, 'x')".
  InsertTexts(std::string head, size_t rows, std::function<std::string(size_t)> row)
      : head_(std::move(head)), rows_(rows), row_(std::move(row)) {}
  // The next statement; nothing after the last.
  std::optional<std::string> next();

 private:
  std::string head_;
  size_t rows_;
  std::function<std::string(size_t)> row_;
  size_t at_ = 0;
};

// INSERT INTO `table` (`columns`) VALUES ... `table` is already quoted. Every row has one value for
// each column.
InsertTexts insert_side_rows(std::string_view table, const std::vector<ColumnDdl>& columns,
                             const std::vector<SideRow>& rows);

// An INSERT of the two functions below and above without its rows, for what people look up later:
// values of tables belong into no log.
std::string without_values(std::string_view statement);

// What all rejected rows of one stream's load have in common.
struct RejectedLoad {
  std::string sync;
  std::string stream;
  LoadId load_id;
  RunId run;
  int64_t rejected_at_ms = 0;
};
std::string create_rejected_table(std::string_view schema);
// Blind INSERTs.
InsertTexts insert_rejected(std::string_view schema, const RejectedLoad& load,
                            const std::vector<RejectedRow>& rows);
// Columns: stream, load_id, run, row_key, column_name, reason, value, value_bytes, rejected_at;
// newest first, at most `limit`. `stream` "": all of the sync.
std::string select_rejected(std::string_view schema, std::string_view sync, std::string_view stream,
                            int limit);
// Takes what was kept of these keys off the list, up to this load. At most 1,000 keys a statement.
std::string delete_rejected(std::string_view schema, std::string_view sync, std::string_view stream,
                            std::string_view newest_load_id, const std::vector<std::string>& keys);

}  // namespace vesto::sql

#endif  // VESTO_REDSHIFT_SQL_ROWS_H_
