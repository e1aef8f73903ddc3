// What the kit of a draft may have made, whether somebody has run it or not. Pure; any thread.
#ifndef VESTO_CLI_ADD_DRAFT_LEFTOVERS_H_
#define VESTO_CLI_ADD_DRAFT_LEFTOVERS_H_

#include "cli/add/answers.h"
#include "cli/add/leftovers.h"

namespace vesto::cli {

// As the parts of the kit that the draft has: all of them, or those of its warehouse and bucket.
Leftovers leftovers_of_draft(const Config& config, Answers draft);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_DRAFT_LEFTOVERS_H_
