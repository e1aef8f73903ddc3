// Destinations that are not complete yet: DATA/drafts/NAME.toml, mode 0600. No secret is in them.
// Thread rule: none of its own; other processes are kept out while one writes.
#ifndef VESTO_CLI_ADD_DRAFT_H_
#define VESTO_CLI_ADD_DRAFT_H_

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "cli/add/answers.h"

namespace vesto::cli {

constexpr size_t kMaxDraftBytes = 65'536;

std::string draft_path(const std::string& data_dir, const std::string& name);
// Names of those that there are, sorted; at most 1,000.
std::vector<std::string> draft_names(const std::string& data_dir);
// Nothing where there is none. Errors: SYS-STORE (not readable), CFG-SYNTAX, CFG-VALUE.
Result<std::optional<Answers>> read_draft(const std::string& data_dir, const std::string& name,
                                          const std::string& config_file);
// Errors: SYS-STORE, SYS-DISK, SYS-STORE-BUSY.
Status save_draft(const std::string& data_dir, const Answers& answers);
// No endpoint, but kind and region: the kit's part "warehouse" makes one, under its usual name
// where none is given.
bool can_make_warehouse(const Answers& draft);
// Nothing is missing but what the kit makes (an access key) or shows a place for (a password).
bool lacks_secrets_alone(const Answers& draft);
// Such a draft as the destination that it will be, with names of sealed secrets that need not be
// there. Errors: those of a configuration.
Result<DestinationConfig> destination_without_secrets(Answers draft);
// True: there was one.
bool remove_draft(const std::string& data_dir, const std::string& name);

// CFG-DRAFT, with what is missing, or why the draft cannot be read; nothing where no draft has this
// name.
std::optional<Error> draft_error(const std::string& data_dir, const std::string& name);

}  // namespace vesto::cli

#endif  // VESTO_CLI_ADD_DRAFT_H_
