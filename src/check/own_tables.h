// Tables of Vesto's own that were changed by hand: a run fails at them with the same codes.
#ifndef VESTO_CHECK_OWN_TABLES_H_
#define VESTO_CHECK_OWN_TABLES_H_

#include <optional>

#include "check/loaded_tables.h"

namespace vesto::check {

// What is wrong with them; nothing where they are whole, or not there yet.
Result<std::optional<CheckAnswer>> own_tables_changed(State& state, const CheckLimits& limits,
                                                      const Loaded& loaded);

}  // namespace vesto::check

#endif  // VESTO_CHECK_OWN_TABLES_H_
