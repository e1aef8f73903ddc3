// The questions of `destination add`, section by section. What is known is not asked.
// Thread rule: one thread.
#ifndef VESTO_CLI_ADD_QUESTIONS_H_
#define VESTO_CLI_ADD_QUESTIONS_H_

#include <functional>

#include "cli/add/answers.h"
#include "cli/add/dialogue.h"
#include "cli/commands.h"

namespace vesto::cli {

struct Questioning {
  const Context* context = nullptr;
  const Config* config = nullptr;  // as it is, for the addresses that others see us come from
  Answers* answers = nullptr;
  std::function<Status()> save = {};  // called after each answer
};

// True: every question has its answer. False: dialogue->left() or failure(). Errors: those of the
// answers, of the sealed store, and of save().
bool ask_all(const Questioning& what, Dialogue* dialogue);

// The line for authorized_keys with Vesto's own key for this tunnel, which is made where there is
// none. Errors: of the sealed store.
Result<std::string> tunnel_line(const Context& context, const Config& config,
                                const Answers& answers);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_QUESTIONS_H_
