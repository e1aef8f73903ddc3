// destination add: a destination into the configuration, by flags, from a file, or by questions.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>

#include "base/json_text.h"
#include "base/strings.h"
#include "check/report_json.h"
#include "cli/add/draft.h"
#include "cli/add/questions.h"
#include "cli/add/text.h"
#include "cli/commands.h"
#include "cli/destination_test.h"
#include "cli/exit_codes.h"
#include "config/edit.h"
#include "config/values.h"
#include "secret/files.h"

namespace vesto::cli {

namespace {

class Adder {
 public:
  explicit Adder(const Context& context)
      : context_(context),
        options_(context.options),
        files_(config_files(context.options)),
        data_dir_(data_dir(context.options)),
        answers_(context.options.name, files_.front()) {}

  int run() {
    if (const Status editable = check_editable(files_.front()); !editable.ok()) {
      return fail(context_, editable.error());
    }
    if (!good_object_name(options_.name)) {
      return fail(context_, Error(ErrorCode::kUsage, "this cannot be the name of a destination")
                                .with_hint("A name is 1 to 64 letters, digits, _ and -."));
    }
    if (!load()) return kExitConfig;
    const Status gathered = gather();
    if (!gathered.ok()) return fail(context_, gathered.error());
    if (options_.draft || says_none_yet()) return leave_draft();
    const bool complete = answers_.missing().empty();
    const bool all_given =
        complete && !went_on_ && (!options_.given.empty() || !options_.from_file.empty());
    if (can_ask() && !all_given) {
      Dialogue dialogue;
      if (!ask(&dialogue)) return dialogue.failure() ? give_up(*dialogue.failure()) : leave_draft();
    } else if (const Status whole = complete_or_missing(); !whole.ok()) {
      return fail(context_, whole.error());
    }
    answers_.fill_defaults();
    if (const Status added = add(); !added.ok()) return give_up(added.error());
    return finish();
  }

 private:
  // The configuration as it is; one that is not there yet is empty.
  bool load() {
    loaded_ = load_config(files_);
    std::error_code failed;
    if (!std::filesystem::exists(files_.front(), failed) && !failed) {
      loaded_ = load_config_with(files_, files_.front(), "version = 1\n");
    }
    if (loaded_.issues.empty()) return true;
    fail(context_, issue_error(loaded_.issues.front()));
    if (loaded_.issues.size() > 1) {
      write_err("More:\n" + issues_text({loaded_.issues.begin() + 1, loaded_.issues.end()}));
    }
    return false;
  }

  // The draft, then --from, then the flags: the later ones win.
  Status gather() {
    if (const DestinationConfig* there = loaded_.config.find_destination(options_.name)) {
      return Error(ErrorCode::kCfgDuplicate, fmt::format("destination.{} is defined already at {}",
                                                         options_.name, there->origin.line_text()))
          .with_hint(fmt::format(
              "Choose another name, or change it there; vesto destination remove {} takes it out.",
              options_.name));
    }
    VESTO_ASSIGN(std::optional<Answers> draft,
                 read_draft(data_dir_, options_.name, files_.front()));
    if (draft) {
      went_on_ = true;
      answers_ = *std::move(draft);
      if (!options_.quiet)
        write_err(fmt::format("Going on with the draft of {}.\n", options_.name));
    }
    if (!options_.from_file.empty()) VESTO_TRY(take_file());
    VESTO_TRY(one_flag_a_setting());
    // In the order of the table: what corrects the endpoint comes after it.
    for (const AddFlag& flag : add_flags()) {
      for (const auto& [name, value] : options_.given) {
        if (name == flag.name) VESTO_TRY(answers_.take(flag, value));
      }
    }
    answers_.drop_misfits();
    say_notes();
    return answers_.agree();
  }

  // As in the dialogue: what the kit makes is known only then.
  [[nodiscard]] bool says_none_yet() const {
    return std::any_of(options_.given.begin(), options_.given.end(), [](const auto& one) {
      return (one.first == "endpoint" || one.first == "access-key-id") &&
             trim(one.second) == kNoneYet;
    });
  }

  // Who is asked, or told what is missing, knows what counts no more.
  void say_notes() const {
    if (!went_on_ || options_.quiet || options_.json) return;
    for (const std::string& note : answers_.taken_notes()) {
      write_err(fmt::format("Note: {}\n", printable(note, false)));
    }
  }

  // --password-env beside --password-secret: nobody could say which one was meant.
  [[nodiscard]] Status one_flag_a_setting() const {
    std::map<std::string_view, std::string> by_setting;
    for (const auto& [name, value] : options_.given) {
      const AddFlag* flag = find_add_flag(name);
      if (flag == nullptr || !flag->setting.starts_with("auth.")) continue;
      const auto [at, fresh] = by_setting.emplace(flag->setting, name);
      if (fresh || at->second == name) continue;
      return Error(ErrorCode::kUsage,
                   fmt::format("--{} and --{} give the same setting", at->second, name));
    }
    return ok_status();
  }

  Status take_file() {
    const std::string& file = options_.from_file;
    const auto read = secret::read_whole(file, kMaxConfigBytes);
    if (!read.ok()) {
      return Error(ErrorCode::kCfgFile, read.error().message())
          .with_hint("Correct --from: it takes an ordinary file of at most 4 MiB.")
          .with_upstream(read.error().upstream());
    }
    const std::optional<std::string>& text = *read;
    if (!text) {
      return Error(ErrorCode::kCfgNoFile, fmt::format("{} is not there", file))
          .with_hint("Correct --from.");
    }
    const auto parsed = parse_toml(*text, file);
    if (const auto* issue = std::get_if<ConfigIssue>(&parsed)) return issue_error(*issue);
    const TomlValue* all = std::get<TomlValue>(parsed).find("destination");
    const TomlValue* own = all == nullptr ? nullptr : all->find(options_.name);
    if (own == nullptr && all != nullptr && all->members.size() == 1) {
      const TomlValue::Member& other = all->members.front();
      own = &other.value;
      answers_.note(
          fmt::format("{} holds no section [destination.{}]; taken from it: "
                      "[destination.{}], the only one.",
                      file, options_.name, cut_utf8(other.name, 100)));
    }
    if (own == nullptr || own->kind != TomlValue::Kind::kTable) {
      return Error(ErrorCode::kCfgNoObject,
                   fmt::format("{} holds no section [destination.{}]", file, options_.name));
    }
    return answers_.take_table(*own, std::filesystem::path(file).parent_path().string());
  }

  Status complete_or_missing() const {
    const std::vector<MissingAnswer> missing = answers_.missing();
    if (missing.empty()) return ok_status();
    std::vector<std::string> lines;
    for (const MissingAnswer& one : missing) {
      lines.push_back(fmt::format("{} ({})", one.flag, one.what));
    }
    return Error(
               ErrorCode::kCfgMissing,
               fmt::format("nobody can be asked here, and this is missing: {}", join(lines, ", ")))
        .with_hint(options_.from_file.empty()
                       ? "Give these flags, or keep what there is with --draft."
                       : fmt::format("Give these flags, write them into {}, or keep what there is "
                                     "with --draft.",
                                     options_.from_file));
  }

  bool ask(Dialogue* dialogue) {
    write_err(fmt::format("Destination {}. \"later\" or Ctrl-D leaves a draft, nothing is lost.\n",
                          options_.name));
    return ask_all({.context = &context_,
                    .config = &loaded_.config,
                    .answers = &answers_,
                    .save = [this] { return save_draft(data_dir_, answers_); }},
                   dialogue);
  }

  // What was answered stays.
  int give_up(const Error& error) {
    const bool keep = can_ask() || went_on_;
    if (keep && save_draft(data_dir_, answers_).ok() && !options_.quiet) {
      write_err(fmt::format("What is known is kept: vesto destination add {}\n", options_.name));
    }
    return fail(context_, error);
  }

  int leave_draft() {
    if (const Status saved = save_draft(data_dir_, answers_); !saved.ok()) {
      return fail(context_, saved.error());
    }
    const std::vector<std::string> missing = answers_.missing_flags();
    if (options_.json) {
      write_out(json(true, "null"));
    } else {
      write_out(fmt::format("{} A draft of {} is kept.{}\n{}Next:  {}\n",
                            shape(context_.terminal, Shape::kDone), options_.name,
                            missing.empty() ? "" : " It lacks " + join(missing, ", ") + ".",
                            notes_text(), next_of_draft()));
    }
    return kExitOk;
  }

  // Where a warehouse or a key can be made of what is known, that comes first.
  [[nodiscard]] std::string next_of_draft() const {
    const std::string add = "vesto destination add " + options_.name;
    if (lacks_secrets_alone(answers_)) {
      return fmt::format(
          "{}\n       where there is no key yet, an AWS admin runs first what this prints: vesto "
          "destination kit {} --part script",
          add, options_.name);
    }
    if (!can_make_warehouse(answers_)) return add;
    return fmt::format(
        "{} --endpoint ENDPOINT\n       where there is no warehouse yet, an AWS admin runs first "
        "what this prints: vesto destination kit {} --part warehouse",
        add, options_.name);
  }

  // The settings by themselves, so that what is wrong is not said of a line that is not there.
  Status check_alone(const std::string& section) const {
    const LoadedConfig alone = load_config_text("version = 1\n" + section, files_.front());
    if (alone.issues.empty()) return ok_status();
    const ConfigIssue& first = alone.issues.front();
    constexpr int kLinesBefore = 1;  // the version
    const Origin origin = answers_.origin_of_line(first.origin.line - kLinesBefore);
    Error error(first.code, origin.file.empty()
                                ? first.message
                                : fmt::format("{}: {}", origin.text(), first.message));
    if (!first.hint.empty()) error.with_hint(first.hint);
    return error;
  }

  Status add() {
    VESTO_ASSIGN(const std::string section, answers_.toml());
    VESTO_TRY(check_alone(section));
    const bool own_key = answers_.has("ssh.host") && !answers_.has("ssh.key");
    if (own_key) {
      VESTO_ASSIGN(key_line_, tunnel_line(context_, loaded_.config, answers_));
    }
    VESTO_ASSIGN(edited_, add_destination(files_, options_.name, section));
    remove_draft(data_dir_, options_.name);
    return ok_status();
  }

  [[nodiscard]] std::string json(bool draft, const std::string& report) const {
    const WarehouseEndpoint endpoint = answers_.endpoint();
    std::vector<KitErrand> errands;
    std::vector<std::string> notes = answers_.notes();
    if (const auto* to = edited_.loaded.config.find_destination(options_.name)) {
      errands = kit_errands(edited_.loaded.config, *to);
      const std::string egress = egress_note(errands, edited_.file);
      if (!egress.empty()) notes.push_back(egress);
    }
    return fmt::format(
               R"({{"schema":"vesto.destination-add/1","name":{},"draft":{},"file":{},"line":{},)"
               R"("understood":{},"settings":{},"missing":{},"notes":{},"kit":{},)"
               R"("authorized_keys_line":{},"report":{}}})",
               json_quote(options_.name), draft,
               json_quote(draft ? draft_path(data_dir_, options_.name) : edited_.file),
               edited_.line, json_quote(describe_warehouse_endpoint(endpoint)),
               answers_.settings_json(),
               json_list(draft ? answers_.missing_flags() : std::vector<std::string>()),
               json_list(notes), errands_json(errands),
               key_line_.empty() ? "null" : json_quote(key_line_), report) +
           "\n";
  }

  [[nodiscard]] std::string notes_text() const {
    std::string out;
    for (const std::string& note : answers_.notes()) {
      out += fmt::format("Note: {}\n", printable(note, false));
    }
    return out;
  }

  void show(const DestinationConfig& to) const {
    std::string out =
        fmt::format("{} {} is in {}:{}{}.\n", shape(context_.terminal, Shape::kDone), to.name,
                    edited_.file, edited_.line, edited_.made ? ", which was made" : "");
    out += fmt::format("Understood: {}; s3://{}/{}; schema {}.\n",
                       printable(describe_warehouse_endpoint(answers_.endpoint()), false),
                       to.bucket, to.prefix, printable(to.schema, false));
    out += notes_text();
    if (!key_line_.empty()) {
      out += fmt::format("One line for ~{}/.ssh/authorized_keys on {}:\n{}\n", to.ssh.user,
                         to.ssh.host, key_line_);
    }
    // What is written wrong or wide stands in every rule that is asked for below.
    if (!edited_.loaded.warnings.empty()) write_err(issues_text(edited_.loaded.warnings));
    const std::vector<KitErrand> errands = kit_errands(edited_.loaded.config, to);
    const std::string egress = egress_note(errands, edited_.file);
    out += errands_text(errands);
    write_out(out + (egress.empty() ? "" : fmt::format("Note: {}\n", printable(egress, false))));
  }

  // --test, or a yes.
  bool wants_test(const DestinationConfig& to) const {
    if (options_.test_now || options_.no_test) return options_.test_now;
    if (!can_ask() || options_.json || options_.quiet) return false;
    Dialogue dialogue;
    dialogue.section("Test");
    if (to.serverless) {
      dialogue.say("The test wakes the workgroup (AWS bills at least 60 s).");
    }
    return dialogue.yes("Run the test now?", true).value_or(false);
  }

  int finish() {
    const DestinationConfig* to = edited_.loaded.config.find_destination(options_.name);
    if (to == nullptr) return fail(context_, Error(ErrorCode::kInternal, "it is not there"));
    if (!options_.json && !options_.quiet) show(*to);
    if (!wants_test(*to)) {
      if (options_.json) {
        write_out(json(false, "null"));
      } else if (!options_.quiet) {
        write_out(fmt::format("Next:  vesto destination test {}\n", to->name));
      }
      return kExitOk;
    }
    const std::optional<Config> config = load_or_print(context_);
    if (!config) return kExitConfig;
    const auto tested = test_destination(context_, *config, *config->find_destination(to->name));
    if (!tested.ok()) return fail(context_, tested.error());
    write_out(options_.json ? json(false, report_json(tested->report))
                            : verdict_text(context_, tested->report));
    return exit_code_of(context_, *tested);
  }

  const Context& context_;
  const Options& options_;
  const std::vector<std::string> files_;
  const std::string data_dir_;
  LoadedConfig loaded_;
  Answers answers_;
  bool went_on_ = false;
  std::string key_line_;
  EditedConfig edited_;
};

}  // namespace

int cmd_destination_add(const Context& context) { return Adder(context).run(); }

}  // namespace vesto::cli
