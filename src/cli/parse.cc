// The only file that includes CLI11 (it costs 12 s of compile time).
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <map>
#include <memory>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/add/flags.h"
#include "cli/command_list.h"
#include "cli/environment.h"
#include "cli/exit_codes.h"
#include "cli/options.h"
#include "cli/terminal.h"
#include "kit/kit.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

constexpr const char* kAbout =
    "Vesto delivers data into Amazon Redshift: fast, exactly once, without silent changes.";
constexpr const char* kFooter =
    "First steps:  vesto init, vesto config check, vesto sync plan SYNC, vesto run SYNC\n"
    "Every global flag has an environment variable too: --config VESTO_CONFIG, --data VESTO_DATA,\n"
    "--json VESTO_JSON, --quiet VESTO_QUIET, --verbose VESTO_VERBOSE, --no-color VESTO_NO_COLOR\n"
    "(and NO_COLOR), --no-progress VESTO_NO_PROGRESS.\n"
    "Exit codes: 0 done, 1 internal, 2 usage, 3 configuration or store, 4 somebody must act,\n"
    "5 temporary, 6 partly done, 7 busy, 8 warnings (--strict), 130 and 143 interrupted.";

class Line {
 public:
  Line() : app_(kAbout, "vesto") {
    app_.footer(kFooter);
    app_.allow_extras();
    app_.fallthrough();
    app_.require_subcommand(0, 1);
    add_globals();
    add_run();
    add_looking();
    add_setup();
    add_help();
  }

  ParsedLine parse(const std::vector<std::string>& arguments) {
    ParsedLine parsed;
    json_ = asks_json(arguments);
    if (const std::string wrong = wrong_environment(); !wrong.empty()) return refuse(wrong);
    // CLI11 takes the arguments in reverse.
    std::vector<std::string> reversed(arguments.rbegin(), arguments.rend());
    try {
      app_.parse(std::move(reversed));
    } catch (const CLI::CallForHelp&) {
      const CLI::App* command = parsed_command();
      const bool top = command == &app_;
      parsed.out = command->help(top ? "" : full_name(command->get_parent()));
      return parsed;
    } catch (const CLI::CallForAllHelp&) {
      parsed.out = app_.help("", CLI::AppFormatMode::All);
      return parsed;
    } catch (const CLI::ParseError& error) {
      return refuse(error.what());
    }
    if (!unexpected().empty()) return refuse("");
    finish();
    if (const std::string wrong = command_as_value(); !wrong.empty()) return refuse(wrong);
    parsed.options = options_;
    return parsed;
  }

 private:
  void add_globals() {
    app_.add_option("--config", options_.config_files,
                    "Configuration file, also several times (default: ./vesto.toml and conf.d/)")
        ->type_name("FILE")
        ->allow_extra_args(false);
    app_.add_option("--data", options_.data_dir,
                    "Data directory (default: .vesto next to the configuration file)")
        ->type_name("DIR");
    app_.add_flag("--json", options_.json, "Print data as JSON")->envname("VESTO_JSON");
    app_.add_flag("-q,--quiet", options_.quiet, "Only errors")->envname("VESTO_QUIET");
    app_.add_flag("-v,--verbose", options_.verbose, "Log every step on stderr")
        ->envname("VESTO_VERBOSE");
    app_.add_flag("--no-color", options_.no_color, "No colours")->envname("VESTO_NO_COLOR");
    app_.add_flag("--no-progress", options_.no_progress, "No progress on stderr")
        ->envname("VESTO_NO_PROGRESS");
    app_.add_flag("--version", version_, "Print the version");
  }

  CLI::App* add(CLI::App* parent, const std::string& name, const char* about, Verb verb) {
    CLI::App* command = parent->add_subcommand(name, about);
    command->allow_extras();
    command->fallthrough();
    command->footer("Global flags: vesto --help");
    verbs_[command] = verb;
    return command;
  }

  CLI::App* add_group(const char* name, const char* about) {
    CLI::App* group = app_.add_subcommand(name, about);
    group->allow_extras();
    group->fallthrough();
    group->footer("Global flags: vesto --help");
    group->require_subcommand(1);
    return group;
  }

  void add_run() {
    CLI::App* run = add(&app_, "run", "Run a sync once", Verb::kRun);
    run->add_option("SYNC", options_.name, "Name of the sync")->required();
    add_choice(run);
    CLI::Option* dry_run =
        run->add_flag("--dry-run", options_.dry_run, "Only say what it would do (= sync plan)");
    run->add_flag("--sql", options_.sql, "With --dry-run: print the SQL")->needs(dry_run);
    CLI::App* sync = add_group("sync", "What a sync does");
    CLI::App* plan =
        add(sync, "plan", "Say what a run would do, and change nothing", Verb::kSyncPlan);
    plan->add_option("SYNC", options_.name, "Name of the sync")->required();
    add_choice(plan);
    plan->add_flag("--sql", options_.sql, "Print the SQL that would be sent, and nothing else");
    CLI::App* rejected = add(sync, "rejected", "Rows that were kept aside", Verb::kSyncRejected);
    rejected->add_option("SYNC", options_.name, "Name of the sync")->required();
    rejected->add_option("--table", options_.tables, "Only this table")->type_name("NAME");
    rejected->add_flag("--replay", options_.replay,
                       "Read these rows once more from the source and deliver them");
    rejected->add_flag("--csv", options_.csv, "Print all of them as CSV");
    rejected
        ->add_option("--limit", options_.limit, "How many (default 20; all with --csv and --json)")
        ->check(CLI::Range(1, 1'000'000));
    add_parity(sync);
  }

  void add_parity(CLI::App* sync) {
    CLI::App* parity =
        add(sync, "parity", "Deliver, and compare source and warehouse at one moment",
            Verb::kSyncParity);
    parity->add_option("SYNC", options_.name, "Name of the sync")->required();
    parity
        ->add_option("--table", options_.tables, "Only this table of the sync, also several times")
        ->type_name("NAME")
        ->allow_extra_args(false);
    parity->add_flag("--sample", options_.sample,
                     "Sums over all rows, single values of one row in 16");
    parity->add_flag("--repair", options_.repair,
                     "Deliver the rows that are missing or differ, and compare again");
  }

  void add_choice(CLI::App* command) {
    command
        ->add_option("--table", options_.tables, "Only this table of the sync, also several times")
        ->type_name("NAME")
        ->allow_extra_args(false);
    command->add_flag("--full-refresh", options_.full_refresh,
                      "Read everything again and replace what is there");
  }

  void add_looking() {
    CLI::App* status =
        add(&app_, "status", "Health of the syncs and age of their data", Verb::kStatus);
    status->add_option("SYNC", options_.names, "Only these syncs");
    CLI::App* history = add(&app_, "history", "Runs, the newest first", Verb::kHistory);
    history->add_option("SYNC", options_.name, "Only this sync");
    history->add_option("--limit", options_.limit, "How many (default 20)")
        ->check(CLI::Range(1, 10'000))
        ->type_name("N");
    CLI::App* show = add(&app_, "show", "One run: counts, errors, files, SQL", Verb::kShow);
    show->add_option("RUN", options_.name, "Id of the run, or its beginning")->required();
    show->add_flag("--tables", options_.show_tables, "Every table with its counts");
    show->add_flag("--files", options_.show_files, "Staged files");
    show->add_flag("--sql", options_.sql, "SQL that was sent (without secrets)");
  }

  void add_setup() {
    CLI::App* source = add_group("source", "The sources");
    CLI::App* test =
        add(source, "test", "Check all that the syncs need of a source", Verb::kSourceTest);
    test->add_option("NAME", options_.name, "Name of the source")->required();
    add_checks(test);
    CLI::App* tables = add(source, "tables", "Tables of a source", Verb::kSourceTables);
    tables->add_option("NAME", options_.name, "Name of the source")->required();
    add_destination();
    CLI::App* config = add_group("config", "The configuration");
    CLI::App* check =
        add(config, "check", "Check the configuration, secrets included", Verb::kConfigCheck);
    check->add_flag("--no-secrets", options_.no_secrets,
                    "Do not look whether secrets and CA files can be read");
    CLI::App* show = add(config, "show", "Every setting as it is understood (never a secret)",
                         Verb::kConfigShow);
    show->add_flag("--origin", options_.origin, "And where each came from");
    add(&app_, "init", "Write a commented vesto.toml", Verb::kInit);
    add_doctor();
    add_secret();
    CLI::App* identity = add_group("identity", "Who Vesto is towards AWS");
    add(identity, "show",
        "Who we are towards AWS, what goes into a trust policy, and how to get an identity",
        Verb::kIdentityShow)
        ->add_option("DESTINATION", options_.name,
                     "Name of the destination; all, in short, without");
  }

  void add_destination() {
    CLI::App* destination = add_group("destination", "The destinations");
    add(destination, "endpoint", "Say what a pasted endpoint means, and what must be asked",
        Verb::kDestinationEndpoint)
        ->add_option("TEXT", options_.names,
                     "The endpoint in any form, in quotes; - reads it from stdin")
        ->required();
    add(destination, "list", "The destinations of the configuration", Verb::kDestinationList);
    add(destination, "show", "One destination as it is understood; nothing is dialled",
        Verb::kDestinationShow)
        ->add_option("NAME", options_.name, "Name of the destination")
        ->required();
    CLI::App* test = add(destination, "test",
                         "Check all that a load needs, and load 40 values that are taken back",
                         Verb::kDestinationTest);
    test->add_option("NAME", options_.name, "Name of the destination")->required();
    add_checks(test);
    add_kit(destination);
    add_add(destination);
    CLI::App* key =
        add(&app_, "ssh-key", "Public key of an SSH tunnel, as the line for authorized_keys",
            Verb::kSshKey);
    key->add_option("NAME", options_.name, "destination.NAME or source.NAME")->required();
    key->add_flag("--new", options_.new_key, "Make another key; the one before is forgotten");
  }

  void add_kit(CLI::App* destination) {
    CLI::App* kit = add(destination, "kit",
                        "What each person has to run to set it up, with every value filled in",
                        Verb::kDestinationKit);
    kit->add_option("NAME", options_.name, "Name of the destination")->required();
    CLI::Option* part =
        kit->add_option("--part", options_.part, "Only this part, and nothing else: " + part_ids())
            ->type_name("ID");
    kit->add_flag("--list", options_.list, "The parts: for whom, and what is missing in them")
        ->excludes(part);
    kit->add_flag("--offline", options_.offline,
                  "Ask neither Google nor AWS for what is not known");
  }

  void add_add(CLI::App* destination) {
    CLI::App* one =
        add(destination, "add", "Add a destination: asks on a terminal for what no flag gives",
            Verb::kDestinationAdd);
    one->add_option("NAME", options_.name, "Its name")->required();
    for (const AddFlag& flag : add_flags()) {
      const std::string name(flag.name);
      one->add_option_function<std::string>(
             "--" + name,
             [this, name](const std::string& value) { options_.given.emplace_back(name, value); },
             std::string(flag.about))
          ->type_name(std::string(flag.type));
    }
    one->add_option("--from", options_.from_file, "Take [destination.NAME] of this file; flags win")
        ->type_name("FILE");
    CLI::Option* draft =
        one->add_flag("--draft", options_.draft, "Only keep what is given, for the next time");
    CLI::Option* test = one->add_flag("--test", options_.test_now, "Then test it")->excludes(draft);
    one->add_flag("--no-test", options_.no_test, "Do not test it, and do not ask")->excludes(test);
    one->add_option("--wait", options_.wait, "As for destination test")->type_name("DURATION");
    CLI::App* remove = add(destination, "remove", "Take a destination out of the configuration",
                           Verb::kDestinationRemove);
    remove->add_option("NAME", options_.name, "Its name")->required();
    remove->add_flag("--yes", options_.yes, "Do not ask");
    remove->add_flag("--secrets", options_.secrets,
                     "And remove the sealed secrets that only it used");
  }

  static std::string part_ids() {
    std::vector<std::string> ids;
    for (const KitPartName& name : kit_part_names()) ids.emplace_back(name.id);
    return join(ids, ", ");
  }

  void add_checks(CLI::App* test) {
    test->add_option("--only", options_.only, "Only these checks and what they need: net.tls,s3.*")
        ->delimiter(',')
        ->type_name("ID");
    test->add_flag("--list", options_.list, "Name the checks; nothing is asked");
    test->add_option("--wait", options_.wait,
                     "Repeat what AWS may not know yet for so long (15m; 0s: not at all)")
        ->type_name("DURATION");
    test->add_flag("--strict", options_.strict, "Warnings fail, too (exit code 8)");
    test->add_flag("--redact", options_.redact, "For a ticket: every name becomes a token");
  }

  void add_doctor() {
    CLI::App* doctor =
        add(&app_, "doctor", "Check this machine, the configuration, every destination and source",
            Verb::kDoctor);
    doctor->add_option("CHECK", options_.names, "Only these checks: net.tls s3.* (as --only)");
    add_checks(doctor);
  }

  void add_secret() {
    CLI::App* secret = add_group("secret", "Secrets that are sealed in the data directory");
    CLI::App* set =
        add(secret, "set", "Set a secret: read from stdin, or asked for without echo on a terminal",
            Verb::kSecretSet);
    set->add_option("NAME", options_.name, "Its name, as in { secret = \"NAME\" }")->required();
    set->add_option("--from-file", options_.from_file, "Read the value from this file")
        ->type_name("FILE");
    add(secret, "list", "Names and times of the secrets, never a value", Verb::kSecretList);
    CLI::App* remove = add(secret, "remove", "Remove a secret", Verb::kSecretRemove);
    remove->add_option("NAME", options_.name, "Its name")->required();
    add(secret, "rotate-key", "Make new keys and seal every secret anew", Verb::kSecretRotateKey);
  }

  void add_help() {
    CLI::App* help = add(&app_, "help", "Explain an error code, a check or a command", Verb::kHelp);
    help->add_option("CODE", options_.names, "RS-OWNER, run, config check, ...");
    help->add_flag("--all-markdown", options_.errors_markdown, "All error codes as a page")
        ->group("");
    help->add_flag("--settings-markdown", options_.settings_markdown, "All settings as a page")
        ->group("");
    add(&app_, "version", "Print the version", Verb::kVersion);
  }

  // Also where the line cannot be parsed: who asked for JSON reads stdout.
  static bool asks_json(const std::vector<std::string>& arguments) {
    if (std::find(arguments.begin(), arguments.end(), "--json") != arguments.end()) return true;
    const char* value = std::getenv("VESTO_JSON");
    return value != nullptr && truth_of(value) == std::optional<bool>(true);
  }

  // `vesto --config status`: the command went to the flag before it.
  std::string command_as_value() {
    if (parsed_command() != &app_ || version_) return "";
    std::vector<std::pair<const char*, std::string>> values = {{"--data", options_.data_dir}};
    for (const std::string& file : options_.config_files) values.emplace_back("--config", file);
    for (const auto& [flag, value] : values) {
      const std::vector<std::string> words = command_names();
      const bool is_command = std::any_of(words.begin(), words.end(), [&v = value](const auto& c) {
        return c == v || c.starts_with(v + " ");
      });
      if (is_command && !value.empty()) {
        return fmt::format("\"{}\" was taken as the value of {}, so there is no command", value,
                           flag);
      }
    }
    return "";
  }

  // The innermost command that was given.
  CLI::App* parsed_command() {
    CLI::App* command = &app_;
    while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
    return command;
  }

  [[nodiscard]] std::vector<std::string> unexpected() const { return app_.remaining(true); }

  void finish() {
    const auto verb = verbs_.find(parsed_command());
    if (verb != verbs_.end()) options_.verb = verb->second;
    if (version_) options_.verb = Verb::kVersion;
    const char* config = std::getenv("VESTO_CONFIG");
    if (options_.config_files.empty() && config != nullptr && *config != '\0') {
      for (std::string& file : split(config, ':')) {
        if (!file.empty()) options_.config_files.push_back(std::move(file));
      }
    }
    const char* data = std::getenv("VESTO_DATA");
    if (options_.data_dir.empty() && data != nullptr) options_.data_dir = data;
    const char* no_color = std::getenv("NO_COLOR");
    if (no_color != nullptr && *no_color != '\0') options_.no_color = true;
  }

  ParsedLine refuse(const std::string& what) {
    CLI::App* command = parsed_command();
    const std::string name =
        command == &app_ ? std::string() : replace_all(full_name(command), "vesto ", "");
    std::string message = what.empty() ? std::string() : std::string(trim(what));
    const std::vector<std::string> extras = unexpected();
    if (!extras.empty()) {
      message = describe(extras.front(), command);
    } else if (command->get_require_subcommand_min() > 0 && command->get_subcommands().empty()) {
      std::vector<std::string> known;
      for (const CLI::App* sub : command->get_subcommands({})) known.push_back(sub->get_name());
      message = fmt::format("{} needs one of: {}", full_name(command), join(known, ", "));
    }
    ParsedLine parsed;
    parsed.exit_code = kExitUsage;
    parsed.err = fmt::format("Error USAGE: {}\n  Example: {}\n  More: vesto {}--help\n",
                             sentence(message), example_of(name), name.empty() ? "" : name + " ");
    if (!json_) return parsed;
    const std::string error =
        error_json(Error(ErrorCode::kUsage, message).with_hint("Example: " + example_of(name)));
    parsed.out = name == "run"
                     ? fmt::format(R"({{"type":"run.finished","sync":{},"state":"failed",)"
                                   R"("exit_code":{},"error":{}}})",
                                   json_quote(options_.name), kExitUsage, error) +
                           "\n"
                     : fmt::format(R"({{"error":{}}})", error) + "\n";
    return parsed;
  }

  std::string full_name(const CLI::App* command) const {
    if (command->get_parent() == nullptr) return "vesto";
    return full_name(command->get_parent()) + " " + command->get_name();
  }

  std::string describe(const std::string& extra, CLI::App* command) {
    std::vector<std::string> known;
    const bool flag = extra.starts_with('-') && extra != "-";
    if (flag) {
      for (const CLI::App* app = command; app != nullptr; app = app->get_parent()) {
        for (const CLI::Option* option : app->get_options()) {
          for (const std::string& name : option->get_lnames()) known.push_back("--" + name);
        }
      }
    } else {
      for (const CLI::App* sub : command->get_subcommands({})) known.push_back(sub->get_name());
    }
    const std::string word = extra.substr(0, extra.find('='));
    const std::optional<std::string> better = nearest(word, known);
    std::string text = flag             ? fmt::format("\"{}\" is not a flag", word)
                       : !known.empty() ? fmt::format("\"{}\" is not a command", word)
                                        : fmt::format("\"{}\" is one argument too many", word);
    if (command != &app_) text += fmt::format(" of {}", full_name(command));
    if (better) text += fmt::format("; did you mean \"{}\"?", *better);
    return text;
  }

  Options options_;
  bool version_ = false;
  bool json_ = false;
  std::map<const CLI::App*, Verb> verbs_;
  CLI::App app_;
};

}  // namespace

ParsedLine parse_command_line(const std::vector<std::string>& arguments) {
  return Line().parse(arguments);
}

}  // namespace vesto::cli
