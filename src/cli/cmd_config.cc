// init, config check, config show.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "base/json_text.h"
#include "base/strings.h"
#include "check/host_checks.h"
#include "cli/add/draft.h"
#include "cli/commands.h"
#include "cli/exit_codes.h"
#include "config/open_files.h"
#include "sync/run.h"

namespace vesto::cli {

namespace {

Error init_error(const std::string& path, int code) {
  if (code == EEXIST) {
    return Error(ErrorCode::kCfgExists, fmt::format("{} is there already", path))
        .with_hint("Edit it, or name another file: vesto init --config FILE");
  }
  return Error(ErrorCode::kCfgNoFile, fmt::format("{} cannot be written", path))
      .with_hint("Choose a directory that you may write to: vesto init --config DIR/vesto.toml")
      .with_upstream({.system = "os",
                      .code = std::to_string(code),
                      .text = std::system_category().message(code),
                      .request_id = ""});
}

std::string issue_json(const ConfigIssue& issue) {
  const CatalogEntry& entry = catalog_entry(issue.code);
  return fmt::format(R"({{"code":{},"file":{},"line":{},"column":{},"message":{},"hint":{}}})",
                     json_quote(entry.name), json_quote(issue.origin.file), issue.origin.line,
                     issue.origin.column, json_quote(issue.message),
                     json_quote(issue.hint.empty() ? entry.hint : issue.hint));
}

std::string plural(size_t count, std::string_view word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

// Drafts that nothing in the configuration has taken the name of: no part of it, and no fault.
std::vector<std::string> open_drafts(const Context& context, const Config& config) {
  std::vector<std::string> out;
  for (std::string& name : draft_names(data_dir(context.options))) {
    if (config.find_destination(name) == nullptr) out.push_back(std::move(name));
  }
  return out;
}

// Those of them that nothing can go on with, and why.
std::vector<std::pair<std::string, Error>> unread_drafts(const Context& context,
                                                         const std::vector<std::string>& drafts) {
  std::vector<std::pair<std::string, Error>> out;
  for (const std::string& name : drafts) {
    const auto draft = read_draft(data_dir(context.options), name, "");
    if (!draft.ok()) out.emplace_back(name, draft.error());
  }
  return out;
}

std::string drafts_text(const std::vector<std::string>& drafts,
                        const std::vector<std::pair<std::string, Error>>& unread) {
  std::string out;
  auto next = unread.begin();  // in the same order
  for (const std::string& name : drafts) {
    if (next != unread.end() && next->first == name) {
      out += fmt::format(
          "draft {0} cannot be read: {1}; correct it, or vesto destination remove {0}\n", name,
          printable(next->second.message(), false));
      ++next;
      continue;
    }
    out += fmt::format("draft {0}: vesto destination add {0} goes on\n", name);
  }
  return out;
}

}  // namespace

int cmd_init(const Context& context) {
  const std::string path = config_files(context.options).front();
  // O_EXCL: never over a file that somebody made meanwhile.
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (file < 0) return fail(context, init_error(path, errno));
  const std::string text = starter_config();
  const ssize_t written = ::write(file, text.data(), text.size());
  const int code = errno;
  if (::close(file) != 0 || written != static_cast<ssize_t>(text.size())) {
    ::unlink(path.c_str());
    return fail(context, init_error(path, written < 0 ? code : ENOSPC));
  }
  if (context.options.json) {
    write_out(fmt::format(R"({{"schema":"vesto.init/1","file":{}}})", json_quote(path)) + "\n");
  } else {
    write_out(
        fmt::format("Made {}.\nNext:  edit it, then  vesto config check  and  "
                    "vesto sync plan shop-orders\n",
                    path));
  }
  return kExitOk;
}

int cmd_config_check(const Context& context) {
  LoadedConfig loaded = load_config(config_files(context.options));
  if (loaded.issues.empty()) loaded.issues = policy_issues(loaded.config);
  if (loaded.issues.empty() && !context.options.no_secrets) {
    loaded.issues = check_references(loaded.config, sealed_store(context));
    for (ConfigIssue& open : open_secret_files(loaded.config)) {
      loaded.warnings.push_back(std::move(open));
    }
  }
  const bool good = loaded.issues.empty();
  const std::vector<std::string> drafts = open_drafts(context, loaded.config);
  const auto unread = unread_drafts(context, drafts);
  if (context.options.json) {
    std::vector<std::string> issues;
    for (const ConfigIssue& issue : loaded.issues) issues.push_back(issue_json(issue));
    std::vector<std::string> warnings;
    for (const ConfigIssue& issue : loaded.warnings) warnings.push_back(issue_json(issue));
    std::vector<std::string> files;
    for (const std::string& file : loaded.files) files.push_back(json_quote(file));
    std::vector<std::string> unread_names;
    for (const auto& one : unread) unread_names.push_back(one.first);
    write_out(fmt::format(R"({{"schema":"vesto.config-check/1","success":{},"files":[{}],)"
                          R"("issues":[{}],"warnings":[{}],"drafts":{},"unread_drafts":{}}})",
                          good, join(files, ","), join(issues, ","), join(warnings, ","),
                          json_list(drafts), json_list(unread_names)) +
              "\n");
  } else if (good && !context.options.quiet) {
    const Config& config = loaded.config;
    write_out(fmt::format(
        "{}, {}, {}, {}: no problems found.\n", plural(loaded.files.size(), "file"),
        plural(config.sources.size(), "source"), plural(config.destinations.size(), "destination"),
        plural(config.syncs.size(), "sync")));
  }
  if (!context.options.json && !context.options.quiet) write_out(drafts_text(drafts, unread));
  if (!context.options.quiet) write_err(issues_text(loaded.warnings));
  if (good) return kExitOk;
  write_err(issues_text(loaded.issues));
  write_err(plural(loaded.issues.size(), "problem") + ".\n");
  return kExitConfig;
}

int cmd_config_show(const Context& context) {
  const LoadedConfig loaded = load_config(config_files(context.options));
  if (!loaded.issues.empty()) {
    // What is not understood is not shown: a secret may stand in the wrong place.
    if (context.options.json) {
      write_out(fmt::format(R"({{"error":{}}})", error_json(issue_error(loaded.issues.front()))) +
                "\n");
    }
    write_err(issues_text(loaded.issues));
    return kExitConfig;
  }
  write_out(context.options.json ? config_as_json(loaded)
                                 : config_as_toml(loaded, context.options.origin));
  return kExitOk;
}

}  // namespace vesto::cli
