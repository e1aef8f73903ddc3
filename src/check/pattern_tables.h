// What patterns of syncs stand for, as far as it matters to a destination: where its schema holds
// tables that they may mean, the source is asked.
#ifndef VESTO_CHECK_PATTERN_TABLES_H_
#define VESTO_CHECK_PATTERN_TABLES_H_

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "check/loaded_tables.h"

namespace vesto::check {

struct Meant {
  // In the schema, and of syncs whose source could not be asked: a pattern may stand for them.
  std::set<std::string> perhaps;
  std::vector<Evidence> not_asked;  // those sources, and why
  bool cut = false;                 // not all of the schema was looked at
};

// Adds to `loaded` what the next run would load by a pattern for the first time, and takes those
// patterns out of it whose source was asked. Errors: of the warehouse; a source that does not
// answer is none.
Result<Meant> meant_by_patterns(State& state, const CheckLimits& limits, Loaded* loaded);

}  // namespace vesto::check

#endif  // VESTO_CHECK_PATTERN_TABLES_H_
