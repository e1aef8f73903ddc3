#include "store/place.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>

#include "base/private_dir.h"

namespace vesto::store {

namespace {

// WAL needs memory that is shared between processes; network file systems have none.
bool on_network_file_system(const std::string& dir) {
  struct statfs info {};
  if (statfs(dir.c_str(), &info) != 0) return false;
  constexpr uint32_t kNfs = 0x6969;
  constexpr uint32_t kSmb = 0x517B;
  constexpr uint32_t kCifs = 0xFF534D42;
  constexpr uint32_t kSmb2 = 0xFE534D42;
  const auto type = static_cast<uint32_t>(info.f_type);
  return type == kNfs || type == kSmb || type == kCifs || type == kSmb2;
}

// Who owns the data directory, and the line to paste.
std::string access_hint(const std::string& dir) {
  struct stat about {};
  if (::stat(dir.c_str(), &about) != 0) return "";
  return fmt::format(
      "It belongs to uid {}, this process runs as uid {}. Run as that user, or: "
      "sudo chown -R {} '{}'",
      about.st_uid, ::geteuid(), ::geteuid(), dir);
}

}  // namespace

Status make_place(const std::string& dir, const std::string& path) {
  VESTO_TRY(make_private_dir(dir));
  if (on_network_file_system(dir)) {
    return Error(ErrorCode::kSysStore,
                 fmt::format("data directory {} lies on a network file system", dir))
        .with_hint("Name a directory on a local disk with --data.");
  }
  // SQLite gives its side files the mode of the main file.
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    const int code = errno;
    Error error = system_error(fmt::format("local store {} cannot be opened", path), code);
    if (code == EACCES) error.with_hint(access_hint(dir));
    return error;
  }
  ::close(file);
  return ok_status();
}

}  // namespace vesto::store
