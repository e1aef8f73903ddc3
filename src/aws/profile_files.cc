#include "aws/profile_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "aws/env_number.h"
#include "aws/json_answer.h"
#include "aws/shell_words.h"
#include "aws/small_file.h"
#include "base/strings.h"

namespace vesto {

namespace {

constexpr size_t kMaxFileBytes = 1 << 20;

class IniReader {
 public:
  explicit IniReader(const std::string& path) : path_(path) {}

  Status line(std::string_view raw) {
    ++number_;
    const std::string_view text = trim(raw);
    if (text.empty() || text[0] == '#' || text[0] == ';') return ok_status();
    const size_t indent = raw.find_first_not_of(" \t");
    if (has_key_ && indent > indent_) return ok_status();  // nested: belongs to the key before
    indent_ = indent;
    if (text[0] == '[') return header(text);
    if (section_ == nullptr) return fault("stands before any [section]");
    const size_t sign = text.find_first_of("=:");
    if (sign == std::string_view::npos || sign == 0) return fault("is no \"key = value\"");
    const std::string key = to_lower_ascii(trim(text.substr(0, sign)));
    if (!section_->emplace(key, trim(text.substr(sign + 1))).second) {
      return fault("sets " + outside_text(key, 100) + " a second time");
    }
    has_key_ = true;
    return ok_status();
  }

  ProfileSections take() { return std::move(sections_); }

 private:
  Status header(std::string_view text) {
    const size_t end = text.rfind(']');
    if (end == std::string_view::npos || end < 2) return fault("is no [section]");
    const std::string name(text.substr(1, end - 1));
    const auto [place, is_new] = sections_.try_emplace(name);
    if (!is_new) return fault("opens [" + outside_text(name, 100) + "] a second time");
    section_ = &place->second;
    has_key_ = false;
    return ok_status();
  }

  [[nodiscard]] Error fault(const std::string& what) const {
    return {ErrorCode::kAwsProfile,
            fmt::format("line {} of {} {}", number_, outside_text(path_, 500), what)};
  }

  const std::string& path_;
  int64_t number_ = 0;
  ProfileSections sections_;
  ProfileKeys* section_ = nullptr;
  bool has_key_ = false;
  size_t indent_ = 0;
};

// "~/x" by HOME; "" where HOME is not set.
std::string expand_home(const std::string& path, const Environment& environment) {
  if (path != "~" && !path.starts_with("~/")) return path;
  const std::string home = env_text(environment, "HOME");
  return home.empty() ? "" : home + path.substr(1);
}

std::string path_of(const Environment& environment, std::string_view variable,
                    const std::string& otherwise) {
  const std::string given = env_text(environment, variable);
  return expand_home(given.empty() ? otherwise : given, environment);
}

Result<ProfileSections> read_sections(const std::string& path) {
  if (path.empty()) return ProfileSections{};
  VESTO_ASSIGN(const SmallFile file, read_small_file(path, kMaxFileBytes, ErrorCode::kAwsProfile));
  return parse_ini(file.text, path);
}

// "profile base" and "profile \"my base\"" name profiles, "default" does; other sections of the
// config file (sso-session, services, plugins) do not.
std::optional<std::string> profile_of_section(const std::string& section) {
  if (section == "default") return section;
  const auto words = split_shell_words(section);
  if (!words || words->size() != 2 || (*words)[0] != "profile") return std::nullopt;
  return (*words)[1];
}

}  // namespace

Result<ProfileSections> parse_ini(std::string_view text, const std::string& path) {
  if (text.find('\0') != std::string_view::npos) {
    return Error(ErrorCode::kAwsProfile, "the file " + outside_text(path, 500) + " is no text");
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  IniReader reader(path);
  size_t from = 0;
  while (from < text.size()) {
    const size_t end = std::min(text.find('\n', from), text.size());
    VESTO_TRY(reader.line(text.substr(from, end - from)));
    from = end + 1;
  }
  return reader.take();
}

Result<ProfileFiles> read_profile_files(const Environment& environment) {
  ProfileFiles files;
  files.config_path = path_of(environment, "AWS_CONFIG_FILE", "~/.aws/config");
  files.credentials_path =
      path_of(environment, "AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials");
  VESTO_ASSIGN(ProfileSections config, read_sections(files.config_path));
  for (auto& [section, keys] : config) {
    const auto profile = profile_of_section(section);
    if (!profile) continue;
    // "[profile default]" and "[default]" are the same; the first form wins, as AWS says. It does
    // here because it comes later in the map.
    files.config.insert_or_assign(*profile, std::move(keys));
  }
  VESTO_ASSIGN(files.credentials, read_sections(files.credentials_path));
  return files;
}

std::optional<ProfileKeys> ProfileFiles::find(const std::string& profile) const {
  const auto in_config = config.find(profile);
  const auto in_credentials = credentials.find(profile);
  if (in_config == config.end() && in_credentials == credentials.end()) return std::nullopt;
  ProfileKeys keys;
  if (in_credentials != credentials.end()) keys = in_credentials->second;
  if (in_config != config.end()) keys.insert(in_config->second.begin(), in_config->second.end());
  return keys;
}

std::vector<std::string> ProfileFiles::names() const {
  std::set<std::string> all;
  for (const auto& [name, keys] : config) all.insert(name);
  for (const auto& [name, keys] : credentials) all.insert(name);
  return {all.begin(), all.end()};
}

std::string ProfileFiles::where() const {
  std::vector<std::string> paths;
  for (const std::string& path : {config_path, credentials_path}) {
    if (!path.empty()) paths.push_back(outside_text(path, 300));
  }
  return paths.empty() ? "no file (HOME is not set)" : join(paths, " and ");
}

}  // namespace vesto
