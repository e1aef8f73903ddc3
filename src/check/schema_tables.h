// What stands in the destination's schema, and whose it is. For redshift.owner.
#ifndef VESTO_CHECK_SCHEMA_TABLES_H_
#define VESTO_CHECK_SCHEMA_TABLES_H_

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "check/destination_state.h"

namespace vesto::check {

inline constexpr size_t kMaxTablesSeen = 5'000;  // of other users, in the schema

// A table of somebody else in the destination's schema.
struct Foreign {
  std::string table;
  std::string owner;
  std::vector<std::string> missing;  // of what a run needs there
  bool may_update = true;            // which a merge needs where the table has columns of others
};

template <typename One>
struct Found {
  std::vector<One> all;
  bool cut = false;  // there are more
};

// `whose`: "<>" of others, "=" of the login. `condition`: SQL that narrows them, or "".
Result<Found<Foreign>> tables_with(State& state, const CheckLimits& limits, std::string_view whose,
                                   const std::set<std::string>& keep_positions,
                                   const std::string& condition);

// Views and what else no rows can be loaded into; their owner does not matter.
Result<Found<std::string>> no_tables(State& state, const CheckLimits& limits,
                                     const std::string& condition);

// As a run says it, of the first of them.
Error no_table_error(const State& state, const std::vector<std::string>& names);

// " AND tablename IN ('a', 'b')"
std::string in_list(std::string_view column, const std::set<std::string>& tables);

}  // namespace vesto::check

#endif  // VESTO_CHECK_SCHEMA_TABLES_H_
