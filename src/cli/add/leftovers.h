// What a destination that is gone leaves at AWS and in Redshift. Pure; any thread.
#ifndef VESTO_CLI_ADD_LEFTOVERS_H_
#define VESTO_CLI_ADD_LEFTOVERS_H_

#include <string>
#include <vector>

#include "config/config.h"

namespace vesto::cli {

// Lines to run, in their order; not for what others use too. What only its owner can judge is a
// comment.
struct Leftovers {
  std::vector<std::string> aws;
  std::vector<std::string> redshift;
};
// config: without this destination.
Leftovers leftovers_of(const Config& config, const DestinationConfig& gone);
// Of its bucket alone.
Leftovers bucket_leftovers_of(const Config& config, const DestinationConfig& gone);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_LEFTOVERS_H_
