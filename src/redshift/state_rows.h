// The statements by which a load leaves its positions in the state table: one place for the load,
// which sends them, and for explain(), which shows them. Pure; any thread. Not for other rooms.
#ifndef VESTO_REDSHIFT_STATE_ROWS_H_
#define VESTO_REDSHIFT_STATE_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "redshift/load.h"

namespace vesto {

// What all rows of a load have in common.
struct StateStamp {
  LoadId load;
  InstallationId writer;
  int64_t now_ms = 0;
};

// Takes one statement. moves: how many rows it must change, else the plan is void; 0: any number.
using TakeStateStatement = std::function<Status(const std::string& sql, size_t moves)>;

// Where StreamLoad::kept_position is known it is moved, and all others are written anew. Statements
// are made one by one, each below Redshift's limit. Errors: those of `take`.
Status each_state_statement(const TargetName& state, const std::vector<const StreamLoad*>& streams,
                            const StateStamp& stamp, const TakeStateStatement& take);

}  // namespace vesto

#endif  // VESTO_REDSHIFT_STATE_ROWS_H_
