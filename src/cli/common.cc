// What the commands share.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/json_text.h"
#include "base/log.h"
#include "base/strings.h"
#include "check/redact_report.h"
#include "cli/add/draft.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

// A run's lines each have a type, also when it could not begin.
std::string failure_json(const Options& options, const Error& error, int code) {
  if (options.verb != Verb::kRun || options.dry_run) {
    return fmt::format(R"({{"error":{}}})", error_json(error)) + "\n";
  }
  return fmt::format(
             R"({{"type":"run.finished","sync":{},"state":"failed","exit_code":{},"error":{}}})",
             json_quote(options.name), code, error_json(error)) +
         "\n";
}

}  // namespace

namespace {

// --redact, for what is said before there is a report. The configuration is read again, as whoever
// fails may not have one: what is wrong with it is known, and its names are in it all the same.
ReportRedactor redactor_for(const Context& context) {
  ReportRedactor out;
  out.learn(load_config(config_files(context.options)));
  for (const std::string& file : config_files(context.options)) out.learn_path(file);
  out.learn_path(data_dir(context.options));
  out.learn_name("name", context.options.name);
  return out;
}

Error redacted(const Context& context, const Error& error) {
  CheckResult carrier;
  carrier.answer.status = CheckStatus::kFailed;
  carrier.answer.error = error;
  return *redactor_for(context).redacted(carrier).answer.error;
}

}  // namespace

int fail(const Context& context, const Error& error) {
  const Error shown = context.options.redact ? redacted(context, error) : error;
  const int code = exit_code_of(error);
  if (context.options.json) write_out(failure_json(context.options, shown, code));
  write_err(error_text(shown));
  return code;
}

int report_lost_output(int code) {
  const int failed = out_error();
  write_err(error_text(Error(
      ErrorCode::kSysOutput,
      fmt::format("the output could not be written: {}", std::system_category().message(failed)))));
  return code == kExitOk ? kExitConfig : code;
}

std::vector<std::string> config_files(const Options& options) {
  if (!options.config_files.empty()) return options.config_files;
  return {"vesto.toml"};
}

std::string data_dir(const Options& options) {
  if (!options.data_dir.empty()) return options.data_dir;
  const std::filesystem::path first(config_files(options).front());
  return (first.parent_path() / ".vesto").string();
}

SealedStore sealed_store(const Context& context) {
  return SealedStore(data_dir(context.options), *context.clock);
}

Result<Secret> google_key(const Context& context, const Config& config) {
  if (config.google.source != "key_file") return Secret();
  return resolve_secret(config.google.key, sealed_store(context));
}

std::string issues_text(const std::vector<ConfigIssue>& issues) {
  std::string out;
  for (const ConfigIssue& issue : issues) {
    const CatalogEntry& entry = catalog_entry(issue.code);
    out += fmt::format("{} {}{}: {}\n", issue.origin.text(), issue.warning ? "warning " : "",
                       entry.name, issue.message);
    if (!issue.excerpt.empty()) out += fmt::format("    {}\n", issue.excerpt);
    out += fmt::format("    Fix: {}\n", issue.hint.empty() ? entry.hint : issue.hint);
  }
  return out;
}

namespace {

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  if (name == "error") return LogLevel::kError;
  return LogLevel::kWarn;
}

// A draft may be made before there is any configuration.
std::optional<Error> draft_without_file(const Context& context, const LoadedConfig& loaded) {
  const Verb verb = context.options.verb;
  if (verb != Verb::kDestinationTest || loaded.issues.front().code != ErrorCode::kCfgNoFile)
    return std::nullopt;
  return draft_error(data_dir(context.options), context.options.name);
}

}  // namespace

Result<const DestinationConfig*> named_destination(const Context& context, const Config& config) {
  const std::string& name = context.options.name;
  const DestinationConfig* destination = config.find_destination(name);
  if (destination != nullptr) return destination;
  if (auto draft = draft_error(data_dir(context.options), name)) return *std::move(draft);
  return no_object("destination", name, names_of(config.destinations));
}

void set_up_log(const Context& context, const Config& config) {
  LogLevel level = level_of(config.log.level);
  if (context.options.verbose) level = LogLevel::kDebug;
  if (context.options.quiet) level = LogLevel::kError;
  configure_log(level, config.log.format == "json" ? LogFormat::kJson : LogFormat::kText);
}

std::optional<Config> load_or_print(const Context& context) {
  LoadedConfig loaded = load_config(config_files(context.options));
  if (!loaded.issues.empty()) {
    if (auto draft = draft_without_file(context, loaded)) {
      fail(context, *draft);
      return std::nullopt;
    }
    const bool redact = context.options.redact;
    if (context.options.json) {
      const Error first = issue_error(loaded.issues.front());
      write_out(
          failure_json(context.options, redact ? redacted(context, first) : first, kExitConfig));
    }
    const std::string text = issues_text(loaded.issues);
    write_err(redact ? redactor_for(context).text(text) : text);
    return std::nullopt;
  }
  set_up_log(context, loaded.config);
  return std::move(loaded.config);
}

std::optional<Config> load_or_drafts(const Context& context) {
  std::error_code failed;
  const std::string first = config_files(context.options).front();
  if (std::filesystem::exists(first, failed) || failed) return load_or_print(context);
  const std::vector<std::string> drafts = draft_names(data_dir(context.options));
  const std::string& name = context.options.name;
  const bool there = name.empty() ? !drafts.empty()
                                  : std::find(drafts.begin(), drafts.end(), name) != drafts.end();
  if (there) return Config();
  return load_or_print(context);
}

Result<std::unique_ptr<Store>> open_store_if_there(const Context& context) {
  const std::string dir = data_dir(context.options);
  std::error_code failed;
  // One that somebody has named and that is not there is a slip of the pen: a monitor must not take
  // it for a sync that has not begun.
  if (!context.options.data_dir.empty() && !std::filesystem::exists(dir, failed) && !failed) {
    return Error(ErrorCode::kSysStore, fmt::format("there is no data directory {}", dir))
        .with_hint("Correct --data or VESTO_DATA; the first vesto run makes the directory.");
  }
  if (!std::filesystem::exists(dir + "/vesto.db", failed) && !failed) {
    return std::unique_ptr<Store>();
  }
  return open_store(dir, *context.clock);
}

}  // namespace vesto::cli
