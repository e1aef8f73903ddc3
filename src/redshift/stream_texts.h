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
  std::string is_empty;  // a row: the target has rows
  // Straight into the target: replace, and upsert where the target is empty.
  std::string delete_all;
  std::string copy_target;
  std::vector<std::string> side_target;  // rows of the side door
  std::string target_duplicates;         // "" without a key
  std::string target_nulls;
  // By way of a staging table.
  std::string create_stage;
  std::string copy_stage;
  std::vector<std::string> side_stage;
  std::string stage_duplicates;
  std::string stage_nulls;
  std::string delete_matching;
  std::string insert;
};

// `table`: the target as it stands. `number`: of the stream in the transaction, from 1.
// Errors: RS-TABLE-DIFFERS if a column of the stream is not in the table.
Result<StreamTexts> stream_texts(const LoadTarget& target, const StreamLoad& stream,
                                 const CatalogTable& table, size_t number);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_STREAM_TEXTS_H_
