// The statements that load one stream, as texts. The loader executes them, explain() prints them.
// Pure; any thread.
#ifndef VESTO_REDSHIFT_STREAM_TEXTS_H_
#define VESTO_REDSHIFT_STREAM_TEXTS_H_

#include <string>
#include <vector>

#include "redshift/catalog.h"
#include "redshift/load.h"
#include "redshift/sql.h"

namespace vesto {

struct StreamTexts {
  // The tables, quoted, and the columns that the rows of the side door go into. Their INSERTs are
  // made one at a time as they are sent (sql::insert_side_rows).
  std::string target;
  std::string stage;
  std::vector<sql::ColumnDdl> columns;
  std::vector<sql::KeyColumn> key;

  std::string is_empty;  // a row: the target has rows
  // Straight into the target: append, replace, and upsert where the target is empty.
  std::string delete_all;
  std::string delete_window;  // "": no window
  // By way of a staging table; "" without a key.
  std::string create_stage;
  // The merge: by DELETE and INSERT; or, where the target has columns that are not the stream's, by
  // UPDATE and INSERT of what is not there, so that these keep their values.
  bool keeps_columns = false;
  std::string take_matching;  // DELETE or UPDATE
  std::string insert;
};

// `table`: the target as it stands. `number`: of the stream in the transaction, from 1.
// Errors: RS-TABLE-DIFFERS if a column of the stream is not in the table, or the window's column
// cannot be compared there.
Result<StreamTexts> stream_texts(const StreamLoad& stream, const CatalogTable& table,
                                 size_t number);

// What COPY reads: the stream's manifest, by `access`. Of `target` bucket and region, of `stream`
// manifest_key, null_marker and zstd; secrets are placeholders in the statement.
sql::CopySource copy_source(const LoadTarget& target, const CopyAccess& access,
                            const StreamLoad& stream);

// COPY of the stream's files into `into` (texts.target or texts.stage). Made when it is sent, since
// its keys are asked for then; `access`' secrets go in as placeholders.
std::string copy_text(const LoadTarget& target, const CopyAccess& access, const StreamLoad& stream,
                      const StreamTexts& texts, const std::string& into);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_STREAM_TEXTS_H_
