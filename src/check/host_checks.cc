#include "check/host_checks.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "base/private_dir.h"
#include "base/strings.h"
#include "check/answers.h"
#include "config/open_files.h"
#include "store/health.h"
#include "sync/identity.h"

namespace vesto {

namespace check {

namespace {

constexpr size_t kMaxIssuesShown = 20;
constexpr uint64_t kLowPercent = 5;

std::string issue_line(const ConfigIssue& issue) {
  return fmt::format("{} {}: {}", issue.origin.text(), catalog_entry(issue.code).name,
                     issue.message);
}

void add_issues(const std::vector<ConfigIssue>& issues, CheckAnswer* answer) {
  for (size_t i = 1; i < issues.size() && i <= kMaxIssuesShown; ++i) {
    answer->evidence.push_back({"also", issue_line(issues[i])});
  }
  if (issues.size() > kMaxIssuesShown + 1) {
    answer->evidence.push_back({"more", std::to_string(issues.size() - kMaxIssuesShown - 1)});
  }
}

Error first_of(const std::vector<ConfigIssue>& issues) {
  Error first = issue_error(issues.front());
  if (issues.size() == 1) return first;
  Error error(first.code(), fmt::format("{} (and {} more)", first.message(), issues.size() - 1));
  error.with_hint(first.hint());
  return error;
}

std::string reference_name(const ValueRef& ref) {
  switch (ref.kind) {
    case ValueRef::Kind::kSecret:
      return "secret " + ref.name;
    case ValueRef::Kind::kEnv:
      return "env " + ref.name;
    case ValueRef::Kind::kFile:
      return "file " + ref.name;
    case ValueRef::Kind::kText:
    case ValueRef::Kind::kNone:
      break;
  }
  return "";
}

// What the configuration takes from somewhere else, by name.
std::vector<std::string> reference_names(const Config& part) {
  std::vector<const ValueRef*> refs;
  const auto add_ssh = [&refs](const SshConfig& ssh) {
    if (ssh.given) refs.insert(refs.end(), {&ssh.key, &ssh.passphrase});
  };
  for (const SourceConfig& source : part.sources) {
    refs.insert(refs.end(), {&source.user, &source.password});
    add_ssh(source.ssh);
  }
  for (const DestinationConfig& to : part.destinations) {
    refs.insert(refs.end(), {&to.auth.user, &to.auth.password, &to.auth.access_key_id,
                             &to.auth.secret_access_key, &to.auth.session_token});
    add_ssh(to.ssh);
  }
  if (part.google.source == "key_file") refs.push_back(&part.google.key);
  std::vector<std::string> names;
  for (const ValueRef* ref : refs) {
    const std::string name = reference_name(*ref);
    const bool known = std::find(names.begin(), names.end(), name) != names.end();
    if (!name.empty() && !known) names.push_back(name);
  }
  return names;
}

}  // namespace

Config part_of(const Config& config, const DestinationConfig& destination) {
  Config part;
  if (destination.auth.identity == "google") part.google = config.google;
  part.destinations.push_back(destination);
  return part;
}

Config part_of(const Config& /*config*/, const SourceConfig& source) {
  Config part;
  part.sources.push_back(source);
  return part;
}

CheckAnswer issues_answer(const std::vector<ConfigIssue>& issues) {
  CheckAnswer answer = failed(first_of(issues));
  add_issues(issues, &answer);
  return answer;
}

CheckAnswer secrets_answer(const Config& part, const SealedStore& secrets) {
  if (const auto issues = check_references(part, secrets); !issues.empty()) {
    return issues_answer(issues);
  }
  const std::vector<std::string> names = reference_names(part);
  CheckAnswer answer = passed({{"open", std::to_string(names.size())}});
  if (!names.empty()) answer.evidence.push_back({"names", join(names, ", ")});
  const bool sealed = std::any_of(names.begin(), names.end(), [](const std::string& name) {
    return name.starts_with("secret ");
  });
  if (const auto list = secrets.list(); sealed && list.ok() && !list->key_id.empty()) {
    answer.evidence.push_back({"key_id", list->key_id});
  }
  if (const auto open = open_secret_files(part); !open.empty()) {
    answer.status = CheckStatus::kWarning;
    answer.error = first_of(open);
    add_issues(open, &answer);
  }
  return answer;
}

CheckAnswer disk_answer(uint64_t free_bytes, uint64_t total_bytes, const std::string& dir) {
  CheckAnswer answer =
      passed({{"free", format_bytes(free_bytes)}, {"of", format_bytes(total_bytes)}});
  const std::string said = fmt::format("{} free on the disk of {}", format_bytes(free_bytes), dir);
  if (free_bytes < kLeastFreeBytes) {
    answer.status = CheckStatus::kFailed;
    answer.error = Error(ErrorCode::kSysDisk,
                         fmt::format("{}; a run needs {}", said, format_bytes(kLeastFreeBytes)));
  } else if (free_bytes < kLowFreeBytes || free_bytes < total_bytes / 100 * kLowPercent) {
    answer.status = CheckStatus::kWarning;
    answer.error = Error(ErrorCode::kSysDiskLow, said);
  }
  return answer;
}

namespace {

CheckAnswer disk_of(const std::string& data_dir) {
  // Where it is not made yet, it will lie on the disk of what is there above it.
  std::error_code ignored;
  std::filesystem::path dir = std::filesystem::absolute(data_dir, ignored);
  while (!std::filesystem::exists(dir, ignored) && dir.has_relative_path()) dir = dir.parent_path();
  struct statvfs disk {};
  if (::statvfs(dir.c_str(), &disk) != 0) {
    const int code = errno;
    return failed(system_error(fmt::format("{} cannot be looked at", dir.string()), code));
  }
  const uint64_t block_bytes = disk.f_frsize;
  return disk_answer(disk.f_bavail * block_bytes, disk.f_blocks * block_bytes, data_dir);
}

}  // namespace

Result<StoreHealth> StoreLook::ask(const std::string& data_dir, const std::stop_token& stop) {
  if (seen_) return *seen_;
  VESTO_ASSIGN(const StoreHealth health, look_at_store(data_dir, stop));
  if (health.there && health.schema_version > 0) seen_ = health;
  return health;
}

CheckAnswer store_answer(const std::string& data_dir, const CheckLimits& limits, StoreLook* look) {
  StoreLook own;
  const Result<StoreHealth> health = (look == nullptr ? own : *look).ask(data_dir, limits.stop);
  if (!health.ok()) return failed(health.error());
  if (!health->there || health->schema_version == 0)
    return passed({{"store", "made by the first run"}});
  CheckAnswer answer = passed({{"schema", std::to_string(health->schema_version)},
                               {"size", format_bytes(static_cast<uint64_t>(health->size_bytes))}});
  // Of a large one it is not known, which is no fault.
  if (!health->looked_through) {
    answer.status = CheckStatus::kSkipped;
    answer.reason = fmt::format("its {} could not be looked through within {}",
                                format_bytes(static_cast<uint64_t>(health->size_bytes)),
                                format_duration(limits.limit_ms));
    return answer;
  }
  if (health->damage.empty()) return answer;
  answer.status = CheckStatus::kFailed;
  answer.error =
      Error(ErrorCode::kSysStore, "the local store " + data_dir + "/vesto.db is damaged")
          .with_hint(
              "Move vesto.db away: the next run makes another one and asks the "
              "warehouse where it stands.")
          .with_upstream(
              {.system = "sqlite", .code = "", .text = health->damage, .request_id = ""});
  return answer;
}

}  // namespace check

namespace {

CheckAnswer config_answer(const LoadedConfig& loaded) {
  if (!loaded.issues.empty()) return check::issues_answer(loaded.issues);
  if (const auto issues = policy_issues(loaded.config); !issues.empty()) {
    return check::issues_answer(issues);
  }
  const Config& config = loaded.config;
  CheckAnswer answer = check::passed({{"files", join(loaded.files, ", ")},
                                      {"sources", std::to_string(config.sources.size())},
                                      {"destinations", std::to_string(config.destinations.size())},
                                      {"syncs", std::to_string(config.syncs.size())}});
  if (loaded.warnings.empty()) return answer;
  CheckAnswer warned = check::issues_answer(loaded.warnings);
  warned.status = CheckStatus::kWarning;
  warned.evidence.insert(warned.evidence.begin(), answer.evidence.begin(), answer.evidence.end());
  return warned;
}

}  // namespace

std::vector<ConfigIssue> policy_issues(const Config& config) {
  std::vector<ConfigIssue> issues;
  for (const DestinationConfig& destination : config.destinations) {
    const Status checked = check_copy_policy(destination);
    if (checked.ok()) continue;
    issues.push_back({.code = checked.error().code(),
                      .origin = destination.prefix_origin,
                      .message = checked.error().message(),
                      .hint = checked.error().hint()});
  }
  return issues;
}

std::vector<Check> host_checks(const HostUnderTest& target) {
  std::vector<Check> checks;
  const auto add = [&checks](std::string id, std::string title, std::string group,
                             std::vector<std::string> needs,
                             std::function<CheckAnswer(const CheckLimits&)> run) {
    Check check;
    check.id = std::move(id);
    check.title = std::move(title);
    check.group = std::move(group);
    check.needs = std::move(needs);
    check.run = std::move(run);
    checks.push_back(std::move(check));
  };
  add("config.valid", "Configuration is complete", "config", {},
      [target](const CheckLimits&) { return config_answer(*target.loaded); });
  add("secret.readable", "Secrets can be opened", "host", {"config.valid"},
      [target](const CheckLimits&) {
        return check::secrets_answer(target.loaded->config, *target.secrets);
      });
  add("host.disk", "Room on the disk", "host", {},
      [target](const CheckLimits&) { return check::disk_of(target.data_dir); });
  add("host.store", "Local store is whole", "host", {}, [target](const CheckLimits& limits) {
    return check::store_answer(target.data_dir, limits, target.store);
  });
  return checks;
}

Check lock_check() {
  Check check;
  check.id = "host.lock";
  check.title = "No other test runs";
  check.group = "config";
  check.run = [](const CheckLimits&) { return check::passed(); };
  return check;
}

}  // namespace vesto
