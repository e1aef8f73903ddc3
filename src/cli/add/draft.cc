#include "cli/add/draft.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/private_dir.h"
#include "base/strings.h"
#include "config/config.h"
#include "config/values.h"
#include "secret/files.h"

namespace vesto::cli {

namespace {

constexpr size_t kMaxDrafts = 1000;

std::string drafts_dir(const std::string& data_dir) { return data_dir + "/drafts"; }

Result<std::optional<Answers>> parse_draft(const std::string& path, const std::string& name,
                                           const std::string& config_file) {
  VESTO_ASSIGN(const std::optional<std::string> text, secret::read_whole(path, kMaxDraftBytes));
  if (!text) return std::optional<Answers>();
  const auto parsed = parse_toml(*text, path);
  if (const auto* issue = std::get_if<ConfigIssue>(&parsed)) return issue_error(*issue);
  const auto& tree = std::get<TomlValue>(parsed);
  Answers answers(name, config_file);
  const TomlValue* all = tree.find("destination");
  const TomlValue* own = all == nullptr ? nullptr : all->find(name);
  // Paths in a draft are as the configuration will have them.
  const std::string dir = std::filesystem::path(config_file).parent_path().string();
  if (own != nullptr) VESTO_TRY(answers.take_table(*own, dir));
  if (const TomlValue* draft = tree.find("draft")) VESTO_TRY(answers.take_draft(*draft));
  answers.begin_with_draft();
  return std::optional<Answers>(std::move(answers));
}

}  // namespace

std::string draft_path(const std::string& data_dir, const std::string& name) {
  return fmt::format("{}/{}.toml", drafts_dir(data_dir), name);
}

std::vector<std::string> draft_names(const std::string& data_dir) {
  std::vector<std::string> out;
  std::error_code failed;
  for (std::filesystem::directory_iterator it(drafts_dir(data_dir), failed), end;
       !failed && it != end && out.size() < kMaxDrafts; it.increment(failed)) {
    if (it->path().extension() != ".toml") continue;
    std::string name = it->path().stem().string();
    if (good_object_name(name)) out.push_back(std::move(name));
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::optional<Answers>> read_draft(const std::string& data_dir, const std::string& name,
                                          const std::string& config_file) {
  if (!good_object_name(name)) return std::optional<Answers>();
  const std::string path = draft_path(data_dir, name);
  auto draft = parse_draft(path, name, config_file);
  if (draft.ok()) return draft;
  return Error(draft.error())
      .with_hint(fmt::format("Correct {}, or remove it: vesto destination remove {}", path, name));
}

Status save_draft(const std::string& data_dir, const Answers& answers) {
  const std::string dir = drafts_dir(data_dir);
  VESTO_TRY(make_private_dir(data_dir));
  VESTO_TRY(make_private_dir(dir));
  VESTO_ASSIGN(const secret::File lock, secret::take_lock(dir + "/lock"));
  return secret::replace_file(dir, answers.name() + ".toml", answers.draft_toml());
}

bool can_make_warehouse(const Answers& draft) {
  return !draft.has("draft.host") && draft.has("kind") && draft.has("auth.region");
}

bool lacks_secrets_alone(const Answers& draft) {
  const std::vector<MissingAnswer> missing = draft.missing();
  return !missing.empty() &&
         std::all_of(missing.begin(), missing.end(), [](const MissingAnswer& one) {
           const std::string_view flag = one.flag;
           return flag == "--access-key-id" || flag == "--secret-access-key-secret" ||
                  flag == "--password-secret";
         });
}

Result<DestinationConfig> destination_without_secrets(Answers draft) {
  std::vector<const char*> needed = {};
  if (draft.method() == "password") needed.push_back("auth.password");
  if (draft.identity() == "access_key") {
    needed.insert(needed.end(), {"auth.access_key_id", "auth.secret_access_key"});
  }
  for (const char* setting : needed) {
    if (!draft.has(setting)) draft.set_reference(setting, "secret", "not-there-yet");
  }
  VESTO_ASSIGN(const std::string section, draft.toml());
  const LoadedConfig alone = load_config_text("version = 1\n" + section, "draft");
  if (!alone.issues.empty()) return issue_error(alone.issues.front());
  const DestinationConfig* to = alone.config.find_destination(draft.name());
  if (to == nullptr) return Error(ErrorCode::kInternal, "the draft makes no destination");
  return *to;
}

bool remove_draft(const std::string& data_dir, const std::string& name) {
  return good_object_name(name) && ::unlink(draft_path(data_dir, name).c_str()) == 0;
}

std::optional<Error> draft_error(const std::string& data_dir, const std::string& name) {
  const auto draft = read_draft(data_dir, name, "");
  if (!draft.ok()) return draft.error();
  if (!*draft) return std::nullopt;
  const std::vector<std::string> missing = (*draft)->missing_flags();
  return Error(ErrorCode::kCfgDraft,
               missing.empty()
                   ? fmt::format("{} is a draft; nothing is missing but its end", name)
                   : fmt::format("{} is a draft; it lacks {}", name, join(missing, ", ")))
      .with_hint(fmt::format("vesto destination add {}", name));
}

}  // namespace vesto::cli
