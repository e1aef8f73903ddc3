// The commands. Each prints its result and returns the exit code (exit_codes.h).
// stdout is data, stderr is for people.
#ifndef VESTO_CLI_COMMANDS_H_
#define VESTO_CLI_COMMANDS_H_

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "config/config.h"
#include "store/store.h"

namespace vesto::cli {

// What every command has at hand.
struct Context {
  Options options;
  Terminal terminal;
  Clock* clock = nullptr;
};

int cmd_overview(const Context& context);
int cmd_init(const Context& context);
int cmd_config_check(const Context& context);
int cmd_config_show(const Context& context);
int cmd_source_test(const Context& context);
int cmd_source_tables(const Context& context);
int cmd_destination_endpoint(const Context& context);
int cmd_destination_list(const Context& context);
int cmd_destination_show(const Context& context);
int cmd_plan(const Context& context);
int cmd_run(const Context& context);
int cmd_parity(const Context& context);
int cmd_rejected(const Context& context);
int cmd_secret_set(const Context& context);
int cmd_secret_list(const Context& context);
int cmd_secret_remove(const Context& context);
int cmd_secret_rotate_key(const Context& context);
int cmd_identity_show(const Context& context);
int cmd_destination_test(const Context& context);
int cmd_doctor(const Context& context);
int cmd_destination_kit(const Context& context);
int cmd_destination_add(const Context& context);
int cmd_destination_remove(const Context& context);
int cmd_ssh_key(const Context& context);
int cmd_status(const Context& context);
int cmd_history(const Context& context);
int cmd_show(const Context& context);
int cmd_help(const Context& context);
int cmd_version(const Context& context);

// --- shared by the commands ---

// Prints the error in the shape of terminal.h (with --json also as {"error":...} on stdout) and
// returns its exit code.
int fail(const Context& context, const Error& error);

// stdout could not be written: says so on stderr and returns `code`, or 3 if that was 0.
int report_lost_output(int code);

// --config, VESTO_CONFIG, or ./vesto.toml.
std::vector<std::string> config_files(const Options& options);
// --data, VESTO_DATA, or .vesto next to the first configuration file.
std::string data_dir(const Options& options);

// The sealed store of the data directory. Looks at nothing yet.
SealedStore sealed_store(const Context& context);

// The configuration without issues; sets up the log by it. Prints every issue on stderr otherwise
// and gives nothing.
std::optional<Config> load_or_print(const Context& context);
// The same; an empty one where there is no file yet, but a draft: of the command line's name, or
// any for a command without one.
std::optional<Config> load_or_drafts(const Context& context);
// What the configuration and the flags say of the log.
void set_up_log(const Context& context, const Config& config);
// The destination of the command line. Errors: CFG-NO-OBJECT, with those that there are; CFG-DRAFT
// with what it lacks.
Result<const DestinationConfig*> named_destination(const Context& context, const Config& config);
// The key of [identity.google]; empty where its source is no key file. Errors: of resolve_secret().
Result<Secret> google_key(const Context& context, const Config& config);
std::string issues_text(const std::vector<ConfigIssue>& issues);

// The store for commands that only look: nothing if nobody has made one yet.
Result<std::unique_ptr<Store>> open_store_if_there(const Context& context);

}  // namespace vesto::cli

#endif  // VESTO_CLI_COMMANDS_H_
