#include "config/edit.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <optional>
#include <system_error>

#include "base/clock.h"
#include "base/kill_point.h"
#include "base/strings.h"
#include "secret/files.h"

namespace vesto {

namespace {

using secret::File;

constexpr int kLockTimeoutMs = 10'000;
constexpr std::string_view kNewFile = "version = 1\n";

Error file_error(const std::string& path, std::string_view what, int code) {
  const bool full = code == ENOSPC || code == EDQUOT || code == EFBIG;
  return Error(full ? ErrorCode::kSysDisk : ErrorCode::kCfgFile, fmt::format("{} {}", path, what))
      .with_hint(full ? "" : "Run it as a user who may write the file and its directory.")
      .with_upstream({.system = "os",
                      .code = std::to_string(code),
                      .text = std::system_category().message(code),
                      .request_id = ""});
}

// Where the bytes are: behind every symlink.
std::filesystem::path real_path(const std::string& file) {
  std::error_code failed;
  std::filesystem::path real =
      std::filesystem::weakly_canonical(std::filesystem::absolute(file), failed);
  return failed ? std::filesystem::path(file) : real;
}

// The new file on its way: a name that nobody else gives, as one that a crash has left is taken
// away.
std::string fresh_path(const std::filesystem::path& path) {
  return (path.parent_path() / ("." + path.filename().string() + ".vesto-edit")).string();
}

// One writer at a time in the directory of the file: a lock on the directory itself leaves nothing
// lying there.
Result<File> lock_directory(const std::filesystem::path& dir) {
  File file(::open(dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (file.number() < 0) return file_error(dir.string(), "cannot be opened", errno);
  constexpr int kStepMs = 20;
  for (int waited_ms = 0; ::flock(file.number(), LOCK_EX | LOCK_NB) != 0; waited_ms += kStepMs) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return file_error(dir.string(), "cannot be locked", errno);
    if (waited_ms >= kLockTimeoutMs) {
      return Error(ErrorCode::kSysStoreBusy, "another process is changing the configuration")
          .with_hint(
              fmt::format("Wait until it is done, or find it with: fuser '{}'", dir.string()));
    }
    system_clock().sleep_ms(kStepMs, {});
  }
  return file;
}

// An access list of POSIX, as the kernel keeps it.
constexpr const char* kAclName = "system.posix_acl_access";
constexpr size_t kMaxAclBytes = 65'536;  // XATTR_SIZE_MAX

bool has_no_acl(int code) { return code == ENODATA || code == ENOTSUP; }

// The access list of the old file, "" where it has none; 0 or errno.
int read_acl(const std::string& path, std::string* acl) {
  acl->resize(kMaxAclBytes);
  const ssize_t size = ::getxattr(path.c_str(), kAclName, acl->data(), acl->size());
  acl->resize(size < 0 ? 0 : static_cast<size_t>(size));
  return size < 0 && !has_no_acl(errno) ? errno : 0;
}

// That of the old file alone: a directory may give its own to every new file. 0 or errno.
int set_acl(int file, const std::string& acl) {
  const int done = acl.empty() ? ::fremovexattr(file, kAclName)
                               : ::fsetxattr(file, kAclName, acl.data(), acl.size(), 0);
  return done != 0 && !(acl.empty() && has_no_acl(errno)) ? errno : 0;
}

// Who may read and write the old file, and nobody else, may the new one.
Status keep_access(const std::string& path, const struct stat& old, int file) {
  std::string acl;
  if (const int failed = read_acl(path, &acl); failed != 0) {
    return file_error(path, "has an access list (ACL) that cannot be read", failed);
  }
  // Another owner's file keeps its owner where this user may give it; its group likewise. A group
  // that cannot be given has no rights: another one's must not get them.
  mode_t mode = old.st_mode & 07777;
  if (old.st_uid != ::geteuid() || old.st_gid != ::getegid()) {
    const bool both = ::fchown(file, old.st_uid, old.st_gid) == 0;
    if (!both && errno != EPERM) return file_error(path, "cannot be written", errno);
    if (!both && ::fchown(file, static_cast<uid_t>(-1), old.st_gid) != 0) {
      mode &= ~static_cast<mode_t>(070);
      // There the group's bits are the mask of all that the list names.
      if (!acl.empty()) {
        return file_error(path, "has an access list (ACL) that cannot be kept with its group",
                          EPERM);
      }
    }
  }
  // Before the mode, whose group bits are more than the group's where there is a list.
  if (const int failed = set_acl(file, acl); failed != 0) {
    return file_error(path, "has an access list (ACL) that cannot be kept", failed);
  }
  if (::fchmod(file, mode) != 0) return file_error(path, "cannot be written", errno);
  return ok_status();
}

// The new file beside the old one, with its mode, owner and access list.
Status write_fresh(const std::string& path, const std::string& fresh, const struct stat* old,
                   std::string_view bytes) {
  ::unlink(fresh.c_str());  // of a process that was killed
  const File file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.number() < 0) return file_error(path, "cannot be written", errno);
  if (old != nullptr) VESTO_TRY(keep_access(path, *old, file.number()));
  int failed = secret::write_fully(file.number(), bytes);
  if (failed == 0 && ::fsync(file.number()) != 0) failed = errno;
  return failed == 0 ? ok_status() : file_error(path, "cannot be written", failed);
}

Status replace_config(const std::filesystem::path& path, const File& dir, std::string_view bytes) {
  struct stat about {};
  const bool there = ::stat(path.c_str(), &about) == 0;
  const std::string fresh = fresh_path(path);
  if (Status written = write_fresh(path.string(), fresh, there ? &about : nullptr, bytes);
      !written.ok()) {
    ::unlink(fresh.c_str());
    return written;
  }
  int failed = 0;
  VESTO_KILL_POINT("config.before_rename");
  if (::rename(fresh.c_str(), path.c_str()) != 0) failed = errno;
  VESTO_KILL_POINT("config.after_rename");
  // Some file systems cannot sync a directory (EINVAL): there is nothing more to do there.
  if (failed == 0 && ::fsync(dir.number()) != 0 && errno != EINVAL) failed = errno;
  if (failed == 0) return ok_status();
  ::unlink(fresh.c_str());
  return file_error(path.string(), "cannot be written", failed);
}

bool same_value(const TomlValue& a, const TomlValue& b) {
  if (a.kind != b.kind || a.text != b.text || a.integer != b.integer || a.boolean != b.boolean) {
    return false;
  }
  if (a.items.size() != b.items.size() || a.members.size() != b.members.size()) return false;
  for (size_t i = 0; i < a.items.size(); ++i) {
    if (!same_value(a.items[i], b.items[i])) return false;
  }
  for (size_t i = 0; i < a.members.size(); ++i) {
    if (a.members[i].name != b.members[i].name) return false;
    if (!same_value(a.members[i].value, b.members[i].value)) return false;
  }
  return true;
}

// Takes destination.NAME out of the tree, and "destination" if nothing else is in it.
std::optional<TomlValue> take_destination(TomlValue* tree, std::string_view name) {
  std::optional<TomlValue> taken;
  for (size_t i = 0; i < tree->members.size(); ++i) {
    if (tree->members[i].name != "destination") continue;
    std::vector<TomlValue::Member>& all = tree->members[i].value.members;
    for (size_t k = 0; k < all.size(); ++k) {
      if (all[k].name != name) continue;
      taken = std::move(all[k].value);
      all.erase(all.begin() + static_cast<ptrdiff_t>(k));
      break;
    }
    if (all.empty()) tree->members.erase(tree->members.begin() + static_cast<ptrdiff_t>(i));
    break;
  }
  return taken;
}

const TomlValue* tree_of(const std::variant<TomlValue, ConfigIssue>& parsed) {
  return std::get_if<TomlValue>(&parsed);
}

Error not_what_is_meant(const std::string& file) {
  return Error(
      ErrorCode::kInternal,
      fmt::format("the new text of {} would not say what is meant; nothing was written", file));
}

// True: `with` is `without` and this destination.
bool differ_by(const TomlValue& with, const TomlValue& without, std::string_view name,
               const TomlValue* section) {
  TomlValue rest = with;
  const std::optional<TomlValue> taken = take_destination(&rest, name);
  TomlValue other = without;
  if (take_destination(&other, name)) return false;
  if (!taken || !same_value(rest, other)) return false;
  if (section == nullptr) return true;
  TomlValue alone = *section;
  const std::optional<TomlValue> meant = take_destination(&alone, name);
  return meant && alone.members.empty() && same_value(*taken, *meant);
}

Error first_issue(const LoadedConfig& loaded) {
  Error error = issue_error(loaded.issues.front());
  if (loaded.issues.size() > 1) {
    error.in(fmt::format("the first of {} problems", loaded.issues.size()));
  }
  return error;
}

int header_line(const LoadedConfig& loaded, const std::string& name) {
  const DestinationConfig* destination = loaded.config.find_destination(name);
  return destination == nullptr ? 0 : destination->origin.line;
}

Status check_added(const std::string& file, const std::string& name, const std::string& old_text,
                   const std::string& text, const std::string& section) {
  const auto before = parse_toml(old_text, file);
  const auto after = parse_toml(text, file);
  const auto alone = parse_toml(section, file);
  if (tree_of(before) == nullptr) return issue_error(std::get<ConfigIssue>(before));
  if (tree_of(alone) == nullptr) return not_what_is_meant(file);
  if (tree_of(after) == nullptr) {
    const TomlValue* there = tree_of(before)->find("destination");
    if (text.size() > kMaxConfigBytes || there == nullptr) {
      return issue_error(std::get<ConfigIssue>(after));
    }
    return Error(
               ErrorCode::kCfgValue,
               fmt::format("{}: destination is written as dotted keys or an inline table here, to "
                           "which no section can be added",
                           there->origin.line == 0 ? file : there->origin.text()))
        .with_hint(
            "Write each destination as a section of its own, [destination.NAME]; or name "
            "another file first with --config.");
  }
  if (!differ_by(*tree_of(after), *tree_of(before), name, tree_of(alone))) {
    return not_what_is_meant(file);
  }
  return ok_status();
}

}  // namespace

Status check_editable(const std::string& file) {
  struct stat about {};
  if (::lstat(file.c_str(), &about) != 0) return ok_status();
  const bool link = S_ISLNK(about.st_mode);
  if (link && ::stat(file.c_str(), &about) != 0) {
    return Error(ErrorCode::kCfgFile,
                 fmt::format("{} is a symbolic link to a file that is not there", file))
        .with_hint("Make that file (its first line is: version = 1), or take the link away.");
  }
  if (S_ISREG(about.st_mode)) return ok_status();
  return Error(ErrorCode::kCfgFile, fmt::format("{} is no ordinary file", file))
      .with_hint("Name another file with --config.");
}

Result<EditedConfig> add_destination(const std::vector<std::string>& files, const std::string& name,
                                     const std::string& section) {
  EditedConfig out;
  out.file = files.front();
  VESTO_TRY(check_editable(out.file));
  const std::filesystem::path path = real_path(out.file);
  VESTO_ASSIGN(const File lock, lock_directory(path.parent_path()));
  VESTO_ASSIGN(const std::optional<std::string> there,
               secret::read_whole(path.string(), kMaxConfigBytes));
  out.made = !there;
  const std::string old_text = there.value_or(std::string(kNewFile));
  // Under the lock: another process may have added it meanwhile.
  const LoadedConfig before = load_config_with(files, out.file, old_text);
  if (!before.issues.empty()) return first_issue(before);
  if (const DestinationConfig* twin = before.config.find_destination(name)) {
    return Error(ErrorCode::kCfgDuplicate, fmt::format("destination.{} is defined already at {}",
                                                       name, twin->origin.line_text()))
        .with_hint(fmt::format("Choose another name, or change it there; vesto destination remove "
                               "{} takes it out.",
                               name));
  }
  const std::string text = append_section(old_text, section);
  VESTO_TRY(check_added(out.file, name, old_text, text, section));
  out.loaded = load_config_with(files, out.file, text);
  if (!out.loaded.issues.empty()) return first_issue(out.loaded);
  out.line = header_line(out.loaded, name);
  VESTO_TRY(replace_config(path, lock, text));
  return out;
}

Result<EditedConfig> remove_destination(const std::vector<std::string>& files,
                                        const std::string& name) {
  const LoadedConfig first = load_config(files);
  if (!first.issues.empty()) return first_issue(first);
  const DestinationConfig* found = first.config.find_destination(name);
  if (found == nullptr) return no_object("destination", name, names_of(first.config.destinations));
  EditedConfig out;
  out.file = found->origin.file;
  const std::filesystem::path path = real_path(out.file);
  VESTO_ASSIGN(const File lock, lock_directory(path.parent_path()));
  VESTO_ASSIGN(const std::optional<std::string> old_text,
               secret::read_whole(path.string(), kMaxConfigBytes));
  if (!old_text) return file_error(out.file, "cannot be read", ENOENT);
  // Under the lock: another process may have taken it out meanwhile.
  const LoadedConfig now = load_config_with(files, out.file, *old_text);
  if (!now.issues.empty()) return first_issue(now);
  found = now.config.find_destination(name);
  if (found == nullptr || found->origin.file != out.file) {
    return no_object("destination", name, names_of(now.config.destinations));
  }
  const auto before = parse_toml(*old_text, out.file);
  if (tree_of(before) == nullptr) return issue_error(std::get<ConfigIssue>(before));
  const CutText cut = cut_destination(*old_text, name);
  const auto after = parse_toml(cut.text, out.file);
  const bool parts = cut.line != 0 && tree_of(after) != nullptr;
  if (TomlValue rest = parts ? *tree_of(after) : TomlValue();
      !parts || take_destination(&rest, name)) {
    return Error(
               ErrorCode::kCfgValue,
               fmt::format("{}: destination.{} is written as dotted keys or an inline table here, "
                           "which is not taken apart",
                           found->origin.text(), name))
        .with_hint("Remove it there by hand.");
  }
  if (!differ_by(*tree_of(before), *tree_of(after), name, nullptr)) {
    return not_what_is_meant(out.file);
  }
  out.loaded = load_config_with(files, out.file, cut.text);
  if (!out.loaded.issues.empty()) return first_issue(out.loaded);
  out.line = found->origin.line;
  VESTO_TRY(replace_config(path, lock, cut.text));
  return out;
}

}  // namespace vesto
