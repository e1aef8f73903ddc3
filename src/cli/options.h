// The command line as a plain structure. CLI11 stays behind parse.cc.
#ifndef VESTO_CLI_OPTIONS_H_
#define VESTO_CLI_OPTIONS_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace vesto::cli {

enum class Verb {
  kOverview,  // no command
  kInit,
  kConfigCheck,
  kConfigShow,
  kSourceTest,
  kSourceTables,
  kDestinationEndpoint,
  kDestinationList,
  kDestinationShow,
  kSyncPlan,
  kSyncRejected,
  kSyncParity,
  kSecretSet,
  kSecretList,
  kSecretRemove,
  kSecretRotateKey,
  kIdentityShow,
  kDestinationTest,
  kDoctor,
  kDestinationKit,
  kDestinationAdd,
  kDestinationRemove,
  kSshKey,
  kRun,
  kStatus,
  kHistory,
  kShow,
  kHelp,
  kVersion,
};

struct Options {
  Verb verb = Verb::kOverview;
  // --config, or VESTO_CONFIG (several separated by ":"); empty: ./vesto.toml
  std::vector<std::string> config_files;
  std::string data_dir;  // --data or VESTO_DATA; empty: .vesto next to the first configuration file
  bool json = false;
  bool quiet = false;
  bool verbose = false;
  bool no_color = false;
  bool no_progress = false;

  std::string name;                // SYNC, source, destination, secret, RUN or CODE
  std::vector<std::string> names;  // status SYNC..., destination endpoint TEXT...
  std::vector<std::string> tables;
  bool full_refresh = false;
  bool dry_run = false;
  bool replay = false;
  std::string from_file;  // secret set --from-file, destination add --from
  bool csv = false;
  bool sample = false;
  bool repair = false;
  bool sql = false;
  bool origin = false;
  bool show_tables = false;
  bool show_files = false;
  bool no_secrets = false;
  bool new_key = false;  // ssh-key --new
  std::string part;      // destination kit --part
  bool list = false;
  bool offline = false;
  std::vector<std::string> only;  // --only of a test; doctor CHECK...
  std::string wait;               // a duration; "" = the command's own
  bool strict = false;
  bool redact = false;  // of a test and doctor: no names
  // destination add: flag of add/flags.h without its dashes, and its value
  std::vector<std::pair<std::string, std::string>> given;
  bool draft = false;
  bool test_now = false;  // destination add --test
  bool no_test = false;
  bool yes = false;  // destination remove --yes
  bool secrets = false;
  int limit = 0;  // 0: the command's own
  bool errors_markdown = false;
  bool settings_markdown = false;
};

struct ParsedLine {
  std::optional<Options> options;  // nothing: print `out` and `err`, end with exit_code
  int exit_code = 0;
  std::string out;
  std::string err;
};

// arguments: without the program's name.
ParsedLine parse_command_line(const std::vector<std::string>& arguments);

}  // namespace vesto::cli

#endif  // VESTO_CLI_OPTIONS_H_
