// Files into one tree: vesto.toml, conf.d/*.toml, merged.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <tuple>

#include "base/strings.h"
#include "config/build.h"
#include "config/config.h"
#include "config/edit.h"
#include "config/lint.h"

namespace vesto {

namespace {

constexpr size_t kMaxFiles = 1000;

void add_member(const TomlValue::Member& member, const std::string& shown, TomlValue* into,
                std::vector<ConfigIssue>* issues);

// The first origin of anything below, for a table that TOML implied.
void merge_tables(const TomlValue& from, const std::string& shown, TomlValue* into,
                  std::vector<ConfigIssue>* issues) {
  for (const TomlValue::Member& member : from.members) {
    add_member(member, shown.empty() ? member.name : shown + "." + member.name, into, issues);
  }
}

// Sections of general settings and tables of objects grow together; anything else may stand once.
bool grows(std::string_view shown) {
  constexpr std::array<std::string_view, 5> kGrowing = {"limits", "log", "source", "destination",
                                                        "sync"};
  return std::find(kGrowing.begin(), kGrowing.end(), shown) != kGrowing.end();
}

void add_member(const TomlValue::Member& member, const std::string& shown, TomlValue* into,
                std::vector<ConfigIssue>* issues) {
  for (TomlValue::Member& there : into->members) {
    if (there.name != member.name) continue;
    const bool both_tables =
        there.value.kind == TomlValue::Kind::kTable && member.value.kind == TomlValue::Kind::kTable;
    if (grows(shown) && both_tables) {
      merge_tables(member.value, shown, &there.value, issues);
    } else if (shown == "version" && there.value.kind == TomlValue::Kind::kInteger &&
               member.value.kind == TomlValue::Kind::kInteger &&
               there.value.integer == member.value.integer) {
      // Each file may carry its version.
    } else {
      issues->push_back({.code = ErrorCode::kCfgDuplicate,
                         .origin = member.origin,
                         .message = fmt::format("{} is defined already at {}", cut_utf8(shown, 200),
                                                there.origin.text())});
    }
    return;
  }
  into->members.push_back(member);
}

struct ReadFile {
  std::string text;
  std::error_code error;
};

ReadFile read_file(const std::string& path) {
  ReadFile out;
  std::error_code failed;
  if (std::filesystem::is_directory(path, failed)) {
    out.error = std::make_error_code(std::errc::is_a_directory);
    return out;
  }
  errno = 0;
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    out.error = std::error_code(errno == 0 ? ENOENT : errno, std::generic_category());
    return out;
  }
  // One byte more than allowed shows that the file is too large.
  out.text.resize(kMaxConfigBytes + 1);
  in.read(out.text.data(), static_cast<std::streamsize>(out.text.size()));
  out.text.resize(static_cast<size_t>(in.gcount()));
  if (in.bad()) out.error = std::error_code(EIO, std::generic_category());
  return out;
}

void add_text(std::string_view text, const std::string& file, LoadedConfig* loaded) {
  loaded->files.push_back(file);
  const auto parsed = parse_toml(text, file);
  if (const auto* issue = std::get_if<ConfigIssue>(&parsed)) {
    loaded->issues.push_back(*issue);
    return;
  }
  const auto& tree = std::get<TomlValue>(parsed);
  if (loaded->tree.origin.file.empty()) loaded->tree.origin = {.file = file};
  merge_tables(tree, "", &loaded->tree, &loaded->issues);
}

// Who must open the file, as a line to paste.
std::string access_hint(const std::string& file) {
  struct stat about {};
  if (::stat(file.c_str(), &about) != 0) return "";  // a directory above may not be entered
  return fmt::format("It belongs to uid {}, this process runs as uid {}: chmod a+r '{}'",
                     about.st_uid, ::geteuid(), file);
}

// A text that is to be read in the place of a file.
struct Instead {
  std::string_view file;
  std::string_view text;
};

void add_file(const std::string& file, const Instead* instead, LoadedConfig* loaded) {
  if (instead != nullptr && instead->file == file) return add_text(instead->text, file, loaded);
  const ReadFile read = read_file(file);
  if (read.error) {
    const bool is_there = read.error.value() != ENOENT && read.error.value() != ENOTDIR;
    loaded->issues.push_back(
        {.code = is_there ? ErrorCode::kCfgFile : ErrorCode::kCfgNoFile,
         .origin = {.file = file},
         .message = fmt::format("the file cannot be read ({})", read.error.message()),
         .hint = read.error.value() == EACCES ? access_hint(file) : std::string()});
    return;
  }
  add_text(read.text, file, loaded);
}

std::vector<std::string> files_of_conf_d(const std::string& first_file,
                                         std::vector<ConfigIssue>* issues) {
  const std::filesystem::path dir = std::filesystem::path(first_file).parent_path() / "conf.d";
  std::vector<std::string> files;
  std::error_code failed;
  for (std::filesystem::directory_iterator it(dir, failed), end; !failed && it != end;
       it.increment(failed)) {
    if (it->path().extension() == ".toml") files.push_back(it->path().string());
  }
  std::sort(files.begin(), files.end());
  if (files.size() > kMaxFiles) {
    issues->push_back({.code = ErrorCode::kCfgValue,
                       .origin = {.file = dir.string()},
                       .message = fmt::format("more than {} files", kMaxFiles),
                       .hint = "Join some of them."});
    files.clear();
  }
  return files;
}

void finish(LoadedConfig* loaded) {
  // With a file missing or unread, whatever it would have defined would be reported as missing.
  const bool whole =
      std::none_of(loaded->issues.begin(), loaded->issues.end(), [](const ConfigIssue& issue) {
        return issue.code == ErrorCode::kCfgSyntax || issue.code == ErrorCode::kCfgNoFile ||
               issue.code == ErrorCode::kCfgFile;
      });
  if (whole) {
    lint(loaded->tree, &loaded->issues);
    loaded->config = build_config(loaded->tree, &loaded->issues);
    check_config(loaded->config, &loaded->issues);
  }
  std::stable_sort(loaded->issues.begin(), loaded->issues.end(),
                   [&](const ConfigIssue& a, const ConfigIssue& b) {
                     const auto rank = [&](const Origin& origin) {
                       return std::find(loaded->files.begin(), loaded->files.end(), origin.file) -
                              loaded->files.begin();
                     };
                     return std::make_tuple(rank(a.origin), a.origin.line, a.origin.column) <
                            std::make_tuple(rank(b.origin), b.origin.line, b.origin.column);
                   });
  std::vector<ConfigIssue> issues;
  for (ConfigIssue& issue : loaded->issues) {
    (issue.warning ? loaded->warnings : issues).push_back(std::move(issue));
  }
  loaded->issues = std::move(issues);
}

LoadedConfig load(const std::vector<std::string>& files, const Instead* instead) {
  LoadedConfig loaded;
  for (const std::string& file : files) add_file(file, instead, &loaded);
  if (!files.empty() && !loaded.files.empty()) {
    for (const std::string& file : files_of_conf_d(files.front(), &loaded.issues)) {
      if (std::find(files.begin(), files.end(), file) == files.end()) {
        add_file(file, instead, &loaded);
      }
    }
  }
  finish(&loaded);
  return loaded;
}

}  // namespace

LoadedConfig load_config(const std::vector<std::string>& files) { return load(files, nullptr); }

LoadedConfig load_config_with(const std::vector<std::string>& files, const std::string& file,
                              std::string_view text) {
  const Instead instead{.file = file, .text = text};
  return load(files, &instead);
}

LoadedConfig load_config_text(std::string_view text, const std::string& file) {
  LoadedConfig loaded;
  add_text(text, file, &loaded);
  finish(&loaded);
  return loaded;
}

}  // namespace vesto
