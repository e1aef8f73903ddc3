// RS-TABLE-FOREIGN of redshift.owner: tables whose rows no sync of the configuration delivered. A
// run stops at the first row of one (check_target() in redshift/prepare.cc).
#ifndef VESTO_CHECK_FOREIGN_ROWS_H_
#define VESTO_CHECK_FOREIGN_ROWS_H_

#include <set>
#include <string>
#include <vector>

#include "check/loaded_tables.h"
#include "sync/former_syncs.h"

namespace vesto::check {

inline constexpr size_t kMaxTablesLookedInto = 200;  // for rows, in one statement

struct WithRows {
  std::vector<std::string> tables;  // sorted
  bool cut = false;                 // there are more than were looked into
};
// Those of `asked` that are there, may be read and hold a row.
Result<WithRows> tables_with_rows(State& state, const CheckLimits& limits,
                                  const std::set<std::string>& asked);

// Targets that Vesto has not filled, and whose rows would be merged into or replaced.
Result<WithRows> filled_by_others(State& state, const CheckLimits& limits, const Loaded& loaded);

// Syncs that the configuration does not have and that delivered into one of these tables. Their
// names go into State::seen.
std::vector<FormerSync> former_syncs_of(State& state, const CheckLimits& limits,
                                        const std::vector<std::string>& asked);

// Names the settings that name these tables; a bounded number of them.
void say_places(const Loaded& loaded, const std::vector<std::string>& tables, Error* error);

Error filled_error(State& state, const CheckLimits& limits, const Loaded& loaded,
                   const std::vector<std::string>& tables);

}  // namespace vesto::check

#endif  // VESTO_CHECK_FOREIGN_ROWS_H_
