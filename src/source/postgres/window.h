// Which rows of a stream with a cursor a run reads, and where the stream stands then. Inside
// source/postgres only; cursor.h tells how windows are reckoned.
//
// Two rules. A window begins somewhat before the newest value that is committed and has no end:
// what it holds is merged by key, or replaces what the target has of it (append). A cursor that is
// immutable (StreamRequest::cursor_is_immutable) gives windows that meet: each ends where the
// oldest open transaction began, so no row can come into it later, and the next begins there.
#ifndef VESTO_SOURCE_POSTGRES_WINDOW_H_
#define VESTO_SOURCE_POSTGRES_WINDOW_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "source/postgres/catalog.h"
#include "source/postgres/columns.h"
#include "source/postgres/plan.h"
#include "source/source.h"

namespace vesto {

struct WindowPlan {
  std::string condition;  // "": all rows
  bool full = true;
  std::optional<ReadWindow> window;  // if not full
  std::string from_text;             // for people
  Position next;
  int64_t data_as_of_ms = 0;     // StreamPlan::data_as_of_ms
  bool commit_position = false;  // StreamPlan::commit_position
  std::vector<std::string> notes;
  std::vector<ReadWarning> warnings;
};

// `from`: what stands behind FROM, quoted. `columns` has a cursor.
// Errors: PG-TYPE, CFG-VALUE, CFG-MISSING, PG-PRIV (begins of transactions are hidden and the
// cursor is immutable), SRC-NULL-CURSOR, PG-READ.
Result<WindowPlan> plan_window(const PlanContext& context, const StreamRequest& request,
                               const TableInfo& table, const StreamColumns& columns,
                               const std::string& from);

}  // namespace vesto

#endif  // VESTO_SOURCE_POSTGRES_WINDOW_H_
