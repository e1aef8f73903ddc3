// What a run does about columns of the source that are not what they were at the last load. Pure;
// any thread.
#ifndef VESTO_SYNC_SCHEMA_CHANGES_H_
#define VESTO_SYNC_SCHEMA_CHANGES_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "sync/column_record.h"
#include "sync/run.h"

namespace vesto {

struct SchemaDecision {
  std::vector<std::string> leave_out;  // columns that are not delivered (on_new_column = "ignore")
  bool read_all = false;               // what lies before the window may be of other values now
  std::vector<std::string> notes;      // for the plan
  std::vector<std::string> warnings;   // what the run tells once
  std::optional<Error> error;          // PG-NEW-COLUMN
};

// What becomes of columns that came, went or have another name.
SchemaDecision decide_on_names(const TableSpec& spec, const ColumnChanges& changes);
// Adds what follows from `changes` for the values of columns that were delivered before. To be
// asked without the columns that are left out, since one of these may have taken a name.
void decide_on_values(const TableSpec& spec, const ColumnChanges& changes, SchemaDecision* out);

}  // namespace vesto

#endif  // VESTO_SYNC_SCHEMA_CHANGES_H_
