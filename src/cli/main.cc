// The program `vesto`: reads the command line, runs one command, ends with its exit code.
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/hardening.h"
#include "cli/commands.h"
#include "cli/signals.h"

namespace {

using vesto::cli::Context;
using vesto::cli::Verb;

int run_command(const Context& context) {
  switch (context.options.verb) {
    case Verb::kOverview:
      return cmd_overview(context);
    case Verb::kInit:
      return cmd_init(context);
    case Verb::kConfigCheck:
      return cmd_config_check(context);
    case Verb::kConfigShow:
      return cmd_config_show(context);
    case Verb::kSourceTest:
      return cmd_source_test(context);
    case Verb::kSourceTables:
      return cmd_source_tables(context);
    case Verb::kDestinationEndpoint:
      return cmd_destination_endpoint(context);
    case Verb::kDestinationList:
      return cmd_destination_list(context);
    case Verb::kDestinationShow:
      return cmd_destination_show(context);
    case Verb::kSyncPlan:
      return cmd_plan(context);
    case Verb::kSyncRejected:
      return cmd_rejected(context);
    case Verb::kSyncParity:
      return cmd_parity(context);
    case Verb::kSecretSet:
      return cmd_secret_set(context);
    case Verb::kSecretList:
      return cmd_secret_list(context);
    case Verb::kSecretRemove:
      return cmd_secret_remove(context);
    case Verb::kSecretRotateKey:
      return cmd_secret_rotate_key(context);
    case Verb::kIdentityShow:
      return cmd_identity_show(context);
    case Verb::kDestinationTest:
      return cmd_destination_test(context);
    case Verb::kDoctor:
      return cmd_doctor(context);
    case Verb::kDestinationKit:
      return cmd_destination_kit(context);
    case Verb::kDestinationAdd:
      return cmd_destination_add(context);
    case Verb::kDestinationRemove:
      return cmd_destination_remove(context);
    case Verb::kSshKey:
      return cmd_ssh_key(context);
    case Verb::kRun:
      return cmd_run(context);
    case Verb::kStatus:
      return cmd_status(context);
    case Verb::kHistory:
      return cmd_history(context);
    case Verb::kShow:
      return cmd_show(context);
    case Verb::kHelp:
      return cmd_help(context);
    case Verb::kVersion:
      return cmd_version(context);
  }
  return 1;
}

// PGPASSFILE alone stays: it names a file of passwords, by host.
void forget_libpq_variables() {
  std::vector<std::string> names;
  for (char** at = environ; at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry = *at;
    const std::string_view name = entry.substr(0, entry.find('='));
    if (name.starts_with("PG") && name != "PGPASSFILE") names.emplace_back(name);
  }
  for (const std::string& name : names) ::unsetenv(name.c_str());  // NOLINT(concurrency-mt-unsafe)
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away, and a file that may not grow, are errors of the calls themselves.
  signal(SIGPIPE, SIG_IGN);
  signal(SIGXFSZ, SIG_IGN);
  // Where the system takes neither, a run is still worth more than none.
  (void)vesto::forbid_memory_dumps();
  // libpq reads settings of its own from there, among them the address that is dialled: only the
  // configuration says where a password goes.
  forget_libpq_variables();
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  vesto::cli::ParsedLine parsed = vesto::cli::parse_command_line(arguments);
  if (!parsed.options) {
    vesto::cli::write_out(parsed.out);
    vesto::cli::write_err(parsed.err);
    if (vesto::cli::out_error() == 0) return parsed.exit_code;
    return vesto::cli::report_lost_output(parsed.exit_code);
  }
  Context context;
  context.options = *std::move(parsed.options);
  context.terminal = vesto::cli::detect_terminal(context.options.no_color);
  context.clock = &vesto::system_clock();
  const Verb verb = context.options.verb;
  // Before any thread is made: threads inherit the mask.
  if (verb == Verb::kRun || verb == Verb::kSyncPlan || verb == Verb::kSyncParity) {
    vesto::cli::block_signals();
  }
  const int code = run_command(context);
  if (vesto::cli::out_error() == 0) return code;
  return vesto::cli::report_lost_output(code);
}
