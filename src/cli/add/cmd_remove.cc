// destination remove: a destination out of the configuration; says what stays elsewhere.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/json_text.h"
#include "base/strings.h"
#include "cli/add/dialogue.h"
#include "cli/add/draft.h"
#include "cli/add/draft_leftovers.h"
#include "cli/add/leftovers.h"
#include "cli/add/runs_left.h"
#include "cli/add/text.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "config/edit.h"
#include "secret/files.h"

namespace vesto::cli {

namespace {

struct Removed {
  EditedConfig edited;  // file "" where only a draft went
  bool draft = false;
  Leftovers leftovers;
  std::vector<StagedByRun> staged;
  std::vector<std::string> secrets;  // of its own, that are set
  std::vector<std::string> gone;     // of these, those that were removed
};

Status check_unused(const Config& config, const std::string& name) {
  std::vector<std::string> users;
  for (const SyncConfig& sync : config.syncs) {
    if (sync.destination == name) {
      users.push_back(fmt::format("sync.{} ({})", sync.name, sync.destination_origin.line_text()));
    }
  }
  if (users.empty()) return ok_status();
  return Error(ErrorCode::kCfgValue,
               fmt::format("destination.{} is used by {}", name, join(users, ", ")))
      .with_hint("Remove these syncs first, or give them another destination.");
}

// Errors: USAGE where nobody can be asked and --yes is not given; nothing was done.
Result<bool> is_sure(const Context& context, const std::string& what) {
  if (context.options.yes) return true;
  if (!can_ask()) {
    return Error(ErrorCode::kUsage, "nobody can be asked here whether it is to be removed")
        .with_hint("Say so: --yes");
  }
  return Dialogue().yes(fmt::format("Remove {}?", what), false).value_or(false);
}

// Secrets that were never set, as a tunnel's key that was not made yet, are no matter.
std::vector<std::string> those_set(const Context& context, std::vector<std::string> names) {
  const Result<SecretList> list = sealed_store(context).list();
  if (!list.ok()) return {};
  const auto unset = [&](const std::string& name) {
    return std::none_of(list->secrets.begin(), list->secrets.end(),
                        [&](const SecretInfo& one) { return one.name == name; });
  };
  names.erase(std::remove_if(names.begin(), names.end(), unset), names.end());
  return names;
}

// A draft that will be a destination names its secrets in clear text: those stay.
std::vector<std::string> those_in_no_draft(const Context& context, std::vector<std::string> names) {
  for (const std::string& draft : draft_names(data_dir(context.options))) {
    const auto text =
        secret::read_whole(draft_path(data_dir(context.options), draft), kMaxDraftBytes);
    if (!text.ok()) return {};  // whatever it names
    if (!*text) continue;
    const auto named = [&](const std::string& name) {
      return (*text)->find(json_quote(name)) != std::string::npos;
    };
    names.erase(std::remove_if(names.begin(), names.end(), named), names.end());
  }
  return names;
}

Status remove_secrets(const Context& context, Removed* removed) {
  if (!context.options.secrets) return ok_status();
  SealedStore store = sealed_store(context);
  for (const std::string& name : removed->secrets) {
    VESTO_TRY(store.remove(name));
    removed->gone.push_back(name);
  }
  return ok_status();
}

// Runs go on without their sync's entry, and need the secrets to their end. Errors: RUN-BUSY, those
// of the store.
Result<std::vector<StagedByRun>> staged_there(const Context& context, const Config& config,
                                              const DestinationConfig& gone) {
  std::error_code failed;
  // Nobody has run anything yet.
  if (!std::filesystem::exists(data_dir(context.options) + "/vesto.db", failed)) {
    return std::vector<StagedByRun>();
  }
  VESTO_ASSIGN(const std::unique_ptr<Store> store, open_store_if_there(context));
  VESTO_ASSIGN(RunsLeft left, runs_left(*store, config, gone));
  if (left.busy) return *std::move(left.busy);
  return std::move(left.staged);
}

std::string staged_json(const std::vector<StagedByRun>& staged) {
  std::vector<std::string> items;
  for (const StagedByRun& one : staged) {
    items.push_back(fmt::format(R"({{"run":{},"sync":{},"objects":{}}})", json_quote(one.run),
                                json_quote(one.sync), one.objects));
  }
  return "[" + join(items, ",") + "]";
}

std::string removed_json(const std::string& name, const Removed& removed) {
  return fmt::format(
             R"({{"schema":"vesto.destination-remove/1","name":{},"file":{},"line":{},"draft":{},)"
             R"("stays":{{"aws":{},"redshift":{},"staged":{}}},"secrets":{},"secrets_removed":{}}})",
             json_quote(name),
             removed.edited.file.empty() ? "null" : json_quote(removed.edited.file),
             removed.edited.line, removed.draft, json_list(removed.leftovers.aws),
             json_list(removed.leftovers.redshift), staged_json(removed.staged),
             json_list(removed.secrets), json_list(removed.gone)) +
         "\n";
}

std::string lines_text(std::string_view title, const std::vector<std::string>& lines) {
  if (lines.empty()) return "";
  std::string out = fmt::format("{}\n", title);
  for (const std::string& line : lines) out += fmt::format("  {}\n", printable(line, false));
  return out;
}

// Before anything is removed: whoever is asked can still have a run remove them.
void show_staged(const Context& context, const DestinationConfig& gone,
                 const std::vector<StagedByRun>& staged) {
  if (staged.empty() || context.options.json || context.options.quiet) return;
  std::vector<std::string> lines;
  for (const StagedByRun& one : staged) {
    lines.push_back(
        fmt::format("vesto show {} --files   # {} of sync {}", one.run, one.objects, one.sync));
  }
  write_out(lines_text(
      fmt::format("Files of runs that were killed lie in s3://{}/{}. Give {} its sync back and run "
                  "it, which removes them, or have an AWS admin remove those that these name:",
                  gone.bucket, gone.prefix, gone.name),
      lines));
}

std::string removed_text(const Context& context, const std::string& name, const Removed& removed) {
  const std::string done = shape(context.terminal, Shape::kDone);
  std::string out;
  if (!removed.edited.file.empty()) {
    out += fmt::format("{} {} is out of {}; it stood at line {}.\n", done, name,
                       removed.edited.file, removed.edited.line);
  }
  if (removed.draft) out += fmt::format("{} The draft of {} is removed.\n", done, name);
  // What was a draft alone has a kit all the same.
  const char* if_run = removed.edited.file.empty() ? "If its kit has been run: what" : "What";
  out += lines_text(fmt::format("{} stays at AWS. An AWS admin takes it away:", if_run),
                    removed.leftovers.aws);
  out += lines_text(fmt::format("{} stays in Redshift. A Redshift admin takes it away:", if_run),
                    removed.leftovers.redshift);
  std::vector<std::string> left;
  for (const std::string& secret : removed.secrets) {
    const bool gone =
        std::find(removed.gone.begin(), removed.gone.end(), secret) != removed.gone.end();
    if (!gone) left.push_back("vesto secret remove " + secret);
  }
  out += lines_text("Sealed secrets that nothing names any more:", left);
  return out + lines_text("Removed secrets:", removed.gone);
}

int show(const Context& context, const std::string& name, const Removed& removed) {
  if (context.options.json) {
    write_out(removed_json(name, removed));
  } else if (!context.options.quiet) {
    write_out(removed_text(context, name, removed));
  }
  return kExitOk;
}

// What it names is known; one that is not there yet names nothing.
bool is_known(const LoadedConfig& loaded) {
  return loaded.issues.empty() || loaded.issues.front().code == ErrorCode::kCfgNoFile;
}

// The secrets of a draft, its questions have sealed most of them; those stay that the configuration
// or another draft names. None where either cannot be read: they might be named there.
std::vector<std::string> secrets_of_draft(const Context& context, const LoadedConfig& loaded,
                                          const Answers& draft) {
  if (!is_known(loaded)) return {};
  return those_in_no_draft(
      context, those_set(context, not_of_others(loaded.config, draft.secret_names(), "")));
}

Status remove_draft_with_secrets(const Context& context, const LoadedConfig& loaded,
                                 Removed* removed) {
  const std::string dir = data_dir(context.options);
  const auto draft = read_draft(dir, context.options.name, "");
  removed->draft = remove_draft(dir, context.options.name);
  if (!removed->draft) {
    return Error(ErrorCode::kSysStore,
                 draft_path(dir, context.options.name) + " cannot be removed");
  }
  if (draft.ok() && *draft) {
    removed->secrets = secrets_of_draft(context, loaded, **draft);
    if (is_known(loaded)) {
      removed->leftovers = leftovers_of_draft(loaded.config, **draft);
    } else {
      removed->leftovers.aws = {
          "# not told, as the configuration cannot be read and others may use it: vesto config "
          "check"};
    }
  }
  return remove_secrets(context, removed);
}

int remove_draft_alone(const Context& context, const LoadedConfig& loaded) {
  const std::string& name = context.options.name;
  const Result<bool> sure = is_sure(context, "the draft of " + name);
  if (!sure.ok()) return fail(context, sure.error());
  if (!*sure) return kExitOk;
  Removed removed;
  const Status done = remove_draft_with_secrets(context, loaded, &removed);
  return done.ok() ? show(context, name, removed) : fail(context, done.error());
}

Status remove_from_file(const Context& context, const DestinationConfig& gone, Removed* removed) {
  VESTO_ASSIGN(removed->edited,
               remove_destination(config_files(context.options), context.options.name));
  removed->draft = remove_draft(data_dir(context.options), context.options.name);
  const Config& left = removed->edited.loaded.config;
  removed->leftovers = leftovers_of(left, gone);
  removed->secrets = those_in_no_draft(context, those_set(context, secrets_of_its_own(left, gone)));
  return remove_secrets(context, removed);
}

}  // namespace

int cmd_destination_remove(const Context& context) {
  const std::string& name = context.options.name;
  const LoadedConfig loaded = load_config(config_files(context.options));
  const bool defined = loaded.issues.empty() && loaded.config.find_destination(name) != nullptr;
  if (!defined && draft_error(data_dir(context.options), name))
    return remove_draft_alone(context, loaded);
  const std::optional<Config> config = load_or_print(context);
  if (!config) return kExitConfig;
  const DestinationConfig* gone = config->find_destination(name);
  if (gone == nullptr) {
    return fail(context, no_object("destination", name, names_of(config->destinations)));
  }
  if (const Status unused = check_unused(*config, name); !unused.ok()) {
    return fail(context, unused.error());
  }
  auto staged = staged_there(context, *config, *gone);
  if (!staged.ok()) return fail(context, staged.error());
  show_staged(context, *gone, *staged);
  const Result<bool> sure =
      is_sure(context, fmt::format("{} from {}", name, gone->origin.line_text()));
  if (!sure.ok()) return fail(context, sure.error());
  if (!*sure) return kExitOk;
  Removed removed;
  removed.staged = *std::move(staged);
  const Status done = remove_from_file(context, *gone, &removed);
  if (!done.ok()) return fail(context, done.error());
  return show(context, name, removed);
}

}  // namespace vesto::cli
